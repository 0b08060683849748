"""The sweeps on examples worked by hand: every value, every contribution, not only the total."""

import math
import re
from collections.abc import Mapping
from itertools import product

import pytest

from backprop_cli.calculus.forward import jvp
from backprop_cli.calculus.onesided import one_sided
from backprop_cli.calculus.reverse import contributions
from backprop_cli.calculus.values import forward_values
from backprop_cli.errors import UnknownInput
from backprop_cli.language.parser import parse
from backprop_cli.operations import TABLE, Operation
from backprop_cli.readings.floats import TOTAL
from backprop_cli.readings.precise import Precise
from backprop_cli.studies.agreement import forward_witness
from backprop_cli.studies.failures import violated
from backprop_cli.studies.gradient import solve
from backprop_cli.studies.solution import Answer, Solution

Sent = list[tuple[str, str, float, float, float]]


def solved(text: str, kink: str = "convention", **point: float) -> Solution:
    return solve(parse(text, point), point, kink=kink)


def answer_to(text: str, kink: str = "convention", **point: float) -> Answer:
    return solved(text, kink, **point).answers[0]


def sent_in(solution: Solution) -> Sent:
    """Return (node, operand, upstream, local, contribution) for every step of the sweep."""
    graph, values, names = solution.graph, solution.values, solution.names
    steps = contributions(graph, values, solution.answers[0].adjoints, solution.active)
    return [(names[s.node], names[s.operand], s.upstream, s.local, s.value) for s in steps]


def close(expected: Mapping[str, float], places: float = 1e-6) -> object:
    return pytest.approx(dict(expected), rel=places)


# -------------------------------------------------------------------- the posts, by their rows


def test_product_of_two_inputs() -> None:
    """Row 1: f = a·b at (4, 3) is 12; ∂f/∂a = b = 3 and ∂f/∂b = a = 4."""
    solution = solved("a*b", a=4.0, b=3.0)
    assert solution.answers[0].value == 12
    assert solution.answers[0].gradient == {"a": 3, "b": 4}
    assert sent_in(solution) == [("f", "a", 1, 3, 3), ("f", "b", 1, 4, 4)]


def test_a_slope_is_the_change_of_the_output_per_unit_change_of_one_input() -> None:
    """Row 7: f = x·y at (-2, 3) is -6; +ε on x moves f by y·ε = 3ε, on y by x·ε = -2ε."""
    answer = answer_to("x*y", x=-2.0, y=3.0)
    assert (answer.value, answer.gradient) == (-6, {"x": 3, "y": -2})
    moved = answer_to("x*y", x=-2.0 + 2.0**-10, y=3.0).value
    assert moved - answer.value == answer.gradient["x"] * 2.0**-10


LECTURE = "x = a + b; y = b + c; f = x*y"


def test_gradients_add_at_a_branch() -> None:
    """Row 8: x = a + b, y = b + c, f = x·y at (2, -3, 4).

    Forward: x = 2 - 3 = -1, y = -3 + 4 = 1, f = -1·1 = -1.
    Backward: ∂f/∂x = y = 1 and ∂f/∂y = x = -1; both sums have the local slopes 1, so
    ∂f/∂a = 1·1 = 1, ∂f/∂c = -1·1 = -1, and b, which feeds both, gets 1·1 + -1·1 = 0.
    """
    solution = solved(LECTURE, a=2.0, b=-3.0, c=4.0)
    values = dict(zip(solution.names, solution.values, strict=True))
    assert values == {"a": 2, "b": -3, "c": 4, "x": -1, "y": 1, "f": -1}
    assert sent_in(solution) == [
        ("f", "x", 1, 1, 1),
        ("f", "y", 1, -1, -1),
        ("y", "b", -1, 1, -1),
        ("y", "c", -1, 1, -1),
        ("x", "a", 1, 1, 1),
        ("x", "b", 1, 1, 1),
    ]
    assert solution.answers[0].gradient == {"a": 1, "b": 0, "c": -1}


@pytest.mark.parametrize(
    ("point", "value", "gradient"),
    [
        ((1.0, 2.0, 3.0), 15, (5, 8, 3)),
        ((5.0, -3.0, -2.0), -10, (-5, -3, 2)),
        ((2.0, -3.0, 4.0), -1, (1, 0, -1)),
    ],
)
def test_named_intermediates_change_nothing(
    point: tuple[float, ...], value: float, gradient: tuple[float, ...]
) -> None:
    """Row 8: (a + b)(b + c) has the gradient (b + c, a + 2b + c, a + b)."""
    at = dict(zip("abc", point, strict=True))
    for text in (LECTURE, "(a + b)*(b + c)", "(a+b)(b+c)"):
        answer = answer_to(text, **at)
        assert answer.value == value
        assert tuple(answer.gradient.values()) == gradient


def test_forward_mode_carries_one_seed_to_every_node() -> None:
    """Row 9: seed b. ∂x/∂b = 1, ∂y/∂b = 1, ∂f/∂b = y·1 + x·1 = 1 + -1 = 0 at (2, -3, 4)."""
    graph = parse(LECTURE)
    values = forward_values(graph, {"a": 2.0, "b": -3.0, "c": 4.0})
    tangents = jvp(graph, values, graph.inputs["b"])
    assert [tangents[graph.names[name]] for name in "abcxyf"] == [None, 1, None, 1, 1, 0]
    tangents = jvp(graph, values, graph.inputs["a"])
    assert [tangents[graph.names[name]] for name in "abcxyf"] == [1, None, None, 1, None, 1]


