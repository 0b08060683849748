"""The table read by NumPy: the same numbers as the float reading, row by row and in programs.

NumPy's exp, sin, pow, ... are its own and may differ from those of the C library by an ulp or
two, and a row may use several. So each operation is compared on operands that are the same to the
last bit: within ALLOWED ulps, and exactly for the operations that IEEE 754 fixes. That zero has
the same sign is asked only of those.
"""

import math
import warnings
from array import array

import pytest
from accuracy import in_domain, points, scale_at
from hypothesis import given, settings
from strategies import programs

from backprop_cli.calculus.gradient_graph import gradient_graph
from backprop_cli.calculus.values import evaluate, forward_values
from backprop_cli.graph import Graph
from backprop_cli.language.parser import parse
from backprop_cli.operations import ROW, TABLE, Operation
from backprop_cli.readings.floats import TOTAL

np = pytest.importorskip("numpy")
ARRAYS = pytest.importorskip("backprop_cli.readings.arrays").ARRAYS

ALLOWED = 4.0
"""The most ulps by which a value may differ from that of the float reading."""

EXACT = {"add", "sub", "mul", "div", "neg", "sqrt", "abs", "floor", "ceil", "sign", "where", "relu",
         "less", "less_equal", "greater", "greater_equal", "equal", "not_equal", "clip", "pick"}  # fmt: skip

EDGES = (0.0, -0.0, 1.0, -1.0, 0.5, 5e-324, 1e-300, -1e-300, 1e300, 1.7e308, -1.7e308, 800.0,
         -800.0, 2.0, 3.0, -2.5, math.inf, -math.inf, math.nan)  # fmt: skip

OPERATIONS = [operation for operation in TABLE if operation.parameters]
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda op: op.name)


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def difference(one: float, other: float, scale: float = 0.0) -> float:
    """Return the distance in ulps of the larger of `other` and `scale`."""
    if one == other or (one != one and other != other):
        return 0.0
    if not (math.isfinite(one) and math.isfinite(other)):
        largest = max(abs(value) for value in (one, other) if value == value)
        return 1.0 if min(abs(one), abs(other)) > 1.797e308 and largest == math.inf else math.inf
    sizes = (abs(other), abs(scale), 2.0**-1010)
    return abs(one - other) / math.ulp(max(size for size in sizes if size == size))


def array_row(operation: Operation, at: list[tuple[float, ...]]) -> list[float]:
    """Return the array reading of a row at many points, found in one call."""
    row = ROW[operation.name]
    ARRAYS.prepare_values(parse("x")._replace(rows=array("h", [row])))
    columns = [np.array(column) for column in zip(*at, strict=True)]
    return np.broadcast_to(ARRAYS.values[row](*columns), len(at)).tolist()


def by_arity(at: list[tuple[float, ...]]) -> list[list[tuple[float, ...]]]:
    """Return points in groups of one length each."""
    lengths = sorted({len(point) for point in at})
    return [[point for point in at if len(point) == length] for length in lengths]


@every_operation
def test_every_row_equals_the_float_reading_over_its_domain(operation):
    function = TOTAL.function(operation.name)
    for group in by_arity(points(operation)):
        for point, found in zip(group, array_row(operation, group), strict=True):
            expected = function(*point)
            scale = scale_at(operation, 0, len(point) - 1, point)
            allowed = 0.0 if operation.name in EXACT else ALLOWED
            assert difference(found, expected, scale) <= allowed, (point, found, expected)


@every_operation
def test_every_row_equals_the_float_reading_at_infinities_and_zeros(operation):
    count = min(len(operation.parameters), 2) if not operation.variadic else 2
    function = TOTAL.function(operation.name)
    rest = (1.0,) * (len(operation.parameters) - count)
    at = [(x, *((y,) if count > 1 else ()), *rest) for x in EDGES for y in EDGES]
    at = list(dict.fromkeys(at))
    for point, found in zip(at, array_row(operation, at), strict=True):
        expected = function(*point)
        scale = scale_at(operation, 0, len(point) - 1, point) if in_domain(operation, point) else 1
        assert difference(found, expected, scale) <= ALLOWED, (point, found, expected)
        if operation.name in EXACT and expected == 0:
            assert math.copysign(1, found) == math.copysign(1, expected), point


