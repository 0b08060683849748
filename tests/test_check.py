"""Claims about gradients: how they are read, what verdict they get, and where they fail."""

import math

import pytest

from backprop_cli.errors import BackpropError
from backprop_cli.language.parser import parse
from backprop_cli.studies import sampling
from backprop_cli.studies.checking.check import RIGHT, UNDECIDED, WRONG, Check, Setting, check
from backprop_cli.studies.checking.claim_files import read_cases
from backprop_cli.studies.checking.claims import ask, read_claims, read_lines
from backprop_cli.studies.checking.slope_formulas import claim_text, same_form, slope_formulas
from backprop_cli.studies.checking.suites import run
from backprop_cli.studies.checking.trial import DIFFERS, Trial
from backprop_cli.studies.sampling import Range, draws, probes, read_ranges, simplest
from backprop_cli.studies.words import place_words


def checked(program, *claims, of=(), **setting) -> Check:
    bound = [*setting.get("fixed", {}), *setting.get("ranges", {})]
    questions = ask(parse(program, bound), read_claims(claims), of, bound)
    return check(questions, Setting(**setting))


def verdict(program, claim, **setting):
    return checked(program, claim, **setting).verdicts[0]


# ------------------------------------------------------------------------------- verdicts

RIGHT_CLAIMS = [
    ("(a+b)*(b+c)", "a=b+c, b=a+2b+c, c=a+b"),
    ("(a+b)*(b+c)", "b=(a+b)+(b+c)"),
    ("x = a+b; y = b+c; f = x*y", "x=y, y=x, b=x+y"),
    ("d = a+b; f = d*c", "d=c, a=c, c=d"),
    ("a = x; a = a*2; a = a + y; f = a*x", "x=a + a_2, y=a_1, a_2=x"),
    ("a = a_2*x; a = a*x", "x=2*a_1, a_2=x*x"),
    ("(3x+4y)^3", "x=9(3x+4y)^2, y=12(3x+4y)^2"),
    ("sq(t) = t^2; f = sq(a) + b", "a=2*sq(a)/a"),
    ("exp(x*y)", "x=y*f, y=x*f"),
    ("log(x)", "x=1/x"),
    ("acosh(x + y)", "x=1/sqrt((x+y)^2 - 1)"),
    ("sqrt(x - 1000)", "x=1/(2*sqrt(x - 1000))"),
    ("asin(x)*log(log(y))", "y=asin(x)/(y*log(y))"),
    ("(x+1)^2 - x^2", "x=2"),
    ("(1-cos(x))/x^2", "x=sin(x)/x^2 - 2*(1-cos(x))/x^3"),
    ("log(x^2)", "x=2/x"),
    ("a*b", "a=b"),
    ("x*abs(y)", "x=abs(y)"),
    ("max(a, b)", "a=where(a > b, 1, where(a < b, 0, 1/2))"),
    ("y1 = b*a; y4 = exp(-y1/4)*y1; exp(y4/4)", "a=f/4*(exp(-y1/4)*b - y1*exp(-y1/4)*b/4)"),
]


@pytest.mark.parametrize(("program", "claims"), RIGHT_CLAIMS)
def test_right_claims_are_right_in_any_form(program, claims):
    found = checked(program, claims)
    assert [v.verdict for v in found.verdicts] == [RIGHT] * len(found.verdicts)
    assert not any(v.where for v in found.verdicts)
    assert found.points == 100


WRONG_CLAIMS = [
    ("(a+b)*(b+c)", "b=b+c"),
    ("(a+b)*(b+c)", "b=1"),
    ("x^2", "x=2*x+1e-6"),
    ("sin(x)", "x=1 - x^2/2 + x^4/24"),
    ("x*y", "x=x"),
    ("log(x)", "x=1/abs(x)*1.000001"),
]


@pytest.mark.parametrize(("program", "claim"), WRONG_CLAIMS)
def test_wrong_claims_are_wrong(program, claim):
    found = verdict(program, claim)
    assert found.verdict == WRONG
    assert found.claimed != found.actual


def test_a_failing_point_is_shrunk_to_a_simple_one():
    """∂f/∂b = a + 2b + c, claimed b + c: they differ by a + b, so 1, 0, 0 is enough."""
    found = checked("(a+b)*(b+c)", "b=b+c")
    assert found.located(found.verdicts[0].point) == {"a": 1, "b": 0, "c": 0}
    assert (found.verdicts[0].claimed, found.verdicts[0].actual) == (0, 1)


