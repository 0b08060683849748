"""What went wrong in a wrong claim: the hypotheses that give exactly what is claimed, everywhere.

A hypothesis fits if it gives the claim's number at every point that is tried, to eight digits or
what rounding leaves; the points are the two that are told of, others at which the claim is wrong,
and some at which it happens to be right. What fits is a fact about two formulas, not a guess about
a person: several may fit, and then all are said; if none does, that is said.
"""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

from backprop_cli.calculus.gradient_graph import gradient_graph
from backprop_cli.calculus.values import forward_values
from backprop_cli.studies.checking.check import WRONG, Check, Verdict
from backprop_cli.studies.checking.hypotheses import hypotheses
from backprop_cli.studies.checking.hypothesis import Hypothesis
from backprop_cli.studies.checking.scene import Edge, Scene, Sweep
from backprop_cli.studies.checking.trial import AGREES, DIFFERS, Noise
from backprop_cli.studies.failures import short
from backprop_cli.studies.words import said

CODES = (
    "degrees",
    "log-base",
    "quotient-rule",
    "power-rule",
    "transposed",
    "product-of-paths",
    "missing-branch",
    "double-path",
    "sign",
    "missing-inner",
    "wrong-place",
    "wrong-operand",
    "local-only",
    "missing-upstream",
    "constant-factor",
    "other-input",
    "value",
)
"""Every code, in the order in which those that fit are listed."""

LARGEST = 2_000
"""Mistakes are looked for in derivatives that pass through up to this many nodes."""

_FAILING, _HOLDING, _TRIED = 10, 4, 3
_SAME, _NOISE = 1e-8, 1e-10
_FEWEST = 3
_FACTORS = {
    "": 1.0,
    "π": math.pi,
    "π/180": math.pi / 180,
    "180/π": 180 / math.pi,
    "log(10)": math.log(10),
    "1/log(10)": 1 / math.log(10),
    "log(2)": math.log(2),
    "1/log(2)": 1 / math.log(2),
    "√2": math.sqrt(2),
}
_LARGEST_DENOMINATOR = 100


class FoundMistake(NamedTuple):
    """A known mistake that gives exactly what was claimed; `edges` are where the path is left.

    `path` names the nodes from the input to the output along which it happens.
    """

    code: str
    message: str
    path: tuple[str, ...] = ()
    edges: tuple[Edge, ...] = ()


class Example(NamedTuple):
    """The point whose numbers the messages have, and what is claimed and what is right there."""

    point: dict[str, float]
    claimed: float
    actual: float


class Diagnosis(NamedTuple):
    """What is known of one wrong claim; `points` is at how many points the mistakes fit.

    `note` says why there is none, if there is none.
    """

    mistakes: tuple[FoundMistake, ...] = ()
    points: int = 0
    note: str = ""
    example: Example | None = None


def diagnoses(check: Check) -> tuple[Diagnosis, ...]:
    """Return a diagnosis for each claim of a check; an empty one for those that are not wrong."""
    found = [
        _diagnosed(check, verdict) if verdict.verdict == WRONG else Diagnosis()
        for verdict in check.verdicts
    ]
    return tuple(_with_swaps(check, found))


def _diagnosed(check: Check, verdict: Verdict) -> Diagnosis:
    question = verdict.question
    if verdict.point is None or not math.isfinite(verdict.claimed):
        return Diagnosis(note="the claim has no value to compare")
    scene = Scene(check.questions.program, question.output, question.target)
    if len(scene.nodes) > LARGEST:
        count = f"{len(scene.nodes):,} nodes lie between"
        return Diagnosis(note=f"{count}: mistakes are looked for among up to {LARGEST:,}")
    trials = _Trials(check, verdict, scene)
    best: dict[str, Hypothesis] = {}
    for hypothesis in _all(scene, trials):
        if hypothesis.code not in best and trials.fits(hypothesis.slope):
            best[hypothesis.code] = hypothesis
    located = check.located(verdict.example or verdict.point)
    sweep = scene.sweep(located)
    claimed = float(forward_values(check.questions.graph, located)[question.node])
    mistakes = tuple(_said(scene, best[code], sweep) for code in CODES if code in best)
    note = "" if mistakes else "no known mistake fits"
    if question.target not in scene.nodes:
        note = f"{scene.names[question.output]} does not depend on {question.claim.name}"
    return Diagnosis(mistakes, len(trials.points), note, Example(located, claimed, sweep.gradient))


