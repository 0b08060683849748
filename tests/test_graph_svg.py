"""The picture of a graph: true, valid, without overlaps in any usual font, the same bytes."""

import json
import math
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from itertools import combinations
from unicodedata import category, normalize

import pytest
from hypothesis import given, settings

from backprop_cli.language.names import display_names
from backprop_cli.operations import TABLE
from backprop_cli.render.graph import pictures
from backprop_cli.render.graph.diagram import Diagram
from backprop_cli.render.graph.places import Places
from backprop_cli.render.graph.style import _PALETTES, style_sheet
from backprop_cli.render.graph.svg import Picture, document
from backprop_cli.render.lettering import shortened, width
from tests.browser import CHROMIUM, Browser
from tests.graphs import LECTURES, ODD, Case, random_case, shown, solution
from tests.lettering import fonts
from tests.strategies import programs
from tests.svg_boxes import SVG, drawn, faults

FONTS = fonts()
CASES = {**LECTURES, **ODD}
every_case = pytest.mark.parametrize("name", CASES)
every_font = pytest.mark.parametrize("font", FONTS)
NASTY = "<script>alert(1)</script>\"'&]]>--><!-- \\N #quot; ```|`[x]{y}(z) %% \x00\x1b[31m\u202e"


def elements(svg: str) -> dict[str, ElementTree.Element]:
    """Return the elements of a picture by their ids, which are all different."""
    root = ElementTree.fromstring(svg)
    found = [(e.get("id"), e) for e in root.iter() if e.get("id")]
    assert len({key for key, _ in found}) == len(found)
    return {str(key): element for key, element in found}


def text_of(element: ElementTree.Element) -> str:
    return "".join(element.itertext())


# ------------------------------------------------------------------------------------- it is true


@every_case
def test_every_node_has_its_value_and_gradient_and_every_edge_its_slope(name):
    """The numbers on the picture are those of the sweeps, to the six digits shown."""
    solved, diagram = solution(CASES[name])
    answer = solved.answers[0]
    found = elements(document([diagram]))
    for item in diagram.items:
        value, adjoint = solved.values[item.node], answer.adjoints[item.node]
        group = found[f"n{item.node}"]
        if item.value and item.kind != "comparison":
            written = float(text_of(found[f"n{item.node}-value"]))
            assert written == pytest.approx(float(value), rel=1e-5, nan_ok=True)
        if item.gradient:
            written = float(text_of(found[f"n{item.node}-adjoint"]))
            assert written == pytest.approx(float(adjoint or 0), rel=1e-5, nan_ok=True)
        sign = next(e for e in group.iter(f"{SVG}text") if e.get("class") == "sign")
        assert text_of(sign)
        for wire in item.wires:
            edge = found[f"e{item.node}-{wire.position}"]
            look = next(e.get("class") for e in edge.iter(f"{SVG}path"))
            assert look == ("wire" if wire.flows else "wire idle")


@every_case
def test_gradients_are_sums_of_slope_times_gradient_over_the_solid_wires(name):
    """What a reader checks by hand: each gradient from those to its right, all as written."""
    diagram = shown(CASES[name])
    total: dict[int, float] = {diagram.output: 1.0}
    size: dict[int, float] = {}
    for item in reversed(diagram.items):
        if not item.gradient:
            continue
        written = float(item.gradient)
        if math.isfinite(written) and math.isfinite(total.get(item.node, 0.0)):
            slack = 2e-5 * max(size.get(item.node, 0.0), abs(written)) + 1e-300
            assert written == pytest.approx(total.get(item.node, 0.0), abs=slack), item.name
        for wire in item.wires:
            if wire.flows and wire.slope:
                part = written * float(wire.slope)
                total[wire.operand] = total.get(wire.operand, 0.0) + part
                size[wire.operand] = size.get(wire.operand, 0.0) + abs(part)


