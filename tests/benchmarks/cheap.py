"""Cheap gradient: value and gradient against the value alone, in every reading.

Whatever the number of inputs, a gradient should cost no more than a few evaluations (Baur &
Strassen 1983). All in process, both sides in turn; `tests/test_linear.py` counts operations.
"""

import math
import re
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from backprop_cli.graph import Graph
from backprop_cli.readings.compiler import NoCompiler
from tests.benchmarks.bench import Bench
from tests.benchmarks.processes import child
from tests.benchmarks.report import Row
from tests.benchmarks.shapes import SHAPES, input_names, program_text

PACKAGES: tuple[str, ...] = ()

INPUTS = (1, 10, 100, 1000)
_GOAL = 4.0
_NODES = 30_000
_ROWS = 1024
_COMPILED = 1_000

Work = Callable[[], object]


class Sides(NamedTuple):
    """The value alone, and value and gradient."""

    alone: Work
    both: Work


def rows(bench: Bench) -> Iterator[Row]:
    """Yield a row for each reading and each program, measured in a process of their own."""
    bench.say("cheap gradient")
    counts, turns = (INPUTS[:3:2], 5) if bench.quick else (INPUTS, 21)
    _, found = child("rows", "cheap", turns, *counts)
    yield from (Row(*cells) for cells in found)


