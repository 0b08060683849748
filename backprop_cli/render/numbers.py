"""How numbers become text: exactly for machines, readably for people.

A machine's number reads back to the same float; a person's has up to ten significant digits and
lines up with its neighbours. Numbers of more digits (`--precision`) are written by the arithmetic
that made them.
"""

import re
from collections.abc import Iterable
from math import isfinite
from typing import Any

from backprop_cli.readings.formulas import Arithmetic

DIGITS = 10
"""Significant digits shown to people."""

NUMBER = re.compile(r"-?(?:\d+(?:\.\d+)?(?:e-?\d+)?|inf|nan)")
"""What `human` and `short` write."""

_INFINITY = float("inf")
_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def machine(value: Any, arithmetic: Arithmetic | None = None) -> str:
    """Return text that reads back to the same number; NaN, Infinity, -Infinity by these names."""
    if isinstance(value, float) and isfinite(value):
        return repr(value)
    if value != value:
        return "NaN"
    if value in (_INFINITY, -_INFINITY):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value) if isinstance(value, int) else _written(value, arithmetic)


def human(value: Any, arithmetic: Arithmetic | None = None) -> str:
    """Return a number as people read it: 0.1, -3, 1.5e-300, -0, nan, inf."""
    if not isinstance(value, (float, int)) and value == value:
        return tidied(_written(value, arithmetic))
    return tidied(format(float(value), f".{DIGITS}g"))


def tidied(text: str) -> str:
    """Return decimal text without idle digits: `1.5e+20` as 1.5e20, `2.0` as 2."""
    mantissa, sign, exponent = text.partition("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(exponent)}" if sign else mantissa


def short(value: float, digits: int = 2) -> str:
    """Return a number with few digits, for sizes: of errors, of gains."""
    return tidied(format(value, f".{digits}g"))


def duration(seconds: float, spread: float | None = None) -> str:
    """Return a time in a unit that suits it: `12.3 ± 0.4 µs`; three digits before the unit."""
    size, unit = next((pair for pair in _UNITS if seconds >= pair[0]), _UNITS[-1])
    value = seconds / size
    digits = 2 if value < 10 else 1 if value < 100 else 0
    spreading = "" if spread is None else f" ± {spread / size:.{digits}f}"
    return f"{value:4.{digits}f}{spreading} {unit}"


def aligned(texts: Iterable[str]) -> list[str]:
    """Return texts of one width, the decimal points of the numbers among them in one column."""
    parts = []
    for text in texts:
        ends = [place for place in (text.find("."), text.find("e")) if place >= 0]
        is_number = text.lstrip("-")[:1].isdigit()
        parts.append((text, min(ends) if ends and is_number else len(text)))
    before = max((point for _, point in parts), default=0)
    after = max((len(text) - point for text, point in parts), default=0)
    return [
        " " * (before - point) + text + " " * (after - len(text) + point) for text, point in parts
    ]


def _written(value: Any, arithmetic: Arithmetic | None) -> str:
    """Return a number of many digits as its arithmetic writes it."""
    text = getattr(arithmetic, "text", None)
    return str(text(value) if text else value)
