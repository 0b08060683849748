"""The exit code of an answer, for every command that gives one."""

from collections.abc import Iterable

from backprop_cli.studies.solution import Agreement, Solution

NO_ANSWER, FINDING, ANSWERED = 3, 1, 0
_WORST_FIRST = (2, NO_ANSWER, FINDING, ANSWERED)


def exit_code(solution: Solution, agreements: Iterable[Agreement]) -> int:
    """Return 3 if an output has no answer, 1 if modes disagree, else 0."""
    if any(answer.failure is not None for answer in solution.answers):
        return NO_ANSWER
    return ANSWERED if all(agreement.agree for agreement in agreements) else FINDING


def worst(codes: Iterable[int]) -> int:
    """Return the worst of several exit codes: 2 over 3 over 1 over 0."""
    found = {*codes, ANSWERED}
    return next(code for code in _WORST_FIRST if code in found)