def test_one_reverse_sweep_multiplies_once_an_edge() -> None:
    """Row 10: the graph has six edges, so one sweep for all three inputs takes six products."""
    assert len(sent_in(solved(LECTURE, a=2.0, b=-3.0, c=4.0))) == 6


def test_sum_then_product() -> None:
    """Row 11: d = a + b = 2, f = d·c = -4 at (5, -3, -2).

    ∂f/∂d = c = -2, ∂f/∂c = d = 2; ∂d/∂a = ∂d/∂b = 1, so ∂f/∂a = ∂f/∂b = -2·1 = -2.
    """
    solution = solved("d = a + b; f = d*c", a=5.0, b=-3.0, c=-2.0)
    assert sent_in(solution) == [
        ("f", "d", 1, -2, -2),
        ("f", "c", 1, 2, 2),
        ("d", "a", -2, 1, -2),
        ("d", "b", -2, 1, -2),
    ]
    assert solution.answers[0].value == -4
    assert solution.answers[0].gradient == {"a": -2, "b": -2, "c": 2}


@pytest.mark.parametrize(
    ("x", "y", "value", "gradient"),
    [(1.0, 1.0, 343, (441, 588)), (2.0, -1.0, 8, (36, 48))],
)
def test_power_of_a_sum(x: float, y: float, value: float, gradient: tuple[float, float]) -> None:
    """Row 15: u = 3x + 4y, z = u³. dz/dx = 3u²·3 = 9u², dz/dy = 3u²·4 = 12u².

    At (1, 1): u = 7, z = 343, 9·49 = 441, 12·49 = 588. At (2, -1): u = 2: 8, 36, 48.
    """
    solution = solved("(3*x+4*y)^3", x=x, y=y)
    assert solution.answers[0].value == value
    assert tuple(solution.answers[0].gradient.values()) == gradient
    u = 3 * x + 4 * y
    steps = [(upstream, local, value) for _, _, upstream, local, value in sent_in(solution)]
    assert steps == [
        (1, 3 * u**2, 3 * u**2),
        (3 * u**2, 1, 3 * u**2),
        (3 * u**2, 1, 3 * u**2),
        (3 * u**2, 4, 12 * u**2),
        (3 * u**2, 3, 9 * u**2),
    ]


def test_linear_net_sends_one_contribution_a_hidden_unit() -> None:
    """Row 16: h1 = w1_11·x1 + w1_12·x2, h2 = w1_21·x1 + w1_22·x2, ŷ = w2_11·h1 + w2_12·h2.

    ∂L/∂x2 = -2(y - ŷ)·w2_12·w1_22 + -2(y - ŷ)·w2_11·w1_12. With x = (1, 2), w1 = (3, 4; 5, 6),
    w2 = (7, 8): h = (11, 17), ŷ = 77 + 136 = 213; y = 210 gives -2(y - ŷ) = 6 and so
    6·8·6 + 6·7·4 = 288 + 168 = 456.
    """
    text = (
        "h1 = w1_11*x1 + w1_12*x2; h2 = w1_21*x1 + w1_22*x2;p = w2_11*h1 + w2_12*h2; L = (y - p)^2"
    )
    point = {"x1": 1, "x2": 2, "w1_11": 3, "w1_12": 4, "w1_21": 5, "w1_22": 6}
    point |= {"w2_11": 7, "w2_12": 8, "y": 210}
    solution = solved(text, **{name: float(value) for name, value in point.items()})
    assert [sent for _, operand, *_, sent in sent_in(solution) if operand == "x2"] == [288, 168]
    assert solution.answers[0].gradient["x2"] == 456


def test_cs231n_circuit() -> None:
    """f = (x + y)·z at (-2, 5, -4): q = 3, f = -12; ∂f/∂q = -4, ∂f/∂z = 3, ∂f/∂x = ∂f/∂y = -4."""
    solution = solved("q = x + y; f = q*z", x=-2.0, y=5.0, z=-4.0)
    assert solution.answers[0].value == -12
    assert solution.answers[0].gradient == {"x": -4, "y": -4, "z": 3}
    assert sent_in(solution)[:2] == [("f", "q", 1, -4, -4), ("f", "z", 1, 3, 3)]


def test_cs231n_sigmoid_neuron() -> None:
    """w = (2, -3, -3), x = (-1, -2): the sum is -2 + 6 - 3 = 1, and sigmoid(1) = 0.7310586.

    The slope there is 0.7310586·0.2689414 = 0.1966119; it reaches w0 times x0 = -1, w1 times
    x1 = -2, w2 times 1, x0 times w0 = 2 and x1 times w1 = -3.
    """
    point = {"w0": 2.0, "x0": -1.0, "w1": -3.0, "x1": -2.0, "w2": -3.0}
    answer = answer_to("sigmoid(w0*x0 + w1*x1 + w2)", **point)
    slope = 0.19661193324148185
    assert answer.value == pytest.approx(0.7310585786300049, rel=1e-15)
    assert answer.gradient == close(
        {"w0": -slope, "x0": 2 * slope, "w1": -2 * slope, "x1": -3 * slope, "w2": slope}, 1e-15
    )


def test_cs231n_staged_computation() -> None:
    """f = (x + σ(y))/(σ(x) + (x + y)²) at (3, -4) is 1.5456449, its gradient (2.0595698, 1.5922327)."""
    answer = answer_to("(x+sigmoid(y))/(sigmoid(x)+(x+y)^2)", x=3.0, y=-4.0)
    assert answer.value == pytest.approx(1.5456448841066441, rel=1e-14)
    assert answer.gradient == close({"x": 2.0595698, "y": 1.5922327}, 1e-7)


