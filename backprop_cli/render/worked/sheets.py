"""The sheets that can be handed out, whatever language they are laid out in."""

from backprop_cli.graph import Graph
from backprop_cli.render.plain import Steps
from backprop_cli.render.worked.equations import notation_names
from backprop_cli.render.worked.pages import Page
from backprop_cli.render.worked.parts import Worked
from backprop_cli.render.worked.symbols import derivations, symbol_blocks, symbol_names


def solution_sheet(
    layout: type[Page],
    made: Worked,
    rows: int = 100,
    embed: bool = False,
    steps: Steps | None = None,
) -> str:
    """Return a worked solution; with the `steps` of the chain rule in symbols, these follow."""
    page = layout(notation_names(made), embed)
    symbols = derivations(page, made.solution.names, steps or {}, rows)
    return page.document("Worked solution", [*page.blocks(made, rows), *symbols])


def symbol_sheet(layout: type[Page], graph: Graph, steps: Steps, rows: int, embed: bool) -> str:
    """Return the chain rule in symbols, which needs no point."""
    page = layout(symbol_names(graph), embed)
    return page.document("Chain rule in symbols", symbol_blocks(page, graph, steps, rows))
