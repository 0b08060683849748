"""Running error bounds: how far rounding may have moved each value and each adjoint.

The sweeps are walked once more with a bound beside every number. A value's bound is its own
rounding error plus what its operands' bounds do through the local partials; an adjoint's is that
of each contribution upstream × local that reaches it: the upstream's own bound, how far the local
partial moves when its operands move by theirs, the rounding of the product, and that of the sum.
(Running error analysis: J. H. Wilkinson; Higham, Accuracy and Stability of Numerical Algorithms,
section 3.3.) So a slope is doubted both where contributions cancel and where it was evaluated at
values that had lost their digits, and exact arithmetic keeps a bound of 0. To first order, and
signs are not followed, so the bound may be far too large: a suspicion, not a verdict.
"""

import math
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from backprop_cli.calculus.partials import local_partials
from backprop_cli.calculus.rounding import (
    FEWEST_DIGITS,
    digits_of,
    is_exact,
    product_error,
    rounding_error,
    sum_error,
)
from backprop_cli.graph import Graph
from backprop_cli.operations import COMPARISON_ROWS, CONSTANT, MUL, ROW
from backprop_cli.readings.floats import FLOATS

_SUSPICIOUS = 1e4
_STEP = 1024.0
_SMALL = 10.0**-FEWEST_DIGITS
_EXTREMES = (ROW["min"], ROW["max"])


class Edge(NamedTuple):
    """A contribution and what may be wrong with it.

    `inherited` comes from the upstream number, `own` from the local slope and the product.
    """

    node: int
    operand: int
    sent: float
    inherited: float
    own: float

    @property
    def error(self) -> float:
        """The bound on the error of the contribution."""
        return self.inherited + self.own


class Culprit(NamedTuple):
    """Where the digits of a slope went: the node, and how.

    `how` is "value" (the node's value has lost them), "sum" (the contributions that reach the
    node cancel) or "slope" (its local slope magnifies the rounding of its operands).
    """

    node: int
    how: str


def suspicious(graph: Graph, values: list[float], adjoints: list[Any]) -> bool:
    """Return whether a slope may have lost digits, from |adjoint × value| of each node alone.

    Where an operation magnifies a relative error, or contributions cancel, this size differs much
    between neighbours. Cheap, and easily alarmed. A node of value 0 or adjoint 0 is suspicious
    unless it is an input or a constant that is 0.
    """
    sizes = [
        abs(adjoint * value)
        for adjoint, value in zip(adjoints, values, strict=True)
        if adjoint is not None
    ]
    least = min(sizes, default=1.0)
    if least > 0:
        return bool(max(sizes) > _SUSPICIOUS * least)
    rows = graph.rows
    least = min((size for size in sizes if size), default=1.0)
    return max(sizes, default=1.0) > _SUSPICIOUS * least or any(
        adjoint is not None and adjoint * value == 0 and (rows[node] > CONSTANT or value != 0)
        for node, (adjoint, value) in enumerate(zip(adjoints, values, strict=True))
    )


