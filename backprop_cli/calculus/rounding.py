"""What rounding may have done: to the value of an output, and to its gradient.

Each node commits a rounding error; the output moves by that error times the node's adjoint. The
error of + - * / and of a square root is measured exactly, by error-free transformations (Dekker
1971, Knuth 1969), so that exact arithmetic is never accused; other functions are taken to commit
one unit in the last place. Inputs and literals are exact. (Griewank & Walther, Evaluating
Derivatives, 2nd ed., section 3.4: adjoints as condition numbers.)
"""

import math
from collections.abc import Iterable, Mapping
from itertools import compress
from typing import TYPE_CHECKING, Any, NamedTuple

from backprop_cli.calculus.forward import jvp
from backprop_cli.calculus.partials import local_partials
from backprop_cli.calculus.reverse import reverse
from backprop_cli.graph import Graph
from backprop_cli.operations import ADD, CONSTANT, DIV, MUL, NEG, POW, ROW, SQRT, SUB, TABLE
from backprop_cli.readings.floats import FLOATS

if TYPE_CHECKING:
    from random import Random

UNIT = 2.0**-53
"""The unit roundoff of float64."""

FEWEST_DIGITS = 8
"""A value with fewer trusted decimal digits than this is worth a warning."""

MOST_DIGITS = 16.0
"""No float64 has more decimal digits that can be trusted."""

_PIECEWISE = (ROW["leaky_relu"], ROW["elu"])
_SUMS = frozenset((ADD, SUB))
_SATURATING = frozenset(
    ROW[name]
    for name in (
        *("tanh", "erf", "erfc", "normal_cdf", "sigmoid", "softsign", "atan", "expm1"),
        *("softplus", "silu", "gelu", "elu", "logsumexp"),
    )
)
_EXACT_ROWS = {NEG, ROW["abs"]} | {
    row for row, operation in enumerate(TABLE) if operation.selects and row not in _PIECEWISE
}
SMALLEST_NORMAL = 2.0**-1022
"""Smaller numbers of float64 are rounded absolutely, not relative to their size."""

_SMALLEST = math.ulp(0.0)
_SMALLEST_MEASURED = 2.0**-968  # below it the error of a product is below the smallest float64
_LARGEST_EXACT = 2.0**50  # below it, whole numbers and their halves are exact
_TRIALS, _SAFETY = 4, 8.0
"""Of `gradient_spread`: how often it draws, and what it multiplies the largest change with."""
_BLOCK = 10_000
"""Nodes whose shares are added at a time, and in memory together."""


class Loss(NamedTuple):
    """How many decimal digits of a value can be trusted, and the node that lost the others."""

    digits: float
    node: int
    error: float


def digits_lost(graph: Graph, values: list[float], adjoints: list[Any], output: int) -> Loss | None:
    """Return what is left of the value's digits if that is fewer than FEWEST_DIGITS, else None.

    `adjoints` come from a reverse sweep. When they show that no rounding can have been amplified
    so far, nothing else is computed: a product a node.
    """
    worst, seen = 0.0, 0
    for start in range(0, graph.size, _BLOCK):
        part = slice(start, start + _BLOCK)
        shares = [
            abs(adjoint) * (abs(value) + SMALLEST_NORMAL)
            for adjoint, value in zip(adjoints[part], values[part], strict=True)
            if adjoint is not None
        ]
        worst, seen = worst + sum(shares), seen + len(shares)
    unseen: Iterable[int] = ()
    if seen < graph.size:  # the sweep did not visit all, as in 0.1 + 0.2 - 0.3
        unseen = compress(graph.rows[:output], [adjoint is None for adjoint in adjoints])
    if _SUMS.isdisjoint(unseen) and not worst * UNIT > 10.0**-FEWEST_DIGITS * abs(values[output]):
        return None
    loss = value_rounding(graph, values, output)
    return loss if loss is not None and loss.digits < FEWEST_DIGITS else None


def value_rounding(graph: Graph, values: list[float], output: int) -> Loss | None:
    """Return how many of a value's digits can be trusted; None if rounding cannot have cost any.

    The digits are at most MOST_DIGITS. `node` is the first in which the error is no longer small,
    the output if there is none.
    """
    errors = [rounding_error(graph, node, values) for node in range(output + 1)]
    active = bytearray(graph.size)
    for node, error in enumerate(errors):
        active[node] = error != 0 or any(active[k] for k in graph.operands_of(node))
    if not active[output]:
        return None
    adjoints = reverse(graph, values, output, active)
    shares = [
        abs(adjoint * error) if adjoint is not None and error else 0.0
        for adjoint, error in zip(adjoints, errors, strict=False)
    ]
    error = sum(shares)
    if error == 0 or not math.isfinite(error):
        return None
    source = max(range(len(shares)), key=shares.__getitem__)
    digits = digits_of(error, values[output])
    return Loss(digits, _where_lost(graph, values, source, errors[source], output), error)


def digits_of(error: float, value: float) -> float:
    """Return how many decimal digits of `value` are left by an error: from 0 to MOST_DIGITS."""
    if error <= _SMALLEST:
        return MOST_DIGITS  # nothing is nearer
    share = error / abs(value) if value else math.inf
    if share == 0:  # it may underflow
        return MOST_DIGITS
    return min(MOST_DIGITS, max(0.0, -math.log10(share))) if share < 1 else 0.0


def _where_lost(graph: Graph, values: list[float], source: int, error: float, output: int) -> int:
    """Return the first node, from `source` on, in which the error is no longer small."""
    tangents = jvp(graph, values, source)
    for node in range(source, output + 1):
        tangent = tangents[node]
        if tangent and abs(tangent * error) > 10.0**-FEWEST_DIGITS * abs(values[node]):
            return node
    return output


