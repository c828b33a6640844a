"""The picture of a flow for Graphviz: a card for each step, its exits at the bottom, arrows from there."""

from __future__ import annotations

import textwrap
from collections import Counter
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from ivr.flow.graph import ENDS, STAYS, Arrow, Card, FlowGraph, Way
from ivr.flow.steps.kind import END

if TYPE_CHECKING:
    from graphviz import Digraph

LINE_CHARACTERS, EXIT_CHARACTERS, MOST_LINES = 34, 17, 3
BREAK = '<br align="left"/>'
WIDEST_ARROW_PT = 5.5
MOST_ARROWS = 6
"""Of a step that more lead to, the others only name it: long arrows across the whole picture hide it."""
FONT = "Helvetica,Arial,sans-serif"
TEXT, QUIET, LINE, WRONG, PALE = "#1f2937", "#6b7280", "#7b8794", "#dc2626", "#b6bec9"


class Look(NamedTuple):
    """How cards of one kind look."""

    fill: str
    border: str
    is_round: bool = True
    """Whether the caller is told or asked something there."""


TALKS, ASKS, THINKS = Look("#eff6ff", "#3b82f6"), Look("#f5f3ff", "#8b5cf6"), Look("#f3f4f6", "#6b7280", False)
HANDS_OVER, ENDS_CALL, REACHES_OUT = Look("#ecfdf5", "#10b981"), Look("#fff1f2", "#f43f5e"), Look("#fffbeb", "#d97706")
LOOKS = {
    "say": TALKS,
    "menu": ASKS,
    "ask": ASKS,
    "form": ASKS,
    "survey": ASKS,
    "record": ASKS,
    "answer": THINKS,
    "set": THINKS,
    "when": THINKS,
    "hours": THINKS,
    "language": THINKS,
    "tag": THINKS,
    "return": THINKS,
    "transfer": HANDS_OVER,
    "video": HANDS_OVER,
    "queue": HANDS_OVER,
    "hang_up": ENDS_CALL,
}
"""By action; what is not here reaches out to something else (`request`, `send`, `run`)."""


PLAINLY = {"ask": "answered", "form": "answered", "request": "answered", "record": "recorded"}
"""By action: what `next` means beside other exits; elsewhere it is `else`."""


def look_of(kind: str) -> Look:
    """How the cards of a kind look."""
    return LOOKS.get(kind.split(" ")[0], REACHES_OUT)


def named(card: Card, way: Way) -> Way:
    """The way with a name, also where it is the plain one beside others."""
    return way if way.name else Way(PLAINLY.get(card.kind.split(" ")[0], "else"), way.signal)


def shortened(text: str, most_characters: int) -> str:
    """The first words of a text."""
    return textwrap.shorten(text, most_characters, placeholder=" …")


def digraph(graph: FlowGraph) -> Digraph:
    """The picture; the same flow gives the same text."""
    from graphviz import Digraph

    drawn = Digraph(graph.flow)
    drawn.attr(bgcolor="transparent", rankdir="TB", nodesep="0.45", ranksep="0.5", fontname=FONT)
    drawn.attr("node", shape="plain", fontname=FONT, fontsize="11", fontcolor=TEXT)
    drawn.attr("edge", color=LINE, fontname=FONT, fontsize="9", fontcolor=QUIET, arrowsize="0.7", penwidth="1.3")
    drawn.node("call begins", shape="circle", label="", width="0.16", style="filled", fillcolor=LINE, color=LINE)
    drawn.edge("call begins", _node(graph.start))
    for card in graph.cards:
        drawn.node(_node(card.name), label=_card(card), tooltip=card.text or card.name)
    _draw_arrows(drawn, graph)
    for target in graph.unknown:
        text = f"there is no step “{target}”"
        drawn.node(_node(target), shape="box", style="dashed", color=WRONG, fontcolor=WRONG, label=text, margin="0.15")
    _draw_afterwards(drawn, graph)
    _draw_anywhere(drawn, graph)
    return drawn


