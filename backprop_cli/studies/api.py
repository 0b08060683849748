"""What `import backprop_cli` offers: a gradient in one call."""

from collections.abc import Container, Iterable, Mapping, Sequence
from numbers import Real
from typing import Any, NamedTuple

from backprop_cli.errors import BindingProblem
from backprop_cli.graph import Graph
from backprop_cli.language.parser import parse
from backprop_cli.studies.gradient import solve
from backprop_cli.studies.point import check_names
from backprop_cli.studies.solution import Answer


class Gradient(NamedTuple):
    """The value of a program at a point, and its gradient by input, both in float64.

    `warnings` say where the numbers need care (kinks, jumps, lost digits); `failure` says why
    there is no answer at this point, and is empty if there is one.
    """

    value: float
    gradient: dict[str, float]
    warnings: tuple[str, ...]
    failure: str


def gradient(
    program: str | Graph,
    point: Mapping[str, float] | None = None,
    *,
    wrt: tuple[str, ...] = (),
    kink: str = "convention",
    **inputs: float,
) -> Gradient:
    """Return value and gradient of a program's last statement at a point.

    The point is a mapping, keyword arguments, or both. `wrt` names inputs or intermediates (all
    inputs if empty); `kink` is convention, error, left or right. Raises `BackpropError`: a syntax
    error with its span, a missing or unknown name, a name that is given twice, a value that is no
    finite number.
    """
    point = point or {}
    check_given_once(point, inputs)
    where = {**point, **inputs}
    floats = {name: finite(value, name) for name, value in where.items()}
    graph = program if isinstance(program, Graph) else parse(program, where)
    check_names(graph, where)
    return told(answer_at(graph, floats, wrt, kink))


def answer_at(graph: Graph, point: Mapping[str, float], wrt: Sequence[str], kink: str) -> Answer:
    """Return the whole answer for a program's last statement at a point."""
    return solve(graph, point, wrt, (), kink).answers[0]


def told(answer: Answer) -> Gradient:
    """Return an answer as callers of the library see it."""
    warnings = tuple(remark.message for remark in answer.remarks)
    failure = answer.failure.message if answer.failure else ""
    return Gradient(answer.value, dict(answer.gradient), warnings, failure)


def check_given_once(placed: Container[str], named: Iterable[str]) -> None:
    """Raise `BindingProblem` for inputs given both by place and by name."""
    twice = [name for name in named if name in placed]
    if twice:
        raise BindingProblem(f"{', '.join(twice[:10])} given by place and by name")


def finite(value: Any, name: str) -> float:
    """Return a finite number, of any kind of number, as a float. Raises `BindingProblem`."""
    try:
        if isinstance(value, Real) and float(value) - float(value) == 0:
            return float(value)
    except OverflowError:  # 10**400
        pass
    raise BindingProblem(f"the value of {name} is not a finite number: {value!r:.60}")
