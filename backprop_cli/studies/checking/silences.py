"""Where a claim has no value, and why, in words; and how a kink is named."""

from backprop_cli.calculus.values import forward_values
from backprop_cli.language.names import Naming
from backprop_cli.readings.floats import FLOATS
from backprop_cli.studies.checking.trial import Trial
from backprop_cli.studies.failures import failure_of_value, short
from backprop_cli.studies.sampling import Point
from backprop_cli.studies.solution import Solution
from backprop_cli.studies.words import place_words, said

_MOST_NAMED = 6


def undefined(trial: Trial, place: int, point: Point, where: str) -> str:
    """Return where a claim has no value, and why."""
    where = where or f"at points such as {_point_words(trial, point)}"
    return f"{where}: there the claim is undefined ({why_silent(trial, place, point)})"


def kink_words(trial: Trial, node: int) -> str:
    """Return how a kink of the program is named."""
    return f"the kink of {said(trial.questions.program, node, by_name=False)}"


def why_silent(trial: Trial, place: int, point: Point) -> str:
    """Return why a claim has no value at a point, as an error would say it."""
    question, graph = trial.questions.asked[place], trial.questions.graph
    located = dict(zip(trial.names, point, strict=True))
    graph = graph.with_outputs([question.node])
    values = forward_values(graph, located)
    nothing = bytearray(graph.size)
    solution = Solution(graph, located, values, {}, nothing, Naming(graph), FLOATS, "convention")
    failure = failure_of_value(solution, question.node)
    return failure.message if failure else "it is not finite"


def _point_words(trial: Trial, point: Point) -> str:
    return place_words(dict(zip(trial.names, point, strict=True)), _MOST_NAMED, short)
