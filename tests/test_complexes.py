"""The complex reading: real parts are the float reading's, imaginary parts are slopes."""

import cmath
import math

import pytest
from accuracy import OPERATIONS, has_slope, one_operation, points, value_and_partials
from hypothesis import given
from strategies import Program, programs
from test_agreement import repeatable, rounding_of, solved

from backprop_cli.calculus.differences import (
    complex_step,
    complex_step_floor,
    complex_step_size,
    outputs_at,
)
from backprop_cli.calculus.values import forward_values
from backprop_cli.language.parser import parse
from backprop_cli.operations import ROW, Operation
from backprop_cli.readings.complexes import COMPLEX, unreadable
from backprop_cli.studies.gradient import solve

WITHOUT = ("erf", "erfc", "normal_cdf", "gelu", "gamma", "lgamma", "digamma", "polygamma")
READABLE = [row for row in OPERATIONS if row.name not in WITHOUT]


def test_the_rows_without_a_complex_reading_are_named() -> None:
    found = {row.name for row in OPERATIONS if unreadable(one_operation(ROW[row.name], 2))}
    assert found == set(WITHOUT)


def test_a_program_names_the_first_operation_without_a_complex_reading() -> None:
    assert unreadable(parse("sin(x) + gamma(x) + erf(x)")) == "gamma"
    assert unreadable(parse("sin(x)*cosh(y)^2 + where(x > y, x, 1)")) == ""


@pytest.mark.parametrize("operation", READABLE, ids=lambda row: row.name)
def test_a_row_is_read_right_over_its_whole_domain(operation: Operation) -> None:
    """Where a slope is beyond 1e90, or x is 0 beside 1e-300, no step of 1e-100 is short."""
    row, compared = ROW[operation.name], 0
    for point in points(operation):
        value, partials = value_and_partials(row, point)
        graph = one_operation(row, len(point))
        named = {f"x{k}": x for k, x in enumerate(point)}
        values = forward_values(graph, named)
        kinked = any(r.code in ("kink", "jump") for r in solve(graph, named).answers[0].remarks)
        for k, x in enumerate(point):
            h = complex_step_size(x)
            found = outputs_at(graph, values, k, complex(x, h), COMPLEX)[0]
            if math.isfinite(value):
                assert found.real == value, point
            if kinked or not (has_slope(operation, k) and math.isfinite(value)):
                continue
            if x == 0 and any(0 < abs(other) < 1e-90 for other in point):
                continue
            if 1e-100 < abs(partials[k]) < 1e90 or partials[k] == 0:
                allowed = 1e-13 * abs(partials[k]) + complex_step_floor(x)
                assert abs(found.imag / h - partials[k]) <= allowed, (point, k)
                compared += 1
    assert compared >= 20 or operation.name == "pick"


@repeatable(120)
@given(programs())
def test_a_program_is_read_right(program: Program) -> None:
    solution = solved(program)
    answer = solution.answers[0]
    if unreadable(solution.graph):
        return
    bound = rounding_of(solution, answer)
    for name, seed in solution.wrt.items():
        x = program.point[name]
        place = complex(x, complex_step_size(x))
        found = outputs_at(solution.graph, solution.values, seed, place, COMPLEX)[0]
        assert found.real == answer.value
        slope = complex_step(solution.graph, solution.values, seed)[0]
        allowed = max(1e-13 * abs(answer.gradient[name]), 8 * bound[name])
        assert abs(slope - answer.gradient[name]) <= allowed, name


def step(text: str, **point: float) -> dict[str, float]:
    """Return the gradient by complex steps."""
    solution = solve(parse(text), point)
    return {
        name: complex_step(solution.graph, solution.values, node)[0]
        for name, node in solution.wrt.items()
    }


def read(text: str, **point: complex) -> complex:
    graph = parse(text)
    return complex(forward_values(graph, point, COMPLEX)[graph.outputs[0]])


@pytest.mark.parametrize(
    ("text", "point", "slope"),
    [
        ("where(x > 1, x^2, 7*x)", 1.0, 7.0),
        ("where(x >= 1, x^2, 7*x)", 1.0, 2.0),
        ("where(x == 1, 3*x, 0)", 1.0, 3.0),
        ("where(x != 1, 3*x, x)", 1.0, 1.0),
        ("max(x, 1.5)", 1.0, 0.0),
        ("min(x, 1.5, 4)", 1.0, 1.0),
        ("abs(x)", -2.0, -1.0),
        ("floor(x) + ceil(x)*x", 1.5, 2.0),
        ("sign(x)*x", -3.0, -1.0),
        ("clip(x, 0, 1)", 2.0, 0.0),
        ("relu(x) + leaky_relu(x)", -2.0, 0.01),
    ],
)
def test_what_selects_looks_at_real_parts(text: str, point: float, slope: float) -> None:
    assert step(text, x=point) == {"x": slope}