def test_colah_tree() -> None:
    """c = a + b = 3, d = b + 1 = 2, e = c·d = 6 at (2, 1): ∂e/∂a = 2; ∂e/∂b = 2·1 + 3·1 = 5."""
    solution = solved("c = a + b; d = b + 1; e = c*d", a=2.0, b=1.0)
    assert solution.answers[0].value == 6
    assert solution.answers[0].gradient == {"a": 2, "b": 5}
    assert [sent for _, operand, *_, sent in sent_in(solution) if operand == "b"] == [3, 2]


MICROGRAD = """
c = a + b
d = a*b + b^3
c = c + c + 1
c = c + 1 + c + (-a)
d = d + d*2 + relu(b + a)
d = d + 3*d + relu(b - a)
e = c - d
f = e^2
g = f/2
g = g + 10/f
"""


def test_the_expression_of_micrograds_readme() -> None:
    """At (-4, 2) it prints 24.7041, 138.8338, 645.5773; names are assigned again on the way."""
    answer = answer_to(MICROGRAD, a=-4.0, b=2.0)
    assert answer.value == pytest.approx(24.70408163265306, rel=1e-15)
    assert answer.gradient == close({"a": 138.8338192419825, "b": 645.5772594752186}, 1e-14)


MAZUR = """
h1 = sigmoid(w1*i1 + w2*i2 + b1);  h2 = sigmoid(w3*i1 + w4*i2 + b1)
o1 = sigmoid(w5*h1 + w6*h2 + b2);  o2 = sigmoid(w7*h1 + w8*h2 + b2)
E = (0.01 - o1)^2/2 + (0.99 - o2)^2/2
"""
MAZUR_AT = {
    "w1": 0.15, "w2": 0.2, "w3": 0.25, "w4": 0.3, "w5": 0.4, "w6": 0.45, "w7": 0.5, "w8": 0.55,
    "b1": 0.35, "b2": 0.6, "i1": 0.05, "i2": 0.1,
}  # fmt: skip


def test_mazurs_network() -> None:
    """Outputs 0.7513651, 0.7729285; E = 0.2983711.

    h1 feeds both outputs: ∂E/∂h1 = 0.0553994 (through o1) + -0.0190491 (through o2) = 0.0363503.
    ∂E/∂w5 = 0.0821670, so a step of 0.5 takes w5 = 0.4 to 0.3589165; ∂E/∂w1 = 0.000438568 takes
    w1 = 0.15 to 0.1497807.
    """
    solution = solved(MAZUR, **MAZUR_AT)
    answer = solution.answers[0]
    values = dict(zip(solution.names, solution.values, strict=True))
    assert values["o1"] == pytest.approx(0.7513651, abs=5e-8)
    assert values["o2"] == pytest.approx(0.7729285, abs=5e-8)
    assert answer.value == pytest.approx(0.2983711, abs=5e-8)
    branches = sorted(sent for _, operand, *_, sent in sent_in(solution) if operand == "h1")
    assert branches == pytest.approx([-0.0190491, 0.0553994], abs=5e-8)
    assert answer.adjoints[solution.graph.names["h1"]] == pytest.approx(0.0363503, abs=5e-8)
    assert 0.4 - 0.5 * answer.gradient["w5"] == pytest.approx(0.3589165, abs=5e-8)
    assert answer.gradient["w1"] == pytest.approx(0.000438568, abs=5e-10)
    assert 0.15 - 0.5 * answer.gradient["w1"] == pytest.approx(0.1497807, abs=5e-8)


def test_sigmoid_neuron_and_one_step_uphill() -> None:
    """a = 1, b = -2, c = -3: d = -1, e = 3, f = σ(3) = 0.9525741, f' = σ(3)·σ(-3) = 0.0451767.

    ∂f/∂a = ∂f/∂b = 0.0451767·c = -0.13553, ∂f/∂c = 0.0451767·d = -0.045177; h = 0.1 → 0.9563098.
    """
    text = "d = a + b; e = d*c; f = sigmoid(e)"
    at = {"a": 1.0, "b": -2.0, "c": -3.0}
    answer = answer_to(text, **at)
    assert answer.value == pytest.approx(0.9525741, abs=5e-8)
    assert answer.gradient == close({"a": -0.13553, "b": -0.13553, "c": -0.045177}, 1e-5)
    stepped = {name: at[name] + 0.1 * answer.gradient[name] for name in at}
    assert answer_to(text, **stepped).value == pytest.approx(0.9563098, abs=5e-8)
    assert answer_to("sigmoid(x)", x=-2.0).value == pytest.approx(0.1192029, abs=5e-8)


# --------------------------------------------------------------------------- what sweeps promise


def test_a_sweep_leaves_the_graph_alone_and_a_second_one_gives_the_same() -> None:
    graph = parse(MAZUR)
    columns = [graph.rows[:], graph.firsts[:], graph.seconds[:], graph.more[:]]
    first, second = solve(graph, MAZUR_AT), solve(graph, MAZUR_AT)
    assert first.answers == second.answers
    assert first.values == second.values
    assert [graph.rows, graph.firsts, graph.seconds, graph.more] == columns


