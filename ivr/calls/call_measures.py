"""What one call adds to the figures of the bot."""

from __future__ import annotations

from ivr.calls.note import Ending
from ivr.ports import Clock, Measures, metrics


class CallMeasures:
    """One call, from its INVITE to its end."""

    def __init__(self, measures: Measures, clock: Clock, flow: str, offered_at_s: float) -> None:
        """A flow has taken the call."""
        self._measures, self._clock, self._flow = measures, clock, flow
        self._offered_at_s = offered_at_s
        self._answering_at_s: float | None = None
        self._has_sounded = False
        measures.count(metrics.CALLS_STARTED, flow)

    def answering(self) -> None:
        """The 200 goes out now."""
        self._answering_at_s = self._clock.monotonic_s()
        self._measures.observe(metrics.ANSWER_DELAY, self._answering_at_s - self._offered_at_s)

    def prompt(self, *, is_ready: bool) -> None:
        """A prompt is asked for; `is_ready`: nothing of it has to be made."""
        self._measures.count(metrics.PROMPTS_PLAYED, "ready" if is_ready else "made")

    def sounds(self, due_s: float) -> None:
        """The first sample of some audio is due at this instant. What was heard before the answer is no delay."""
        if not self._has_sounded and self._answering_at_s is not None:
            self._measures.observe(metrics.FIRST_AUDIO_DELAY, due_s - self._answering_at_s)
        self._has_sounded = True

    def transferred(self, outcome: str) -> None:
        """A transfer is over."""
        self._measures.count(metrics.TRANSFERS, outcome)

    def ended(self, ending: Ending) -> None:
        """The call is over."""
        measures = self._measures
        measures.count(metrics.CALLS_ENDED, self._flow, ending.reason.value)
        measures.observe(metrics.CALL_DURATION, self._clock.monotonic_s() - self._offered_at_s, self._flow)
        if ending.rtp is not None:
            measures.count(metrics.RTP_RECEIVED, by=ending.rtp.received)
            measures.count(metrics.RTP_LOST, by=ending.rtp.lost)
            measures.count(metrics.RTP_SENT, by=ending.rtp.sent)
        if (quality := ending.quality) is not None:
            measures.observe(metrics.RTP_LOSS, quality.loss_ratio)
            measures.observe(metrics.RTP_JITTER, quality.jitter_ms / 1000)
            measures.observe(metrics.MOS, quality.mos)