def _node(step: str) -> str:
    """A name that no other node has and that DOT does not read as a port."""
    return f"step {step}"


# --- arrows ----------------------------------------------------------------------------------------------------------


def _draw_arrows(drawn: Digraph, graph: FlowGraph) -> None:
    most = max((arrow.calls or 0 for card in graph.cards for arrow in card.arrows), default=0)
    aims = Counter(arrow.target for card in graph.cards for arrow in card.arrows)
    met: set[str] = set()
    for card in graph.cards:
        for number, arrow in enumerate(card.arrows):
            if arrow.target in STAYS:
                continue
            is_far = aims[arrow.target] > MOST_ARROWS and arrow.target in met and arrow.target not in ENDS
            met.add(arrow.target)
            tail = f"{_node(card.name)}:exit{number}:s" if _has_exits(card) else f"{_node(card.name)}:s"
            head = f"{card.name} exit {number}" if is_far or arrow.target in ENDS else _node(arrow.target)
            if is_far:
                drawn.node(head, **_reference(arrow.target))
            elif arrow.target in ENDS:
                drawn.node(head, **_end(arrow.target))
            drawn.edge(tail, head, **_width(arrow, most))
    for detour in graph.detours:
        ends = (_node(detour.source), _node(detour.target))
        drawn.edge(*ends, label=f"  {detour.calls:,}", style="dotted", constraint="false")


def _reference(target: str) -> dict[str, str]:
    """Stands for a step that too many arrows lead to."""
    return {"shape": "box", "style": "rounded,filled", "fillcolor": "#ffffff", "color": PALE, "label": f"→ {target}",
            "fontsize": "10", "margin": "0.08,0.03", "height": "0.2"}  # fmt: skip


def _end(target: str) -> dict[str, str]:
    if target != END:
        return _pill(target)
    return {"shape": "doublecircle", "label": "", "width": "0.11", "style": "filled", "fillcolor": LINE, "color": LINE}


def _pill(text: str) -> dict[str, str]:
    return {"shape": "box", "style": "rounded,filled", "fillcolor": LINE, "color": LINE, "fontcolor": "#ffffff",
            "label": text, "fontsize": "10", "margin": "0.1,0.04", "height": "0.2"}  # fmt: skip


def _draw_afterwards(drawn: Digraph, graph: FlowGraph) -> None:
    """Where calls go when they are over."""
    if graph.afterwards is None:
        return
    drawn.node("call ends", **_pill("the call is over" if graph.afterwards.always else "the caller hangs up"))
    label = f"  {graph.afterwards.calls:,}" if graph.afterwards.calls else ""
    drawn.edge("call ends", _node(graph.afterwards.target), label=label)


def _width(arrow: Arrow, most: int) -> dict[str, str]:
    """An arrow as wide as its share of the calls; a pale one where none went."""
    if arrow.calls is None:
        return {}
    if not arrow.calls:
        return {"color": PALE, "penwidth": "1"}
    width_pt = 1.3 + (WIDEST_ARROW_PT - 1.3) * arrow.calls / most
    return {"label": f"  {arrow.calls:,}", "penwidth": f"{width_pt:.2f}", "arrowsize": f"{0.8 - 0.04 * width_pt:.2f}"}


# --- a card ----------------------------------------------------------------------------------------------------------


def _has_exits(card: Card) -> bool:
    return len(card.arrows) > 1 or any(way.name for arrow in card.arrows for way in arrow.ways)


