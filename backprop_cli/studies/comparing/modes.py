"""The study behind `compare-modes`: which way of differentiating to use, and how far to trust it.

Six modes give the gradient of every output, each with what it costs (counted and timed) and how
many of its digits are right (against the reference). Whether the program agrees with itself is
judged as `grad` judges it; the two textbook differences are shown with their truncation, but never
accused of it.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from backprop_cli.calculus.differences import complex_step_floor
from backprop_cli.errors import BackpropError
from backprop_cli.readings.counted import Operations
from backprop_cli.studies.agreement import compare, numeric_witness
from backprop_cli.studies.comparing import costs, references
from backprop_cli.studies.comparing.references import Known
from backprop_cli.studies.comparing.taylor import Taylor, taylor
from backprop_cli.studies.comparing.verdicts import verdict
from backprop_cli.studies.findings import too_large
from backprop_cli.studies.solution import (
    Agreement,
    Answer,
    Estimate,
    Formula,
    Solution,
    Unavailable,
    Witness,
)
from backprop_cli.studies.words import counted

if TYPE_CHECKING:
    from backprop_cli.studies.witness import SymPyWitness

MODES = ("reverse", "forward", "forward-difference", "central", "complex-step", "sympy")
"""The modes that are compared, in the order of their rows."""


_FAR = 1e9
"""How far above its floor a slope by complex step is to be trusted."""


class Mode(NamedTuple):
    """One mode: the gradient of each output, what it cost, how good it is, a note in words.

    A number is None where it cannot be said; `skipped` says why the whole mode is missing.
    """

    mode: str
    gradients: tuple[Mapping[str, float | None], ...] = ()
    sweeps: int | None = None
    evaluations: int | None = None
    operations: Operations | None = None
    seconds: float | None = None
    spread: float | None = None
    digits: float | None = None
    note: str = ""
    skipped: str = ""


class Comparison(NamedTuple):
    """The modes on one program at one point, and the verdicts; empty where there is no answer.

    `agreements`, `taylors` and `verdicts` have one entry for each output.
    """

    solution: Solution
    evaluation: Operations
    modes: tuple[Mode, ...] = ()
    reference: Known = Known((), "")
    agreements: tuple[Agreement, ...] = ()
    verdicts: tuple[str, ...] = ()
    taylors: tuple[Taylor, ...] = ()
    rule: str = ""

    @property
    def agree(self) -> bool:
        """Whether no witness and no Taylor remainder contradicts the gradient."""
        return not any(self.findings(place) for place in range(len(self.agreements)))

    def findings(self, place: int) -> list[str]:
        """Return what contradicts the gradient of one output, in words; empty if nothing does."""
        found = []
        if self.agreements and not self.agreements[place].agree:
            found.append(self.verdicts[place])
        if self.taylors and self.taylors[place].right is False:
            found.append(self.taylors[place].sentence)
        return found


def compare_modes(solution: Solution, sympy: "SymPyWitness | None" = None) -> Comparison:
    """Return the modes side by side.

    `sympy` is the witness that was started for this solution; it is waited for before anything
    is timed.
    """
    evaluation = costs.evaluation(solution)
    if any(answer.failure for answer in solution.answers) or not solution.wrt:
        return Comparison(solution, evaluation)
    symbolic = _symbolic(solution, sympy, evaluation)
    reference = references.known(solution)
    measured = [_measured(name, solution) for name in MODES[:-1]]
    modes = tuple(_with_digits(mode, reference) for mode in [*measured, symbolic])
    heard = sympy.result() if sympy else {}
    agreements = tuple(
        compare(solution, answer, _witnesses(solution, answer, place, modes, heard))
        for place, answer in enumerate(solution.answers)
    )
    verdicts = tuple(
        verdict(solution, place, agreement, reference) for place, agreement in enumerate(agreements)
    )
    taylors = tuple(taylor(solution, answer) for answer in solution.answers)
    rule = _rule(solution, modes)
    return Comparison(solution, evaluation, modes, reference, agreements, verdicts, taylors, rule)


def why_skipped(mode: str, solution: Solution) -> str:
    """Return why a mode is not asked, empty if it is."""
    if mode != "reverse" and too_large(solution):
        what = "a sweep" if mode == "forward" else "evaluations"
        return f"{len(solution.wrt):,} inputs: {what} for each is too much"
    if mode == "complex-step":
        from backprop_cli.readings.complexes import unreadable

        name = unreadable(solution.graph)
        return f"{name} has no complex reading" if name else ""
    return ""


def _measured(mode: str, solution: Solution) -> Mode:
    """Return a mode that the program itself computes."""
    skipped = why_skipped(mode, solution)
    if skipped:
        return Mode(mode, skipped=skipped)
    gradients = costs.gradients(mode, solution)
    cost = costs.counted(mode, solution)
    timing = costs.timed_gradients(mode, solution)
    return Mode(
        mode,
        tuple(gradients),
        *cost,
        *timing,
        note=_note(mode, solution, cost) + _timed_part(mode, solution),
    )


def _with_digits(mode: Mode, reference: Known) -> Mode:
    return (
        mode if mode.skipped else mode._replace(digits=references.digits(mode.gradients, reference))
    )


def _timed_part(mode: str, solution: Solution) -> str:
    """Say for how many inputs a mode was timed, if not for all of them."""
    timed, inputs = costs.timed_inputs(mode, solution), len(solution.wrt)
    return f"; timed for {timed:,} of {inputs:,} inputs" if timed < inputs else ""


def _note(mode: str, solution: Solution, cost: costs.Cost) -> str:
    """Return what a mode's numbers mean, in words."""
    inputs, outputs = len(solution.wrt), len(solution.answers)
    if mode == "reverse":
        text = f"{counted(outputs, 'output')}, so {counted(cost.sweeps, 'sweep')}"
        return text + (", for all inputs" if inputs > 1 else "")
    if mode == "forward":
        text = f"{counted(inputs, 'input')}, so {counted(cost.sweeps, 'sweep')}"
        text += ", for all outputs" if outputs > 1 else ""
        if inputs * solution.graph.size <= costs.COUNTED_WHOLE:
            sparse = costs.sparse_edge_products(solution)
            if sparse < cost.operations.edge_products:
                text += (
                    f"; {counted(sparse, 'edge product')} if edges a seed cannot reach are skipped"
                )
        return text
    if mode == "forward-difference":
        return f"f at x and at x + h for {counted(inputs, 'input')}, h = 1.5e-8·max(|x|, 1)"
    if mode == "central":
        return f"f at x ± h for {counted(inputs, 'input')}, h = 6.1e-6·max(|x|, 1)"
    return f"f at x + ih for {counted(inputs, 'input')}, h = 1e-100, in complex operations"


