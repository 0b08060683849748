"""The tokens of the language: one regular expression, read left to right.

Each match is some space, perhaps a comment, and one token; the group that matched tells its kind.
Text of ASCII characters alone, the usual case, is read with a plainer and faster expression than
text with Greek letters, superscripts or signs pasted from a document.
"""

import re
import unicodedata
from functools import cache

KINDS = (
    "name",
    "operator",
    "number",
    "open",
    "close",
    "call",
    "comma",
    "define",
    "assign",
    "name",
    "joined",
    "comparison",
    "separator",
    "newline",
    "superscript",
    "root",
    "pi",
    "rest",
    "other",
    "end",
)
"""The kinds of token, in the order of the groups of the expression (the first is group 1).

The commonest come first. A "joined" number touches a letter, a point or an underscore, which may
be an implicit product (`2x`) or a mistake (`1_000`); a plain one needs no second look."""

SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
SIGNS = {"**": "^", "×": "*", "·": "*", "⋅": "*", "∙": "*", "−": "-", "÷": "/", "∕": "/"}
"""Other spellings of the operators, as people paste them."""

_SPACE = " \t\ufeff\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_NUMBER = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_ASCII_NAME = "[A-Za-z_][A-Za-z0-9_]*+"
# \w also matches superscript digits, and pi is never part of a name: both are taken out.
_UNICODE_NAME = r"[^\W\d⁰¹²³⁴-⁹π][^\W⁰¹²³⁴-⁹π]*+(?:[\u0300-\u036f]++[^\W⁰¹²³⁴-⁹π]*+)*+"


@cache
def expression(ascii_only: bool) -> re.Pattern[str]:
    """Return the expression whose successive matches are the tokens of a text."""
    name = _ASCII_NAME if ascii_only else _UNICODE_NAME
    space = " \t" if ascii_only else _SPACE
    signs = "-+*/^" if ascii_only else "-+*/^×·⋅∙−÷∕"
    never = r"(?!)"
    groups = (
        rf"{name}(?![{space}]*+[(=])",
        rf"\*\*|[{signs}]",
        rf"{_NUMBER}(?![.\w])",
        r"\(",
        r"\)",
        rf"{name}[{space}]*+\((?![^()]*+\)[{space}]*+=(?!=))",
        ",",
        rf"{name}[{space}]*+\([^()]*+\)[{space}]*+=",
        rf"{name}[{space}]*+=(?!=)",
        name,
        _NUMBER,
        "<=|>=|==|!=|<|>",
        ";",
        r"\r?\n",
        never if ascii_only else "[⁰¹²³⁴-⁹⁻]+",
        never if ascii_only else "√",
        never if ascii_only else "π",
        r"\.\.\.",
        rf"[^{space}]",
        r"\Z",
    )
    return re.compile(rf"[{space}]*+(?:#[^\n]*+)?+(?:{'|'.join(f'({g})' for g in groups)})")


def normalized(name: str) -> str:
    """Return a name in the form in which names are compared (NFKC, so `x₁` is `x1`)."""
    return name if name.isascii() else unicodedata.normalize("NFKC", name)


def is_name(text: str) -> bool:
    """Return whether `text` is exactly one name of the language."""
    match = re.fullmatch(_UNICODE_NAME, text)
    return match is not None and normalized(text).isidentifier()


def number_at(text: str) -> bool:
    """Return whether `text` is exactly one number of the language, perhaps with a sign."""
    return re.fullmatch(rf"-?{_NUMBER}", text) is not None
