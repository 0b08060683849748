"""Formulas and operations read as source code of a language: what every export has in common.

A `Language` says how one target spells numbers, calls, choices and assignments; the formulas stay
those of the operation table. A `Coder` writes them over the names of a program's nodes. What is
known beforehand is folded, as in the gradient graph: the slope of `x^2` is written `2.0*x`, not
with the `where` that looks after an exponent of 0. Parentheses follow the language's own grammar
of precedence, which Python, C and JavaScript share.

The code has IEEE results in every target: where a target's own function raises or differs, a
helper takes its place (`readings/helpers`), and only helpers that are used are printed.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from backprop_cli.graph import Graph
from backprop_cli.language.notation import PRECEDENCE, SIGNS, Piece, parenthesised
from backprop_cli.operations import (
    ADD,
    COMPARISON_ROWS,
    CONSTANT,
    DIV,
    INPUT,
    MUL,
    NEG,
    POW,
    ROW,
    SUB,
    TABLE,
    WHERE,
    Operation,
)
from backprop_cli.readings.bounds import least_of
from backprop_cli.readings.floats import TOTAL, number
from backprop_cli.readings.formulas import formula, variables
from backprop_cli.readings.target import Language

_CHOICE = -1
_INFIX = frozenset((ADD, SUB, MUL, DIV, NEG))
_FOLDED = frozenset((ADD, SUB, NEG))
_EXACT = 2.0**50
_LONGEST_SLOPE = 48
_SHORT = 6


class Test(NamedTuple):
    """A condition as text, and how tightly it holds together: a JOINED one least, a NAMED most.

    `opposite` is the test it denies, if it does nothing else.
    """

    text: str
    strength: int
    opposite: "Test | None" = None


JOINED, COMPARED, NAMED = 0, 1, 2


class Term(NamedTuple):
    """A part of a formula: its text, its number if it is known, and what it is never below.

    `passes` says when the term is not zero, as a selecting row needs to know: True for always, a
    `Test`, or None where only its value can tell; `taken` is the term where it is not.
    """

    piece: Piece
    number: float | None = None
    passes: "Test | bool | None" = None
    taken: "Term | None" = None
    test: Test | None = None
    least: float = -math.inf


def read_by(operation: Operation, slope: Graph) -> tuple[str, ...]:
    """Return what the function of a slope takes: what its formula reads."""
    return tuple(name for name in variables(operation) if name in slope.inputs)


class Coder:
    """Writes formulas and operations in one language; remembers the rows and calls it used."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.calls: set[str] = set()
        self.rows: dict[str, None] = {}

    # ------------------------------------------------------------------------------- leaves

    def number(self, value: float) -> Term:
        """Return the term of a number."""
        language = self.language
        if value != value:
            return Term(Piece(language.nan), value)
        size = abs(value)
        text = language.infinity if size - size != 0 else repr(size)
        if text.endswith(".0"):
            text = language.whole.format(text[:-2])
        if value < 0 or (value == 0 and str(value)[0] == "-"):
            return Term(Piece(f"-{text}", PRECEDENCE[NEG], True), value, value != 0, least=value)
        return Term(Piece(text), value, value != 0, least=value)

    # --------------------------------------------------------------------------- operations

    def written(self, text: str, variables: Mapping[str, Term]) -> Term:
        """Return a formula of the table over these terms."""
        graph = formula(text)
        return self.terms(graph, variables)[graph.outputs[0]]

    def terms(self, graph: Graph, variables: Mapping[str, Term]) -> list[Term]:
        """Return the terms of all nodes of a formula."""
        names = {node: name for name, node in graph.inputs.items()}
        made: list[Term] = []
        for node, row in enumerate(graph.rows):
            if row == INPUT:
                made.append(variables[names[node]])
            elif row == CONSTANT:
                made.append(self.number(number(graph.literals[node])))
            else:
                made.append(self.apply(row, [made[k] for k in graph.operands_of(node)]))
        return made

    def slope(self, row: int, position: int, given: Mapping[str, Term]) -> Term:
        """Return the local partial of a row; a long one as the call of a function of its own."""
        operation = TABLE[row]
        parameter = operation.parameter_of(position)
        term = self.written(operation.partials[parameter], given)
        if operation.selects or operation.variadic or len(term.piece.text) <= _LONGEST_SLOPE:
            return term
        name = f"{operation.name}_by_{operation.names[parameter]}"
        read = read_by(operation, formula(operation.partials[parameter]))
        return Term(self._own_call(name, [given[each] for each in read]))

    def apply(self, row: int, operands: Sequence[Term]) -> Term:
        """Return one operation over terms, without what adds nothing to it."""
        if row == WHERE:
            return self.choice(*operands)
        if row in COMPARISON_ROWS:
            return self._comparison(row, *operands)
        if row == MUL and -1 in (operands[0].number, operands[1].number):
            row, operands = NEG, [operands[1] if operands[0].number == -1 else operands[0]]
        known = [term.number for term in operands if term.number is not None]
        if row in _FOLDED and len(known) == len(operands):
            folded = TOTAL.function(TABLE[row].name)(*known)
            if folded - folded == 0 and abs(folded) < _EXACT:
                return self.number(folded)
        if len(known) == len(operands) and (self.language.arrays or row == DIV):
            value = TOTAL.function(TABLE[row].name)(*known)
            if self.language.arrays or not known[1] or len(repr(value)) <= _SHORT:
                return self.number(value)
        made = self._simpler(row, operands)
        if made is None and row in _INFIX:
            made = self._infix(row, [term.piece for term in operands])
        if made is None:
            made = Term(self.call(TABLE[row].name, operands))
        least = least_of(row, [term.least for term in operands], operands[-1].number)
        return made._replace(least=max(made.least, least))

    def _simpler(self, row: int, operands: Sequence[Term]) -> Term | None:
        """Return what 1·x, x^1, x^2 and 1/x come to; None for other operations."""
        first, last = operands[0], operands[-1]
        if row == MUL:
            for one, other in ((first, last), (last, first)):
                if one.number == 1:
                    return other
        elif row == POW and last.number == 1:
            return first
        elif row == POW and last.number == 2 and first.piece.text.isidentifier():
            return Term(Piece(f"{first.piece.text}*{first.piece.text}", PRECEDENCE[MUL]))
        elif row == POW and last.number == 2 and "square" in self.language.calls:
            return Term(self.call("square", operands[:1]))
        elif row == DIV and not (last.number or last.least > 0) and "div" in self.language.calls:
            return Term(self.call("div", operands), passes=first.number is not None or None)
        elif row == DIV and first.number == 1:
            return self._infix(row, [first.piece, last.piece])._replace(passes=True)
        return None

    def _infix(self, row: int, operands: Sequence[Piece]) -> Term:
        texts = []
        for position, piece in enumerate(operands):
            wrapped = piece.precedence < 0 or parenthesised(
                row, position, piece.precedence, piece.minus
            )
            texts.append(f"({piece.text})" if wrapped else piece.text)
        if row == NEG:
            return Term(Piece(f"-{texts[0]}", PRECEDENCE[NEG], True))
        return Term(Piece(SIGNS[row].join(texts), PRECEDENCE[row], texts[0].startswith("-")))

    def call(self, name: str, operands: Sequence[Term]) -> Piece:
        """Return the call of a row's function: the target's own, a helper, or its formula's."""
        callee = self.language.calls.get(TABLE[ROW[name]].value if name in ROW else name)
        if callee is None:
            return self._own_call(name, operands)
        self.calls.add(callee)
        texts = [term.piece.text for term in operands]
        listed = ", ".join(texts)
        if callee in self.language.listed:
            fixed = 1 if name in ("pick", "ties") else 0
            rest = self.language.listing.format(", ".join(texts[fixed:]), len(texts) - fixed)
            listed = ", ".join([*texts[:fixed], rest])
        return Piece(f"{callee}({listed})")

    def _own_call(self, name: str, operands: Sequence[Term]) -> Piece:
        """Return the call of a function that is written from a formula of the table."""
        self.rows[name] = None
        known = self.language.known
        listed = (
            term.piece.text if term.number is None else known.format(term.piece.text)
            for term in operands
        )
        return Piece(f"{name}({', '.join(listed)})")

    # ------------------------------------------------------------------ conditions and choices

    def _comparison(self, row: int, left: Term, right: Term) -> Term:
        """Return a comparison: its side where both numbers are known, else a test."""
        sign = TABLE[row].infix
        if left.test is not None and right.number == 0:  # c == 0, c != 0 for a condition c
            test = self.negated(left.test) if sign == "==" else left.test
            return Term(Piece(test.text, 0), test=test)
        if left.number is not None and right.number is not None:
            return self.number(TOTAL.function(TABLE[row].name)(left.number, right.number))
        return Term(Piece("", 0), test=self.compare(sign, left.piece, right.piece))

    def compare(self, sign: str, left: Piece, right: Piece) -> Test:
        """Return the test of two pieces by one of the six signs."""
        sign = {"==": self.language.equal, "!=": self.language.different}.get(sign, sign)
        texts = (f"({p.text})" if p.precedence <= 0 else p.text for p in (left, right))
        return Test(f" {sign} ".join(texts), COMPARED)

    def negated(self, test: Test) -> Test:
        """Return the opposite of a test (NaN included, so no sign is turned round)."""
        if test.opposite is not None:
            return test.opposite
        return Test(self.language.negation.format(self._held(test, NAMED)), NAMED, test)

    def both(self, first: Test, second: Test) -> Test:
        """Return a test that holds where both do."""
        return self._joined(self.language.both, first, second)

    def either(self, first: Test, second: Test) -> Test:
        """Return a test that holds where one of two does."""
        return self._joined(self.language.either, first, second)

    def _joined(self, template: str, first: Test, second: Test) -> Test:
        least = NAMED if self.language.arrays else COMPARED
        return Test(template.format(self._held(first, least), self._held(second, least)), JOINED)

    def _held(self, test: Test, least: int) -> str:
        return test.text if test.strength >= least else f"({test.text})"

    def select(self, test: Test, then: Piece, other: Piece) -> Piece:
        """Return the choice between two pieces."""
        language = self.language
        texts = [test.text, then.text, other.text]
        if "where" in language.calls:
            self.calls.add(language.calls["where"])
        if not language.choice_binds:
            return Piece(language.choice.format(*texts))
        if then.precedence < 0:
            texts[1] = f"({then.text})"
        return Piece(language.choice.format(*texts), _CHOICE)

    def choice(self, condition: Term, then: Term, other: Term) -> Term:
        """Return a `where` of a formula: the side that is known to be taken, or the choice."""
        if condition.number is not None:
            return other if condition.number == 0 else then
        test = condition.test
        if test is None:
            test = self.compare("!=", condition.piece, self.number(0.0).piece)
        passes, taken = self._passing(test, then, other)
        return Term(self.select(test, then.piece, other.piece), passes=passes, taken=taken)

    def _passing(
        self, test: Test, then: Term, other: Term
    ) -> tuple[Test | bool | None, Term | None]:
        """Return when a choice is not zero, and what it is then."""
        if then.number == 0:
            test, then, other = self.negated(test), other, then
        if other.number != 0:
            return (then.passes is True and other.passes is True) or None, None
        passes: Test | bool | None = test
        if isinstance(then.passes, Test):
            passes = self.both(test, then.passes)
        elif then.passes is None:
            passes = None
        return passes, then.taken or then
