"""Kinks: the conventions at them, both one-sided slopes, and what is remarked."""

import math

import pytest

from backprop_cli.calculus.forward import jvp
from backprop_cli.calculus.kinks import sides_of
from backprop_cli.calculus.onesided import one_sided
from backprop_cli.calculus.values import forward_values
from backprop_cli.language.parser import parse
from tests.test_sweeps import MAZUR, MAZUR_AT, answer_to

KINKS = [
    ("abs(x)", 0.0, 0, (-1, 1)),
    ("abs(-x)", 0.0, 0, (-1, 1)),
    ("relu(x)", 0.0, 0, (0, 1)),
    ("relu(-x)", 0.0, 0, (-1, 0)),
    ("max(x, 1)", 1.0, 0.5, (0, 1)),
    ("min(x, 1)", 1.0, 0.5, (1, 0)),
    ("max(x, 2*x, 3*x)", 0.0, 2, (1, 3)),
    ("leaky_relu(x)", 0.0, 0.01, (0.01, 1)),
    ("elu(x, 2)", 0.0, 2, (2, 1)),
    ("clip(x, 0, 1)", 0.0, 1, (0, 1)),
    ("clip(x, 0, 1)", 1.0, 1, (1, 0)),
    ("relu(x) - relu(-x)", 0.0, 0, (1, 1)),
    ("abs(x) - abs(-x)", 0.0, 0, (0, 0)),
    ("abs(x) + x", 0.0, 1, (0, 2)),
    ("abs(abs(x) - 1)", 1.0, 0, (-1, 1)),
    ("abs(sin(x))", 0.0, 0, (-1, 1)),
    ("where(x > 0, x, 0)", 0.0, 0, (0, 1)),
    ("where(x >= 0, x, -x)", 0.0, 1, (-1, 1)),
    ("where(0 < x, 3*x, 2*x)", 0.0, 2, (2, 3)),
    ("hypot(x, 0)", 0.0, 0, (-1, 1)),
    ("huber(x, 0)", 1.0, 1, (1, 1)),
]
"""(program, x, the convention's answer, the true slopes to the left and to the right)."""


@pytest.mark.parametrize(("text", "x", "convention", "slopes"), KINKS)
def test_a_kink_follows_its_convention_and_has_true_one_sided_slopes(
    text: str, x: float, convention: float, slopes: tuple[float, float]
) -> None:
    assert answer_to(text, x=x).gradient["x"] == pytest.approx(convention, abs=1e-15)
    for side, slope in zip(("left", "right"), slopes, strict=True):
        answer = answer_to(text, side, x=x)
        assert answer.failure is None
        assert answer.gradient["x"] == pytest.approx(slope, abs=1e-15), side


@pytest.mark.parametrize(
    ("text", "x", "left", "right"),
    [
        ("abs(x)", 0.0, "-1", "1"),
        ("relu(x)", 0.0, "0", "1"),
        ("max(x, 1)", 1.0, "0", "1"),
        ("leaky_relu(x)", 0.0, "0.01", "1"),
        ("relu(x) - relu(-x)", 0.0, "0", "1"),
    ],
)
def test_a_kink_is_remarked_with_both_slopes_and_whose_convention(
    text: str, x: float, left: str, right: str
) -> None:
    remark = answer_to(text, x=x).remarks[0]
    assert remark.code == "kink"
    assert f"slope {left} to the left, {right} to the right" in remark.message
    assert "as PyTorch" in remark.message


@pytest.mark.parametrize(
    "text", ["abs(x)", "relu(x) - relu(-x)", "where(x >= 0, x, -x)", "x*sign(x)"]
)
@pytest.mark.parametrize(
    ("kink", "closing"),
    [
        ("convention", ("; convention: ", "; the conventions answer ", " (see --kink left)")),
        ("left", ("; the answer is the slope of f to the left",)),
        ("right", ("; the answer is the slope of f to the right",)),
        ("error", ("; refused by --kink error",)),
    ],
)
def test_a_remark_on_a_kink_says_what_answered(
    text: str, kink: str, closing: tuple[str, ...]
) -> None:
    answer = answer_to(text, kink, x=0.0)
    said = [remark.message for remark in answer.remarks]
    if kink == "error":
        assert answer.failure is not None
        said.append(answer.failure.message)
    assert said
    for message in said:
        assert any(text in message for text in closing)
        assert kink == "convention" or message.endswith(closing)


def test_a_remark_does_not_call_a_missing_slope_the_answer() -> None:
    answer = answer_to("floor(x)", "left", x=2.0)
    assert answer.failure is not None
    (remark,) = answer.remarks
    assert remark.message.endswith(
        "2 from the right; --kink left asks for the slope of f to the left"
    )


