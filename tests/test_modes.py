"""`compare_modes`: right programs agree; where one witness is wrong, it is named, and why."""

import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from strategies import Program, programs
from test_agreement import repeatable
from test_checks_bite import broken, compiled_anew, overwriting

import backprop_cli.studies.gradient
from backprop_cli.calculus import differences
from backprop_cli.calculus.forward import jvp
from backprop_cli.language.parser import parse
from backprop_cli.operations import ROW
from backprop_cli.readings.complexes import COMPLEX
from backprop_cli.readings.floats import FLOATS
from backprop_cli.studies import findings
from backprop_cli.studies.comparing import costs, modes
from backprop_cli.studies.comparing.modes import MODES, Comparison, Mode, compare_modes
from backprop_cli.studies.gradient import solve
from backprop_cli.studies.solution import Estimate, Formula, Solution, Unavailable, Witness
from backprop_cli.studies.witness import start


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the time of one run: times are not asserted."""
    monkeypatch.setattr(costs, "_BUDGET", 0.0)


class SaidBySymPy:
    """Stands for SymPy: says what it is told to."""

    seconds = 0.25

    def __init__(self, said: Mapping[str, Mapping[str, Any]], skipped: str = "") -> None:
        self.said, self.skipped = said, skipped

    def result(self) -> dict[str, Witness]:
        return {name: Witness("sympy", part, self.skipped) for name, part in self.said.items()}


def compared(text: str, of: tuple[str, ...] = (), sympy: Any = None, **point: float) -> Comparison:
    return compare_modes(solve(parse(text, point), point, outputs=of), sympy)


def rows(comparison: Comparison) -> dict[str, Mode]:
    return {mode.mode: mode for mode in comparison.modes}


def with_sympy(solution: Solution) -> Comparison:
    outputs = {answer.name: answer.node for answer in solution.answers}
    with start(solution.graph, outputs, solution.wrt, solution.point, 30.0) as witness:
        return compare_modes(solution, witness)


ROW_TEN = ("(a + b)*(b + c)", {"a": 1.0, "b": 2.0, "c": 3.0})


def test_row_ten_every_mode_gives_the_gradient_and_all_agree() -> None:
    found = with_sympy(solve(parse(ROW_TEN[0]), ROW_TEN[1]))
    assert [mode.mode for mode in found.modes] == list(MODES)
    for mode in found.modes:
        assert mode.gradients[0] == pytest.approx({"a": 5, "b": 8, "c": 3}, rel=1e-7), mode.mode
        assert mode.seconds is not None
    assert found.agree
    assert found.verdicts == ("All five modes agree (exactly).",)
    assert [taylor.right for taylor in found.taylors] == [True]


def test_row_ten_eighteen_edge_products_against_six() -> None:
    found = compared(ROW_TEN[0], **ROW_TEN[1])
    counts = {name: mode.operations for name, mode in rows(found).items()}
    assert counts["forward"] is not None
    assert counts["reverse"] is not None
    assert (counts["forward"].edge_products, counts["reverse"].edge_products) == (18, 6)
    assert (rows(found)["forward"].sweeps, rows(found)["reverse"].sweeps) == (3, 1)
    assert all(text in found.rule for text in ("3 inputs", "18 edge products", "6 edge products"))
    assert "8 edge products" in rows(found)["forward"].note


def test_the_digits_tell_exact_modes_from_differences() -> None:
    found = {
        name: mode.digits for name, mode in rows(compared("exp(x)*sin(y)", x=1.0, y=2.0)).items()
    }
    assert found["reverse"] is not None
    assert all((found[name] or 0) > 15 for name in ("reverse", "forward", "complex-step"))
    assert 6 < (found["forward-difference"] or 0) < 9.5
    assert 9 < (found["central"] or 0) < 13


def test_several_outputs_are_compared_and_reverse_mode_needs_a_sweep_for_each() -> None:
    found = compared("f = x*y; g = sin(x) + y; h = x^2", of=("f", "g", "h"), x=2.0, y=3.0)
    assert len(found.verdicts) == len(found.agreements) == len(found.taylors) == 3
    assert rows(found)["reverse"].gradients == (
        {"x": 3.0, "y": 2.0},
        {"x": math.cos(2.0), "y": 1.0},
        {"x": 4.0, "y": 0.0},
    )
    assert (rows(found)["reverse"].sweeps, rows(found)["forward"].sweeps) == (3, 2)
    assert all(mode.skipped or len(mode.gradients) == 3 for mode in found.modes)


def test_reverse_mode_is_cheaper_for_many_inputs_and_forward_mode_for_many_outputs() -> None:
    """One input of thirty outputs: one forward sweep against thirty reverse ones."""
    lines = "s = exp(sin(cos(x))); " + "; ".join(f"y{k} = {k}*s" for k in range(30))
    many_outputs = rows(compared(lines, of=tuple(f"y{k}" for k in range(30)), x=0.5))
    names = {f"x{k}": 1.0 for k in range(30)}
    many_inputs = rows(compared(" + ".join(f"{name}^2" for name in names), **names))
    totals = [
        [found[mode].operations.total for mode in ("reverse", "forward")]  # type: ignore[union-attr]
        for found in (many_outputs, many_inputs)
    ]
    assert totals[0][1] < totals[0][0]
    assert totals[1][0] < totals[1][1]


def test_random_programs_agree() -> None:
    seen = {"compared": 0, "complex": 0}

    @repeatable(60)
    @given(programs())
    def look(program: Program) -> None:
        solution = solve(parse(program.text, program.point), program.point)
        found = compare_modes(solution)
        assert found.agree, found.verdicts
        if found.modes:
            seen["compared"] += 1
            seen["complex"] += not rows(found)["complex-step"].skipped

    look()
    assert seen["compared"] > 30
    assert seen["complex"] > 20


# ---------------------------------------------------------------------- one of them is wrong


@pytest.mark.parametrize(
    ("name", "partials", "text", "about"),
    [
        ("sin", ("-cos(x)",), "sin(x)*y", "sin(x) in x"),
        ("mul", ("x", "y"), "exp(x)*y", "in v1"),
        ("tanh", ("1/cosh(x)",), "y + tanh(x)", "tanh(x) in x"),
        ("exp", ("out*1.000001",), "exp(x) + y", "exp(x) in x"),
    ],
)
def test_a_wrong_slope_in_the_table_is_named(
    name: str, partials: tuple[str, ...], text: str, about: str
) -> None:
    assert compared(text, x=0.75, y=0.5).agree
    with broken(name, partials):
        found = compared(text, x=0.75, y=0.5)
    assert not found.agree
    assert "Reverse and forward are out for x" in found.verdicts[0]
    assert "they share the table's slopes" in found.verdicts[0]
    assert "the 50-digit reference sides with differences and complex step" in found.verdicts[0]
    assert about in found.verdicts[0]
    assert "its values say" in found.verdicts[0]


def test_a_wrong_slope_in_the_table_has_few_digits_and_an_order_of_1() -> None:
    with broken("sin", ("-cos(x)",)):
        found = compared("sin(x)*y", x=0.75, y=0.5)
    assert found.taylors[0].right is False
    assert rows(found)["reverse"].digits == 0
    assert (rows(found)["complex-step"].digits or 0) > 15


def test_a_wrong_value_in_the_float_reading_is_laid_to_differences(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """sin reads 1.01·sin: what floats compute moves otherwise than what the table says."""
    solution = solve(parse("sin(x)*y"), {"x": 0.75, "y": 0.5})
    values = list(FLOATS.values)
    values[ROW["sin"]] = lambda x: 1.01 * math.sin(x)
    monkeypatch.setattr(FLOATS, "values", values)
    found = compare_modes(solution)
    assert not found.agree
    assert "Differences are out for x" in found.verdicts[0]
    assert "off by more than their own error estimate" in found.verdicts[0]
    assert "sides with reverse, forward and complex step" in found.verdicts[0]


def test_a_wrong_complex_reading_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    COMPLEX.prepare_values(parse("sin(x)"))
    right = COMPLEX.values[ROW["sin"]]
    values = list(COMPLEX.values)
    values[ROW["sin"]] = lambda z: right(z).conjugate()
    monkeypatch.setattr(COMPLEX, "values", values)
    found = compared("sin(x)*y", x=0.75, y=0.5)
    assert not found.agree
    assert "Complex step is out for x: its reading of some operation differs" in found.verdicts[0]
    assert "sides with reverse, forward and differences" in found.verdicts[0]


def test_a_wrong_answer_of_sympy_is_named() -> None:
    said = {"f": {"x": Formula("2*y", 1.0), "y": Formula("x", 0.75)}}
    found = compared("x*y", sympy=SaidBySymPy(said), x=0.75, y=0.5)
    assert not found.agree
    assert "SymPy is out for x: its function differs from the table's" in found.verdicts[0]
    assert "sides with reverse, forward, differences and complex step" in found.verdicts[0]
    assert "for y" not in found.verdicts[0]


def test_a_wrong_forward_sweep_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def doubled(*arguments: Any, **more: Any) -> list[Any]:
        return [tangent and 2 * tangent for tangent in jvp(*arguments, **more)]

    monkeypatch.setattr(costs, "jvp", doubled)
    found = compared("s = x*y; s*x + sin(s)", x=2.0, y=0.5)
    assert not found.agree
    assert "Forward is out for" in found.verdicts[0]
    assert "its sweep does not carry what the others find" in found.verdicts[0]


def test_a_reverse_sweep_that_does_not_add_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backprop_cli.studies.gradient, "reverse", overwriting)
    found = compared("s = x*y; s*x + sin(s)", x=2.0, y=0.5)
    assert not found.agree
    assert "Reverse is out for x" in found.verdicts[0]
    assert "its sweep does not gather what the others find" in found.verdicts[0]
    assert found.taylors[0].right is False


def test_only_the_output_that_is_wrong_is_accused() -> None:
    with broken("sin", ("-cos(x)",)):
        found = compared("f = x*y; g = sin(x)", of=("f", "g"), x=2.0, y=3.0)
    assert [agreement.agree for agreement in found.agreements] == [True, False]
    assert "out for" not in found.verdicts[0]
    assert "out for x" in found.verdicts[1]


def test_an_error_of_the_float_slope_alone_is_found_too() -> None:
    with compiled_anew(ROW["sin"], (lambda x, out: -math.cos(x),)):
        found = compared("sin(x)", x=0.75)
    assert "The table's slope of sin(x) in x is" in found.verdicts[0]


# ------------------------------------------------------------------------------ what is skipped


def test_a_mode_that_is_skipped_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    found = rows(compared("gamma(x)*y", x=2.5, y=1.0))
    assert found["complex-step"].skipped == "gamma has no complex reading"
    assert found["sympy"].skipped == "it was not asked"
    assert (found["complex-step"].gradients, found["complex-step"].seconds) == ((), None)
    monkeypatch.setattr(modes, "too_large", lambda solution: True)
    found = rows(compared("x*y", x=2.5, y=1.0))
    assert not found["reverse"].skipped
    for name in ("forward", "forward-difference", "central", "complex-step"):
        assert "2 inputs" in found[name].skipped


def test_too_many_inputs_are_left_to_reverse_mode() -> None:
    names = {f"x{k}": 1.0 for k in range(2500)}
    solution = solve(parse("+".join(f"{name}^2" for name in names)), names)
    assert findings.too_large(solution)
    assert "2,500 inputs" in modes.why_skipped("forward", solution)
    assert modes.why_skipped("reverse", solution) == ""


def test_what_sympy_could_not_do_is_the_reason_that_it_is_missing() -> None:
    silent = SaidBySymPy({"f": {}}, "gave up after 10 s")
    assert (
        rows(compared("x*y", sympy=silent, x=1.0, y=2.0))["sympy"].skipped == "gave up after 10 s"
    )
    partly = SaidBySymPy({"f": {"x": Formula("y", 2.0), "y": Unavailable("no closed form")}})
    found = compared("x*y", sympy=partly, x=1.0, y=2.0)
    assert rows(found)["sympy"].skipped == "no closed form"
    assert found.agree


def test_the_swell_of_sympys_formulas_is_counted() -> None:
    said = {"f": {"x": Formula("2*x*y + sin(x)", 4.0), "y": Formula("x^2", 1.0)}}
    mode = rows(compared("x^2*y - cos(x)", sympy=SaidBySymPy(said), x=1.0, y=2.0))["sympy"]
    assert mode.operations is not None
    assert mode.operations[:3] == (1, 2, 2)
    assert mode.seconds == 0.25


def test_without_an_answer_or_inputs_nothing_is_compared() -> None:
    for found in (compared("log(x)", x=-1.0), compared("1 + 2")):
        assert (found.modes, found.verdicts, found.taylors) == ((), (), ())
        assert found.agree


def test_at_a_kink_nobody_is_accused_and_no_digits_are_told() -> None:
    found = compared("abs(x) + relu(y)*x", x=0.0, y=1.0)
    assert found.agree
    assert {mode.digits for mode in found.modes} == {None}
    assert found.taylors[0].right is None


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("sin(x)*y", {"x": 1e200, "y": 2.0}),
        ("hypot(x, y)", {"x": 1e300, "y": 1.0}),
        ("exp(-x)*y", {"x": 600.0, "y": 2.0}),
        ("log(x)", {"x": 1e300}),
        ("x*y", {"x": -1e-300, "y": -6.5e-16}),
        ("(1 - cos(x))/x^2", {"x": 1e-7}),
        ("tanh(x)", {"x": 171.0}),
        ("x^3*y", {"x": 0.0, "y": 0.0}),
        ("x^y", {"x": 2.0, "y": 3.0}),
        ("max(x) + min(y)", {"x": 2.0, "y": 3.0}),
    ],
)
def test_at_the_edges_of_floats_nobody_is_accused(text: str, point: dict[str, float]) -> None:
    assert compared(text, **point).agree


def test_a_complex_step_that_underflows_is_no_witness() -> None:
    """exp(-600) is 1e-261: times 1e-100 it is 0."""
    found = compared("exp(-x)", x=600.0)
    assert differences.complex_step_floor(600.0) > math.exp(-600)
    (heard,) = [w for w in found.agreements[0].witnesses if w.mode == "complex-step"]
    assert isinstance(heard.gradient["x"], Unavailable)
    assert not any(isinstance(said, Estimate) for said in heard.gradient.values())


def test_intermediates_are_compared_as_if_they_stood_for_themselves() -> None:
    solution = solve(parse("d = a + b; d*a"), {"a": 2.0, "b": 3.0}, wrt=("d", "a"))
    found = compare_modes(solution)
    assert found.agree
    for mode in found.modes[:-1]:
        assert mode.gradients[0] == pytest.approx({"d": 2.0, "a": 7.0}, rel=1e-7)
    assert found.taylors[0].right is None
