"""Do the modes agree? Reverse mode's gradient against its witnesses.

Two numbers agree if they differ by no more than the largest of: 1e-9 of their size, the numeric
witness's own error estimate, and what rounding may have done. That last is first bounded from the
sizes of the paths; where the two still differ it is measured, by repeating the sweep with every
rounding error of the forward pass doubled and its sign drawn anew. At a kink no two-sided slope
exists; numeric and SymPy then say so, which is no disagreement.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from backprop_cli.calculus.forward import jvp
from backprop_cli.calculus.numeric import derivative
from backprop_cli.calculus.rounding import evaluation_noise, gradient_rounding, gradient_spread
from backprop_cli.calculus.values import forward_values
from backprop_cli.studies.findings import Sides, too_large
from backprop_cli.studies.solution import (
    Agreement,
    Answer,
    Estimate,
    Formula,
    Solution,
    Unavailable,
    Witness,
)

if TYPE_CHECKING:
    from backprop_cli.studies.witness import SymPyWitness

TOLERANCE = 1e-9
_LOST = 1e-3
_SMALLEST = 1e-6
_NO_SLOPE = "no two-sided slope at this point"
_Says = float | Estimate | Formula | Unavailable


def agreements(
    solution: Solution, modes: Collection[str], sympy: "SymPyWitness | None" = None
) -> tuple[Agreement, ...]:
    """Return how the modes agree on each output that has an answer; empty without modes.

    `sympy` is the witness that was started for this solution; it is waited for here.
    """
    if not modes:
        return ()
    heard = sympy.result() if sympy else {}
    found = []
    for answer in solution.answers:
        witnesses = []
        if "forward" in modes:
            witnesses.append(forward_witness(solution, answer))
        if "numeric" in modes:
            witnesses.append(numeric_witness(solution, answer))
        if "sympy" in modes and answer.name in heard:
            witnesses.append(heard[answer.name])
        found.append(compare(solution, answer, witnesses))
    return tuple(found)


def forward_witness(solution: Solution, answer: Answer) -> Witness:
    """Return the gradient by one forward sweep for each input."""
    if too_large(solution):
        return Witness("forward", {}, _sweeps(solution, "forward mode needs one sweep each"))
    gradient: dict[str, _Says] = {}
    value = solution.values[answer.node]
    used = solution.graph.dependencies([answer.node]) if value != value else b""
    for name, node in solution.wrt.items():
        if used and used[node]:  # an undefined value has no slope, as in `studies/gradient`
            gradient[name] = value
            continue
        tangents = jvp(solution.graph, solution.values, node, solution.arithmetic)
        tangent = tangents[answer.node]
        gradient[name] = solution.arithmetic.zero if tangent is None else tangent
    return Witness("forward", gradient)


def numeric_witness(solution: Solution, answer: Answer) -> Witness:
    """Return the gradient by finite differences, each with its error estimate."""
    if too_large(solution):
        return Witness("numeric", {}, _sweeps(solution, "differences need evaluations for each"))
    graph, values = solution.graph, _floats(solution)
    if not math.isfinite(values[answer.node]):
        return Witness("numeric", {}, "the value is not finite")
    adjoints = [None if a is None else float(a) for a in answer.adjoints]
    noise = evaluation_noise(values, adjoints)
    gradient: dict[str, _Says] = {}
    for name, node in solution.wrt.items():
        found = derivative(graph, values, node, answer.node, noise)
        size = abs(values[answer.node]) / max(abs(values[node]), 1.0)
        if found.value is None:
            gradient[name] = Unavailable("no step keeps every kink, jump and pole on its side")
        elif found.error > _LOST * max(abs(found.value), size, _SMALLEST):
            text = f"no step gives a stable difference ({found.value:.2g} ± {found.error:.1g})"
            gradient[name] = Unavailable(text)
        else:
            gradient[name] = Estimate(found.value, found.error)
    return Witness("numeric", gradient)


def _sweeps(solution: Solution, why: str) -> str:
    return f"{len(solution.wrt):,} inputs: {why}"


def _floats(solution: Solution) -> list[float]:
    if solution.values and isinstance(solution.values[0], float):
        return solution.values
    point = {name: float(value) for name, value in solution.point.items()}
    return forward_values(solution.graph, point)


class Verdict(NamedTuple):
    """One witness against reverse mode for one input.

    `agrees` is None where nothing can be said: the witness is silent, the answer is undefined, or
    they agree only because rounding may have cost every digit (`lost`).
    """

    agrees: bool | None
    discrepancy: float = 0.0
    lost: bool = False


def compare(solution: Solution, answer: Answer, witnesses: Iterable[Witness]) -> Agreement:
    """Compare what the witnesses say with reverse mode's gradient of one output."""
    values = _floats(solution)
    rounding = gradient_rounding(solution.graph, values, answer.node, solution.active, solution.wrt)
    heard = tuple(_without_slope(solution, answer, values, witness) for witness in witnesses)
    inputs: dict[str, bool | None] = {}
    discrepancy = 0.0
    out: list[str] = []
    lost: list[str] = []
    for name, value in answer.gradient.items():
        inputs[name] = None
        for witness in heard:
            verdict = judge(float(value), witness.gradient.get(name), rounding[name])
            if verdict.agrees is False:
                spread = gradient_spread(solution.graph, values, answer.node, solution.wrt[name])
                verdict = judge(float(value), witness.gradient[name], spread)
            discrepancy = max(discrepancy, verdict.discrepancy)
            if verdict.agrees is not None:
                inputs[name] = verdict.agrees and inputs[name] is not False
            if verdict.agrees is False:
                out.append(f"{witness.mode} for {name}")
            if verdict.lost and name not in lost:
                lost.append(name)
    for name in lost:
        inputs[name] = inputs[name] and None
    sentence = _sentence(heard, inputs, out, lost, discrepancy)
    return Agreement(heard, inputs, not out, discrepancy, sentence)


