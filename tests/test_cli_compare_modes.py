"""`backprop compare-modes`: counted costs, verdicts, formats, options, exit codes; never times."""

import json
import math
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from backprop_cli.commands.main import run as run_words
from backprop_cli.render import console
from backprop_cli.render.numbers import duration
from backprop_cli.studies.comparing import costs, growth, modes
from backprop_cli.studies.witness import SymPyWitness
from tests.command import run, run_in_terminal
from tests.test_checks_bite import broken

LECTURE = ("(a+b)*(b+c)", "--at", "a=5,b=-3,c=-2")
MODES = ["reverse", "forward", "forward-difference", "central", "complex-step", "sympy"]
MODE_KEYS = [
    "mode",
    "gradient",
    "sweeps",
    "evaluations",
    "edge_products",
    "operations",
    "seconds",
    "digits",
]


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every run take the same time."""
    heard = SymPyWitness.result

    def result(self: SymPyWitness) -> Any:
        found = heard(self)
        self.seconds = None if self.seconds is None else 0.25
        return found

    monkeypatch.setattr(costs, "timed", lambda run: costs.Timing(1.25e-5, 4e-7))
    monkeypatch.setattr(SymPyWitness, "result", result)


def ask(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Run the command in this process: exit code, stdout, stderr."""
    code = run_words(["compare-modes", *words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    return json.loads(ask(capsys, *words, "--format", "json")[1])


def by_mode(made: dict[str, Any]) -> dict[str, Any]:
    return {mode["mode"]: mode for mode in made["modes"]}


def table(words: tuple[str, ...], width: int, patch: pytest.MonkeyPatch, capsys: Any) -> str:
    """Return what a terminal of this width shows."""
    patch.setattr(console, "make_console", lambda color: console.Screen(sys.stdout, width, False))
    return ask(capsys, *words)[1]


# ------------------------------------------------------------------ the screen

SCREENS = {
    "modes": LECTURE,
    "modes_outputs": ("f = a*b; g = sin(a)+b", "--at", "a=2,b=3", "--of", "f,g"),
    "modes_kinked": ("relu(x)*y + erf(y)", "--at", "x=0,y=2"),
    "modes_intermediates": ("d = a+b; f = d*c", "--at", "a=5,b=-3,c=-2", "--wrt", "d,c"),
    "step_study": ("sin(a*b)", "--at", "a=-4,b=-3", "--wrt", "a", "--step-study"),
    "growth": ("--grow", "1,10,100,1000"),
}


@pytest.mark.parametrize("width", [80, 140])
@pytest.mark.parametrize("name", SCREENS)
def test_snapshot(
    name: str,
    width: int,
    still: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    matches_snapshot: Callable[[str, str], None],
) -> None:
    text = table(SCREENS[name], width, monkeypatch, capsys)
    assert max(map(len, text.split("\n"))) <= width
    matches_snapshot(f"compare_{name}_{width}", text)


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 140])
@pytest.mark.parametrize("name", ["modes", "step_study", "growth"])
def test_no_number_is_cut_at_any_width(name, width, still, monkeypatch, capsys):
    wide = table(SCREENS[name], 10_000, monkeypatch, capsys)
    text = table(SCREENS[name], width, monkeypatch, capsys)
    assert max(map(len, text.split("\n"))) <= width
    assert "…" not in text
    if width >= 60:
        numbers = set(re.findall(r"\d[\d,]*\.\d+|\d{2,}", wide)) - {"1000", "500", "200"}
        assert all(number in re.sub(r"\s", "", text) for number in numbers)


def test_the_lecture_needs_no_folding_in_80_columns(still, monkeypatch, capsys):
    lines = table(LECTURE, 80, monkeypatch, capsys).splitlines()
    rows = [line.split() for line in lines if line.startswith(("  reverse  ", "  forward  "))]
    assert [row[:7] for row in rows[:2]] == [
        ["reverse", "1", "1", "3", "7", "0", "6"],
        ["forward", "3", "1", "11", "19", "0", "18"],
    ]
    assert rows[0][-1] == "16.0"


