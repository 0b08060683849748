"""Where the operations of a graph have no slope, or several, at this point.

Each row states its kinks and jumps as conditions over its operands; this file evaluates them at
the nodes of a graph.
"""

from functools import cache
from itertools import compress
from typing import Any

from backprop_cli.calculus.partials import arguments_for, ties_of
from backprop_cli.graph import Graph
from backprop_cli.operations import TABLE, WHERE, Kink
from backprop_cli.readings.floats import TOTAL
from backprop_cli.readings.formulas import condition

KINKED = frozenset(row for row, operation in enumerate(TABLE) if operation.kinks)
"""The rows that have kinks or jumps somewhere."""

_LOOKED_AT = KINKED | {WHERE}


@cache
def _conditions(row: int) -> tuple[Any, ...]:
    return TOTAL.conditions(TABLE[row])


@cache
def _sides(row: int) -> tuple[Any, ...]:
    return TOTAL.sides(TABLE[row])


def kinks_at(graph: Graph, node: int, values: list[float]) -> list[Kink]:
    """Return the kinks and jumps of `node` that lie exactly at this point."""
    row = graph.rows[node]
    if row not in KINKED:
        return []
    operands = [values[k] for k in graph.operands_of(node)]
    given = arguments_for(row, operands, len(operands) - 1, values[node])
    hold = [holds(*given) if callable(holds) else holds for holds in _conditions(row)]
    return list(compress(TABLE[row].kinks, hold)) if any(hold) else []


def sides_of(graph: Graph, node: int, values: list[float]) -> tuple[float, ...]:
    """Return numbers that change when an operand of `node` crosses a kink, a jump or a pole."""
    row, out = graph.rows[node], values[node]
    operands = [values[k] for k in graph.operands_of(node)]
    first, last, ties = len(operands) - 1, len(operands) - 1, 0
    if TABLE[row].variadic:  # ties are counted once, or many operands would cost their square
        first, ties = TABLE[row].fixed, ties_of(row, operands, out)
    return tuple(
        side(*arguments_for(row, operands, position, out, ties))
        for position in range(first, last + 1)
        for side in _sides(row)
    )


@cache
def about(row: int) -> tuple[frozenset[int], ...]:
    """Return, for each kink of a row, the positions of the operands its condition reads.

    A condition on the value, or on ties, is about all of them (an empty set stands for that).
    """
    names = TABLE[row].names
    read = [set(condition(kink.at).inputs) for kink in TABLE[row].kinks]
    return tuple(
        frozenset(names.index(name) for name in found) if found <= set(names) else frozenset()
        for found in read
    )


def _moves(graph: Graph, node: int, values: list[float], active: bytearray) -> bool:
    """Return whether an operand that a kink of `node` is about depends on an input asked for."""
    here = kinks_at(graph, node, values)
    if not here:
        return False
    row, operands = graph.rows[node], graph.operands_of(node)
    return any(
        kink in here and any(active[operands[k]] for k in positions or range(len(operands)))
        for kink, positions in zip(TABLE[row].kinks, about(row), strict=True)
    )


def kinked_nodes(
    graph: Graph, values: list[float], adjoints: list[Any], active: bytearray
) -> list[tuple[int, int]]:
    """Return (node that matters, node with the kink) for the kinks that reach the output.

    Both are the same node, except for a comparison: there the `where` that reads it matters. A
    kink matters when what it is about depends on an input asked for, and its adjoint is not zero;
    a jump matters even then, since 0 times a jump is a kink (x*sign(x) is |x|).
    """
    if KINKED.isdisjoint(graph.applied):
        return []
    found = []
    for node in [node for node, row in enumerate(graph.rows) if row in _LOOKED_AT]:
        row, adjoint = graph.rows[node], adjoints[node]
        if adjoint is None or not active[node]:
            continue
        kinked = graph.operands_of(node)[0] if row == WHERE else node
        jumps = any(kink.kind == "jump" for kink in TABLE[graph.rows[kinked]].kinks)
        if (adjoint != 0 or jumps) and _moves(graph, kinked, values, active):
            found.append((node, kinked))
    return found
