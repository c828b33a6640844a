"""Small flows for the tests of the engine."""

from __future__ import annotations

from ivr.testing.conversation import CallScript

HEAD = """
flow: test
language: en-US
"""

MENU = (
    HEAD
    + """
start: main
commands:
  agent: {keys: "0", say: [agent], go: bye}
  again: {keys: "*", say: [repeat], go: repeat}
  back: {keys: "##", say: [go back], go: back}
steps:
  main:
    menu:
      prompt: "Say sales or press 1. Say support or press 2."
      choices:
        sales: {keys: "1", say: [sales], go: sales}
        support: {keys: "2", say: [support, technical support], go: support}
  sales: {say: "Here is sales.", next: hang_up}
  support: {say: "Here is support.", next: hang_up}
  bye: {say: "An agent it is.", next: hang_up}
"""
)


def menu(**settings: str) -> CallScript:
    """A call in a menu; settings are further lines of the step."""
    return offered(MENU.replace("  main:\n", "  main:\n" + lines(settings)))


def ask(kind: str, *, commands: str = "", then: str = "", **settings: str) -> CallScript:
    """A call in a question that keeps its answer in `value` and then says goodbye."""
    return offered(ask_text(kind, commands=commands, then=then, **settings))


def answer(call: CallScript) -> object:
    """What the question of `ask` kept."""
    return call.variables.get("value")


def ask_text(kind: str, *, commands: str = "", then: str = "", **settings: str) -> str:
    """The flow of `ask`."""
    settings = {"prompt": '"What is it?"', "into": "value", "next": "thanks", **settings}
    known = commands or (
        '  agent: {keys: "0", say: [agent], go: bye}\n'
        '  again: {keys: "*", say: [repeat], go: repeat}\n'
        '  back: {keys: "##", say: [go back], go: back}\n'
    )
    return (
        HEAD
        + f"start: question\ncommands:\n{known}steps:\n  question:\n    ask: {kind}\n"
        + lines(settings)
        + (then or '  thanks: {say: "Thank you.", next: hang_up}\n')
        + '  bye: {say: "An agent it is.", next: hang_up}\n'
        + '  sorry: {say: "That is too bad.", next: hang_up}\n'
    )


def lines(settings: dict[str, str]) -> str:
    """Keys of a step."""
    return "".join(f"    {name}: {value}\n" for name, value in settings.items())


def offered(flow: str, **more: bool) -> CallScript:
    """A call that has just come in."""
    return CallScript(flow).offered()
