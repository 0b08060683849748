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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from backprop_cli.errors import Span
from backprop_cli.operations import CONSTANT, INPUT, TABLE

ARITY = (
    *(len(op.parameters) if len(op.parameters) < 3 and not op.variadic else 0 for op in TABLE),
    0,
)
"""How many operands of each row stand in the columns `firsts` and `seconds`: 1 or 2, or 0.

0 is for inputs and constants, and for the rows of three operands or of any number, among which is
the row -1 of templates (`language/functions.py`).
"""

BLOCK = 10_000
"""So many nodes are worth moving from the lists of a builder to its arrays at once."""


class Graph(NamedTuple):
    """An immutable operation graph in evaluation order.

    `rows[k]` is the row of the operation table that node k applies; `applied` are all rows that
    occur. Most rows have one operand or two, and then these are `firsts[k]` and `seconds[k]` (of
    one operand, both are the same), so that a sweep reads them as it goes. The operands of any
    other row are the `seconds[k]` nodes in `more` from place `firsts[k]` on. All are smaller than
    k. Of `(a + b)*max(a, b, 3)` the columns are

        node              0      1      2      3      4             5
        row               input  input  a + b  3      max(a, b, 3)  (a + b)*max(a, b, 3)
        firsts, seconds   0, 0   0, 0   0, 1   0, 0   0, 3          2, 4

    and `more` is 0, 1, 3. A constant keeps its literal, so that every reading can make its own
    number of it. `names` maps a name to the newest node that carries it; `labels` maps a node to
    the name tables show for it, and `aliases` has its other names, each with the node and the
    number of nodes there were when it was given.
    """

    source: str
    applied: frozenset[int]
    rows: "array[int]"
    firsts: "array[int]"
    seconds: "array[int]"
    more: "array[int]"
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

    @property
    def edges(self) -> int:
        """The number of edges: of all nodes, the operands."""
        return sum(ARITY[row] for row in self.rows) + len(self.more)

    def operands_of(self, node: int) -> Sequence[int]:
        """Return the nodes that `node` reads, in order."""
        arity, first, second = ARITY[self.rows[node]], self.firsts[node], self.seconds[node]
        if arity:
            return (first, second)[:arity]
        return self.more[first : first + second]

    def steps(self, nodes: Sequence[int]) -> Iterator[tuple[int, int, int, int]]:
        """Yield (node, row, first, second) for each of `nodes`: what a sweep reads as it goes.

        Of a range, up or down, this is several times faster than to index the columns.
        """
        columns = (self.rows, self.firsts, self.seconds)
        if isinstance(nodes, range):
            end = nodes.stop if nodes.stop >= 0 else None
            part = slice(nodes.start, end, nodes.step)
            return zip(nodes, *(column[part] for column in columns), strict=True)
        return zip(nodes, *(map(column.__getitem__, nodes) for column in columns), strict=True)

    def span_of(self, node: int) -> Span:
        """Return where `node` stands in the source."""
        return Span(self.starts[node], self.ends[node])

    def with_outputs(self, outputs: Iterable[int]) -> "Graph":
        """Return the same graph with other nodes as outputs."""
        return self._replace(outputs=tuple(outputs))

    def dependents(self, sources: Iterable[int]) -> bytearray:
        """Return a mask of the nodes that depend on any of `sources` (these included)."""
        mask = [0] * self.size
        for source in sources:
            mask[source] = 1
        if not self.literals and all(mask[k] for k in self.inputs.values()):
            return bytearray(b"\x01") * self.size  # there is nothing else to depend on
        for node, row, first, second in self.steps(range(self.size)):
            if ARITY[row]:
                if mask[first] or mask[second]:
                    mask[node] = 1
            elif second and any(mask[k] for k in self.operands_of(node)):
                mask[node] = 1
        return bytearray(mask)

    def dependencies(self, outputs: Iterable[int]) -> bytearray:
        """Return a mask of the nodes that any of `outputs` is computed from (these included)."""
        mask = bytearray(self.size)
        last = -1
        for output in outputs:
            mask[output] = 1
            last = max(last, output)
        for node in range(last, -1, -1):
            if mask[node]:
                for operand in self.operands_of(node):
                    mask[operand] = 1
        return mask


