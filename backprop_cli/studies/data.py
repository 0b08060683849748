"""Data: the columns of a CSV file, which bind names row by row, and batches of their rows.

NumPy is imported when data are first read. It is the one thing that this program may lack, and
the refusal says how to get it.
"""

import csv
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from io import StringIO
from random import Random
from string import whitespace
from typing import TYPE_CHECKING, Any, NamedTuple

from backprop_cli.errors import FileProblem, LimitExceeded, OptionProblem
from backprop_cli.language.hints import nearest
from backprop_cli.language.tokens import normalized
from backprop_cli.studies.files import read_source
from backprop_cli.studies.words import counted

if TYPE_CHECKING:
    from backprop_cli.readings.array_types import Column, RowNumbers

_NO_TEXT = (b"\xff\xfe", b"\xfe\xff", b"\x1f\x8b", b"PK\x03\x04")
"""How UTF-16 (either order), gzip and zip (also the sheets of office programs) begin."""

LONGEST_CELL = 8 << 20
"""Characters of a cell above which a file is refused as no CSV."""

_MOST_LISTED, _LONGEST_NAME, _LONGEST_TITLE = 10, 40, 80


class Row(NamedTuple):
    """The cells of a row and the line it begins on; or None, and why it cannot be read.

    A blank line has no cells, and no fault.
    """

    line: int
    cells: list[str] | None
    fault: str = ""


