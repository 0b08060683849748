"""The sweeps on examples worked by hand: every value, every contribution, not only the total."""

from collections.abc import Mapping

import pytest

from backprop_cli.calculus.forward import jvp
from backprop_cli.calculus.reverse import contributions
from backprop_cli.calculus.values import forward_values
from backprop_cli.errors import UnknownInput
from backprop_cli.language.parser import parse
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


@pytest.mark.parametrize("x", [1.1364987205303603, -0.7, 1e200, 3e-170])
def test_a_square_is_rounded_once_as_compiled_code_has_it(x: float) -> None:
    """The library's pow(x, 2) is off by one unit in the last place at the first of these."""
    answer = answer_to("x^2", x=x)
    assert (answer.value, answer.gradient["x"]) == (x * x, 2 * x)
    assert answer_to("x^3", x=x).gradient["x"] == 3.0 * (x * x)


def test_a_zero_that_is_no_selection_is_an_ordinary_factor() -> None:
    """cbrt(x)³ is x, but at 0 the chain rule has 3·0²·∞, which is undefined, not 0."""
    answer = answer_to("cbrt(x)^3", x=0.0)
    assert answer.failure is not None
    assert answer.failure.code == "undefined"
