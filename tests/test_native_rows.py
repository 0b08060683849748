"""Rows of data in C: the interpreter's numbers, NumPy's sums, and the same climbs by both engines."""

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

np = pytest.importorskip("numpy")

from backprop_cli.calculus.gradient_graph import gradient_graph  # noqa: E402
from backprop_cli.calculus.values import forward_values  # noqa: E402
from backprop_cli.graph import Graph  # noqa: E402
from backprop_cli.language.parser import parse  # noqa: E402
from backprop_cli.operations import TABLE  # noqa: E402
from backprop_cli.readings import c_parts  # noqa: E402
from backprop_cli.readings.c import NATIVE  # noqa: E402
from backprop_cli.readings.compiler import NoCompiler, find_compiler  # noqa: E402
from backprop_cli.readings.native_blocks import rows_source  # noqa: E402
from backprop_cli.readings.native_rows import NativeRows, own_versions, slow_rows  # noqa: E402
from backprop_cli.studies import means  # noqa: E402
from backprop_cli.studies.climbing.climbs import Record  # noqa: E402
from backprop_cli.studies.climbing.optimizers import BY_NAME  # noqa: E402
from backprop_cli.studies.climbing.problem import make_problem  # noqa: E402
from backprop_cli.studies.climbing.settings import Settings  # noqa: E402
from backprop_cli.studies.climbing.step_engine import choose  # noqa: E402
from backprop_cli.studies.data import Data  # noqa: E402
from backprop_cli.studies.means import PIECE, MeanOver  # noqa: E402
from backprop_cli.studies.paying import rows_pay  # noqa: E402

try:
    find_compiler()
except NoCompiler as reason:
    pytest.skip(reason.message, allow_module_level=True)

LINE = "(w*x + b - y)^2"
NETWORK = "h = relu(w*x + b); k = relu(y - w*h); (h*b - k + y*w)^2 + 0.1*w^2"
SAME = (
    LINE, NETWORK, "abs(w*x - y)/(1 + y^2)", "where(w*x > y, w*x*y, b/(3 + y))", "-w*-x - -b*y",
    "clip(w*x, -1, y) + leaky_relu(b*y, -0.5)", "gelu(w*x) + erf(b - y)", "lgamma(4 + w*x/9)*b",
    "floor(w*x)*b + ceil(y)*w", "where(x == y, w, b)*x", "w + 0*b", "sqrt(9 + w*x)*b",
)  # fmt: skip
DIFFER = {
    "tanh(w*x + b)*y": ("tanh", "cosh"),
    "sigmoid(w*x)^3 - b": ("sigmoid", "pow"),
    "max(w*x, b*y)": ("sum",),
    "log(9 + w*x) + sin(b*y)": ("log", "sin", "cos"),
    "where(w > 0, w*x, b)": ("where",),
}

pytestmark = pytest.mark.usefixtures("own_cache")


def table(rows: int, seed: int = 0) -> Data:
    draw = np.random.default_rng(seed)
    return Data({name: draw.uniform(-2, 2, rows) for name in ("x", "y")}, rows, ())


def slopes(text: str) -> Graph:
    graph = parse(text, ("w", "b", "x", "y"))
    return gradient_graph(
        graph, graph.outputs[0], [graph.inputs[k] for k in "wb" if k in graph.inputs]
    )


def both(graph: Graph, data: Data) -> tuple[MeanOver, MeanOver]:
    """Return the means by NumPy and by C."""
    sides = MeanOver(graph, ("w", "b"), data), MeanOver(graph, ("w", "b"), data)
    sides[1].compile()
    return sides


def bits(numbers: tuple[float, ...]) -> list[str]:
    return [number.hex() for number in numbers]


