"""A mistaken backward pass beside the right one: the rows, the gradient, and one sentence of why.

What differs is marked in words, so that the table can be read without colour.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from backprop_cli.render.console import Column, Screen, Words
from backprop_cli.render.echo import left_out
from backprop_cli.render.edges import symbol
from backprop_cli.render.errors import readable
from backprop_cli.render.numbers import aligned, human, machine, short
from backprop_cli.render.steps import BLANK, title
from backprop_cli.studies.mistakes import Sent
from backprop_cli.studies.solution import Solution
from backprop_cli.studies.wrong_pass import Mistaken, Quotient, Row

_FIRST, _LATER = "first wrong", "wrong"
_SAME = "same"
_FEWER = (6, 4)

NumberFormat = Callable[[Any], str]
"""How a number is written."""


def print_mistake(solution: Solution, found: Mistaken, rows: int, screen: Screen) -> None:
    """Print what one mistake makes of one output's gradient, and why it is one."""
    if not solution.wrt:
        return
    mistake = found.mistake
    source = f" from {found.output}" if len(solution.answers) > 1 else ""
    work = "Differences" if mistake.rule is None else f"Backward pass{source}"
    title(screen, f"{work} with the mistake '{mistake.kind}'", mistake.what)
    if found.reason:
        screen.line([(f"No comparison: {readable(found.reason)}.", "bad")], 2)
        return
    _same_before(found, screen)
    if mistake.rule is None:
        screen.table(*_fitting(screen, *_quotients(solution, found)))
    elif found.rows.parts:
        for columns, cells in _tables(solution, found):
            if screen.fits(columns, cells):
                break
        screen.table(columns, cells)
    end = found.rows.start + len(found.rows.parts)
    if end < found.rows.total:
        text = left_out(found.rows.total, end, "rows")
        screen.line([(text, "dim")], 2)
    if mistake.rule is not None:
        _print_gradient(solution, found, rows, screen)
    if solution.kink in ("left", "right") and any(a.remarks for a in solution.answers):
        text = "Both passes follow the conventions at the kinks; the gradient below is one-sided."
        screen.line([(text, "dim")])
    screen.line([(_verdict(found), "bad" if found.wrong else "")])


def _same_before(found: Mistaken, screen: Screen) -> None:
    """Say how many rows stand before those shown."""
    start = found.rows.start
    if start:
        text = f"{start:,} rows the same" if start > 1 else "1 row the same"
        screen.line([(f"… {text}, then:", "dim")], 2)


def _verdict(found: Mistaken) -> str:
    """Return why it is wrong, or what would show it."""
    mistake = found.mistake
    if found.wrong:
        return f"Why this is wrong: {mistake.why}"
    program, point = mistake.example
    if found.rows.first is None:
        return f"It makes no difference here. It takes {mistake.shows}: '{program}' at {point}."
    same = "Rows differ, but the gradient comes out the same here."
    return f"{same} See what it does to '{program}' at {point}."


def _mark(found: Mistaken, place: int, differs: bool) -> Words:
    """Return the mark of a row: whether it differs, and whether it is the first to."""
    if found.rows.start + place == found.rows.first:
        return [(_FIRST, "bad")]
    return [(_LATER, "bad")] if differs else BLANK


# ------------------------------------------------------------------ sweeps


def _tables(
    solution: Solution, found: Mistaken
) -> Iterator[tuple[list[Column], list[list[Words]]]]:
    """Yield the rows of both passes as tables, the one that shows most first."""
    forms = [(form, digits) for form in (_side_by_side, _stacked) for digits in (None, *_FEWER)]
    for made, digits in forms:

        def written(value: Any, digits: int | None = digits) -> str:
            if digits is None:
                return human(value, solution.arithmetic)
            return short(float(value), digits)

        yield made(solution, found, written)


def _side_by_side(
    solution: Solution, found: Mistaken, written: NumberFormat
) -> tuple[list[Column], list[list[Words]]]:
    """Return a table with the right pass on the left and the wrong one on the right."""
    parts: Sequence[Row] = found.rows.parts
    operands = [row.operand for row in parts]
    titles, cells = ["edge"], [[_edge(solution, row) for row in parts]]
    for label, sent in (
        ("right", [row.right for row in parts]),
        ("wrong", [row.wrong for row in parts]),
    ):
        titles.append(f"{label}: upstream × local")
        cells.append(_products(sent, written))
        if found.ordered:
            titles.append("received so far")
            cells.append(_sums(solution, found, operands, sent, written))
    cells.append([_mark(found, place, row.differs) for place, row in enumerate(parts)])
    columns = [Column(text) for text in (*titles, "")]
    return columns, [list(row) for row in zip(*cells, strict=True)]