class GraphBuilder:
    """Collects nodes in evaluation order; `finish` freezes them into a `Graph`.

    What is appended for each node goes to lists, which are the fastest to append to, and from there
    block by block into flat arrays, which take an eighth of the memory. Only the rows stay in a
    list to the end: who appends a node asks for those of earlier ones.
    """

    def __init__(self, source: str = "") -> None:
        self.source = source
        self.rows: list[int] = []
        self.firsts: list[int] = []
        self.seconds: list[int] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.more = array("i")
        self.literals: dict[int, str] = {}
        self.inputs: dict[str, int] = {}
        self.names: dict[str, int] = {}
        self.labels: dict[int, str] = {}
        self.aliases: dict[str, tuple[int, int]] = {}
        self._settled = tuple(array("i") for _ in range(4))

    @classmethod
    def following(cls, graph: Graph) -> "GraphBuilder":
        """Return a builder that holds the nodes of `graph`, so that others can follow them."""
        builder = cls(graph.source)
        builder.rows = graph.rows.tolist()
        builder.more = graph.more[:]
        builder.literals = dict(graph.literals)
        builder.inputs = dict(graph.inputs)
        builder.names = dict(graph.names)
        builder.labels = dict(graph.labels)
        builder.aliases = dict(graph.aliases)
        columns = (graph.firsts, graph.seconds, graph.starts, graph.ends)
        builder._settled = tuple(column[:] for column in columns)
        return builder

    def add(self, row: int, operands: Sequence[int], start: int = 0, end: int = 0) -> int:
        """Append a node that applies `row` to `operands` and return its index."""
        node = len(self.rows)
        self.rows.append(row)
        if ARITY[row]:
            self.firsts.append(operands[0])
            self.seconds.append(operands[-1])
        else:
            self.firsts.append(len(self.more))
            self.seconds.append(len(operands))
            self.more.extend(operands)
        self.starts.append(start)
        self.ends.append(end)
        return node

    def add_leaf(self, row: int, start: int = 0, end: int = 0) -> int:
        """Append a node without operands: what `add` does, but faster."""
        node = len(self.rows)
        self.rows.append(row)
        self.firsts.append(0)
        self.seconds.append(0)
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
            node = self.inputs[name] = self.add_leaf(INPUT, start, end)
        return node

    def operands_of(self, node: int) -> Sequence[int]:
        """Return the nodes that a node reads, in order."""
        self.settle()
        firsts, seconds, *_ = self._settled
        arity, first, second = ARITY[self.rows[node]], firsts[node], seconds[node]
        return (first, second)[:arity] if arity else self.more[first : first + second]

    def span_of(self, node: int) -> Span:
        """Return where a node stands in the source."""
        self.settle()
        *_, starts, ends = self._settled
        return Span(starts[node], ends[node])

    def settle(self, least: int = 0) -> None:
        """Move what has been collected into the arrays, if it is `least` nodes or more."""
        if len(self.ends) >= least:
            collected = (self.firsts, self.seconds, self.starts, self.ends)
            for column, new in zip(self._settled, collected, strict=True):
                column.fromlist(new)
                new.clear()

    def finish(self, outputs: Iterable[int]) -> Graph:
        """Freeze the columns into a graph with these outputs."""
        self.settle()
        firsts, seconds, starts, ends = self._settled
        return Graph(
            self.source,
            frozenset(self.rows),
            array("h", self.rows),
            firsts,
            seconds,
            self.more,
            starts,
            ends,
            self.literals,
            self.inputs,
            self.names,
            self.labels,
            self.aliases,
            tuple(outputs),
        )
