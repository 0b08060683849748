"""Python's float functions with infinities and NaN in the place of exceptions (IEEE 754)."""

import math


def divide(x: float, y: float) -> float:
    """Return x/y, for y = 0 too."""
    if y != 0:
        return x / y
    return x * math.copysign(math.inf, y)


def power(x: float, y: float) -> float:
    """Return x^y; NaN for a negative x and a y that is not whole."""
    try:
        return math.pow(x, y)
    except OverflowError:
        return -math.inf if x < 0 and math.fmod(y, 2.0) != 0 else math.inf
    except ValueError:
        if x != 0:
            return math.nan
        return math.copysign(math.inf, x) if abs(math.fmod(y, 2.0)) == 1 else math.inf


def exp(x: float) -> float:
    """Return e^x; infinite where it overflows."""
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def expm1(x: float) -> float:
    """Return e^x - 1; infinite where it overflows."""
    try:
        return math.expm1(x)
    except OverflowError:
        return math.inf


def log(x: float) -> float:
    """Return the natural logarithm; -inf at 0, NaN below."""
    if x > 0:
        return math.log(x)
    return -math.inf if x == 0 else math.nan


def log2(x: float) -> float:
    """Return the logarithm to base 2; -inf at 0, NaN below."""
    if x > 0:
        return math.log2(x)
    return -math.inf if x == 0 else math.nan


def log10(x: float) -> float:
    """Return the logarithm to base 10; -inf at 0, NaN below."""
    if x > 0:
        return math.log10(x)
    return -math.inf if x == 0 else math.nan


def log1p(x: float) -> float:
    """Return log(1 + x); -inf at -1, NaN below."""
    if x > -1:
        return math.log1p(x)
    return -math.inf if x == -1 else math.nan


def sqrt(x: float) -> float:
    """Return the square root; NaN below 0."""
    return math.sqrt(x) if x >= 0 else math.nan


def sin(x: float) -> float:
    """Return the sine; NaN at the infinities."""
    return math.sin(x) if math.isfinite(x) else math.nan


def cos(x: float) -> float:
    """Return the cosine; NaN at the infinities."""
    return math.cos(x) if math.isfinite(x) else math.nan


def tan(x: float) -> float:
    """Return the tangent; NaN at the infinities."""
    return math.tan(x) if math.isfinite(x) else math.nan


def asin(x: float) -> float:
    """Return the inverse sine; NaN outside [-1, 1]."""
    return math.asin(x) if -1 <= x <= 1 else math.nan


def acos(x: float) -> float:
    """Return the inverse cosine; NaN outside [-1, 1]."""
    return math.acos(x) if -1 <= x <= 1 else math.nan


def sinh(x: float) -> float:
    """Return the hyperbolic sine; infinite where it overflows."""
    try:
        return math.sinh(x)
    except OverflowError:
        return math.copysign(math.inf, x)


def cosh(x: float) -> float:
    """Return the hyperbolic cosine; infinite where it overflows."""
    try:
        return math.cosh(x)
    except OverflowError:
        return math.inf


def acosh(x: float) -> float:
    """Return the inverse hyperbolic cosine; NaN below 1."""
    return math.acosh(x) if x >= 1 else math.nan


def atanh(x: float) -> float:
    """Return the inverse hyperbolic tangent; infinite at -1 and 1, NaN outside."""
    if -1 < x < 1:
        return math.atanh(x)
    return math.copysign(math.inf, x) if abs(x) == 1 else math.nan


def floor(x: float) -> float:
    """Return the largest whole number not above x."""
    return float(math.floor(x)) if math.isfinite(x) else x


def ceil(x: float) -> float:
    """Return the smallest whole number not below x."""
    return float(math.ceil(x)) if math.isfinite(x) else x


def smallest(*values: float) -> float:
    """Return the smallest value; NaN if there is one."""
    return math.nan if any(value != value for value in values) else min(values)


def largest(*values: float) -> float:
    """Return the largest value; NaN if there is one."""
    return math.nan if any(value != value for value in values) else max(values)


def total(*values: float) -> float:
    """Return the sum, rounded once."""
    infinite = [value for value in values if not math.isfinite(value)]
    if infinite:  # alone: a partial sum of the others may overflow
        return sum(infinite)
    try:
        return math.fsum(values)
    except OverflowError:  # on the way: perhaps the whole is smaller
        return math.fsum(value / 2.0**64 for value in values) * 2.0**64


def mean(*values: float) -> float:
    """Return the mean, its sum rounded once."""
    whole = total(*values)
    if math.isfinite(whole) or not all(math.isfinite(value) for value in values):
        return whole / len(values)
    return total(*(value / 2.0**64 for value in values)) / len(values) * 2.0**64


def pick(index: float, *values: float) -> float:
    """Return the value number `index`, counted from 0; NaN if there is none."""
    inside = 0 <= index < len(values) and index == int(index)
    return values[int(index)] if inside else math.nan


def ties(out: float, *values: float) -> int:
    """Return how many values equal `out`."""
    return sum(value == out for value in values)
