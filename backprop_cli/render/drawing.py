"""A drawing: a page of SVG with two axes, a title, a legend, and lines cut at their frame.

Plain text, written here: no drawing library, so the same picture is the same bytes. A drawing is
legible on light and on dark pages: its style sheet gives the colours once for each
(`prefers-color-scheme`). Lines that are compared differ in colour and in their dashes; the
colours are told apart by colour-blind readers too (after Okabe & Ito, Color Universal Design,
2008, darkened or lightened for contrast with the page).
"""

import math
import re
from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise
from typing import NamedTuple

from backprop_cli.render.lettering import shortened, width
from backprop_cli.render.numbers import human, tidied
from backprop_cli.render.scales import Scale

Point = tuple[float, float]
Range = tuple[float, float]

WIDTH, HEIGHT = 720, 540
"""The size of a picture in pixels; a legend of several lines makes it higher."""

SHADES, LOOKS = 10, 8
"""How many strengths of contours, and how many looks of lines, there are."""

LIGHT = (
    ("#ffffff", "#1f2328", "#d8dee4"),
    ("#a9cbe5", "#1c3f6e"),
    ("#c44900", "#007a58", "#a8327f", "#1f2328", "#806600", "#5b3fc4", "#0a6a9e", "#7d3c14"),
)
DARK = (
    ("#0d1117", "#e6edf3", "#30363d"),
    ("#33597f", "#cfe6f7"),
    ("#ff8c4a", "#2dd4a2", "#f58fcb", "#e6edf3", "#e8c547", "#a896ff", "#6cc4f5", "#d9a27e"),
)
"""On a light page and a dark one: paper, ink and rules; the faintest and the strongest contour;
the looks of lines."""

_DASHES = ("none", "9 4", "2 4", "10 3 2 3", "18 4", "5 3", "14 3 2 3 2 3", "1 6")

FONT, _TITLE_FONT = 13, 16
"""The sizes of letters, in pixels."""

_TOP, _SIDE, _TICK, _LINE = 64, 24, 5, 22
_SAMPLE, _GAP = 36, 8
_MOST_TICKS = 9
_LONGEST_PLAIN = 6
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Frame(NamedTuple):
    """Where numbers lie in the picture: the scales of its two axes."""

    x: Scale
    y: Scale

    def pieces(self, points: Sequence[Point]) -> list[list[Point]]:
        """Return a line's places in pixels, cut where it leaves the frame or is not finite."""
        placed = [self._place(point) for point in points]
        pieces: list[list[Point]] = []
        for one, other in pairwise(placed if len(placed) > 1 else placed * 2):
            part = self._clipped(one, other) if one and other else None
            if part and pieces and pieces[-1][-1] == part[0]:
                pieces[-1].append(part[1])
            elif part:
                pieces.append(list(part))
        return pieces

    def _place(self, point: Point) -> Point | None:
        x, y = point
        if not (math.isfinite(x) and math.isfinite(y)) or (self.y.log and y <= 0):
            return None
        return self.x.place(x), self.y.place(y)

    def _clipped(self, one: Point, other: Point) -> tuple[Point, Point] | None:
        """Return the part of a segment inside the frame (Liang & Barsky, ACM TOG 3, 1984)."""
        first, last = 0.0, 1.0
        for axis, scale in enumerate((self.x, self.y)):
            low, high = sorted((scale.start, scale.end))
            along = other[axis] - one[axis]
            if along == 0 and not low <= one[axis] <= high:
                return None
            if along:
                enters, leaves = sorted(((low - one[axis]) / along, (high - one[axis]) / along))
                first, last = max(first, enters), min(last, leaves)
        if not first <= last:
            return None
        return self._kept(_between(one, other, first)), self._kept(_between(one, other, last))

    def _kept(self, place: Point) -> Point:
        """Return a place on the frame's edge as rounding should have left it: not beyond."""
        x, y = (
            min(max(at, min(scale.start, scale.end)), max(scale.start, scale.end))
            for at, scale in zip(place, (self.x, self.y), strict=True)
        )
        return x, y


def _between(one: Point, other: Point, share: float) -> Point:
    if share in (0, 1):
        return other if share else one
    return one[0] + share * (other[0] - one[0]), one[1] + share * (other[1] - one[1])