def test_the_screen_says_which_mode_to_use(capsys):
    _, out, err = ask(capsys, *LECTURE)
    assert "Use reverse mode: for 3 inputs and 1 output it takes 1 sweep, 6 edge products" in out
    assert "forward mode takes 3 sweeps, 18 edge products" in out
    assert "All five modes agree" in out
    assert "falls as h^2.00: the gradient is right" in out
    assert err == ""


def test_the_table_in_a_terminal_has_colour_and_no_column_too_many():
    done = run_in_terminal("compare-modes", *LECTURE, columns=80)
    assert done.code == 0
    assert "\x1b[" in done.out
    plain = re.sub(r"\x1b\[[0-9;]*m", "", done.out).replace("\r\n", "\n")
    assert max(map(len, plain.split("\n"))) <= 80
    done = run_in_terminal("compare-modes", *LECTURE, environment={"NO_COLOR": "1"})
    assert "\x1b[" not in done.out


def test_a_stream_without_unicode_gets_ascii_everywhere():
    environment = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = run("compare-modes", "sin(a*b)", "--at", "a=-4,b=-3", "--wrt", "a", "--step-study",
               "--grow", "1,10", environment=environment)  # fmt: skip
    assert done.code == 0
    assert done.out.isascii()
    assert "\\u" not in done.out
    assert "\\x" not in done.out
    assert "+-" in done.out
    assert "rounding 2eps/h" in done.out


@pytest.mark.parametrize(
    ("seconds", "spread", "text"),
    [
        (1.234e-5, 4.4e-7, "12.3 ± 0.4 µs"),
        (1.5e-9, None, "1.50 ns"),
        (0.2504, 0.0123, " 250 ± 12 ms"),
        (2.0, None, "2.00 s"),
        (0.0, None, "0.00 ns"),
    ],
)
def test_times_are_in_units_that_can_be_read(seconds, spread, text):
    assert duration(seconds, spread) == text


# ------------------------------------------------------------------ the numbers


def test_row_10_of_the_posts_18_edge_products_against_6_and_3_sweeps_against_1(capsys):
    found = by_mode(answer(capsys, *LECTURE))
    assert (found["reverse"]["edge_products"], found["reverse"]["sweeps"]) == (6, 1)
    assert (found["forward"]["edge_products"], found["forward"]["sweeps"]) == (18, 3)


def test_row_9_of_the_posts_the_seed_b_reaches_both_sums(capsys):
    """∂f/∂b = y·1 + x·1: one sweep, and x + y = -3 at this point."""
    found = by_mode(answer(capsys, *LECTURE, "--wrt", "b"))
    assert found["forward"]["sweeps"] == 1
    assert found["forward"]["gradient"] == {"b": -3.0}


def test_row_4_of_the_posts_the_steps_of_a_difference(capsys, monkeypatch, still):
    words = ("a*b", "--at", "a=-4,b=-3", "--step-study")
    study = answer(capsys, *words)["step_study"]["studies"][0]
    forward = {step["h"]: step["estimate"] for step in study["modes"][0]["steps"]}
    assert (study["input"], study["slope"]) == ("a", -3.0)
    assert forward[0.1] == -3.000000000000007
    assert forward[1e-8] == pytest.approx(-2.9999998929, abs=1e-10)
    assert forward[1e-12] == pytest.approx(-3.00027, abs=1e-5)
    assert forward[1e-16] == 0.0
    for width in (80, 140):
        text = table(words, width, monkeypatch, capsys)
        assert "-3.000000000000007" in text
        assert re.search(r"1e-16 +0\.0 ", text)
        assert "exact for every h in theory" in " ".join(text.split())


def test_the_step_study_names_both_arms_and_the_best_steps(capsys):
    found = answer(capsys, "sin(x)", "--at", "x=1", "--step-study")["step_study"]["studies"][0]
    methods = {method["mode"]: method for method in found["modes"]}
    assert list(methods) == ["forward-difference", "central", "complex-step"]
    for mode, theory in (("forward-difference", 1e-8), ("central", 1e-5)):
        arms = [step["arm"] for step in methods[mode]["steps"]]
        assert arms[0] == "truncation"
        assert arms[-1] == "rounding"
        assert theory / 10 < methods[mode]["theory"] < theory * 10
        assert theory / 100 <= methods[mode]["best"] <= theory * 100
    assert len(methods["central"]["steps"]) == 16


