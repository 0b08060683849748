"""How the cost of a gradient grows with the number of inputs, on one family of programs.

The family is log(1 + x1^2 + ... + xn^2) at xi = 1/i: each input adds a square and a sum. Costs are
in units of the operations of one evaluation of f, which itself grows with n; so a flat line is a
gradient at a constant number of evaluations (reverse mode; Baur and Strassen 1983), and a straight
one is a gradient that pays for each input.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from backprop_cli.language.parser import parse
from backprop_cli.studies.comparing import costs
from backprop_cli.studies.comparing.modes import MODES, why_skipped
from backprop_cli.studies.gradient import solve
from backprop_cli.studies.solution import Solution

FAMILY = "log(1 + x1^2 + ... + xn^2) at xi = 1/i"
"""The family in words."""

GROWING = MODES[:-1]
"""The modes that are compared on the family; SymPy's time says nothing of the number of inputs."""

LARGEST = 100_000
"""The most inputs of a member of the family."""

_MOST_TRIED = 64


class Price(NamedTuple):
    """What a gradient costs by one mode: `ratio` is in evaluations of f; None where skipped."""

    mode: str
    operations: int | None
    ratio: float | None
    seconds: float | None
    skipped: str = ""


class Member(NamedTuple):
    """One member of the family: its inputs, the operations of f, and the price by each mode."""

    inputs: int
    operations: int
    prices: tuple[Price, ...]

    def price(self, mode: str) -> Price:
        """Return the price by one mode."""
        return self.prices[GROWING.index(mode)]


class Crossover(NamedTuple):
    """From how many inputs forward mode costs more than reverse mode.

    `counted` is the smallest number at which it takes more operations; `timed` the smallest of
    the sizes asked from which on it takes longer. None where that was not seen.
    """

    counted: int | None
    timed: int | None
    sentence: str


def member(inputs: int) -> Solution:
    """Return the member of the family with this many inputs, solved."""
    names = [f"x{k}" for k in range(1, inputs + 1)]
    text = f"log(1 + {' + '.join(f'{name}^2' for name in names)})"
    return solve(parse(text, names), {name: 1 / k for k, name in enumerate(names, 1)})


def grown(sizes: Iterable[int]) -> Iterator[Member]:
    """Yield the members of these sizes, each when it is measured."""
    for size in sizes:
        solution = member(size)
        once = costs.evaluation(solution).total
        prices = tuple(_price(mode, solution, once) for mode in GROWING)
        yield Member(size, once, prices)


def _price(mode: str, solution: Solution, once: int) -> Price:
    skipped = why_skipped(mode, solution)
    if skipped:
        return Price(mode, None, None, None, skipped)
    total = costs.counted(mode, solution).operations.total
    timing = costs.timed_gradients(mode, solution)
    return Price(mode, total, total / once, timing.seconds)


def crossover(members: Iterable[Member]) -> Crossover:
    """Return where forward mode begins to cost more than reverse mode."""
    counted = next((n for n in range(1, _MOST_TRIED + 1) if _costs_more(n)), None)
    slower: list[int] = []
    for one in sorted(members):
        forward, reverse = one.price("forward").seconds, one.price("reverse").seconds
        if forward is None or reverse is None:
            continue
        slower = [*slower, one.inputs] if forward > reverse else []
    timed = slower[0] if slower else None
    return Crossover(counted, timed, _sentence(counted, timed))


def _costs_more(inputs: int) -> bool:
    solution = member(inputs)
    forward, reverse = (costs.counted(mode, solution) for mode in ("forward", "reverse"))
    return forward.operations.total > reverse.operations.total


def _sentence(counted: int | None, timed: int | None) -> str:
    """Put the crossover in words."""
    by_count = f"forward mode costs more operations than reverse mode from {_inputs(counted)} on"
    if counted is None:
        by_count = f"forward mode costs no more operations than reverse mode up to {_MOST_TRIED}"
    by_clock = f"by the clock from {_inputs(timed)} on, among the sizes asked"
    if timed is None:
        by_clock = "by the clock at none of the sizes asked"
    return f"Crossover: {by_count}; {by_clock}."


def _inputs(count: int | None) -> str:
    return "1 input" if count == 1 else f"{count:,} inputs" if count else ""