class Drawing:
    """A page that is drawn on from back to front; `text` is the finished document."""

    def __init__(
        self,
        title: str,
        names: tuple[str, str],
        ranges: tuple[Range, Range],
        notes: Sequence[str] = (),
        legend: Sequence[str] = (),
        log_y: bool = False,
    ) -> None:
        self.title = " ".join(title.split())
        self._parts: list[str] = []
        below = [(shortened(note, WIDTH - 2 * _SIDE, FONT), -1) for note in notes]
        below += [(shortened(name, WIDTH / 2, FONT), look) for look, name in enumerate(legend)]
        bottom = HEIGHT - 64
        vertical = Scale(*ranges[1], bottom, _TOP, log_y)
        y_labels = [(place, label(place)) for place in vertical.ticks(_MOST_TICKS)]
        left = _SIDE + _TICK + 4 + max((width(text, FONT) for _, text in y_labels), default=0)
        self.frame = Frame(Scale(*ranges[0], left, WIDTH - _SIDE), vertical)
        self._axes(names, y_labels)
        self._height = bottom + 46
        for row in _rows(below):
            self._height += _LINE
            self._legend_row(row)
        self._height += 14

    def _axes(self, names: tuple[str, str], y_labels: list[tuple[float, str]]) -> None:
        x, y = self.frame
        for value, text in y_labels:
            place = y.place(value)
            self._add(f'<path class="rule" d="M{px(x.start)} {px(place)}H{px(x.end)}"/>')
            self._write(text, x.start - _TICK - 4, place + 4.5, "right")
        for value, text in _labels_that_fit(x):
            place = x.place(value)
            self._add(f'<path class="axis" d="M{px(place)} {px(y.start)}v{_TICK}"/>')
            self._write(text, place, y.start + 20)
        self._add(f'<path class="axis" d="M{px(x.start)} {px(y.end)}V{px(y.start)}H{px(x.end)}"/>')
        self._write(shortened(names[0], WIDTH / 2, FONT), (x.start + x.end) / 2, y.start + 42)
        self._write(shortened(names[1], WIDTH / 2, FONT), x.start, y.end - 10, "left")

    def _legend_row(self, row: list[tuple[str, int, float]]) -> None:
        for text, look, start in row:
            if look >= 0:
                line = f"M{px(start)} {self._height - 4.5}h{_SAMPLE - _GAP}"
                self._add(f'<path class="line p{look % LOOKS}" d="{line}"/>')
                start += _SAMPLE
            self._write(text, start, self._height, "left")

    def lines(self, style: str, lines: Iterable[Sequence[Point]], name: str) -> None:
        """Draw lines of one style; the name appears where the pointer rests."""
        drawn = "".join(_data(piece) for line in lines for piece in self.frame.pieces(line))
        if drawn:
            self._add(f'<path class="{style}" d="{drawn}"><title>{safe(name)}</title></path>')

    def dots(self, style: str, points: Sequence[Point], distance: float) -> None:
        """Mark the points of a path; one that is nearer than `distance` to the last is not."""
        last = (math.inf, math.inf)
        marks = []
        for point in points:
            for place in _ends(self.frame.pieces([point])):
                if math.dist(last, place) >= distance:
                    marks.append(f"M{px(place[0])} {px(place[1])}h0")
                    last = place
        if marks:
            self._add(f'<path class="dots {style}" d="{"".join(marks)}"/>')

    def circle(self, style: str, point: Point) -> None:
        """Draw a circle around a point, if it is inside the frame."""
        for x, y in _ends(self.frame.pieces([point])):
            self._add(f'<circle class="{style}" cx="{px(x)}" cy="{px(y)}" r="5.5"/>')

    def text(self, description: str) -> str:
        """Return the document."""
        height = px(self._height)
        size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
        heading = shortened(self.title, WIDTH - 2 * _SIDE, _TITLE_FONT, bold=True)
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" class="backprop" role="img" {size}>',
                f"<title>{safe(self.title)}</title>",
                f"<desc>{safe(description)}</desc>",
                f"<style>\n{_style()}\n</style>",
                f'<rect class="paper" width="{WIDTH}" height="{height}"/>',
                f'<text class="heading" x="{_SIDE}" y="28">{safe(heading)}</text>',
                *self._parts,
                "</svg>\n",
            ]
        )

    def _add(self, element: str) -> None:
        self._parts.append(element)

    def _write(self, text: str, x: float, y: float, anchor: str = "middle") -> None:
        place = f'x="{px(x)}" y="{px(y)}"'
        self._add(f'<text class="{anchor}" {place}>{safe(text)}</text>')


