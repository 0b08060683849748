"""Cheap gradient: value and gradient against the value alone, in every reading.

Whatever the number of inputs, a gradient should cost no more than a few evaluations (Baur &
Strassen 1983). All in process, both sides in turn; `tests/test_cheap.py` counts operations.
"""

import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from backprop_cli.graph import Graph
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
    _, found = child("rows", "cheap", 7 if bench.quick else 21)
    yield from (Row(*cells) for cells in found)


def measured(turns: int) -> Iterator[Row]:
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
    for count in INPUTS:
        text, point = small_program(count)
        for reading, make in READINGS.items():
            repeats = max(1, 3000 // count)
            yield _row(f"{count:,} inputs", reading, make(text, point), turns, repeats)


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
    from backprop_cli.calculus.gradient_graph import gradient_graph
    from backprop_cli.language.parser import parse
    from backprop_cli.readings.python import compiled

    graph = parse(text, point)
    gradient = gradient_graph(graph, graph.outputs[0], list(graph.inputs.values()))
    value, whole = compiled(graph, list(point)), compiled(gradient, list(point))
    numbers = list(point.values())
    return Sides(lambda: value(*numbers), lambda: whole(*numbers))


def numpy_blocks(text: str, point: Mapping[str, float]) -> Sides:
    """Return NumPy over a block of rows: the outputs of the graph, and of its gradient graph."""
    import numpy as np

    from backprop_cli.calculus.gradient_graph import gradient_graph
    from backprop_cli.language.parser import parse
    from backprop_cli.readings.blocks import Blocks

    graph = parse(text, point)
    gradient = gradient_graph(graph, graph.outputs[0], list(graph.inputs.values()))
    spread = np.linspace(0.9, 1.1, _ROWS)
    columns = [number * spread for number in point.values()]
    bad, kinked = np.zeros(_ROWS, bool), np.zeros(_ROWS, bool)

    def side(made: Graph) -> Work:
        compute = Blocks(made, list(point), {})
        results = [np.empty(_ROWS) for _ in made.outputs]
        return lambda: compute(columns, results, bad, kinked)

    return Sides(side(graph), side(gradient))


READINGS: dict[str, Callable[[str, Mapping[str, float]], Sides]] = {
    "interpreter": interpreter,
    "generated Python": generated_python,
    "NumPy, 1,024 rows": numpy_blocks,
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
