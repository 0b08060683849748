"""How wide text is in a picture, without a font at hand.

Which font a reader's `sans-serif` is cannot be known here, so each sign counts as much as in the
widest of the usual ones: DejaVu Sans and Verdana, or Arial where that is wider. Boxes made for
these widths hold the text whatever font it is set in.
"""

from unicodedata import category, normalize

_CLASSES = (
    (0.32, " \u00a0.,ijlI'·′"),
    (0.37, "f/\\-:;|"),
    (0.42, "()[]!rt²³"),
    (0.56, '"`*_–?cszJ∂ε'),
    (0.64, "0123456789abdeghknopquvxyL"),
    (0.72, "ABEFKPSTVXYZαβγδζηθικλμνξοπρσςτυφχψħ√"),
    (0.84, "CDGHNOQRU&w+<=>^~#±÷¬←→×−≤≥≠∞ω"),
    (0.88, "ΓΔΘΛΞΠΣΥΦΨΩ"),
    (1.02, "mMW%@…"),
)
_SHARES = {sign: share for share, signs in _CLASSES for sign in signs}
_UNKNOWN, _UNKNOWN_CAPITAL, _ACCENT = 1.02, 1.2, 0.11
_BOLD = 1.15
"""How much wider bold letters are; a few narrow ones more, which the room around makes up for."""


def width(text: str, font: int, bold: bool = False) -> float:
    """Return how wide a text is at most, in pixels, set in letters of this size."""
    letters = sum(_SHARES.get(sign) or _other(sign) for sign in text)
    return letters * font * (_BOLD if bold else 1.0)


def _other(sign: str) -> float:
    """Return the width of a sign without a class: an accent adds a little to its letter."""
    if category(sign).startswith("M"):  # an accent: it stands over the letter before it
        return 0.0
    unknown = _UNKNOWN_CAPITAL if sign.isupper() else _UNKNOWN
    return _SHARES.get(normalize("NFD", sign)[0], unknown - _ACCENT) + _ACCENT


def shortened(text: str, room: float, font: int, bold: bool = False) -> str:
    """Return a text that is no wider than `room`, its end replaced by … if need be."""
    if width(text, font, bold) <= room:
        return text
    while text and width(text + "…", font, bold) > room:
        text = text[:-1]
    return text + "…"
