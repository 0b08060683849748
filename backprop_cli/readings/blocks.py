"""A graph read as NumPy source, for many points: straight lines over blocks that fit the cache.

Each operation is one NumPy call for 8192 rows, which writes into a buffer that is used again as
soon as nothing needs it (`out=`), so a long computation goes on within the processor's cache. Only
values are read this way; a gradient is the values of a gradient graph (`calculus/point_graph.py`).

Every name in the generated text is ours, as in `readings/python.py`. The sides of a `where` are
both computed and one is chosen, so a row in which a node is not finite, or in which a kink's
condition holds, may deserve another look: such rows are marked, at the cost of one dot product for
each node whose infinity would not show in a result, and of counting a mask for each kink.

This file imports NumPy, so it is itself imported only when there are data.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backprop_cli.graph import Graph
from backprop_cli.readings.arrays import ARRAYS
from backprop_cli.readings.terms import Terms

Column = NDArray[np.float64]
Mask = NDArray[np.bool_]

PIECE = 8192
"""Rows that are computed at a time: 64 KiB a buffer."""


class Blocks:
    """A graph compiled for many points."""

    def __init__(
        self,
        graph: Graph,
        columns: Sequence[str],
        fixed: Mapping[str, float],
        telling: Iterable[int] = (),
        kinks: Iterable[int] = (),
    ) -> None:
        """Compile the outputs of `graph` over columns of these names, the other inputs fixed.

        A row is marked as bad where a node of `telling` is not finite, as kinked where one of
        `kinks` is not 0.
        """
        telling, kinks = list(telling), list(kinks)
        needed = graph.dependencies([*graph.outputs, *telling, *kinks])
        with np.errstate(all="ignore"):
            terms = Terms(graph, needed, columns, fixed)
            checked = dict.fromkeys(terms.of[node] for node in telling)
            marks = dict.fromkeys(terms.mask_of(terms.of[node]) for node in kinks)
        results = [terms.of[node] for node in graph.outputs]
        self._code = _Code(terms, results, list(checked), list(marks))
        self.source = self._code.text
        """The generated source, for the curious."""

    def __call__(
        self, columns: Sequence[Column], results: Sequence[Column], bad: Mask, kinked: Mask
    ) -> None:
        """Compute all rows of `columns` into `results`, and mark rows in `bad` and `kinked`."""
        code, count = self._code, len(bad)
        size = min(count, PIECE)
        floats = [np.empty(size) for _ in range(code.floats)]
        masks = [np.empty(size, np.bool_) for _ in range(code.masks)]
        one = np.ones(size)
        with np.errstate(all="ignore"):
            for start in range(0, count, PIECE):
                end = min(start + PIECE, count)
                if end - start < size:
                    floats = [buffer[: end - start] for buffer in floats]
                    masks = [buffer[: end - start] for buffer in masks]
                    one = one[: end - start]
                code.function(
                    [column[start:end] for column in columns],
                    [result[start:end] for result in results],
                    floats,
                    masks,
                    bad[start:end],
                    kinked[start:end],
                    one,
                )


class _Place(NamedTuple):
    """Where a term is kept: the name of a variable, and the buffer to give back (or -1)."""

    name: str
    buffer: int
    is_mask: bool


def _spoil(values: Column, bad: Mask) -> None:
    np.logical_or(bad, ~np.isfinite(values), out=bad)


_HELPERS: dict[str, Any] = {
    "isfinite": math.isfinite,
    "count": np.count_nonzero,
    "either": np.logical_or,
    "choose": np.where,
    "spoil": _spoil,
    "multiply": np.multiply,
}
_MASK_FUNCTIONS: dict[str, Any] = {
    "not": np.logical_not,
    "and": np.logical_and,
    "or": np.logical_or,
    **{name: getattr(np, name) for name in ("less", "less_equal", "greater", "greater_equal")},
    **{name: getattr(np, name) for name in ("equal", "not_equal")},
}
_PAIRWISE = {"max": np.maximum, "min": np.minimum}


class _Code:
    """The source of one function, its buffers given out and taken back as it is written."""

    def __init__(
        self, terms: Terms, results: list[int], checked: list[int], marks: list[int]
    ) -> None:
        self.terms = terms
        self.floats = self.masks = 0
        self._free: dict[bool, list[int]] = {False: [], True: []}
        self._namespace: dict[str, Any] = dict(_HELPERS)
        self._lines: list[str] = []
        self._places: dict[int, _Place] = {}
        self._checked, self._marks = set(checked), set(marks)
        self._last = self._last_uses([*results, *checked, *marks])
        self._targets: dict[int, str] = {}
        for place, term in enumerate(results):
            if terms.operands(term):
                self._targets.setdefault(term, f"r{place}")
        self._constants(checked, marks)
        for term in self._last:
            if terms.operands(term):
                self._compute(term)
        for place, term in enumerate(results):
            if self._targets.get(term) != f"r{place}":
                self._lines.append(f"r{place}[...] = {self._name(term)}")
        self.text = self._finished(len(results))
        exec(self.text, self._namespace)
        self.function: Callable[..., None] = self._namespace["function"]

    def _last_uses(self, wanted: list[int]) -> dict[int, int]:
        """Return, for each term that is needed, in order, the last term that reads it."""
        last = dict.fromkeys(wanted, -1)
        for term in range(len(self.terms.terms) - 1, -1, -1):
            if term in last:
                for operand in self.terms.operands(term):
                    last.setdefault(operand, term)
        return dict(sorted(last.items()))

    def _constants(self, checked: list[int], marks: list[int]) -> None:
        """Mark every row where a node that is the same in all rows asks for it."""
        for term in checked:
            value = self.terms.value(term)
            if value is not None and not math.isfinite(value):
                self._lines.append("bad[...] = True")
        self._lines += ["kinked[...] = True" for term in marks if self.terms.value(term)]

    def _finished(self, results: int) -> str:
        """Return the text of the whole function."""
        columns = [term[1] for term in self.terms.terms if term[0] == "column"]
        lines = ["def function(c, r, b, m, bad, kinked, one):"]
        lines += [f"c{place} = c[{place}]" for place in columns]
        lines += [f"r{place} = r[{place}]" for place in range(results)]
        lines += [f"b{place} = b[{place}]" for place in range(self.floats)]
        lines += [f"m{place} = m[{place}]" for place in range(self.masks)]
        return "\n ".join([*lines, *self._lines, "return"])

    # -------------------------------------------------------------- where terms are kept

    def _name(self, term: int) -> str:
        """Return the name under which the text knows a term."""
        made = self.terms.terms[term]
        if made[0] == "column":
            return f"c{made[1]}"
        value = self.terms.value(term)
        if value is None:
            return self._places[term].name
        name = f"n{term}"
        self._namespace[name] = np.array(value)
        return name

    def _new_place(self, term: int, reusable: list[int]) -> _Place:
        """Return where to keep a term: its result, or a buffer, if possible one of `reusable`."""
        if term in self._targets:
            return _Place(self._targets[term], -1, False)
        mask = self.terms.is_mask(term)
        free = self._free[mask]
        for operand in reusable:
            place = self._places.get(operand)
            if place is not None and place.is_mask == mask and place.buffer in free:
                free.remove(place.buffer)
                return place
        if free:
            buffer = free.pop()
        elif mask:
            buffer, self.masks = self.masks, self.masks + 1
        else:
            buffer, self.floats = self.floats, self.floats + 1
        return _Place(f"{'m' if mask else 'b'}{buffer}", buffer, mask)

    def _release(self, term: int) -> list[int]:
        """Take back the buffers of the operands that nothing reads after this term."""
        done = []
        for operand in dict.fromkeys(self.terms.operands(term)):
            place = self._places.get(operand)
            if place is not None and place.buffer >= 0 and self._last[operand] == term:
                self._free[place.is_mask].append(place.buffer)
                done.append(operand)
        return done

    # -------------------------------------------------------------- lines

    def _compute(self, term: int) -> None:
        """Write the lines that compute a term and look at it."""
        kind = str(self.terms.terms[term][0])
        names = [self._name(operand) for operand in self.terms.operands(term)]
        place = self._new_place(term, self._release(term))
        self._places[term] = place
        self._lines += self._assignment(kind, term, names, place)
        if term in self._checked:
            self._lines.append(f"if not isfinite({place.name}.dot(one)): spoil({place.name}, bad)")
        if term in self._marks:
            self._lines.append(f"if count({place.name}): either(kinked, {place.name}, out=kinked)")

    def _assignment(self, kind: str, term: int, names: list[str], place: _Place) -> list[str]:
        given = ", ".join(names)
        if kind == "number":
            return [f"multiply({given}, 1.0, out={place.name})"]
        if kind == "where":
            target = place.name if place.buffer >= 0 else f"{place.name}[...]"
            return [f"{target} = choose({given})"]
        function = _MASK_FUNCTIONS.get(kind) or _PAIRWISE.get(kind)
        function = function or ARRAYS.spelling.function(kind)
        self._namespace[f"f_{kind}"] = function
        if isinstance(function, np.ufunc):
            return [f"f_{kind}({given}, out={place.name})"]
        return [f"{place.name}[...] = f_{kind}({given})"]
