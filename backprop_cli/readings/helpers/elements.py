"""Functions of NumPy arrays, element by element, that NumPy does not have.

Only what jax.numpy has too is called, but for `elementwise`; so they serve both.
"""

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np


def elementwise(function: Callable[..., float]) -> Callable[..., Any]:
    """Return a function of floats as a function of arrays."""

    def apply(*arrays: Any) -> Any:
        made = np.frompyfunc(function, len(arrays), 1)(*arrays)
        return np.asarray(made, dtype=np.float64)[()]

    return apply


def smallest(*values: Any) -> Any:
    """Return the smallest value; NaN if there is one."""
    return reduce(np.minimum, values)


def largest(*values: Any) -> Any:
    """Return the largest value; NaN if there is one."""
    return reduce(np.maximum, values)


def total(*values: Any) -> Any:
    """Return the sum, compensated: each addition's rounding error is added at the end (TwoSum)."""
    whole, lost = values[0], 0.0
    for value in values[1:]:
        before, whole = whole, whole + value
        part = whole - before
        lost = lost + ((before - (whole - part)) + (value - part))
    return np.where(np.isfinite(lost), whole + lost, whole)[()]


def mean(*values: Any) -> Any:
    """Return the mean."""
    return total(*values) / len(values)


def pick(index: Any, *values: Any) -> Any:
    """Return the value number `index`, counted from 0; NaN if there is none."""
    made: Any = np.nan
    for place, value in enumerate(values):
        made = np.where(index == place, value, made)
    return made


def logsumexp(*values: Any) -> Any:
    """Return log(sum(exp(value))): the largest + log1p of the others relative to it."""
    stack = np.stack(np.broadcast_arrays(*values))
    place = np.argmax(stack, axis=0)
    largest = np.max(stack, axis=0)
    shape = (len(values),) + (1,) * (stack.ndim - 1)
    others = np.arange(len(values)).reshape(shape) != place
    shift = np.where(np.isfinite(largest), largest, 0.0)
    rest = np.sum(np.where(others, np.exp(stack - shift), 0.0), axis=0)
    return np.where(np.isinf(largest), largest, largest + np.log1p(rest))[()]


def ties(out: Any, *values: Any) -> Any:
    """Return how many values equal `out`."""
    return sum(np.where(value == out, 1.0, 0.0) for value in values)
