"""Paths from an output back to the inputs: counted, measured and ranked without being walked.

A path is a chain of edges along which something flows, and its product that of their local
partials; the gradient is the sum of the products of all paths (F. L. Bauer, SIAM J. Numer. Anal.
11, 1974). Thirty nodes can have 2^30 of them, so nothing here walks them all. What they come to
together (how many, of how many edges, of what size) is a sum over the edges, in the order of the
reverse sweep. The largest are enumerated one by one: the next best path of a node goes through
one of its users, and is that user's best path not yet taken, so that finding it asks each node of
one path for its own next best at most (V. M. Jiménez and A. Marzal, "Computing the K shortest
paths: a new algorithm and an experimental comparison", WAE 1999, LNCS 1668); with a stack in the
place of the recursion.

Sizes are compared as log2 of the product, which neither underflows nor overflows, rounded to a
fixed number of binary places: sums of these are exact, so that two paths with the same factors
tie, in whatever order they meet them. Of a tie, the path whose first step from the input stands
first in the program comes first; then its second step, and so on.
"""

import math
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from heapq import heapify, heappop, heappush
from typing import Any, NamedTuple

from backprop_cli.calculus.partials import local_partials
from backprop_cli.graph import Graph
from backprop_cli.operations import COMPARISON_ROWS
from backprop_cli.readings.floats import FLOATS
from backprop_cli.readings.formulas import Arithmetic

_PLACES = 2.0**40
_NOWHERE = -1

_Candidate = tuple[float, int, int, int]


class Tally(NamedTuple):
    """What all paths of one node come to: how many, their edges, the sum of |product|."""

    paths: int
    edges: int
    size: Any


class Route(NamedTuple):
    """A path that was found: its rank's key, and how it goes on.

    `key` is log2 |product| in units of 2^-40, -infinity for a product of 0. It leaves its node by
    `edge` and is then the path number `rank` of that edge's user; the output's own path has no
    edge. `product` is taken from the output on, as the reverse sweep takes it.
    """

    key: float
    edge: int
    rank: int
    product: Any
    length: int

    @property
    def log2(self) -> float:
        """Log2 of |product|."""
        return self.key / _PLACES


