"""Newton's direction, kept a direction of improvement.

With g the slopes and H the curvatures of -f (for a climb; of f for a descent), Newton's step d
solves H d = g: it goes to the top of the parabola that touches f here. Where H is not positive
definite that parabola has no top, so a multiple of its diagonal is added until it has one
(Nocedal & Wright, Numerical Optimization, 2nd ed., algorithm 3.3; the diagonal as in Marquardt
1963, so that the units of the inputs do not matter).
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

_FIRST_DAMPING = 1e-3
_GROWTH = 4.0
_TRIALS = 60
MOST_INPUTS = 300
"""The most inputs that curvature is worked out for: it grows as their square."""
_SMALLEST_PIVOT = 1e-14


class Direction(NamedTuple):
    """A step, and how much of the diagonal had to be added to find it."""

    step: list[float]
    damping: float


def newton_direction(slopes: Sequence[float], curvatures: Sequence[float]) -> Direction | None:
    """Return the step for slopes g and the lower triangle of H, row by row; None if not finite.

    Cost: n³/3 products for n inputs, each time that damping is tried.
    """
    count = len(slopes)
    rows = [list(curvatures[k * (k + 1) // 2 :][: k + 1]) for k in range(count)]
    if not all(math.isfinite(number) for row in [*rows, slopes] for number in row):
        return None
    sizes = [abs(row[-1]) or 1.0 for row in rows]
    damping = 0.0
    for _ in range(_TRIALS):
        factors = _factored(rows, [damping * size for size in sizes], sizes)
        if factors is not None:
            return Direction(_solved(*factors, slopes), damping)
        damping = damping * _GROWTH or _FIRST_DAMPING
    return None


def _factored(
    rows: Sequence[Sequence[float]], added: Sequence[float], sizes: Sequence[float]
) -> tuple[list[list[float]], list[float]] | None:
    """Return L and D of H + diagonal = L D Lᵀ; None if that is not positive definite.

    L has ones on its diagonal, which are left out. Without square roots the step to the top of a
    parabola is exact where its numbers are.
    """
    lower: list[list[float]] = []
    pivots: list[float] = []
    for i, row in enumerate(rows):
        made: list[float] = []
        for j in range(i):
            taken = math.fsum(a * b * d for a, b, d in zip(made, lower[j], pivots, strict=False))
            made.append((row[j] - taken) / pivots[j])
        taken = math.fsum(a * a * d for a, d in zip(made, pivots, strict=True))
        pivot = row[i] + added[i] - taken
        if not pivot > _SMALLEST_PIVOT * sizes[i]:
            return None
        lower.append(made)
        pivots.append(pivot)
    return lower, pivots


def _solved(
    lower: Sequence[Sequence[float]], pivots: Sequence[float], right: Sequence[float]
) -> list[float]:
    """Return x with L D Lᵀ x = right: forward, then backward substitution."""
    forward: list[float] = []
    for row, value in zip(lower, right, strict=True):
        forward.append(value - math.fsum(a * b for a, b in zip(row, forward, strict=True)))
    step = [0.0] * len(forward)
    for i in range(len(forward) - 1, -1, -1):
        later = range(i + 1, len(forward))
        taken = math.fsum(lower[k][i] * step[k] for k in later)
        step[i] = forward[i] / pivots[i] - taken
    return step
