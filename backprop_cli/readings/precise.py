"""Formulas read by mpmath: any number of digits, literals exact decimals.

Used by `--precision` and, in the tests, as the witness of the float formulas. mpmath answers some
real questions with complex numbers (log(-1)) and others with exceptions; here both are NaN or the
infinity that float64 gives, so that the sweeps need not know which numbers they carry.
"""

from collections.abc import Callable
from typing import Any

import mpmath

from backprop_cli.errors import LimitExceeded
from backprop_cli.readings.formulas import Arithmetic, Spelling

_LARGEST_EXPONENT = 10**6
_GUARD_DIGITS = 10


class Precise(Arithmetic):
    """Arithmetic of mpmath numbers in a context of its own."""

    def __init__(self, digits: int) -> None:
        self.digits = digits
        self.context = mpmath.MPContext()
        self.context.dps = digits + _GUARD_DIGITS
        spelling = Spelling(
            {"add": "+", "sub": "-", "mul": "*", "neg": "-"}, self._primitive, self._number
        )
        super().__init__(spelling, spelling, self.context.nan, self.context.isfinite)

    def text(self, value: Any) -> str:
        """Return `value` as decimal text of the asked-for digits."""
        return str(self.context.nstr(value, self.digits, strip_zeros=True))

    def _number(self, literal: str) -> Any:
        if literal in ("pi", "e"):
            return +getattr(self.context, literal)
        if literal == "tau":
            return 2 * self.context.pi
        exponent = literal.lower().partition("e")[2]
        if exponent and abs(int(exponent)) > _LARGEST_EXPONENT:
            raise LimitExceeded(f"the exponent of {literal} is beyond a million")
        return self.context.mpf(literal)

    def _primitive(self, name: str) -> Callable[..., Any]:
        plain = self._special().get(name) or getattr(self.context, name)

        def real(*arguments: Any) -> Any:
            if any(self.context.isnan(value) for value in arguments):
                return self.nan
            try:
                value = plain(*arguments)
            except ZeroDivisionError:
                return self.nan
            except ValueError:
                return self.context.inf if name in ("gamma", "lgamma") else self.nan
            except (OverflowError, ArithmeticError, NotImplementedError):
                return self.nan
            return value if isinstance(value, self.context.mpf) else self._real_part(value)

        return real

    def _real_part(self, value: Any) -> Any:
        value = self.context.mpc(value)
        return value.real if value.imag == 0 else self.nan

    def _special(self) -> dict[str, Callable[..., Any]]:
        """Return the primitives that mpmath does not spell as the table does."""
        mp = self.context
        return {
            "add": lambda x, y: x + y,
            "sub": lambda x, y: x - y,
            "mul": lambda x, y: x * y,
            "neg": lambda x: -x,
            "abs": abs,
            "div": self._divide,
            "pow": self._power,
            "exp": self._exp,
            "sinh": lambda x: self._huge(x) if abs(x) > 1e9 else mp.sinh(x),
            "cosh": lambda x: abs(self._huge(x)) if abs(x) > 1e9 else mp.cosh(x),
            "expm1": lambda x: self._exp(x) - 1 if abs(x) > 1 else mp.expm1(x),
            "log2": lambda x: mp.log(x) / mp.log(2),
            "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(x)),
            "atan2": lambda y, x: mp.atan2(y, x) if (x or y) else mp.zero,
            "exp_square": lambda x, c: self._exp(c * x * x),
            "normal_cdf": lambda x: mp.erfc(-x / mp.sqrt(2)) / 2,
            "lgamma": lambda x: mp.log(abs(mp.gamma(x))) if x < 0 else mp.re(mp.loggamma(x)),
            "polygamma": self._polygamma,
            "sum": lambda *z: mp.fsum(z),
            "mean": lambda *z: mp.fsum(z) / len(z),
            "min": lambda *z: min(z),
            "max": lambda *z: max(z),
            "pick": lambda k, *z: z[int(k)] if 0 <= k < len(z) and k == int(k) else self.nan,
            "logsumexp": lambda *z: max(z) + mp.log(mp.fsum(self._exp(v - max(z)) for v in z)),
        }

    def _huge(self, x: Any) -> Any:
        return self.context.inf if x > 0 else -self.context.inf

    def _exp(self, x: Any) -> Any:
        """Return e^x; beyond an exponent that no use has, infinity or 0 instead of hours."""
        if abs(x) > 1e9:
            return self.context.inf if x > 0 else self.context.zero
        return self.context.exp(x)

    def _divide(self, x: Any, y: Any) -> Any:
        if y == 0:
            return self.nan if x == 0 else self._huge(x)
        return x / y

    def _power(self, x: Any, y: Any) -> Any:
        mp = self.context
        if x == 0:
            return mp.one if y == 0 else (mp.zero if y > 0 else mp.inf)
        if mp.isint(y) and abs(y) < 1e6:
            return x ** int(y)
        if x < 0 and not mp.isint(y):
            return self.nan
        value = self._exp(y * mp.log(abs(x)))
        return -value if x < 0 and int(y) % 2 else value

    def _polygamma(self, n: Any, x: Any) -> Any:
        whole = n >= 0 and n == int(n)
        return self.context.psi(int(n), x) if whole else self.nan
