"""What is climbed: a function of the inputs that move, its slopes and its curvature.

The slopes come from the program's gradient graph, compiled once, to Python unless an engine
compiles it to C. Where that raises (an overflow, a step outside a domain) the sweeps answer
instead, in the sense of IEEE 754; they also do all the work for large graphs and short runs, where
compiling would not pay.
"""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, Protocol

from backprop_cli.calculus.gradient_graph import gradient_graph, hessian_graph
from backprop_cli.calculus.reverse import reverse
from backprop_cli.calculus.values import ARITHMETIC_ERRORS, forward_values
from backprop_cli.graph import Graph

if TYPE_CHECKING:
    from backprop_cli.readings.native import Native
    from backprop_cli.studies.data import Data
    from backprop_cli.studies.means import MeanOver

_SMALL_PAYS, _PAYS = 50, 100
"""So many evaluations of the smallest graphs, and of those of 100 nodes and more, are worth
compiling to Python for. Measured: 14 nodes 41 to 47 evaluations, 37 nodes 47 to 67, 60 nodes 60 to
87, and from there up to 4,801 nodes some 65 to 123, whatever the size."""
_LARGEST_PYTHON = 20_000
"""The most nodes that are compiled to Python; larger programs are swept."""

Evaluator = Callable[..., Sequence[float]]
"""A function from the inputs of a graph to its outputs; it raises where it has no answer."""

Compile = Callable[[Graph, Sequence[str]], Evaluator]
"""Makes an evaluator of a graph, its inputs in this order."""

Point = Sequence[float]
"""A number for each input that moves, in the order of `Objective.names`."""


class Objective(Protocol):
    """A function of several inputs; all three return floats, non-finite where undefined."""

    names: tuple[str, ...]

    def value(self, point: Point) -> float:
        """Return f at a point."""

    def slopes(self, point: Point) -> Sequence[float]:
        """Return f and its partials: 1 + n numbers."""

    def curvature(self, point: Point) -> Sequence[float]:
        """Return f, its partials, and the lower triangle of the Hessian, row by row."""


class Expression:
    """The objective of a program: one of its nodes, some of its inputs held still."""

    def __init__(
        self, graph: Graph, moving: Sequence[str], held: Mapping[str, float], evaluations: int
    ) -> None:
        """Take the graph's first output; about `evaluations` points will be asked for."""
        self.graph = graph.with_outputs(graph.outputs[:1])
        self.names = tuple(moving)
        self.held = {name: held[name] for name in graph.inputs if name not in moving}
        """The inputs that do not move."""
        self._wrt = [graph.inputs[name] for name in moving]
        self._active = graph.dependents(self._wrt)
        self._compiles = python_pays(evaluations, graph.size) and graph.size <= _LARGEST_PYTHON
        self._compile: Compile | None = None
        self._functions: dict[str, Evaluator] = {}
        self._graphs: dict[str, Graph] = {}

    def compile_with(self, compile: Compile) -> None:
        """Evaluate by functions that are compiled in this way, instead of generated Python."""
        self._compiles, self._compile = True, compile
        self._functions = {"slopes": self._compiled("slopes")}

    def value(self, point: Point) -> float:
        """Return f at a point."""
        found = self._generated("value", point)
        return found[0] if found else self._values(self.graph, point)[self.graph.outputs[0]]

    def slopes(self, point: Point) -> Sequence[float]:
        """Return f and its partials: by generated Python, or else by the two sweeps."""
        found = self._generated("slopes", point)
        if found:
            return found
        output = self.graph.outputs[0]
        values = self._values(self.graph, point)
        adjoints = reverse(self.graph, values, output, self._active)
        return [values[output], *(adjoints[node] or 0.0 for node in self._wrt)]

    def curvature(self, point: Point) -> Sequence[float]:
        """Return f, its partials, and the lower triangle of the Hessian, row by row."""
        found = self._generated("curvature", point)
        if found:
            return found
        graph = self._graph("curvature")
        values = self._values(graph, point)
        return [values[node] for node in graph.outputs]

    def compiled_slopes(self) -> tuple[Graph, Mapping[str, float]] | None:
        """Return the graph of f and its partials, and the inputs held still, if it is compiled."""
        return (self._graph("slopes"), self.held) if self._compiles else None

    def _graph(self, what: str) -> Graph:
        """Return the graph that gives the value, the slopes or the curvature."""
        if what not in self._graphs:
            self._graphs[what] = graph_of(what, self.graph, self._wrt)
        return self._graphs[what]

    def _generated(self, what: str, point: Point) -> Sequence[float] | None:
        """Return the outputs of a graph by generated Python, None where that has no answer."""
        if not self._compiles:
            return None
        function = self._functions.get(what)
        if function is None:
            function = self._functions[what] = self._compiled(what)
        try:
            return function(*point, *self.held.values())
        except ARITHMETIC_ERRORS:
            return None

    def _compiled(self, what: str) -> Evaluator:
        """Return the function of a graph."""
        from backprop_cli.readings.python import python_function

        compile = self._compile or python_function
        return compile(self._graph(what), [*self.names, *self.held])

    def _values(self, graph: Graph, point: Point) -> list[Any]:
        return forward_values(graph, {**dict(zip(self.names, point, strict=True)), **self.held})


