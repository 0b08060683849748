"""Costs, counted and never timed: work grows with the program, and gradients are cheap."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from backprop_cli.calculus.gradient_graph import gradient_graph
from backprop_cli.calculus.reverse import reverse
from backprop_cli.calculus.values import forward_values
from backprop_cli.graph import Graph
from backprop_cli.language.parser import parse
from backprop_cli.operations import CONSTANT
from backprop_cli.readings.counted import Counting
from backprop_cli.studies.gradient import solve
from tests.benchmarks.cheap import INPUTS, small_program
from tests.benchmarks.shapes import SHAPES, input_names, program_text

every_shape = pytest.mark.parametrize("name", SHAPES)
SIZES = (12_000, 24_000)

CHEAP = 5.0
"""Value and gradient take at most so many times the operations of the value, whatever the number
of inputs (Baur & Strassen 1983; Griewank & Walther, Evaluating Derivatives, 2nd ed., 3.3)."""


def lines_run(work: Callable[[], object]) -> int:
    """Return how many lines of Python a piece of work runs through: the same number each time."""
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def written(name: str, nodes: int) -> tuple[str, dict[str, float]]:
    numbers = SHAPES[name].inputs(nodes)
    point = dict(zip(input_names(len(numbers)), numbers, strict=True))
    return program_text(SHAPES[name], nodes), point


def lines_a_node(name: str, nodes: int) -> tuple[float, float]:
    """Return the lines that parsing, and solving, runs through for each node of a shape."""
    text, point = written(name, nodes)
    graph = parse(text, point)
    parsing = lines_run(lambda: parse(text, point))
    solving = lines_run(lambda: solve(graph, point))
    return parsing / graph.size, solving / graph.size


@every_shape
def test_parsing_and_solving_cost_the_same_a_node_at_any_size(name: str) -> None:
    small, large = (lines_a_node(name, nodes) for nodes in SIZES)
    for before, after in zip(small, large, strict=True):
        assert after <= 1.05 * before


@every_shape
def test_a_node_is_parsed_and_solved_in_so_many_lines(name: str) -> None:
    """No second pass slips in unseen: the network takes most, 40 lines to parse and 35 to solve."""
    parsing, solving = lines_a_node(name, SIZES[0])
    assert parsing <= 43
    assert solving <= 39


def test_what_grows_faster_is_seen() -> None:
    """The count bites: work of n lines for each of n nodes doubles its share when n doubles."""

    def squares(size: int) -> None:
        for _ in range(size):
            for _ in range(size):
                pass

    assert lines_run(lambda: squares(200)) > 3 * lines_run(lambda: squares(100))


def counted(graph: Graph, point: dict[str, float]) -> tuple[int, int]:
    """Return the operations of the value alone, and of value and gradient, by the sweeps."""
    counting = Counting()
    numbers = {name: counting.counted(value) for name, value in point.items()}
    counting.start(graph)
    values = forward_values(graph, numbers, counting)
    alone = counting.taken().total
    active = graph.dependents(graph.inputs.values())
    reverse(graph, values, graph.outputs[0], active, counting)
    return alone, alone + counting.taken().total


def operations(graph: Graph) -> int:
    """Return the number of operations that the outputs need."""
    needed = graph.dependencies(graph.outputs)
    return sum(row > CONSTANT for node, row in enumerate(graph.rows) if needed[node])


@pytest.mark.parametrize("count", INPUTS)
def test_a_gradient_costs_a_few_values_however_many_inputs(count: int) -> None:
    text, point = small_program(count)
    graph = parse(text, point)
    alone, both = counted(graph, point)
    assert both <= CHEAP * alone
    gradient = gradient_graph(graph, graph.outputs[0], list(graph.inputs.values()))
    assert operations(gradient) <= CHEAP * operations(graph)


@every_shape
def test_the_gradient_of_every_shape_costs_a_few_values(name: str) -> None:
    text, point = written(name, SIZES[0])
    graph = parse(text, point)
    alone, both = counted(graph, point)
    assert both <= CHEAP * alone
    gradient = gradient_graph(graph, graph.outputs[0], list(graph.inputs.values()))
    assert operations(gradient) <= CHEAP * operations(graph)
