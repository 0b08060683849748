"""A graph read as one Python function, for many evaluations of the same small graph.

Interpreting a graph costs a loop, a dispatch and a call for every node; straight-line Python costs
none of these. Writing and compiling it takes some 30 microseconds a node, which pays after about
eighty evaluations, so it is never done for a single one.

What is read once is written where it is read, which spares Python two instructions and a slot;
only long expressions are cut, so that the compiler's own recursion stays shallow. Signs are
exact, so minus signs move outwards: `x + h*-g` is written `x - h*g`.

Every name in the generated text is ours (`v0`, `v1`, ... for nodes, the table's own names for
functions): an input may be called `lambda`, `t` or `exp`, and no text of the user's ever enters.
Like the plain float functions of `floats.py`, the generated function raises where Python's floats
do; its caller then asks the interpreter, which has an answer in the sense of IEEE 754.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from backprop_cli.graph import Graph
from backprop_cli.operations import (
    ADD,
    COMPARISON_ROWS,
    CONSTANT,
    DIV,
    MUL,
    NEG,
    POW,
    SUB,
    TABLE,
    WHERE,
)
from backprop_cli.readings.floats import PLAIN, number
from backprop_cli.readings.formulas import formula


def compiled(graph: Graph, inputs: Sequence[str]) -> Callable[..., tuple[float, ...]]:
    """Return a function from the values of `inputs`, in this order, to those of the outputs.

    It equals the interpreter to a few units in the last place (`x^2` is x·x here), and raises
    ArithmeticError or ValueError where a float function of Python does.
    """
    namespace: dict[str, Any] = {}
    names = {graph.inputs[name]: f"v{graph.inputs[name]}" for name in inputs}
    parameters = list(names.values())
    lines = statements(graph, names, namespace, "v")
    results = "".join(f"{names[node]}, " for node in graph.outputs)
    return defined(parameters, [*lines, f"return ({results})"], namespace)


def defined(
    parameters: Iterable[str], lines: Iterable[str], namespace: dict[str, Any]
) -> Callable[..., Any]:
    """Return a function with this body, a line each; `namespace` has what it calls."""
    body = "".join(f" {line}\n" for line in lines)
    exec(f"def function({', '.join(parameters)}):\n{body}", namespace)
    function: Callable[..., Any] = namespace["function"]
    return function


def statements(
    graph: Graph,
    names: dict[int, str],
    namespace: dict[str, Any],
    prefix: str,
    only: bytearray | None = None,
) -> list[str]:
    """Return the assignments after which every output can be written as `names` then says.

    Nodes that `names` has no name for, and that the outputs need, get one, `prefix` and a number,
    or the expression that stands where they are read; `namespace` gets what is called. With
    `only`, other nodes than these are left out.
    """
    return _Statements(graph, names, namespace, prefix, only).lines()


_SUM, _PRODUCT, _SIGNED, _ATOM = range(4)
"""How tightly expressions of Python hold together."""

_DEEPEST = 40
"""How many operations may stand inside one another in an expression."""

_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


class _Piece(NamedTuple):
    """An expression, whether it is to be negated, and how many operations are nested in it.

    `negative` is the negated expression where it costs nothing, because a number takes the sign.
    """

    text: str
    strength: int = _ATOM
    minus: bool = False
    depth: int = 0
    negative: str = ""

    def signed(self) -> "_Piece":
        """Return the expression with its sign written."""
        if not self.minus:
            return self
        if self.negative:
            return _Piece(self.negative, min(self.strength, _SIGNED), False, self.depth)
        text = f"-({self.text})" if self.strength == _SUM else f"-{self.text}"
        return _Piece(text, min(self.strength, _SIGNED), False, self.depth)

    def within(self, strength: int) -> str:
        """Return the text without its sign, in parentheses unless it holds together tightly."""
        return self.text if self.strength >= strength else f"({self.text})"


def _named(name: str) -> _Piece:
    """Return the piece of a name or of a number, which may begin with a minus sign."""
    minus, text = name.startswith("-"), name.removeprefix("-")
    return _Piece(text, minus=minus, negative="" if text[0].isidentifier() else f"-{text}")


def _sum(left: _Piece, right: _Piece) -> _Piece:
    """Return left + right; of two summands the negative one, if it is one, is subtracted."""
    if left.minus and not right.minus:
        left, right = right, left
    sign = "-" if right.minus else "+"
    text = f"{left.signed().text} {sign} {right.within(_PRODUCT)}"
    return _Piece(text, _SUM, False, 1 + max(left.depth, right.depth))


def _product(sign: str, left: _Piece, right: _Piece) -> _Piece:
    """Return left*right or left/right, the sign outside."""
    first, second = left.within(_PRODUCT), right.within(_SIGNED)
    negative = ""
    if left.negative:
        negative = f"{left.negative} {sign} {second}"
    elif right.negative and right.strength == _ATOM:
        negative = f"{first} {sign} {right.negative}"
    return _Piece(
        f"{first} {sign} {second}",
        _PRODUCT,
        left.minus != right.minus,
        1 + max(left.depth, right.depth),
        negative,
    )


def _number(value: float) -> _Piece:
    text = repr(abs(value))
    return _Piece(text, minus=math.copysign(1.0, value) < 0, negative=f"-{text}")


class _Statements:
    """Writes the nodes of one graph, most of them inside the expressions that read them."""

    def __init__(
        self,
        graph: Graph,
        names: dict[int, str],
        namespace: dict[str, Any],
        prefix: str,
        only: bytearray | None,
    ) -> None:
        self.graph, self.names = graph, names
        self.namespace, self.prefix = namespace, prefix
        needed = graph.dependencies(graph.outputs)
        self._nodes = [
            node
            for node in range(graph.size)
            if needed[node] and node not in names and (only is None or only[node])
        ]
        self._pieces = {node: _named(name) for node, name in names.items()}
        self._conditions = self._only_conditions(needed)
        self._once = self._read_once(needed)
        self._choices: list[int] = []
        """`where`s on one comparison, one behind the other, that are not yet written."""

    def lines(self) -> list[str]:
        """Return the assignments."""
        lines: list[str] = []
        for node in self._nodes:
            row, operands = self.graph.rows[node], self.graph.operands_of(node)
            if row == WHERE and operands[0] in self._conditions:
                if self._choices and self._condition() != operands[0]:
                    lines += self._chosen()
                self._choices.append(node)
                self._call(node)
                continue
            piece = self._written(node)
            literal = row == CONSTANT or (row == NEG and self.graph.rows[operands[0]] == CONSTANT)
            if literal or (node in self._once and piece.depth < _DEEPEST):
                self._pieces[node] = piece
                self.names[node] = piece.signed().text
            else:
                lines += self._chosen()
                self._call(node)
                lines.append(f"{self.names[node]} = {piece.signed().text}")
        return lines + self._chosen()

    def _call(self, node: int) -> None:
        """Give a node its name."""
        self.names[node] = f"{self.prefix}{node}"
        self._pieces[node] = _Piece(self.names[node])

    # ---------------------------------------------------------------- who reads whom

    def _only_conditions(self, needed: bytearray) -> set[int]:
        """Return the comparisons that only `where` reads: they become Python's truth values."""
        rows = self.graph.rows
        conditions = {node for node in self._nodes if rows[node] in COMPARISON_ROWS}
        for node in range(self.graph.size) if conditions else ():
            if needed[node]:
                operands = self.graph.operands_of(node)
                conditions.difference_update(operands[1:] if rows[node] == WHERE else operands)
        return conditions.difference(self.graph.outputs)

    def _read_once(self, needed: bytearray) -> set[int]:
        """Return the nodes that are written once, in the text of another node or as an output."""
        rows, written = self.graph.rows, set(self._nodes)
        seen: set[int] = set()
        several: set[int] = set()
        for node in range(self.graph.size):
            if needed[node]:
                operands = self.graph.operands_of(node)
                if node not in written or not self._reads_once(node):
                    several.update(operands)
                elif rows[node] == WHERE:
                    several.add(operands[0])
                for operand in operands:
                    (several if operand in seen else seen).add(operand)
        for output in self.graph.outputs:
            (several if output in seen else seen).add(output)
        kept = {k for k in written if rows[k] in COMPARISON_ROWS or rows[k] == WHERE}
        return written - several - kept

    def _reads_once(self, node: int) -> bool:
        """Return whether the text of a node has each of its operands once."""
        row, operands = self.graph.rows[node], self.graph.operands_of(node)
        if row == WHERE:
            return operands[0] in self._conditions
        if row == POW and _is_two(self.graph, operands[1]):
            return False
        operation = TABLE[row]
        return operation.name in PLAIN.infix or operation.value.isidentifier()

    # ---------------------------------------------------------------- choices

    def _condition(self) -> int:
        return self.graph.operands_of(self._choices[0])[0]

    def _comparison(self, node: int) -> tuple[str, str, str]:
        """Return a comparison, its opposite, and what is NaN where neither holds, for a NaN."""
        left, right = (self.names[operand] for operand in self.graph.operands_of(node))
        sign = TABLE[self.graph.rows[node]].infix
        different = f"{left} > {right} or {left} < {right}"  # Python's != holds for a NaN
        test, opposite = (
            different if each == "!=" else f"{left} {each} {right}"
            for each in (sign, _OPPOSITE[sign])
        )
        return test, opposite, f"{left} - {right}"

    def _chosen(self) -> list[str]:
        """Return the lines of the `where`s that wait; a NaN compared gives NaN."""
        choices, self._choices = self._choices, []
        if not choices:
            return []
        condition, *_ = self.graph.operands_of(choices[0])
        test = self.names[condition]
        _, opposite, undefined = self._comparison(condition)
        made = [self.names[node] for node in choices]
        then, otherwise = (
            [self.names[self.graph.operands_of(node)[side]] for node in choices] for side in (1, 2)
        )
        if len(choices) == 1:
            rest = f"{otherwise[0]} if {opposite} else {undefined}"
            return [f"{made[0]} = {then[0]} if {test} else {rest}"]
        return [
            f"if {test}:",
            *_assigned(made, then),
            f"elif {opposite}:",
            *_assigned(made, otherwise),
            "else:",
            *_assigned(made, [undefined] * len(made)),
        ]

    # ---------------------------------------------------------------- expressions

    def _written(self, node: int) -> _Piece:
        """Return the expression of a node over those of its operands."""
        row = self.graph.rows[node]
        if row == CONSTANT:
            return self._constant(node)
        if node in self._conditions:
            return _Piece(self._comparison(node)[0])
        operands = self.graph.operands_of(node)
        pieces = [self._pieces[operand] for operand in operands]
        operation = TABLE[row]
        if row in (ADD, SUB):
            left, right = pieces
            return _sum(left, right if row == ADD else right._replace(minus=not right.minus))
        if row in (MUL, DIV):
            return _product(PLAIN.infix[operation.name], *pieces)
        if row == NEG:
            return pieces[0]._replace(minus=not pieces[0].minus)
        if row == POW and _is_two(self.graph, operands[1]):
            return _product("*", pieces[0], pieces[0])
        depth = 1 + max((piece.depth for piece in pieces), default=0)
        texts = [piece.signed().text for piece in pieces]
        if operation.value.isidentifier():
            self.namespace[operation.name] = PLAIN.function(operation.name)
            return _Piece(f"{operation.name}({', '.join(texts)})", depth=depth)
        return _Piece(self._formula(node, dict(zip(operation.names, texts, strict=True))))

    def _constant(self, node: int) -> _Piece:
        value = number(self.graph.literals[node])
        if value - value == 0:
            return _number(value)
        name = f"{self.prefix}n{node}"
        self.namespace[name] = value
        return _Piece(name)

    def _formula(self, node: int, given: Mapping[str, str]) -> str:
        """Return the formula of a row in place: no call, and no side computed but the one taken.

        Its numbers are written into it.
        """
        prefix = f"{self.prefix}n{node}_"
        made: dict[str, Any] = {}
        text, _ = PLAIN.text(formula(TABLE[self.graph.rows[node]].value), given, made, prefix)
        for name, value in made.items():
            if name.startswith(prefix) and math.isfinite(value):
                text = re.sub(rf"\b{name}\b", _number(value).signed().text, text)
            else:
                self.namespace[name] = value
        return text


def _assigned(names: Sequence[str], texts: Sequence[str]) -> list[str]:
    """Return the lines of a block that give these names these values."""
    if len(set(texts)) == 1:
        return [f" {' = '.join(names)} = {texts[0]}"]
    return [f" {name} = {text}" for name, text in zip(names, texts, strict=True)]


def _is_two(graph: Graph, node: int) -> bool:
    return graph.rows[node] == CONSTANT and number(graph.literals[node]) == 2
