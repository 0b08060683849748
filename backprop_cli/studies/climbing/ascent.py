"""The study behind `ascend`: a function climbed, or descended, one step at a time.

A step has three parts: the slopes at the point, the move an optimiser makes of them, and what was
gained. The gain that the slopes predict is slopes · move (for the plain rule h·‖∇f‖²); beside the
gain that came it shows how straight the function is over the step. The posts' three methods
differ only in where the move comes from: nowhere (random), differences, or the gradient.

The rows of `random` and `numeric` carry the exact slopes too, read off beside the climb: they are
the microscope's, not the climber's, and are not counted as spent.
"""

import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import add, mul, neg, sub
from typing import NamedTuple

from backprop_cli.studies.climbing.newton import newton_direction
from backprop_cli.studies.climbing.objective import Expression, Objective
from backprop_cli.studies.climbing.optimizers import BY_NAME, NEWTON, Optimizer, Rule
from backprop_cli.studies.climbing.remarks import Landing, Remarks, at_bound

METHODS = ("random", "numeric", "gradient")
"""The three ways to climb: a random nudge, finite differences, the gradient of a sweep."""

DIFFERENCE = 2.0**-26
"""The step of the forward differences: the square root of the spacing of floats."""

Place = tuple[float, ...]
Ahead = Callable[
    [int, Place, Sequence[float], list[list[float]], Remarks], tuple[int, Place, Place] | None
]
"""Takes steps that nobody looks at: from a step's number, its point, f and slopes there, the states
of the optimiser and what the remarks remember, to the number, point, f and slopes it came to."""

_ARMIJO = 1e-4
_HALVINGS = 60
DAMPED = "newton's step damped"
"""The remark on a step where f is not curved like a parabola with a top (or bottom) ahead."""


class Settings(NamedTuple):
    """How to climb. `bounds` hold inputs between two numbers by projection; `until_gradient` is
    the size of the gradient at which the climb has arrived."""

    optimizer: Optimizer = BY_NAME["gradient"]
    parameters: Mapping[str, float] = {}
    method: str = "gradient"
    step: float = 0.01
    steps: int = 100
    descend: bool = False
    sequential: bool = False
    line_search: bool = False
    until_gradient: float = 0.0
    bounds: Mapping[str, tuple[float, float]] = {}
    seed: int = 0
    difference: float = DIFFERENCE

    @property
    def label(self) -> str:
        """What tells this climb from others that start at the same point."""
        return self.optimizer.name if self.method == "gradient" else self.method


class Step(NamedTuple):
    """One row: where the climb stands after `number` steps, and what the last one brought.

    Gains are improvements: of a descent, how far f fell. The first row has none.
    """

    number: int
    point: tuple[float, ...]
    value: float
    norm: float
    predicted: float | None = None
    actual: float | None = None
    remarks: tuple[str, ...] = ()

    @property
    def ratio(self) -> float | None:
        """Actual over predicted gain: 1 where the function is straight along the step."""
        return self.actual / self.predicted if self.predicted and self.actual is not None else None


class Outcome(NamedTuple):
    """How a climb ended: at the last good point, and why.

    `stopped` is steps, gradient, no-progress or not-finite; `beyond` is the point that was not
    finite. `evaluations` and `sweeps` are what the method itself needed.
    """

    stopped: str
    last: Step
    evaluations: int
    sweeps: int
    beyond: tuple[float, ...] | None = None