@pytest.mark.parametrize("side", ["left", "right"])
def test_an_infinite_slope_is_not_finite_with_a_kink_elsewhere_or_without(side: str) -> None:
    alone = answer_to("cbrt(x)", side, x=0.0)
    beside = answer_to("cbrt(x) + abs(y)", side, x=0.0, y=1.0)
    for answer in (alone, beside):
        assert answer.gradient["x"] == math.inf
        assert answer.failure is not None
        assert answer.failure.code == "not-finite"
        assert answer.failure.message == "cbrt has no finite slope at x = 0"
    assert beside.gradient["y"] == 1


def test_an_undefined_product_is_undefined_with_a_kink_elsewhere_or_without() -> None:
    alone = answer_to("cbrt(x)^3", "left", x=0.0).failure
    beside = answer_to("cbrt(x)^3 + abs(y)", "left", x=0.0, y=1.0).failure
    assert alone is not None
    assert beside is not None
    assert alone.code == beside.code == "undefined"


def test_an_infinite_slope_to_one_side_of_a_kink_has_its_sign() -> None:
    """sqrt(|x|) falls to 0 infinitely fast, and rises as fast; the chain rule says 0·inf."""
    for side, slope in (("left", -math.inf), ("right", math.inf)):
        answer = answer_to("sqrt(abs(x))", side, x=0.0)
        assert answer.gradient["x"] == slope
        assert answer.failure is not None
        assert answer.failure.code == "not-finite"
        assert answer.failure.message == f"f has no finite slope to the {side} along x"


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("x*abs(x)", {"x": 0.0}),
        ("abs(x)^3", {"x": 0.0}),
        ("abs(x^3)", {"x": 0.0}),
        ("max(x, x)", {"x": 1.0}),
        ("max(x, x) + min(x, x)", {"x": 0.0}),
        ("where(x < 1, x^2, 2*x - 1)", {"x": 1.0}),
        ("where(x > 0, x^2, -x^2)", {"x": 0.0}),
        ("where(x == y, x*y, x*y)", {"x": 1.0, "y": 1.0}),
        ("0*relu(x) + x", {"x": 0.0}),
        ("relu(x)^2", {"x": 0.0}),
        ("where(y > 0, y, abs(x))", {"x": 0.0, "y": 1.0}),
        ("floor(3)*x", {"x": 1.0}),
        ("abs(0)*x", {"x": 1.0}),
        ("x^2", {"x": 0.0}),
        ("atan2(y, x)", {"x": 1.0, "y": 0.0}),
    ],
)
def test_a_kink_that_changes_nothing_is_not_remarked(text: str, point: dict[str, float]) -> None:
    answer = answer_to(text, **point)
    assert answer.remarks == ()
    assert answer.failure is None
    for side in ("left", "right", "error"):
        assert answer_to(text, side, **point).gradient == pytest.approx(answer.gradient)


@pytest.mark.parametrize(
    ("text", "x", "fragment"),
    [
        ("floor(x)", 2.0, "1 from the left, 2 here, 2 from the right"),
        ("ceil(x)", 2.0, "2 from the left, 2 here, 3 from the right"),
        ("sign(x)", 0.0, "-1 from the left, 0 here, 1 from the right"),
        ("where(x > 0, x + 1, x)", 0.0, "0 from the left, 0 here, 1 from the right"),
        ("where(x >= 0, 1, 0)*x + where(x > 0, x + 1, x)", 0.0, "jumps along x"),
        ("atan2(x, -1)", 0.0, "from the left"),
    ],
)
def test_a_jump_is_remarked_with_the_values_on_both_sides(
    text: str, x: float, fragment: str
) -> None:
    remarks = answer_to(text, x=x).remarks
    assert any(remark.code == "jump" and fragment in remark.message for remark in remarks), remarks


@pytest.mark.parametrize(
    ("text", "x", "side", "slope"),
    [
        ("floor(x)", 2.0, "right", 0),
        ("ceil(x)", 2.0, "left", 0),
        ("where(x > 0, x + 1, 3*x)", 0.0, "left", 3),
        ("atan2(x, -1)", 0.0, "right", -1),
    ],
)
def test_a_jump_has_a_slope_on_the_side_where_the_value_belongs(
    text: str, x: float, side: str, slope: float
) -> None:
    answer = answer_to(text, side, x=x)
    assert (answer.failure, answer.gradient["x"]) == (None, slope)
    other = answer_to(text, "right" if side == "left" else "left", x=x)
    assert other.failure is not None
    assert other.failure.code == "kink"
    assert "jumps" in other.failure.message


@pytest.mark.parametrize(
    "text", ["where(x^2 > 0, x, -x)", "where(x*abs(x) <= 0, abs(x), 2*x)", "floor(x^2)"]
)
def test_a_tie_in_value_and_slope_is_undecided_and_says_so(text: str) -> None:
    answer = answer_to(text, "left", x=0.0)
    assert answer.failure is not None
    assert answer.failure.code == "kink"
    assert "undecided" in answer.failure.message
    assert answer_to(text, x=0.0).remarks


def test_a_jump_that_the_input_does_not_move_towards_leaves_nothing_undecided() -> None:
    """The index of pick stands still; that its choices stand still too decides nothing."""
    for side in ("left", "right"):
        answer = answer_to("pick(1, cos(x), 2)", side, x=0.0)
        assert (answer.failure, answer.gradient["x"]) == (None, 0)