def test_of_thousands_of_inputs_those_that_matter_are_found_by_halves():
    """One input at a time would ask thousands of times; and most of what is shown would be noise."""
    names = [f"x{k}" for k in range(4000)]
    asked = []

    def shows(point):
        asked.append(point)
        return point[3] != point[2500]

    start = tuple(k + 0.5 for k in range(4000))
    found = simplest(start, shows, names, {}, {})
    assert {value for k, value in enumerate(found) if k not in (3, 2500)} == {0}
    assert len(asked) < 100


def test_special_points_of_thousands_of_inputs_are_made_one_at_a_time(monkeypatch):
    made = []
    real = sampling._set
    monkeypatch.setattr(sampling, "_set", lambda *words: made.append(0) or real(*words))
    names = [f"x{k}" for k in range(4000)]
    start = tuple(k + 0.5 for k in range(4000))
    assert len(probes(names, {}, {}, [start, start])) == len(made) == 200


def test_a_point_of_many_inputs_is_told_by_those_that_differ():
    located = dict.fromkeys((f"x{k}" for k in range(50)), 0.0) | {"x7": 1.0}
    assert place_words(located, 6, str) == "x7 = 1.0, the other 49 inputs 0.0"
    different = {f"x{k}": float(k) for k in range(50)}
    assert place_words(different, 2, str) == "x0 = 0.0, x1 = 1.0, … 48 more"


def test_no_failing_point_stands_on_a_kink():
    """At a tie of max the slopes are only a convention, so a tie accuses nobody."""
    first, second = verdict("max(a, b)", "a=where(a >= b, 2, 0)").point
    assert first != second


def test_a_large_graph_is_looked_at_at_fewer_points():
    program = " + ".join(f"x*{k}" for k in range(6000))
    found = checked(program, "x=17997000")
    assert found.verdicts[0].verdict == RIGHT
    assert 10 <= found.points < 100


def test_the_example_point_has_no_zeros_and_no_two_alike():
    found = verdict("(a+b)*(b+c)", "b=b+c")
    assert len({*found.example}) == 3
    assert 0 not in found.example


def test_a_claim_right_on_a_part_of_the_domain_is_wrong_and_the_part_is_named():
    assert verdict("abs(x)", "x=1").where == "where x < 0"
    assert verdict("max(a, b)", "a=1").where == "where a < b"
    assert verdict("where(x > y, x^2, x)", "x=2x").where == "where x > y does not hold"
    assert verdict("abs(x)", "x=1").verdict == WRONG


def test_a_claim_without_a_value_somewhere_is_right_but_for_that():
    found = verdict("log(x^2)", "x=2*sqrt(x)/x^1.5")
    assert found.verdict == RIGHT
    assert "where x < 0" in found.exceptions[0]
    assert "sqrt needs x >= 0" in found.exceptions[0]
    found = verdict("x^2 + y", "x=2*x*y/y")
    assert "such as x = 1, y = 0" in found.exceptions[0]


def test_kinks_are_exceptions_and_are_named():
    for claim in ("x/abs(x)", "where(x >= 0, 1, -1)"):
        found = verdict("abs(x)", f"x={claim}")
        assert found.verdict == RIGHT
        assert "the kink of abs(x)" in found.exceptions[0]
    assert not verdict("abs(x)", "x=sign(x)").exceptions


def test_at_a_kink_any_number_between_the_slopes_is_undecided():
    """abs at 0 has the slopes -1 and 1, and 0 by convention."""
    assert verdict("abs(x)", "x=0", fixed={"x": 0.0}).verdict == RIGHT
    assert verdict("abs(x)", "x=1", fixed={"x": 0.0}).verdict == UNDECIDED
    assert verdict("abs(x)", "x=1/2", fixed={"x": 0.0}).verdict == UNDECIDED
    assert verdict("abs(x)", "x=3", fixed={"x": 0.0}).verdict == WRONG


def test_nothing_is_decided_where_there_is_no_point():
    found = verdict("log(-abs(x) - 1)", "x=1")
    assert found.verdict == UNDECIDED
    assert "no random point" in found.reason
    found = verdict("log(x)", "x=1/x", fixed={"x": -1.0})
    assert found.verdict == UNDECIDED
    assert "log needs x > 0" in found.reason


