"""The helpers that exported code needs, cut out of the files they live in.

A helper is a definition at the left margin with the comment above it. It is printed together with
the helpers it names, in the order of their files. A table of coefficients that a helper names and
its file does not have (`STIRLING`) is written from `special.py`, where those numbers live.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from backprop_cli.readings import special
from backprop_cli.readings.target import Language

_WORD = re.compile(r"(?<![\w.])[^\W\d]\w*")
_NUMPY = re.compile(r"\bnp\.")
_QUOTED = re.compile(r'""".*?"""', re.DOTALL)
_DEFINED = {
    "py": re.compile(r"(?:def )?([A-Za-z_]\w*(?:, \w+)*)(?:\(| = )"),
    "js": re.compile(r"(?:function|const) ([A-Za-z_]\w*)"),
    "c": re.compile(r"(?:#define|static (?:double|int)) ([A-Za-z_]\w*)"),
}
_COMMENT = ("# ", "//", "/*")
_TABLE = {"js": "const {0} = [\n{1},\n];", "c": "static const double {0}[] = {{\n{1},\n}};"}
_PER_LINE = 4


class Helper(NamedTuple):
    """One definition: the names it defines, its text, and every word in it."""

    names: tuple[str, ...]
    text: str
    words: frozenset[str]


def helpers(language: Language, used: Iterable[str]) -> list[str]:
    """Return the source of what these calls need, each definition once, callees first."""
    known = [helper for file in language.helpers for helper in _helpers(file)]
    by_name: dict[str, int] = {}
    for place, helper in enumerate(known):
        for name in helper.names:
            by_name.setdefault(name, place)
    waiting = set(words_of(used))
    chosen: set[int] = set()
    tables: set[str] = set()
    while waiting:
        word = waiting.pop()
        found = by_name.get(word)
        if found is not None and found not in chosen:
            chosen.add(found)
            waiting |= known[found].words
        elif found is None and word.isupper() and hasattr(special, f"_{word}"):
            tables.add(word)
    written = [_table(language, name) for name in sorted(tables)]
    texts = (known[place].text for place in sorted(chosen))
    return written + [_NUMPY.sub(f"{language.numpy}.", text) for text in texts]


def words_of(calls: Iterable[str]) -> frozenset[str]:
    """Return the names that calls such as `elementwise(gamma)` or `math.erf` begin with."""
    return frozenset(word for call in calls for word in _WORD.findall(call))


def _table(language: Language, name: str) -> str:
    """Return a table of coefficients of `special.py`."""
    numbers = [repr(value) for value in getattr(special, f"_{name}")]
    lines = [
        "  " + ", ".join(numbers[start : start + _PER_LINE])
        for start in range(0, len(numbers), _PER_LINE)
    ]
    return _TABLE[language.name].format(name, ",\n".join(lines))


@cache
def _helpers(file: str) -> tuple[Helper, ...]:
    """Return the definitions of a file."""
    ending = file.rpartition(".")[2]
    text = files("backprop_cli.readings").joinpath(file).read_text(encoding="utf-8")
    found = []
    for block in _blocks(text):
        match = _DEFINED[ending].match(block.code)
        if match:
            names = tuple(match[1].split(", "))
            words = _WORD.findall(_QUOTED.sub("", block.code))
            found.append(Helper(names, f"{block.comment}{block.code}", frozenset(words)))
    return tuple(found)


class _Block(NamedTuple):
    """A definition and the comment above it, each as text."""

    comment: str
    code: str


def _blocks(text: str) -> Iterator[_Block]:
    """Divide a file at its definitions, which begin at the left margin."""
    comment, code = "", ""
    within = False
    for line in [*text.splitlines(), "end"]:
        begins = not within and line.startswith(_COMMENT)
        marginal = line[:1] not in ("", " ", ")", "}", "]")
        if (begins or (marginal and not within)) and code:
            yield _Block(comment, code.rstrip())
            comment, code = "", ""
        if begins or within:
            comment += f"{line}\n"
            within = comment.startswith("/*") and not line.endswith("*/")
        elif not line and not code:
            comment = ""
        else:
            code += f"{line}\n"
