"""Random programs of the language, built from the operation table, for property tests.

Programs grow one operation at a time over values that are known at their point, so that every
operation stays inside its domain without anything being thrown away: where an operation would be
undefined or large, a sum takes its place. An intermediate result is either assigned a name, and
may then be shared, or written in place, once.
"""

import math
import re
from collections.abc import Callable
from typing import NamedTuple

from hypothesis import strategies as st

from backprop_cli.calculus.values import forward_values
from backprop_cli.language.parser import parse
from backprop_cli.language.prelude import PRELUDE
from backprop_cli.operations import COMPARISONS, TABLE

OWN = (
    "g1(t) = t*sin(t) + t",
    "g2(t, s=2) = t^2/(1 + s^2)",
    "g3(z...) = sum(z...)/2 - logsumexp(z...)",
    "g4(x1, t) = where(t > x1, g1(t), x1 - t²)",
)
"""Functions of one's own: used before and inside one another, with parameters named as inputs."""

CONSTANTS = ("2", ".5", "3.25", "1e-1", "7", "tau", "(1/3)")
_NAME = re.compile(r"[a-z_][a-z_0-9]*", re.ASCII)
_LARGEST = 50.0
_SMALLEST = 1e-3


class Program(NamedTuple):
    """Definitions, statements as (name, expression), and the point; the last statement is output."""

    definitions: tuple[str, ...]
    statements: tuple[tuple[str, str], ...]
    point: dict[str, float]

    @property
    def text(self) -> str:
        """The program as text."""
        lines = [f"{name} = {expression}" for name, expression in self.statements]
        return "\n".join([*self.definitions, *lines])

    def reordered(self, order: list[str]) -> "Program":
        """Return the program with its statements in another order; the output stays last."""
        at = {name: k for k, name in enumerate(order)}
        first = sorted(self.statements[:-1], key=lambda item: at[item[0]])
        return self._replace(statements=(*first, self.statements[-1]))

    def renamed(self, names: dict[str, str]) -> "Program":
        """Return the program with its inputs under other names; definitions keep theirs."""

        def rename(text: str) -> str:
            return _NAME.sub(lambda match: names.get(match[0], match[0]), text)

        statements = tuple((name, rename(expression)) for name, expression in self.statements)
        point = {names[name]: value for name, value in self.point.items()}
        return self._replace(statements=statements, point=point)

    def needs(self) -> dict[str, set[str]]:
        """Return, for each statement, the statements that it reads."""
        known = {name for name, _ in self.statements}
        return {
            name: known & set(_NAME.findall(expression)) for name, expression in self.statements
        }


class Piece(NamedTuple):
    """An operand: text that can stand anywhere, its value, and whether it may be shared."""

    text: str
    value: float
    named: bool


Writer = Callable[[list[str]], str]


def _call(name: str) -> Writer:
    return lambda operands: f"{name}({', '.join(operands)})"


def _infix(sign: str) -> Writer:
    return lambda operands: f"{operands[0]} {sign} {operands[1]}"


def _where(sign: str) -> Writer:
    return lambda operands: (
        f"where({operands[0]} {sign} {operands[1]}, {operands[2]}, {operands[3]})"
    )


def _forms(elementary: bool) -> list[tuple[Writer, int]]:
    """Return (how it is written, operands) for everything a program can apply."""
    forms: list[tuple[Writer, int]] = [
        (lambda o: f"{o[0]}({o[1]})" if o[0][-1] == ")" else f"3({o[0]})({o[1]})", 2),
        (lambda o: f"2 {o[0]}" if o[0][0].isalpha() else f"2{o[0]}", 1),
        (lambda o: f"({o[0]})²", 1),
        (lambda o: f"-{o[0]}^3", 1),
        (lambda o: f"√({o[0]}² + 1)", 1),
        *((_where(sign), 4) for sign in COMPARISONS),
    ]
    for row in TABLE:
        if row.infix and row.precedence and len(row.parameters) == 2:
            forms.append((_infix(row.infix), 2))
        if not row.called or row.name == "where" or (elementary and row.name in _SPECIAL):
            continue
        if {"k", "n"} & set(row.names):  # takes a whole number first
            forms.append((lambda o, name=row.name: f"{name}(1, {', '.join(o)})", 1 + row.variadic))
        elif row.variadic:
            forms += [(_call(row.name), count) for count in (1, 3)]
        else:
            forms.append((_call(row.name), len(row.parameters)))
    for name, (definition, _) in PRELUDE.items():
        parameters = definition[: definition.index("=", definition.index(")"))].count(",") + 1
        whole = "(k" in definition
        if whole:
            forms.append((lambda o, name=name: f"{name}(0, {', '.join(o)})", 2))
        else:
            forms.append((_call(name), parameters))
    forms += [
        (_call("g1"), 1),
        (_call("g2"), 1),
        (_call("g2"), 2),
        (_call("g3"), 3),
        (_call("g4"), 2),
    ]
    return forms


_SPECIAL = ("gamma", "lgamma", "digamma", "polygamma", "exp_square", "normal_cdf")
ALL_FORMS = _forms(False)
ELEMENTARY_FORMS = _forms(True)
_ADD = _infix("+")


def _value(form: Writer, operands: list[Piece]) -> float:
    names = [f"u{k}" for k in range(len(operands))]
    text = "\n".join([*OWN, form(names)])
    point = {name: piece.value for name, piece in zip(names, operands, strict=True)}
    graph = parse(text, names)
    return float(forward_values(graph, point)[graph.outputs[0]])


def _usable(value: float) -> bool:
    return math.isfinite(value) and abs(value) <= _LARGEST


_numbers = st.one_of(
    st.integers(-3000, 3000).map(lambda k: k / 1000),
    st.integers(-3, 3).map(float),
    st.floats(0.05, 4, allow_nan=False),
)


@st.composite
def programs(draw: st.DrawFn, statements: int = 7, elementary: bool = False) -> Program:
    """Draw a program of up to `statements` operations over up to three inputs, and its point."""
    forms = ELEMENTARY_FORMS if elementary else ALL_FORMS
    inputs = {f"x{k}": draw(_numbers) for k in range(1, draw(st.integers(1, 3)) + 1)}
    pool = [Piece(name, value, True) for name, value in inputs.items()]
    lines: list[tuple[str, str]] = []
    count = draw(st.integers(2, statements))
    for number in range(1, count + 1):
        form, arity = draw(st.sampled_from(forms))
        operands: list[Piece] = []
        for _ in range(arity):
            if draw(st.integers(0, 5)):
                piece = pool[-1 - draw(st.integers(0, len(pool) - 1))]
                if not piece.named:
                    pool.remove(piece)
            else:
                text = draw(st.sampled_from(CONSTANTS))
                piece = Piece(text, _value(lambda _, text=text: text, []), True)
            operands.append(piece)
        value = _value(form, operands)
        if not _usable(value) or (0 < abs(value) < _SMALLEST):
            form = _ADD
            operands = [operands[0], operands[-1]] if arity > 1 else [operands[0], pool[0]]
            if operands[0] is operands[1] and not operands[0].named:
                operands[1] = pool[0]
            value = _value(form, operands)
        expression = form([piece.text for piece in operands])
        if number == count or draw(st.booleans()):
            lines.append((f"y{number}", expression))
            pool.append(Piece(f"y{number}", value, True))
        else:
            pool.append(Piece(f"({expression})", value, False))
    used = set(_NAME.findall(" ".join(expression for _, expression in lines)))
    point = {name: value for name, value in inputs.items() if name in used}
    return Program(OWN, tuple(lines), point)
