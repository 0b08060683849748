"""Plain lines for scripts: one `name value` a line, the output's value first.

Numbers read back exactly. With several outputs the gradient's lines are named `output.input`,
so that every name is unique and a line can be picked with grep.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from backprop_cli.render.numbers import machine
from backprop_cli.studies.solution import Solution, Unavailable


class Product(Protocol):
    """One contribution in symbols: from the node `user`, upstream × local."""

    @property
    def user(self) -> str: ...  # noqa: D102
    @property
    def upstream(self) -> str: ...  # noqa: D102
    @property
    def local(self) -> str: ...  # noqa: D102


class Line(Protocol):
    """The derivative of the output with respect to one node, in symbols."""

    @property
    def node(self) -> str: ...  # noqa: D102
    @property
    def terms(self) -> Sequence[Product]: ...  # noqa: D102
    @property
    def result(self) -> str: ...  # noqa: D102
    @property
    def final(self) -> str: ...  # noqa: D102


Steps = Mapping[str, Sequence[Line] | Unavailable]
"""The symbolic chain rule of each output, by its name, or the reason why there is none."""


def lines(solution: Solution) -> Iterator[str]:
    """Yield the lines of each output, its value and its gradient, without line ends."""
    several = len(solution.answers) > 1
    for answer in solution.answers:
        yield f"{answer.name} {machine(answer.value, solution.arithmetic)}"
        prefix = f"{answer.name}." if several else ""
        for name, slope in answer.gradient.items():
            yield f"{prefix}{name} {machine(slope, solution.arithmetic)}"


def symbolic_lines(steps: Steps) -> str:
    """Return `name formula` lines for the names asked for, without a last line end."""
    return "\n".join(
        f"{f'{output}.' if len(steps) > 1 else ''}{name} {text}"
        for output, lines in steps.items()
        for name, text in formulas(lines).items()
    )


def formulas(lines: Sequence[Line] | Unavailable) -> dict[str, str]:
    """Return the formula found for each name asked for."""
    if isinstance(lines, Unavailable):
        return {}
    return {line.node: line.final for line in lines if line.final}
