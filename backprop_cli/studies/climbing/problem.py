"""What `ascend` is asked to climb: a program, the point it starts from, and which inputs move."""

import math
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import NamedTuple

from backprop_cli.errors import OptionProblem, UnknownInput
from backprop_cli.graph import Graph
from backprop_cli.studies.climbing.ascent import Climb
from backprop_cli.studies.climbing.objective import Expression, MeanExpression
from backprop_cli.studies.climbing.settings import Settings
from backprop_cli.studies.data import Data
from backprop_cli.studies.gradient import nodes_named, solve
from backprop_cli.studies.solution import Failure, Solution

_MOST_ROWS_SEEN = 200


class Problem(NamedTuple):
    """A program with its start: a number for every input that no column binds.

    `solution` is the answer of `grad` there; with data, in that one of the first rows of which
    there is something to say (`row`, from 0).
    """

    objective: Expression | MeanExpression
    start: Mapping[str, float]
    solution: Solution
    data: Data | None
    row: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The inputs that move."""
        return self.objective.names

    def climb(self, settings: Settings, batch_size: int = 0) -> Climb:
        """Return a climb from the start, not yet begun."""
        batch = None
        if batch_size and isinstance(self.objective, MeanExpression):
            batch = self.objective.batched(batch_size, Random(settings.seed))
        start = [self.start[name] for name in self.names]
        return Climb(self.objective, start, settings, batch)

    def at(self, point: Sequence[float]) -> dict[str, float]:
        """Return the value of every input of the start, with the moving ones at `point`."""
        return {**self.start, **dict(zip(self.names, point, strict=True))}

    def failure_at(self, point: Sequence[float]) -> Failure | None:
        """Return why f or its gradient is not finite there, if that can be told."""
        graph = self.solution.graph
        for name, place in zip(self.names, point, strict=True):
            if not math.isfinite(place):
                return Failure(
                    "not-finite",
                    f"{name} would be {place}",
                    name,
                    graph.span_of(graph.inputs[name]),
                )
        row = 0
        if isinstance(self.objective, MeanExpression):
            row = self.objective.first_bad(point) or 0
        solution = solve(graph, {**self.at(point), **_row(self.data, row)}, self.names)
        failure = solution.answers[0].failure
        return failure and failure._replace(message=self.where(row) + failure.message)

    def where(self, row: int) -> str:
        """Return the words that say which row of the data is meant, if there are data."""
        return f"row {row + 1:,} of the data: " if self.data else ""


def make_problem(
    graph: Graph,
    start: Mapping[str, float],
    wrt: Iterable[str],
    of: Iterable[str],
    evaluations: int,
    data: Data | None = None,
) -> Problem:
    """Return the problem; raises `BackpropError` where it makes no sense.

    `wrt` names the inputs that move (all but the data's if none is named), `of` the node to climb.
    About `evaluations` points will be asked for.
    """
    outputs = list(of)
    if len(outputs) > 1:
        raise OptionProblem(f"--of: one output can be climbed, got {', '.join(outputs)}")
    asked = list(nodes_named(graph, wrt, "--wrt"))
    free = [name for name in graph.inputs if data is None or name not in data.columns]
    for name in asked:
        if name not in free:
            what = "is bound by the data" if name in graph.inputs else "is computed"
            hint = f"the inputs are {', '.join(free[:10])}"
            raise UnknownInput(f"--wrt: {name} {what} and cannot be moved", None, hint)
    moving = asked or free
    if not moving:
        raise OptionProblem("there is no input to move")
    row, solution = _start(graph, start, moving, outputs, data)
    graph = solution.graph
    objective: Expression | MeanExpression
    if data is None:
        objective = Expression(graph, moving, start, evaluations)
    else:
        objective = MeanExpression(graph, moving, start, data)
    return Problem(objective, dict(start), solution._replace(point=dict(start)), data, row)


def _start(
    graph: Graph,
    start: Mapping[str, float],
    moving: Sequence[str],
    outputs: Sequence[str],
    data: Data | None,
) -> tuple[int, Solution]:
    """Return the answer at the start; with data in the first row with a failure or a remark."""
    first = solve(graph, {**start, **_row(data, 0)}, moving, outputs)
    for row in range(min(data.size, _MOST_ROWS_SEEN) if data else 0):
        solution = solve(graph, {**start, **_row(data, row)}, moving, outputs)
        if solution.answers[0].failure or solution.answers[0].remarks:
            return row, solution
    return 0, first


def _row(data: Data | None, row: int) -> dict[str, float]:
    return {name: float(column[row]) for name, column in data.columns.items()} if data else {}
