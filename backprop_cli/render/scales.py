"""Scales: which round numbers an axis shows, and where on the axis a number lies.

Pictures for the terminal and pictures for the browser draw different axes, but they choose the
same numbers. A step is 1, 2 or 5 times a power of ten, the steps that people count in (Heckbert,
Nice Numbers for Graph Labels, Graphics Gems I, 1990). The counting is done in decimals, so that
the tick at 0.3 is the number 0.3 and not three times 0.1.
"""

import math
from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import NamedTuple

_ROUND = (1, 2, 5)
_DECADES = 1e3


def ticks(low: float, high: float, most: int) -> list[float]:
    """Return the multiples of a round step from `low` to `high`, as many as fit, at most `most`.

    One number if `low == high`, none if the ends are not finite or stand in the wrong order.
    """
    if not (math.isfinite(low) and math.isfinite(high)) or low > high or most < 1:
        return []
    if low == high:
        return [low]
    first, last = Decimal(repr(low)), Decimal(repr(high))
    exponent = ((last - first) / most).adjusted()
    while True:
        for digit in _ROUND:
            step = Decimal(digit).scaleb(exponent)
            start = int((first / step).to_integral_value(ROUND_CEILING))
            end = int((last / step).to_integral_value(ROUND_FLOOR))
            if end - start < most:
                return list(dict.fromkeys(float(k * step) for k in range(start, end + 1)))
        exponent += 1


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """Return round numbers for a logarithmic axis: powers of ten, and 2 and 5 times those if few.

    Between ends that are less than a decade apart, the ticks of a linear axis.
    """
    if not (0 < low < high < math.inf):
        return ticks(low, high, most) if low > 0 else []
    start, end = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for digits in (_ROUND, (1,)):
        found = _inside(low, high, [(d, k) for k in range(start, end + 1) for d in digits])
        if len(found) <= most:
            return found if len(found) > 1 else ticks(low, high, most)
    exponents = ticks(float(start), float(end), most)
    return _inside(low, high, [(1, int(k)) for k in exponents])


def needs_decades(numbers: Iterable[float]) -> bool:
    """Return whether positive numbers span so much that a linear axis shows the largest alone."""
    found = list(numbers)
    return min(found, default=0.0) > 0 and max(found) > _DECADES * min(found)


def _inside(low: float, high: float, numbers: list[tuple[int, int]]) -> list[float]:
    """Return those of the numbers digit·10^exponent that lie from `low` to `high`."""
    made = (float(f"{digit}e{exponent}") for digit, exponent in numbers)
    return [number for number in made if low <= number <= high]


class Scale(NamedTuple):
    """Maps the numbers from `low` to `high` to the places from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def place(self, number: float) -> float:
        """Return where `number` lies; the middle if all numbers of the scale are one."""
        low, high = self.low, self.high
        if self.log:
            low, high, number = math.log10(low), math.log10(high), math.log10(number)
        # Halves, because the distance of two finite numbers may be infinite.
        width = high / 2 - low / 2
        share = (number / 2 - low / 2) / width if width > 0 else 0.5
        return self.start + share * (self.end - self.start)

    def ticks(self, most: int) -> list[float]:
        """Return the round numbers that the axis shows, at most `most`."""
        return (log_ticks if self.log else ticks)(self.low, self.high, most)
