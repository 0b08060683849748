"""Compiled C: the interpreter's numbers, bit for bit, whatever the program and its names."""

import math
import random
import threading
from collections.abc import Callable, Sequence

import mpmath
import pytest
from accuracy import points
from hypothesis import HealthCheck, given, settings
from strategies import programs

from backprop_cli.calculus.gradient_graph import gradient_graph, hessian_graph
from backprop_cli.calculus.point_graph import point_graph
from backprop_cli.calculus.reverse import reverse
from backprop_cli.calculus.values import forward_values
from backprop_cli.graph import Graph
from backprop_cli.language.parser import parse
from backprop_cli.operations import TABLE, Operation
from backprop_cli.readings import compiler
from backprop_cli.readings.c import LIBRARY, NATIVE, VECTOR

np = pytest.importorskip("numpy")

from backprop_cli.readings.blocks import Blocks  # noqa: E402
from backprop_cli.readings.native_blocks import NativeBlocks, rows_source  # noqa: E402
from backprop_cli.readings.native_function import compiled_by_c  # noqa: E402

try:
    compiler.find_compiler()
except compiler.NoCompiler as reason:
    pytest.skip(reason.message, allow_module_level=True)

pytestmark = pytest.mark.usefixtures("own_cache")


# ------------------------------------------------------------------------------ the interpreter


def interpreted(
    graph: Graph, output: int, wrt: Sequence[int], point: dict[str, float]
) -> list[float]:
    """Return value and slopes of an output by the two sweeps."""
    values = forward_values(graph, point)
    adjoints = reverse(graph, values, output, graph.dependents(wrt))
    return [values[output], *(adjoints[node] or 0.0 for node in wrt)]


def exact(*given):
    """Return blocks by the C that has the interpreter's bits."""
    return NativeBlocks(*given, language=NATIVE)


class Rows:
    """Value and slopes of a program by compiled C at some points, with marks."""

    def __init__(
        self,
        graph: Graph,
        names: Sequence[str],
        at: list[tuple[float, ...]],
        kind: Callable = exact,
    ) -> None:
        made = point_graph(graph, [graph.inputs[name] for name in names if name in graph.inputs])
        self.blocks = kind(made.graph, names, {}, made.watched, made.kinks)
        self.results = [np.empty(len(at)) for _ in made.graph.outputs]
        self.bad, self.kinked = np.zeros(len(at), bool), np.zeros(len(at), bool)
        self.columns = [np.array(column) for column in zip(*at, strict=True)]
        self.blocks(self.columns, self.results, self.bad, self.kinked)

    def row(self, place: int) -> list[float]:
        return [float(result[place]) for result in self.results]


# ------------------------------------------------------------------- the same bits


@settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
@given(programs())
def test_random_programs_have_the_interpreters_bits(program):
    graph = parse(program.text, program.point)
    names = list(graph.inputs)
    draw = random.Random(1)
    at = [tuple(program.point[name] for name in names)]
    at += [tuple(x * draw.uniform(0.9, 1.1) + draw.gauss(0, 0.1) for x in at[0]) for _ in range(20)]
    rows = Rows(graph, names, at)
    for place, point in enumerate(at):
        if not (rows.bad[place] or rows.kinked[place]):
            given = dict(zip(names, point, strict=True))
            wanted = interpreted(graph, graph.outputs[0], list(graph.inputs.values()), given)
            assert rows.row(place) == wanted, (given, program.text)


def _written(operation: Operation, operands: list[str]) -> str:
    if operation.infix and operation.name != "neg":
        text = f" {operation.infix} ".join(operands)
        return text if operation.precedence else f"where({text}, {operands[0]}, 2*{operands[1]})"
    return (
        f"-{operands[0]}" if operation.name == "neg" else f"{operation.name}({', '.join(operands)})"
    )


