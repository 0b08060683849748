"""The exported JavaScript gives Python's numbers: row by row in ulps, exactly where both are IEEE."""

import json
import math
import random
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from accuracy import OPERATIONS, has_slope, points, scale_at, value_and_partials
from hypothesis import HealthCheck, given, settings
from strategies import programs

from backprop_cli.calculus.forward import jvp
from backprop_cli.calculus.kinks import kinks_at
from backprop_cli.calculus.partials import local_partials
from backprop_cli.calculus.reverse import contributions, reverse
from backprop_cli.calculus.values import forward_values
from backprop_cli.graph import Graph, GraphBuilder
from backprop_cli.language.parser import parse
from backprop_cli.operations import CONSTANT, ROW, TABLE
from backprop_cli.readings import special
from backprop_cli.readings.floats import FLOATS
from backprop_cli.readings.javascript import columns, script
from backprop_cli.render.numbers import human
from backprop_cli.render.worked.lesson import lesson_data
from backprop_cli.studies.gradient import solve
from tests.javascript import NODE, Node, machine_number, numbers

pytestmark = pytest.mark.skipif(NODE is None, reason="there is no node to run JavaScript")
ULPS = 6.0
"""How far a value or a local partial may be from Python's: ulps of the larger of the number and
the row's declared scale. The worst measured is 4, in V8 against glibc."""

_TINY = 2.0**-1010


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with Node("numbers.js", "steps.js") as running:
        yield running


def ulps(made: float | None, python: float, scale: float = 0.0) -> float:
    """Return the distance in ulps of the larger of Python's number and `scale`."""
    made = 0.0 if made is None else made
    if made == python or (made != made and python != python):
        return 0.0
    if not (math.isfinite(made) and math.isfinite(python)):
        return math.inf
    return abs(made - python) / math.ulp(max(abs(python), scale, _TINY))


def same(made: list[float | None], python: list[float | None]) -> bool:
    """Return whether numbers are the same; -0 is 0, and NaN is NaN."""
    return all(
        a == b or (a is not None and b is not None and a != a and b != b)
        for a, b in zip(made, python, strict=True)
    )


# --------------------------------------------------------------------------- the rows

ONE_ROW = """asked.points.map((point) => {
  const count = point.length;
  const graph = readGraph({ rows: [...point.map(() => "input"), asked.row], constants: {},
    operands: [...point.map(() => []), point.map((_, k) => k)],
    inputs: point.map((_, k) => ["", k]) });
  const values = forwardValues(graph, point.map(Number));
  const edges = edgesOf(graph, count, values, new Array(count + 1).fill(true));
  return texts([values[count], ...edges.map((edge) => edge.local)]);
})"""


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda row: row.name)
def test_a_row_gives_pythons_value_and_slopes_to_a_few_ulps(operation, node):
    """On the grid of tests/accuracy.py, which reaches into the tails and to the edges."""
    row = ROW[operation.name]
    at = points(operation)
    made = node.run(ONE_ROW, row=operation.name, points=at)
    for point, answer in zip(at, made, strict=True):
        value, partials = value_and_partials(row, point)
        found = numbers(answer)
        scale = scale_at(operation, 0, len(point) - 1, point)
        assert ulps(found[0], value, scale) <= ULPS, (point, found[0], value)
        for position, (local, partial) in enumerate(zip(found[1:], partials, strict=True)):
            if has_slope(operation, position):
                which = 1 + operation.parameter_of(position)
                scale = scale_at(operation, which, position, point)
                assert ulps(local, partial, scale) <= ULPS, (point, position, local, partial)


NOT_NUMBERS = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    2.0,
    -2.5,
    math.inf,
    -math.inf,
    math.nan,
    1e308,
    -1e308,
    5e-324,
]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda row: row.name)
def test_a_row_answers_infinities_and_nan_as_python_does(operation, node):
    count = 3 if operation.variadic else len(operation.parameters)
    source = random.Random(operation.name)
    at = [tuple(source.choice(NOT_NUMBERS) for _ in range(count)) for _ in range(60)]
    if count == 1:
        at = [(x,) for x in NOT_NUMBERS]
    if operation.name == "polygamma":  # an order of 1e308 is no order
        at = [point for point in at if not 100 < point[0] < math.inf]
    asked = [[machine_number(x) for x in point] for point in at]
    made = node.run(ONE_ROW, row=operation.name, points=asked)
    for point, answer in zip(at, made, strict=True):
        value, partials = value_and_partials(ROW[operation.name], point)
        found = numbers(answer)
        assert ulps(found[0], value, 1e-300) <= ULPS, (point, found[0], value)
        for position, (local, partial) in enumerate(zip(found[1:], partials, strict=True)):
            if has_slope(operation, position):
                assert ulps(local, partial, 1e-300) <= ULPS, (point, position, local, partial)


