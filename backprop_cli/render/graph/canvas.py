"""A field of characters on which wires join, cross and end, with texts over them.

A wire knows the four directions in which it leaves a cell, so corners and branches come out by
themselves. Where two wires cross there is a plain cross (in ASCII, a bar: one passes behind the
other); where one wire branches four ways, a heavy one.
"""

from typing import NamedTuple

UP, DOWN, LEFT, RIGHT = 1, 2, 4, 8


class Signs(NamedTuple):
    """The signs of a drawing: `wires` by the directions they join, the corners of a frame.

    `apart` is how many cells must be free between two wires, or they would seem to join.
    """

    wires: str
    crossing: str
    idle: str
    arrow: str
    frame: str
    apart: int


UNICODE = Signs(" │││─┘┐┤─└┌├─┴┬╋", "┼", "╌", "▸", "┌┐└┘─│├┤", 0)
ASCII = Signs(" |||-+++-+++-+++", "|", ".", ">", "++++-|++", 1)


def cell_width(text: str) -> int:
    """Return how many cells a text takes."""
    from rich.cells import cell_len

    return cell_len(text)


def cut(text: str, most: int) -> str:
    """Return a text of at most `most` cells, its end replaced by an ellipsis if need be."""
    if cell_width(text) <= most:
        return text
    while text and cell_width(text) > most - 1:
        text = text[:-1]
    return text + "…"


class Canvas:
    """Cells with signs and styles, and wires between them."""

    def __init__(self, signs: Signs) -> None:
        self.signs = signs
        self._cells: dict[tuple[int, int], tuple[str, str]] = {}
        self._wires: dict[tuple[int, int], dict[int, int]] = {}

    def write(self, row: int, column: int, text: str, style: str = "") -> int:
        """Write text and return the column behind it; a wide letter takes two cells."""
        for letter in text:
            across = cell_width(letter)
            if not across:  # an accent: part of the letter before it
                before, look = self._cells.get((row, column - 1), (" ", style))
                self._cells[row, column - 1] = (before + letter, look)
                continue
            self._cells[row, column] = (letter, style)
            if across > 1:
                self._cells[row, column + 1] = ("", style)
            column += across
        return column

    def across(self, row: int, start: int, end: int, owner: int) -> None:
        """Draw a wire along a row, from the middle of one cell to the middle of another."""
        for column in range(start, end):
            self._join(row, column, owner, RIGHT)
            self._join(row, column + 1, owner, LEFT)

    def down(self, column: int, start: int, end: int, owner: int) -> None:
        """Draw a wire along a column."""
        for row in range(start, end):
            self._join(row, column, owner, DOWN)
            self._join(row + 1, column, owner, UP)

    def frame(self, row: int, column: int, height: int, width: int) -> None:
        """Draw a frame of this outer size."""
        signs, last, right = self.signs.frame, row + height - 1, column + width - 1
        for place in range(column + 1, right):
            self.write(row, place, signs[4])
            self.write(last, place, signs[4])
        for place in range(row + 1, last):
            self.write(place, column, signs[5])
            self.write(place, right, signs[5])
        for sign, corner_row, corner in zip(
            signs[:4], (row, row, last, last), (column, right, column, right), strict=True
        ):
            self.write(corner_row, corner, sign)

    def _join(self, row: int, column: int, owner: int, direction: int) -> None:
        cell = self._wires.setdefault((row, column), {})
        cell[owner] = cell.get(owner, 0) | direction

    def lines(self) -> list[list[tuple[str, str]]]:
        """Return the rows, from the top, as words with their styles."""
        cells = dict(self._cells)
        for place, owners in self._wires.items():
            if place not in cells:
                joined = list(owners.values())
                sign = self.signs.wires[joined[0]] if len(joined) == 1 else self.signs.crossing
                cells[place] = (sign, "")
        made: list[list[tuple[str, str]]] = [[] for _ in range(max(r for r, _ in cells) + 1)]
        filled = [0] * len(made)
        for (row, column), (sign, style) in sorted(cells.items()):
            line = made[row]
            if column > filled[row]:
                line.append((" " * (column - filled[row]), ""))
            if line and line[-1][1] == style:
                line[-1] = (line[-1][0] + sign, style)
            else:
                line.append((sign, style))
            filled[row] = column + 1
        return made
