"""Local partials: how much a node moves when one of its operands does.

Both modes of differentiation multiply these same numbers; they differ only in direction. A node
whose value is undefined has undefined partials, whatever the formula says (1/x at x = -1 is no
slope of log). A partial is evaluated only for the operands that are asked for, so that x^2 never
computes log(x).
"""

from collections.abc import Iterator
from typing import Any

from backprop_cli.calculus.values import ARITHMETIC_ERRORS
from backprop_cli.graph import Graph
from backprop_cli.operations import TABLE
from backprop_cli.readings.formulas import Arithmetic

SELECTS = tuple(operation.selects for operation in TABLE)
"""Whether each row chooses among its operands: nothing flows along an edge with partial 0."""


def local_partials(
    graph: Graph, node: int, values: list[Any], active: bytearray, arithmetic: Arithmetic
) -> Iterator[tuple[int, Any]]:
    """Yield (operand, local partial) for each active operand of `node`, in order.

    Along an edge that a selecting operation did not take, nothing is yielded. The arithmetic's
    partials must have been prepared for the graph.
    """
    row = graph.rows[node]
    operands = graph.operands_of(node)
    out = values[node]
    undefined = out != out
    for position, local in _partials(graph, node, values, active, arithmetic):
        if undefined:
            local = arithmetic.nan
        elif local == 0 and SELECTS[row]:
            continue
        yield operands[position], local


def _partials(
    graph: Graph, node: int, values: list[Any], active: bytearray, arithmetic: Arithmetic
) -> Iterator[tuple[int, Any]]:
    """Yield (position, partial by the formula) for each active operand."""
    row = graph.rows[node]
    operands = graph.operands_of(node)
    arguments = [values[k] for k in operands]
    partials = arithmetic.partials[row]
    variadic = TABLE[row].variadic
    last = len(partials) - 1
    out = values[node]
    ties = None
    for position, operand in enumerate(operands):
        if not active[operand]:
            continue
        partial = partials[min(position, last)]
        if not callable(partial):
            yield position, partial
            continue
        if variadic:
            if ties is None:
                ties = sum(1 for value in arguments[last:] if value == out)
            count = len(arguments) - last
            given = [*arguments[:last], arguments[position], out, ties, position - last, count]
        else:
            given = [*arguments, out]
        try:
            yield position, partial(*given)
        except ARITHMETIC_ERRORS:
            total = arithmetic.total_partials[row][min(position, last)]
            yield position, total(*given) if callable(total) else total
