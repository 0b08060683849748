"""A graph read as compiled C, for many points: what `readings/blocks.py` does, by the compiler.

Rows are computed a piece at a time. A short loop without branches, which the compiler may turn
into vector instructions, computes the results and notes whether any row of the piece deserves
another look (a node that is not finite, a kink); only then are the rows of this piece marked, by
a second loop. ctypes lets go of Python's lock, so several threads may call at once.

This file imports NumPy, so it is itself imported only when there are data.
"""

import ctypes
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from backprop_cli.graph import Graph
from backprop_cli.readings.c import Lines, Writer
from backprop_cli.readings.native import load
from backprop_cli.readings.telling import telling_nodes

Column = NDArray[np.float64]
Mask = NDArray[np.bool_]

PIECE = 1024
"""Rows that are computed before the marks are looked at."""

_DRIVER = """
void backprop_rows(int64_t count, const double **c, double **r, const double *h,
                   uint8_t *bad, uint8_t *kinked) {{
  for (int64_t start = 0; start < count; start += {piece}) {{
    int64_t size = count - start < {piece} ? count - start : {piece};
    if (compute(start, size, c, r, h)) mark(start, size, c, h, bad, kinked);
  }}
}}"""


def rows_source(
    graph: Graph,
    columns: Sequence[str],
    fixed: Iterable[str],
    watched: Iterable[int] = (),
    kinks: Iterable[int] = (),
) -> str:
    """Return the C of the outputs of `graph` over columns of these names, other inputs fixed."""
    telling = tuple(dict.fromkeys((*telling_nodes(graph, watched), *graph.outputs)))
    kinks = tuple(dict.fromkeys(kinks))
    held = list(fixed)
    given = {name: f"h{place}" for place, name in enumerate(held)}
    given |= {name: f"x{place}" for place, name in enumerate(columns)}
    writer = Writer()
    lines = writer.lines(graph, [*graph.outputs, *telling, *kinks], given, held)
    bad = _any(writer.not_finite(lines.terms[node]) for node in telling)
    kinked = _any(writer.not_zero(lines.terms[node]) for node in kinks)
    results = [lines.terms[node].piece.text for node in graph.outputs]
    inputs = [name for name in graph.inputs if name in given]
    columns_read = [place for place, name in enumerate(columns) if name in graph.inputs]
    parameters = [f"  const double h{k} = h[{k}];" for k, name in enumerate(held) if name in inputs]
    compute = [
        "VECTORS static int64_t compute(int64_t start, int64_t size, const double **c, double **r,"
        " const double *h) {",
        *(f"  const double *restrict c{k} = c[{k}] + start;" for k in columns_read),
        *(f"  double *restrict r{k} = r[{k}] + start;" for k in range(len(results))),
        *parameters,
        "  int64_t marks = 0;",
        *_loop(lines, columns_read),
        *(f"    r{k}[i] = {text};" for k, text in enumerate(results)),
        f"    marks |= ({bad}) | ({kinked});",
        "  }",
        "  return marks;",
        "}",
    ]
    mark = [
        "RARE static void mark(int64_t start, int64_t size, const double **c,"
        " const double *h, uint8_t *bad, uint8_t *kinked) {",
        *(f"  const double *c{k} = c[{k}] + start;" for k in columns_read),
        *parameters,
        *_loop(lines, columns_read),
        f"    if ({bad}) bad[start + i] = 1;",
        f"    if ({kinked}) kinked[start + i] = 1;",
        "  }",
        "}",
    ]
    return writer.source([*compute, *mark, _DRIVER.format(piece=PIECE)])


def _any(tests: Iterable[str]) -> str:
    """Return a test of whether any of these holds, without branches."""
    return " | ".join(f"({test})" for test in dict.fromkeys(tests)) or "0"


def _loop(lines: Lines, columns: Iterable[int]) -> list[str]:
    """Return the beginning of a loop over rows: what does not move is computed before it."""
    return [
        *(f"  {line}" for line in lines.fixed),
        "  for (int64_t i = 0; i < size; i++) {",
        *(f"    const double x{k} = c{k}[i];" for k in columns),
        *(f"    {line}" for line in lines.moving),
    ]


class NativeBlocks:
    """A graph compiled by the system's C compiler for many points; called as `Blocks` is."""

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
        Raises `NoCompiler`.
        """
        self.source = rows_source(graph, columns, fixed, watched, kinks)
        """The C that was compiled, for the curious."""
        self.native = load(self.source)
        """The library, and how it came."""
        self._function = self.native.library.backprop_rows
        self._function.restype = None
        self._fixed = np.array([*fixed.values(), 0.0])
        self._results = len(graph.outputs)

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
