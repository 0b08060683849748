"""Rewrites: matching, putting in, and the proof that each is offered with."""

import math

import mpmath
import pytest
from hypothesis import given, settings

from backprop_cli.language.parser import parse
from backprop_cli.language.printer import program_text
from backprop_cli.studies.exact import exact_answer
from backprop_cli.studies.gradient import solve
from backprop_cli.studies.health import rules
from backprop_cli.studies.health.checkup import checkups
from backprop_cli.studies.health.matching import match, numbering, replaced
from backprop_cli.studies.health.proof import FEWEST_POINTS, Program, agreement
from backprop_cli.studies.health.rewrites import rewrite
from tests.strategies import programs


def cured(text, wrt=(), **point):
    solution = solve(parse(text, point), {k: float(v) for k, v in point.items()}, wrt)
    return checkups(solution)[0].rewrite


CURES = [
    ("log(1 + exp(x))", {"x": 800}, "softplus(x)"),
    ("y*log(exp(w*x + b) + 1)", {"x": 80, "w": 10, "b": 1, "y": 2}, "y*softplus(w*x + b)"),
    ("log1p(exp(x))", {"x": 800}, "softplus(x)"),
    ("sqrt(x^2 + y^2)", {"x": 3e200, "y": 4e200}, "hypot(x, y)"),
    ("sqrt(x*x + y*y)", {"x": 3e-200, "y": 4e-200}, "hypot(x, y)"),
    ("sqrt(x^2 + y^2 + z^2)", {"x": 1e200, "y": 1, "z": 2}, "hypot(hypot(x, y), z)"),
    ("sqrt(x^2)", {"x": 1e-200}, "abs(x)"),
    ("log(exp(a) + exp(b))", {"a": 800, "b": 1}, "logsumexp(a, b)"),
    ("log(exp(a) + (exp(b) + exp(c)))", {"a": 800, "b": 1, "c": 801}, "logsumexp(a, b, c)"),
    ("log(sum(exp(a), exp(b), exp(c)))", {"a": 800, "b": 1, "c": 801}, "logsumexp(a, b, c)"),
    ("exp(b)/(exp(a) + exp(b))", {"a": 800, "b": 801}, "exp(b - logsumexp(b, a))"),
    ("1/(1 + exp(-x))", {"x": -800}, "sigmoid(x)"),
    ("1/(exp(-x) + 1)", {"x": -800}, "sigmoid(x)"),
    ("exp(x)/(exp(x) + 1)", {"x": 800}, "sigmoid(x)"),
    ("exp(x) - 1", {"x": 1e-12}, "expm1(x)"),
    ("-1 + exp(x)", {"x": 1e-12}, "expm1(x)"),
    ("log(1 + x)", {"x": 1e-12}, "log1p(x)"),
    ("log(sigmoid(x))", {"x": -800}, "-softplus(-x)"),
    ("log(1 - sigmoid(x))", {"x": 800}, "-softplus(x)"),
    ("sqrt(x + 1) - sqrt(x)", {"x": 1e12}, "1/(sqrt(x + 1) + sqrt(x))"),
    ("(1 - cos(x))/x^2", {"x": 1e-8}, "2*(sin(x/2)/x)^2"),
    ("(1 - cos(x))/(x*x)", {"x": 1e-8}, "2*(sin(x/2)/x)^2"),
    ("log(cosh(x))", {"x": 1000}, "softplus(2*x) - x - log(2)"),
    ("u = exp(x); v = 1 + u; f = 2*log(v)", {"x": 1000}, "f = 2*softplus(x)"),
    ("sin(x)/x", {"x": 0}, "where(x == 0, 1, sin(x)/where(x == 0, 1, x))"),
    ("(exp(x) - 1)/x", {"x": 0}, "where(x == 0, 1 + x/2, expm1(x)/where(x == 0, 1, x))"),
    ("log(1 + exp(a)) + log(1 + exp(b))", {"a": 900, "b": 800}, "softplus(a) + softplus(b)"),
    ("1 - tanh(x)^2", {"x": 18}, "(1/cosh(x))^2"),
    ("1 - erf(x)", {"x": 7}, "erfc(x)"),
    ("log(exp(a)/(exp(a) + exp(b)))", {"a": 0, "b": 1000}, "a - logsumexp(a, b)"),
    ("log(exp(-x))", {"x": 800}, "-x"),
    ("exp(x)/exp(x + 1)", {"x": 800}, "exp(x - (x + 1))"),
    ("exp(x)*exp(-x/2)", {"x": 1000}, "exp(x + (-x/2))"),
    ("log(gamma(x))", {"x": 200}, "lgamma(x)"),
    ("(-b + sqrt(b^2 - 4*a*c))/(2*a)", {"a": 1, "b": 1e8, "c": 1}, "-2*c/(b + sqrt(b^2 - 4*a*c))"),
    ("(-b - sqrt(b*b - 4*a*c))/(2*a)", {"a": 1, "b": -1e8, "c": 1}, "2*c/(sqrt(b^2 - 4*a*c) - b)"),
]


