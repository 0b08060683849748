"""A CSV file, or a pipe, cut into chunks of whole rows: constant memory, however long it is.

A chunk ends at a line end outside quotes. Where quotes are not as RFC 4180 has them that cannot be
known without reading on, so from there the stream is read row by row, which is slower. A pipe is
not waited for: what has come, in whole rows, is handed on.
"""

import itertools
import os
import select
import stat
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from backprop_cli.errors import FileProblem, LimitExceeded
from backprop_cli.studies.data import LONGEST_CELL, Row, check_text, numpy_for, read_rows

BYTES_AT_ONCE = 1 << 20
"""Bytes that are read at a time."""

LONGEST_LINE = LONGEST_CELL
"""Bytes of a line, or of a row of quoted lines, above which a file is refused as no CSV."""

_PATIENCE = 0.05
_ROWS_AT_ONCE = 8192
_ROWS_OF_A_PIPE = 100_000
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_QUOTE, _NEWLINE, _COMMA, _RETURN = (ord(sign) for sign in '"\n,\r')


class Chunk(NamedTuple):
    """Whole rows: bytes whose quotes are well-formed, the first on `line`; or rows already read."""

    data: bytes
    line: int
    rows: "list[Row] | None" = None


def rows_of(lines: Iterable[bytes], first: int) -> Iterator[Row]:
    """Yield each row and each blank line of bytes; the first line has number `first`."""
    return read_rows((line.decode("utf-8", "surrogateescape") for line in lines), first)


class Chunks:
    """The rows of a CSV file (`-` is standard input) after its headings, in chunks."""

    def __init__(self, path: str) -> None:
        """Open the file and read its first line that is not blank. Raises `FileProblem`."""
        self.title = "standard input" if path == "-" else path[:80]
        self._file = _opened(path, self.title)
        self._is_file = stat.S_ISREG(os.fstat(self._file.fileno()).st_mode)
        self._data, self._line = b"", 1
        self._ended = self._carriage = False
        self.taken = 0
        """Bytes that were read so far."""
        self._fill(BYTES_AT_ONCE)
        check_text(self._data[:4], self.title)
        if b"\n" not in self._data and b"\r" in self._data:  # line ends of old
            self._carriage = True
            self._data = self._data.replace(b"\r", b"\n")
        self._data = self._data.removeprefix(_BYTE_ORDER_MARK)
        row = next((row for row in rows_of(self._lines(), 1) if row.cells != []), Row(1, [""]))
        if row.cells is None:
            raise FileProblem(f"{self.title} line {row.line}: {row.fault}")
        self.headings = [_decoded(heading).strip() for heading in row.cells]

    @property
    def size(self) -> int | None:
        """The bytes of the whole file, None where that cannot be known."""
        return os.fstat(self._file.fileno()).st_size if self._is_file else None

    @property
    def rows(self) -> int:
        """About how many rows there are: by the length of the first; a guess for a pipe."""
        if self.size is None:
            return _ROWS_OF_A_PIPE
        return self.size // max(1, self._data.find(b"\n") + 1)

    def __iter__(self) -> Iterator[Chunk]:
        """Yield the rest of the file. Raises `FileProblem`, or `LimitExceeded` for a huge line."""
        wanted = BYTES_AT_ONCE
        while True:
            self._fill(wanted)
            end = _last_row_end(self._data, self._ended)
            if end:
                chunk = Chunk(self._data[:end], self._line)
                self._take(end)
                wanted = BYTES_AT_ONCE
                yield chunk
            elif end == 0 and self._ended:
                return
            elif end is None or len(self._data) > LONGEST_LINE:
                yield from self._row_by_row()
                return
            else:
                wanted = len(self._data) + BYTES_AT_ONCE

    def _fill(self, wanted: int) -> None:
        """Read on until there are `wanted` bytes, or, from a pipe, until nothing more waits."""
        while len(self._data) < wanted and not self._ended:
            if not self._is_file and b"\n" in self._data and not _waiting(self._file):
                return
            try:
                part = os.read(self._file.fileno(), BYTES_AT_ONCE)
            except OSError as error:
                reason = (error.strerror or "unreadable").lower()
                raise FileProblem(f"cannot read {self.title!r}: {reason}") from None
            self._ended = not part
            self.taken += len(part)
            self._data += part.replace(b"\r", b"\n") if self._carriage else part

    def _take(self, count: int) -> bytes:
        """Return the next bytes and count their lines."""
        data, self._data = self._data[:count], self._data[count:]
        self._line += data.count(b"\n") + lone_returns(data)
        return data

    def _lines(self, ahead: bool = False) -> Iterator[bytes]:
        """Yield the lines from here on. Without `ahead`, each is taken when it is asked for."""
        while True:
            end = (self._data.rfind(b"\n") if ahead else self._data.find(b"\n")) + 1
            if not end and not self._ended:
                if len(self._data) > LONGEST_LINE:
                    size = f"{LONGEST_LINE >> 20} MiB"
                    raise LimitExceeded(f"{self.title} line {self._line} is longer than {size}")
                self._fill(len(self._data) + BYTES_AT_ONCE)
                continue
            if not self._data:
                return
            yield from self._take(end or len(self._data)).splitlines(keepends=True)

    def _row_by_row(self) -> Iterator[Chunk]:
        """Yield the rest of the stream, read by one reader from here on."""
        rows = rows_of(self._lines(ahead=True), self._line)
        while batch := list(itertools.islice(rows, _ROWS_AT_ONCE)):
            yield Chunk(b"", batch[0].line, batch)


def lone_returns(data: bytes) -> int:
    """Return how many carriage returns end a line by themselves."""
    return data.count(b"\r") - data.count(b"\r\n") if b"\r" in data else 0


def _opened(path: str, title: str) -> Any:
    try:
        return open(0 if path == "-" else path, "rb", buffering=0, closefd=path != "-")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"
        raise FileProblem(f"cannot read {title!r}: {reason.lower()}") from None


def _decoded(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _waiting(file: Any) -> bool:
    """Return whether more bytes of a pipe are there, or come within a moment."""
    try:
        return bool(select.select([file], [], [], _PATIENCE)[0])
    except (OSError, ValueError):  # not a thing that can be waited for, as files on Windows
        return True


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


def outside_quotes(data: bytes, sign: bytes) -> int:
    """Return how often a sign is outside quotes, which are well-formed."""
    if b'"' not in data:
        return data.count(sign)
    numpy = numpy_for("--points")
    signs = numpy.frombuffer(data, numpy.uint8)
    quotes = numpy.flatnonzero(signs == _QUOTE)
    places = numpy.flatnonzero(signs == sign[0])
    return int((numpy.searchsorted(quotes, places) % 2 == 0).sum())
