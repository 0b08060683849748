"""A graph read by SymPy: each node becomes a SymPy expression over real symbols.

This is the reading behind the independent witness, so it uses how a row spells its *function* and
never its partials. Expressions are built from our graph, node by node and without recursion;
SymPy's own readers of text evaluate Python, and take `S`, `E` or `lambda` for something else, so
no text of a user ever reaches them. Numbers are the exact doubles that the float sweeps use.

SymPy computes with integers of any size, which is more than is wanted of `9^9^9^9` or of
gamma(10^10): where an exact number would be astronomically long, a Float of 40 digits is used.
Only the process that runs the witness imports this file: importing SymPy takes half a second.
"""

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any

import sympy

from backprop_cli.graph import Graph
from backprop_cli.operations import ADD, CONSTANT, MUL, ROW, SUB, TABLE
from backprop_cli.readings.formulas import formula

DIGITS = 40
"""The digits that an inexact number carries inside an expression."""

_LARGEST_DENOMINATOR = 64
_LONGEST_POWER = 4096
_LARGEST_EXPONENT = 10**15
_LARGEST_EXACT_ARGUMENT = 100
_CHAINS = {ADD: sympy.Add, SUB: sympy.Add, MUL: sympy.Mul}


class NoClosedForm(Exception):
    """SymPy cannot say this: the message is the reason, in words for people."""


def symbol(name: str) -> Any:
    """Return the real symbol of this name, whatever the name means to SymPy."""
    return sympy.Symbol(name, real=True)


def number(literal: str) -> Any:
    """Return the exact double of a literal; a named constant is exact.

    Integers and short fractions (0.5, 0.75) are exact rationals, which SymPy prints and
    simplifies well; other doubles are Floats, so that 0.1 stays 0.1 in print.
    """
    named = {"pi": sympy.pi, "e": sympy.E, "tau": 2 * sympy.pi}.get(literal)
    if named is not None:
        return named
    value = float(literal)
    if value - value != 0:
        raise NoClosedForm(f"{literal} is beyond the largest float64")
    fraction = Fraction(value)
    if fraction.denominator <= _LARGEST_DENOMINATOR and abs(value) < 2**53:
        return sympy.Rational(fraction.numerator, fraction.denominator)
    return sympy.Float(value, DIGITS)


def expressions(
    graph: Graph,
    nodes: Iterable[int],
    known: Mapping[int, Any] | None = None,
    steps: dict[Any, Any] | None = None,
) -> list[Any]:
    """Return the expression of each of `nodes`.

    `known` maps nodes to expressions that stand for them: the graph is cut there. With `steps`,
    what is constant between its jumps (sign, floor, ceil) becomes a symbol of its own, recorded
    there with its meaning, so that its slope is 0 and SymPy has no generalised function to make.
    """
    wanted = list(nodes)
    made = {node: symbol(name) for name, node in graph.inputs.items()} | dict(known or {})
    needed, inner = _survey(graph, wanted, made)
    chains: dict[int, list[Any]] = {}
    for node in range(graph.size):
        if not needed[node] or node in made:
            continue
        row, operands = graph.rows[node], graph.operands_of(node)
        if row == CONSTANT:
            made[node] = number(graph.literals[node])
        elif row in _CHAINS:
            first, second = operands
            parts = chains.pop(first) if first in chains else [made[first]]
            parts.append(-made[second] if row == SUB else made[second])
            if inner[node]:
                chains[node] = parts
            else:
                made[node] = _CHAINS[row](*parts)
        else:
            made[node] = _applied(TABLE[row].name, [made[k] for k in operands], steps)
    return [made[node] for node in wanted]


def _survey(
    graph: Graph, wanted: list[int], made: Mapping[int, Any]
) -> tuple[bytearray, bytearray]:
    """Return masks: the nodes to be built, and those that only continue a chain.

    a + b + c + ... is one sum with many terms, made at once: adding them one by one would take
    SymPy time that grows with the square of their number.
    """
    needed, inner, users = bytearray(graph.size), bytearray(graph.size), bytearray(graph.size)
    for node in wanted:
        needed[node], users[node] = 1, 2
    for node in range(graph.size - 1, -1, -1):
        if not needed[node] or node in made:
            continue
        operator = _CHAINS.get(graph.rows[node])
        for position, operand in enumerate(graph.operands_of(node)):
            needed[operand] = 1
            users[operand] = min(users[operand] + 1, 2)
            joins = operator is not None and operator is _CHAINS.get(graph.rows[operand])
            inner[operand] = joins and position == 0 and users[operand] == 1 and operand not in made
    return needed, inner


