"""Pictures: valid, the same twice, safe whatever they are called, and nothing outside the frame."""

import math
import re
import xml.etree.ElementTree as ElementTree
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop_cli.render.drawing import FONT, HEIGHT, LOOKS, WIDTH, label
from backprop_cli.render.lettering import shortened, width
from backprop_cli.render.scales import Scale, log_ticks, ticks
from backprop_cli.render.svg import MOST_POINTS, Curve, contour_svg, curve_svg, thinned
from backprop_cli.studies.climbing.contour import contours

SVG = "{http://www.w3.org/2000/svg}"
SPIRAL = [(math.exp(-k / 20) * math.cos(k / 5), math.exp(-k / 20) * math.sin(k / 5)) for k in range(90)]  # fmt: skip
NASTY = "<&\"'> ]]> \x00\x1b[31m \ud800 {rich} é 漢字 \N{RIGHT-TO-LEFT OVERRIDE}"


def bowl(levels: int = 8):
    return contours(lambda x, y: x * x + y * y, (-1.5, 1.5), (-1.0, 1.0), 30, 30, levels)


def root(text: str) -> ElementTree.Element:
    text.encode("utf-8")
    return ElementTree.fromstring(text)


def places(element: ElementTree.Element) -> list[tuple[float, float]]:
    """Return the absolute points of a line of the picture."""
    pairs = re.findall(r"[ML ](-?[\d.]+) (-?[\d.]+)", re.sub(r"h0", "", element.get("d", "")))
    return [(float(x), float(y)) for x, y in pairs]


def lines(tree: ElementTree.Element, style: str) -> list[ElementTree.Element]:
    return [path for path in tree.iter(f"{SVG}path") if style in path.get("class", "").split()]


def text_of(tree: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in tree.iter(f"{SVG}text")]


def test_a_contour_picture_says_what_it_shows():
    tree = root(contour_svg("x^2 + y^2", "x", "y", bowl(), [Curve("gradient", SPIRAL)]))
    assert tree.tag == f"{SVG}svg"
    assert tree.get("role") == "img"
    assert tree.findtext(f"{SVG}title") == "x^2 + y^2"
    assert "gradient: from (1, 0)" in (tree.findtext(f"{SVG}desc") or "")
    assert {"x^2 + y^2", "x", "y", "-1", "0", "0.5", "1"} <= set(text_of(tree))
    assert len(lines(tree, "contour")) == 8
    circles = [circle.get("class") for circle in tree.iter(f"{SVG}circle")]
    assert circles == ["start p0", "stop p0"]
    assert "gradient" not in text_of(tree), "one path needs no legend"


def test_contours_are_fainter_for_lower_levels():
    shades = [path.get("class") for path in lines(root(contour_svg("f", "x", "y", bowl(4))), "contour")]  # fmt: skip
    assert shades == ["contour s0", "contour s3", "contour s6", "contour s9"]


def test_paths_that_race_have_a_legend_and_looks_of_their_own():
    names = [f"method {k}" for k in range(5)]
    paths = [Curve(name, [(x, y + k / 10) for x, y in SPIRAL]) for k, name in enumerate(names)]
    text = contour_svg("race", "x", "y", bowl(), paths)
    tree = root(text)
    assert set(names) <= set(text_of(tree))
    for k in range(5):
        assert len(lines(tree, f"p{k}")) == 3  # the path, its dots, the sample in the legend
    dashes = re.findall(r"\.line\.p\d\{stroke-dasharray:([^}]*)\}", text)
    assert len(dashes) == len(set(dashes)) == LOOKS
    for half in text.split("prefers-color-scheme:dark"):
        colours = re.findall(r"\.backprop \.p\d\{stroke:(#\w+)\}", half)
        assert len(colours) == len(set(colours)) == LOOKS


def test_both_pages_have_colours():
    light, dark = contour_svg("f", "x", "y", bowl()).split("@media(prefers-color-scheme:dark)")
    for rule in (".paper{fill:#", "text{fill:#", ".axis{stroke:#", ".s0{stroke:#", ".p0{stroke:#"):
        assert f".backprop {rule}" in light
        assert f".backprop {rule}" in dark


