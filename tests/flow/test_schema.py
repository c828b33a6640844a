"""The JSON Schema against a real validator: it takes what the bot takes, and refuses what is wrong in shape."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from ivr.cli.model_notes import field_notes
from ivr.cli.settings_schema import settings_schema
from ivr.flow.model import MenuStep
from ivr.flow.schema import flow_schema
from ivr.flow.steps.registry import STEP_KINDS
from ivr.flow.steps.transfer_model import TransferStep
from ivr.yaml_source import read_yaml
from tests.flow.checking import problems_of_text

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
FLOWS = ROOT / "tests" / "data" / "flows"
GOOD = sorted([*(FLOWS / "good").glob("*.yaml"), *(ROOT / "flows").glob("**/[!.]*.yaml")])
BAD = sorted((FLOWS / "bad").glob("*.yaml"))

SHAPE = {
    "bad_value",
    "empty",
    "missing_key",
    "no_steps",
    "not_allowed",
    "out_of_range",
    "step_kind",
    "unknown_key",
    "wrong_type",
}
"""Rules of the check that are about shape alone."""

NOT_ABOUT_SHAPE = {
    "answer_after_too_long",
    "language_step_tag",
    "phone_region",
    "queue_told_too_often",
    "request_body_of_get",
    "request_host_header",
    "request_post_again",
    "request_two_methods",
    "send_failed_without_wait",
    "send_to_two",
    "send_without_text",
    "tag_name",
}
"""Bad flows whose keys and types are right: what is wrong is between two keys, or needs more than a pattern."""

SCHEMA = flow_schema(field_notes)
FLOW = Draft7Validator(SCHEMA)
SETTINGS = Draft7Validator(settings_schema(field_notes))


def data_of(text: str) -> Any:
    return read_yaml(text, "f.yaml").data


def text_of(file: Path) -> str:
    return file.read_text(encoding="utf-8").split("# expected:\n")[0]


def step(text: str) -> Any:
    return data_of(f"flow: f\nstart: main\nsteps:\n  main: {text}\n")


def test_the_schemas_are_schemas() -> None:
    Draft7Validator.check_schema(SCHEMA)
    Draft7Validator.check_schema(settings_schema(field_notes))


@pytest.mark.parametrize("file", [file for file in GOOD if not file.name.endswith(".test.yaml")], ids=lambda f: f.stem)
def test_a_good_flow_passes(file: Path) -> None:
    assert [error.message for error in FLOW.iter_errors(data_of(text_of(file)))] == []


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_a_flow_that_is_wrong_in_shape_fails_and_no_other(file: Path) -> None:
    text = text_of(file)
    data = data_of(text)
    if data is None:
        pytest.skip("this is no YAML")
    rules = {problem.rule for problem in problems_of_text(text)}
    if "empty_prompt" in rules:
        pytest.skip("an empty text is refused by both, an empty list by the check alone")
    assert FLOW.is_valid(data) is (file.stem in NOT_ABOUT_SHAPE or not rules & SHAPE)


def test_the_shipped_settings_pass_and_a_misspelt_one_fails() -> None:
    text = (ROOT / "ivr.yaml").read_text(encoding="utf-8")
    assert SETTINGS.is_valid(data_of(text))
    assert not SETTINGS.is_valid(data_of(text.replace("udp: true", "upd: true")))
    assert not SETTINGS.is_valid(data_of("sip: {port: five}"))


def test_settings_may_come_from_the_environment_and_a_password_only_from_there() -> None:
    account = "sip: {port: '${PORT}', accounts: {office: {uri: 'sip:1@x', password: %s}}}"
    assert SETTINGS.is_valid(data_of(account % "'${PASSWORD}'"))
    assert not SETTINGS.is_valid(data_of(account % "hunter2"))


def test_a_mistake_in_a_step_is_told_by_the_branch_of_its_kind() -> None:
    (error,) = FLOW.iter_errors(step("{transfer: {to: agent}, buzy: hang_up, failed: hang_up}"))
    assert "'buzy' was unexpected" in error.message
    assert list(error.absolute_path) == ["steps", "main"]


@pytest.mark.parametrize(
    "prompt", ['"Hi."', "sounds/en/x.wav", "{en: Hi., de: Hallo.}", "[Hi., {pause: 500ms}, {play: sounds/x.wav}]"]
)
def test_a_prompt_has_its_short_forms(prompt: str) -> None:
    assert FLOW.is_valid(step(f"{{say: {prompt}, next: hang_up}}"))


@pytest.mark.parametrize("prompt", ["5", "{english: Hi.}", "{pause: 5}", "[[Hi.]]", "true"])
def test_what_is_no_prompt_is_refused(prompt: str) -> None:
    assert not FLOW.is_valid(step(f"{{say: {prompt}, next: hang_up}}"))


@pytest.mark.parametrize(
    ("duration", "is_one"), [("6s", True), ("1m30s", True), ("1.5s", True), ("6", False), ("6 sec", False)]
)
def test_a_duration_has_its_unit(duration: str, is_one: bool) -> None:
    assert FLOW.is_valid(step(f"{{transfer: {{to: a, ring_for: {duration}}}, failed: hang_up}}")) is is_one


def test_every_kind_of_step_has_its_branch_and_an_explanation() -> None:
    properties = SCHEMA["definitions"]["Step"]["properties"]
    assert set(properties) == set(STEP_KINDS)
    assert all(len(each["description"]) > 10 for each in properties.values())


def test_an_editor_can_explain_fields_by_what_the_source_says() -> None:
    assert field_notes(MenuStep)["failed"] == "Where to go after `max_attempts`."
    assert "exit of its own" in field_notes(TransferStep)["failed"]
    definitions = SCHEMA["definitions"]
    assert "hang_up" in definitions["TransferStep"]["properties"]["busy"]["description"]
    assert definitions["Defaults"]["properties"]["first_input_timeout"]["default"] == "6s"
    assert "version" not in SCHEMA["properties"]
