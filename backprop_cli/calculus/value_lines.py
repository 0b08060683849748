"""The values of a program as lines of code: the forward pass of a derivation."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from backprop_cli.calculus.values import forward_values
from backprop_cli.graph import Graph
from backprop_cli.language.names import display_names
from backprop_cli.language.notation import Piece
from backprop_cli.operations import (
    COMPARISON_ROWS,
    CONSTANT,
    DIV,
    INPUT,
    OPPOSITE,
    POW,
    TABLE,
    WHERE,
)
from backprop_cli.readings.bounds import is_inside, is_undefined_at_infinity, overflows
from backprop_cli.readings.floats import number
from backprop_cli.readings.library import words_of
from backprop_cli.readings.source import Coder, Term
from backprop_cli.readings.target import Language

VALUE, SEED, TEST, HELP, PRODUCT = "value", "seed", "test", "help", "product"
"""The kinds of line: a value, the starting 1, a test, a number that slopes share, a product."""


class Draft(NamedTuple):
    """A line before it is known whether it is needed, and whether more is added to its name."""

    kind: str
    name: str
    text: str
    node: int
    operand: int = -1


class Names:
    """Names of the code, each given once."""

    def __init__(self, reserved: Iterable[str], ascii_only: bool) -> None:
        self.taken = set(reserved)
        self.ascii_only = ascii_only

    def spelled(self, shown: str) -> str:
        """Return how the code spells a name, whether or not it is taken."""
        text = shown.replace("′", "_")
        if self.ascii_only:  # C, which keeps every name like `_Bool` and `__asm__` for itself
            text = re.sub(r"[^\x00-\x7f]|^_(?=[_A-Z])", lambda found: f"u{ord(found[0]):04x}", text)
        return text

    def new(self, shown: str) -> str:
        """Return a name that is not taken, as near to this one as can be."""
        text = self.spelled(shown)
        while text in self.taken:
            text += "_"
        self.taken.add(text)
        return text


class ValueLines:
    """Names the nodes of a program and writes their values, as far as `output` needs them.

    `shown` are the names that people read and `code` those of the code; `terms[k]` is what others
    read of node k. `doubtful` marks the nodes that may be undefined at a finite point; `shaped`
    are the names that hold arrays, where the language has arrays.
    """

    def __init__(
        self, graph: Graph, output: int, language: Language, taken: frozenset[str]
    ) -> None:
        self.graph, self.output, self.language = graph, output, language
        self.coder = Coder(language)
        self.names = Names(language.reserved | taken, language.ascii_names)
        self.needed = graph.dependencies((output, *graph.inputs.values()))
        self.free = graph.dependents(graph.inputs.values())
        self.shown = display_names(graph)
        if not (self._has_line(output) or graph.rows[output] == INPUT):
            self.shown[output] = "f"
        self.doubtful = bytearray(graph.size)
        self.unbounded = bytearray(graph.size)
        self.terms: list[Term] = [Term(Piece(""))] * graph.size
        self.code: dict[int, str] = {}
        self.shaped: set[str] = set()
        self.drafts: list[Draft] = []
        self._name_nodes()
        self._write()

    def _has_line(self, node: int) -> bool:
        """Return whether a node is computed in a line of its own, and not in place."""
        row = self.graph.rows[node]
        if row == INPUT or row in COMPARISON_ROWS:
            return False
        return node in self.graph.labels or (row > CONSTANT and self.shown[node].isidentifier())

    def _name_nodes(self) -> None:
        """Give names to the inputs, then to the other nodes that have a line, the output too."""
        own = [node for node in range(self.graph.size) if self._named(node)]
        for node in sorted(own, key=lambda node: self.graph.rows[node] != INPUT):
            self.code[node] = self.names.new(self.shown[node])

    def _named(self, node: int) -> bool:
        if self.graph.rows[node] == INPUT or node == self.output:
            return True
        return bool(self.needed[node]) and self._has_line(node)

    def _write(self) -> None:
        graph = self.graph
        fixed = forward_values(graph, dict.fromkeys(graph.inputs, 0.0))
        for node in range(graph.size):
            if graph.rows[node] == INPUT:
                self.terms[node] = Term(Piece(self.code[node]))
                self.shaped.add(self.code[node])
            elif self.needed[node]:
                term = self._term(node)
                self.doubtful[node] = self._is_doubtful(node)
                known = None if self.free[node] else fixed[node]
                if node in self.code:
                    self._write_value(node, term.piece.text)
                    term = Term(Piece(self.code[node]), least=term.least)
                self.terms[node] = term._replace(number=known)

    def _write_value(self, node: int, text: str) -> None:
        """Write the line of a value; a number that others take for an array becomes one."""
        if self.shaped & words_of([text]):
            self.shaped.add(self.code[node])
        else:
            text = self.language.known.format(text)
        self.drafts.append(Draft(VALUE, self.code[node], text, node))

    def _term(self, node: int) -> Term:
        """Return the operation of a node over the terms of its operands."""
        graph, row = self.graph, self.graph.rows[node]
        if row == CONSTANT:
            return self.coder.number(number(graph.literals[node]))
        operands = [self.terms[k] for k in graph.operands_of(node)]
        condition = graph.operands_of(node)[0]
        if row == WHERE and self.doubtful[condition] and operands[0].test is not None:
            return self._careful_choice(condition, *operands)
        return self.coder.apply(row, operands)

    def _careful_choice(self, condition: int, test: Term, then: Term, other: Term) -> Term:
        """Return a choice that is NaN where a number that is compared is NaN."""
        coder = self.coder
        sign = TABLE[self.graph.rows[condition]].infix
        left, right = (self.terms[k].piece for k in self.graph.operands_of(condition))
        nan = coder.number(float("nan")).piece
        rest = nan
        if sign == "!=":
            test, then, other, sign = test._replace(test=None), other, then, "=="
        for opposite in ("<", ">") if sign == "==" else (OPPOSITE[sign],):
            rest = coder.select(coder.compare(opposite, left, right), other.piece, rest)
        return Term(coder.select(coder.compare(sign, left, right), then.piece, rest))

    def _is_doubtful(self, node: int) -> bool:
        """Return whether a node may be undefined at a finite point.

        Sums and products of inputs are taken to stay finite; what grows like exp(x) is not.
        """
        row, operands = self.graph.rows[node], self.graph.operands_of(node)
        if row <= CONSTANT:
            return False
        large = [self.unbounded[k] for k in operands]
        least = [self.terms[k].least for k in operands]
        power = row == POW and self.terms[operands[1]].number is not None
        grows = overflows(row) and not power
        self.unbounded[node] = grows or any(large[:1] if row == DIV else large)
        if any(self.doubtful[k] for k in operands):
            return True
        if row in (DIV, POW):
            last = self.terms[operands[1]].number
            if last is None:
                return row == POW or any(large[:1]) or not least[1] > 0
            return last == 0 if row == DIV else last < 0 or last % 1 != 0
        if TABLE[row].domain and not is_inside(TABLE[row], least[0]):
            return True
        return any(large) and is_undefined_at_infinity(row, least)
