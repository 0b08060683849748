"""What a hypothesis about a mistake is made from: one derivative in its graph, at several points.

For d output / d target both sweeps are known at each point: the adjoint of every node (how the
output moves with it) and the tangent (how it moves with the target). All paths through one edge
together bring adjoint × local slope × tangent, so what a mistake at one edge or one node does to
the answer takes one multiplication, not a sweep.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from backprop_cli.calculus.forward import jvp
from backprop_cli.calculus.partials import arguments_for
from backprop_cli.calculus.reverse import reverse
from backprop_cli.calculus.values import forward_values
from backprop_cli.graph import Graph
from backprop_cli.language.names import display_names
from backprop_cli.operations import COMPARISON_ROWS, TABLE
from backprop_cli.readings.floats import FLOATS

_LONGEST_CHAIN = 4
_LONGEST_TOLD = 50

Edge = tuple[int, int]
"""A node, and which of its operands."""


class Sweep(NamedTuple):
    """Both sweeps at one point; numbers that never arrived are 0."""

    values: list[float]
    adjoints: list[float]
    tangents: list[float]
    locals: Mapping[Edge, float]
    gradient: float

    def sent(self, edge: Edge, operand: int) -> float:
        """Return what all paths through an edge bring to the gradient."""
        return self.adjoints[edge[0]] * self.locals[edge] * self.tangents[operand]


class Scene:
    """The part of a graph through which the target reaches the output."""

    def __init__(self, graph: Graph, output: int, target: int) -> None:
        self.graph, self.output, self.target = graph, output, target
        self.names = display_names(graph)
        self.active = graph.dependents([target])
        self._moving = graph.dependents([*graph.inputs.values(), target])
        needed = graph.dependencies([output])
        self.nodes = [
            node
            for node in range(graph.size)
            if needed[node] and self.active[node] and graph.rows[node] not in COMPARISON_ROWS
        ]
        inside = set(self.nodes)
        self.edges: list[tuple[Edge, int]] = []
        self.users: dict[int, list[Edge]] = {}
        for node in self.nodes:
            for position, operand in enumerate(graph.operands_of(node)):
                if operand in inside and node != target:
                    self.edges.append(((node, position), operand))
                    self.users.setdefault(operand, []).append((node, position))
        self.edges_of: dict[int, list[tuple[Edge, int]]] = {}
        for edge, operand in self.edges:
            self.edges_of.setdefault(edge[0], []).append((edge, operand))

    def operand(self, edge: Edge) -> int:
        """Return the operand an edge leads to."""
        return self.graph.operands_of(edge[0])[edge[1]]

    def sweep(self, point: Mapping[str, float]) -> Sweep:
        """Return both sweeps at a point."""
        graph = self.graph
        values = forward_values(graph, point)
        everything = graph.dependents([*graph.inputs.values(), self.target])
        adjoints = [a or 0.0 for a in reverse(graph, values, self.output, everything)]
        tangents = [t or 0.0 for t in jvp(graph, values, self.target, depends=self.active)]
        FLOATS.prepare_partials(graph)
        slopes = {edge: partial(graph, edge, values) for edge, _ in self.edges}
        return Sweep(values, adjoints, tangents, slopes, adjoints[self.target])

    def tells_apart(self, point: Mapping[str, float]) -> bool:
        """Return whether values and slopes of different nodes are different numbers at a point.

        Slopes of 0 and 1 do not count, nor do those of a long derivative.
        """
        if len(self.nodes) > _LONGEST_TOLD:
            return True
        sweep = self.sweep(point)
        values = [abs(sweep.values[node]) for node in self.nodes]
        slopes = {abs(sweep.tangents[node]) for node in self.nodes} - {0.0, 1.0}
        return len(set(values)) == len(values) and slopes.isdisjoint(values)

    def again(self, sweep: Sweep, changed: Mapping[Edge, float]) -> float:
        """Return the gradient by a whole sweep in which some local slopes are others."""
        adjoints = [0.0] * self.graph.size
        adjoints[self.output] = 1.0
        for node in reversed(self.nodes):
            adjoint = adjoints[node]
            if adjoint and node != self.target:
                for edge, operand in self.edges_of.get(node, ()):
                    adjoints[operand] += adjoint * changed.get(edge, sweep.locals[edge])
        return adjoints[self.target]

    def chains(self, edge: Edge) -> Iterator[tuple[Edge, ...]]:
        """Yield an edge, then with those above it, as long as all else there is constant.

        To a reader such a chain is one function: exp(x/4) is two nodes, and one step.
        """
        chain = [edge]
        yield tuple(chain)
        while len(chain) < _LONGEST_CHAIN:
            users = self.users.get(chain[-1][0], [])
            if len(users) != 1:
                break
            operands = self.graph.operands_of(users[0][0])
            if sum(self._moving[operand] for operand in operands) != 1:
                break
            chain.append(users[0])
            yield tuple(chain)

    def path(self, edge: Edge) -> tuple[int, ...]:
        """Return the nodes of one path from the target to the output through an edge."""
        down = [self.operand(edge)]
        while down[-1] != self.target and down[-1] in self.edges_of:
            down.append(self.edges_of[down[-1]][0][1])
        up = [edge[0]]
        while up[-1] != self.output and up[-1] in self.users:
            up.append(self.users[up[-1]][0][0])
        return (*reversed(down), *up)


def partial(
    graph: Graph, edge: Edge, values: Sequence[float], operands: Sequence[float] | None = None
) -> float:
    """Return the local slope along an edge; at other operands than the node's own if given."""
    node, position = edge
    row = graph.rows[node]
    out = values[node]
    given = [values[k] for k in graph.operands_of(node)]
    if operands is not None:
        given = list(operands)
        out = FLOATS.total[row](*given)
    local = FLOATS.total_partials[row][TABLE[row].parameter_of(position)]
    return float(local(*arguments_for(row, given, position, out)) if callable(local) else local)
