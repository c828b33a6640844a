"""What calls add to the figures, and to the log."""

from __future__ import annotations

import io
import json

import pytest
import structlog

from ivr.calls.call_ports import CallTasks
from ivr.config import LogSettings
from ivr.logs import configure_logs
from ivr.measures.counters import Counters
from ivr.ports import Metric, RtpStats, metrics
from tests.calls.switchboard import Switchboard, on_a_switchboard

pytestmark = pytest.mark.unit

GOOD = RtpStats(sent=500, received=495, lost=5, jitter_ms=2.0)


def value(bot: Switchboard, metric: Metric, *labels: str) -> list[float]:
    """The numbers of one series; those of nothing where nothing happened."""
    series = bot.figures.snapshot().get(metric.name, [])
    return next((numbers for found, numbers in series if found == list(labels)), [0.0] * metric.width)


def number_of(bot: Switchboard, metric: Metric, *labels: str) -> float:
    """How often a value was observed."""
    return sum(value(bot, metric, *labels)[:-1])


@on_a_switchboard()
async def test_a_call_is_counted_while_it_goes_on_and_when_it_is_over(bot: Switchboard) -> None:
    leg = await bot.answered()
    assert value(bot, metrics.CALLS_STARTED, "desk") == [1]
    assert value(bot, metrics.CALLS) == [1]
    assert value(bot, metrics.CALLS_ENDED, "desk", "caller_hung_up") == [0]
    bot.telephony.end(leg)
    await bot.settle()
    assert value(bot, metrics.CALLS) == [0]
    assert value(bot, metrics.CALLS_ENDED, "desk", "caller_hung_up") == [1]
    assert number_of(bot, metrics.CALL_DURATION, "desk") == 1


@on_a_switchboard(lead_in_s=0.2)
async def test_the_first_sound_comes_the_lead_in_after_the_answer(bot: Switchboard) -> None:
    await bot.answered()
    assert number_of(bot, metrics.ANSWER_DELAY) == 1
    assert number_of(bot, metrics.FIRST_AUDIO_DELAY) == 1, "further prompts are no first sound"
    assert value(bot, metrics.FIRST_AUDIO_DELAY)[-1] == pytest.approx(0.2)
    assert value(bot, metrics.PROMPTS_PLAYED, "ready") == [1]


@on_a_switchboard()
async def test_a_caller_who_is_listened_to_is_one_stream_until_he_leaves(bot: Switchboard) -> None:
    leg = await bot.answered()
    assert value(bot, metrics.LISTENING) == [1]
    await bot.says("nonsense")
    assert value(bot, metrics.UTTERANCES) == [1]
    assert number_of(bot, metrics.SPEECH_DELAY) == 1
    bot.telephony.end(leg)
    await bot.settle()
    assert value(bot, metrics.LISTENING) == [0]


@on_a_switchboard()
async def test_audio_quality_goes_to_the_figures_and_to_the_record(bot: Switchboard) -> None:
    leg = await bot.answered()
    bot.telephony.end(leg, rtp=GOOD)
    await bot.settle()
    record = bot.record
    assert (record.rtp_loss, record.rtp_jitter_ms) == (0.01, 2.0)
    assert record.mos == pytest.approx(4.31, abs=0.005)
    assert value(bot, metrics.RTP_LOST) == [5]
    assert value(bot, metrics.RTP_LOSS)[-1] == pytest.approx(0.01)
    assert value(bot, metrics.MOS)[-1] == pytest.approx(4.31, abs=0.005)


@on_a_switchboard()
async def test_a_call_without_audio_has_no_quality(bot: Switchboard) -> None:
    leg = await bot.offer()
    bot.telephony.end(leg)
    await bot.settle()
    assert bot.record.mos is None
    assert number_of(bot, metrics.MOS) == 0