def test_every_point_is_inside_the_frame():
    far = [(0.0, 0.0), (1e300, -1e300), (0.5, 0.5), (math.nan, 0.0), (0.1, math.inf), (-9.0, 9.0), (0.2, 0.2)]  # fmt: skip
    paths = [Curve("spiral", SPIRAL), Curve("far", far)]
    tree = root(contour_svg("f", "x", "y", bowl(), paths, (-1.5, 1.5), (-1.0, 1.0)))
    drawn = [place for path in tree.iter(f"{SVG}path") for place in places(path)]
    assert len(drawn) > 200
    height = float(tree.get("height", "nan"))
    assert height >= HEIGHT
    assert all(0 <= x <= WIDTH and 0 <= y <= height for x, y in drawn)
    for circle in tree.iter(f"{SVG}circle"):
        assert 0 <= float(circle.get("cx", "nan")) <= WIDTH


def test_a_path_that_leaves_is_cut_at_the_edge():
    """From the middle of the square straight to the right: half of its width is drawn."""
    path = Curve("p", [(0.0, 0.0), (5.0, 0.0)])
    tree = root(contour_svg("f", "x", "y", (), [path], (-1.0, 1.0), (-1.0, 1.0)))
    (line,) = lines(tree, "line")
    (start, end) = places(line)
    (axis,) = [p for p in lines(tree, "axis") if "H" in p.get("d", "")]
    left, right = (float(x) for x in re.findall(r"M([\d.]+) |H([\d.]+)", axis.get("d", "")) for x in x if x)  # fmt: skip
    assert start[0] == pytest.approx((left + right) / 2, abs=0.02)
    assert end == (right, start[1])


def test_names_and_titles_are_text_whatever_is_in_them():
    tree = root(contour_svg(NASTY, NASTY, NASTY, bowl(), [Curve(NASTY, SPIRAL)] * 2))
    assert "<&\"'> ]]>" in (tree.findtext(f"{SVG}title") or "")
    root(curve_svg(NASTY, NASTY, NASTY, [Curve(NASTY, SPIRAL)]))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(), st.floats()), max_size=6), st.text(max_size=8), st.booleans())  # fmt: skip
def test_any_numbers_and_names_make_a_valid_picture(points, name, log):
    curves = [Curve(name, points), Curve("other", points[::-1])]
    for text in (curve_svg(name, name, "y", curves, log), contour_svg(name, "x", name, (), curves)):
        tree = root(text)
        drawn = [place for path in tree.iter(f"{SVG}path") for place in places(path)]
        assert all(0 <= x <= WIDTH and y >= 0 for x, y in drawn)


def test_the_same_picture_is_the_same_bytes():
    one, two = (contour_svg("f", "x", "y", bowl(), [Curve("p", SPIRAL)]) for _ in range(2))
    assert one == two


def test_a_long_title_is_cut_in_the_heading_and_whole_in_the_title():
    title = " + ".join(f"x{k}^2" for k in range(60))
    tree = root(curve_svg(title, "step", "f", [Curve("p", SPIRAL)]))
    heading = text_of(tree)[0]
    assert heading.endswith("…")
    assert tree.findtext(f"{SVG}title") == title
    assert width(heading, 16, bold=True) <= WIDTH


def test_curves_on_a_logarithmic_axis():
    curve = Curve("p", [(float(k), 10.0**-k) for k in range(7)] + [(7.0, 0.0), (8.0, 1e-3)])
    tree = root(curve_svg("f", "step", "loss", [curve], log_y=True))
    (line,) = lines(tree, "line")
    heights = [y for _, y in places(line)]
    steps = [after - before for before, after in pairwise(heights)]
    assert len(heights) == 7, "what is not above 0 is not drawn, nor joined"
    assert max(steps) == pytest.approx(min(steps), abs=0.03)
    assert {"1e-6", "1"} & set(text_of(tree))


