"""Formulas read by NumPy: one call computes an operation for every row of a data set.

The value functions take float64 arrays and floats, element by element, with IEEE results and
without warnings. Both sides of a `where` are computed and one is chosen, which is harmless here:
a side that is not defined is a NaN, not an exception. NumPy's own functions are used where they
are known to be good to a few ulp; every other primitive is the float one, called element by
element: slower, but the same number. A gradient is the values of a gradient graph; partials are
read by themselves only where rows are looked at again, beside kinks or for a bad slope.

This file imports NumPy, so it is itself imported only when there are data.
"""

import math
from collections.abc import Callable
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from backprop_cli.graph import Graph
from backprop_cli.operations import TABLE
from backprop_cli.readings.floats import TOTAL, number
from backprop_cli.readings.formulas import Arithmetic, Spelling

_INFIX = {"add": "+", "sub": "-", "mul": "*", "neg": "-"}
_SAME_NAME = ("exp", "expm1", "log", "log2", "log10", "log1p", "sqrt", "cbrt", "hypot")
_CIRCULAR = ("sin", "cos", "tan", "sinh", "cosh", "tanh")
_INVERSE = ("asin", "acos", "atan", "atan2", "asinh", "acosh", "atanh")

_TRUSTED = 2.0**40
"""A compensated sum that cancels by more than this is added exactly instead."""


class Arrays(Arithmetic):
    """Arithmetic of float64 arrays and floats, element by element."""

    def __init__(self) -> None:
        spelling = Spelling(_INFIX, _primitive, number, choice=_choice)
        super().__init__(spelling, spelling, math.nan, _is_finite)

    def prepare_values(self, graph: Graph) -> None:
        """Compile the value functions of the rows that `graph` uses."""
        quiet = np.errstate(all="ignore")
        for row in set(graph.rows):
            if self.values[row] is None and TABLE[row].parameters:
                with np.errstate(all="ignore"):  # a constant 0/0 is computed here already
                    function = self.spelling.function(TABLE[row].name)
                self.values[row] = self.total[row] = quiet(function)

    def prepare_partials(self, graph: Graph) -> None:
        """Compile the partials of the rows that `graph` uses; they are called without warnings."""
        with np.errstate(all="ignore"):
            super().prepare_partials(graph)


class _Pairs(NamedTuple):
    """Numbers and their tangents, compared in lexicographic order, element by element."""

    numbers: Any
    tangents: Any

    def __lt__(self, other: Any) -> Any:
        tied = np.equal(self.numbers, other.numbers)
        return np.less(self.numbers, other.numbers) | (
            tied & np.less(self.tangents, other.tangents)
        )

    def __le__(self, other: Any) -> Any:
        tied = np.equal(self.numbers, other.numbers)
        return np.less(self.numbers, other.numbers) | (
            tied & np.less_equal(self.tangents, other.tangents)
        )

    def __gt__(self, other: Any) -> Any:
        return other.__lt__(self)

    def __ge__(self, other: Any) -> Any:
        return other.__le__(self)

    def __eq__(self, other: Any) -> Any:
        return np.equal(self.numbers, other.numbers) & np.equal(self.tangents, other.tangents)

    def __ne__(self, other: Any) -> Any:
        return ~self.__eq__(other)


def _is_finite(value: Any) -> bool:
    return bool(np.isfinite(value).all())


def _choice(condition: Any, then: Any, otherwise: Any) -> Any:
    if isinstance(condition, np.ndarray):
        return np.where(condition, then, otherwise)
    return then if condition else otherwise


def _by_element(name: str) -> Callable[..., Any]:
    """Return a float primitive as a function of arrays."""
    function = TOTAL.primitive(name)

    def call(*arguments: Any) -> Any:
        result = np.frompyfunc(function, len(arguments), 1)(*arguments)
        return result.astype(np.float64) if isinstance(result, np.ndarray) else float(result)

    return call


def _added(name: str) -> Callable[..., Any]:
    """Return `sum` or `mean` of arrays: compensated, and exact where that is not enough.

    Each addition's rounding error is found by TwoSum (Knuth, TAOCP 2, 4.2.2) and added at the
    end. The error left over is below n^2·2^-106 of the sum of the sizes (Ogita, Rump & Oishi,
    Accurate sum and dot product, 2005), so the result is that of `math.fsum` to one ulp, but for
    sums that cancel almost wholly or overflow on the way: those are added by `math.fsum`.
    """
    exact = _by_element(name)

    def call(*values: Any) -> Any:
        if not any(np.ndim(value) for value in values):
            return exact(*values)
        total, lost, size = values[0], 0.0, abs(values[0])
        for value in values[1:]:
            before, total = total, total + value
            part = total - before
            lost = lost + ((before - (total - part)) + (value - part))
            size = size + abs(value)
        total = total + lost
        doubtful = ~(np.isfinite(total) & (abs(total) * _TRUSTED >= size))
        result = total / len(values) if name == "mean" else total
        if doubtful.any():
            rows = (np.broadcast_to(value, result.shape)[doubtful] for value in values)
            result[doubtful] = exact(*rows)
        return result

    return call


_sum = _added("sum")


def _logsumexp(*values: Any) -> Any:
    """Return log(sum(exp(value))): max + log1p of the others relative to it, as for floats."""
    stack = np.stack(np.broadcast_arrays(*values))
    place = np.expand_dims(np.argmax(stack, axis=0), 0)
    largest = np.take_along_axis(stack, place, 0)
    others = np.exp(stack - largest)
    np.put_along_axis(others, place, 0.0, 0)
    result = largest[0] + np.log1p(_sum(*others))
    return np.where(np.isinf(largest[0]), largest[0], result)[()]


def _pick(index: Any, *values: Any) -> Any:
    result: Any = math.nan
    for place, value in enumerate(values):
        result = _choice(index == place, value, result)
    return result


def _folded(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    return lambda *values: reduce(function, values)


_PRIMITIVES: dict[str, Callable[..., Any]] = {
    **{name: getattr(np, name) for name in (*_SAME_NAME, *_CIRCULAR)},
    **{name: getattr(np, name.replace("a", "arc", 1)) for name in _INVERSE},
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "neg": np.negative,
    "pow": np.power,
    "abs": np.abs,
    "floor": lambda x: np.floor(x) + 0.0,  # Python's floor has no -0
    "ceil": lambda x: np.ceil(x) + 0.0,
    "min": _folded(np.minimum),
    "max": _folded(np.maximum),
    "sum": _sum,
    "mean": _added("mean"),
    "pick": _pick,
    "logsumexp": _logsumexp,
}


def _primitive(name: str) -> Callable[..., Any]:
    return _PRIMITIVES.get(name) or _by_element(name)


ARRAYS = Arrays()
"""Float64 arithmetic over the rows of a data set."""

PAIRED_ARRAYS = Spelling(_INFIX, _primitive, number, pair=_Pairs, choice=_choice)
"""The same with tangents, for a formula beside a kink."""
