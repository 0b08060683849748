"""A TOML text and where things stand in it, so that errors can point.

Python's reader of TOML gives values without places, so a key or a value is looked for again, in
the part of the text that it must be in. Where that fails, the first line of the part is named.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from backprop_cli.errors import BackpropError, FileProblem, Span
from backprop_cli.language.hints import nearest

_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)|\(at end of document\)")
_NUMBER = re.compile(r"[-+]?[0-9.][0-9.eE+-]*")


class TomlText:
    """A TOML text with its values; `origin` is the name of the file."""

    def __init__(self, text: str, origin: str) -> None:
        import tomllib

        self.text, self.origin = text, origin
        try:
            self.values: dict[str, Any] = tomllib.loads(text.removeprefix("\ufeff"))
        except tomllib.TOMLDecodeError as error:
            self._not_toml(str(error))

    def parts(self, table: str, count: int) -> list[Span]:
        """Return where each of the `count` tables `[[table]]` stands."""
        header = re.compile(rf"^[ \t]*\[\[[ \t]*{table}[ \t]*\]\]", re.MULTILINE)
        starts = [match.start() for match in header.finditer(self.text)]
        if len(starts) != count:
            return [Span(0, len(self.text))] * count
        return [Span(*ends) for ends in zip(starts, [*starts[1:], len(self.text)], strict=True)]

    def formula(self, value: Any, name: str, part: Span) -> str:
        """Return a value as text of the language: a string, or a number as Python writes it."""
        if isinstance(value, str):
            return value
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            self.refuse(f"{name} is a number or a string", self.key(name, part))
        written = self.value(name, "", part)
        match = _NUMBER.match(self.text, written.start)
        same = match is not None and float(match[0]) == value  # 0.1966 keeps its digits
        return match[0].lstrip("+") if match and same else repr(value)

    def head(self, part: Span) -> Span:
        """Return the first line of a case."""
        end = self.text.find("\n", part.start)
        return Span(part.start, min(part.end, end) if end >= 0 else part.end)

    def key(self, key: str, part: Span) -> Span:
        """Return where a key of a case stands, else the case's first line."""
        quoted = re.escape(key)
        pattern = re.compile(rf"(?<![\w.])[\"']?({quoted})[\"']?[ \t]*(?==)|\[[^\]\n]*({quoted})\]")
        match = pattern.search(self.text, part.start, part.end)
        return Span(*match.span(1 if match[1] else 2)) if match else self.head(part)

    def value(self, key: str, text: str, part: Span) -> Span:
        """Return where the value of a key stands: inside its quotes, if it has any."""
        quoted = rf"(?<!\w)[\"']?{re.escape(key)}[\"']?[ \t]*=[ \t]*"
        pattern = re.compile(rf"{quoted}(?:\"{{1,3}}|'{{1,3}})?\n?({re.escape(text)})")
        match = pattern.search(self.text, part.start, part.end)
        return Span(*match.span(1)) if match else self.key(key, part)

    def placed(self, error: BackpropError, key: str, text: str, part: Span) -> BackpropError:
        """Return an error about the value of a key with its place in the file."""
        place = self.value(key, text, part)
        if error.span is not None and place.end - place.start == len(text):
            place = Span(place.start + error.span.start, place.start + error.span.end)
        error.span, error.source, error.origin = place, self.text, self.origin
        return error

    def check_keys(self, table: Mapping[str, Any], known: Sequence[str], part: Span) -> None:
        """Raise unless every key of a table is known."""
        for key in table:
            if key not in known:
                near = nearest(key, list(known))
                hint = f"did you mean {near}?" if near else f"the keys are {', '.join(known)}"
                self.refuse(f"there is no key {key[:40]!r}", self.key(key, part), hint)

    def _not_toml(self, message: str) -> NoReturn:
        match = _PLACE.search(message)
        at = len(self.text.rstrip())
        if match and match[1]:
            lines = self.text.split("\n")
            at = sum(len(line) + 1 for line in lines[: int(match[1]) - 1]) + int(match[2]) - 1
        words = _PLACE.sub("", message).strip()
        words = words[:1].lower() + words[1:]
        self.refuse(f"not valid TOML: {words}", Span(at, at + 1))

    def refuse(self, message: str, span: Span | None, hint: str = "") -> NoReturn:
        """Raise an error about a place of the text."""
        error = FileProblem(message, span, hint, self.text if span else "")
        error.origin = self.origin
        raise error
