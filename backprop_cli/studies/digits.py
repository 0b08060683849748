"""How many of the digits of an answer can be trusted, and which node lost the others.

The value's are bounded by the reverse sweep (`calculus/rounding.py`). A slope has no such sweep of
its own, so it is compared with the exact one (`studies/exact.py`); but that takes mpmath and many
digits, so `grad` asks for it only where a bound in floats is alarmed, and only in programs of up to
`LARGEST_CHECKED` nodes. `diagnose` always asks.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from backprop_cli.calculus.rounding import (
    FEWEST_DIGITS,
    MOST_DIGITS,
    SMALLEST_NORMAL,
    Loss,
    rounding_error,
    value_rounding,
)
from backprop_cli.calculus.running_error import Culprit, RunningErrors, suspicious
from backprop_cli.language.names import node_text
from backprop_cli.operations import ADD, CONSTANT, ROW, SUB, TABLE
from backprop_cli.studies.solution import Answer, Remark, Solution

if TYPE_CHECKING:
    from backprop_cli.studies.exact import ExactAnswer

LARGEST_CHECKED = 1_000
"""`grad` looks for lost digits of a gradient in programs of up to this many nodes."""

_MOST_SPELLED = 6
_SUMS = (ADD, SUB, ROW["sum"], ROW["mean"])


class LostSlope(NamedTuple):
    """A component of the gradient that has lost digits: what is left, the exact slope, and why."""

    name: str
    digits: float
    exact: str
    culprit: Culprit


class Digits(NamedTuple):
    """The digits to trust: of the value, and of the slope along each name.

    A number is None where it cannot be said. `loss` is where the value's digits went, `lost` where
    those of the slopes did. `exact` has the numbers to fifty digits, None for a large program.
    """

    value: float | None
    gradient: Mapping[str, float | None]
    loss: Loss | None
    lost: tuple[LostSlope, ...]
    exact: "ExactAnswer | None"

    @property
    def fewest(self) -> float:
        """The smallest number of digits of all that can be said."""
        known = [d for d in (self.value, *self.gradient.values()) if d is not None]
        return min(known, default=MOST_DIGITS)


def digits_to_trust(solution: Solution, answer: Answer) -> Digits:
    """Return the digits of a finite value and of its gradient.

    Above `exact.LARGEST` nodes the digits of slopes are those that a bound in floats leaves.
    """
    from backprop_cli.studies import exact

    graph, values = solution.graph, solution.values
    if values[answer.node] - values[answer.node] != 0:
        return Digits(None, dict.fromkeys(solution.wrt), None, (), _exact(solution, answer))
    loss = value_rounding(graph, values, answer.node)
    of_value = MOST_DIGITS if loss is None else loss.digits
    if graph.size > exact.LARGEST:
        gradient, lost = _bounded(solution, answer)
        return Digits(of_value, gradient, loss, lost, None)
    true = _exact(solution, answer)
    counted = true.digits(true.value, answer.value)
    of_value = of_value if counted is None else min(of_value, counted)
    found = {name: true.digits(true.gradient[name], answer.gradient[name]) for name in solution.wrt}
    poor = {name: left for name, left in found.items() if left is not None}
    poor = {name: left for name, left in poor.items() if left < FEWEST_DIGITS}
    lost = ()
    if poor:
        errors = _running_errors(solution, answer.adjoints, answer.node)
        lost = tuple(
            LostSlope(name, left, _text(true, name), errors.culprit(solution.wrt[name]))
            for name, left in poor.items()
        )
    return Digits(of_value, found, loss, lost, true)


def _bounded(solution: Solution, answer: Answer) -> tuple[dict[str, float], tuple[LostSlope, ...]]:
    """Return the digits that a running error bound leaves the slopes; who lost them, of a few."""
    errors = _running_errors(solution, answer.adjoints, answer.node)
    gradient = {name: errors.digits(node) for name, node in solution.wrt.items()}
    poor = [name for name, digits in gradient.items() if digits < FEWEST_DIGITS]
    lost = tuple(
        LostSlope(name, gradient[name], "", errors.culprit(solution.wrt[name]))
        for name in poor[:_MOST_SPELLED]
    )
    return gradient, lost


def _text(true: "ExactAnswer", name: str) -> str:
    """Return an exact slope as a message shows it."""
    value = true.gradient[name]
    return "0" if value == 0 else true.text(value, 10)


def slope_remarks(solution: Solution, adjoints: list[Any], output: int) -> Iterator[Remark]:
    """Yield a remark for each node that costs slopes so many digits that fewer than 8 are left.

    Three sieves, each finer and dearer than the one before: sizes of values and adjoints, a
    running error bound, the exact slopes.
    """
    graph = solution.graph
    if graph.size > LARGEST_CHECKED or not suspicious(graph, solution.values, adjoints):
        return
    errors = _running_errors(solution, adjoints, output)
    doubted = {
        name: node
        for name, node in solution.wrt.items()
        if adjoints[node] is not None and errors.digits(node) < FEWEST_DIGITS
    }
    if not doubted:
        return
    from backprop_cli.studies.exact import HASTY, exact_answer

    true = exact_answer(graph, solution.point, output, doubted, HASTY)
    if not true.whole:
        true = exact_answer(graph, solution.point, output, doubted)
    lost = []
    for name, node in doubted.items():
        digits = true.digits(true.gradient[name], adjoints[node])
        if digits is not None and digits < FEWEST_DIGITS:
            lost.append(LostSlope(name, digits, _text(true, name), errors.culprit(node)))
    yield from lost_remarks(solution, solution.names[output], lost)


def value_remark(solution: Solution, loss: Loss, output: str) -> Remark:
    """Return the remark that few digits of a value can be trusted."""
    text = (
        f"about {loss.digits:.0f} of the 16 digits of {output} can be trusted: rounding may "
        f"change it by {loss.error:.1g}; {blame(solution, Culprit(loss.node, 'value'))}"
    )
    return Remark("digits", solution.names[loss.node], text)


def lost_remarks(solution: Solution, output: str, lost: Iterable[LostSlope]) -> Iterator[Remark]:
    """Yield a remark for each culprit: of the slopes that it spoils, the worst is spelled out."""
    by_culprit: dict[Culprit, list[LostSlope]] = {}
    for one in lost:
        by_culprit.setdefault(one.culprit, []).append(one)
    for culprit, spoilt in by_culprit.items():
        worst = min(spoilt, key=lambda one: one.digits)
        names = [f"∂{output}/∂{one.name}" for one in spoilt]
        listed = ", ".join(names[:_MOST_SPELLED])
        if len(names) > _MOST_SPELLED:
            listed += f" and {len(names) - _MOST_SPELLED:,} more"
        exact = f"the exact ∂{output}/∂{worst.name} is {worst.exact}; " if worst.exact else ""
        text = (
            f"about {worst.digits:.0f} of the 16 digits of {listed} can be trusted: {exact}"
            f"{blame(solution, culprit)}"
        )
        yield Remark("digits", solution.names[culprit.node], text)


def blame(solution: Solution, culprit: Culprit) -> str:
    """Return in words how a node lost the digits of a slope."""
    label = solution.names[culprit.node]
    if culprit.how == "sum":
        return f"the contributions to {label} cancel"
    if culprit.how == "slope":
        row = TABLE[solution.graph.rows[culprit.node]].name
        return f"the slope of {label} ({row}) magnifies the rounding of its operands"
    if solution.graph.rows[culprit.node] in _SUMS:
        return f"{label} loses them by cancellation"
    if underflows(solution, culprit.node):
        return f"{label} underflows: it is smaller than float64 can hold"
    return f"{label} magnifies the rounding of its operands"


def underflows(solution: Solution, node: int) -> bool:
    """Return whether a node's value has lost its digits because float64 has no smaller numbers."""
    graph, values = solution.graph, solution.values
    small = abs(values[node]) < SMALLEST_NORMAL and graph.rows[node] not in _SUMS
    return small and rounding_error(graph, node, values) != 0


def sizes(solution: Solution, node: int) -> tuple[str, ...]:
    """Return a node's value beside those of its operands, all digits; nothing for an input."""
    graph, values = solution.graph, solution.values
    if graph.rows[node] <= CONSTANT:
        return ()
    given = [
        f"{solution.names[k]} = {values[k]!r}"
        for k in dict.fromkeys(graph.operands_of(node))
        if graph.rows[k] != CONSTANT
    ]
    made = f"{solution.names[node]} = {node_text(graph, node, solution.names)} = {values[node]!r}"
    return (f"{made}, from {', '.join(given[:_MOST_SPELLED])}" if given else made,)


def _running_errors(solution: Solution, adjoints: list[Any], output: int) -> RunningErrors:
    return RunningErrors(solution.graph, solution.values, adjoints, output, solution.active)


def _exact(solution: Solution, answer: Answer) -> "ExactAnswer":
    from backprop_cli.studies.exact import exact_answer

    return exact_answer(solution.graph, solution.point, answer.node, solution.wrt)
