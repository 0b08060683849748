"""A graph read as a list of NumPy calls, for many points: block after block that fits the cache.

Each step is one NumPy call for 8192 rows. It writes into a buffer that is used again as soon as
nothing needs it, in an order that keeps few at a time (`early.py`), so a long computation goes on
within the processor's cache; results are computed there too and copied, which is faster than
computing into memory. Only values are read this way; a gradient is the values of a gradient graph
(`calculus/point_graph.py`). Steps are data, not generated text: calling them from a list costs a
tenth of a microsecond each, and nothing has to be named or compiled.

The sides of a `where` are both computed and one is chosen, so a row in which a node is not finite,
or in which a kink's condition holds, deserves another look: such rows are marked. A node costs
nothing more where its infinity would show in one that is looked at anyhow, and 8192 numbers are
looked at by one sum of squares, which is finite only if they all are.

This file imports NumPy, so it is itself imported only when there are data.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop_cli.graph import Graph
from backprop_cli.operations import TABLE
from backprop_cli.readings.array_types import Column, Mask
from backprop_cli.readings.arrays import ARRAYS
from backprop_cli.readings.early import early_order
from backprop_cli.readings.telling import SHOWS, TAME
from backprop_cli.readings.terms import Terms

Step = tuple[Callable[..., Any], Callable[[list[Any]], tuple[Any, ...]]]

PIECE = 8192
"""Rows that are computed at a time: 64 KiB a buffer, and few enough for BLAS to use one thread."""

_CACHE_LINE = 64
"""Bytes."""

_BAD, _KINKED, _FIRST = 0, 1, 2


class Blocks:
    """A graph compiled for many points."""

    def __init__(
        self,
        graph: Graph,
        columns: Sequence[str],
        fixed: Mapping[str, float],
        watched: Iterable[int] = (),
        kinks: Iterable[int] = (),
    ) -> None:
        """Compile the outputs of `graph` over columns of these names, the other inputs fixed.

        A row is marked as bad where an output or a node of `watched` is not finite (the operands
        of a watched node are watched too), as kinked where one of `kinks` is not 0.
        """
        watched, kinks = list(watched), list(kinks)
        needed = graph.dependencies([*graph.outputs, *watched, *kinks])
        with np.errstate(all="ignore"):
            terms = Terms(graph, needed, columns, fixed)
            marks = dict.fromkeys(terms.mask_of(terms.of[node]) for node in kinks)
        results = [terms.of[node] for node in graph.outputs]
        wild = {terms.of[k] for k in watched if TABLE[graph.rows[k]].name not in TAME}
        checked = _telling(terms, {*results, *wild})
        self._plan = _Plan(terms, len(columns), results, checked, set(marks))

    def __call__(
        self, columns: Sequence[Column], results: Sequence[Column], bad: Mask, kinked: Mask
    ) -> None:
        """Compute all rows of `columns` into `results`, and mark rows in `bad` and `kinked`.

        The columns and results are float64 arrays of one length. May run in several threads.
        """
        steps, count = self._plan.steps, len(bad)
        size = min(count, PIECE)
        given = [bad, kinked, *columns, *results]
        own = self._plan.buffers(size)
        with np.errstate(all="ignore"):
            for start in range(0, count, PIECE):
                end = min(start + PIECE, count)
                if end - start < size:
                    own = [part[: end - start] if part.shape else part for part in own]
                part = slice(start, end)
                slots = [array[part] for array in given] + own
                for function, get in steps:
                    function(*get(slots))


def _telling(terms: Terms, watched: set[int]) -> set[int]:
    """Return terms of which one is not finite wherever any of `watched` is not.

    An infinity that a product or a sum hands on shows there; one that 1/x or max swallows does not.
    """
    shown: set[int] = set()
    telling: set[int] = set()
    for term in range(len(terms.terms) - 1, -1, -1):
        if term in watched and term not in shown and terms.terms[term][0] != "column":
            telling.add(term)
            shown.add(term)
        if term in shown:
            operands = terms.operands(term)
            shown.update(operands[place] for place in SHOWS.get(str(terms.terms[term][0]), ()))
    return telling


def _check(values: Column, bad: Mask) -> None:
    """Mark the rows that are not finite, if there are any."""
    if not math.isfinite(values.dot(values)):
        np.logical_or(bad, ~np.isfinite(values), out=bad)


def _mark(mask: Mask, kinked: Mask) -> None:
    if np.count_nonzero(mask):
        np.logical_or(kinked, mask, out=kinked)


def _set_all(mask: Mask, same: Mask) -> None:
    mask[...] = True


def _copy(values: NDArray[Any], into: Column) -> None:
    into[...] = values


def _into(function: Callable[..., Any]) -> Callable[..., None]:
    """Return a function that writes what `function` returns into its last argument."""

    def call(*arguments: Any) -> None:
        arguments[-1][...] = function(*arguments[:-1])

    return call


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "not": np.logical_not,
    "and": np.logical_and,
    "or": np.logical_or,
    "max": lambda one, other, into: np.maximum(one, other, out=into),
    "min": lambda one, other, into: np.minimum(one, other, out=into),
    "number": _copy,
    "where": _into(np.where),
    **{name: getattr(np, name) for name in ("less", "less_equal", "greater", "greater_equal")},
    **{name: getattr(np, name) for name in ("equal", "not_equal")},
}


def _function(kind: str) -> Callable[..., Any]:
    """Return what computes a kind of term: operands, then the array to write into."""
    found = _FUNCTIONS.get(kind) or ARRAYS.spelling.function(kind)
    return found if isinstance(found, np.ufunc) or kind in _FUNCTIONS else _into(found)


def _aligned(size: int, kind: type) -> NDArray[Any]:
    """Return a new array that begins at a cache line.

    NumPy takes twice as long to write to one that does not, and its own seldom do.
    """
    wide = np.dtype(kind).itemsize
    room: NDArray[Any] = np.empty(size + _CACHE_LINE // wide, kind)
    address = room.__array_interface__["data"][0]
    first = -address % _CACHE_LINE // wide
    return room[first : first + size]


class _Plan:
    """The steps, and the slots they read and write.

    Slots are: the marks of bad rows, those of kinked rows, the columns, the results, then numbers
    and buffers. Buffers are given out and taken back as the steps are written.
    """

    def __init__(
        self, terms: Terms, columns: int, results: list[int], checked: set[int], marks: set[int]
    ) -> None:
        self.steps: list[Step] = []
        self._terms, self._checked, self._marks = terms, checked, marks
        self._extra: list[Any] = []
        self._first_extra = _FIRST + columns + len(results)
        self._slots: dict[int, int] = {}
        self._free: dict[type, list[int]] = {bool: [], float: []}
        self._targets: dict[int, list[int]] = {}
        for place, term in enumerate(results, _FIRST + columns):
            self._targets.setdefault(term, []).append(place)
        self._last = self._last_uses([*results, *checked, *marks])
        for term in self._last:
            self._take(term)

    def buffers(self, size: int) -> list[NDArray[Any]]:
        """Return numbers, and new buffers of `size` rows, for the slots after the results."""
        return [
            _aligned(size, part) if isinstance(part, type) else np.array(part)
            for part in self._extra
        ]

    def _step(self, function: Callable[..., Any], *places: int) -> None:
        self.steps.append((function, itemgetter(*places)))

    def _last_uses(self, wanted: list[int]) -> dict[int, int]:
        """Return, for each term that is needed, in order, the last term that reads it, or -1."""
        needed = set(wanted)
        for term in range(len(self._terms.terms) - 1, -1, -1):
            if term in needed:
                needed.update(self._terms.operands(term))
        buffers = {term: self._terms.operands(term) for term in sorted(needed)}
        buffers = {term: read for term, read in buffers.items() if read}  # no number, no column
        order = early_order(
            {
                term: [k for k in dict.fromkeys(read) if k in buffers]
                for term, read in buffers.items()
            }
        )
        last = dict.fromkeys([*sorted(needed - buffers.keys()), *order], -1)
        for term in order:
            last.update(dict.fromkeys(buffers[term], term))
        return last

    def _take(self, term: int) -> None:
        """Give a term a slot, and write the steps that compute it, look at it and copy it."""
        made = self._terms.terms[term]
        value = self._terms.value(term)
        if made[0] == "column":
            self._slots[term] = _FIRST + int(made[1])
        elif value is not None:
            self._slots[term] = self._new_slot(value)
            if term in self._checked and not math.isfinite(value):
                self._step(_set_all, _BAD, _BAD)
            if term in self._marks and value:
                self._step(_set_all, _KINKED, _KINKED)
        else:
            operands = [self._slots[k] for k in self._terms.operands(term)]
            self._release(term)
            self._slots[term] = self._buffer(term)
            if made[0] == "mul" and operands[0] == operands[1]:
                self._step(np.square, operands[0], self._slots[term])
            else:
                self._step(_function(str(made[0])), *operands, self._slots[term])
            if term in self._marks:
                self._step(_mark, self._slots[term], _KINKED)
            if term in self._checked:
                self._step(_check, self._slots[term], _BAD)
        for target in self._targets.get(term, ()):
            self._step(_copy, self._slots[term], target)
        if self._last[term] < 0:
            self._give_back(term)

    def _new_slot(self, content: Any) -> int:
        self._extra.append(content)
        return self._first_extra + len(self._extra) - 1

    def _buffer(self, term: int) -> int:
        kind = bool if self._terms.is_mask(term) else float
        return self._free[kind].pop() if self._free[kind] else self._new_slot(kind)

    def _release(self, term: int) -> None:
        """Take back the buffers of the operands that nothing reads after this term."""
        for operand in dict.fromkeys(self._terms.operands(term)):
            if self._last[operand] == term:
                self._give_back(operand)

    def _give_back(self, term: int) -> None:
        place = self._slots[term] - self._first_extra
        if place >= 0 and isinstance(self._extra[place], type):
            self._free[self._extra[place]].append(self._slots[term])
