"""A graph read as one Python function, for many evaluations of the same small graph.

Interpreting a graph costs a loop, a dispatch and a call for every node; straight-line Python costs
none of these. Writing and compiling it takes some 30 microseconds a node, which pays after 50 to
150 evaluations of value and slopes, so it is never done for a single one.

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
from typing import Any

from backprop_cli.graph import Graph
from backprop_cli.operations import (
    ADD,
    COMPARISON_ROWS,
    CONSTANT,
    DIV,
    MUL,
    NEG,
    OPPOSITE,
    POW,
    SUB,
    TABLE,
    WHERE,
)
from backprop_cli.readings.floats import PLAIN, number
from backprop_cli.readings.formulas import formula
from backprop_cli.readings.python_pieces import Piece, infix, named, number_piece


def python_function(graph: Graph, inputs: Sequence[str]) -> Callable[..., tuple[float, ...]]:
    """Return a function from the values of `inputs`, in this order, to those of the outputs.

    It equals the interpreter to a few units in the last place, and raises ArithmeticError or
    ValueError where a float function of Python does.
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


_DEEPEST = 40
"""How many operations may stand inside one another in an expression."""

_INFIX = (ADD, SUB, MUL, DIV, NEG)


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
        self._pieces = {node: named(name) for node, name in names.items()}
        self._conditions = self._only_conditions(needed)
        self._single = self._read_once(needed)
        rows = graph.rows
        self._once = {
            k for k in self._single if rows[k] != WHERE and rows[k] not in COMPARISON_ROWS
        }
        """The nodes that are written where they are read."""
        self._called: set[int] = set()
        self._condition = -1
        self._choices: dict[int, tuple[Piece, Piece]] = {}
        """What waits to be written in a choice on this condition: its two sides."""

    def lines(self) -> list[str]:
        """Return the assignments."""
        lines: list[str] = []
        for node in self._nodes:
            row, operands = self.graph.rows[node], self.graph.operands_of(node)
            if row == WHERE and operands[0] in self._conditions:
                if self._condition != operands[0]:
                    lines += self._chosen()
                self._condition = operands[0]
                self._choose(node, self._pieces[operands[1]], self._pieces[operands[2]])
                continue
            if self._joins(node):
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
        """Give a node a name: that of an operand which nothing else reads, or a new one."""
        free = (k for k in self.graph.operands_of(node) if k in self._called and k in self._single)
        operand = next(free, None)
        self.names[node] = f"{self.prefix}{node}" if operand is None else self.names[operand]
        self._pieces[node] = Piece(self.names[node])
        self._called.add(node)

    def _choose(self, node: int, then: Piece, otherwise: Piece) -> None:
        self._call(node)
        self._choices[node] = then, otherwise

    def _joins(self, node: int) -> bool:
        """Return whether an operation went into the choice that waits, being its part's reader.

        The part itself then needs no name: `if c: s = s + a*b`, not `t = a*b` and, later,
        `s = s + t`.
        """
        row, operands = self.graph.rows[node], self.graph.operands_of(node)
        parts = [k for k in operands if k in self._choices and k in self._single]
        if row not in _INFIX or not parts:
            return False
        own = {k: (self._pieces[k],) * 2 for k in operands} | {k: self._choices[k] for k in parts}
        then, otherwise = (infix(row, [own[k][side] for k in operands]) for side in (0, 1))
        if max(then.depth, otherwise.depth) >= _DEEPEST:
            return False
        for part in parts:
            del self._choices[part]
            self._called.discard(part)
        self._choose(node, then, otherwise)
        return True

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
        return written - several

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

    def _comparison(self, node: int) -> tuple[str, str, str]:
        """Return a comparison, its opposite, and what is NaN where neither holds, for a NaN."""
        left, right = (self.names[operand] for operand in self.graph.operands_of(node))
        sign = TABLE[self.graph.rows[node]].infix
        different = f"{left} > {right} or {left} < {right}"  # Python's != holds for a NaN
        test, opposite = (
            different if each == "!=" else f"{left} {each} {right}"
            for each in (sign, OPPOSITE[sign])
        )
        return test, opposite, f"{left} - {right}"

    def _chosen(self) -> list[str]:
        """Return the lines of the `where`s that wait; a NaN compared gives NaN."""
        choices, self._choices = self._choices, {}
        if not choices:
            return []
        test = self.names[self._condition]
        _, opposite, undefined = self._comparison(self._condition)
        made = [self.names[node] for node in choices]
        then, otherwise = ([sides[k].signed().text for sides in choices.values()] for k in (0, 1))
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

    def _written(self, node: int) -> Piece:
        """Return the expression of a node over those of its operands."""
        row = self.graph.rows[node]
        if row == CONSTANT:
            return self._constant(node)
        if node in self._conditions:
            return Piece(self._comparison(node)[0])
        operands = self.graph.operands_of(node)
        pieces = [self._pieces[operand] for operand in operands]
        operation = TABLE[row]
        if row in _INFIX:
            return infix(row, pieces)
        if row == POW and _is_two(self.graph, operands[1]):
            return infix(MUL, [pieces[0], pieces[0]])
        depth = 1 + max((piece.depth for piece in pieces), default=0)
        texts = [piece.signed().text for piece in pieces]
        if operation.value.isidentifier():
            self.namespace[operation.name] = PLAIN.function(operation.name)
            return Piece(f"{operation.name}({', '.join(texts)})", depth=depth)
        return Piece(self._formula(node, dict(zip(operation.names, texts, strict=True))))

    def _constant(self, node: int) -> Piece:
        value = number(self.graph.literals[node])
        if value - value == 0:
            return number_piece(value)
        name = f"{self.prefix}n{node}"
        self.namespace[name] = value
        return Piece(name)

    def _formula(self, node: int, given: Mapping[str, str]) -> str:
        """Return the formula of a row in place: no call, and no side computed but the one taken.

        Its numbers are written into it.
        """
        prefix = f"{self.prefix}n{node}_"
        made: dict[str, Any] = {}
        text, _ = PLAIN.text(formula(TABLE[self.graph.rows[node]].value), given, made, prefix)
        for name, value in made.items():
            if name.startswith(prefix) and math.isfinite(value):
                text = re.sub(rf"\b{name}\b", number_piece(value).signed().text, text)
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
