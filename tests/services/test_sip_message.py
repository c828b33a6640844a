"""SIP messages by the telephony: what counts as taken, what is tried again, how long they may be."""

from __future__ import annotations

import pytest

from ivr.config import TargetSettings
from ivr.config_services import SendSettings
from ivr.flow.jobs import CALLER, JobOutcome, SipMessage
from ivr.ports import LegId, MessageRequest
from ivr.services.delivery import DeliveryFailed, Letter
from ivr.services.messenger import Messenger
from ivr.services.sip_message import TEXT_LIMIT_BYTES, SipMessageCarrier, shortened
from ivr.testing.clock import ManualClock
from ivr.testing.telephony import FakeTelephony
from tests.scenario import scenario

pytestmark = pytest.mark.unit

TARGETS = {"agent": TargetSettings(sip="sip:agent@pbx.example.com", account="trunk")}
LETTER = Letter("id", SipMessage("agent", "hello"), "call1", 0.0)


class Telephone(FakeTelephony):
    """Answers at once."""

    def send_message(self, request, report):  # type: ignore[no-untyped-def]
        """Answer."""
        super().send_message(request, report)
        self.clock.advance()


def telephone(status: int) -> Telephone:
    return Telephone(ManualClock(), is_started=True, message_status=status)


def phone_with_a_call() -> tuple[LegId, Telephone]:
    phone = telephone(200)
    phone.start(lambda event: None) if not phone.is_started else None
    return phone.offer(), phone


@scenario
async def test_a_message_goes_to_the_target_of_the_settings() -> None:
    phone = telephone(202)
    sender = Messenger(SendSettings(), TARGETS, phone.send_message)
    result = await sender.deliver(LETTER.message, "call1", 1.0)
    assert result.outcome is JobOutcome.DONE
    (asked,) = phone.asked_for("send_message")
    assert asked.details == (MessageRequest("sip:agent@pbx.example.com", "hello", "trunk"),)
    await sender.stop()


@pytest.mark.parametrize(
    ("status", "is_final"),
    [(404, True), (405, True), (603, True), (480, False), (486, False), (408, False), (503, False)],
)
def test_what_may_change_is_tried_again(status: int, is_final: bool) -> None:
    @scenario
    async def play() -> None:
        with pytest.raises(DeliveryFailed, match=str(status)) as failed:
            await SipMessageCarrier(TARGETS, telephone(status).send_message).deliver(LETTER)
        assert failed.value.is_final is is_final

    play()


@scenario
async def test_the_caller_gets_it_within_the_call() -> None:
    leg, phone = phone_with_a_call()
    carrier = SipMessageCarrier(TARGETS, phone.send_message, lambda call_id: leg if call_id == "call1" else None)
    await carrier.deliver(Letter("id", SipMessage(CALLER, "hello"), "call1", 0.0))
    (asked,) = phone.asked_for("send_message")
    assert asked.details == (MessageRequest("", "hello", leg_id=leg),)
    with pytest.raises(DeliveryFailed, match="the call is over") as failed:
        await carrier.deliver(Letter("id", SipMessage(CALLER, "hello"), "call2", 0.0))
    assert failed.value.is_final


@scenario
async def test_a_target_of_the_settings_that_is_called_caller_goes_first() -> None:
    phone = telephone(200)
    carrier = SipMessageCarrier({CALLER: TARGETS["agent"]}, phone.send_message, lambda call_id: LegId("leg"))
    await carrier.deliver(Letter("id", SipMessage(CALLER, "hello"), "call1", 0.0))
    assert phone.asked_for("send_message")[0].details[0].uri == "sip:agent@pbx.example.com"


@scenario
async def test_only_targets_of_the_settings_are_written_to() -> None:
    phone = telephone(200)
    with pytest.raises(DeliveryFailed, match="no target 'agent'") as failed:
        await SipMessageCarrier({}, phone.send_message).deliver(LETTER)
    assert failed.value.is_final and not phone.asked


def test_a_long_text_is_cut_between_characters() -> None:
    assert shortened("short") == "short"
    cut = shortened("ü" * 2000)
    assert cut.endswith("ü…") and len(cut.encode()) <= TEXT_LIMIT_BYTES
