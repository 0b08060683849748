"""What is said where a value is undefined, and where one loses its digits."""

import math
import re
from itertools import product

import pytest

from backprop_cli.language.parser import parse
from backprop_cli.operations import TABLE, Operation
from backprop_cli.readings.floats import TOTAL
from backprop_cli.readings.precise import Precise
from backprop_cli.studies.agreement import forward_witness
from backprop_cli.studies.failures import violated
from backprop_cli.studies.gradient import solve
from tests.test_sweeps import answer_to, solved


@pytest.mark.parametrize(
    ("text", "x", "code", "node", "fragment"),
    [
        ("log(x)", -1.0, "undefined", "f", "log needs x > 0, got x = -1"),
        ("log(x)", 0.0, "not-finite", "f", "log needs x > 0, got x = 0"),
        ("sqrt(x) + 1", -1.0, "undefined", "v1", "sqrt needs x >= 0, got x = -1"),
        ("sqrt(x)", 0.0, "not-finite", "f", "no finite slope at x = 0"),
        ("1/x", 0.0, "not-finite", "f", "needs x other than 0, got x = 0"),
        ("y = exp(x); y*y", 500.0, "not-finite", "f", "overflows"),
        ("x^0.5", -2.0, "undefined", "f", "got x = -2"),
        ("asin(x)", 1.5, "undefined", "f", "asin needs x <= 1"),
        ("gamma(x)", -2.0, "undefined", "f", "x other than 0, -1, -2"),
        ("clip(x, 2, 1)", 0.0, "undefined", "f", "2nd argument <= its 3rd"),
    ],
)
def test_the_first_undefined_node_is_named_with_its_operands(
    text: str, x: float, code: str, node: str, fragment: str
) -> None:
    answer = answer_to(text, x=x)
    assert answer.failure is not None
    assert (answer.failure.code, answer.failure.node) == (code, node)
    assert fragment in answer.failure.message


def outside(operation: Operation) -> list[str]:
    """Return calls of an operation with numbers that its domain does not have."""
    found = []
    count = len(operation.parameters)
    for numbers in product((-2.5, -1.0, 0.0, 0.5, 2.0), repeat=count):
        out = TOTAL.function(operation.name)(*numbers)
        if violated(operation, list(numbers), out):
            written = [f"({x})" if operation.infix else str(x) for x in numbers]
            sign = f" {operation.infix} " if operation.infix else ", "
            text = sign.join(written)
            found.append(text if operation.infix else f"{operation.name}({text})")
    return found


@pytest.mark.parametrize(
    "operation", [row for row in TABLE if row.domain], ids=lambda operation: operation.name
)
def test_a_number_outside_a_domain_is_not_called_by_the_name_of_a_parameter(
    operation: Operation,
) -> None:
    """The reader may have an x or y of his own, with another value."""
    calls = outside(operation)
    assert calls
    for call in calls:
        point = dict.fromkeys([*operation.names, "user"], 5.0)
        solution = solve(parse(f"{call} * user", point), {"user": 5.0})
        failure = solution.answers[0].failure
        assert failure is not None
        assert not set(operation.names) & set(re.findall(r"\b[a-z_]\w*", failure.message)), failure
        assert not re.search(r"(\S+) = \1(?!\S)", failure.message), failure
        assert " needs " in failure.message
        assert not failure.message.endswith("got ")


@pytest.mark.parametrize(
    ("text", "point", "message"),
    [
        ("1/0 + y", {"y": 5.0}, "1/0 needs its right operand other than 0, got 0"),
        ("x/0", {"x": 1.0}, "x/0 needs its right operand other than 0, got 0"),
        ("log(-1)*y", {"y": 1.0}, "log needs its argument > 0, got -1"),
        ("log(2 - 3)*y", {"y": 1.0}, "log needs 2 - 3 > 0, got 2 - 3 = -1"),
        ("a = -1; y*log(a)", {"y": 1.0}, "log needs a > 0, got a = -1"),
        (
            "clip(x, 2, 1)",
            {"x": 0.0},
            "clip needs its 2nd argument <= its 3rd argument, got 2 and 1",
        ),
        ("clip(0, y, 1)", {"y": 2.0}, "clip needs y <= its 3rd argument, got y = 2 and 1"),
        (
            "polygamma(0.5, x)",
            {"x": -2.0},
            "polygamma needs its 1st argument to be 0, 1, 2, ..., and x other than"
            " 0, -1, -2, ..., got 0.5 and x = -2",
        ),
        (
            "(-2)^0.5*x",
            {"x": 1.0},
            "(-2)^0.5 needs a base above 0, or an integer exponent (not below 0 where the base"
            " is 0)",
        ),
        ("exp(1000)*x", {"x": 1.0}, "exp(1000) overflows"),
    ],
)
def test_a_number_of_the_program_is_told_by_its_place(
    text: str, point: dict[str, float], message: str
) -> None:
    failure = answer_to(text, **point).failure
    assert failure is not None
    assert failure.message == message


