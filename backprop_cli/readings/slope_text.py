"""Local slopes in words: the formula of a partial with the names of the nodes put in.

The table's formulas are read once more, this time as text: `y` becomes the name of the second
operand, `2 - 1` becomes 1, `1*x` becomes `x`, and a `where` becomes the side that was taken. So
the slope of `x^2` reads `2*x`, as in a lecture. A row's textbook form is preferred, unless it
says nothing at this very point (`x/out` of hypot at the origin), where the computed formula does.
Numbers are folded as fractions; what is not rational (`pi`, `sqrt(2)`) stays as it is written.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from backprop_cli.graph import Graph
from backprop_cli.language.names import pieces
from backprop_cli.language.notation import ATOM, PRECEDENCE, Piece, write
from backprop_cli.operations import (
    ADD,
    COMPARISON_ROWS,
    COMPARISONS,
    CONSTANT,
    DIV,
    INPUT,
    MUL,
    NEG,
    POW,
    SUB,
    TABLE,
    WHERE,
)
from backprop_cli.readings.floats import FLOATS
from backprop_cli.readings.formulas import Arithmetic, formula

_EQUAL = COMPARISONS["=="]
_LONGEST_FRACTION = 10**12
_LARGEST_POWER = 16


class SlopeTerm(NamedTuple):
    """A part of a formula: its text, its number if rational, its value at the point if known.

    `node` is the node of the graph that stands there, if it is one.
    """

    piece: Piece
    number: Fraction | None = None
    value: Any = None
    row: int = -1
    operands: tuple["SlopeTerm", ...] = ()
    node: int = -1


class SlopeTerms(NamedTuple):
    """A local slope: as people are shown it (the textbook's form), and as it is computed."""

    shown: SlopeTerm
    computed: SlopeTerm


def slope_text(
    graph: Graph,
    node: int,
    position: int,
    names: Sequence[str],
    values: Sequence[Any] | None = None,
    arithmetic: Arithmetic = FLOATS,
) -> str:
    """Return d node / d operand `position` as text of the language, over display names.

    With the values of all nodes, each choice in the formula is resolved to the side taken.
    """
    return slope(graph, node, position, names, values, arithmetic).shown.piece.text


def slope(
    graph: Graph,
    node: int,
    position: int,
    names: Sequence[str],
    values: Sequence[Any] | None = None,
    arithmetic: Arithmetic = FLOATS,
) -> SlopeTerms:
    """Return d node / d operand `position` as terms: what `slope_text` writes, and its formula."""
    operation = TABLE[graph.rows[node]]
    parameter = operation.parameter_of(position)
    known = _variables(graph, node, position, names, values)
    partial = _read(operation.partials[parameter], known, arithmetic)
    if operation.textbook:
        textbook = _read(operation.textbook[parameter], known, arithmetic)
        silent = textbook.value is not None and not _finite(textbook.value)
        if not silent or partial.value is None or not _finite(partial.value):
            return SlopeTerms(textbook, partial)
    return SlopeTerms(partial, partial)


def _finite(value: Any) -> bool:
    return bool(value - value == 0)


def _variables(
    graph: Graph, node: int, position: int, names: Sequence[str], values: Sequence[Any] | None
) -> dict[str, SlopeTerm]:
    """Return what each name of a partial's formula stands for at one operand of one node."""
    operation = TABLE[graph.rows[node]]
    operands = list(graph.operands_of(node))
    terms = [
        _operand(graph, operand, text, values[operand] if values else None)
        for operand, text in zip(operands, pieces(graph, node, names), strict=True)
    ]
    out = values[node] if values else None
    known = {"out": SlopeTerm(Piece(names[node]), value=out, node=node)}
    if not operation.variadic:
        return known | dict(zip(operation.names, terms, strict=True))
    fixed = operation.fixed
    known |= dict(zip(operation.names[:fixed], terms, strict=False))
    known["x"] = terms[position]
    known["index"] = _rational(Fraction(position - fixed))
    known["count"] = _rational(Fraction(len(operands) - fixed))
    ties = SlopeTerm(Piece("ties"))
    if values is not None:
        ties = _rational(Fraction(sum(values[k] == out for k in operands[fixed:])))
    return known | {"ties": ties}


def _operand(graph: Graph, operand: int, piece: Piece, value: Any) -> SlopeTerm:
    """Return an operand as a term: a number if it is written as one, else its text."""
    inline = operand not in graph.labels and not piece.text.isidentifier()
    number = _fraction(piece.text) if inline else None
    if value is None and number is not None:
        value = float(number)
    return SlopeTerm(piece, number, value, graph.rows[operand] if inline else -1, node=operand)


def _fraction(text: str) -> Fraction | None:
    """Return a short number or quotient of numbers as an exact fraction."""
    if len(text) > 16 or len(text.lower().partition("e")[2].lstrip("+-")) > 2:
        return None
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        return None


def _rational(number: Fraction, decimal: bool = False) -> SlopeTerm:
    """Return the term of a number, as a fraction or, if asked and if it is one, as a decimal."""
    size = abs(number)
    text = str(size)
    if decimal and Fraction(repr(float(size))) == size:
        text = repr(float(size)).removesuffix(".0")
    precedence = PRECEDENCE[DIV] if "/" in text else ATOM
    if number >= 0:
        return SlopeTerm(Piece(text, precedence), number, float(number))
    precedence = min(precedence, PRECEDENCE[NEG])
    return SlopeTerm(Piece(f"-{text}", precedence, True), number, float(number))


def _read(text: str, known: dict[str, SlopeTerm], arithmetic: Arithmetic) -> SlopeTerm:
    """Return a formula as one term, its parameters replaced by what they stand for."""
    graph = formula(text)
    terms: list[SlopeTerm] = []
    inputs = {node: name for name, node in graph.inputs.items()}
    for node, row in enumerate(graph.rows):
        operands = [terms[k] for k in graph.operands_of(node)]
        if row == INPUT:
            terms.append(known[inputs[node]])
        elif row == CONSTANT:
            terms.append(_literal(graph.literals[node], arithmetic))
        elif row == WHERE:
            terms.append(_choice(*operands))
        else:
            terms.append(_apply(row, operands, arithmetic))
    return terms[graph.outputs[0]]


def _literal(text: str, arithmetic: Arithmetic) -> SlopeTerm:
    number = _fraction(text)
    return SlopeTerm(Piece(text), number, arithmetic.number(text))


def _choice(condition: SlopeTerm, taken: SlopeTerm, other: SlopeTerm) -> SlopeTerm:
    """Return the side that a condition takes, or the choice itself where that is not known."""
    if condition.value is not None:
        return taken if condition.value else other
    if taken.piece == other.piece:
        return taken
    # c == 0 for a condition c of the program: turn the choice round instead.
    if condition.row == _EQUAL and condition.operands[0].row in COMPARISON_ROWS:
        condition, taken, other = condition.operands[0], other, taken
        if condition.value is not None:
            return taken if condition.value else other
    operands = (condition.piece, taken.piece, other.piece)
    return SlopeTerm(write(WHERE, operands), row=WHERE)


def _apply(row: int, operands: list[SlopeTerm], arithmetic: Arithmetic) -> SlopeTerm:
    """Return an operation over terms, without what adds nothing to it."""
    value = _value(row, operands, arithmetic)
    numbers = [operand.number for operand in operands if operand.number is not None]
    if len(numbers) == len(operands):
        folded = _folded(row, numbers)
        if folded is not None:
            decimal = any("." in operand.piece.text for operand in operands)
            return _rational(folded, decimal)
    simple = _identity(row, operands)
    if simple is not None:
        return simple if simple.number is not None else simple._replace(value=value)
    piece = write(row, [operand.piece for operand in operands])
    return SlopeTerm(piece, None, value, row, tuple(operands))


def _value(row: int, operands: list[SlopeTerm], arithmetic: Arithmetic) -> Any:
    """Return the value of an operation, if those of its operands are known."""
    arguments = [operand.value for operand in operands]
    if any(value is None for value in arguments):
        return None
    return arithmetic.total_spelling.function(TABLE[row].name)(*arguments)


def _folded(row: int, numbers: list[Fraction]) -> Fraction | None:
    """Return the exact result of an operation on fractions, None if it has none or a long one."""
    x, y = numbers[0], numbers[-1]
    result: Fraction | None = None
    if row == ADD:
        result = x + y
    elif row == SUB:
        result = x - y
    elif row == MUL:
        result = x * y
    elif row == NEG:
        result = -x
    elif row == DIV and y:
        result = x / y
    elif row == POW and y.denominator == 1 and abs(y) <= _LARGEST_POWER and (x or y > 0):
        result = x ** int(y)
    if result is not None and max(abs(result.numerator), result.denominator) > _LONGEST_FRACTION:
        return None
    return result


def _identity(row: int, operands: list[SlopeTerm]) -> SlopeTerm | None:
    """Return what 0 + x, 1*x, 0*x, x/1, x^1, -(-x) and their kind come to."""
    x, y = operands[0], operands[-1]
    if row == NEG:
        return x.operands[0] if x.row == NEG and x.operands else None
    if row == ADD and (x.number == 0 or y.number == 0):
        return y if x.number == 0 else x
    if row == SUB and (x.number == 0 or y.number == 0):
        return x if y.number == 0 else _negated(y)
    if row == MUL:
        return _product(x, y)
    if row == DIV and (x.number == 0 or y.number == 1):
        return x
    if row == POW and y.number == 1:
        return x
    if row == POW and y.number == 0:
        return _rational(Fraction(1))
    return None


def _product(x: SlopeTerm, y: SlopeTerm) -> SlopeTerm | None:
    """Return a product with 0, 1 or -1 without the product."""
    for factor, other in ((x, y), (y, x)):
        if factor.number == 0:
            return factor
        if factor.number == 1:
            return other
        if factor.number == -1:
            return _negated(other)
    return None


def _negated(term: SlopeTerm) -> SlopeTerm:
    if term.number is not None:
        return _rational(-term.number)
    return SlopeTerm(write(NEG, [term.piece]), row=NEG, operands=(term,))
