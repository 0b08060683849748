"""What `import backprop_cli` offers: a gradient in one call."""

from collections.abc import Mapping
from typing import NamedTuple

from backprop_cli.errors import BindingProblem
from backprop_cli.graph import Graph
from backprop_cli.language.parser import parse
from backprop_cli.studies.gradient import solve
from backprop_cli.studies.point import check_names


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
    error with its span, a missing or unknown name, a value that is no finite number.
    """
    where = {**(point or {}), **inputs}
    for name, value in where.items():
        if not isinstance(value, (int, float)) or value - value != 0:
            raise BindingProblem(f"the value of {name} is not a finite number: {value!r}")
    graph = program if isinstance(program, Graph) else parse(program, where)
    check_names(graph, where)
    floats = {name: float(value) for name, value in where.items()}
    answer = solve(graph, floats, wrt, (), kink).answers[0]
    warnings = tuple(remark.message for remark in answer.remarks)
    failure = answer.failure.message if answer.failure else ""
    return Gradient(answer.value, dict(answer.gradient), warnings, failure)
