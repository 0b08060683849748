"""Where the operations of a graph have no slope, or several, at this point.

Each row states its kinks and jumps as conditions over its operands; this file evaluates them at
the nodes of a graph.
"""

from functools import cache
from typing import Any

from backprop_cli.graph import Graph
from backprop_cli.operations import COMPARISONS, TABLE, WHERE, Kink
from backprop_cli.readings.floats import TOTAL

KINKED = frozenset(row for row, operation in enumerate(TABLE) if operation.kinks)
"""The rows that have kinks or jumps somewhere."""

_COMPARISON_ROWS = frozenset(COMPARISONS.values())


@cache
def _conditions(row: int) -> tuple[Any, ...]:
    return TOTAL.conditions(TABLE[row])


@cache
def _sides(row: int) -> tuple[Any, ...]:
    return TOTAL.sides(TABLE[row])


def arguments_for(row: int, operands: list[float], position: int, out: float) -> list[float]:
    """Return what a row's partials, conditions and sides take for the operand at `position`."""
    operation = TABLE[row]
    if not operation.variadic:
        return [*operands, out]
    fixed = len(operation.parameters) - 1
    rest = operands[fixed:]
    ties = sum(1 for value in rest if value == out)
    index = position - fixed
    return [*operands[:fixed], operands[position], out, ties, index, len(rest)]


def kinks_at(graph: Graph, node: int, values: list[float]) -> list[Kink]:
    """Return the kinks and jumps of `node` that lie exactly at this point."""
    row = graph.rows[node]
    if row not in KINKED:
        return []
    operands = [values[k] for k in graph.operands_of(node)]
    given = arguments_for(row, operands, len(operands) - 1, values[node])
    return [
        kink
        for kink, holds in zip(TABLE[row].kinks, _conditions(row), strict=True)
        if (holds(*given) if callable(holds) else holds)
    ]


def sides_of(graph: Graph, node: int, values: list[float]) -> tuple[float, ...]:
    """Return numbers that change when an operand of `node` crosses a kink, a jump or a pole."""
    row = graph.rows[node]
    operands = [values[k] for k in graph.operands_of(node)]
    fixed = len(operands) - 1
    positions = (
        range(len(TABLE[row].parameters) - 1, fixed + 1) if TABLE[row].variadic else (fixed,)
    )
    return tuple(
        side(*arguments_for(row, operands, position, values[node]))
        for position in positions
        for side in _sides(row)
    )


def kinked_nodes(
    graph: Graph, values: list[float], adjoints: list[Any], active: bytearray
) -> list[tuple[int, int]]:
    """Return (node that matters, node with the kink) for the kinks that reach the output.

    Both are the same node, except for a comparison: there the `where` that reads it matters. A
    kink matters when its node depends on an input asked for and its adjoint is not zero.
    """
    if KINKED.isdisjoint(graph.rows):
        return []
    found = []
    for node, row in enumerate(graph.rows):
        adjoint = adjoints[node]
        if adjoint is None or adjoint == 0 or not active[node]:
            continue
        kinked = graph.operands_of(node)[0] if row == WHERE else node
        if active[kinked] and kinks_at(graph, kinked, values):
            found.append((node, kinked))
    return found
