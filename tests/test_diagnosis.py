"""Which mistake a wrong claim is: each code on examples from lectures, and planted ones."""

import math

import pytest
from hypothesis import given, settings

from backprop_cli.language.parser import parse
from backprop_cli.readings.formulas import formula
from backprop_cli.studies.checking.check import RIGHT, WRONG, Setting, check
from backprop_cli.studies.checking.claims import ask, read_claims
from backprop_cli.studies.checking.diagnosis import CODES, Diagnosis, diagnoses
from backprop_cli.studies.checking.scene import Scene
from backprop_cli.studies.checking.slope_formulas import slope_formulas
from backprop_cli.studies.checking.wrong_rules import WRONG_RULES
from tests.mistakes import PLANTERS, accusations, looked_at, planted, recognised, tally
from tests.strategies import programs


def said(program, *claims, **setting) -> list[Diagnosis]:
    bound = list(setting.get("fixed", {}))
    questions = ask(parse(program, bound), read_claims(claims), [], bound)
    found = check(questions, Setting(**setting))
    assert all(verdict.verdict == WRONG for verdict in found.verdicts)
    return list(diagnoses(found))


def codes(program, claim, **setting) -> list[str]:
    return [mistake.code for mistake in said(program, claim, **setting)[0].mistakes]


LECTURES = [
    # (program, claim, code that must come first)
    ("(a+b)*(b+c)", "b=b+c", "missing-branch"),
    ("x = a+b; y = b+c; f = x*y", "b=x", "missing-branch"),
    ("(a+b)*(b+c)", "b=2*(b+c)+(a+b)", "double-path"),
    ("(a+b)*(b+c)", "b=(a+b)*(b+c)", "product-of-paths"),
    ("x^2*sin(x)", "x=2*x*cos(x)", "product-of-paths"),
    ("a - b*c", "b=c", "sign"),
    ("cos(x)", "x=sin(x)", "sign"),
    ("sin(x^2)", "x=cos(x^2)", "missing-inner"),
    ("sigmoid(w*x+b)", "w=sigmoid(w*x+b)*(1-sigmoid(w*x+b))", "missing-inner"),
    ("(3x+4y)^3", "y=3*(3x+4y)^2", "missing-inner"),
    ("exp(sin(x^2))", "x=exp(sin(x^2))*2*x", "missing-inner"),
    ("sin(x^2)", "x=2*x*cos(x)", "wrong-place"),
    ("sin(x^2)", "x=cos(2*x)", "wrong-place"),
    ("sigmoid(w*x)", "w=x*w*x*(1-w*x)", "wrong-place"),
    ("sigmoid(sigmoid(x))", "x=sigmoid(x)*(1-sigmoid(x))", "local-only"),
    ("d = a*b; f = sin(d)^2 + c", "a=b", "local-only"),
    ("(a*b + c)^2", "a=b", "local-only"),
    ("f = exp(sin(a*b + a^2))", "a=cos(a*b + a^2)*(b + 2*a)", "missing-upstream"),
    ("a*b", "a=a", "wrong-operand"),
    ("x/(x^2+1)", "x=(x^2+1+2*x^2)/(x^2+1)^2", "quotient-rule"),
    ("x/(x^2+1)", "x=1/(2*x)", "quotient-rule"),
    ("1/x", "x=1/x^2", "quotient-rule"),
    ("x^3", "x=3*x^3", "power-rule"),
    ("(3*x+4*y)^3", "x=9*(3*x+4*y)^3", "power-rule"),
    ("2^x", "x=x*2^(x-1)", "power-rule"),
    ("sqrt(x)", "x=1/sqrt(x)", "power-rule"),
    ("log(x*y)", "x=1/(x*log(10))", "log-base"),
    ("log10(x)", "x=1/x", "log-base"),
    ("sin(x)", "x=cos(x*pi/180)", "degrees"),
    ("cos(x)", "x=-pi/180*sin(x)", "degrees"),
    ("x*sin(x)", "x=sin(x*pi/180) + x*cos(x*pi/180)", "degrees"),
    ("a^2*b + c", "b=2*a*b", "other-input"),
    ("log(1 + (x + y)*x)/3", "x=2*x + y", "missing-upstream"),
    ("exp(-x)*y", "x=-2*exp(-x)*y", "constant-factor"),
    ("x^4 + y", "x=x^4 + y", "value"),
]


@pytest.mark.parametrize(("program", "claim", "code"), LECTURES)
def test_the_mistakes_of_lectures_are_recognised(program, claim, code):
    assert codes(program, claim)[0] == code