def test_an_input_that_the_output_does_not_use_has_slope_zero() -> None:
    answer = answer_to("unused = y^2; f = x^2", x=3.0, y=5.0)
    assert answer.gradient == {"y": 0, "x": 6}


def test_a_reused_node_is_visited_once_with_its_complete_adjoint() -> None:
    """s = x², f = s + s·s: ∂f/∂s = 1 + 2s = 19 at x = 3, ∂f/∂x = 19·6 = 114 in one step."""
    solution = solved("s = x*x; f = s + s*s", x=3.0)
    to_x = [step for step in sent_in(solution) if step[1] == "x"]
    assert to_x == [("s", "x", 19, 3, 57), ("s", "x", 19, 3, 57)]
    assert solution.answers[0].gradient == {"x": 114}


def test_intermediates_can_be_asked_for() -> None:
    graph = parse("d = a + b; f = d*c")
    solution = solve(graph, {"a": 5.0, "b": -3.0, "c": -2.0}, wrt=("d", "c"))
    assert solution.answers[0].gradient == {"d": -2, "c": 2}
    with pytest.raises(UnknownInput, match="no name 'q'"):
        solve(graph, {"a": 5.0, "b": -3.0, "c": -2.0}, wrt=("q",))


def test_several_outputs_each_have_their_own_row() -> None:
    solution = solve(parse("f = x*y; g = x + y; h = 0"), {"x": 2.0, "y": 3.0}, outputs=("f", "g"))
    rows = [(answer.name, answer.value, answer.gradient) for answer in solution.answers]
    assert rows == [("f", 6, {"x": 3, "y": 2}), ("g", 5, {"x": 1, "y": 1})]


def test_an_output_that_is_an_input_has_slope_one() -> None:
    assert answer_to("x", x=7.0).gradient == {"x": 1}


def test_an_expression_without_inputs_has_an_empty_gradient() -> None:
    answer = answer_to("2 + 3")
    assert (answer.value, answer.gradient, answer.failure) == (5, {}, None)


def test_a_chain_of_ten_thousand_nodes_needs_no_recursion() -> None:
    """x doubled and halved 5,000 times: the value is x, the slope 1, both exactly."""
    steps = "; ".join("x1 = 2*x1; x1 = x1/2" for _ in range(5000))
    answer = answer_to(f"x1 = x; {steps}", x=0.1)
    assert (answer.value, answer.gradient) == (0.1, {"x": 1})


# ------------------------------------------------------------------------------ dead branches


@pytest.mark.parametrize(
    ("text", "x", "value", "slope"),
    [
        ("where(x > 0, log(x), 0)", -1.0, 0, 0),
        ("where(x < 1, 5*x, 1/x)", 0.0, 0, 5),
        ("where(x < 1, x, sqrt(x))", 0.0, 0, 1),
        ("where(x > 0, sqrt(x), 0*x)", -4.0, 0, 0),
        ("where(x > 800, exp(x), x)", 700.0, 700, 1),
        ("where(x < 800, x, exp(x))", 790.0, 790, 1),
        ("max(x, log(x - 5))", 6.0, 6, 1),
        ("relu(-exp(x))", 5.0, 0, 0),
        ("clip(1/x, -1, 1)", 1e-310, 1, 0),
        ("pick(1, log(-x), x^2)", 3.0, 9, 6),
        ("where(x > 0, where(x > 1, log(x - 1), x), log(-x))", 0.5, 0.5, 1),
    ],
)
def test_a_branch_not_taken_contributes_nothing(
    text: str, x: float, value: float, slope: float
) -> None:
    answer = answer_to(text, x=x)
    assert (answer.value, answer.gradient["x"], answer.failure) == (value, slope, None)
    assert not answer.remarks


def test_nothing_flows_along_an_edge_that_was_not_taken() -> None:
    solution = solved("where(x > 0, log(x), x^2)", x=-3.0)
    assert [(node, operand) for node, operand, *_ in sent_in(solution)] == [
        ("f", "v2"),
        ("v2", "x"),
    ]


def test_a_zero_that_is_no_selection_is_an_ordinary_factor() -> None:
    """cbrt(x)³ is x, but at 0 the chain rule has 3·0²·∞, which is undefined, not 0."""
    answer = answer_to("cbrt(x)^3", x=0.0)
    assert answer.failure is not None
    assert answer.failure.code == "undefined"


# ----------------------------------------------------------------------------- undefined points


@pytest.mark.parametrize(
    ("text", "x", "code", "node", "fragment"),
    [
        ("log(x)", -1.0, "undefined", "f", "log needs x > 0, got x = -1"),
        ("log(x)", 0.0, "not-finite", "f", "log needs x > 0, got x = 0"),
        ("sqrt(x) + 1", -1.0, "undefined", "v1", "sqrt needs x >= 0, got x = -1"),
        ("sqrt(x)", 0.0, "not-finite", "f", "no finite slope at x = 0"),
        ("1/x", 0.0, "not-finite", "f", "needs x other than 0, got x = 0"),
        ("y = exp(x); y*y", 500.0, "not-finite", "f", "overflows"),
        ("x^0.5", -2.0, "undefined", "f", "got x = -2"),
        ("asin(x)", 1.5, "undefined", "f", "asin needs x <= 1"),
        ("gamma(x)", -2.0, "undefined", "f", "x other than 0, -1, -2"),
        ("clip(x, 2, 1)", 0.0, "undefined", "f", "2nd argument <= its 3rd"),
    ],
)
def test_the_first_undefined_node_is_named_with_its_operands(
    text: str, x: float, code: str, node: str, fragment: str
) -> None:
    answer = answer_to(text, x=x)
    assert answer.failure is not None
    assert (answer.failure.code, answer.failure.node) == (code, node)
    assert fragment in answer.failure.message