def test_shared_nodes_are_drawn_once_and_inputs_left_of_the_output():
    diagram = shown(LECTURES["lecture"])
    assert [item.name for item in diagram.items] == ["a", "b", "v1", "c", "v2", "f"]
    places = Places(diagram, 0)
    across = {item.name: places.middle_of(item)[0] for item in diagram.items}
    assert across["a"] == across["b"] == across["c"] < across["v1"] == across["v2"] < across["f"]


def test_a_value_stands_above_its_wire_and_the_gradient_below():
    picture = Picture(shown(LECTURES["lecture"]))
    boxes = {box.what: box for box in picture.boxes}
    for item in picture.shown.items:
        _, wire = picture.places.middle_of(item)
        assert boxes[f"n{item.node}-value"].y + boxes[f"n{item.node}-value"].height <= wire
        assert boxes[f"n{item.node}-adjoint"].y >= wire


def test_wires_lead_from_the_shape_of_the_operand_to_that_of_the_user():
    for name in ("lecture", "mazur", "choice"):
        diagram = shown(CASES[name])
        places = Places(diagram, 0)
        by_node = {item.node: item for item in diagram.items}
        for item in diagram.items:
            for j, wire in enumerate(item.wires):
                data = places.path(item, j, places.entry_of(item, j)[0])
                numbers = [float(number) for number in re.findall(r"-?[\d.]+", data)]
                source = by_node[wire.operand]
                assert numbers[0] == pytest.approx(places.columns[places.column_of(source)].right, abs=0.01)  # fmt: skip
                assert numbers[1] == pytest.approx(places.middle_of(source)[1], abs=0.01)
                x, y = places.entry_of(item, j)
                middle, high = places.middle_of(item), places.shape_of(item)[1]
                assert numbers[-1] == pytest.approx(x, abs=0.01)
                assert abs(y - middle[1]) <= high / 2
                if len(item.wires) <= 2 and places.shape_of(item)[0] == high:  # on the circle
                    assert math.dist((x, y), middle) == pytest.approx(high / 2)


def test_several_outputs_are_drawn_one_under_the_other():
    one, other = shown(LECTURES["lecture"]), shown(LECTURES["cube"])
    svg = document([one, other])
    found = elements(svg)
    assert {"n0", "e2-0-slope", "2-n1", "2-e2-1"} <= set(found)
    for font in FONTS.values():
        assert faults(drawn(svg, font)) == []


# ------------------------------------------------------------------------------------- it is legible


@every_font
@every_case
def test_no_label_meets_another_nor_a_shape_nor_a_foreign_wire(name, font):
    assert faults(drawn(document([shown(CASES[name])]), FONTS[font])) == []


@every_font
@pytest.mark.parametrize(
    ("nodes", "seed"), [*((n, s) for n in (12, 30, 60, 100) for s in (1, 2)), (200, 1)]
)
def test_nothing_overlaps_on_random_programs_of_up_to_200_nodes(nodes, seed, font):
    case = random_case(nodes, seed)
    diagram = shown(case)
    assert nodes - 4 <= len(diagram.items) <= nodes
    assert faults(drawn(document([diagram]), FONTS[font])) == []


@settings(max_examples=40, deadline=None)
@given(programs(9))
def test_nothing_overlaps_on_programs_of_every_operation(program):
    diagram = shown(Case(program.text, program.point))
    for font in FONTS.values():
        assert faults(drawn(document([diagram]), font)) == []


def test_the_measure_of_overlaps_bites():
    """A text longer than was measured, shapes moved together, a wire astray: each is found."""
    font = next(iter(FONTS.values()))
    svg = document([shown(LECTURES["lecture"])])
    assert faults(drawn(svg, font)) == []
    long = svg.replace(">v2 = <", ">a name that is much too long for its place = <")
    assert any("runs through" in fault for fault in faults(drawn(long, font)))
    signs = svg.replace(">+</text>", ">hypotenuse</text>")
    assert any("is not inside its shape" in fault for fault in faults(drawn(signs, font)))
    near = re.sub(r'(<rect class="shape" x="20" y=")\d+', r"\g<1>90", svg)
    assert any("meets" in fault for fault in faults(drawn(near, font)))
    small = re.sub(r'(role="img" width=")\d+', r"\g<1>99", svg)
    assert any("leaves the page" in fault for fault in faults(drawn(small, font)))


