"""A copy of a graph to which operations are appended, without what would add nothing to them.

What is left out changes no number: products with 1, first powers, a comparison that is there
already, and the question whether a condition is 0. Conditions are asked for by `where` alone; of a
NaN neither a comparison nor its opposite is true, and both are NaN, so one may stand for the other.
"""

from collections.abc import Iterable, Sequence

from backprop_cli.graph import Graph, GraphBuilder
from backprop_cli.operations import (
    ADD,
    COMPARISON_ROWS,
    COMPARISONS,
    DIV,
    MUL,
    NEG,
    OPPOSITE,
    POW,
    WHERE,
)
from backprop_cli.readings.floats import number

_OPPOSITE = {COMPARISONS[sign]: COMPARISONS[other] for sign, other in OPPOSITE.items()}
"""The row of the comparison that holds where another does not."""

_EQUAL, _DIFFERENT = COMPARISONS["=="], COMPARISONS["!="]

Key = tuple[int | str, ...]


class Appender:
    """Appends operations to a copy of a graph; `known` are the numbers of its constants."""

    def __init__(self, graph: Graph) -> None:
        self.known: dict[int, float] = {k: number(text) for k, text in graph.literals.items()}
        self.span = graph.span_of(0)
        """Where the nodes that are appended now are said to stand."""
        self._builder = GraphBuilder.following(graph)
        self._zero: int | None = None
        self._compared: dict[Key, int] = {}

    def finish(self, outputs: Iterable[int]) -> Graph:
        """Return the whole as a graph with these outputs."""
        return self._builder.finish(outputs)

    def constant(self, literal: str) -> int:
        """Append a constant."""
        node = self._builder.constant(literal, *self.span)
        self.known[node] = number(literal)
        return node

    def add(self, row: int, operands: Sequence[int]) -> int:
        """Append an operation as it stands."""
        return self._builder.add(row, operands, *self.span)

    def simplified(self, row: int, operands: Sequence[int]) -> int:
        """Append an operation, or return the node that has its value already."""
        if row == MUL:
            return self.product(*operands)
        if row == POW and self.known.get(operands[1]) == 1:
            return operands[0]
        if row in COMPARISON_ROWS:
            return self.comparison(row, *operands)
        return self.add(row, operands)

    def product(self, left: int, right: int) -> int:
        """Append a product, unless one factor is 1."""
        for one, other in ((left, right), (right, left)):
            if self.known.get(one) == 1:
                return other
            if self.known.get(one) == -1:
                return self.add(NEG, (other,))
        return self.add(MUL, (left, right))

    def sum(self, terms: Sequence[int]) -> int:
        """Append a sum, added from left to right."""
        total = terms[0]
        for term in terms[1:]:
            total = self.add(ADD, (total, term))
        return total

    def comparison(self, row: int, left: int, right: int) -> int:
        """Append a comparison that is not there yet; c == 0 and c != 0 are c's opposite and c."""
        nothing = row in (_EQUAL, _DIFFERENT) and self.known.get(right) == 0
        if nothing and self.is_condition(left):
            return self.opposite(left) if row == _EQUAL else left
        key = self._key(row, (left, right))
        if key not in self._compared:
            self._compared[key] = self.add(row, (left, right))
        return self._compared[key]

    def opposite(self, condition: int) -> int:
        """Append the comparison that holds where this one does not."""
        return self.comparison(
            _OPPOSITE[self._builder.rows[condition]], *self._builder.operands_of(condition)
        )

    def not_zero(self, node: int) -> int:
        """Append the condition that a number is not 0."""
        return self.comparison(_DIFFERENT, node, self._nothing())

    def guarded(self, flag: int, then: int) -> int:
        """Append a number that counts where a flag is not 0, and is 0 where it is."""
        return self.add(WHERE, (self.not_zero(flag), then, self._nothing()))

    def is_condition(self, node: int) -> bool:
        """Return whether a node is a comparison."""
        return self._builder.rows[node] in COMPARISON_ROWS

    def key_of(self, condition: int, opposite: bool = False) -> Key:
        """Return what equals the key of another condition where both ask the same."""
        row = self._builder.rows[condition]
        return self._key(_OPPOSITE[row] if opposite else row, self._builder.operands_of(condition))

    def never_zero(self, node: int) -> bool:
        """Return whether a node is a number other than 0, or such a number over how many tie."""
        if self._builder.rows[node] == DIV:
            node = self._builder.operands_of(node)[0]
        return self.known.get(node, 0.0) != 0

    def _key(self, row: int, operands: Sequence[int]) -> Key:
        return (row, *(self._builder.literals.get(k, k) for k in operands))

    def _nothing(self) -> int:
        if self._zero is None:
            self._zero = self.constant("0")
        return self._zero
