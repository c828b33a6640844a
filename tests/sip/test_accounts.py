from __future__ import annotations

import asyncio

import pytest

from ivr.config import AccountSettings
from ivr.ports import LegOffered, RegistrationChanged
from ivr.testing.sip_peer import SipPeer
from tests.sip.bot import Bot, Registrar, scenario, settings
from tests.waiting import until

pytestmark = pytest.mark.adapter


def account(registrar: Registrar, **given: object) -> AccountSettings:
    """An account that registers, with a short retry."""
    return AccountSettings.model_validate(
        {
            "uri": "sip:100@127.0.0.1",
            "registrar": registrar.uri,
            "password": "right",
            "retry_every": "300ms",
            **given,
        }
    )


@scenario
async def test_an_account_registers_with_digest_and_unregisters_at_the_end() -> None:
    async with Registrar() as registrar:
        async with Bot(settings(accounts={"main": account(registrar)})) as bot:
            change = await bot.wait(RegistrationChanged)
            assert (change.account, change.is_registered, change.sip_status) == ("main", True, 200)
            assert f":{bot.telephony.port}" in registrar.contacts[0]
        assert registrar.contacts[-1].endswith(" 0")


@scenario
async def test_a_wrong_password_is_reported_and_calls_are_still_taken() -> None:
    async with Registrar() as registrar, SipPeer() as phone:
        wrong = account(registrar, password="wrong")
        async with Bot(settings(accounts={"main": wrong})) as bot:
            change = await bot.wait(RegistrationChanged)
            assert (change.is_registered, change.sip_status) == (False, 401)
            assert (await phone.dial(bot.uri)).is_answered
            await until(lambda: registrar.requests >= 6, "further attempts")
            assert len(bot.seen(RegistrationChanged)) == 1


@scenario
async def test_registration_comes_back_when_the_registrar_does() -> None:
    registrar = Registrar()
    await registrar.open()
    try:
        registrar.refuses_with = 503
        async with Bot(settings(accounts={"main": account(registrar)})) as bot:
            assert (await bot.wait(RegistrationChanged)).sip_status == 503
            registrar.refuses_with = None
            assert (await bot.wait(RegistrationChanged, count=2)).is_registered
    finally:
        await registrar.close()


@scenario
async def test_a_lost_registration_is_reported_and_regained() -> None:
    async with Registrar() as registrar:
        short = account(registrar, register_every="2s")
        async with Bot(settings(accounts={"main": short})) as bot:
            await bot.wait(RegistrationChanged)
            registrar.refuses_with = 500
            assert not (await bot.wait(RegistrationChanged, count=2, timeout_s=10)).is_registered
            registrar.refuses_with = None
            assert (await bot.wait(RegistrationChanged, count=3, timeout_s=10)).is_registered


@scenario
async def test_a_registrar_whose_name_has_no_address_does_not_stop_the_bot() -> None:
    lost = AccountSettings(uri="sip:1@x", registrar="sip:no-such-host.invalid")
    async with Bot(settings(accounts={"lost": lost})) as bot, SipPeer() as phone:
        assert (await phone.dial(bot.uri)).is_answered
        change = await bot.wait(RegistrationChanged, timeout_s=20)
        assert (change.is_registered, change.sip_status) == (False, 502)


@scenario
async def test_several_accounts_register_and_their_calls_are_told_apart() -> None:
    async with Registrar() as one, Registrar(user="200", password="other") as two:
        accounts = {
            "one": account(one),
            "two": account(two, uri="sip:200@127.0.0.1", password="other"),
        }
        async with Bot(settings(accounts=accounts)) as bot, SipPeer() as phone:
            await bot.wait(RegistrationChanged, count=2)
            assert {event.account for event in bot.seen(RegistrationChanged) if event.is_registered} == {"one", "two"}
            for user, name in (("100", "one"), ("200", "two"), ("999", "")):
                call = await phone.dial(f"sip:{user}@127.0.0.1:{bot.telephony.port}")
                assert bot.seen(LegOffered)[-1].account == name
                await call.hang_up()
                await asyncio.sleep(0.05)
