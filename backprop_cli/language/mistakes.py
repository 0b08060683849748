"""The parser's refusals: each function looks at one kind of mistake and raises the error for it.

They run only when the text is wrong already, so they may look around in it as much as a clear
message needs.
"""

from typing import NoReturn

from backprop_cli.errors import Span, SyntaxProblem, UnknownFunction
from backprop_cli.language import hints
from backprop_cli.language.tokens import KINDS, next_token, normalized
from backprop_cli.operations import DIV

_LONGEST_QUOTE = 24


def fail(text: str, message: str, start: int, end: int, hint: str = "") -> NoReturn:
    """Raise a syntax error that points at a part of `text`."""
    raise SyntaxProblem(message, Span(start, end), hint, text)


def token_at(text: str, position: int) -> tuple[str, str]:
    """Return the kind and the text of the next token from `position` on."""
    kind, token, _ = next_token(text, position, len(text))
    return KINDS[kind - 1], token


def _group(text: str, position: int) -> str:
    """Return the parentheses that open at `position`, shortened if they are long."""
    depth = 0
    for end in range(position, min(position + _LONGEST_QUOTE, len(text))):
        depth += (text[end] == "(") - (text[end] == ")")
        if text[end] == ")" and depth == 0:
            return text[position : end + 1]
    return "(...)"


def unexpected_for_operand(text: str, token: str, start: int, end: int) -> NoReturn:
    """Refuse a token where an operand must come."""
    kind, _ = token_at(text, start)
    hint = "" if kind in ("comma", "comparison") else hints.SIGNS.get(token[-1:], "")
    if kind in ("assign", "define"):
        what = "an assignment" if kind == "assign" else "a definition"
        fail(text, f"{what} stands at the start of a statement", start, end, hint)
    if kind == "superscript":
        hint = "a superscript follows what it raises, as in x²"
    fail(text, f"expected an operand, found {hints.found(kind, token)}", start, end, hint)


def unexpected_for_operator(text: str, token: str, start: int, end: int, left: Span) -> NoReturn:
    """Refuse a token that can neither continue nor end the operand at `left`."""
    kind, _ = token_at(text, start)
    before, after = text[left.start : left.end], normalized(token)
    hint = hints.WORDS.get(after) or hints.WORDS.get(before, "")
    if kind in ("define", "assign") and not hint:
        hint = hints.SIGNS["="]
    elif kind == "other":
        hint = hint or hints.SIGNS.get(token, "")
        fail(text, f"unexpected {hints.character(token)}", start, end, hint)
    elif kind == "rest":
        hint = "... follows the last parameter of a function, as in f(z...) = sum(z...)"
    elif not hint and len(before) + len(after) <= _LONGEST_QUOTE:
        after += _group(text, end - 1)[1:] if after.endswith("(") else ""
        hint = f"write {before}*{after} for a product"
    fail(text, f"expected an operator, found {hints.found(kind, token)}", start, end, hint)


def _before_operators(text: str, start: int, end: int) -> str:
    """Return `text[start:end]` up to the operators that it ends with."""
    last = start
    while start < end:
        kind, _, start = next_token(text, start, end)
        if KINDS[kind - 1] not in ("operator", "root", "newline", "end"):
            last = start
    return text[:last]


def two_readings(
    text: str, row: int, token: str, start: int, end: int, left: int, right: Span
) -> NoReturn:
    """Refuse a product without its sign after a division or in an exponent: `1/2x`, `2^3x`."""
    sign, where = ("/", "right after a division") if row == DIV else ("^", "in an exponent")
    base = _before_operators(text, left, right.start)[left:]
    operand = text[right.start : right.end]
    factor = token[:-1] + _group(text, end - 1) if token.endswith("(") else token
    hint = f"write {base}{sign}({operand}*{factor}) or {base}{sign}{operand}*{factor}"
    if len(base) + len(operand) > _LONGEST_QUOTE:
        hint = f"write the product sign *, and parentheses after {sign}"
    fail(text, f"a product without its sign {where} can be read in two ways", start, end, hint)


def joined_number(text: str, number: Span) -> None:
    """Refuse a number that touches what follows it, unless it is a plain product such as `2x`."""
    token, (start, end) = text[number.start : number.end], number
    following = text[end : end + _LONGEST_QUOTE]
    length = next((k for k, c in enumerate(following) if not (c.isalnum() or c == "_")), None)
    word = following[:length]
    if following[0] == "." or following[0].isdigit():
        fail(text, "a number has one point at most, before its exponent", end, end + 1)
    if following[0] == "_":
        fail(text, "_ is not part of a number", end, end + 1, "write 1000 for a thousand")
    if not word:
        return
    if token == "0" and word[0] in "xXbBoO" and word[1:2].isalnum():
        fail(text, f"0{word} is not a decimal number", start, end + len(word))
    if "e" in token.lower():
        mantissa, _, exponent = token.lower().partition("e")
        hint = f"write {token}*{word} or {mantissa}*e{exponent}{word}"
        fail(text, f"{token}{word} can be read in two ways", start, end + len(word), hint)
    if word in ("e", "E") or (word[0] in "eE" and word[1].isalnum() and word[1:2].isdigit()):
        hint = f"write {token}*{word} for a product, or {token}e0 for a number with an exponent"
        fail(text, f"{token}{word} is not a number", start, end + len(word), hint)


def function_as_name(text: str, name: str, start: int, end: int) -> NoReturn:
    """Refuse the name of a function that stands alone: `sin^2(x)`, `sin x`, `exp`."""
    kind, token = token_at(text, end)
    hint = f"call it, as in {name}(x), or bind the name in --at"
    if token in ("^", "**") or kind == "superscript":
        hint = f"write {name}(x)^2 for the power of a value"
    elif kind in ("name", "number"):
        hint = f"write {name}({token})"
    fail(text, f"{name} is a function", start, end, hint)


def unknown_function(
    text: str, name: str, start: int, end: int, known: bool, defined: list[str]
) -> NoReturn:
    """Refuse the call of a name that is no function; `known` says that it is a value."""
    message, hint = f"unknown function '{name}'", hints.for_function(name, defined)
    if known or not hint:
        message, hint = (
            f"{name} is not a function",
            f"write {name}*{_group(text, end)} for a product",
        )
    raise UnknownFunction(message, Span(start, end), hint, text)


def bad_name(text: str, start: int, end: int) -> NoReturn:
    """Refuse a name with a character that letters, digits and _ do not cover."""
    written = text[start:end]
    odd = next((c for c in written if not normalized("a" + c).isidentifier()), written[:1])
    message = f"{hints.character(odd)} cannot stand in a name"
    fail(text, message, start, end, hints.SIGNS.get(odd, "names take letters, digits and _"))