def test_the_linear_network_of_the_lecture_loses_a_branch():
    """∂L/∂x2 has two terms, one through each hidden unit; half of it is one of them."""
    network = "h1 = w11*x1 + w21*x2; h2 = w12*x1 + w22*x2; p = v1*h1 + v2*h2; L = (y - p)^2"
    diagnosis = said(network, "x2=-2*w21*v1*(y-p)")[0]
    assert diagnosis.mistakes[0].code == "missing-branch"
    assert diagnosis.mistakes[0].path[0] == "x2"
    assert "h2" in diagnosis.mistakes[0].path


def test_the_path_and_the_edge_are_named():
    """Claimed b + c = y: what is missing is the contribution through y, which brings x = 5."""
    diagnosis = said("x = a+b; y = b+c; f = x*y", "b=y")[0]
    first = diagnosis.mistakes[0]
    assert first.path == ("b", "y", "f")
    assert first.edges == ((4, 0),)
    assert "b → y → f (it brings 5)" in first.message


def test_all_that_fit_are_listed_in_the_order_of_the_codes():
    """b + c is also ∂f/∂a, and the value of y."""
    found = codes("x = a+b; y = b+c; f = x*y", "b=y")
    assert found == ["missing-branch", "other-input", "value"]
    assert found == sorted(found, key=CODES.index)


@pytest.mark.parametrize("program", ["u = sin(x); f = u*y", "u = sin(x); f = u/y"])
def test_a_slope_that_does_not_read_its_operand_is_not_taken_at_a_wrong_place(program):
    """∂f/∂u is y, or 1/y, wherever it is taken: what is forgotten is the inner slope."""
    found = codes(program, "x=y" if "*" in program else "x=1/y")
    assert found[0] == "missing-inner"
    assert "wrong-place" not in found


def test_claims_that_changed_places_are_transposed():
    found = said("a*b^2", "a=2*a*b", "b=b^2")
    assert [d.mistakes[0].code for d in found] == ["transposed", "transposed"]
    assert "a and b" in found[0].mistakes[0].message
    assert codes("a*b^2", "a=2*a*b")[0] != "transposed"


def test_a_mistake_at_every_branch_is_one_mistake():
    """`=` for `+=`: at x and at y1 only the contribution of the last user is kept.

    f = y1·y2, y2 = y1 + x, y1 = x². Back: f sends y1 to y2 and y2 to y1; y2 sends y1 on to y1
    (the last written is kept: visiting y2 after f, y1 gets y1) and to x.
    """
    found = codes("y1 = x^2; y2 = y1 + x; f = y1*y2", "x=2*x*y1")
    assert "missing-branch" in found


def test_a_mistake_must_explain_why_the_claim_differs():
    """y + 1e-12·x is nearly y, which is the gradient: that it is "the value y" explains nothing."""
    assert said("x*y", "x=y+1e-12*x")[0].mistakes == ()


def test_a_claim_that_is_infinite_has_no_mistake_to_be_compared_with():
    """An infinity is near every number if nearness is relative to it."""
    found = said("log(x)", "x=1/0", fixed={"x": 1.0})[0]
    assert (found.mistakes, found.note) == ((), "the claim has no value to compare")


def test_a_mistake_fits_at_the_points_that_are_told_of():
    """Everywhere but near 0 the gradient is 0 and 1 - 0 explains nothing: 0 is in the message."""
    program = "; ".join(["h0 = x", *(f"h{k} = sin(h{k - 1})*cos(h{k - 1}) + h{k - 1}"
                                     for k in range(1, 41))])  # fmt: skip
    assert codes(program, "x=1") == ["missing-branch", "local-only"]


def test_a_gradient_that_lost_its_digits_hides_no_mistake():
    """The sweep through log(1 - p) is all rounding where p is nearly 1; the claim is not."""
    program = "p = sigmoid(z); -(t*log(p) + (1 - t)*log(1 - p))"
    assert codes(program, "z=t-p")[0] == "sign"


def test_the_numbers_of_a_message_are_those_of_the_example():
    found = said("sin(x^2)", "x=cos(2*x)")[0]
    assert found.example.point == {"x": 3}  # at 2 both x^2 and its slope are 4
    assert found.example.claimed == pytest.approx(math.cos(6))
    assert found.example.actual == pytest.approx(6 * math.cos(9))
    assert "inner slope ∂v1/∂x = 6, not at x^2 = 9" in found.mistakes[0].message


def test_which_of_two_equal_operands_is_said():
    found = said("x^x", "x=x*x^(x-1)")[0]
    message = next(m.message for m in found.mistakes if m.code == "missing-branch")
    assert message.startswith("the path x → f as 2nd operand of f (it brings")


