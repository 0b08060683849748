"""The mistaken backward passes: each is exactly the mistake it says, and the rest is right."""

import io
import json
import math
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from strategies import Program, programs
from test_cli_grad import answer, ask

from backprop_cli.calculus.reverse import contributions
from backprop_cli.language.parser import parse
from backprop_cli.readings.precise import Precise
from backprop_cli.render import wrong_pass as render
from backprop_cli.render.console import Screen
from backprop_cli.studies.gradient import solve
from backprop_cli.studies.mistakes import KINDS, MISTAKES, Mistake, Rule, sweep
from backprop_cli.studies.point import evaluated, read_bindings
from backprop_cli.studies.solution import MISTAKE_KINDS as OFFERED
from backprop_cli.studies.solution import Solution
from backprop_cli.studies.wrong_pass import Mistaken, mistaken

LECTURE = "x = a + b; y = b + c; f = x*y"
LECTURE_POINT = {"a": 2.0, "b": -3.0, "c": 4.0}

every_mistake = pytest.mark.parametrize("mistake", MISTAKES, ids=KINDS)


def repeatable(examples: int) -> settings:
    return settings(
        derandomize=True,
        phases=[Phase.generate],
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


def solved(source: str, point: dict[str, float], **options: Any) -> Solution:
    return solve(parse(source, point), point, **options)


def run(
    kind: str, source: str, point: dict[str, float], most: int = 100, **options: Any
) -> Mistaken:
    solution = solved(source, point, **options)
    return mistaken(solution, solution.answers[0], kind, most)


def of_example(mistake: Mistake) -> tuple[str, dict[str, float]]:
    program, point = mistake.example
    return program, evaluated(read_bindings([point]))


# ------------------------------------------------------------------ the sweep and its rules


@repeatable(200)
@given(programs())
def test_without_a_mistake_the_sweep_is_the_reverse_sweep_to_the_last_bit(program: Program) -> None:
    solution = solved(program.text, program.point)
    output = solution.answers[0]
    solution.arithmetic.prepare_partials(solution.graph)
    adjoints: list[Any] = [None] * solution.graph.size
    done = list(sweep(solution, output, Rule(), adjoints))
    assert str(adjoints) == str(output.adjoints)
    right = contributions(solution.graph, solution.values, output.adjoints, solution.active)
    assert str([sent.value for *_, sent in done]) == str([step.value for step in right])


@repeatable(150)
@given(programs())
def test_rows_that_do_not_differ_lead_to_a_gradient_that_does_not(program: Program) -> None:
    solution = solved(program.text, program.point)
    assume(solution.answers[0].failure is None)
    for kind in KINDS:
        found = mistaken(solution, solution.answers[0], kind)
        assert found.right == dict(solution.answers[0].gradient)
        if found.rows.first is None:
            assert found.wrong == ()
        if found.wrong:
            assert found.rows.parts[found.rows.first - found.rows.start].differs


@repeatable(150)
@given(programs())
def test_twice_counts_a_path_of_n_edges_n_plus_one_times(program: Program) -> None:
    """Σ (n + 1)·product, by a sweep that carries the sums of product and of length × product."""
    solution = solved(program.text, program.point)
    output = solution.answers[0]
    assume(output.failure is None)
    plain, weighted, size = ({output.node: k} for k in (1.0, 0.0, 1.0))
    for step in contributions(solution.graph, solution.values, output.adjoints, solution.active):
        node, operand, _, local, _ = step
        plain[operand] = plain.get(operand, 0) + local * plain[node]
        more = local * (weighted[node] + plain[node])
        weighted[operand] = weighted.get(operand, 0) + more
        size[operand] = size.get(operand, 0) + abs(local) * size[node]
    found = mistaken(solution, output, "twice")
    for name, node in solution.wrt.items():
        if node in plain and node != output.node:
            expected = plain[node] + weighted[node]
            assert found.gradient[name] == pytest.approx(
                expected, rel=1e-9, abs=1e-9 * size[node] * solution.graph.size
            )


def test_overwrite_keeps_the_last_contribution() -> None:
    """b receives -1 from y, then 1 from x; their sum is 0, the last of them 1."""
    found = run("overwrite", LECTURE, LECTURE_POINT)
    assert (found.right, found.gradient) == (
        {"a": 1.0, "b": 0.0, "c": -1.0},
        {"a": 1.0, "b": 1.0, "c": -1.0},
    )
    assert found.wrong == ("b",)
    first = found.rows.parts[found.rows.first]
    assert (first.right.value, first.wrong.value) == (1.0, 1.0)
    assert (first.right.total, first.wrong.total) == (0.0, 1.0)


def test_without_an_order_a_node_hands_on_before_everything_has_arrived() -> None:
    """f = u·(u + x), u = x·y at (2, 3): u is visited first, with v1 = 8 of its 14.

    x receives 8·3 from u and 6·1 from v1, that is 30 and not 48; y 8·2 = 16 and not 28.
    """
    found = run("no-order", "u = x*y; f = u*(u + x)", {"x": 2.0, "y": 3.0})
    assert found.gradient == {"x": 30.0, "y": 16.0}
    first = found.rows.parts[found.rows.first]
    assert (first.right.upstream, first.wrong.upstream) == (14.0, 8.0)


def test_recursion_that_meets_the_late_use_first_is_right_by_luck() -> None:
    found = run("no-order", "u = x*y; f = (u + x)*u", {"x": 2.0, "y": 3.0})
    assert (found.wrong, found.rows.first) == ((), None)


def test_a_second_pass_doubles_one_step_and_triples_two() -> None:
    """f = d·c, d = a + b: c is one step away, a and b two."""
    found = run("twice", "d = a+b; f = d*c", {"a": 5.0, "b": -3.0, "c": -2.0})
    assert found.right == {"a": -2.0, "b": -2.0, "c": 2.0}
    assert found.gradient == {"a": -6.0, "b": -6.0, "c": 4.0}


def test_the_inner_slope_is_left_out_inside_a_function_or_power() -> None:
    """(3x + 4y)^3 at (1, 1): 3·7² = 147 for both, and not 441 and 588."""
    found = run("no-inner", "(3*x+4*y)^3", {"x": 1.0, "y": 1.0})
    assert found.gradient == {"x": 147.0, "y": 147.0}
    assert run("no-inner", "x^3 + sin(x)", {"x": 1.0}).wrong == ()
    assert run("no-inner", "exp(x)*(3*x)", {"x": 1.0}).wrong == ()
    assert run("no-inner", "w*x + b", {"w": 2.0, "x": 3.0, "b": 1.0}).wrong == ()


def test_local_slopes_alone_add_up_to_the_wrong_gradient() -> None:
    """(x + y)·z at (-2, 5, -4): x and y get the 1 of the sum and not 1·(-4)."""
    found = run("local-only", "(x+y)*z", {"x": -2.0, "y": 5.0, "z": -4.0})
    assert found.gradient == {"x": 1.0, "y": 1.0, "z": 3.0}
    assert found.wrong == ("x", "y")


def test_degrees_are_those_of_a_calculator() -> None:
    """sin(60) with 60 radians: the slope is cos(60), and not cos(60°) = 1/2."""
    for source, slope in (("sin(x)", 0.5), ("cos(x)", -math.sqrt(0.75)), ("tan(x)", 4.0)):
        found = run("degrees", source, {"x": 60.0})
        assert found.gradient["x"] == pytest.approx(slope, rel=1e-12)
    assert run("degrees", "asin(x) + exp(x)", {"x": 0.5}).wrong == ()


def test_a_tiny_step_does_not_move_its_input() -> None:
    """-4 + 1e-16 is -4 again; 0.3 + 1e-16 is two floats on, 1.1e-16 away."""
    found = run("tiny-step", "a*b", {"a": -4.0, "b": 0.3})
    by_a, by_b = found.rows.parts
    assert (by_a.moved, by_a.change, by_a.slope) == (-4.0, 0.0, 0.0)
    assert by_b.moved == 0.3 + 2 * math.ulp(0.3)
    assert by_b.slope == (-4 * by_b.moved - -4 * 0.3) / 1e-16 != -4
    assert run("tiny-step", "3*x", {"x": 0.0}).wrong == ()


def test_enough_digits_cure_a_tiny_step_and_nothing_else() -> None:
    arithmetic = Precise(40)
    for mistake in MISTAKES:
        program, point = mistake.example
        solution = solve(
            parse(program), evaluated(read_bindings([point]), arithmetic), arithmetic=arithmetic
        )
        found = mistaken(solution, solution.answers[0], mistake.kind)
        assert bool(found.wrong) == (mistake.kind != "tiny-step")


@every_mistake
def test_the_example_of_each_mistake_shows_it(mistake: Mistake) -> None:
    program, point = of_example(mistake)
    found = run(mistake.kind, program, point)
    assert found.wrong
    assert found.rows.first is not None


@every_mistake
def test_a_program_of_one_input_alone_shows_none(mistake: Mistake) -> None:
    found = run(mistake.kind, "x", {"x": 0.0})
    assert (found.wrong, found.rows.first) == ((), None)


@every_mistake
def test_an_undefined_point_has_no_comparison(mistake: Mistake) -> None:
    found = run(mistake.kind, "log(x)*x", {"x": -1.0})
    assert found.reason == "log needs x > 0, got x = -1"


@pytest.mark.parametrize("kind", ["no-order", "local-only", "degrees"])
def test_a_graph_of_many_paths_excuses_nothing(kind: str) -> None:
    """Its 3^40 paths have sizes that add up to 1e19, but no number in either pass is above 2."""
    lines = ["h0 = x", *(f"h{k} = sin(h{k - 1})*cos(h{k - 1}) + h{k - 1}" for k in range(1, 41))]
    found = run(kind, "; ".join(lines), {"x": 1.0})
    assert found.wrong == ("x",)
    assert abs(found.gradient["x"]) > 0.5 > 1e-9 > abs(found.right["x"])


def test_rounding_of_another_order_is_no_difference() -> None:
    """-0.6 + 0.3 + 0.2 + 0.1 backwards and 0.1 + 0.2 + 0.3 - 0.6 by recursion differ in rounding."""
    found = run("no-order", "0.1*x + 0.2*x + 0.3*x - 0.6*x", {"x": 1.0})
    assert found.right != found.gradient
    assert found.wrong == ()


def test_rows_about_the_first_difference_are_kept() -> None:
    """The chain is the same row by row until x, used twice at its very end."""
    source = "u = x*x; " + "; ".join(f"u{k} = u{k - 1}*1" for k in range(1, 50)).replace("u0", "u")
    found = run("overwrite", source, {"x": 3.0}, most=5)
    assert (found.rows.total, found.rows.first) == (51, 50)
    assert (found.rows.start, len(found.rows.parts)) == (48, 3)
    assert found.rows.parts[-1].differs
    assert run("overwrite", source, {"x": 3.0}, most=1).rows.parts[0].differs


def test_deep_programs_take_linear_time_and_no_recursion() -> None:
    source = "; ".join(f"x{k + 1} = x{k}*0.5 + x{k}*0.5" for k in range(3000))
    start = time.process_time()
    for kind in KINDS:
        run(kind, source, {"x0": 1.0})
    assert time.process_time() - start < 6


# ------------------------------------------------------------------ tables, JSON, the list


def printed(
    kind: str, source: str, point: dict[str, float], width: int = 80, rows: int = 100
) -> str:
    solution = solved(source, point)
    stream = io.StringIO()
    found = mistaken(solution, solution.answers[0], kind, rows)
    render.print_mistake(solution, found, rows, Screen(stream, width, False))
    return stream.getvalue()


SNAPSHOTS = {
    **{
        f"mistake_{mistake.kind}": lambda mistake=mistake: printed(
            mistake.kind, *of_example(mistake)
        )
        for mistake in MISTAKES
    },
    "mistake_beside": lambda: printed("overwrite", LECTURE, LECTURE_POINT, 140),
    "mistake_none": lambda: printed("overwrite", "a*b + c", {"a": 1.0, "b": 2.0, "c": 3.0}),
    "mistake_40": lambda: printed("tiny-step", "a*b", {"a": -4.0, "b": 0.3}, 40),
}


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_snapshot(name, matches_snapshot):
    matches_snapshot(name, SNAPSHOTS[name]())


@pytest.mark.parametrize("width", [20, 40, 60, 80, 140])
@every_mistake
def test_no_line_is_too_wide_and_the_first_wrong_row_is_marked_in_words(mistake, width):
    text = printed(mistake.kind, *of_example(mistake), width)
    assert max(map(len, text.split("\n"))) <= width
    if width >= 60:
        assert text.count("first wrong") == 1


def test_the_list_needs_no_expression_and_its_commands_run(capsys):
    code, out, _ = ask(capsys, "grad", "--mistake", "list")
    assert code == 0
    assert all(f"--mistake {kind}" in out for kind in KINDS)
    code, out, _ = ask(capsys, "grad", "--mistake", "list", "--format", "plain")
    assert [line.split()[0] for line in out.splitlines()] == list(KINDS)
    made = json.loads(ask(capsys, "grad", "--mistake", "list", "--format", "json")[1])
    assert [each["kind"] for each in made["mistakes"]] == list(KINDS)
    assert made["ok"] is True


def test_json_has_the_mistake_apart_from_the_gradient(capsys):
    got = answer(capsys, LECTURE, "--at", "a=2,b=-3,c=4", "--mistake", "overwrite")
    assert got["gradient"] == {"a": 1.0, "b": 0.0, "c": -1.0}
    made = got["mistake"]
    assert list(made) == ["kind", "what", "why", "gradient", "wrong", "rows", "first_difference"]
    assert made["gradient"] == {"a": 1.0, "b": 1.0, "c": -1.0}
    assert made["first_difference"] == {
        "row": 6,
        "from": "x",
        "to": "b",
        "right": {"upstream": 1.0, "local": 1.0, "value": 1.0, "total": 0.0},
        "mistaken": {"upstream": 1.0, "local": 1.0, "value": 1.0, "total": 1.0},
    }


def test_json_of_the_other_shapes(capsys):
    by_step = answer(capsys, "a*b", "--at", "a=-4,b=-3", "--mistake", "tiny-step")["mistake"]
    assert by_step["first_difference"] == {
        "row": 1, "input": "a", "at": -4.0, "moved": -4.0, "change": 0.0, "value": 0.0,
    }  # fmt: skip
    same = answer(capsys, "a*b", "--at", "a=1,b=2", "--mistake", "overwrite")["mistake"]
    assert (same["wrong"], same["first_difference"]) == ([], None)
    words = ("f = a*b; g = a+b", "--at", "a=2,b=3", "--of", "f,g", "--mistake", "twice")
    assert answer(capsys, *words)["mistake"]["g"]["gradient"] == {"a": 2.0, "b": 2.0}
    unordered = answer(capsys, "u = x*y; u*(u + x)", "--at", "x=2,y=3", "--mistake", "no-order")
    assert unordered["mistake"]["first_difference"]["right"]["total"] is None


def test_the_exit_code_is_that_of_the_right_answer(capsys):
    words = ("--check", "none", "--mistake", "overwrite")
    assert ask(capsys, "grad", "x*x", "--at", "x=1", *words)[0] == 0
    code, out, _ = ask(capsys, "grad", "log(x)", "--at", "x=-1", *words)
    assert code == 3
    assert "No comparison: log needs x > 0" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("x*x", "--at", "x=1", "--mistake", "overwrite", "--format", "plain"), "no plain lines"),
        (("x*x", "--at", "x=1", "--mistake", "sign"), "'sign' is not one of"),
        (("--mistake", "overwrite"), "missing argument 'EXPRESSION'"),
        (("x*x", "--mistake", "overwrite"), "no value for x"),
        (("x*x", "--mistake", "overwrite", "--show", "symbolic"), "no value for x"),
    ],
)
def test_what_makes_no_sense_is_refused(capsys, words, message):
    code, _, err = ask(capsys, "grad", *words)
    assert code == 2
    assert message in err


def test_steps_are_shown_too_if_they_are_asked_for(capsys):
    words = ("grad", LECTURE, "--at", "a=2,b=-3,c=4", "--check", "none", "--mistake", "overwrite")
    assert "× local        = contribution" not in ask(capsys, *words)[1]
    assert "× local        = contribution" in ask(capsys, *words, "--show", "reverse")[1]
    assert "Forward pass" in ask(capsys, *words)[1]
    assert "Forward pass" not in ask(capsys, *words, "--show", "none")[1]


def test_one_sided_answers_say_which_slopes_the_passes_take(capsys):
    words = ("grad", "abs(x) + x", "--at", "x=0", "--mistake", "overwrite", "--check", "none")
    said = "Both passes follow the conventions at the kinks"
    assert said in ask(capsys, *words, "--kink", "left")[1]
    assert said not in ask(capsys, *words)[1]


def test_the_command_offers_every_kind() -> None:
    assert KINDS == OFFERED