def test_a_wrong_row_would_be_seen(node):
    """The slope of sin is cos: at 1 it is 3·10^15 ulps away from sin's own value."""
    (answer,) = node.run(ONE_ROW, row="sin", points=[(1.0,)])
    assert ulps(float(answer[1]), math.sin(1.0)) > 1e15


def test_the_coefficients_are_those_of_python(node):
    """No number of special.py is typed a second time: the tables are copied from it."""
    assert node.run("STIRLING") == list(special._STIRLING)
    assert node.run("[...DIGAMMA_ROOT, ...PI, ...E, ...ROOT_HALF]") == [
        special._DIGAMMA_ROOT_HIGH,
        special._DIGAMMA_ROOT_LOW,
        special._PI_HIGH,
        special._PI_LOW,
        special._E_HIGH,
        special._E_LOW,
        special._ROOT_HALF_HIGH,
        special._ROOT_HALF_LOW,
    ]
    assert node.run("[...ROOT_TWO_PI, TWO_OVER_ROOT_PI, ONE_LESS_EULER]") == [
        special._ROOT_TWO_PI,
        special._ROOT_TWO_PI_RELATIVE_LOW,
        special._TWO_OVER_ROOT_PI,
        special._ONE_LESS_EULER,
    ]


def test_only_what_a_program_uses_is_written():
    text = script(parse("x*y").rows)
    assert "sigmoid" not in text
    assert "STIRLING" not in text
    assert "value.sigmoid" in script(parse("softplus(x)").rows), "its slope calls sigmoid"


# --------------------------------------------------------------------------- the sweeps

BOTH_MODES = """(() => {
  const graph = readGraph(asked.graph);
  const values = asked.values ? asked.values.map(Number)
    : forwardValues(graph, asked.point.map(Number));
  const active = dependentsOf(graph, graph.inputs.map(([, node]) => node));
  const output = graph.size - 1;
  const { adjoints, contributions } = reverseSweep(graph, values, output, active);
  return {
    values: texts(values),
    nodes: texts(graph.rows.map((row, node) => rules[row]
      ? rules[row].value(...graph.operands[node].map((k) => values[k])) : values[node])),
    locals: graph.rows.map((_, node) => edgesOf(graph, node, values, active)
      .filter(({ local }) => local !== null).map(({ operand, local }) => [operand, text(local)])),
    adjoints: texts(adjoints),
    sent: contributions.map((step) => [step.node, step.operand, text(step.value)]),
    tangents: graph.inputs.map(([, node]) => texts(forwardSweep(graph, values, node).tangents)),
    kinks: kinksReached(graph, values, adjoints, active).map(({ node, kink }) => [node, kink.place]),
  };
})()"""

EXACT = [
    "add",
    "sub",
    "mul",
    "div",
    "neg",
    "sqrt",
    "abs",
    "sign",
    "floor",
    "ceil",
    "min",
    "max",
    "clip",
    "relu",
    "leaky_relu",
    "sum",
    "mean",
    "pick",
    "less",
    "less_equal",
    "greater",
    "greater_equal",
    "equal",
    "not_equal",
    "where",
]
PLACES = [0.0, 1.0, -1.0, 2.0, 3.0, 0.5, -0.25, 1e-300, 1e300, 0.1, 7.0]


def random_graph(source: random.Random) -> Graph:
    """Return a graph of rows on which every IEEE arithmetic agrees, often undefined or infinite."""
    builder = GraphBuilder()
    made = [builder.input(f"x{k}") for k in range(source.randint(1, 3))]
    for _ in range(source.randint(1, 14)):
        if source.random() < 0.2:
            made.append(builder.constant(source.choice(["0", "1", "2", "0.5", "1e400", "pi"])))
            continue
        operation = TABLE[ROW[source.choice(EXACT)]]
        count = len(operation.parameters) + (source.randint(0, 3) if operation.variadic else 0)
        operands = [source.choice(made[-6:]) for _ in range(count)]
        made.append(builder.add(ROW[operation.name], operands))
    return builder.finish((made[-1],))