def outside(operation: Operation) -> list[str]:
    """Return calls of an operation with numbers that its domain does not have."""
    found = []
    count = len(operation.parameters)
    for numbers in product((-2.5, -1.0, 0.0, 0.5, 2.0), repeat=count):
        out = TOTAL.function(operation.name)(*numbers)
        if violated(operation, list(numbers), out):
            written = [f"({x})" if operation.infix else str(x) for x in numbers]
            sign = f" {operation.infix} " if operation.infix else ", "
            text = sign.join(written)
            found.append(text if operation.infix else f"{operation.name}({text})")
    return found


@pytest.mark.parametrize(
    "operation", [row for row in TABLE if row.domain], ids=lambda operation: operation.name
)
def test_a_number_outside_a_domain_is_not_called_by_the_name_of_a_parameter(
    operation: Operation,
) -> None:
    """The reader may have an x or y of his own, with another value."""
    calls = outside(operation)
    assert calls
    for call in calls:
        point = dict.fromkeys([*operation.names, "user"], 5.0)
        solution = solve(parse(f"{call} * user", point), {"user": 5.0})
        failure = solution.answers[0].failure
        assert failure is not None
        assert not set(operation.names) & set(re.findall(r"\b[a-z_]\w*", failure.message)), failure
        assert not re.search(r"(\S+) = \1(?!\S)", failure.message), failure
        assert " needs " in failure.message
        assert not failure.message.endswith("got ")


@pytest.mark.parametrize(
    ("text", "point", "message"),
    [
        ("1/0 + y", {"y": 5.0}, "1/0 needs its right operand other than 0, got 0"),
        ("x/0", {"x": 1.0}, "x/0 needs its right operand other than 0, got 0"),
        ("log(-1)*y", {"y": 1.0}, "log needs its argument > 0, got -1"),
        ("log(2 - 3)*y", {"y": 1.0}, "log needs 2 - 3 > 0, got 2 - 3 = -1"),
        ("a = -1; y*log(a)", {"y": 1.0}, "log needs a > 0, got a = -1"),
        (
            "clip(x, 2, 1)",
            {"x": 0.0},
            "clip needs its 2nd argument <= its 3rd argument, got 2 and 1",
        ),
        ("clip(0, y, 1)", {"y": 2.0}, "clip needs y <= its 3rd argument, got y = 2 and 1"),
        (
            "polygamma(0.5, x)",
            {"x": -2.0},
            "polygamma needs its 1st argument to be 0, 1, 2, ..., and x other than"
            " 0, -1, -2, ..., got 0.5 and x = -2",
        ),
        (
            "(-2)^0.5*x",
            {"x": 1.0},
            "(-2)^0.5 needs a base above 0, or an integer exponent (not below 0 where the base"
            " is 0)",
        ),
        ("exp(1000)*x", {"x": 1.0}, "exp(1000) overflows"),
    ],
)
def test_a_number_of_the_program_is_told_by_its_place(
    text: str, point: dict[str, float], message: str
) -> None:
    failure = answer_to(text, **point).failure
    assert failure is not None
    assert failure.message == message


def test_no_finite_slope_is_given_for_an_undefined_value() -> None:
    assert math.isnan(answer_to("log(x)", x=-1.0).gradient["x"])


@pytest.mark.parametrize(
    ("text", "point", "undefined"),
    [
        ("log(x)*where(y > 0, 1, 2)", {"x": -1.0, "y": 1.0}, "xy"),
        ("log(x)*floor(y)", {"x": -1.0, "y": 1.5}, "xy"),
        ("where(x > 0, y, log(x)*z)", {"x": -1.0, "y": 1.0, "z": 2.0}, "xyz"),
        ("unused = y^2; f = log(x)", {"x": -1.0, "y": 1.0}, "x"),
        ("where(x > 0, log(x), 3*y)", {"x": -1.0, "y": 1.0}, ""),
    ],
)
def test_an_undefined_value_has_no_slope_along_any_input_that_reaches_it(
    text: str, point: dict[str, float], undefined: str
) -> None:
    """An input that the output does not use keeps its 0, and so does a side not taken."""
    answer = answer_to(text, **point)
    bad = {name for name, slope in answer.gradient.items() if slope != slope}
    assert bad == set(undefined)
    assert (answer.value != answer.value) == bool(undefined)


def test_forward_mode_has_no_slope_of_an_undefined_value_either() -> None:
    solution = solved("unused = z^2; f = log(x)*where(y > 0, 1, 2)", x=-1.0, y=1.0, z=1.0)
    said = forward_witness(solution, solution.answers[0]).gradient
    assert [str(said[name]) for name in "xyz"] == ["nan", "nan", "0.0"]


def test_an_undefined_value_has_no_slope_at_any_precision() -> None:
    graph = parse("log(x)*where(y > 0, 1, 2)")
    arithmetic = Precise(30)
    point = {name: arithmetic.number(text) for name, text in (("x", "-1"), ("y", "1"))}
    gradient = solve(graph, point, arithmetic=arithmetic).answers[0].gradient
    assert all(slope != slope for slope in gradient.values())


# --------------------------------------------------------------------------------------- kinks

