"""A port for a test that has to know it before anybody listens there."""

from __future__ import annotations

import socket


def free_udp_port() -> int:
    """Another one in each run: several may go on beside each other."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
