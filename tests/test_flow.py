"""The gradient by depth, vanishing and exploding, saturation and dead rectifiers."""

import math

import pytest
from hypothesis import given, settings

from backprop_cli.calculus.values import forward_values
from backprop_cli.language.parser import parse
from backprop_cli.operations import ROW, TABLE
from backprop_cli.readings.floats import TOTAL
from backprop_cli.studies.gradient import solve
from backprop_cli.studies.health.fates import STEEPEST, ceiling, fates, steepest
from backprop_cli.studies.health.flow import binned, flow
from backprop_cli.studies.health.gates import dead, saturated
from tests.strategies import programs


def solved(text, **point):
    solution = solve(parse(text, point), {name: float(v) for name, v in point.items()})
    return solution, solution.answers[0]


def chain(weight, layers=10):
    """Return a chain of weights, each an input of its own."""
    lines = ["h0 = x", *(f"h{k} = w{k}*h{k - 1}" for k in range(1, layers + 1))]
    return solved("; ".join(lines), x=1, **{f"w{k}": weight for k in range(1, layers + 1)})


def named_fates(solution, answer):
    return {fate.code: fate for fate in fates(solution, answer)}


@pytest.mark.parametrize(
    ("weight", "slope", "codes"),
    [
        (0.5, 9.77e-4, {"vanishing"}),
        (0.9, 0.349, set()),
        (1.1, 2.594, set()),
        (1.5, 57.67, set()),
        (2, 1024, {"exploding"}),
    ],
)
def test_ten_weights_multiply(weight, slope, codes):
    """0.5^10 = 9.77e-4 is below 1e-3, 2^10 = 1024 above 1e3; the others lie between."""
    solution, answer = chain(weight)
    assert answer.gradient["x"] == pytest.approx(slope, rel=1e-3)
    found = named_fates(solution, answer)
    assert set(found) == codes
    for fate in found.values():
        assert fate.name == "x"
        assert len(fate.trail.factors) == 10
        assert fate.typical == pytest.approx(weight)
        assert 10**fate.exponent == pytest.approx(slope, rel=1e-3)


def test_ten_sigmoids_pass_at_most_a_quarter_each():
    """0.25^10 = 9.54e-7, whatever the inputs."""
    lines = ["h0 = x", *(f"h{k} = sigmoid(h{k - 1})" for k in range(1, 11))]
    solution, answer = solved("; ".join(lines), x=3)
    fate = named_fates(solution, answer)["vanishing"]
    found = ceiling(solution, fate.trail)
    assert found.counts == {"sigmoid": 10}
    assert 10**found.bound == pytest.approx(0.25**10)
    assert 10**found.bound == pytest.approx(9.54e-7, rel=1e-3)
    assert found.rest == pytest.approx(0, abs=1e-12)
    for x in (-30, -1, 0, 0.5, 7):
        assert abs(solved("; ".join(lines), x=x)[1].gradient["x"]) <= 0.25**10


def test_the_edge_most_responsible_is_the_saturated_one():
    lines = ["h0 = x", *(f"h{k} = 0.5*h{k - 1}" for k in range(1, 10)), "f = tanh(4*h9 + 2)"]
    solution, answer = solved("; ".join(lines), x=0)
    strongest = named_fates(solution, answer)["vanishing"].responsible[0]
    assert solution.names[strongest.node] == "f"
    assert strongest.factor == pytest.approx(1 / math.cosh(2) ** 2)


@pytest.mark.parametrize("row", list(STEEPEST))
def test_no_slope_is_steeper_than_the_table_of_steepest_says(row):
    """The partials of the table, sought through at 40,001 points, come close to it and no more."""
    partial = TOTAL.partials(TABLE[ROW[row]])[0]
    value = TOTAL.function(row)
    sizes = [abs(partial(k / 1000, value(k / 1000))) for k in range(-20_000, 20_001)]
    assert max(sizes) <= steepest(row) * (1 + 1e-15)
    assert max(sizes) >= steepest(row) * (1 - 1e-6)


def test_depth_is_the_longest_distance_from_the_output():
    """b reaches f = x*y along two edges, and along three through z: its depth is 3."""
    solution, answer = solved("z = b^2; x = a + z; y = b + c; f = x*y", a=1, b=2, c=3)
    found = flow(solution, answer)
    depths = {solution.names[k]: depth for k, depth in enumerate(found.depths) if depth >= 0}
    assert depths == {"f": 0, "x": 1, "y": 1, "a": 2, "z": 2, "c": 2, "b": 3}
    assert [level.nodes for level in found.levels] == [1, 2, 3, 1]


