"""Functions of PyTorch tensors, element by element, that PyTorch does not have."""

from functools import reduce
from typing import Any

import torch


def tensor(value: Any) -> Any:
    """Return a number or tensor as a tensor of float64."""
    return torch.as_tensor(value, dtype=torch.float64)


def choose(test: Any, then: Any, other: Any) -> Any:
    """Return `then` where the test holds, else `other`; both may be numbers."""
    return torch.where(torch.as_tensor(test), tensor(then), tensor(other))


def power(x: Any, y: Any) -> Any:
    """Return x^y."""
    return torch.pow(tensor(x), tensor(y))


def cbrt(x: Any) -> Any:
    """Return the real cube root: a power, corrected by one step of Newton's method."""
    root = torch.sign(x) * torch.abs(x) ** (1 / 3)
    better = root - (root - x / (root * root)) / 3
    return torch.where(torch.isfinite(better), better, root)


def hypot(x: Any, y: Any) -> Any:
    """Return sqrt(x^2 + y^2), without overflow."""
    return torch.hypot(*torch.broadcast_tensors(tensor(x), tensor(y)))


def atan2(y: Any, x: Any) -> Any:
    """Return the angle of the point (x, y)."""
    return torch.atan2(*torch.broadcast_tensors(tensor(y), tensor(x)))


def smallest(*values: Any) -> Any:
    """Return the smallest value; NaN if there is one."""
    return reduce(torch.minimum, map(tensor, values))


def largest(*values: Any) -> Any:
    """Return the largest value; NaN if there is one."""
    return reduce(torch.maximum, map(tensor, values))


def total(*values: Any) -> Any:
    """Return the sum, compensated: each addition's rounding error is added at the end (TwoSum)."""
    whole, lost = tensor(values[0]), 0.0
    for value in values[1:]:
        before, whole = whole, whole + value
        part = whole - before
        lost = lost + ((before - (whole - part)) + (value - part))
    return torch.where(torch.isfinite(tensor(lost)), whole + lost, whole)


def mean(*values: Any) -> Any:
    """Return the mean."""
    return total(*values) / len(values)


def pick(index: Any, *values: Any) -> Any:
    """Return the value number `index`, counted from 0; NaN if there is none."""
    made = tensor(float("nan"))
    for place, value in enumerate(values):
        made = choose(index == place, value, made)
    return made


def logsumexp(*values: Any) -> Any:
    """Return log(sum(exp(value))), without overflow."""
    return torch.logsumexp(torch.stack(torch.broadcast_tensors(*map(tensor, values))), dim=0)


def exp_square(x: Any, c: Any) -> Any:
    """Return exp(c x^2)."""
    return torch.exp(c * x * x)


def gamma(x: Any) -> Any:
    """Return Euler's gamma function; its sign left of 0 changes from pole to pole."""
    sign = choose((x < 0) & (torch.remainder(torch.floor(x), 2) != 0), -1.0, 1.0)
    return sign * torch.exp(torch.lgamma(x))


def polygamma(n: Any, x: Any) -> Any:
    """Return the n-th derivative of digamma, for a number n and x > 0."""
    return torch.special.polygamma(int(n), x)


def ties(out: Any, *values: Any) -> Any:
    """Return how many values equal `out`."""
    return sum(choose(value == out, 1.0, 0.0) for value in values)