def _stacked(
    solution: Solution, found: Mistaken, written: NumberFormat
) -> tuple[list[Column], list[list[Words]]]:
    """Return the table for a narrow screen: the wrong pass under the right one if they differ."""
    heads: list[list[Words]] = []
    lines: list[tuple[int, Sent]] = []
    for place, row in enumerate(found.rows.parts):
        label = "right" if row.differs else "both"
        heads.append([_edge(solution, row), [(label, "")]])
        lines.append((row.operand, row.right))
        if row.differs:
            heads.append([BLANK, _mark(found, place, True)])
            lines.append((row.operand, row.wrong))
    sent = [each for _, each in lines]
    titles, cells = ["edge", "pass", "upstream × local"], [_products(sent, written)]
    if found.ordered:
        titles.append("received so far")
        cells.append(_sums(solution, found, [operand for operand, _ in lines], sent, written))
    made = [[*head, *row] for head, *row in zip(heads, *cells, strict=True)]
    return [Column(text) for text in titles], made


def _edge(solution: Solution, row: Row) -> Words:
    return [(f"{solution.names[row.node]} → {solution.names[row.operand]}", "name")]


def _products(sent: Sequence[Sent], written: NumberFormat) -> list[Words]:
    """Return `1 × -3 = -3` for each, the points under each other."""
    columns = zip(*((each.upstream, each.local, each.value) for each in sent), strict=True)
    texts = [aligned(map(written, column)) for column in columns]
    return [
        [(f"{upstream} × {local} = ", ""), (value, "value")]
        for upstream, local, value in zip(*texts, strict=True)
    ]


def _sums(
    solution: Solution,
    found: Mistaken,
    operands: Sequence[int],
    sent: Sequence[Sent],
    written: NumberFormat,
) -> list[Words]:
    """Return `∂f/∂x = 1` for what each operand has after a row."""
    signs = [symbol(solution, found.node, operand) for operand in operands]
    width = max(map(len, signs))
    texts = aligned(written(each.total) for each in sent)
    return [
        [(f"{sign:<{width}} = ", ""), (text, "value")]
        for sign, text in zip(signs, texts, strict=True)
    ]


def _print_gradient(solution: Solution, found: Mistaken, rows: int, screen: Screen) -> None:
    """Print the wrong gradient beside the right one."""
    names = list(solution.wrt)[:rows]
    screen.line()
    screen.line([(f"Gradient of {found.output} with the mistake", "title")])
    off = [found.gradient[name] - found.right[name] for name in names]
    texts = [
        aligned(human(value, solution.arithmetic) for value in column)
        for column in (
            [found.right[name] for name in names],
            [found.gradient[name] for name in names],
            off,
        )
    ]
    cells: list[list[Words]] = []
    for name, right, wrong, difference in zip(names, *texts, strict=True):
        out = name in found.wrong
        last: Words = [(difference, "bad")] if out else [(_SAME, "good")]
        cells.append([[(name, "name")], [(right, "gradient")], [(wrong, "gradient")], last])
    screen.table([Column(text) for text in ("input", "right", "wrong", "off by")], cells)
    if len(names) < len(solution.wrt):
        screen.line([(left_out(len(solution.wrt), len(names), "inputs"), "dim")], 2)


# ------------------------------------------------------------------ difference quotients


def _quotients(solution: Solution, found: Mistaken) -> tuple[list[Column], list[list[Words]]]:
    """Return the difference quotients as a table: each number as it comes out."""
    parts: Sequence[Quotient] = found.rows.parts
    arithmetic = solution.arithmetic
    output = found.output
    columns: list[Sequence[str]] = [
        aligned(human(part.place, arithmetic) for part in parts),
        [_moved(solution, part) for part in parts],
        aligned(human(part.change, arithmetic) for part in parts),
        aligned(human(part.slope, arithmetic) for part in parts),
        aligned(human(found.right[part.name], arithmetic) for part in parts),
    ]
    cells: list[list[Words]] = []
    for place, (part, *texts) in enumerate(zip(parts, *columns, strict=True)):
        numbers = [[(text, "value")] for text in texts]
        cells.append([[(part.name, "name")], *numbers, _mark(found, place, part.differs)])
    titles = ("input", "x", "x + h", f"{output} moves by", "divided by h", "right", "")
    return [Column(text) for text in titles], cells


def _moved(solution: Solution, part: Quotient) -> str:
    """Return x + h with every digit, and whether it is x again."""
    if part.moved == part.place:
        return f"{human(part.moved, solution.arithmetic)}, x again"
    return machine(part.moved, solution.arithmetic)


def _fitting(
    screen: Screen, columns: list[Column], cells: list[list[Words]]
) -> tuple[list[Column], list[list[Words]]]:
    """Return the table, or on a narrow screen one with a line for each of its numbers."""
    if screen.fits(columns, cells):
        return columns, cells
    made: list[list[Words]] = []
    for name, *values, mark in cells:
        made.append([name, mark, BLANK])
        for column, words in zip(columns[1:-1], values, strict=True):
            made.append([BLANK, [(column.title, "")], [(words[0][0].strip(), words[0][1])]])
    return [columns[0], Column(""), Column("")], made