def test_the_rows_option_limits_the_slopes_that_are_studied(capsys):
    words = ("a*b*c", "--at", "a=1,b=2,c=3", "--step-study", "--sympy-seconds", "0.001")
    out = ask(capsys, *words, "--rows", "32")[1]
    assert out.count("Step study") == 2
    assert "1 more slopes (--rows 48 shows them)" in out
    out = ask(capsys, *words, "--rows", "2")[1]
    assert out.count("Step study") == 1
    assert "14 more steps" in out
    assert "4 more modes" in out
    assert "1 more inputs" in out


def test_several_outputs_take_a_reverse_sweep_each(capsys):
    made = answer(capsys, "f = a*b; g = a+b", "--at", "a=2,b=3", "--of", "f,g")
    found = by_mode(made)
    assert made["value"] == {"f": 6.0, "g": 5.0}
    assert found["reverse"]["sweeps"] == 2
    assert found["forward"]["sweeps"] == 2
    expected = {"f": {"a": 3.0, "b": 2.0}, "g": {"a": 1.0, "b": 1.0}}
    assert all(found[mode]["gradient"] == expected for mode in ("reverse", "forward", "sympy"))
    assert made["taylor_order"]["f"] == pytest.approx(2, abs=0.1)
    assert made["taylor_order"]["g"] is None
    assert made["agree"] is True


def test_forward_mode_wins_where_outputs_outnumber_inputs(capsys):
    text = "u = sin(exp(x)); " + "; ".join(f"f{k} = {k}u" for k in range(1, 9))
    words = (text, "--at", "x=0.5", "--of", ",".join(f"f{k}" for k in range(1, 9)))
    found = by_mode(answer(capsys, *words))
    assert found["reverse"]["sweeps"] == 8
    assert found["forward"]["sweeps"] == 1
    assert "Use forward mode: for 1 input and 8 outputs" in ask(capsys, *words)[1]


@pytest.mark.parametrize("mode", ["reverse", "forward", "complex-step", "sympy"])
def test_exact_modes_have_all_digits_and_differences_have_not(capsys, mode):
    found = by_mode(answer(capsys, "tanh(x*y)/y", "--at", "x=0.3,y=2"))
    assert found[mode]["digits"] > 15
    assert 6 < found["forward-difference"]["digits"] < 9
    assert 9 < found["central"]["digits"] < 13


def test_growth_counts_are_flat_for_reverse_and_straight_for_forward(capsys):
    made = answer(capsys, "--grow", "10,1,100")
    assert list(made) == ["schema", "ok", "growth", "crossover"]
    members = made["growth"]["members"]
    assert [member["inputs"] for member in members] == [1, 10, 100]
    ratios = [{price["mode"]: price["ratio"] for price in one["modes"]} for one in members]
    assert max(one["reverse"] for one in ratios) < 7
    assert ratios[2]["forward"] / ratios[1]["forward"] == pytest.approx(10, rel=0.1)
    assert made["crossover"]["counted"] == 2
    assert made["crossover"]["sentence"].startswith("Crossover: ")


def test_growth_stands_beside_an_expression_too(capsys):
    made = answer(capsys, "x^2", "--at", "x=3", "--grow", "1")
    assert list(made)[-2:] == ["growth", "crossover"]
    out = ask(capsys, "x^2", "--at", "x=3", "--grow", "1")[1]
    assert "Growth" in out
    assert "The modes" in out


# ------------------------------------------------------------------ the formats


