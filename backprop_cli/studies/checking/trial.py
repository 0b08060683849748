"""One point, both sides: what a claim says there, and what the gradient is.

Program, claims and gradient are one graph (the gradient's nodes appended behind them), so that a
point costs one call of a compiled function. Two numbers agree if they differ by no more than the
tolerance, relative to their size. Where they differ by more, but by no more than rounding may have
done to either side, the graph is computed again with 50 digits, and these decide: nobody is
accused of what rounding did.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from backprop_cli.calculus.gradient_graph import gradient_graph
from backprop_cli.calculus.kinks import KINKED, kinked_nodes
from backprop_cli.calculus.reverse import reverse
from backprop_cli.calculus.rounding import SMALLEST_NORMAL, UNIT
from backprop_cli.calculus.values import forward_values
from backprop_cli.graph import Graph
from backprop_cli.readings.floats import number
from backprop_cli.studies.checking.claim_engine import LARGEST_PYTHON, Evaluation
from backprop_cli.studies.checking.claims import Questions
from backprop_cli.studies.engine import Chosen
from backprop_cli.studies.sampling import Point

AGREES, DIFFERS, SILENT, LOST = "agrees", "differs", "silent", "lost"
"""What a claim does at a point: the last two where it has no value, and where rounding hides it."""

_WORK_COMPILED, _WORK = 100_000_000, 2_000_000
_ULPS = 8.0
_DIGITS, _MORE_DIGITS = 50, 70
_MOST_PRECISE = 50


class Sides(NamedTuple):
    """What was claimed at a point and what the gradient is there."""

    status: str
    claimed: float
    actual: float


class Trial:
    """The claims of a program, ready to be looked at at many points."""

    def __init__(
        self, questions: Questions, tolerance: float, engine: str = "python", points: int = 0
    ) -> None:
        """Compile; an engine is chosen for about so many points. Raises `NoCompiler`."""
        self.questions = questions
        self.tolerance = tolerance
        self.names = tuple(questions.graph.inputs)
        self.graph, self.slopes = _with_gradients(questions)
        self._values = list(dict.fromkeys(question.output for question in questions.asked))
        self._count = len(self._values)
        claims = [question.node for question in questions.asked]
        self.graph = self.graph.with_outputs([*self._values, *self.slopes, *claims])
        self._rounding = Noise(self.graph)
        self._evaluation = Evaluation(
            self.graph, self.names, engine, min(points, _WORK_COMPILED // self.graph.size)
        )
        self._precise = 0

    @property
    def chosen(self) -> Chosen:
        """The engine that works."""
        return self._evaluation.chosen

    @property
    def affordable(self) -> int:
        """How many points can be looked at in some seconds."""
        work = _WORK_COMPILED if self.graph.size <= LARGEST_PYTHON else _WORK
        return work // self.graph.size

    def numbers(self, point: Point) -> tuple[float, ...]:
        """Return the outputs' values, then each claim's gradient, then each claim's value."""
        found = self._evaluation(point)
        if found is not None:
            return found
        values = forward_values(self.graph, dict(zip(self.names, point, strict=True)))
        return tuple(values[node] for node in self.graph.outputs)

    def is_inside(self, numbers: tuple[float, ...]) -> bool:
        """Return whether the program and all slopes asked for are defined and finite there."""
        return all(map(math.isfinite, numbers[: self._count + len(self.slopes)]))

    def sides(self, place: int, point: Point, numbers: tuple[float, ...]) -> Sides:
        """Return what the claim at `place` does at a point inside the domain."""
        actual = numbers[self._count + place]
        claimed = numbers[self._count + len(self.slopes) + place]
        if not math.isfinite(claimed):
            return Sides(SILENT, claimed, actual)
        difference = abs(claimed - actual)
        size = max(abs(claimed), abs(actual))
        rounded = self.questions.asked[place].claim.rounding
        if difference <= max(self.tolerance * size, rounded * (1 + 1e-9)):
            return Sides(AGREES, claimed, actual)
        noise = self._noise((self.slopes[place], self.questions.asked[place].node), point)
        if difference > noise + rounded:
            return Sides(DIFFERS, claimed, actual)
        return Sides(self._by_digits(place, point), claimed, actual)

    def kinks(self, place: int, point: Point, by_all: bool = False) -> list[int]:
        """Return the nodes of the program with a kink or jump at this point that reach the output.

        Those along the claim's own input; with `by_all`, along any input.
        """
        graph = self.questions.program
        if KINKED.isdisjoint(graph.rows):
            return []
        question = self.questions.asked[place]
        active = graph.dependents(graph.inputs.values() if by_all else [question.target])
        values = forward_values(graph, dict(zip(self.names, point, strict=True)))
        adjoints = reverse(graph, values, question.output, active)
        return [source for _, source in kinked_nodes(graph, values, adjoints, active)]

    def _noise(self, nodes: Sequence[int], point: Point) -> float:
        """Return a bound on the rounding error of two nodes of the graph, from their adjoints."""
        located = dict(zip(self.names, point, strict=True))
        return self._rounding.bound(forward_values(self.graph, located), nodes)

    def _by_digits(self, place: int, point: Point) -> str:
        """Return whether the sides agree when both are computed with many digits.

        Twice, with 50 and with 70: where these differ, the digits are lost for good, as in the
        logarithm of what should be 0.
        """
        self._precise += 1
        if self._precise > _MOST_PRECISE:
            return LOST
        actual, claimed, scale = self._exact(place, point, _DIGITS)
        more_actual, more_claimed, _ = self._exact(place, point, _MORE_DIGITS)
        for few, many in ((actual, more_actual), (claimed, more_claimed)):
            if not abs(few - many) <= 1e-20 * abs(many) + 1e-40 * scale:
                return LOST
        size = max(abs(actual), abs(claimed))
        agrees = abs(actual - claimed) <= self.tolerance * size + 1e-30 * scale
        return AGREES if agrees else DIFFERS

    def _exact(self, place: int, point: Point, digits: int) -> tuple[Any, Any, Any]:
        """Return gradient and claim with many digits, and the largest number on the way."""
        from backprop_cli.readings.precise import Precise

        arithmetic = Precise(digits)
        numbers = map(arithmetic.context.mpf, point)
        exact = dict(zip(self.names, numbers, strict=True))
        values = forward_values(self.graph, exact, arithmetic)
        scale = max(abs(value) for value in values if arithmetic.is_finite(value))
        return values[self.slopes[place]], values[self.questions.asked[place].node], scale