class RunningErrors:
    """The bounds at one point, for one output.

    `values[k]` bounds the error of the value of node k, `adjoints[k]` that of its adjoint. Cost:
    a few evaluations of each partial whose operands are not exact.
    """

    def __init__(
        self,
        graph: Graph,
        values: list[float],
        adjoints: list[Any],
        output: int,
        active: bytearray,
    ) -> None:
        self.graph, self.at, self.slopes = graph, list(values), adjoints
        self.output, self.active = output, active
        self.inexact = bytearray(graph.size)
        FLOATS.prepare_partials(graph)
        self.values = self._forward()

    @cached_property
    def adjoints(self) -> list[float]:
        """The bounds of the adjoints; the sweep back is made when they are first asked for."""
        return self._reverse()

    def digits(self, node: int) -> float:
        """Return how many digits of a node's adjoint are left by its bound."""
        adjoint = self.slopes[node]
        return digits_of(self.adjoints[node], 0.0 if adjoint is None else adjoint)

    def decide_a_comparison(self, margin: float) -> bool:
        """Return whether the output needs a comparison that bounds times `margin` may decide."""
        at, bounds = self.at, self.values
        needed = self.graph.dependencies([self.output])
        compared = (
            self.graph.operands_of(node)
            for node, row in enumerate(self.graph.rows)
            if needed[node] and row in COMPARISON_ROWS
        )
        return any(
            abs(at[one] - at[other]) <= margin * (bounds[one] + bounds[other])
            for one, other in compared
            if bounds[one] or bounds[other]
        )

    def _forward(self) -> list[float]:
        graph, inexact = self.graph, self.inexact
        errors = [0.0] * graph.size
        for node in range(self.output + 1):
            if graph.rows[node] <= CONSTANT:
                continue
            error = abs(rounding_error(graph, node, self.at))
            for k in graph.operands_of(node):
                if inexact[k]:
                    for operand, local in local_partials(graph, node, self.at, inexact, FLOATS):
                        error += abs(local) * errors[operand]
                    break
            if error:
                errors[node] = error
                inexact[node] = 1
        return errors

    def _reverse(self) -> list[float]:
        errors = [0.0] * self.graph.size
        sums = [0.0] * self.graph.size
        for node in range(self.output, -1, -1):
            if self.slopes[node] is None:
                continue
            for _, operand, sent, inherited, own in self._edges(node, errors[node]):
                before = sums[operand]
                after = before + sent
                error = abs(sum_error(before, sent, after)) if before else 0.0
                errors[operand] += inherited + own + error
                sums[operand] = after
        return errors

    def _edges(self, node: int, inherited: float) -> Iterator[Edge]:
        """Yield what a node hands to its operands."""
        if self.graph.rows[node] <= CONSTANT:
            return
        adjoint = self.slopes[node]
        handed = list(local_partials(self.graph, node, self.at, self.active, FLOATS))
        moved = self._movements(node, handed)
        for (operand, local), movement in zip(handed, moved, strict=True):
            sent = adjoint * local
            own = abs(adjoint) * movement + abs(product_error(adjoint, local, sent))
            yield Edge(node, operand, sent, abs(local) * inherited, own)

    def _movements(self, node: int, handed: Sequence[tuple[int, float]]) -> list[float]:
        """Return how far each local partial may be off: its own rounding, and its operands'."""
        row = self.graph.rows[node]
        operands = self.graph.operands_of(node)
        if not any(map(callable, FLOATS.partials[row])):
            return [0.0] * len(handed)
        if row == MUL:
            errors = self.values[operands[1]], self.values[operands[0]]
            return [errors[k] for k in (0, 1) if self.active[operands[k]]]
        given = [self.at[k] for k in operands]
        moved = [k for k in {*operands, node} if self.inexact[k]]
        made = [
            0.0 if not moved and is_exact(row, given, local) else 2 * math.ulp(local)
            for _, local in handed
        ]
        if row in _EXTREMES:  # all that its partials read is which operand it is
            return [math.inf] * len(handed) if moved and self._is_nearly_tied(node) else made
        for k in moved:
            # A step of a fraction of an ulp would be rounded away, so a longer one is scaled down.
            bound = self.values[k]
            step = max(bound, _STEP * math.ulp(self.at[k]))
            there = self._locals_beside(node, k, step)
            if len(there) != len(handed):
                return [math.inf] * len(handed)
            for place, (_, local) in enumerate(there):
                gap = abs(local - handed[place][1]) * (bound / step)
                made[place] += gap if gap == gap else math.inf
        return made

    def _is_nearly_tied(self, node: int) -> bool:
        """Return whether rounding may have decided which operand a maximum or minimum is."""
        at, bounds = self.at, self.values
        near = [
            k
            for k in set(self.graph.operands_of(node))
            if abs(at[k] - at[node]) <= bounds[k] + bounds[node]
        ]
        return len(near) > 1

    def _locals_beside(self, node: int, moved: int, step: float) -> list[tuple[int, float]]:
        """Return the local partials of a node where one of the values it reads is off by a step."""
        kept = self.at[moved]
        self.at[moved] = kept + step
        try:
            return list(local_partials(self.graph, node, self.at, self.active, FLOATS))
        finally:
            self.at[moved] = kept

    # -------------------------------------------------------------- who is to blame

    def culprit(self, node: int) -> Culprit:
        """Return where the digits of a node's adjoint went: up the edges that brought the error."""
        arrived: dict[int, list[Edge]] = {}
        for user in range(self.output, -1, -1):
            if self.slopes[user] is not None:
                for edge in self._edges(user, self.adjoints[user]):
                    arrived.setdefault(edge.operand, []).append(edge)
        while node in arrived:
            worst = max(arrived[node], key=lambda edge: edge.error)
            if worst.error <= _SMALL * abs(worst.sent):
                return Culprit(node, "sum")
            if worst.inherited < worst.own:
                return self._descended(worst.node)
            node = worst.node
        return Culprit(node, "value")

    def _descended(self, node: int) -> Culprit:
        """Return the first node that lost the digits of what a local slope was evaluated at."""
        lost = [k for k in (node, *self.graph.operands_of(node)) if self._is_lost(k)]
        if not lost:
            return Culprit(node, "slope")
        found = lost[-1]
        while True:
            below = [k for k in self.graph.operands_of(found) if self._is_lost(k)]
            if not below:
                return Culprit(found, "value")
            found = below[0]

    def _is_lost(self, node: int) -> bool:
        return self.values[node] > _SMALL * abs(self.at[node])