def check_schema(made: dict[str, Any]) -> None:
    assert list(made)[:8] == [
        "schema", "ok", "expression", "at", "value", "modes", "taylor_order", "agree",
    ]  # fmt: skip
    assert made["schema"] == "backprop/1"
    assert isinstance(made["warnings"], list)
    for mode in made["modes"]:
        assert list(mode)[:8] == MODE_KEYS
        assert set(mode) - set(MODE_KEYS) <= {"skipped"}
        assert ("skipped" in mode) == (mode["gradient"] is None)
        if mode["operations"] is not None:
            assert list(mode["operations"]) == ["additions", "multiplications", "calls"]
            assert all(type(count) is int for count in mode["operations"].values())
            assert mode["edge_products"] <= mode["operations"]["multiplications"]
            assert mode["seconds"] > 0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (LECTURE, 0),
        (("f = a*b; g = a+b", "--at", "a=2,b=3", "--of", "f,g"), 0),
        (("relu(x)", "--at", "x=0"), 0),
        (("log(x)+y", "--at", "x=-1,y=1"), 3),
        (("exp(x)", "--at", "x=1000"), 3),
        (("2*pi",), 0),
        (("erf(x)", "--at", "x=1", "--sympy-seconds", "0.001"), 0),
        (("x^2", "--at", "x=3", "--step-study", "--grow", "1,2"), 0),
    ],
)
def test_json_is_the_contract_whatever_the_answer(capsys, words, code):
    got, out, _ = ask(capsys, *words, "--format", "json")
    assert got == code
    assert out.count("\n") == 1
    made = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    check_schema(made)
    assert made["ok"] is (code == 0)


def test_plain_lines_are_those_of_grad_and_then_measures_by_mode(capsys):
    code, out, err = ask(capsys, *LECTURE, "--format", "plain")
    lines = [line.split(" ", 1) for line in out.splitlines()]
    assert lines[:4] == [["f", "-10.0"], ["a", "-5.0"], ["b", "-3.0"], ["c", "2.0"]]
    found = dict(lines)
    assert len(found) == len(lines)
    assert found["edge_products.forward"] == "18"
    assert found["edge_products.reverse"] == "6"
    assert found["digits.reverse"] == "16.0"
    assert found["sweeps.forward"] == "3"
    assert float(found["taylor_order.f"]) == pytest.approx(2, abs=0.1)
    assert found["agree.modes"] == "true"
    assert err == "All five modes agree (exactly).\n"
    assert code == 0


def test_plain_lines_name_the_output_where_there_are_several(capsys):
    out, err = ask(capsys, "f = a*b; g = a+b", "--at", "a=2,b=3", "--of", "f,g", "--format",
                   "plain")[1:]  # fmt: skip
    assert out.splitlines()[:6] == ["f 6.0", "f.a 3.0", "f.b 2.0", "g 5.0", "g.a 1.0", "g.b 1.0"]
    assert [line.split(":")[0] for line in err.splitlines()] == ["f", "g"]


def test_plain_lines_have_the_step_study_and_the_growth(capsys):
    out = ask(capsys, "a*b", "--at", "a=-4,b=-3", "--step-study", "--grow", "1,10", "--format",
              "plain")[1]  # fmt: skip
    found = dict(line.split(" ", 1) for line in out.splitlines())
    assert found["estimate.forward-difference.f.a.1e-01"] == "-3.000000000000007"
    assert found["estimate.forward-difference.f.a.1e-16"] == "0.0"
    assert found["error.forward-difference.f.a.1e-16"] == "3.0"
    assert found["error.central.f.b.1e-16"] == "4.0"
    assert found["crossover.counted"] == "2"
    assert found["operations.f.10"] == "21"


@pytest.mark.parametrize("form", ["plain", "json"])
def test_machine_numbers_read_back_exactly(capsys, form):
    out = ask(capsys, "x/3", "--at", "x=0.1", "--format", form)[1]
    assert repr(0.1 / 3) in out


# ------------------------------------------------------------------ verdicts and exit codes

WRONG = [
    ("sin", ("-cos(x)",), "sin(x*y) + y", "sin(v1) in v1"),
    ("tanh", ("1/cosh(x)",), "tanh(x)*y", "tanh(x) in x"),
    ("exp", ("out*1.000001",), "exp(x)*y", "exp(x) in x"),
    ("mul", ("x", "y"), "x*y", "x*y in x"),
]


