"""The exact answer: value and gradient of a program of doubles, to fifty digits.

Inputs and literals are the doubles that the float program sees. The sweeps are run with 60 digits
and again with twice as many, until fifty digits stay the same: so an answer is never the victim of
the cancellation it is to expose. What is left of a sum when 960 digits have cancelled is 0.

This file imports mpmath, so it is imported where an exact answer is asked for.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

from backprop_cli.calculus.reference import Exact
from backprop_cli.calculus.reverse import reverse
from backprop_cli.calculus.rounding import MOST_DIGITS, digits_of
from backprop_cli.calculus.values import forward_values
from backprop_cli.graph import Graph

DIGITS = 50
"""How many digits stay the same when their number is doubled."""

LARGEST = 20_000
"""Graphs with more nodes have no exact answer."""

HASTY, _THOROUGH = 120, 960
"""How many digits are computed with at most: for twenty that stay the same, and for fifty."""

_HASTY_DIGITS = 20
_LARGEST_MAGNITUDE = 4096
_HARMLESS = ("add", "sub", "mul", "neg", "div", "abs", "min", "max", "log", "sqrt", "sum", "mean")


class Sound(Exact):
    """Exact arithmetic that gives up where a function would take for ever.

    The sine of 10^(10^9) has no digits that anybody could pay for: a number beyond 2^4096 is a
    stranger to float64, and only the rows that take no time take it.
    """

    def _primitive(self, name: str) -> Callable[..., Any]:
        real = super()._primitive(name)
        if name in _HARMLESS:
            return real
        mag, isfinite = self.context.mag, self.context.isfinite

        def guarded(*arguments: Any) -> Any:
            if any(
                value and isfinite(value) and mag(value) > _LARGEST_MAGNITUDE for value in arguments
            ):
                return self.nan
            return real(*arguments)

        return guarded


@cache
def sound(digits: int) -> Sound:
    """Return the arithmetic of this many digits: made once, since it compiles the table."""
    return Sound(digits)


class ExactAnswer(NamedTuple):
    """Value and gradient to fifty digits; a number is None where it is undefined or unsettled."""

    value: Any
    gradient: Mapping[str, Any]
    arithmetic: Sound

    @property
    def whole(self) -> bool:
        """Whether there is a value and a slope along every name."""
        return self.value is not None and all(v is not None for v in self.gradient.values())

    def text(self, value: Any, digits: int = DIGITS) -> str:
        """Return one of the numbers as decimal text."""
        return "undefined" if value is None else str(self.arithmetic.context.nstr(value, digits))

    def digits(self, value: Any, computed: float) -> float | None:
        """Return how many digits of `computed` are those of `value`, None if it is unknown.

        The last is one of rounding to nearest, so a number that cannot be better has 16.
        """
        if value is None or computed - computed != 0:
            return None
        if float(value) == computed:
            return MOST_DIGITS
        error = abs(value - computed)
        return digits_of(1.0, float(abs(value) / error)) if value else 0.0


def exact_answer(
    graph: Graph,
    point: Mapping[str, float],
    output: int,
    wrt: Mapping[str, int],
    last: int = _THOROUGH,
) -> ExactAnswer:
    """Return the exact value and gradient of one output, from sweeps of at most `last` digits."""
    active = graph.dependents(wrt.values())
    digits, before = HASTY, None
    while True:
        runs = [
            _swept(sound(count), graph, point, output, active, wrt.values())
            for count in ((digits,) if before else (digits // 2, digits))
        ]
        before = runs[-2] if before is None else before
        settled = [_settled(*pair, digits, last) for pair in zip(before, runs[-1], strict=True)]
        if digits == last or all(known for known, _ in settled):
            break
        # What is undefined, or 0, may only lack digits: 1 - sigmoid(800) begins at the 348th.
        numbers = [number for number in runs[-1] if number is not None]
        some = all(number and sound(digits).is_finite(number) for number in numbers)
        digits, before = (2 * digits, runs[-1]) if some else (last, None)
    value, *slopes = (number if known else None for known, number in settled)
    if value is None:  # the table's slopes know nothing of a value that is undefined
        slopes = [None] * len(slopes)
    return ExactAnswer(value, dict(zip(wrt, slopes, strict=True)), sound(digits))


def _swept(
    arithmetic: Sound,
    graph: Graph,
    point: Mapping[str, float],
    output: int,
    active: bytearray,
    nodes: Iterable[int],
) -> list[Any]:
    """Return the value of the output and its slopes, by a forward and a reverse sweep.

    A slope is None where nothing flows.
    """
    given = {name: arithmetic.context.mpf(value) for name, value in point.items()}
    values = forward_values(graph, given, arithmetic)
    adjoints = reverse(graph, values, output, active, arithmetic)
    return [values[output], *(adjoints[k] for k in nodes)]


def _settled(one: Any, other: Any, digits: int, last: int) -> tuple[bool, Any]:
    """Return whether two runs tell of the same number, and that number (None if undefined).

    What is left of a sum that is 0 is nothing, or rounding errors of the last of its digits. Where
    nothing flows the number is 0, though something may in the other run: the digits of one decide
    a comparison otherwise than those of the other.
    """
    context = sound(digits).context
    if one is None and other is None:
        return True, context.zero
    one, other = (context.zero if number is None else number for number in (one, other))
    if not (context.isfinite(one) and context.isfinite(other)):
        return digits == last, None
    same = DIGITS if last > HASTY else _HASTY_DIGITS
    if other and abs(one - other) <= context.mpf(10) ** -same * abs(other):
        return True, other
    if digits == last and abs(other) < context.mpf(10) ** (digits // 8 - digits):
        return True, context.zero
    return False, None
