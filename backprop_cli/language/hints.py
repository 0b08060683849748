"""What people try, and what to tell them: the hints of the parser's errors, as data.

The parser is never smart about a mistake: it stops, points, and says what would have been right.
"""

from collections.abc import Iterable

from backprop_cli.language.prelude import PRELUDE
from backprop_cli.operations import INPUT, ROW, TABLE

ELSEWHERE = {
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arctan2": "atan2",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
    "arsinh": "asinh",
    "arcosh": "acosh",
    "artanh": "atanh",
    "tg": "tan",
    "ctg": "cot",
    "cotan": "cot",
    "cosec": "csc",
    "lg": "log10",
    "loge": "log",
    "fabs": "abs",
    "absolute": "abs",
    "sgn": "sign",
    "ceiling": "ceil",
    "root": "sqrt",
    "power": "pow",
    "logistic": "sigmoid",
    "expit": "sigmoid",
    "swish": "silu",
    "lrelu": "leaky_relu",
    "loggamma": "lgamma",
    "gammaln": "lgamma",
    "psi": "digamma",
    "lse": "logsumexp",
    "maximum": "max",
    "minimum": "min",
    "clamp": "clip",
    "phi": "normal_cdf",
    "mod": "x - y*floor(x/y)",
    "if": "where",
    "iff": "where",
    "ifelse": "where",
    "Max": "max",
    "Min": "min",
    "norm": "hypot",
}
"""What other languages call our functions."""

SIGNS = {
    "|": "write abs(x) for an absolute value",
    "!": "write gamma(n + 1) for a factorial",
    "{": "write parentheses ( ) for grouping, as in a^(2)",
    "}": "write parentheses ( ) for grouping",
    "[": "write parentheses ( ) for grouping",
    "]": "write parentheses ( ) for grouping",
    "%": "write x - y*floor(x/y) for a remainder",
    "&": "put one where(...) inside another for 'and'",
    "\\": "a statement goes on over line ends inside parentheses",
    ":": "write name = expression to assign",
    "=": "write name = expression at the start of a statement, or == to compare",
    "≤": "write <=",
    "≥": "write >=",
    "≠": "write !=",
    "∞": "infinity is not a number this calculator takes",
    "'": "names take letters, digits and _",
    "′": "names take letters, digits and _; only --wrt and --of take c′2, as tables name a value",
    '"': "write the expression without quotes inside it",
    "$": "names take letters, digits and _",
    "@": "write * for a product",
    "?": "write where(condition, a, b)",
    "∂": "give the function itself; its derivative is what comes out",
    "½": "write (1/2)",
    "¼": "write (1/4)",
    "¾": "write (3/4)",
    "∑": "write sum(...)",
    ".": "a name has no parts; write numbers as 0.5",
}
"""A hint for each sign that is not of the language."""

WORDS = {
    "if": "write where(condition, a, b)",
    "else": "write where(condition, a, b)",
    "then": "write where(condition, a, b)",
    "and": "put one where(...) inside another: where(a > 0, where(b > 0, x, y), y)",
    "or": "put one where(...) inside another: where(a > 0, x, where(b > 0, x, y))",
    "not": "turn the comparison round, as in where(x <= 0, a, b)",
    "lambda": "define a function as f(x) = x^2",
    "def": "define a function as f(x) = x^2",
    "import": "every function is there already; see backprop ops",
    "mod": "write x - y*floor(x/y) for a remainder",
}
"""A hint for each word that other languages give a meaning to."""

MEANINGS = {
    "number": "a number",
    "name": "a name",
    "call": "a call",
    "open": "'('",
    "close": "')'",
    "comma": "','",
    "separator": "the end of the statement",
    "newline": "the end of the line",
    "end": "the end of the text",
}


def is_function(name: str) -> bool:
    """Return whether the table or the prelude has a function of this name."""
    return name in PRELUDE or TABLE[ROW.get(name, INPUT)].called


def nearest(name: str, candidates: list[str]) -> str:
    """Return the candidate that `name` may be a slip of, or an empty string."""
    lower = {candidate.lower(): candidate for candidate in reversed(candidates)}
    if name.lower() in lower:
        return lower[name.lower()]
    if len(name) < 3:
        return ""
    from difflib import get_close_matches

    matches = get_close_matches(name, candidates, 1, 0.7)
    return matches[0] if matches else ""


def name_hint(name: str, known: Iterable[str]) -> str:
    """Return the hint for a name that a program does not have, given those it has."""
    names = list(dict.fromkeys(known))
    near = nearest(name, names)
    if near:
        return f"did you mean {near}?"
    return f"it has {', '.join(names[:10])}" if names else "it has no inputs and no named steps"


def functions() -> list[str]:
    """Return the names of all functions a program can call without defining them."""
    rows = [name for op in TABLE if op.called for name in (op.name, *op.aliases)]
    return rows + list(PRELUDE)


def for_function(name: str, defined: list[str]) -> str:
    """Return a hint for the call of a function nobody defined, empty if none is near."""
    elsewhere = ELSEWHERE.get(name) or ELSEWHERE.get(name.lower())
    near = elsewhere or nearest(name, defined + functions())
    if near:
        return f"did you mean '{near}'?" if near.isidentifier() else f"write {near}"
    return "backprop ops lists the functions" if len(name) > 2 else ""


def found(kind: str, token: str) -> str:
    """Return how an error names the token it did not expect."""
    if kind == "other":
        return character(token)
    return MEANINGS.get(kind) or f"'{token}'"


def character(sign: str) -> str:
    """Return a sign as an error shows it: itself where that is harmless, else its code point."""
    if sign.isprintable() and sign.isascii():
        return f"'{sign}'"
    import unicodedata

    name = unicodedata.name(sign, "a control character")
    shown = f"'{sign}' " if sign.isprintable() and not unicodedata.combining(sign) else ""
    return f"{shown}U+{ord(sign):04X} {name}"