def test_constants_are_named():
    def message(claim):
        mistakes = said("exp(x)*y + x^5", claim)[0].mistakes
        return next(m.message for m in mistakes if m.code == "constant-factor")

    assert "it is 2 times" in message("x=2*(exp(x)*y + 5*x^4)")
    assert "it is 1/3 times" in message("x=(exp(x)*y + 5*x^4)/3")
    assert "it is π/180 times" in message("x=pi/180*(exp(x)*y + 5*x^4)")
    assert "it is log(10) times" in message("x=log(10)*(exp(x)*y + 5*x^4)")


@pytest.mark.parametrize("claim", ["x=x^2+17*x", "x=2*x+1", "x=cosh(x)", "x=17"])
def test_no_mistake_is_guessed(claim):
    diagnosis = said("x^2", claim)[0]
    assert diagnosis.mistakes == ()
    assert diagnosis.note == "no known mistake fits"


def test_a_formula_is_diagnosed_at_many_points_even_if_it_is_checked_at_one():
    """At x = 2, 4 is also x^2 and 2x; at other points only the claim itself is."""
    at = {"fixed": {"x": 2.0, "y": 3.0}}
    assert said("x^2*y", "x=x^2", **at)[0].points > 3
    assert said("x^2*y", "x=4", **at)[0].points == 1
    assert "value" in codes("x^2*y", "x=2", **at)


def test_a_derivative_through_too_many_nodes_is_not_diagnosed():
    program = "; ".join(["y0 = x*1.01"] + [f"y{k} = y{k - 1} + x" for k in range(1, 2100)])
    diagnosis = said(program, "x=1", points=3)[0]
    assert diagnosis.mistakes == ()
    assert "2,101 nodes" in diagnosis.note


def test_a_target_that_does_not_matter_is_said():
    assert said("y = a; b^2", "a=b")[0].note == "f does not depend on a"


def test_every_wrong_rule_is_a_formula_and_is_wrong():
    """A rule that gave the right tangent would accuse nobody and explain nothing."""
    from backprop_cli.readings.floats import TOTAL

    given = {"x": 0.6, "y": 0.7, "dx": 1.3, "dy": -0.4}
    for rule in WRONG_RULES:
        names = [name for name in ("x", "y") if name in formula(rule.tangent).inputs or name == "x"]
        if rule.operation in ("pow", "div", "mul", "sub"):
            names = ["x", "y"]
        arguments = ", ".join(names)
        infix = {"pow": "x^y", "div": "x/y", "mul": "x*y", "sub": "x - y", "neg": "-x"}
        text = infix.get(rule.operation, f"{rule.operation}({arguments})")
        graph = parse(text)
        scene = Scene(graph, graph.outputs[0], graph.inputs["x"])
        sweep = scene.sweep({name: given[name] for name in names})
        right = sweep.gradient * given["dx"]
        if "y" in names:
            other = Scene(graph, graph.outputs[0], graph.inputs["y"])
            right += other.sweep({name: given[name] for name in names}).gradient * given["dy"]
        tangent = TOTAL.compile(formula(rule.tangent), ("x", "y", "out", "dx", "dy"))
        wrong = tangent(given["x"], given["y"], sweep.values[-1], given["dx"], given["dy"])
        assert abs(wrong - right) > 1e-3 * abs(right), rule


# --------------------------------------------------------------------------- planted mistakes

FLOORS = dict.fromkeys(CODES, 0.95)


def test_every_code_is_planted():
    assert {*PLANTERS, "transposed"} == {*CODES}


@pytest.mark.parametrize("code", CODES)
def test_planted_mistakes_are_found(code):
    found = tally(code, 10, seed=1)
    assert found.hits + found.missed >= 6
    assert found.rate >= FLOORS[code]


def test_no_right_claim_is_accused():
    claims, undecided, accused = accusations(120, seed=1)
    assert accused == []
    assert claims > 250
    assert undecided <= claims // 20


def test_claims_that_are_no_mistake_are_not_recognised():
    """The gradient of an unrelated program is wrong, and no mistake of this one makes it."""
    wrong, guessed = recognised(40, seed=1)
    assert wrong > 30
    assert guessed == 0


def test_the_planters_plant_what_they_say():
    """A planted formula is not the gradient, or the tally would count nothing: most are wrong."""
    results = [looked_at(case) for code in CODES for case in planted(code, 1, seed=3)]
    assert sum(RIGHT in result.verdicts for result in results) < len(results) // 3


@settings(max_examples=60, deadline=None)
@given(programs(statements=5))
def test_no_gradient_of_any_operation_is_accused(program):
    """The gradient graph written out as text, of programs of every row: domains, kinks and jumps."""
    graph = parse(program.text, program.point)
    for name in program.point:
        (text,) = slope_formulas(ask(graph, read_claims([f"{name}=0"]), [], []))
        if text and ";" not in text:
            questions = ask(graph, read_claims([f"{name}={text}"]), [], [])
            assert check(questions, Setting(points=20)).verdicts[0].verdict != WRONG
