"""The tokens of the language: one regular expression, read left to right.

Each match is some space, perhaps a comment, and one token; the group that matched tells its kind.
Text of ASCII characters alone, the usual case, is read with a plainer and faster expression than
text with Greek letters, superscripts or signs pasted from a document.
"""

import re
from collections.abc import Iterator
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

_NAME_KIND, _NUMBER_KIND, _CALL_KIND, _ASSIGN_KIND, _END_KIND = (
    KINDS.index(kind) + 1 for kind in ("name", "number", "call", "assign", "end")
)
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
_KIND_OF_TOKEN = {
    token: KINDS.index(kind) + 1
    for kind, tokens in {
        "name": _LETTERS,
        "number": "0123456789",
        "operator": ("+", "-", "*", "**", "/", "^"),
        "open": "(",
        "close": ")",
        "comma": ",",
        "separator": ";",
        "newline": "\n",
        "end": ("",),
    }.items()
    for token in tokens
}
"""The kind of the commonest tokens."""

_PART = 1 << 15
"""Plain text is cut in parts about so long, of which one at a time takes memory."""

_PLAIN = f"{_LETTERS}0123456789.+-*/^(),;\n =".encode()

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


def pieces(text: str, start: int, end: int) -> Iterator[list[str]]:
    """Yield `text[start:end]` cut into tokens, each with the space and comment before it.

    Joined, the pieces are the text again; the last one alone is the end, so it has no token.
    A plain text is cut by its signs alone, part by part, so that a piece may then hold several
    tokens, as `2x` does; but no token goes on in the next piece.
    """
    if not _is_plain(text[start:end]):
        found = _pieces(text.isascii()).findall(text, start, end)
        # After space or a comment the end is found with it, and then once more.
        if len(found) > 1 and re.fullmatch(_groups(text.isascii())[0], found[-2]):
            found.pop()
        yield found
        return
    while end - start > _PART:
        match = re.compile(r"[-+*/^),;\n]").search(text, start + _PART, end)
        middle = match.end() if match else end
        yield _cut(text[start:middle])
        start = middle
    yield [*_cut(text[start:end]), ""]


def _is_plain(text: str) -> bool:
    """Return whether each sign of a text tells by itself that a token begins or ends there."""
    return (
        text.isascii()
        and not text.encode().translate(None, _PLAIN)
        # The parameters of a definition are one token.
        and not any(sign in text for sign in ("**", "==", "  ", ")=", ") ="))
        and not text.endswith(" ")
        and not (
            any(sign in text for sign in ("e-", "e+", "E-", "E+"))
            and re.search(r"[0-9.][eE][-+]", text)
        )
    )


def _cut(text: str) -> list[str]:
    """Return a plain text cut before and after each sign; the space between goes to the latter."""
    for sign in "+-*/^),;\n":
        text = text.replace(sign, f"\0{sign}\0")
    for sign in "(=":  # what is called or assigned is one token with its sign
        text = text.replace(sign, f"{sign}\0")
    text = text.replace(" \0", "\0 ").replace("\0\0", "\0").strip("\0")
    return text.split("\0") if text else []


def kind_of(token: str) -> int:
    """Return the number of the kind of a text that is exactly one token; 0 if that is not sure."""
    kind = _KIND_OF_TOKEN.get(token)
    if kind is not None:
        return kind
    if token[0] in "0123456789.":
        try:
            float(token)
        except ValueError:
            return 0
        return 0 if "_" in token else _NUMBER_KIND
    bare = token[:-1].rstrip(" \t") if token[-1] in "(=" else token
    if not (bare.isascii() and bare.isidentifier()):
        return 0
    return _NAME_KIND if bare is token else _CALL_KIND if token[-1] == "(" else _ASSIGN_KIND


def next_token(text: str, position: int, end: int) -> tuple[int, str, int]:
    """Return the next token before `end`: the number of its kind (from 1), it, and its end."""
    match = expression(text.isascii()).match(text, position, end)
    kind = match.lastindex if match else None
    return (kind, match[kind], match.end()) if match and kind else (_END_KIND, "", end)


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