class Climb:
    """One climb: iterate for its steps as they are made; `outcome` is there when it has ended."""

    def __init__(
        self,
        objective: Objective,
        start: Sequence[float],
        settings: Settings,
        batch: Callable[[Sequence[float]], Sequence[float]] | None = None,
    ) -> None:
        """Climb from `start`; where `batch` gives f and slopes of some of the data, by these."""
        self.objective, self.settings = objective, settings
        self.start = tuple(start)
        self._batch = batch
        self.outcome: Outcome | None = None
        self.ahead: Ahead | None = None
        """What takes the steps that nobody looks at; None if each is looked at."""
        self.evaluations = self.sweeps = 0
        self._sign = -1.0 if settings.descend else 1.0
        self._damped = False
        self._random = random.Random(settings.seed)
        self._rule = Rule(settings.optimizer, settings.parameters, len(self.start))
        lowest, highest = -math.inf, math.inf
        limits = [settings.bounds.get(name, (lowest, highest)) for name in objective.names]
        self._limits = limits if settings.bounds else []

    def __iter__(self) -> Iterator[Step]:
        """Yield the start as step 0, then each step."""
        point = self.start
        found = self.objective.slopes(point)
        self.evaluations += self._batch is None
        step = Step(0, point, found[0], _norm(found), remarks=() if _norm(found) else ("flat",))
        if not _finite(found):
            self._end("not-finite", step, point)
            return
        yield step
        yield from self._onward(step, found)

    def finish(self, watch: Callable[[int], None] = lambda number: None) -> Outcome:
        """Run to the end: the same outcome as after all steps, the last without gain or remarks.

        Where it can, one generated loop does the work; `watch` is told now and then how far it is.
        """
        for step in self._hurried(watch) or self:
            watch(step.number)
        assert self.outcome is not None
        return self.outcome

    def _hurried(self, watch: Callable[[int], None]) -> Iterator[Step] | None:
        """Run ahead in a generated loop, and return what is left; None if there is no such loop."""
        settings, rule = self.settings, self._rule
        steered = settings.sequential or settings.line_search or settings.method != "gradient"
        if steered or self._batch or settings.optimizer.name == NEWTON:
            return None
        if not isinstance(self.objective, Expression):
            return None
        from backprop_cli.studies.climbing import hurry

        how = (settings.step, settings.descend, settings.until_gradient, self._limits)
        plan = hurry.Plan(self.objective, rule, *how)
        ahead = hurry.hurried(plan, self.start, settings.steps, watch)
        if ahead is None:
            return None
        self.evaluations, self.sweeps = 1 + ahead.tries, ahead.tries
        size = len(rule.optimizer.states)
        rule.states = [list(ahead.states[k * size :][:size]) for k in range(len(self.start))]
        step = Step(ahead.number, ahead.point, ahead.found[0], _norm(ahead.found))
        if ahead.why and ahead.why != hurry.RAISED:
            self._end(ahead.why, step, ahead.beyond)
        return self._onward(step, ahead.found)

    def _onward(self, step: Step, found: Sequence[float]) -> Iterator[Step]:
        """Yield the steps that follow `step`, where f and its slopes are `found`."""
        remarks = Remarks(found[0], self.settings.descend, self._height)
        while self.outcome is None and not self._arrived(step):
            if self.ahead is not None:
                step, found = self._run_ahead(self.ahead, step, found, remarks)
            point = step.point
            landed = self._landed(step.number + 1, point, found)
            if landed is None or (landed == point and self._stays(step)):
                self._end("no-progress", step)
                return
            after = self.objective.slopes(landed)
            if not _finite(after):
                self._end("not-finite", step, landed)
                return
            step = self._row(step, found, landed, after, remarks)
            found = after
            yield step

    def _run_ahead(
        self, ahead: Ahead, step: Step, found: Sequence[float], remarks: Remarks
    ) -> tuple[Step, Sequence[float]]:
        """Let compiled code take the steps before the next row that is shown."""
        reached = ahead(step.number, step.point, found, self._rule.states, remarks)
        if reached is None:
            return step, found
        number, point, found = reached
        self.sweeps += number - step.number
        self.evaluations += number - step.number
        return Step(number, point, found[0], _norm(found)), found

    def _arrived(self, step: Step) -> bool:
        """Return whether to stop here, and note why."""
        settings = self.settings
        plain = settings.method == "gradient" and settings.optimizer.stateless and not self._batch
        if step.norm <= settings.until_gradient and (plain or settings.until_gradient > 0):
            self._end("gradient", step)
        elif step.number >= settings.steps:
            self._end("steps", step)
        return self.outcome is not None

    def _stays(self, step: Step) -> bool:
        """Return whether a move that changed nothing will never change anything."""
        if self.settings.method == "random" or self._batch:
            return False
        return self.settings.optimizer.stateless or step.norm == 0

    def _end(self, why: str, step: Step, beyond: tuple[float, ...] | None = None) -> None:
        self.outcome = Outcome(why, step, self.evaluations, self.sweeps, beyond)

    def _row(
        self,
        step: Step,
        found: Sequence[float],
        landed: tuple[float, ...],
        after: Sequence[float],
        remarks: Remarks,
    ) -> Step:
        """Return the row of a step that led from `step` to `landed`."""
        move = list(map(sub, landed, step.point))
        predicted = self._along(found, move)
        actual = self._sign * (after[0] - found[0]) + 0.0  # no gain is 0, not -0
        norm = _norm(after)
        landing = Landing(
            found[0],
            after[0],
            landed,
            move,
            predicted,
            self._along(after, move),
            actual,
            step.norm,
            norm,
        )
        said = remarks.on(landing)
        if self._damped:
            said = (*said, DAMPED)
        if self._limits:
            said += tuple(self._held(landed))
        return Step(step.number + 1, landed, after[0], norm, predicted, actual, said)

    # -------------------------------------------------------------- moves

    def _landed(
        self, number: int, point: tuple[float, ...], found: Sequence[float]
    ) -> tuple[float, ...] | None:
        """Return where the next step lands, None if the line search finds no better place."""
        settings = self.settings
        if settings.method == "random":
            h = self._sign * settings.step
            move: Sequence[float] = [h * self._random.random() for _ in point]
        elif settings.sequential:
            return self._one_after_another(number, point, found)
        else:
            slopes = self._slopes(point, found)
            move = self._moved(number, point, slopes)
            if settings.line_search:
                return self._backtracked(point, found[0], slopes, move)
        self.evaluations += self._batch is None
        return self._projected(map(add, point, move))

    def _slopes(self, point: Sequence[float], found: Sequence[float]) -> list[float]:
        """Return the slopes that the method steps by, in the direction of improvement."""
        sign = self._sign
        if self.settings.method == "numeric":
            return [sign * self._difference(point, found[0], k) for k in range(len(point))]
        self.sweeps += 1
        self.evaluations += self._batch is not None
        slopes = self._batch(point) if self._batch else found
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
            return self._rule.moves(point, slopes, h, number)
        self.sweeps += len(point)
        curvature = self.objective.curvature(point)[1 + len(point) :]
        direction = newton_direction(slopes, [-self._sign * c for c in curvature])
        self._damped = direction is None or direction.damping > 0
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
            moved = landed[place] + self._rule.move(
                place, landed[place], slope, self.settings.step, number
            )
            landed = self._projected([*landed[:place], moved, *landed[place + 1 :]])
        return landed

    def _slopes_along(self, place: int, point: Sequence[float], found: Sequence[float]) -> float:
        if self.settings.method == "numeric":
            return self._sign * self._difference(point, found[0], place)
        self.sweeps += 1
        return self._sign * found[1 + place]

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
            landed = self._projected(x + share * d for x, d in zip(point, move, strict=True))
            if landed == point:
                break
            value = self.objective.value(landed)
            self.evaluations += 1
            predicted = sum(map(mul, slopes, map(sub, landed, point)))
            if self._sign * (value - start) >= _ARMIJO * predicted > 0:
                return landed
        return None

    # -------------------------------------------------------------- bounds

    def _projected(self, point: Iterable[float]) -> tuple[float, ...]:
        """Return the nearest point within the bounds."""
        if not self._limits:
            return tuple(point)
        pairs = zip(point, self._limits, strict=True)
        return tuple(min(max(x, low), high) if x == x else x for x, (low, high) in pairs)

    def _held(self, point: Sequence[float]) -> Iterator[str]:
        """Yield a remark for each input that stands at one of its bounds."""
        for name, x, limits in zip(self.objective.names, point, self._limits, strict=True):
            if x in limits:
                yield at_bound(name)

    def _height(self, point: Iterable[float]) -> float:
        """Return f at a point, or at the nearest within the bounds; of a descent -f."""
        return self._sign * self.objective.value(self._projected(point))

    def _along(self, found: Sequence[float], move: Sequence[float]) -> float:
        """Return how much f improves along a move, by the slopes."""
        return float(self._sign * sum(map(mul, found[1:], move)))


def _norm(found: Sequence[float]) -> float:
    return math.hypot(*found[1:])


def _finite(found: Sequence[float]) -> bool:
    total = sum(found)  # one sum decides, unless finite numbers overflow in it
    return total - total == 0 or all(map(math.isfinite, found))
