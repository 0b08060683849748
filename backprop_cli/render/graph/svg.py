"""The picture of a graph as SVG, in the manner of the lectures.

An operation is a circle with its sign; its value stands above the wire that leaves it, and below,
in italics behind an arrow that points back, the gradient; the local slope sits on the wire that
enters. Value and gradient differ in colour, in place and in form, so nothing depends on colour.

Node k is the group `nK`, its value's text is `nK-value`, its gradient's `nK-adjoint`; the wire into
operand j of node k is the group `eK-J` with its slope `eK-J-slope`. (The second picture of a file
has `2-` before each, and so on.) Colours are CSS variables of the class `backprop`, given for
light pages and for dark ones; a page that embeds the picture may set them anew.
"""

from collections.abc import Sequence
from typing import NamedTuple

from backprop_cli.render.drawing import px, safe
from backprop_cli.render.graph.diagram import Diagram, Item, Wire, diagram
from backprop_cli.render.graph.places import PAD, TIP, Places
from backprop_cli.render.graph.style import (
    FONT,
    HEADING,
    LONGEST_SLOPE,
    SMALL,
    badge_width,
    folded,
    sign_text,
    style_sheet,
    texts,
    value_width,
)
from backprop_cli.render.lettering import shortened, width
from backprop_cli.studies.solution import Answer, Solution

MARGIN = 20.0
_LINE = 22.0
_NARROWEST = 480.0
_SAMPLE, _APART = 28.0, 24.0
_WIDEST_HEADING = 1400.0
_MOST_TOLD = 60
_HARD, _LONGEST_UNTORN = "\u00a0", 40


class Rectangle(NamedTuple):
    """The box of something drawn, for those who must know that nothing overlaps."""

    what: str
    x: float
    y: float
    width: float
    height: float


def picture(solution: Solution, answer: Answer, *, embedded: bool = False) -> str:
    """Return the picture of one output at a point; embedded, without heading, legend and paper."""
    return document([diagram(solution, answer)], embedded=embedded)


def document(
    diagrams: Sequence[Diagram], *, embedded: bool = False, fixed_colours: bool = False
) -> str:
    """Return one picture of several outputs, one under the other.

    With `fixed_colours`, the colours are those of a light page, written out: for converters that
    know neither CSS variables nor a reader's preference.
    """
    made = [Picture(shown, f"{k + 1}-" if k else "", embedded) for k, shown in enumerate(diagrams)]
    across = max(one.width for one in made)
    parts: list[str] = []
    down = 0.0
    for one in made:
        moved = f' transform="translate(0 {px(down)})"' if down else ""
        parts += [f"<g{moved}>", *one.parts, "</g>"]
        down += one.height
    size = f"{px(across)} {px(down)}"
    fixed = f'width="{px(across)}" height="{px(down)}" '
    paper = f'<rect class="paper" width="{px(across)}" height="{px(down)}"/>'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="backprop" role="img"'
            f' {fixed}viewBox="0 0 {size}">',
            f"<title>{safe(' '.join(shown.title for shown in diagrams))}</title>",
            f"<desc>{safe(' '.join(_told(shown) for shown in diagrams))}</desc>",
            f"<style>\n{style_sheet(fixed_colours)}\n</style>",
            *([] if embedded else [paper]),
            *parts,
            "</svg>\n",
        ]
    )


