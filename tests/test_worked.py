"""The worked solution as data: the order of work by hand, rules by name, numbers as in tables."""

import re

import pytest

from backprop_cli.operations import CONSTANT, TABLE
from backprop_cli.readings.expressions import plain_text
from tests.sheets import LECTURE, random_programs, solved, work


def texts(equation):
    return " = ".join(map(plain_text, equation))


def test_the_lecture_is_worked_as_by_hand():
    """x = 2 - 3 = -1, y = -3 + 4 = 1, f = xy = -1; ∂f/∂b = 1·1 + (-1)·1 = 0."""
    made = work(solved(*LECTURE))
    assert [texts(s.equation) for s in made.program] == ["x = a + b", "y = b + c", "f = x·y"]
    assert [texts(equation) for equation in made.point] == ["a = 2", "b = -3", "c = 4"]
    assert [texts(row.equation) for row in made.forward] == [
        "x = a + b = 2 + (-3) = -1",
        "y = b + c = -3 + 4 = 1",
        "f = x·y = -1·1 = -1",
    ]
    assert [(texts(row.equation), row.rule) for row in made.slopes] == [
        ("∂x/∂a = 1", "sum rule"),
        ("∂x/∂b = 1", "sum rule"),
        ("∂y/∂b = 1", "sum rule"),
        ("∂y/∂c = 1", "sum rule"),
        ("∂f/∂x = y = 1", "product rule"),
        ("∂f/∂y = x = -1", "product rule"),
    ]
    (output,) = made.outputs
    assert texts(output.seed) == "∂f/∂f = 1"
    assert [texts(row.equation) for row in output.contributions] == [
        "∂f/∂x = ∂f/∂f·∂f/∂x = 1·1 = 1",
        "∂f/∂y = ∂f/∂f·∂f/∂y = 1·(-1) = -1",
        "∂f/∂y·∂y/∂b = -1·1 = -1",
        "∂f/∂c = ∂f/∂y·∂y/∂c = -1·1 = -1",
        "∂f/∂a = ∂f/∂x·∂x/∂a = 1·1 = 1",
        "∂f/∂x·∂x/∂b = 1·1 = 1",
    ]
    assert [texts(row.equation) for row in output.branches] == [
        "∂f/∂b = ∂f/∂x·∂x/∂b + ∂f/∂y·∂y/∂b = 1 + (-1) = 0"
    ]
    assert [texts(row) for row in output.result] == ["∂f/∂a = 1", "∂f/∂b = 0", "∂f/∂c = -1"]


RULES = [
    ("x + y", "sum rule"),
    ("x - y", "difference rule"),
    ("x*y", "product rule"),
    ("3*x", "constant factor rule"),
    ("x/3", "constant factor rule"),
    ("3/x", "quotient rule"),
    ("x/y", "quotient rule"),
    ("-x", "constant factor rule"),
    ("x^3", "power rule"),
    ("3^x", "exponential rule"),
    ("sin(x)", "chain rule through sin"),
    ("max(x, 1)", "the largest operand"),
    ("where(x > 0, x, 1)", "the side that is taken"),
    ("sum(x, y)", "sum rule"),
]


@pytest.mark.parametrize(("text", "rule"), RULES)
def test_each_local_derivative_names_its_rule(text, rule):
    point = {name: 2.0 for name in "xy" if re.search(rf"\b{name}\b", text)}
    assert work(solved(text, point)).slopes[0].rule == rule


def test_a_product_is_no_constant_factor_because_one_side_is_not_asked_for():
    assert work(solved("x*y", {"x": 1.0, "y": 2.0}, wrt=["x"])).slopes[0].rule == "product rule"


@pytest.mark.parametrize("operation", TABLE[CONSTANT + 1 :], ids=lambda row: row.name)
def test_every_row_of_the_table_names_a_rule_for_each_operand(operation):
    for position in range(len(operation.parameters)):
        for alone in (False, True):
            assert re.fullmatch(r"[a-z][a-z0-9_ ]+", operation.rule_of(position, alone))