@pytest.mark.parametrize("name", ["sum", "mean"])
def test_a_sum_that_overflows_on_the_way_has_the_value_of_ieee(name: str) -> None:
    add = TOTAL.function(name)
    assert add(1e308, 1e308, -math.inf) == -math.inf
    assert math.isnan(add(1e308, 1e308, math.inf, -math.inf))
    assert math.isnan(add(1e308, 1e308, math.nan, -math.inf))


def test_no_finite_slope_is_given_for_an_undefined_value() -> None:
    assert math.isnan(answer_to("log(x)", x=-1.0).gradient["x"])


@pytest.mark.parametrize(
    ("text", "point", "undefined"),
    [
        ("log(x)*where(y > 0, 1, 2)", {"x": -1.0, "y": 1.0}, "xy"),
        ("log(x)*floor(y)", {"x": -1.0, "y": 1.5}, "xy"),
        ("where(x > 0, y, log(x)*z)", {"x": -1.0, "y": 1.0, "z": 2.0}, "xyz"),
        ("unused = y^2; f = log(x)", {"x": -1.0, "y": 1.0}, "x"),
        ("where(x > 0, log(x), 3*y)", {"x": -1.0, "y": 1.0}, ""),
    ],
)
def test_an_undefined_value_has_no_slope_along_any_input_that_reaches_it(
    text: str, point: dict[str, float], undefined: str
) -> None:
    """An input that the output does not use keeps its 0, and so does a side not taken."""
    answer = answer_to(text, **point)
    bad = {name for name, slope in answer.gradient.items() if slope != slope}
    assert bad == set(undefined)
    assert (answer.value != answer.value) == bool(undefined)


def test_forward_mode_has_no_slope_of_an_undefined_value_either() -> None:
    solution = solved("unused = z^2; f = log(x)*where(y > 0, 1, 2)", x=-1.0, y=1.0, z=1.0)
    said = forward_witness(solution, solution.answers[0]).gradient
    assert [str(said[name]) for name in "xyz"] == ["nan", "nan", "0.0"]


def test_an_undefined_value_has_no_slope_at_any_precision() -> None:
    graph = parse("log(x)*where(y > 0, 1, 2)")
    arithmetic = Precise(30)
    point = {name: arithmetic.number(text) for name, text in (("x", "-1"), ("y", "1"))}
    gradient = solve(graph, point, arithmetic=arithmetic).answers[0].gradient
    assert all(slope != slope for slope in gradient.values())


# -------------------------------------------------------------------------------------- digits


@pytest.mark.parametrize(
    ("text", "x", "node"),
    [
        ("(x + 1e20) - 1e20", 1.0, "f"),
        ("log(1 + x)", 1e-20, "f"),
        ("(1 - cos(x))/x^2", 1e-8, None),
        ("y = x + 1e20; z = y - 1e20; f = z*2", 1.0, "z"),
        ("exp(x) - 1", 1e-12, "f"),
        ("sqrt(x^2 + 1) - x", 1e9, None),
        ("0.1 + 0.2 - x", 0.3, None),
    ],
)
def test_lost_digits_are_remarked_at_the_node_that_loses_them(
    text: str, x: float, node: str | None
) -> None:
    """Of the value, that is: what slopes lose has remarks of its own (`test_digits.py`)."""
    digits = [remark for remark in answer_to(text, x=x).remarks if remark.code == "digits"]
    remarks = [remark for remark in digits if "∂" not in remark.message]
    assert len(remarks) == 1
    assert node is None or remarks[0].node == node


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("x*y - 6", {"x": 2.0, "y": 3.0}),
        ("x^2 - 9", {"x": 3.0}),
        ("exp(x) - 1", {"x": 0.0}),
        ("cos(x) - 1", {"x": 0.0}),
        ("sqrt(x) - 3", {"x": 9.0}),
        ("x/2 - 0.75", {"x": 1.5}),
        ("x - y", {"x": 1.0000000001, "y": 1.0}),
        ("(x + 1)^2 - x^2 - 2*x - 1", {"x": 7.0}),
        ("1e20*x - 1e20", {"x": 1.0}),
        ("2^x - 8", {"x": 3.0}),
        ("abs(x) - relu(x)", {"x": 0.1}),
        ("max(x, 0.1) - 0.1", {"x": 0.1}),
        ("log1p(x)", {"x": 1e-20}),
        ("expm1(x)", {"x": 1e-20}),
        ("x*0", {"x": 0.3}),
        ("sin(x)", {"x": 3.141592653589793}),
        ("(a + b)*(b + c)", {"a": 2.0, "b": -3.0, "c": 4.0}),
    ],
)
def test_arithmetic_that_loses_nothing_is_not_accused(text: str, point: dict[str, float]) -> None:
    assert not [remark for remark in answer_to(text, **point).remarks if remark.code == "digits"]


def test_a_literal_too_small_for_a_float_is_remarked() -> None:
    assert [remark.code for remark in answer_to("x + 1e-400", x=1.0).remarks] == ["underflow"]