def measured(turns: int, *counts: int) -> Iterator[Row]:
    """Yield the rows: the shapes swept, and small programs of more and more inputs compiled."""
    for name, shape in SHAPES.items():
        numbers = shape.inputs(_NODES)
        point = dict(zip(input_names(len(numbers)), numbers, strict=True))
        sides = interpreter(program_text(shape, _NODES), point)
        yield _row(f"{name}, {_NODES:,} nodes", "interpreter", sides, turns, 1)
        if name == "network":
            numbers = shape.inputs(_COMPILED)
            point = dict(zip(input_names(len(numbers)), numbers, strict=True))
            sides = generated_python(program_text(shape, _COMPILED), point)
            yield _row(f"{name}, {_COMPILED:,} nodes", "generated Python", sides, turns, 10)
    for count in counts:
        text, point = small_program(count)
        for reading, make in READINGS.items():
            repeats = max(1, 3000 // count)
            try:
                sides = make(text, point)
            except NoCompiler as error:
                yield Row(reading, "", "", verdict=f"skipped: {error.message}")
                continue
            yield _row(f"{count:,} inputs", reading, sides, turns, repeats)


def small_program(count: int) -> tuple[str, dict[str, float]]:
    """Return a program of so many inputs, with a few operations for each."""
    point = {f"x{k}": math.sin(k + 1) for k in range(count)}
    terms = [f"tanh(x{k}*{0.3 + 0.01 * k})*exp(-x{k}) + x{k}/2" for k in range(count)]
    return " + ".join(f"({term})" for term in terms), point


def interpreter(text: str, point: Mapping[str, float]) -> Sides:
    """Return the sweeps over the graph."""
    from backprop_cli.calculus.reverse import reverse
    from backprop_cli.calculus.values import forward_values
    from backprop_cli.language.parser import parse

    graph = parse(text, point)

    def both() -> object:
        values = forward_values(graph, point)
        active = graph.dependents(graph.inputs.values())
        return reverse(graph, values, graph.outputs[0], active)

    return Sides(lambda: forward_values(graph, point), both)


def generated_python(text: str, point: Mapping[str, float]) -> Sides:
    """Return the graph and its gradient graph as generated Python."""
    from backprop_cli.readings.python import python_function

    graph, gradient = _graphs(text, point)
    value, whole = python_function(graph, list(point)), python_function(gradient, list(point))
    numbers = list(point.values())
    return Sides(lambda: value(*numbers), lambda: whole(*numbers))


def numpy_blocks(text: str, point: Mapping[str, float]) -> Sides:
    """Return NumPy over a block of rows."""
    from backprop_cli.readings.blocks import Blocks

    return _blocks(text, point, Blocks)


def native_blocks(text: str, point: Mapping[str, float]) -> Sides:
    """Return compiled C over a block of rows."""
    from backprop_cli.readings.native_blocks import NativeBlocks

    return _blocks(text, point, NativeBlocks)


def _blocks(text: str, point: Mapping[str, float], kind: Callable[..., Any]) -> Sides:
    """Return a block of rows: the outputs of the graph, and of its gradient graph."""
    import numpy as np

    graph, gradient = _graphs(text, point)
    spread = np.linspace(0.9, 1.1, _ROWS)
    columns = [number * spread for number in point.values()]
    bad, kinked = np.zeros(_ROWS, bool), np.zeros(_ROWS, bool)

    def side(made: Graph) -> Work:
        compute = kind(made, list(point), {})
        results = [np.empty(_ROWS) for _ in made.outputs]
        return lambda: compute(columns, results, bad, kinked)

    return Sides(side(graph), side(gradient))


_REPEAT = """
{head}
void repeat(long count, const double *x, double *r) {{
  {type} (*volatile function)({parameters}) = {name};
  while (count--) {before}function({given});
}}
"""
"""Calls that no compiler can see through, one after the other."""

_CALLS = 100


def compiled_c(text: str, point: Mapping[str, float]) -> Sides:
    """Return the graph and its gradient graph as compiled C, called from C."""
    from backprop_cli.readings.native_function import function_source
    from backprop_cli.readings.telling import telling_nodes

    def source(made: Graph) -> str:
        code = function_source(made, list(point), telling_nodes(made, made.outputs))
        types = "const double *, double *"
        parts = {"type": "int", "parameters": types, "name": "backprop_value", "given": "x, r"}
        return _REPEAT.format(head=code, before="", **parts)

    graph, gradient = _graphs(text, point)
    return Sides(_repeated(source(graph), point), _repeated(source(gradient), point))


def exported_c(text: str, point: Mapping[str, float]) -> Sides:
    """Return an exported C file, and what is left of it without the backward half."""
    whole = _exported(text, point, "c")
    alone = re.sub(r"  // Backward:.*?(?=  return )", "", whole, flags=re.DOTALL)
    count = len(point)
    parts = {
        "type": "double",
        "parameters": ", ".join(["double"] * count + ["double *"]),
        "name": "f_and_gradient",
        "given": ", ".join([*(f"x[{k}]" for k in range(count)), "r + 1"]),
    }
    sources = [
        _REPEAT.format(head=f"#define BACKPROP_NO_MAIN\n{code}", before="r[0] = ", **parts)
        for code in (alone, whole)
    ]
    return Sides(*(_repeated(source, point) for source in sources))


def exported_numpy(text: str, point: Mapping[str, float]) -> Sides:
    """Return an exported NumPy module over rows, and what is left without the backward half."""
    import numpy as np

    whole = _exported(text, point, "numpy")
    alone = re.sub(r"    # Backward:.*?\n    return (\w+), {.*?\n(?=\n\n)", r"    return \1\n", whole, flags=re.DOTALL)  # fmt: skip
    spread = np.linspace(0.9, 1.1, _ROWS)
    columns = [number * spread for number in point.values()]

    def side(code: str) -> Work:
        names: dict[str, Any] = {"__name__": "exported"}
        exec(compile(code, "exported", "exec"), names)
        return lambda: names["f_and_gradient"](*columns)

    return Sides(side(alone), side(whole))


def _exported(text: str, point: Mapping[str, float], target: str) -> str:
    """Return the file that `export` writes."""
    from backprop_cli.language.parser import parse
    from backprop_cli.readings.languages import LANGUAGES
    from backprop_cli.render.code.file import source
    from backprop_cli.studies.export import export

    return source(export(parse(text, point), LANGUAGES[target], point)[0])


def _graphs(text: str, point: Mapping[str, float]) -> tuple[Graph, Graph]:
    """Return the graph of a program, and its gradient graph."""
    from backprop_cli.calculus.gradient_graph import gradient_graph
    from backprop_cli.language.parser import parse

    graph = parse(text, point)
    return graph, gradient_graph(graph, graph.outputs[0], list(graph.inputs.values()))


def _repeated(source: str, point: Mapping[str, float]) -> Work:
    """Return what calls a compiled function many times."""
    import ctypes

    from backprop_cli.readings.native import load

    repeat = load(source).library.repeat
    numbers = (ctypes.c_double * len(point))(*point.values())
    results = (ctypes.c_double * (1 + len(point)))()
    return lambda: repeat(ctypes.c_long(_CALLS), numbers, results)


READINGS: dict[str, Callable[[str, Mapping[str, float]], Sides]] = {
    "interpreter": interpreter,
    "generated Python": generated_python,
    "NumPy, 1,024 rows": numpy_blocks,
    "exported NumPy, 1,024 rows": exported_numpy,
    f"compiled C, {_CALLS} calls": compiled_c,
    f"exported C, {_CALLS} calls": exported_c,
    "compiled C, 1,024 rows": native_blocks,
}
"""Each reading of a graph, by what makes its two sides."""


def _row(subject: str, reading: str, sides: Sides, turns: int, repeats: int) -> Row:
    times: dict[Work, list[float]] = {side: [] for side in sides}
    for _ in range(turns):
        for side in sides:
            begin = time.process_time()
            for _ in range(repeats):
                side()
            times[side].append((time.process_time() - begin) / repeats)
    alone, both = (statistics.median(times[side][1:]) for side in sides)
    what = f"gradient / value alone, {reading}: {subject}"
    return Row(what, f"{1e6 * both:.1f} µs", f"ours {1e6 * alone:.1f} µs", both / alone, _GOAL)