def _whole_table() -> tuple[Graph, dict[str, list[str]], dict[str, list[tuple[float, ...]]]]:
    """Return one graph of every operation over inputs of its own, their names, their points."""
    lines, names, at = [], {}, {}
    for place, operation in enumerate(TABLE):
        if not operation.parameters:
            continue
        found = [point for point in points(operation) if all(map(math.isfinite, point))]
        if operation.name == "where":
            found = [(1.0, 2.0, 3.0), (0.0, 2.0, 3.0), (-0.5, 2.0, 3.0)]
        width = max(map(len, found))
        found = [point for point in found if len(point) == width]
        operands = [f"a{place}_{k}" for k in range(width)]
        if operation.name == "where":
            lines.append(f"o{place} = where({operands[0]} != 0, {operands[1]}, {operands[2]})")
        elif operation.name == "polygamma":
            found = [point for point in found if point[0] <= 4]
            lines.append(f"o{place} = polygamma({operands[0]}, {operands[1]})")
        else:
            lines.append(f"o{place} = {_written(operation, operands)}")
        names[f"o{place}"], at[f"o{place}"] = operands, found
    return parse("\n".join(lines)), names, at


def test_every_operation_has_the_interpreters_bits():
    """Values and slopes of all rows of the table, at the points of the accuracy tests."""
    graph, names, at = _whole_table()
    made, outputs = graph, []
    for label, operands in names.items():
        made = gradient_graph(made, graph.names[label], [graph.inputs[name] for name in operands])
        outputs += made.outputs
    made = made.with_outputs(outputs)
    columns = list(graph.inputs)
    longest = max(map(len, at.values()))
    given = {
        name: [row[k] for row in at[label]]
        for label, own in names.items()
        for k, name in enumerate(own)
    }
    padded = [np.resize(np.array(given[name]), longest) for name in columns]
    results = [np.empty(longest) for _ in outputs]
    marks = np.zeros(longest, bool)
    exact(made, columns, {})(padded, results, marks, marks)
    start, compared = 0, 0
    for label, operands in names.items():
        wrt = [graph.inputs[name] for name in operands]
        single = graph.with_outputs([graph.names[label]])
        for row, point in enumerate(at[label]):
            inputs = dict.fromkeys(graph.inputs, 0.5) | dict(zip(operands, point, strict=True))
            wanted = interpreted(single, graph.names[label], wrt, inputs)
            found = [float(result[row]) for result in results[start : start + 1 + len(wrt)]]
            if math.isfinite(wanted[0]):
                for one, other in zip(found, wanted, strict=True):
                    assert one == other or (one != one and other != other), (
                        label,
                        single.source.splitlines()[0],
                        point,
                        found,
                        wanted,
                    )
                    compared += 1
        start += 1 + len(wrt)
    assert compared > 5000


def test_squares_have_the_interpreters_bits_whatever_says_that_they_are_squares():
    """C's pow is off by a bit for one x in 1,300 or so: many of these are asked."""
    draw = random.Random(7)
    numbers = [draw.uniform(0.1, 3.0) for _ in range(60_000)]
    odd = [x for x in numbers if math.pow(x, 2.0) != x * x][:40] + numbers[:40]
    for text, exponent in (("x^y", 2.0), ("x^y", 3.0), ("x^hypot(y, 0)", 2.0), ("x^3", 1.0)):
        graph = parse(text, ("x", "y"))
        wrt = list(graph.inputs.values())
        made = gradient_graph(graph, graph.outputs[0], wrt)
        names = list(graph.inputs)
        function, _ = compiled_by_c(made, names)
        for x in odd:
            point = {name: {"x": x, "y": exponent}[name] for name in names}
            wanted = interpreted(graph, graph.outputs[0], wrt, point)
            assert list(function(*point.values())) == wanted, (text, point)


def test_second_derivatives_have_the_bits_of_the_interpreted_hessian():
    graph = parse("x^3*y^2 + exp(x*y) + atan2(y, x)*log(x)")
    made = hessian_graph(graph, graph.outputs[0], list(graph.inputs.values()))
    function, _ = compiled_by_c(made, ["x", "y"])
    for x, y in ((1.0, 2.0), (0.3, -1.7), (2.5, 0.01)):
        values = forward_values(made, {"x": x, "y": y})
        assert list(function(x, y)) == [values[node] for node in made.outputs]


def test_a_number_that_is_not_finite_on_the_way_is_for_the_interpreter():
    function, _ = compiled_by_c(parse("1/exp(x)"), ["x"])
    assert function(1.0) == (1 / math.exp(1.0),)
    with pytest.raises(ArithmeticError):
        function(1000.0)


def test_a_wrong_formula_would_be_noticed():
    """The comparison bites: C with another cosine is not taken for the interpreter."""
    graph = parse("sin(x)")
    wrong = NATIVE._replace(calls={**NATIVE.calls, "cos": "sin"})
    rows = Rows(graph, ["x"], [(0.4,)], lambda *given: NativeBlocks(*given, language=wrong))
    assert rows.row(0) != interpreted(graph, graph.outputs[0], [graph.inputs["x"]], {"x": 0.4})


