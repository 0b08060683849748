"""The two views of `grad` beside its steps: the ledger of paths, and the mistaken backward pass."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from backprop_cli.errors import OptionProblem
from backprop_cli.studies.solution import Solution

if TYPE_CHECKING:
    from backprop_cli.render.console import Screen

LIST = "list"
"""What `--mistake` takes beside the kinds: describe them all."""

MOST_PATHS = 10
"""How many paths from each input are shown, if `--top` does not say."""


class Views(NamedTuple):
    """What is shown beside the gradient: steps (of `--show`), so many paths, a mistake."""

    shown: tuple[str, ...]
    top: int
    mistake: str | None

    def show(self, solution: Solution, rows: int, screen: "Screen") -> None:
        """Print the ledger of paths and the mistake, if they are asked for."""
        if "paths" in self.shown:
            from backprop_cli.render.paths import MOST_NODES, print_paths
            from backprop_cli.studies.paths import ledgers

            names = list(solution.wrt)[:rows]
            for answer in solution.answers:
                found = ledgers(solution, answer, self.top, names, MOST_NODES)
                print_paths(solution, found, rows, screen)
        if self.mistake is not None:
            from backprop_cli.render.wrong_pass import print_mistake
            from backprop_cli.studies.wrong_pass import mistaken

            for answer in solution.answers:
                wrong = mistaken(solution, answer, self.mistake, rows)
                print_mistake(solution, wrong, rows, screen)

    def objects(self, solution: Solution) -> Iterator[tuple[str, Any]]:
        """Yield (key, value) for what JSON has of them."""
        if "paths" in self.shown:
            from backprop_cli.render.paths import paths_object
            from backprop_cli.studies.paths import ledgers

            found = (ledgers(solution, answer, self.top) for answer in solution.answers)
            yield "paths", paths_object(solution, found)
        if self.mistake is not None:
            from backprop_cli.render.mistakes import mistake_object
            from backprop_cli.studies.wrong_pass import mistaken

            wrong = (mistaken(solution, answer, self.mistake) for answer in solution.answers)
            yield "mistake", mistake_object(solution, wrong)


def chosen_views(shown: tuple[str, ...], top: int | None, mistake: str | None, form: str) -> Views:
    """Return the views that the options ask for. Raises `OptionProblem` where they make no sense.

    Scripts read plain lines as the gradient, so there is no place for a wrong one among them.
    """
    if top is not None and "paths" not in shown:
        raise OptionProblem("--top belongs to --show paths")
    if mistake is not None and form == "plain":
        hint = "use table, or json, which has the wrong gradient apart from the right one"
        raise OptionProblem("--mistake has no plain lines: they carry the gradient", None, hint)
    return Views(shown, MOST_PATHS if top is None else top, mistake)


def list_mistakes(form: str, color: str) -> None:
    """Describe every kind of mistake."""
    from backprop_cli.render import mistakes as render
    from backprop_cli.studies.mistakes import MISTAKES

    if form == "json":
        from backprop_cli.render.json import dumps

        print(dumps(render.mistakes_object(MISTAKES)))
    elif form == "plain":
        print(render.mistake_lines(MISTAKES))
    else:
        from backprop_cli.render.console import make_console

        render.print_mistakes(MISTAKES, make_console(color))