class Picture:
    """One output's picture: its parts, from back to front, and its size.

    `boxes` are the places of all shapes and texts, for those who must know that none overlap.
    """

    def __init__(self, shown: Diagram, prefix: str = "", embedded: bool = False) -> None:
        self.shown, self.prefix = shown, prefix
        self.parts: list[str] = []
        self.boxes: list[Rectangle] = []
        self.top = MARGIN
        self.places = Places(shown, MARGIN)
        self.width = self.places.columns[-1].right + MARGIN
        if not embedded:
            legend = self._legend()
            lengths = [
                width(text, SMALL) + _APART + _SAMPLE * (style in ("badge", "idle"))
                for style, text in legend
            ]
            self.width = max(self.width, sum(lengths) + 2 * MARGIN, _NARROWEST)
            self._heading()
        self._add(f'<g transform="translate(0 {px(self.top)})">')
        for item in shown.items:
            for j, wire in enumerate(item.wires):
                self._wire(item, j, wire)
        for item in shown.items:
            self._node(item)
        self._add("</g>")
        self.height = self.top + self.places.height + MARGIN
        if not embedded:
            self._foot(legend, lengths)

    def _wire(self, item: Item, j: int, wire: Wire) -> None:
        """Draw a wire up to the shape it enters, with an arrow's tip and its slope."""
        x, y = self.places.entry_of(item, j)
        key = f"{self.prefix}e{item.node}-{wire.position}"
        look = "wire" if wire.flows else "wire idle"
        self._add(f'<g id="{key}" class="edge">')
        if wire.story:
            self._add(f"<title>{safe(wire.story)}</title>")
        self._add(f'<path class="{look}" d="{self.places.path(item, j, x - TIP + 1)}"/>')
        tip = f"M{px(x - TIP)} {px(y - 4)}l{px(TIP)} 4l-{px(TIP)} 4z"
        self._add(f'<path class="tip" d="{tip}"/>')
        if wire.slope:
            self._badge(key, wire, x - TIP - PAD, y)
        self._add("</g>")

    def _badge(self, key: str, wire: Wire, right: float, y: float) -> None:
        """Draw the slope of a wire in a frame that ends at `right`."""
        across = badge_width(wire)
        x = right - across
        self._box("badge", Rectangle(key, x, y - 9, across, 18), 9)
        text = shortened(wire.slope, LONGEST_SLOPE, SMALL)
        place = f'x="{px(x + across / 2)}" y="{px(y + 4.2)}"'
        self._add(f'<text id="{key}-slope" class="slope" {place}>{safe(text)}</text>')

    def _node(self, item: Item) -> None:
        """Draw a shape with its sign, the wire that leaves it, and what stands on that."""
        (x, y), (across, high) = self.places.middle_of(item), self.places.shape_of(item)
        column = self.places.columns[self.places.column_of(item)]
        key = f"{self.prefix}n{item.node}"
        self._add(f'<g id="{key}" class="node {item.kind}"><title>{safe(item.story)}</title>')
        self._add(f'<path class="wire" d="M{px(x + across / 2)} {px(y)}H{px(column.right)}"/>')
        corner = self.places.corner_of(item)
        place = Rectangle(key, x - across / 2, y - high / 2, across, high)
        self._box("shape", place, corner)
        self._add(f'<text class="sign" x="{px(x)}" y="{px(y + 5)}">{safe(sign_text(item))}</text>')
        self._labels(item, key, column.labels + PAD, y)
        self._add("</g>")

    def _labels(self, item: Item, key: str, x: float, y: float) -> None:
        """Write the value above a wire and the gradient below it."""
        name, value, gradient = texts(item)
        if name or value:
            self.boxes.append(Rectangle(f"{key}-value", x, y - 20, value_width(item), 17))
            lead = f'<tspan class="name">{safe(name)}</tspan>' if name else ""
            self._add(
                f'<text class="value" x="{px(x)}" y="{px(y - 7)}">{lead}'
                f'<tspan id="{key}-value">{safe(value)}</tspan></text>'
            )
        if gradient:
            across = width(f"← {gradient}", FONT)
            self.boxes.append(Rectangle(f"{key}-adjoint", x, y + 3, across, 17))
            self._add(
                f'<text class="gradient" x="{px(x)}" y="{px(y + 17)}">← '
                f'<tspan id="{key}-adjoint">{safe(gradient)}</tspan></text>'
            )

    def _box(self, look: str, place: Rectangle, corner: float) -> None:
        self.boxes.append(place)
        size = f'width="{px(place.width)}" height="{px(place.height)}" rx="{px(corner)}"'
        self._add(f'<rect class="{look}" x="{px(place.x)}" y="{px(place.y)}" {size}/>')

    def _heading(self) -> None:
        """Write the program and the point, and leave the room they take."""
        room = min(self.width - 2 * MARGIN, _WIDEST_HEADING)
        title = folded(_untorn(self.shown.title), room, HEADING, bold=True)
        lines = [("heading", line, 23.0) for line in title]
        if self.shown.point:
            point = f"at {self.shown.point}".replace(" = ", f"{_HARD}={_HARD}")
            lines += [("note", line, 18.0) for line in folded(point, room, SMALL)]
        y = 10.0
        for style, line, step in lines:
            y += step
            self._write(style, line, MARGIN, y)
        self.top = y + _LINE

    def _legend(self) -> list[tuple[str, str]]:
        """Return what is explained below the picture: styles and words."""
        name = shortened(self.shown.name, 80, SMALL)
        found = []
        if any(item.value for item in self.shown.items):
            found.append(("value", "value, above"))
        if any(item.gradient for item in self.shown.items):
            found.append(("gradient", f"← gradient of {name}, below"))
        wires = [wire for item in self.shown.items for wire in item.wires]
        if any(wire.slope for wire in wires):
            found.append(("badge", "local slope"))
        if not all(wire.flows for wire in wires):
            found.append(("idle", "no gradient flows"))
        return found

    def _foot(self, legend: list[tuple[str, str]], lengths: list[float]) -> None:
        """Write what the signs mean, and which inputs are not in the picture."""
        x, y = MARGIN, self.height + 4
        for (style, words), length in zip(legend, lengths, strict=True):
            start = x
            if style == "badge":
                box = f'x="{px(x)}" y="{px(y - 13)}" width="22" height="18" rx="9"'
                self._add(f'<rect class="badge" {box}/>')
            elif style == "idle":
                self._add(f'<path class="wire idle" d="M{px(x)} {px(y - 4)}h22"/>')
            if style in ("badge", "idle"):
                start, style = x + _SAMPLE, ""
            self._write(f"note {style}".strip(), words, start, y)
            x += length
        if self.shown.unused:
            y += _LINE
            names = f"not read by {self.shown.name}: {', '.join(self.shown.unused)}"
            self._write("note", shortened(names, self.width - 2 * MARGIN, SMALL), MARGIN, y)
        self.height = y + MARGIN

    def _write(self, style: str, text: str, x: float, y: float) -> None:
        place = f'x="{px(x)}" y="{px(y)}"'
        self._add(f'<text class="{style}" {place}>{safe(text)}</text>')

    def _add(self, element: str) -> None:
        self.parts.append(element)


def _untorn(program: str) -> str:
    """Return a program that is folded between its statements, unless one is long."""
    parts = program.split("; ")
    return "; ".join(
        part.replace(" ", _HARD) if len(part) < _LONGEST_UNTORN else part for part in parts
    )


def _told(shown: Diagram) -> str:
    """Return a picture in words."""
    told = "; ".join(item.story for item in shown.items[:_MOST_TOLD])
    rest = len(shown.items) - _MOST_TOLD
    return f"{told}; and {rest:,} more" if rest > 0 else told
