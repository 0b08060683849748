"""A mistaken backward pass beside the right one: what comes out, and where it first goes wrong.

The wrong pass is run as it would be; the right one's numbers for the same edges stand beside it.
Two numbers are the same if they differ by no more than rounding may do to a sum over all paths.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from backprop_cli.calculus.reverse import contributions
from backprop_cli.studies.findings import too_large
from backprop_cli.studies.mistakes import KINDS, MISTAKES, TINY_STEP, Mistake, Sent, sweep
from backprop_cli.studies.solution import Answer, Solution

_ROUNDING = 1e-9
_BEFORE = 2
_INFINITY = float("inf")


class Row(NamedTuple):
    """One edge in both passes; `differs` says whether the mistake shows here."""

    node: int
    operand: int
    right: Sent
    wrong: Sent
    differs: bool


class Quotient(NamedTuple):
    """One difference quotient as it comes out: x, x + h, f(x + h) - f(x), and their ratio."""

    name: str
    place: Any
    moved: Any
    change: Any
    slope: Any
    differs: bool


_Part = TypeVar("_Part", Row, Quotient)


class Window(NamedTuple):
    """Some of `total` parts in a row, from number `start` on; `first` is the first that differs.

    Both count from 0; `first` is None where none differs.
    """

    parts: tuple[Any, ...] = ()
    start: int = 0
    total: int = 0
    first: int | None = None


class Mistaken(NamedTuple):
    """The gradient of one output with a mistake, and where the mistake first shows.

    `rows` are `Row`s in the order of the wrong pass, or, of a tiny step, `Quotient`s. `wrong` are
    the names whose slopes come out wrong. `reason` says why there is nothing to compare.
    """

    mistake: Mistake
    output: str
    node: int
    right: Mapping[str, Any] = {}
    gradient: Mapping[str, Any] = {}
    wrong: tuple[str, ...] = ()
    rows: Window = Window()
    reason: str = ""

    @property
    def ordered(self) -> bool:
        """Whether the right pass takes the same order, so that sums on the way compare."""
        return self.mistake.rule is not None and self.mistake.rule.ordered


def mistaken(solution: Solution, answer: Answer, kind: str, most: int = 100) -> Mistaken:
    """Return what this kind of mistake makes of the gradient of one output.

    At most `most` rows are kept: the first ones, or those about the first that differs.
    """
    made = Mistaken(MISTAKES[KINDS.index(kind)], answer.name, answer.node)
    arithmetic = solution.arithmetic
    right = {name: _or_zero(solution, answer.adjoints[k]) for name, k in solution.wrt.items()}
    if answer.failure is not None:
        return made._replace(reason=answer.failure.message)
    if not all(map(arithmetic.is_finite, right.values())):
        return made._replace(reason="a slope on the way is not finite")
    if made.mistake.rule is None and too_large(solution):
        return made._replace(reason=f"{len(right):,} inputs: differences evaluate f for each")
    arithmetic.prepare_partials(solution.graph)
    sizes = _sizes(solution, answer)
    if made.mistake.rule is None:
        quotients = list(_quotients(solution, answer, right, sizes))
        gradient = {quotient.name: quotient.slope for quotient in quotients}
        rows = _window(quotients, most)
    else:
        adjoints: list[Any] = [None] * solution.graph.size
        rows = _window(_rows(solution, answer, made.mistake, adjoints, sizes), most)
        gradient = {name: _or_zero(solution, adjoints[k]) for name, k in solution.wrt.items()}
    wrong = tuple(
        name for name, k in solution.wrt.items() if not _same(right[name], gradient[name], sizes[k])
    )
    return made._replace(right=right, gradient=gradient, wrong=wrong, rows=rows)


def _or_zero(solution: Solution, adjoint: Any) -> Any:
    return solution.arithmetic.zero if adjoint is None else adjoint


def _sizes(solution: Solution, answer: Answer) -> list[Any]:
    """Return what rounding is relative to at each node: the sum of |product| over its paths.

    But no more than the largest contribution that there is: in a deep graph the paths are so many
    that their sizes would excuse everything.
    """
    sizes = [solution.arithmetic.zero] * solution.graph.size
    sizes[answer.node] = largest = solution.arithmetic.one
    for step in contributions(
        solution.graph, solution.values, answer.adjoints, solution.active, solution.arithmetic
    ):
        sizes[step.operand] += abs(step.local) * sizes[step.node]
        largest = max(largest, abs(step.value))
    return [min(size, largest) for size in sizes]


def _same(right: Any, wrong: Any, size: Any) -> bool:
    """Return whether two numbers are the same but for rounding."""
    near = size < _INFINITY and abs(right - wrong) <= _ROUNDING * size
    return bool(right == wrong or near)


def _window(parts: Iterable[_Part], most: int) -> Window:
    """Return the first parts, or those about the first that differs if it comes later."""
    window: list[_Part] = []
    recent: deque[_Part] = deque(maxlen=min(_BEFORE, most - 1))
    start, total, first = 0, 0, None
    for place, part in enumerate(parts):
        total += 1
        if part.differs and first is None:
            first = place
            if place >= most:
                start, window = place - len(recent), list(recent)
        if len(window) < most:
            window.append(part)
        recent.append(part)
    return Window(tuple(window), start, total, first)


def _rows(
    solution: Solution, answer: Answer, mistake: Mistake, adjoints: list[Any], sizes: list[Any]
) -> Iterator[Row]:
    """Run the wrong pass, and yield each of its edges beside what the right pass does there."""
    rule, right = mistake.rule, answer.adjoints
    assert rule is not None
    for _ in range(rule.runs - 1):
        deque(sweep(solution, answer, rule, adjoints), 0)
    totals: list[Any] = [None] * solution.graph.size
    for node, operand, local, wrong in sweep(solution, answer, rule, adjoints):
        value, before = right[node] * local, totals[operand]
        totals[operand] = value if before is None else before + value
        size = abs(local) * sizes[node]
        same = (
            _same(right[node], wrong.upstream, sizes[node])
            and _same(value, wrong.value, size)
            and (not rule.ordered or _same(totals[operand], wrong.total, sizes[operand]))
        )
        yield Row(node, operand, Sent(right[node], local, value, totals[operand]), wrong, not same)


def _quotients(
    solution: Solution, answer: Answer, right: Mapping[str, Any], sizes: list[Any]
) -> Iterator[Quotient]:
    """Yield (f(x + h) - f(x))/h for each name asked for, with a step that is far too small."""
    from backprop_cli.calculus.differences import outputs_at

    graph, values, arithmetic = solution.graph, solution.values, solution.arithmetic
    graph = graph.with_outputs([answer.node])
    h = arithmetic.number(TINY_STEP)
    for name, node in solution.wrt.items():
        moved = values[node] + h
        change = outputs_at(graph, values, node, moved, arithmetic)[0] - values[answer.node]
        slope = change / h
        differs = not _same(right[name], slope, sizes[node])
        yield Quotient(name, values[node], moved, change, slope, differs)
