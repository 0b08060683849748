"""SymPy's reading of graphs: independent of the partials, printable, and right to 1e-9."""

import math
import random
from collections.abc import Mapping

import pytest
import sympy

from backprop_cli.calculus.reverse import reverse
from backprop_cli.calculus.symbolic import Slope, SymbolicStep, symbolic_gradient, symbolic_steps
from backprop_cli.calculus.values import forward_values
from backprop_cli.graph import Graph
from backprop_cli.language.names import display_names
from backprop_cli.language.parser import parse
from backprop_cli.operations import COMPARISONS, ROW, TABLE, Operation
from backprop_cli.readings import symbols
from backprop_cli.readings.floats import TOTAL
from backprop_cli.readings.formulas import condition
from backprop_cli.readings.symbol_text import plain_text
from backprop_cli.readings.symbol_values import ExactPoint
from backprop_cli.readings.symbols import NoClosedForm, expressions, number, reading, symbol

OPERATIONS = [operation for operation in TABLE if operation.parameters]
Point = Mapping[str, float]


def slopes(
    source: str, point: Point | None = None, wrt: str = "", bound: str = ""
) -> dict[str, Slope]:
    graph = parse(source, bound.split() or (point or {}))
    nodes = {**graph.inputs, **{name: graph.names[name] for name in wrt.split()}}
    asked = {name: nodes[name] for name in wrt.split()} if wrt else dict(graph.inputs)
    return dict(symbolic_gradient(graph, graph.outputs[0], asked, point))


def texts(source: str, wrt: str = "", bound: str = "") -> list[str]:
    return [slope.text or slope.reason for slope in slopes(source, None, wrt, bound).values()]


# ------------------------------------------------------------------- what people read

FORMULAS = [
    ("(a + b)*(b + c)", ["b + c", "a + 2*b + c", "a + b"]),
    ("x = a+b; y = b+c; f = x*y", ["b + c", "a + 2*b + c", "a + b"]),  # posts, row 8
    ("d = a+b; f = d*c", ["c", "c", "a + b"]),  # posts, row 11
    ("2*x + 4", ["2"]),  # posts, row 14
    ("(3*x + 4*y)^3", ["9*(3*x + 4*y)^2", "12*(3*x + 4*y)^2"]),  # posts, row 15
    ("-x^2", ["-2*x"]),
    ("x/(1 + x)", ["1/(x + 1)^2"]),
    ("1/x^2", ["-2/x^3"]),
    ("x^y", ["x^y*y/x", "x^y*log(x)"]),
    ("2^-x", ["-log(2)/2^x"]),
    ("e^x", ["exp(x)"]),
    ("sqrt(x)", ["1/(2*sqrt(x))"]),
    ("sin(x)*cos(x)", ["cos(x)^2 - sin(x)^2"]),
    ("(x - y)^2/2", ["x - y", "y - x"]),
    (
        "(w*x + b - t)^2",
        ["2*x*(b - t + w*x)", "2*w*(b - t + w*x)", "2*(b - t + w*x)", "2*(t - b - w*x)"],
    ),
    ("tanh(x)", ["1 - tanh(x)^2"]),
    ("sigmoid(x)", ["exp(x)/(exp(x) + 1)^2"]),
    ("relu(x)", ["where(x > 0, 1, 0)"]),
    ("max(x, y, 3)", ["where(x > max(3, y), 1, 0)", "where(y > max(3, x), 1, 0)"]),
    ("min(x, 1)", ["where(x < 1, 1, 0)"]),
    ("where(x > 1, where(x < 2, x^2, x), 3*x)", ["where(x > 1, where(x < 2, 2*x, 1), 3)"]),
    ("where(x > 0, x, 0.01*x)", ["where(x > 0, 1, 0.01)"]),
    ("abs(x)", ["sign(x)"]),
    ("abs(log(x))", ["sign(log(x))/x"]),
    ("abs(sqrt(x) - y)", ["sign(sqrt(x) - y)/(2*sqrt(x))", "-sign(sqrt(x) - y)"]),
    ("x*floor(x)*sign(x)", ["floor(x)*sign(x)"]),
    ("lgamma(x)", ["digamma(x)"]),
    ("digamma(x)", ["polygamma(1, x)"]),
    ("pick(1, x, x^2)", ["2*x"]),
    ("0.1*x^2*0.2", ["0.04*x"]),
    ("1e-5*x + 1e20*y", ["1e-5", "1e20"]),
    ("pi*e*x", ["e*pi"]),
    ("digamma(1)*x", ["-0.5772156649015329"]),
    ("9^9^9^9*x", ["a power of numbers is too large to write"]),
    ("x/0", ["a part of the formula is not finite"]),
    ("log(-2)*x", ["a part of the formula is a complex number"]),
    ("1e999*x", ["1e999 is beyond the largest float64"]),
]


