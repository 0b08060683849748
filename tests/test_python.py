"""Generated Python: the interpreter's numbers, whatever the program and its names."""

import keyword
import math
from itertools import product

import pytest
from hypothesis import given, settings
from strategies import programs

from backprop_cli.calculus.gradient_graph import gradient_graph, hessian_graph
from backprop_cli.calculus.values import forward_values
from backprop_cli.graph import Graph
from backprop_cli.language.parser import parse
from backprop_cli.operations import TABLE
from backprop_cli.readings.python import python_function

ULPS = 4
"""How far generated Python may be from the interpreter, for each node that it passes through."""


def both(graph: Graph, point: dict[str, float]) -> tuple[list[float], list[float]]:
    """Return the outputs of a graph by generated Python and by the interpreter."""
    values = forward_values(graph, point)
    made = python_function(graph, list(point))(*point.values())
    return list(made), [values[node] for node in graph.outputs]


def close(made: list[float], interpreted: list[float], largest: float) -> bool:
    return all(
        math.isclose(a, b, rel_tol=ULPS * 2**-52, abs_tol=ULPS * 2**-52 * largest)
        for a, b in zip(made, interpreted, strict=True)
    )


@settings(deadline=None)
@given(programs())
def test_random_programs_and_their_gradients_are_the_interpreters(program):
    graph = parse(program.text, program.point)
    point = {name: program.point[name] for name in graph.inputs}
    gradient = gradient_graph(graph, graph.outputs[0], list(graph.inputs.values()))
    for each in (graph, gradient):
        finite = [abs(v) for v in forward_values(each, point) if math.isfinite(v)]
        try:
            made, interpreted = both(each, point)
        except (ArithmeticError, ValueError):
            continue  # a side that no `where` takes is outside its domain: the interpreter's case
        assert close(made, interpreted, max(finite, default=1.0))


AWKWARD = ("v1", "v0", "t", "function", "exp", "lambda", "None", "n3_number0", "_", "sin", "λ")


def test_names_of_inputs_cannot_collide_with_the_generated_ones():
    """The first prototype gave wrong gradients for inputs called `t` and `v1`."""
    assert any(keyword.iskeyword(name) for name in AWKWARD)
    text = "+".join(f"{k + 2}*sin({name})*{name}^2" for k, name in enumerate(AWKWARD))
    graph = parse(text, AWKWARD)
    point = {name: 0.1 * k + 0.3 for k, name in enumerate(AWKWARD)}
    gradient = gradient_graph(graph, graph.outputs[0], list(graph.inputs.values()))
    assert list(graph.inputs) == list(AWKWARD)
    made, interpreted = both(gradient, {name: point[name] for name in graph.inputs})
    assert close(made, interpreted, 1.0)


def test_every_operation_is_compiled():
    """A row of the table that generated Python could not spell would fail here."""
    for operation in TABLE:
        if operation.called and not operation.selects and operation.name != "polygamma":
            count = 2 if operation.variadic else len(operation.names)
            names = [f"x{k}" for k in range(count)]
            graph = parse(
                f"{operation.name}({', '.join(names)})" if operation.name != "pow" else "x0^x1"
            )
            inside = 1.5 if operation.name == "acosh" else 0.5
            made, interpreted = both(graph, dict.fromkeys(names, inside))
            assert close(made, interpreted, 1.0), operation.name


SIGNED = (
    "-(a*b)", "a - -b*c", "-a + b", "-a - b", "(-a)/(-b)", "-(a + b)*c", "a - (b - c)", "a - (-b)",
    "-a*-b*-c", "-(-a) - (-(b + c))", "a/(b*c)/-d", "a*(b/c)", "-(a - b) - (c - d)", "-0*a + b",
    "-a + -(b*c)", "(-a)^2 - -(b^2)", "-(a/b) + c", "relu(-a)*-b", "-abs(-a - b)", "a*-2 + b*-0.5",
    "where(-a < -b, -c, c - -d)", "max(-a, -b) - -c", "sigmoid(-a) + -b", "-(a + b) + -(c - d)",
)  # fmt: skip


@pytest.mark.parametrize("text", SIGNED)
def test_minus_signs_move_without_changing_a_bit(text):
    """A zero keeps its sign too."""
    numbers = (0.0, -0.0, 1.0, -1.0, 0.1, -3.7)
    names = list(parse(text).inputs)
    for graph in (parse(text), parse(f"({text})*a + ({text})")):
        for values in product(numbers, repeat=len(names)):
            point = dict(zip(names, values, strict=True))
            try:
                made = python_function(graph, names)(*values)
            except ZeroDivisionError:
                continue
            interpreted = forward_values(graph, point)
            wanted = [interpreted[node].hex() for node in graph.outputs]
            assert [value.hex() for value in made] == wanted, point


def test_a_long_expression_is_cut():
    """One expression of 20,000 terms, or of 500 parentheses, would be too deep for Python."""
    for text in ("+".join(["x"] * 20_000), "".join(["(x - "] * 500) + "x" + ")" * 500):
        graph = parse(text)
        made, interpreted = both(graph, {"x": 1.0})
        assert made == interpreted


def test_sums_of_choices_grow_in_place():
    """Eight terms for each of two weights, each behind a relu: no name for every term."""
    graph = parse("+".join(f"relu(a*x{k} + b*y{k})" for k in range(8)))
    gradient = gradient_graph(graph, graph.outputs[0], [graph.inputs["a"], graph.inputs["b"]])
    inputs = {name: math.sin(k + 1) for k, name in enumerate(graph.inputs)}
    made, interpreted = both(gradient, inputs)
    assert made == interpreted
    code = python_function(gradient, list(inputs)).__code__
    relus, conditions, sums = 8, 8, 2
    assert code.co_nlocals == len(inputs) + relus + conditions + sums


def test_what_the_outputs_do_not_need_is_not_computed():
    graph = parse("a = 1/x; f = x^2")
    assert python_function(graph, ["x"])(0.0) == (0.0,)


@pytest.mark.parametrize("text", ["1/x", "exp(1000/(x + 1))", "log(x)"])
def test_it_raises_where_floats_do(text):
    with pytest.raises((ArithmeticError, ValueError)):
        python_function(parse(text), ["x"])(0.0)


def test_the_hessian_is_the_lower_triangle_of_second_derivatives():
    """f = x³y² + exp(xy): by hand at (1, 2)."""
    graph = parse("x^3*y^2 + exp(x*y)")
    made = hessian_graph(graph, graph.outputs[0], list(graph.inputs.values()))
    value, dx, dy, dxx, dyx, dyy = python_function(made, ["x", "y"])(1.0, 2.0)
    e = math.exp(2.0)
    assert value == pytest.approx(4 + e, rel=1e-15)
    assert (dx, dy) == pytest.approx((12 + 2 * e, 4 + e), rel=1e-15)
    assert (dxx, dyx, dyy) == pytest.approx((24 + 4 * e, 12 + e + 2 * e, 2 + e), rel=1e-15)