@every_operation
def test_every_row_takes_floats_and_gives_a_float(operation):
    point = points(operation)[-1]
    array_row(operation, [point])
    found = ARRAYS.values[ROW[operation.name]](*point)
    assert isinstance(found, float)
    scale = scale_at(operation, 0, len(point) - 1, point)
    assert difference(found, TOTAL.function(operation.name)(*point), scale) <= ALLOWED


def assert_nodes_agree(graph: Graph, points: list[dict[str, float]]) -> None:
    """Compute each node by arrays from the float values of its operands, and compare."""
    values = [forward_values(graph, point) for point in points]
    columns = [np.array(column) for column in zip(*values, strict=True)]
    columns = [column[0] if k in graph.literals else column for k, column in enumerate(columns)]
    ARRAYS.prepare_values(graph)
    for node, row in enumerate(graph.rows):
        operands = list(graph.operands_of(node))
        if not operands:
            continue
        found = ARRAYS.values[row](*(columns[k] for k in operands))
        for one, at in zip(np.broadcast_to(found, len(points)).tolist(), values, strict=True):
            terms = tuple(at[k] for k in operands)
            scale = scale_at(TABLE[row], 0, len(terms) - 1, terms)
            assert difference(one, at[node], scale) <= ALLOWED, (TABLE[row].name, terms)


@settings(max_examples=150, deadline=None)
@given(programs())
def test_random_programs_and_their_gradient_graphs_agree_node_by_node(program):
    """Several points at once: none sees another, nor another's side of a `where`."""
    graph = parse(program.text, program.point)
    shifts = (0.0, 0.25, -1.5, 40.0)
    points = [{name: x + shift for name, x in program.point.items()} for shift in shifts]
    assert_nodes_agree(graph, points)
    gradient = gradient_graph(graph, graph.outputs[0], list(graph.inputs.values()))
    assert_nodes_agree(gradient, points)


@pytest.mark.parametrize(
    ("program", "columns", "expected"),
    [
        ("where(x > 0, log(x), -x)", {"x": [1.0, -2.0, 0.0]}, [0.0, 2.0, 0.0]),
        ("max(x, y, 1)", {"x": [0.0, math.nan], "y": [3.0, 5.0]}, [3.0, math.nan]),
        ("sum(x, 1, y)", {"x": [1e16, 1.0], "y": [-1e16, 1.0]}, [1.0, 3.0]),
        ("sum(x, x, y)", {"x": [1e308, 1.0], "y": [-1e308, 1.0]}, [1e308, 3.0]),
        ("mean(x, y)", {"x": [1e308, 1.0], "y": [1e308, 2.0]}, [1e308, 1.5]),
        ("logsumexp(x, y)", {"x": [-math.inf, 1e3], "y": [-math.inf, 1e3]}, [-math.inf, 1e3 + math.log(2)]),
        ("pick(k, 7, x)", {"k": [0.0, 1.0, 2.0, 0.5], "x": [1.0, 2.0, 3.0, 4.0]}, [7.0, 2.0, math.nan, math.nan]),
        ("1/x", {"x": [0.0, -0.0]}, [math.inf, -math.inf]),
        ("(x)^y", {"x": [-8.0, 0.0, -2.0], "y": [1 / 3, -1.0, 3.0]}, [math.nan, math.inf, -8.0]),
    ],
)  # fmt: skip
def test_known_columns(program, columns, expected):
    graph = parse(program)
    point = {name: np.array(column) for name, column in columns.items()}
    found = forward_values(graph, point, ARRAYS)[graph.outputs[0]]
    np.testing.assert_array_equal(found, expected)


def test_sums_of_many_arrays_are_those_of_fsum():
    """Rows that cancel to nothing, that are badly scaled, and one that is not finite."""
    source = np.random.default_rng(3)
    table = source.normal(size=(30, 200)) * 10.0 ** source.integers(-150, 150, size=(30, 200))
    table[15:, :50] = -table[:15, :50]
    table[7, 60] = math.inf
    graph = parse(f"sum({', '.join(f'x{k}' for k in range(30))})")
    values = [None] * graph.size
    for name, node in graph.inputs.items():
        values[node] = table[int(name[1:])]
    evaluate(graph, values, range(graph.size), ARRAYS)
    for column, found in zip(table.T.tolist(), values[graph.outputs[0]].tolist(), strict=True):
        assert difference(found, math.fsum(column)) <= 1