@settings(max_examples=60, deadline=None)
@given(programs())
def test_contributions_flow_from_smaller_to_larger_depths(program):
    solution = solve(parse(program.text, program.point), program.point)
    answer = solution.answers[0]
    depths = flow(solution, answer).depths
    for node in range(solution.graph.size):
        if depths[node] > 0:
            users = [
                user
                for user in range(solution.graph.size)
                if depths[user] >= 0 and node in solution.graph.operands_of(user)
            ]
            assert depths[node] == 1 + max(
                depths[user] for user in users if depths[user] < depths[node]
            )


def test_levels_put_together_keep_their_extremes():
    solution, answer = chain(0.9, 200)
    levels = flow(solution, answer).levels
    few = binned(levels, 7, answer.adjoints)
    assert len(few) == 7
    assert (few[0].first, few[-1].last) == (levels[0].first, levels[-1].last)
    assert sum(level.nodes for level in few) == sum(level.nodes for level in levels)
    sizes = [abs(a) for a in answer.adjoints if a is not None]
    assert max(abs(answer.adjoints[one.largest]) for one in few) == max(sizes)
    assert min(abs(answer.adjoints[one.smallest]) for one in few) == min(sizes)


def test_a_gradient_that_underflows_vanishes_by_its_slopes():
    """2,000 factors 1/4·w with w = 1: about 0.2247^2000, far below any float64."""
    lines = ["h0 = x", *(f"h{k} = sigmoid(h{k - 1})" for k in range(1, 2001))]
    solution, answer = solved("; ".join(lines), x=0.3)
    assert answer.gradient["x"] == 0
    fate = named_fates(solution, answer)["vanishing"]
    assert len(fate.trail.factors) == 2000
    assert fate.exponent == pytest.approx(2000 * math.log10(0.2247), rel=1e-3)
    levels = binned(flow(solution, answer).levels, 10, answer.adjoints)
    assert sum(answer.adjoints[one.largest] == 0 for one in levels) == 1, "the zeros are one level"


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("6.674e-11*m*n/r^2", {"m": 5e3, "n": 7e3, "r": 2e3}),
        ("exp(-x^2)*y", {"x": 8, "y": 1}),
        ("x^20", {"x": 0.1}),
        ("x*0.5*0.5*0.5*1e-9*0.5*0.5*0.5*0.5*0.5", {"x": 1}),
        ("x+x+x+x+x+x+x+x+x+x+x+x", {"x": 1}),
        ("relu(x)*0", {"x": 1}),
    ],
)
def test_ordinary_expressions_neither_vanish_nor_explode(text, point):
    assert not fates(*solved(text, **point))


def test_a_gradient_vanishes_wherever_on_the_way_its_factors_stand():
    """sin(sin(...)) passes 4.0e-6 of 10,000 layers back, nearly all of it lost in the first few."""
    solution, answer = solved("; ".join(["h = x", *["h = sin(h)"] * 10_000]), x=1)
    fate = named_fates(solution, answer)["vanishing"]
    assert fate.exponent == pytest.approx(math.log10(answer.gradient["x"]))
    assert answer.gradient["x"] < 5e-6
    solution, answer = solved("; ".join(["h = x", *["h = 2*h"] * 9, *["h = h/2"] * 10]), x=1)
    assert not fates(solution, answer)


def test_one_factor_among_many_that_are_nearly_1_is_no_vanishing_gradient():
    lines = ["h = 1e-6*x", *["h = 0.99*h"] * 20]
    assert not fates(*solved("; ".join(lines), x=1))


def test_doubling_at_branches_explodes():
    """Each h = h + h doubles: 2^30, though every local slope is 1."""
    solution, answer = solved("; ".join(["h = x", *["h = h + h"] * 30]), x=1)
    fate = named_fates(solution, answer)["exploding"]
    assert 10**fate.exponent == pytest.approx(2**30)


def test_a_saturated_node_says_what_is_left_of_its_slope():
    """sigmoid'(12) = 6.14e-6 is 2.46e-5 of 1/4; sigmoid'(1) is 79 % of it."""
    solution, answer = solved("h = sigmoid(12*x); g = sigmoid(x); f = h + g + tanh(0.5*x)", x=1)
    (flat,) = saturated(solution, answer)
    assert solution.names[flat.node] == "h"
    assert flat.operand == 12
    assert flat.slope == pytest.approx(6.14e-6, rel=1e-2)
    assert flat.share == pytest.approx(4 * flat.slope)


def test_a_dead_relu_cuts_off_what_has_no_other_way():
    text = "h = relu(w*x + b); f = h + x + relu(y)"
    solution, answer = solved(text, w=1, x=2, b=-4, y=1)
    (gate,) = dead(solution, answer)
    assert solution.names[gate.node] == "h"
    assert gate.operand == -2
    assert gate.cut == ("w", "b")


def test_the_steepest_slopes_are_read_from_formulas():
    for name, text in STEEPEST.items():
        graph = parse(text)
        assert steepest(name) == forward_values(graph, {})[graph.outputs[0]]
