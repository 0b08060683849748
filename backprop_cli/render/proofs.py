"""A rewrite and its proof: the rules that were used, the program that parses, the numbers."""

from typing import Any

from backprop_cli.language.notation import pretty
from backprop_cli.render import echo
from backprop_cli.render.console import Column, Screen, Words
from backprop_cli.render.errors import readable
from backprop_cli.render.numbers import aligned, human, short, tidied
from backprop_cli.studies.exact import ExactAnswer
from backprop_cli.studies.health.rewrites import Numbers, Rewrite

_EXACT_DIGITS = 17


def print_rewrite(rewrite: Rewrite, name: str, rows: int, screen: Screen) -> None:
    """Print what to write instead, by which rules, and why it can be believed."""
    screen.line()
    screen.line([("Write instead", "title")])
    screen.line([(rewrite.text, "good")], 2)
    for change in rewrite.changes:
        rule = f"{pretty(change.pattern)} → {pretty(change.replacement)}"
        screen.line([(f"{change.node}: ", ""), (f"{rule} ({change.why})", "dim")], 2)
    screen.line()
    screen.line([("Proof", "title"), (": at this point", "")])
    names = [name, *(f"∂{name}/∂{one}" for one in rewrite.after.gradient)][:rows]
    titles = ["number", "as typed", "rewritten", "exact"]
    exact = rewrite.exact
    true = [exact.value, *exact.gradient.values()]
    columns: list[list[Words]] = [
        [[(text, "name")] for text in names],
        _column(rewrite.before, "bad"),
        _column(rewrite.after, "good"),
        [[(text, "")] for text in aligned(exact_text(exact, v) for v in true)],
    ]
    cells = list(zip(*(column[: len(names)] for column in columns), strict=True))
    screen.table([Column(title) for title in titles], cells)
    total = len(true)
    if len(names) < total:
        screen.line([(echo.left_out(total, len(names), "numbers"), "dim")], 2)
    for text in _sentences(rewrite):
        screen.line([(readable(text), "")], 2)


def exact_text(exact: ExactAnswer, value: Any) -> str:
    """Return an exact number as tables show it: as many digits as a float64 could have."""
    return "undefined" if value is None else tidied(exact.text(value, _EXACT_DIGITS))


def _column(numbers: Numbers, style: str) -> list[Words]:
    """Return numbers with the digits that are correct."""
    texts = aligned(map(human, numbers.all))
    return [
        [(text, style if digits is None or digits < 8 or style == "good" else "")]
        + ([] if digits is None else [(f"  {short(round(digits, 1), 3)} digits", "dim")])
        for text, digits in zip(texts, numbers.all_digits, strict=True)
    ]


def _sentences(rewrite: Rewrite) -> list[str]:
    """Return what the numbers rest on."""
    made = []
    if rewrite.by_limit:
        made.append(
            "As typed it has no value here; rewritten it has the limit, value and slopes, which "
            "was checked with 60 digits beside the point."
        )
    if rewrite.convention:
        made.append(f"The slopes are a convention: {rewrite.convention}.")
    made.append(
        f"Elsewhere: value and gradient agree to 40 of 50 digits at {rewrite.agreed} random points."
    )
    return made
