"""Functions of NumPy arrays, element by element, that NumPy does not have.

Only what jax.numpy has too is called, but for `elementwise`; so they serve both.
"""

from functools import reduce

import numpy as np


def elementwise(function):
    """Return a function of floats as a function of arrays."""

    def apply(*arrays):
        made = np.frompyfunc(function, len(arrays), 1)(*arrays)
        return np.asarray(made, dtype=np.float64)[()]

    return apply


def smallest(*values):
    """Return the smallest value; NaN if there is one."""
    return reduce(np.minimum, values)


def largest(*values):
    """Return the largest value; NaN if there is one."""
    return reduce(np.maximum, values)


def total(*values):
    """Return the sum, compensated; a partial sum may overflow although the whole does not."""
    made = compensated(*values)
    smaller = compensated(*(value / 2.0**64 for value in values)) * 2.0**64
    return np.where(np.isfinite(made), made, smaller)[()]


def compensated(*values):
    """Return the sum, each addition's rounding error added at the end (Knuth's TwoSum)."""
    whole, lost = values[0], 0.0
    for value in values[1:]:
        before, whole = whole, whole + value
        part = whole - before
        lost = lost + ((before - (whole - part)) + (value - part))
    return np.where(np.isfinite(lost), whole + lost, whole)[()]


def mean(*values):
    """Return the mean, whose sum may overflow although it does not."""
    made = total(*values) / len(values)
    smaller = total(*(value / 2.0**64 for value in values)) / len(values) * 2.0**64
    return np.where(np.isfinite(made), made, smaller)[()]


def pick(index, *values):
    """Return the value number `index`, counted from 0; NaN if there is none."""
    made = np.nan
    for place, value in enumerate(values):
        made = np.where(index == place, value, made)
    return made


def logsumexp(*values):
    """Return log(sum(exp(value))): the largest + log1p of the others relative to it."""
    stack = np.stack(np.broadcast_arrays(*values))
    place = np.argmax(stack, axis=0)
    largest = np.max(stack, axis=0)
    shape = (len(values),) + (1,) * (stack.ndim - 1)
    others = np.arange(len(values)).reshape(shape) != place
    shift = np.where(np.isfinite(largest), largest, 0.0)
    rest = np.sum(np.where(others, np.exp(stack - shift), 0.0), axis=0)
    return np.where(np.isinf(largest), largest, largest + np.log1p(rest))[()]


def ties(out, *values):
    """Return how many values equal `out`."""
    return sum(np.where(value == out, 1.0, 0.0) for value in values)


def exp_square(x, c):
    """Return exp(c x^2), the square carried in two parts so that Gaussian tails keep their digits.

    A product is split into its rounded value and the rest (Dekker 1971).
    """
    x_part, x_exponent = np.frexp(x)
    c_part, c_exponent = np.frexp(c)
    square, square_rest = two_product(x_part, x_part)
    high, low = two_product(c_part, square)
    exponent = 2 * x_exponent + c_exponent
    power = np.exp(np.ldexp(high, exponent))
    corrected = power + power * np.ldexp(low + c_part * square_rest, exponent)
    return np.where((power == 0) | ~np.isfinite(corrected), power, corrected)[()]


def two_product(x, y):
    """Return the rounded product and its rounding error."""
    product = x * y
    x_scaled, y_scaled = 134217729.0 * x, 134217729.0 * y  # 2^27 + 1
    x_high, y_high = x_scaled - (x_scaled - x), y_scaled - (y_scaled - y)
    x_low, y_low = x - x_high, y - y_high
    return product, ((x_high * y_high - product) + x_high * y_low + x_low * y_high) + x_low * y_low
