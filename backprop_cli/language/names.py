"""The names under which people meet the nodes of a graph, in every table, file and picture.

Inputs and named intermediates keep their names; an unnamed output is `f`. A constant is its
literal, and a subexpression without inputs, or a comparison, is its own short text (`1/2`,
`x > 0`): a student looks for the names of quantities, not for a name of one half. What remains
is numbered `v1`, `v2`, ... in the order of evaluation, past the names the program uses.

A name that is assigned again is `c`, then `c′2`, `c′3`. The prime is no sign of the language: where
a name must be typed or read by a machine, it is spelled `c_2`.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import count

from backprop_cli.graph import Graph
from backprop_cli.language.notation import ATOM, PRECEDENCE, Piece, literal, write
from backprop_cli.operations import COMPARISON_ROWS, CONSTANT, INPUT

PRIME = "′"
"""Stands between a name that is assigned again and the number of the assignment."""

_PRIMED = re.compile(rf"\w+{PRIME}\d+")
_LONGEST_INLINE = 40
_LEAVES = (INPUT, CONSTANT)


def display_names(graph: Graph) -> list[str]:
    """Return the name of every node, as tables show it.

    A subexpression without inputs whose text is long is numbered like any other node, so that a
    deep chain of constants costs no more than its nodes.
    """
    rows = graph.rows
    names = _given_names(graph)
    used = {*graph.names, *graph.inputs, *graph.labels.values(), *graph.aliases}
    fixed = bytearray(graph.size)
    for node in graph.literals:
        fixed[node] = 1
    number = 0
    for node in range(graph.size):
        row = rows[node]
        if row in _LEAVES:
            continue
        if all(fixed[operand] for operand in graph.operands_of(node)):
            fixed[node] = 1
        if names[node]:
            continue
        if fixed[node] or row in COMPARISON_ROWS:
            text = write(row, pieces(graph, node, names)).text
            if len(text) <= _LONGEST_INLINE or row in COMPARISON_ROWS:
                names[node] = text
                continue
        number += 1
        while f"v{number}" in used:
            number += 1
        names[node] = f"v{number}"
    return names


def _given_names(graph: Graph) -> list[str]:
    """Return the names that need no thought: inputs, literals, labels; else empty."""
    names = [""] * graph.size
    for node, text in graph.literals.items():
        names[node] = text
    for name, node in graph.inputs.items():
        names[node] = name
    for node, label in graph.labels.items():
        names[node] = label
    return names


def typed_names(graph: Graph) -> dict[str, str]:
    """Return how the language spells the names that have a prime: `c′2` is `c_2`, or `c_2_2`, ...

    `c′1`, another name of the first `c`, is among them.
    """
    again = [name for name in (*graph.labels.values(), *graph.aliases) if PRIME in name]
    if not again:
        return {}
    used = {*graph.names, *graph.inputs, *graph.labels.values(), *graph.aliases}
    firsts = dict.fromkeys(f"{label.partition(PRIME)[0]}{PRIME}1" for label in again)
    made: dict[str, str] = {}
    for label in (*again, *firsts):
        stem = label.replace(PRIME, "_")
        names = (stem if k == 1 else f"{stem}_{k}" for k in count(1))
        made[label] = next(name for name in names if name not in used)
        used.add(made[label])
    return made


def shown_nodes(graph: Graph) -> dict[str, int]:
    """Return the node of each name that the program gives and tables show: `c`, `c′2`."""
    nodes = {label: node for node, label in graph.labels.items()}
    return nodes | {name: node for name, (node, _) in graph.aliases.items()}


def typed_nodes(graph: Graph) -> dict[str, int]:
    """Return the node of each name that has a prime, by both spellings: `c′2` and `c_2`."""
    nodes = shown_nodes(graph)
    made: dict[str, int] = {}
    for label, text in typed_names(graph).items():
        node = nodes.get(label, nodes.get(label.removesuffix(f"{PRIME}1")))
        if node is not None:
            made[label] = made[text] = node
    return made


def respelled(text: str, typed: Mapping[str, str]) -> str:
    """Return a text with every name that has a prime as `typed` spells it."""
    return _PRIMED.sub(lambda found: typed.get(found[0], found[0]), text)


def piece(graph: Graph, node: int, names: Sequence[str]) -> Piece:
    """Return the display name of a node as an operand, with what it takes in parentheses."""
    text, row = names[node], graph.rows[node]
    if node in graph.labels or row == INPUT:
        return Piece(text)
    if row == CONSTANT:
        return literal(text)
    if PRECEDENCE[row] == ATOM or text.isidentifier():
        return Piece(text)
    return Piece(text, PRECEDENCE[row], text.startswith("-"))


def pieces(graph: Graph, node: int, names: Sequence[str]) -> list[Piece]:
    """Return the operands of a node as pieces of text, by their display names."""
    return [piece(graph, operand, names) for operand in graph.operands_of(node)]


def node_text(graph: Graph, node: int, names: Sequence[str]) -> str:
    """Return one operation over the display names of its operands, as in `a + b`."""
    row = graph.rows[node]
    if row in _LEAVES:
        return names[node]
    return write(row, pieces(graph, node, names)).text


def has_row(graph: Graph, names: Sequence[str]) -> bytearray:
    """Return a mask of the nodes that get a row in tables.

    These are the operations that depend on an input, comparisons excepted (they are part of
    their `where`), and those without inputs that are too long to stand as text.
    """
    mask = graph.dependents(graph.inputs.values())
    for node in graph.inputs.values():
        mask[node] = 0
    for node, row in enumerate(graph.rows):
        if row in COMPARISON_ROWS:
            mask[node] = 0
        elif row > CONSTANT and not mask[node]:
            mask[node] = node not in graph.labels and names[node].isidentifier()
    return mask


class Naming:
    """The display names of a graph, worked out when the first of them is shown.

    Naming a million nodes takes longer than adding them up, and plain answers name only one.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    @cached_property
    def names(self) -> list[str]:
        """The display name of every node."""
        return display_names(self.graph)

    def of(self, node: int) -> str:
        """Return the display name of one node; cheap where the program itself has named it."""
        label = self.graph.labels.get(node)
        return self.names[node] if label is None else label