def _said(scene: Scene, hypothesis: Hypothesis, sweep: Sweep) -> FoundMistake:
    """Return a hypothesis that fits as a mistake, in words, with the numbers of a point."""
    path = scene.path(hypothesis.via) if hypothesis.via is not None else ()
    names = tuple(scene.names[node] for node in path)
    message = hypothesis.words(sweep)
    return FoundMistake(
        hypothesis.code, message + _meanings(scene, message), names, hypothesis.edges
    )


def _meanings(scene: Scene, message: str) -> str:
    """Return what the numbered nodes of a message are, as in ` (v1 = x^2)`."""
    numbered = set(re.findall(r"\bv[0-9]+\b", message))
    parts = [
        f"{scene.names[node]} = {said(scene.graph, node, scene.names)}"
        for node in scene.nodes
        if scene.names[node] in numbered and node not in scene.graph.labels
    ]
    return f" ({', '.join(parts)})" if parts else ""


class _Trials:
    """What is claimed at some points, and the sweeps there, made when first needed."""

    def __init__(self, check: Check, verdict: Verdict, scene: Scene) -> None:
        self.scene = scene
        self.points: list[dict[str, float]] = []
        self.claimed: list[float] = []
        self.rounding: list[float] = []
        self._sweeps: list[Sweep] = []
        self._failing = 0
        failing = [point for point, status in verdict.tried if status == DIFFERS]
        holding = [point for point, status in verdict.tried if status == AGREES]
        told = dict.fromkeys(p for p in (verdict.point, verdict.example) if p is not None)
        self._special = 0
        if not check.at_one_point:
            self._take([check.located(point) for point in told], len(told), check, verdict, 0)
            self._special = len(self.points)
        for points, most in ((failing, _FAILING), (holding, _HOLDING)):
            self._take([check.located(point) for point in points], most, check, verdict)
            self._failing = self._failing or len(self.points)

    def _take(
        self,
        points: list[dict[str, float]],
        most: int,
        check: Check,
        verdict: Verdict,
        fewest: int = _FEWEST,
    ) -> None:
        """Take the first points at which claim and gradient have their digits.

        Others too, where these are too few.
        """
        question = verdict.question
        graph = gradient_graph(check.questions.graph, question.output, [question.target])
        gradient, noise = graph.outputs[1], Noise(graph)
        lossy = []
        wanted = len(self.points) + most
        for point in points[: _TRIED * most]:
            values = forward_values(graph, point)
            claimed = float(values[question.node])
            rounding = noise.bound(values, [question.node])
            theirs = noise.bound(values, [gradient])
            found = (point, claimed, rounding + question.claim.rounding)
            if rounding <= _SAME * abs(claimed) and theirs <= _SAME * abs(values[gradient]):
                self._add(*found)
                if len(self.points) == wanted:
                    return
            else:
                lossy.append((point, claimed, found[2] + theirs))
        for found in lossy[: max(fewest - len(self.points), 0)]:
            self._add(*found)

    def _add(self, point: dict[str, float], claimed: float, rounding: float) -> None:
        self.points.append(point)
        self.claimed.append(claimed)
        self.rounding.append(rounding)

    def sweep(self, place: int) -> Sweep:
        """Return the sweeps at one of the points."""
        while len(self._sweeps) <= place:
            self._sweeps.append(self.scene.sweep(self.points[len(self._sweeps)]))
        return self._sweeps[place]

    def fits(self, slope: Callable[[Sweep], float]) -> bool:
        """Return whether a slope is what is claimed, at every point."""
        return all(self._same(slope, place) for place in range(len(self.points)))

    def _same(self, slope: Callable[[Sweep], float], place: int) -> bool:
        sweep, claimed = self.sweep(place), self.claimed[place]
        try:
            made = slope(sweep)
        except (ArithmeticError, ValueError):
            return False
        if not math.isfinite(made):
            return place < self._special  # 0/0 in a rule, where its formula may have a limit
        size = max(abs(made), abs(claimed))
        allowed = _SAME * size + _NOISE * abs(sweep.gradient) + self.rounding[place]
        off = abs(claimed - sweep.gradient)
        # What is nearer to the gradient than to the claim does not explain why they differ.
        explains = place >= self._failing or abs(made - claimed) <= off / 2
        return explains and abs(made - claimed) <= allowed


