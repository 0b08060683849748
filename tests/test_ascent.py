"""Climbing: the posts' numbers, what each step is said to have done, and how climbs end."""

import math
from itertools import pairwise

import pytest

from backprop_cli.language.parser import parse
from backprop_cli.studies.climbing.ascent import Climb, Outcome, Step
from backprop_cli.studies.climbing.climbs import Record
from backprop_cli.studies.climbing.objective import Expression
from backprop_cli.studies.climbing.optimizers import BY_NAME
from backprop_cli.studies.climbing.settings import Settings


def climbed(text: str, wrt: tuple[str, ...] = (), **given: object) -> tuple[list[Step], Outcome]:
    """Run a climb of a program; names of inputs give its start, the rest are settings."""
    names = set(Settings._fields)
    settings = Settings(**{key: value for key, value in given.items() if key in names})  # type: ignore[arg-type]
    start = {key: float(value) for key, value in given.items() if key not in names}  # type: ignore[arg-type]
    objective = Expression(parse(text, start), wrt or list(start), start, settings.steps)
    climb = Climb(objective, [start[name] for name in objective.names], settings)
    steps = list(climb)
    assert climb.outcome is not None
    return steps, climb.outcome


def ten(value: float) -> float:
    """Round to ten significant digits, as tables show."""
    return float(f"{value:.10g}")


# ------------------------------------------------------------------ the posts


def test_one_step_of_the_product_both_ways_of_updating():
    """Post rows 5 and 6: h·‖∇f‖² = 0.01·25 predicted, h²·ab more comes."""
    together, _ = climbed("a*b", a=-4, b=-3, steps=1)
    assert [ten(x) for x in together[1].point] == [-4.03, -3.04]
    assert ten(together[1].value) == 12.2512
    assert ten(together[1].predicted) == 0.25
    assert ten(together[1].actual) == 0.2512
    assert together[1].ratio == pytest.approx(0.2512 / 0.25)
    in_turn, _ = climbed("a*b", a=-4, b=-3, steps=1, sequential=True)
    assert [ten(x) for x in in_turn[1].point] == [-4.03, -3.0403]
    assert ten(in_turn[1].value) == 12.252409


def test_one_step_of_the_sum_times_c_both_ways():
    """Post row 12. In turn: a' = 4.98, b' = -3.02, and c' = -2 + 0.01·1.96 sees both."""
    together, _ = climbed("d = a+b; f = d*c", a=5, b=-3, c=-2, steps=1)
    assert [ten(x) for x in together[1].point] == [4.98, -3.02, -1.98]
    assert ten(together[1].value) == -3.8808
    in_turn, _ = climbed("d = a+b; f = d*c", a=5, b=-3, c=-2, steps=1, sequential=True)
    assert ten(in_turn[1].value) == -3.881584


def test_an_unbounded_saddle_is_said_to_be_one():
    """Post row 13."""
    rows, outcome = climbed("d = a+b; f = d*c", a=5, b=-3, c=-2, steps=400)
    printed = {2: -3.76475, 10: -2.93906, 50: -0.49780, 100: 1.77360, 200: 33.364, 400: 9183.2}
    for step, value in printed.items():
        assert rows[step].value == pytest.approx(value, rel=2e-5)
    assert rows[400].remarks == ("unbounded: growing without limit",)
    assert not any(row.remarks for row in rows[:200])
    assert outcome.stopped == "steps"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("w^2", [1, -1, 1, -1, 1, -1]),
        ("2*w^2", [1, -3, 9, -27, 81, -243]),
        ("w^2/2", [1, 0]),
        ("w^2/4", [1, 0.5, 0.25, 0.125, 0.0625, 0.03125]),
    ],
)
def test_descent_without_a_learning_rate(text, expected):
    """Post row 17: the step size decides between for ever, away, at once and by halves."""
    rows, outcome = climbed(text, w=1, step=1.0, steps=5, descend=True)
    assert [row.point[0] for row in rows] == expected
    assert outcome.stopped == ("gradient" if len(expected) == 2 else "steps")


@pytest.mark.parametrize(
    ("h", "lands", "said"),
    [
        (0.1, 0.8, ()),
        (0.5, 0.0, ("flat",)),
        (0.9, -0.8, ("crossed the top, still better",)),
        (1.0, -1.0, ("crossed the top, no gain",)),
        (1.1, -1.2, ("crossed the top, worse: step too long",)),
    ],
)
def test_crossing_the_top_and_getting_worse_are_two_things(h, lands, said):
    """Post row 19."""
    rows, _ = climbed("-x^2", x=1, step=h, steps=1)
    assert ten(rows[1].point[0]) == lands
    assert rows[1].remarks == said


