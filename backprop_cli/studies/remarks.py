"""What one step of an ascent did, in words computed from its numbers.

*Crossed the top* and *worse* are two different things. A step crosses the top when the slope along
it is uphill where it starts and downhill where it lands; whether it also lost height shows in the
gain. So -x^2 from 1 with step 0.9 lands at -0.8: across the top, and still better.
"""

import math
from collections.abc import Callable, Sequence
from operator import mul
from typing import NamedTuple

from backprop_cli.calculus.rounding import UNIT

_ROUNDING = 4 * UNIT
_NOTHING = 1e-12
_GROWING_STEPS = 10
_FAR = 100.0
_DOUBLINGS = 40
_SLACK = 1e-6
_SHARP = 0.25
"""cos² of the angle beyond which two moves count as going back and forth (120 degrees)."""


class Landing(NamedTuple):
    """Where a step landed, in the direction of improvement.

    `predicted` is the slopes at the start times the move, `beyond` the slopes at the end times the
    move; `norm` and `norm_before` are the sizes of the gradient at the end and at the start.
    """

    value_before: float
    value: float
    point: Sequence[float]
    move: Sequence[float]
    predicted: float
    beyond: float
    actual: float
    norm_before: float
    norm: float


class Remarks:
    """Comments on the steps of one ascent, or descent, in their order."""

    def __init__(
        self, value: float, descend: bool, height: Callable[[Sequence[float]], float]
    ) -> None:
        """Comment on a climb from `value`; `height` gives f anywhere, of a descent -f."""
        self.summit = "bottom" if descend else "top"
        self.limitless = f"unbounded: {'falling' if descend else 'growing'} without limit"
        self._far = _FAR * (1 + abs(value))
        self._before: Sequence[float] = ()
        self._growing = 0
        self._height = height
        self._looked_at, self._endless = 0, False

    def on(self, landing: Landing) -> tuple[str, ...]:
        """Return what is to be said of the next step."""
        said = self._about_gain(landing)
        if self._turned_back(landing.move):
            said = (*said, "zig-zag")
        # Slopes that do not fall while f goes on rising, far beyond where it started.
        grew = landing.actual > 0 and landing.norm >= landing.norm_before
        self._growing = self._growing + 1 if grew else 0
        far = self._growing >= _GROWING_STEPS and abs(landing.value) > self._far
        return (*said, self.limitless) if far and self._goes_on(landing) else said

    def _goes_on(self, landing: Landing) -> bool:
        """Look far ahead for proof that f goes on growing; again when the run has doubled."""
        if self._growing == _GROWING_STEPS or self._growing >= 2 * self._looked_at:
            self._looked_at = self._growing
            self._endless = self._grows_far(landing)
        return self._endless

    def _grows_far(self, landing: Landing) -> bool:
        """Return whether f grows at 40 doublings of a move, and never slower than before.

        Where it overflows it has grown enough. The climber does not pay for these looks ahead.
        """
        steepness = 0.0
        start = self._height(landing.point)
        for doubling in range(1, _DOUBLINGS + 1):
            share = 2.0**doubling
            there = [x + share * d for x, d in zip(landing.point, landing.move, strict=True)]
            gain = self._height(there) - start
            if gain == math.inf:
                return True
            if not gain / share > (1 - _SLACK) * steepness:
                return False
            steepness = gain / share
        return True

    def _about_gain(self, landing: Landing) -> tuple[str, ...]:
        """Return what the gain and the slopes along the step show."""
        # What is no more than rounding, or next to nothing of what was predicted, is no gain.
        rounding = max(
            _ROUNDING * max(abs(landing.value), abs(landing.value_before)),
            _NOTHING * abs(landing.predicted),
        )
        actual = landing.actual
        if landing.predicted > 0 > landing.beyond:
            if actual > rounding:
                return (f"crossed the {self.summit}, still better",)
            result = "no gain" if actual >= -rounding else "worse: step too long"
            return (f"crossed the {self.summit}, {result}",)
        if actual < -rounding:
            if landing.predicted == 0:
                return ("worse: from a flat spot",)
            uphill = landing.predicted > 0
            return ("worse: step too long" if uphill else "worse: against the slope",)
        if landing.norm == 0 or (actual <= rounding and abs(landing.predicted) <= rounding):
            return ("flat",)
        return ()

    def _turned_back(self, move: Sequence[float]) -> bool:
        """Return whether this move goes sharply against the one before."""
        before, self._before = self._before, move
        if not before:
            return False
        along = sum(map(mul, move, before))
        if not along < 0:
            return False
        sizes = sum(map(mul, move, move)) * sum(map(mul, before, before))
        return bool(along * along > _SHARP * sizes)