# ------------------------------------------------------------------ SymPy


def _symbolic(solution: Solution, sympy: "SymPyWitness | None", evaluation: Operations) -> Mode:
    """Return what SymPy found, and how its formulas swell."""
    if sympy is None:
        return Mode("sympy", skipped="it was not asked")
    heard = sympy.result()
    reasons = list(_reasons(solution, heard, sympy.skipped or "it was not asked"))
    if reasons:
        return Mode("sympy", skipped=reasons[0])
    said = [heard[answer.name].gradient for answer in solution.answers]
    gradients = tuple({name: _number(part) for name, part in found.items()} for found in said)
    texts = [part.text for found in said for part in found.values() if isinstance(part, Formula)]
    operations = _swell(solution, texts)
    note = "its formulas are too long to be counted"
    if operations is not None:
        note = f"{counted(operations.total, 'operation')} in its formulas"
        swells = " (expression swell)" if operations.total > evaluation.total else ""
        note += f", {evaluation.total:,} in f{swells}; timed once"
    return Mode("sympy", gradients, 0, 0, operations, sympy.seconds, None, note=note)


def _reasons(solution: Solution, heard: Mapping[str, Witness], unasked: str) -> Iterator[str]:
    """Yield why SymPy has not the whole gradient."""
    for answer in solution.answers:
        witness = heard.get(answer.name)
        if witness is None or witness.skipped:
            yield witness.skipped if witness else unasked
            continue
        for part in witness.gradient.values():
            if isinstance(part, Unavailable):
                yield part.reason


