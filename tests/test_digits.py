"""The digits promised are there; exact arithmetic is never accused; ordinary answers stay light."""

import json
import math
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from mpmath import mp

from backprop_cli.calculus.rounding import MOST_DIGITS, digits_of
from backprop_cli.calculus.running_error import RunningErrors, suspicious
from backprop_cli.language.parser import parse
from backprop_cli.studies.digits import LARGEST_CHECKED
from backprop_cli.studies.exact import exact_answer
from backprop_cli.studies.gradient import solve
from backprop_cli.studies.health.checkup import checkups
from tests.strategies import programs

ROOT = Path(__file__).parent.parent

ILL = [
    ("(b1 + b2*x + b3*x^2 + b4*x^3)/(1 + b5*x + b6*x^2 + b7*x^3)",
     {"b1": 1288.13968, "b2": 1491.0792535, "b3": 583.23836877, "b4": 75.416644291,
      "b5": 0.96629502864, "b6": 0.39797285797, "b7": 0.049727297349, "x": -2.981},
     "83.53275023126360659739955",
     {"b1": "2.952318381620417038124857", "b2": "-8.800861095610462813055491", "x": "91.80144104958335834386258",
      "b3": "26.23536692601478852010859", "b4": "-78.20762880645008122300083", "b5": "735.1601317196737656808779",
      "b6": "-2191.512352656347401469413", "b7": "6532.898323268571323490946"}),
    ("x1 = x0 - (x0 - x0^3/6 + x0^5/120 + x0^7/5040)/(1 - x0^2/2 + x0^4/24 + x0^6/720);"
     "x2 = x1 - (x1 - x1^3/6 + x1^5/120 + x1^7/5040)/(1 - x1^2/2 + x1^4/24 + x1^6/720);"
     "x3 = x2 - (x2 - x2^3/6 + x2^5/120 + x2^7/5040)/(1 - x2^2/2 + x2^4/24 + x2^6/720)",
     {"x0": 0.6}, "-2.604488726408359892312427e-12", {"x0": "-1.304508122488006546220819e-10"}),
    ("(x + eps)^2 - x^2", {"x": 39600000.0, "eps": -0.457}, "-36194399.79115100137170274",
     {"x": "-0.9140000000000000346389584", "eps": "79199999.08599999999999997"}),
    ("1 / sqrt(x) - 1 / sqrt(x + 1)", {"x": 1e9}, "1.581138828898335544424516e-14",
     {"x": "-2.371708242161649196050056e-23"}),
    ("1 / (x + 1) - 2 / x + 1 / (x - 1)", {"x": 1e5}, "2.000000000200000000020000e-15",
     {"x": "-6.000000001000000000140000e-20"}),
    ("sqrt((exp(2 * x) - 1) / (exp(x) - 1))", {"x": 1e-7}, "1.414213597728435433954304",
     {"x": "0.3535534171097788300940034"}),
    ("sin(x + eps) - sin(x)", {"x": 1.0, "eps": 1e-10}, "5.403023058260661878440415e-11",
     {"x": "-8.414709848349116526011438e-11", "eps": "0.5403023057839926189174454"}),
    ("cos(x + eps) - cos(x)", {"x": 1.0, "eps": 1e-10}, "-8.414709848349116526011438e-11",
     {"x": "-5.403023058260661878440415e-11", "eps": "-0.8414709848619267372351089"}),
    ("(1 - cos(x)) / sin(x)", {"x": 1e-7}, "5.000000000000003940407226e-8",
     {"x": "0.5000000000000012500000000"}),
    ("(1 - cos(x)) / (x * x)", {"x": 1e-8}, "0.4999999999999999958333333",
     {"x": "-8.333333333333333452132451e-10"}),
]  # fmt: skip
"""Ill-conditioned expressions of real code, with value and gradient to 25 digits."""


def solved(text, point):
    return solve(parse(text, point), {name: float(value) for name, value in point.items()})


