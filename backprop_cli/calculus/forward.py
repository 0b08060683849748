"""Forward mode: one sweep for each input, in the order of evaluation.

The tangent of a node is how fast it moves when the seeded input moves at speed 1. A node's
tangent is the sum over its operands of local partial × the operand's tangent: the same partials
as in reverse mode, carried the other way.
"""

from collections.abc import Mapping
from typing import Any

from backprop_cli.calculus.partials import SELECTS, local_partials
from backprop_cli.calculus.values import ARITHMETIC_ERRORS
from backprop_cli.graph import ARITY, Graph
from backprop_cli.operations import CONSTANT
from backprop_cli.readings.floats import FLOATS
from backprop_cli.readings.formulas import Arithmetic


def jvp(
    graph: Graph,
    values: list[Any],
    seed: int | Mapping[int, Any],
    arithmetic: Arithmetic = FLOATS,
    depends: bytearray | None = None,
) -> list[Any]:
    """Return the tangent of every node, None where a node does not depend on what is seeded.

    `seed` is one node, which moves at speed 1: the tangents are then d node / d seed. Or it is a
    whole direction, the speed of each of several nodes; with an explicit 0 for the inputs that
    stand still this is the textbook's dense sweep, which follows the edges of these as well. A
    seeded node that is no input moves by its own speed and with its operands. `depends` marks the
    nodes that depend on what is seeded, where that is known already.
    """
    speeds = seed if isinstance(seed, Mapping) else {seed: arithmetic.one}
    arithmetic.prepare_partials(graph)
    depends = graph.dependents(speeds) if depends is None else depends
    tangents: list[Any] = [None] * graph.size
    for node, speed in speeds.items():
        tangents[node] = speed
    partials = arithmetic.partials
    moving = range(min(speeds, default=graph.size), graph.size)
    for node, row, first, second in graph.steps(moving):
        if not depends[node]:
            continue
        out = values[node]
        if ARITY[row] != 2 or out != out or SELECTS[row]:
            if row > CONSTANT:
                _gather(graph, node, values, tangents, depends, arithmetic)
            continue
        # The common rows, written out: what `_gather` does, without its generality.
        of_first, of_second = partials[row]
        try:
            if callable(of_first) and depends[first]:
                of_first = of_first(values[first], values[second], out)
            if callable(of_second) and depends[second]:
                of_second = of_second(values[first], values[second], out)
        except ARITHMETIC_ERRORS:
            _gather(graph, node, values, tangents, depends, arithmetic)
            continue
        total = tangents[node]
        tangent = tangents[first]
        if tangent is not None:
            moved = of_first * tangent
            total = moved if total is None else total + moved
        tangent = tangents[second]
        if tangent is not None:
            moved = of_second * tangent
            total = moved if total is None else total + moved
        tangents[node] = total
    return tangents


def _gather(
    graph: Graph,
    node: int,
    values: list[Any],
    tangents: list[Any],
    depends: bytearray,
    arithmetic: Arithmetic,
) -> None:
    """Add what the operands of one node contribute to its tangent."""
    total = tangents[node]
    for operand, local in local_partials(graph, node, values, depends, arithmetic):
        tangent = tangents[operand]
        if tangent is not None:
            moved = local * tangent
            total = moved if total is None else total + moved
    tangents[node] = total
