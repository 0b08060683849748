"""Formulas read as LaTeX: the same expressions as in tables, as a printed page sets them.

A `Notation` knows the names of one program and sets its expressions. Fractions stand upright while
they are small; parentheses are written where a reader needs them, which is not where the parser
does: none around what a fraction bar or an exponent holds together. Each formula comes in pieces
between which a line may end (`Setting.chunks`), with an estimate of their widths, so that a page
breaks long formulas before an operator instead of running over its margin.

LaTeX and the TeX in Markdown differ in little: Markdown eats a backslash before punctuation and may
take `_`, `*`, `|` and `<` for its own, so that dialect does without them; and without
`\\operatorname`, which GitHub refuses to set.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from backprop_cli.language.notation import ATOM, PRECEDENCE, parenthesised
from backprop_cli.operations import ADD, DIV, MUL, NEG, POW, SUB, TABLE, WHERE
from backprop_cli.readings.expressions import (
    DERIVATIVE,
    LOCAL,
    NAME,
    NUMBER,
    Expression,
    Part,
    fold,
)
from backprop_cli.readings.letters import GREEK, set_names


class Dialect(NamedTuple):
    """How one TeX is written: the end of a row, the signs of comparison, letters as they are.

    `operator` begins a function that TeX has no command for, `operator_end` ends it.
    """

    new_row: str
    less: str
    greater: str
    unicode_letters: bool
    operator: str
    operator_end: str


LATEX = Dialect(r"\\", "<", ">", False, r"\operatorname{", "}")
MARKDOWN = Dialect(r"\cr", r"\lt", r"\gt", True, r"\mathop{\mathrm{", "}}")

_FRACTION = 8
"""A fraction holds together better than a product, but as a base it takes parentheses."""

BREAK = r"\allowbreak"
"""What ends a chunk after which a line may end, but better does not: inside a long number."""

_WIDEST_FRACTION = 40
_WIDEST_EXPONENT = 16
_LONGEST_NUMBER, _GROUP = 24, 10

_CALLS = {
    "log": r"\ln",
    "log2": r"\log_2",
    "log10": r"\log_{10}",
    "asin": r"\arcsin",
    "acos": r"\arccos",
    "atan": r"\arctan",
    "gamma": r"\Gamma",
    "digamma": r"\psi",
    "normal_cdf": r"\Phi",
    **{
        name: rf"\{name}"
        for name in ("exp", "sin", "cos", "tan", "sinh", "cosh", "tanh", "min", "max")
    },
}
_BRACKETS = {
    "abs": (r"\lvert ", r"\rvert"),
    "floor": (r"\lfloor ", r"\rfloor"),
    "ceil": (r"\lceil ", r"\rceil"),
}
_CONSTANTS = {"nan": r"\mathrm{NaN}", "inf": r"\infty", "pi": r"\pi", "e": r"\mathrm{e}"}
_SIGNS = {"<=": r"\le", ">=": r"\ge", "==": "=", "!=": r"\ne"}


class Chunk(NamedTuple):
    """A part of a formula that stays on one line, and about how many signs wide it is."""

    text: str
    width: int


class Setting(NamedTuple):
    """A formula in TeX: its chunks, and what the formula around it must know.

    `minus` says that it begins with a minus sign; `tall` that it is higher than a line; `begins`
    is `number`, `letter` or `` for anything else, which decides whether 3x needs a dot.
    """

    chunks: tuple[Chunk, ...]
    precedence: int = ATOM
    minus: bool = False
    tall: bool = False
    begins: str = ""

    @property
    def text(self) -> str:
        """The whole formula on one line."""
        return " ".join(chunk.text for chunk in self.chunks)

    @property
    def width(self) -> int:
        """About how many signs wide it is."""
        return sum(chunk.width for chunk in self.chunks)


class Notation:
    """Sets the expressions of one program, whose display names are `names`."""

    def __init__(self, names: Iterable[str], dialect: Dialect = LATEX) -> None:
        self.dialect = dialect
        self.names = set_names(names, dialect.unicode_letters)

    def set(self, expression: Expression) -> Setting:
        """Return an expression as TeX for mathematics."""
        return fold(expression, self._leaf, self._apply)

    def text(self, expression: Expression) -> str:
        """Return an expression as TeX on one line."""
        return self.set(expression).text

    def name(self, text: str) -> str:
        """Return how a name is set."""
        if text not in self.names:
            self.names |= set_names([text], self.dialect.unicode_letters)
        return self.names[text]

    def _width(self, text: str) -> int:
        other = 2 if self.dialect.unicode_letters else len("U+5909")
        return sum(1 if sign.isascii() or sign in GREEK else other for sign in text)

    # -------------------------------------------------------------- leaves

    def _leaf(self, part: Part) -> Setting:
        if part.kind == NUMBER:
            return _number(part.text)
        if part.kind == NAME:
            return _atom(self.name(part.text), self._width(part.text), begins="letter")
        if part.kind in (DERIVATIVE, LOCAL):
            over, under = self.name(part.text), self.name(part.by)
            text = rf"\frac{{\partial {over}}}{{\partial {under}}}"
            width = 1 + max(self._width(part.text), self._width(part.by))
            if part.kind == LOCAL:
                text = rf"\left.{text}\right\vert_{{\text{{local}}}}"
                width += len(LOCAL)
            return _atom(text, width, tall=True)
        return _atom(rf"\dots \text{{ {part.text.lstrip('… ')}}}", len(part.text))

    # -------------------------------------------------------------- operations

    def _apply(self, row: int, operands: Sequence[Setting]) -> Setting:
        name = TABLE[row].name
        if row == POW:
            return _power(*operands)
        if row == DIV:
            return _quotient(*operands)
        if row == WHERE and len(operands) == 3:
            return self._choice(*operands)
        if row == NEG or TABLE[row].infix:
            return self._infix(row, operands)
        if name == "exp" and operands[0].width <= _WIDEST_EXPONENT and not operands[0].tall:
            text = rf"\mathrm{{e}}^{{{operands[0].text}}}"
            return _atom(text, 1 + operands[0].width, PRECEDENCE[POW])
        if name == "sqrt":
            return _atom(rf"\sqrt{{{operands[0].text}}}", 2 + operands[0].width, tall=True)
        if name == "cbrt":
            return _atom(rf"\sqrt[3]{{{operands[0].text}}}", 2 + operands[0].width, tall=True)
        if name in _BRACKETS:
            return _enclosed("", _BRACKETS[name], operands)
        if name == "exp_square":
            x, c = operands
            square = _power(x, _number("2"))
            return _enclosed(r"\exp", _ROUND, [self._infix(MUL, (c, square))])
        if name == "lgamma":
            return _enclosed(r"\ln\lvert\Gamma", ("(", r")\rvert"), operands)
        if name == "polygamma":
            return _enclosed(rf"\psi^{{({operands[0].text})}}", _ROUND, operands[1:])
        return _enclosed(_CALLS.get(name) or self._operator(name), _ROUND, operands)

    def _infix(self, row: int, operands: Sequence[Setting]) -> Setting:
        sides = [
            _wrapped(side) if _wraps(row, place, side) else side
            for place, side in enumerate(operands)
        ]
        minus = row == NEG or sides[0].minus
        tall = any(side.tall for side in sides)
        if row == NEG:
            begins = sides[0].begins if sides[0].begins == "number" else ""
            return Setting(_led("-", sides[0]), PRECEDENCE[NEG], True, tall, begins)
        first, second = sides
        begins = first.begins
        if row == MUL and first.begins == "number" and second.begins == "letter":
            *before, number = first.chunks
            if number.text in ("1", "-1"):
                chunks = (*before, *_led(f"{number.text} \\cdot ", second, number.width + 3))
                return Setting(chunks, PRECEDENCE[row], minus, tall, begins)
            head = (*before, *_led(f"{number.text} ", second, number.width))
            return Setting(head, PRECEDENCE[row], minus, tall, begins)
        sign = {ADD: "+", SUB: "-", MUL: r"\cdot"}.get(row) or self._comparison(row)
        chunks = (*first.chunks, *_led(f"{sign} ", second, 3))
        return Setting(chunks, PRECEDENCE[row], minus, tall, begins)

    def _operator(self, name: str) -> str:
        return f"{self.dialect.operator}{name.replace('_', '-')}{self.dialect.operator_end}"

    def _comparison(self, row: int) -> str:
        sign = TABLE[row].infix
        return {"<": self.dialect.less, ">": self.dialect.greater}.get(sign) or _SIGNS[sign]

    def _choice(self, condition: Setting, taken: Setting, other: Setting) -> Setting:
        text = (
            rf"\begin{{cases}} {taken.text} & \text{{if }} {condition.text} "
            rf"{self.dialect.new_row} {other.text} & \text{{otherwise}} \end{{cases}}"
        )
        width = 14 + max(taken.width, other.width) + condition.width
        return _atom(text, width, precedence=0, tall=True)


_ROUND = ("(", ")")
_GROWING = (_ROUND[0], *(left for left, _ in _BRACKETS.values()))


def _atom(
    text: str, width: int, precedence: int = ATOM, tall: bool = False, begins: str = ""
) -> Setting:
    return Setting((Chunk(text, width),), precedence, False, tall, begins)


def _number(text: str) -> Setting:
    """Return a number as people read it: 1.5e-300 with a power of ten, tau as 2π."""
    size, minus = text.removeprefix("-"), text.startswith("-")
    mantissa, exponential, exponent = size.partition("e") if size[:1].isdigit() else (size, "", "")
    tex, precedence, begins = _CONSTANTS.get(size, mantissa), ATOM, "number"
    if size == "tau":
        tex, precedence = r"2 \pi", PRECEDENCE[MUL]
    elif exponential:
        power = exponent.removeprefix("+")
        tex, precedence, begins = rf"{mantissa} \cdot 10^{{{power}}}", PRECEDENCE[MUL], ""
        if mantissa == "1":
            tex, precedence = rf"10^{{{power}}}", PRECEDENCE[POW]
    elif size in _CONSTANTS:
        begins = "letter" if size in ("pi", "e") else ""
    chunks = [Chunk(tex, len(text))]
    if len(tex) > _LONGEST_NUMBER:
        cuts = range(0, len(mantissa), _GROUP)
        parts = [mantissa[k : k + _GROUP] for k in cuts]
        parts[-1] += tex[len(mantissa) :]
        chunks = [Chunk(f"{part} {BREAK}", len(part)) for part in parts[:-1]]
        chunks.append(Chunk(parts[-1], len(parts[-1])))
    if minus:
        first, *rest = chunks
        led = (Chunk(f"-{first.text}", 1 + first.width), *rest)
        return Setting(led, PRECEDENCE[NEG], True, False, begins)
    return Setting(tuple(chunks), precedence, False, False, begins)


def _led(lead: str, setting: Setting, width: int = 1) -> tuple[Chunk, ...]:
    """Return chunks with something before the first."""
    first, *rest = setting.chunks
    return (Chunk(lead + first.text, width + first.width), *rest)


def _wraps(row: int, place: int, side: Setting) -> bool:
    if side.precedence == _FRACTION:
        return False
    return parenthesised(row, place, side.precedence, side.minus)


def _wrapped(setting: Setting) -> Setting:
    """Return a formula in parentheses; tall ones grow with it, unless a line may end inside."""
    return _enclosed("", _ROUND, [setting])


def _enclosed(lead: str, brackets: tuple[str, str], operands: Sequence[Setting]) -> Setting:
    """Return what a function takes, between brackets: in one piece, or ending lines at commas."""
    left, right = brackets
    tall = any(operand.tall for operand in operands)
    width = sum(operand.width for operand in operands) + len(operands) + len(lead) // 2 + 1
    whole = width <= _WIDEST_FRACTION or all(len(operand.chunks) == 1 for operand in operands)
    if tall and whole and left in _GROWING:
        inner = ", ".join(operand.text for operand in operands)
        text = rf"{lead}\left{left}{inner}\right{right}"
        return _atom(text, width, tall=True, begins="letter" if lead else "")
    chunks: list[Chunk] = []
    for place, operand in enumerate(operands):
        parts = list(operand.chunks)
        if place < len(operands) - 1:
            parts[-1] = Chunk(parts[-1].text + ",", parts[-1].width + 1)
        chunks += parts
    chunks[0] = Chunk(f"{lead}{left}{chunks[0].text}", chunks[0].width + len(lead) // 2 + 1)
    chunks[-1] = Chunk(f"{chunks[-1].text}{right}", chunks[-1].width + 1)
    return Setting(tuple(chunks), ATOM, False, tall, "letter" if lead else "")


def _power(base: Setting, exponent: Setting) -> Setting:
    if base.precedence < ATOM:
        base = _wrapped(base)
    *before, last = base.chunks
    # A prime or a bracket may stand at the end; braces keep the exponent apart from it.
    body = f"{{{last.text}}}" if last.text.endswith("'") else last.text
    raised = exponent.text if len(exponent.text) == 1 else f"{{{exponent.text}}}"
    chunks = (*before, Chunk(f"{body}^{raised}", last.width + exponent.width))
    return Setting(chunks, PRECEDENCE[POW], False, base.tall, base.begins)


def _quotient(over: Setting, under: Setting) -> Setting:
    """Return a fraction; of wide ones, the two sides of a slash."""
    width = max(over.width, under.width)
    if width <= _WIDEST_FRACTION:
        text = rf"\frac{{{over.text}}}{{{under.text}}}"
        return _atom(text, width, _FRACTION, tall=True)
    sides = [
        _wrapped(side) if _wraps(DIV, place, side) else side
        for place, side in enumerate((over, under))
    ]
    chunks = (*sides[0].chunks, *_led("/ ", sides[1], 2))
    return Setting(chunks, PRECEDENCE[DIV], sides[0].minus, any(s.tall for s in sides))