def _ends(pieces: list[list[Point]]) -> list[Point]:
    """Return the place of a point: the pieces of a line of one point are one, or none."""
    return [piece[0] for piece in pieces]


def label(value: float) -> str:
    """Return a number as an axis has it: in powers of ten where that is shorter."""
    text = human(value)
    if len(text.lstrip("-")) <= _LONGEST_PLAIN:
        return text
    return min(text, tidied(format(value, ".9e")), key=len)


def _labels_that_fit(scale: Scale) -> list[tuple[float, str]]:
    """Return the labels of a horizontal axis, as many as stand beside one another."""
    labels: list[tuple[float, str]] = []
    for most in range(_MOST_TICKS, 0, -1):
        labels = [(value, label(value)) for value in scale.ticks(most)]
        widest = max((width(text, FONT) for _, text in labels), default=0) + 2 * _GAP
        places = [scale.place(value) for value, _ in labels]
        if all(after - before >= widest for before, after in pairwise(places)):
            break
    return labels


def _rows(entries: list[tuple[str, int]]) -> list[list[tuple[str, int, float]]]:
    """Return the entries below the picture row by row, each with where it starts."""
    rows: list[list[tuple[str, int, float]]] = []
    end = math.inf
    for text, look in entries:
        length = width(text, FONT) + (_SAMPLE if look >= 0 else 0) + 3 * _GAP
        if end + length > WIDTH - _SIDE or look <= 0:
            rows.append([])
            end = float(_SIDE)
        rows[-1].append((text, look, end))
        end += length
    return rows


def _data(places: Sequence[Point]) -> str:
    """Return a line as path data."""
    texts = [f"{px(x)} {px(y)}" for x, y in places]
    return f"M{texts[0]}L{' '.join(texts[1:])}"


def px(value: float) -> str:
    """Return a coordinate, to a hundredth of a pixel."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def safe(text: str) -> str:
    """Return text that may stand in XML, whatever it is."""
    return escape(_NOT_XML.sub("\ufffd", text))


def _style() -> str:
    """Return the style sheet: the colours of a light page, then those of a dark one."""
    fixed = (
        f"text{{font:{FONT}px sans-serif}}",
        f".heading{{font-size:{_TITLE_FONT}px;font-weight:600}}",
        ".middle{text-anchor:middle}.right{text-anchor:end}",
        "path{fill:none}.rule,.axis{stroke-width:1}.contour{stroke-width:1.2}",
        ".line{stroke-width:2.2;stroke-linejoin:round}circle{stroke-width:2.2}",
        ".dots{stroke-width:5;stroke-linecap:round}",
        "".join(f".line.p{k}{{stroke-dasharray:{dash}}}" for k, dash in enumerate(_DASHES)),
    )
    return "\n".join(
        scoped(part) for part in (*fixed, *_colours(*LIGHT), "@media(prefers-color-scheme:dark){")
    ) + "\n".join(("", *map(scoped, _colours(*DARK)), "}"))


def _colours(
    page: tuple[str, str, str], shades: tuple[str, str], looks: tuple[str, ...]
) -> list[str]:
    paper, ink, rules = page
    return [
        f".paper{{fill:{paper}}}text{{fill:{ink}}}.axis{{stroke:{ink}}}.rule{{stroke:{rules}}}",
        "".join(f".s{k}{{stroke:{_mixed(*shades, k / (SHADES - 1))}}}" for k in range(SHADES)),
        "".join(f".p{k}{{stroke:{colour}}}" for k, colour in enumerate(looks)),
        f".start{{fill:{paper}}}"
        + "".join(f".stop.p{k}{{fill:{colour}}}" for k, colour in enumerate(looks)),
    ]


def _mixed(one: str, other: str, share: float) -> str:
    pairs = ((int(one[k : k + 2], 16), int(other[k : k + 2], 16)) for k in (1, 3, 5))
    return "#" + "".join(f"{round(a + share * (b - a)):02x}" for a, b in pairs)


def scoped(rules: str) -> str:
    """Return rules that hold inside a picture only, also when a page contains the picture."""
    return re.sub(r"(^|[},])(?=[.a-z])", r"\1.backprop ", rules)