def _all(scene: Scene, trials: _Trials) -> Iterator[Hypothesis]:
    """Yield the hypotheses from the graph, and a constant factor if the numbers show one."""
    yield from hypotheses(scene)
    factor = _factor(trials)
    if factor is not None:
        words = _factor_words(factor)
        yield Hypothesis(
            "constant-factor",
            lambda sweep: factor * sweep.gradient,
            lambda sweep: f"it is {words} times the gradient, {short(sweep.gradient)}",
        )


def _factor(trials: _Trials) -> float | None:
    """Return the constant by which the claim is too large, if there may be one."""
    ratios = []
    for place, claimed in enumerate(trials.claimed):
        gradient = trials.sweep(place).gradient
        if gradient and claimed:
            ratios.append(claimed / gradient)
    if not ratios or not all(map(math.isfinite, ratios)) or abs(ratios[0] + 1) < _SAME:
        return None
    if len(ratios) < _FEWEST and _fraction(ratios[0], 3) is None:
        return None  # any two numbers have a ratio
    return sorted(ratios)[len(ratios) // 2]


def _factor_words(factor: float) -> str:
    """Return a constant as people know it: 2, 1/2, π/180, 3·log(10); else its digits."""
    for name, constant in _FACTORS.items():
        fraction = _fraction(factor / constant, 4 if name else _LARGEST_DENOMINATOR)
        if fraction is not None:
            text = str(fraction)
            if name and fraction in (1, -1):
                return name if fraction == 1 else f"-{name}"
            return f"{text}·{name}" if name else text
    return short(factor)


def _fraction(value: float, most: int) -> Fraction | None:
    """Return the fraction with a small denominator (and numerator) that a number is, if any."""
    found = Fraction(value).limit_denominator(most)
    exact = found != 0 and abs(float(found) - value) <= _SAME * abs(value)
    return found if exact and abs(found.numerator) <= most else None


def _with_swaps(check: Check, found: Sequence[Diagnosis]) -> Iterator[Diagnosis]:
    """Yield the diagnoses; where two claims have changed places, they are transposed."""
    for place, diagnosis in enumerate(found):
        other = _swapped(check, found, place)
        if other is None:
            yield diagnosis
            continue
        ours, theirs = (check.verdicts[k].question.claim.name for k in (place, other))
        words = f"the claims for {ours} and {theirs} are transposed: each is the other's gradient"
        rest = [mistake for mistake in diagnosis.mistakes if mistake.code != "other-input"]
        made = sorted([FoundMistake("transposed", words), *rest], key=lambda m: CODES.index(m.code))
        yield diagnosis._replace(mistakes=tuple(made), note="")


def _swapped(check: Check, found: Sequence[Diagnosis], place: int) -> int | None:
    """Return the other claim of a pair that have changed places."""
    if not _is_of_another(found[place]):
        return None
    for other, diagnosis in enumerate(found):
        first, second = check.verdicts[place], check.verdicts[other]
        same_output = first.question.output == second.question.output
        if other == place or not same_output or not _is_of_another(diagnosis):
            continue
        if _is_gradient_of(check, first, second) and _is_gradient_of(check, second, first):
            return other
    return None


def _is_of_another(diagnosis: Diagnosis) -> bool:
    return any(mistake.code == "other-input" for mistake in diagnosis.mistakes)


def _is_gradient_of(check: Check, claim: Verdict, other: Verdict) -> bool:
    """Return whether one claim gives the gradient of another claim's name, at every point."""
    question = claim.question
    scene = Scene(check.questions.program, question.output, question.target)
    node = other.question.target
    return _Trials(check, claim, scene).fits(lambda sweep: sweep.adjoints[node])
