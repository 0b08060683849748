"""Rows of points: a CSV file, or a pipe, read in blocks, the good rows as columns of numbers.

The rules are those of `studies/data.py`: the first line names the columns, a cell that is used is
a finite number, a row has a cell for each column. A block of well-formed rows, the usual case, is
read by Polars if it is installed. Whatever that does not read without the least doubt is read by
Python's csv, which is slower and defines what is right; the faults it finds are told by line.

A block ends at a line end outside quotes. Where quotes are not as RFC 4180 has them that cannot be
known without reading on, so from there the rest of the stream is read as one, row by row.
"""

import csv
import itertools
import math
import os
import select
import sys
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

from backprop_cli.errors import FileProblem
from backprop_cli.language.tokens import normalized
from backprop_cli.studies.data import fault_of_cell, fault_of_width, number_of_cell, numpy_for

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Column = NDArray[np.float64]

BLOCK = 1 << 20
"""Bytes that are read at a time."""

_LARGEST_ROW = 8 << 20
_SMALLEST_FOR_POLARS = 1 << 16
_PATIENCE = 0.05
_ROWS_AT_ONCE = 8192
_MOST_FAULTS = 20
_QUOTE, _NEWLINE, _COMMA, _RETURN = (ord(sign) for sign in '"\n,\r')


class Chunk(NamedTuple):
    """Whole rows of the file as bytes, their quotes well-formed; the first stands on `line`."""

    data: bytes
    line: int


class Block(NamedTuple):
    """The good rows of a part of the file, in order.

    `columns` are those that bind names, `kept` the texts of the columns that pass through (lists,
    or series of Polars). `faults` has the first bad rows, as (line, what is wrong); `bad` counts
    all of them.
    """

    columns: "list[Column]"
    kept: list[Any]
    faults: tuple[tuple[int, str], ...] = ()
    bad: int = 0

    @property
    def size(self) -> int:
        """The number of good rows."""
        return len(self.columns[0])


