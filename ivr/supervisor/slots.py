"""What each worker gets of the machine: a slot is a SIP port, a piece of the audio ports and a name. Pure.

There are twice as many slots as workers, so that each has a successor beside it while it waits for its last call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ivr.config import Settings, SipSettings
from ivr.errors import ConfigError

SOCKETS_PER_LEG: Final = 2
"""RTP and RTCP."""
SPARE: Final = 2
"""A call that has just ended holds its ports for a moment, and a refused one takes some as well."""
_HIGHEST_PORT: Final = 65535


@dataclass(frozen=True, slots=True)
class Slots:
    """How a bot's capacity is divided."""

    workers: int
    """How many take calls at a time."""
    legs: int
    """Of one worker."""
    calls_per_worker: int

    @property
    def count(self) -> int:
        """Slots, those of successors included."""
        return 2 * self.workers

    @property
    def rtp_ports(self) -> int:
        """Of one worker."""
        return self.legs * SOCKETS_PER_LEG * SPARE


def calls_of_worker(sip: SipSettings, legs: int) -> int:
    """Callers that one worker takes at once."""
    callers = max(1, legs - sip.reserved_legs)
    return min(callers, sip.max_calls or callers)


def divide(settings: Settings, legs: int) -> Slots:
    """The slots for `settings.capacity` calls with `legs` legs in each worker. Raises ConfigError."""
    calls = calls_of_worker(settings.sip, legs)
    slots = Slots(-(-(settings.capacity or 1) // calls), legs, calls)
    _check_ports(settings, slots)
    return slots


def _check_ports(settings: Settings, slots: Slots) -> None:
    sip, first_sip = settings.sip, settings.workers.sip_port
    needed, last_sip = slots.count * slots.rtp_ports, first_sip + slots.count - 1
    is_given = "rtp_port_count" in sip.model_fields_set
    if is_given and sip.rtp_port_count < needed:
        raise ConfigError(
            f"sip: rtp_port_count: {slots.workers} workers and their successors need {needed} audio ports, not "
            f"{sip.rtp_port_count}; write {needed}, or leave the key out"
        )
    last_rtp = sip.rtp_port + needed - 1
    if max(last_rtp, last_sip) > _HIGHEST_PORT:
        raise ConfigError(
            f"capacity: {settings.capacity} calls need audio ports {sip.rtp_port} to {last_rtp} and SIP ports "
            f"{first_sip} to {last_sip}; lower `sip: rtp_port:` or `workers: sip_port:`"
        )
    if first_sip <= last_rtp and sip.rtp_port <= last_sip:
        raise ConfigError(
            f"workers: sip_port: {first_sip} to {last_sip} overlap with the audio ports {sip.rtp_port} to {last_rtp}; "
            "choose another `workers: sip_port:`"
        )


def name_of(slot: int) -> str:
    """A worker's name, which operators see; its records bear it as well."""
    return f"w{slot + 1}"


def port_of(settings: Settings, slot: int) -> int:
    """Where the worker takes SIP."""
    return settings.workers.sip_port + slot


def settings_of(settings: Settings, slots: Slots, slot: int) -> Settings:
    """What the worker in `slot` is to work with: SIP inside, audio outside."""
    sip, front = settings.sip, settings.front
    own = sip.model_copy(
        update={
            "address": settings.workers.address,
            "port": port_of(settings, slot),
            "public_address": None,
            "front": f"{front.inner_address}:{front.inner_port}",
            "other_fronts": tuple(f"{address}:{front.inner_port}" for address in front.other_nodes),
            "media_address": sip.media_address or sip.address,
            "media_public_address": sip.media_public_address or sip.public_address,
            "rtp_port": sip.rtp_port + slot * slots.rtp_ports,
            "rtp_port_count": slots.rtp_ports,
        }
    )
    publishing = settings.publishing.model_copy(update={"look_every": 0.0})  # the supervisor looks, and tells
    return settings.model_copy(update={"sip": own, "publishing": publishing})
