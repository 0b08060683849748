"""What `ascend` is asked to climb: a program, the point it starts from, and which inputs move."""

from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import NamedTuple

from backprop_cli.errors import OptionProblem, UnknownInput
from backprop_cli.graph import Graph
from backprop_cli.studies.ascent import Climb, Settings
from backprop_cli.studies.data import Data
from backprop_cli.studies.gradient import nodes_named, solve
from backprop_cli.studies.objective import Expression, MeanExpression
from backprop_cli.studies.solution import Failure, Solution

_MOST_ROWS_BLAMED = 1000


class Problem(NamedTuple):
    """A program with its start. `solution` is the answer of `grad` there (in the data's first row,
    if there are data); `start` has a number for every input that no column binds."""

    objective: Expression | MeanExpression
    start: Mapping[str, float]
    solution: Solution
    data: Data | None

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
        for row in range(min(self.data.size, _MOST_ROWS_BLAMED) if self.data else 1):
            solution = solve(
                self.solution.graph, {**self.at(point), **_row(self.data, row)}, self.names
            )
            failure = solution.answers[0].failure
            if failure is not None:
                where = f"row {row + 1} of the data: " if self.data else ""
                return failure._replace(message=where + failure.message)
        return None


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
    solution = solve(graph, {**start, **_row(data, 0)}, moving, outputs)
    graph = solution.graph
    objective: Expression | MeanExpression
    if data is None:
        objective = Expression(graph, moving, start, evaluations)
    else:
        objective = MeanExpression(graph, moving, start, data)
    return Problem(objective, dict(start), solution._replace(point=dict(start)), data)


def _row(data: Data | None, row: int) -> dict[str, float]:
    return {name: float(column[row]) for name, column in data.columns.items()} if data else {}