def test_a_claim_that_is_defined_nowhere_is_wrong():
    found = verdict("x^2", "x=log(-abs(x) - 1)")
    assert found.verdict == WRONG
    assert "undefined everywhere" in found.where


def test_rounding_is_never_an_accusation():
    """(x + 1e9) - 1e9 has lost nine digits of x, but is x; at 50 digits that shows."""
    assert verdict("x^2/2", "x=(x + 1e9) - 1e9").verdict == RIGHT
    assert verdict("x^2/2", "x=(x + 1e9) - 1e9 + x*1e-6").verdict == WRONG
    tiny = {"fixed": {"x": 1e-12}}
    assert verdict("x^2", "x=2*(x+1) - 2", **tiny).verdict == RIGHT
    assert verdict("x^2", "x=2.001*(x+1) - 2.001", **tiny).verdict == WRONG


def test_an_overflow_on_the_way_to_0_is_no_accusation():
    """cosh(357)^2 overflows, so float64 claims 0 where the slope is 3e-310; 50 digits say 3e-310."""
    assert verdict("tanh(x)", "x=1/cosh(x)^2", ranges={"x": Range(350, 372)}).verdict == RIGHT


def test_the_square_of_a_negative_number_has_a_rounding_bound():
    """(-1)^2 has no slope along its exponent, but a 2 is not rounded: no digits are asked for."""
    questions = ask(parse("(x - 1)^3"), read_claims(["x=2*(x - 1)^2"]), [], [])
    trial = Trial(questions, 1e-9)
    assert trial.sides(0, (-3.0,), trial.numbers((-3.0,))).status == DIFFERS
    assert trial._precise == 0


def test_constants_are_rounded_too():
    """0.1 + 0.2 - 0.3 is 5.6e-17 in float64 and nothing in truth."""
    assert verdict("(0.1 + 0.2 - 0.3)*x", "x=0").verdict == RIGHT
    assert verdict("x*1e-999999999 + x", "x=1").verdict == RIGHT


def test_decimal_numbers_are_taken_to_be_rounded():
    """sigmoid'(1) = 0.196611933: 0.1966 is it to four digits, 0.1967 is not, nor is 0.2 = 1/5."""
    at = {"fixed": {"x": 1.0}}
    assert verdict("sigmoid(x)", "x=0.1966", **at).verdict == RIGHT
    assert verdict("sigmoid(x)", "x=1.966e-1", **at).verdict == RIGHT
    assert verdict("sigmoid(x)", "x=0.1967", **at).verdict == WRONG
    assert verdict("sigmoid(x)", "x=0.2", **at).verdict == WRONG
    questions = ask(parse("sigmoid(x)", ["x"]), read_claims(["x=0.1966"]), [], ["x"])
    assert check(questions.exact(), Setting(**at)).verdicts[0].verdict == WRONG


def test_the_tolerance_is_relative():
    assert verdict("x^2", "x=2.0001*x", tolerance=1e-3).verdict == RIGHT
    assert verdict("x^2", "x=2.0001*x", tolerance=1e-6).verdict == WRONG


def test_several_outputs_have_claims_of_their_own():
    found = checked("f = a*b; g = a+b", "f.a=b", "g.a=1", "∂g/∂b=2", of=["f", "g"])
    assert [v.verdict for v in found.verdicts] == [RIGHT, RIGHT, WRONG]
    signs = [found.questions.name_of(question) for question in found.questions.asked]
    assert signs == ["∂f/∂a", "∂g/∂a", "∂g/∂b"]


def test_an_input_without_part_in_the_output_has_gradient_0():
    assert [v.verdict for v in checked("y = a; b^2", "a=0", "b=2b").verdicts] == [RIGHT, RIGHT]
    assert verdict("y = a; b^2", "a=1").verdict == WRONG


def test_a_program_without_inputs_is_checked_too():
    assert verdict("x = 2; y = x^3", "x=12").verdict == RIGHT
    assert verdict("x = 2; y = x^3", "x=3").verdict == WRONG


# --------------------------------------------------------------------------------- reading


def test_claims_are_read_with_their_places():
    claims = read_claims(["b=max(a, 1),g.c = 2", "∂f/∂d=3"])
    assert [(c.output, c.name, c.formula) for c in claims] == [
        ("", "b", "max(a, 1)"),
        ("g", "c", " 2"),
        ("f", "d", "3"),
    ]
    assert all(c.source[c.start :].startswith(c.formula) for c in claims)


