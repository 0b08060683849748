"""The formats of `grad` that are pages to hand out: Markdown, LaTeX, and the HTML lesson."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from backprop_cli.errors import OptionProblem
from backprop_cli.graph import Graph
from backprop_cli.render.plain import Steps
from backprop_cli.studies.solution import Agreement, Solution

if TYPE_CHECKING:
    from backprop_cli.render.worked.pages import Page

SHEETS = ("markdown", "latex", "html")
"""The formats of a worked solution."""

_EMBEDDED = ("markdown", "latex")


def check_sheet(
    form: str, embed: bool, show: tuple[str, ...], mistake: str | None, top: int | None
) -> None:
    """Raise `OptionProblem` for options that a page of this format has no place for."""
    if embed and form not in _EMBEDDED:
        hint = "give --format markdown or latex, or -o FILE.md or FILE.tex"
        raise OptionProblem(
            f"--embed makes a fragment of Markdown or LaTeX, not {form}", None, hint
        )
    if form not in SHEETS:
        return
    known = {"reverse"} if form == "html" else {"reverse", "symbolic"}
    if mistake is not None or top is not None or not set(show) <= known:
        given = "--mistake" if mistake is not None else "--top" if top is not None else "--show"
        rest = set(show) - known
        what = f"--show {sorted(rest)[0]}" if given == "--show" and rest else given
        hint = "the other views are in table and json"
        raise OptionProblem(f"{what} has no place in {form}: it has every step", None, hint)


def sheet(
    form: str,
    solution: Solution,
    agreements: Sequence[Agreement],
    rows: int,
    embed: bool,
    steps: Steps | None = None,
) -> str:
    """Return the page of an answer, ending in a line end; with `steps`, the chain rule in symbols.

    The lesson has no place for these: `check_sheet` refuses them.
    """
    if form == "html":
        from backprop_cli.render.worked.lesson import lesson

        return lesson(solution, agreements, rows).rstrip("\n") + "\n"
    from backprop_cli.render.worked.sheets import solution_sheet
    from backprop_cli.render.worked.solution import worked

    return solution_sheet(_layout(form), worked(solution, agreements, rows), rows, embed, steps)


def symbolic_sheet(form: str, graph: Graph, steps: Steps, rows: int, embed: bool) -> str:
    """Return the page of the chain rule in symbols, which needs no point; Markdown or LaTeX."""
    from backprop_cli.render.worked.sheets import symbol_sheet

    return symbol_sheet(_layout(form), graph, steps, rows, embed)


def _layout(form: str) -> "type[Page]":
    if form == "latex":
        from backprop_cli.render.worked.latex import LATEX_PAGE

        return LATEX_PAGE
    from backprop_cli.render.worked.markdown import MARKDOWN_PAGE

    return MARKDOWN_PAGE
