"""Functions of PyTorch tensors, element by element, that PyTorch does not have."""

from functools import reduce

import torch


def tensor(value):
    """Return a number or tensor as a tensor of float64."""
    return torch.as_tensor(value, dtype=torch.float64)


def choose(test, then, other):
    """Return `then` where the test holds, else `other`; both may be numbers."""
    return torch.where(torch.as_tensor(test), tensor(then), tensor(other))


def power(x, y):
    """Return x^y."""
    return torch.pow(tensor(x), tensor(y))


def cbrt(x):
    """Return the real cube root: a power, corrected by one step of Newton's method."""
    root = torch.sign(x) * torch.abs(x) ** (1 / 3)
    better = root - (root - x / (root * root)) / 3
    return torch.where(torch.isfinite(better), better, root)


def hypot(x, y):
    """Return sqrt(x^2 + y^2), without overflow."""
    return torch.hypot(*torch.broadcast_tensors(tensor(x), tensor(y)))


def atan2(y, x):
    """Return the angle of the point (x, y)."""
    return torch.atan2(*torch.broadcast_tensors(tensor(y), tensor(x)))


def smallest(*values):
    """Return the smallest value; NaN if there is one."""
    return reduce(torch.minimum, map(tensor, values))


def largest(*values):
    """Return the largest value; NaN if there is one."""
    return reduce(torch.maximum, map(tensor, values))


def total(*values):
    """Return the sum, compensated; a partial sum may overflow although the whole does not."""
    made = compensated(*values)
    smaller = compensated(*(value / 2.0**64 for value in values)) * 2.0**64
    return torch.where(torch.isfinite(made), made, smaller)


def compensated(*values):
    """Return the sum, each addition's rounding error added at the end (Knuth's TwoSum)."""
    whole, lost = tensor(values[0]), 0.0
    for value in values[1:]:
        before, whole = whole, whole + value
        part = whole - before
        lost = lost + ((before - (whole - part)) + (value - part))
    return choose(torch.isfinite(tensor(lost)), whole + lost, whole)


def mean(*values):
    """Return the mean, whose sum may overflow although it does not."""
    made = total(*values) / len(values)
    smaller = total(*(value / 2.0**64 for value in values)) / len(values) * 2.0**64
    return torch.where(torch.isfinite(made), made, smaller)


def pick(index, *values):
    """Return the value number `index`, counted from 0; NaN if there is none."""
    made = tensor(float("nan"))
    for place, value in enumerate(values):
        made = choose(index == place, value, made)
    return made


def logsumexp(*values):
    """Return log(sum(exp(value))), without overflow."""
    return torch.logsumexp(torch.stack(torch.broadcast_tensors(*map(tensor, values))), dim=0)


def exp_square(x, c):
    """Return exp(c x^2), the square carried in two parts so that Gaussian tails keep their digits.

    A product is split into its rounded value and the rest (Dekker 1971).
    """
    x_part, x_exponent = torch.frexp(tensor(x))
    c_part, c_exponent = torch.frexp(tensor(c))
    square, square_rest = two_product(x_part, x_part)
    high, low = two_product(c_part, square)
    exponent = 2 * x_exponent + c_exponent
    power = torch.exp(torch.ldexp(high, exponent))
    corrected = power + power * torch.ldexp(low + c_part * square_rest, exponent)
    return torch.where((power == 0) | ~torch.isfinite(corrected), power, corrected)


def normal_cdf(x):
    """Return the standard normal distribution function: erfc, its argument carried in two parts."""
    high, low = two_product(-x, 0.7071067811865476)
    low = low + 4.833646656726457e-17 * x
    slope = 1.1283791670955126 * torch.exp(-high * high)
    return torch.where(
        torch.abs(x) < 40, 0.5 * (torch.erfc(high) - slope * low), 0.5 * torch.erfc(high)
    )


def two_product(x, y):
    """Return the rounded product and its rounding error."""
    product = x * y
    x_scaled, y_scaled = 134217729.0 * x, 134217729.0 * y  # 2^27 + 1
    x_high, y_high = x_scaled - (x_scaled - x), y_scaled - (y_scaled - y)
    x_low, y_low = x - x_high, y - y_high
    return product, ((x_high * y_high - product) + x_high * y_low + x_low * y_high) + x_low * y_low


def elementwise(function):
    """Return a function of floats as a function of tensors, which autograd does not see."""

    def apply(*values):
        tensors = torch.broadcast_tensors(*map(tensor, values))
        rows = zip(*(each.flatten().tolist() for each in tensors), strict=True)
        return tensor([function(*row) for row in rows]).reshape(tensors[0].shape)

    return apply


def ties(out, *values):
    """Return how many values equal `out`."""
    return sum(choose(value == out, 1.0, 0.0) for value in values)
