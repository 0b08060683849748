"""SymPy expressions written in the calculator's own language.

What SymPy answers is printed so that it can be typed back: `a + 2*b + c`, `x^2`, `where(...)`.
An expression that the language cannot say (a derivative that SymPy left standing, a complex or
infinite number) is refused with `NoClosedForm`.
"""

from collections.abc import Iterator
from typing import Any

import sympy
from sympy.logic.boolalg import BooleanAtom
from sympy.printing.precedence import PRECEDENCE
from sympy.printing.str import StrPrinter

from backprop_cli.readings.symbols import NoClosedForm

LONGEST = 400
"""Expressions with more operations than this are not written out: nobody would read them."""

_TIDIED = range(6, 61)
_TRIMMED = 12

_NAMES = {
    "Abs": "abs",
    "Max": "max",
    "Min": "min",
    "ceiling": "ceil",
    "loggamma": "lgamma",
}
_SAME = "log sin cos tan sec csc cot asin acos atan atan2 sinh cosh tanh asinh acosh atanh"
_NAMES |= {name: name for name in f"{_SAME} exp sign floor erf erfc gamma".split()}
_SIGNS = {
    sympy.Lt: "<",
    sympy.Le: "<=",
    sympy.Gt: ">",
    sympy.Ge: ">=",
    sympy.Eq: "==",
    sympy.Ne: "!=",
}


def formula_text(expression: Any) -> str:
    """Return an expression as a formula of the language.

    The shortest of a few equal forms is taken. Raises `NoClosedForm` where there is none; the
    text is empty where it would be too long to read.
    """
    size = tree_size(expression)
    if size > LONGEST:
        return ""
    text = plain_text(expression)
    if size not in _TIDIED:
        return text
    return min([text, *_other_forms(expression)], key=len)


def _other_forms(expression: Any) -> Iterator[str]:
    """Yield the text of forms that often are shorter, where SymPy can make them."""
    for form in (sympy.factor_terms, sympy.together):
        try:
            yield plain_text(form(expression))
        except (NoClosedForm, ArithmeticError, ValueError, TypeError, AttributeError):
            continue


def plain_text(expression: Any) -> str:
    """Return an expression as it stands, as a formula of the language."""
    return str(_Printer({item.name for item in expression.free_symbols}).doprint(expression))


def factor_text(expression: Any) -> str:
    """Return an expression as a factor of a product: a sum stands in parentheses."""
    text = formula_text(expression)
    return f"({text})" if _looks_like_sum(text) else text


def _looks_like_sum(text: str) -> bool:
    """Return whether a + or - joins terms at the outer level of a formula."""
    depth = 0
    for position, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if not depth and text[position : position + 3] in (" + ", " - "):
            return True
    return False


def tree_size(expression: Any) -> int:
    """Return how many operations and names an expression has, written out.

    Shared parts are counted as often as they occur, but visited once.
    """
    sizes: dict[int, int] = {}
    stack = [expression]
    while stack:
        item = stack[-1]
        waiting = [part for part in item.args if id(part) not in sizes]
        if waiting:
            stack.extend(waiting)
            continue
        stack.pop()
        sizes[id(item)] = 1 + sum(sizes[id(part)] for part in item.args)
    return sizes[id(expression)]


def _decimal(value: float) -> str:
    """Return the shortest text of a double; 0.30000000000000004, a trace of rounding, is 0.3."""
    trimmed = f"{value:.15g}"
    digits = trimmed.partition("e")[0].replace(".", "").strip("-0")
    text = trimmed if len(digits) <= _TRIMMED else repr(value)
    mantissa, _, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa


class _Printer(StrPrinter):  # type: ignore[misc]
    """Writes SymPy's expressions in the language; methods are named as SymPy's printers want."""

    def __init__(self, taken: set[str]) -> None:
        super().__init__()
        self.taken = taken

    def _print_Symbol(self, expr: Any) -> str:  # noqa: N802
        return str(expr.name)

    def _print_Float(self, expr: Any) -> str:  # noqa: N802
        value = float(expr)
        if value - value != 0 or (value == 0 and expr != 0):
            raise NoClosedForm("a number of the formula is beyond float64")
        return _decimal(value)

    def _print_Integer(self, expr: Any) -> str:  # noqa: N802
        text = str(expr.p)
        return text if len(text) <= 20 else self._print_Float(expr)

    def _print_Rational(self, expr: Any) -> str:  # noqa: N802
        text = f"{expr.p}/{expr.q}"
        return text if len(text) <= 24 else self._print_Float(expr)

    def _print_Pi(self, expr: Any) -> str:  # noqa: N802
        return "acos(-1)" if "pi" in self.taken else "pi"

    def _print_Exp1(self, expr: Any) -> str:  # noqa: N802
        return "exp(1)" if "e" in self.taken else "e"

    def _print_Pow(self, expr: Any, rational: bool = False) -> str:  # noqa: N802
        base, exponent = expr.args
        if exponent == sympy.S.Half:
            return f"sqrt({self._print(base)})"
        if exponent.is_Number and exponent.is_negative:
            below = base if exponent == -1 else sympy.Pow(base, -exponent, evaluate=False)
            return f"1/{self.parenthesize(below, PRECEDENCE['Mul'])}"
        level = PRECEDENCE["Pow"]
        return f"{self.parenthesize(base, level)}^{self.parenthesize(exponent, level)}"

    def _print_Function(self, expr: Any) -> str:  # noqa: N802
        name = _NAMES.get(type(expr).__name__)
        if name is None:
            return self._other(expr)
        return f"{name}({', '.join(self._print(argument) for argument in expr.args)})"

    _print_Max = _print_Min = _print_Abs = _print_Function  # noqa: N815

    def _print_polygamma(self, expr: Any) -> str:
        order, argument = (self._print(part) for part in expr.args)
        return f"digamma({argument})" if order == "0" else f"polygamma({order}, {argument})"

    def _print_Heaviside(self, expr: Any) -> str:  # noqa: N802
        return f"where({self._print(_positive(expr.args[0]))}, 1, 0)"

    def _print_Piecewise(self, expr: Any) -> str:  # noqa: N802
        text = ""
        for value, condition in reversed(expr.args):
            if condition == sympy.true:
                text = self._print(value)
            else:
                text = self._choice(condition, self._print(value), text or "0/0")
        return text

    def _choice(self, condition: Any, chosen: str, other: str) -> str:
        """Return `where(...)`; and, or become one `where` inside another."""
        if isinstance(condition, sympy.Not):
            return self._choice(condition.args[0], other, chosen)
        if isinstance(condition, sympy.And):
            for part in reversed(condition.args):
                chosen = self._choice(part, chosen, other)
            return chosen
        if isinstance(condition, sympy.Or):
            for part in reversed(condition.args):
                other = self._choice(part, chosen, other)
            return other
        if isinstance(condition, sympy.ITE):  # SymPy's where among conditions
            test, first, second = condition.args
            inside = (self._choice(part, chosen, other) for part in (first, second))
            return self._choice(test, *inside)
        if isinstance(condition, BooleanAtom):
            return chosen if condition else other
        return f"where({self._print(condition)}, {chosen}, {other})"

    def _print_Relational(self, expr: Any) -> str:  # noqa: N802
        return f"{self._print(expr.lhs)} {_SIGNS[type(expr)]} {self._print(expr.rhs)}"

    def _other(self, expr: Any) -> str:
        """Write a constant that the language has no name for as a number; refuse the rest."""
        if getattr(expr, "is_real", False) and expr.is_number:
            return self._print_Float(expr.evalf(30))
        raise NoClosedForm(f"SymPy has no closed form here ({type(expr).__name__})")

    def _infinite(self, expr: Any) -> str:
        raise NoClosedForm("a part of the formula is not finite")

    def _complex(self, expr: Any) -> str:
        raise NoClosedForm("a part of the formula is a complex number")

    def _as_ordered_terms(self, expr: Any, order: Any = None) -> list[Any]:
        """Return the terms of a sum, beginning with one that has no minus sign: y - x."""
        terms = list(super()._as_ordered_terms(expr, order))
        plus = [term for term in terms if not term.could_extract_minus_sign()]
        if plus and plus[0] is not terms[0]:
            terms.remove(plus[0])
            terms.insert(0, plus[0])
        return terms

    emptyPrinter = _print_Basic = _print_Derivative = _print_Subs = _other  # noqa: N815
    _print_ComplexInfinity = _print_Infinity = _print_NegativeInfinity = _infinite  # noqa: N815
    _print_NaN, _print_ImaginaryUnit = _infinite, _complex  # noqa: N815
    _print_NumberSymbol = _print_EulerGamma = _print_Catalan = _print_GoldenRatio = _other  # noqa: N815
    _print_Dummy = _print_AppliedUndef = _print_DiracDelta = _print_Integral = _other  # noqa: N815


def _positive(expression: Any) -> Any:
    """Return `expression > 0` as people write it: x > y for x - y, x > -1 for x + 1."""
    terms = sympy.Add.make_args(expression)
    right = [t for t in terms if t.is_Number or t.could_extract_minus_sign()]
    left = [t for t in terms if t not in right]
    if left:
        return sympy.Gt(sympy.Add(*left), -sympy.Add(*right), evaluate=False)
    number = [t for t in right if t.is_Number]
    return sympy.Lt(
        -sympy.Add(*(t for t in right if t not in number)), sympy.Add(*number), evaluate=False
    )