KINKS = [
    ("abs(x)", 0.0, 0, (-1, 1)),
    ("abs(-x)", 0.0, 0, (-1, 1)),
    ("relu(x)", 0.0, 0, (0, 1)),
    ("relu(-x)", 0.0, 0, (-1, 0)),
    ("max(x, 1)", 1.0, 0.5, (0, 1)),
    ("min(x, 1)", 1.0, 0.5, (1, 0)),
    ("max(x, 2*x, 3*x)", 0.0, 2, (1, 3)),
    ("leaky_relu(x)", 0.0, 0.01, (0.01, 1)),
    ("elu(x, 2)", 0.0, 2, (2, 1)),
    ("clip(x, 0, 1)", 0.0, 1, (0, 1)),
    ("clip(x, 0, 1)", 1.0, 1, (1, 0)),
    ("relu(x) - relu(-x)", 0.0, 0, (1, 1)),
    ("abs(x) - abs(-x)", 0.0, 0, (0, 0)),
    ("abs(x) + x", 0.0, 1, (0, 2)),
    ("abs(abs(x) - 1)", 1.0, 0, (-1, 1)),
    ("abs(sin(x))", 0.0, 0, (-1, 1)),
    ("where(x > 0, x, 0)", 0.0, 0, (0, 1)),
    ("where(x >= 0, x, -x)", 0.0, 1, (-1, 1)),
    ("where(0 < x, 3*x, 2*x)", 0.0, 2, (2, 3)),
    ("hypot(x, 0)", 0.0, 0, (-1, 1)),
    ("huber(x, 0)", 1.0, 1, (1, 1)),
]
"""(program, x, the convention's answer, the true slopes to the left and to the right)."""


@pytest.mark.parametrize(("text", "x", "convention", "slopes"), KINKS)
def test_a_kink_follows_its_convention_and_has_true_one_sided_slopes(
    text: str, x: float, convention: float, slopes: tuple[float, float]
) -> None:
    assert answer_to(text, x=x).gradient["x"] == pytest.approx(convention, abs=1e-15)
    for side, slope in zip(("left", "right"), slopes, strict=True):
        answer = answer_to(text, side, x=x)
        assert answer.failure is None
        assert answer.gradient["x"] == pytest.approx(slope, abs=1e-15), side


@pytest.mark.parametrize(
    ("text", "x", "left", "right"),
    [
        ("abs(x)", 0.0, "-1", "1"),
        ("relu(x)", 0.0, "0", "1"),
        ("max(x, 1)", 1.0, "0", "1"),
        ("leaky_relu(x)", 0.0, "0.01", "1"),
        ("relu(x) - relu(-x)", 0.0, "0", "1"),
    ],
)
def test_a_kink_is_remarked_with_both_slopes_and_whose_convention(
    text: str, x: float, left: str, right: str
) -> None:
    remark = answer_to(text, x=x).remarks[0]
    assert remark.code == "kink"
    assert f"slope {left} to the left, {right} to the right" in remark.message
    assert "as PyTorch" in remark.message


@pytest.mark.parametrize(
    "text", ["abs(x)", "relu(x) - relu(-x)", "where(x >= 0, x, -x)", "x*sign(x)"]
)
@pytest.mark.parametrize(
    ("kink", "closing"),
    [
        ("convention", ("; convention: ", "; the conventions answer ", " (see --kink left)")),
        ("left", ("; the answer is the slope of f to the left",)),
        ("right", ("; the answer is the slope of f to the right",)),
        ("error", ("; refused by --kink error",)),
    ],
)
def test_a_remark_on_a_kink_says_what_answered(
    text: str, kink: str, closing: tuple[str, ...]
) -> None:
    answer = answer_to(text, kink, x=0.0)
    said = [remark.message for remark in answer.remarks]
    if kink == "error":
        assert answer.failure is not None
        said.append(answer.failure.message)
    assert said
    for message in said:
        assert any(text in message for text in closing)
        assert kink == "convention" or message.endswith(closing)


def test_a_remark_does_not_call_a_missing_slope_the_answer() -> None:
    answer = answer_to("floor(x)", "left", x=2.0)
    assert answer.failure is not None
    (remark,) = answer.remarks
    assert remark.message.endswith(
        "2 from the right; --kink left asks for the slope of f to the left"
    )


@pytest.mark.parametrize("side", ["left", "right"])
def test_an_infinite_slope_is_not_finite_with_a_kink_elsewhere_or_without(side: str) -> None:
    alone = answer_to("cbrt(x)", side, x=0.0)
    beside = answer_to("cbrt(x) + abs(y)", side, x=0.0, y=1.0)
    for answer in (alone, beside):
        assert answer.gradient["x"] == math.inf
        assert answer.failure is not None
        assert answer.failure.code == "not-finite"
        assert answer.failure.message == "cbrt has no finite slope at x = 0"
    assert beside.gradient["y"] == 1


def test_an_undefined_product_is_undefined_with_a_kink_elsewhere_or_without() -> None:
    alone = answer_to("cbrt(x)^3", "left", x=0.0).failure
    beside = answer_to("cbrt(x)^3 + abs(y)", "left", x=0.0, y=1.0).failure
    assert alone is not None
    assert beside is not None
    assert alone.code == beside.code == "undefined"


