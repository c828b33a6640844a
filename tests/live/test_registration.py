"""The bot as a subscriber of a PBX: digest, two accounts, outages of the registrar."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from tests.lab import control
from tests.lab.control import Login
from tests.live.bots import HEARD_HZ, MENU_HZ, LiveBot, answered, caller, greeted, hears, live, running_bot, wait_until
from tests.ports import ports_of

pytestmark = pytest.mark.live

PORT, REFUSED_PORT, OUTAGE_PORT = ports_of("registration", 3)
RETRY_EVERY_S = 2.0
REQUEST_LIMIT_S = 10.0
"""A REGISTER that met a closed port is given up after this."""
SECOND_HZ = HEARD_HZ["message"]
PASSWORDS = {"IVR_LAB_PASSWORD": control.BOT.password, "IVR_LAB_PASSWORD_2": control.BOT_2.password}


def _account(login: Login, password: str) -> dict[str, Any]:
    return {
        "uri": login.uri,
        "registrar": control.REGISTRAR,
        "password": f"${{{password}}}",
        "retry_every": f"{RETRY_EVERY_S:.0f}s",
        "register_every": "300s",
        "renew_every": "3s",
    }


def _second_flow() -> dict[str, Any]:
    """What callers of the second account hear."""
    say = {"say": f"sounds/t{SECOND_HZ}.wav", "next": "bye"}
    return {"flow": "second", "start": "hello", "steps": {"hello": say, "bye": {"hang_up": True}}}


def _project() -> dict[str, Any]:
    accounts = {
        "main": _account(control.BOT, "IVR_LAB_PASSWORD"),
        "side": _account(control.BOT_2, "IVR_LAB_PASSWORD_2"),
    }
    return {
        "flows": [_second_flow()],
        "settings": {"numbers": {control.BOT_2.username: {"flow": "second", "account": "side"}}},
        "accounts": accounts,
    }


def _is_registered(login: Login) -> None:
    wait_until(lambda: control.is_registered(login), 5, lambda: control.asterisk_cli("pjsip show contacts"))


@pytest.fixture(scope="module")
def member_bot(lab: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBot]:
    """Registers two accounts; both must be gone when it ends."""
    with running_bot(tmp_path_factory.mktemp("member"), PORT, environ=PASSWORDS, **_project()) as bot:
        _is_registered(control.BOT)
        _is_registered(control.BOT_2)
        yield bot


@live
async def test_a_registered_bot_is_called_by_its_number(member_bot: LiveBot) -> None:
    async with caller() as phone:
        call = await answered(phone.dial(control.number(100)))
        await hears(call, MENU_HZ)
        await call.hang_up()
    record = member_bot.record_of("caller")
    assert (record["account"], record["dnis"], record["flow"]) == ("main", "ivr", "live")


@live
async def test_a_second_account_has_its_own_flow(member_bot: LiveBot) -> None:
    async with caller("caller2") as phone:
        call = await answered(phone.dial(control.number(105)))
        await hears(call, SECOND_HZ)
        await call.wait_ended(5)
    record = member_bot.record_of("caller2")
    assert (record["account"], record["dnis"], record["flow"]) == ("side", "ivr2", "second")


@live
async def test_a_bot_whose_registrar_is_away_serves_on_and_registers_when_it_is_back(
    lab: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> None:
    control.stop()
    try:
        with running_bot(tmp_path_factory.mktemp("outage"), OUTAGE_PORT, environ=PASSWORDS, **_project()) as bot:
            await greeted(bot)  # others reach it meanwhile
            control.start()
            wait_until(
                lambda: control.is_registered(control.BOT) and control.is_registered(control.BOT_2),
                REQUEST_LIMIT_S + RETRY_EVERY_S + 1,
                lambda: f"not registered again: {bot.log()[-2000:]}",
            )
            async with caller() as phone:
                await hears(await answered(phone.dial(control.number(100))), MENU_HZ)
    finally:
        control.start()


@live
async def test_a_registrar_that_forgot_the_bot_knows_it_again(member_bot: LiveBot) -> None:
    control.stop()
    control.start()  # it lost all registrations, and nobody is told
    wait_until(
        lambda: control.is_registered(control.BOT) and control.is_registered(control.BOT_2),
        REQUEST_LIMIT_S + 3 + RETRY_EVERY_S,
        lambda: f"not registered again: {member_bot.log()[-2000:]}",
    )
    async with caller() as phone:
        await hears(await answered(phone.dial(control.number(100))), MENU_HZ)


@live
async def test_a_refused_password_is_warned_of_and_others_still_call(
    lab: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> None:
    account = {"main": _account(control.BOT_2, "IVR_LAB_PASSWORD")}
    environ = {"IVR_LAB_PASSWORD": "certainly-wrong"}
    with running_bot(tmp_path_factory.mktemp("refused"), REFUSED_PORT, environ=environ, accounts=account) as bot:
        wait_until(lambda: "registration" in bot.log(), 5, bot.log)
        assert "is_registered=False" in bot.log()
        assert "status=401" in bot.log() or "status=403" in bot.log()
        assert "certainly-wrong" not in bot.log()
        await greeted(bot)


def test_at_shutdown_the_bot_unregisters(lab: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> None:
    project = _project()
    with running_bot(tmp_path_factory.mktemp("leaving"), REFUSED_PORT, environ=PASSWORDS, **project) as bot:
        wait_until(lambda: _contact_at(REFUSED_PORT), 5, bot.log)
    assert not _contact_at(REFUSED_PORT)


def _contact_at(port: int) -> bool:
    return f"127.0.0.1:{port}" in control.asterisk_cli("pjsip show contacts")