def test_random_steps_up_a_rising_product_stay_in_their_range():
    """Post row 2: each input grows by h·U(0, 1), so f ends in (12, 12.0701)."""
    seen = set()
    for seed in range(50):
        rows, _ = climbed("a*b", a=4, b=3, steps=1, method="random", seed=seed)
        assert 12 < rows[1].value < 12.0701
        assert rows == climbed("a*b", a=4, b=3, steps=1, method="random", seed=seed)[0]
        seen.add(rows[1].value)
    assert len(seen) == 50


def test_random_steps_where_both_slopes_are_negative_always_make_it_worse():
    """Post row 3."""
    for seed in range(50):
        rows, _ = climbed("a*b", a=-4, b=-3, steps=1, method="random", seed=seed)
        assert 11.9301 < rows[1].value < 12
        assert rows[1].remarks == ("worse: against the slope",)


def test_what_the_three_methods_spend():
    """n + 1 evaluations against one evaluation and one sweep, every step."""
    spent = {}
    for method in ("random", "numeric", "gradient"):
        _, outcome = climbed("a*b", a=-4, b=-3, steps=10, method=method)
        spent[method] = (outcome.evaluations, outcome.sweeps)
    assert spent == {"random": (11, 0), "numeric": (31, 0), "gradient": (11, 10)}


def test_the_numeric_method_climbs_as_the_gradient_does():
    numeric, _ = climbed("a*b", a=-4, b=-3, steps=1, method="numeric", difference=1e-8)
    assert numeric[1].point == pytest.approx((-4.03, -3.04), abs=1e-8)
    assert numeric[1].point != (-4.03, -3.04)


MAZUR = """
h1 = sigmoid(w1*0.05 + w2*0.10 + 0.35); h2 = sigmoid(w3*0.05 + w4*0.10 + 0.35)
o1 = sigmoid(w5*h1 + w6*h2 + 0.60); o2 = sigmoid(w7*h1 + w8*h2 + 0.60)
E = (0.01 - o1)^2/2 + (0.99 - o2)^2/2
"""


def test_the_updated_weights_of_mazurs_network():
    """Learning rate 0.5: his printed weights after one step, to all eight of their digits."""
    weights = dict(
        zip(
            [f"w{k}" for k in range(1, 9)],
            [0.15, 0.20, 0.25, 0.30, 0.40, 0.45, 0.50, 0.55],
            strict=True,
        )
    )
    rows, _ = climbed(MAZUR, **weights, step=0.5, steps=1, descend=True)
    after = dict(zip(weights, rows[1].point, strict=True))
    assert after["w1"] == pytest.approx(0.149780716, abs=5e-10)
    assert after["w5"] == pytest.approx(0.35891648, abs=5e-9)
    assert rows[0].value == pytest.approx(0.298371109, abs=5e-10)
    rows, _ = climbed(MAZUR, **weights, step=0.5, steps=10_000, descend=True)
    assert rows[-1].value < 1e-4


def test_the_neuron_of_the_posts_one_step():
    rows, _ = climbed("d = a+b; e = d*c; f = sigmoid(e)", a=1, b=-2, c=-3, step=0.1, steps=1)
    assert rows[0].value == pytest.approx(0.9525741, abs=5e-8)
    assert rows[1].value == pytest.approx(0.9563098, abs=5e-8)


# ------------------------------------------------------------------ endings


def test_it_stops_at_the_size_of_gradient_asked_for():
    rows, outcome = climbed("-(x - 3)^2", x=0, step=0.25, until_gradient=1e-3)
    assert outcome.stopped == "gradient"
    assert rows[-1].norm <= 1e-3 < rows[-2].norm


def test_it_stops_where_no_step_changes_anything():
    _, outcome = climbed("x^2 + 1e-30*x", x=1, step=0.4, steps=100_000, descend=True)
    assert outcome.stopped in ("no-progress", "gradient")
    assert outcome.last.number < 1000


def test_flat_from_the_start():
    rows, outcome = climbed("x^2", x=0, steps=5)
    assert (outcome.stopped, len(rows), rows[0].remarks) == ("gradient", 1, ("flat",))


def test_the_last_good_point_is_kept():
    rows, outcome = climbed("log(x)", x=1, step=0.4, descend=True)
    assert outcome.stopped == "not-finite"
    assert outcome.last is rows[-1]
    assert rows[-1].point == (0.6,)
    assert outcome.beyond is not None
    assert outcome.beyond[0] < 0


def test_divergence_ends_before_infinity():
    _, outcome = climbed("2*w^2", w=1, step=1.0, steps=10_000, descend=True)
    assert outcome.stopped == "not-finite"
    assert math.isfinite(outcome.last.value)
    assert outcome.last.number > 300


