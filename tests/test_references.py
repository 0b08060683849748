"""The reference: right to thirty digits and more for every operation, and silent at kinks."""

import math
import random
from collections.abc import Callable
from typing import Any

import accuracy
import mpmath
import pytest
import sympy
from accuracy import (
    OPERATIONS,
    definition,
    exact_partial,
    has_slope,
    one_operation,
    points,
    value_and_partials,
)
from hypothesis import given
from strategies import Program, programs
from test_agreement import repeatable, solved

from backprop_cli.calculus.numeric import derivative
from backprop_cli.calculus.reference import Reference, slope_of_operation
from backprop_cli.language.parser import parse
from backprop_cli.operations import ROW, Operation
from backprop_cli.studies.comparing import references
from backprop_cli.studies.comparing.references import Known, digits, known
from backprop_cli.studies.gradient import solve

SLOW = ("lgamma", "digamma", "polygamma", "gamma")
DIGITS = mpmath.mpf(10) ** -30


def slopes(text: str, **point: float) -> list[Any]:
    graph = parse(text)
    reference = Reference(graph, point)
    return [reference.slopes(node)[0] for node in graph.inputs.values()]


def close(found: Any, true: Any) -> bool:
    with mpmath.workdps(80):
        return bool(abs(mpmath.mpf(found) - true) <= DIGITS * abs(true))


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda row: row.name)
def test_the_slope_of_every_row_has_thirty_digits(
    operation: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The truth is a difference of the row's definition, which is written down apart."""
    monkeypatch.setattr(accuracy, "_EXTRA_DIGITS", (350,))
    row, source = ROW[operation.name], random.Random(operation.name)
    places = source.sample(points(operation), 4 if operation.name in SLOW else 10)
    silent = compared = 0
    for point in places:
        value, partials = value_and_partials(row, point)
        if not math.isfinite(value):
            continue
        reference = Reference(
            one_operation(row, len(point)), {f"x{k}": x for k, x in enumerate(point)}
        )
        for k, partial in enumerate(partials):
            if not has_slope(operation, k) or not 1e-290 < abs(partial) < 1e290:
                continue
            true = exact_partial(definition(operation), point, k)
            found = reference.slopes(k)[0]
            assert (found is None) == (true is None), (point, k)
            silent += found is None
            if found is not None:
                compared += 1
                assert close(found, true), (point, k)
    flat = all(text == "0" for text in operation.partials)
    assert flat or operation.name in SLOW or compared > 3 * silent


KNOWN: list[tuple[str, Callable[[Any], Any], str]] = [
    ("x*sin(x)", lambda x: x * mpmath.sin(x), "x*sin(x)"),
    ("exp(-x^2)/x", lambda x: mpmath.exp(-(x**2)) / x, "exp(-x**2)/x"),
    ("log(1 + exp(x))", lambda x: mpmath.log(1 + mpmath.exp(x)), "log(1 + exp(x))"),
    ("x^x", lambda x: x**x, "x**x"),
    ("sqrt(x)*cosh(x)", lambda x: mpmath.sqrt(x) * mpmath.cosh(x), "sqrt(x)*cosh(x)"),
    ("(1 - cos(x))/x^2", lambda x: (1 - mpmath.cos(x)) / x**2, "(1 - cos(x))/x**2"),
]


@pytest.mark.parametrize(("text", "function", "formula"), KNOWN)
def test_programs_agree_with_mpmath_and_with_sympy(
    text: str, function: Callable[[Any], Any], formula: str
) -> None:
    source = random.Random(text)
    symbol = sympy.Symbol("x")
    by_sympy = sympy.diff(sympy.sympify(formula), symbol)
    for x in (source.uniform(0.1, 3) for _ in range(5)):
        (found,) = slopes(text, x=x)
        with mpmath.workdps(80):
            assert close(found, mpmath.diff(function, mpmath.mpf(x)))
            exact = by_sympy.evalf(60, subs={symbol: sympy.Float(x, 80)})
            assert close(found, mpmath.mpf(str(exact)))


def test_where_f_hardly_moves_more_digits_are_taken() -> None:
    """1 - tanh(171) is 1e-148: beside it 170 digits show nothing of a step of 1e-50."""
    (found,) = slopes("tanh(x)", x=171.0)
    with mpmath.workdps(80):
        assert close(found, mpmath.sech(mpmath.mpf(171)) ** 2)


@pytest.mark.parametrize("x", [3e100, 1e22, 1e300])
def test_the_step_does_not_grow_with_x(x: float) -> None:
    (found,) = slopes("sin(x)", x=x)
    with mpmath.workdps(400):
        assert close(found, mpmath.cos(mpmath.mpf(x)))
    assert slopes("floor(x) - x", x=x) == [None]


@pytest.mark.parametrize(
    ("text", "x"),
    [
        ("abs(x)", 0.0),
        ("relu(x)", 0.0),
        ("floor(x)", 2.0),
        ("sign(x)", 0.0),
        ("max(x, 1)", 1.0),
        ("clip(x, 0, 1)", 1.0),
        ("where(x > 1, 2*x, x)", 1.0),
        ("sqrt(x^2)", 0.0),
        ("cbrt(x)", 0.0),
        ("sqrt(x)", 0.0),
        ("abs(x) + 1e-12*x", 0.0),
    ],
)
def test_there_is_no_slope_at_a_kink_a_jump_or_a_pole_of_the_slope(text: str, x: float) -> None:
    assert slopes(text, x=x) == [None]


@pytest.mark.parametrize(
    ("text", "x", "slope"),
    [
        ("x*abs(x)", 0.0, 0),
        ("x^2", 0.0, 0),
        ("relu(x)^2", 0.0, 0),
        ("max(x, x)", 3.0, 1),
        ("abs(x) - abs(-x)", 0.0, 0),
        ("0*x + 2", 1.0, 0),
        ("where(x > 1, x^2, 2*x - 1)", 1.0, 2),
    ],
)
def test_a_slope_that_both_sides_share_is_found(text: str, x: float, slope: int) -> None:
    (found,) = slopes(text, x=x)
    assert found is not None
    assert abs(found - slope) < DIGITS


def test_second_and_third_derivatives_are_found() -> None:
    graph = parse("exp(2*x)")
    ((second, third),) = Reference(graph, {"x": 0.5}).curvatures(graph.inputs["x"])
    with mpmath.workdps(50):
        assert abs(second - 4 * mpmath.e) < mpmath.mpf(10) ** -25
        assert abs(third - 8 * mpmath.e) < mpmath.mpf(10) ** -25


def test_the_slope_of_one_operation_is_by_its_values_alone() -> None:
    graph = parse("x*y")
    node = graph.outputs[0]
    assert slope_of_operation(graph, node, graph.inputs["x"], [3.0, 5.0, 15.0]) == 5.0
    graph = parse("relu(x)")
    assert slope_of_operation(graph, 1, 0, [0.0, 0.0]) is None


def test_literals_are_the_doubles_that_the_program_sees() -> None:
    (found,) = slopes("0.1*x", x=1.0)
    assert abs(found - mpmath.mpf(0.1)) < mpmath.mpf(10) ** -40


@repeatable(50)
@given(programs())
def test_good_gradients_have_nearly_all_their_digits(program: Program) -> None:
    solution = solved(program)
    answer = solution.answers[0]
    found = digits([answer.gradient], known(solution))
    codes = {remark.code for remark in answer.remarks}
    assert found is None or found > 11 or "digits" in codes


def test_most_good_gradients_have_fifteen_digits() -> None:
    seen: list[float] = []

    @repeatable(40)
    @given(programs())
    def look(program: Program) -> None:
        solution = solved(program)
        found = digits([solution.answers[0].gradient], known(solution))
        if found is not None:
            seen.append(found)

    look()
    assert len(seen) > 15
    assert sum(found >= 15 for found in seen) > 0.8 * len(seen)


EXACT = Known(({"x": mpmath.mpf(2), "y": mpmath.mpf(0)},), "by hand")


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (2.0, 0.0, 16.0),
        (2.002, 0.0, 3.0),
        (2.000002, 0.0, 6.0),
        (2.0 + 2e-11, 0.0, 11.0),
        (-2.0, 0.0, 0.0),
        (200.0, 0.0, 0.0),
        (2.0, 2e-5, 5.0),
        (2.02, 2e-5, 2.0),
    ],
)
def test_digits_are_those_of_the_worst_component(x: float, y: float, expected: float) -> None:
    """An error of 1e-3 leaves 3; what is 0 is measured against the largest component."""
    assert digits([{"x": x, "y": y}], EXACT) == pytest.approx(expected, abs=1e-4)


