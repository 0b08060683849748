"""The picture of a graph for Mermaid, which GitHub and many notebooks draw from text.

In a label, everything but letters, digits and a few harmless signs is written as a numbered
entity (`#35;`), so no text can end its label, start another, or be read as markup or Markdown.
"""

from collections.abc import Sequence

from backprop_cli.render.graph.diagram import Diagram, Item, Wire

MOST_EDGES = 500
"""Mermaid draws no more edges than this, unless its page raises the limit."""

_HARMLESS = " .,=←∂/·−×^+()"
_BREAK = "<br/>"
_BRACKETS = {
    "input": ("[", "]"),
    "constant": ("[", "]"),
    "operation": ("([", "])"),
    "comparison": ("{{", "}}"),
}


def mermaid(diagrams: Sequence[Diagram]) -> str:
    """Return a flowchart from left to right, values above and gradients below each operation."""
    lines = ["flowchart LR"]
    for number, shown in enumerate(diagrams):
        prefix = f"p{number + 1}_" if number else ""
        several = len(diagrams) > 1
        if several:
            lines.append(f'  subgraph {prefix or "p1_"}all["{_label(shown.title)}"]')
        lines += [f"    {_node(item, prefix)}" for item in shown.items]
        lines += [f"    {_edge(item, wire, prefix)}" for item in shown.items for wire in item.wires]
        lines += ["  end"] if several else []
    return "\n".join([*lines, ""])


def _node(item: Item, prefix: str) -> str:
    name = "" if item.kind == "comparison" else item.name
    above = " = ".join(text for text in (name, item.value) if text)
    sign = item.operation if item.kind in ("operation", "comparison") else ""
    below = f"← {item.gradient}" if item.gradient else ""
    text = _BREAK.join(_label(line) for line in (above, sign, below) if line)
    opening, closing = _BRACKETS[item.kind]
    return f'{prefix}n{item.node}{opening}"{text}"{closing}'


def _edge(item: Item, wire: Wire, prefix: str) -> str:
    arrow = "-->" if wire.flows else "-.->"
    text = f'|"{_label(wire.slope)}"|' if wire.slope else ""
    return f"{prefix}n{wire.operand} {arrow}{text} {prefix}n{item.node}"


def _label(text: str) -> str:
    """Return text for a label in quotation marks; signs that cannot be shown become U+FFFD.

    A pair of dollar signs begins a formula even as entities, so they are written full-width.
    """
    made = []
    text = " ".join(text.split()).replace("$", "＄")
    for sign, following in zip(text, [*text[1:], " "], strict=True):
        minus = sign == "-" and following.isdigit()
        if sign.isalnum() or sign in _HARMLESS or minus:
            made.append(sign)
        else:
            made.append(f"#{ord(sign) if sign.isprintable() else 0xFFFD};")
    return "".join(made)
