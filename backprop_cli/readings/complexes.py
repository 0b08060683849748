"""Formulas read as functions of complex numbers, for the complex step.

At x + ih with a tiny h, the imaginary part of an analytic function is h·f'(x), exact but for terms
of order h²; nothing is subtracted, so nothing cancels. Two rules make that true of programs:

- What selects looks at real parts: comparisons, abs, max, floor. (J. R. R. A. Martins, P. Sturdza
  and J. J. Alonso, The complex-step derivative approximation, ACM Trans. Math. Softw. 29, 2003.)
- Where the imaginary part is tiny, the real part is the very number of the float reading: what h²
  adds to it is far below its rounding, but would put a 0 on one side of a kink. The imaginary part
  is cmath's, or an identity's, written so that a tiny one keeps its digits. No slope of the table
  is used.

Some primitives have no such reading here (erf, gamma, ...): a program that uses them has none.
"""

import cmath
import math
from collections.abc import Callable
from typing import Any

from backprop_cli.graph import Graph
from backprop_cli.operations import CONSTANT, TABLE
from backprop_cli.readings.floats import TOTAL, number
from backprop_cli.readings.formulas import Arithmetic, Spelling

Number = complex
"""Floats are complex numbers too: both have a real and an imaginary part."""

_NAN = complex(math.nan, math.nan)
_TINY = 1e-75


class NoComplexReading(Exception):
    """The primitive of this name has no complex reading."""


def unreadable(graph: Graph) -> str:
    """Return the name of the first operation without a complex reading, empty if there is none."""
    for row in dict.fromkeys(graph.rows):
        if row > CONSTANT:
            try:
                _SPELLING.function(TABLE[row].name)
            except NoComplexReading:
                return TABLE[row].name
    return ""


def _made(real: float, tiny: bool, whole: Callable[[], Number]) -> Number:
    """Return a value: `real` is that of the float reading, `whole` the complex function.

    Where the real value is undefined the complex one is, although cmath has log(-1).
    """
    if real - real != 0:
        return complex(real, math.nan)
    try:
        value = whole()
    except (ArithmeticError, ValueError):
        return complex(real, math.nan)
    return complex(real, value.imag) if tiny else value


def _is_tiny(*numbers: Number) -> bool:
    return all(abs(z.imag) < _TINY for z in numbers)


def _polar(size: float, angle: float) -> Number:
    return complex(size * math.cos(angle), size * math.sin(angle))


def _lifted(name: str) -> Callable[..., Number]:
    """Return cmath's function, defined where the float reading is."""
    plain, lifted = TOTAL.primitive(name), getattr(cmath, name)
    return lambda z: _made(plain(z.real), _is_tiny(z), lambda: lifted(z))


def _multiply(z: Number, w: Number) -> Number:
    square = z.imag * w.imag
    real = z.real * w.real
    if abs(square) > _TINY * _TINY:
        real -= square
    return complex(real, z.real * w.imag + z.imag * w.real)


def _divide(z: Number, w: Number) -> Number:
    real = TOTAL.primitive("div")(z.real, w.real)
    return _made(real, _is_tiny(z, w), lambda: complex(z / w))


def _power(z: Number, w: Number) -> Number:
    """Return z^w in polar form: |z|^p·exp(-qθ) at the angle q·log|z| + pθ, for w = p + iq."""
    power = w.real
    real = TOTAL.primitive("pow")(z.real, power)
    if z.real == 0 or (z.real < 0 and w.imag != 0):
        return _made(real, _is_tiny(z, w), lambda: _power_beside_zero(z, w))
    angle = math.atan2(z.imag, z.real) if z.real > 0 else math.atan2(-z.imag, -z.real)
    sign = math.copysign(1.0, real)

    def whole() -> Number:
        size = math.pow(abs(z), power) * math.exp(-w.imag * angle)
        return sign * _polar(size, w.imag * math.log(abs(z)) + power * angle)

    return _made(real, _is_tiny(z, w), whole)


def _power_beside_zero(z: Number, w: Number) -> Number:
    """Return a power of 0, or a whole power beside it; others have no value there."""
    if z == 0 and w.real > 0:
        return 0j
    if w.imag != 0 or w.real < 0 or (w.real != int(w.real) and w.real < 1):
        return _NAN
    return 0j if _is_tiny(z) and w.real > 1 else complex(z ** int(w.real))


def _expm1(z: Number) -> Number:
    x, y = z.real, z.imag

    def whole() -> Number:
        real = math.expm1(x) * math.cos(y) - 2 * math.sin(y / 2) ** 2
        return complex(real, math.exp(x) * math.sin(y))

    return _made(TOTAL.primitive("expm1")(x), _is_tiny(z), whole)


def _log_of(name: str, base: float, shift: float = 0.0) -> Callable[..., Number]:
    """Return a logarithm: the angle is taken apart, so that a tiny one keeps its digits."""
    plain, unit = TOTAL.primitive(name), math.log(base)

    def logarithm(z: Number) -> Number:
        moved = shift + z

        def whole() -> Number:
            angle = math.atan2(z.imag, shift + z.real)
            return complex(math.log(abs(moved)), angle) / unit

        return _made(plain(z.real), _is_tiny(z), whole)

    return logarithm


def _cbrt(z: Number) -> Number:
    real = math.cbrt(z.real)
    if z.real == 0:
        return complex(real, 0.0 if z.imag == 0 else math.nan)
    size = math.copysign(math.cbrt(abs(z)), real)
    return _made(real, _is_tiny(z), lambda: _polar(size, math.atan(z.imag / z.real) / 3))


