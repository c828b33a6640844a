"""From prompts to segments and texts."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ivr.flow.loader import load_flow
from ivr.flow.parts import Prompt
from ivr.flow.prompts import fixed_prompts, languages_of, segments_of, text_of
from ivr.flow.segments import Pause, SoundFile, Speech

pytestmark = pytest.mark.unit

PROMPT = Prompt.model_validate(
    [
        "Hello {{ name }}",
        {"en": "Good day", "en-GB": "Cheers", "de": "Guten Tag"},
        "sounds/en/beep.wav",
        {"pause": "500ms"},
    ]
)
FLOW = """
flow: shop
language: en-US
languages: [fr-FR]
start: hello
commands:
  german: {keys: "9", language: de-DE}
steps:
  hello: {say: ["Hello.", "Dear {{ call.name }}", ""], next: main}
  main:
    menu:
      prompt: {en: "Press 1.", de: "Drücken Sie 1."}
      choices: {one: {keys: "1", go: hang_up}}
    no_input: ["Are you there?", {en: "Hm?", de: "Hm!"}]
"""


def test_segments_in_the_calls_language() -> None:
    beep, rest = SoundFile("sounds/en/beep.wav"), Pause(0.5)
    assert segments_of(PROMPT, {"name": "Ann"}, "en-US") == (
        Speech("Hello Ann", "en-US"), Speech("Good day", "en-US"), beep, rest,
    )  # fmt: skip
    assert segments_of(PROMPT, {"name": "Ann"}, "en-GB")[1] == Speech("Cheers", "en-GB")
    assert segments_of(PROMPT, {"name": "Ann"}, "fr-FR")[1] == Speech("Good day", "fr-FR")


def test_text_for_the_record() -> None:
    assert text_of(PROMPT, {"name": "***"}, "de-DE") == "Hello *** Guten Tag [sounds/en/beep.wav]"


def test_an_item_without_text_says_nothing() -> None:
    nothing = Prompt.model_validate({"items": [{}]})
    assert text_of(nothing, {}, "en") == ""
    assert segments_of(nothing, {}, "en") == (Speech("", "en"),)


def test_fixed_prompts_hold_every_text_that_is_known_before_a_call() -> None:
    flow = load_flow(FLOW, "shop.yaml").flow
    assert languages_of(flow) == ("en-US", "fr-FR", "de-DE")
    english = {s.text for (s,) in fixed_prompts(flow) if isinstance(s, Speech) and s.language == "en-US"}
    assert {"Hello.", "Press 1.", "Are you there?", "Hm?"} <= english
    assert {"Sorry, I did not hear anything.", "Sorry, I did not understand that."} <= english
    assert "" not in english and not any("call.name" in text for text in english)
    assert (Speech("Drücken Sie 1.", "de-DE"),) in fixed_prompts(flow)


def test_marks_of_a_text_are_with_the_segment() -> None:
    prompt = Prompt.model_validate([{"text": {"en": "Now.", "de": "Jetzt."}, "emphasis": "strong", "rate": "slow"}])
    assert segments_of(prompt, {}, "de") == (Speech("Jetzt.", "de", rate="slow", emphasis="strong"),)
    assert text_of(prompt, {}, "en") == "Now."


def test_a_text_with_marks_may_be_one_for_every_language() -> None:
    prompt = Prompt.model_validate([{"text": "{{ code }}", "rate": "slow"}, {"text": "Hello."}])
    found = segments_of(prompt, {"code": "4711"}, "en-US")
    assert [segment.text for segment in found if isinstance(segment, Speech)] == ["4711", "Hello."]


@pytest.mark.parametrize("marks", [{"rate": "slowly"}, {"emphasis": "very"}, {"rate": 2}])
def test_a_mark_that_is_not_known_is_refused(marks: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=r"x-slow|moderate"):
        Prompt.model_validate([{"text": "Now.", **marks}])


def test_a_copy_of_a_flow_looks_again_whether_it_speaks_values() -> None:
    flow = load_flow(
        'flow: f\nlanguage: en\nstart: a\nsteps: {a: {say: "Hello.", next: hang_up}, b: {say: "{{ call.from }}"}}\n',
        "f.yaml",
    ).flow
    assert flow.speaks_values
    assert not flow.model_copy(update={"steps": {"a": flow.steps["a"]}}).speaks_values
