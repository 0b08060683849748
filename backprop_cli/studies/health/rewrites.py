"""Rewrites that cure an answer, or save its digits, each with its proof.

Every rule of `studies/health/rules.py` that matches somewhere is tried; the one that helps most is
kept, and the search goes on from there. What is offered has passed four tests: the rewritten
program has an answer at this point; it is the exact answer of the program as typed (fifty digits),
or its limit where that has none; it is finite where the old one was not, or has at least GAIN more
correct digits; and at random points elsewhere value and gradient are the same to fifty digits.

This file imports mpmath, so it is imported where an answer is in trouble.
"""

import math
from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

from backprop_cli.calculus.reverse import reverse
from backprop_cli.calculus.rounding import MOST_DIGITS
from backprop_cli.calculus.values import forward_values
from backprop_cli.graph import Graph
from backprop_cli.language.names import display_names
from backprop_cli.language.printer import program_text
from backprop_cli.operations import ADD, ROW
from backprop_cli.studies.exact import ExactAnswer
from backprop_cli.studies.gradient import solve
from backprop_cli.studies.health.matching import match, numbering, replaced, terms_of
from backprop_cli.studies.health.proof import FEWEST_POINTS, Program, agreement, is_limit
from backprop_cli.studies.health.rules import MOST_TERMS, RULES, Rule, graphs, is_repeated
from backprop_cli.studies.solution import Answer, Solution

GAIN = 2.0
"""A rewrite of a finite answer must save at least this many digits."""

LARGEST = 2_000
"""Programs of more nodes are not rewritten."""

_MOST_STEPS = 6
_MOST_TRIED = 60
_FEWEST_CORRECT = 6.0


class Numbers(NamedTuple):
    """A value and a gradient in float64, and how many of their digits are correct (None: unknown).

    `name` is the display name of the output.
    """

    value: float
    gradient: Mapping[str, float]
    digits: float | None
    gradient_digits: Mapping[str, float | None]

    @property
    def all(self) -> list[float]:
        """The value, then the slopes."""
        return [self.value, *self.gradient.values()]

    @property
    def all_digits(self) -> list[float | None]:
        """The digits of the value, then of the slopes."""
        return [self.digits, *self.gradient_digits.values()]

    @property
    def finite(self) -> int:
        """How many of the numbers are finite."""
        return sum(map(math.isfinite, self.all))


class Change(NamedTuple):
    """One rule put to use: its two sides, why the second is better, and the node it was used at."""

    pattern: str
    replacement: str
    why: str
    node: str


class Rewrite(NamedTuple):
    """A rewritten program and its proof: the numbers before and after, and the exact ones.

    `agreed` counts the random points elsewhere, at which both programs are the same. `by_limit`
    says that the program as typed has no exact answer at this point, and that the numbers are its
    limit; `convention` that the gradient at this point is the convention at a kink.
    """

    text: str
    changes: tuple[Change, ...]
    before: Numbers
    after: Numbers
    exact: ExactAnswer
    agreed: int
    by_limit: bool
    convention: str


def rewrite(solution: Solution, answer: Answer, exact: ExactAnswer, focus: int) -> Rewrite | None:
    """Return a rewrite of the program that is proved to be better at this point, if one is known.

    Rules are tried near the node `focus` first.
    """
    if solution.graph.size > LARGEST:
        return None
    graph = solution.graph.with_outputs((answer.node,))
    program = Program(graph, solution.point, dict(solution.wrt))
    before = _numbers(program, exact)
    best, standing = program, before
    changes: list[Change] = []
    for _ in range(_MOST_STEPS):
        tried = list(_candidates(best, exact, focus))
        leader = max(tried, key=_rank, default=None)
        if leader is None or _merit(leader.numbers) <= _merit(standing):
            break
        changes.append(_change(best, leader))
        best, standing = leader.program, leader.numbers
    if not changes or not _is_better(before, standing, exact):
        return None
    return _proved(program, best, tuple(changes), before, standing, exact)


def _merit(numbers: Numbers) -> tuple[int, float]:
    digits = [MOST_DIGITS if d is None else d for d in numbers.all_digits]
    return numbers.finite, round(sum(digits), 3)


def _is_better(before: Numbers, after: Numbers, exact: ExactAnswer) -> bool:
    """Return whether a rewrite is worth its while: finite where it was not, or GAIN more digits.

    A slope that is undefined in truth may stay so.
    """
    true = (exact.value, *exact.gradient.values())
    stuck = [value for value, known in zip(after.all, true, strict=True) if known is not None]
    if not all(map(math.isfinite, (after.value, *stuck))):
        return False
    pairs = list(zip(before.all_digits, after.all_digits, strict=True))
    if before.finite == len(before.all):
        gains = [new - old for old, new in pairs if old is not None and new is not None]
        return max(gains, default=0.0) >= GAIN and min(gains) > -1
    correct = all(new is None or new >= _FEWEST_CORRECT for _, new in pairs)
    return correct and after.finite > before.finite


