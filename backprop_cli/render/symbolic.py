"""The derivation in symbols: the chain rule, one line a node, ending in formulas of the inputs.

The steps come from SymPy's own process; here they only become lines. Reading down the lines is
reading the backward pass with letters in the place of numbers.
"""

from backprop_cli.graph import Graph
from backprop_cli.language.names import display_names, node_text
from backprop_cli.language.notation import pretty
from backprop_cli.operations import CONSTANT
from backprop_cli.render.console import Column, Screen, Words
from backprop_cli.render.echo import left_out
from backprop_cli.render.plain import Line, Steps
from backprop_cli.studies.solution import Unavailable


def print_symbolic(steps: Steps, rows: int, screen: Screen, graph: Graph | None = None) -> None:
    """Print the chain rule in symbols for each output; with the graph, what each node is."""
    meanings = _meanings(graph) if graph else {}
    for output, lines in steps.items():
        screen.line()
        screen.line(
            [
                ("Chain rule in symbols", "title"),
                (f": each ∂{output}/∂node is the sum of upstream × local", "dim"),
            ]
        )
        if isinstance(lines, Unavailable):
            screen.line([(f"None here: {lines.reason}.", "bad")], 2)
            continue
        shown = list(lines[:rows])
        width = max((len(line.node) for line in shown), default=0)
        made = [_row(output, line, meanings, width) for line in shown]
        columns = [Column("node"), Column("is"), Column("chain rule")]
        if not meanings:
            columns, made = [columns[0], columns[2]], [[row[0], row[2]] for row in made]
        screen.table(columns, made)
        if len(shown) < len(lines):
            screen.line([(left_out(len(lines), len(shown), "nodes"), "dim")], 2)


def _meanings(graph: Graph) -> dict[str, str]:
    """Return what each operation is, by its name."""
    names = display_names(graph)
    return {
        names[node]: pretty(node_text(graph, node, names))
        for node, row in enumerate(graph.rows)
        if row > CONSTANT
    }


def _row(output: str, line: Line, meanings: dict[str, str], width: int) -> list[Words]:
    sign = f"∂{output}/∂{line.node:<{width}}"
    words: list[tuple[str, str]] = [(sign, "")]
    parts = list(dict.fromkeys(part for part in (_sum(line), line.result, line.final) if part))
    for place, part in enumerate(parts):
        style = "gradient" if place == len(parts) - 1 else ""
        words += [(" = ", ""), (pretty(part), style)]
    return [[(line.node, "name")], [(meanings.get(line.node, "input"), "dim")], words]


def _sum(line: Line) -> str:
    return " + ".join(f"{term.upstream} × {term.local}" for term in line.terms)