@pytest.mark.parametrize(("source", "expected"), FORMULAS, ids=[source for source, _ in FORMULAS])
def test_formulas_read_as_people_write_them(source: str, expected: list[str]) -> None:
    assert texts(source) == expected


def test_names_mean_nothing_to_sympy() -> None:
    bound = "lambda S E beta pi I"
    assert texts("lambda*S*E*beta*pi*I", bound=bound)[0] == "E*I*S*beta*pi"
    assert texts("e*pi*x + acos(-1)*x*exp(1)", wrt="x", bound="e pi x") == [
        "e*pi + exp(1)*acos(-1)"
    ]


def test_a_named_intermediate_is_a_symbol_of_its_own() -> None:
    point = {"a": 5.0, "b": -3.0, "c": -2.0}
    assert slopes("d = a+b; f = d*c + d^2", point, "d a") == {
        "a": Slope("2*a + 2*b + c", 2.0),
        "d": Slope("c + 2*d", 2.0),
    }


def test_many_terms_take_time_in_proportion() -> None:
    found = slopes(" + ".join(f"x{k}^2" for k in range(100)), None)
    assert [slope.text for slope in found.values()] == [f"2*x{k}" for k in range(100)]
    assert slopes(" + ".join(f"{k}*x" for k in range(2000)), {"x": 1.0})["x"].value == 1999000


def test_a_formula_nobody_would_read_is_not_written_but_has_its_value() -> None:
    slope = slopes("*".join(f"(x + {k})" for k in range(60)), {"x": 1.0})["x"]
    assert slope.text == ""
    assert slope.value == pytest.approx(math.factorial(60) * sum(1 / k for k in range(1, 61)))


# ----------------------------------------------------------------------------- values

VALUES = [
    ("tanh(x)", 18.0, 1 / math.cosh(18.0) ** 2),
    ("tanh(x)", 300.0, 1 / math.cosh(300.0) ** 2),
    ("where(x > 0, tanh(x), x)", 40.0, 1 / math.cosh(40.0) ** 2),
    ("(x + 1e20) - 1e20", 0.1, 1.0),
    ("log(x)", -1.0, None),  # 1/x has a value there, log has none
    ("sqrt(x)", -1.0, None),
    ("1/x", 0.0, None),
    ("cbrt(x)", -8.0, 1 / 12),
    ("lgamma(x)", -0.5, 0.03648997397857652),
    ("softplus(x)", 1e300, 1.0),
    ("exp(x)", 1000.0, None),
    ("lgamma(1e10*x)", 1.0, 1e10 * math.log(1e10) - 0.5),
    ("max(sin(x)^2, 1 - cos(x)^2)", 0.7, math.sin(1.4)),
    ("where(x == 0.1, 3*x, x)", 0.1, 3.0),
    ("x^9^9", 1.0, 9.0**9),
]


@pytest.mark.parametrize(("source", "x", "expected"), VALUES)
def test_values_are_those_of_the_exact_doubles(
    source: str, x: float, expected: float | None
) -> None:
    value = slopes(source, {"x": x})["x"].value
    assert value == (expected if expected is None else pytest.approx(expected, rel=1e-14))