def rounding_error(graph: Graph, node: int, values: list[float]) -> float:
    """Return the rounding error that `node` committed: measured, or one ulp of its value.

    0 where an infinity or NaN takes part: no answer comes through such a node.
    """
    row = graph.rows[node]
    if row <= CONSTANT or row in _EXACT_ROWS:
        return 0.0
    out = values[node]
    given = [values[k] for k in graph.operands_of(node)]
    if out - out != 0 or any(value - value != 0 for value in given):
        return 0.0
    if out == 0 and any(value == 0 for value in given):
        return 0.0  # 0·y, 0^y, sin(0): exact
    if row == MUL and abs(out) < _SMALLEST_MEASURED:
        return _small_product_error(given[0], given[1], out)
    if row == DIV and abs(out) < _SMALLEST_MEASURED:
        return math.ulp(out)
    if row in (ADD, SUB):
        return sum_error(given[0], given[1] if row == ADD else -given[1], out)
    if row == MUL:
        return product_error(given[0], given[1], out)
    if row == DIV and given[1]:
        return (given[0] - out * given[1] - product_error(out, given[1], out * given[1])) / given[1]
    if row == SQRT and out:
        return (given[0] - out * out - product_error(out, out, out * out)) / (2 * out)
    if row == POW and given[1] == 2 and abs(out) >= _SMALLEST_MEASURED:
        return product_error(given[0], given[0], out)
    if is_exact(row, given, out):
        return 0.0
    return math.ulp(out)


def is_exact(row: int, given: list[float], out: float) -> bool:
    """Return whether a function's value is known to carry no error.

    No function takes a whole value, or half of one, at whole operands but where it is exact;
    unless it saturates, as tanh(20) = 1 does, and then only at 0.
    """
    if row in _PIECEWISE and out == given[0]:
        return True
    if row in _SATURATING and any(given):
        return False
    return abs(out) < _LARGEST_EXACT and all(
        value - value == 0 and value == int(value) for value in [2 * out, *given]
    )


def sum_error(x: float, y: float, total: float) -> float:
    """Return x + y - total exactly (Knuth's TwoSum)."""
    part = total - x
    return (x - (total - part)) + (y - part)


def product_error(x: float, y: float, product: float) -> float:
    """Return x·y - product exactly, barring overflow (Dekker's product, Veltkamp's split)."""
    x_high, x_low = _split(x)
    y_high, y_low = _split(y)
    return ((x_high * y_high - product) + x_high * y_low + x_low * y_high) + x_low * y_low


def _small_product_error(x: float, y: float, product: float) -> float:
    """Return a bound on |x·y - product| where the product may have underflowed; 0 if exact."""
    (x, x_exponent), (y, y_exponent) = math.frexp(x), math.frexp(y)
    scaled = x * y
    exact = math.ldexp(product, -(x_exponent + y_exponent)) == scaled
    return 0.0 if exact and not product_error(x, y, scaled) else math.ulp(product)


def _split(value: float) -> tuple[float, float]:
    scaled = 134217729.0 * value  # 2^27 + 1
    high = scaled - (scaled - value)
    return high, value - high


def gradient_rounding(
    graph: Graph, values: list[float], output: int, active: bytearray, wrt: Mapping[str, int]
) -> dict[str, float]:
    """Return a bound on the rounding error of each gradient component.

    A sum over paths of products of local slopes is off by at most a few units of rounding for
    each factor, relative to the sum of the paths' absolute values (Higham, Accuracy and Stability
    of Numerical Algorithms, section 3.1).
    """
    FLOATS.prepare_partials(graph)
    sizes = [0.0] * graph.size
    depths = [0] * graph.size
    sizes[output] = 1.0
    for node in range(output, -1, -1):
        if sizes[node]:
            for operand, local in local_partials(graph, node, values, active, FLOATS):
                sizes[operand] += abs(local * sizes[node])
                depths[operand] = max(depths[operand], depths[node] + 1)
    return {name: (4 * depths[k] + 4) * UNIT * sizes[k] for name, k in wrt.items()}


def gradient_spread(graph: Graph, values: list[float], output: int, node: int) -> float:
    """Return how far rounding in the forward pass moves d output / d node.

    The sweeps are repeated with each node's own rounding error doubled, its sign drawn at random
    (fixed seed), and the largest change is enlarged by a safety factor. This sees what a bound from
    the sizes of the paths cannot: slopes that are wrong because the values they are evaluated at
    are. (Stochastic arithmetic: J. Vignes, Math. Comput. Simulation 35, 1993.)
    """
    import random

    draw = random.Random(0)
    active = graph.dependents([node])
    exact = reverse(graph, values, output, active)[node] or 0.0
    spread = 0.0
    for _ in range(_TRIALS):
        moved = reverse(graph, _jittered(graph, values, draw), output, active)[node] or 0.0
        spread = max(spread, abs(moved - exact))
    return _SAFETY * spread


def _jittered(graph: Graph, values: list[float], draw: "Random") -> list[float]:
    """Return the values of a forward pass whose rounding errors are doubled, at random signs."""
    FLOATS.prepare_values(graph)
    made = list(values)
    for node, row in enumerate(graph.rows):
        if row > CONSTANT:
            made[node] = FLOATS.total[row](*(made[k] for k in graph.operands_of(node)))
            made[node] += draw.choice((-2.0, 2.0)) * rounding_error(graph, node, made)
    return made


def evaluation_noise(values: list[float], adjoints: list[Any]) -> float:
    """Return a bound on the rounding error of one evaluation, from values and adjoints."""
    shares = (
        abs(adjoint * value)
        for adjoint, value in zip(adjoints, values, strict=True)
        if adjoint is not None
    )
    return 2 * UNIT * float(sum(shares))
