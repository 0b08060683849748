"""A graph read as compiled C, for many points: what `readings/blocks.py` does, by the compiler.

Rows are computed a piece at a time. A loop without branches or calls can become vector
instructions; so each row leaves a mark, a number that says whether it deserves another look (1 for
a node that is not finite, 2 for a kink), and a second loop reads the marks. ctypes lets go of
Python's lock, so several threads may call at once.

This file imports NumPy, so it is itself imported only when there are data.
"""

import ctypes
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from backprop_cli.graph import Graph
from backprop_cli.readings.c import VECTOR, Writer
from backprop_cli.readings.compiler import BRANCHLESS
from backprop_cli.readings.native import load
from backprop_cli.readings.target import Language
from backprop_cli.readings.telling import telling_nodes

Column = NDArray[np.float64]
Mask = NDArray[np.bool_]

PIECE = 1024
"""Rows that are computed before the marks are looked at."""

_DRIVER = """
void backprop_rows(int64_t count, const double **c, double **r, const double *h,
                   uint8_t *bad, uint8_t *kinked) {{
  union {{ double number[{piece}]; uint64_t bits[{piece}]; }} marks;
  for (int64_t start = 0; start < count; start += {piece}) {{
    int64_t size = count - start < {piece} ? count - start : {piece};
    compute(start, size, c, r, h, marks.number);
    uint64_t any = 0;
    for (int64_t i = 0; i < size; i++) any |= marks.bits[i];
    if (!any) continue;
    for (int64_t i = 0; i < size; i++) {{
      if (marks.number[i] == 1.0 || marks.number[i] == 3.0) bad[start + i] = 1;
      if (marks.number[i] >= 2.0) kinked[start + i] = 1;
    }}
  }}
}}"""


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
    held = list(fixed)
    given = {name: f"h{place}" for place, name in enumerate(held)}
    given |= {name: f"x{place}" for place, name in enumerate(columns)}
    writer = Writer(language)
    lines = writer.lines(graph, [*graph.outputs, *telling, *kinks], given, held)
    bad = _any(writer.not_finite(lines.terms[node]) for node in telling)
    kinked = _any(writer.not_zero(lines.terms[node]) for node in kinks)
    results = [lines.terms[node].piece.text for node in graph.outputs]
    read = [place for place, name in enumerate(columns) if name in graph.inputs]
    parameters = [place for place, name in enumerate(held) if name in graph.inputs]
    body = [
        "VECTORS static void compute(int64_t start, int64_t size, const double **c, double **r,",
        "                            const double *h, double *restrict marks) {",
        *(f"  const double *restrict c{k} = c[{k}] + start;" for k in read),
        *(f"  double *restrict r{k} = r[{k}] + start;" for k in range(len(results))),
        *(f"  const double h{k} = h[{k}];" for k in parameters),
        *(f"  {line}" for line in lines.fixed),
        "  INDEPENDENT",
        "  for (int64_t i = 0; i < size; i++) {",
        *(f"    const double x{k} = c{k}[i];" for k in read),
        *(f"    {line}" for line in lines.moving),
        *(f"    r{k}[i] = {text};" for k, text in enumerate(results)),
        f"    marks[i] = ({bad} ? 1.0 : 0.0) + ({kinked} ? 2.0 : 0.0);",
        "  }",
        "}",
    ]
    return writer.source([*body, _DRIVER.format(piece=PIECE)])


def _any(tests: Iterable[str]) -> str:
    """Return a test of whether any of these holds, without branches."""
    return " | ".join(f"({test})" for test in dict.fromkeys(tests)) or "0"


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
        self.source = rows_source(graph, columns, fixed, watched, kinks, language)
        """The C that was compiled, for the curious."""
        self.native = load(self.source, BRANCHLESS)
        """The library, and how it came."""
        self._function = self.native.library.backprop_rows
        self._function.restype = None
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
            _addresses(given),
            _addresses(made),
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


def _addresses(arrays: Sequence[Column]) -> "ctypes.Array[ctypes.c_void_p]":
    return (ctypes.c_void_p * max(1, len(arrays)))(*(array.ctypes.data for array in arrays))
