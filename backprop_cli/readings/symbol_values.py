"""SymPy expressions read as real numbers, to 30 digits or more, at an exact point.

SymPy's own `evalf` raises its working precision only inside sums, products and a few functions:
1 - tanh(x)^2 inside a `Piecewise` comes out as noise. Here the whole expression is evaluated by
mpmath (the arithmetic that SymPy itself uses), each shared part once; wherever a sum cancels, the
evaluation starts again with four times the digits. A branch that is not taken is not looked at.
"""

from collections.abc import Callable, Mapping
from typing import Any

import mpmath
import sympy

_PRECISIONS = (60, 240, 960)
_KEPT = 30
_LARGEST_EXPONENT_BITS = 4000


class NotReal(Exception):
    """The expression has no real value at this point."""


class ExactPoint:
    """Real numbers for symbols, and the values of expressions there.

    `meanings` maps a symbol to an expression that it stands for.
    """

    def __init__(self, numbers: Mapping[Any, Any], meanings: Mapping[Any, Any]) -> None:
        self.numbers = numbers
        self.meanings = meanings
        self._levels: dict[int, _Evaluation] = {}

    def value(self, expression: Any) -> float | None:
        """Return the double nearest to the value; None where it is not real or not finite."""
        number = self.exact(expression)
        if number is None:
            return None
        value = float(number)
        return value if value - value == 0 else None

    def exact(self, expression: Any) -> Any:
        """Return the value with 30 good digits (an mpmath number), None where it is not real."""
        number: Any = None
        try:
            for digits in _PRECISIONS:
                level = self._levels.get(digits)
                if level is None:
                    level = self._levels[digits] = _Evaluation(self, digits)
                number, lost = level.real(expression)
                if not lost:
                    break
        except (NotReal, ArithmeticError, ValueError, NotImplementedError):
            return None
        return number


class _Evaluation:
    """The values of expressions at one precision; each is remembered."""

    def __init__(self, point: ExactPoint, digits: int) -> None:
        self.point = point
        self.digits = digits
        self.mp = mpmath.MPContext()
        self.mp.dps = digits
        self.found: dict[Any, tuple[Any, bool]] = {}
        self.functions = _functions(self.mp)

    def real(self, expression: Any) -> tuple[Any, bool]:
        """Return the value, and whether a sum cancelled so far that digits are missing."""
        value, lost = self.evaluated(expression)
        if not self.mp.isfinite(value):
            raise NotReal
        if isinstance(value, self.mp.mpc):
            if abs(value.imag) > abs(value.real) * self.mp.mpf(10) ** -_KEPT:
                raise NotReal
            value = value.real
        return value, lost

    def evaluated(self, expression: Any) -> tuple[Any, bool]:
        """Return the value (perhaps complex), and whether digits are missing."""
        known = self.found.get(expression)
        if known is None:
            known = self.found[expression] = self._evaluate(expression)
        return known

    def _evaluate(self, expression: Any) -> tuple[Any, bool]:
        if expression in self.point.numbers:
            return self._number(self.point.numbers[expression]), False
        if expression in self.point.meanings:
            return self.evaluated(self.point.meanings[expression])
        if isinstance(expression, sympy.Piecewise):
            return self.evaluated(self._branch(expression))
        if expression.is_Rational:
            return self.mp.mpf(expression.p) / expression.q, False
        if expression.is_Float:
            return self.mp.make_mpf(expression._mpf_), False
        if expression.is_NumberSymbol:
            return self.mp.make_mpf(expression._as_mpf_val(self.mp.prec)), False
        if expression is sympy.I:
            return self.mp.mpc(0, 1), False
        if not expression.args:
            raise NotReal
        parts = [self.evaluated(part) for part in expression.args]
        values, lost = [value for value, _ in parts], any(missing for _, missing in parts)
        if expression.is_Add:
            total = self.mp.fsum(values)
            return total, lost or self._cancelled(values, total)
        function = self.functions.get(type(expression).__name__)
        if function is None:
            raise NotReal
        return function(*values), lost

    def _number(self, value: Any) -> Any:
        """Return a double, or an mpmath number of another precision, exactly."""
        exact = isinstance(value, int | float)
        return self.mp.mpf(value) if exact else self.mp.make_mpf(value._mpf_)

    def _cancelled(self, values: list[Any], total: Any) -> bool:
        """Return whether a sum is so much smaller than its terms that digits are missing."""
        largest = max(abs(value) for value in values)
        return bool(abs(total) < largest * self.mp.mpf(10) ** (_KEPT - self.digits))

    def _branch(self, expression: Any) -> Any:
        for value, condition in expression.args:
            if self._holds(condition):
                return value
        raise NotReal

    def _holds(self, condition: Any) -> bool:
        if condition in (sympy.true, sympy.false):
            return bool(condition)
        if isinstance(condition, sympy.Not):
            return not self._holds(condition.args[0])
        if isinstance(condition, sympy.And):
            return all(self._holds(part) for part in condition.args)
        if isinstance(condition, sympy.Or):
            return any(self._holds(part) for part in condition.args)
        if isinstance(condition, sympy.ITE):
            return self._holds(condition.args[1 if self._holds(condition.args[0]) else 2])
        left, right = (self.real(side)[0] for side in (condition.lhs, condition.rhs))
        return _COMPARED[type(condition)](left, right)


_COMPARED: dict[Any, Callable[[Any, Any], bool]] = {
    sympy.Lt: lambda x, y: x < y,
    sympy.Le: lambda x, y: x <= y,
    sympy.Gt: lambda x, y: x > y,
    sympy.Ge: lambda x, y: x >= y,
    sympy.Eq: lambda x, y: x == y,
    sympy.Ne: lambda x, y: x != y,
}


def _functions(mp: Any) -> dict[str, Callable[..., Any]]:
    """Return SymPy's functions over mpmath numbers, by the name of their class."""

    def real(x: Any) -> Any:
        if isinstance(x, mp.mpc) and x.imag != 0:
            raise NotReal
        return x.real

    def exponential(x: Any) -> Any:
        if mp.mag(x) > _LARGEST_EXPONENT_BITS:
            return mp.inf if real(x) > 0 else mp.zero
        return mp.exp(x)

    def power(base: Any, exponent: Any) -> Any:
        if base and mp.mag(exponent) > _LARGEST_EXPONENT_BITS // 50:
            if real(base) < 0:
                raise NotReal
            return exponential(exponent * mp.log(base))
        return mp.power(base, exponent)

    def log_gamma(x: Any) -> Any:
        return mp.loggamma(x).real if mp.im(x) == 0 else mp.loggamma(x)

    names = "log sin cos tan sec csc cot asin acos atan sinh cosh tanh asinh acosh atanh"
    return {
        **{name: getattr(mp, name) for name in f"{names} erf erfc gamma floor zeta".split()},
        "Mul": lambda *factors: mp.fprod(factors),
        "Pow": power,
        "exp": exponential,
        "ceiling": mp.ceil,
        "Abs": abs,
        "sign": lambda x: mp.sign(real(x)),
        "Max": lambda *values: max(map(real, values)),
        "Min": lambda *values: min(map(real, values)),
        "Heaviside": lambda x, *_: (1 + mp.sign(real(x))) / 2,
        "atan2": lambda y, x: mp.atan2(real(y), real(x)),
        "loggamma": log_gamma,
        "polygamma": lambda order, x: mp.psi(int(order), x),
        "re": mp.re,
        "im": mp.im,
    }
