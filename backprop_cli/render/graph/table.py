"""The graph as a table, for graphs too large to be drawn on a screen: one node a line.

Each line says what the node reads, with the local slope of each operand in brackets, as on the
wires of the drawing.
"""

from backprop_cli.render.console import Column, Screen, Words
from backprop_cli.render.echo import few, left_out
from backprop_cli.render.graph.diagram import Diagram, Item
from backprop_cli.render.numbers import aligned


def print_rows(shown: Diagram, rows: int, reason: str, screen: Screen) -> None:
    """Print the first `rows` nodes in order of evaluation, and how many there are beyond.

    `reason` says why they are listed and not drawn.
    """
    items = shown.items[:rows]
    names = {item.node: item.name for item in shown.items}
    columns = [Column("node"), Column("operation"), Column("reads [local slope]")]
    cells: list[list[Words]] = [
        [
            [(item.name, "name")],
            [(item.operation if item.kind in ("operation", "comparison") else item.kind, "")],
            [(_reads(item, names, few(rows)), "")],
        ]
        for item in items
    ]
    values = aligned(item.value for item in items)
    gradients = aligned(item.gradient for item in items)
    for title, texts, style in (("value", values, "value"), (_slope(shown), gradients, "gradient")):
        if any(text.strip() for text in texts):
            columns.append(Column(title))
            for line, text in zip(cells, texts, strict=True):
                line.append([(text, style)])
    screen.table(columns, cells)
    screen.line([(f"listed, not drawn: {reason}", "dim")], 2)
    if shown.total > len(items):
        screen.line([(left_out(shown.total, len(items), "nodes"), "dim")], 2)


def _slope(shown: Diagram) -> str:
    return f"gradient ∂{shown.name}/∂node"


def _reads(item: Item, names: dict[int, str], most: int) -> str:
    """Return the operands of a node with their slopes; of very many, the first and a count."""
    texts = [
        f"{names[wire.operand]} [{wire.slope}]" if wire.slope else names[wire.operand]
        for wire in item.wires
    ]
    if len(texts) > 2 * most:
        texts = [*texts[:most], f"… {len(texts) - most:,} more"]
    return ", ".join(texts)
