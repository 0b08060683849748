"""What a gradient costs by each mode: counted on numbers that count, timed with a clock.

What is counted and timed is the whole way from the point to the gradient of every output: the
evaluations of f, the local slopes, the sweeps. The counts are those of the very functions that
are timed, run on other numbers.
"""

import gc
import statistics
import time
from collections.abc import Callable
from itertools import islice
from typing import Any, NamedTuple

from backprop_cli.calculus import differences
from backprop_cli.calculus.forward import jvp
from backprop_cli.calculus.reverse import reverse
from backprop_cli.calculus.values import forward_values
from backprop_cli.readings.counted import Counting, Operations
from backprop_cli.readings.floats import FLOATS
from backprop_cli.readings.formulas import Arithmetic
from backprop_cli.studies.solution import Solution

COUNTED_WHOLE = 100_000
"""Up to this many inputs × nodes every sweep is counted; beyond, one, times the inputs. And up to
this many every input is timed; beyond, as many inputs as that is, and the rest is multiplied."""

_SAMPLES = 5
_SAMPLE = 2e-3
_BUDGET = 0.1

Gradients = list[dict[str, Any]]
"""The gradient of each output, by the names asked for."""


class Timing(NamedTuple):
    """The median of several runs in seconds, and half their interquartile range; None of one."""

    seconds: float
    spread: float | None


class Cost(NamedTuple):
    """What a gradient took: sweeps, evaluations of f, and the operations of both."""

    sweeps: int
    evaluations: int
    operations: Operations


def gradients(mode: str, solution: Solution, most: int | None = None) -> Gradients:
    """Return the gradient of each output by `mode`, from the point on.

    With `most`, a mode that goes input by input stops after so many.
    """
    if mode == "reverse":
        return _reverse(solution, forward_values(solution.graph, solution.point), FLOATS)
    at_point = solution.values
    if mode in _NEED_VALUES:
        at_point = forward_values(solution.graph, solution.point)
    column = _COLUMNS[mode]
    columns = {
        name: column(solution, at_point, node, FLOATS)
        for name, node in islice(solution.wrt.items(), most)
    }
    outputs = range(len(solution.graph.outputs))
    return [{name: made[place] for name, made in columns.items()} for place in outputs]


def _reverse(solution: Solution, values: list[Any], arithmetic: Arithmetic) -> Gradients:
    """Return each gradient by a sweep for each output."""
    made = []
    for output in solution.graph.outputs:
        adjoints = reverse(solution.graph, values, output, solution.active, arithmetic)
        made.append(
            {
                name: arithmetic.zero if adjoints[node] is None else adjoints[node]
                for name, node in solution.wrt.items()
            }
        )
    return made


def _forward(solution: Solution, values: list[Any], node: int, arithmetic: Arithmetic) -> list[Any]:
    """Return d output / d node for each output by one dense sweep."""
    direction = {
        seed: arithmetic.one if seed == node else arithmetic.zero for seed in solution.wrt.values()
    }
    tangents = jvp(solution.graph, values, direction, arithmetic, solution.active)
    return _ends(solution, tangents, arithmetic)


def _sparse(solution: Solution, values: list[Any], node: int, arithmetic: Arithmetic) -> list[Any]:
    """Return the same by a sweep that follows only the edges which the node can reach."""
    return _ends(solution, jvp(solution.graph, values, node, arithmetic), arithmetic)


def _ends(solution: Solution, tangents: list[Any], arithmetic: Arithmetic) -> list[Any]:
    ends = (tangents[output] for output in solution.graph.outputs)
    return [arithmetic.zero if tangent is None else tangent for tangent in ends]


def _difference(
    solution: Solution, values: list[Any], node: int, arithmetic: Arithmetic
) -> list[Any]:
    h = differences.forward_step(float(values[node]))
    return differences.forward_difference(solution.graph, values, node, h, arithmetic)


def _central(solution: Solution, values: list[Any], node: int, arithmetic: Arithmetic) -> list[Any]:
    h = differences.central_step(float(values[node]))
    return differences.central_difference(solution.graph, values, node, h, arithmetic)


def _complex(solution: Solution, values: list[Any], node: int, arithmetic: Arithmetic) -> list[Any]:
    return differences.complex_step(solution.graph, values, node)


