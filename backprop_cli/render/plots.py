"""Curves in the terminal: the axes and labels are ours, the dots are plotille's.

A plot is a canvas of braille dots (two by four a character) between two labelled axes; where the
stream cannot encode braille, the same points are drawn with each series' own letter. The letters
stand on the points in either case, so that nothing depends on colour.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from backprop_cli.render.console import Screen
from backprop_cli.render.numbers import human
from backprop_cli.render.scales import Scale

_WIDEST = 78
_NARROWEST = 16
_HEIGHT = 12
_MOST_MARKS = 24
_MOST_POINTS = 2000
_EMPTY = "⠀"
COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "red")


class Series(NamedTuple):
    """A named curve, and the letter that marks its points."""

    name: str
    points: Sequence[tuple[float, float]]
    marker: str


class Axis(NamedTuple):
    """A labelled scale from 0 (the low end) to 1 (the high end)."""

    label: str
    scale: Scale

    def has(self, value: float) -> bool:
        """Return whether a value can be drawn at all."""
        return math.isfinite(value) and (value > 0 or not self.scale.log)


def axis(label: str, values: Sequence[float], log: bool = False) -> Axis:
    """Return an axis on which all these values can be drawn."""
    shown = [value for value in values if math.isfinite(value) and (value > 0 or not log)]
    low, high = min(shown, default=1.0), max(shown, default=1.0)
    if low == high:
        margin = abs(low) / 10 or 1.0
        low, high = (low / 2, high * 2) if log else (low - margin, high + margin)
    return Axis(label, Scale(low, high, 0.0, 1.0, log))


class Frame:
    """A field of dots between two axes: draw into it, then print it."""

    def __init__(self, screen: Screen, x: Axis, y: Axis, height: int) -> None:
        from plotille import Canvas

        self.screen, self.x, self.y = screen, x, y
        self.labels = self._row_labels(height)
        self.gutter = max(len(text) for text in [*self.labels.values(), ""])
        self.width = max(min(screen.width, _WIDEST) - self.gutter - 4, _NARROWEST)
        self.canvas: Any = Canvas(self.width, height)

    def line(self, points: Sequence[tuple[float, float]], colour: str, letter: str) -> None:
        """Join points by lines; in ASCII, by letters."""
        shown = [point for point in points if self.x.has(point[0]) and self.y.has(point[1])]
        stride = -(-len(shown) // _MOST_POINTS) if shown else 1
        places = [self._place(*point) for point in shown[::stride]]
        for (x0, y0), (x1, y1) in pairwise(places):
            if self.screen.can_draw:
                self.canvas.line(x0, y0, x1, y1, color=self._colour(colour))
            else:
                self._letters(x0, y0, x1, y1, letter)

    def mark(self, point: tuple[float, float], letter: str, colour: str) -> None:
        """Write a letter at a point."""
        if self.x.has(point[0]) and self.y.has(point[1]):
            self.canvas.point(*self._place(*point), marker=letter, color=self._colour(colour))

    def print(self, title: str, legend: str = "") -> None:
        """Write the frame with its title, its axes and a legend."""
        screen = self.screen
        screen.line([(title, "title")])
        for row, dots in enumerate(self.canvas.plot().replace(_EMPTY, " ").split("\n")):
            label = self.labels.get(row, "")
            sign = "┤" if label else "│"
            screen.drawing(f"{label:>{self.gutter}} {sign}{dots}", 2)
        tops, names = self._under()
        screen.drawing(f"{'':{self.gutter}} └{tops}", 2)
        screen.drawing(f"{'':{self.gutter}}  {names}", 2)
        if legend:
            screen.line([(legend, "dim")], 2)

    def _place(self, x: float, y: float) -> tuple[float, float]:
        """Return the canvas's own coordinates, its last dots being just inside."""
        canvas = self.canvas
        return self.x.scale.place(x) * canvas.xmax_inside, self.y.scale.place(
            y
        ) * canvas.ymax_inside

    def _letters(self, x0: float, y0: float, x1: float, y1: float, letter: str) -> None:
        across, up = self.canvas.dots_between(x0, y0, x1, y1)
        count = max(abs(across) // 2, abs(up) // 4, 1)
        for k in range(count + 1):
            part = k / count
            self.canvas.point(x0 + (x1 - x0) * part, y0 + (y1 - y0) * part, marker=letter)

    def _colour(self, colour: str) -> str | None:
        return colour if self.screen.colour else None

    def _row_labels(self, height: int) -> dict[int, str]:
        labels = {}
        for value in self.y.scale.ticks(max(height // 3, 2)):
            row = round((1 - self.y.scale.place(value)) * (height - 1))
            if 0 <= row < height:
                labels[row] = human(value)
        return labels

    def _under(self) -> tuple[str, str]:
        """Return the rule below the field, with its ticks, and the labels of these."""
        rule = ["─"] * self.width
        names = f"{self.x.label:>{self.width}}"
        free = self.width - len(self.x.label) - 1
        texts = [" "] * free
        for value in self.x.scale.ticks(max(self.width // 12, 2)):
            text = human(value)
            column = round(self.x.scale.place(value) * (self.width - 1))
            start = max(column - len(text) // 2, 0)
            taken = texts[max(start - 1, 0) : start + len(text) + 1]
            if (
                0 <= column < self.width
                and start + len(text) <= free
                and not "".join(taken).strip()
            ):
                rule[column] = "┬"
                texts[start : start + len(text)] = text
        return "".join(rule), "".join(texts) + names[free:]


def print_plot(
    series: Sequence[Series],
    screen: Screen,
    title: str,
    x_label: str,
    y_label: str,
    log_x: bool = False,
    log_y: bool = False,
) -> None:
    """Print curves in one field; what has no place on a logarithmic axis is left out."""
    points = [point for one in series for point in one.points]
    x = axis(x_label, [x for x, _ in points], log_x)
    y = axis(y_label, [y for _, y in points], log_y)
    if not any(x.has(a) and y.has(b) for a, b in points):
        return
    frame = Frame(screen, x, y, _HEIGHT)
    for place, one in enumerate(series):
        frame.line(one.points, COLOURS[place % len(COLOURS)], one.marker)
    for place, one in enumerate(series):
        if len(one.points) <= _MOST_MARKS:
            for point in one.points:
                frame.mark(point, one.marker, COLOURS[place % len(COLOURS)])
    legend = ""
    if len(series) > 1:
        legend = "   ".join(f"{one.marker} {one.name}" for one in series)
    frame.print(f"{title}" + (f" ({y_label})" if y_label else ""), legend)