class Data(NamedTuple):
    """The columns that bind names, of `size` rows each, and the names of the other columns.

    `blank` counts the lines between the rows that had nothing on them.
    """

    columns: "Mapping[str, Column]"
    size: int
    ignored: tuple[str, ...]
    blank: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The names that the columns bind, in the order of the file."""
        return tuple(self.columns)

    def batches(self, size: int, source: Random) -> "Iterator[RowNumbers]":
        """Yield the rows of one batch after another, without end.

        Every epoch goes once through all rows in a new order of `source`; its last batch is
        smaller where `size` does not divide the number of rows.
        """
        numpy = numpy_for("--data")
        order = list(range(self.size))
        while True:
            source.shuffle(order)
            rows = numpy.array(order)
            for start in range(0, self.size, size):
                yield rows[start : start + size]


def read_columns(path: str, names: Collection[str]) -> Data:
    """Return the columns of a CSV file (`-` for standard input) whose heading is in `names`.

    The first line names the columns; those not in `names` are ignored, whatever is in them. Every
    cell that is used is a finite number. Raises `FileProblem`, `LimitExceeded`, and `OptionProblem`
    where NumPy is missing.
    """
    numpy = numpy_for("--data")
    text = read_source("-" if path == "-" else f"@{path}").text
    title = "standard input" if path == "-" else path[:_LONGEST_TITLE]
    check_text(text[:4].encode(), title)
    texts = StringIO(text.removeprefix("\ufeff"), newline="")
    lines = ((row.line, _readable(row, title)) for row in read_rows(texts))
    headings = [heading.strip() for heading in next((row for _, row in lines if row), [""])]
    used = used_columns(headings, names, title)
    cells: dict[str, list[float]] = {name: [] for name in used}
    places = [(cells[name], place) for name, place in used.items()]
    blank = 0
    for line, row in lines:
        if not row:
            blank += 1
            continue
        if len(row) != len(headings):
            raise FileProblem(f"{title} line {line}: {fault_of_width(row, headings)}")
        for column, place in places:
            value = number_of_cell(row[place])
            if value != value:
                where = f"{title} line {line}, column {normalized(headings[place])}"
                raise FileProblem(f"{where}: {fault_of_cell(row[place])}")
            column.append(value)
    columns = {name: numpy.array(column) for name, column in cells.items()}
    size = len(next(iter(columns.values())))
    if not size:
        raise FileProblem(f"{title} has a line of headings and no rows")
    return Data(columns, size, _ignored(headings, used), blank)


def read_rows(lines: Iterable[str], first: int = 1) -> Iterator[Row]:
    """Yield each row and each blank line, by Python's csv; the first line has number `first`.

    Raises `LimitExceeded` for a huge cell: the lines after it may be inside it, and no rows.
    """
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(lines, skipinitialspace=True, strict=True)
    while True:
        line = first + reader.line_num
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "field limit" in str(error):
                size = f"{LONGEST_CELL >> 20} MiB"
                raise LimitExceeded(f"a cell of line {line} is longer than {size}") from None
            yield Row(line, None, str(error))
            continue
        yield Row(line, [] if is_blank(cells) else cells)


def _readable(row: Row, title: str) -> list[str]:
    if row.cells is None:
        raise FileProblem(f"{title} line {row.line}: {row.fault}")
    return row.cells


def check_text(begin: bytes, title: str) -> None:
    """Raise `FileProblem` if the first four bytes are those of UTF-16, gzip, zip, or no text."""
    if b"\0" in begin or begin.startswith(_NO_TEXT):
        hint = "save it as CSV in UTF-8; a compressed file must be unpacked first"
        raise FileProblem(f"{title} is not a UTF-8 text file", None, hint)


def is_blank(row: Sequence[str]) -> bool:
    """Return whether a line says nothing: it is skipped in every table, also of one column."""
    return len(row) < 2 and not (row and row[0].strip())


def blank_lines(count: int) -> str:
    """Return what is said of the blank lines of a table, "" if there are none."""
    return f"note: {counted(count, 'blank line')} skipped" if count else ""


def used_columns(headings: list[str], names: Collection[str], title: str) -> dict[str, int]:
    """Return the place of each column whose name is in `names`."""
    if not any(headings):
        raise FileProblem(f"{title} is empty", None, "its first line names the columns: x,y")
    if not names:
        message = f"the expression has no inputs, so no column of {title} can bind one"
        raise OptionProblem(message)
    used: dict[str, int] = {}
    for place, heading in enumerate(headings):
        name = normalized(heading)
        if name in used:
            raise FileProblem(f"{title} has two columns named {name}")
        if name in names:
            used[name] = place
    first = headings[0]
    if first.startswith("#") and (not used or normalized(first.lstrip("# ")) in names):
        hint = "it must name the columns, without a sign of comment"
        raise FileProblem(f"the first line of {title} begins with #", None, hint)
    if not used:
        known = ", ".join(heading[:_LONGEST_NAME] for heading in headings[:_MOST_LISTED])
        message = f"no column of {title} has the name of an input; its first line is: {known}"
        raise FileProblem(message, None, _hint(headings, names))
    return used


def _hint(headings: list[str], names: Collection[str]) -> str:
    if any(sign in heading for sign in ";\t|" for heading in headings):
        return "columns are separated by commas"
    for heading in headings:
        near = nearest(normalized(heading), sorted(names))
        if near:
            return f"{heading}: did you mean {near}?"
    return f"the first line names the columns, such as {','.join(sorted(names)[:3]) or 'x,y'}"


def _ignored(headings: list[str], used: Mapping[str, int]) -> tuple[str, ...]:
    places = set(used.values())
    return tuple(
        heading or f"column {place + 1}"
        for place, heading in enumerate(headings)
        if place not in places
    )


def number_of_cell(cell: str) -> float:
    """Return the finite number a cell holds, NaN where it holds none."""
    try:
        value = float(cell)
    except ValueError:
        return math.nan
    # Python also reads 1_000 and the digits of other scripts.
    return value if math.isfinite(value) and "_" not in cell and cell.isascii() else math.nan


def fault_of_cell(cell: str) -> str:
    """Return what is wrong with a cell that holds no finite number."""
    cell = cell.strip(whitespace)  # not spaces of other kinds, which are what is wrong
    if not cell:
        return "the cell is empty"
    try:
        finite = math.isfinite(float(cell))
    except ValueError:
        finite = True
    what = "a number" if finite else "finite"
    return f"{cell[:_LONGEST_NAME]!r} is not {what}"


def fault_of_width(row: Sequence[str], headings: Sequence[str]) -> str:
    """Return what is wrong with a row that has not one cell for each column."""
    return f"{counted(len(row), 'cell')}, but {counted(len(headings), 'column')}"


def numpy_for(option: str) -> Any:
    """Return NumPy, or say that `option` needs it and how to get it. Raises `OptionProblem`."""
    try:
        import numpy
    except ImportError:
        hint = "pip install 'backprop-cli[data]'"
        raise OptionProblem(f"{option} needs NumPy", None, hint) from None
    return numpy
