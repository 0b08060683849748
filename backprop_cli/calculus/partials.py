"""Local partials: how much a node moves when one of its operands does.

Both modes of differentiation multiply these same numbers; they differ only in direction. A node
whose value is undefined has undefined partials, whatever the formula says (1/x at x = -1 is no
slope of log). A partial is evaluated only for the operands that are asked for, so that x^2 never
computes log(x).
"""

from collections.abc import Iterator, Sequence
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
        # What `arguments_for` lays out, written out because every sweep passes here.
        if variadic:
            if ties is None:
                ties = ties_of(row, arguments, out)
            count = len(arguments) - last
            given = [*arguments[:last], arguments[position], out, ties, position - last, count]
        else:
            given = [*arguments, out]
        try:
            yield position, partial(*given)
        except ARITHMETIC_ERRORS:
            total = arithmetic.total_partials[row][min(position, last)]
            yield position, total(*given) if callable(total) else total


def arguments_for(
    row: int, operands: Sequence[Any], position: int, out: Any, ties: int = -1
) -> list[Any]:
    """Return what a row's partials, conditions and sides take for the operand at `position`.

    `ties` is counted unless it is given: how many operands of z... equal `out`.
    """
    operation = TABLE[row]
    if not operation.variadic:
        return [*operands, out]
    fixed = operation.fixed
    if ties < 0:
        ties = ties_of(row, operands, out)
    index, count = position - fixed, len(operands) - fixed
    return [*operands[:fixed], operands[position], out, ties, index, count]


def ties_of(row: int, operands: Sequence[Any], out: Any) -> int:
    """Return how many operands of z... equal `out`; 0 in a row that has no z..."""
    return sum(1 for value in operands[TABLE[row].fixed :] if value == out)
