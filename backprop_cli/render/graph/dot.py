"""The picture of a graph for Graphviz: `dot -Tsvg`.

Labels are HTML-like, so that value, operation and gradient have their own colours and lines; all
text in them is escaped, and every identifier is ours.
"""

from collections.abc import Sequence

from backprop_cli.render.drawing import LIGHT, safe
from backprop_cli.render.graph.diagram import Diagram, Item, Wire

_VALUE, _GRADIENT = LIGHT[2][6], LIGHT[2][0]
_SHAPES = {"operation": "box", "comparison": "diamond", "input": "box", "constant": "box"}


def dot(diagrams: Sequence[Diagram]) -> str:
    """Return a program of the DOT language that draws the graphs, values above, gradients below."""
    lines = [
        "digraph backprop {",
        '  rankdir=LR; fontname="sans-serif";',
        '  node [fontname="sans-serif", margin="0.05,0.05"];',
        '  edge [fontname="sans-serif", fontsize=11, arrowsize=0.7];',
    ]
    for number, shown in enumerate(diagrams):
        prefix = f"p{number + 1}_" if number else ""
        lines += [
            f"  subgraph cluster_{number} {{",
            '    color="none";',
            f'    label={_quoted(shown.title)}; labelloc="t"; labeljust="l";',
            *(f"    {_node(item, prefix)}" for item in shown.items),
            *(f"    {_edge(item, wire, prefix)}" for item in shown.items for wire in item.wires),
            "  }",
        ]
    return "\n".join([*lines, "}\n"])


def _node(item: Item, prefix: str) -> str:
    rows = [_row(text, colour, tag) for text, colour, tag in _texts(item) if text]
    table = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="1">{"".join(rows)}</TABLE>'
    style = "" if item.kind == "comparison" else ', style="rounded"'
    style = "" if item.kind in ("input", "constant") else style
    return f"{prefix}n{item.node} [label=<{table}>, shape={_SHAPES[item.kind]}{style}];"


def _texts(item: Item) -> list[tuple[str, str, str]]:
    """Return the lines of a node, each with its colour and its tag."""
    name = "" if item.kind == "comparison" else item.name
    above = " = ".join(text for text in (name, item.value) if text)
    below = f"← {item.gradient}" if item.gradient else ""
    sign = item.operation if item.kind in ("operation", "comparison") else ""
    return [(above, _VALUE, ""), (sign, "", "B"), (below, _GRADIENT, "I")]


def _row(text: str, colour: str, tag: str) -> str:
    made = _plain(text)
    made = f"<{tag}>{made}</{tag}>" if tag else made
    made = f'<FONT COLOR="{colour}">{made}</FONT>' if colour else made
    return f"<TR><TD>{made}</TD></TR>"


def _edge(item: Item, wire: Wire, prefix: str) -> str:
    looks = [f"label={_quoted(wire.slope)}"] if wire.slope else []
    looks += [] if wire.flows else ['style="dashed"']
    return f"{prefix}n{wire.operand} -> {prefix}n{item.node} [{', '.join(looks)}];"


def _quoted(text: str) -> str:
    """Return a string of DOT that is read as this text."""
    return f'"{_plain(text)}"'


def _plain(text: str) -> str:
    """Return text in one line and in entities.

    A backslash begins an escape, in HTML-like labels even as an entity, so it is full-width.
    """
    return safe(" ".join(text.split())).replace("\\", "＼")