def by_python(graph: Graph, values: list[Any]) -> dict[str, Any]:
    """Return what BOTH_MODES does, by Python's sweeps."""
    active = graph.dependents(graph.inputs.values())
    adjoints = reverse(graph, values, graph.size - 1, active)
    steps = contributions(graph, values, adjoints, active)
    return {
        "locals": [
            list(local_partials(graph, k, values, active, FLOATS)) if row > CONSTANT else []
            for k, row in enumerate(graph.rows)
        ],
        "adjoints": adjoints,
        "sent": [(step.node, step.operand, step.value) for step in steps],
        "tangents": [jvp(graph, values, seed) for seed in graph.inputs.values()],
    }


def test_on_ieee_rows_every_number_of_both_modes_is_pythons(node):
    """1500 random graphs, many undefined or infinite somewhere: the same bits, the same order."""
    source = random.Random("sweeps")
    strange = 0
    for _ in range(1500):
        graph = random_graph(source)
        point = {name: source.choice(PLACES) for name in graph.inputs}
        values = forward_values(graph, point)
        strange += any(value - value != 0 for value in values)
        made = node.run(BOTH_MODES, graph=columns(graph), point=list(point.values()))
        assert same(numbers(made["values"]), values), graph
        python = by_python(graph, values)
        assert same(numbers(made["adjoints"]), python["adjoints"]), graph
        assert [step[:2] for step in made["sent"]] == [list(s[:2]) for s in python["sent"]]
        assert same([float(s[2]) for s in made["sent"]], [s[2] for s in python["sent"]])
        for tangents, expected in zip(made["tangents"], python["tangents"], strict=True):
            assert same(numbers(tangents), expected), graph
    assert strange > 300


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(programs())
def test_on_random_programs_every_node_and_slope_is_pythons_to_a_few_ulps(node, program):
    """Each node is given Python's operands, so that no rounding of another node comes into it."""
    graph = parse(program.text, program.point)
    graph = graph.with_outputs((graph.size - 1,))
    values = forward_values(graph, program.point)
    asked = [machine_number(value) for value in values]
    made = node.run(BOTH_MODES, graph=columns(graph), values=asked)
    python = by_python(graph, values)
    for k, row in enumerate(graph.rows):
        operation = TABLE[row]
        operands = tuple(values[j] for j in graph.operands_of(k))
        if not operands or not all(map(math.isfinite, operands)):
            continue
        scale = scale_at(operation, 0, len(operands) - 1, operands)
        assert ulps(float(made["nodes"][k]), values[k], scale) <= ULPS, operation.name
        assert [found[0] for found in made["locals"][k]] == [j for j, _ in python["locals"][k]]
    largest = max((abs(s[2]) for s in python["sent"] if math.isfinite(s[2])), default=0.0)
    for adjoint, expected in zip(numbers(made["adjoints"]), python["adjoints"], strict=True):
        assert (adjoint is None) == (expected is None)
        if expected is not None and math.isfinite(expected):
            assert adjoint == pytest.approx(expected, rel=1e-11, abs=1e-13 * max(largest, 1.0))


def test_kinks_are_found_where_python_finds_them(node):
    for text, point in (("relu(x) + abs(y)", {"x": 0.0, "y": 1.0}), ("max(x, x*y)", {"x": 2.0, "y": 1.0}), ("where(x > 1, x, 2x)", {"x": 1.0})):  # fmt: skip
        graph = parse(text)
        values = forward_values(graph, point)
        made = node.run(BOTH_MODES, graph=columns(graph), point=list(point.values()))
        expected = [k for k in range(graph.size) if kinks_at(graph, k, values)]
        assert len(made["kinks"]) == len(expected) == 1, text
    smooth = node.run(BOTH_MODES, graph=columns(parse("relu(x)*0")), point=[0.0])
    assert smooth["kinks"] == [], "an adjoint of 0 makes it harmless"


# --------------------------------------------------------------------------- the page's words

REMARKS = """(() => {
  const data = asked.lesson;
  data.graph = readGraph(data.graph);
  const made = new Lesson(data, asked.point.map(Number),
    { mode: "reverse", output: data.outputs[0].node, seed: 0, whole: false });
  return [made.undefinedAt(), made.gradient().map(([, , slope]) => text(slope))];
})()"""