def judge(reverse_value: float, said: _Says | None, rounding: float) -> Verdict:
    """Compare reverse mode's number with what a witness says."""
    error = said.error if isinstance(said, Estimate) else 0.0
    number = said.value if isinstance(said, (Estimate, Formula)) else said
    if number is None or isinstance(number, Unavailable) or reverse_value != reverse_value:
        return Verdict(None)
    other = float(number)
    if reverse_value == other:
        return Verdict(True)
    size = max(abs(reverse_value), abs(other))
    difference = abs(reverse_value - other)
    if not math.isfinite(difference):
        return Verdict(False, math.inf)
    if error > _LOST * size:
        return Verdict(None)  # a difference quotient this vague confirms nothing
    agrees = difference <= max(TOLERANCE * size, error, rounding)
    lost = agrees and rounding > _LOST * size and difference > _LOST * size
    return Verdict(agrees, difference / size, lost)


def _without_slope(
    solution: Solution, answer: Answer, values: list[float], witness: Witness
) -> Witness:
    """Return the witness, silenced for inputs along which there is no two-sided slope."""
    if not answer.on_kink:
        return witness
    if solution.kink in ("left", "right"):
        silent = {
            name: Unavailable(f"asked for the {solution.kink} slope") for name in solution.wrt
        }
        return witness._replace(gradient=silent)
    if witness.mode == "forward":
        return witness
    sides = Sides(solution.graph, values)
    gradient = dict(witness.gradient)
    for name, seed in solution.wrt.items():
        if name not in gradient or too_large(solution):
            continue
        slope = sides.slope_at(answer.node, seed)
        if slope is None:
            gradient[name] = Unavailable(_NO_SLOPE)
        elif abs(slope - float(answer.gradient[name])) > TOLERANCE * abs(slope):
            text = f"the slope is {slope:.10g} on both sides; the convention says otherwise"
            gradient[name] = Unavailable(text)
    return witness._replace(gradient=gradient)


def _sentence(
    witnesses: tuple[Witness, ...],
    inputs: Mapping[str, bool | None],
    out: list[str],
    lost: list[str],
    discrepancy: float,
) -> str:
    """Return the verdict in words."""
    size = "exactly" if discrepancy == 0 else f"largest discrepancy {discrepancy:.1g}"
    if out:
        return f"The modes disagree: {', '.join(out[:5])} ({size})."
    heard = [
        witness.mode
        for witness in witnesses
        if any(not isinstance(said, Unavailable) for said in witness.gradient.values())
    ]
    if not inputs:
        return "There are no inputs to differentiate by."
    if not heard:
        return "No witness could be heard."
    counts = ("Both", "All three", "All four", "All five")
    if lost:
        return (
            f"The modes cannot be compared for {', '.join(lost[:5])}: rounding has cost the digits "
            f"({size}); --precision 50 shows them."
        )
    silent = [
        name
        for name in inputs
        if any(isinstance(witness.gradient.get(name), Unavailable) for witness in witnesses)
    ]
    tail = f", as far as each can say for {', '.join(silent[:5])}" if silent else ""
    return f"{counts[len(heard) - 1]} modes agree ({size}){tail}."