class PointRows:
    """The rows of a CSV file (`-` is standard input); its headings are read at once."""

    def __init__(self, path: str) -> None:
        """Open the file and read its first line. Raises `FileProblem`."""
        self.title = "standard input" if path == "-" else path[:80]
        self._file = _opened(path, self.title)
        self._live = not os.path.isfile("/dev/stdin" if path == "-" else path)
        self._carriage = False
        self._ended = False
        self._data = b""
        self.taken = 0
        """Bytes that were read so far."""
        self._line = 1
        self.headings = self._read_headings()
        self._places: list[int] = []
        self._kept: list[int] = []

    @property
    def size(self) -> int | None:
        """The bytes of the whole file, None where that cannot be known."""
        return None if self._live else os.fstat(self._file.fileno()).st_size

    def choose(self, used: Sequence[int], kept: Sequence[int]) -> None:
        """Say which columns are numbers, and which pass through, by their places."""
        self._places, self._kept = list(used), list(kept)

    # -------------------------------------------------------------- bytes

    def _fill(self, wanted: int) -> None:
        """Read on until there are `wanted` bytes, or, from a pipe, until nothing more waits."""
        while len(self._data) < wanted and not self._ended:
            if self._live and b"\n" in self._data and not _waiting(self._file):
                return
            try:
                part = os.read(self._file.fileno(), BLOCK)
            except OSError as error:
                reason = (error.strerror or "unreadable").lower()
                raise FileProblem(f"cannot read {self.title!r}: {reason}") from None
            self._ended = not part
            self.taken += len(part)
            self._data += part.replace(b"\r", b"\n") if self._carriage else part

    def _read_headings(self) -> list[str]:
        self._fill(BLOCK)
        if b"\n" not in self._data and b"\r" in self._data:  # line ends of old
            self._carriage = True
            self._data = self._data.replace(b"\r", b"\n")
        self._data = self._data.removeprefix(b"\xef\xbb\xbf")
        lines = self._data.splitlines(keepends=True)
        reader = csv.reader((line.decode("utf-8", "replace") for line in lines), **_DIALECT)
        try:
            headings = next((row for row in reader if any(cell.strip() for cell in row)), [""])
        except csv.Error as error:
            raise FileProblem(f"{self.title} line {reader.line_num}: {error}") from None
        self._data = b"".join(lines[reader.line_num :])
        self._line = reader.line_num + 1
        return [heading.strip() for heading in headings]

    def parts(self) -> Iterator[Chunk | Block]:
        """Yield the rest of the file: chunks, or blocks where it has to be read in one go."""
        wanted = BLOCK
        while True:
            self._fill(wanted)
            end = _last_row_end(self._data, self._ended)
            if end:
                chunk = Chunk(self._data[:end], self._line)
                self._data = self._data[end:]
                self._line += chunk.data.count(b"\n")
                wanted = BLOCK
                yield chunk
            elif end == 0 and self._ended:
                return
            elif end is None or len(self._data) > _LARGEST_ROW:
                yield from self._in_one_go()
                return
            else:
                wanted = len(self._data) + BLOCK

    # -------------------------------------------------------------- rows

    def block(self, part: Chunk | Block, first_only: bool = False) -> Block:
        """Return the rows of a part; with `first_only`, only those before the first bad one."""
        if isinstance(part, Block):
            return part
        made = None
        if "polars" in sys.modules or len(part.data) >= _SMALLEST_FOR_POLARS:
            made = self._by_polars(part.data)
        if made is None:
            lines = part.data.splitlines(keepends=True) if part.data else []
            made = self._collected(self._rows(iter(lines), part.line), first_only)
        return made

    def _by_polars(self, data: bytes) -> Block | None:
        """Return the rows of well-formed bytes, None where there is any doubt."""
        polars = polars_if_there()
        if polars is None:
            return None
        wanted = {*self._places, *self._kept}
        numbers = {*self._places} - {*self._kept}
        names = [str(place) for place in range(len(self.headings))]
        kinds = [polars.Float64 if k in numbers else polars.String for k in range(len(names))]
        try:
            frame = polars.read_csv(
                BytesIO(data),
                has_header=False,
                schema=dict(zip(names, kinds, strict=True)),
                columns=sorted(wanted),
            )
            series = {place: frame[str(place)] for place in wanted}
            found = [
                series[place].cast(polars.Float64) if place in self._kept else series[place]
                for place in self._places
            ]
        except polars.exceptions.PolarsError:
            return None
        numpy = numpy_for("--points")
        commas = _commas(data)
        if commas != frame.height * (len(names) - 1) or any(one.null_count() for one in found):
            return None
        columns = [one.to_numpy() for one in found]
        if not all(numpy.isfinite(column).all() for column in columns):
            return None
        return Block(columns, [series[place].str.strip_chars_start(" ") for place in self._kept])

    def _rows(
        self, lines: Iterator[bytes], first: int
    ) -> Iterator[tuple[int, list[str] | None, str]]:
        """Yield (line, cells, "") for each row that is not blank, or (line, None, its fault)."""
        reader = csv.reader((line.decode("utf-8", "surrogateescape") for line in lines), **_DIALECT)
        while True:
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield first + reader.line_num - 1, None, str(error)
                continue
            if len(row) > 1 or (row and row[0].strip()):
                yield first + reader.line_num - 1, row, ""

    def _collected(
        self, rows: Iterator[tuple[int, list[str] | None, str]], first_only: bool
    ) -> Block:
        """Return rows as columns, and what is wrong with the bad ones."""
        numbers: list[list[float]] = []
        texts: list[list[str]] = []
        faults: list[tuple[int, str]] = []
        bad = 0
        for line, row, fault in rows:
            if row is not None:
                found = [number_of_cell(row[k]) for k in self._places] if len(row) == len(self.headings) else []  # fmt: skip  # noqa: E501
                fault = self._fault(row, found)
            if row is None or fault:
                bad += 1
                if len(faults) < _MOST_FAULTS:
                    faults.append((line, fault))
                if first_only:
                    break
                continue
            numbers.append(found)
            texts.append([row[k] for k in self._kept])
        numpy = numpy_for("--points")
        table = numpy.array(numbers, dtype=float).reshape(len(numbers), len(self._places))
        columns = [numpy.ascontiguousarray(column) for column in table.T]
        kept = [[row[k] for row in texts] for k in range(len(self._kept))]
        return Block(columns, kept, tuple(faults), bad)

    def _fault(self, row: list[str], found: list[float]) -> str:
        """Return what is wrong with a row, "" for a good one."""
        if not found:
            return fault_of_width(row, self.headings)
        for place, value in zip(self._places, found, strict=True):
            if math.isnan(value):
                name = normalized(self.headings[place])
                return f"column {name}: {fault_of_cell(row[place])}"
        kept = (row[place] for place in self._kept)
        if any(not text.isascii() and _is_broken(text) for text in kept):
            return "not valid UTF-8"
        return ""

    def _in_one_go(self) -> Iterator[Block]:
        """Yield the rest of the stream in blocks, read by one reader from here on."""
        rows = self._rows(self._rest_lines(), self._line)
        while batch := list(itertools.islice(rows, _ROWS_AT_ONCE)):
            yield self._collected(iter(batch), first_only=False)

    def _rest_lines(self) -> Iterator[bytes]:
        while True:
            end = self._data.rfind(b"\n") + 1
            if self._ended and not end:
                end = len(self._data)
            yield from self._data[:end].splitlines(keepends=True)
            self._data = self._data[end:]
            if self._ended and not self._data:
                return
            self._fill(len(self._data) + BLOCK)


