"""Contours: points that lie on their level, whole lines, and nothing where nothing is known."""

import math
import time
from itertools import pairwise

import pytest

from backprop_cli.studies.climbing.contour import contours, quantiles

SQUARE = ((-2.0, 2.0), (-2.0, 2.0))


def circle(x: float, y: float) -> float:
    return x * x + y * y


def himmelblau(x: float, y: float) -> float:
    return (x * x + y - 11) ** 2 + (x + y * y - 7) ** 2


def test_the_contours_of_a_bowl_are_circles():
    """Interpolating x² over a side of length h is off by at most h²/4."""
    step = 4 / 60
    found = contours(circle, *SQUARE, 61, 61, 8)
    assert len(found) == 8
    for contour in found:
        for line in contour.lines:
            for x, y in line:
                assert abs(circle(x, y) - contour.level) <= step**2 / 4 + 1e-12
    inside = [contour for contour in found if contour.level < 4]
    assert inside
    for contour in inside:
        (line,) = contour.lines
        assert line[0] == line[-1]
        assert len(line) > 30


def test_levels_rise_and_are_close_together_at_both_ends():
    levels = [contour.level for contour in contours(lambda x, y: x, *SQUARE, 401, 3, 9)]
    gaps = [b - a for a, b in pairwise(levels)]
    assert min(gaps) > 0
    assert gaps[0] < gaps[4] > gaps[-1]


def test_lines_that_leave_the_picture_end_at_its_edge():
    for contour in contours(lambda x, y: x + 0.3 * y, *SQUARE, 20, 20, 5):
        (line,) = contour.lines
        for x, y in (line[0], line[-1]):
            assert 2.0 in (abs(x), abs(y))


def test_each_minimum_of_himmelblau_has_a_ring_of_its_own():
    found = contours(himmelblau, (-5.0, 5.0), (-5.0, 5.0), 60, 60, 12)
    assert len(found[0].lines) == 4
    minima = [(3, 2), (-2.805118, 3.131312), (-3.779310, -3.283186), (3.584428, -1.848126)]
    for line in found[0].lines:
        assert line[0] == line[-1]
        middle = [sum(point[k] for point in line[1:]) / (len(line) - 1) for k in (0, 1)]
        assert min(math.dist(middle, minimum) for minimum in minima) < 0.3


@pytest.mark.parametrize(
    ("high", "low", "around"), [(3.0, -1.0, (0.0, 1.0)), (1.0, -3.0, (0.0, 0.0))]
)
def test_a_saddle_is_resolved_by_the_mean_of_its_cell(high, low, around):
    """With a high mean the two high corners are joined: the lines go round the low ones."""
    rows = {0.0: (high, low, 0.0), 1.0: (low, high, 0.0)}
    (contour,) = contours(lambda x, y: rows[y][int(x)], (0.0, 2.0), (0.0, 1.0), 3, 2, 1)
    assert contour.level == 0
    corner = [piece for piece in contour.segments if piece[0][0] + piece[1][0] < 1]
    ((one, two),) = corner
    assert {one[0] == 0 or two[0] == 0, around[1] in (one[1], two[1])} == {True}


def test_cells_with_a_corner_that_is_not_finite_are_empty():
    def hole(x: float, y: float) -> float:
        return math.nan if abs(x) < 0.5 and abs(y) < 0.5 else circle(x, y)

    found = contours(hole, *SQUARE, 41, 41, 8)
    assert found
    for contour in found:
        for x, y in (point for line in contour.lines for point in line):
            assert max(abs(x), abs(y)) >= 0.5 - 1e-12
    assert contours(lambda x, y: math.nan, *SQUARE, 9, 9, 4) == []
    assert contours(lambda x, y: 1 / (x or math.inf), *SQUARE, 9, 9, 4)


def test_a_constant_has_no_contours():
    assert contours(lambda x, y: 3.0, *SQUARE, 20, 20, 6) == []


def test_a_step_has_one_level_and_one_line():
    (contour,) = contours(lambda x, y: float(x > 0.05), *SQUARE, 40, 40, 6)
    assert len(contour.lines) == 1


def test_numbers_near_the_largest_do_not_overflow():
    found = contours(lambda x, y: 8e307 * x, *SQUARE, 9, 9, 4)
    assert found
    assert all(math.isfinite(c) for each in found for line in each.lines for p in line for c in p)


def test_the_same_picture_twice():
    one, two = (contours(himmelblau, (-5.0, 5.0), (-5.0, 5.0), 60, 40, 12) for _ in range(2))
    assert one == two


def test_segments_are_the_pieces_of_the_lines():
    contour = contours(circle, *SQUARE, 10, 10, 3)[0]
    assert len(contour.segments) == sum(len(line) - 1 for line in contour.lines)


def test_quantiles_of_few_values():
    assert quantiles([], 5) == []
    assert quantiles([1.0, 1.0], 5) == []
    assert quantiles([1.0, 2.0, 2.0, 2.0], 5) == [2.0]


def test_a_picture_takes_a_fraction_of_a_tenth_of_a_second():
    values = {}
    contours(lambda x, y: values.setdefault((x, y), himmelblau(x, y)), (-5.0, 5.0), (-5.0, 5.0), 60, 40, 12)  # fmt: skip
    start = time.process_time()
    contours(lambda x, y: values[x, y], (-5.0, 5.0), (-5.0, 5.0), 60, 40, 12)
    assert time.process_time() - start < 0.5  # 0.02 s on a quiet machine