_COLUMNS: dict[str, Callable[[Solution, list[Any], int, Arithmetic], list[Any]]] = {
    "forward": _forward,
    "forward-difference": _difference,
    "central": _central,
    "complex-step": _complex,
}
_NEED_VALUES = ("forward", "forward-difference")


def evaluation(solution: Solution) -> Operations:
    """Return the operations of one evaluation of the program."""
    return _evaluated(solution)[2]


def _evaluated(solution: Solution) -> tuple[Counting, list[Any], Operations]:
    """Evaluate the program on numbers that count."""
    counting = Counting()
    counting.start(solution.graph)
    point = {name: counting.counted(value) for name, value in solution.point.items()}
    values = forward_values(solution.graph, point, counting)
    return counting, values, counting.taken()


def counted(mode: str, solution: Solution) -> Cost:
    """Return what the gradient of every output costs by `mode` (not by SymPy).

    The complex step is counted as operations on complex numbers, each of them several real ones.
    """
    counting, values, once = _evaluated(solution)
    inputs, outputs = len(solution.wrt), len(solution.graph.outputs)
    if mode == "reverse":
        _reverse(solution, values, counting)
        return Cost(outputs, 1, once.plus(counting.taken()))
    if mode == "complex-step":
        divisions = Operations(multiplications=inputs * outputs)
        return Cost(0, inputs, once.times(inputs).plus(divisions))
    found = _columns_counted(_COLUMNS[mode], solution, values, counting)
    if mode == "forward":
        return Cost(inputs, 1, once.plus(found))
    if mode == "central":
        return Cost(0, 2 * inputs, found)
    return Cost(0, inputs + 1, once.plus(found))


def sparse_edge_products(solution: Solution) -> int:
    """Return the edge products of forward sweeps that skip the edges a seed cannot reach."""
    counting, values, _ = _evaluated(solution)
    return _columns_counted(_sparse, solution, values, counting, whole=True).edge_products


def _columns_counted(
    column: Callable[[Solution, list[Any], int, Arithmetic], list[Any]],
    solution: Solution,
    values: list[Any],
    counting: Counting,
    whole: bool = False,
) -> Operations:
    """Return the operations of the columns of all inputs."""
    nodes = list(solution.wrt.values())
    if whole or len(nodes) * solution.graph.size <= COUNTED_WHOLE:
        for node in nodes:
            column(solution, values, node, counting)
        return counting.taken()
    column(solution, values, nodes[0], counting)
    return counting.taken().times(len(nodes))


def timed_inputs(mode: str, solution: Solution) -> int:
    """Return for how many of the inputs a mode is timed: every one costs the same work."""
    inputs = len(solution.wrt)
    if mode == "reverse":
        return inputs
    return min(inputs, max(1, COUNTED_WHOLE // solution.graph.size))


def timed_gradients(mode: str, solution: Solution) -> Timing:
    """Return how long the gradient of every output takes by `mode`."""
    most, inputs = timed_inputs(mode, solution), len(solution.wrt)
    timing = timed(lambda: gradients(mode, solution, most))
    if most == inputs:
        return timing
    alone = timed(lambda: gradients(mode, solution, 0)).seconds
    scale = inputs / most
    spread = None if timing.spread is None else scale * timing.spread
    return Timing(alone + scale * (timing.seconds - alone), spread)


def timed(run: Callable[[], object]) -> Timing:
    """Return how long `run` takes: the median of samples that are long enough for the clock."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        first = _sample(run, 1)
        if first > _BUDGET:
            return Timing(first, None)
        inner = max(1, round(_SAMPLE / first)) if first < _SAMPLE else 1
        count = max(_SAMPLES, min(25, round(_BUDGET / (inner * first))))
        samples = [_sample(run, inner) for _ in range(count)]
    finally:
        if collecting:
            gc.enable()
    low, median, high = statistics.quantiles(samples, n=4)
    return Timing(median, (high - low) / 2)


def _sample(run: Callable[[], object], inner: int) -> float:
    start = time.perf_counter()
    for _ in range(inner):
        run()
    return (time.perf_counter() - start) / inner