def test_short_fractions_are_exact_and_other_doubles_are_floats() -> None:
    assert number("0.75") == sympy.Rational(3, 4)
    assert number("2.0") == sympy.Integer(2)
    assert number("0.1").is_Float
    assert sympy.Rational(number("0.1")) == sympy.Rational(*(0.1).as_integer_ratio())
    assert number("tau") == 2 * sympy.pi


# ------------------------------------------------------------------- the table, row by row


def arity(operation: Operation) -> int:
    return len(operation.parameters) + 2 * operation.variadic


FIXED = {"pick": {0: 1.0}, "polygamma": {0: 2.0}}
"""Operands that SymPy is given as numbers: an index and an order have no slope."""


def call(operation: Operation) -> str:
    """Return a program that applies one row to inputs z0, z1, ... (three for z...)."""
    fixed = FIXED.get(operation.name, {})
    given = [f"{fixed[k]:g}" if k in fixed else f"z{k}" for k in range(arity(operation))]
    if ROW[operation.name] in COMPARISONS.values():
        return f"where({given[0]} {operation.infix} {given[1]}, 1, 0)"
    if operation.name == "where":
        return f"where({given[0]} != 0, {given[1]}, {given[2]})"
    if operation.infix and operation.name != "pow":
        return operation.infix.join(given) if len(given) == 2 else f"{operation.infix}{given[0]}"
    return f"{operation.name}({', '.join(given)})"


def points(operation: Operation, count: int = 12) -> list[list[float]]:
    """Return points of the domain, drawn by rejection."""
    source = random.Random(operation.name)
    names = (*operation.names[:-1], "z") if operation.variadic else operation.names
    tests = [
        TOTAL.compile(condition(text.replace("count", "3")), names[: len(operation.names)])
        for text in operation.domain
    ]
    found: list[list[float]] = []
    while len(found) < count:
        point = [source.gauss(0, 2.5) for _ in range(arity(operation))]
        for position, value in FIXED.get(operation.name, {}).items():
            point[position] = value
        arguments = point[: len(operation.names)]
        if all(test == 1 or (callable(test) and test(*arguments) == 1) for test in tests):
            found.append(point)
    return found


def partial(operation: Operation, position: int, point: list[float], out: float) -> float:
    """Return a partial of the table as floats, as the sweeps evaluate it."""
    given = TOTAL.partials(operation)[operation.parameter_of(position)]
    if not callable(given):
        return float(given)
    if not operation.variadic:
        return float(given(*point, out))
    fixed = len(operation.names) - 1
    chosen = point[fixed:]
    ties = sum(value == out for value in chosen)
    return float(given(*point[:fixed], point[position], out, ties, position - fixed, len(chosen)))


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_sympy_agrees_with_each_row_and_each_of_its_partials(operation: Operation) -> None:
    graph = parse(call(operation))
    (expression,) = expressions(graph, graph.outputs)
    for point in points(operation):
        inputs = {name: point[int(name[1:])] for name in graph.inputs}
        exact = ExactPoint({symbol(name): value for name, value in inputs.items()}, {})
        out = TOTAL.function(operation.name)(*point)
        assert exact.value(expression) == pytest.approx(out, rel=1e-9, abs=1e-300)
        for name, slope in symbolic_gradient(graph, graph.outputs[0], graph.inputs, inputs):
            expected = partial(operation, int(name[1:]), point, out)
            assert slope.value == pytest.approx(expected, rel=1e-9, abs=1e-300), (name, point)


@pytest.mark.parametrize(("name", "wrong"), [("sin", "-cos(x)"), ("tanh", "1 - x^2")])
def test_a_wrong_partial_is_found(name: str, wrong: str) -> None:
    broken = TABLE[ROW[name]]._replace(partials=(wrong,))
    with pytest.raises(AssertionError):
        test_sympy_agrees_with_each_row_and_each_of_its_partials(broken)


def test_each_row_has_a_spelling() -> None:
    for operation in OPERATIONS:
        assert operation.name in symbols._FUNCTIONS or operation.sympy, operation.name


WITH_TEXTBOOK = [operation for operation in OPERATIONS if operation.textbook]