def test_a_start_that_is_undefined_has_no_rows():
    rows, outcome = climbed("log(x)", x=-1)
    assert rows == []
    assert (outcome.stopped, outcome.last.number) == ("not-finite", 0)


# ------------------------------------------------------------------ bounds, held inputs, search


def test_bounds_hold_by_projection():
    rows, outcome = climbed("x*y", x=1, y=2, bounds={"x": (0.0, 1.05)}, steps=20)
    assert max(row.point[0] for row in rows) == 1.05
    assert rows[5].remarks == ("x at its bound",)
    assert outcome.last.point[1] > 2.2


def test_inputs_that_are_not_asked_for_stay():
    rows, _ = climbed("x*y + z", wrt=("y",), x=2, y=1, z=7, steps=3, step=0.5)
    assert [row.point for row in rows] == [(1.0,), (2.0,), (3.0,), (4.0,)]
    assert rows[-1].value == 15


def test_the_line_search_halves_a_step_that_is_too_long():
    """From 1 along 4w with step 1: -3 is no better than 1, nor is -1; 0 is."""
    rows, outcome = climbed("2*w^2", w=1, step=1.0, line_search=True, descend=True)
    assert [row.point[0] for row in rows] == [1.0, 0.0]
    assert outcome.evaluations == 1 + 3


def test_the_line_search_never_gets_worse():
    rows, _ = climbed(
        "(1-x)^2 + 100*(y-x^2)^2", x=-1.2, y=1, step=1.0, line_search=True, descend=True, steps=500
    )
    values = [row.value for row in rows]
    assert values == sorted(values, reverse=True)
    assert len(values) == 501


# ------------------------------------------------------------------ remarks


def test_back_and_forth_is_zig_zag():
    rows, _ = climbed("w^2", w=1, step=1.0, steps=3, descend=True)
    assert rows[1].remarks == ("crossed the bottom, no gain",)
    assert rows[2].remarks == ("crossed the bottom, no gain", "zig-zag")


def test_a_bounded_hill_is_not_called_unbounded():
    """The slopes of a sigmoid grow for a long time too."""
    rows, _ = climbed("sigmoid(x)", x=-8, step=5.0, steps=2000)
    assert not any("unbounded" in remark for row in rows for remark in row.remarks)


def test_falling_without_limit():
    rows, _ = climbed("-exp(x)", x=0, step=0.01, steps=150, descend=True)
    assert any("unbounded: falling without limit" in row.remarks for row in rows)


# ------------------------------------------------------------------ records


@pytest.mark.parametrize("steps", [0, 1, 7, 20, 21, 400, 12_345])
def test_a_record_thins_evenly_and_keeps_the_ends(steps):
    objective = Expression(parse("x"), ["x"], {"x": 0.0}, steps)
    climb = Climb(objective, [0.0], Settings(steps=steps, step=1.0))
    record = Record(climb, "")
    for step in climb:
        record.add(step)
    shown = [row.number for row in record.shown(20)]
    assert shown[0] == 0
    assert shown[-1] == steps
    assert len(shown) <= 22
    gaps = {b - a for a, b in pairwise(shown[:-1])}
    assert len(gaps) <= 1
    assert len(record.rows) <= 1001
    assert record.gain == steps


def test_a_record_counts_remarks():
    objective = Expression(parse("w^2"), ["w"], {"w": 1.0}, 5)
    climb = Climb(objective, [1.0], Settings(steps=5, step=1.0, descend=True))
    record = Record(climb, "")
    for step in climb:
        record.add(step)
    assert record.tallies["zig-zag"] == (4, 2)


# ------------------------------------------------------------------ engines


def test_short_runs_and_long_runs_take_the_same_path():
    """Few steps are swept, many are compiled: the same rows."""
    start = {"x": -1.2, "y": 1.0}
    paths = []
    for evaluations in (1, 1000):
        objective = Expression(parse("(1-x)^2 + 100*(y-x^2)^2"), list(start), start, evaluations)
        climb = Climb(objective, list(start.values()), Settings(step=1e-3, steps=40, descend=True))
        paths.append([value for row in climb for value in (*row.point, row.value, row.norm)])
    assert paths[0] == pytest.approx(paths[1], rel=1e-12)


@pytest.mark.parametrize("name", BY_NAME)
def test_every_optimiser_goes_up_and_down_alike(name):
    """Climbing -f is descending f, step for step."""
    optimizer = BY_NAME[name]
    given = {"x": 0.5, "y": -0.3, "optimizer": optimizer, "step": 0.004, "steps": 30}
    down, _ = climbed("(x - 1)^2 + 2*(y - 2)^4", descend=True, **given)
    up, _ = climbed("-((x - 1)^2 + 2*(y - 2)^4)", **given)
    assert [row.point for row in down] == [row.point for row in up]
    assert down[-1].value < down[0].value