def test_a_file_of_claims_has_lines_and_comments():
    claims = read_lines("# mine\na = b + c\n\nb = 2*b  # hm\n", "mine.txt")
    assert [(c.name, c.formula.strip()) for c in claims] == [("a", "b + c"), ("b", "2*b")]


BAD_CLAIMS = [
    ("b=b+q", "the program has no name 'q'", "q"),
    ("b=2*(a", "never closed", "("),
    ("b=sine(a)", "unknown function 'sine'", "sine"),
    ("b=a+*c", "expected an operand", "*"),
    ("q=1", "the program has no name 'q'", "q"),
    ("b", "nothing is claimed of b", "b"),
    ("b=", "nothing is claimed of b", "b="),
    ("=1", "a claim without a name", ""),
    ("2=1", "is no name", "2"),
    ("b=1,b=2", "more than once", "b"),
    ("g.b=1", "g is no output asked for", "g.b"),
    ("b=1,,a=2", "an empty claim", ""),
]


@pytest.mark.parametrize(("text", "message", "pointed"), BAD_CLAIMS)
def test_an_error_in_a_claim_points_into_the_claim(text, message, pointed):
    with pytest.raises(BackpropError) as caught:
        ask(parse("(a+b)*(b+c)"), read_claims([text]), [], [])
    error = caught.value
    assert message in error.message
    assert (error.origin, error.source) == ("--claim", text)
    if pointed:
        assert text[error.span.start : error.span.end].startswith(pointed)


def test_what_a_claim_defines_is_its_own():
    """The second claim must not see the u of the first."""
    found = checked("(a+b)*(b+c)", "a=u = b; u + c")
    assert found.verdicts[0].verdict == RIGHT
    with pytest.raises(BackpropError, match="no name 'u'"):
        checked("(a+b)*(b+c)", "a=u = b; u + c", "c=u")


def test_names_that_the_point_binds_are_inputs_of_the_claim_too():
    assert verdict("e*x", "x=e", fixed={"e": 2.0, "x": 1.0}).claimed == 2
    assert verdict("e*x", "x=e", fixed={"x": 1.0}).claimed == math.e


# --------------------------------------------------------------------------------- sampling


def test_points_repeat_with_their_seed():
    first = checked("x^2", "x=x", seed=7).verdicts[0].tried
    assert first == checked("x^2", "x=x", seed=7).verdicts[0].tried
    assert first != checked("x^2", "x=x", seed=8).verdicts[0].tried


def test_points_stay_in_their_ranges():
    ranges = read_ranges(["a=0.1:10,b=-pi:,c=:0"])
    assert ranges == {"a": Range(0.1, 10), "b": Range(-math.pi, math.inf), "c": Range(-math.inf, 0)}
    points = draws(("a", "b", "c", "d"), ranges, {"d": 4.0}, 0)
    for _, (a, b, c, d) in zip(range(200), points, strict=False):
        assert 0.1 <= a <= 10
        assert b >= -math.pi
        assert c <= 0
        assert d == 4
    assert verdict("log(x)", "x=2/x", ranges={"x": Range(2.5, 3.5)}).point == (3.0,)


def test_points_have_both_signs_and_many_sizes():
    points = [point for _, point in zip(range(100), draws(("x", "y"), {}, {}, 0), strict=False)]
    assert sum(x < 0 for x, _ in points) > 10
    assert sum(x > 0 > y for x, y in points) > 5
    assert min(abs(x) for x, _ in points) < 0.05
    assert max(abs(x) for x, _ in points) > 100


def test_special_points_have_zeros_and_ties():
    made = probes(("a", "b"), {}, {}, [(3.0, 4.0)])
    assert (0.0, 0.0) in made
    assert (0.0, 4.0) in made
    assert (3.0, 3.0) in made


@pytest.mark.parametrize("text", ["x=1", "x=3:2", "x=a:2", "x=:"])
def test_bad_ranges_are_refused(text):
    with pytest.raises(BackpropError) as caught:
        read_ranges([text])
    assert caught.value.origin == "--range"


# --------------------------------------------------------------------------------- formulas


def formulas(program, claim):
    questions = ask(parse(program), read_claims([claim]), [], [])
    return slope_formulas(questions)[0], claim_text(questions, questions.asked[0])