@pytest.mark.parametrize(("row", "partials", "expression", "place"), WRONG)
def test_a_wrong_rule_is_found_and_the_right_witness_blamed(
    capsys, row, partials, expression, place
):
    words = (expression, "--at", "x=0.5,y=2")
    with broken(row, partials):
        code, out, _ = ask(capsys, *words)
        _, made, said = ask(capsys, *words, "--format", "json")
        _, plain, plainly = ask(capsys, *words, "--format", "plain")
    text = " ".join(out.split())
    assert code == 1
    assert "Reverse and forward are out for x" in text
    assert "sides with differences, complex step and SymPy" in text
    assert f"The table's slope of {place} is" in text
    assert "the gradient is wrong" in text
    found = json.loads(made)
    assert (found["ok"], found["agree"]) == (True, False)
    assert {warning["code"] for warning in found["warnings"]} == {"disagreement"}
    assert "Reverse and forward are out" in found["warnings"][0]["message"]
    assert "Reverse and forward are out" in said
    assert "Reverse and forward are out" in plainly
    assert plain.splitlines()[-1] == "agree.modes false"
    assert ask(capsys, *words)[0] == 0


def test_a_wrong_forward_sweep_is_blamed_alone(capsys, monkeypatch):
    sweep = costs.jvp

    def twice(*arguments: Any) -> Any:
        return [None if tangent is None else 2 * tangent for tangent in sweep(*arguments)]

    monkeypatch.setattr(costs, "jvp", twice)
    code, out, _ = ask(capsys, "x*y", "--at", "x=2,y=3")
    text = " ".join(out.split())
    assert code == 1
    assert "Forward is out for x, y: its sweep does not carry what the others find" in text
    assert "sides with reverse, differences, complex step and SymPy" in text


def test_a_remainder_of_order_1_is_a_finding_of_its_own(capsys, monkeypatch):
    wrong = modes.Taylor(1.0, False, "Taylor: the gradient is wrong.")
    monkeypatch.setattr(modes, "taylor", lambda solution, answer: wrong)
    code, out, err = ask(capsys, *LECTURE, "--format", "json")
    assert code == 1
    assert json.loads(out)["agree"] is False
    assert err == "Taylor: the gradient is wrong.\n"


def test_a_kink_is_a_warning_and_no_disagreement(capsys):
    code, out, err = ask(capsys, "relu(x)*y", "--at", "x=0,y=2")
    assert code == 0
    assert "no two-sided slope" in out
    assert "unknown, as some slope is not two-sided here" in out
    assert "a kink, jump or pole stands within every step" in out
    assert err.startswith("warning: v1 (relu) has a kink along x")
    made = answer(capsys, "relu(x)*y", "--at", "x=0,y=2")
    assert by_mode(made)["reverse"]["digits"] is None
    assert made["taylor_order"] is None
    assert made["warnings"][0]["code"] == "kink"


def test_a_step_study_at_a_kink_has_no_errors_and_no_plot(capsys):
    words = ("abs(x)", "--at", "x=0", "--step-study")
    out = ask(capsys, *words)[1]
    assert "no two-sided slope here" in out
    assert "The error against the step" not in out
    steps = answer(capsys, *words)["step_study"]["studies"][0]["modes"][0]["steps"]
    assert {step["error"] for step in steps} == {None}


@pytest.mark.parametrize("form", ["table", "plain", "json"])
def test_an_undefined_answer_points_and_carries_what_there_is(capsys, form):
    code, out, err = ask(capsys, "x + log(y)", "--at", "x=1,y=-1", "--step-study", "--format", form)
    assert code == 3
    assert err.splitlines() == [
        "error: log needs y > 0, got y = -1",
        "  x + log(y)",
        "      ^^^^^^",
    ]
    if form == "plain":
        assert out == "f NaN\nx NaN\ny NaN\n"
    if form == "json":
        made = json.loads(out)
        assert (made["ok"], made["agree"], made["value"]) == (False, None, "NaN")
        assert made["modes"][0]["gradient"] == {"x": "NaN", "y": "NaN"}
        assert (made["error"]["code"], made["error"]["column"]) == ("undefined", 5)


