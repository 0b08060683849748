"""A graph as terms: what is the same is one term, what is constant is a number.

Terms are what generated code for many points (`readings/blocks.py`) is written from. A term is a
tuple that begins with its kind; its operands are the numbers of earlier terms. Making a term that
exists gives the one that exists, so shared work is computed once. All rewriting is exact, or as
accurate as the formula of the table; it never leaves out a NaN of a node that a sum would show.

The flags of a gradient graph (does anything flow along this edge?) and the conditions of `where`
become masks, terms of true and false, and are combined as such.

A comparison with a NaN is a NaN in the table and false as a mask. Whoever computes masks must
look at the operands of comparisons for numbers that are not finite.
"""

import math
import sys
from collections.abc import Mapping, Sequence

from backprop_cli.graph import Graph
from backprop_cli.operations import COMPARISON_ROWS, CONSTANT, INPUT, ROW, TABLE
from backprop_cli.readings.floats import TOTAL, number
from backprop_cli.readings.formulas import formula

Term = tuple[str | int | float, ...]

FOR_ARRAYS = {
    "relu": "max(x, 0)",
    "sigmoid": "where(x >= 0, 1, exp(-abs(x)))/(1 + exp(-abs(x)))",
    "softplus": "max(x, 0) + log1p(exp(-abs(x)))",
}
"""Formulas that give the numbers of a row's own with fewer exponentials, where both sides of a
`where` are computed."""

_LARGEST_POWER = 8
_SMALLEST = sys.float_info.min
_COMPARISONS = {TABLE[row].name for row in COMPARISON_ROWS}
_MASKS = {*_COMPARISONS, "not", "and", "or"}


