"""What a bot of one process answers at its control socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from ivr.errors import IvrError
from ivr.supervisor.monitoring import asked_of_one

if TYPE_CHECKING:
    from ivr.app import Bot


def answers_of(bot: Bot) -> Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]:
    """For `ivr.supervisor.control.ControlSocket`."""

    async def answer(request: dict[str, Any]) -> dict[str, Any]:
        if request.get("do") == "monitor":
            return await asked_of_one(bot.monitor, request)
        raise IvrError("this bot is one process, without workers; `ivr serve --capacity N` makes one of several")

    return answer
