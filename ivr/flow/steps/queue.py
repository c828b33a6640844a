"""`queue`: the caller waits for an agent.

    enter ──► announce ──► waiting ──► talking ──► the call is over, or `after`, `returned`
                            │   │ a key, a command, the call back
                            │   └──► leaving ──► that exit; an agent who was quicker: talking
                            └──► `full`, `too_long`, `failed`

While the caller waits he is told at times how long it takes. An exit is taken only when the queue has let go: until
then an agent may be quicker than the key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from ivr.flow import commands as c
from ivr.flow import events as e
from ivr.flow import frames, templates
from ivr.flow.digits import KeyMatch, match_keys
from ivr.flow.keeping import keep
from ivr.flow.model import BUILT_IN_TARGETS, Flow
from ivr.flow.run import Run
from ivr.flow.segments import Speech
from ivr.flow.state import Input, InQueue, Phase
from ivr.flow.steps.handing_over import ACCEPT_WITHIN_S, answers_of, context_of, notify
from ivr.flow.steps.kind import END, Exit, StepKind
from ivr.flow.steps.queue_keys import Meaning, commands_in, meant, number_to_call
from ivr.flow.steps.queue_model import HIGHEST_PRIORITY, LOWEST_PRIORITY, Queue, QueueStep
from ivr.flow.steps.queue_telling import telling
from ivr.flow.templates import TemplateFailed

VARIABLE = "queue"
"""Takes `{name, position, wait_s, waited_s, agent}`."""

WAITING, LEAVING, TALKING = "waiting", "leaving", "talking"

FAILURES = ("full", "too_long")
"""Exits by which a caller comes back without an agent, besides `failed`."""


# --- into the queue


def _enter(run: Run, name: str, found: QueueStep) -> None:
    queue = found.queue
    if not run.is_announced:
        _keep(run, InQueue(queue.name), position=None, wait_s=None)
        if queue.announce:
            run.queue(run.segments(queue.announce), "none")
    if run.flush(name, is_announced=True):
        return
    command = _command(run, found)  # raises before anything is done
    run.state.phase = Phase.QUEUEING
    run.state.in_queue = InQueue(queue.name)
    run.state.typed_ahead = ""
    run.state.input = Input(started_at_s=run.at_s)
    if queue.notify:
        notify(run, queue.notify, {**command.context, "queue": queue.name, "answers": command.answers})
    run.emit(command)
    _ask_standing(run, queue)


def _command(run: Run, found: QueueStep) -> c.EnterQueue:
    queue = found.queue
    return c.EnterQueue(
        queue=queue.name,
        hold=run.segments(queue.music) if queue.music else (),
        priority=_priority(run, queue),
        skills=queue.skills,
        whisper=run.segments(queue.whisper) if queue.whisper else (),
        needs_key=queue.accept == "key",
        accept_within_s=queue.accept_within or ACCEPT_WITHIN_S,
        comes_back=found.after is not None,
        return_key=queue.return_key or "",
        returns_to=_returns_to(run, found) if queue.return_key else "",
        context=context_of(run),
        answers=answers_of(run, queue.context),
    )


def _returns_to(run: Run, found: QueueStep) -> str:
    target = _exit(run.flow, found, e.QueueOutcome.RETURNED)
    step = run.steps.get(target)
    return target if step is None or step.action != "video" else step.action


def _priority(run: Run, queue: Queue) -> int | None:
    """Raises TemplateFailed for a value that is no number."""
    value = templates.evaluate_set(queue.priority, run.variables, run.state.language)
    if value is None or value == "":
        return None
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise TemplateFailed(f"priority is {value!r}, which is no number") from error
    return min(max(number, LOWEST_PRIORITY), HIGHEST_PRIORITY)


def _ask_standing(run: Run, queue: Queue) -> None:
    """Where the caller stands; asked again even where no answer comes."""
    run.emit(c.AskStanding())
    _tell_later(run, queue)


def _tell_later(run: Run, queue: Queue) -> None:
    if queue.tell_every > 0 and queue.says_something:
        run.start_timer(queue.tell_every)


# --- while he is in it


def _handle(run: Run, found: QueueStep, event: e.Event) -> None:
    here = run.state.in_queue
    if run.state.phase is not Phase.QUEUEING or here is None:
        return
    match event:
        case e.QueueEnded():
            _ended(run, found, here, event)
        case e.QueueConnected() if here.stage != TALKING:
            _connected(run, here, event)
        case e.QueueStays() if here.stage == LEAVING and not here.goes_to:
            _no_callback(run, found.queue, here, here.by_key)
        case e.QueueStanding() if here.stage == WAITING:
            _stands(run, found.queue, here, event)
        case e.DigitPressed(digit=digit) if here.stage == WAITING:
            _pressed(run, found, here, digit)
        case e.TimerFired(timer_id=timer_id) if timer_id == run.state.timer_id:
            run.state.timer_id = ""
            _ask_standing(run, found.queue)
        case e.PromptFinished() | e.PromptFailed() if here.stage == WAITING:
            _tell_later(run, found.queue)


def _stands(run: Run, queue: Queue, here: InQueue, event: e.QueueStanding) -> None:
    here = run.state.in_queue = replace(here, name=event.queue or here.name, told=here.told + 1)
    _keep(run, here, position=event.position, wait_s=event.estimated_wait_s)
    said = telling(run, queue, event.position, event.estimated_wait_s, here.told)
    if said:
        run.cancel_timer()
        run.play(said)


def _connected(run: Run, here: InQueue, event: e.QueueConnected) -> None:
    _quiet(run)
    talking = InQueue(event.queue or here.name, TALKING, agent=event.agent, waited_s=event.waited_s)
    run.state.in_queue = talking
    run.state.steps_without_input = 0
    _keep(run, talking)


def _quiet(run: Run) -> None:
    run.cancel_timer()
    run.stop_prompt()


# --- keys


def _pressed(run: Run, found: QueueStep, here: InQueue, digit: str) -> None:
    known = meant(run.flow, found)
    typed, is_known = _typed(run, known, digit)
    if not is_known:
        return
    held = run.state.input
    held.typed, held.waiting_since_s = typed, run.at_s
    meaning = known.get(typed)
    if meaning is None:
        return  # a command of several keys has begun
    held.typed = ""
    run.state.steps_without_input = 0
    _obey(run, found, here, meaning)


def _typed(run: Run, known: Mapping[str, Meaning], digit: str) -> tuple[str, bool]:
    """The keys that belong together, and whether they mean something, or may yet."""
    held = run.state.input
    is_late = run.at_s - held.waiting_since_s > run.flow.defaults.inter_digit_timeout
    for typed in (digit,) if is_late else (held.typed + digit, digit):
        if match_keys(typed, known) is not KeyMatch.NONE:
            return typed, True
    return digit, False


def _obey(run: Run, found: QueueStep, here: InQueue, meaning: Meaning) -> None:
    language = run.flow.commands[meaning.command].language if meaning.command else None
    if language:
        run.change_language(language)
    if not meaning.goes_to:
        _asks_callback(run, found, here, meaning)
    elif meaning.goes_to in ("repeat", "help") and meaning.goes_to not in run.steps:
        if meaning.command:
            _note_command(run, meaning.command, meaning.key)
        _ask_standing(run, found.queue)
    else:
        _leave(run, here, meaning)
        run.emit(c.LeaveQueue(meaning.goes_to))


def _leave(run: Run, here: InQueue, meaning: Meaning) -> None:
    _quiet(run)
    run.state.in_queue = replace(
        here, stage=LEAVING, goes_to=meaning.goes_to, by_key=meaning.key, command=meaning.command
    )


def _asks_callback(run: Run, found: QueueStep, here: InQueue, meaning: Meaning) -> None:
    number = number_to_call(run, found)
    if number is not None:
        _leave(run, here, meaning)
        run.emit(c.AskCallback(number))
    else:
        _no_callback(run, found.queue, here, meaning.key)


def _no_callback(run: Run, queue: Queue, here: InQueue, key: str) -> None:
    """He waits on, and is told so."""
    here = replace(here, stage=WAITING, goes_to="", by_key="", command="")
    run.state.in_queue = here
    waited = replace(here, waited_s=run.at_s - run.state.input.started_at_s)
    _note(run, "no_callback", waited, mode="dtmf", heard=key, detail="nobody is called at that number")
    _quiet(run)
    words = run.language.queue
    if words is not None:
        run.play((Speech(words.no_callback, run.state.language),))
    else:
        _tell_later(run, queue)


def _note_command(run: Run, name: str, keys: str) -> None:
    run.note("command", "match", started_at_s=run.state.input.started_at_s, mode="dtmf", heard=keys, meaning=name)


# --- out of it


def _ended(run: Run, found: QueueStep, here: InQueue, event: e.QueueEnded) -> None:
    _quiet(run)
    here = replace(here, agent=event.agent or here.agent, waited_s=here.waited_s or event.waited_s)
    if here.stage != TALKING and not here.waited_s:
        here = replace(here, waited_s=run.at_s - run.state.input.started_at_s)
    run.state.in_queue = None
    _keep(run, here)
    is_left = event.outcome in (e.QueueOutcome.LEFT, e.QueueOutcome.CALLBACK)
    pressed = {"mode": "dtmf", "heard": here.by_key} if is_left and here.by_key else {}
    _note(run, event.outcome, here, detail=event.detail, **pressed)
    if event.outcome is e.QueueOutcome.CONNECTED:
        run.end(ended_by="transfer")
    elif event.outcome is e.QueueOutcome.LEFT and here.stage == LEAVING and here.goes_to:
        _go(run, here)
    else:
        run.goto(_exit(run.flow, found, event.outcome))


def _go(run: Run, here: InQueue) -> None:
    """Where the caller wanted to; a command may belong to a flow that runs this one."""
    if here.command:
        _note_command(run, here.command, here.by_key)
        depth = run.commands_depth
        owner = run.flow_at(depth)
        if here.goes_to in owner.steps or here.goes_to not in BUILT_IN_TARGETS:
            while len(run.state.frames) > depth:
                frames.leave(run)
    run.goto(here.goes_to)


def _exit(flow: Flow, found: QueueStep, outcome: e.QueueOutcome) -> str:
    """Target after everything but a talk with which the call is over."""
    rest = found.failed or flow.defaults.failed or END
    match outcome:
        case e.QueueOutcome.AFTER:
            return found.after or END
        case e.QueueOutcome.RETURNED:
            return found.returned or found.after or END
        case e.QueueOutcome.FULL | e.QueueOutcome.TOO_LONG | e.QueueOutcome.CALLBACK:
            return getattr(found, outcome) or rest
    return rest


def _note(run: Run, outcome: str, here: InQueue, *, mode: str = "", heard: str = "", detail: str = "") -> None:
    """A line of the record; its meaning is the agent, or the queue where nobody was talked to."""
    waited = f"waited {round(here.waited_s)} s"
    run.note(
        "queue",
        outcome,
        started_at_s=run.state.input.started_at_s,
        mode=mode,
        heard=heard,
        meaning=here.agent or here.name,
        detail=f"{waited}; {detail}" if detail else waited,
    )


def _caller_left(run: Run, found: QueueStep) -> None:
    here = run.state.in_queue
    if run.state.phase is not Phase.QUEUEING or here is None:
        return
    run.state.in_queue = None
    is_talking = here.stage == TALKING
    if not is_talking:
        here = replace(here, waited_s=run.at_s - run.state.input.started_at_s)
    _keep(run, here)
    _note(run, e.QueueOutcome.CONNECTED if is_talking else "hung_up", here)


def give_up(run: Run) -> bool:
    """The call has reached its longest time: its wait is over. False for a talk with an agent, which goes on."""
    here = run.state.in_queue
    if run.state.phase is not Phase.QUEUEING or here is None:
        return True
    if here.stage == TALKING:
        return False
    run.state.in_queue = None
    if here.stage == WAITING:
        run.emit(c.LeaveQueue(END))
    return True


# --- what the flow knows of it


def _keep(run: Run, here: InQueue, **standing: float | None) -> None:
    """Fill the variable; what is not told anew stays as it was."""
    before = run.state.variables.get(VARIABLE) if run.state.phase is Phase.QUEUEING else None
    known = dict(before) if isinstance(before, Mapping) else {"position": None, "wait_s": None}
    told = {key: None if value is None else round(value) for key, value in standing.items()}
    value = {**known, "name": here.name, **told, "waited_s": round(here.waited_s), "agent": here.agent}
    keep(run, VARIABLE, MappingProxyType(value), is_sensitive=False)


# --- what the check must know


def _exits(flow: Flow, step: QueueStep) -> Iterator[Exit]:
    rest = step.failed or END  # to leave it out is an error of its own
    for key, target in step.keys.items():
        yield Exit(key, target, without_caller=False, keeps_answer=True)
    for key in FAILURES:
        yield Exit(key, getattr(step, key) or rest, keeps_answer=True)
    yield Exit("failed", rest, keeps_answer=True)
    if step.queue.callback_key:
        yield Exit("callback", step.callback or rest, without_caller=False, keeps_answer=True)
    if step.after:
        yield Exit("after", step.after, without_caller=False, keeps_answer=True)
    if step.queue.return_key:
        yield Exit("returned", step.returned or step.after or END, without_caller=False, keeps_answer=True)
    for name, command in commands_in(flow, step).items():
        yield Exit(name, command.go, without_caller=False, keeps_answer=True)


KIND = StepKind(
    QueueStep,
    _enter,
    _handle,
    _caller_left,
    exits=_exits,
    variables=lambda step: frozenset({VARIABLE}),
    needs_next=lambda step: False,
    needs_answer=True,
    ends_call=True,
)
