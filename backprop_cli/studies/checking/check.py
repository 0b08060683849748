"""Is what somebody claims to be the gradient the gradient? At one point, or over the domain.

At many random points of the domain a wrong formula has no place to hide (Schwartz 1980: two
different polynomials agree at a random point with probability next to none). Special points are
tried too, since poles and kinks lie at them. A claim that has no value somewhere is right with an
exception, which is named; a claim that has another value on some part of the domain is wrong, and
the part is named.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from backprop_cli.calculus.values import forward_values
from backprop_cli.studies.checking.claims import Question, Questions
from backprop_cli.studies.checking.regions import region
from backprop_cli.studies.checking.scene import Scene
from backprop_cli.studies.checking.silences import kink_words, undefined, why_silent
from backprop_cli.studies.checking.trial import AGREES, DIFFERS, LOST, SILENT, Sides, Trial
from backprop_cli.studies.engine import Chosen
from backprop_cli.studies.failures import short
from backprop_cli.studies.gradient import solve
from backprop_cli.studies.sampling import (
    MOST_SHRINKING,
    TRIES,
    Point,
    Range,
    draws,
    probes,
    simplest,
    telling,
)
from backprop_cli.studies.solution import Answer

RIGHT, WRONG, UNDECIDED = "right", "wrong", "undecided"

POINTS = 100
"""How many random points are looked at unless said otherwise."""

_FEWEST_POINTS, _FEWEST_SHRINKING, _FEWEST_PROBES = 10, 60, 20
_OTHERS = 16
_KINK = "kink"


class Setting(NamedTuple):
    """Where claims are looked at: `fixed` inputs have a value, the others are drawn.

    `engine` is auto, python or native.
    """

    fixed: Mapping[str, float] = {}
    ranges: Mapping[str, Range] = {}
    points: int = POINTS
    seed: int = 0
    tolerance: float = 1e-9
    engine: str = "auto"


class Verdict(NamedTuple):
    """What became of one claim.

    `exceptions` are the places where a right claim says nothing, or a kink's convention; `where`
    is the part of the domain where a wrong one is wrong, if it is not all of it. `point` is a
    simple one at which it fails, `example` one at which the numbers tell more. `tried` are the
    points with what the claim does there.
    """

    question: Question
    verdict: str
    reason: str = ""
    exceptions: tuple[str, ...] = ()
    where: str = ""
    point: Point | None = None
    claimed: float = math.nan
    actual: float = math.nan
    tried: tuple[tuple[Point, str], ...] = ()
    example: Point | None = None


class Check(NamedTuple):
    """The claims of one program with their verdicts; `points` counts where they were looked at."""

    questions: Questions
    setting: Setting
    points: int
    verdicts: tuple[Verdict, ...]
    engine: Chosen = Chosen("python")

    @property
    def names(self) -> tuple[str, ...]:
        """The inputs, in the order of a point's numbers."""
        return tuple(self.questions.graph.inputs)

    @property
    def at_one_point(self) -> bool:
        """Whether every input had a value of its own."""
        return all(name in self.setting.fixed for name in self.names)

    def located(self, point: Point) -> dict[str, float]:
        """Return a point by the names of the inputs."""
        return dict(zip(self.names, point, strict=True))


def check(questions: Questions, setting: Setting) -> Check:
    """Return a verdict on each claim. Raises `NoCompiler` where the engine is native."""
    at_one_point = all(name in setting.fixed for name in questions.graph.inputs)
    points = 1 if at_one_point else setting.points
    trial = Trial(questions, setting.tolerance, setting.engine, points)
    if at_one_point:
        point = tuple(setting.fixed[name] for name in trial.names)
        found = [_at_point(trial, place, point) for place in range(len(questions.asked))]
        verdicts = [
            _with_others(trial, place, found[place], setting) for place in range(len(found))
        ]
        return Check(questions, setting, 1, tuple(verdicts), trial.chosen)
    sample = _sample(trial, setting)
    verdicts = [
        _over_domain(trial, place, sample, setting) for place in range(len(questions.asked))
    ]
    return Check(questions, setting, len(sample), tuple(verdicts), trial.chosen)


# ------------------------------------------------------------------------------ at one point


