"""A graph read as compiled C, for many points: what `readings/blocks.py` does, by the compiler.

Rows are computed a piece at a time. A loop without branches or calls can become vector
instructions; so each row leaves a mark, a number that says whether it deserves another look (1 for
a node that is not finite, 2 for a kink), and a second loop reads the marks. ctypes lets go of
Python's lock, so several threads may call at once.

This file imports NumPy, so it is itself imported only when there are data.
"""

import ctypes
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from backprop_cli.graph import Graph
from backprop_cli.readings.array_types import Column, Mask
from backprop_cli.readings.c import VECTOR, CWriter
from backprop_cli.readings.c_parts import APART, MOST_WHOLE, Division, divided
from backprop_cli.readings.compiler import BRANCHLESS
from backprop_cli.readings.library import words_of
from backprop_cli.readings.native import load
from backprop_cli.readings.target import Language
from backprop_cli.readings.telling import telling_nodes

_FEWEST_ROWS, _MOST_ROWS, _HANDED_ON = 64, 1024, 1 << 14
"""The fewest and the most rows that are computed before the marks are looked at; in between, so
many that the parts of the code hand on about so many numbers: 128 KiB, which the processor keeps at
hand."""

_HEAVY, _MOST_VECTORS = 12, MOST_WHOLE
"""What a function weighs that is better called for all rows than written out in a long code; and
the most lines of such a code that become vectors: with them, compiling takes five times as long."""

_PADDING = 8
"""Numbers between arrays, so that equal rows of different arrays lie in different cache lines."""

_MANY = 1 << 26
"""What a kink adds to a mark: more than there are parts of code, each of which adds 1 for a number
that is not finite."""

_DRIVER = """
int backprop_rows(int64_t count, const double **c, double **r, const double *h,
                  uint8_t *bad, uint8_t *kinked) {{
  static _Thread_local double v[{handed_on}][{stride}], f[{fixed}];
  union {{ double number[{piece}]; uint64_t bits[{piece}]; }} marks;
  int marked = 0;
  {still}
  for (int64_t start = 0; start < count; start += {piece}) {{
    int64_t size = count - start < {piece} ? count - start : {piece};
    {parts}
    uint64_t any = 0;
    for (int64_t i = 0; i < size; i++) any |= marks.bits[i];
    if (!any) continue;
    marked = 1;
    for (int64_t i = 0; i < size; i++) {{
      int64_t mark = (int64_t)marks.number[i];
      if (mark % {many}) bad[start + i] = 1;
      if (mark >= {many}) kinked[start + i] = 1;
    }}
  }}
  return marked;
}}"""
"""What is called: it returns 1 if a row was marked; `bad` and `kinked` are only ever set to 1."""


def rows_source(
    graph: Graph,
    columns: Sequence[str],
    fixed: Iterable[str],
    watched: Iterable[int] = (),
    kinks: Iterable[int] = (),
    language: Language = VECTOR,
) -> str:
    """Return the C of the outputs of `graph` over columns of these names, other inputs fixed."""
    telling = tuple(dict.fromkeys((*telling_nodes(graph, watched), *graph.outputs)))
    kinks = tuple(dict.fromkeys(kinks))
    given = {name: f"h{place}" for place, name in enumerate(fixed)}
    held = list(given)
    given |= {name: f"x{place}" for place, name in enumerate(columns)}
    writer = CWriter(language)
    lines = writer.lines(graph, [*graph.outputs, *telling, *kinks], given, held)
    results: dict[str, list[int]] = {}
    for place, node in enumerate(graph.outputs):
        results.setdefault(lines.terms[node].piece.text, []).append(place)
    bad = dict.fromkeys(writer.not_finite(lines.terms[node]) for node in telling)
    kinked = dict.fromkeys(writer.not_zero(lines.terms[node]) for node in kinks)
    asked = [*results, *bad, *kinked]
    still = divided(
        lines.fixed, (), given.values(), writer.weight, words_of([*lines.moving, *asked])
    )
    known = [*given.values(), *still.places]
    moving = divided(lines.moving, asked, known, writer.weight, heavy=_HEAVY)
    return writer.source(_Rows(results, bad, kinked, still, moving).source())


