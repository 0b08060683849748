"""Plain lines for scripts: one `name value` a line, the output's value first.

Numbers read back exactly. With several outputs the gradient's lines are named `output.input`,
so that every name is unique and a line can be picked with grep.
"""

from backprop_cli.render.numbers import machine
from backprop_cli.studies.solution import Solution


def lines(solution: Solution) -> str:
    """Return the value and gradient of each output as lines, without a last line end."""
    several = len(solution.answers) > 1
    written = []
    for answer in solution.answers:
        written.append(f"{answer.name} {machine(answer.value, solution.arithmetic)}")
        prefix = f"{answer.name}." if several else ""
        for name, slope in answer.gradient.items():
            written.append(f"{prefix}{name} {machine(slope, solution.arithmetic)}")
    return "\n".join(written)
