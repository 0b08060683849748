"""Where an operation may leave the finite numbers: what exported code need not look after.

A program whose value is always defined has a plainer derivation than one that may be NaN, so a
little is worked out beforehand: `exp(x)` is never negative, `1 + exp(x)` never below 1, and a
division by that, or its logarithm, is always defined.
"""

import math
from collections.abc import Sequence
from functools import cache

from backprop_cli.operations import ADD, POW, ROW, TABLE, Operation
from backprop_cli.readings.floats import TOTAL

_LARGE = 800.0
_NEVER_NEGATIVE = frozenset(ROW[name] for name in ("exp", "abs", "sqrt", "cosh", "hypot"))


@cache
def overflows(row: int) -> bool:
    """Return whether an operation of moderate numbers may be infinite, as exp(800) is."""
    operation = TABLE[row]
    function = TOTAL.function(operation.name)
    return any(math.isinf(function(*[x] * len(operation.parameters))) for x in (_LARGE, -_LARGE))


def is_inside(operation: Operation, least: float) -> bool:
    """Return whether numbers that are never below `least` are inside the domain of a row."""
    if operation.domain == ("x > 0",):
        return least > 0
    return operation.domain == ("x >= 0",) and least >= 0


def is_undefined_at_infinity(row: int, least: Sequence[float]) -> bool:
    """Return whether an operation may be NaN where its operands are infinite: inf - inf, sin(inf).

    `least` are the numbers that the operands are never below.
    """
    if row == ADD:
        return -math.inf in least
    function = TOTAL.function(TABLE[row].name)
    signs = (math.inf,) if least[0] > -math.inf else (math.inf, -math.inf)
    return len(least) > 1 or any(math.isnan(function(x)) for x in signs)


def least_of(row: int, least: Sequence[float], exponent: float | None) -> float:
    """Return what an operation is never below, as far as it is plain: of 1 + exp(x), 1.

    `least` is that of its operands, `exponent` the number of the last operand, if it is known.
    """
    if row == ADD:
        return least[0] + least[1]
    if row == POW and exponent is not None and exponent % 2 == 0:
        return 0.0
    return 0.0 if row in _NEVER_NEGATIVE else -math.inf