@every_font
def test_widths_of_text_are_no_less_than_those_of_the_usual_fonts(font):
    """Every name of the table, numbers, names of many letters; bold where they stand in a node."""
    texts = [row.name for row in TABLE] + ["-0.196612", "1.23457e-123", "← -5", "∂f/∂v12", "x_1"]
    texts += ["WWWW", "mmmm", "iiii", "(x > 0)", "1 /", "^ 2", "inf", "nan", "é", "ß", "Ω"]
    for text in texts:
        assert FONTS[font].width(text, 14, False) <= width(text, 14) + 0.5, text
        assert FONTS[font].width(text, 14, True) <= width(text, 14, bold=True) + 18, text
    if FONTS[font].regular:  # Pillow's own font has none but the letters of English
        for code in range(0x20, 0x530):  # Latin, Greek, Cyrillic, as far as names can have them
            sign = chr(code)
            if sign.isprintable() and category(sign)[0] != "M" and normalize("NFKC", sign) == sign:
                most = 1.06 * width(sign, 14) + 0.1
                assert FONTS[font].width(sign, 14, False) <= most, sign


def test_a_text_is_cut_to_its_room():
    for text in ("a" * 200, "漢" * 50, "WiWi" * 40, ""):
        cut = shortened(text, 120, 14)
        assert width(cut, 14) <= 120
        assert cut == text or cut.endswith("…")


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium to measure text with")
def test_a_browser_finds_no_overlap_either(tmp_path):
    """The boxes of all texts as Chromium sets them, in its own sans-serif."""
    script = """[...document.querySelectorAll("text")].map((e) => {
      const b = e.getBBox(), m = e.getCTM();
      return [e.getAttribute("class"), b.x + m.e, b.y + m.f, b.width, b.height]; })"""
    with Browser() as browser:
        for name in ("lecture", "mazur", "choice", "wide_letters", "letters", "long_numbers"):
            path = tmp_path / f"{name}.svg"
            path.write_text(document([shown(CASES[name])]), encoding="utf-8")
            browser.open(path)
            boxes = [box for box in browser.run(script) if box[0] not in ("sign", "slope")]
            assert len(boxes) > 6
            for (_, x, y, across, high), (_, left, top, wide, tall) in combinations(boxes, 2):
                apart = x + across <= left or left + wide <= x or y + high - 3 <= top or top + tall - 3 <= y  # fmt: skip
                assert apart, (name, x, y, left, top)
            assert browser.problems == []


# ---------------------------------------------------------------------------------------- colours

# Machado, Oliveira & Fernandes, IEEE TVCG 15, 2009: what a dichromat sees, in linear RGB.
SEEN_BY = {
    "all": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopes": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopes": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
    "tritanopes": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.3039)),
}  # fmt: skip
TO_XYZ = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.072175), (0.0193339, 0.119192, 0.9503041))  # fmt: skip
WHITE = (0.95047, 1.0, 1.08883)


def linear(colour: str) -> list[float]:
    shares = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    return [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]


def times(matrix, vector) -> list[float]:
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]


def lab(colour: str, eyes: str) -> tuple[float, float, float]:
    seen = [min(1.0, max(0.0, share)) for share in times(SEEN_BY[eyes], linear(colour))]
    shares = [share / white for share, white in zip(times(TO_XYZ, seen), WHITE, strict=True)]
    x, y, z = (s ** (1 / 3) if s > 0.008856 else 7.787 * s + 16 / 116 for s in shares)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def contrast(one: str, other: str) -> float:
    """Return the contrast of WCAG 2, from 1 to 21."""
    light = sorted(times(TO_XYZ, linear(colour))[1] for colour in (one, other))
    return (light[1] + 0.05) / (light[0] + 0.05)


