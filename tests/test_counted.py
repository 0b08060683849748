"""Counted operations: equal to hand counts, and counting changes no number."""

import math

import pytest
from hypothesis import given
from strategies import Program, programs
from test_agreement import repeatable

from backprop_cli.calculus.forward import jvp
from backprop_cli.calculus.reverse import reverse
from backprop_cli.calculus.values import forward_values
from backprop_cli.language.parser import parse
from backprop_cli.readings.counted import Counting, Operations
from backprop_cli.studies.comparing import costs
from backprop_cli.studies.gradient import solve
from backprop_cli.studies.solution import Solution


def solved(text: str, **point: float) -> Solution:
    return solve(parse(text, point), point)


def row_ten() -> Solution:
    return solved("(a + b)*(b + c)", a=1.0, b=2.0, c=3.0)


EVALUATIONS = [
    ("(a + b)*(b + c)", Operations(2, 1, 0)),
    ("a - b - c", Operations(2, 0, 0)),
    ("-a", Operations(1, 0, 0)),
    ("a/b", Operations(0, 1, 0)),
    ("sin(a) + b", Operations(1, 0, 1)),
    ("a^2", Operations(0, 0, 1)),
    ("max(a, b, c)", Operations(0, 0, 1)),
    ("sum(a, b, c, d)", Operations(3, 0, 0)),
    ("mean(a, b, c, d)", Operations(3, 1, 0)),
    ("relu(a)", Operations(0, 0, 1)),
    # where x >= 0: one comparison, then 1/(1 + exp(-x)): - + / and exp.
    ("sigmoid(a)", Operations(2, 1, 2)),
    # a > b is 1: one comparison; `where` asks c == 0 and c != c: two more.
    ("where(a < b, a*b, b)", Operations(0, 1, 3)),
]


@pytest.mark.parametrize(("text", "expected"), EVALUATIONS)
def test_an_evaluation_is_counted_as_by_hand(text: str, expected: Operations) -> None:
    names = [name for name in "abcd" if name in parse(text).inputs]
    point = {name: float(k) for k, name in enumerate(names, 1)}
    assert costs.evaluation(solved(text, **point)) == expected


def test_row_ten_reverse_mode_takes_one_sweep_and_six_edge_products() -> None:
    """Six edges: f to its two sums, each sum to its two inputs.

    The evaluation is 2 additions and 1 multiplication; b's two contributions take 1 more
    addition. 3 additions, 1 + 6 multiplications.
    """
    cost = costs.counted("reverse", row_ten())
    assert (cost.sweeps, cost.evaluations) == (1, 1)
    assert cost.operations == Operations(3, 7, 0, 6)


def test_row_ten_forward_mode_takes_three_sweeps_and_eighteen_edge_products() -> None:
    """A sweep follows all six edges and adds at three nodes; three sweeps: 18 and 9.

    With the evaluation 9 + 2 additions, 18 + 1 multiplications.
    """
    cost = costs.counted("forward", row_ten())
    assert (cost.sweeps, cost.evaluations) == (3, 1)
    assert cost.operations == Operations(11, 19, 0, 18)


def test_row_ten_sweeps_that_skip_what_a_seed_cannot_reach_take_eight() -> None:
    """Seed a reaches 2 edges (a to the sum, the sum to f), seed c 2, seed b 4."""
    assert costs.sparse_edge_products(row_ten()) == 8


def test_row_ten_differences_are_counted_with_their_own_arithmetic() -> None:
    """Forward: f at 4 points (8 additions, 4 multiplications), and x + h, f - g, /h for each of 3.

    Central: f at 6 points (12, 6), and x + h, x - h, f - g, /2h for each; 2h itself is no
    operation on counted numbers.
    """
    difference, central = (
        costs.counted(mode, row_ten()) for mode in ("forward-difference", "central")
    )
    assert (difference.sweeps, difference.evaluations) == (0, 4)
    assert difference.operations == Operations(8 + 6, 4 + 3, 0)
    assert (central.sweeps, central.evaluations) == (0, 6)
    assert central.operations == Operations(12 + 9, 6 + 3, 0)


def test_row_ten_complex_steps_are_counted_in_complex_operations() -> None:
    cost = costs.counted("complex-step", row_ten())
    assert (cost.sweeps, cost.evaluations) == (0, 3)
    assert cost.operations == Operations(6, 3 + 3, 0)


def test_the_local_slopes_of_functions_are_counted_too() -> None:
    """sin(x)*x: sin, *; back: the slopes are x and sin(x), which are there, and cos(x), a call.

    Edge products: f to sin, f to x, sin to x; one addition where x's two meet.
    """
    cost = costs.counted("reverse", solved("sin(x)*x", x=0.5))
    assert cost.operations == Operations(1, 1 + 3, 1 + 1, 3)


