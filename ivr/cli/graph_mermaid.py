"""The picture of a flow as Mermaid text, which GitHub and many wikis draw by themselves."""

from __future__ import annotations

from collections.abc import Iterator

from ivr.cli.graph_dot import (
    ASKS,
    ENDS_CALL,
    HANDS_OVER,
    LINE_CHARACTERS,
    TALKS,
    TEXT,
    THINKS,
    WRONG,
    look_of,
    named,
    shortened,
)
from ivr.flow.graph import ENDS, STAYS, Arrow, Card, FlowGraph, Way
from ivr.flow.steps.kind import END

_CLASSES = {"talks": TALKS, "asks": ASKS, "thinks": THINKS, "handsOver": HANDS_OVER, "endsCall": ENDS_CALL}
_SHAPES = {"talks": ("(", ")"), "asks": ("([", "])"), "thinks": ("[", "]"), "handsOver": ("[[", "]]")}
_MOST_CHARACTERS = 3 * LINE_CHARACTERS


def mermaid(graph: FlowGraph) -> str:
    """A flowchart; the same flow gives the same text."""
    return "\n".join(_lines_of(graph)) + "\n"


def _lines_of(graph: FlowGraph) -> Iterator[str]:
    yield "flowchart TD"
    yield f"  call_begins(( )) --> {_node(graph.start)}"
    for card in graph.cards:
        yield f"  {_card(card)}"
        for number, arrow in enumerate(card.arrows):
            yield from _arrow(card, number, arrow)
    for detour in graph.detours:
        yield f"  {_node(detour.source)} -. {_quoted(f'{detour.calls:,}')} .-> {_node(detour.target)}"
    if graph.afterwards is not None:
        when = "the call is over" if graph.afterwards.always else "the caller hangs up"
        counted = f" · {graph.afterwards.calls:,}" if graph.afterwards.calls else ""
        yield f'  call_ends(["{when}{counted}"]) --> {_node(graph.afterwards.target)}'
    for target in graph.unknown:
        yield f"  {_node(target)}[{_quoted(f'there is no step {target}')}]:::wrong"
    yield from _anywhere(graph)
    yield from _styles(graph)


def _node(step: str) -> str:
    """A name that is no word of Mermaid's own (`end`, `graph`)."""
    return "s_" + "".join(c if c.isascii() and c.isalnum() else "_" for c in step)


def _class(card: Card) -> str:
    look = look_of(card.kind)
    return next((name for name, known in _CLASSES.items() if known is look), "")


def _card(card: Card) -> str:
    begin, end = _SHAPES.get(_class(card), ("(", ")"))
    counted = "" if card.calls is None else f" · {card.calls:,}"
    lines = [f"<b>{card.name}</b> <small>{card.kind.replace('_', ' ')}{counted}</small>"]
    lines += [_plain(line) for line in [shortened(card.text, _MOST_CHARACTERS)] if line]
    lines += [_plain(error.split("; ")[0]) for error in card.errors]
    lines += [] if card.is_reachable else ["no call can come here"]
    style = "wrong" if card.errors else "lost" if not card.is_reachable else _class(card) or "reachesOut"
    return f'{_node(card.name)}{begin}"{"<br/>".join(lines)}"{end}:::{style}'


def _arrow(card: Card, number: int, arrow: Arrow) -> Iterator[str]:
    ways = [named(card, way) for way in arrow.ways] if len(arrow.ways) > 1 else arrow.ways
    label = "<br/>".join(filter(None, map(_way, ways)))
    label += f" · {arrow.calls:,}" if arrow.calls is not None and label else f"{arrow.calls:,}" if arrow.calls else ""
    line = f" -- {_quoted(label)} -->" if label else " -->"
    if arrow.target in STAYS:
        yield (
            f"  {_node(card.name)}{line} {_node(card.name)}"
            if arrow.target == "repeat"
            else (f"  %% {card.name}: {label} leads back to the question before")
        )
    elif arrow.target in ENDS:
        shape = "((( )))" if arrow.target == END else f'(["{arrow.target}"])'
        yield f"  {_node(card.name)}{line} {_node(card.name)}_end{number}{shape}"
    else:
        yield f"  {_node(card.name)}{line} {_node(arrow.target)}"


def _way(way: Way) -> str:
    return f"{way.name} ({way.signal})" if way.signal else way.name


def _anywhere(graph: FlowGraph) -> Iterator[str]:
    if not graph.anywhere:
        return
    rows = [f"{each.way.name}: {each.way.signal} → {each.target}" for each in graph.anywhere]
    yield f'  in_every_question["<b>in every question</b><br/>{"<br/>".join(map(_plain, rows))}"]:::legend'


def _styles(graph: FlowGraph) -> Iterator[str]:
    for name, look in _CLASSES.items():
        yield f"  classDef {name} fill:{look.fill},stroke:{look.border},color:{TEXT}"
    yield f"  classDef reachesOut fill:#fffbeb,stroke:#d97706,color:{TEXT}"
    yield f"  classDef wrong fill:#fef2f2,stroke:{WRONG},stroke-width:3px,color:{TEXT}"
    yield f"  classDef lost fill:#ffffff,stroke:{WRONG},stroke-dasharray:5 4,color:{TEXT}"
    yield f"  classDef legend fill:#ffffff,stroke:#b6bec9,stroke-dasharray:5 4,color:{TEXT},text-align:left"


def _quoted(text: str) -> str:
    return f'"{_plain(text)}"' if "<br/>" not in text else '"' + "<br/>".join(map(_plain, text.split("<br/>"))) + '"'


def _plain(text: str) -> str:
    """Text without what Mermaid would read as its own: it knows entities, written with # for &."""
    named = {
        "#": "#35;",
        '"': "#quot;",
        "<": "#lt;",
        ">": "#gt;",
        "`": "#96;",
        "{": "#123;",
        "}": "#125;",
        "|": "#124;",
    }
    return "".join(named.get(character, character) for character in " ".join(text.split()))
