"""What is kept of a climb for people: some of its rows, all of its remarks, and how it ended.

A climb may have ten million steps, so rows are thinned as they come: when a thousand are kept,
nine of ten are dropped and from then on only every tenth (hundredth, ...) is taken.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from backprop_cli.studies.climbing.ascent import Climb, Outcome, Step
from backprop_cli.studies.climbing.contour import Contour, contours

_MOST = 1000
_FEWER = 10
_ROUND = (1, 2, 5)
_MARGIN = 0.2
_COLUMNS, _ROWS, _LEVELS = 60, 40, 10


class Tally(NamedTuple):
    """How often a remark was made, and at which step first."""

    times: int
    first: int


class Record:
    """The rows kept of one climb; feed it every step with `add`."""

    def __init__(self, climb: Climb, label: str, every: int = 0, most: int = _MOST) -> None:
        """Keep what curves and paths need and, where `every` is asked for, the first `most` rows
        so far apart; else as many as can be looked at."""
        self.climb, self.label = climb, label
        self.every, self._most = every, most
        self.rows: list[Step] = []
        self._asked: list[Step] = []
        self.last: Step | None = None
        self.tallies: dict[str, Tally] = {}
        self._stride = 1

    def add(self, step: Step) -> None:
        """Take note of the next step."""
        self.last = step
        for remark in step.remarks:
            self.tally(remark, 1, step.number)
        if step.number % self._stride == 0:
            self.rows.append(step)
            if len(self.rows) > _MOST:
                self._stride *= _FEWER
                self.rows = [row for row in self.rows if row.number % self._stride == 0]

        if self.every and step.number % self.every == 0 and len(self._asked) < self._most:
            self._asked.append(step)

    def next_row(self, number: int) -> int:
        """Return the next step after `number` that is kept, or the last there can be."""
        strides = [self._stride]
        if self.every and len(self._asked) < self._most:
            strides.append(self.every)
        nearest = min(number // stride * stride + stride for stride in strides)
        return min(nearest, self.climb.settings.steps)

    def tally(self, remark: str, times: int, first: int) -> None:
        """Count a remark that was made so many times, for the first time at this step."""
        before = self.tallies.get(remark, Tally(0, first))
        self.tallies[remark] = Tally(before.times + times, before.first)

    @property
    def outcome(self) -> Outcome:
        """How the climb ended."""
        assert self.climb.outcome is not None
        return self.climb.outcome

    @property
    def gain(self) -> float:
        """How far f improved from the first to the last row."""
        if not self.rows or self.last is None:
            return 0.0
        sign = -1.0 if self.climb.settings.descend else 1.0
        return sign * (self.last.value - self.rows[0].value)

    def spacing(self, most: int) -> int:
        """Return how many steps the rows of a table of at most `most` rows or so are apart."""
        return self.every or _spacing(self.last.number if self.last else 0, most)

    def shown(self, most: int) -> list[Step]:
        """Return rows for a table: at most `most` or so, equally spaced, and the last."""
        if self.last is None:
            return []
        spacing = self.spacing(most)
        chosen = self._asked or [row for row in self.rows if row.number % spacing == 0]
        return chosen if chosen and chosen[-1] is self.last else [*chosen, self.last]

    def curve(self) -> list[tuple[float, float]]:
        """Return f at the steps that were kept."""
        return [(float(row.number), row.value) for row in self._with_last()]

    def path(self) -> list[tuple[float, float]]:
        """Return the points that were kept, of a climb of two inputs."""
        return [(row.point[0], row.point[1]) for row in self._with_last()]

    def _with_last(self) -> list[Step]:
        missing = self.last is not None and self.last not in self.rows[-1:]
        return [*self.rows, self.last] if missing and self.last else self.rows


def _spacing(last: int, most: int) -> int:
    """Return the smallest of 1, 2, 5, 10, 20, ... that gives at most `most` rows."""
    power = 1
    while True:
        for digit in _ROUND:
            if last // (digit * power) <= most:
                return digit * power
        power *= 10


def contours_around(
    function: Callable[[float, float], float], paths: Sequence[Sequence[tuple[float, float]]]
) -> list[Contour]:
    """Return contours of a function of two inputs where these paths run, and a little beyond."""
    points = [point for path in paths for point in path]
    x, y = ([point[k] for point in points] for k in range(2))
    widest = max(max(x) - min(x), max(y) - min(y)) or max(map(abs, (*x, *y))) or 1.0
    return contours(function, _around(x, widest), _around(y, widest), _COLUMNS, _ROWS, _LEVELS)


def _around(values: Sequence[float], widest: float) -> tuple[float, float]:
    """Return a range that holds the values with a margin; of one value alone, one so wide."""
    low, high = min(values), max(values)
    margin = _MARGIN * (high - low if high > low else widest)
    return low - margin, high + margin
