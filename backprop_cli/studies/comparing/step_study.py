"""How the error of a difference quotient depends on its step: the U, and its two arms.

A long step is wrong because f curves (truncation, h·f''/2 of a forward difference, h²·f'''/6 of a
central one); a short step because f is rounded before the difference is divided by h. Here the two
are told apart and not guessed: the same quotient worked out with 170 digits has the truncation
alone, and what is left is rounding. The complex step has no second arm. (Press, Teukolsky,
Vetterling and Flannery, Numerical Recipes, 3rd ed., section 5.7, on the best h.)
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from backprop_cli.calculus import differences
from backprop_cli.calculus.probes import Probe
from backprop_cli.calculus.rounding import evaluation_noise
from backprop_cli.readings.complexes import unreadable
from backprop_cli.studies.solution import Answer, Solution

if TYPE_CHECKING:
    from backprop_cli.calculus.reference import Reference

STEPS = tuple(float(f"1e-{k}") for k in range(1, 17))
"""The steps that are tried."""

MODES = {"forward": "forward-difference", "central": "central", "complex": "complex-step"}
"""The mode that each method is, among those that are compared."""

LARGEST = 5_000
"""The step study takes up to this many inputs × nodes."""

_STRAIGHT = 1e-25
_NOTHING = 1e-40
"""An error below this, relative to the slope, is that of the reference: it is 0."""


class Quotient(NamedTuple):
    """A derivative by one step, its error, and the arm it stands on.

    `arm` is truncation, rounding, exact, or kink where a kink, jump or pole lies within the step;
    it is empty for the complex step, which has only the one. `error` is None where there is no
    two-sided slope to be compared with.
    """

    h: float
    estimate: float
    error: float | None
    arm: str


class Method(NamedTuple):
    """All steps of one method; the best found, the best in theory, and the theory in words.

    A step is None where there is none: no error, or no step that matters.
    """

    name: str
    quotients: tuple[Quotient, ...]
    best: float | None
    theory: float | None
    words: str


class StepStudy(NamedTuple):
    """The methods on the slope of one output along one input."""

    output: str
    name: str
    slope: float | None
    methods: tuple[Method, ...]


class StepStudies(NamedTuple):
    """The studies of the first inputs; how many there are in all; why there are none."""

    studies: tuple[StepStudy, ...]
    total: int
    reason: str = ""


def step_studies(solution: Solution, most: int) -> StepStudies:
    """Study the step along the first `most` of the names asked for, for each output."""
    total = len(solution.wrt) * len(solution.answers)
    size = solution.graph.size
    names = list(solution.wrt)[: min(most, LARGEST // size)]
    if not names:
        reason = f"{size:,} nodes: the step study takes up to {LARGEST:,}"
        return StepStudies((), total, reason if solution.wrt else "there are no inputs")
    from backprop_cli.calculus.reference import Reference

    reference = Reference(solution.graph, solution.point)
    found = [study for name in names for study in _along(solution, name, reference)]
    return StepStudies(tuple(found), total)


def _along(solution: Solution, name: str, reference: "Reference") -> list[StepStudy]:
    """Study the step along one name, for each output."""
    graph, values, seed = solution.graph, solution.values, solution.wrt[name]
    tables: dict[str, list[list[float]]] = {
        "forward": [differences.forward_difference(graph, values, seed, h) for h in STEPS],
        "central": [differences.central_difference(graph, values, seed, h) for h in STEPS],
    }
    if not unreadable(graph):
        tables["complex"] = [differences.complex_step(graph, values, seed, h) for h in STEPS]
    exact = _exact_quotients(reference, seed)
    slopes, bends = reference.slopes(seed), reference.curvatures(seed)
    studies = []
    for place, answer in enumerate(solution.answers):
        estimates = {method: [row[place] for row in rows] for method, rows in tables.items()}
        truths = {method: [row[place] for row in rows] for method, rows in exact.items()}
        crossed = _crossed(solution, answer, seed)
        theory = _theories(solution, answer, reference.values[seed], slopes[place], bends[place])
        methods = tuple(
            _method(method, estimates[method], truths.get(method), slopes[place], crossed, *best)
            for method, best in theory.items()
            if method in estimates
        )
        slope = None if slopes[place] is None else float(slopes[place])
        studies.append(StepStudy(answer.name, name, slope, methods))
    return studies


def _exact_quotients(reference: "Reference", seed: int) -> dict[str, list[list[Any]]]:
    """Return the quotients without rounding, for each step and output."""
    forward, central = [], []
    for step in STEPS:
        h = reference.context.mpf(step)
        after, before = reference.at(seed, h), reference.at(seed, -h)
        here = reference.outputs()
        forward.append([(f - g) / h for f, g in zip(after, here, strict=True)])
        central.append([(f - g) / (2 * h) for f, g in zip(after, before, strict=True)])
    return {"forward": forward, "central": central}


def _crossed(solution: Solution, answer: Answer, seed: int) -> dict[str, list[bool]]:
    """Return, for each step, whether a kink, jump or pole lies within it."""
    probe = Probe(solution.graph, solution.values, (seed,), answer.node)
    x = solution.values[seed]
    sides: dict[int, list[bool]] = {1: [], -1: []}
    for h in STEPS:
        for side, found in sides.items():
            probe.at({seed: x + side * h})
            found.append(probe.crossed)
    both = [right or left for right, left in zip(sides[1], sides[-1], strict=True)]
    return {"forward": sides[1], "central": both, "complex": [False] * len(STEPS)}


def _theories(
    solution: Solution, answer: Answer, x: Any, slope: Any, bends: tuple[Any, Any]
) -> dict[str, tuple[float | None, str]]:
    """Return the best h in theory for each method at `x`, and the theory in words."""
    if slope is None:
        none = (None, "there is no two-sided slope here: no step finds it")
        return dict.fromkeys(("forward", "central", "complex"), none)
    noise = evaluation_noise(solution.values, answer.adjoints)
    size = abs(x) or 1
    scale = abs(answer.value) + abs(slope) * size
    second, third = (
        0 if abs(bend) * size**power <= _STRAIGHT * scale else abs(bend)
        for power, bend in enumerate(bends, 2)
    )
    forward = "truncation h·|f''|/2 and rounding 2ε/h balance at h = 2·sqrt(ε/|f''|)"
    central = "truncation h²·|f'''|/6 and rounding ε/h balance at h = (3ε/|f'''|)^(1/3)"
    complex_words = "nothing is subtracted, so no rounding grows: the smaller h the better"
    return {
        "forward": _theory(noise, second, "f''", lambda: 2 * (noise / second) ** 0.5, forward),
        "central": _theory(noise, third, "f'''", lambda: (3 * noise / third) ** (1 / 3), central),
        "complex": (None, complex_words),
    }


def _theory(
    noise: float, bend: Any, name: str, best: Callable[[], Any], words: str
) -> tuple[float | None, str]:
    """Return the step at which truncation and rounding balance, if there are both."""
    if not bend:
        return None, f"exact for every h in theory, as {name} = 0: all its error is rounding"
    if not noise or not math.isfinite(noise):
        return None, "no rounding to speak of, as f is 0 here: the smaller h the better"
    return float(best()), words


def _method(
    name: str,
    estimates: Sequence[float],
    exact: Sequence[Any] | None,
    slope: Any,
    crossed: Mapping[str, Sequence[bool]],
    theory: float | None,
    words: str,
) -> Method:
    """Put together what is known of one method."""
    quotients = []
    for place, (h, estimate) in enumerate(zip(STEPS, estimates, strict=True)):
        if slope is None or not math.isfinite(estimate):
            quotients.append(Quotient(h, estimate, None, ""))
            continue
        error = abs(float(estimate - slope))
        error = 0.0 if error <= _NOTHING * abs(slope) else error
        arm = "kink" if crossed[name][place] else ""
        if not arm and exact is not None:
            arm = _arm(abs(exact[place] - slope), abs(estimate - exact[place]), error)
        quotients.append(Quotient(h, estimate, error, arm))
    known = [(q.error, -q.h, q.h) for q in quotients if q.error is not None]
    return Method(name, tuple(quotients), min(known)[2] if known else None, theory, words)


def _arm(truncation: Any, rounding: Any, error: float) -> str:
    """Return which of the two errors is the larger."""
    if error == 0:
        return "exact"
    return "truncation" if truncation > rounding else "rounding"