@pytest.mark.parametrize(("text", "point", "wanted"), CURES)
def test_a_known_trouble_is_cured(text, point, wanted):
    """The new text parses, and value and gradient are those of mpmath's own derivative."""
    found = cured(text, **point)
    assert found.text == wanted
    assert found.agreed >= FEWEST_POINTS
    floats = {name: float(value) for name, value in point.items()}
    again = solve(parse(found.text, floats), floats).answers[0]
    assert again.failure is None
    assert (again.value, dict(again.gradient)) == (found.after.value, dict(found.after.gradient))
    if found.exact.whole:
        digits = found.after.all_digits
        assert max(digits) > 13
        before = found.before.all_digits
        assert all(old is None or new >= old - 1 for old, new in zip(before, digits, strict=True))


def test_the_limit_at_a_hole_is_the_true_one():
    """(exp(x) - 1)/x = 1 + x/2 + ...: value 1, slope 1/2 at 0."""
    found = cured("(exp(x) - 1)/x", x=0)
    assert found.by_limit
    assert found.after.all == [1, 0.5]


def test_a_norm_at_zero_is_cured_by_a_convention_that_is_said():
    found = cured("sqrt(x^2 + y^2)", x=0, y=0)
    assert found.text == "hypot(x, y)"
    assert "convention" in found.convention
    assert found.after.all == [0, 0, 0]


NO_CURES = [
    ("log(1 + exp(x))", {"x": 1}),
    ("log(x)", {"x": -1}),
    ("x*log(x)", {"x": 0}),
    ("(exp(x) - 1)*y", {"x": 3, "y": 2}),
    ("sqrt(x)", {"x": 0}),
    ("1/(x - 1)", {"x": 1}),
    ("bce(p, t)", {"p": 1, "t": 1}),
]


@pytest.mark.parametrize(("text", "point"), NO_CURES)
def test_nothing_is_offered_where_nothing_is_wrong_or_nothing_helps(text, point):
    """Entropy x·log x at 0 has the value 0, but the slope there is infinite: no cure."""
    assert cured(text, **point) is None


def test_a_cure_of_one_trouble_is_offered_beside_another_that_has_none():
    """log(sigmoid(-800)) is -800; the slope of sqrt at 0 is infinite, whatever one writes."""
    found = cured("log(sigmoid(x)) + sqrt(y)", x=-800, y=0)
    assert found.text == "-softplus(-x) + sqrt(y)"
    assert found.after.value == -800
    assert found.after.gradient == {"x": 1, "y": math.inf}


def test_a_term_that_is_not_there_is_guarded_where_its_target_is_fixed():
    """t·log p at t = 0, p = 0: as a function of p alone it is 0 everywhere."""
    found = cured("t*log(p) + p", ("p",), t=0, p=0)
    assert found.text == "where(t == 0, 0, t*log(where(t == 0, 1, p))) + p"
    assert found.after.all == [0, 1]


def test_a_wrong_rule_is_found_out(monkeypatch):
    """log(1 + exp(x)) is not softplus(x) + 1e-30: right to all digits of a float64, yet refused."""
    wrong = rules.Rule("log(1 + exp(x))", "softplus(x) + 1e-30", "a mistake on purpose")
    monkeypatch.setattr("backprop_cli.studies.health.rewrites._rules_at", lambda: _only(wrong))
    assert cured("log(1 + exp(x))", x=800) is None
    right = rules.Rule("log(1 + exp(x))", "softplus(x)", "as it should be")
    monkeypatch.setattr("backprop_cli.studies.health.rewrites._rules_at", lambda: _only(right))
    assert cured("log(1 + exp(x))", x=800) is not None


