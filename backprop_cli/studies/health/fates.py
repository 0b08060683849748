"""Where a gradient vanishes or explodes on its way to an input, and which factors do it.

A node's **trail** is the path back to the output that takes, at each step, the user whose
contribution is the largest; the factor of a step is |adjoint here| / |adjoint there|, so the
factors of a trail multiply to the node's adjoint exactly, accumulation at branches included.

A gradient **vanishes** (explodes) on its way to an input if its trail has at least FEWEST_FACTORS
factors other than 1, they multiply to VANISHED or less (to EXPLODED or more), and the effect is
spread over several of them. With l = log |factor|, (Σl)²/Σl² of equal factors is their number, of
one factor among many that are nearly 1 it is about 1, and factors that undo each other make it
small (the participation ratio: Bell & Dean, Discuss. Faraday Soc. 50, 1970). At least FEWEST_EQUAL
must be at work. So a formula with a tiny constant in it, or a steep function, is not accused: what
is looked for is many factors of the same kind, wherever on the trail they stand.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from backprop_cli.calculus.values import forward_values
from backprop_cli.operations import TABLE
from backprop_cli.readings.formulas import formula
from backprop_cli.studies.health.flow import flowing, size
from backprop_cli.studies.solution import Answer, Solution

VANISHED, EXPLODED = 1e-3, 1e3
FEWEST_FACTORS, FEWEST_EQUAL = 8, 4

_HAIR = 1e-12
_NEARLY_VANISHED, _NEARLY_EXPLODED = VANISHED * (1 + _HAIR), EXPLODED * (1 - _HAIR)
_MOST_TRAILS = 20
_SMALLEST = 1e-290

STEEPEST = {
    "sigmoid": "1/4",
    "tanh": "1",
    "sin": "1",
    "cos": "1",
    "atan": "1",
    "asinh": "1",
    "softsign": "1",
    "softplus": "1",
    "relu": "1",
    "abs": "1",
    "erf": "2/sqrt(pi)",
    "erfc": "2/sqrt(pi)",
    "normal_cdf": "1/sqrt(2*pi)",
}
"""The largest size of the slope of an operation, whatever its operand: a formula.

