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
_SMALLEST_PIVOT = 1e-14


class Direction(NamedTuple):
    """A step, and how much of the diagonal had to be added to find it."""

    step: list[float]
    damping: float


def newton_direction(slopes: Sequence[float], curvatures: Sequence[float]) -> Direction | None:
    """Return the step for slopes g and the lower triangle of H, row by row; None if not finite.

    Cost: n³/6 products for n inputs, each time that damping is tried.
    """
    count = len(slopes)
    rows = [list(curvatures[k * (k + 1) // 2 :][: k + 1]) for k in range(count)]
    if not all(math.isfinite(number) for row in [*rows, slopes] for number in row):
        return None
    sizes = [abs(row[-1]) or 1.0 for row in rows]
    damping = 0.0
    for _ in range(_TRIALS):
        factor = _cholesky(rows, [damping * size for size in sizes], sizes)
        if factor is not None:
            return Direction(_solved(factor, slopes), damping)
        damping = damping * _GROWTH or _FIRST_DAMPING
    return None


def _cholesky(
    rows: Sequence[Sequence[float]], added: Sequence[float], sizes: Sequence[float]
) -> list[list[float]] | None:
    """Return the lower factor L of H + diagonal, L Lᵀ; None if that is not positive definite."""
    factor: list[list[float]] = []
    for i, row in enumerate(rows):
        made: list[float] = []
        for j in range(i):
            taken = math.fsum(a * b for a, b in zip(made, factor[j], strict=False))
            made.append((row[j] - taken) / factor[j][j])
        pivot = row[i] + added[i] - math.fsum(a * a for a in made)
        if not pivot > _SMALLEST_PIVOT * sizes[i]:
            return None
        factor.append([*made, math.sqrt(pivot)])
    return factor


def _solved(factor: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    """Return x with L Lᵀ x = right: forward, then backward substitution."""
    forward: list[float] = []
    for row, value in zip(factor, right, strict=True):
        taken = math.fsum(a * b for a, b in zip(row, forward, strict=False))
        forward.append((value - taken) / row[-1])
    step = [0.0] * len(forward)
    for i in range(len(forward) - 1, -1, -1):
        later = range(i + 1, len(forward))
        taken = math.fsum(factor[k][i] * step[k] for k in later)
        step[i] = (forward[i] - taken) / factor[i][i]
    return step