def _only(rule):
    pattern = rules.graphs(rule, 2)[0]
    from collections import defaultdict

    return defaultdict(tuple, {pattern.rows[pattern.outputs[0]]: (rule,)})


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.pattern)
@pytest.mark.parametrize("terms", [2, 3])
def test_every_rule_is_an_identity(rule, terms):
    """Both sides agree to 40 digits, value and gradient, wherever the pattern is defined."""
    pattern, replacement = rules.graphs(rule, terms)
    point = dict.fromkeys(pattern.inputs, 0.75)
    sides = [Program(graph, point, graph.inputs) for graph in (pattern, replacement)]
    if set(replacement.inputs) != set(pattern.inputs):
        return  # 0·log(p) is 0 whatever p is
    assert agreement(*sides) >= FEWEST_POINTS
    assert all(
        rules.parse(program_text(graph), point).size == graph.size
        for graph in (pattern, replacement)
    )


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.pattern)
def test_every_rule_matches_its_own_pattern(rule):
    pattern, replacement = rules.graphs(rule, 3)
    root = pattern.outputs[0]
    bound = match(pattern, pattern, root, numbering(pattern))
    assert bound is not None
    assert {name: pattern.inputs[name] for name in bound} == dict(bound)
    made = replaced(pattern, root, replacement, bound)
    assert program_text(parse(program_text(made), pattern.inputs)) == program_text(made)


@pytest.mark.parametrize(
    ("pattern", "text", "wanted"),
    [
        ("log(1 + exp(x))", "log(exp(a*b) + 1)", {"x": "a*b"}),
        ("log(1 + exp(x))", "log(1.0 + exp(a))", {"x": "a"}),
        ("log(1 + exp(x))", "log(2 + exp(a))", None),
        ("x^2 - y^2", "a*a - (b + 1)^2", {"x": "a", "y": "b + 1"}),
        ("x^2 - y^2", "a*c - b^2", None),
        ("exp(x)/(1 + exp(x))", "exp(a + b)/(exp(b + a) + 1)", {"x": "a + b"}),
        ("exp(x)/(1 + exp(x))", "exp(a)/(exp(b) + 1)", None),
        ("exp(x) + sin(y) + z", "(p + exp(q)) + sin(r)", {"x": "q", "y": "r", "z": "p"}),
        ("sqrt(x + c) - sqrt(x)", "sqrt(1 + a) - sqrt(a)", {"x": "a", "c": "1"}),
    ],
)
def test_matching(pattern, text, wanted):
    graph = parse(text)
    found = match(parse(pattern), graph, graph.outputs[0], numbering(graph))
    if wanted is None:
        assert found is None
    else:
        assert set(found) == set(wanted)
        for name, part in wanted.items():
            both = parse(f"{text}; {part}")  # the part once more, behind the whole
            numbers = numbering(both)
            assert numbers[both.outputs[0]] == numbers[found[name]]


def test_a_hopeless_match_ends_within_its_budget():
    """A sum of 14 terms, 13 of them exponentials: 13! orders, of which few are tried."""
    names = [f"z{k}" for k in range(14)]
    text = " + ".join(f"exp({name})" for name in names[:-1]) + f" + sin({names[-1]})"
    rule = rules.Rule("log({exp(z#)| + })", "logsumexp({z#|, })", "")
    graph = parse(f"log({text})")
    pattern, _ = rules.graphs(rule, 14)
    assert match(pattern, graph, graph.outputs[0], numbering(graph)) is None


@settings(max_examples=40, deadline=None)
@given(programs(elementary=True))
def test_what_is_offered_on_random_programs_is_true(program):
    """Hypothesis: a rewrite keeps value and gradient at a point nobody chose."""
    solution = solve(parse(program.text, program.point), program.point)
    answer = solution.answers[0]
    if not solution.wrt:
        return
    exact = exact_answer(solution.graph, program.point, answer.node, solution.wrt)
    found = rewrite(solution, answer, exact, answer.node)
    if found is None:
        return
    graph = parse(found.text, program.point)
    there = {name: value + 0.01 for name, value in program.point.items()}
    old = exact_answer(solution.graph, there, answer.node, solution.wrt)
    new = exact_answer(graph, there, graph.outputs[0], graph.inputs)
    if old.whole and new.whole:
        assert mpmath.almosteq(old.value, new.value, 1e-30)
        assert all(mpmath.almosteq(old.gradient[n], new.gradient[n], 1e-30) for n in new.gradient)
    assert all(map(math.isfinite, found.after.all))
