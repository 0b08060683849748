"""The checks can fail: each kind is shown a rule broken on purpose, and must refuse it."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from accuracy import ALLOWED, measure, one_operation, points

import backprop_cli.calculus.forward
import backprop_cli.calculus.rounding
import backprop_cli.studies.gradient
from backprop_cli.calculus.partials import local_partials
from backprop_cli.calculus.symbolic import symbolic_gradient
from backprop_cli.language.parser import parse
from backprop_cli.operations import ROW, TABLE
from backprop_cli.readings import formulas
from backprop_cli.readings.floats import FLOATS
from backprop_cli.studies.agreement import agreements, compare
from backprop_cli.studies.gradient import solve
from backprop_cli.studies.solution import Answer, Formula, Solution, Witness

BROKEN = [
    ("wrong sign", "sub", ("1", "1")),
    ("wrong sign", "sin", ("-cos(x)",)),
    ("wrong sign", "cos", ("sin(x)",)),
    ("wrong sign", "acos", ("1/sqrt((1 - x)*(1 + x))",)),
    ("wrong operand", "mul", ("x", "y")),
    ("wrong operand", "div", ("1/x", "-(out/y)")),
    ("wrong operand", "atan2", ("y/hypot(x, y)^2", "-(x/hypot(x, y)^2)")),
    ("wrong operand", "where", ("0", "where(c == 0, 1, 0)", "where(c == 0, 0, 1)")),
    ("dropped factor", "pow", ("x^(y - 1)", "out*log(x)")),
    ("dropped factor", "pow", ("y*x^(y - 1)", "out")),
    ("dropped factor", "tanh", ("1/cosh(x)",)),
    ("dropped factor", "log2", ("1/x",)),
    ("dropped factor", "sqrt", ("1/out",)),
    ("dropped factor", "logsumexp", ("exp(x)",)),
    ("dropped factor", "mean", ("1",)),
    ("a part in a million", "exp", ("out*1.000001",)),
    ("a part in a million", "erf", ("1.128380*exp(-x^2)",)),
]
"""(what is wrong with it, row, its partials)."""


@contextmanager
def broken(name: str, partials: tuple[str, ...]) -> Iterator[None]:
    """Let every reading of the table have wrong partials for one row."""
    row = ROW[name]
    wrong = TABLE[row]._replace(partials=partials)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(formulas, "TABLE", (*TABLE[:row], wrong, *TABLE[row + 1 :]))
        with compiled_anew(row):
            yield


@contextmanager
def compiled_anew(row: int, partials: tuple[Any, ...] = ()) -> Iterator[None]:
    """Let the float sweeps compile a row's partials again, or use these."""
    before = FLOATS.partials[row], FLOATS.total_partials[row]
    FLOATS.partials[row] = FLOATS.total_partials[row] = partials
    try:
        yield
    finally:
        FLOATS.partials[row], FLOATS.total_partials[row] = before


def applied(name: str) -> Solution:
    """Return the gradient of a program that applies one row at a plain point."""
    graph = one_operation(ROW[name], 3 if name in ("logsumexp", "mean") else arity(name))
    if name == "where":
        graph = parse("where(x0 > 0, x1, x2)")
    numbers = {"x0": 0.75, "x1": 0.625, "x2": 1.25}
    return solve(graph, {key: numbers[key] for key in graph.inputs})


def arity(name: str) -> int:
    return len(TABLE[ROW[name]].parameters)


def sympy_says(solution: Solution, answer: Answer) -> Witness:
    found = symbolic_gradient(solution.graph, answer.node, solution.wrt, solution.point)
    return Witness("sympy", {name: Formula(said.text, said.value) for name, said in found})


rules = pytest.mark.parametrize(("what", "name", "partials"), BROKEN)


@rules
def test_the_comparison_with_mpmath_bites(what: str, name: str, partials: tuple[str, ...]) -> None:
    places = points(TABLE[ROW[name]])[::7]
    assert max(worst.error for worst in measure(TABLE[ROW[name]], places)) <= 1000
    with broken(name, partials):
        worst = measure(TABLE[ROW[name]], places)
    assert max(each.error for each in worst[1:]) > 1e6