def correct(computed, reference):
    """Return how many digits of a float are those of a reference of 25 digits."""
    error = abs(Decimal(computed) - Decimal(reference))
    return min(16.0, float(-(error / abs(Decimal(reference))).log10())) if error else 16.0


@pytest.mark.parametrize(
    ("text", "point", "value", "gradient"), ILL, ids=lambda part: str(part)[:20]
)
def test_the_digits_promised_are_really_there(text, point, value, gradient):
    (found,) = checkups(solved(text, point))
    assert found.digits.value <= correct(found.answer.value, value) + 0.01
    for name, reference in gradient.items():
        there = max(correct(found.answer.gradient[name], reference), 0)
        assert found.digits.gradient[name] == pytest.approx(there, abs=0.05), name


@pytest.mark.parametrize(
    ("text", "point", "value", "gradient"), ILL, ids=lambda part: str(part)[:20]
)
def test_grad_warns_if_and_only_if_fewer_than_eight_digits_of_a_slope_are_left(
    text, point, value, gradient
):
    answer = solved(text, point).answers[0]
    warned = {
        name
        for name in gradient
        for remark in answer.remarks
        if remark.code == "digits" and f"∂{answer.name}/∂{name}" in remark.message
    }
    assert warned == {n for n, ref in gradient.items() if correct(answer.gradient[n], ref) < 8}


def slope_warnings(text, **point):
    answer = solved(text, point).answers[0]
    return [r.message for r in answer.remarks if r.code == "digits" and "∂" in r.message]


LOST = [
    # 1e16·(x - x) + x: the contributions to x are 1e16, -1e16 and 1, of which the 1 is lost.
    ("0.1*1e16*x + x/3 - 0.1*1e16*x", {"x": 0.7}, "contributions to x cancel"),
    # f is 1 and fine; its slope 2·(a·b - c·d)·b is all rounding.
    ("1 + (a*b - c*d)^2", {"a": 0.1, "b": 0.3, "c": 0.03, "d": 1}, "by cancellation"),
    ("1 + log(1 + x)^2", {"x": 1e-12}, "v2 magnifies the rounding"),
    # sin(1e12·x): the argument is off by an ulp, 1e-4, and so is the slope.
    ("sin(1e17*x/3)*x + 5", {"x": 0.7}, ""),
    # cos(x·x) at sqrt(pi/2): the slope of sin near its top.
    ("sin(x*x)", {"x": 1.2533141373155003}, "slope of f (sin)"),
    # 1/8 of what 1 - x^2 loses.
    ("sqrt(1.1*(1 - x*x/(0.7*0.7)))", {"x": 0.6999999999}, ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "point", "words"), LOST)
def test_a_slope_that_lost_its_digits_is_warned_of_with_the_culprit(text, point, words):
    found = slope_warnings(text, **point)
    assert found
    assert words in found[0]


EXACT = [
    ("x*y - 6", {"x": 2, "y": 3}),
    ("x = a+b; y = b+c; f = x*y", {"a": 2, "b": -3, "c": 4}),
    ("(a - b)*(a + b)", {"a": 3, "b": 3}),
    ("100*(y - x^2)^2 + (1 - x)^2", {"x": 1, "y": 1}),
    ("x^3 - 3*x", {"x": 1}),
    ("abs(x) - 0.5", {"x": 0.5}),
    ("max(x, y) - x", {"x": 2, "y": 1}),
    ("x - x", {"x": 0.1}),
    ("sigmoid(w*x + b)", {"w": 0.5, "x": 2, "b": -1}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "point"), EXACT)
def test_exact_arithmetic_is_not_accused(text, point):
    solution = solved(text, point)
    assert [r for r in solution.answers[0].remarks if r.code == "digits"] == []
    (found,) = checkups(solution)
    assert "cancellation" not in {finding.code for finding in found.findings}
    assert found.digits.fewest > 15


