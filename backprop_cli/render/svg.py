"""Pictures for a page: contours with paths over them, and curves.

Contours go from faint to strong with the level. A path runs from an open circle to a filled one,
with a dot at each step that can be told from the one before.
"""

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from backprop_cli.render.drawing import LOOKS, SHADES, Drawing, Point, Range
from backprop_cli.render.numbers import human

if TYPE_CHECKING:
    from backprop_cli.studies.climbing.contour import Contour

MOST_POINTS = 2000
"""A longer path is drawn with every second, third, ... of its points, and its last."""

_DOT_DISTANCE = 7.0
_LARGEST, _SMALLEST = 1.7e308, 5e-324


class Curve(NamedTuple):
    """A named line through points, in order: a path in the plane, or values by step."""

    name: str
    points: Sequence[Point]


def contour_svg(
    title: str,
    x_name: str,
    y_name: str,
    contours: "Sequence[Contour]",
    paths: Sequence[Curve] = (),
    x_range: Range | None = None,
    y_range: Range | None = None,
) -> str:
    """Return a picture of contours, and of paths over them.

    Without ranges, the picture shows all the contours and all the finite points of the paths.
    """
    shown = [line for contour in contours for line in contour.lines]
    shown += [tuple(path.points) for path in paths]
    ranges = (
        x_range or padded((point[0] for line in shown for point in line), 0.0),
        y_range or padded((point[1] for line in shown for point in line), 0.0),
    )
    notes = [f"contours from {_levels(contours)}"] if contours else []
    drawing = Drawing(title, (x_name, y_name), ranges, notes, _legend(paths))
    for place, contour in enumerate(contours):
        shade = round(place * (SHADES - 1) / max(len(contours) - 1, 1))
        drawing.lines(f"contour s{shade}", contour.lines, human(contour.level))
    for place, path in enumerate(paths):
        _draw_path(drawing, f"p{place % LOOKS}", path)
    parts = [f"{y_name} against {x_name}", *notes, *map(_journey, paths)]
    return drawing.text("; ".join(parts))


def curve_svg(
    title: str, x_name: str, y_name: str, curves: Sequence[Curve], log_y: bool = False
) -> str:
    """Return a picture of curves; with `log_y`, of those of their points that are above 0."""
    usable = [
        (x, y)
        for curve in curves
        for x, y in curve.points
        if math.isfinite(y) and (y > 0 or not log_y)
    ]
    ranges = padded((x for x, _ in usable), 0.0), padded((y for _, y in usable), 0.04, log_y)
    drawing = Drawing(title, (x_name, y_name), ranges, (), _legend(curves), log_y)
    for place, curve in enumerate(curves):
        drawing.lines(f"line p{place % LOOKS}", [thinned(curve.points)], curve.name)
        if len(curve.points) == 1:
            drawing.dots(f"p{place % LOOKS}", curve.points, 0.0)
    axis = ", logarithmic" if log_y else ""
    return drawing.text("; ".join([f"{y_name} against {x_name}{axis}", *map(_journey, curves)]))


def thinned(points: Sequence[Point]) -> Sequence[Point]:
    """Return the points of a path, at most `MOST_POINTS` and evenly chosen, the ends included."""
    if len(points) <= MOST_POINTS:
        return points
    stride = -(-(len(points) - 1) // (MOST_POINTS - 1))
    return [*points[:-1:stride], points[-1]]


def padded(numbers: Iterable[float], margin: float, log: bool = False) -> Range:
    """Return the ends of an axis that shows all the finite numbers, and a margin beside them."""
    finite = [number for number in numbers if math.isfinite(number)]
    low, high = (min(finite), max(finite)) if finite else (1.0, 1.0)
    if log:
        more = margin * (math.log10(high) - math.log10(low)) or 0.3
        return max(low / 10**more, _SMALLEST), min(high * 10**more, _LARGEST)
    more = 2 * margin * (high / 2 - low / 2) if low < high else abs(low) / 2 or 1.0
    return max(low - more, -_LARGEST), min(high + more, _LARGEST)


def _draw_path(drawing: Drawing, look: str, path: Curve) -> None:
    points = thinned(path.points)
    drawing.lines(f"line {look}", [points], path.name)
    drawing.dots(look, points, _DOT_DISTANCE)
    if points:
        drawing.circle(f"start {look}", points[0])
        drawing.circle(f"stop {look}", points[-1])


def _legend(curves: Sequence[Curve]) -> list[str]:
    return [curve.name for curve in curves] if len(curves) > 1 else []


def _levels(contours: "Sequence[Contour]") -> str:
    low, high = (human(float(f"{contours[k].level:.3g}")) for k in (0, -1))
    return f"{low} (faint) to {high} (strong)"


def _journey(curve: Curve) -> str:
    """Return a curve in words."""
    if not curve.points:
        return f"{curve.name}: no points"
    first, last = (f"({human(x)}, {human(y)})" for x, y in (curve.points[0], curve.points[-1]))
    return f"{curve.name}: from {first} to {last}"