def test_one_input_and_none(capsys):
    out = ask(capsys, "x^2", "--at", "x=3")[1]
    assert "Use either mode: for 1 input and 1 output" in out
    code, out, err = ask(capsys, "2*pi", "--step-study")
    assert (code, err) == (0, "")
    assert "There are no inputs to differentiate by." in out
    assert ask(capsys, "2*pi", "--format", "plain")[1] == f"f {2 * math.pi!r}\n"


def test_a_mode_that_cannot_be_asked_says_why(capsys):
    words = ("erf(x)*y", "--at", "x=1,y=2", "--sympy-seconds", "0.001")
    code, out, _ = ask(capsys, *words)
    assert code == 0
    assert "complex step: skipped, erf has no complex reading" in out
    assert "SymPy: skipped, gave up" in out
    assert "All three modes agree" in out
    found = by_mode(answer(capsys, *words))
    assert found["complex-step"]["skipped"] == "erf has no complex reading"
    assert found["complex-step"]["gradient"] is None
    plain = ask(capsys, *words, "--format", "plain")[1]
    assert "skipped.complex-step erf has no complex reading" in plain
    assert "digits.complex-step" not in plain


def test_three_thousand_inputs_leave_reverse_mode_and_a_reason_for_the_others(tmp_path):
    program, point = tmp_path / "program.txt", tmp_path / "point.json"
    program.write_text("+".join(f"x{k}*x{k * 7 % 3000}" for k in range(3000)))
    point.write_text(json.dumps({f"x{k}": str(k / 1000 + 0.5) for k in range(3000)}))
    done = run("compare-modes", f"@{program}", "--at", f"@{point}", "--rows", "8",
               "--step-study", "--sympy-seconds", "0.01")  # fmt: skip
    assert done.code == 0, done.err
    assert len(done.out.splitlines()) < 60
    assert "Use reverse mode: 3,000 inputs and 1 output need 1 reverse sweep or 3,000" in done.out
    assert "forward: skipped, 3,000 inputs: a sweep for each is too much" in done.out
    assert "2,992 more inputs (--rows 3000 shows them)" in done.out
    assert "No step study: 8,999 nodes" in done.out


def test_many_inputs_are_timed_in_part_and_it_is_said(capsys, still):
    text = "+".join(f"sin(x{k})" for k in range(200))
    at = ",".join(f"x{k}={k}/200" for k in range(200))
    out = ask(capsys, text, "--at", at, "--rows", "6", "--sympy-seconds", "0.001")[1]
    assert "timed for 166 of 200 inputs" in out
    made = by_mode(answer(capsys, text, "--at", at, "--sympy-seconds", "0.001"))
    assert len(made["forward"]["gradient"]) == 200
    assert made["forward"]["sweeps"] == 200


# ------------------------------------------------------------------ refusals

AT_X = ("x", "--at", "x=1")
REFUSALS = [
    ((), "missing argument 'EXPRESSION'"),
    (("--step-study",), "missing argument 'EXPRESSION'"),
    (("--grow", "1", "--step-study"), "--step-study goes with an EXPRESSION"),
    (("--grow", "1", "--at", "x=1"), "--at goes with an EXPRESSION"),
    (("--grow", "1", "--wrt", "x"), "--wrt goes with an EXPRESSION"),
    (("--grow", "1", "--of", "x"), "--of goes with an EXPRESSION"),
    (("--grow", "1", "--sympy-seconds", "5"), "--sympy-seconds goes with an EXPRESSION"),
    (("--grow", "0"), "from 1 to 100000, got '0'"),
    (("--grow", "-1"), "got '-1'"),
    (("--grow", "1.5"), "got '1.5'"),
    (("--grow", "1,ten"), "got 'ten'"),
    (("--grow", "²"), "got '²'"),
    (("--grow", ""), "got ''"),
    (("--grow", "1,,2"), "got ''"),
    (("--grow", "100001"), "got '100001'"),
    (("--grow", "9" * 5000), "from 1 to 100000"),
    (("--grow", ",".join(map(str, range(1, 30)))), "up to 20 sizes, got 29"),
    (("sine(x)", "--at", "x=1"), "did you mean 'sin'?"),
    (("a+b", "--at", "a=1"), "no value for b"),
    ((*AT_X, "--wrt", "y"), "--wrt: the program has no name 'y'"),
    ((*AT_X, "--of", "y"), "--of: the program has no name 'y'"),
    ((*AT_X, "--format", "csv"), "'csv' is not one of"),
    ((*AT_X, "--rows", "0"), "--rows"),
    ((*AT_X, "--sympy-seconds", "0"), "--sympy-seconds"),
    ((*AT_X, "--precision", "30"), "no such option"),
    ((*AT_X, "y"), "unexpected extra argument"),
    (("@no-such-file", "--at", "x=1"), "cannot read"),
]


