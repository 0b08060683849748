"""Answers as tables for people: the steps first, then the gradient and the verdict.

They are two calls, since the steps can be read while SymPy is still at work on its column.
Warnings are not printed here: they belong to the error stream.
"""

from collections.abc import Iterable, Sequence

from backprop_cli.render import branches, echo, gradients, steps, tangents
from backprop_cli.render.console import Screen
from backprop_cli.studies.solution import Agreement, Solution


def print_steps(solution: Solution, show: Iterable[str], rows: int, screen: Screen) -> None:
    """Print how the program was read, and the steps named in `show` (reverse, forward).

    For `paths` and `mistake`, whose own tables follow, it is the forward pass alone: they are
    about its nodes and slopes.
    """
    wanted = set(show)
    echo.head(solution, rows, screen)
    mask = steps.steps_mask(solution)
    if not any(mask) or not wanted & {"reverse", "forward", "paths", "mistake"}:
        return
    solution.arithmetic.prepare_partials(solution.graph)
    steps.print_forward_pass(solution, mask, rows, screen)
    if "forward" in wanted:
        tangents.print_tangents(solution, mask, rows, screen)
    if "reverse" not in wanted:
        return
    for answer in solution.answers:
        if solution.active[answer.node]:
            steps.print_backward_pass(solution, answer, rows, screen)
            branches.print_branches(solution, answer, rows, screen)


def print_gradient(
    solution: Solution, agreements: Sequence[Agreement], rows: int, screen: Screen
) -> None:
    """Print the gradient of each output, beside the witnesses if `agreements` has any."""
    for place, answer in enumerate(solution.answers):
        agreement = agreements[place] if agreements else None
        gradients.print_answer(solution, answer, agreement, rows, screen)