@pytest.mark.parametrize(
    ("text", "point", "expected"),
    [
        ("atan2(y, x)", {"x": -1.0, "y": 0.5}, {"x": -0.4, "y": -0.8}),
        ("atan2(y, x)", {"x": -2.0, "y": 0.0}, {"x": 0.0, "y": -0.5}),
        ("atan2(y, x)", {"x": 0.0, "y": -4.0}, {"x": 0.25, "y": 0.0}),
        ("x^3", {"x": -2.0}, {"x": 12.0}),
        ("x^-1", {"x": -2.0}, {"x": -0.25}),
        ("x^2", {"x": 0.0}, {"x": 0.0}),
        ("x^1", {"x": 0.0}, {"x": 1.0}),
        ("cbrt(x)", {"x": -8.0}, {"x": 1 / 12}),
        ("sqrt(x^2)", {"x": -3.0}, {"x": -1.0}),
        ("hypot(x, y)", {"x": -3.0, "y": 4.0}, {"x": -0.6, "y": 0.8}),
        ("log(x^2)", {"x": -4.0}, {"x": -0.5}),
        ("abs(x*y)", {"x": -3.0, "y": 4.0}, {"x": -4.0, "y": 3.0}),
    ],
)
def test_beside_a_branch_cut_the_real_branch_is_taken(
    text: str, point: dict[str, float], expected: dict[str, float]
) -> None:
    assert step(text, **point) == pytest.approx(expected, rel=1e-15, abs=1e-90)


@pytest.mark.parametrize(
    ("text", "x"),
    [
        ("sqrt(x)", -1.0),
        ("log(x)", -1.0),
        ("log(x)", 0.0),
        ("log1p(x)", -2.0),
        ("x^0.5", -4.0),
        ("x^-2", 0.0),
        ("asin(x)", 2.0),
        ("acosh(x)", 0.5),
        ("atanh(x)", 1.0),
        ("1/x", 0.0),
        ("exp(x)", 1000.0),
        ("atan2(x, 0*x)", 0.0),
        ("cosh(x)^x", 1e300),
        ("pick(x, 1, 2)", 0.5),
    ],
)
def test_what_is_undefined_or_overflows_is_no_slope_and_no_exception(text: str, x: float) -> None:
    """cmath has values for log(-1) and sqrt(-1), but the program has none."""
    assert not math.isfinite(step(text, x=x)["x"])


@pytest.mark.parametrize("x", [1e200, -3e100, 1e22])
def test_the_step_does_not_grow_with_x(x: float) -> None:
    """A step in proportion to 1e200 spans many turns of the sine, and overflows its cosh."""
    assert complex_step_size(x) < 1e-90
    assert step("sin(x)", x=x)["x"] == pytest.approx(math.cos(x), rel=1e-15)


@pytest.mark.parametrize("x", [1e-5, 1e-80, 1e-150, -1e-290])
def test_the_step_is_far_below_a_small_x(x: float) -> None:
    assert complex_step_size(x) < 1e-9 * abs(x)
    assert step("log(x*x)", x=1e-80)["x"] == pytest.approx(2e80, rel=1e-14)


def test_a_long_step_has_the_truncation_of_the_complex_function() -> None:
    """Step studies take h = 0.1 as well: there the value is cmath's, real part and all."""
    z = complex(0.7, 0.1)
    known = {
        "exp(x)": cmath.exp(z),
        "log(x)": cmath.log(z),
        "log1p(x)": cmath.log(1 + z),
        "expm1(x)": cmath.exp(z) - 1,
        "x^2.5": z**2.5,
        "2^x": 2**z,
        "cbrt(x)": z ** (1 / 3),
        "atan2(x, 2)": cmath.atan(z / 2),
        "hypot(x, 2)": cmath.sqrt(z * z + 4),
        "sigmoid(x)": 1 / (1 + cmath.exp(-z)),
        "softsign(x)": z / (1 + z),
        "logsumexp(x, 1)": cmath.log(cmath.exp(z) + math.e),
        "exp_square(x, -1)": cmath.exp(-z * z),
        "log10(x)": cmath.log10(z),
        "x*x/3": z * z / 3,
    }
    for text, value in known.items():
        assert read(text, x=z) == pytest.approx(value, rel=1e-14), text


def test_an_infinite_square_beside_a_real_coefficient_is_no_nan() -> None:
    assert step("exp_square(x, -1)", x=1e170) == {"x": 0.0}
