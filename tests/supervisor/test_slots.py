"""How a bot's capacity is divided among workers."""

from __future__ import annotations

import pytest

from ivr.config import Settings
from ivr.errors import ConfigError
from ivr.supervisor.slots import divide, settings_of

pytestmark = pytest.mark.unit


def settings(**given: object) -> Settings:
    return Settings.model_validate(given)


@pytest.mark.parametrize(
    ("capacity", "sip", "workers"),
    [
        (4, {}, 1),
        (5, {}, 2),
        (200, {}, 50),
        (12, {"reserved_legs": 1}, 4),
        (12, {"reserved_legs": 9}, 12),
        (12, {"max_calls": 2}, 6),
    ],
)
def test_as_many_workers_as_the_calls_need(capacity: int, sip: dict[str, int], workers: int) -> None:
    assert divide(settings(capacity=capacity, sip=sip), legs=4).workers == workers


def test_no_two_slots_share_a_port() -> None:
    given = settings(capacity=40)
    slots = divide(given, legs=4)
    each = [settings_of(given, slots, slot).sip for slot in range(slots.count)]
    audio = [port for sip in each for port in range(sip.rtp_port, sip.rtp_port + sip.rtp_port_count)]
    ports = audio + [sip.port for sip in each]
    assert len(set(ports)) == len(ports)
    assert len(audio) == 20 * 16


def test_sip_stays_inside_and_audio_goes_where_the_settings_say() -> None:
    given = settings(capacity=8, sip={"address": "10.0.0.7", "public_address": "203.0.113.7"})
    sip = settings_of(given, divide(given, legs=4), 1).sip
    assert (sip.address, sip.port, sip.public_address) == ("127.0.0.1", 5201, None)
    assert (sip.media_address, sip.media_public_address) == ("10.0.0.7", "203.0.113.7")


def test_workers_answer_the_fronts_of_all_nodes() -> None:
    nodes = {"addresses": ["10.0.0.1", "10.0.0.2", "10.0.0.3"], "secret": "of sixteen or more"}
    given = settings(capacity=8, front={"inner_address": "10.0.0.1", "nodes": nodes})
    sip = settings_of(given, divide(given, legs=4), 0).sip
    assert sip.front == "10.0.0.1:5199" and sip.other_fronts == ("10.0.0.2:5199", "10.0.0.3:5199")
    alone = settings(capacity=8)
    assert settings_of(alone, divide(alone, legs=4), 0).sip.other_fronts == ()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"capacity": 8, "sip": {"rtp_port_count": 40}}, "rtp_port_count: 2 workers and their successors need 64"),
        ({"capacity": 4000, "sip": {"rtp_port": 60000}}, "lower `sip: rtp_port:`"),
        ({"capacity": 8, "workers": {"sip_port": 10010}}, "overlap with the audio ports"),
    ],
)
def test_ports_that_do_not_fit_are_told_with_their_keys(given: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        divide(settings(**given), legs=4)
