"""The gradient to some fifty digits, against which the digits of every mode are counted.

Where that can be afforded it comes from values alone (`calculus/reference.py`), else from a reverse
sweep in fifty digits. `studies/exact.py` is about something else: digits that are sure.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from backprop_cli.calculus.rounding import digits_of
from backprop_cli.studies.solution import Solution

LARGEST_BY_VALUES = 20_000
"""Up to this many inputs × nodes the reference comes from values alone."""
LARGEST = 50_000
"""Graphs with more nodes have no reference."""

_DIGITS = 50


class Known(NamedTuple):
    """The reference: for each output the slope by each name, None where there is none.

    `how` says in words where it comes from; `reason` why there is none at all.
    """

    gradients: tuple[Mapping[str, Any], ...]
    how: str
    reason: str = ""

    def slope(self, place: int, name: str) -> float | None:
        """Return the float nearest to the slope of an output, None if it is not known."""
        found = self.gradients[place].get(name) if self.gradients else None
        return None if found is None else float(found)


def known(solution: Solution) -> Known:
    """Return the reference for the gradient of each output."""
    if solution.graph.size > LARGEST:
        return Known((), "", f"{solution.graph.size:,} nodes: no reference above {LARGEST:,}")
    if len(solution.wrt) * solution.graph.size <= LARGEST_BY_VALUES:
        return _from_values(solution)
    return _by_reverse(solution)


def _from_values(solution: Solution) -> Known:
    from backprop_cli.calculus.reference import Reference

    reference = Reference(solution.graph, solution.point)
    slopes = {name: reference.slopes(node) for name, node in solution.wrt.items()}
    outputs = range(len(solution.graph.outputs))
    made = tuple({name: found[k] for name, found in slopes.items()} for k in outputs)
    return Known(made, "50 digits, by mpmath, from differences of values alone")


def _by_reverse(solution: Solution) -> Known:
    from backprop_cli.calculus.reference import Exact
    from backprop_cli.calculus.reverse import reverse
    from backprop_cli.calculus.values import forward_values

    exact = Exact(_DIGITS)
    point = {name: exact.context.mpf(value) for name, value in solution.point.items()}
    values = forward_values(solution.graph, point, exact)
    made = []
    for answer in solution.answers:
        kinked = answer.on_kink
        adjoints = reverse(solution.graph, values, answer.node, solution.active, exact)
        made.append(
            {
                name: None if kinked else exact.zero if adjoints[k] is None else adjoints[k]
                for name, k in solution.wrt.items()
            }
        )
    return Known(tuple(made), "50 digits, by mpmath, a reverse sweep over the table's slopes")


def digits(gradients: Sequence[Mapping[str, Any]], reference: Known) -> float | None:
    """Return how many digits of the worst component are correct; None if that cannot be said.

    -log10 of its relative error, from 0 to MOST_DIGITS. The error of a component that is 0 is
    taken relative to the largest component of its gradient.
    """
    if not reference.gradients:
        return None
    worst = 0.0
    for found, exact in zip(gradients, reference.gradients, strict=True):
        if any(value is None for value in exact.values()):
            return None
        largest = max((abs(value) for value in exact.values()), default=0)
        for name, slope in found.items():
            value = exact[name]
            if slope is None or not math.isfinite(slope):
                return None
            error = abs(value - slope)
            worst = max(worst, float(error / (abs(value) or largest or 1)))
    return digits_of(worst, 1.0)
