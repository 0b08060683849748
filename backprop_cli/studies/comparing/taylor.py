"""Is the gradient right? The verdict that needs no epsilon: the order of the Taylor remainder.

Along a direction d the remainder R(h) = |f(x + h·d) - f(x) - h·∇f·d| of a smooth f falls as h² if
∇f is the gradient, and only as h if it is not: whatever the size of the error, halving h tells
them apart. (P. E. Farrell, D. A. Ham, S. W. Funke and M. E. Rognes, Automated derivation of the
adjoint of high-level transient finite element programs, SIAM J. Sci. Comput. 35, 2013, section 6.)

It says nothing where R is the rounding of f at every step (f is a straight line as far as floats
can see), or where a kink stands within every step; both are detected and said.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

from backprop_cli.calculus.probes import Probe
from backprop_cli.calculus.rounding import (
    UNIT,
    evaluation_noise,
    gradient_rounding,
    gradient_spread,
)
from backprop_cli.operations import INPUT
from backprop_cli.studies.solution import Answer, Solution

RIGHT = 1.5
"""An order from here on is that of a right gradient: between 1 (wrong) and 2 (right)."""

LARGEST = 1_000_000
"""Above this many nodes nothing is evaluated again."""

_DIRECTIONS = 3
_FIRST = 3
_MOST_STEPS = 64
_STRIDE = 8
_FEWEST = 3
_USED = 5
_CLEAN = 32.0
_SMOOTH = 0.75
_SMALLEST = 2.0**-1010


class Taylor(NamedTuple):
    """The order of the remainder, None where it cannot be told; the verdict in words.

    `right` is None where nothing can be said.
    """

    order: float | None
    right: bool | None
    sentence: str


class _Step(NamedTuple):
    """One step: its length, how f changed, how it should have, the remainder, its rounding."""

    h: float
    change: float
    linear: float
    remainder: float
    rounding: float

    @property
    def long(self) -> bool:
        """Whether the gradient foretells little of so long a step; or it is far from right."""
        return self.remainder > abs(self.linear) / 8


class _Line(NamedTuple):
    """What was seen along one direction: the order, or what stood in the way."""

    order: float | None
    straight: bool = False
    crossed: bool = False
    jagged: bool = False


class _Claim(NamedTuple):
    """The gradient to be judged, by input: its components, and what rounding may have done.

    `noise` is the rounding error of one evaluation of f, the inputs themselves being exact.
    """

    parts: Mapping[int, float]
    errors: Mapping[int, float]
    noise: float


def taylor(solution: Solution, answer: Answer) -> Taylor:
    """Return the order of the remainder of one output, the median of a few random directions."""
    inputs = {
        name: node for name, node in solution.wrt.items() if solution.graph.rows[node] == INPUT
    }
    if not inputs or len(inputs) < len(solution.wrt):
        return Taylor(None, None, "Taylor: not asked, as --wrt names intermediates.")
    if solution.graph.size > LARGEST:
        return Taylor(None, None, f"Taylor: not asked above {LARGEST:,} nodes.")
    if answer.on_kink:
        return _nothing([_Line(None, crossed=True)])
    graph, values = solution.graph, solution.values
    bound = gradient_rounding(graph, values, answer.node, solution.active, solution.wrt)
    found = _judged(solution, answer, inputs, bound)
    if found.right is False:  # is rounding in the forward pass to blame?
        spread = {
            name: max(bound[name], gradient_spread(graph, values, answer.node, node))
            for name, node in inputs.items()
        }
        return _judged(solution, answer, inputs, spread)
    return found


def _judged(
    solution: Solution, answer: Answer, inputs: Mapping[str, int], errors: Mapping[str, float]
) -> Taylor:
    """Return the verdict, given what rounding may have done to each component."""
    moving = [
        None if node in inputs.values() else adjoint for node, adjoint in enumerate(answer.adjoints)
    ]
    claim = _Claim(
        {node: float(answer.gradient[name]) for name, node in inputs.items()},
        {node: errors[name] for name, node in inputs.items()},
        evaluation_noise(solution.values, moving),
    )
    probe = Probe(solution.graph, solution.values, claim.parts, answer.node)
    lines = [
        _along(solution, answer.value, claim, direction, probe)
        for direction in _directions(solution, claim.parts)
    ]
    orders = sorted(line.order for line in lines if line.order is not None)
    return _verdict(orders[len(orders) // 2]) if orders else _nothing(lines)


def _directions(solution: Solution, seeds: Mapping[int, float]) -> list[dict[int, float]]:
    """Return a few random directions, each input's part in proportion to its size."""
    from random import Random

    draw = Random(0)
    made = []
    for _ in range(_DIRECTIONS):
        parts = {node: draw.gauss(0, 1) for node in seeds}
        length = math.hypot(*parts.values()) or 1.0
        made.append(
            {
                node: part / length * max(abs(solution.values[node]), 1.0)
                for node, part in parts.items()
            }
        )
    return made