FAST = ("exp", "expm1", "cosh", "tanh")
ULPS = 3
"""How far the exponentials that can become vectors may be from the exact result."""


def test_the_exponentials_of_many_points_are_within_some_ulps():
    assert {name for name in NATIVE.calls if NATIVE.calls[name] != VECTOR.calls[name]} == set(FAST)
    draw = random.Random(3)
    at = [draw.uniform(-1, 1) for _ in range(3000)] + [draw.uniform(-30, 30) for _ in range(3000)]
    at += [draw.uniform(-745, 709) for _ in range(1000)] + [
        10 ** draw.uniform(-20, 0) for _ in range(500)
    ]
    at += [0.0, -0.0, 5e-324, -1e-310, 709.78, -745.1, -720.3, 710.4, 22.0, 22.1, -1.0, 1e-300]
    for name in FAST:
        function = getattr(mpmath, name)
        rows = Rows(parse(f"{name}(x)"), ["x"], [(x,) for x in at], NativeBlocks)
        for place, x in enumerate(at):
            with mpmath.workdps(40):
                wanted = function(mpmath.mpf(x))
                off = abs(mpmath.mpf(rows.row(place)[0]) - wanted)
            if abs(wanted) < 1.79e308:
                assert off <= ULPS * math.ulp(float(wanted)), (name, x)


def test_the_exponentials_of_many_points_at_their_ends():
    none = np.zeros(7, bool)
    given = np.array([math.inf, -math.inf, math.nan, 710.0, -746.0, 1e9, -1e9])
    ends = {
        "exp": [math.inf, 0.0, math.nan, math.inf, 0.0, math.inf, 0.0],
        "expm1": [math.inf, -1.0, math.nan, math.inf, -1.0, math.inf, -1.0],
        "cosh": [math.inf, math.inf, math.nan, math.cosh(710.0), math.inf, math.inf, math.inf],
        "tanh": [1.0, -1.0, math.nan, 1.0, -1.0, 1.0, -1.0],
    }
    for name, wanted in ends.items():
        out = [np.empty(7)]
        NativeBlocks(parse(f"{name}(x)"), ["x"], {})([given], out, none.copy(), none.copy())
        np.testing.assert_allclose(out[0], wanted, rtol=1e-15)


@settings(deadline=None, max_examples=10, suppress_health_check=list(HealthCheck))
@given(programs())
def test_random_programs_at_many_points_are_near_the_interpreter(program):
    graph = parse(program.text, program.point)
    names = list(graph.inputs)
    at = [tuple(program.point[name] for name in names)]
    rows = Rows(graph, names, at, NativeBlocks)
    if not (rows.bad[0] or rows.kinked[0]):
        wrt = list(graph.inputs.values())
        values = forward_values(graph, program.point)
        largest = max((abs(v) for v in values if math.isfinite(v)), default=1.0)
        wanted = interpreted(graph, graph.outputs[0], wrt, program.point)
        slopes = max(map(abs, wanted))
        assert rows.row(0) == pytest.approx(wanted, rel=1e-12, abs=1e-13 * max(largest, slopes))


def test_no_result_of_the_compilers_own_takes_the_place_of_the_librarys():
    """pow(x, 0.5) and pow(2, x) are turned into sqrt and exp2 by some compilers, sin(2) into a number."""
    called = {call for name, call in NATIVE.calls.items() if call == name}
    called.add("pow")  # by `power_of`
    exact = {"sqrt", "fabs"}
    ours = {"exp_square", "normal_cdf", "digamma", "polygamma", "mean", "pick", "logsumexp", "ties"}
    assert called - exact - ours == set(LIBRARY)
    assert all(f"-fno-builtin-{name}" in compiler.FLAGS for name in LIBRARY)
    graph = parse("x^0.5 + 2^x + x^-1 + x^3 + sin(x + 2 - 2) + 10^x")
    rows = Rows(graph, ["x"], [(0.1 + 0.37 * k,) for k in range(200)])
    for place in range(200):
        wanted = interpreted(
            graph, graph.outputs[0], [graph.inputs["x"]], {"x": 0.1 + 0.37 * place}
        )
        assert rows.row(place) == wanted


