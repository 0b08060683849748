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

ROUNDING = 4 * UNIT
NOTHING = 1e-12
GROWING_STEPS = 10
FAR = 100.0
_DOUBLINGS = 40
_SLACK = 1e-6
SHARP = 0.25
"""cos² of the angle beyond which two moves count as going back and forth (120 degrees)."""

WORSE = ("worse: from a flat spot", "worse: step too long", "worse: against the slope")
FLAT, ZIGZAG = "flat", "zig-zag"
_CROSSED = ("still better", "no gain", "worse: step too long")


def at_bound(name: str) -> str:
    """Return the remark on an input that stands at one of its bounds."""
    return f"{name} at its bound"


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
        summit = "bottom" if descend else "top"
        self.crossed = tuple(f"crossed the {summit}, {how}" for how in _CROSSED)
        self.limitless = f"unbounded: {'falling' if descend else 'growing'} without limit"
        self.far = FAR * (1 + abs(value))
        self.before: Sequence[float] = ()
        """The last move."""
        self.growing = 0
        """How many steps in a row f has grown by slopes that do not fall."""
        self.looked_at, self.endless = 0, False
        """How long that row was when f was looked at far ahead, and whether it went on growing."""
        self._height = height

    @property
    def texts(self) -> tuple[str, ...]:
        """All that may be said of a step, in the order in which it is said."""
        return (*self.crossed, *WORSE, FLAT, ZIGZAG, self.limitless)

    def on(self, landing: Landing) -> tuple[str, ...]:
        """Return what is to be said of the next step."""
        said = self._about_gain(landing)
        if self._turned_back(landing.move):
            said = (*said, ZIGZAG)
        # Slopes that do not fall while f goes on rising, far beyond where it started.
        grew = landing.actual > 0 and landing.norm >= landing.norm_before
        self.growing = self.growing + 1 if grew else 0
        far = self.growing >= GROWING_STEPS and abs(landing.value) > self.far
        return (*said, self.limitless) if far and self._goes_on(landing) else said

    def _goes_on(self, landing: Landing) -> bool:
        """Look far ahead for proof that f goes on growing; again when the run has doubled."""
        if self.growing == GROWING_STEPS or self.growing >= 2 * self.looked_at:
            self.looked_at = self.growing
            self.endless = self._grows_far(landing)
        return self.endless

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
            ROUNDING * max(abs(landing.value), abs(landing.value_before)),
            NOTHING * abs(landing.predicted),
        )
        actual = landing.actual
        if landing.predicted > 0 > landing.beyond:
            better, no_gain, worse = self.crossed
            if actual > rounding:
                return (better,)
            return (no_gain if actual >= -rounding else worse,)
        if actual < -rounding:
            from_flat, too_long, against = WORSE
            if landing.predicted == 0:
                return (from_flat,)
            return (too_long if landing.predicted > 0 else against,)
        if landing.norm == 0 or (actual <= rounding and abs(landing.predicted) <= rounding):
            return (FLAT,)
        return ()

    def _turned_back(self, move: Sequence[float]) -> bool:
        """Return whether this move goes sharply against the one before."""
        before, self.before = self.before, move
        if not before:
            return False
        along = sum(map(mul, move, before))
        if not along < 0:
            return False
        sizes = sum(map(mul, move, move)) * sum(map(mul, before, before))
        return bool(along * along > SHARP * sizes)