def _card(card: Card) -> str:
    look = look_of(card.kind)
    border = WRONG if card.errors else look.border
    styles = [*(["rounded"] if look.is_round else []), *([] if card.is_reachable else ["dashed"])]
    span = f' colspan="{max(len(card.arrows), 1)}"'
    width = max(LINE_CHARACTERS, EXIT_CHARACTERS * len(card.arrows))
    said = _lines(card.text, width)
    for error in (*card.errors, *([] if card.is_reachable else ["no call can come here"])):
        said += [f'<font color="{WRONG}">{line}</font>' for line in _lines(error.split("; ")[0], width)]
    rows = [f'<tr><td{span} align="left" cellpadding="4">{_head(card, look)}</td></tr>']
    if said:
        rows.append(f'<tr><td{span} align="left" balign="left" cellpadding="4">{BREAK.join(said)}{BREAK}</td></tr>')
    if _has_exits(card):
        cells = "<vr/>".join(
            f'<td port="exit{number}" valign="top">{_exit(card, arrow)}</td>'
            for number, arrow in enumerate(card.arrows)
        )
        rows.append(f"<hr/><tr>{cells}</tr>")
    return (
        f'<<table border="{2 if card.errors else 1}" cellborder="0" cellspacing="0" cellpadding="6" color="{border}" '
        f'bgcolor="{look.fill if card.is_reachable else "#ffffff"}" style="{",".join(styles)}">{"".join(rows)}</table>>'
    )


def _head(card: Card, look: Look) -> str:
    calls = (
        "" if card.calls is None else f' <font point-size="9" color="{QUIET}"> · {_count(card.calls, "visit")}</font>'
    )
    kind = f'<font point-size="9" color="{look.border}">{escape(card.kind.replace("_", " "))}</font>'
    return f"<b>{escape(card.name)}</b>  {kind}{calls}"


def _lines(text: str, width: int) -> list[str]:
    """The first words, in lines of about the same width."""
    wrapped = [line for part in text.split("\n") for line in textwrap.wrap(part, width)]
    if len(wrapped) > MOST_LINES:
        wrapped = [*wrapped[: MOST_LINES - 1], wrapped[MOST_LINES - 1].rstrip(" ,.;:") + " …"]
    return [escape(line) for line in wrapped]


def _exit(card: Card, arrow: Arrow) -> str:
    stays = f"↺ {arrow.target}" if arrow.target in STAYS else ""
    parts = [_way(named(card, way)) for way in arrow.ways]
    return "<br/>".join([*parts, *([f'<font point-size="9" color="{QUIET}">{stays}</font>'] if stays else [])])


def _way(way: Way) -> str:
    name = "<br/>".join(escape(line) for line in textwrap.wrap(way.name, 24))
    if len(way.signal) < 3:
        return name + (f' <font point-size="9" color="{QUIET}">{escape(way.signal)}</font>' if way.signal else "")
    signal = "<br/>".join(escape(line) for line in textwrap.wrap(way.signal, 22))
    return f'{name}<br/><font point-size="9" color="{QUIET}">{signal}</font>'


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


# --- what is everywhere ----------------------------------------------------------------------------------------------


def _draw_anywhere(drawn: Digraph, graph: FlowGraph) -> None:
    """A table of the commands and of where failed attempts lead."""
    if not graph.anywhere:
        return
    quiet = f'point-size="9" color="{QUIET}"'
    rows = ['<tr><td colspan="3" align="left"><b>in every question</b></td></tr>']
    rows += [
        f'<tr><td align="left">{escape(each.way.name)}</td><td align="left"><font {quiet}>{escape(each.way.signal)}'
        f'</font></td><td align="left">→ {escape(each.target)}</td></tr>'
        for each in graph.anywhere
    ]
    table = "".join(rows)
    label = (
        f'<<table border="1" cellborder="0" cellspacing="0" cellpadding="2" color="{PALE}" bgcolor="#ffffff" '
        f'style="dashed">{table}</table>>'
    )
    with drawn.subgraph() as beside_the_first_step:
        beside_the_first_step.attr(rank="same")
        beside_the_first_step.node(_node(graph.start))
        beside_the_first_step.node("anywhere", label=label)
