"""The ways of differentiating side by side: what each costs, how good it is, which one to use.

The table is laid out in the widest form that fits: with whole words as headings, with short ones,
or as several tables, of costs and of quality. What each row means stands below it in words,
where no width can cut it.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from backprop_cli.render import echo, gradients
from backprop_cli.render.console import NARROW_GAP, WIDE_GAP, Column, Screen, Words
from backprop_cli.render.numbers import aligned, duration
from backprop_cli.studies.comparing.modes import Comparison, Mode
from backprop_cli.studies.solution import LABELS, Agreement

MISSING = "–"
_SHORT_LABELS = {"forward-difference": "forward diff.", "central": "central diff."}
_SHORT_TITLES = (
    ("evals", "evaluations of f"),
    ("+, ×, calls", "additions, multiplications and divisions, other functions"),
)
_EDGE_PRODUCTS = (
    "products of a local slope and what flows along its edge; they are among the multiplications"
)
_NUMERIC = (
    "The numeric witness chooses its steps, extrapolates, and estimates its own error; the two "
    "differences above take one step each and are only measured."
)


class _Measure(NamedTuple):
    """One column: its heading, its heading where there is little room, its cells, their style."""

    title: str
    short: str
    texts: Sequence[str]
    style: str = ""


def label(mode: str, short: bool = False) -> str:
    """Return what people call a mode."""
    name = LABELS.get(mode, mode)
    return _SHORT_LABELS.get(mode, name) if short else name


def print_comparison(comparison: Comparison, rows: int, screen: Screen) -> None:
    """Print the modes, which of them to use, the gradient and the verdicts."""
    solution = comparison.solution
    echo.head(solution, rows, screen)
    if comparison.modes:
        _print_modes(comparison, rows, screen)
    for place, answer in enumerate(solution.answers):
        gradients.print_answer(solution, answer, _agreement(comparison, place), rows, screen)
        if comparison.taylors:
            found = comparison.taylors[place]
            style = {True: "good", False: "bad", None: "dim"}[found.right]
            screen.line([(found.sentence, style)])
    if any(_has_estimates(agreement) for agreement in comparison.agreements):
        screen.line([(_NUMERIC, "dim")])


def _agreement(comparison: Comparison, place: int) -> Agreement | None:
    """Return how the witnesses of one output agree, with the verdict as its sentence."""
    if not comparison.agreements:
        return None
    return comparison.agreements[place]._replace(sentence=comparison.verdicts[place])


def _has_estimates(agreement: Agreement) -> bool:
    return any(one.mode == "numeric" and not one.skipped for one in agreement.witnesses)


def _print_modes(comparison: Comparison, rows: int, screen: Screen) -> None:
    """Print a row for each mode, what the rows mean, and which mode to use."""
    modes = comparison.modes[:rows]
    screen.line()
    screen.line([("The modes", "title"), (": what each costs, and how good it is", "")])
    short = _print_table(modes, screen)
    if len(modes) < len(comparison.modes):
        screen.line([(echo.left_out(len(comparison.modes), rows, "modes"), "dim")], 2)
    screen.line([(comparison.rule, "good" if comparison.agree else "dim")])
    for mode in modes:
        note = f"skipped, {mode.skipped}" if mode.skipped else mode.note
        screen.line([(f"{label(mode.mode)}: ", ""), (note, "dim")], 2)
    screen.line([("digits: ", ""), (_digits(comparison), "dim")], 2)
    for title, meaning in _SHORT_TITLES if short else ():
        screen.line([(f"{title}: ", ""), (meaning, "dim")], 2)
    name = "edge ×" if short else "edge products"
    screen.line([(f"{name}: ", ""), (_EDGE_PRODUCTS, "dim")], 2)


def _digits(comparison: Comparison) -> str:
    """Return what the digits are, or why they are unknown."""
    reference = comparison.reference
    if not reference.how:
        return f"unknown, {reference.reason}"
    text = f"correct ones of the worst component, against {reference.how}"
    kinked = any(slope is None for slopes in reference.gradients for slope in slopes.values())
    return text + ("; unknown, as some slope is not two-sided here" if kinked else "")


def _print_table(modes: Sequence[Mode], screen: Screen) -> bool:
    """Print the table in the widest form that fits; return whether its headings are short."""
    costs, quality = _costs(modes), _quality(modes)
    for short, gap in ((False, WIDE_GAP), (True, WIDE_GAP), (True, NARROW_GAP)):
        columns, cells = _laid_out(modes, [*costs, *quality], short)
        if screen.fits(columns, cells, gap):
            screen.table(columns, cells, gap)
            return short
    parts = [costs, quality]
    if not screen.fits(*_laid_out(modes, costs, True), NARROW_GAP):
        parts = [[*costs[:2], costs[-1]], costs[2:-1], quality]
    for place, part in enumerate(parts):
        if place:
            screen.line()
        screen.table(*_laid_out(modes, part, True), NARROW_GAP)
    return True


def _laid_out(
    modes: Sequence[Mode], measures: Sequence[_Measure], short: bool
) -> tuple[list[Column], list[list[Words]]]:
    """Return headings and rows; a heading stands over the right end of its numbers."""
    columns = [Column("mode")]
    cells: list[list[Words]] = [[[(label(mode.mode, short), "name")]] for mode in modes]
    for one in measures:
        title = one.short if short else one.title
        width = max(map(len, [title, *one.texts]))
        columns.append(Column(f"{title:>{width}}"))
        for line, text in zip(cells, one.texts, strict=True):
            line.append([(f"{text:>{width}}", one.style)])
    return columns, cells


def _costs(modes: Sequence[Mode]) -> list[_Measure]:
    """Return the columns of what is counted."""
    counts = [mode.operations for mode in modes]
    return [
        _Measure("sweeps", "sweeps", _whole(mode.sweeps for mode in modes)),
        _Measure("evaluations", "evals", _whole(mode.evaluations for mode in modes)),
        _Measure("additions", "+", _whole(c and c.additions for c in counts)),
        _Measure("multiplications", "×", _whole(c and c.multiplications for c in counts)),
        _Measure("calls", "calls", _whole(c and c.calls for c in counts)),
        _Measure("edge products", "edge ×", _whole(c and c.edge_products for c in counts), "value"),
    ]


def _quality(modes: Sequence[Mode]) -> list[_Measure]:
    """Return the columns of what is measured."""
    times = [MISSING if m.seconds is None else duration(m.seconds, m.spread) for m in modes]
    length = max(map(len, ["time", *times]))
    title = f"{'time':<{length}}"
    digits = aligned(MISSING if m.digits is None else f"{m.digits:.1f}" for m in modes)
    return [
        _Measure(title, title, [f"{text:<{length}}" for text in times], "value"),
        _Measure("digits", "digits", digits, "gradient"),
    ]


def _whole(counts: Iterable[int | None]) -> list[str]:
    return [MISSING if count is None else f"{count:,}" for count in counts]
