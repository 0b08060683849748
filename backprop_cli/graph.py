"""The operation graph: columns of numbers in evaluation order, nothing else.

A node is a position in the columns. Operands always stand before their users, because the parser
appends a node only when all its operands are finished; so the order of the columns is a
topological order, the forward pass walks them up and the reverse pass walks them down, without
sorting and without recursion. (Depth-first recursion without this order is the classic mistake:
a node that is used twice would pass its adjoint on before its second contribution has arrived.)

The columns are flat arrays rather than node objects: a million nodes fit in some tens of
megabytes, and the sweeps keep their numbers in lists of their own, so a graph is never changed
and computing twice gives the same answer.
"""

from array import array
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import NamedTuple

from backprop_cli.errors import Span
from backprop_cli.operations import CONSTANT, INPUT


class Graph(NamedTuple):
    """An immutable operation graph in evaluation order.

    `rows[k]` is the row of the operation table that node k applies; its operands are
    `operands[offsets[k]:offsets[k + 1]]`, all smaller than k. A constant keeps its literal, so
    that every reading can make its own number of it. `names` maps a name to the newest node
    that carries it; `labels` maps a node to the name tables show for it, and `aliases` has its
    other names, each with the node and the number of nodes there were when it was given.
    """

    source: str
    rows: "array[int]"
    operands: "array[int]"
    offsets: "array[int]"
    starts: "array[int]"
    ends: "array[int]"
    literals: Mapping[int, str]
    inputs: Mapping[str, int]
    names: Mapping[str, int]
    labels: Mapping[int, str]
    aliases: Mapping[str, tuple[int, int]]
    outputs: tuple[int, ...]

    @property
    def size(self) -> int:
        """The number of nodes, inputs and constants included."""
        return len(self.rows)

    def operands_of(self, node: int) -> "array[int]":
        """Return the nodes that `node` reads, in order."""
        return self.operands[self.offsets[node] : self.offsets[node + 1]]

    def span_of(self, node: int) -> Span:
        """Return where `node` stands in the source."""
        return Span(self.starts[node], self.ends[node])

    def with_outputs(self, outputs: Iterable[int]) -> "Graph":
        """Return the same graph with other nodes as outputs."""
        return self._replace(outputs=tuple(outputs))

    def dependents(self, sources: Iterable[int]) -> bytearray:
        """Return a mask of the nodes that depend on any of `sources` (these included)."""
        mask = bytearray(self.size)
        for source in sources:
            mask[source] = 1
        operands = self.operands
        spans = zip(self.offsets, islice(self.offsets, 1, None), strict=False)
        for node, (start, end) in enumerate(spans):
            # Most nodes have no operands but the first and the last.
            if start < end and (
                mask[operands[start]]
                or mask[operands[end - 1]]
                or (end - start > 2 and any(mask[k] for k in operands[start:end]))
            ):
                mask[node] = 1
        return mask

    def dependencies(self, outputs: Iterable[int]) -> bytearray:
        """Return a mask of the nodes that any of `outputs` is computed from (these included)."""
        mask = bytearray(self.size)
        last = -1
        for output in outputs:
            mask[output] = 1
            last = max(last, output)
        operands, offsets = self.operands, self.offsets
        for node in range(last, -1, -1):
            if mask[node]:
                for operand in operands[offsets[node] : offsets[node + 1]]:
                    mask[operand] = 1
        return mask


class GraphBuilder:
    """Collects nodes in evaluation order; `finish` freezes them into a `Graph`."""

    def __init__(self, source: str = "") -> None:
        self.source = source
        self.rows = array("h")
        self.operands = array("i")
        self.offsets = array("i", [0])
        self.starts = array("i")
        self.ends = array("i")
        self.literals: dict[int, str] = {}
        self.inputs: dict[str, int] = {}
        self.names: dict[str, int] = {}
        self.labels: dict[int, str] = {}
        self.aliases: dict[str, tuple[int, int]] = {}

    def add(self, row: int, operands: Iterable[int], start: int = 0, end: int = 0) -> int:
        """Append a node that applies `row` to `operands` and return its index."""
        node = len(self.rows)
        self.rows.append(row)
        self.operands.extend(operands)
        self.offsets.append(len(self.operands))
        self.starts.append(start)
        self.ends.append(end)
        return node

    def add_leaf(self, row: int, start: int = 0, end: int = 0) -> int:
        """Append a node without operands: what `add` does, but faster."""
        node = len(self.rows)
        self.rows.append(row)
        self.offsets.append(len(self.operands))
        self.starts.append(start)
        self.ends.append(end)
        return node

    def constant(self, literal: str, start: int = 0, end: int = 0) -> int:
        """Append a constant that keeps its literal: `0.1` stays `0.1` for every reading."""
        node = self.add_leaf(CONSTANT, start, end)
        self.literals[node] = literal
        return node

    def input(self, name: str, start: int = 0, end: int = 0) -> int:
        """Return the one node of the input `name`, appended when first asked for."""
        node = self.inputs.get(name)
        if node is None:
            node = self.add_leaf(INPUT, start, end)
            self.inputs[name] = node
        return node

    def finish(self, outputs: Iterable[int]) -> Graph:
        """Freeze the columns into a graph with these outputs."""
        return Graph(
            self.source,
            self.rows,
            self.operands,
            self.offsets,
            self.starts,
            self.ends,
            self.literals,
            self.inputs,
            self.names,
            self.labels,
            self.aliases,
            tuple(outputs),
        )
