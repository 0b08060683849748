"""Expressions of Python, put together with as few parentheses and minus signs as can be.

Signs are exact: -(a*b) is (-a)*b, and a + -b is a - b, to the last bit and with the sign of a zero.
So minus signs move outwards until a sum takes them as its own sign, or a number as its own.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from backprop_cli.operations import ADD, DIV, MUL, NEG

_SUM, _PRODUCT, _SIGNED, _ATOM = range(4)
"""How tightly expressions of Python hold together."""


class Piece(NamedTuple):
    """An expression, whether it is to be negated, and how many operations are nested in it.

    `negative` is the negated expression where it costs nothing, because a number takes the sign.
    """

    text: str
    strength: int = _ATOM
    minus: bool = False
    depth: int = 0
    negative: str = ""

    def signed(self) -> "Piece":
        """Return the expression with its sign written."""
        if not self.minus:
            return self
        if self.negative:
            return Piece(self.negative, min(self.strength, _SIGNED), False, self.depth)
        text = f"-({self.text})" if self.strength == _SUM else f"-{self.text}"
        return Piece(text, min(self.strength, _SIGNED), False, self.depth)

    def within(self, strength: int) -> str:
        """Return the text without its sign, in parentheses unless it holds together tightly."""
        return self.text if self.strength >= strength else f"({self.text})"


def named(name: str) -> Piece:
    """Return the piece of a name or of a number, which may begin with a minus sign."""
    minus, text = name.startswith("-"), name.removeprefix("-")
    return Piece(text, minus=minus, negative="" if text[0].isidentifier() else f"-{text}")


def added(left: Piece, right: Piece) -> Piece:
    """Return left + right; of two summands the negative one, if it is one, is subtracted."""
    if left.minus and not right.minus:
        left, right = right, left
    sign = "-" if right.minus else "+"
    text = f"{left.signed().text} {sign} {right.within(_PRODUCT)}"
    return Piece(text, _SUM, False, 1 + max(left.depth, right.depth))


def multiplied(sign: str, left: Piece, right: Piece) -> Piece:
    """Return left*right or left/right, the sign outside."""
    first, second = left.within(_PRODUCT), right.within(_SIGNED)
    negative = ""
    if left.negative:
        negative = f"{left.negative} {sign} {second}"
    elif right.negative and right.strength == _ATOM:
        negative = f"{first} {sign} {right.negative}"
    return Piece(
        f"{first} {sign} {second}",
        _PRODUCT,
        left.minus != right.minus,
        1 + max(left.depth, right.depth),
        negative,
    )


def number_piece(value: float) -> Piece:
    """Return the piece of a finite number."""
    text = repr(abs(value))
    return Piece(text, minus=math.copysign(1.0, value) < 0, negative=f"-{text}")


def infix(row: int, pieces: Sequence[Piece]) -> Piece:
    """Return + - * / or the minus sign over these operands."""
    left, right = pieces[0], pieces[-1]
    if row == NEG:
        return left._replace(minus=not left.minus)
    if row in (MUL, DIV):
        return multiplied("*" if row == MUL else "/", left, right)
    return added(left, right if row == ADD else right._replace(minus=not right.minus))