@on_a_switchboard(default_flow=None)
async def test_a_call_that_nobody_takes_is_counted_as_refused(bot: Switchboard) -> None:
    await bot.offer(dnis="999")
    assert value(bot, metrics.CALLS_REFUSED, "no_flow") == [1]
    assert value(bot, metrics.CALLS) == [0]


@on_a_switchboard()
async def test_a_transfer_is_counted_by_its_outcome(bot: Switchboard) -> None:
    leg = await bot.answered()
    await bot.press(leg, "2")
    (target,) = [each for each in bot.telephony.live_legs if each != leg]
    bot.telephony.end(target, 486)
    await bot.settle()
    assert value(bot, metrics.TRANSFERS, "busy") == [1]
    bot.telephony.end(leg)
    await bot.settle()


@on_a_switchboard()
async def test_nothing_a_caller_types_says_or_is_called_becomes_a_label(bot: Switchboard) -> None:
    leg = await bot.offer(ani="+4915550001111", dnis="100")
    await bot.after(3.0)
    await bot.press(leg, "1")
    await bot.press(leg, "73")
    await bot.says("my name is Rumpelstiltskin")
    bot.telephony.end(leg, rtp=GOOD)
    await bot.settle()
    labels = {label for series in bot.figures.snapshot().values() for found, _ in series for label in found}
    assert labels <= {"desk", "caller_hung_up", "ready", "made"}


# --- the log


def logged(monkeypatch: pytest.MonkeyPatch, settings: LogSettings, counters: Counters | None = None) -> io.StringIO:
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    configure_logs(settings, measures=counters)
    return written


@pytest.fixture(autouse=True)
def logs_as_before() -> object:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.mark.parametrize(("personal", "shown"), [("hidden", False), ("shown", True)])
def test_who_called_and_what_was_heard_is_hidden_unless_asked_for(
    monkeypatch: pytest.MonkeyPatch, personal: str, shown: bool
) -> None:
    settings = LogSettings.model_validate({"level": "debug", "format": "json", "personal": personal})
    written = logged(monkeypatch, settings)

    @on_a_switchboard()
    async def play(bot: Switchboard) -> None:
        leg = await bot.offer(ani="+4915550001111")
        await bot.after(3.0)
        await bot.says("code")
        await bot.says("seven three")
        await bot.press(leg, "73")
        bot.telephony.end(leg, rtp=GOOD)

    play()
    text = written.getvalue()
    lines = [json.loads(line) for line in text.splitlines()]
    (offered,) = [line for line in lines if line["event"] == "call_offered"]
    (ended,) = [line for line in lines if line["event"] == "call_ended"]
    assert offered["call_id"] == ended["call_id"] and offered["sip_call_id"]
    assert (ended["reason"], ended["rtp_loss"]) == ("caller_hung_up", 0.01)
    assert ("4915550001111" in text, offered["caller"]) == ((True, "+4915550001111") if shown else (False, "***"))
    assert ('"heard": "code"' in text) == shown
    assert "seven" not in text and '"73"' not in text, "the code is sensitive"


@on_a_switchboard()
async def test_work_for_a_call_logs_its_id(bot: Switchboard) -> None:
    seen: list[object] = []

    async def work() -> None:
        seen.append(structlog.contextvars.get_contextvars().get("call_id"))

    CallTasks("c1", lambda: None).start(work())
    await bot.settle()
    assert seen == ["c1"]
    assert "call_id" not in structlog.contextvars.get_contextvars()


def test_warnings_and_errors_are_counted_by_their_event(monkeypatch: pytest.MonkeyPatch) -> None:
    counters = Counters()
    logged(monkeypatch, LogSettings(), counters)
    log = structlog.get_logger("test")
    log.info("all_is_well")
    log.warning("not_so_well", reason="whatever it was")
    log.error("broken")
    log.error("broken")
    assert counters.snapshot() == {
        metrics.ERRORS.name: [(["warning", "not_so_well"], [1.0]), (["error", "broken"], [2.0])]
    }