def test_an_infinite_slope_to_one_side_of_a_kink_has_its_sign() -> None:
    """sqrt(|x|) falls to 0 infinitely fast, and rises as fast; the chain rule says 0·inf."""
    for side, slope in (("left", -math.inf), ("right", math.inf)):
        answer = answer_to("sqrt(abs(x))", side, x=0.0)
        assert answer.gradient["x"] == slope
        assert answer.failure is not None
        assert answer.failure.code == "not-finite"
        assert answer.failure.message == f"f has no finite slope to the {side} along x"


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("x*abs(x)", {"x": 0.0}),
        ("abs(x)^3", {"x": 0.0}),
        ("abs(x^3)", {"x": 0.0}),
        ("max(x, x)", {"x": 1.0}),
        ("max(x, x) + min(x, x)", {"x": 0.0}),
        ("where(x < 1, x^2, 2*x - 1)", {"x": 1.0}),
        ("where(x > 0, x^2, -x^2)", {"x": 0.0}),
        ("where(x == y, x*y, x*y)", {"x": 1.0, "y": 1.0}),
        ("0*relu(x) + x", {"x": 0.0}),
        ("relu(x)^2", {"x": 0.0}),
        ("where(y > 0, y, abs(x))", {"x": 0.0, "y": 1.0}),
        ("floor(3)*x", {"x": 1.0}),
        ("abs(0)*x", {"x": 1.0}),
        ("x^2", {"x": 0.0}),
        ("atan2(y, x)", {"x": 1.0, "y": 0.0}),
    ],
)
def test_a_kink_that_changes_nothing_is_not_remarked(text: str, point: dict[str, float]) -> None:
    answer = answer_to(text, **point)
    assert answer.remarks == ()
    assert answer.failure is None
    for side in ("left", "right", "error"):
        assert answer_to(text, side, **point).gradient == pytest.approx(answer.gradient)


@pytest.mark.parametrize(
    ("text", "x", "fragment"),
    [
        ("floor(x)", 2.0, "1 from the left, 2 here, 2 from the right"),
        ("ceil(x)", 2.0, "2 from the left, 2 here, 3 from the right"),
        ("sign(x)", 0.0, "-1 from the left, 0 here, 1 from the right"),
        ("where(x > 0, x + 1, x)", 0.0, "0 from the left, 0 here, 1 from the right"),
        ("where(x >= 0, 1, 0)*x + where(x > 0, x + 1, x)", 0.0, "jumps along x"),
        ("atan2(x, -1)", 0.0, "from the left"),
    ],
)
def test_a_jump_is_remarked_with_the_values_on_both_sides(
    text: str, x: float, fragment: str
) -> None:
    remarks = answer_to(text, x=x).remarks
    assert any(remark.code == "jump" and fragment in remark.message for remark in remarks), remarks


@pytest.mark.parametrize(
    ("text", "x", "side", "slope"),
    [
        ("floor(x)", 2.0, "right", 0),
        ("ceil(x)", 2.0, "left", 0),
        ("where(x > 0, x + 1, 3*x)", 0.0, "left", 3),
        ("atan2(x, -1)", 0.0, "right", -1),
    ],
)
def test_a_jump_has_a_slope_on_the_side_where_the_value_belongs(
    text: str, x: float, side: str, slope: float
) -> None:
    answer = answer_to(text, side, x=x)
    assert (answer.failure, answer.gradient["x"]) == (None, slope)
    other = answer_to(text, "right" if side == "left" else "left", x=x)
    assert other.failure is not None
    assert other.failure.code == "kink"
    assert "jumps" in other.failure.message


@pytest.mark.parametrize(
    "text", ["where(x^2 > 0, x, -x)", "where(x*abs(x) <= 0, abs(x), 2*x)", "floor(x^2)"]
)
def test_a_tie_in_value_and_slope_is_undecided_and_says_so(text: str) -> None:
    answer = answer_to(text, "left", x=0.0)
    assert answer.failure is not None
    assert answer.failure.code == "kink"
    assert "undecided" in answer.failure.message
    assert answer_to(text, x=0.0).remarks


def test_a_jump_that_the_input_does_not_move_towards_leaves_nothing_undecided() -> None:
    """The index of pick stands still; that its choices stand still too decides nothing."""
    for side in ("left", "right"):
        answer = answer_to("pick(1, cos(x), 2)", side, x=0.0)
        assert (answer.failure, answer.gradient["x"]) == (None, 0)


def test_kink_error_refuses_at_a_kink_and_points_at_its_node() -> None:
    answer = answer_to("1 + abs(x)", "error", x=0.0)
    assert answer.failure is not None
    assert (answer.failure.code, answer.failure.node) == ("kink", "v1")
    assert answer.failure.span == (4, 10)
    assert answer_to("1 + abs(x)", "error", x=2.0).failure is None


def test_a_convention_that_is_neither_slope_is_remarked() -> None:
    """clip(x, 2, 2) is constant, so both slopes at 2 are 0, but the convention answers 1."""
    answer = answer_to("clip(x, 2, 2)", x=2.0)
    assert answer.gradient["x"] == 0 or answer.remarks


def test_each_input_has_one_sided_slopes_of_its_own() -> None:
    """max(a, b) at a tie: a alone growing lifts it, so both right slopes are 1, both left 0."""
    for side, slope in (("left", 0), ("right", 1)):
        answer = answer_to("max(a, b)", side, a=1.0, b=1.0)
        assert answer.gradient == {"a": slope, "b": slope}
    assert answer_to("max(a, b)", a=1.0, b=1.0).gradient == {"a": 0.5, "b": 0.5}


