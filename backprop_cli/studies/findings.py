"""What must be said about an answer: kinks and jumps at this point, lost digits, underflow."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from backprop_cli.calculus.kinks import kinks_at
from backprop_cli.calculus.rounding import digits_lost
from backprop_cli.graph import Graph
from backprop_cli.operations import TABLE
from backprop_cli.studies.digits import slope_remarks, value_remark
from backprop_cli.studies.failures import short
from backprop_cli.studies.solution import Failure, Remark, Solution

if TYPE_CHECKING:
    from backprop_cli.calculus.onesided import OneSided

LARGEST_SWEEP = 10_000_000
"""Modes that need a sweep for each input are skipped above this many inputs × nodes."""

SAME = 1e-9
"""Slopes that differ by less than this, relatively, are one slope."""

_MOST_KINKS = 100


def too_large(solution: Solution) -> bool:
    """Return whether a sweep for each input would cost too much."""
    return len(solution.wrt) * solution.graph.size > LARGEST_SWEEP


# ------------------------------------------------------------------ kinks and jumps


class Sides:
    """The one-sided sweeps at a point, each made when first asked for."""

    def __init__(self, graph: Graph, values: list[float]) -> None:
        self.graph, self.values = graph, values
        self._made: dict[tuple[int, int], OneSided] = {}

    def along(self, seed: int, direction: int) -> "OneSided":
        """Return the sweep along an input to the left (-1) or to the right (1)."""
        from backprop_cli.calculus.onesided import one_sided

        key = (seed, direction)
        if key not in self._made:
            self._made[key] = one_sided(self.graph, self.values, seed, direction)
        return self._made[key]

    def both(self, seed: int) -> "tuple[OneSided, OneSided]":
        """Return the sweeps to the left and to the right."""
        return self.along(seed, -1), self.along(seed, 1)

    def slope_at(self, node: int, seed: int) -> float | None:
        """Return the slope of a node along an input if both sides have the same, else None."""
        left, right = self.both(seed)
        continuous = left.limits[node] == right.limits[node] == self.values[node]
        decided = not (left.undecided[node] or right.undecided[node])
        same = left.slopes[node] == right.slopes[node]
        return left.slopes[node] if continuous and decided and same else None


def how_answered(kink: str, label: str, failure: Failure | None) -> str:
    """Return how the answer at a kink came about, as remarks end; empty where by convention.

    `kink` is what was asked for, `label` the output, `failure` why there is no answer.
    """
    if kink == "convention":
        return ""
    if kink == "error":
        return "refused by --kink error"
    slope = f"the slope of {label} to the {kink}"
    return f"--kink {kink} asks for {slope}" if failure else f"the answer is {slope}"


def kink_remarks(
    solution: Solution, kinked: Sequence[tuple[int, int]], sides: Sides, closing: str
) -> list[Remark]:
    """Return a remark for each kink or jump at this point at which the sides differ.

    `kinked` are the nodes that matter, as `calculus.kinks.kinked_nodes` finds them. Each remark
    ends with `closing`, or names the row's convention where that is empty.
    """
    remarks: list[Remark] = []
    inputs = {name: k for name, k in solution.wrt.items() if solution.active[k]}
    if too_large(solution):
        inputs = {}
    for place, (node, source) in enumerate(kinked):
        if len(remarks) == _MOST_KINKS:
            text = f"{len(kinked) - place:,} more nodes stand on kinks or jumps"
            remarks.append(Remark("kink", solution.names[node], text))
            break
        convention = kinks_at(solution.graph, source, sides.values)[0].convention
        end = closing or f"convention: {convention}"
        label = solution.names[node]
        if not inputs:
            text = f"{label} stands on a kink or jump; {end}"
            remarks.append(Remark("kink", label, text))
        found = (_remark(solution, node, name, seed, sides) for name, seed in inputs.items())
        first = next((remark for remark in found if remark is not None), None)
        if first is not None:
            remarks.append(first._replace(message=f"{first.message}; {end}"))
    return remarks


def _remark(solution: Solution, node: int, name: str, seed: int, sides: Sides) -> Remark | None:
    """Return what happens at `node` on the two sides of this point along an input."""
    if sides.slope_at(node, seed) is not None:
        return None
    left, right = sides.both(seed)
    label = solution.names[node]
    what = f"{label} ({TABLE[solution.graph.rows[node]].name})"
    value = sides.values[node]
    if left.limits[node] != left.limits[node] or right.limits[node] != right.limits[node]:
        text = f"what {what} is beside this point along {name} is undefined, so sides are unknown"
        return Remark("jump", label, text)
    if not left.limits[node] == right.limits[node] == value:
        text = (
            f"{what} jumps along {name}: {short(left.limits[node])} from the left, "
            f"{short(value)} here, {short(right.limits[node])} from the right"
        )
        return Remark("jump", label, text)
    text = (
        f"{what} has a kink along {name}: slope {short(left.slopes[node])} to the left, "
        f"{short(right.slopes[node])} to the right"
    )
    if left.undecided[node] or right.undecided[node]:
        text = f"{what} stands on a kink along {name} whose sides are undecided to first order"
    return Remark("kink", label, text)


def output_remarks(
    solution: Solution, output: int, gradient: Mapping[str, Any], sides: Sides, closing: str
) -> list[Remark]:
    """Return a remark for each input along which the output's slope is not `gradient`'s.

    The conventions of several kinks need not add up: relu(x) - relu(-x) is x, with slope 1, but
    with relu'(0) = 0 the chain rule answers 0. And a jump times 0 is a kink.
    """
    remarks: list[Remark] = []
    if too_large(solution):
        return remarks
    label = solution.names[output]
    for name, seed in solution.wrt.items():
        slope = sides.slope_at(output, seed)
        answer = float(gradient[name])
        left, right = sides.both(seed)
        if slope is None:
            text = (
                f"{label} has slope {short(left.slopes[output])} to the left along {name}, "
                f"{short(right.slopes[output])} to the right; "
                f"{closing or f'the conventions answer {short(answer)}'}"
            )
        elif abs(slope - answer) > SAME * abs(slope):
            text = (
                f"the conventions at these kinks give {short(answer)} for {name}, but the slope "
                f"is {short(slope)} from both sides"
                f"{f'; {closing}' if closing else ' (see --kink left)'}"
            )
        else:
            continue
        remarks.append(Remark("kink", label, text))
    return remarks


def one_sided_gradient(
    solution: Solution,
    output: int,
    chained: Mapping[str, Any],
    broken: Failure | None,
    sides: Sides,
) -> tuple[dict[str, float], Failure | None]:
    """Return the true derivative to the side asked for along each input.

    Where there is none the number is NaN, and the failure says why. `chained` and `broken` are
    the gradient of the chain rule and its failure, which tells of a slope that is not finite if
    the sweep to one side ends at the same.
    """
    gradient = {}
    failure = None
    side, label = solution.kink, solution.names[output]
    span = solution.graph.span_of(output)
    for name, seed in solution.wrt.items():
        sweep = sides.along(seed, 1 if side == "right" else -1)
        slope = gradient[name] = sweep.slopes[output]
        problem = _no_slope(sweep, output, sides.values[output], side, name)
        found = None
        if problem:
            gradient[name] = math.nan
            found = Failure("kink", f"{label} {problem}", label, span)
        elif not math.isfinite(slope):
            chain = float(chained[name])
            text = f"{label} has no finite slope to the {side} along {name}"
            found = Failure("not-finite" if slope == slope else "kink", text, label, span)
            if broken is not None and (chain == slope or (chain != chain and slope != slope)):
                found = broken
        failure = failure or found
    return gradient, failure


def _no_slope(sweep: "OneSided", output: int, value: float, side: str, name: str) -> str:
    """Return what an output does that has no slope to a side at all; empty if it has one."""
    if sweep.limits[output] != sweep.limits[output]:
        return f"is undefined just to the {side} along {name}, to first order"
    if sweep.limits[output] != value:
        return f"jumps to the {side} along {name}: no slope there"
    if sweep.undecided[output]:
        return f"stands where the side of a kink that {name} moves to is undecided to first order"
    return ""


# ------------------------------------------------------------------ digits


def digits_remarks(solution: Solution, adjoints: list[Any], output: int) -> list[Remark]:
    """Return remarks if fewer than 8 of the 16 digits of the value or of a slope can be trusted."""
    loss = digits_lost(solution.graph, solution.values, adjoints, output)
    of_value = [] if loss is None else [value_remark(solution, loss, solution.names[output])]
    return [*of_value, *slope_remarks(solution, adjoints, output)]


def underflow_remarks(solution: Solution) -> list[Remark]:
    """Return a remark for each literal that is not zero but becomes zero in float64."""
    values, literals = solution.values, solution.graph.literals
    if all(map(values.__getitem__, literals)):
        return []
    return [
        Remark("underflow", text[:40], f"{text[:40]} is too small for a float64 and is read as 0")
        for node, text in literals.items()
        if values[node] == 0 and any(digit in "123456789" for digit in text.partition("e")[0])
    ]
