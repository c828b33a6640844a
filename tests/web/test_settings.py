"""Settings of the desk."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ivr.config_web import WebSettings

pytestmark = pytest.mark.unit


def test_it_listens_on_this_machine_only() -> None:
    settings = WebSettings()
    assert (settings.address, settings.url) == (("127.0.0.1", 8080), "http://127.0.0.1:8080")
    assert settings.hosts == {"127.0.0.1:8080", "localhost:8080", "[::1]:8080"}
    assert not settings.is_secure


def test_port_80_goes_without_saying() -> None:
    assert {"127.0.0.1", "localhost", "127.0.0.1:80"} < WebSettings(listen="127.0.0.1:80").hosts


def test_nothing_is_served_where_nothing_is_named() -> None:
    assert WebSettings(listen="").address is None


@pytest.mark.parametrize("listen", ["0.0.0.0:8080", "[::]:8080", "192.168.1.2:80", "desk:80"])
def test_a_network_is_served_through_a_proxy_with_a_certificate(listen: str) -> None:
    with pytest.raises(ValidationError, match="without TLS"):
        WebSettings(listen=listen)
    settings = WebSettings(listen=listen, public_url="https://desk.example.org")
    assert settings.is_secure and "desk.example.org" in settings.hosts


@pytest.mark.parametrize("url", ["desk.example.org", "https://desk/path", "https://u:p@desk", "javascript:1"])
def test_the_public_address_is_one_of_a_site(url: str) -> None:
    with pytest.raises(ValidationError):
        WebSettings(public_url=url)
