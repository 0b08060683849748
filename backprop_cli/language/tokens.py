"""The tokens of the language: one regular expression, read left to right.

Each match is some space, perhaps a comment, and one token; the group that matched tells its kind.
Text of ASCII characters alone, the usual case, is read with a plainer and faster expression than
text with Greek letters, superscripts or signs pasted from a document.
"""

import re
from functools import cache

KINDS = (
    "number",
    "define",
    "call",
    "assign",
    "name",
    "operator",
    "open",
    "close",
    "comma",
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
"""The kinds of token, in the order of the groups of the expression (the first is group 1)."""

SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
SIGNS = {"**": "^", "×": "*", "·": "*", "⋅": "*", "∙": "*", "−": "-", "÷": "/", "∕": "/"}
"""Other spellings of the operators, as people paste them."""

_SPACE = " \t\ufeff\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_NUMBER = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_ASCII_NAME = "[A-Za-z_][A-Za-z0-9_]*+"
# \w also matches superscript digits, and pi is never part of a name: both are taken out.
_UNICODE_NAME = r"[^\W\d⁰¹²³⁴-⁹π][^\W⁰¹²³⁴-⁹π]*+(?:[\u0300-\u036f]++[^\W⁰¹²³⁴-⁹π]*+)*+"


def _groups(ascii_only: bool) -> tuple[str, tuple[str, ...]]:
    """Return what may stand before a token, and the expression of each kind."""
    name = _ASCII_NAME if ascii_only else _UNICODE_NAME
    space = " \t" if ascii_only else _SPACE
    signs = "-+*/^" if ascii_only else "-+*/^×·⋅∙−÷∕"
    never = r"(?!)"
    groups = (
        _NUMBER,
        rf"{name}[{space}]*+\([^()]*+\)[{space}]*+=(?!=)",
        rf"{name}[{space}]*+\(",
        rf"{name}[{space}]*+=(?!=)",
        name,
        rf"\*\*|[{signs}]",
        r"\(",
        r"\)",
        ",",
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
    return rf"[{space}]*+(?:#[^\n]*+)?+", groups


@cache
def expression(ascii_only: bool) -> re.Pattern[str]:
    """Return the expression of one token, a group for each kind."""
    before, groups = _groups(ascii_only)
    return re.compile(f"{before}(?:{'|'.join(f'({group})' for group in groups)})")


@cache
def _pieces(ascii_only: bool) -> re.Pattern[str]:
    """Return the same without groups, the commonest kinds first.

    `findall` then gives the text in pieces, a token each with the space before it, several times
    faster than a match object for each token; most tokens tell their kind by their first sign.
    """
    before, groups = _groups(ascii_only)
    name = groups[KINDS.index("name")]
    common = rf"{name}(?![ \t]*+[(=])"
    operator = groups[KINDS.index("operator")]
    return re.compile(f"{before}(?:{'|'.join((common, operator, *groups))})")


def pieces(text: str, start: int, end: int) -> list[str]:
    """Return `text[start:end]` cut into tokens, each with the space and comment before it."""
    return _pieces(text.isascii()).findall(text, start, end)


def kind_at(text: str, position: int, end: int) -> tuple[int, str]:
    """Return the number of the kind (from 1) and the text of the next token before `end`."""
    match = expression(text.isascii()).match(text, position, end)
    kind = match.lastindex if match else None
    return (kind, match[kind]) if match and kind else (len(KINDS), "")


def normalized(name: str) -> str:
    """Return a name in the form in which names are compared (NFKC, so `x₁` is `x1`)."""
    if name.isascii():
        return name
    import unicodedata

    return unicodedata.normalize("NFKC", name)


def is_name(text: str) -> bool:
    """Return whether `text` is exactly one name of the language."""
    if text.isascii():
        return text.isidentifier()
    match = re.fullmatch(_UNICODE_NAME, text)
    return match is not None and normalized(text).isidentifier()


def number_at(text: str) -> bool:
    """Return whether `text` is exactly one number of the language, perhaps with a sign."""
    if text.isascii() and text.removeprefix("-").isdecimal():
        return True  # compiling the expression would take longer than a small answer
    return re.fullmatch(rf"-?{_NUMBER}", text) is not None
