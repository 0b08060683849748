"""The looks and the lettering of a picture of a graph: style sheet, and how wide each text is."""

import re

from backprop_cli.render.drawing import DARK, LIGHT, scoped
from backprop_cli.render.graph.diagram import Item, Wire
from backprop_cli.render.lettering import shortened, width

FONT, SMALL, HEADING = 14, 12, 16
"""The sizes of letters: of signs, values and gradients; of slopes and notes; of the title."""

SHAPE = 46.0
"""The width of the smallest shape: the circle of an operation."""

LONGEST, LONGEST_SLOPE = 190.0, 130.0
"""The widest text of a node, and of a slope; longer ones are cut (and whole in their titles)."""

_MOST_LINES = 4

_NAMES = ("paper", "ink", "rule", "value", "gradient", "wire", "shape")
_PALETTES = tuple(
    dict(zip(_NAMES, (*page, looks[6], looks[0], wire, shape), strict=True))
    for (page, _, looks), wire, shape in (
        (LIGHT, "#6e7781", "#f6f8fa"),
        (DARK, "#8b949e", "#161b22"),
    )
)
"""The colours of a light page and of a dark one; values blue, gradients vermilion (Okabe & Ito)."""

_RULES = f"""
text{{font:{FONT}px sans-serif;fill:var(--ink)}}
.paper{{fill:var(--paper)}}.heading{{font-size:{HEADING}px;font-weight:600}}.note{{font-size:{SMALL}px}}
.shape{{fill:var(--shape);stroke:var(--ink);stroke-width:1.4}}
.wire{{fill:none;stroke:var(--wire);stroke-width:1.4}}.idle{{stroke-dasharray:3 4}}
.tip{{fill:var(--wire)}}.sign{{text-anchor:middle}}.operation .sign{{font-weight:600}}
.value{{fill:var(--value)}}.value .name{{fill:var(--ink)}}
.gradient{{fill:var(--gradient);font-style:italic}}
.badge{{fill:var(--paper);stroke:var(--rule)}}
.slope{{font-size:{SMALL}px;text-anchor:middle}}
""".strip()


def style_sheet(fixed_colours: bool) -> str:
    """Return the style sheet, with variables for light and dark pages, or with light colours."""
    rules = "\n".join(scoped(line) for line in _RULES.splitlines())
    light, dark = _PALETTES
    if fixed_colours:
        return re.sub(r"var\(--(\w+)\)", lambda match: light[match[1]], rules)
    variables = [
        f".backprop{{{';'.join(f'--{name}:{colour}' for name, colour in palette.items())}}}"
        for palette in (light, dark)
    ]
    return f"{variables[0]}\n{rules}\n@media(prefers-color-scheme:dark){{\n{variables[1]}\n}}"


def folded(text: str, room: float, font: int, bold: bool = False) -> list[str]:
    """Return a text in lines that are no wider than `room`, at most four, the last one cut."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if width(longer, font, bold) <= room or not lines[-1]:
            lines[-1] = longer
        elif len(lines) < _MOST_LINES:
            lines.append(word)
        else:
            lines[-1] = longer
            break
    return [shortened(line, room, font, bold) for line in lines]


def texts(item: Item) -> tuple[str, str, str]:
    """Return the name before the value, the value, and the gradient, cut where they are long."""
    name = shortened(item.wire_name, LONGEST, FONT)
    if name and item.value:
        name += " = "
    return name, shortened(item.value, LONGEST, FONT), shortened(item.gradient, LONGEST, FONT)


def value_width(item: Item) -> float:
    """Return the width of what stands above an item's wire."""
    name, value, _ = texts(item)
    return width(name + value, FONT)


def label_width(item: Item) -> float:
    """Return the width of what stands above and below an item's wire."""
    gradient = texts(item)[2]
    below = width(f"← {gradient}", FONT) if gradient else 0.0
    return max(value_width(item), below, 10.0)


def sign_text(item: Item) -> str:
    """Return what stands in a node, in the signs of print."""
    text = item.operation
    if item.kind == "operation" and not text.endswith(")"):
        text = text.replace("*", "×").replace("-", "−")
    return shortened(text, LONGEST, FONT, bold=item.kind == "operation")


def shape_width(item: Item) -> float:
    """Return the width of a shape that holds an item's sign."""
    return max(SHAPE, width(sign_text(item), FONT, bold=item.kind == "operation") + 20)


def badge_width(wire: Wire) -> float:
    """Return the width of a slope in its frame; 0 if a wire has none."""
    if not wire.slope:
        return 0.0
    return max(width(shortened(wire.slope, LONGEST_SLOPE, SMALL), SMALL) + 10, 22.0)
