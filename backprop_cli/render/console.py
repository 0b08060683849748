"""The screen that tables are written to: colours, width, and what a stream cannot encode.

The only file that knows rich, and it imports rich when a table is first made. The renderers hand
over words with the name of a style; here it is decided what the style looks like, whether there
is colour at all, and how `∂` is written for a stream that has no such sign (before the columns
are measured, so that they line up). Nothing is ever read as markup.
"""

import codecs
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

STYLES = {
    "": "",
    "title": "bold",
    "name": "bold",
    "dim": "dim",
    "value": "cyan",
    "gradient": "magenta",
    "good": "green",
    "bad": "bold red",
}
"""What each style looks like; every table can be read without them."""

REPLACEMENTS = {
    "∂": "d",
    "·": "*",
    "×": "x",
    "→": "->",
    "←": "<-",
    "✓": "ok",
    "✗": "no",
    "′": "'",
    "…": "...",
    "–": "-",
    "─": "-",
    "Σ": "sum",
    "±": "+-",
    "µ": "u",
    "ε": "eps",
    "²": "^2",
    "≤": "<=",
    "≥": ">=",
    "∇": "grad ",
    "‖": "|",
    "│": "|",
    "┤": "+",
    "└": "+",
    "┬": "+",
}
"""What stands for each sign of ours on a stream that cannot encode it."""

UNLIMITED = 1_000_000
"""The width of a stream that is no terminal: nothing is ever folded there."""

WIDE_GAP, NARROW_GAP = 3, 2
"""The blanks between the columns of a table: the usual, and for tables of many columns."""

_NARROWEST = 20
_INDENT = 2

Words = Sequence[tuple[str, str]]
"""Pieces of text, each with the name of its style."""


class Column(NamedTuple):
    """A column of a table: its heading."""

    title: str


class Screen:
    """A stream that takes lines and tables."""

    def __init__(self, stream: TextIO, width: int, colour: bool) -> None:
        self.stream = stream
        self.width = width
        self.colour = colour
        self._console: Console | None = None
        self._encoding = _known_encoding(stream)
        self._replacements = str.maketrans(
            {
                sign: plain
                for sign, plain in REPLACEMENTS.items()
                if not _encodes(self._encoding, sign)
            }
        )

    def fit(self, text: str) -> str:
        """Return text in signs that the stream can encode."""
        text = text.translate(self._replacements)
        return text.encode(self._encoding, "backslashreplace").decode(self._encoding)

    def line(self, words: Words = (), indent: int = 0) -> None:
        """Write a line, folded where the screen ends."""
        if not words:
            self.stream.write("\n")
            return
        self._print(self._text(words), indent)

    @property
    def can_draw(self) -> bool:
        """Whether the stream can encode braille dots and blocks."""
        return _encodes(self._encoding, "⣿█")

    def drawing(self, text: str, indent: int = 0) -> None:
        """Write a line of a picture as it stands, with the colours it carries."""
        from rich.text import Text

        self._print(Text.from_ansi(self.fit(text)), indent)

    def table(
        self, columns: Sequence[Column], rows: Iterable[Sequence[Words]], gap: int = WIDE_GAP
    ) -> None:
        """Write a table under a light rule; a cell that is too wide is folded, never cut.

        `gap` is the number of blanks between columns, WIDE_GAP or NARROW_GAP.
        """
        from rich.table import Table

        # Between the columns is rich's own blank, and this padding.
        padding = (0, 1) if gap == WIDE_GAP else (0, 1, 0, 0)
        table = Table(
            box=self._rule(), pad_edge=False, padding=padding, show_edge=False, header_style="dim"
        )
        for column in columns:
            table.add_column(self._text([(column.title, "")]), overflow="fold")
        for row in rows:
            table.add_row(*(self._text(words) for words in row))
        self._print(table, _INDENT)

    def fits(
        self, columns: Sequence[Column], rows: Iterable[Sequence[Words]], gap: int = WIDE_GAP
    ) -> bool:
        """Return whether a table of these cells needs no folding."""
        from rich.cells import cell_len

        widths = [cell_len(self.fit(column.title)) for column in columns]
        for row in rows:
            for place, words in enumerate(row):
                length = cell_len(self.fit("".join(piece for piece, _ in words)))
                widths[place] = max(widths[place], length)
        return _INDENT + sum(widths) + gap * (len(widths) - 1) <= self.width

    def flush(self) -> None:
        """Let what is written be seen."""
        self.stream.flush()

    def _rule(self) -> Any:
        """Return rich's box that has nothing but a rule under the headings."""
        from rich import box

        if _encodes(self._encoding, "─"):
            return box.SIMPLE_HEAD
        blank = "    \n"
        return box.Box(blank * 2 + " -- \n" + blank * 5, ascii=True)

    def _text(self, words: Words) -> "Text":
        from rich.text import Text

        text = Text(overflow="fold")
        for piece, style in words:
            text.append(self.fit(piece), STYLES[style])
        return text

    def _print(self, what: Any, indent: int) -> None:
        """Write without the spaces at the ends of lines with which rich fills its columns."""
        from rich.padding import Padding

        console = self._made_console()
        with console.capture() as capture:
            console.print(Padding(what, (0, 0, 0, indent), expand=False))
        self.stream.write(re.sub(r"[ ]+$", "", capture.get(), flags=re.MULTILINE))

    def _made_console(self) -> "Console":
        if self._console is None:
            from rich.console import Console

            self._console = Console(
                file=self.stream,
                width=max(self.width, _NARROWEST),
                color_system="standard" if self.colour else None,
                force_terminal=self.colour,
                no_color=not self.colour,
                markup=False,
                emoji=False,
                highlight=False,
                legacy_windows=False,
            )
        return self._console


def make_console(color: str = "auto", stream: TextIO | None = None) -> Screen:
    """Return the screen for a stream (standard output if none is given)."""
    stream = sys.stdout if stream is None else stream
    terminal = stream.isatty()
    width = UNLIMITED
    if terminal:
        import shutil

        width = shutil.get_terminal_size((80, 24)).columns
    return Screen(stream, width, wants_colour(color, terminal, os.environ))


def wants_colour(color: str, terminal: bool, environment: Mapping[str, str]) -> bool:
    """Return whether to write in colour, by `--color`, NO_COLOR, FORCE_COLOR and TERM."""
    if color != "auto":
        return color == "always"
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR"):
        return environment["FORCE_COLOR"] != "0"
    return terminal and environment.get("TERM") != "dumb"


def _known_encoding(stream: TextIO) -> str:
    """Return the encoding of a stream; UTF-8 for one that has none, such as a string buffer."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        codecs.lookup(encoding)
    except LookupError:
        return "ascii"
    return encoding


def _encodes(encoding: str, sign: str) -> bool:
    try:
        sign.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