def _at_point(trial: Trial, place: int, point: Point) -> Verdict:
    """Return the verdict on a claim at the one point that was asked for."""
    question = trial.questions.asked[place]
    answer = _answer(trial, place, point)
    if answer.failure is not None:
        reason = f"there is no gradient at this point: {answer.failure.message}"
        return Verdict(question, UNDECIDED, reason, point=point)
    sides = trial.sides(place, point, trial.numbers(point))
    tried = ((point, sides.status),)
    found = Verdict(question, RIGHT, "", point=point, tried=tried)
    found = found._replace(claimed=sides.claimed, actual=sides.actual, example=point)
    if sides.status == LOST:
        return found._replace(verdict=UNDECIDED, reason="rounding has cost the digits here")
    kinks = trial.kinks(place, point)
    if sides.status == AGREES:
        reason = f"by the convention at {kink_words(trial, kinks[0])}" if kinks else ""
        return found._replace(reason=reason)
    if sides.status == SILENT:
        reason = f"the claim is undefined here: {why_silent(trial, place, point)}"
        return found._replace(verdict=WRONG, where=reason)
    return _at_kink(trial, found, point) if kinks else found._replace(verdict=WRONG)


def _with_others(trial: Trial, place: int, found: Verdict, setting: Setting) -> Verdict:
    """Return a verdict with more points tried: a formula's mistake shows better at many."""
    moves = trial.questions.graph.dependents(trial.questions.graph.inputs.values())
    if found.verdict != WRONG or not moves[found.question.node]:
        return found
    sample = _sample(trial, setting._replace(fixed={}, points=_OTHERS))
    tried = [(point, trial.sides(place, point, numbers).status) for point, numbers in sample]
    return found._replace(tried=(*found.tried, *tried))


def _answer(trial: Trial, place: int, point: Point) -> Answer:
    """Return value, gradient and failure of a claim's output, as `grad` has them."""
    question, program = trial.questions.asked[place], trial.questions.program
    located = dict(zip(trial.names, point, strict=True))
    solution = solve(program.with_outputs([question.output]), located, [question.claim.name])
    return solution.answers[0]


def _at_kink(trial: Trial, found: Verdict, point: Point) -> Verdict:
    """Return the verdict where there is no two-sided slope: any number between the two will do."""
    from backprop_cli.studies.findings import Sides as OneSided

    question, program = found.question, trial.questions.program
    values = forward_values(program, dict(zip(trial.names, point, strict=True)))
    left, right = (
        sweep.slopes[question.output] for sweep in OneSided(program, values).both(question.target)
    )
    if not min(left, right) <= found.claimed <= max(left, right):
        return found._replace(verdict=WRONG)
    reason = (
        f"a kink: slope {short(left)} to the left, {short(right)} to the right; the convention "
        f"answers {short(found.actual)}, and {short(found.claimed)} is as good"
    )
    return found._replace(verdict=UNDECIDED, reason=reason)


# ---------------------------------------------------------------------------- over the domain


def _sample(trial: Trial, setting: Setting) -> list[tuple[Point, tuple[float, ...]]]:
    """Return random points of the domain, with the numbers of both sides; few of a large graph."""
    affordable = max(trial.affordable, _FEWEST_POINTS)
    wanted = min(setting.points, affordable)
    tries = min(max(wanted * TRIES, 2_000), 4 * affordable)
    accepted = []
    for point in islice(draws(trial.names, setting.ranges, setting.fixed, setting.seed), tries):
        numbers = trial.numbers(point)
        if trial.is_inside(numbers):
            accepted.append((point, numbers))
            if len(accepted) == wanted:
                break
    return accepted


