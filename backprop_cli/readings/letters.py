"""Names as TeX sets them: `x_1` and `w2_11` with subscripts, Greek letters as commands.

One letter stands in italics as in any formula, a word is kept together (`\\mathit{loss}`), and what
follows an underscore, or digits at the end, become subscripts. No two names of a program may look
the same on the page: where that would happen (`x1` and `x_1`), both are set closer to how they are
typed. pdfTeX has no glyph for most letters of the world: accents are put together (é from \\acute),
what remains appears as its code point, U+5909. What renders Markdown has the letters: they stand.
"""

import re
import unicodedata
from collections.abc import Iterable

GREEK = {
    "α": r"\alpha", "β": r"\beta", "γ": r"\gamma", "δ": r"\delta", "ε": r"\varepsilon",
    "ζ": r"\zeta", "η": r"\eta", "θ": r"\theta", "ι": r"\iota", "κ": r"\kappa",
    "λ": r"\lambda", "μ": r"\mu", "ν": r"\nu", "ξ": r"\xi", "π": r"\pi", "ρ": r"\rho",
    "σ": r"\sigma", "ς": r"\varsigma", "τ": r"\tau", "υ": r"\upsilon", "φ": r"\varphi",
    "χ": r"\chi", "ψ": r"\psi", "ω": r"\omega", "Γ": r"\Gamma", "Δ": r"\Delta",
    "Θ": r"\Theta", "Λ": r"\Lambda", "Ξ": r"\Xi", "Π": r"\Pi", "Σ": r"\Sigma",
    "Υ": r"\Upsilon", "Φ": r"\Phi", "Ψ": r"\Psi", "Ω": r"\Omega",
}  # fmt: skip
"""The Greek letters that TeX has commands for."""

_ACCENTS = {
    "\u0300": "grave", "\u0301": "acute", "\u0302": "hat", "\u0303": "tilde", "\u0304": "bar",
    "\u0306": "breve", "\u0307": "dot", "\u0308": "ddot", "\u030a": "mathring",
    "\u030c": "check",
}  # fmt: skip
_UNDERSCORE = r"\underline{\enspace}"
_PRIME = "′"
_SUBSCRIPTED = re.compile(r"(?P<stem>[^\d_]+)(?P<digits>\d*)(?P<rest>(?:_[^_]+)*)")
_AS_TYPED = re.compile(r"(?P<stem>[^_]+)(?P<digits>)(?P<rest>(?:_[^_]+)*)")


def set_names(names: Iterable[str], unicode_letters: bool = False) -> dict[str, str]:
    """Return how each name is set in a formula; different names look different.

    With `unicode_letters` letters that TeX has no command for stand as they are.
    """
    waiting = list(dict.fromkeys(names))
    made: dict[str, str] = {}
    taken: set[str] = set()
    for pattern in (_SUBSCRIPTED, _AS_TYPED, None):
        found: dict[str, list[str]] = {}
        for text in waiting:
            found.setdefault(_set(text, pattern, unicode_letters), []).append(text)
        waiting = []
        for tex, owners in found.items():
            if tex and len(owners) == 1 and tex not in taken:
                made[owners[0]] = tex
                taken.add(tex)
            else:
                waiting += owners
    made |= {text: rf"\mathtt{{{_letters(text, False)}}}" for text in waiting}
    return made


def _set(text: str, pattern: re.Pattern[str] | None, unicode_letters: bool) -> str:
    """Return a name divided by a pattern; empty where it cannot be. A prime marks `c′2`."""
    base, prime, number = text.partition(_PRIME)
    if pattern is None:
        made = rf"\mathtt{{{_letters(base, unicode_letters)}}}"
        return rf"{made}'\mathtt{{{number}}}" if prime else made
    match = pattern.fullmatch(base)
    if match is None:
        return ""
    subscripts = [match["digits"], *match["rest"].split("_")[1:], number]
    below = ",".join(_subscript(part, unicode_letters) for part in subscripts if part)
    if len(below) > 1:
        below = f"{{{below}}}"
    stem = _letters(match["stem"], unicode_letters)
    made = f"{stem}_{below}" if below else stem
    # The subscript stays inside the braces: Markdown may read an underscore after a brace as the
    # beginning of emphasis, after a letter never.
    if len(match["stem"]) > 1:
        made = rf"\mathit{{{made}}}"
    return f"{made}'" if prime else made


def _subscript(part: str, unicode_letters: bool) -> str:
    letters = _letters(part, unicode_letters)
    return letters if len(part) == 1 or part.isdigit() else rf"\mathrm{{{letters}}}"


def _letters(text: str, unicode_letters: bool) -> str:
    """Return the letters of a name, a space where a command would swallow the next."""
    made = ""
    for sign in text:
        tex = letter(sign, unicode_letters)
        command = re.search(r"\\[a-z]+$", made, re.IGNORECASE)
        made += f" {tex}" if command and tex[:1].isalpha() else tex
    return made


def letter(sign: str, unicode_letters: bool = False) -> str:
    """Return one letter, digit or underscore of a name in mathematics."""
    if sign == "_":
        return _UNDERSCORE
    if sign in GREEK or sign.isascii():
        return GREEK.get(sign, sign)
    if unicode_letters:
        return sign
    parts = unicodedata.normalize("NFD", sign)
    if len(parts) == 2 and parts[0].isascii() and parts[1] in _ACCENTS:
        return rf"\{_ACCENTS[parts[1]]}{{{parts[0]}}}"
    return rf"\mathtt{{U{{+}}{ord(sign):04X}}}"