def _exp_square(z: Number, c: Number) -> Number:
    x, y, p, q = z.real, z.imag, c.real, c.imag
    real = TOTAL.primitive("exp_square")(x, p)

    def whole() -> Number:
        size = real * math.exp(-p * y * y - 2 * q * x * y)
        # q·x·x and not q·x²: where q is 0, x² may be infinite.
        return _polar(size, 2 * p * x * y + q * x * x - q * y * y)

    return _made(real, _is_tiny(z, c), whole)


def _hypot(z: Number, w: Number) -> Number:
    real = TOTAL.primitive("hypot")(z.real, w.real)
    if real == 0:
        return complex(0.0, 0.0)
    # A power of two, so that scaling is exact and squares neither overflow nor vanish.
    scale = math.ldexp(1.0, math.frexp(max(abs(z.real), abs(w.real)))[1])
    return _made(
        real,
        _is_tiny(z, w),
        lambda: cmath.sqrt((z / scale) ** 2 + (w / scale) ** 2) * scale,
    )


def _atan2(y: Number, x: Number) -> Number:
    """Return the angle by the quotient that is not large."""
    real = TOTAL.primitive("atan2")(y.real, x.real)
    if x.real == 0 and y.real == 0:
        return complex(real, math.nan)
    sign, quotient, plain = 1.0, y, x
    if abs(x.real) < abs(y.real):
        sign, quotient, plain = -1.0, x, y

    def whole() -> Number:
        turned = cmath.atan(quotient / plain) - math.atan(quotient.real / plain.real)
        return complex(real + sign * turned)

    return _made(real, _is_tiny(y, x), whole)


def _softsign(z: Number) -> Number:
    """Return 1 - 1/(1 + z) for z > 0, mirrored below; z/(1 + z) would cancel for large z."""
    size = _absolute(z)
    sign = 1.0 if z.real >= 0 else -1.0
    real = z.real / (1 + size.real)
    return _made(real, _is_tiny(z), lambda: sign * (1 - 1 / (1 + size)))


def _logsumexp(*numbers: Number) -> Number:
    real = TOTAL.primitive("logsumexp")(*(z.real for z in numbers))
    most = max(z.real for z in numbers)

    def whole() -> Number:
        return most + cmath.log(sum(cmath.exp(z - most) for z in numbers))

    return _made(real, _is_tiny(*numbers), whole)


def _absolute(z: Number) -> Number:
    return -z if z.real < 0 else z


def _chosen(choose: Callable[..., float]) -> Callable[..., Number]:
    """Return max or min by real parts; NaN if one is NaN."""

    def choice(*numbers: Number) -> Number:
        best = choose(z.real for z in numbers)
        undefined = any(z.real != z.real for z in numbers)
        return _NAN if undefined else next(z for z in numbers if z.real == best)

    return choice


def _pick(k: Number, *numbers: Number) -> Number:
    inside = 0 <= k.real < len(numbers) and k.real == int(k.real)
    return numbers[int(k.real)] if inside else _NAN


def _together(name: str) -> Callable[..., Number]:
    """Return a sum or a mean, part by part."""
    plain = TOTAL.primitive(name)
    return lambda *numbers: complex(
        plain(*(z.real for z in numbers)), plain(*(z.imag for z in numbers))
    )


def _of_real_part(name: str) -> Callable[..., Number]:
    plain = TOTAL.primitive(name)
    return lambda z: complex(plain(z.real))


_OWN: dict[str, Callable[..., Number]] = {
    "add": lambda z, w: z + w,
    "sub": lambda z, w: z - w,
    "mul": _multiply,
    "neg": lambda z: -z,
    "div": _divide,
    "pow": _power,
    "expm1": _expm1,
    "log": _log_of("log", math.e),
    "log2": _log_of("log2", 2.0),
    "log10": _log_of("log10", 10.0),
    "log1p": _log_of("log1p", math.e, 1.0),
    "cbrt": _cbrt,
    "exp_square": _exp_square,
    "hypot": _hypot,
    "atan2": _atan2,
    "abs": _absolute,
    "max": _chosen(max),
    "min": _chosen(min),
    "pick": _pick,
    "sum": _together("sum"),
    "mean": _together("mean"),
    "floor": _of_real_part("floor"),
    "ceil": _of_real_part("ceil"),
}


def _primitive(name: str) -> Callable[..., Any]:
    if name == "logsumexp":
        return _logsumexp
    if name in _OWN:
        return _OWN[name]
    if hasattr(cmath, name):
        return _lifted(name)
    raise NoComplexReading(name)


_COMPARE: dict[str, Callable[[Number, Number], bool]] = {
    "less": lambda z, w: z.real < w.real,
    "less_equal": lambda z, w: z.real <= w.real,
    "greater": lambda z, w: z.real > w.real,
    "greater_equal": lambda z, w: z.real >= w.real,
    "equal": lambda z, w: z.real == w.real,
    "not_equal": lambda z, w: z.real != w.real,
}


class _Reading(Spelling):
    """The spelling of complex numbers; softsign is read apart, as its formula cancels there."""

    def function(self, name: str) -> Callable[..., Any]:
        """Return the value function of a row. Raises `NoComplexReading`."""
        return _softsign if name == "softsign" else super().function(name)


_SPELLING = _Reading({}, _primitive, number, compare=_COMPARE.__getitem__)
COMPLEX = Arithmetic(_SPELLING, _SPELLING, _NAN, cmath.isfinite)
"""Complex arithmetic for `calculus.differences.complex_step`; it has values, and no partials."""