def test_the_comparison_with_mpmath_bites_a_formula_that_only_fails_in_the_tails() -> None:
    """1 - tanh² is right on paper, but at 18 every digit of it is lost; σ(1 - σ) is no better."""
    for name in ("tanh", "sigmoid"):
        operation = TABLE[ROW[name]]
        with broken(name, operation.textbook):
            worst = measure(operation, points(operation))
        assert worst[1].error > 100 * ALLOWED


@rules
def test_finite_differences_bite(what: str, name: str, partials: tuple[str, ...]) -> None:
    assert agreements(applied(name), ("numeric",))[0].agree
    with broken(name, partials):
        verdict = agreements(applied(name), ("numeric",))[0]
    assert not verdict.agree
    assert "numeric for x" in verdict.sentence


@rules
def test_sympy_bites(what: str, name: str, partials: tuple[str, ...]) -> None:
    for breaks in (False, True):
        with broken(name, partials if breaks else TABLE[ROW[name]].partials):
            solution = applied(name)
            answer = solution.answers[0]
            verdict = compare(solution, answer, [sympy_says(solution, answer)])
        assert verdict.agree is not breaks


BRANCHING = "s = x*y; f = s*x + sin(s)"


def overwriting(graph, values, output, active, arithmetic=FLOATS):
    """Sweep back as beginners do: the last contribution replaces the others."""
    arithmetic.prepare_partials(graph)
    adjoints = [None] * graph.size
    adjoints[output] = 1.0
    for node in range(output, -1, -1):
        if adjoints[node] is not None:
            for operand, local in local_partials(graph, node, values, active, arithmetic):
                adjoints[operand] = adjoints[node] * local
    return adjoints


def forgetful(graph, node, values, active, arithmetic):
    """Yield the local partials of a node but for the last operand's."""
    found = list(local_partials(graph, node, values, active, arithmetic))
    yield from found[:1]


@pytest.mark.parametrize("mode", ["forward", "numeric", "sympy"])
def test_every_witness_bites_a_reverse_sweep_that_does_not_add(
    mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for user in (backprop_cli.studies.gradient, backprop_cli.calculus.rounding):
        monkeypatch.setattr(user, "reverse", overwriting)
    solution = solve(parse(BRANCHING), {"x": 2.0, "y": 0.5})
    answer = solution.answers[0]
    if mode == "sympy":
        verdict = compare(solution, answer, [sympy_says(solution, answer)])
    else:
        verdict = agreements(solution, (mode,))[0]
    assert not verdict.agree
    assert f"{mode} for x" in verdict.sentence


def test_reverse_mode_bites_a_forward_sweep_that_forgets_an_operand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    solution = solve(parse("s = x*y; f = sum(s*x, sin(s))"), {"x": 2.0, "y": 0.5})
    assert agreements(solution, ("forward", "numeric"))[0].agree
    monkeypatch.setattr(backprop_cli.calculus.forward, "local_partials", forgetful)
    verdict = agreements(solution, ("forward", "numeric"))[0]
    assert not verdict.agree
    assert "forward for x" in verdict.sentence
    assert "numeric" not in verdict.sentence


def test_a_wrong_number_in_one_component_is_laid_to_that_input() -> None:
    solution = solve(parse(BRANCHING), {"x": 2.0, "y": 0.5})
    answer = solution.answers[0]
    wrong = answer._replace(gradient={**answer.gradient, "y": answer.gradient["y"] * (1 + 1e-6)})
    verdict = agreements(solution._replace(answers=(wrong,)), ("forward", "numeric"))[0]
    assert verdict.inputs == {"x": True, "y": False}
    assert math.isclose(verdict.discrepancy, 1e-6, rel_tol=1e-3)


def test_an_error_of_the_float_reading_alone_is_not_excused_as_rounding() -> None:
    """A sweep with 50 digits would be right, but nothing here has lost a digit."""
    with compiled_anew(ROW["sin"], (lambda x, out: -math.cos(x),)):
        verdict = agreements(applied("sin"), ("numeric",))[0]
    assert not verdict.agree