@pytest.mark.parametrize("text", SAME)
@pytest.mark.parametrize("rows", [1, 7, 1000, PIECE + 1, 20_001])
def test_means_have_the_bits_of_numpys(text, rows):
    data = table(rows)
    graph = slopes(text)
    assert own_versions(graph, data.columns) == ()
    numpy, native = both(graph, data)
    order = np.random.default_rng(1).permutation(rows)
    for point in ((0.7, -0.3), (-1.25, 2.0), (0.0, 0.0)):
        assert bits(native(point)) == bits(numpy(point))
        for batch in (order, order[: rows // 2 + 1]):
            assert bits(native(point, batch)) == bits(numpy(point, batch))


@pytest.mark.parametrize("text", SAME)
def test_means_in_parts_have_the_bits_of_numpys(text, monkeypatch):
    monkeypatch.setattr(c_parts, "MOST_WHOLE", 2)
    monkeypatch.setattr(c_parts, "MOST", 2)
    data = table(PIECE + 100)
    numpy, native = both(slopes(text), data)
    batch = np.random.default_rng(1).permutation(data.size)[:1500]
    for point in ((0.7, -0.3), (0.0, 0.0)):
        assert bits(native(point)) == bits(numpy(point))
        assert bits(native(point, batch)) == bits(numpy(point, batch))


def test_the_means_of_a_long_program_are_compiled_in_parts():
    text = "+".join(f"relu(w*x - {k}*b)*y/(3 + {k}*w*y*x^2)" for k in range(1, 60))
    graph, data = slopes(text), table(2000)
    source = rows_source(graph, ["x", "y"], ["w", "b"], graph.outputs, language=NATIVE)
    assert "part1(" in source
    numpy, native = both(graph, data)
    for point in ((0.7, -0.3), (0.01, 0.02), (-0.5, 0.0)):
        assert bits(native(point)) == bits(numpy(point))


def test_a_piece_that_is_not_finite_does_not_spoil_the_next():
    data = Data({"x": np.array([1.0, 0.0, 4.0]), "y": np.array([1.0, 2.0, 3.0])}, 3, ())
    rows = NativeRows(parse("w/x*y", ("w", "x", "y")), ("w",), data.columns, PIECE)
    assert rows.sums((2.0,), slice(0, 3)) is None
    assert rows.sums((2.0,), slice(2, 3)) == [1.5]


@pytest.mark.parametrize("text", DIFFER)
def test_where_numpy_has_an_own_version_the_means_agree_closely(text):
    data, graph = table(3000), slopes(text)
    assert own_versions(graph, data.columns) == DIFFER[text]
    numpy, native = both(graph, data)
    assert native((0.7, -0.3)) == pytest.approx(numpy((0.7, -0.3)), rel=1e-12)


def test_every_other_row_of_the_table_has_numpys_bits():
    data, seen = table(500), 0
    for operation in TABLE:
        if not operation.called or {"c", "k", "n"} & set(operation.names):
            continue
        operands = ["w*x + 3", "b*y + 3", "5"][: 2 if operation.variadic else len(operation.names)]
        graph = parse(f"{operation.name}({', '.join(operands)})", ("w", "b", "x", "y"))
        if not own_versions(graph, data.columns):
            numpy, native = both(graph, data)
            assert bits(native((0.4, -0.3))) == bits(numpy((0.4, -0.3))), operation.name
            seen += 1
    assert seen > 15


@pytest.mark.parametrize("text", [LINE, NETWORK, *SAME[2:8], "tanh(w*x + b)*exp(y) + sin(x*w)"])
def test_in_every_row_the_numbers_are_the_interpreters(text):
    """The mean over one row is that row."""
    data, graph = table(50), slopes(text)
    _, native = both(graph, data)
    for row in range(data.size):
        point = {"w": 0.7, "b": -0.3, **{k: float(data.columns[k][row]) for k in ("x", "y")}}
        values = forward_values(graph, {name: point[name] for name in graph.inputs})
        wanted = tuple(values[node] for node in graph.outputs)
        assert bits(native((0.7, -0.3), np.array([row]))) == bits(wanted)


def test_a_row_that_is_not_finite_makes_the_mean_what_numpy_makes_it():
    data = Data({"x": np.array([1.0, 0.0, -1.0]), "y": np.array([1.0, 2.0, 3.0])}, 3, ())
    for text in ("w/x + b", "where(x > 0, w, 1/x)*b", "relu(w/x)*b", "sqrt(w*x)", "1/(1/x)*w"):
        numpy, native = both(parse(text, ("w", "b", "x", "y")), data)
        assert bits(native((2.0, 3.0))) == bits(numpy((2.0, 3.0))), text


def test_outputs_that_no_row_reaches_are_their_own_mean():
    graph = parse("a = 0.1; b = w; c = 0.1*w; d = x")
    graph = graph.with_outputs([graph.names[name] for name in "abcd"])
    data = Data({"x": np.array([1.0, 2.0, 6.0])}, 3, ())
    mean = MeanOver(graph, ("w",), data)
    mean.compile()
    assert mean((0.7,)) == (0.1, 0.7, 0.1 * 0.7, 3.0)


def climbed(engine: str, text: str, data: Data, batch: int, how: Settings) -> tuple[str, str]:
    """Return all there is to be seen of a climb, and the name of the engine."""
    problem = make_problem(parse(text), {"w": 0.3, "b": -0.2}, (), (), how.steps, data)
    record = Record(problem.climb(how, batch), "")
    chosen = choose(engine, problem, [record], False)
    for step in record.climb:
        record.add(step)
    return repr((record.rows, record.tallies, record.outcome)), chosen.name


HOW = {
    "gradient": {},
    "adam": {"optimizer": BY_NAME["adam"]},
    "newton": {"optimizer": BY_NAME["newton"], "step": 1.0, "steps": 5},
    "numeric": {"method": "numeric"},
    "line search": {"line_search": True, "step": 1.0},
    "sequential": {"sequential": True},
    "bounds": {"bounds": {"w": (0.2, 0.4)}},
}


@pytest.mark.parametrize("name", HOW)
@pytest.mark.parametrize("text", [LINE, NETWORK])
def test_a_climb_over_data_is_the_same_by_both_engines(name, text):
    how = Settings(**({"descend": True, "step": 0.01, "steps": 60} | HOW[name]))
    python, native = (climbed(engine, text, table(400), 0, how) for engine in ("python", "native"))
    assert native == (python[0], "native")


def test_batches_are_the_same_by_both_engines():
    how = Settings(descend=True, step=0.01, steps=50, seed=3)
    python, native = (climbed(e, NETWORK, table(100), 16, how) for e in ("python", "native"))
    assert native == (python[0], "native")


@settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.tuples(*[st.floats(-1e300, 1e300)] * 2), min_size=1, max_size=40),
    st.tuples(*[st.floats(-1e160, 1e160)] * 2),
)
def test_rows_that_overflow_are_numpys(cells, point):
    x, y = (np.array(column) for column in zip(*cells, strict=True))
    numpy, native = both(slopes(NETWORK), Data({"x": x, "y": y}, len(cells), ()))
    assert bits(native(point)) == bits(numpy(point))