def reading(text: str, values: Mapping[str, Any]) -> Any:
    """Return a formula of the table over the expressions of its variables."""
    graph = formula(text)
    known = {node: values[name] for name, node in graph.inputs.items()}
    return expressions(graph, graph.outputs, known)[0]


def spelled(name: str, arguments: list[Any]) -> Any:
    """Return the operation `name` of these expressions, as its row spells it for SymPy."""
    function = _FUNCTIONS.get(name)
    if function is not None:
        return function(*arguments)
    operation = TABLE[ROW[name]]
    return reading(operation.sympy, dict(zip(operation.names, arguments, strict=True)))


def _applied(name: str, arguments: list[Any], steps: dict[Any, Any] | None) -> Any:
    """Return an operation; what is constant between jumps is put into `steps` and named."""
    if steps is None or name not in ("sign", "floor", "ceil", "abs"):
        return spelled(name, arguments)
    (argument,) = arguments
    if name == "abs":
        # |u| = u·sign(u). SymPy takes u for complex unless it can prove it real, as in |log(x)|.
        if argument.is_extended_real:
            return sympy.Abs(argument)
        return argument * _applied("sign", arguments, steps)
    value = spelled(name, arguments)
    if value.is_number:
        return value
    step = sympy.Dummy(f"step{len(steps)}", real=True)
    steps[step] = value
    return step


def _power(base: Any, exponent: Any) -> Any:
    """Return base^exponent, as a Float where the exact number would be absurdly long."""
    if base.is_number and exponent.is_number and base not in (0, 1, -1):
        if exponent.is_Integer and base.is_Rational:
            length = max(base.p.bit_length(), base.q.bit_length())
            if abs(exponent) * length > _LONGEST_POWER:
                base = sympy.Float(base, DIGITS)
        if (exponent.is_Rational or exponent.is_Float) and abs(exponent) > _LARGEST_EXPONENT:
            raise NoClosedForm("a power of numbers is too large to write")
    return base**exponent


def _moderate(argument: Any) -> Any:
    """Return a large exact number as a Float: SymPy would work out gamma(10^10) in full."""
    if argument.is_Rational and abs(argument) > _LARGEST_EXACT_ARGUMENT:
        return sympy.Float(argument, DIGITS)
    return argument


def _log_gamma(x: Any) -> Any:
    if x.is_number and x.is_negative:
        return sympy.log(sympy.Abs(sympy.gamma(_moderate(x))))
    return sympy.loggamma(_moderate(x))


def _polygamma(order: Any, x: Any) -> Any:
    if not (order.is_Integer and order >= 0):
        raise NoClosedForm("the order of polygamma must be a whole number")
    return sympy.polygamma(order, _moderate(x))


def _pick(index: Any, *choices: Any) -> Any:
    if index.is_Integer and 0 <= index < len(choices):
        return choices[int(index)]
    branches = [(choice, sympy.Eq(index, k)) for k, choice in enumerate(choices)]
    return sympy.Piecewise(*branches, (sympy.nan, True))


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "neg": lambda x: -x,
    "pow": _power,
    "less": sympy.Lt,
    "less_equal": sympy.Le,
    "greater": sympy.Gt,
    "greater_equal": sympy.Ge,
    "equal": sympy.Eq,
    "not_equal": sympy.Ne,
    "where": lambda c, a, b: sympy.Piecewise((a, c), (b, True)),
    "expm1": lambda x: sympy.exp(x) - 1,
    "abs": sympy.Abs,
    "ceil": sympy.ceiling,
    "min": sympy.Min,
    "max": sympy.Max,
    "pick": _pick,
    "gamma": lambda x: sympy.gamma(_moderate(x)),
    "lgamma": _log_gamma,
    "digamma": lambda x: _polygamma(sympy.Integer(0), x),
    "polygamma": _polygamma,
    "sum": sympy.Add,
    "mean": lambda *z: sympy.Add(*z) / len(z),
    "logsumexp": lambda *z: sympy.log(sympy.Add(*(sympy.exp(x) for x in z))),
}
_SAME_NAME = "exp log sqrt sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh"
_FUNCTIONS |= {name: getattr(sympy, name) for name in f"{_SAME_NAME} sign floor erf".split()}