_DIALECT: dict[str, Any] = {"skipinitialspace": True, "strict": True}


def polars_if_there() -> Any:
    """Return Polars, which reads and writes CSV fast, None where it is not installed."""
    try:
        import polars
    except ImportError:
        return None
    return polars


def _opened(path: str, title: str) -> Any:
    try:
        return open(0 if path == "-" else path, "rb", buffering=0, closefd=path != "-")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"
        raise FileProblem(f"cannot read {title!r}: {reason.lower()}") from None


def _waiting(file: Any) -> bool:
    """Return whether more bytes of a pipe are there, or come within a moment."""
    try:
        return bool(select.select([file], [], [], _PATIENCE)[0])
    except (OSError, ValueError):  # not a thing that can be waited for, as files on Windows
        return True


def _is_broken(text: str) -> bool:
    return any("\ud800" <= sign <= "\udfff" for sign in text)


def _last_row_end(data: bytes, ended: bool) -> int | None:
    """Return where the last whole row ends, 0 if there is none, None if quotes are not in order."""
    if b'"' not in data:
        return len(data) if ended else data.rfind(b"\n") + 1
    numpy = numpy_for("--points")
    signs = numpy.frombuffer(data, numpy.uint8)
    quotes = numpy.flatnonzero(signs == _QUOTE)
    ends = numpy.flatnonzero(signs == _NEWLINE)
    outside = ends[numpy.searchsorted(quotes, ends) % 2 == 0]
    end = len(data) if ended else (int(outside[-1]) + 1 if len(outside) else 0)
    quotes = quotes[quotes < end]
    if len(quotes) % 2:
        return None
    around = numpy.concatenate(([_NEWLINE], signs[:end], [_NEWLINE]))
    before, after = around[quotes[::2]], around[quotes[1::2] + 2]
    opened = numpy.isin(before, (_COMMA, _NEWLINE, _QUOTE))
    closed = numpy.isin(after, (_COMMA, _NEWLINE, _QUOTE, _RETURN))
    return end if opened.all() and closed.all() else None


def _commas(data: bytes) -> int:
    """Return the number of commas outside quotes, which are well-formed."""
    if b'"' not in data:
        return data.count(b",")
    numpy = numpy_for("--points")
    signs = numpy.frombuffer(data, numpy.uint8)
    quotes = numpy.flatnonzero(signs == _QUOTE)
    commas = numpy.flatnonzero(signs == _COMMA)
    return int((numpy.searchsorted(quotes, commas) % 2 == 0).sum())
