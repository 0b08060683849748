"""Reverse mode: one sweep from the output back, and every adjoint is known.

The adjoint of a node is d output / d node. The output's own is 1. Walking the nodes backwards,
each node hands to each operand the contribution adjoint × local partial, and an operand's adjoint
is the sum of all contributions that reach it: gradients add at branches, because a small step of
the operand moves the output along every path at once (the multivariate chain rule). A node is
visited only after all its users, since users stand behind it; so its adjoint is complete when it
is handed on. (Griewank & Walther, Evaluating Derivatives, 2nd ed., algorithm 3.2.)
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from backprop_cli.calculus.partials import SELECTS, local_partials
from backprop_cli.calculus.values import ARITHMETIC_ERRORS
from backprop_cli.graph import ARITY, Graph
from backprop_cli.operations import CONSTANT
from backprop_cli.readings.floats import FLOATS
from backprop_cli.readings.formulas import Arithmetic, left_operand, right_operand

_COMMON = tuple(
    arity if arity == 1 or (arity == 2 and not selects) else 0
    for arity, selects in zip(ARITY, SELECTS, strict=False)
)
"""The number of operands of the rows that the sweep has written out, 0 for all others.

(`ARITY` is longer by the row of templates, which is in no program.)
"""


class Contribution(NamedTuple):
    """What one node hands to one operand: upstream × local."""

    node: int
    operand: int
    upstream: Any
    local: Any
    value: Any


def reverse(
    graph: Graph,
    values: list[Any],
    output: int,
    active: bytearray,
    arithmetic: Arithmetic = FLOATS,
) -> list[Any]:
    """Return the adjoint of every node, None where nothing reached it.

    `active` marks the nodes that depend on an input asked for; contributions flow to these only.
    Cost: one partial and one product an edge between active nodes, whatever the number of inputs.

    To learn the sweep read `_hand_on`: that is what happens at every node. The loop has it written
    out for the rows that nearly all nodes are.
    """
    arithmetic.prepare_partials(graph)
    adjoints: list[Any] = [None] * graph.size
    adjoints[output] = arithmetic.one
    partials, flows = arithmetic.partials, list(active)  # lists are the fastest to index
    for node, row, first, second in graph.steps(range(output, -1, -1)):
        adjoint, out = adjoints[node], values[node]
        if adjoint is None:
            continue
        common = _COMMON[row]
        if not common or out != out:
            if row > CONSTANT:
                _hand_on(graph, node, values, adjoints, active, arithmetic)
            continue
        try:
            if common == 1:
                if flows[first]:
                    (local,) = partials[row]
                    if callable(local):
                        local = local(values[first], out)
                    if local == 0 and SELECTS[row]:
                        continue
                    sent = adjoint * local
                    before = adjoints[first]
                    adjoints[first] = sent if before is None else before + sent
                continue
            of_first, of_second = partials[row]
            if of_first is right_operand:  # a product: each partial is the other operand
                of_first = values[second]
            elif callable(of_first) and flows[first]:
                of_first = of_first(values[first], values[second], out)
            if of_second is left_operand:
                of_second = values[first]
            elif callable(of_second) and flows[second]:
                of_second = of_second(values[first], values[second], out)
        except ARITHMETIC_ERRORS:
            _hand_on(graph, node, values, adjoints, active, arithmetic)
            continue
        if flows[first]:
            sent = adjoint * of_first
            before = adjoints[first]
            adjoints[first] = sent if before is None else before + sent
        if flows[second]:
            sent = adjoint * of_second
            before = adjoints[second]
            adjoints[second] = sent if before is None else before + sent
    return adjoints


def _hand_on(
    graph: Graph,
    node: int,
    values: list[Any],
    adjoints: list[Any],
    active: bytearray,
    arithmetic: Arithmetic,
) -> None:
    """Add the contributions of one node to the adjoints of its operands."""
    adjoint = adjoints[node]
    for operand, local in local_partials(graph, node, values, active, arithmetic):
        sent = adjoint * local
        before = adjoints[operand]
        adjoints[operand] = sent if before is None else before + sent


def contributions(
    graph: Graph,
    values: list[Any],
    adjoints: list[Any],
    active: bytearray,
    arithmetic: Arithmetic = FLOATS,
) -> Iterator[Contribution]:
    """Yield every contribution of a reverse sweep, from the output to the inputs.

    They are worked out again from the finished adjoints, so that a sweep whose steps nobody
    looks at records nothing.
    """
    arithmetic.prepare_partials(graph)
    for node in range(graph.size - 1, -1, -1):
        adjoint = adjoints[node]
        if adjoint is None:
            continue
        for operand, local in local_partials(graph, node, values, active, arithmetic):
            yield Contribution(node, operand, adjoint, local, adjoint * local)
