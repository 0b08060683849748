"""The study behind `export`: the derivation of each output, and numbers to check it by.

The numbers are those of `grad` at the point of `--at`. Without one they are taken at points of the
domain that are drawn with a fixed seed, so that the same program is exported the same tomorrow;
they are picked so that slopes flow along as many branches as can be, since a 0 proves little.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from backprop_cli.calculus.derivation import Derivation, derivation
from backprop_cli.calculus.running_error import RunningErrors
from backprop_cli.errors import LimitExceeded, MissingInput
from backprop_cli.graph import Graph
from backprop_cli.language.printer import statements, with_name
from backprop_cli.operations import COMPARISON_ROWS
from backprop_cli.readings.target import Language
from backprop_cli.studies.agreement import TOLERANCE
from backprop_cli.studies.gradient import nodes_named, solve
from backprop_cli.studies.sampling import SEED, Point, draws, probes, telling
from backprop_cli.studies.solution import Answer, Solution

MOST_NODES = 10_000
"""Programs of more nodes are not exported: a function of some 50,000 lines helps nobody."""

MOST_SHOWN = 12
"""The most statements of a program that stand at the head of its file."""

_POINTS = 3
_MOST_POINTS = 6
_DRAWN = 30
_MOST_WORK = 40_000
_MOST_INPUTS = 20
_FEW_DIGITS = 3
_MARGIN = 16.0


class Number(NamedTuple):
    """A number that the code must give, and how far rounding may move it; `name` is for people."""

    name: str
    value: float
    allowed: float


class Check(NamedTuple):
    """What one function gives at one point: a number for each input, the value, the gradient."""

    point: Point
    value: Number
    gradient: tuple[Number, ...]


class Exported(NamedTuple):
    """One output: its name, the code of its value and gradient, and what the code is checked by."""

    name: str
    derivation: Derivation
    checks: tuple[Check, ...]


class Export(NamedTuple):
    """Everything an exported file says; `chosen` says that its points are not the user's."""

    language: Language
    program: tuple[str, ...]
    functions: tuple[Exported, ...]
    chosen: bool


def check_size(graph: Graph) -> None:
    """Raise unless the program has inputs, and no more nodes than a file can show."""
    if not graph.inputs:
        raise MissingInput("the program has no inputs: there is nothing to differentiate by")
    if graph.size > MOST_NODES:
        message = f"export writes up to {MOST_NODES:,} nodes, this program has {graph.size:,}"
        raise LimitExceeded(message, None, "--of exports a part of it")


def export(
    graph: Graph,
    language: Language,
    point: Mapping[str, float],
    wrt: Iterable[str] = (),
    outputs: Iterable[str] = (),
) -> tuple[Export, Solution]:
    """Return the code of each output, and the solution at the first point it is checked at.

    An empty `point` leaves the choice of points to this function.
    """
    solutions = [solve(graph, point, wrt, outputs)] if point else chosen(graph, wrt, outputs)
    first = solutions[0]
    asked = nodes_named(first.graph, wrt, "--wrt") or dict(first.graph.inputs)
    functions = tuple(
        Exported(
            answer.name,
            derivation(first.graph, answer.node, asked, language),
            tuple(_check(solution, solution.answers[place]) for solution in solutions),
        )
        for place, answer in enumerate(first.answers)
    )
    return Export(language, _program(first), functions, not point), first


def chosen(graph: Graph, wrt: Iterable[str], outputs: Iterable[str]) -> list[Solution]:
    """Return the program solved at points where every output has an answer.

    Each point is the one at which most nodes have a slope that had none before, so that between
    them the points take the branches of the program; but none at which rounding, which is another
    in each language, decides which branch that is. Raises `MissingInput` if none was found.
    """
    wrt, outputs, names = tuple(wrt), tuple(outputs), list(graph.inputs)
    compares = not graph.applied.isdisjoint(COMPARISON_ROWS)
    found: list[tuple[Solution, set[int]]] = []
    for point in islice(_candidates(names), max(_POINTS, _MOST_WORK // graph.size)):
        solution = solve(graph, dict(zip(names, point, strict=True)), wrt, outputs)
        if all(answer.failure is None and not answer.remarks for answer in solution.answers):
            found.append((solution, _seen(solution)))
    fewest = _POINTS if len(names) <= _MOST_INPUTS else 1
    made: list[Solution] = []
    known: set[int] = set()
    while found and len(made) < _MOST_POINTS:
        best = max(found, key=lambda pair: len(pair[1] - known))
        if len(made) >= fewest and best[1] <= known:
            break
        found.remove(best)
        if compares and any(
            _errors(best[0], answer).decide_a_comparison(_MARGIN) for answer in best[0].answers
        ):
            continue
        made.append(best[0])
        known |= best[1]
    if not made:
        hint = f"give one: --at {names[0][:40]}=..."
        raise MissingInput("no point of the domain was found to check the code at", None, hint)
    return made


def _seen(solution: Solution) -> set[int]:
    """Return the nodes, of each answer in turn, along which a slope that is not 0 flows."""
    size = solution.graph.size
    return {
        place * size + node
        for place, answer in enumerate(solution.answers)
        for node, adjoint in enumerate(answer.adjoints)
        if adjoint
    }


def _candidates(names: list[str]) -> Iterator[Point]:
    """Yield points of short numbers: a simple one, random ones, some with 0 and 1 and -1."""
    yield from islice(telling(names, {}, {}), 1)
    drawn = [
        tuple(float(f"{x:.{_FEW_DIGITS}g}") for x in point)
        for point in islice(draws(names, {}, {}, SEED), _DRAWN)
    ]
    yield from drawn
    yield from probes(names, {}, {}, drawn)


def _check(solution: Solution, answer: Answer) -> Check:
    """Return the numbers of one output, each with 16 times the bound of its rounding error."""
    errors = _errors(solution, answer)
    gradient = tuple(
        _number(f"d{answer.name}/d{name}", slope, errors.adjoints[solution.wrt[name]])
        for name, slope in answer.gradient.items()
    )
    value = _number(answer.name, answer.value, errors.values[answer.node])
    return Check(tuple(solution.point[name] for name in solution.graph.inputs), value, gradient)


def _errors(solution: Solution, answer: Answer) -> RunningErrors:
    return RunningErrors(
        solution.graph, solution.values, answer.adjoints, answer.node, solution.active
    )


def _number(name: str, value: float, error: float) -> Number:
    allowed = max(TOLERANCE * abs(value), _MARGIN * error)
    return Number(name, value, float(f"{allowed:.1g}"))


def _program(solution: Solution) -> tuple[str, ...]:
    """Return the statements of the program as people wrote them, the first of many."""
    graph = solution.graph
    lines = list(islice(statements(graph, solution.names, asked=solution.asked), MOST_SHOWN + 1))
    if len(lines) > MOST_SHOWN:
        lines[MOST_SHOWN:] = [f"... ({graph.size:,} nodes)"]
    elif len(solution.answers) == 1:
        lines[-1] = with_name(lines[-1], solution.answers[0].name)
    return tuple(line.replace("·", "*") for line in lines)
