"""An output evaluated near a point, while the kinks are watched.

A difference quotient says something about a slope only if every comparison, kink, jump and pole in
the graph keeps its side between the point and the probe: a central difference over the kink of
relu would "confirm" 1/2.
"""

import math
from collections.abc import Collection, Mapping

from backprop_cli.calculus.kinks import sides_of
from backprop_cli.calculus.values import evaluate
from backprop_cli.graph import Graph
from backprop_cli.operations import TABLE
from backprop_cli.readings.floats import FLOATS


class Probe:
    """Evaluates one output where some nodes (`seeds`) have other values than at the point.

    A seeded node that is no input has the value it is given, whatever its operands say. Cost: one
    call for each node between the seeds and the output.
    """

    def __init__(
        self, graph: Graph, values: list[float], seeds: Collection[int], output: int
    ) -> None:
        self.graph, self.output = graph, output
        self.values = list(values)
        self.crossed = False
        """Whether the last place was refused because a kink, jump or pole changed its side."""
        depends = graph.dependents(seeds)
        given = frozenset(seeds)
        first = min(seeds, default=output + 1)
        self.cone = [k for k in range(first, output + 1) if depends[k] and k not in given]
        self.watched = [k for k in self.cone if TABLE[graph.rows[k]].sides]
        self.sides = [sides_of(graph, k, values) for k in self.watched]

    def at(self, places: Mapping[int, float]) -> float | None:
        """Return the output with these nodes at these places, None if undefined or crossed."""
        for node, place in places.items():
            self.values[node] = place
        evaluate(self.graph, self.values, self.cone, FLOATS)
        value = self.values[self.output]
        self.crossed = False
        if not math.isfinite(value):
            return None
        for node, sides in zip(self.watched, self.sides, strict=True):
            if sides_of(self.graph, node, self.values) != sides:
                self.crossed = True
                return None
        return value