class _Rows(NamedTuple):
    """What is written: the texts of results and marks, what stands still, and what moves."""

    results: Mapping[str, Sequence[int]]
    bad: Collection[str]
    kinked: Collection[str]
    still: Division
    moving: Division

    def source(self) -> list[str]:
        """Return the functions of all parts, and the one that calls them."""
        still, moving = range(len(self.still.parts)), range(len(self.moving.parts))
        piece = min(_MOST_ROWS, max(_FEWEST_ROWS, _HANDED_ON // max(1, self.moving.size)))
        driver = _DRIVER.format(
            piece=piece,
            stride=piece + _PADDING,
            many=_MANY,
            handed_on=max(1, self.moving.size),
            fixed=max(1, self.still.size),
            still=" ".join(f"still{k}(h, f);" for k in still),
            parts="\n    ".join(map(self._run, moving)),
        )
        parts = [line for k in still for line in self._still(k)]
        parts += [line for k in moving for line in self._moving(k, piece)]
        return [*map(_for_rows, self._calls()), *parts, driver]

    def _still(self, number: int) -> list[str]:
        part, places = self.still.parts[number], self.still.places
        return [
            f"{_static(self.still)} void still{number}(const double *h, double *f) {{",
            *(f"  const double {name} = {self._scalar(name)};" for name in part.reads),
            *(f"  {line}" for line in part.lines),
            *(f"  f[{places[name]}] = {name};" for name in part.keeps),
            "}",
        ]

    def _calls(self) -> list[str]:
        """Return the functions that are called for all rows."""
        return list(dict.fromkeys(part.call for part in self.moving.parts if part.call))

    def _run(self, number: int) -> str:
        """Return the call of a part."""
        part, places = self.moving.parts[number], self.moving.places
        if not part.call:
            return f"part{number}(start, size, c, r, h, f, v, marks.number);"
        (name,), (made,) = part.reads, part.keeps
        operand = f"v[{places[name]}]" if name in places else f"c[{name[1:]}] + start"
        return f"rows_{part.call}(size, {operand}, v[{places[made]}]);"

    def _moving(self, number: int, piece: int) -> list[str]:
        if self.moving.parts[number].call:
            return []
        part, places = self.moving.parts[number], self.moving.places
        columns = [name for name in part.reads if name[0] == "x"]
        vectors = sum(len(each.lines) for each in self.moving.parts) <= _MOST_VECTORS
        made = [(text, place) for text in part.texts for place in self.results.get(text, ())]
        return [
            f"VECTORS {_static(self.moving)} void part{number}(int64_t start, int64_t size,",
            "    const double **c, double **r, const double *h, const double *f,",
            f"    double (*restrict v)[{piece + _PADDING}], double *restrict marks) {{",
            *(f"  const double *restrict c{x[1:]} = c[{x[1:]}] + start;" for x in columns),
            *(f"  double *restrict r{place} = r[{place}] + start;" for _, place in made),
            *(
                f"  const double {name} = {self._scalar(name)};"
                for name in part.reads
                if name not in places and name not in columns
            ),
            "  INDEPENDENT",
            "  for (int64_t i = 0; i < size; i++) {",
            *([] if vectors else ["    ONE_BY_ONE;"]),
            *(f"    const double {x} = c{x[1:]}[i];" for x in columns),
            *(
                f"    const double {name} = v[{places[name]}][i];"
                for name in part.reads
                if name in places
            ),
            *(f"    {line}" for line in part.lines),
            *(f"    v[{places[name]}][i] = {name};" for name in part.keeps),
            *(f"    r{place}[i] = {text};" for text, place in made),
            f"    {self._marked(number)}",
            "  }",
            "}",
        ]

    def _scalar(self, name: str) -> str:
        """Return where a number that stands still is: among those given, or those made of them."""
        places = self.still.places
        return f"f[{places[name]}]" if name in places else f"h[{name[1:]}]"

    def _marked(self, number: int) -> str:
        """Return the statement that marks a row for what a part sees in it."""
        texts = self.moving.parts[number].texts
        bad, kinked = (
            _any(text for text in texts if text in tests) for tests in (self.bad, self.kinked)
        )
        sign = "+=" if number else "="
        return f"marks[i] {sign} ({bad} ? 1.0 : 0.0) + ({kinked} ? {float(_MANY)!r} : 0.0);"


def _static(division: Division) -> str:
    """Return how the functions of the parts begin."""
    return APART if len(division.parts) > 1 else "static"


def _for_rows(name: str) -> str:
    """Return a function of one number as one of many rows."""
    return f"""VECTORS {APART} void rows_{name}(int64_t size, const double *restrict x,
    double *restrict y) {{
  INDEPENDENT
  for (int64_t i = 0; i < size; i++) y[i] = {name}(x[i]);
}}"""


def _any(tests: Iterable[str]) -> str:
    """Return a test of whether any of these holds, without branches."""
    return " | ".join(f"({test})" for test in tests) or "0"


class NativeBlocks:
    """A graph compiled by the system's C compiler for many points; called as `Blocks` is."""

    def __init__(
        self,
        graph: Graph,
        columns: Sequence[str],
        fixed: Mapping[str, float],
        watched: Iterable[int] = (),
        kinks: Iterable[int] = (),
        language: Language = VECTOR,
    ) -> None:
        """Compile the outputs of `graph` over columns of these names, the other inputs fixed.

        `VECTOR` is the faster C, `NATIVE` the one that has the interpreter's bits.

        A row is marked as bad where an output or a node of `watched` is not finite (the operands
        of a watched node are watched too), as kinked where one of `kinks` is not 0.
        Raises `NoCompiler`.
        """
        source = rows_source(graph, columns, fixed, watched, kinks, language)
        self.native = load(source, BRANCHLESS)
        """The library, and how it came."""
        self._function = self.native.library.backprop_rows
        self._function.restype = ctypes.c_int
        self._fixed = np.array([*fixed.values(), 0.0])

    def __call__(
        self, columns: Sequence[Column], results: Sequence[Column], bad: Mask, kinked: Mask
    ) -> None:
        """Compute all rows of `columns` into `results`, and mark rows in `bad` and `kinked`.

        May run in several threads.
        """
        count = len(bad)
        given = [np.ascontiguousarray(column, dtype=np.float64) for column in columns]
        made = [_writable(result) for result in results]
        marks = [np.zeros(count, np.bool_), np.zeros(count, np.bool_)]
        self._function(
            ctypes.c_int64(count),
            addresses(given),
            addresses(made),
            self._fixed.ctypes.data_as(ctypes.c_void_p),
            *(mark.ctypes.data_as(ctypes.c_void_p) for mark in marks),
        )
        for result, wanted in zip(made, results, strict=True):
            if result is not wanted:
                wanted[...] = result
        bad |= marks[0]
        kinked |= marks[1]


def _writable(column: Column) -> Column:
    """Return the column itself where C can write to it, else an array to be copied from."""
    plain = column.flags.c_contiguous and column.flags.aligned and column.dtype == np.float64
    return column if plain else np.empty(len(column))


def addresses(arrays: Sequence[Column]) -> "ctypes.Array[ctypes.c_void_p]":
    """Return where arrays begin, as C takes it: none at all would be no array of C's."""
    return (ctypes.c_void_p * max(1, len(arrays)))(*(array.ctypes.data for array in arrays))