@pytest.mark.parametrize("palette", _PALETTES, ids=["light", "dark"])
def test_colours_are_told_apart_by_all_and_legible(palette):
    for text in ("value", "gradient", "ink"):
        assert contrast(palette[text], palette["paper"]) >= 4.5
        assert contrast(palette[text], palette["shape"]) >= 4.5
    assert contrast(palette["wire"], palette["paper"]) >= 3
    for eyes in SEEN_BY:
        assert math.dist(lab(palette["value"], eyes), lab(palette["gradient"], eyes)) > 60, eyes


def test_red_and_green_would_not_do():
    """The measure bites: the lectures' own green and red are one colour to a deuteranope."""
    assert math.dist(lab("#008000", "all"), lab("#c80000", "all")) > 60
    assert math.dist(lab("#008000", "deuteranopes"), lab("#c80000", "deuteranopes")) < 60


def test_light_and_dark_pages_have_every_colour():
    light, dark = style_sheet(False).split("@media(prefers-color-scheme:dark)")
    used = set(re.findall(r"var\(--(\w+)\)", light))
    for sheet in (light, dark):
        assert used <= set(re.findall(r"--(\w+):#", sheet))


def test_nothing_depends_on_colour():
    """Values are above, gradients below, in italics and behind an arrow."""
    svg = document([shown(LECTURES["lecture"])])
    assert "font-style:italic" in style_sheet(False)
    assert len(re.findall(r'class="gradient"[^>]*>← <tspan', svg)) == 6


# ---------------------------------------------------------------------------------------- the file


@every_case
def test_a_picture_is_valid_and_describes_itself(name):
    svg = document([shown(CASES[name])])
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img"
    assert (root.findtext(f"{SVG}title") or "").strip()
    assert (root.findtext(f"{SVG}desc") or "").strip()
    known = {"svg", "title", "desc", "style", "g", "rect", "path", "text", "tspan"}
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= known
    elements(svg)


def test_the_lecture_looks_as_it_did(matches_snapshot):
    matches_snapshot("graph_lecture.svg", document([shown(LECTURES["lecture"])]))


@pytest.mark.parametrize("form", ["svg", "dot", "mermaid", "json", "png", "pdf"])
def test_the_same_input_gives_the_same_bytes_in_every_process(form, tmp_path):
    if form in ("png", "pdf"):
        pytest.importorskip("cairosvg", exc_type=OSError)
    case = LECTURES["mazur"]
    made = []
    for seed in ("0", "1", "4242"):
        path = tmp_path / f"{seed}.{form}"
        command = [sys.executable, "-m", "backprop_cli", "graph", case.text, "--at", case.point, "--format", form, "-o", str(path) + ".out"]  # fmt: skip
        subprocess.run(command, check=True, env={"PYTHONHASHSEED": seed, "PATH": "/usr/bin:/bin", "PYTHONPATH": "."})  # fmt: skip
        made.append(path.with_name(path.name + ".out").read_bytes())
    assert len(made[0]) > 1000
    assert made[0] == made[1] == made[2]


def nasty(diagram: Diagram) -> Diagram:
    """Return a picture in which every text is hostile, which no program could make it."""
    items = tuple(
        item._replace(
            name=NASTY,
            operation=NASTY,
            value=NASTY,
            gradient=NASTY,
            story=NASTY,
            wires=tuple(wire._replace(slope=NASTY, story=NASTY) for wire in item.wires),
        )
        for item in diagram.items
    )
    return diagram._replace(title=NASTY, point=NASTY, name=NASTY, items=items, unused=(NASTY,))


