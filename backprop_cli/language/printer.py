"""Graph to text: the program in one canonical spelling, which parses back to the same graph.

A statement is written for each named node, for each unnamed node with more than one user (it
must be shared, so it needs a name), for each node that nobody uses, and for the output, last.
Everything else stands in place. The text is written with a stack of its own, piece by piece, so
that depth and size cost nothing but length.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from backprop_cli.graph import Graph
from backprop_cli.language.names import display_names
from backprop_cli.language.notation import PRECEDENCE, SIGNS, literal, parenthesised, pretty
from backprop_cli.operations import COMPARISON_ROWS, CONSTANT, INPUT, NEG, TABLE

_NEVER_ASSIGNED = COMPARISON_ROWS | {INPUT}
_NUMERALS = {"pi": "3.141592653589793", "e": "2.718281828459045", "tau": "6.283185307179586"}


def program_text(graph: Graph) -> str:
    """Return the graph as text that parses back to it, if the same names are bound.

    Names that the language cannot spell (`c′2`) are replaced by new ones (`c_2`). Several
    outputs have no text of their own: the statements are written, and the last is none of them.
    """
    return "; ".join(statements(graph))


def statements(graph: Graph, names: Sequence[str] | None = None, limit: int = 0) -> Iterator[str]:
    """Yield the statements of the program.

    With display names, they are written as tables show them. A statement longer than `limit`
    characters, if that is given, ends in an ellipsis.
    """
    layout = _Layout(graph, names)
    for node in layout.roots:
        name = layout.assigned.get(node, "")
        text = layout.text(node, limit)
        yield f"{name} = {text}" if name else text
    if layout.trailing:
        yield layout.trailing


class Arrangement(NamedTuple):
    """The statements of a program: which nodes they are, under which names.

    `references` has the name of every node that is read by name, inputs included; `trailing` is
    the name a program ends with, if its last statement is nothing else.
    """

    roots: list[int]
    assigned: dict[int, str]
    references: dict[int, str]
    trailing: str


def arrangement(graph: Graph, names: Sequence[str]) -> Arrangement:
    """Return how `statements` divides the program, for those who write it in another notation."""
    layout = _Layout(graph, names)
    return Arrangement(layout.roots, layout.assigned, layout.references, layout.trailing)


class _Layout:
    """Which nodes are statements, under which names, and which of them open with a minus."""

    def __init__(self, graph: Graph, names: Sequence[str] | None) -> None:
        self.graph = graph
        self.pretty = names is not None
        self.names = display_names(graph) if names is None else names
        self.used: set[str] = set()
        self.trailing = ""
        self.assigned: dict[int, str] = {}
        users = _count_users(graph)
        self._assign_names(users)
        output = graph.outputs[0] if len(graph.outputs) == 1 else -1
        unused = (node for node in range(graph.size) if not users[node])
        self.roots = sorted({*self.assigned, *unused})
        if output >= 0 and (not self.roots or self.roots[-1] != output):
            self._end_with(output)
        self.references = dict(self.assigned)
        for name, node in graph.inputs.items():
            self.references[node] = name
        self.minus = self._leading_minus()

    def _assign_names(self, users: list[int]) -> None:
        """Find the nodes that are statements because they have a name, or because they need one.

        In tables a constant stands in place however many users it has.
        """
        graph = self.graph
        for node, label in graph.labels.items():
            if "′" in label:
                self.assigned[node] = label if self.pretty else self._fresh(label.replace("′", "_"))
            elif label in graph.names:
                self.assigned[node] = label
        for node, count in enumerate(users):
            if count > 1 and graph.rows[node] not in _NEVER_ASSIGNED and node not in self.assigned:
                name = self.names[node]
                if name.isidentifier() and name not in _NUMERALS:
                    self.assigned[node] = name
                elif not self.pretty:
                    self.assigned[node] = self._fresh("v")

    def _fresh(self, stem: str) -> str:
        """Return a name that no node has: the stem itself, or the stem with a number."""
        self.used = self.used or {*self.graph.names, *self.graph.inputs, *self.names}
        name, number = stem, 1
        while name in self.used or name == "v":
            name = f"v{number}" if stem == "v" else f"{stem}_{number}"
            number += 1
        self.used.add(name)
        return name

    def _end_with(self, output: int) -> None:
        """Let the program end in the output, which is not the last statement by itself."""
        if self.graph.rows[output] == INPUT:
            self.trailing = self.names[output]
            return
        if output not in self.assigned:
            self.assigned[output] = self.names[output]
        self.trailing = self.assigned[output]

    def _leading_minus(self) -> bytearray:
        """Return a mask of the nodes whose text begins with a minus sign."""
        graph = self.graph
        minus = bytearray(graph.size)
        for node, row in enumerate(graph.rows):
            if row == NEG:
                minus[node] = 1
            elif SIGNS[row]:
                first = graph.firsts[node]
                if minus[first] and first not in self.references:
                    minus[node] = not parenthesised(row, 0, PRECEDENCE[graph.rows[first]], True)
        return minus

    def text(self, root: int, limit: int) -> str:
        """Return the text of one statement, without its name."""
        written: list[str] = []
        length = 0
        stack: list[str | int] = []
        self._open(root, stack)
        while stack:
            item = stack.pop()
            if isinstance(item, int):
                if item not in self.references:
                    self._open(item, stack)
                    continue
                item = self.references[item]
            written.append(item)
            length += len(item)
            if limit and length > limit:
                written.append(" …")
                break
        text = "".join(written)
        return pretty(text) if self.pretty else text

    def _open(self, node: int, stack: list[str | int]) -> None:
        """Put the parts of one node on the stack, the first on top."""
        row = self.graph.rows[node]
        if row == INPUT:
            stack.append(self.references[node])
            return
        if row == CONSTANT:
            stack.append(self._literal(node))
            return
        parts: list[str | int] = []
        if row == NEG:
            parts.append("-")
        elif not SIGNS[row]:
            parts.append(f"{TABLE[row].name}(")
        between = SIGNS[row] or ", "
        for position, operand in enumerate(self.graph.operands_of(node)):
            if position:
                parts.append(between)
            parts.extend(("(", operand, ")") if self._wraps(row, position, operand) else (operand,))
        if not SIGNS[row]:
            parts.append(")")
        stack.extend(reversed(parts))

    def _wraps(self, row: int, position: int, operand: int) -> bool:
        """Return whether an operand is written in parentheses."""
        if operand in self.references:
            return False
        inner = self.graph.rows[operand]
        if inner == CONSTANT:
            text = literal(self.graph.literals[operand])
            return parenthesised(row, position, text.precedence, text.minus)
        return parenthesised(row, position, PRECEDENCE[inner], bool(self.minus[operand]))

    def _literal(self, node: int) -> str:
        """Return a constant's literal; a number where an input has taken the name `pi`."""
        text = self.graph.literals[node]
        return _NUMERALS[text] if text in _NUMERALS and text in self.graph.names else text


def _count_users(graph: Graph) -> list[int]:
    """Return how often each node is read.

    A comparison cannot be named, so it is written again for each of its users, and what it
    compares is then read as often.
    """
    users = [0] * graph.size
    for node in range(graph.size):
        for operand in graph.operands_of(node):
            users[operand] += 1
    for node in range(graph.size - 1, -1, -1):
        if users[node] > 1 and graph.rows[node] in COMPARISON_ROWS:
            for operand in graph.operands_of(node):
                users[operand] += users[node] - 1
    return users