def _over_domain(
    trial: Trial, place: int, sample: Sequence[tuple[Point, tuple[float, ...]]], setting: Setting
) -> Verdict:
    """Return the verdict on a claim from random points, then from special ones."""
    question = trial.questions.asked[place]
    if not sample:
        reason = "no random point lies where the program and its gradient are defined"
        hint = "look elsewhere" if setting.ranges else "narrow the search"
        hint += " with --range"
        return Verdict(question, UNDECIDED, f"{reason} ({hint})")
    found = [(point, trial.sides(place, point, numbers).status) for point, numbers in sample]
    tried = tuple(found)
    statuses = [status for _, status in found]
    if DIFFERS in statuses:
        return _wrong(trial, place, tried, setting)
    if AGREES not in statuses:
        reason = "rounding has cost the digits of both sides at every point"
        if SILENT in statuses:
            silent = next(point for point, status in tried if status == SILENT)
            reason = f"the claim is undefined everywhere: {why_silent(trial, place, silent)}"
            return Verdict(question, WRONG, "", where=reason, point=silent, tried=tried)
        return Verdict(question, UNDECIDED, reason, tried=tried)
    exceptions: dict[str, str] = {}
    if SILENT in statuses:
        exceptions[SILENT] = _silence(trial, place, tried, setting)
    special = probes(trial.names, setting.ranges, setting.fixed, [p for p, _ in tried])
    for point in special[: max(trial.affordable, _FEWEST_PROBES)]:
        numbers = trial.numbers(point)
        if not trial.is_inside(numbers):
            continue
        sides = trial.sides(place, point, numbers)
        if sides.status in (AGREES, LOST):
            continue
        kinks = trial.kinks(place, point)
        if not kinks and sides.status == DIFFERS:
            return _wrong(trial, place, ((point, DIFFERS), *tried), setting)
        kind = _KINK if kinks else SILENT
        if kind not in exceptions:
            exceptions[kind] = _exception(trial, place, point, sides, kinks, setting)
    return Verdict(question, RIGHT, exceptions=tuple(exceptions.values()), tried=tried)


def _shrunk(trial: Trial, place: int, point: Point, status: str, setting: Setting) -> Point:
    """Return a simple point off the kinks at which the claim does what it does at `point`."""

    def shows(other: Point) -> bool:
        numbers = trial.numbers(other)
        return (
            trial.is_inside(numbers)
            and trial.sides(place, other, numbers).status == status
            and not trial.kinks(place, other, by_all=True)
        )

    first = 1.0 if status == SILENT else 0.0  # a pole at x = 0 is about x, not about y = 0
    most = min(max(trial.affordable, _FEWEST_SHRINKING), MOST_SHRINKING)
    return simplest(point, shows, trial.names, setting.ranges, setting.fixed, first, most)


def _example(trial: Trial, place: int, setting: Setting) -> Point | None:
    """Return a point for a worked example at which the claim is clearly wrong, if there is one.

    One at which different quantities are different numbers, if it can be: "4, not 4" tells nobody
    anything.
    """
    question = trial.questions.asked[place]
    scene = Scene(trial.questions.program, question.output, question.target)
    first = None
    for point in telling(trial.names, setting.ranges, setting.fixed):
        numbers = trial.numbers(point)
        if (
            trial.is_inside(numbers)
            and trial.sides(place, point, numbers).status == DIFFERS
            and not trial.kinks(place, point, by_all=True)
        ):
            first = first or point
            if scene.tells_apart(dict(zip(trial.names, point, strict=True))):
                return point
    return first


def _wrong(
    trial: Trial, place: int, tried: tuple[tuple[Point, str], ...], setting: Setting
) -> Verdict:
    failing = next(point for point, status in tried if status == DIFFERS)
    point = _shrunk(trial, place, failing, DIFFERS, setting)
    sides = trial.sides(place, point, trial.numbers(point))
    fails = [p for p, status in tried if status == DIFFERS]
    holds = [p for p, status in tried if status == AGREES]
    where = region(trial.questions, trial.questions.asked[place], fails, holds)
    return Verdict(
        trial.questions.asked[place],
        WRONG,
        where=where,
        point=point,
        claimed=sides.claimed,
        actual=sides.actual,
        tried=tried,
        example=_example(trial, place, setting) or point,
    )


def _silence(trial: Trial, place: int, tried: Sequence[tuple[Point, str]], setting: Setting) -> str:
    """Return where a right claim has no value on some part of the domain."""
    question = trial.questions.asked[place]
    silent = [point for point, status in tried if status == SILENT]
    holds = [point for point, status in tried if status == AGREES]
    point = _shrunk(trial, place, silent[0], SILENT, setting)
    return undefined(trial, place, point, region(trial.questions, question, silent, holds))


def _exception(
    trial: Trial, place: int, point: Point, sides: Sides, kinks: list[int], setting: Setting
) -> str:
    """Return what is special about one point at which a right claim says something else."""
    if not kinks:
        point = _shrunk(trial, place, point, SILENT, setting)
        return undefined(trial, place, point, "")
    says = "is undefined" if sides.status == SILENT else f"says {short(sides.claimed)}"
    words = kink_words(trial, kinks[0])
    return f"at {words}: there the claim {says}, the convention {short(sides.actual)}"