def test_the_form_that_is_computed_stands_beside_the_textbooks():
    """tanh' is 1 - tanh^2 in books, but (1/cosh x)^2 keeps its digits."""
    (slope,) = work(solved("tanh(x)", {"x": 0.5})).slopes
    assert plain_text(slope.formula) == "1 - f^2"
    assert plain_text(slope.computed) == "(1/cosh(x))^2"
    (slope,) = work(solved("sin(x)", {"x": 0.5})).slopes
    assert slope.computed is None


def test_a_form_that_only_repeats_the_number_is_not_spoken_of():
    """At its kink abs computes sign(0) as the number 0."""
    (slope,) = work(solved("abs(x)", {"x": 0.0})).slopes
    assert (plain_text(slope.formula), slope.computed) == ("sign(x)", None)


def test_an_output_that_is_an_input_is_not_said_to_equal_itself():
    (statement,) = work(solved("x", {"x": 1.0})).program
    assert [plain_text(part) for part in statement.equation or ()] == ["x"]


def test_a_slope_whose_sign_could_mean_the_gradient_is_marked():
    """f = x·tanh(x) at 0.5: f's own slope in x is tanh 0.5 = 0.4621, ∂f/∂x is 0.8553."""
    made = work(solved("x*tanh(x)", {"x": 0.5}))
    marked = [slope for slope in made.slopes if slope.marked]
    assert [plain_text(slope.symbol) for slope in marked] == ["∂f/∂x|local"]
    assert plain_text(marked[0].value) == "0.4621171573"
    (branch,) = made.outputs[0].branches
    assert texts(branch.equation).startswith("∂f/∂x = ∂f/∂v1·∂v1/∂x + ∂f/∂f·∂f/∂x|local = ")
    assert not any(slope.marked for slope in work(solved(*LECTURE)).slopes)


def test_of_a_choice_the_side_taken_is_said_and_nothing_flows_along_the_other():
    made = work(solved("where(x > 0, x, y)", {"x": 3.0, "y": 4.0}))
    assert made.forward[0].remark == "x > 0 holds"
    assert made.forward[0].in_numbers is None
    assert [row.flows for row in made.slopes] == [True, False]
    assert len(made.outputs[0].contributions) == 1


def test_the_first_or_the_second_operand_is_said_where_a_node_reads_one_twice():
    made = work(solved("x*x", {"x": 3.0}))
    assert [row.which for row in made.slopes] == ["1st", "2nd"]
    assert texts(made.outputs[0].branches[0].equation).endswith("= 3 + 3 = 6")


def test_an_undefined_program_stops_at_the_node_that_is_undefined():
    made = work(solved("a = x^2; b = log(y); f = a + b", {"x": 2.0, "y": -1.0}))
    assert [plain_text(row.name) for row in made.forward] == ["a", "b"]
    assert made.stopped is not None
    assert not made.slopes
    assert not made.outputs[0].contributions


def test_an_undefined_slope_leaves_the_forward_pass_whole():
    made = work(solved("sqrt(x)", {"x": 0.0}))
    assert made.stopped is None
    assert made.outputs[0].answer.failure is not None
    assert plain_text(made.outputs[0].contributions[0].value) == "inf"


def test_limits_leave_rows_out_and_count_them():
    """200 operands of one sum: 10 of the 200 are shown, in each part."""
    names = [f"x{k}" for k in range(200)]
    solution = solved(f"sum({', '.join(names)})", dict.fromkeys(names, 1.0))
    made = work(solution, rows=20)
    assert plain_text(made.forward[0].formula) == f"sum({', '.join(names[:6])}, … 194 more)"
    assert len(made.slopes) == 6
    assert len(made.outputs[0].contributions) == 6
    assert made.outputs[0].left_out[0].startswith("… 194 more contributions")
    assert made.left_out == ("… 180 more inputs (--rows 200 shows them)",)


def test_the_last_steps_are_the_printed_answer():
    """What an input receives last, its sum or its only contribution, is the number of the result."""
    for program in random_programs(60):
        made = work(solved(program.text, program.point))
        names = made.solution.names
        for output in made.outputs:
            last = {row.operand: row.value for row in output.contributions if row.alone}
            last |= {row.operand: row.total for row in output.branches}
            found = {names[node]: value for node, value in last.items()}
            for name, (_, value) in zip(made.solution.wrt, output.result, strict=True):
                if name in found:
                    assert found[name] == value
                else:
                    assert plain_text(value) in ("0", "nan", plain_text(output.seed[1]))