class MeanExpression:
    """The mean of a program's output over the rows of data that bind some of its inputs."""

    def __init__(
        self, graph: Graph, moving: Sequence[str], held: Mapping[str, float], data: "Data"
    ) -> None:
        self.graph = graph.with_outputs(graph.outputs[:1])
        self.data = data
        self.names = tuple(moving)
        self._held = {name: held[name] for name in held if name not in moving}
        self._wrt = [graph.inputs[name] for name in moving]
        self._means: dict[str, MeanOver] = {}
        self._natively = False

    def value(self, point: Point) -> float:
        """Return the mean of f at a point."""
        return self._mean("value")(self._full(point))[0]

    def slopes(self, point: Point) -> Sequence[float]:
        """Return the mean of f and of its partials."""
        return self._mean("slopes")(self._full(point))

    def curvature(self, point: Point) -> Sequence[float]:
        """Return the means of f, its partials, and the lower triangle of its Hessian."""
        return self._mean("curvature")(self._full(point))

    def compile_rows(self) -> "Native":
        """Let compiled C compute the rows from now on, and return it. Raises `NoCompiler`."""
        native = self._mean("slopes").compile()
        self._natively = True
        return native

    def slopes_graph(self) -> Graph:
        """Return the graph whose outputs are averaged: f and its partials."""
        return self._mean("slopes").graph

    def first_bad(self, point: Point) -> int | None:
        """Return the first row of the data in which f or a slope is not finite, from 0."""
        return self._mean("slopes").first_bad(self._full(point))

    def batched(self, size: int, draw: Random) -> Callable[[Point], Sequence[float]]:
        """Return a function that gives f and its partials over one batch of rows after another."""
        batches = self.data.batches(size, draw)
        mean = self._mean("slopes")
        return lambda point: mean(self._full(point), next(batches))

    def _full(self, point: Point) -> list[float]:
        return [*point, *self._held.values()]

    def _mean(self, what: str) -> "MeanOver":
        """Return the mean of a graph's outputs, made when first asked for."""
        if what not in self._means:
            from backprop_cli.studies.means import MeanOver

            graph = graph_of(what, self.graph, self._wrt)
            made = self._means[what] = MeanOver(graph, [*self.names, *self._held], self.data)
            if self._natively:
                made.compile()
        return self._means[what]


def python_pays(evaluations: int, nodes: int) -> bool:
    """Return whether so many evaluations, or steps, are worth compiling to Python for."""
    grown = (_PAYS - _SMALL_PAYS) * min(1.0, nodes / 100)
    return evaluations >= _SMALL_PAYS + grown


def graph_of(what: str, graph: Graph, wrt: Sequence[int]) -> Graph:
    """Return the graph of the value, of value and slopes, or of value, slopes and curvature."""
    if what == "value":
        return graph
    make = gradient_graph if what == "slopes" else hessian_graph
    return make(graph, graph.outputs[0], wrt)