class Paths:
    """The paths from one output along which contributions flow, for the nodes asked for.

    Cost: one walk over the edges, as of a reverse sweep; then, for each path that `best` finds, a
    heap operation for each of its edges at most.
    """

    def __init__(
        self,
        graph: Graph,
        values: list[Any],
        adjoints: list[Any],
        active: bytearray,
        output: int,
        asked: Iterable[int],
        arithmetic: Arithmetic = FLOATS,
    ) -> None:
        self.tallies: Mapping[int, Tally] = {}
        """What the paths of each node asked for come to; none where there is no path."""
        self._users = array("i")
        self._before = array("i")
        self._last = array("i", [_NOWHERE]) * graph.size
        self._locals: list[Any] = []
        self._weights: list[float] = []
        # The best path of each node, in columns; those that are asked for become routes.
        self._keys: list[float | None] = [None] * graph.size
        self._edges = array("i", [_NOWHERE]) * graph.size
        self._products: list[Any] = [None] * graph.size
        self._lengths = array("i", [0]) * graph.size
        self._routes: dict[int, list[Route]] = {}
        self._waiting: dict[int, list[_Candidate]] = {}
        self._dry = {output}
        self._keys[output], self._products[output] = 0, arithmetic.one
        arithmetic.prepare_partials(graph)
        read = (
            (k, local_partials(graph, k, values, active, arithmetic))
            for k in range(output, -1, -1)
            if adjoints[k] is not None
        )
        self._read(output, read, frozenset(asked), arithmetic)

    @property
    def edges(self) -> int:
        """How many edges carry something: the products of a reverse sweep."""
        return len(self._users)

    def _read(
        self,
        output: int,
        nodes: Iterable[tuple[int, Iterable[tuple[int, Any]]]],
        asked: frozenset[int],
        arithmetic: Arithmetic,
    ) -> None:
        """Take in (node, its operands and slopes), in the order of the reverse sweep.

        Tallies that nobody asks for are forgotten once they are handed on: they may be long.
        """
        log2 = math.log2 if arithmetic is FLOATS else arithmetic.spelling.function("log2")
        tallies: dict[int, tuple[int, int, Any]] = {output: (1, 0, arithmetic.one)}
        kept: dict[int, Tally] = {}
        for user, operands in nodes:
            count, length, size = tallies.pop(user)
            if user in asked:
                kept[user] = Tally(count, length, size)
            length += count
            for operand, local in operands:
                more = abs(local) * size
                known = tallies.get(operand)
                if known is None:
                    tallies[operand] = (count, length, more)
                else:
                    tallies[operand] = (known[0] + count, known[1] + length, known[2] + more)
                self._add(user, operand, local, _weight(local, log2))
        self.tallies = kept

    def _add(self, user: int, operand: int, local: Any, weight: float) -> None:
        """Append an edge, and keep the best path of its operand."""
        edge = len(self._users)
        self._users.append(user)
        self._locals.append(local)
        self._weights.append(weight)
        self._before.append(self._last[operand])
        self._last[operand] = edge
        key, best = (self._keys[user] or 0) + weight, self._keys[operand]
        # Users come from the last to the first: of a tie, the later comer stands earlier, unless
        # it is the same user's next operand.
        if best is None or key > best or (key == best and user < self._users[self._edges[operand]]):
            self._keys[operand] = key
            self._edges[operand] = edge
            self._products[operand] = self._products[user] * local
            self._lengths[operand] = self._lengths[user] + 1

    def _found(self, node: int) -> list[Route]:
        """Return the paths of a node that are known, the best first."""
        found = self._routes.get(node)
        if found is None:
            key = self._keys[node]
            assert key is not None
            best = Route(key, self._edges[node], 0, self._products[node], self._lengths[node])
            found = self._routes[node] = [best]
        return found

    def _route(self, key: float, edge: int, rank: int) -> Route:
        rest = self._found(self._users[edge])[rank]
        return Route(key, edge, rank, rest.product * self._locals[edge], rest.length + 1)

    def best(self, node: int, most: int) -> list[Route]:
        """Return the largest paths of a node, at most so many, the largest first."""
        if self._keys[node] is None:
            return []
        for rank in range(1, most):
            self._find(node, rank)
            if node in self._dry:
                break
        return self._found(node)[:most]

    def _find(self, node: int, rank: int) -> None:
        """Find the path number `rank` of a node, if it has so many; those before are known."""
        stack = [(node, rank)]
        while stack:
            node, rank = stack[-1]
            found = self._found(node)
            if len(found) > rank or node in self._dry:
                stack.pop()
                continue
            # What has to be compared: the other candidates, and the path after the last one
            # found, along the same edge.
            _, edge, taken, *_ = found[-1]
            user = self._users[edge]
            if len(self._found(user)) <= taken + 1 and user not in self._dry:
                stack.append((user, taken + 1))
                continue
            waiting = self._candidates(node)
            if len(self._found(user)) > taken + 1:
                heappush(waiting, self._candidate(edge, taken + 1))
            if waiting:
                key, _, edge, taken = heappop(waiting)
                found.append(self._route(-key, edge, taken))
            else:
                self._dry.add(node)

    def _candidates(self, node: int) -> list[_Candidate]:
        """Return the heap of a node: at first, the best path along each edge but the best one."""
        made = self._waiting.get(node)
        if made is None:
            taken = self._found(node)[0].edge
            made = [self._candidate(e, 0) for e in self._edges_into(node) if e != taken]
            heapify(made)
            self._waiting[node] = made
        return made

    def _candidate(self, edge: int, rank: int) -> _Candidate:
        user = self._users[edge]
        return (-(self._found(user)[rank].key + self._weights[edge]), user, edge, rank)

    def _edges_into(self, node: int) -> Iterator[int]:
        edge = self._last[node]
        while edge != _NOWHERE:
            yield edge
            edge = self._before[edge]

    def walk(self, node: int, rank: int) -> Iterator[tuple[int, Any]]:
        """Yield (node, slope of the next node by it) along a path that `best` has found.

        It begins with `node` and ends with the output, whose slope is None.
        """
        while True:
            _, edge, rank, *_ = self._found(node)[rank]
            if edge == _NOWHERE:
                yield node, None
                return
            yield node, self._locals[edge]
            node = self._users[edge]


def _weight(local: Any, log2: Callable[[Any], Any]) -> float:
    """Return log2 |local| in fixed point; -infinity for 0, and for what has no size."""
    size = abs(local)
    if size == 1:
        return 0
    return round(float(log2(size)) * _PLACES) if 0 < size < math.inf else -math.inf


def written_counts(
    graph: Graph, active: bytearray, output: int, asked: Iterable[int]
) -> dict[int, int]:
    """Return how many paths the program as written has from `output` to each node asked for.

    Whether something flows along them or not; a condition decides and is no part of a path.
    """
    kept = frozenset(asked)
    counts = {output: 1}
    for node in range(output, -1, -1):
        count = counts.get(node) if node in kept else counts.pop(node, None)
        if count is None:
            continue
        for operand in graph.operands_of(node):
            if active[operand] and graph.rows[operand] not in COMPARISON_ROWS:
                counts[operand] = counts.get(operand, 0) + count
    return {node: count for node, count in counts.items() if node in kept}
