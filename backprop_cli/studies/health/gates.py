"""Where operations let little or nothing through at this point: saturation, and dead rectifiers.

A saturating operation counts as **saturated** when less than LITTLE of its steepest slope is left.
A rectifier (or a clip) whose own slope is 0 is **dead** here; what it cuts off are the inputs whose
every path to the output ends so.
"""

from collections.abc import Iterator
from typing import NamedTuple

from backprop_cli.calculus.partials import local_partials
from backprop_cli.operations import ROW, TABLE
from backprop_cli.studies.health.fates import steepest
from backprop_cli.studies.solution import Answer, Solution

LITTLE = 0.01

_SATURATING = frozenset(
    ROW[name] for name in ("sigmoid", "tanh", "erf", "erfc", "normal_cdf", "softsign")
)
_MOST_TRACED = 100
_RECTIFIERS = frozenset((ROW["relu"], ROW["clip"]))


class Saturated(NamedTuple):
    """A saturated node: its operand, and what is left of its slope, also as a share."""

    node: int
    operand: float
    slope: float
    share: float


class Dead(NamedTuple):
    """A rectifier through which nothing flows: its operand, and the inputs that nothing reaches.

    `cut` are those of the inputs below it that get nothing along any path.
    """

    node: int
    operand: float
    cut: tuple[str, ...]


def saturated(solution: Solution, answer: Answer) -> list[Saturated]:
    """Return the saturated nodes that something flows to, the flattest first."""
    found = []
    graph, values, arithmetic = solution.graph, solution.values, solution.arithmetic
    arithmetic.prepare_partials(graph)
    for node in _reached(solution, answer, _SATURATING):
        for operand, slope in local_partials(graph, node, values, solution.active, arithmetic):
            share = abs(slope) / steepest(TABLE[graph.rows[node]].name)
            if share < LITTLE:
                found.append(Saturated(node, values[operand], slope, share))
    return sorted(found, key=lambda one: one.share)


def dead(solution: Solution, answer: Answer) -> list[Dead]:
    """Return the rectifiers that pass nothing on, those first that cut off most inputs."""
    found: list[Dead] = []
    graph, values = solution.graph, solution.values
    reached = {name for name, k in solution.wrt.items() if answer.adjoints[k] is not None}
    for node in _reached(solution, answer, _RECTIFIERS):
        operand = graph.operands_of(node)[0]
        flows = local_partials(graph, node, values, solution.active, solution.arithmetic)
        if solution.active[operand] and operand not in {k for k, _ in flows}:
            cut: list[str] = []
            if len(reached) < len(solution.wrt) and len(found) < _MOST_TRACED:
                below = graph.dependencies([operand])
                cut = [n for n, k in solution.wrt.items() if below[k] and n not in reached]
            found.append(Dead(node, values[operand], tuple(cut)))
    return sorted(found, key=lambda one: -len(one.cut))


def _reached(solution: Solution, answer: Answer, rows: frozenset[int]) -> Iterator[int]:
    """Yield the nodes of these rows that depend on an input asked for and get something."""
    if rows.isdisjoint(solution.graph.rows):
        return
    solution.arithmetic.prepare_partials(solution.graph)
    for node, row in enumerate(solution.graph.rows):
        if row in rows and solution.active[node] and answer.adjoints[node] is not None:
            yield node
