"""The Taylor remainder: 2 for right gradients, 1 for wrong ones, and silence where it cannot say."""

import math

import pytest
from hypothesis import given
from strategies import Program, programs
from test_agreement import repeatable

from backprop_cli.language.parser import parse
from backprop_cli.studies.comparing import taylor as module
from backprop_cli.studies.comparing.taylor import Taylor, taylor
from backprop_cli.studies.gradient import solve

Point = dict[str, float]


def verdict(text: str, point: Point, factor: float = 1.0, plus: float = 0.0) -> Taylor:
    """Return the verdict on a gradient that may be made wrong by a factor or a term."""
    solution = solve(parse(text, point), point)
    answer = solution.answers[0]
    assert answer.failure is None
    wrong = {name: slope * factor + plus for name, slope in answer.gradient.items()}
    return taylor(solution, answer._replace(gradient=wrong))


CURVED: list[tuple[str, Point]] = [
    ("x^2", {"x": 3.0}),
    ("x*y", {"x": 2.0, "y": -3.0}),
    ("(a + b)*(b + c)", {"a": 1.0, "b": 2.0, "c": 3.0}),
    ("sin(x)*exp(y)", {"x": 1.0, "y": 0.5}),
    ("exp(x)", {"x": 300.0}),
    ("log(x)", {"x": 1e-10}),
    ("sqrt(x)", {"x": 1e-12}),
    ("1/x", {"x": 1e-9}),
    ("tanh(x)", {"x": 0.3}),
    ("sigmoid(x)", {"x": -40.0}),
    ("softplus(x)", {"x": 0.0}),
    ("gamma(x)", {"x": 0.5}),
    ("lgamma(x)", {"x": 1e5}),
    ("logsumexp(x, y, 2)", {"x": 1.0, "y": 3.0}),
    ("exp(exp(x))", {"x": 5.0}),
    ("x^100", {"x": 0.5}),
    ("x^y", {"x": 2.0, "y": 3.0}),
    ("x^y", {"x": 2.0, "y": 0.5}),
    ("sin(1e5*x)", {"x": 1.0}),
    ("1e-250*x^2", {"x": 1.0}),
    ("1e300*x^2", {"x": 1.0}),
    ("x^2", {"x": 1e150}),
    ("x*y*z", {"x": 1e100, "y": 1e-100, "z": 3.0}),
    ("sin(x)", {"x": 1e8}),
    ("x + 1e-8*x^2", {"x": 1.0}),
    ("hypot(x, y)", {"x": 1e-9, "y": 0.0}),
    ("tan(x)", {"x": 1.5707}),
    ("abs(x)*x", {"x": -0.01}),
    ("relu(x)^2", {"x": 1e-3}),
    ("where(x > 0, x^2, 7)", {"x": 1e-4}),
]
curved = pytest.mark.parametrize(("text", "point"), CURVED)


@curved
def test_the_order_of_a_right_gradient_is_2(text: str, point: Point) -> None:
    found = verdict(text, point)
    assert found.right is True
    assert found.order == pytest.approx(2, abs=0.1)
    assert "the gradient is right" in found.sentence


@curved
@pytest.mark.parametrize("factor", [1.1, 0.5, -1.0])
def test_the_order_of_a_wrong_gradient_is_1(text: str, point: Point, factor: float) -> None:
    found = verdict(text, point, factor)
    assert found.right is False
    assert found.order == pytest.approx(1, abs=0.2)
    assert "the gradient is wrong" in found.sentence


def test_one_wrong_component_among_several_is_enough() -> None:
    solution = solve(parse("x^2 + y^2*z + exp(z)"), {"x": 1.0, "y": 2.0, "z": 0.5})
    answer = solution.answers[0]
    for name, slope in answer.gradient.items():
        wrong = answer._replace(gradient={**answer.gradient, name: slope + 0.01})
        assert taylor(solution, wrong).right is False, name


def test_a_slope_too_many_is_seen_where_the_true_one_is_0() -> None:
    for text, x in (("x^2", 0.0), ("x^4", 0.0), ("cos(x)", 0.0), ("exp(-x^2)", 0.0)):
        assert verdict(text, {"x": x}).right is True
        assert verdict(text, {"x": x}, plus=1e-3).right is False, text


def test_a_straight_line_with_a_wrong_slope_is_seen() -> None:
    assert verdict("3*x + y", {"x": 1.0, "y": 2.0}, 1.001).right is False
    assert verdict("relu(x)", {"x": 1e-3}, 1.1).right is False


def test_where_the_second_derivative_vanishes_the_order_is_3_and_said_to_be() -> None:
    found = verdict("sin(x)", {"x": 0.0})
    assert found.right is True
    assert found.order == pytest.approx(3, abs=0.05)
    assert "third derivative" in found.sentence