def test_the_error_of_a_small_component_is_relative_to_itself() -> None:
    exact = Known(({"x": mpmath.mpf(10) ** 6, "y": mpmath.mpf(1)},), "by hand")
    assert digits([{"x": 1e6, "y": 1.01}], exact) == pytest.approx(2)


def test_digits_are_not_told_of_what_is_not_known() -> None:
    assert digits([{"x": 1.0}], Known((), "", "too large")) is None
    assert digits([{"x": 1.0}], Known(({"x": None},), "")) is None
    assert digits([{"x": math.nan, "y": 0.0}], EXACT) is None
    assert digits([{"x": None, "y": 0.0}], EXACT) is None


def test_a_large_graph_has_a_reference_by_a_sweep_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    solution = solve(parse("sin(x)*y + abs(z)"), {"x": 1.0, "y": 2.0, "z": 0.0})
    monkeypatch.setattr(references, "LARGEST_BY_VALUES", 5)
    assert "reverse sweep" in known(solution).how
    assert set(known(solution).gradients[0].values()) == {None}  # z is at a kink
    smooth = solve(parse("sin(x)*y"), {"x": 1.0, "y": 2.0})
    assert known(smooth).slope(0, "y") == math.sin(1)
    monkeypatch.setattr(references, "LARGEST", 2)
    assert known(smooth).gradients == ()
    assert "no reference above 2" in known(smooth).reason
    assert known(smooth).slope(0, "x") is None


def test_an_intermediate_moves_by_itself() -> None:
    solution = solve(parse("d = a*b; d^2 + a"), {"a": 2.0, "b": 3.0}, wrt=("d", "a"))
    assert known(solution).slope(0, "d") == 12.0
    assert known(solution).slope(0, "a") == 37.0


# ----------------------------------------------------- what the differences refuse to confirm


def test_a_difference_of_values_below_their_own_rounding_confirms_nothing() -> None:
    """At 1e200 neighbouring floats are many turns of the sine apart."""
    solution = solve(parse("sin(x)"), {"x": 1e200})
    found = derivative(solution.graph, solution.values, 0, 1, 1e184)
    assert (found.value, found.error) == (0.0, math.inf)


def test_a_power_is_smooth_in_its_exponent_at_a_whole_one() -> None:
    solution = solve(parse("x^y"), {"x": 2.0, "y": 3.0})
    found = derivative(solution.graph, solution.values, solution.wrt["y"], 2, 1e-15)
    assert found.value == pytest.approx(8 * math.log(2), rel=1e-9)


def test_the_largest_of_one_is_itself_in_many_digits() -> None:
    assert close(slopes("max(x) + min(x)", x=3.0)[0], 2)
