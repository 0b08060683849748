"""Reading what the user points at: an expression, a file, standard input, JSON."""

import os
from collections import Counter
from typing import Any, NamedTuple, NoReturn

from backprop_cli.errors import BindingProblem, FileProblem, LimitExceeded, Span

LARGEST_TEXT = 256 * 2**20
"""Texts of more bytes than this are refused, so that /dev/zero is no endless wait."""


class Source(NamedTuple):
    """A text, and where it came from ("" for the command line itself)."""

    text: str
    origin: str


def read_source(argument: str) -> Source:
    """Return the text of an argument: itself, `-` for standard input, or `@file`."""
    if argument == "-":
        return Source(_decoded(_read_stream(0, "standard input"), "standard input"), "stdin")
    if argument.startswith("@"):
        path = argument[1:]
        if not path:
            raise FileProblem("@ needs the name of a file", None, "write @program.txt")
        return Source(_decoded(read_file(path), path), path)
    return Source(checked_text(argument), "")


def checked_text(argument: str) -> str:
    """Return an argument of the command line, refused if its bytes were not UTF-8."""
    try:
        argument.encode("utf-8")
    except UnicodeEncodeError as error:
        message = "the text is not valid UTF-8"
        raise FileProblem(message, Span(error.start, error.end), "", argument) from None
    return argument


def read_file(path: str) -> bytes:
    """Return the bytes of a file. Raises `FileProblem`, or `LimitExceeded`."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"
        raise FileProblem(f"cannot read {path[:80]!r}: {reason.lower()}") from None
    try:
        return _read_stream(descriptor, path)
    finally:
        os.close(descriptor)


def _read_stream(descriptor: int, name: str) -> bytes:
    parts: list[bytes] = []
    size = 0
    try:
        while part := os.read(descriptor, 1 << 20):
            parts.append(part)
            size += len(part)
            if size > LARGEST_TEXT:
                raise LimitExceeded(f"{name} is larger than {LARGEST_TEXT >> 20} MiB")
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise FileProblem(f"cannot read {name[:80]!r}: {reason}") from None
    return b"".join(parts)


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        message = f"{name[:80]} is not valid UTF-8 text: byte {column} of line {line}"
        raise FileProblem(message, None, "save the file as UTF-8") from None


class NumberText(str):
    """A number of a JSON text, as written there."""

    __slots__ = ()


def read_json(text: str, origin: str) -> Any:
    """Return the value of a JSON text, its numbers kept as `NumberText`, so that no digit is lost.

    NaN, Infinity and repeated keys are refused. Raises `BindingProblem`.
    """
    import json

    def refuse(constant: str) -> NoReturn:
        raise BindingProblem(f"{origin}: {constant} is not a JSON number")

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(items)
        if len(made) < len(items):
            ((twice, _),) = Counter(name for name, _ in items).most_common(1)
            raise BindingProblem(f"{origin}: {twice[:40]!r} is given more than once")
        return made

    try:
        return json.loads(
            text.removeprefix("\ufeff"),
            parse_float=NumberText,
            parse_int=NumberText,
            parse_constant=refuse,
            object_pairs_hook=pairs,
        )
    except (ValueError, RecursionError) as error:
        reason = getattr(error, "msg", "nested too deeply")
        place = f" at column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise BindingProblem(f"{origin} is not valid JSON: {reason.lower()}{place}") from None
