"""What goes along with a transfer: values for the person's telephone, and a webhook before it rings."""

from __future__ import annotations

import pytest

from ivr.flow import commands as c
from ivr.flow.jobs import SendJob, WebhookMessage
from ivr.testing.conversation import CallScript
from tests.flow.dialogs import offered
from tests.flow.test_engine_steps import commands_of, flow

pytestmark = pytest.mark.unit

KNOWING = """  start: {ask: digits, prompt: "Account?", length: 4, into: account, next: pin}
  pin: {ask: digits, prompt: "PIN?", length: 2, into: pin, sensitive: true, next: score}
  score: {set: {score: 7}, next: person}
  person: {transfer: {to: agent, notify: crmCONTEXT}, failed: hang_up}
"""


def handed_over(context: str = "") -> CallScript:
    text = flow(KNOWING.replace("CONTEXT", context), head="variables: {score: 0}\n")
    return offered(text).presses("1234").presses("42")


def test_the_person_is_told_who_calls_and_what_was_answered_and_nothing_sensitive() -> None:
    call = handed_over()
    (started,) = commands_of(call, c.StartTransfer)
    assert isinstance(started, c.StartTransfer)
    who = {"caller": "+49301234", "flow": "test", "language": "en-US"}
    assert {name: value for name, value in started.context.items() if name != "wait_s"} == who
    assert started.context["wait_s"] == 3, "seconds since the call came in"
    assert started.answers == {"account": "1234", "pin": "***"}


@pytest.mark.parametrize(
    ("context", "answers"),
    [("[]", {}), ("[score]", {"score": 7}), ("[pin, account]", {"pin": "***", "account": "1234"})],
)
def test_a_flow_says_which_values_go_along(context: str, answers: dict[str, object]) -> None:
    (started,) = commands_of(handed_over(f", context: {context}"), c.StartTransfer)
    assert isinstance(started, c.StartTransfer) and started.answers == answers


TALKING = """  start: {transfer: {to: agent, return_key: "*"}EXITS, failed: hang_up}
  rate: {say: "How was it?"}
  menu: {say: "Here again."}
"""


@pytest.mark.parametrize(
    ("exits", "outcome", "hears"),
    [
        (", after: rate, returned: menu", "after", "how was it"),
        (", after: rate, returned: menu", "returned", "here again"),
        (", after: rate", "returned", "how was it"),
    ],
)
def test_a_flow_goes_on_after_the_talk(exits: str, outcome: str, hears: str) -> None:
    call = offered(flow(TALKING.replace("EXITS", exits))).transfer_ends(outcome).hears(hears)
    assert call.record[0].outcome == outcome


def test_a_flow_that_says_nothing_of_it_ends_with_the_talk() -> None:
    assert offered(flow(TALKING.replace("EXITS", ""))).transfer_ends("after").has_ended


def test_a_webhook_is_told_before_the_telephone_rings() -> None:
    call = handed_over()
    names = [type(command).__name__ for command in call.commands]
    assert names.index("StartJob") < names.index("StartTransfer")
    (told,) = commands_of(call, c.StartJob)
    assert isinstance(told, c.StartJob) and told.is_kept
    assert isinstance(told.job, SendJob) and not told.job.is_awaited, "nothing waits for it"
    message = told.job.message
    assert isinstance(message, WebhookMessage) and message.webhook == "crm"
    assert (message.data["to"], message.data["answers"]) == ("agent", {"account": "1234", "pin": "***"})
