"""Contours: the lines along which a function of two inputs has one value.

Marching squares, the plane's case of Lorensen & Cline, Marching Cubes (SIGGRAPH 1987): the
function is known at the corners of a grid; a cell whose corners lie on both sides of a level is
crossed by it, in one of sixteen ways, and where a side is crossed is interpolated. The two ways
of a saddle are told apart by the mean of the corners. Neighbouring cells share the crossing of
their common side, so the pieces join into lines without comparing coordinates.

Levels are quantiles of the values at the corners rather than equal steps of the value: in a
valley such as Rosenbrock's, where nearly all of the range is in two corners of the picture, equal
steps would leave the valley empty. The quantiles are close together at both ends, because it is
the bottoms and the tops that a path runs to.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

Point = tuple[float, float]

_SOUTH, _EAST, _NORTH, _WEST = range(4)
_AROUND_FIRST = ((_WEST, _SOUTH), (_EAST, _NORTH))
_AROUND_SECOND = ((_SOUTH, _EAST), (_NORTH, _WEST))
_CROSSINGS: tuple[tuple[tuple[int, int], ...], ...] = (
    (),
    ((_WEST, _SOUTH),),
    ((_SOUTH, _EAST),),
    ((_WEST, _EAST),),
    ((_EAST, _NORTH),),
    _AROUND_FIRST,
    ((_SOUTH, _NORTH),),
    ((_NORTH, _WEST),),
    ((_NORTH, _WEST),),
    ((_SOUTH, _NORTH),),
    _AROUND_SECOND,
    ((_EAST, _NORTH),),
    ((_WEST, _EAST),),
    ((_SOUTH, _EAST),),
    ((_WEST, _SOUTH),),
    (),
)
"""Which sides a level joins, by the corners that are not below it: 1 south-west, 2 south-east,
4 north-east, 8 north-west. In the saddles, 5 and 10, the middle is below the level too."""


class Contour(NamedTuple):
    """A level, and the lines along which the function has it; a closed line ends where it began."""

    level: float
    lines: tuple[tuple[Point, ...], ...]

    @property
    def segments(self) -> list[tuple[Point, Point]]:
        """The pieces of the lines, from cell side to cell side."""
        return [piece for line in self.lines for piece in pairwise(line)]


class Grid(NamedTuple):
    """A function's values at the corners of a grid, row by row from the smallest y."""

    xs: Sequence[float]
    ys: Sequence[float]
    values: Sequence[float]

    def crossing(self, side: int, level: float) -> Point:
        """Return where `level` crosses a side: 2k is east of corner k, 2k + 1 north of it."""
        corner, upright = divmod(side, 2)
        row, column = divmod(corner, len(self.xs))
        x, y = self.xs[column], self.ys[row]
        here = self.values[corner]
        there = self.values[corner + (len(self.xs) if upright else 1)]
        # Halves, because the distance of two finite numbers may be infinite.
        share = (level / 2 - here / 2) / (there / 2 - here / 2)
        if upright:
            return x, y + share * (self.ys[row + 1] - y)
        return x + share * (self.xs[column + 1] - x), y


def contours(
    function: Callable[[float, float], float],
    x_range: Point,
    y_range: Point,
    columns: int,
    rows: int,
    levels: int,
) -> list[Contour]:
    """Return the contours of `function` on a grid of `columns` by `rows` corners, lowest first.

    At most `levels` of them, fewer where the values are few, none of a constant. Cells with a
    corner where the function is not finite are left empty.
    """
    xs, ys = _places(*x_range, columns), _places(*y_range, rows)
    grid = Grid(xs, ys, [function(x, y) for y in ys for x in xs])
    chosen = quantiles([value for value in grid.values if math.isfinite(value)], levels)
    found = []
    for level, joints in zip(chosen, _joints(grid, chosen), strict=True):
        lines = tuple(
            tuple(grid.crossing(side, level) for side in sides) for sides in _chained(joints)
        )
        if lines:
            found.append(Contour(level, lines))
    return found


def quantiles(values: Sequence[float], count: int) -> list[float]:
    """Return up to `count` levels, rising, such that each has values below it.

    The k-th is the quantile sin²(πt/2) with t = (k + 1)/(count + 3): close together at both
    ends, but not so near to them that a valley is thinner there than the cells.
    """
    ordered = sorted(values)
    if not ordered:
        return []
    shares = (math.sin(math.pi / 2 * (k + 1) / (count + 3)) ** 2 for k in range(1, count + 1))
    levels = dict.fromkeys(ordered[int(share * (len(ordered) - 1))] for share in shares)
    return [level for level in levels if level > ordered[0]]


def _places(low: float, high: float, count: int) -> list[float]:
    """Return `count` numbers from `low` to `high` at equal distances."""
    step = high / (count - 1) - low / (count - 1)
    return [*(low + k * step for k in range(count - 1)), high]


def _joints(grid: Grid, levels: Sequence[float]) -> list[dict[int, list[int]]]:
    """Return, for each level, the sides that each crossed side is joined to, one or two."""
    joints: list[dict[int, list[int]]] = [{} for _ in levels]
    width, values = len(grid.xs), grid.values
    for row in range(len(grid.ys) - 1):
        for corner in range(row * width, (row + 1) * width - 1):
            above = corner + width
            cell = (values[corner], values[corner + 1], values[above + 1], values[above])
            if not all(map(math.isfinite, cell)):
                continue
            sides = (2 * corner, 2 * corner + 3, 2 * above, 2 * corner + 1)
            for k in range(bisect_right(levels, min(cell)), bisect_right(levels, max(cell))):
                for start, end in _crossings(cell, levels[k]):
                    joints[k].setdefault(sides[start], []).append(sides[end])
                    joints[k].setdefault(sides[end], []).append(sides[start])
    return joints


def _crossings(cell: Sequence[float], level: float) -> tuple[tuple[int, int], ...]:
    """Return the pairs of a cell's sides that a level joins."""
    case = sum(1 << k for k, value in enumerate(cell) if value >= level)
    if case in (5, 10) and sum(value / 4 for value in cell) >= level:
        return _CROSSINGS[15 - case]
    return _CROSSINGS[case]


def _chained(joints: dict[int, list[int]]) -> list[list[int]]:
    """Return the lines that the joints make: first those with ends, then the closed ones."""
    left = {side: list(others) for side, others in joints.items()}
    ends = [side for side, others in joints.items() if len(others) == 1]
    lines = []
    for first in (*ends, *joints):
        line = [first]
        while left[line[-1]]:
            following = left[line[-1]].pop(0)
            left[following].remove(line[-1])
            line.append(following)
        if len(line) > 1:
            lines.append(line)
    return lines
