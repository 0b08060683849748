"""Which engine computes claims and gradient at many points: generated Python, or C compiled here.

Both give the same bits where all numbers are finite. Where one is not, Python answers, and after
it the interpreter, whichever engine was asked for: so no verdict depends on the engine.

C pays seldom, and never much: most of the time goes to drawing points and comparing numbers. A
hundred points, the usual number, cost less than starting a compiler. Of a small program 100,000
points take 1.0 s by either; of one with 1,442 nodes (program, claim and gradient together) 1,000
points take 0.11 s by Python and 0.34 by C, 20,000 points 2.0 s by Python and 1.7 by C, 1.4 if it
was kept. `auto` takes C there from some 40,000 points on.
"""

from collections.abc import Callable, Sequence

from backprop_cli.calculus.values import ARITHMETIC_ERRORS
from backprop_cli.graph import Graph
from backprop_cli.readings.compiler import NoCompiler
from backprop_cli.readings.python import python_function
from backprop_cli.studies.engine import Chosen, python_because
from backprop_cli.studies.paying import WITH_GRADIENT, calls_pay

LARGEST_PYTHON = 10_000
"""The most nodes that are compiled to Python."""
_LEAST_WORK = 2_000_000
"""Nodes times points below which no compiler can pay: Python computes as much in 0.1 s."""

Evaluator = Callable[..., tuple[float, ...]]


class Evaluation:
    """The outputs of a graph at one point after another, by the engine that was chosen."""

    def __init__(self, graph: Graph, names: Sequence[str], engine: str, points: int) -> None:
        """Choose `auto`, `python` or `native` for about so many points.

        Raises `NoCompiler` where `native` is asked for.
        """
        self.graph, self.names = graph, names
        self.chosen = Chosen("python")
        """The engine that works."""
        self._native: Evaluator | None = None
        self._python: Evaluator | None = None
        if engine == "native" or (engine == "auto" and _pays(points, graph.size)):
            self._compile(engine == "native")

    def __call__(self, point: Sequence[float]) -> tuple[float, ...] | None:
        """Return the outputs at a point, None where the interpreter must answer."""
        if self._native is not None:
            try:
                return self._native(*point)
            except ARITHMETIC_ERRORS:
                pass
        if self.graph.size > LARGEST_PYTHON:
            return None
        if self._python is None:
            self._python = python_function(self.graph, self.names)
        try:
            return self._python(*point)
        except ARITHMETIC_ERRORS:
            return None

    def _compile(self, always: bool) -> None:
        from backprop_cli.readings.native_function import compiled_by_c

        try:
            self._native, native = compiled_by_c(self.graph, self.names)
            self.chosen = Chosen("native", native.note)
        except NoCompiler as error:
            if always:
                raise
            self.chosen = python_because(error.message)


def _pays(points: int, nodes: int) -> bool:
    """Return whether C saves more than twice what compiling it costs."""
    if points * nodes < _LEAST_WORK:
        return False
    return calls_pay(points, round(nodes / WITH_GRADIENT))