class Terms:
    """The terms of a graph. `of[node]` is the term of a node that `needed` marks."""

    def __init__(
        self, graph: Graph, needed: bytearray, columns: Sequence[str], fixed: Mapping[str, float]
    ) -> None:
        """Take which inputs are columns, in this order, and the numbers of the others."""
        self.terms: list[Term] = []
        self._known: dict[Term, int] = {}
        self.of: dict[int, int] = {}
        for place, name in enumerate(columns):
            if name in graph.inputs:
                self.of[graph.inputs[name]] = self._term("column", place)
        for name, value in fixed.items():
            if name in graph.inputs:
                self.of[graph.inputs[name]] = self.constant(value)
        for node, row in enumerate(graph.rows):
            if row == CONSTANT:
                self.of[node] = self.constant(number(graph.literals[node]))
            elif needed[node] and row != INPUT:
                operands = [self.of[k] for k in graph.operands_of(node)]
                self.of[node] = self.apply(TABLE[row].name, operands)

    def constant(self, value: float) -> int:
        """Return the term of a number (0 and -0 are two, a NaN is one)."""
        return self._term("constant", repr(value), value)

    def value(self, term: int) -> float | None:
        """Return the number of a constant term, else None."""
        made = self.terms[term]
        return float(made[2]) if made[0] == "constant" else None

    def is_mask(self, term: int) -> bool:
        """Return whether a term is true or false rather than a number."""
        return self.terms[term][0] in _MASKS

    def operands(self, term: int) -> tuple[int, ...]:
        """Return the terms that a term reads."""
        made = self.terms[term]
        return () if made[0] in ("constant", "column") else made[1:]  # type: ignore[return-value]

    def apply(self, name: str, operands: list[int]) -> int:
        """Return the term of a row applied to terms."""
        values = [self.value(k) for k in operands]
        numbers = [value for value in values if value is not None]
        if len(numbers) == len(values):
            return self.constant(float(TOTAL.function(name)(*numbers)))
        if name in _COMPARISONS:
            return self._compared(name, operands)
        if name == "where":
            return self._where(*operands)
        if name == "pow" and values[1] is not None:
            return self._power(operands[0], values[1], operands[1])
        if name in ("add", "sub", "mul", "div", "neg", "abs"):
            return self._signed(name, operands)
        if name in ("max", "min"):
            return self._largest(name, operands)
        if name == "sum" and all(self.terms[k][0] == "number" for k in operands):
            return self._counted(operands)
        text = FOR_ARRAYS.get(name, TABLE[ROW[name]].value)
        return self._term(name, *operands) if text.isidentifier() else self._written(name, operands)

    def _term(self, *term: str | int | float) -> int:
        key = term[:2] if term[0] == "constant" else term
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = len(self.terms)
            self.terms.append(term)
        return found

    def _written(self, name: str, operands: list[int]) -> int:
        """Return a row's formula over terms; the formulas of the table nest two or three deep."""
        operation = TABLE[ROW[name]]
        template = formula(FOR_ARRAYS.get(name, operation.value))
        given = dict(zip(operation.names, operands, strict=True))
        made = {node: given[name] for name, node in template.inputs.items() if name in given}
        for node, row in enumerate(template.rows):
            if row == CONSTANT:
                made[node] = self.constant(number(template.literals[node]))
            elif row != INPUT:
                inner = [made[k] for k in template.operands_of(node)]
                made[node] = self.apply(TABLE[row].name, inner)
        return made[template.outputs[0]]

    # -------------------------------------------------------------- arithmetic

    def _negated(self, term: int) -> int | None:
        made = self.terms[term]
        return self.operands(term)[0] if made[0] == "neg" else None

    def _signed(self, name: str, operands: list[int]) -> int:
        """Return a term of + - * / abs, its signs moved outwards (which rounds nothing)."""
        first, second = operands[0], operands[-1]
        if name == "mul":
            return self._product(first, second)
        if name == "neg":
            return self._scaled(-1.0, first)
        plain_first, plain_second = self._negated(first), self._negated(second)
        bare_first = first if plain_first is None else plain_first
        bare_second = second if plain_second is None else plain_second
        if name == "abs":
            return self._term("abs", bare_first)
        if name == "div":
            made = self._term("div", bare_first, bare_second)
            return (
                made if (plain_first is None) == (plain_second is None) else self._term("neg", made)
            )
        if plain_second is not None:
            name = "sub" if name == "add" else "add"
        elif name == "add" and plain_first is not None:
            return self._term("sub", second, plain_first)
        return self._pair(name, first, bare_second)

    def _pair(self, name: str, first: int, second: int) -> int:
        """Return a term of two operands, in one order where the order does not matter."""
        ordered = (first, second) if name == "sub" or first < second else (second, first)
        return self._term(name, *ordered)

    def _factors(self, term: int) -> tuple[float, int]:
        """Return a term as a number (1 or -1 at least) times another term."""
        made = self.terms[term]
        if made[0] == "neg":
            return -1.0, self.operands(term)[0]
        if made[0] == "mul":
            for constant, other in (made[1:], made[:0:-1]):
                value = self.value(int(constant))
                if value is not None:
                    return value, int(other)
        return 1.0, term

    def _scaled(self, factor: float, term: int) -> int:
        """Return a number times a term; numbers that meet are multiplied beforehand."""
        own, bare = self._factors(term)
        merged = factor * own
        if _SMALLEST <= abs(merged) < math.inf:
            factor, term = merged, bare
        if factor == 1:
            return term
        if factor == -1:
            return self._term("neg", term)
        return self._pair("mul", self.constant(factor), term)

    def _product(self, first: int, second: int) -> int:
        """Return a product. Its numbers are gathered if that saves a step and loses no digit."""
        for one, other in ((first, second), (second, first)):
            value = self.value(one)
            if value is not None:
                return self._scaled(value, other)
        (factor, bare), (other_factor, other_bare) = self._factors(first), self._factors(second)
        merged = factor * other_factor
        if abs(factor) == 1 and abs(other_factor) == 1:
            made = self._pair("mul", bare, other_bare)
            return made if merged == 1 else self._term("neg", made)
        # Below 1 the number could push a small factor into underflow.
        if 1 not in (abs(factor), abs(other_factor)) and 1 <= abs(merged) < math.inf:
            first, second = self._scaled(merged, bare), other_bare
        return self._pair("mul", first, second)

    def _power(self, base: int, exponent: float, term: int) -> int:
        """Return a power: small whole ones as products (x*x), as by hand."""
        if exponent == 0.5:
            return self._term("add", *sorted((self._term("sqrt", base), self.constant(0.0))))
        if exponent != int(exponent) if abs(exponent) <= _LARGEST_POWER else True:
            return self._term("pow", base, term)
        if exponent < 0:
            base = self._signed("div", [self.constant(1.0), base])
        count, result = abs(int(exponent)), None
        while count:
            if count & 1:
                result = base if result is None else self._signed("mul", [result, base])
            count >>= 1
            base = self._signed("mul", [base, base]) if count else base
        return self.constant(1.0) if result is None else result

    def _largest(self, name: str, operands: list[int]) -> int:
        """Return max or min of terms, two at a time; of flags, whether any holds."""
        masks = [self.mask_of(k) for k in operands]
        if name == "max" and all(self.terms[k][0] == "number" for k in operands):
            result = masks[0]
            for mask in masks[1:]:
                result = self._term("or", result, mask)
            return self._term("number", result)
        total = operands[0]
        for operand in operands[1:]:
            total = self._term(name, total, operand)
        return total

    def _counted(self, flags: list[int]) -> int:
        """Return how many flags are 1: small whole numbers, which add without rounding."""
        total = flags[0]
        for flag in flags[1:]:
            total = self._pair("add", total, flag)
        return total

    # -------------------------------------------------------------- masks

    def mask_of(self, term: int) -> int:
        """Return the mask of the rows in which a term is not 0 (or the term, if constant)."""
        made = self.terms[term]
        if made[0] == "number":
            return int(made[1])
        if made[0] == "constant" or self.is_mask(term):
            return term
        if made[0] == "where":
            mask, *sides = self.operands(term)
            then, otherwise = (self.value(k) for k in sides)
            if then is not None and otherwise is not None and bool(then) != bool(otherwise):
                return mask if then else self._opposite(mask)
        return self._term("not_equal", term, self.constant(0.0))

    def _opposite(self, mask: int) -> int:
        made = self.terms[mask]
        return self.operands(mask)[0] if made[0] == "not" else self._term("not", mask)

    def _compared(self, name: str, operands: list[int]) -> int:
        first, second = operands
        boolean = self.terms[first][0] in ("number", "where") and self.value(second) == 0
        if boolean and name in ("equal", "not_equal"):
            mask = self.mask_of(first)
            return self._term("number", mask if name == "not_equal" else self._opposite(mask))
        return self._term("number", self._term(name, first, second))

    def _where(self, condition: int, then: int, otherwise: int) -> int:
        decided = self.value(condition)
        if decided is not None:
            return self.constant(decided) if decided != decided else (then if decided else otherwise)  # fmt: skip  # noqa: E501
        if then == otherwise:
            return then
        mask = self.mask_of(condition)
        values = self.value(then), self.value(otherwise)
        if values == (1, 0):
            return self._term("number", mask)
        if values == (0, 1):
            return self._term("number", self._opposite(mask))
        if self.terms[then][0] == "number" and values[1] == 0:
            other = int(self.terms[then][1])
            return self._term("number", mask if mask == other else self._term("and", mask, other))
        return self._term("where", mask, self._under(mask, then), otherwise)

    def _under(self, mask: int, term: int) -> int:
        """Return what a term is in the rows of a mask: there its flag is 1, its choice made."""
        made = self.terms[term]
        if made[0] == "where" and made[1] == mask:
            return self.operands(term)[1]
        if made[0] == "mul":
            first, second = self.operands(term)
            for flag, other in ((first, second), (second, first)):
                if self.terms[flag] == ("number", mask):
                    return other
        return term