Each is the limit or the value at 0, where the slope's own derivative is 0 (for sin at pi/2, for
softplus at infinity); the tests look for a larger one in the partials of the table.
"""


class Step(NamedTuple):
    """One edge of a trail: `node` handed on to `operand`; adjoints there and here; the factor."""

    node: int
    operand: int
    local: float
    factor: float


class Trail(NamedTuple):
    """The way of the gradient to one node, from the output on."""

    node: int
    steps: tuple[Step, ...]

    @property
    def factors(self) -> list[Step]:
        """The steps that change the size of the gradient."""
        return [step for step in self.steps if step.factor != 1]


class Fate(NamedTuple):
    """A gradient that vanishes or explodes on its way to an input.

    `exponent` is the decimal logarithm of what its factors multiply to (which may be far below the
    smallest float), `typical` their geometric mean; `responsible` are the
    strongest factors, strongest first; `others` counts the inputs as far away that fare no better.
    """

    code: str
    name: str
    trail: Trail
    exponent: float
    typical: float
    responsible: tuple[Step, ...]
    others: int


class Ceiling(NamedTuple):
    """What a trail can pass at most, whatever its activations' operands are.

    `counts` says how many operations of each row stand on it; `bound` is the decimal logarithm of
    the product of their largest slopes, `rest` that of the other factors as they are.
    """

    counts: Mapping[str, int]
    bound: float
    rest: float


def fates(solution: Solution, answer: Answer) -> list[Fate]:
    """Return how the gradient vanishes, and how it explodes, on its way to the inputs.

    At most one of each: the input it is worst for stands for all.
    """
    came_by = _largest_contributions(solution, answer)
    counts = _factor_counts(solution, answer, came_by)
    sizes = {name: size(answer.adjoints[k]) for name, k in solution.wrt.items() if k in came_by}
    far = [name for name in sizes if counts[solution.wrt[name]] >= FEWEST_FACTORS]
    small = sorted((name for name in far if sizes[name] <= _NEARLY_VANISHED), key=sizes.__getitem__)
    large = sorted((name for name in far if sizes[name] >= _NEARLY_EXPLODED), key=sizes.__getitem__)
    found = []
    for code, names in (("vanishing", small), ("exploding", large[::-1])):
        for name in names[:_MOST_TRAILS]:
            trail = _trail(solution.wrt[name], came_by, answer)
            if _fate(trail) == code:
                found.append(_described(code, name, trail, len(names) - 1))
                break
    return found


def _factor_counts(
    solution: Solution, answer: Answer, came_by: Mapping[int, Any]
) -> dict[int, int]:
    """Return, for each node, how many factors of its trail are not 1."""
    counts = {answer.node: 0}
    for node in range(answer.node - 1, -1, -1):
        if node in came_by:
            user = came_by[node].node
            changed = size(answer.adjoints[node]) != size(answer.adjoints[user])
            counts[node] = counts.get(user, 0) + changed
    return counts


def _largest_contributions(solution: Solution, answer: Answer) -> dict[int, Any]:
    """Return, for each node, the largest of the contributions that reach it."""
    largest: dict[int, Any] = {}
    for step in flowing(solution, answer):
        before = largest.get(step.operand)
        if before is None or size(step.value) > size(before.value):
            largest[step.operand] = step
    return largest


def _trail(node: int, came_by: Mapping[int, Any], answer: Answer) -> Trail:
    """Return the trail of a node.

    Where the adjoints underflow, or are about to, a factor is the size of the local slope.
    """
    steps = []
    at = node
    while at in came_by:
        step = came_by[at]
        here, there = size(answer.adjoints[at]), size(answer.adjoints[step.node])
        local = abs(float(step.local))
        sound = min(here, there) > _SMALLEST and max(here, there) < math.inf
        steps.append(Step(step.node, at, float(step.local), here / there if sound else local))
        at = step.node
    return Trail(node, tuple(reversed(steps)))


def _logs(steps: Sequence[Step]) -> list[float]:
    return [math.log10(step.factor) if math.isfinite(step.factor) else 308.0 for step in steps]


def _fate(trail: Trail) -> str:
    """Return `vanishing`, `exploding` or nothing; a gradient that is cut off does not vanish."""
    if any(step.factor == 0 for step in trail.steps):
        return ""
    logs = _logs(trail.factors)
    if len(logs) < FEWEST_FACTORS:
        return ""
    total = math.fsum(logs)
    least = -math.log10(VANISHED) if total < 0 else math.log10(EXPLODED)
    at_work = total**2 / math.fsum(log**2 for log in logs)
    if abs(total) < least * (1 - _HAIR) or at_work < FEWEST_EQUAL:
        return ""
    return "vanishing" if total < 0 else "exploding"


def _described(code: str, name: str, trail: Trail, others: int) -> Fate:
    sign = -1 if code == "vanishing" else 1
    factors = trail.factors
    total = math.fsum(_logs(factors))
    strongest = sorted(factors, key=lambda step: -sign * _logs([step])[0])
    return Fate(
        code,
        name,
        trail,
        total,
        math.pow(10.0, total / len(factors)),
        tuple(step for step in strongest if sign * _logs([step])[0] > 0),
        others,
    )


def by_operation(solution: Solution, steps: Sequence[Step]) -> dict[str, tuple[int, float]]:
    """Return, for each operation on a trail, how often it changed the size and by which power.

    The power is the decimal logarithm of the product of its factors.
    """
    logs: dict[str, list[float]] = {}
    for step in steps:
        name = TABLE[solution.graph.rows[step.node]].name
        logs.setdefault(name, []).append(_logs([step])[0])
    return {name: (len(found), math.fsum(found)) for name, found in logs.items()}


def ceiling(solution: Solution, trail: Trail) -> Ceiling | None:
    """Return what a trail can pass at most; None if no operation on it limits the slope below 1.

    The other factors (weights, accumulation) are taken as they are at this point.
    """
    counts: dict[str, int] = {}
    bound, rest = 0.0, 0.0
    for step in trail.steps:
        name = TABLE[solution.graph.rows[step.node]].name
        if name in STEEPEST:
            counts[name] = counts.get(name, 0) + 1
            bound += math.log10(steepest(name))
            if step.local:
                rest += math.log10(step.factor / abs(step.local))  # accumulated at a branch
        elif math.isfinite(step.factor):
            rest += math.log10(step.factor)
    limiting = {name: count for name, count in counts.items() if steepest(name) < 1}
    if not limiting:
        return None
    return Ceiling(counts, bound, rest)


def steepest(name: str) -> float:
    """Return the largest size of the slope of an operation that has one in STEEPEST."""
    graph = formula(STEEPEST[name])
    return float(forward_values(graph, {})[graph.outputs[0]])