WITHOUT_ANSWERS = [
    ("log(y) + x", {"x": 1, "y": -3}),
    ("x = y + 1; log(x)*2", {"y": -3}),
    ("log(-3) + y", {"y": 1}),
    ("atan2(0, x*0) + log(0*x)", {"x": 1}),
    ("x^y", {"x": -8, "y": 0.5}),
    ("(-8)^x", {"x": 0.5}),
    ("1/x + 2", {"x": 0}),
    ("y/0", {"y": 3}),
    ("exp(x)*y", {"x": 1000, "y": 2}),
    ("log(1 + exp(x))", {"x": 1000}),
    ("x*1e200*1e200", {"x": 1e10}),
    ("x + 1e999", {"x": 1}),
    ("sqrt(x)*y", {"x": 0, "y": 2}),
    ("sqrt(x*y)", {"x": 0, "y": 2}),
    ("0*sqrt(x)", {"x": 0}),
    ("x^0.5 + y", {"x": 0, "y": 2}),
    ("exp(x)^400*0", {"x": 10}),
    ("where(x > 0, 1, y) + log(x - 5)", {"x": 1, "y": 2}),
    ("floor(x) + log(y)", {"x": 1, "y": -1}),
    ("pick(k, x, y)", {"k": 7, "x": 1, "y": 2}),
    ("gamma(x)", {"x": -2}),
    ("polygamma(2, x - 3)", {"x": 1}),
    ("clip(x, y, 0)", {"x": 0.5, "y": 1}),
    ("asin(3y)", {"y": 1}),
    ("bce(x, y)", {"x": 2, "y": 1}),
    ("acosh(x) + csc(y)", {"x": 2, "y": 0}),
    ("sum(x, 1e308, 1e308, y)", {"x": 1e308, "y": 1}),
    ("1e200*x^2*y", {"x": 1e60, "y": 1e-200}),
    ("x^3*1e-200", {"x": 1e180}),
]


@pytest.mark.parametrize(("text", "at"), WITHOUT_ANSWERS)
def test_the_page_says_of_a_point_without_an_answer_what_python_says(text, at, node):
    """The page learns the words at another point, and the numbers at this one."""
    graph = parse(text)
    elsewhere = solve(graph, dict.fromkeys(at, 2.0))
    answer = solve(graph, {name: float(value) for name, value in at.items()}).answers[0]
    data = json.loads(json.dumps(lesson_data(elsewhere)))
    said, slopes = node.run(REMARKS, lesson=data, point=[at[name] for name in graph.inputs])
    assert said == ([answer.failure.message] if answer.failure else [])
    assert [float(slope) for slope in slopes] == pytest.approx(
        [*answer.gradient.values()], nan_ok=True
    )


# --------------------------------------------------------------------------- the page's numbers


def test_numbers_are_written_as_in_tables(node):
    source = random.Random("numbers")
    bits = [struct.unpack("d", source.randbytes(8))[0] for _ in range(2000)]
    short = [source.randint(-(10**6), 10**6) / 10 ** source.randint(0, 9) for _ in range(2000)]
    edges = [0.0, -0.0, 1e-5, 1e-4, 123456789.0, 9999999999.0, 1e10, 99999999995.0, 0.1, 1 / 3]
    edges += [2999990496.5, 2999990497.5, -1234567890.5, 1000000000.5, 0.5]
    values = [*bits, *short, *edges, math.inf, -math.inf, math.nan]
    asked = [machine_number(value) if value or math.copysign(1, value) > 0 else "-0" for value in values]  # fmt: skip
    made = node.run("asked.values.map((value) => human(Number(value)))", values=asked)
    assert made == [human(value) for value in values]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2", 2.0),
        (" -3.5 ", -3.5),
        (".5", 0.5),
        ("1e-3", 1e-3),
        ("−1/3", -1 / 3),
        ("pi/2", math.pi / 2),
        ("2*e", 2 * math.e),
        ("1/0", None),
        ("", None),
        ("x", None),
        ("1,5", None),
        ("2-1", None),
        ("Infinity", None),
        ("1e999", None),
        ("0x10", None),
    ],
)
def test_an_input_is_a_finite_number_or_a_quotient(text, value, node):
    made = node.run("text(readNumber(asked.text))", text=text)
    assert made == ("NaN" if value is None else value)
