"""Flows made up by hypothesis: any steps, leading anywhere. No check has to pass them; the engine must bear them all.

A flow is made as data and written as JSON, which is YAML. Each kind of step has its maker; `test_any_order` fails for
a kind without one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

Data = dict[str, Any]
Maker = Callable[["World"], st.SearchStrategy[Data]]

WORDS = ("red", "blue", "agent", "go back", "help", "stop", "repeat")
"""What callers may say in made flows; they say other things as well."""
KEYS = ("1", "2", "12", "3", "0", "##", "*", "*9")
VARIABLES = ("a", "b", "c")


class World:
    """What the steps of one flow can refer to."""

    def __init__(self, steps: list[str], parts: list[str]) -> None:
        self.steps = steps
        self.parts = parts
        """Flows that it can run."""

    @property
    def target(self) -> st.SearchStrategy[str]:
        """Where a call may go on."""
        return st.sampled_from([*self.steps, *self.steps, "repeat", "back", "help", "hang_up", "return"])


def some(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[Data]:
    """A group with any of the keys."""
    return st.fixed_dictionaries({}, optional=keys)


TEXTS = st.sampled_from(["Hello.", "Well?", "", "It is {{ a }}.", "{{ b | number }}", "{{ c | date }}", "{{ d }}"])
PROMPTS = st.one_of(
    TEXTS,
    st.just("sounds/en/hello.wav"),
    st.lists(st.one_of(TEXTS, st.just({"pause": "1s"})), min_size=1, max_size=3),
    st.just({"1": "First.", "2": "Then."}),
)
TEXT_LISTS = st.lists(TEXTS, min_size=1, max_size=2)
CONDITIONS = st.sampled_from(
    ["a == 1", "b", "step.visits > 2", "c is defined", "d > 1", "call.language == 'en'", "step.attempt > 1", "a / 0"]
)
VALUES = st.one_of(
    st.integers(-2, 3),
    st.sampled_from(["", "x", "{{ a }}", "{{ a + 1 }}", "{{ d }}", "{{ [a, b] }}", "{{ call }}"]),
    st.booleans(),
)
BARGE_IN = st.sampled_from(["none", "digits", "speech", "any", "match"])
SECONDS = st.sampled_from(["0s", "500ms", "2s", "6s"])
PHRASES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=2)


def settings(world: World) -> dict[str, st.SearchStrategy[Any]]:
    """What every question may set."""
    return {
        "first_input_timeout": SECONDS,
        "inter_digit_timeout": SECONDS,
        "max_attempts": st.integers(1, 3),
        "barge_in": BARGE_IN,
        "confirm": st.sampled_from(["always", "low_confidence", "never"]),
        "confirm_prompt": st.sampled_from(["Was it {{ heard }}?", "Right?"]),
        "no_input": TEXT_LISTS,
        "no_match": TEXT_LISTS,
        "invalid": TEXT_LISTS,
        "help": TEXT_LISTS,
        "reprompt": st.booleans(),
        "failed": world.target,
    }


def choices(world: World, *, with_go: bool) -> st.SearchStrategy[Data]:
    more = {"go": world.target} if with_go else {}
    choice = some(keys=st.sampled_from(KEYS), say=PHRASES, **more)
    return st.dictionaries(st.sampled_from(["x", "y", "z"]), choice, min_size=1)


KINDS_OF_ANSWERS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "digits": {
        "length": st.integers(1, 4),
        "min_length": st.integers(1, 4),
        "max_length": st.integers(1, 4),
        "terminator": st.sampled_from(["#", "*", ""]),
    },
    "number": {"minimum": st.integers(0, 9), "maximum": st.integers(5, 200), "unit": PHRASES},
    "yes_no": {},
    "choice": {"choices_from": st.sampled_from(VARIABLES)},
    "date": {"earliest": st.sampled_from(["today", "2026-11-01"]), "latest": st.just("+30d"), "future": st.booleans()},
    "time": {"earliest": st.just("08:00"), "latest": st.just("18:00")},
    "amount": {"currency": st.sampled_from(["EUR", "USD"]), "keyed": st.sampled_from(["point", "cents"])},
    "phone": {"region": st.sampled_from(["DE", "US"])},
    "rating": {"scale": st.sampled_from(["1..5", "0..10"])},
    "free": {"max_words": st.integers(1, 5), "terminator": st.sampled_from(["#", "*", ""])},
}


def value(world: World, *, exits: bool) -> st.SearchStrategy[Data]:
    """`ask: …` with what belongs to its kind."""

    def of_kind(kind: str) -> st.SearchStrategy[Data]:
        fixed: dict[str, st.SearchStrategy[Any]] = {"ask": st.just(kind), "prompt": PROMPTS}
        more = dict(KINDS_OF_ANSWERS[kind])
        if exits and kind == "yes_no":
            more |= {"confirmed": world.target, "denied": world.target}
        if exits and kind == "choice":
            more["empty"] = world.target
        if exits and kind == "free":
            more["skipped"] = world.target
        plain = st.fixed_dictionaries(fixed, optional={**more, "keys_prompt": PROMPTS, "sensitive": st.booleans()})
        if kind != "choice":
            return plain
        written = st.fixed_dictionaries({**fixed, "choices": choices(world, with_go=False)})
        return st.one_of(written, plain)

    return st.sampled_from(sorted(KINDS_OF_ANSWERS)).flatmap(of_kind)


def joined(*parts: st.SearchStrategy[Data]) -> st.SearchStrategy[Data]:
    """One group out of several."""
    return st.tuples(*parts).map(lambda found: {key: item for part in found for key, item in part.items()})


def asking(world: World) -> st.SearchStrategy[Data]:
    return some(**settings(world), commands=st.just([]))


def into() -> st.SearchStrategy[str]:
    return st.sampled_from(VARIABLES)


def fixed(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[Data]:
    return st.fixed_dictionaries(keys)


def say(world: World) -> st.SearchStrategy[Data]:
    return joined(fixed(say=PROMPTS), some(barge_in=BARGE_IN))


def menu(world: World) -> st.SearchStrategy[Data]:
    own = joined(fixed(prompt=PROMPTS, choices=choices(world, with_go=True)), some(keys_prompt=PROMPTS))
    return joined(fixed(menu=own), some(into=into()), asking(world))


def ask(world: World) -> st.SearchStrategy[Data]:
    return joined(asking(world), value(world, exits=True), fixed(into=into()))


def fields(world: World) -> st.SearchStrategy[Data]:
    field = joined(value(world, exits=False), some(say=PHRASES, into=into(), **settings(world)))
    return st.dictionaries(st.sampled_from(["one", "two", "three"]), field, min_size=1)


def form(world: World) -> st.SearchStrategy[Data]:
    own = joined(fixed(fields=fields(world)), some(prompt=PROMPTS, change_prompt=PROMPTS))
    return joined(fixed(form=own), asking(world))


def survey(world: World) -> st.SearchStrategy[Data]:
    item = joined(value(world, exits=False), some(**{"if": CONDITIONS}))
    questions = st.dictionaries(st.sampled_from(["one", "two", "three"]), item, min_size=1)
    own = joined(
        fixed(questions=questions),
        some(intro=PROMPTS, thanks=PROMPTS, opt_out=st.just({"keys": "*5", "say": ["stop"]})),
    )
    return joined(fixed(survey=own), some(opted_out=world.target))


def record(world: World) -> st.SearchStrategy[Data]:
    own = joined(
        fixed(prompt=PROMPTS), some(review=st.booleans(), beep=st.booleans(), terminator=st.sampled_from(["#", "any"]))
    )
    return joined(fixed(record=own, into=into()), some(failed=world.target, max_attempts=st.integers(1, 3)))


def set_variables(world: World) -> st.SearchStrategy[Data]:
    return fixed(set=st.dictionaries(st.sampled_from(VARIABLES), VALUES, min_size=1))


def when(world: World) -> st.SearchStrategy[Data]:
    branch = fixed(**{"if": CONDITIONS, "go": world.target})
    return fixed(when=st.lists(branch, min_size=1, max_size=3))


def language(world: World) -> st.SearchStrategy[Data]:
    return fixed(language=st.sampled_from(["en-US", "de-DE", "{{ call.language }}", "{{ a }}", "fr"]))


def tag(world: World) -> st.SearchStrategy[Data]:
    return fixed(tag=st.one_of(st.just("seen"), st.dictionaries(st.sampled_from(["seen", "more"]), VALUES, min_size=1)))


def run(world: World) -> st.SearchStrategy[Data]:
    names = st.sampled_from([*world.parts, "nothing"])
    given = st.dictionaries(st.sampled_from(VARIABLES), VALUES)
    results = st.one_of(into(), st.dictionaries(into(), st.sampled_from(["r", "s"]), min_size=1))
    return joined(fixed(run=names), some(**{"with": given, "into": results, "found": world.target}))


def give_back(world: World) -> st.SearchStrategy[Data]:
    own = some(outcome=st.just("found"), values=st.dictionaries(st.sampled_from(["r", "s"]), VALUES))
    return fixed(**{"return": st.one_of(st.just(True), own)})


def transfer(world: World) -> st.SearchStrategy[Data]:
    own = joined(
        fixed(to=st.just("agent")),
        some(
            ring=st.just("all"),
            announce=PROMPTS,
            hold=PROMPTS,
            whisper=PROMPTS,
            accept=st.sampled_from(["answer", "key"]),
        ),
    )
    return joined(fixed(transfer=own), some(busy=world.target, failed=world.target, after=world.target))


def queue(world: World) -> st.SearchStrategy[Data]:
    own = joined(
        fixed(name=st.just("support")),
        some(
            announce=PROMPTS,
            music=PROMPTS,
            whisper=PROMPTS,
            comfort=st.one_of(PROMPTS, st.just("{{ queue.position }} {{ queue.wait_s | number }}")),
            tell=st.lists(st.sampled_from(["position", "wait"]), max_size=2, unique=True),
            tell_every=st.sampled_from(["0s", "10s", "45s"]),
            priority=st.sampled_from([3, "{{ a }}", "{{ d }}"]),
            callback_key=st.sampled_from(["1", "5"]),
            callback_number=st.sampled_from(["{{ a }}", "030 123456", "{{ d }}"]),
            return_key=st.just("*"),
            notify=st.just("crm"),
        ),
    )
    keys = st.dictionaries(st.sampled_from(["1", "2", "#", "*"]), world.target, max_size=2)
    exits = some(
        keys=keys,
        commands=st.just([]),
        full=world.target,
        too_long=world.target,
        callback=world.target,
        after=world.target,
        failed=world.target,
    )
    return joined(fixed(queue=st.one_of(st.just("support"), own)), exits)


def answer(world: World) -> st.SearchStrategy[Data]:
    return fixed(answer=st.sampled_from([True, {"after": "3s"}]))


def hang_up(world: World) -> st.SearchStrategy[Data]:
    return fixed(hang_up=st.sampled_from([True, {"status": 486}, {"cause": 16}]))


def hours(world: World) -> st.SearchStrategy[Data]:
    return joined(fixed(hours=st.just("office")), some(open=world.target, closed=world.target, holiday=world.target))


WAITING = some(prompt=PROMPTS, after=SECONDS, every=st.sampled_from(["1s", "2s"])).filter(lambda own: "prompt" in own)


def request(world: World) -> st.SearchStrategy[Data]:
    urls = st.sampled_from(["https://crm.example.com/", "https://crm.example.com/{{ a }}", "https://x.org/{{ d }}"])
    own = joined(
        fixed(get=urls),
        some(into=into(), sensitive=st.booleans(), map=st.dictionaries(into(), st.sampled_from(["x.y", "z"]))),
    )
    exits = some(error=world.target, timeout=world.target, not_found=world.target, waiting=WAITING)
    return joined(fixed(request=own), exits)


def send(world: World) -> st.SearchStrategy[Data]:
    plain = joined(fixed(webhook=st.just("crm")), some(variables=st.lists(st.sampled_from(VARIABLES), max_size=2)))
    awaited = fixed(message=st.just("agent"), text=TEXTS.filter(bool), wait=st.just(True))
    exits = some(sent=world.target, failed=world.target, waiting=WAITING)
    return st.one_of(fixed(send=plain), joined(fixed(send=awaited), exits))


def video(world: World) -> st.SearchStrategy[Data]:
    receivers = st.sampled_from([{"webhook": "crm", "text": "{{ a }}"}, {"message": "agent"}, {"mail": "{{ d }}"}])
    own = joined(fixed(room=st.just("support")), some(invite=st.lists(receivers, max_size=2), announce=PROMPTS))
    exits = some(nobody=world.target, failed=world.target, after=world.target, waiting=WAITING)
    return joined(fixed(video=own), exits)


MAKERS: dict[str, Maker] = {
    "say": say,
    "menu": menu,
    "ask": ask,
    "form": form,
    "survey": survey,
    "record": record,
    "set": set_variables,
    "when": when,
    "language": language,
    "tag": tag,
    "run": run,
    "return": give_back,
    "transfer": transfer,
    "queue": queue,
    "answer": answer,
    "hang_up": hang_up,
    "hours": hours,
    "request": request,
    "send": send,
    "video": video,
}
"""By kind of step."""


def command(world: World) -> st.SearchStrategy[Data]:
    """Something that a caller may ask for everywhere."""
    return some(
        keys=st.sampled_from(KEYS), say=PHRASES, go=world.target, language=st.sampled_from(["en-US", "de-DE", "fr-FR"])
    )


@st.composite
def flow_data(draw: st.DrawFn, name: str = "made", parts: tuple[str, ...] = ()) -> Data:
    """One flow that runs some others."""
    kinds = draw(st.lists(st.sampled_from(sorted(MAKERS)), min_size=1, max_size=7))
    names = [f"s{number}" for number in range(len(kinds))]
    world = World(names, list(parts))
    own = some(next=world.target, on_error=world.target)
    steps = {name: draw(joined(MAKERS[kind](world), own)) for name, kind in zip(names, kinds, strict=True)}
    more = some(
        answer=st.just("later"),
        languages=st.just(["de-DE"]),
        defaults=some(**settings(world)),
        commands=st.dictionaries(st.sampled_from(["m", "n"]), command(world)),
        on_error=world.target,
        on_hang_up=fixed(go=st.sampled_from(names), always=st.booleans()),
    )
    variables = draw(st.dictionaries(st.sampled_from(VARIABLES), st.sampled_from([0, 1, "", "x", ["red", "blue"]])))
    return {"flow": name, "start": names[0], "variables": variables, **draw(more), "steps": steps}


def programs() -> st.SearchStrategy[list[str]]:
    """Texts of flows, the first of which is called and may run the others."""
    several = st.tuples(flow_data("made", ("first", "second")), flow_data("first", ("second",)), flow_data("second"))
    return several.map(lambda flows: [json.dumps(flow) for flow in flows])
