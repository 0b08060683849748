"""The textbook's differences, with one step size and nothing else: what numeric modes cost.

f(x+h) - f(x) over h, f(x+h) - f(x-h) over 2h, and the imaginary part of f(x+ih) over h, exactly as
they are written, rounding and all. They see every output at once, and they evaluate the whole
program each time, as a user without a graph would. (The witness in `numeric.py` chooses its step
sizes and extrapolates; nothing is proved by the quotients here, they are what is studied.)
"""

import math
from typing import Any

from backprop_cli.calculus.rounding import UNIT
from backprop_cli.calculus.values import evaluate
from backprop_cli.graph import Graph
from backprop_cli.readings.floats import FLOATS
from backprop_cli.readings.formulas import Arithmetic

COMPLEX_STEP = 2.0**-332
"""About 1e-100; a power of two, so that dividing by it is exact."""

_SMALL_PLACE = 2.0**-270
_SMALL_STEP = 2.0**-62
_LEAST_STEP = 2.0**-1060
_LEAST_IMAGINARY = 2.0**-960


def forward_step(x: float) -> float:
    """Return the usual step of a forward difference (Press et al., Numerical Recipes, 5.7)."""
    return float((2 * UNIT) ** 0.5 * max(abs(x), 1.0))


def central_step(x: float) -> float:
    """Return the usual step of a central difference (Press et al., Numerical Recipes, 5.7)."""
    return float((2 * UNIT) ** (1 / 3) * max(abs(x), 1.0))


def complex_step_size(x: float) -> float:
    """Return a power of two far below the rounding of x, below x itself, and below 1.

    It does not grow with x: sin(1e200) turns within a step of 1 all the same.
    """
    if 0 < abs(x) < _SMALL_PLACE:
        return max(math.ldexp(_SMALL_STEP, math.frexp(x)[1] - 1), _LEAST_STEP)
    return COMPLEX_STEP


def complex_step_floor(x: float) -> float:
    """Return the slope below which Im f(x+ih) is too near the smallest float to keep its digits.

    A quotient such as ih/x on the way is to stay away from there too.
    """
    return _LEAST_IMAGINARY / complex_step_size(x) * max(abs(x), 1.0)


def outputs_at(
    graph: Graph, values: list[Any], seed: int, place: Any, arithmetic: Arithmetic = FLOATS
) -> list[Any]:
    """Return the outputs with the node `seed` at `place`: one evaluation of the program."""
    moved = list(values)
    moved[seed] = place
    for nodes in (range(seed), range(seed + 1, graph.size)):
        evaluate(graph, moved, nodes, arithmetic)
    return [moved[output] for output in graph.outputs]


def forward_difference(
    graph: Graph, values: list[Any], seed: int, h: float, arithmetic: Arithmetic = FLOATS
) -> list[Any]:
    """Return (f(x+h) - f(x))/h for each output f; `values` are those at x."""
    after = outputs_at(graph, values, seed, values[seed] + h, arithmetic)
    before = [values[output] for output in graph.outputs]
    return [(f - g) / h for f, g in zip(after, before, strict=True)]


def central_difference(
    graph: Graph, values: list[Any], seed: int, h: float, arithmetic: Arithmetic = FLOATS
) -> list[Any]:
    """Return (f(x+h) - f(x-h))/2h for each output f."""
    after = outputs_at(graph, values, seed, values[seed] + h, arithmetic)
    before = outputs_at(graph, values, seed, values[seed] - h, arithmetic)
    return [(f - g) / (2 * h) for f, g in zip(after, before, strict=True)]


def complex_step(
    graph: Graph, values: list[float], seed: int, h: float | None = None
) -> list[float]:
    """Return Im f(x+ih)/h for each output f, NaN where it has no complex value.

    Without an `h` it is `complex_step_size`, beyond rounding and truncation both; slopes below
    `complex_step_floor` lose digits. Every operation must have a complex reading
    (`readings.complexes.unreadable` is empty).
    """
    from backprop_cli.readings.complexes import COMPLEX  # here: few commands need it

    h = complex_step_size(values[seed]) if h is None else h
    after = outputs_at(graph, values, seed, complex(values[seed], h), COMPLEX)
    return [f.imag / h for f in after]
