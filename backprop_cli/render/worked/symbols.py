"""The chain rule in symbols as a page: what `--show symbolic` prints, set as formulas.

The steps are SymPy's; they come as text of the language, over display names, and are read back
into expressions so that a page can set them.
"""

from collections.abc import Iterator

from backprop_cli.graph import Graph
from backprop_cli.language.names import display_names
from backprop_cli.operations import CONSTANT
from backprop_cli.readings.expressions import (
    derivative,
    name,
    operation,
    product,
    read,
    total,
)
from backprop_cli.render.echo import few, left_out
from backprop_cli.render.plain import Line, Steps
from backprop_cli.render.worked.pages import Page
from backprop_cli.render.worked.parts import Equation
from backprop_cli.studies.solution import Unavailable


def symbol_names(graph: Graph) -> list[str]:
    """Return the names that formulas of the page may contain."""
    return [*filter(_called, display_names(graph))]


def _called(name: str) -> bool:
    """Return whether a display name is a name, and no formula that stands in its place."""
    return name.replace("′", "").isidentifier()


def symbol_blocks(page: Page, graph: Graph, steps: Steps, rows: int) -> Iterator[str]:
    """Yield the blocks of a page on the chain rule in symbols."""
    names = display_names(graph)
    nodes = [node for node, row in enumerate(graph.rows) if row > CONSTANT and _called(names[node])]
    operations = [
        (name(names[k]), operation(graph, k, names, most=few(rows))) for k in nodes[:rows]
    ]
    yield page.display(operations) if operations else page.text(names[graph.outputs[0]])
    if len(nodes) > rows:
        yield page.text(left_out(len(nodes), rows, "nodes"))
    yield from derivations(page, names, steps, rows)


def derivations(page: Page, names: list[str], steps: Steps, rows: int) -> Iterator[str]:
    """Yield the blocks of the chain rule in symbols, over the nodes of these display names."""
    for output, lines in steps.items():
        of = f" for {page.name(output)}" if len(steps) > 1 else ""
        yield page.heading(f"From the output back{of}, in symbols")
        if isinstance(lines, Unavailable):
            yield f"{page.strong('None here:')} {page.text(lines.reason)}."
            continue
        yield "Each derivative is the sum of upstream $\\times$ local over the nodes that read it."
        yield page.display(_equation(output, line, names) for line in lines[:rows])
        if len(lines) > rows:
            yield page.text(left_out(len(lines), rows, "nodes"))


def _equation(output: str, line: Line, names: list[str]) -> Equation:
    terms = [product(read(t.upstream, names), read(t.local, names)) for t in line.terms]
    sides = [total(terms)] if terms else []
    sides += [read(text, names) for text in (line.result, line.final) if text]
    return (derivative(output, line.node), *dict.fromkeys(sides))