def _number(said: Any) -> float | None:
    return said.value if isinstance(said, Formula) else None


def _swell(solution: Solution, texts: Sequence[str]) -> Operations | None:
    """Return the operations of all formulas together, None if one was too long to be written."""
    from backprop_cli.language.parser import parse

    total = Operations()
    for text in texts:
        try:
            graph = parse(text, tuple(solution.point))
        except BackpropError:
            return None
        bare = solution._replace(graph=graph, point={n: solution.point[n] for n in graph.inputs})
        total = total.plus(costs.evaluation(bare))
    return total


# ------------------------------------------------------------------ the verdict


def _witnesses(
    solution: Solution,
    answer: Answer,
    place: int,
    modes: Sequence[Mode],
    heard: Mapping[str, Witness],
) -> list[Witness]:
    """Return who is heard on one output: differences are extrapolated, with an error estimate."""
    found = {mode.mode: mode for mode in modes}
    said = [
        _said(found["forward"], answer, place, solution),
        numeric_witness(solution, answer),
        _said(found["complex-step"], answer, place, solution),
    ]
    return [*said, heard[answer.name]] if answer.name in heard else said


def _said(mode: Mode, answer: Answer, place: int, solution: Solution) -> Witness:
    """Return a mode as a witness; a slope that is not finite is no statement.

    Nor is a complex step's slope that is too small for so short a step.
    """
    if mode.skipped:
        return Witness(mode.mode, {}, mode.skipped)
    gradient: dict[str, float | Estimate | Formula | Unavailable] = {}
    for name, slope in mode.gradients[place].items():
        if slope is None or not math.isfinite(slope):
            gradient[name] = Unavailable("its value is not finite")
            continue
        gradient[name] = slope
        least = complex_step_floor(solution.values[solution.wrt[name]])
        size = max(abs(slope), abs(answer.gradient[name]))
        if mode.mode == "complex-step" and 0 < size < _FAR * least:
            gradient[name] = Unavailable("so small an imaginary part loses its digits")
    return Witness(mode.mode, gradient)


def _rule(solution: Solution, modes: Sequence[Mode]) -> str:
    """Say which mode to use, by the counts: reverse wins where inputs outnumber outputs."""
    reverse, forward = modes[0], modes[1]
    inputs, outputs = len(solution.wrt), len(solution.answers)
    shape = f"{counted(inputs, 'input')} and {counted(outputs, 'output')}"
    if reverse.operations is None or forward.operations is None:
        sweeps = f"{counted(outputs, 'reverse sweep')} or {counted(inputs, 'forward sweep')}"
        return f"Use reverse mode: {shape} need {sweeps}."
    if reverse.operations.total == forward.operations.total:
        total = counted(reverse.operations.total, "operation")
        return f"Use either mode: for {shape} each takes {total}."
    better, other = sorted((reverse, forward), key=_total)
    return (
        f"Use {better.mode} mode: for {shape} it takes {_spent(better)}; "
        f"{other.mode} mode takes {_spent(other)}."
    )


def _total(mode: Mode) -> int:
    return mode.operations.total if mode.operations else 0


def _spent(mode: Mode) -> str:
    """Return the sweeps, edge products and operations of a mode, in words."""
    products = mode.operations.edge_products if mode.operations else 0
    counts = (mode.sweeps or 0, "sweep"), (products, "edge product"), (_total(mode), "operation")
    return ", ".join(counted(*count) for count in counts) + " in all"
