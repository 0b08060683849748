"""One-sided derivatives at many points at once: `calculus/onesided.py`, with a mask for each `if`.

That file has the reasons; this one asks the same of every row of a table and keeps both answers
until the row's own numbers have chosen. A test holds the two together.

This file imports NumPy, so it is itself imported only when there are data.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from backprop_cli.calculus.kinks import about
from backprop_cli.calculus.onesided import SideFormulas
from backprop_cli.graph import Graph
from backprop_cli.operations import COMPARISON_ROWS, TABLE, WHERE, Kink
from backprop_cli.readings.arrays import ARRAYS, PAIRED_ARRAYS

_ARRAYS = SideFormulas(ARRAYS.spelling, PAIRED_ARRAYS)


class OneSidedColumns(NamedTuple):
    """A sweep to one side: columns (or numbers, where all rows agree) for each node."""

    limits: list[Any]
    slopes: list[Any]
    undecided: list[Any]


def one_sided_columns(
    graph: Graph, values: Sequence[Any], seed: int, direction: int
) -> OneSidedColumns:
    """Sweep along the input `seed` to the right (`direction` = 1) or to the left (-1).

    `values` has a column for each node, or a number where all rows have the same.
    """
    depends = graph.dependents([seed])
    limits = list(values)
    tangents: list[Any] = [0.0] * graph.size
    tangents[seed] = float(direction)
    undecided: list[Any] = [False] * graph.size
    moves: list[Any] = [bool(depends[node]) for node in range(graph.size)]
    with np.errstate(all="ignore"):
        for node in range(seed + 1, graph.size):
            if depends[node]:
                _step(graph, node, limits, tangents, undecided, moves)
    return OneSidedColumns(limits, [direction * tangent + 0.0 for tangent in tangents], undecided)


def _step(
    graph: Graph,
    node: int,
    limits: list[Any],
    tangents: list[Any],
    undecided: list[Any],
    moves: list[Any],
) -> None:
    """Compute the limits and the tangents of one node from those of its operands."""
    row = graph.rows[node]
    operation = TABLE[row]
    operands = graph.operands_of(node)
    given = [limits[k] for k in operands]
    moved = [tangents[k] for k in operands]
    out = ARRAYS.spelling.function(operation.name)(*given)
    kinks = kinks_in(row, given, out)
    if operation.value.isidentifier():
        for kink, here in kinks:
            if kink.beside:
                out = np.where(here, _ARRAYS.beside(row, kink)(*given, out, *moved), out)
    else:
        out = _ARRAYS.value(row)(*given, *moved)
    limits[node] = out
    moving = [moves[k] for k in operands]
    tangents[node], moves[node] = _tangent(row, given, moved, out, moving)
    unsure = _unsure(row, kinks, moved, moving)
    if kinks:
        unknown = _any(unsure.values()) & _any(tangent != tangent for tangent in moved)
        tangents[node] = np.where(unknown, np.nan, tangents[node])
        moves[node] = moves[node] | _any(unsure.values())
    for kink, here in kinks:
        if kink.homogeneous:
            tangents[node] = np.where(here, _homogeneous(row, given, moved, out), tangents[node])
            moves[node] = np.where(here, _any(moving), moves[node])
    jumps = unsure.get("jump", False)
    undecided[node] = jumps | _inherits(graph, node, limits, tangents, undecided)


def kinks_in(row: int, given: Sequence[Any], out: Any) -> list[tuple[Kink, Any]]:
    """Return the kinks and jumps of a row, each with the mask of the points that stand on it."""
    operation = TABLE[row]
    if not operation.kinks:
        return []
    arguments = arguments_in(row, given, len(given) - 1, out)
    found = zip(operation.kinks, _ARRAYS.conditions(row), strict=True)
    return [(kink, np.not_equal(at(*arguments) if callable(at) else at, 0)) for kink, at in found]


def arguments_in(row: int, given: Sequence[Any], position: int, out: Any) -> list[Any]:
    """Return what partials and conditions take, laid out as `arguments_for` does."""
    operation = TABLE[row]
    if not operation.variadic:
        return [*given, out]
    fixed = operation.fixed
    ties = sum(np.equal(value, out).astype(float) for value in given[fixed:])
    index, count = position - fixed, len(given) - fixed
    return [*given[:fixed], given[position], out, ties, index, count]


def _unsure(
    row: int, kinks: list[tuple[Kink, Any]], moved: list[Any], moving: list[Any]
) -> dict[str, Any]:
    """Return, by kind, where operands leave kinks to a side that their tangents do not tell."""
    rest = moved[0] if row in COMPARISON_ROWS else 0.0
    still: Any = True
    for tangent in moved:
        still = still & np.equal(tangent, rest)
    still = still | _any(np.isnan(tangent) for tangent in moved)
    unsure: dict[str, Any] = {}
    for (kink, here), positions in zip(kinks, about(row), strict=True) if kinks else ():
        leaves = still & here & _any(moving[k] for k in positions or range(len(moving)))
        unsure[kink.kind] = unsure.get(kink.kind, False) | leaves
    return unsure


def _inherits(
    graph: Graph, node: int, limits: list[Any], tangents: list[Any], undecided: list[Any]
) -> Any:
    """Return where an undecided operand leaves this node undecided."""
    operands = graph.operands_of(node)
    if graph.rows[node] != WHERE:
        return _any(undecided[k] for k in operands)
    condition, first, second = operands
    differ = np.not_equal(limits[first], limits[second])
    differ = differ | np.not_equal(tangents[first], tangents[second])
    either = (first != second) & differ | undecided[first] | undecided[second]
    taken = np.where(np.not_equal(limits[condition], 0), undecided[first], undecided[second])
    return np.where(undecided[condition], either, taken)


def _any(masks: Iterable[Any]) -> Any:
    found: Any = False
    for mask in masks:
        found = found | mask
    return found


def _tangent(
    row: int, given: list[Any], moved: list[Any], out: Any, moving: list[Any]
) -> tuple[Any, Any]:
    """Return the sum of partial × tangent over what moves, and whether anything does.

    The partials are read on the side of the sweep.
    """
    operation = TABLE[row]
    fixed = moved[: operation.fixed]
    total: Any = 0.0
    moves: Any = False
    for position, tangent in enumerate(moved):
        if moving[position] is False:
            continue
        partial = _ARRAYS.partials(row)[operation.parameter_of(position)]
        if callable(partial):
            own = [tangent] if operation.variadic else []
            paired = (*fixed, *own) if operation.kinks else ()
            partial = partial(*arguments_in(row, given, position, out), *paired)
        flows = moving[position] & (np.not_equal(partial, 0) if operation.selects else True)
        total = np.where(flows, total + partial * tangent, total)
        moves = moves | flows
    return total, moves


def _homogeneous(row: int, given: list[Any], moved: list[Any], out: Any) -> Any:
    """Return f'(0; d) = f(d), over the operands that take part in the tie.

    In a row of any number of operands one that takes no part is given the tangent of one that
    does, which changes neither a maximum nor a minimum (the rows this is for).
    """
    function = ARRAYS.spelling.function(TABLE[row].name)
    if not TABLE[row].variadic:
        return function(*moved)
    tied = [np.equal(value, out) for value in given]
    one: Any = 0.0
    for here, tangent in zip(tied, moved, strict=True):
        one = np.where(here, tangent, one)
    return function(*(np.where(here, t, one) for here, t in zip(tied, moved, strict=True)))