@pytest.mark.parametrize("operation", WITH_TEXTBOOK, ids=lambda operation: operation.name)
def test_textbook_partials_equal_those_computed(operation: Operation) -> None:
    names = operation.names
    values = {name: symbol(name) for name in (*names, "out")}
    for point in points(operation):
        out = TOTAL.function(operation.name)(*point)
        exact = ExactPoint(dict(zip(values.values(), (*point, out), strict=True)), {})
        for position, text in enumerate(operation.textbook):
            expected = partial(operation, position, point, out)
            if expected == expected:  # log(x) of a negative base has no value
                found = exact.value(reading(text, values))
                assert found == pytest.approx(expected, rel=1e-7, abs=1e-12), (text, point)


# ------------------------------------------------------------------- printed and parsed back

EXPRESSIONS = [source for source, expected in FORMULAS if " a " not in expected[0]] + [
    "x^(y/3) - (-2)^2*x^-y",
    "exp(-x/(2*y))/(1 - x*y)",
    "1/sqrt(x^2 + y^2)/(x/y)^z",
    "clip(x, -1, 1)*hypot(x, y) + huber(x, y)",
    "gelu(x) + elu(x) + silu(y) + softplus(x*y)",
    "cross_entropy(1, x, y, z)",
    "atan2(y, x)*log2(z) - normal_pdf(x)",
    "where(x < y, where(x != z, x*y, z), mean(x, y, z)^2)",
    "where(where(x < y, x, y^2) > where(x > z, 1, z), x*y, x/y)",
    "max(x, min(y, z), x*y)*cbrt(x - z)",
    "(x + y*sigmoid(x))/(sigmoid(y) + (x + y)^2)",
    "a*b + a/b - a^2*c + sin(a*c)^2",
    "polygamma(2, x*y) + gamma(y)*erf(x) + erfc(z)",
    "3.3e-7^x + 1.0507009873554805*x^0.3",
]
POINT = dict(zip("xyzabcdwt", (0.7, 1.3, 2.1, 0.4, 1.9, 0.3, 1.1, 0.6, 0.2), strict=True))


@pytest.mark.parametrize("source", EXPRESSIONS + [call(operation) for operation in OPERATIONS])
def test_formulas_parse_back_to_the_same_numbers(source: str) -> None:
    graph = parse(source)
    point = {name: POINT.get(name, 0.7 / (1 + k)) for k, name in enumerate(graph.inputs)}
    for slope in slopes(source, point).values():
        if slope.text and slope.value is not None:
            again = parse(slope.text, list(point))
            value = forward_values(again, point)[again.outputs[0]]
            assert slope.value == pytest.approx(value, rel=1e-12, abs=1e-300), slope.text


def test_conditions_of_sympy_become_nested_choices() -> None:
    x, y = symbol("x"), symbol("y")
    both = sympy.Piecewise((1, sympy.And(x > 0, y > 0)), (2, True))
    either = sympy.Piecewise((1, sympy.Or(x > 0, y > 0)), (2, True))
    assert plain_text(both) == "where(x > 0, where(y > 0, 1, 2), 2)"
    assert plain_text(either) == "where(x > 0, 1, where(y > 0, 1, 2))"


def test_what_sympy_leaves_standing_is_no_closed_form() -> None:
    x = symbol("x")
    for expression in (sympy.Derivative(sympy.floor(x), x), sympy.DiracDelta(x), sympy.zeta(x)):
        with pytest.raises(NoClosedForm):
            plain_text(expression)


# ------------------------------------------------------------------------------- steps


def steps(source: str, wrt: str = "") -> list[SymbolicStep]:
    graph = parse(source)
    asked = {
        name: graph.inputs.get(name, graph.names[name]) for name in wrt.split() or graph.inputs
    }
    answers = {
        name: slope.text for name, slope in symbolic_gradient(graph, graph.outputs[0], asked)
    }
    return list(symbolic_steps(graph, graph.outputs[0], asked, display_names(graph), answers))


def line(step: SymbolicStep) -> str:
    products = " + ".join(f"{term.upstream} · {term.local}" for term in step.terms)
    return " = ".join(filter(None, (step.node, products, step.result, step.final)))