def test_labels_of_an_axis_stand_apart():
    values = [(123456789.0 + k / 1000, 1.0) for k in range(5)]
    tree = root(curve_svg("f", "step", "f", [Curve("p", values)]))
    labels = [(float(e.get("x", "0")), e.text or "") for e in tree.iter(f"{SVG}text") if e.get("class") == "middle"]  # fmt: skip
    below = sorted(
        (x - width(text, FONT) / 2, x + width(text, FONT) / 2) for x, text in labels[:-1]
    )
    for (_, end), (start, _) in pairwise(below):
        assert end < start


def test_a_path_is_thinned_and_keeps_its_ends():
    points = [(float(k), float(k)) for k in range(123_457)]
    kept = thinned(points)
    assert len(kept) <= MOST_POINTS
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    for count in (MOST_POINTS - 1, MOST_POINTS, MOST_POINTS + 1, 2 * MOST_POINTS):
        assert MOST_POINTS / 2 <= len(thinned(points[:count])) <= MOST_POINTS


def test_nothing_to_show_is_still_a_picture():
    root(contour_svg("f", "x", "y", ()))
    root(curve_svg("f", "x", "y", []))
    root(curve_svg("f", "x", "y", [Curve("p", [])], log_y=True))
    assert lines(root(curve_svg("f", "x", "y", [Curve("p", [(0.0, 3.0)])])), "dots")


def test_text_is_cut_to_its_room():
    assert shortened("short", 100, FONT) == "short"
    assert shortened("漢字漢字", 30, FONT) == "漢…"


# ------------------------------------------------------------------------------------- scales


@pytest.mark.parametrize(
    ("low", "high", "most", "expected"),
    [
        (0.0, 1.0, 5, [0.0, 0.5, 1.0]),
        (0.0, 1.0, 6, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (0.1, 0.3, 3, [0.1, 0.2, 0.3]),
        (-4.3, 7.7, 9, [-4.0, -2.0, 0.0, 2.0, 4.0, 6.0]),
        (-1e308, 1e308, 3, [-1e308, 0.0, 1e308]),
        (1e16, 1e16 + 4, 5, [1e16, 1e16 + 2, 1e16 + 4]),
        (3.0, 3.0, 5, [3.0]),
        (0.0, 10.0, 1, [0.0]),
        (2.0, 1.0, 5, []),
        (0.0, math.inf, 5, []),
        (math.nan, 1.0, 5, []),
    ],
)
def test_ticks(low, high, most, expected):
    assert ticks(low, high, most) == expected


@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(1, 12),
)
def test_ticks_rise_inside_their_range_and_are_never_too_many(one, other, most):
    low, high = sorted((one, other))
    found = ticks(low, high, most)
    assert len(found) <= most
    assert found == sorted(set(found))
    assert all(low <= tick <= high for tick in found)
    assert found or most < 4
    positive = log_ticks(low, high, most)
    assert len(positive) <= most
    assert all(low <= tick <= high for tick in positive)


@pytest.mark.parametrize(
    ("low", "high", "most", "expected"),
    [
        (1e-3, 1e3, 8, [1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0, 1000.0]),
        (0.5, 50.0, 8, [0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0]),
        (1e-16, 100.0, 6, [1e-15, 1e-10, 1e-5, 1.0]),
        (3.0, 4.0, 5, [3.0, 3.5, 4.0]),
        (0.0, 4.0, 5, []),
    ],
)
def test_log_ticks(low, high, most, expected):
    assert log_ticks(low, high, most) == expected


def test_places_on_a_scale():
    assert [Scale(-1.0, 3.0, 0.0, 100.0).place(x) for x in (-1.0, 0.0, 3.0)] == [0.0, 25.0, 100.0]
    assert Scale(1.0, 100.0, 10.0, 0.0, log=True).place(10.0) == 5.0
    assert Scale(2.0, 2.0, 0.0, 10.0).place(2.0) == 5.0
    assert Scale(-1.7e308, 1.7e308, 0.0, 10.0).place(0.0) == 5.0


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.5, "0.5"), (1e10, "1e10"), (0.0001, "0.0001"), (1e-5, "1e-5"), (-123456.5, "-123456.5")],
)
def test_labels(value, expected):
    assert label(value) == expected
