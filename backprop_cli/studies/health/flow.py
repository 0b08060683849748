"""The size of the gradient by depth: how it fares on its way back from the output.

The depth of a node is its longest distance from the output, in edges along which something flows:
every contribution then goes from a smaller depth to a larger one, and a level is a set of nodes
that no contribution connects.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from backprop_cli.calculus.reverse import Contribution, contributions
from backprop_cli.studies.solution import Answer, Solution


class Level(NamedTuple):
    """The nodes from one depth to another: how many, the largest and the smallest adjoint."""

    first: int
    last: int
    nodes: int
    largest: int
    smallest: int


class Flow(NamedTuple):
    """The depth of every node that something flows to (-1 for the others), and the levels."""

    depths: Sequence[int]
    levels: tuple[Level, ...]


def flow(solution: Solution, answer: Answer) -> Flow:
    """Return the size of the adjoints by depth: one level for each depth."""
    graph, adjoints = solution.graph, answer.adjoints
    depths = [-1] * graph.size
    if adjoints[answer.node] is not None:
        depths[answer.node] = 0
    for step in flowing(solution, answer):
        depths[step.operand] = max(depths[step.operand], depths[step.node] + 1)
    at: dict[int, list[int]] = {}
    for node, depth in enumerate(depths):
        if depth >= 0:
            at.setdefault(depth, []).append(node)
    levels = tuple(_level(depth, at[depth], adjoints) for depth in sorted(at))
    return Flow(depths, levels)


def flowing(solution: Solution, answer: Answer) -> Iterator[Contribution]:
    """Yield every contribution of the reverse sweep of an answer."""
    graph, arithmetic = solution.graph, solution.arithmetic
    return contributions(graph, solution.values, answer.adjoints, solution.active, arithmetic)


def size(adjoint: Any) -> float:
    """Return the size of an adjoint; NaN counts as the largest of all."""
    size = abs(float(adjoint))
    return math.inf if size != size else size


def _level(depth: int, nodes: Sequence[int], adjoints: Sequence[Any]) -> Level:
    largest = max(nodes, key=lambda node: size(adjoints[node]))
    smallest = min(nodes, key=lambda node: size(adjoints[node]))
    return Level(depth, depth, len(nodes), largest, smallest)


def binned(levels: Sequence[Level], most: int, adjoints: Sequence[Any]) -> list[Level]:
    """Return about `most` levels: neighbours are put together, their extremes kept.

    Where nothing but 0 is left over many depths, that is one level.
    """
    if len(levels) <= most:
        return list(levels)
    runs: list[list[Level]] = []
    for level in levels:
        silent = not size(adjoints[level.largest])
        if not runs or silent != (not size(adjoints[runs[-1][-1].largest])):
            runs.append([])
        runs[-1].append(level)
    loud = sum(len(run) for run in runs if size(adjoints[run[0].largest]))
    made = []
    for run in runs:
        share = max(1, most * len(run) // loud) if size(adjoints[run[0].largest]) else 1
        count = min(share, len(run))
        for place in range(count):
            part = run[place * len(run) // count : (place + 1) * len(run) // count]
            made.append(_together(part, adjoints))
    return made


def _together(part: Sequence[Level], adjoints: Sequence[Any]) -> Level:
    """Return several levels as one."""
    return Level(
        part[0].first,
        part[-1].last,
        sum(level.nodes for level in part),
        max((level.largest for level in part), key=lambda node: size(adjoints[node])),
        min((level.smallest for level in part), key=lambda node: size(adjoints[node])),
    )
