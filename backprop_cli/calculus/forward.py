"""Forward mode: one sweep for each input, in the order of evaluation.

The tangent of a node is how fast it moves when the seeded input moves at speed 1. A node's
tangent is the sum over its operands of local partial × the operand's tangent: the same partials
as in reverse mode, carried the other way.
"""

from typing import Any

from backprop_cli.calculus.partials import local_partials
from backprop_cli.graph import Graph
from backprop_cli.readings.floats import FLOATS
from backprop_cli.readings.formulas import Arithmetic


def jvp(graph: Graph, values: list[Any], seed: int, arithmetic: Arithmetic = FLOATS) -> list[Any]:
    """Return d node / d seed for every node, None where a node does not depend on `seed`."""
    arithmetic.prepare_partials(graph)
    depends = graph.dependents([seed])
    tangents: list[Any] = [None] * graph.size
    tangents[seed] = arithmetic.one
    for node in range(seed + 1, graph.size):
        if depends[node]:
            total = None
            for operand, local in local_partials(graph, node, values, depends, arithmetic):
                tangent = tangents[operand]
                if tangent is not None:
                    moved = local * tangent
                    total = moved if total is None else total + moved
            tangents[node] = total
    return tangents
