"""The gradient as a graph: the same numbers as the sweeps, and second derivatives like SymPy's."""

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from backprop_cli.calculus.gradient_graph import gradient_graph
from backprop_cli.calculus.reverse import reverse
from backprop_cli.calculus.symbolic import symbolic_gradient
from backprop_cli.calculus.values import forward_values
from backprop_cli.graph import Graph
from backprop_cli.language.parser import parse
from backprop_cli.operations import TABLE
from backprop_cli.readings.precise import Precise
from backprop_cli.studies.gradient import solve

PROGRAMS = [
    ("(a+b)*(b+c)", {"a": 2.0, "b": -3.0, "c": 4.0}),
    ("x^3 + x^y - y^2", {"x": 1.3, "y": 0.7}),
    ("sigmoid(w*x + b)^2", {"w": 0.5, "x": 2.0, "b": -0.3}),
    ("max(a*b, b - a, a^2)", {"a": 1.5, "b": 0.5}),
    ("logsumexp(a, 2*b, a*b) - mean(a, b, 3)", {"a": 0.3, "b": -0.2}),
    ("where(x > y, sin(x*y), cos(x)/y)", {"x": 1.0, "y": 0.4}),
    ("tanh(x)*erf(y) + gelu(x*y)", {"x": 0.4, "y": 0.9}),
    ("cross_entropy(1, a, b, a*b)", {"a": 0.3, "b": 1.2}),
    ("hypot(x, y)*atan2(y, x)", {"x": 0.6, "y": -1.1}),
    ("u = x*y; v = u + x; f = u*v*v", {"x": 1.1, "y": 0.6}),
]


def ids(case: object) -> str:
    return case if isinstance(case, str) else ""


def gradients(graph: Graph, point: dict[str, float]) -> list[float]:
    """Return the gradient by the gradient graph's values."""
    made = gradient_graph(graph, graph.outputs[0], list(graph.inputs.values()))
    values = forward_values(made, point)
    return [values[node] for node in made.outputs[1:]]


@pytest.mark.parametrize(("program", "point"), PROGRAMS, ids=ids)
def test_its_values_are_those_of_the_reverse_sweep(program, point):
    graph = parse(program)
    values = forward_values(graph, point)
    active = graph.dependents(graph.inputs.values())
    adjoints = reverse(graph, values, graph.outputs[0], active)
    swept = [adjoints[node] or 0.0 for node in graph.inputs.values()]
    assert gradients(graph, point) == pytest.approx(swept, rel=1e-14)


@pytest.mark.parametrize(("program", "point"), PROGRAMS, ids=ids)
def test_second_derivatives_are_those_of_sympy(program, point):
    """Differentiate once by the graph, then once more by the graph and once more by SymPy."""
    graph = parse(program)
    inputs = graph.inputs
    first = gradient_graph(graph, graph.outputs[0], list(inputs.values()))
    for component in first.outputs[1:]:
        second = gradient_graph(first, component, list(inputs.values()))
        values = forward_values(second, point)
        symbolic = dict(symbolic_gradient(first, component, inputs, point))
        for name, node in zip(inputs, second.outputs[1:], strict=True):
            assert symbolic[name].value is not None, symbolic[name].reason
            assert values[node] == pytest.approx(symbolic[name].value, rel=1e-9, abs=1e-12)


def test_a_side_that_was_not_taken_contributes_nothing_to_any_derivative():
    """sqrt(-1) is NaN, and its slope too; neither may reach the answer."""
    graph = parse("where(x > 0, sqrt(x), 3*x^2)")
    first = gradient_graph(graph, graph.outputs[0], [graph.inputs["x"]])
    second = gradient_graph(first, first.outputs[1], [graph.inputs["x"]])
    values = forward_values(second, {"x": -1.0})
    assert values[first.outputs[1]] == -6.0
    assert values[second.outputs[1]] == 6.0


def test_a_zero_adjoint_below_a_selection_still_has_a_slope():
    """(-x)^2 has slope 0 at 0 and curvature 2; a guard on the adjoint's value would lose it."""
    graph = parse("where(x > -1, (-x)^2, 0)")
    first = gradient_graph(graph, graph.outputs[0], [graph.inputs["x"]])
    second = gradient_graph(first, first.outputs[1], [graph.inputs["x"]])
    assert forward_values(second, {"x": 0.0})[second.outputs[1]] == 2.0


def test_what_flows_along_one_edge_is_not_hidden_by_a_negative_slope_along_another():
    """Below 0 one edge to t lets -1 through and the other nothing: something flows to x and y."""
    graph = parse("t = x*y; leaky_relu(t, -1) + relu(t)")
    assert gradients(graph, {"x": -2.0, "y": 3.0}) == [-3.0, 2.0]


SELECTING = (
    "relu({0})", "abs({0})", "leaky_relu({0}, -1)", "leaky_relu({0})", "clip({0}, -1, 1)",
    "max({0}, {1})", "min({0}, {1}, {0}*{1})", "where({0} < {1}, {0}*{1}, {1}^2)",
    "where({0} >= {1}, 1/{1}, -{0})", "where({0} == {1}, {0}, relu({1}))", "sign({0})*{1}",
    "where({0} != {1}, {1}, exp({0}))", "{0} + {1}", "{0} - {1}", "({0})*({1})", "-({0})*{1}",
)  # fmt: skip