def test_steps_of_a_line() -> None:  # posts, row 14
    assert [line(step) for step in steps("2*x + 4")] == [
        "f = 1",
        "v1 = 1 · 1 = 1",
        "x = 1 · 2 = 2 = 2",
    ]


def test_steps_of_a_power() -> None:  # posts, row 15
    assert [line(step) for step in steps("(3*x + 4*y)^3")] == [
        "f = 1",
        "v3 = 1 · 3*v3^2 = 3*v3^2",
        "v2 = 3*v3^2 · 1 = 3*v3^2",
        "v1 = 3*v3^2 · 1 = 3*v3^2",
        "x = 3*v3^2 · 3 = 9*v3^2 = 9*(3*x + 4*y)^2",
        "y = 3*v3^2 · 4 = 12*v3^2 = 12*(3*x + 4*y)^2",
    ]


@pytest.mark.parametrize("hidden", [2, 3])
def test_steps_add_the_branches_of_a_network(hidden: int) -> None:  # posts, row 16
    units = range(1, hidden + 1)
    layer = "; ".join(f"h{k} = w1_1{k}*x1 + w1_2{k}*x2" for k in units)
    program = f"{layer}; yh = {' + '.join(f'w2_1{k}*h{k}' for k in units)}; r = y - yh; L = r^2"
    last = steps(program, "x2")[-1]
    assert [(term.upstream, term.local) for term in last.terms] == [
        (f"-2*r*w2_1{k}", f"w1_2{k}") for k in reversed(units)
    ]
    assert last.result == "-2*r*w1_21*w2_11" + "".join(f" - 2*r*w1_2{k}*w2_1{k}" for k in units[1:])
    products = " + ".join(f"w1_2{k}*w2_1{k}" for k in units)
    assert last.final.startswith(f"-2*({products})*(y - ")


STEPPED = [
    "(a + b)*(b + c)",
    "d = a+b; f = d*c + d/a",
    "tanh(a*b)^2 + sqrt(b) + exp(a - b) + hypot(a, b)",
    "where(a > b, a^2, a*b) + max(a, b, c) + min(a*b, c)",
    "pick(1, a, a*b) + mean(a, b, c) + logsumexp(a, b) + sum(a, b)",
    "sigmoid(a*b + c)*softplus(a) - relu(c - a) + clip(a, 0, 2)",
    "a^b + log(a + b) + atan2(a, b) + 2^c + abs(a - c)",
    "k = 3*pi; f = k*a^k",
]


@pytest.mark.parametrize("source", STEPPED)
def test_each_step_is_the_adjoint_of_its_node(source: str) -> None:
    graph = parse(source)
    values = forward_values(graph, POINT)
    output, names = graph.outputs[0], display_names(graph)
    adjoints = reverse(graph, values, output, graph.dependents(graph.inputs.values()))
    known = {name: values[node] for node, name in enumerate(names) if name.isidentifier()}
    seen = {step.node: step for step in steps(source)}
    assert [step.final for step in seen.values()][-len(graph.inputs) :] == texts(source)
    for node, name in enumerate(names):
        if name not in seen or adjoints[node] is None:
            continue
        step = seen[name]
        products = " + ".join(f"{term.upstream}*({term.local})" for term in step.terms)
        for text in (step.result, products or "1", step.final or step.result):
            assert value_of(text, known) == pytest.approx(adjoints[node], rel=1e-12), (name, text)


def value_of(text: str, known: Point) -> float:
    graph: Graph = parse(text, list(known))
    return float(forward_values(graph, known)[graph.outputs[0]])


def test_a_long_upstream_goes_by_its_name() -> None:
    graph = parse("; ".join(["h = x"] + ["h = tanh(h)*sin(h)"] * 12))
    found = list(symbolic_steps(graph, graph.outputs[0], graph.inputs, display_names(graph)))
    assert max(len(line(step)) for step in found) < 1500
    assert any("∂" in term.upstream for step in found for term in step.terms)
