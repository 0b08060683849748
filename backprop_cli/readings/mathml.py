"""Expressions read as MathML, which browsers set as mathematics and screen readers read aloud.

One fold, like that of the tables' text: the parentheses are those of `language/notation.py`, less
those that a fraction bar, an exponent or a root makes needless. All text is escaped here.
"""

from collections.abc import Sequence
from html import escape

from backprop_cli.language.notation import ATOM, PRECEDENCE, SIGNS, Piece, parenthesised
from backprop_cli.operations import COMPARISONS, DIV, INPUT, MUL, NEG, POW, ROW, SQRT, TABLE
from backprop_cli.readings.expressions import (
    DERIVATIVE,
    LOCAL,
    NUMBER,
    WORDS,
    Expression,
    Part,
    fold,
)

_GREEK = {"pi": "π", "tau": "τ"}
_SIGNS = {COMPARISONS["<="]: "≤", COMPARISONS[">="]: "≥", COMPARISONS["=="]: "=", MUL: "·"}
_SIGNS |= {COMPARISONS["!="]: "≠", NEG: "−", ROW["sub"]: "−"}
_ABS = ROW["abs"]


def math(chain: Sequence[Expression], goes_on: bool = False) -> str:
    """Return a chain of equal expressions, a = b = c, as one element `math`.

    One that goes on with the line above begins with its sign of equality.
    """
    parts = "<mo>=</mo>".join(fold(part, _leaf, _apply).text for part in chain)
    return f"<math><mrow>{'<mo>=</mo>' if goes_on else ''}{parts}</mrow></math>"


def _leaf(part: Part) -> Piece:
    if part.kind == NUMBER:
        return _number(part.text)
    if part.kind in (DERIVATIVE, LOCAL):
        over, under = (f"<mrow><mo>∂</mo>{_name(text)}</mrow>" for text in (part.text, part.by))
        made = f"<mfrac>{over}{under}</mfrac>"
        if part.kind == LOCAL:
            made = f"<msub><mrow>{made}<mo>|</mo></mrow><mtext>local</mtext></msub>"
        return Piece(made)
    if part.kind == WORDS:
        return Piece(f"<mtext>{escape(part.text)}</mtext>", PRECEDENCE[INPUT])
    return Piece(_name(part.text))


def _name(text: str) -> str:
    return f"<mi>{escape(text)}</mi>"


def _number(text: str) -> Piece:
    """Return a number; 1.5e-300 as 1.5·10 to the power -300, a named one by its sign."""
    size, minus = text.removeprefix("-"), text.startswith("-")
    mantissa, _, exponent = size.partition("e")
    if size in _GREEK or (not size[:1].isdigit() and size[:1] != "."):
        made = f"<mi>{escape(_GREEK.get(size, {'inf': '∞'}.get(size, size)))}</mi>"
    elif exponent:
        power = escape(exponent.replace("-", "−"))
        times = "" if mantissa == "1" else f"<mn>{escape(mantissa)}</mn><mo>·</mo>"
        made = f"{times}<msup><mn>10</mn><mn>{power}</mn></msup>"
    else:
        made = f"<mn>{escape(size)}</mn>"
    precedence = ATOM if not exponent else PRECEDENCE[POW if mantissa == "1" else MUL]
    if minus:
        made = f"<mrow><mo>−</mo>{made}</mrow>"
        precedence = min(precedence, PRECEDENCE[NEG])
    return Piece(made, precedence, minus)


def _apply(row: int, operands: Sequence[Piece]) -> Piece:
    texts = [operand.text for operand in operands]
    if row == DIV:
        over, under = (f"<mrow>{text}</mrow>" for text in texts)
        return Piece(f"<mfrac>{over}{under}</mfrac>", PRECEDENCE[NEG])
    if row == SQRT:
        return Piece(f"<msqrt>{texts[0]}</msqrt>")
    if row == _ABS:
        return Piece(f"<mrow><mo>|</mo>{texts[0]}<mo>|</mo></mrow>")
    if row == POW:
        base = _wrapped(row, 0, operands[0])
        return Piece(f"<msup><mrow>{base}</mrow><mrow>{texts[1]}</mrow></msup>", PRECEDENCE[POW])
    if not SIGNS[row]:
        inside = "<mo>,</mo>".join(texts)
        name = f"<mi>{escape(TABLE[row].name)}</mi>"
        return Piece(f"<mrow>{name}<mo>(</mo>{inside}<mo>)</mo></mrow>")
    sign = f"<mo>{escape(_SIGNS.get(row, TABLE[row].infix))}</mo>"
    made = [_wrapped(row, place, operand) for place, operand in enumerate(operands)]
    if row == NEG:
        return Piece(f"<mrow>{sign}{made[0]}</mrow>", PRECEDENCE[row], True)
    minus = operands[0].minus and made[0] == texts[0]
    return Piece(f"<mrow>{sign.join(made)}</mrow>", PRECEDENCE[row], minus)


def _wrapped(row: int, position: int, operand: Piece) -> str:
    if parenthesised(row, position, operand.precedence, operand.minus):
        return f"<mrow><mo>(</mo>{operand.text}<mo>)</mo></mrow>"
    return operand.text