@st.composite
def selecting(draw: st.DrawFn) -> tuple[str, dict[str, float]]:
    """Draw a program of operations that select, each over what stands before it, and its point."""
    names, lines = ["x", "y"], []
    for number in range(draw(st.integers(3, 9))):
        operands = [draw(st.sampled_from(names[-4:])) for _ in range(2)]
        lines.append(f"u{number} = " + draw(st.sampled_from(SELECTING)).format(*operands))
        names.append(f"u{number}")
    kinds = st.sampled_from((-2.0, -1.0, 0.0, 1.0, 3.0)) | st.floats(-3, 3, allow_nan=False)
    lines.append("x*0 + y*0 + " + " + ".join(draw(st.sampled_from(names)) for _ in range(3)))
    return "\n".join(lines), {"x": draw(kinds), "y": draw(kinds)}


@settings(deadline=None, max_examples=300)
@given(selecting())
def test_of_programs_that_select_it_is_the_reverse_sweep(drawn):
    text, point = drawn
    graph = parse(text)
    inputs = list(graph.inputs.values())
    values = forward_values(graph, point)
    assume(math.isfinite(values[graph.outputs[0]]))
    adjoints = reverse(graph, values, graph.outputs[0], graph.dependents(inputs))
    swept = [adjoints[node] or 0.0 for node in inputs]
    assert gradients(graph, point) == pytest.approx(swept, rel=1e-12, nan_ok=True)


def test_a_comparison_with_nan_on_a_side_not_taken_contributes_nothing():
    """At x = y = 0 nobody asks whether y/x > 1, so its NaN must not reach the slope of w."""
    graph = parse("where(x > 0, where(y/x > 1, w*x, 2*w), w)")
    assert gradients(graph, {"x": 0.0, "y": 0.0, "w": 2.0})[-1] == 1.0
    assert list(graph.inputs) == ["x", "y", "w"]


def needed_rows(graph: Graph) -> list[str]:
    needed = graph.dependencies(graph.outputs)
    return [TABLE[row].name for node, row in enumerate(graph.rows) if needed[node]]


def test_a_row_that_says_when_it_lets_through_is_asked_no_more():
    """relu sends where(x > 0, adjoint, 0): one comparison and one choice for each contribution."""
    graph = parse("relu(w*x + b)")
    made = gradient_graph(graph, graph.outputs[0], list(graph.inputs.values()))
    rows = needed_rows(made)
    assert (rows.count("greater"), rows.count("where")) == (1, 3)
    assert rows.count("mul") == 1  # w*x itself: where(t > 0, x, 0) has no product with 1
    assert "not_equal" not in rows


def test_edges_that_cover_every_case_need_no_guard():
    graph = parse("t = x*y; where(x > y, t, 2*t)")
    made = gradient_graph(graph, graph.outputs[0], [graph.inputs["x"]])
    assert needed_rows(made).count("where") == 3  # the program's own, and one for each edge to t


def test_an_input_that_does_not_matter_has_gradient_zero():
    graph = parse("u = x^2; v = y; u")
    assert gradients(graph, {"x": 3.0, "y": 1.0}) == [6.0, 0.0]


def test_it_is_evaluated_by_every_reading():
    graph = parse("exp(x)*x")
    made = gradient_graph(graph, graph.outputs[0], [graph.inputs["x"]])
    precise = Precise(40)
    values = forward_values(made, {"x": precise.context.mpf(1)}, precise)
    assert abs(values[made.outputs[1]] - 2 * precise.context.e) < precise.context.mpf(10) ** -38
    assert math.isclose(forward_values(made, {"x": 1.0})[made.outputs[1]], 2 * math.e)


def test_it_grows_linearly_and_by_a_small_factor():
    for count in (100, 1000):
        graph = parse("+".join("x*y" for _ in range(count)))
        made = gradient_graph(graph, graph.outputs[0], list(graph.inputs.values()))
        assert made.size < 9 * graph.size


def test_every_row_can_be_instantiated():
    for operation in TABLE:
        if operation.called:
            names = [name for name in operation.names if name not in ("k", "n")]
            text = (
                operation.name
                + "("
                + ", ".join({"k": "0", "n": "1"}.get(name, name) for name in operation.names)
                + ")"
            )
            if operation.name == "where":
                text = "where(c > 0, a, b)"
            graph = parse(text.replace("z", "x, y"))
            assert gradient_graph(graph, graph.outputs[0], list(graph.inputs.values())).size, names


@pytest.mark.parametrize(
    "text", ["0*sqrt(x) + x", "sqrt(x)^0*x", "x - cbrt(x)*0", "x + 0*(3*sqrt(x))"]
)
def test_a_factor_of_0_does_not_hide_an_infinite_slope(text):
    """0·inf is undefined for whoever multiplies; only what selects sends nothing along an edge."""
    graph = parse(text)
    found = gradient_graph(graph, graph.outputs[0], list(graph.inputs.values()))
    for x in (0.0, 4.0):
        slope = forward_values(found, {"x": x})[found.outputs[1]]
        answer = solve(graph, {"x": x}).answers[0]
        assert [slope] == pytest.approx([answer.gradient["x"]], nan_ok=True)
        assert math.isnan(slope) == (x == 0)