class Noise:
    """Bounds on what rounding may have done to nodes of a graph, from their adjoints.

    A literal that float64 has exactly (2, 0.5) is rounded by nobody. It must not take part: the
    slope of (-1)^2 along the exponent is undefined, and would leave no bound.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        rounded = [node for node, literal in graph.literals.items() if not _is_exact(literal)]
        self.active = graph.dependents([*graph.inputs.values(), *rounded])

    def bound(self, values: list[float], nodes: Sequence[int]) -> float:
        """Return a bound on the rounding errors of some nodes together.

        Infinite where an infinity is on the way, as in 1/cosh(400)^2, which is not 0.
        """
        total = 0.0
        for node in nodes:
            adjoints = reverse(self.graph, values, node, self.active)
            for adjoint, value in zip(adjoints, values, strict=True):
                if adjoint is None:
                    continue
                if value - value:
                    return math.inf
                if adjoint and (value or abs(adjoint) < math.inf):
                    total += abs(adjoint) * max(abs(value), SMALLEST_NORMAL)
        return _ULPS * UNIT * total if total == total else math.inf


def _is_exact(literal: str) -> bool:
    """Return whether a literal is the same number in float64."""
    value = number(literal)
    if not value:
        return not literal.lower().partition("e")[0].strip("0.")  # 1e-999999999 is not 0
    try:
        return math.isfinite(value) and Fraction(literal) == Fraction(value)
    except ValueError:
        return False  # pi


def _with_gradients(questions: Questions) -> tuple[Graph, list[int]]:
    """Return the graph of program, claims and gradients, and the node of each claim's gradient."""
    graph = questions.graph
    found: dict[tuple[int, int], int] = {}
    for output in dict.fromkeys(question.output for question in questions.asked):
        wrt = list(dict.fromkeys(q.target for q in questions.asked if q.output == output))
        graph = gradient_graph(graph, output, wrt)
        found |= {(output, k): node for k, node in zip(wrt, graph.outputs[1:], strict=True)}
    return graph, [found[question.output, question.target] for question in questions.asked]