def test_kink_error_refuses_at_a_kink_and_points_at_its_node() -> None:
    answer = answer_to("1 + abs(x)", "error", x=0.0)
    assert answer.failure is not None
    assert (answer.failure.code, answer.failure.node) == ("kink", "v1")
    assert answer.failure.span == (4, 10)
    assert answer_to("1 + abs(x)", "error", x=2.0).failure is None


def test_a_convention_that_is_neither_slope_is_remarked() -> None:
    """clip(x, 2, 2) is constant, so both slopes at 2 are 0, but the convention answers 1."""
    answer = answer_to("clip(x, 2, 2)", x=2.0)
    assert answer.gradient["x"] == 0 or answer.remarks


def test_each_input_has_one_sided_slopes_of_its_own() -> None:
    """max(a, b) at a tie: a alone growing lifts it, so both right slopes are 1, both left 0."""
    for side, slope in (("left", 0), ("right", 1)):
        answer = answer_to("max(a, b)", side, a=1.0, b=1.0)
        assert answer.gradient == {"a": slope, "b": slope}
    assert answer_to("max(a, b)", a=1.0, b=1.0).gradient == {"a": 0.5, "b": 0.5}


def test_a_one_sided_sweep_away_from_kinks_is_forward_mode() -> None:
    graph = parse(MAZUR)
    values = forward_values(graph, MAZUR_AT)
    for seed in graph.inputs.values():
        tangent = jvp(graph, values, seed)[graph.outputs[0]]
        for direction in (-1, 1):
            sweep = one_sided(graph, values, seed, direction)
            assert sweep.slopes[graph.outputs[0]] == pytest.approx(tangent, rel=1e-14)
            assert sweep.limits[graph.outputs[0]] == values[graph.outputs[0]]


@pytest.mark.parametrize(
    ("text", "x", "left", "right"),
    [
        ("sqrt(relu(x))", -2.5, 0.0, 0.0),
        ("sqrt(relu(x))", 0.0, 0.0, math.inf),
        ("sign(relu(x))", -2.5, 0.0, 0.0),
        ("where(relu(x) > 0, x^2, x)", -1.0, 1.0, 1.0),
        ("floor(sign(x)/2 + 1/2)*x", 1.0, 1.0, 1.0),
    ],
)
def test_what_stands_still_beside_a_point_steps_off_no_kink(text, x, left, right):
    """Not even where its users have an infinite slope: nothing moves, so there is no 0·inf."""
    graph = parse(text)
    values = forward_values(graph, {"x": x})
    for direction, slope in ((-1, left), (1, right)):
        side = one_sided(graph, values, graph.inputs["x"], direction)
        assert side.slopes[graph.outputs[0]] == slope
        assert not side.undecided[graph.outputs[0]]


@pytest.mark.parametrize(
    ("text", "undecided"),
    [
        ("sqrt(relu(x*x))", False),
        ("relu(cbrt(x)^2)", False),
        ("where(x != cbrt(0*x), 3*x, 0)", True),
    ],
)
@pytest.mark.parametrize("direction", [-1, 1])
def test_what_moves_but_not_to_first_order_does_not_stand_still(text, undecided, direction):
    """The slope of sqrt(relu(x*x)) = |x| at 0 is -1 or 1, which no sweep of first order knows."""
    graph = parse(text)
    side = one_sided(graph, forward_values(graph, {"x": 0.0}), graph.inputs["x"], direction)
    output = graph.outputs[0]
    assert math.isnan(side.slopes[output]) or side.undecided[output]
    assert bool(side.undecided[output]) == undecided


@pytest.mark.parametrize("kink", ["convention", "left", "right"])
def test_a_tie_to_first_order_before_a_root_is_never_answered_without_a_word(kink):
    answer = answer_to("sqrt(relu(x*x))", kink, x=0.0)
    assert answer.remarks
    assert (answer.failure is None) == (kink == "convention")


def test_a_power_with_a_moving_exponent_has_a_slope_at_a_base_of_0():
    """x^(x + 2) = x² (1 + x log x + ...), with a kink elsewhere so that a sweep is made."""
    assert answer_to("x^(x + 2) + abs(x - 1)", "right", x=0.0).gradient == {"x": -1.0}


class Counted(float):
    """A number that counts how often numbers of its kind are compared."""

    asked = 0
    __hash__ = float.__hash__

    def __eq__(self, other: object) -> bool:
        Counted.asked += 1
        return float.__eq__(self, other)


def test_the_sides_of_many_operands_cost_a_few_comparisons_each():
    count = 300
    graph = parse(f"max({', '.join(f'x{k}' for k in range(count))})")
    values = [*map(Counted, range(count)), Counted(count - 1)]
    assert sum(sides_of(graph, graph.outputs[0], values)) == 1
    assert Counted.asked <= 3 * count
