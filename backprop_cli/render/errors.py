"""The one place that lays out an error: what is wrong, where, and what to do about it.

    error: unknown function 'sine'
      sine(x) + 1
      ^^^^
      did you mean 'sin'?

The source may be anything a person or a program typed, so nothing of it reaches the screen that
could move the cursor, turn the line round or break the terminal's encoding: control characters,
bidirectional marks and lone surrogates appear as U+XXXX. The caret counts columns as terminals
do, two for a wide character and none for a combining one.
"""

import unicodedata
from typing import NamedTuple

from backprop_cli.errors import BackpropError, Span
from backprop_cli.studies.solution import Failure

WIDTH = 80
"""The most columns that a line of the excerpt takes."""

_INDENT = "  "
_LONGEST_MESSAGE = 1000
_LONGEST_HINT = 600
_LONGEST_ORIGIN = 30
_CUT = "..."


class Place(NamedTuple):
    """A line of a source: its number from 1, where it begins and ends, and how many there are."""

    number: int
    start: int
    end: int
    several: bool


def layout(error: BackpropError) -> str:
    """Return the lines of an error, without a line end."""
    return _laid_out(error.message, error.span, error.hint, error.source, error.origin)


def layout_failure(failure: Failure, source: str, origin: str = "") -> str:
    """Return the lines that say why there is no answer at this point."""
    return _laid_out(failure.message, failure.span, failure.hint, source, origin)


def error_object(error: BackpropError) -> dict[str, object]:
    """Return an error for JSON; line and columns count code points from 1, or are null.

    `end_column` is the column after the last one; a span over several lines ends with its first.
    """
    return {
        "code": error.code,
        "message": readable(error.message),
        **_place_object(error.span, error.source),
        "hint": readable(error.hint),
    }


def failure_object(failure: Failure, source: str) -> dict[str, object]:
    """Return a failure for JSON: as an error, with the name of the node."""
    return {
        "code": failure.code,
        "message": readable(failure.message),
        "node": readable(failure.node),
        **_place_object(failure.span, source),
        "hint": readable(failure.hint),
    }


def _place_object(span: Span | None, source: str) -> dict[str, object]:
    if span is None:
        return {"line": None, "column": None, "end_column": None}
    place = _place(span, source)
    start = min(max(span.start, place.start), place.end)
    end = max(min(span.end, place.end), start + 1)
    return {
        "line": place.number,
        "column": start - place.start + 1,
        "end_column": end - place.start + 1,
    }


def _laid_out(message: str, span: Span | None, hint: str, source: str, origin: str) -> str:
    lines = [f"error: {shortened(message, _LONGEST_MESSAGE)}"]
    if span is not None and source.strip():
        lines += _excerpt(span, source, origin)
    elif origin:
        lines.append(f"{_INDENT}in {shortened(origin, _LONGEST_ORIGIN * 2)}")
    if hint:
        lines.append(_INDENT + shortened(hint, _LONGEST_HINT))
    return "\n".join(lines)


def shortened(text: str, longest: int) -> str:
    """Return readable text of at most about `longest` characters; further lines are indented."""
    if len(text) > longest:
        text = text[: longest - len(_CUT)] + _CUT
    return readable(text).replace("\n", f"\n{_INDENT}")


def readable(text: str) -> str:
    """Return text in which every character can be shown, and line ends stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(sign if sign == "\n" else _shown(sign) for sign in text)


def _shown(sign: str) -> str:
    """Return a character as the screen shows it."""
    if sign.isprintable():
        return sign
    if sign == "\t" or unicodedata.category(sign) == "Zs":
        return " "
    return f"U+{ord(sign):04X}"


def _width(shown: str) -> int:
    """Return how many columns the text of one character takes."""
    if len(shown) > 1 or shown.isascii():
        return len(shown)
    if unicodedata.category(shown) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(shown) in "WF" else 1


def _place(span: Span, source: str) -> Place:
    """Return the line in which a span begins."""
    at = min(max(span.start, 0), len(source))
    start = source.rfind("\n", 0, at) + 1
    end = source.find("\n", start)
    end = len(source) if end < 0 else end
    if end > start and source[end - 1] == "\r" and end < len(source):
        end -= 1
    several = "\n" in source.strip()
    return Place(source.count("\n", 0, start) + 1, start, end, several)


def _excerpt(span: Span, source: str, origin: str) -> list[str]:
    """Return the line the span is in, as a window of it if it is long, and the caret line."""
    place = _place(span, source)
    lead = shortened(origin, _LONGEST_ORIGIN)
    if place.several:
        lead = f"{lead}, line {place.number}" if lead else f"line {place.number}"
    lead = _INDENT + (f"{lead}: " if lead else "")
    first = min(max(span.start, place.start), place.end)
    last = max(min(span.end, place.end), first + 1)
    left, right = _window(source, place, first, last, WIDTH - len(lead) - 2 * len(_CUT))
    before = _CUT if left > place.start else ""
    after = _CUT if right < place.end else ""
    signs = [_shown(sign) for sign in source[left:right]]
    widths = [_width(sign) for sign in signs]
    offset = sum(widths[: first - left])
    length = max(sum(widths[first - left : last - left]), 1)
    caret = " " * (sum(map(_width, lead)) + len(before) + offset) + "^" * length
    return [f"{lead}{before}{''.join(signs)}{after}".rstrip() or lead.rstrip(), caret]


def _window(source: str, place: Place, first: int, last: int, room: int) -> tuple[int, int]:
    """Return the part of a line that is shown: around `first`, at most `room` columns wide.

    As much of the span as there is room for comes first; what is left goes to both sides.
    """
    left = right = first
    used = 0
    while right < min(last, place.end) and used + _cost(source, right) <= room:
        used += _cost(source, right)
        right += 1
    for side in (room - (room - used) // 2, room):
        while left > place.start and used + _cost(source, left - 1) <= side:
            left -= 1
            used += _cost(source, left)
        while right < place.end and used + _cost(source, right) <= room:
            used += _cost(source, right)
            right += 1
    return left, right


def _cost(source: str, index: int) -> int:
    """Return the columns one character takes; a combining one counts, so that a window ends."""
    return max(_width(_shown(source[index])), 1)
