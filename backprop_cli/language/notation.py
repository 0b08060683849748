"""How an operation is written over its operands: signs, spaces, and the parentheses it takes.

One rule, used wherever an operation becomes text: the canonical program, the names of nodes in
tables, the local slopes. Each operand is a `Piece` that knows how tightly its text holds
together; parentheses are written only where the grammar of the parser needs them, or where a
minus sign would follow another sign.
"""

from collections.abc import Sequence
from typing import NamedTuple

from backprop_cli.operations import COMPARISONS, NEG, POW, TABLE

ATOM = 9
"""The precedence of what never needs parentheses: a name, a number, a call."""

PRECEDENCE = tuple(
    0 if row in COMPARISONS.values() else op.precedence or ATOM for row, op in enumerate(TABLE)
)
"""How tightly the text of each row holds together; comparisons least, calls most."""

SIGNS = tuple(f" {op.infix} " if PRECEDENCE[row] < 2 else op.infix for row, op in enumerate(TABLE))
"""The sign of each row with the spaces around it; empty for a row that is written as a call."""

_NEGATIVE = PRECEDENCE[NEG]


class Piece(NamedTuple):
    """Text with its precedence, and whether it begins with a minus sign."""

    text: str
    precedence: int = ATOM
    minus: bool = False


def literal(text: str) -> Piece:
    """Return the piece of a constant; a negative default of a function is written like -2."""
    return Piece(text, _NEGATIVE, True) if text.startswith("-") else Piece(text)


def parenthesised(row: int, position: int, precedence: int, minus: bool) -> bool:
    """Return whether the operand at `position` of `row` is written in parentheses."""
    own = PRECEDENCE[row]
    if own == ATOM or precedence == ATOM:
        return False
    if row == NEG:
        return minus or precedence < own
    if row == POW:
        return precedence < _NEGATIVE if position else precedence <= own
    if position or not own:
        return minus * own > 0 or precedence <= own
    return precedence < own


def write(row: int, operands: Sequence[Piece]) -> Piece:
    """Return the text of one operation over its operands."""
    if not SIGNS[row]:
        return Piece(f"{TABLE[row].name}({', '.join(operand.text for operand in operands)})")
    texts = []
    minus = row == NEG
    for position, operand in enumerate(operands):
        wrapped = parenthesised(row, position, operand.precedence, operand.minus)
        texts.append(f"({operand.text})" if wrapped else operand.text)
        if position == 0 and row != NEG:
            minus = operand.minus and not wrapped
    if row == NEG:
        return Piece(f"-{texts[0]}", PRECEDENCE[row], True)
    return Piece(SIGNS[row].join(texts), PRECEDENCE[row], minus)


def pretty(text: str) -> str:
    """Return text of the language as tables show it: `·` for a product."""
    return text.replace("*", "·")
