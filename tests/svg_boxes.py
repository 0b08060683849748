"""What a picture covers: boxes of its texts by a real font, of its shapes, points of its wires."""

import math
import re
import xml.etree.ElementTree as ElementTree
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from tests.lettering import Font

SVG = "{http://www.w3.org/2000/svg}"
_ABOVE, _BELOW = 0.76, 0.24
"""How far letters rise above their line and hang below it, in sizes: capitals, brackets, tails."""


class Box(NamedTuple):
    """A rectangle, what it is (`sign`, `value`, `shape`, ...), and whose: node, wire or neither."""

    what: str
    owner: str
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "Box") -> bool:
        """Return whether the two have a point inside in common."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def holds(self, other: "Box") -> bool:
        """Return whether the other lies inside."""
        return (
            self.left <= other.left
            and other.right <= self.right
            and self.top <= other.top
            and other.bottom <= self.bottom
        )

    def contains(self, x: float, y: float) -> bool:
        """Return whether a point is inside."""
        return self.left < x < self.right and self.top < y < self.bottom


class Drawn(NamedTuple):
    """All of a picture: texts, shapes and badges, the points of each wire, the page."""

    texts: list[Box]
    shapes: list[Box]
    wires: dict[str, list[tuple[float, float]]]
    page: Box


def drawn(svg: str, font: Font) -> Drawn:
    """Return what a picture covers, its texts set in a font."""
    root = ElementTree.fromstring(svg)
    page = Box("page", "", 0, 0, float(root.get("width", "0")), float(root.get("height", "0")))
    made = Drawn([], [], {}, page)
    for element, owner, down in _elements(root):
        style = element.get("class", "")
        if element.tag == f"{SVG}text":
            made.texts.append(_text(element, style, owner, down, font))
        elif element.tag == f"{SVG}rect" and style != "paper":
            x, y = float(element.get("x", "0")), float(element.get("y", "0")) + down
            across, high = float(element.get("width", "0")), float(element.get("height", "0"))
            made.shapes.append(Box(style, owner, x, y, x + across, y + high))
        elif element.tag == f"{SVG}path" and "wire" in style and owner:
            points = [(x, y + down) for x, y in _points(element.get("d", ""))]
            made.wires.setdefault(owner, []).extend(points)
    return made


def _elements(root: ElementTree.Element) -> Iterator[tuple[ElementTree.Element, str, float]]:
    """Yield every element with the group that owns it and how far it is moved down."""
    waiting = [(root, "", 0.0)]
    while waiting:
        element, owner, down = waiting.pop()
        moved = re.search(r"translate\(0 ([\d.]+)\)", element.get("transform", ""))
        down += float(moved[1]) if moved else 0.0
        if element.get("class", "").split()[:1] in (["node"], ["edge"]):
            owner = element.get("id", "")
        yield element, owner, down
        waiting += [(child, owner, down) for child in element]


def _text(element: ElementTree.Element, style: str, owner: str, down: float, font: Font) -> Box:
    text = "".join(element.itertext())
    bold = style == "heading" or (style == "sign")
    size = 16 if style == "heading" else 12 if style.startswith(("slope", "note")) else 14
    across = font.width(text, size, bold)
    x, y = float(element.get("x", "0")), float(element.get("y", "0")) + down
    left = x - across / 2 if style in ("sign", "slope") else x
    return Box(style, owner, left, y - _ABOVE * size, left + across, y + _BELOW * size)


def _points(data: str) -> Iterator[tuple[float, float]]:
    """Yield points along a path of M, H, V and C, no further than 2 pixels from one another."""
    x = y = 0.0
    for command, numbers in re.findall(r"([MHVC])([^MHVC]*)", data):
        values = [float(number) for number in re.findall(r"-?[\d.]+", numbers)]
        if command == "M":
            x, y = values
            yield x, y
            continue
        if command == "C":
            a, b, c, d, end_x, end_y = values
        else:
            end_x, end_y = (values[0], y) if command == "H" else (x, values[0])
            a, b, c, d = x, y, end_x, end_y
        steps = max(2, int(math.hypot(end_x - x, end_y - y)))
        for step in range(1, steps + 1):
            t = step / steps
            u = 1 - t
            yield (
                u**3 * x + 3 * u * u * t * a + 3 * u * t * t * c + t**3 * end_x,
                u**3 * y + 3 * u * u * t * b + 3 * u * t * t * d + t**3 * end_y,
            )
        x, y = end_x, end_y


def faults(made: Drawn) -> list[str]:
    """Return everything in a picture that lies where it should not."""
    found = [
        f"{text} is not inside its {frame.what} {frame}"
        for text in made.texts
        for frame in made.shapes
        if (text.what, frame.what) in (("sign", "shape"), ("slope", "badge"))
        and text.owner == frame.owner
        and not frame.holds(text)
    ]
    boxes = [*(text for text in made.texts if text.what not in ("sign", "slope")), *made.shapes]
    found += [f"{text} leaves the page" for text in boxes if not made.page.holds(text)]
    boxes.sort(key=lambda one: one.left)
    for k, one in enumerate(boxes):
        for other in boxes[k + 1 :]:
            if other.left >= one.right:
                break
            if one.meets(other):
                found.append(f"{one} meets {other}")
    return found + list(_crossed(made, boxes))


def _crossed(made: Drawn, boxes: list[Box]) -> Iterator[str]:
    """Yield each shape and text that a wire runs through; its own ends and slope are no fault."""
    widest = max((one.right - one.left for one in boxes), default=0.0)
    lefts = [one.left for one in boxes]
    for owner, points in made.wires.items():
        target = re.sub(r"e(\d+)-\d+$", r"n\1", owner)
        for x, y in points:
            start = bisect_left(lefts, x - widest)
            for one in boxes[start : bisect_left(lefts, x)]:
                if one.owner not in (owner, target) and one.contains(x, y):
                    yield f"{owner} runs through {one} at {x:.1f}, {y:.1f}"
                    break
