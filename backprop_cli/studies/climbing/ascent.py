"""The study behind `ascend`: a function climbed, or descended, one step at a time.

A step has three parts: the slopes at the point, the move an optimiser makes of them
(`studies/climbing/moves.py`), and what was gained. The gain that the slopes predict is slopes ·
move (for the plain rule h·‖∇f‖²); beside the gain that came it shows how straight the function is
over the step. Steps that nobody looks at may be taken by a loop (`studies/climbing/ahead.py`).

The rows of `random` and `numeric` carry the exact slopes too, read off beside the climb: they are
the microscope's, not the climber's, and are not counted as spent.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import mul, sub
from typing import NamedTuple

from backprop_cli.studies.climbing.ahead import Ahead, Stand
from backprop_cli.studies.climbing.moves import Batch, Moves
from backprop_cli.studies.climbing.objective import Objective
from backprop_cli.studies.climbing.remarks import Landing, Remarks, at_bound
from backprop_cli.studies.climbing.settings import Settings

DAMPED = "newton's step damped"
"""The remark on a step where f is not curved like a parabola with a top (or bottom) ahead."""


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
        batch: Batch | None = None,
    ) -> None:
        """Climb from `start`; where `batch` gives f and slopes of some of the data, by these."""
        self.objective, self.settings = objective, settings
        self.start = tuple(start)
        self.outcome: Outcome | None = None
        self.ahead: Ahead | None = None
        """What takes the steps that nobody looks at; None if each is looked at."""
        self._batch = batch
        self._moves = Moves(objective, settings, batch)

    def __iter__(self) -> Iterator[Step]:
        """Yield the start as step 0, then each step that the loop ahead, if any, has not taken."""
        point = self.start
        found = self.objective.slopes(point)
        self._moves.evaluations += self._batch is None
        step = Step(0, point, found[0], _norm(found), remarks=() if _norm(found) else ("flat",))
        if not _finite(found):
            self._end("not-finite", step, point)
            return
        yield step
        yield from self._onward(step, found)

    def finish(self, watch: Callable[[int], None] = lambda number: None) -> Outcome:
        """Run to the end: the same outcome as after all steps, the last without gain or remarks.

        Where it can, a generated loop does the work; `watch` is told now and then how far it is.
        """
        from backprop_cli.studies.climbing.python_loop import python_loop

        if self._batch is None and self.ahead is None:
            loop = python_loop(self.objective, self.settings)
            if loop is not None:
                self.ahead = Ahead(loop, lambda number: self.settings.steps, watch)
        for step in self:
            watch(step.number)
        assert self.outcome is not None
        return self.outcome

    def _onward(self, step: Step, found: Sequence[float]) -> Iterator[Step]:
        """Yield the steps that follow `step`, where f and its slopes are `found`."""
        remarks = Remarks(found[0], self.settings.descend, self._height)
        while not self._arrived(step):
            if self.ahead is not None:
                step, found = self._run_ahead(self.ahead, step, found, remarks)
                if self._arrived(step):
                    return
            landed = self._moves.landed(step.number + 1, step.point, found)
            if landed is None or (landed == step.point and self._stays(step)):
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
        """Let a loop take the steps before the next one that is looked at, or is irregular."""
        stand = Stand(step.number, step.point, found)
        number, point, found = ahead(stand, self._moves.rule.states, remarks)
        taken = number - step.number
        self._moves.sweeps += taken
        self._moves.evaluations += taken
        return (Step(number, point, found[0], _norm(found)) if taken else step), found

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
        spent = self._moves.evaluations, self._moves.sweeps
        self.outcome = Outcome(why, step, *spent, beyond)

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
        actual = self._moves.sign * (after[0] - found[0]) + 0.0  # no gain is 0, not -0
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
        if self._moves.damped:
            said = (*said, DAMPED)
        if self._moves.limits:
            said += tuple(self._held(landed))
        return Step(step.number + 1, landed, after[0], norm, predicted, actual, said)

    def _held(self, point: Sequence[float]) -> Iterator[str]:
        """Yield a remark for each input that stands at one of its bounds."""
        for name, x, limits in zip(self.objective.names, point, self._moves.limits, strict=True):
            if x in limits:
                yield at_bound(name)

    def _height(self, point: Iterable[float]) -> float:
        """Return f at a point, or at the nearest within the bounds; of a descent -f."""
        return self._moves.sign * self.objective.value(self._moves.projected(point))

    def _along(self, found: Sequence[float], move: Sequence[float]) -> float:
        """Return how much f improves along a move, by the slopes."""
        return float(self._moves.sign * sum(map(mul, found[1:], move)))


def _norm(found: Sequence[float]) -> float:
    return math.hypot(*found[1:])


def _finite(found: Sequence[float]) -> bool:
    total = sum(found)  # one sum decides, unless finite numbers overflow in it
    return total - total == 0 or all(map(math.isfinite, found))
