"""How wide text really is: by fonts, for tests that must know that no two labels meet."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

FOLDERS = ("/usr/share/fonts", "/Library/Fonts", "/System/Library/Fonts", "C:/Windows/Fonts")
FILES = {
    "DejaVu Sans": ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
    "Liberation Sans": ("LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf"),
    "Verdana": ("Verdana.ttf", "Verdana Bold.ttf"),
    "Arial": ("Arial.ttf", "Arial Bold.ttf"),
}
SIZE = 100


class Font(NamedTuple):
    """A font by the name of its file, bold or not; the empty name is the one Pillow brings."""

    regular: str
    bold: str

    def width(self, text: str, size: float, bold: bool) -> float:
        """Return the advance of a text in pixels."""
        return float(_loaded(self.bold if bold else self.regular).getlength(text)) * size / SIZE


@cache
def _loaded(path: str):
    image_font = pytest.importorskip("PIL.ImageFont")
    return image_font.truetype(path, SIZE) if path else image_font.load_default(SIZE)


def fonts() -> dict[str, Font]:
    """Return the usual fonts that are here: at least the one that comes with Pillow."""
    found = {"Pillow's own": Font("", "")}
    here = {path.name: str(path) for root in FOLDERS for path in Path(root).rglob("*.ttf")}
    for name, (regular, bold) in FILES.items():
        if regular in here and bold in here:
            found[name] = Font(here[regular], here[bold])
    return found
