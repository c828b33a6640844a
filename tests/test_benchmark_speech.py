"""What the speech benchmark makes of what it measured."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.heard_calls import Reading
from benchmarks.speech_accuracy import Heading, is_right_in_the_end, is_taken_wrongly, row_of, word_errors, word_share
from benchmarks.speech_cost import MODEL, lost_share, measure_first_sound
from benchmarks.speech_rows import HEADINGS, Row, at_most, shown, table
from benchmarks.spoken import Spoken, lost_packets, packets, street, through_g711, with_noise
from ivr.flow.parts import Confidence
from ivr.speech.decoding import Heard
from ivr.speech.vosk_recognizer import VoskRecognizer

BONN = Spoken("bonn", np.zeros(1600, dtype=np.int16), "somebody")
BANDS = Confidence(accept=0.7, reject=0.35)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("said", "heard", "errors"),
    [("two one", "two one", 0), ("two one", "two", 1), ("two", "", 1), ("a b c", "a x c d", 2), ("", "a", 1)],
)
def test_words_that_are_left_out_put_in_or_changed_are_errors(said: str, heard: str, errors: int) -> None:
    assert word_errors(said.split(), heard.split()) == errors


@pytest.mark.unit
def test_the_share_of_words_is_of_all_that_were_said() -> None:
    assert word_share([("one two three", "one three"), ("four", "four")]) == pytest.approx(75)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("reading", "is_right"),
    [
        (Reading(BONN, "bonn", 0.9), True),
        (Reading(BONN, "rome", 0.9, (("rome", 0.6), ("bonn", 0.4))), False),
        (Reading(BONN, "bonn", 0.5), True),
        (Reading(BONN, "rome", 0.5, (("rome", 0.6), ("", 0.1), ("bonn", 0.3))), True),
        (Reading(BONN, "rome", 0.5, (("rome", 0.6), ("paris", 0.2), ("bonn", 0.2))), False),
        (Reading(BONN, "bonn", 0.2), False),
        (Reading(BONN), False),
    ],
)
def test_confirmation_helps_in_its_band_and_with_the_second_best(reading: Reading, is_right: bool) -> None:
    assert is_right_in_the_end(reading, BANDS) is is_right


@pytest.mark.unit
def test_only_other_words_above_the_band_are_taken_wrongly() -> None:
    readings = [Reading(BONN, "rome", 0.8), Reading(BONN, "rome", 0.6), Reading(BONN, "[unk]", 0.9), Reading(BONN)]
    assert [is_taken_wrongly(reading, BANDS) for reading in readings] == [True, False, False, False]


@pytest.mark.unit
def test_a_row_of_people_is_met_when_the_bot_is_no_worse_and_confirmation_better() -> None:
    readings = [Reading(BONN, "bonn", 0.9), Reading(BONN, "rome", 0.5, (("rome", 0.6), ("bonn", 0.4)))]
    row = row_of(Heading("people, towns", 0.0), readings, [Heard("bonn"), Heard("rome")])
    assert (row.value, row.confirmed, row.raw, row.is_met) == (50, 100, 50, True)
    worse = row_of(Heading("people, towns", 0.02), readings, [Heard("bonn"), Heard("bonn")])
    assert (worse.name, worse.is_met) == ("people, towns, 2% lost", False)
    assert row_of(Heading("synthesized", 0.0), readings, [Heard(), Heard()]).is_met is None


@pytest.mark.unit
def test_the_table_says_met_missed_absent_and_busy() -> None:
    target, is_met = at_most(500, "ms", 501)
    rows = [
        Row("answer", "ms", 501, p50=400, target=target, is_met=is_met),
        Row("stop", "ms", 150, is_met=True, busy=0.5),
        Row("people", "%", None, note="absent"),
    ]
    lines = table(rows).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert cells[0] == list(HEADINGS) and len({len(line) for line in lines}) == 1
    assert cells[2] == ["answer", "ms", "400", "501", "", "", "≤ 500 ms", "missed", ""]
    assert cells[3][7] == "met, busy" and cells[4][3:] == ["", "", "", "", "", "absent"]
    assert [shown(figure) for figure in (None, 0, 9.126, 96.65, 100.0)] == ["", "0", "9.13", "96.7", "100"]


@pytest.mark.unit
def test_lost_packets_are_their_share_and_the_same_each_time() -> None:
    assert sum(sum(lost_packets(60, 0.02, seed)) for seed in range(500)) == pytest.approx(600, rel=0.05)
    assert lost_packets(60, 0.1, 3) == lost_packets(60, 0.1, 3) != lost_packets(60, 0.1, 4)
    assert not any(lost_packets(60, 0.0, 1))


@pytest.mark.unit
def test_a_lost_packet_is_silence_and_the_others_are_kept() -> None:
    audio = np.full(480, 8000, dtype=np.int16)
    heard = through_g711(audio, [False, True, False])
    assert not heard[160:320].any() and np.abs(heard[:160] - 8000).max() < 200 and len(heard) == 480
    assert packets(audio) == 3 and packets(audio[:161]) == 2


@pytest.mark.unit
def test_noise_is_so_far_below_the_speech() -> None:
    noise = street(16000, -40.0, 1)
    assert 20 * np.log10(np.sqrt(np.mean(noise**2))) == pytest.approx(-40, abs=0.1)
    silent = Spoken("", np.zeros(16000, dtype=np.int16), "")
    level = np.sqrt(np.mean((with_noise(silent, 10.0, 1).audio / 32768.0) ** 2))
    assert 20 * np.log10(level) == pytest.approx(-30, abs=0.2)
    assert with_noise(silent, None, 1) is silent


@pytest.mark.unit
def test_what_of_the_beginning_is_before_the_decoders_audio_is_lost() -> None:
    line = np.random.default_rng(1).integers(-9000, 9000, 8000).astype("<i2")
    shares = [lost_share(line.tobytes(), line[start:].tobytes(), 0.5) for start in (3000, 4000, 4400, 6000)]
    assert shares == pytest.approx([0, 0, 0.5, 1])
    with pytest.raises(ValueError, match="no part"):
        lost_share(line.tobytes(), bytes(1600), 0.5)


@pytest.mark.adapter
def test_the_beginning_of_words_comes_to_the_decoder() -> None:
    recognizer = VoskRecognizer({"en": MODEL})
    try:
        row = measure_first_sound(recognizer)
    finally:
        recognizer.close()
    assert row.value is not None and row.value < 20 and "0 not noticed" in row.note
