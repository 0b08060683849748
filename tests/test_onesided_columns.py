"""Sweeps to one side over many rows: those of one point, row by row."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import programs
from test_points import GRID, PROGRAMS, rows_of

from backprop_cli.calculus.onesided import one_sided
from backprop_cli.calculus.values import forward_values
from backprop_cli.graph import Graph
from backprop_cli.language.parser import parse
from backprop_cli.operations import TABLE

np = pytest.importorskip("numpy")
from backprop_cli.calculus import onesided_columns  # noqa: E402
from backprop_cli.calculus.onesided_columns import one_sided_columns  # noqa: E402
from backprop_cli.readings import arrays  # noqa: E402
from backprop_cli.readings.arrays import ARRAYS  # noqa: E402

_TOLERANCE = 1e-9
"""The two readings spell exp and its kin by other libraries."""


def assert_like_one_point(graph: Graph, points: list[dict[str, float]]) -> None:
    """Sweep along each input to both sides, in all rows at once and in each alone.

    Where ulps move a value off a kink that the other reading finds, the two stand on different
    points, so rows whose values are not the same bits are left out.
    """
    columns = {name: np.array([point[name] for point in points]) for name in graph.inputs}
    with np.errstate(all="ignore"):
        values = forward_values(graph, columns, ARRAYS)
    alone = [forward_values(graph, point) for point in points]
    same = [
        k
        for k, one in enumerate(alone)
        if all(
            np.array_equal(_at(v, k), x, equal_nan=True) for v, x in zip(values, one, strict=True)
        )
    ]
    for seed in graph.inputs.values():
        for direction in (-1, 1):
            found = one_sided_columns(graph, values, seed, direction)
            for k in same:
                one = one_sided(graph, alone[k], seed, direction)
                where = (graph.source, points[k], seed, direction)
                for node in range(graph.size):
                    assert _close(_at(found.limits[node], k), one.limits[node]), where
                    assert _close(_at(found.slopes[node], k), one.slopes[node]), where
                    assert bool(_at(found.undecided[node], k)) == bool(one.undecided[node]), where


def _at(value, row):
    return value[row] if np.ndim(value) else value


def _close(mine, other):
    if not (math.isfinite(mine) and math.isfinite(other)):
        return np.array_equal(mine, other, equal_nan=True)
    return math.isclose(mine, other, rel_tol=_TOLERANCE, abs_tol=1e-300)


MORE = [
    "hypot(x, y) + hypot(x*y, 0) + atan2(x, y - y)",
    "relu(sign(x)) + floor(x*y)*ceil(y) - x*sign(x)",
    "max(x, -x, y) - min(x, y, x*y) + max(0, 0*y)",
    "where(x - y < 0, sign(y), abs(x)) + where(x == 0, y, where(y >= x, -x, x^2))",
    "leaky_relu(x) + elu(y) + clip(x*y, -1, 1) + abs(abs(x) - y)",
    "abs(x)^y + x/abs(y) + log(abs(x)) + sqrt(relu(y))",
    "floor(sign(x)/2 + 1/4) + max(x*y, where(x < y, x, y))",
    "sqrt(relu(x*x)) + relu(cbrt(x*y)^2) + x^hypot(1, y)",
    "t = log(x); where(y < y, t, t)",
    "where(x != cbrt(0*x), 3*x, y) + sqrt(clip(x*x, 0, 1)) + sign(sqrt(x*x*y))",
]


@pytest.mark.parametrize("text", [*PROGRAMS[:14], *MORE])
def test_each_row_of_a_grid_is_swept_as_if_it_were_alone(text):
    assert_like_one_point(parse(text), GRID)


@settings(max_examples=100, deadline=None)
@given(programs(), st.data())
def test_random_programs_are_swept_as_if_each_row_were_alone(program, data):
    if program.point:
        assert_like_one_point(parse(program.text, program.point), rows_of(program))


MISTAKES = {
    "tangents do not decide": (arrays._Pairs, "__lt__", lambda a, b: np.less(a.numbers, b.numbers)),
    "ties are not ties": (arrays._Pairs, "__le__", lambda a, b: np.less(a.numbers, b.numbers)),
    "no operand is undecided": (onesided_columns, "_inherits", lambda *given: False),
    "every jump is decided": (onesided_columns, "_unsure", lambda *given: {}),
    "all take part in a tie": (
        onesided_columns,
        "_homogeneous",
        lambda row, given, moved, out: ARRAYS.spelling.function(TABLE[row].name)(*moved),
    ),
    "no kinks": (onesided_columns, "kinks_in", lambda row, given, out: [(kink, np.False_) for kink in TABLE[row].kinks]),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_on_purpose_is_seen(mistake, monkeypatch):
    where, name, wrong = MISTAKES[mistake]
    monkeypatch.setattr(where, name, wrong)

    def look_at_all() -> None:
        for text in (*PROGRAMS[:14], *MORE):
            assert_like_one_point(parse(text), GRID)

    with pytest.raises(AssertionError):
        look_at_all()
