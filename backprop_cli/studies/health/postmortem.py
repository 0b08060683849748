"""The post-mortem: where the first NaN or infinity was born, in which pass, and how far it got.

Most numbers that are not finite are only handed on. Told are the births: an operation whose
operands were finite and whose value is not; infinities that meet and leave no number (∞ - ∞, 0·∞);
in the backward pass a local slope that is not finite, or an upstream × local that is undefined or
overflows though both factors are numbers. Only what reaches the output, or an input asked for,
counts (`studies/failures.py`).
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from backprop_cli.calculus.reverse import Contribution, contributions
from backprop_cli.language.notation import literal, write
from backprop_cli.operations import CONSTANT, TABLE
from backprop_cli.studies.failures import (
    bad_values,
    explain_slope,
    explain_value,
    short,
    violated,
)
from backprop_cli.studies.solution import Answer, Failure, Solution

MOST_EVENTS = 8
"""The most births of each pass that are told."""

FORWARD, BACKWARD = "forward", "backward"


class Event(NamedTuple):
    """A birth: in which pass, at which node (and on the way to which operand), and of what.

    `code` is undefined or overflow; `sum` is the arithmetic in numbers (`inf - inf`), `result` its
    value, `message` says it in the names of the program.
    """

    phase: str
    node: int
    operand: int | None
    code: str
    sum: str
    result: float
    message: str


class PostMortem(NamedTuple):
    """Why there is no answer: the births, in order, and the inputs whose slopes they spoil."""

    failure: Failure
    events: tuple[Event, ...]
    inputs: tuple[str, ...]

    @property
    def code(self) -> str:
        """The code of the first birth."""
        return self.events[0].code if self.events else "undefined"


def post_mortem(solution: Solution, answer: Answer) -> PostMortem | None:
    """Return what happened to an answer that is undefined or not finite; None for one that is."""
    if answer.failure is None:
        return None
    events = [*_first(_born_forward(solution, answer)), *_first(_born_backward(solution, answer))]
    is_finite = solution.arithmetic.is_finite
    reached = tuple(name for name, slope in answer.gradient.items() if not is_finite(slope))
    return PostMortem(answer.failure, tuple(events), reached)


def _first(events: Iterator[Event]) -> list[Event]:
    return [event for event, _ in zip(events, range(MOST_EVENTS), strict=False)]


# ------------------------------------------------------------------ the forward pass


def _born_forward(solution: Solution, answer: Answer) -> Iterator[Event]:
    graph, values = solution.graph, solution.values
    for node in bad_values(solution, answer.node):
        given = [values[k] for k in graph.operands_of(node)]
        undefined = values[node] != values[node]
        if undefined and any(value != value for value in given):
            continue
        if not undefined and not all(map(solution.arithmetic.is_finite, given)):
            continue
        yield Event(
            FORWARD,
            node,
            None,
            _forward_code(solution, node, given),
            in_numbers(solution, node),
            values[node],
            explain_value(solution, node).message,
        )


def _forward_code(solution: Solution, node: int, given: list[Any]) -> str:
    value, row = solution.values[node], solution.graph.rows[node]
    outside = row != CONSTANT and violated(TABLE[row], given, value)
    return "undefined" if value != value or outside else "overflow"


def in_numbers(solution: Solution, node: int) -> str:
    """Return an operation over the values of its operands: `log(-3)`, `inf - inf`."""
    graph = solution.graph
    if graph.rows[node] <= CONSTANT:
        return solution.names[node]
    pieces = [literal(short(solution.values[k])) for k in graph.operands_of(node)]
    return write(graph.rows[node], pieces).text


# ------------------------------------------------------------------ the backward pass


def _born_backward(solution: Solution, answer: Answer) -> Iterator[Event]:
    is_finite, values = solution.arithmetic.is_finite, solution.values
    sums: dict[int, list[Contribution]] = {}
    for step in contributions(
        solution.graph, values, answer.adjoints, solution.active, solution.arithmetic
    ):
        if values[step.node] == values[step.node]:
            if not is_finite(step.value) and _is_birth(solution, step):
                yield _birth(solution, step)
            sums.setdefault(step.operand, []).append(step)
    for node, steps in sorted(sums.items(), reverse=True):
        if not is_finite(answer.adjoints[node]) and _born_in_sum(solution, answer, node, steps):
            yield _sum_event(solution, answer, node, steps)


def _is_birth(solution: Solution, step: Contribution) -> bool:
    """Return whether a contribution is worse than the upstream number and the values behind it."""
    is_finite, values = solution.arithmetic.is_finite, solution.values
    if step.value != step.value:
        return bool(step.upstream == step.upstream)
    read = (step.node, *solution.graph.operands_of(step.node))
    return is_finite(step.upstream) and all(is_finite(values[k]) for k in read)


def _birth(solution: Solution, step: Contribution) -> Event:
    overflow = step.value == step.value and solution.arithmetic.is_finite(step.local)
    return Event(
        BACKWARD,
        step.node,
        step.operand,
        "overflow" if overflow else "undefined",
        f"{short(step.upstream)} × {short(step.local)}",
        step.value,
        explain_slope(solution, step).message,
    )


def _born_in_sum(solution: Solution, answer: Answer, node: int, steps: list[Contribution]) -> bool:
    """Return whether contributions that are better than their sum made it what it is."""
    adjoint = answer.adjoints[node]
    if adjoint != adjoint:
        return all(step.value == step.value for step in steps)
    return all(solution.arithmetic.is_finite(step.value) for step in steps)


def _sum_event(solution: Solution, answer: Answer, node: int, steps: list[Contribution]) -> Event:
    adjoint = answer.adjoints[node]
    label = solution.names[node]
    undefined = adjoint != adjoint
    text = f"the contributions to {label} " + (
        "are infinities of both signs" if undefined else "overflow float64 when added"
    )
    terms = " + ".join(short(step.value) for step in steps[:4])
    terms += " + ..." if len(steps) > 4 else ""
    code = "undefined" if undefined else "overflow"
    return Event(BACKWARD, node, None, code, terms, adjoint, text)