@pytest.mark.parametrize(("words", "message"), REFUSALS)
def test_a_refusal_says_what_is_wrong(capsys, words, message):
    code, out, err = ask(capsys, *words)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert message in err


@pytest.mark.parametrize(("words", "message"), REFUSALS)
def test_a_refusal_is_json_where_json_was_asked_for(capsys, words, message):
    if "--format" in words:
        return
    code, out, _ = ask(capsys, *words, "--format", "json")
    made = json.loads(out)
    assert (code, made["ok"]) == (2, False)
    assert made["error"]["code"]
    assert made["error"]["message"]


def test_an_error_points_at_the_column(capsys):
    err = ask(capsys, "1 + sine(x)", "--at", "x=1")[2]
    assert err.splitlines()[1:3] == ["  1 + sine(x)", "      ^^^^"]


def test_an_expression_may_begin_with_a_dash_or_come_from_elsewhere(tmp_path):
    path = tmp_path / "program.txt"
    path.write_text("u = x*y\nf = u^2\n")
    assert run("compare-modes", "-x^2", "--at", "x=3", "--format", "plain").out.startswith("f -9.0")
    words = ("--at", "x=1,y=2", "--format", "plain")
    assert run("compare-modes", f"@{path}", *words).out.startswith("f 4.0\nx 8.0\ny 4.0\n")
    assert run("compare-modes", "-", *words, stdin="x*y").out.startswith("f 2.0\nx 2.0\ny 1.0\n")


def test_an_error_in_a_file_names_the_file(tmp_path):
    path = tmp_path / "program.txt"
    path.write_text("sine(x)")
    lines = run("compare-modes", f"@{path}", "--at", "x=1").err.splitlines()
    assert lines[1].startswith(f"  {str(tmp_path)[:20]}")


# ------------------------------------------------------------------ manners


def imported(*words: str) -> list[str]:
    """Return which heavy packages the command has imported at its end."""
    script = (
        "import sys; from backprop_cli.commands.main import run;"
        f"run({['compare-modes', *words]!r});"
        "import json; print(json.dumps([n for n in ('sympy','rich','numpy','mpmath','plotille') if n in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_nothing_heavy_is_imported_where_it_is_not_used():
    assert imported("--help") == []
    assert imported("sine(x)") == []
    assert imported("--grow", "1,2", "--format", "json") == []
    assert imported("x^2", "--at", "x=3", "--format", "plain") == ["mpmath"]
    assert imported("x^2", "--at", "x=3") == ["rich", "mpmath"]


def test_shared_options_read_alike_in_every_command():
    def described(command: str, option: str) -> str:
        text = run(command, "--help").out
        found = re.search(rf"  {option} (.*?)(?=\n  -|\n\n)", text, re.DOTALL)
        return " ".join(found[1].split()) if found else ""

    for option in ("--rows", "--color", "--at", "--wrt", "--of"):
        assert described("grad", option) == described("compare-modes", option) != ""
    for command in ("grad", "compare-modes", "check", "diagnose"):
        text = described(command, "--format")
        assert text.startswith("[table|plain|json")
        assert "] table for people; plain lines or json for scripts" in text
    assert "markdown, latex, html: a worked solution" in described("grad", "--format")
    assert all(
        "0<x<=3600" in described(command, "--sympy-seconds")
        for command in ("grad", "compare-modes", "batch")
    )
    assert "csv" in described("ascend", "--format")


def test_growth_uses_the_documented_family_and_shows_it():
    assert growth.FAMILY in run("compare-modes", "--help").out
    assert growth.FAMILY in run("compare-modes", "--grow", "1").out