def test_the_right_formula_is_written_out_from_the_gradient_graph():
    assert formulas("(a+b)*(b+c)", "a=c+b")[0] == "b + c"
    assert formulas("(a+b)*(b+c)", "b=2")[0] == "a + b + (b + c)"
    assert formulas("x^3", "x=2")[0] == "3*x^2"


def test_the_claim_is_shown_as_it_was_read():
    assert formulas("x = a+b; y = b+c; f = x*y", "b=2x + y²")[1] == "2*x + y^2"


def test_another_order_is_no_other_form():
    assert same_form("b + c", "c+b")
    assert not same_form("a + 2*b + c", "a + b + b + c")


# ------------------------------------------------------------------------------ test files

FILE = """\
tolerance = 1e-8

[[case]]
name = "branches"
expression = "(a+b)*(b+c)"
claims = { a = "b+c", b = "a+2b+c" }

[[case]]
expression = "x = a+b; y = b+c; f = x*y"
claims.b = "y"
points = 20

[[case]]
name = "neuron"
expression = "sigmoid(w*x)"
at = { w = 2, x = "-1" }
[case.claims]
w = -0.10499
x = 0.2099871708

[[case]]
expression = "f = a*log(b); g = a"
of = ["f", "g"]
ranges = { a = "1:2", b = [0.5, 3] }
[case.claims]
f.b = "a/b"
g.a = 1
"""


def test_a_file_of_tests_is_run():
    suite = run(read_cases(FILE, "t.toml"))
    assert [r.case.name for r in suite.results] == ["branches", "case 2", "neuron", "case 4"]
    assert [r.report.verdict for r in suite.results] == [RIGHT, WRONG, RIGHT, RIGHT]
    assert suite.claims() == 7
    assert suite.claims(WRONG) == 1
    assert suite.points == 2 * 100 + 20 + 2 + 2 * 100
    assert suite.results[1].report.items[0].formula == "a + b + (b + c)"


BAD_FILES = [
    ('name = "branches"', 'nmae = "branches"', 4, "nmae", "there is no key 'nmae'"),
    ('"b+c"', '"b+q"', 6, "q", "no name 'q'"),
    ('"(a+b)*(b+c)"', '"(a+b)*sine(b)"', 5, "sine", "unknown function"),
    ("w = 2,", 'w = "1/0",', 16, "1/0", "not finite"),
    ("tolerance = 1e-8", "tolerance = 3", 1, "tolerance", "a number from 0 to 1"),
    ('claims.b = "y"', "claims.b = ", 10, "", "not valid TOML"),
    ("claims.b", "claims.q", 10, "", "no name 'q'"),
    ('at = { w = 2, x = "-1" }', "at = { w = 2 }", 13, "", "no value for x"),
    ('a = "1:2"', 'a = "2:1"', 24, "2:1", "wrong order"),
    ('a = "1:2"', 'q = "1:2"', 21, "", "q does not occur"),
    ("points = 20", "points = 0", 11, "points", "a whole number from 1"),
    ("points = 20", 'seed = "x"', 11, "seed", "a whole number"),
    ("w = -0.10499", "w = true", 18, "w", "a number or a string"),
    ("[case.claims]\nw", "[case.claim]\nw", 17, "claim", "no key 'claim'"),
    ('expression = "(a+b)*(b+c)"', "", 3, "[[case]]", "has no expression"),
    ("tolerance = 1e-8", "tolerence = 1e-8", 1, "tolerence", "no key 'tolerence'"),
]


@pytest.mark.parametrize(("old", "new", "line", "pointed", "message"), BAD_FILES)
def test_an_error_in_a_file_of_tests_points_to_its_line(old, new, line, pointed, message):
    assert old in FILE
    text = FILE.replace(old, new, 1)
    with pytest.raises(BackpropError) as caught:
        read_cases(text, "t.toml")
    error = caught.value
    assert message in error.message
    assert error.origin == "t.toml"
    assert text.count("\n", 0, error.span.start) + 1 == line
    assert text[error.span.start :].startswith(pointed)


def test_numbers_of_a_file_keep_their_digits():
    """0.20998717 has eight digits, so half a unit of the last is what it may be off."""
    cases = read_cases(FILE, "t.toml")
    claims = [question.claim for question in cases[2].questions.asked]
    assert [claim.formula for claim in claims] == ["-0.10499", "0.2099871708"]
    assert claims[0].rounding == pytest.approx(0.5e-5)
