"""Where each step of a climb lands: the slopes, what the optimiser makes of them, the bounds.

The three methods differ only in where the move comes from: nowhere (random), differences, or the
gradient. What finding it out has cost, in evaluations and sweeps, is counted here.
"""

import math
import random
from collections.abc import Callable, Iterable, Sequence
from operator import add, mul, neg, sub

from backprop_cli.studies.climbing.newton import newton_direction
from backprop_cli.studies.climbing.objective import Objective
from backprop_cli.studies.climbing.optimizers import NEWTON, Rule
from backprop_cli.studies.climbing.settings import Settings

Batch = Callable[[Sequence[float]], Sequence[float]]
"""Gives f and slopes of some of the data."""

_ARMIJO = 1e-4
_HALVINGS = 60


class Moves:
    """The moves of one climb: each leads from a point to where the next step lands."""

    def __init__(
        self, objective: Objective, settings: Settings, batch: Batch | None = None
    ) -> None:
        self.objective, self.settings, self.batch = objective, settings, batch
        self.evaluations = self.sweeps = 0
        """What the method itself has needed so far."""
        self.sign = -1.0 if settings.descend else 1.0
        self.damped = False
        """Whether f was not curved, at the last move, like a parabola with a top ahead."""
        self.rule = Rule(settings.optimizer, settings.parameters, len(objective.names))
        self._random = random.Random(settings.seed)
        self.limits = limits_of(settings, objective.names)

    def landed(
        self, number: int, point: tuple[float, ...], found: Sequence[float]
    ) -> tuple[float, ...] | None:
        """Return where the next step lands, None if the line search finds no better place."""
        settings = self.settings
        if settings.method == "random":
            h = self.sign * settings.step
            move: Sequence[float] = [h * self._random.random() for _ in point]
        elif settings.sequential:
            return self._one_after_another(number, point, found)
        else:
            slopes = self._slopes(point, found)
            move = self._moved(number, point, slopes)
            if settings.line_search:
                return self._backtracked(point, found[0], slopes, move)
        self.evaluations += self.batch is None
        return self.projected(map(add, point, move))

    def _slopes(self, point: Sequence[float], found: Sequence[float]) -> list[float]:
        """Return the slopes that the method steps by, in the direction of improvement."""
        sign = self.sign
        if self.settings.method == "numeric":
            return [sign * self._difference(point, found[0], k) for k in range(len(point))]
        self.sweeps += 1
        self.evaluations += self.batch is not None
        slopes = self.batch(point) if self.batch else found
        return list(map(neg, slopes[1:]) if sign < 0 else slopes[1:])

    def _difference(self, point: Sequence[float], value: float, place: int) -> float:
        """Return the forward difference along one input."""
        h = self.settings.difference
        moved = [*point[:place], point[place] + h, *point[place + 1 :]]
        self.evaluations += 1
        return (self.objective.value(moved) - value) / h

    def _moved(
        self, number: int, point: Sequence[float], slopes: Sequence[float]
    ) -> Sequence[float]:
        """Return the optimiser's move for every input at once."""
        h = self.settings.step
        if self.settings.optimizer.name != NEWTON:
            return self.rule.moves(point, slopes, h, number)
        self.sweeps += len(point)
        curvature = self.objective.curvature(point)[1 + len(point) :]
        direction = newton_direction(slopes, [-self.sign * c for c in curvature])
        self.damped = direction is None or direction.damping > 0
        return [h * d for d in (direction.step if direction else slopes)]

    def _one_after_another(
        self, number: int, point: tuple[float, ...], found: Sequence[float]
    ) -> tuple[float, ...]:
        """Return where a step lands that moves each input in turn, from where the last left off."""
        landed = point
        for place in range(len(point)):
            self.evaluations += 1
            if place:
                found = self.objective.slopes(landed)
            slope = self._slopes_along(place, landed, found)
            moved = landed[place] + self.rule.move(
                place, landed[place], slope, self.settings.step, number
            )
            landed = self.projected([*landed[:place], moved, *landed[place + 1 :]])
        return landed

    def _slopes_along(self, place: int, point: Sequence[float], found: Sequence[float]) -> float:
        if self.settings.method == "numeric":
            return self.sign * self._difference(point, found[0], place)
        self.sweeps += 1
        return self.sign * found[1 + place]

    def _backtracked(
        self,
        point: tuple[float, ...],
        start: float,
        slopes: Sequence[float],
        move: Sequence[float],
    ) -> tuple[float, ...] | None:
        """Return the first of ever shorter moves that gains enough (Armijo 1966).

        Enough is 1e-4 of what the slopes predict for the move. The whole move is tried first,
        then its half, its quarter, ... None if 60 halvings find nothing, or where they end at the
        point itself. `slopes` are the method's own, in the direction of improvement.
        """
        for halvings in range(_HALVINGS):
            share = 0.5**halvings
            landed = self.projected(x + share * d for x, d in zip(point, move, strict=True))
            if landed == point:
                break
            value = self.objective.value(landed)
            self.evaluations += 1
            predicted = sum(map(mul, slopes, map(sub, landed, point)))
            if self.sign * (value - start) >= _ARMIJO * predicted > 0:
                return landed
        return None

    def projected(self, point: Iterable[float]) -> tuple[float, ...]:
        """Return the nearest point within the bounds."""
        if not self.limits:
            return tuple(point)
        pairs = zip(point, self.limits, strict=True)
        return tuple(min(max(x, low), high) if x == x else x for x, (low, high) in pairs)


def limits_of(settings: Settings, names: Sequence[str]) -> list[tuple[float, float]]:
    """Return the bounds of each input, none at all where no input has any."""
    limits = [settings.bounds.get(name, (-math.inf, math.inf)) for name in names]
    return limits if settings.bounds else []