UNDERFLOWS = [
    # (text, point, digits of f): 1e-400 is nothing in float64, and 1e300 times nothing is nothing.
    ("x*1e-200*1e-200*1e300", {"x": 1}, 0),
    ("(1e-200/x/1e200)*1e250", {"x": 3}, 0),
    ("x^2*1e250", {"x": 1e-170}, 0),
    ("x*2^-500*2^-550*2^600", {"x": 1.5}, 16),  # a subnormal number, but exact
    ("0.3*2^-500*x*2^-550*2^600", {"x": 1.5}, 7.5),
    ("x*1e-200*1e-200*1e300 + 1e-105*x", {"x": 1}, 0),
]


@pytest.mark.parametrize(("text", "point", "digits"), UNDERFLOWS)
def test_what_underflows_has_lost_its_digits_and_is_named(text, point, digits):
    (found,) = checkups(solved(text, point))
    exact = exact_answer(parse(text, point), point, found.answer.node, {}).value
    there = (
        16 if exact == found.answer.value else -float(mp.log10(abs(found.answer.value / exact - 1)))
    )
    assert found.digits.value <= there + 0.01
    assert found.digits.value == pytest.approx(digits, abs=1)
    codes = [one.code for one in found.findings]
    assert codes == (["underflow"] if digits < 8 else [])
    assert [r.code for r in found.answer.remarks] == (["digits"] if digits < 8 else [])


@pytest.mark.parametrize(
    ("text", "point"),
    [("exp(-x^2)", {"x": 40.5}), ("x^y", {"x": 0, "y": 0.5}), ("x*1e-200*1e-200", {"x": 1})],
)
def test_a_zero_that_is_exact_or_the_nearest_number_is_not_accused(text, point):
    (found,) = checkups(solved(text, point))
    assert (found.answer.value, found.digits.value) == (0, 16)


def test_a_slope_that_is_nothing_but_rounding_is_said_to_be_zero():
    """sin² + cos² is 1 for every x."""
    (text,) = slope_warnings("sin(x/3)^2 + cos(x/3)^2", x=2) or [""]
    value = solved("sin(x/3)^2 + cos(x/3)^2", {"x": 2}).answers[0].gradient["x"]
    assert ("is 0" in text) == (value != 0)


