"""Numeric derivatives: central differences, extrapolated, with an honest error estimate.

The difference (f(x+h) - f(x-h)) / 2h is wrong by c·h² + d·h⁴ + ..., so halving h again and again
lets Richardson extrapolation remove one power after another, until rounding (which grows as 1/h)
takes over. Each entry of the tableau is judged by how far it lies from its two neighbours plus
the rounding it carries, and the best is kept (C. Ridders, Advances in Engineering Software 4,
1982). No rule of the operation table is used: only values, so this is an independent witness.

A stencil is used only if every kink, jump and pole in the graph keeps its side across it.
"""

import math
from typing import NamedTuple

from backprop_cli.calculus.probes import Probe
from backprop_cli.calculus.rounding import UNIT
from backprop_cli.graph import Graph

_COLUMNS = 8
_CONFIRMATIONS = 2
_FIRST_STEP = 0.125
_LAST_STEP = 1e-300
_FLOOR = 32


class Difference(NamedTuple):
    """A numeric derivative and a bound on its error; None where no step size is valid."""

    value: float | None
    error: float


class _Stencils:
    """Central differences of one output along one input."""

    def __init__(
        self, graph: Graph, values: list[float], seed: int, output: int, noise: float
    ) -> None:
        self.probe, self.seed = Probe(graph, values, (seed,), output), seed
        self.steepest = 0.0
        """The largest |f|/h seen: no difference is better than some units of rounding of it."""
        self.noise = noise
        self.noisy = False
        """Whether some values were smaller than their own rounding, as those of sin(1e200) are:
        x is rounded by more than a turn."""

    def difference(self, center: float, step: float) -> float | None:
        """Return the central difference with this step, None if the stencil is not valid."""
        right, left = center + step, center - step
        above = self.probe.at({self.seed: right})
        below = self.probe.at({self.seed: left}) if above is not None else None
        if above is None or below is None or right == left:
            return None
        if 0 < abs(above) + abs(below) < self.noise:
            self.noisy = True
            return None
        self.steepest = max(self.steepest, (abs(above) + abs(below)) / (right - left))
        return (above - below) / (right - left)


def derivative(
    graph: Graph, values: list[float], seed: int, output: int, noise: float
) -> Difference:
    """Return d output / d seed by extrapolated central differences.

    `noise` bounds the rounding error of one evaluation of the output. Cost: two evaluations of
    the part of the graph that depends on `seed`, for each of 10 to 50 step sizes.
    """
    stencils = _Stencils(graph, values, seed, output, noise)
    center = values[seed]
    step = _FIRST_STEP * 2.0 ** math.ceil(math.log2(max(abs(center), 1.0)))
    best = Difference(None, math.inf)
    found: list[tuple[float, float]] = []
    previous: list[float] = []
    while noise / step <= best.error and center + step != center and step > _LAST_STEP:
        first = stencils.difference(center, step)
        if first is None:
            previous, found = [], []
        else:
            rounding = noise / step + _FLOOR * UNIT * stencils.steepest
            previous, entry = _extrapolate(first, previous, rounding)
            found = [*found[-_CONFIRMATIONS:], entry]
            if len(found) > _CONFIRMATIONS:
                best = min(best, _confirmed(found), key=lambda difference: difference.error)
        step /= 2
    return Difference(0.0, math.inf) if best.value is None and stencils.noisy else best


def _extrapolate(
    first: float, previous: list[float], rounding: float
) -> tuple[list[float], tuple[float, float]]:
    """Return the next row of the tableau, and its best entry with that entry's error."""
    row = [first]
    best = (first, math.inf)
    power = 1.0
    for before in previous[:_COLUMNS]:
        power *= 4.0
        entry = row[-1] + (row[-1] - before) / (power - 1.0)
        error = 2 * max(abs(entry - row[-1]), abs(entry - before)) + rounding
        row.append(entry)
        if error < best[1]:
            best = (entry, error)
    return row, best


def _confirmed(found: list[tuple[float, float]]) -> Difference:
    """Return the first of several estimates, its error raised to what the next ones show.

    Differences of a function that oscillates faster than the step are noise, and noise looks
    convergent by accident; but not several times, at halved steps, to the same number.
    """
    (value, error), *later = found
    spread = max(abs(value - other) for other, _ in later)
    return Difference(value, max(error, spread))
