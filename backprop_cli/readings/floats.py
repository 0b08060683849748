"""Formulas read as float64 functions, twice: plain, and total in the sense of IEEE 754.

Python's floats raise where IEEE arithmetic has an answer: 1/0, exp(1000), log(0). The plain
functions are the fast ones and may raise; a sweep then asks for the total one of that node, which
answers with an infinity or a NaN.
"""

import math
import operator
from collections.abc import Callable
from typing import Any

from backprop_cli.readings.formulas import Arithmetic, Spelling

NAN, INFINITY = math.nan, math.inf

_NAMED = {"pi": math.pi, "e": math.e, "tau": math.tau}
_INFIX = {"add": "+", "sub": "-", "mul": "*", "neg": "-"}


def number(literal: str) -> float:
    """Return the float64 nearest to a literal; a literal that is too large is infinite."""
    value = _NAMED.get(literal)
    return float(literal) if value is None else value


def _largest(*values: float) -> float:
    return NAN if any(value != value for value in values) else max(values)


def _smallest(*values: float) -> float:
    return NAN if any(value != value for value in values) else min(values)


def _mean(*values: float) -> float:
    return math.fsum(values) / len(values)


def _power(x: float, y: float) -> float:
    """Return x^y; a square as x·x, which is rounded once and what every compiled reading has."""
    return x * x if y == 2 else math.pow(x, y)


def _pick(index: float, *values: float) -> float:
    inside = 0 <= index < len(values) and index == int(index)
    return values[int(index)] if inside else NAN


_PRIMITIVES: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "neg": operator.neg,
    "pow": _power,
    "abs": abs,
    "floor": lambda x: float(math.floor(x)),
    "ceil": lambda x: float(math.ceil(x)),
    "min": _smallest,
    "max": _largest,
    "pick": _pick,
    "sum": lambda *values: math.fsum(values),  # correctly rounded (Shewchuk 1997)
    "mean": _mean,
}
_OWN = ("exp_square", "normal_cdf", "gamma", "lgamma", "digamma", "polygamma", "logsumexp")
"""The primitives of `readings/special.py`, which is imported when one of them is first used."""


def _plain(name: str) -> Callable[..., Any]:
    """Return a primitive's function: ours if there is one, else that of `math`."""
    found: Callable[..., Any] | None = _PRIMITIVES.get(name)
    if name in _OWN:
        from backprop_cli.readings import special

        found = getattr(special, name)
    return found or getattr(math, name)


def divide(x: float, y: float) -> float:
    """Return x/y as IEEE 754 defines it, for y = 0 too."""
    try:
        return x / y
    except ZeroDivisionError:
        if x == 0 or x != x:
            return NAN
        return math.copysign(INFINITY, x) * math.copysign(1.0, y)


def power(x: float, y: float) -> float:
    """Return x^y as IEEE 754 defines `pow`."""
    try:
        return _power(x, y)
    except OverflowError:
        return -INFINITY if x < 0 and math.fmod(y, 2.0) != 0 else INFINITY
    except ValueError:
        if x != 0:
            return NAN
        odd = abs(math.fmod(y, 2.0)) == 1
        return math.copysign(INFINITY, x) if odd else INFINITY


_HEADROOM = 2.0**64
_POLES = {"log": 0.0, "log2": 0.0, "log10": 0.0, "log1p": -1.0}


def _after_overflow(name: str, arguments: tuple[float, ...]) -> float:
    """Return the IEEE value of a primitive whose Python function overflowed."""
    if name in ("floor", "ceil"):
        return arguments[0]
    if name in ("sum", "mean"):  # a partial sum overflowed, perhaps not the whole
        if INFINITY in arguments and -INFINITY in arguments:
            return NAN
        count = len(arguments) if name == "mean" else 1
        return math.fsum(value / _HEADROOM for value in arguments) / count * _HEADROOM
    return -INFINITY if name == "sinh" and arguments[0] < 0 else INFINITY


def _outside_domain(name: str, arguments: tuple[float, ...]) -> float:
    """Return the IEEE value of a primitive whose Python function refused its arguments."""
    x = arguments[0]
    if name in ("floor", "ceil", "sum", "mean"):  # NaN, or infinities of both signs
        return sum(arguments)
    if x == _POLES.get(name):
        return -INFINITY
    return math.copysign(INFINITY, x) if name == "atanh" and abs(x) == 1 else NAN


def _total(name: str) -> Callable[..., Any]:
    """Return a primitive's function with infinities and NaN in the place of exceptions."""
    plain = {"div": divide, "pow": power}.get(name) or _plain(name)
    if name in (*_INFIX, "div", "pow"):
        return plain

    def total(*arguments: float) -> Any:
        try:
            return plain(*arguments)
        except OverflowError:
            return _after_overflow(name, arguments)
        except ValueError:
            return _outside_domain(name, arguments)

    return total


def _pair(x: float, dx: float) -> tuple[float, float]:
    """Return what Python compares in lexicographic order.

    The sums are new objects: tuples take one and the same object for equal, even a NaN.
    """
    return x + 0.0, dx + 0.0


PLAIN = Spelling({**_INFIX, "div": "/"}, _plain, number)
TOTAL = Spelling(_INFIX, _total, number)
PAIRED = Spelling(_INFIX, _total, number, pair=_pair)
FLOATS = Arithmetic(PLAIN, TOTAL, NAN, math.isfinite)
"""Float64 arithmetic, the default of every sweep."""