@pytest.mark.parametrize(("text", "point"), EXACT[:4])
def test_ordinary_answers_do_not_load_mpmath(text, point):
    script = (
        "import sys; from backprop_cli.language.parser import parse;"
        "from backprop_cli.studies.gradient import solve;"
        f"solve(parse({text!r}), {{k: float(v) for k, v in {point!r}.items()}});"
        "print('mpmath' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


@settings(max_examples=150, deadline=None)
@given(programs())
def test_the_running_error_bound_holds(program):
    """On random programs no value and no slope is further from the exact one than its bound.

    To first order: where the bound is a good part of the number nothing is claimed.
    """
    solution = solve(parse(program.text, program.point), program.point)
    answer = solution.answers[0]
    if (
        answer.failure
        or not solution.wrt
        or any(r.code in ("kink", "jump") for r in answer.remarks)
    ):
        return
    graph, values = solution.graph, solution.values
    errors = RunningErrors(graph, values, answer.adjoints, answer.node, solution.active)
    true = exact_answer(graph, program.point, answer.node, solution.wrt)
    if not true.whole:
        return
    pairs = [(values[answer.node], true.value, errors.values[answer.node])]
    pairs += [
        (answer.gradient[name], true.gradient[name], errors.adjoints[node])
        for name, node in solution.wrt.items()
    ]
    for computed, exact, bound in pairs:
        off = abs(float(exact - computed))
        # Functions are accurate to a few ulp, of which the bound counts one (slopes: two).
        assert off <= 8 * bound + 1e-15 * abs(computed) or bound > 0.01 * abs(computed)


@pytest.mark.parametrize("text", ["max(x, sin(y), exp(y))", "min(9*x, sin(y), 7*x)"])
def test_a_maximum_of_what_was_rounded_has_a_bound(text):
    graph = parse(text)
    solution = solve(graph, {"x": 0.25, "y": 1.25})
    answer = solution.answers[0]
    errors = RunningErrors(graph, solution.values, answer.adjoints, answer.node, solution.active)
    assert 0 < errors.adjoints[graph.inputs["y"]] < 1e-14


def test_what_only_rounding_keeps_from_a_tie_has_no_bound():
    graph = parse("max(x, (x/3)*3)")
    solution = solve(graph, {"x": 0.1})
    answer = solution.answers[0]
    errors = RunningErrors(graph, solution.values, answer.adjoints, answer.node, solution.active)
    assert errors.adjoints[graph.inputs["x"]] == math.inf


@settings(max_examples=100, deadline=None)
@given(programs())
def test_a_slope_that_lost_eight_digits_is_suspicious(program):
    """The cheap sieve lets nothing through that the exact slopes convict."""
    solution = solve(parse(program.text, program.point), program.point)
    answer = solution.answers[0]
    if answer.failure or not solution.wrt:
        return
    true = exact_answer(solution.graph, program.point, answer.node, solution.wrt)
    left = [true.digits(true.gradient[n], answer.gradient[n]) for n in solution.wrt]
    if any(digits is not None and digits < 8 for digits in left):
        assert suspicious(solution.graph, solution.values, answer.adjoints)


def test_large_programs_are_left_alone_by_grad_and_examined_by_diagnose():
    """One sum that cancels behind more than 1,000 nodes."""
    tail = "; ".join(["g = f"] + ["g = g + 0"] * LARGEST_CHECKED)
    text = f"f = 1 + (a*b - c*d)^2; {tail}"
    point = {"a": 0.1, "b": 0.3, "c": 0.03, "d": 1}
    solution = solved(text, point)
    assert solution.answers[0].remarks == ()
    (found,) = checkups(solution)
    assert [finding.code for finding in found.findings] == ["cancellation"]


def test_a_program_too_large_for_fifty_digits_has_bounds():
    text = "; ".join(["h = x/3"] + ["h = h*1.0001"] * 10_001)
    (found,) = checkups(solved(text, {"x": 0.7}))
    assert found.digits.exact is None
    assert 11 < found.digits.gradient["x"] < 16
    true = float(json.loads(repr(1.0001**10_001 / 3)))
    assert math.isclose(found.answer.gradient["x"], true, rel_tol=1e-10)


def test_an_infinity_beside_the_way_costs_no_digits_and_no_traceback():
    answer = solved("where(x > 0, sin(x) - 0.8414709848078965, exp(log(x - 1)))", {"x": 1}).answers[
        0
    ]
    assert answer.failure is None
    answer = solved("where(x > 0, x - 1.000001, exp(-1/0)) + sin(x)", {"x": 1.0000013}).answers[0]
    assert answer.failure is None


def test_an_error_whose_share_underflows_takes_no_digit():
    """`y = 2*sin(2); softplus(x) + 2` at -1e300 has one: 5e-324 of 2."""
    assert digits_of(5e-324, 2.0) == MOST_DIGITS
    assert solved("y = 2*sin(2) + 2; softplus(x) + 2", {"x": -1e300}).answers[0].value == 2


@pytest.mark.parametrize("sign", ["==", "!=", "<", ">"])
@pytest.mark.parametrize("sides", ["1, z", "z, 1"])
@pytest.mark.parametrize("x", [0.9, 1.7, 3.5, 6.3, 6.9])
def test_a_comparison_that_digits_decide_is_no_crash(sign, sides, x):
    """Which side is taken, so whether anything flows to z, may change with the digits."""
    graph = parse(f"where(1/(1/x) {sign} x, {sides})*(1 - cos(y))")
    answer = solve(graph, {"x": x, "y": 1e-7, "z": 2.0}).answers[0]
    assert answer.failure is None
    assert answer.remarks
