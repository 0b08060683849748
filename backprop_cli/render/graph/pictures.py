"""SVG to PNG and PDF, by CairoSVG if it is installed.

CairoSVG (LGPL, kept by CourtBouillon since 2010) makes both from one small package, reads style
sheets, and keeps text in a PDF text. It knows neither CSS variables nor dark pages, so it is given
a picture with the light colours written out. Others were weighed: resvg makes no PDF, svglib reads
little CSS, typst does both but weighs 80 MB and has no sans-serif letters of its own.
"""

import re
from collections.abc import Callable
from typing import Any

from backprop_cli.errors import LimitExceeded, OptionProblem

SCALE = 2.0
"""Pixels of a PNG for each unit of the picture: sharp on the screens of today."""

_MOST_PIXELS = 64_000_000
_LONGEST_SIDE = 30_000
_SIZE = re.compile(r'width="([\d.]+)" height="([\d.]+)"')
_MADE_AT = re.compile(rb"/CreationDate \(D:\d{14}")


def png(svg: str) -> bytes:
    """Return a picture as PNG. Raises `OptionProblem` without CairoSVG, or `LimitExceeded`."""
    found = _SIZE.search(svg)
    across, down = (float(size) for size in found.groups()) if found else (0.0, 0.0)
    scale = SCALE
    while max(across, down) * scale > _LONGEST_SIDE or across * down * scale**2 > _MOST_PIXELS:
        scale /= 2
        if scale < SCALE / 8:
            hint = "write SVG or PDF, which have no pixels"
            raise LimitExceeded(f"a PNG of {across:,.0f} by {down:,.0f} is too large", None, hint)
    return bytes(_converter("svg2png")(bytestring=svg.encode(), scale=scale))


def pdf(svg: str) -> bytes:
    """Return a picture as PDF, the same bytes each time. Raises `OptionProblem`."""
    made = bytes(_converter("svg2pdf")(bytestring=svg.encode()))
    return _MADE_AT.sub(b"/CreationDate (D:20000101000000", made)


def _converter(name: str) -> Callable[..., Any]:
    """Return a function of CairoSVG, or say what is missing."""
    try:
        import cairosvg
    except ImportError:
        hint = "pip install 'backprop-cli[pictures]', or write SVG"
        raise OptionProblem(
            "PNG and PDF need CairoSVG, which is not installed", None, hint
        ) from None
    except OSError:  # the package is there, the C library it calls is not
        hint = "install cairo (libcairo2 of Debian, cairo of Homebrew), or write SVG"
        raise OptionProblem("PNG and PDF need the cairo library", None, hint) from None
    found: Callable[..., Any] = getattr(cairosvg, name)
    return found