def test_a_one_sided_sweep_away_from_kinks_is_forward_mode() -> None:
    graph = parse(MAZUR)
    values = forward_values(graph, MAZUR_AT)
    for seed in graph.inputs.values():
        tangent = jvp(graph, values, seed)[graph.outputs[0]]
        for direction in (-1, 1):
            sweep = one_sided(graph, values, seed, direction)
            assert sweep.slopes[graph.outputs[0]] == pytest.approx(tangent, rel=1e-14)
            assert sweep.limits[graph.outputs[0]] == values[graph.outputs[0]]


# -------------------------------------------------------------------------------------- digits


@pytest.mark.parametrize(
    ("text", "x", "node"),
    [
        ("(x + 1e20) - 1e20", 1.0, "f"),
        ("log(1 + x)", 1e-20, "f"),
        ("(1 - cos(x))/x^2", 1e-8, None),
        ("y = x + 1e20; z = y - 1e20; f = z*2", 1.0, "z"),
        ("exp(x) - 1", 1e-12, "f"),
        ("sqrt(x^2 + 1) - x", 1e9, None),
        ("0.1 + 0.2 - x", 0.3, None),
    ],
)
def test_lost_digits_are_remarked_at_the_node_that_loses_them(
    text: str, x: float, node: str | None
) -> None:
    """Of the value, that is: what slopes lose has remarks of its own (`test_digits.py`)."""
    digits = [remark for remark in answer_to(text, x=x).remarks if remark.code == "digits"]
    remarks = [remark for remark in digits if "∂" not in remark.message]
    assert len(remarks) == 1
    assert node is None or remarks[0].node == node


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("x*y - 6", {"x": 2.0, "y": 3.0}),
        ("x^2 - 9", {"x": 3.0}),
        ("exp(x) - 1", {"x": 0.0}),
        ("cos(x) - 1", {"x": 0.0}),
        ("sqrt(x) - 3", {"x": 9.0}),
        ("x/2 - 0.75", {"x": 1.5}),
        ("x - y", {"x": 1.0000000001, "y": 1.0}),
        ("(x + 1)^2 - x^2 - 2*x - 1", {"x": 7.0}),
        ("1e20*x - 1e20", {"x": 1.0}),
        ("2^x - 8", {"x": 3.0}),
        ("abs(x) - relu(x)", {"x": 0.1}),
        ("max(x, 0.1) - 0.1", {"x": 0.1}),
        ("log1p(x)", {"x": 1e-20}),
        ("expm1(x)", {"x": 1e-20}),
        ("x*0", {"x": 0.3}),
        ("sin(x)", {"x": 3.141592653589793}),
        ("(a + b)*(b + c)", {"a": 2.0, "b": -3.0, "c": 4.0}),
    ],
)
def test_arithmetic_that_loses_nothing_is_not_accused(text: str, point: dict[str, float]) -> None:
    assert not [remark for remark in answer_to(text, **point).remarks if remark.code == "digits"]


def test_a_literal_too_small_for_a_float_is_remarked() -> None:
    assert [remark.code for remark in answer_to("x + 1e-400", x=1.0).remarks] == ["underflow"]


@pytest.mark.parametrize(
    ("text", "x", "left", "right"),
    [
        ("sqrt(relu(x))", -2.5, 0.0, 0.0),
        ("sqrt(relu(x))", 0.0, 0.0, math.inf),
        ("sign(relu(x))", -2.5, 0.0, 0.0),
        ("where(relu(x) > 0, x^2, x)", -1.0, 1.0, 1.0),
        ("floor(sign(x)/2 + 1/2)*x", 1.0, 1.0, 1.0),
    ],
)
def test_what_stands_still_beside_a_point_steps_off_no_kink(text, x, left, right):
    """Not even where its users have an infinite slope: nothing moves, so there is no 0·inf."""
    graph = parse(text)
    values = forward_values(graph, {"x": x})
    for direction, slope in ((-1, left), (1, right)):
        side = one_sided(graph, values, graph.inputs["x"], direction)
        assert side.slopes[graph.outputs[0]] == slope
        assert not side.undecided[graph.outputs[0]]


@pytest.mark.parametrize(
    ("text", "undecided"),
    [
        ("sqrt(relu(x*x))", False),
        ("relu(cbrt(x)^2)", False),
        ("where(x != cbrt(0*x), 3*x, 0)", True),
    ],
)
@pytest.mark.parametrize("direction", [-1, 1])
def test_what_moves_but_not_to_first_order_does_not_stand_still(text, undecided, direction):
    """The slope of sqrt(relu(x*x)) = |x| at 0 is -1 or 1, which no sweep of first order knows."""
    graph = parse(text)
    side = one_sided(graph, forward_values(graph, {"x": 0.0}), graph.inputs["x"], direction)
    output = graph.outputs[0]
    assert math.isnan(side.slopes[output]) or side.undecided[output]
    assert bool(side.undecided[output]) == undecided


@pytest.mark.parametrize("kink", ["convention", "left", "right"])
def test_a_tie_to_first_order_before_a_root_is_never_answered_without_a_word(kink):
    answer = answer_to("sqrt(relu(x*x))", kink, x=0.0)
    assert answer.remarks
    assert (answer.failure is None) == (kink == "convention")


def test_a_power_with_a_moving_exponent_has_a_slope_at_a_base_of_0():
    """x^(x + 2) = x² (1 + x log x + ...), with a kink elsewhere so that a sweep is made."""
    assert answer_to("x^(x + 2) + abs(x - 1)", "right", x=0.0).gradient == {"x": -1.0}