# ------------------------------------------------------------------- names


AWKWARD = ("NULL", "linux", "unix", "I", "y0", "j1", "NAN", "INFINITY", "double", "int", "goto",
           "v0", "x0", "h0", "main", "errno", "M_PI", "signgam", "backprop_rows", "λ", "变量", "µ",
           "_Complex", "asm", "start", "size", "count", "marks", "i")  # fmt: skip


def _sum_of(names: Sequence[str]) -> str:
    return "+".join(f"{k + 2}*sin({name})*{name}^2" for k, name in enumerate(names))


def test_names_never_reach_the_compiler():
    graph = parse(_sum_of(AWKWARD), AWKWARD)
    names = list(graph.inputs)
    assert len(names) == len(AWKWARD)
    at = [tuple(0.1 * k + 0.3 for k in range(len(names)))]
    rows = Rows(graph, names, at)
    given = dict(zip(names, at[0], strict=True))
    wanted = interpreted(graph, graph.outputs[0], list(graph.inputs.values()), given)
    assert rows.row(0) == wanted

    plain = parse(_sum_of([f"p{k}" for k in range(len(AWKWARD))]))
    sources = [rows_source(one, list(one.inputs), []) for one in (graph, plain)]
    assert sources[0] == sources[1]


def test_a_name_that_nobody_should_compile_leaves_no_trace():
    graph = parse("système_x + 1", ["système_x"])
    source = rows_source(graph, ["système_x"], [])
    assert "syst" not in source
    assert source.isascii()


# ------------------------------------------------------------------- marks, threads, layouts

DOUBTFUL = (
    "where(x > 0, log(x), exp(800*x))",
    "1/exp(500*x) + y",
    "max(x, y) + abs(x)",
    "relu(x)*sqrt(y)",
    "floor(x) + x^y",
    "min(x, 1/y)",
)


@pytest.mark.parametrize("text", DOUBTFUL)
def test_rows_are_marked_as_numpy_marks_them(text):
    graph = parse(text, ["x", "y"])
    numbers = (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0)
    at = [(x, y) for x in numbers for y in numbers] * 60
    mine, theirs = (Rows(graph, ["x", "y"], at, kind) for kind in (NativeBlocks, Blocks))
    assert (mine.bad == theirs.bad).all()
    assert (mine.kinked == theirs.kinked).all()
    assert mine.bad.any() or mine.kinked.any()
    good = ~(mine.bad | mine.kinked)
    for one, other in zip(mine.results, theirs.results, strict=True):
        np.testing.assert_allclose(one[good], other[good], rtol=1e-14)


def test_columns_may_be_views_and_marks_are_added_to():
    graph = parse("x*y")
    table = np.arange(30.0).reshape(10, 3)
    out = np.zeros((10, 6))
    blocks = NativeBlocks(graph, ["x", "y"], {})
    bad = np.array([True] + [False] * 9)
    blocks([table[:, 0], table[:, 2]], [out[:, 1]], bad, np.zeros(10, bool))
    assert (out[:, 1] == table[:, 0] * table[:, 2]).all()
    assert bad.tolist() == [True] + [False] * 9
    assert not out[:, 0].any()


def test_what_is_fixed_is_handed_in_and_not_compiled_in():
    graph = parse("sin(k)*x", ["k", "x"])
    sources = set()
    for k in (0.5, 2.0):
        blocks = NativeBlocks(graph, ["x"], {"k": k})
        out = [np.empty(1)]
        blocks([np.array([3.0])], out, np.zeros(1, bool), np.zeros(1, bool))
        assert out[0][0] == math.sin(k) * 3.0
        sources.add(rows_source(graph, ["x"], {"k": k}))
    assert len(sources) == 1


def test_several_threads_may_call_at_once():
    graph = parse("tanh(x*y) + log1p(x^2)")
    at = [(0.001 * k, 1.0 + 0.002 * k) for k in range(20_000)]
    rows = Rows(graph, ["x", "y"], at)
    found = [[np.empty(len(at)) for _ in rows.results] for _ in range(4)]
    none = np.zeros(len(at), bool)
    threads = [
        threading.Thread(target=rows.blocks, args=(rows.columns, out, none.copy(), none.copy()))
        for out in found
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for out in found:
        assert all((one == other).all() for one, other in zip(out, rows.results, strict=True))
