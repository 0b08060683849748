"""What a rewrite must pass: it is the limit of the program as typed, and the same elsewhere.

Both are looked at with fifty digits. This file imports mpmath, so it is imported with a rewrite.
"""

import random
from collections.abc import Mapping
from typing import Any, NamedTuple

from backprop_cli.graph import Graph
from backprop_cli.studies.exact import ExactAnswer, exact_answer, sound

FEWEST_POINTS = 5
"""Two programs that could be compared at fewer points than this are not held to be the same."""

_POINTS, _DRAWS = 20, 120
_WORK = 20_000
_ELSEWHERE = 1e-40
_LIMIT_DIRECTIONS = 6
_LIMIT_STEP = 1e-30
_LIMIT_SAME = 1e-9
_NEAR_DIGITS = 60


class Program(NamedTuple):
    """A program that is looked at: its graph, the output, and the names asked for."""

    graph: Graph
    point: Mapping[str, float]
    wrt: Mapping[str, int]

    @property
    def output(self) -> int:
        """The node whose gradient is asked for."""
        return self.graph.outputs[0]

    def with_graph(self, graph: Graph) -> "Program | None":
        """Return the same question to another graph; None if a name asked for is gone."""
        known = {**graph.names, **graph.inputs}
        if not all(name in known for name in self.wrt):
            return None
        return self._replace(graph=graph, wrt={name: known[name] for name in self.wrt})


def is_limit(program: Program, value: float, gradient: Mapping[str, float], kinked: bool) -> bool:
    """Return whether the numbers are what the program tends to from all sides.

    At a kink the slopes do not; the value must.
    """
    draw = random.Random(0)
    seen = 0
    for _ in range(_LIMIT_DIRECTIONS):
        point = dict(program.point)
        for name in program.wrt:
            if name in point:
                point[name] = _beside(point[name], draw)
        found = exact_answer(program.graph, point, program.output, program.wrt)
        if not found.whole:
            continue
        seen += 1
        pairs = [(found.value, value)]
        if not kinked:
            pairs += [(found.gradient[name], slope) for name, slope in gradient.items()]
        if any(abs(there - here) > _LIMIT_SAME * (1 + abs(here)) for there, here in pairs):
            return False
    return seen > 1


def _beside(value: float, draw: random.Random) -> Any:
    """Return a number of many digits close to `value`."""
    context = sound(_NEAR_DIGITS).context
    size = abs(value) or 1.0
    return context.mpf(value) + context.mpf(draw.uniform(-1, 1)) * _LIMIT_STEP * size


def agreement(old: Program, new: Program) -> int:
    """Return at how many random points the two programs agree; 0 if they differ at one."""
    draw = random.Random(0)
    wanted = min(_POINTS, max(FEWEST_POINTS, _WORK // max(old.graph.size, 1)))
    agreed = 0
    for _ in range(_DRAWS):
        point = {name: _drawn(value, draw) for name, value in old.point.items()}
        one = exact_answer(old.graph, point, old.output, old.wrt)
        if not one.whole:
            continue
        other = exact_answer(new.graph, point, new.output, new.wrt)
        if not other.whole or not _same(one, other):
            return 0
        agreed += 1
        if agreed == wanted:
            break
    return agreed


def _drawn(value: float, draw: random.Random) -> float:
    """Return a random number: of size 1, of the size of the one at this point, or of any size."""
    kind = draw.randrange(3)
    if kind == 0:
        return draw.uniform(-2, 2)
    if kind == 1:
        return value * draw.uniform(0.2, 2) if value else draw.uniform(0, 1)
    return draw.choice((-1, 1)) * 10 ** draw.uniform(-3, 1.5)


def _same(one: ExactAnswer, other: ExactAnswer) -> bool:
    numbers = [(one.value, other.value)]
    numbers += [(one.gradient[name], other.gradient[name]) for name in one.gradient]
    return all(abs(a - b) <= _ELSEWHERE * max(abs(a), abs(b)) for a, b in numbers)