def _numbers(program: Program, exact: ExactAnswer) -> Numbers:
    """Return what float64 makes of a program."""
    graph = program.graph
    values = forward_values(graph, program.point)
    active = graph.dependents(program.wrt.values())
    adjoints = reverse(graph, values, program.output, active)
    gradient = {
        name: 0.0 if adjoints[k] is None else adjoints[k] for name, k in program.wrt.items()
    }
    value = values[program.output]
    return Numbers(
        value,
        gradient,
        exact.digits(exact.value, value),
        {name: exact.digits(exact.gradient[name], slope) for name, slope in gradient.items()},
    )


# ------------------------------------------------------------------ what can be tried


@cache
def _rules_at() -> dict[int, tuple[Rule, ...]]:
    """Return the rules by the row of their pattern's root."""
    made: dict[int, tuple[Rule, ...]] = {}
    for rule in RULES:
        pattern = graphs(rule, 2)[0]
        row = pattern.rows[pattern.outputs[0]]
        made[row] = (*made.get(row, ()), rule)
    return made


class _Candidate(NamedTuple):
    """A program with one rule put to use at the node `root` of the program before."""

    numbers: Numbers
    program: Program
    rule: Rule
    pattern: Graph
    replacement: Graph
    root: int


def _candidates(program: Program, exact: ExactAnswer, focus: int) -> Iterator[_Candidate]:
    """Yield the program with one rule put to use, for each use of a rule near `focus`."""
    graph = program.graph
    classes = numbering(graph)
    needed = graph.dependencies(graph.outputs)
    roots = [k for k, row in enumerate(graph.rows) if needed[k] and row in _rules_at()]
    roots.sort(key=lambda node: abs(node - focus))
    tried = 0
    for root in roots:
        for rule, pattern, replacement in _written_out(graph, root):
            bound = match(pattern, graph, root, classes)
            found = bound and program.with_graph(replaced(graph, root, replacement, bound))
            if found and tried < _MOST_TRIED:
                tried += 1
                yield _Candidate(_numbers(found, exact), found, rule, pattern, replacement, root)


def _rank(candidate: _Candidate) -> tuple[int, float, int]:
    """Return what decides between candidates: what they save, then the more particular pattern."""
    return (*_merit(candidate.numbers), candidate.pattern.size)


def _change(program: Program, used: _Candidate) -> Change:
    return Change(
        program_text(used.pattern),
        program_text(used.replacement),
        used.rule.why,
        display_names(program.graph)[used.root],
    )


def _written_out(graph: Graph, root: int) -> Iterator[tuple[Rule, Graph, Graph]]:
    """Yield the rules that may fit at `root`, repeated ones with as many terms as it has."""
    for rule in _rules_at()[graph.rows[root]]:
        counts = {0}
        if is_repeated(rule):
            operands = graph.operands_of(root)
            below = [k for operand in operands for k in graph.operands_of(operand)]
            counts = {_terms(graph, k) for k in (*operands, *below)}
        for count in sorted(counts):
            if not is_repeated(rule) or 2 <= count <= MOST_TERMS:
                yield (rule, *graphs(rule, count))


def _terms(graph: Graph, node: int) -> int:
    if graph.rows[node] == ADD:
        return len(terms_of(graph, node))
    return len(graph.operands_of(node)) if graph.rows[node] == ROW["sum"] else 0


def _proved(
    old: Program,
    new: Program,
    changes: tuple[Change, ...],
    before: Numbers,
    after: Numbers,
    exact: ExactAnswer,
) -> Rewrite | None:
    """Return the rewrite if it passes the tests, else None."""
    remarks = solve(new.graph, new.point, new.wrt).answers[0].remarks
    by_limit = exact.value is None
    kinks = (remark.message for remark in remarks if remark.code == "kink" and not by_limit)
    kink = next(kinks, "")
    unknown = {
        name: slope
        for name, slope in after.gradient.items()
        if exact.gradient[name] is None and math.isfinite(slope)
    }
    if (by_limit or unknown) and not is_limit(old, after.value, unknown, bool(kink)):
        return None
    agreed = agreement(old, new)
    if agreed < FEWEST_POINTS:
        return None
    text = program_text(new.graph)
    convention = kink if unknown else ""
    return Rewrite(text, changes, before, after, exact, agreed, by_limit, convention)
