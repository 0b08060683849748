"""The formats of `grad` that are pages to hand out: Markdown, LaTeX, and the HTML lesson."""

from collections.abc import Sequence

from backprop_cli.errors import OptionProblem
from backprop_cli.graph import Graph
from backprop_cli.render.plain import Steps
from backprop_cli.studies.solution import Agreement, Solution

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
    if mistake is not None or top is not None or not set(show) <= {"reverse", "symbolic"}:
        given = "--mistake" if mistake is not None else "--top" if top is not None else "--show"
        hint = "the other views are in table and json"
        raise OptionProblem(f"{given} has no place in {form}: it has every step", None, hint)


def sheet(
    form: str,
    solution: Solution,
    agreements: Sequence[Agreement],
    rows: int,
    embed: bool,
) -> str:
    """Return the page of an answer, ending in a line end."""
    if form == "html":
        from backprop_cli.render.lesson import lesson

        return lesson(solution, agreements).rstrip("\n") + "\n"
    from backprop_cli.render.worked import worked

    made = worked(solution, agreements, rows)
    if form == "latex":
        from backprop_cli.render.latex import latex

        return latex(made, rows, embed)
    from backprop_cli.render.markdown import markdown

    return markdown(made, rows, embed)


def symbolic_sheet(form: str, graph: Graph, steps: Steps, rows: int, embed: bool) -> str:
    """Return the page of the chain rule in symbols, which needs no point.

    Raises `OptionProblem` for the lesson, which is about numbers.
    """
    if form == "html":
        raise OptionProblem("a lesson needs a point", None, "give --at, or --format markdown")
    if form == "latex":
        from backprop_cli.render.latex import latex_symbols

        return latex_symbols(graph, steps, rows, embed)
    from backprop_cli.render.markdown import markdown_symbols

    return markdown_symbols(graph, steps, rows, embed)