def test_each_output_takes_a_reverse_sweep_and_no_forward_sweep() -> None:
    """f = x*y has 2 edges, g = x + y has 2: forward sees both in each of its 2 sweeps."""
    graph = parse("f = x*y; g = x + y")
    solution = solve(graph, {"x": 2.0, "y": 3.0}, outputs=("f", "g"))
    back, forth = (costs.counted(mode, solution) for mode in ("reverse", "forward"))
    assert (back.sweeps, back.operations.edge_products) == (2, 4)
    assert (forth.sweeps, forth.operations.edge_products) == (2, 8)


def test_an_edge_that_a_selection_does_not_take_costs_no_product() -> None:
    assert (
        costs.counted("reverse", solved("relu(x)*y", x=-1.0, y=2.0)).operations.edge_products == 2
    )
    assert costs.counted("reverse", solved("relu(x)*y", x=1.0, y=2.0)).operations.edge_products == 3


def chain(length: int) -> Solution:
    """Return x*y, times y, times y, ...: `length` products."""
    return solved("*".join(["x", *["y"] * length]), x=1.0, y=1.0)


def test_costs_grow_in_a_straight_line_with_the_program() -> None:
    """A product costs 1 to evaluate and 2 edges; an addition for each y but the first."""
    for mode, each in (("reverse", 1 + 2 + 1), ("forward", 1 + 2 * 3)):
        totals = [costs.counted(mode, chain(n)).operations.total for n in (10, 20, 40, 80)]
        assert totals[1] - totals[0] == 10 * each
        assert totals[2] - totals[1] == 20 * each
        assert totals[3] - totals[2] == 40 * each


def test_what_is_too_large_to_be_counted_whole_is_counted_once_and_multiplied(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    solution = row_ten()
    whole = costs.counted("forward", solution)
    monkeypatch.setattr(costs, "COUNTED_WHOLE", 0)
    assert costs.counted("forward", solution) == whole


def same(first: float | None, second: float | None) -> bool:
    if first is None or second is None:
        return first is second
    return repr(float(first)) == repr(float(second))


@repeatable(80)
@given(programs())
def test_counting_changes_no_number(program: Program) -> None:
    graph = parse(program.text, program.point)
    counting = Counting()
    counting.start(graph)
    point = {name: counting.counted(value) for name, value in program.point.items()}
    plain = forward_values(graph, program.point)
    values = forward_values(graph, point, counting)
    assert all(map(same, plain, values))
    active = graph.dependents(graph.inputs.values())
    output = graph.outputs[0]
    adjoints = reverse(graph, plain, output, active)
    assert all(map(same, adjoints, reverse(graph, values, output, active, counting)))
    for seed in graph.inputs.values():
        assert all(map(same, jvp(graph, plain, seed), jvp(graph, values, seed, counting)))


@repeatable(60)
@given(programs())
def test_every_edge_that_carries_something_is_one_product(program: Program) -> None:
    graph = parse(program.text, program.point)
    solution = solve(graph, program.point)
    if solution.answers[0].failure or not math.isfinite(solution.answers[0].value):
        return
    from backprop_cli.calculus.reverse import contributions

    edges = contributions(graph, solution.values, solution.answers[0].adjoints, solution.active)
    assert costs.counted("reverse", solution).operations.edge_products == len(list(edges))


def test_a_tally_belongs_to_one_arithmetic_and_begins_again() -> None:
    first, second = Counting(), Counting()
    graph = parse("x*x + x")
    for counting in (first, second):
        counting.start(graph)
    forward_values(graph, {"x": first.counted(2.0)}, first)
    assert second.taken() == Operations()
    assert first.taken() == Operations(1, 1, 0)
    assert first.taken() == Operations()


def test_operations_add_and_repeat() -> None:
    one = Operations(1, 2, 3, 1)
    assert one.total == 6
    assert one.plus(one.times(2)) == Operations(3, 6, 9, 3)


def test_a_plain_number_on_the_left_is_counted_as_well() -> None:
    counting = Counting()
    two, flowing = counting.counted(2.0), counting.counted(2.0, flows=True)
    assert (3.0 + two, 3.0 - two, 3.0 * two, 3.0 / two) == (5.0, 1.0, 6.0, 1.5)
    assert counting.taken() == Operations(2, 2)
    assert (3.0 - flowing) * two == 2.0
    assert counting.taken() == Operations(1, 1, 0, 1)