def test_no_text_breaks_out_of_its_label():
    plain, hostile = (document([one]) for one in (shown(LECTURES["lecture"]), nasty(shown(LECTURES["lecture"]))))  # fmt: skip
    one, other = (ElementTree.fromstring(svg) for svg in (plain, hostile))
    ours = {element.tag for element in one.iter()} | {f"{SVG}title"}
    assert {element.tag for element in other.iter()} <= ours
    assert "<script" not in hostile
    assert "alert(1)" in "".join(other.itertext())
    for font in FONTS.values():
        if font.regular:  # the font of Pillow has no signs for some of it
            assert faults(drawn(hostile, font)) == []


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium to open a picture with")
def test_a_hostile_picture_does_nothing_in_a_browser(tmp_path):
    path = tmp_path / "hostile.svg"
    path.write_text(document([nasty(shown(LECTURES["lecture"]))]), encoding="utf-8")
    with Browser() as browser:
        browser.open(path)
        assert browser.run("document.scripts.length + document.querySelectorAll('parsererror').length") == 0  # fmt: skip
        assert browser.problems == []


def test_names_of_any_letters_are_drawn():
    case = Case("λ_1*Ж + 変数^ß", {"λ_1": 1.0, "Ж": 2.0, "変数": 3.0, "ß": 2.0})
    graph_names = display_names(solution(case)[0].graph)
    svg = document([shown(case)])
    for name in ("λ_1", "Ж", "変数"):
        assert name in graph_names
        assert f">{name}<" in svg


# --------------------------------------------------------------------------------------- PNG and PDF


@pytest.fixture
def cairo() -> None:
    try:
        import cairosvg  # noqa: F401
    except (ImportError, OSError):
        pytest.skip("no CairoSVG, or no cairo library")


def test_a_png_is_sharp_and_has_the_colours_of_a_light_page(cairo, tmp_path):
    image_module = pytest.importorskip("PIL.Image")
    svg = document([shown(LECTURES["lecture"])], fixed_colours=True)
    assert "var(" not in svg
    path = tmp_path / "lecture.png"
    path.write_bytes(pictures.png(svg))
    image = image_module.open(path).convert("RGB")
    root = ElementTree.fromstring(svg)
    size = [float(root.get(side, "0")) for side in ("width", "height")]
    assert list(image.size) == pytest.approx([pictures.SCALE * side for side in size], abs=2)
    colours = {colour for _, colour in image.getcolors(1 << 20)}
    for name in ("paper", "ink", "value", "gradient", "shape"):
        wanted = tuple(int(_PALETTES[0][name][k : k + 2], 16) for k in (1, 3, 5))
        assert wanted in colours, name


def test_a_pdf_holds_its_text(cairo, tmp_path):
    path = tmp_path / "lecture.pdf"
    path.write_bytes(pictures.pdf(document([shown(LECTURES["lecture"])], fixed_colours=True)))
    assert path.read_bytes().startswith(b"%PDF-")
    reader = shutil.which("pdftotext")
    if reader is None:
        pytest.skip("no pdftotext to read the PDF with")
    text = subprocess.run([reader, str(path), "-"], capture_output=True, check=True).stdout.decode()
    for word in ("f = (a + b)", "v1 = 2", "f = -10", "local slope"):
        assert word in text.replace("\u00a0", " ").replace("\n", " "), word


def test_a_picture_too_large_for_pixels_is_refused(cairo):
    from backprop_cli.errors import LimitExceeded

    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="900000" height="10" viewBox="0 0 9 9"/>'
    with pytest.raises(LimitExceeded, match="too large"):
        pictures.png(svg)


def test_the_description_tells_the_numbers():
    told = ElementTree.fromstring(document([shown(LECTURES["lecture"])])).findtext(f"{SVG}desc") or ""  # fmt: skip
    assert "v1 = a + b = 2, ∂f/∂v1 = -5" in told
    assert json.dumps(told)