def _along(
    solution: Solution, value: float, claim: _Claim, direction: Mapping[int, float], probe: Probe
) -> _Line:
    """Measure the order along one direction, on steps that are halved.

    Where a step is so long that the gradient foretells nothing, the next one is much shorter.
    """
    clean: list[_Step] = []
    seen = crossed = 0
    exponent = _FIRST
    for _ in range(_MOST_STEPS):
        h = 2.0**-exponent
        places = {node: solution.values[node] + h * speed for node, speed in direction.items()}
        reached = probe.at(places)
        exponent += 1
        if reached is None:
            crossed += probe.crossed
            clean = []
            continue
        seen += 1
        moved = {node: place - solution.values[node] for node, place in places.items()}
        step = _step(h, reached - value, claim, moved)
        if step.remainder > step.rounding:
            clean.append(step)
        elif clean or abs(step.linear) <= claim.noise:
            break
        if step.long:
            exponent += _STRIDE - 1
    if len(clean) < _FEWEST:
        return _Line(None, straight=seen > 0, crossed=crossed > 0 and not seen)
    return _order(clean, claim.noise)


def _step(h: float, change: float, claim: _Claim, moved: Mapping[int, float]) -> _Step:
    """Put together one step, by the way that the inputs really moved."""
    linear = math.fsum(claim.parts[node] * way for node, way in moved.items())
    errors = math.fsum(
        (claim.errors[node] + 2 * UNIT * abs(claim.parts[node])) * abs(way)
        for node, way in moved.items()
    )
    rounding = max(_CLEAN * (claim.noise + errors), _SMALLEST)
    return _Step(h, change, linear, abs(change - linear), rounding)


def _order(clean: list[_Step], noise: float) -> _Line:
    """Return the order of the remainders, on the short steps if there are any.

    It accuses only if f itself changes as a smooth function does, by less and less as h falls: on
    steps too long for f the order is 1 too, whatever the gradient.
    """
    longest = max((k for k, step in enumerate(clean) if step.long), default=-1)
    used = clean[longest + 1 :] or clean
    if len(used) < _FEWEST:
        return _Line(None, jagged=True)
    order = _slope([(step.h, step.remainder) for step in used[-_USED:]])
    changes = [(s.h, abs(s.change)) for s in used[-_USED:] if abs(s.change) > noise]
    if order < RIGHT and len(changes) >= _FEWEST and _slope(changes) < _SMOOTH:
        return _Line(None, jagged=True)
    return _Line(order)


def _slope(points: list[tuple[float, float]]) -> float:
    """Return the slope of log R against log h, by least squares."""
    xs = [math.log(h) for h, _ in points]
    ys = [math.log(remainder) for _, remainder in points]
    x, y = math.fsum(xs) / len(xs), math.fsum(ys) / len(ys)
    across = math.fsum((a - x) ** 2 for a in xs)
    return math.fsum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True)) / across


def _verdict(order: float) -> Taylor:
    text = f"Taylor: the remainder |f(x + h·d) - f(x) - h·∇f·d| falls as h^{order:.2f}: "
    if order < RIGHT:
        text += "the gradient is wrong (a right one would give h^2)."
        return Taylor(order, False, text)
    text += "the gradient is right (a wrong one would give h^1)"
    text += "; f curves by its third derivative here." if order > 2.5 else "."
    return Taylor(order, True, text)


def _nothing(lines: list[_Line]) -> Taylor:
    """Say why no direction had an order."""
    if any(line.jagged for line in lines):
        text = "Taylor: cannot say: f is not smooth at the shortest step that shows anything."
        return Taylor(None, None, text)
    if any(line.straight for line in lines):
        text = (
            "Taylor: cannot say an order: f is a straight line here, the remainder is rounding at "
            "every step; so the gradient is right as far as can be told."
        )
        return Taylor(None, None, text)
    if any(line.crossed for line in lines):
        text = "Taylor: cannot say: a kink, jump or pole stands within every step."
        return Taylor(None, None, text)
    return Taylor(None, None, "Taylor: cannot say: f is not finite beside this point.")
