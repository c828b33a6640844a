"""When new calls are refused, by what was counted: nothing here has a clock, a processor or a call."""

from __future__ import annotations

import pytest

from ivr.calls.admission import Admission, Counted, Load, Reading, load_between
from ivr.config_admission import AdmissionSettings
from ivr.units import parse_share

pytestmark = pytest.mark.unit

PROCESSORS = 4
TICKS = 50
"""In a second."""


class Machine:
    """Goes on a second at a time, and says how busy it was."""

    def __init__(self, **limits: float) -> None:
        self.admission = Admission(AdmissionSettings(**limits))
        self.now_s, self._bot, self._busy_s = 100.0, Counted(), 0.0
        self._read()

    def second(self, *, late: int = 0, ticks: int = TICKS, cpu: float = 0.6, own: float = 0.4) -> bool:
        """Whether the answer has turned."""
        self.now_s += 1
        before = self._bot
        self._bot = Counted(before.ticks + ticks, before.late_ticks + late, before.cpu_s + own * PROCESSORS)
        self._busy_s += cpu * PROCESSORS
        return self._read()

    def seconds_until_it_turns(self, limit: int = 60, /, **second: float) -> int:
        return next((n for n in range(1, limit + 1) if self.second(**second)), 0)  # type: ignore[arg-type]

    def _read(self) -> bool:
        return self.admission.measured(Reading(self.now_s, self._bot, self._busy_s, self.now_s * PROCESSORS))


def shares(load: Load) -> tuple[float | None, float, float]:
    late = load.late_audio
    return None if late is None else round(late, 6), round(load.cpu, 6), round(load.own_cpu, 6)


def test_an_idle_bot_takes_calls() -> None:
    machine = Machine()
    assert machine.seconds_until_it_turns(ticks=0, cpu=0.2, own=0.0) == 0
    assert shares(machine.admission.load) == (None, 0.2, 0.0)


def test_late_audio_closes_when_it_has_lasted_and_says_why() -> None:
    machine = Machine()
    turned = machine.seconds_until_it_turns(late=5)
    assert turned == 6, "the first second, and 5 s of `hold`"
    assert machine.admission.is_closed and machine.admission.reasons == ("late_audio",)
    assert machine.admission.load.late_audio == pytest.approx(0.1)


def test_a_stall_that_is_over_refuses_nobody() -> None:
    machine = Machine()
    machine.second(late=TICKS)
    assert machine.seconds_until_it_turns() == 0


def test_audio_that_is_late_though_the_bot_has_little_to_do_refuses_nobody() -> None:
    """The machine's host or its disk holds it up: fewer calls would change nothing."""
    assert Machine().seconds_until_it_turns(late=25, cpu=0.11, own=0.06) == 0


def test_late_audio_just_below_its_limit_is_taken() -> None:
    assert Machine().seconds_until_it_turns(late=2) == 0


def test_processors_that_calls_keep_busy_close() -> None:
    machine = Machine()
    assert machine.seconds_until_it_turns(cpu=0.95, own=0.7) == 6
    assert machine.admission.reasons == ("cpu",)


def test_a_machine_that_others_keep_busy_is_no_reason_unless_that_is_wanted() -> None:
    others = {"late": 25, "cpu": 1.0, "own": 0.25}
    assert Machine().seconds_until_it_turns(**others) == 0
    machine = Machine(own_work=0.0)
    assert machine.seconds_until_it_turns(**others) == 6
    assert machine.admission.reasons == ("late_audio", "cpu")


def test_it_opens_again_only_when_it_is_clearly_better_and_stays_so() -> None:
    machine = Machine()
    machine.seconds_until_it_turns(cpu=0.95, own=0.9)
    assert machine.seconds_until_it_turns(cpu=0.85, own=0.8) == 0, "below the limit, but hardly"
    turned = machine.seconds_until_it_turns(cpu=0.7, own=0.6)
    assert 6 <= turned <= 9 and not machine.admission.is_closed and not machine.admission.reasons


def test_it_opens_when_others_take_the_processors_over() -> None:
    machine = Machine()
    machine.seconds_until_it_turns(late=10)
    assert 6 <= machine.seconds_until_it_turns(late=10, cpu=1.0, own=0.1) <= 9


def test_late_audio_that_is_half_as_late_still_refuses() -> None:
    machine = Machine()
    machine.seconds_until_it_turns(late=10)
    assert machine.seconds_until_it_turns(late=2) == 0
    assert machine.seconds_until_it_turns(late=1) > 0


def test_a_load_to_and_fro_does_not_turn_the_answer_each_time() -> None:
    machine = Machine()
    machine.seconds_until_it_turns(late=10)
    turns = [machine.second(late=10 if n // 4 % 2 else 0) for n in range(80)]
    assert not any(turns)


def test_the_end_of_all_calls_opens() -> None:
    machine = Machine()
    machine.seconds_until_it_turns(late=10)
    assert machine.seconds_until_it_turns(ticks=0, own=0.0) <= 9


def test_a_limit_of_nothing_is_reached_by_any_audio() -> None:
    machine = Machine(late_audio=0.0, hold=2.0)
    assert machine.seconds_until_it_turns(ticks=0) == 0
    assert machine.seconds_until_it_turns() == 3
    assert machine.seconds_until_it_turns(ticks=0) == 3


def test_a_limit_of_all_is_never_reached() -> None:
    worst = {"late": TICKS, "cpu": 1.0, "own": 1.0}
    assert Machine(late_audio=1.0, cpu=1.0).seconds_until_it_turns(**worst) == 0
    machine = Machine(late_audio=1.0)
    machine.seconds_until_it_turns(**worst)
    assert machine.admission.reasons == ("cpu",)


def test_switched_off_it_never_closes_and_opens_what_was_closed() -> None:
    machine = Machine()
    machine.seconds_until_it_turns(late=10)
    machine.admission.limits = AdmissionSettings(enabled=False)
    assert machine.seconds_until_it_turns(late=10) == 6
    assert machine.seconds_until_it_turns(late=10, cpu=1.0, own=1.0) == 0


def test_a_control_group_that_has_used_up_its_quota_is_busy_on_an_idle_machine() -> None:
    before = Reading(0.0, Counted(), busy_s=0.0, all_s=0.0, group_s=0.0, group_processors=0.5)
    now = Reading(10.0, Counted(cpu_s=4.0), busy_s=6.0, all_s=40.0, group_s=5.0, group_processors=0.5)
    assert shares(load_between(before, now)) == (None, 1.0, 0.8)


def test_without_counters_of_the_machine_nothing_is_busy() -> None:
    before, now = Reading(0.0, Counted(), 0.0, 0.0), Reading(1.0, Counted(50, 5, 9.0), 0.0, 0.0)
    assert shares(load_between(before, now)) == (0.1, 0.0, 0.0)


@pytest.mark.parametrize(("text", "share"), [("5%", 0.05), ("0%", 0.0), ("99.5 %", 0.995), ("100%", 1.0)])
def test_a_share_is_written_in_per_cent(text: str, share: float) -> None:
    assert parse_share(text) == pytest.approx(share)


@pytest.mark.parametrize("wrong", ["0.05", "101%", "-1%", 5, True, "%", ""])
def test_what_is_no_share_is_refused_with_how_to_write_one(wrong: object) -> None:
    with pytest.raises(ValueError, match="write 0% to 100%"):
        parse_share(wrong)
