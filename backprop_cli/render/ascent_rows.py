"""The rows of an ascent as a table, in the widest form that fits the screen.

On a narrow screen, in this order: remarks become numbers, under which they are counted below the
table; the ratio goes; inputs and f have fewer digits; the predicted gain goes; the inputs go. Only
what is shown in full elsewhere is left out: csv and json have everything.
"""

from collections.abc import Sequence
from typing import NamedTuple

from backprop_cli.render.console import Column, Screen, Words
from backprop_cli.render.numbers import aligned, human, short
from backprop_cli.studies.climbing.ascent import Step
from backprop_cli.studies.climbing.climbs import Record

MOST_INPUTS = 12
"""So many inputs have columns of their own, however wide the screen is."""

_FEW_DIGITS = 5


class Shown(NamedTuple):
    """What a table came to: whether its remarks are numbers, and how many inputs have no column."""

    by_number: bool
    hidden: int


class _Form(NamedTuple):
    """One way to lay the rows out."""

    by_number: bool
    inputs: bool = True
    brief: bool = False
    predicted: bool = True
    ratio: bool = True


_FORMS = (
    _Form(False),
    _Form(True),
    _Form(False, ratio=False),
    _Form(True, ratio=False),
    _Form(True, ratio=False, brief=True),
    _Form(True, ratio=False, brief=True, predicted=False),
    _Form(False, inputs=False),
    _Form(True, inputs=False),
    _Form(True, inputs=False, ratio=False),
    _Form(True, inputs=False, ratio=False, brief=True),
    _Form(True, inputs=False, ratio=False, brief=True, predicted=False),
)


def print_rows(record: Record, name: str, rows: Sequence[Step], screen: Screen) -> Shown:
    """Print the rows of a climb of `name`."""
    names = record.climb.objective.names
    form, titles, cells = _FORMS[0], [Column("")], list[list[Words]]()
    for form in _FORMS:
        if form.inputs and len(names) > MOST_INPUTS:
            continue
        titles, cells = _table(record, name, rows, form)
        if screen.fits(titles, cells):
            break
    screen.table(titles, cells)
    return Shown(form.by_number, 0 if form.inputs else len(names))


def _table(
    record: Record, name: str, rows: Sequence[Step], form: _Form
) -> tuple[list[Column], list[list[Words]]]:
    """Return the columns and cells of one form."""
    whole = brief if form.brief else human
    parts = [("step", [f"{row.number:,}" for row in rows], "name")]
    for k, input_name in enumerate(record.climb.objective.names if form.inputs else ()):
        parts.append((input_name, aligned(whole(row.point[k]) for row in rows), "value"))
    parts.append((name, aligned(whole(row.value) for row in rows), "value"))
    parts.append((f"‖∇{name}‖", aligned(brief(row.norm) for row in rows), "gradient"))
    if form.predicted:
        parts.append(("predicted", aligned(brief(row.predicted) for row in rows), ""))
    parts.append(("gain", aligned(brief(row.actual) for row in rows), ""))
    if form.ratio:
        parts.append(("ratio", aligned(_ratio(row) for row in rows), ""))
    columns = [Column(title) for title, _, _ in parts]
    cells: list[list[Words]] = [
        [[(texts[place], style)] for _, texts, style in parts] for place in range(len(rows))
    ]
    if any(row.remarks for row in rows):
        columns.append(Column("remark"))
        for line, row in zip(cells, rows, strict=True):
            line.append([(_remark(row, record, form.by_number), _style(row))])
    return columns, cells


def brief(value: float | None) -> str:
    """Return a number with five digits, nothing for none."""
    return "" if value is None else short(value, _FEW_DIGITS)


def _ratio(row: Step) -> str:
    return "" if row.ratio is None else format(row.ratio, ".4f")


def _remark(row: Step, record: Record, by_number: bool) -> str:
    if not by_number:
        return "; ".join(row.remarks)
    known = list(record.tallies)
    return " ".join(f"[{known.index(remark) + 1}]" for remark in row.remarks)


def _style(row: Step) -> str:
    worse = any("worse" in remark or "unbounded" in remark for remark in row.remarks)
    return "bad" if worse else "dim"
