"""Straight lines of C divided into functions of some hundred lines.

A compiler's time grows with the square of a function's lines and worse, so a long computation is
cut into parts that are compiled one by one, and its time grows with the lines alone. What a part
needs of an earlier one is handed on in an array; a place in it is given anew once nothing reads
it. Lines that call a long function may be set apart, to be done for many rows at once: then what
does not depend on them is moved in front. No operation is changed, nor are the numbers, by a bit.
"""

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from backprop_cli.readings.library import words_of

MOST_WHOLE = 600
"""The most lines that stay in one part; written out functions count with all their lines.

Two other numbers follow from this one. A code that is whole gets each optimisation and may become
vectors; one in parts gets fewer (`optimisation` in `readings/compiler.py`), and of these as many
lines as a whole may have become vectors (`readings/native_blocks.py`). A function of many more
variables can only be the loop of a climb with many inputs (`studies/climbing/step_code.py`).
"""

APART = "static APART"
"""How the functions of several parts begin: the compiler may not put them together again."""

MOST = 150
"""About how many lines a part has where there are several."""

_MADE = re.compile(r"const double (\w+) =")
_CALL = re.compile(r"const double \w+ = (\w+)\(([xv]\d+)\);")


class Part(NamedTuple):
    """Some lines in a row, and what they share with other parts.

    `reads` are names that come from outside: inputs, or names that earlier parts have made;
    `keeps` those made here that later parts read; `texts` those asked for that are computed here.
    A part that is one line set apart has its function in `call`.
    """

    lines: tuple[str, ...]
    reads: tuple[str, ...]
    keeps: tuple[str, ...]
    texts: tuple[str, ...]
    call: str = ""


class Division(NamedTuple):
    """The parts, the place in the array of each name that is handed on, and how many there are."""

    parts: tuple[Part, ...]
    places: dict[str, int]
    size: int


def divided(
    lines: Sequence[str],
    texts: Iterable[str],
    given: Iterable[str],
    weight: Callable[[Iterable[str]], int],
    kept: Iterable[str] = (),
    heavy: float = float("inf"),
) -> Division:
    """Divide definitions into parts.

    `texts` are what is asked for in the end: names, or expressions over them; each is given to the
    part that makes the last of its names. `given` are the names that come from outside, those of
    `kept` stay in the array to the end. A line weighs 1, and what `weight` says of its words. Where
    there are several parts, calls of one number that weigh `heavy` or more are set apart.
    """
    items = [_item(text, weight, heavy) for text in _ordered(lines, texts)]
    whole = sum(item.weight for item in items) <= MOST_WHOLE
    spans = [[item._replace(call="") for item in items]] if whole else list(_cut(_levelled(items)))
    home = {item.made: part for part, span in enumerate(spans) for item in span if item.made}
    known = {*home, *given}
    outside = [
        dict.fromkeys(
            name
            for item in span
            for name in sorted(item.words)
            if name in known and home.get(name) != part
        )
        for part, span in enumerate(spans)
    ]
    last = {name: part for part, each in enumerate(outside) for name in each if name in home}
    last |= dict.fromkeys(home.keys() & set(kept), len(spans))
    parts = (_part(span, outside[k], last) for k, span in enumerate(spans))
    return Division(tuple(parts), *_places(len(spans), home, last))


class _Item(NamedTuple):
    """A definition with the name it makes, or a text that is asked for; `call` is set apart."""

    text: str
    words: frozenset[str]
    made: str
    weight: int
    call: str


def _item(text: str, weight: Callable[[Iterable[str]], int], heavy: float) -> _Item:
    words, made, call = words_of([text]), _MADE.match(text), _CALL.fullmatch(text)
    weighs = 1 + weight(words)
    apart = call[1] if call and weighs >= heavy else ""
    return _Item(text, words, made[1] if made else "", weighs, apart)


def _part(span: Sequence[_Item], reads: Iterable[str], last: Container[str]) -> Part:
    """Return a part; `last` has the names that other parts read."""
    return Part(
        tuple(item.text for item in span if item.made),
        tuple(reads),
        tuple(item.made for item in span if item.made in last),
        tuple(item.text for item in span if not item.made),
        span[0].call if span else "",
    )


def _ordered(lines: Sequence[str], texts: Iterable[str]) -> list[str]:
    """Return the lines, each followed by the texts that can be computed from there on."""
    place = {found[1]: k for k, line in enumerate(lines) if (found := _MADE.match(line))}
    after: dict[int, list[str]] = {}
    for text in dict.fromkeys(texts):
        last = max((place.get(name, -1) for name in words_of([text])), default=-1)
        after.setdefault(last, []).append(text)
    items = after.get(-1, [])
    for k, line in enumerate(lines):
        items += [line, *after.get(k, ())]
    return items


def _levelled(items: Sequence[_Item]) -> list[_Item]:
    """Return the items so that few parts are needed: the calls set apart follow one another.

    The level of an item is how many calls, one after the other, it waits for.
    """
    levels: dict[str, int] = {}
    keys: list[tuple[int, bool]] = []
    for item in items:
        level = max((levels.get(name, 0) for name in item.words if name != item.made), default=0)
        if item.made:
            levels[item.made] = level + bool(item.call)
        keys.append((level, bool(item.call)))
    if not any(call for _, call in keys):
        return list(items)
    return [items[k] for k in sorted(range(len(items)), key=keys.__getitem__)]


def _cut(items: list[_Item]) -> Iterator[list[_Item]]:
    """Yield the items of each part: a call set apart alone, others up to the size of a part."""
    begin = total = 0
    for k, item in enumerate(items):
        apart = item.call or items[k - 1].call or total + item.weight > MOST
        if k > begin and apart:
            yield items[begin:k]
            begin, total = k, 0
        total += item.weight
    yield items[begin:]


def _places(
    parts: int, home: Mapping[str, int], last: Mapping[str, int]
) -> tuple[dict[str, int], int]:
    """Return the place of each name that is handed on; no part reads and writes the same place."""
    ending: list[list[str]] = [[] for _ in range(parts + 1)]
    starting: list[list[str]] = [[] for _ in range(parts)]
    for name, part in last.items():
        ending[part].append(name)
        starting[home[name]].append(name)
    places: dict[str, int] = {}
    free: list[int] = []
    size = 0
    for part in range(parts):
        for name in starting[part]:
            if not free:
                free.append(size)
                size += 1
            places[name] = free.pop()
        free += [places[name] for name in ending[part]]
    return places, size