STRAIGHT: list[tuple[str, Point]] = [
    ("x + y", {"x": 1.0, "y": 2.0}),
    ("3*x - 7", {"x": 0.1}),
    ("abs(x)", {"x": 1e-3}),
    ("relu(x)", {"x": 1e-13}),
    ("max(x, y)", {"x": 1.0, "y": 3.0}),
    ("x - x", {"x": 1.0}),
    ("tanh(x)", {"x": 30.0}),
    ("x^2 + 1e15", {"x": 1.0}),
    ("(1e16 + sin(x)) - 1e16", {"x": 1.0}),
    ("x + 1e-12*x^2", {"x": 1.0}),
]


@pytest.mark.parametrize(("text", "point"), STRAIGHT)
def test_a_line_as_far_as_floats_can_see_has_no_order(text: str, point: Point) -> None:
    found = verdict(text, point)
    assert (found.order, found.right) == (None, None)
    assert "f is a straight line here" in found.sentence


KINKED: list[tuple[str, Point]] = [
    ("abs(x) + x^2", {"x": 0.0}),
    ("relu(x)*x", {"x": 0.0}),
    ("max(x, y)", {"x": 1.0, "y": 1.0}),
    ("floor(x)*x", {"x": 2.0}),
    ("hypot(x, y)", {"x": 0.0, "y": 0.0}),
    ("atan2(y, x)", {"y": 0.0, "x": -1.0}),
    ("where(x > 1, x^2, x)", {"x": 1.0}),
]


@pytest.mark.parametrize(("text", "point"), KINKED)
def test_a_kink_within_every_step_has_no_order(text: str, point: Point) -> None:
    for factor in (1.0, 1.5):
        found = verdict(text, point, factor)
        assert (found.order, found.right) == (None, None)
        assert "a kink, jump or pole stands within every step" in found.sentence


def test_a_kink_close_by_is_stepped_around() -> None:
    assert verdict("abs(x - 1)*x", {"x": 1.001}).right is True
    assert verdict("abs(x - 1)*x", {"x": 1.001}, 1.01).right is False


@pytest.mark.parametrize(
    ("text", "x"),
    [("sin(x)", 1e22), ("log(x)", 1e-300), ("sin(x) + 1e-9*sin(1e9*x)", 1.0), ("cos(x)", -3e200)],
)
def test_steps_too_long_for_f_accuse_nobody(text: str, x: float) -> None:
    """Where f is rugged at every step that can be made, R is h·∇f·d: of order 1, but no proof."""
    assert verdict(text, {"x": x}).right is not False


@pytest.mark.parametrize(
    ("text", "x"),
    [("(1 - cos(x))/x^2", 1e-6), ("(exp(x) - 1)/x", 1e-7), ("sqrt(x^2 + 1) - x", 1e7)],
)
def test_a_gradient_that_rounding_has_spoilt_is_not_called_wrong(text: str, x: float) -> None:
    assert verdict(text, {"x": x}).right is not False


def test_no_right_program_is_accused() -> None:
    seen = {True: 0, False: 0, None: 0}

    @repeatable(220)
    @given(programs())
    def look(program: Program) -> None:
        solution = solve(parse(program.text, program.point), program.point)
        answer = solution.answers[0]
        if answer.failure is None:
            seen[taylor(solution, answer).right] += 1

    look()
    assert seen[False] == 0
    assert seen[True] >= 60


def test_most_programs_with_a_wrong_gradient_are_accused() -> None:
    seen = {True: 0, False: 0, None: 0}

    @repeatable(80)
    @given(programs())
    def look(program: Program) -> None:
        solution = solve(parse(program.text, program.point), program.point)
        answer = solution.answers[0]
        slopes = answer.gradient.values()
        if answer.failure is None and any(abs(slope) > 1e-3 for slope in slopes):
            wrong = {name: slope * 1.2 for name, slope in answer.gradient.items()}
            seen[taylor(solution, answer._replace(gradient=wrong)).right] += 1

    look()
    assert seen[True] == 0
    assert seen[False] >= 0.8 * sum(seen.values())


def test_intermediates_and_large_graphs_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    solution = solve(parse("d = a*a; d^2"), {"a": 2.0}, wrt=("d",))
    found = taylor(solution, solution.answers[0])
    assert (found.order, found.right) == (None, None)
    assert "intermediates" in found.sentence
    monkeypatch.setattr(module, "LARGEST", 2)
    assert "above 2 nodes" in verdict("x^2", {"x": 1.0}).sentence


def test_asking_twice_gives_the_same_order() -> None:
    first, second = (verdict("sin(x)*y", {"x": 0.3, "y": math.pi}) for _ in range(2))
    assert first == second
