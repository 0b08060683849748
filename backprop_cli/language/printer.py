"""Graph to text: the program in one canonical spelling, which parses back to the same graph.

A statement is written for each named node, for each unnamed node with more than one user (it
must be shared, so it needs a name), for each node that nobody uses, and for the output, last. A
second name of a node, as in `d = c`, has a statement too. Everything else stands in place. The
text is written with a stack of its own, piece by piece, so that depth and size cost nothing but
length.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import NamedTuple

from backprop_cli.graph import Graph
from backprop_cli.language.names import PRIME, display_names, typed_names
from backprop_cli.language.notation import PRECEDENCE, SIGNS, literal, parenthesised, pretty
from backprop_cli.operations import COMPARISON_ROWS, CONSTANT, INPUT, NEG, TABLE

_NEVER_ASSIGNED = COMPARISON_ROWS | {INPUT}
_NUMERALS = {"pi": "3.141592653589793", "e": "2.718281828459045", "tau": "6.283185307179586"}


def program_text(graph: Graph, asked: Mapping[str, int] | None = None) -> str:
    """Return the program as text that parses back to it, if the same names are bound.

    Names that the language cannot spell (`c′2`) are replaced by others (`c_2`). Several
    outputs have no text of their own: the statements are written, and the last is none of them.
    `asked` are names that must have a meaning in the text, with their nodes.
    """
    return "; ".join(statements(graph, asked=asked))


def statements(
    graph: Graph,
    names: Sequence[str] | None = None,
    limit: int = 0,
    asked: Mapping[str, int] | None = None,
) -> Iterator[str]:
    """Yield the statements of the program.

    With display names, they are written as tables show them. A statement longer than `limit`
    characters, if that is given, ends in an ellipsis. `asked` is as in `program_text`.
    """
    layout = _Layout(graph, names, asked or {})
    for node, name in layout.lines:
        if name:
            text = layout.references[node]
        else:
            name, text = layout.assigned.get(node, ""), layout.text(node, limit)
        yield f"{name} = {text}" if name else text
    if layout.trailing:
        yield layout.trailing


def with_name(statement: str, name: str) -> str:
    """Return the last statement of a program, which is `name`, with that name before it."""
    return statement if " = " in statement or statement == name else f"{name} = {statement}"


class Arrangement(NamedTuple):
    """The statements of a program: which nodes they are, under which names.

    Each of `lines` is a node, with another name of it where the statement is `name = node`.
    `references` has the name of every node that is read by name, inputs included; `trailing` is
    the name a program ends with, if its last statement is nothing else.
    """

    lines: list[tuple[int, str]]
    assigned: dict[int, str]
    references: dict[int, str]
    trailing: str


def arrangement(
    graph: Graph, names: Sequence[str], asked: Mapping[str, int] | None = None
) -> Arrangement:
    """Return how `statements` divides the program, for those who write it in another notation."""
    layout = _Layout(graph, names, asked or {})
    return Arrangement(layout.lines, layout.assigned, layout.references, layout.trailing)


class _Layout:
    """Which nodes are statements, under which names, and which of them open with a minus."""

    def __init__(self, graph: Graph, names: Sequence[str] | None, asked: Mapping[str, int]) -> None:
        self.graph = graph
        self.pretty = names is not None
        self.names = display_names(graph) if names is None else names
        self.typed = {} if self.pretty else typed_names(graph)
        self.used: set[str] = set()
        self.trailing = ""
        self.assigned: dict[int, str] = {}
        users = _count_users(graph)
        self._assign_names(users)
        unused = {node for node in range(graph.size) if not users[node]}
        self.references = dict(self.assigned)
        for name, node in graph.inputs.items():
            self.references[node] = name
        roots = {*self.assigned} | unused
        self.lines = self._in_order(roots) if graph.aliases else [(k, "") for k in sorted(roots)]
        self._end(asked)
        self.minus = self._leading_minus()

    def _assign_names(self, users: list[int]) -> None:
        """Find the nodes that are statements because they have a name, or because they need one.

        In tables a constant stands in place however many users it has.
        """
        graph = self.graph
        for node, label in graph.labels.items():
            if PRIME in label or label in graph.names:
                self.assigned[node] = self.typed.get(label, label)
        for node, reads in enumerate(users):
            if reads > 1 and graph.rows[node] not in _NEVER_ASSIGNED and node not in self.assigned:
                name = self.names[node]
                if name.isidentifier() and name not in _NUMERALS:
                    self.assigned[node] = name
                elif not self.pretty:
                    self.assigned[node] = self._fresh()

    def _fresh(self) -> str:
        """Return a name `v1`, `v2`, ... that no node has."""
        self.used = self.used or {*self.graph.names, *self.graph.inputs, *self.names}
        name = next(name for k in count(1) if (name := f"v{k}") not in self.used)
        self.used.add(name)
        return name

    def _in_order(self, roots: set[int]) -> list[tuple[int, str]]:
        """Return the statements where some are `name = node`: those stand where the user had them.

        An input that nobody reads needs no statement of its own where it has one of these.
        """
        graph = self.graph
        told = {node for node, _ in graph.aliases.values() if graph.rows[node] == INPUT}
        places = [(root + 1, root, "") for root in roots - told]
        for name, (node, place) in graph.aliases.items():
            places.append((place, node, self.typed.get(name, name)))
        places.sort(key=lambda line: (line[0], line[2] != ""))
        return [(node, name) for _, node, name in places]

    def _end(self, asked: Mapping[str, int]) -> None:
        """Give the names that were asked for a meaning, and let the program end in its output."""
        told = {*self.lines}
        spelled = ((node, self.typed.get(name, name)) for name, node in asked.items())
        again = [
            (node, name)
            for node, name in spelled
            if (node, name) not in told and self.references.get(node, self.names[node]) != name
        ]
        # What `c` meant before must have been read when `c = c_2` stands there.
        again.sort(key=lambda line: line[1] in self.assigned.values())
        output = self.graph.outputs[0] if len(self.graph.outputs) == 1 else -1
        if output >= 0 and (not self.lines or [*self.lines, *again][-1][0] != output):
            other = (
                name for name, node in asked.items() if (output, name) in told and node == output
            )
            self.trailing = next(other, "") or self._called(output)
        self.lines += [line for line in again if line[1] != self.trailing]

    def _called(self, output: int) -> str:
        """Return the name of the output, which is not the last statement by itself."""
        if self.graph.rows[output] == INPUT:
            return self.names[output]
        if output not in self.assigned:
            self.references[output] = self.assigned[output] = self.names[output]
        return self.assigned[output]

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
