"""Rows of points: chunks of a CSV file read as columns of numbers, and texts that pass through.

The rules are those of `studies/data.py`: the first line names the columns, a cell that is used is
a finite number, a row has a cell for each column. A chunk of well-formed rows, the usual case, is
read by Polars if it is installed. Whatever that does not read without the least doubt is read by
Python's csv, which is slower and defines what is right; the faults it finds are told by line.
"""

import math
import sys
from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

from backprop_cli.language.tokens import normalized
from backprop_cli.studies.data import (
    Row,
    fault_of_cell,
    fault_of_width,
    number_of_cell,
    numpy_for,
)
from backprop_cli.studies.table.chunks import Chunk, lone_returns, outside_quotes, rows_of

if TYPE_CHECKING:
    from backprop_cli.readings.array_types import Column

MOST_FAULTS = 20
"""The faults that are told; more are counted."""

_ENOUGH_FOR_POLARS = 1 << 16


class Block(NamedTuple):
    """The good rows of a chunk, in order.

    `columns` are those that bind names, `kept` the texts of the columns that pass through (lists,
    or series of Polars). `faults` has the first bad rows, as (line, what is wrong); `bad` counts
    all of them, `blank` the blank lines.
    """

    columns: "list[Column]"
    kept: list[Any]
    faults: tuple[tuple[int, str], ...] = ()
    bad: int = 0
    blank: int = 0

    @property
    def size(self) -> int:
        """The number of good rows."""
        return len(self.columns[0])


class RowReader:
    """Reads chunks of a file with these headings. May be called in several threads."""

    def __init__(
        self, headings: Sequence[str], used: Sequence[int], kept: Sequence[int], stop: bool = False
    ) -> None:
        """Say which columns are numbers and which pass through, by their places.

        With `stop`, a chunk is read up to its first bad row only.
        """
        self._headings, self._used, self._kept = headings, list(used), list(kept)
        self._stop = stop

    def __call__(self, chunk: Chunk) -> Block:
        """Return the rows of a chunk."""
        if chunk.rows is not None:
            return self._collected(chunk.rows)
        polars = polars_for(len(chunk.data))
        made = None if polars is None else self._by_polars(polars, chunk.data)
        if made is None:
            lines = chunk.data.splitlines(keepends=True)
            made = self._collected(rows_of(lines, chunk.line))
        return made

    def _by_polars(self, polars: Any, data: bytes) -> Block | None:
        """Return the rows of well-formed bytes, None where there is any doubt."""
        names = [str(place) for place in range(len(self._headings))]
        numbers = {*self._used} - {*self._kept}
        kinds = [polars.Float64 if k in numbers else polars.String for k in range(len(names))]
        try:
            frame = polars.read_csv(
                BytesIO(data),
                has_header=False,
                schema=dict(zip(names, kinds, strict=True)),
                columns=sorted({*self._used, *self._kept}),
            )
            found = [frame[str(place)].cast(polars.Float64) for place in self._used]
            kept = [frame[str(place)].fill_null("") for place in self._kept]
        except polars.exceptions.PolarsError:
            return None
        if outside_quotes(data, b",") != frame.height * (len(names) - 1) or lone_returns(data):
            return None
        if any(one.null_count() or not one.is_finite().all() for one in found):
            return None
        if any(one.str.starts_with(" ").any() for one in kept):
            if b'"' in data:  # a space inside quotes stays
                return None
            kept = [one.str.strip_chars_start(" ") for one in kept]
        lines = outside_quotes(data, b"\n") + (not data.endswith(b"\n"))
        return Block([one.to_numpy() for one in found], kept, blank=lines - frame.height)

    def _collected(self, rows: Iterable[Row]) -> Block:
        """Return rows as columns, and what is wrong with the bad ones."""
        numbers: list[list[float]] = []
        texts: list[list[str]] = []
        faults: list[tuple[int, str]] = []
        bad = blank = 0
        for row in rows:
            if row.cells == []:
                blank += 1
                continue
            cells = row.cells or []
            whole = len(cells) == len(self._headings)
            found = [number_of_cell(cells[k]) for k in self._used] if whole else []
            fault = row.fault or self._fault(cells, found)
            if not fault:
                numbers.append(found)
                texts.append([cells[k] for k in self._kept])
                continue
            bad += 1
            if len(faults) < MOST_FAULTS:
                faults.append((row.line, fault))
            if self._stop:
                break
        numpy = numpy_for("--points")
        table = numpy.array(numbers, dtype=float).reshape(len(numbers), len(self._used))
        columns = [numpy.ascontiguousarray(column) for column in table.T]
        kept = [[row[k] for row in texts] for k in range(len(self._kept))]
        return Block(columns, kept, tuple(faults), bad, blank)

    def _fault(self, cells: list[str], found: list[float]) -> str:
        """Return what is wrong with a row, "" for a good one."""
        if not found:
            return fault_of_width(cells, self._headings)
        for place, value in zip(self._used, found, strict=True):
            if math.isnan(value):
                broken = _is_broken(cells[place])
                what = "not valid UTF-8" if broken else fault_of_cell(cells[place])
                return f"column {normalized(self._headings[place])}: {what}"
        kept = (cells[place] for place in self._kept)
        return "not valid UTF-8" if any(map(_is_broken, kept)) else ""


def polars_for(size: int) -> Any:
    """Return Polars if it is installed, and loaded already or worth loading for so many bytes."""
    if "polars" not in sys.modules and size < _ENOUGH_FOR_POLARS:
        return None
    try:
        import polars
    except ImportError:
        return None
    return polars


def _is_broken(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text)