def test_a_sum_in_another_order_would_be_noticed(monkeypatch):
    """NumPy adds in pairs; one number after the other comes to something else."""
    numpy, native = both(slopes(LINE), table(5000))
    assert bits(native((0.7, -0.3))) == bits(numpy((0.7, -0.3)))
    monkeypatch.setattr(means, "_total", lambda column: math.fsum(column.tolist()))
    assert bits(native((0.7, -0.3))) != bits(numpy((0.7, -0.3)))


# ------------------------------------------------------------------- the rule of auto


def test_auto_takes_c_where_it_saves_time_and_changes_no_digit():
    long, short = Settings(steps=10**6, descend=True), Settings(steps=10, descend=True)
    data = table(1000)
    for text, how, name in (
        (NETWORK, long, "native"),
        (NETWORK, short, "python"),
        ("(tanh(w*x + b) - y)^2", long, "python"),
        (NETWORK, long._replace(line_search=True), "python"),
    ):
        problem = make_problem(parse(text), {"w": 0.3, "b": -0.2}, (), (), how.steps, data)
        record = Record(problem.climb(how), "")
        assert choose("auto", problem, [record], False).name == name, text


def test_what_numpy_calls_python_for_is_worth_compiling_soon():
    gelu = slopes("gelu(w*x + b)")
    assert slow_rows(gelu) > 0 == slow_rows(slopes(NETWORK))
    assert rows_pay(200, 5000, 20, slow_rows(gelu))
    assert not rows_pay(200, 5000, 20, 0)
    assert not rows_pay(10**9, 10**6, 10**5, 0)
