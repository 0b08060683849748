"""Points to look at: random ones of the domain, special ones, and the simplest that still shows it.

Without a range an input is drawn in one of several styles, which mix signs and magnitudes: a
program may want all its inputs positive, or inside (-1, 1), or large. Points where the program or
its gradient is undefined are thrown away and drawn anew. The seed is fixed unless one is given, so
a check says the same tomorrow.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from random import Random
from typing import NamedTuple, NoReturn

from backprop_cli.errors import BackpropError, BindingProblem, UnknownInput
from backprop_cli.graph import Graph
from backprop_cli.language.hints import nearest
from backprop_cli.studies.point import Binding, read_bindings, read_number

Point = tuple[float, ...]
"""A number for each input, in the order of the graph."""

SEED = 0
"""The seed of the points unless another is asked for."""

TRIES = 60
"""At most so many points are drawn for each one that is asked for."""

MOST_SHRINKING = 2_000
"""At most so many points are looked at to find a simple one."""

_SIMPLE = (0.0, 1.0, 2.0, -1.0, 0.5, 3.0, -2.0, -0.5, 4.0, 5.0, 10.0, -3.0)
_TELLING = (
    (2.0, 1.0),
    (3.0, 1.0),
    (1.0, 1.0),
    (-1.0, 3.0),
    (0.5, 0.25),
    (0.1, 0.2),
    (-2.0, -1.0),
    (10.0, 7.0),
)
_PROBES = (0.0, 1.0, -1.0)
_MOST_PROBES = 200
_FEW = 20


class Range(NamedTuple):
    """Where an input is drawn from; a side may be infinite."""

    low: float
    high: float


def _power_of_ten(draw: Random, low: float, high: float) -> float:
    return math.pow(10.0, draw.uniform(low, high))


_STYLES: tuple[Callable[[Random], float], ...] = (
    lambda draw: draw.uniform(-3.0, 3.0),
    lambda draw: draw.uniform(0.05, 3.0),
    lambda draw: draw.uniform(-0.95, 0.95),
    lambda draw: draw.choice((-1.0, 1.0)) * _power_of_ten(draw, -2.0, 2.0),
    lambda draw: _power_of_ten(draw, -2.0, 2.0),
    lambda draw: draw.uniform(0.0, 1.0),
    lambda draw: draw.uniform(1.0, 10.0),
    lambda draw: draw.choice(_STYLES[:7])(draw),
    lambda draw: _power_of_ten(draw, 1.0, 4.0),
)
"""How all inputs of one point are drawn: each point takes the next style."""


def read_ranges(texts: Iterable[str]) -> dict[str, Range]:
    """Read ranges such as `a=0.1:10,b=-pi:`; a missing side is infinite."""
    try:
        return {binding.name: _range(binding) for binding in read_bindings(texts)}
    except BackpropError as error:
        error.origin = "--range"
        raise


def _range(binding: Binding) -> Range:
    low, colon, high = binding.value.partition(":")
    if not colon or not (low.strip() or high.strip()):
        _refuse(f"{binding.name} needs two ends", binding, f"write {binding.name}=0.1:10")
    ends = Range(
        read_number(low.strip(), "--range") if low.strip() else -math.inf,
        read_number(high.strip(), "--range") if high.strip() else math.inf,
    )
    if ends.low > ends.high:
        _refuse(f"the ends of {binding.name} are in the wrong order", binding)
    return ends


def _refuse(message: str, binding: Binding, hint: str = "") -> NoReturn:
    raise BindingProblem(message, binding.span, hint, binding.source)


def check_ranges(graph: Graph, ranges: Iterable[str], fixed: Iterable[str]) -> None:
    """Raise unless ranges are of inputs of the program, and of inputs that have no value yet."""
    taken = set(fixed)
    for name in ranges:
        if name not in graph.inputs:
            near = nearest(name, list(graph.inputs))
            hint = f"did you mean {near}?" if near else ""
            raise UnknownInput(f"--range: {name[:40]} does not occur in the expression", None, hint)
        if name in taken:
            raise BindingProblem(f"{name} has both a value (--at) and a range")


def draws(
    names: Sequence[str], ranges: Mapping[str, Range], fixed: Mapping[str, float], seed: int
) -> Iterator[Point]:
    """Yield random points without end."""
    draw = Random(seed)
    turn = 0
    while True:
        style = _STYLES[turn % len(_STYLES)]
        turn += 1
        yield tuple(
            fixed[name]
            if name in fixed
            else _within(ranges[name], draw)
            if name in ranges
            else style(draw)
            for name in names
        )


def _within(ends: Range, draw: Random) -> float:
    """Draw from a range: by size where it spans many, and from 1/100 to 100 beyond a lone end."""
    low, high = ends
    if math.isinf(high):
        return low + _power_of_ten(draw, -2.0, 2.0)
    if math.isinf(low):
        return high - _power_of_ten(draw, -2.0, 2.0)
    if low > 0 and high > 100 * low:
        return min(max(low * math.exp(draw.random() * math.log(high / low)), low), high)
    return draw.uniform(low, high)


def probes(
    names: Sequence[str],
    ranges: Mapping[str, Range],
    fixed: Mapping[str, float],
    points: Sequence[Point],
) -> list[Point]:
    """Return special points: inputs at 0, 1 or -1, all or one at a time, and inputs that tie.

    Poles, kinks and ties lie there, and no random point ever does.
    """
    free = [k for k, name in enumerate(names) if name not in fixed]
    made: dict[Point, None] = {}
    for point in _special(free, points[:2]):
        if _inside(point, names, ranges):
            made[point] = None
            if len(made) == _MOST_PROBES:
                break
    return list(made)


def _special(free: Sequence[int], points: Sequence[Point]) -> Iterator[Point]:
    """Yield special points beside each of a few, one at a time: there may be many inputs."""
    for base in points:
        for value in _PROBES:
            yield _set(base, free, value)
        for k in free:
            for value in _PROBES:
                yield _set(base, [k], value)
        for first, second in pairwise(free):
            yield _set(base, [second], base[first])


def telling(
    names: Sequence[str], ranges: Mapping[str, Range], fixed: Mapping[str, float]
) -> Iterator[Point]:
    """Yield points for a worked example: small numbers, no two alike, none 0."""
    for start, step in _TELLING:
        free = (start + step * k for k in range(len(names)))
        point = tuple(fixed.get(n, value) for n, value in zip(names, free, strict=False))
        if _inside(point, names, ranges):
            yield point


def _set(point: Point, places: Sequence[int], value: float) -> Point:
    changed = list(point)
    for k in places:
        changed[k] = value
    return tuple(changed)


def _inside(point: Point, names: Sequence[str], ranges: Mapping[str, Range]) -> bool:
    return all(
        ranges[name].low <= value <= ranges[name].high
        for name, value in zip(names, point, strict=True)
        if name in ranges
    )


def simplest(
    point: Point,
    shows: Callable[[Point], bool],
    names: Sequence[str],
    ranges: Mapping[str, Range],
    fixed: Mapping[str, float],
    first: float = 0.0,
    most: int = MOST_SHRINKING,
) -> Point:
    """Return a simpler point that `shows` what `point` shows: small whole numbers, zeros, halves.

    All inputs take one simple number if that will do, else as many at once as will (halves, then
    quarters, ...: delta debugging, Zeller & Hildebrandt 2002); then one input after another, the
    last first, takes the simplest, `first` being tried before all others. `shows` is asked at most
    `most` times.
    """
    free = [k for k, name in enumerate(names) if name not in fixed]
    asked = 0

    def will_do(changed: Point) -> bool:
        nonlocal asked
        asked += 1
        return asked <= most and _inside(changed, names, ranges) and shows(changed)

    alike = (_set(point, free, value) for value in _SIMPLE[:5])
    point = next((changed for changed in alike if will_do(changed)), point)
    if len(free) > _FEW:
        point = _in_blocks(point, free, (first, *_SIMPLE[:2]), will_do)
    for _ in range(2):
        before = point
        for k in reversed(free):
            if asked > most:
                return point
            for value in [first, *_SIMPLE, float(f"{point[k]:.1g}"), float(f"{point[k]:.2g}")]:
                if value == point[k]:
                    break
                if will_do(changed := _set(point, [k], value)):
                    point = changed
                    break
        if point == before:
            break
    return point


def _in_blocks(
    point: Point,
    free: Sequence[int],
    values: Sequence[float],
    will_do: Callable[[Point], bool],
) -> Point:
    """Return a point in which whole blocks of inputs, ever smaller ones, take a simple number."""
    size = len(free) // 2
    while size:
        for start in range(0, len(free), size):
            block = free[start : start + size]
            held = {point[k] for k in block}
            alike = values.index(min(held)) if len(held) == 1 and held <= {*values} else None
            changed = (_set(point, block, value) for value in values[:alike])
            point = next((other for other in changed if will_do(other)), point)
        size //= 2
    return point
