"""A graph read as compiled C over rows of data: each output in each row, and their sums.

In every row the numbers are the interpreter's, to the last bit (`readings/c.py`); NumPy adds them
up, in the order in which it adds its own. So a mean has the very bits of NumPy's wherever NumPy
computes each row as the interpreter does. It does not for functions that it has an own version of
(`own_versions`): there the last digits may differ, and C is hardly faster.

Where a number is not finite in some row, C has no answer, since it reads a comparison with NaN as
false; then NumPy computes that piece of the rows.
"""

import ctypes
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

import numpy as np

from backprop_cli.graph import Graph
from backprop_cli.operations import COMPARISON_ROWS, CONSTANT, INPUT, POW, TABLE, WHERE
from backprop_cli.readings.array_types import Column, RowNumbers
from backprop_cli.readings.c import NATIVE
from backprop_cli.readings.compiler import BRANCHLESS
from backprop_cli.readings.floats import number
from backprop_cli.readings.formulas import CHEAP, formula
from backprop_cli.readings.native import Native, load
from backprop_cli.readings.native_blocks import addresses, rows_source

_OWN = {
    *("exp", "expm1", "log", "log2", "log10", "log1p", "cbrt", "hypot", "pow", "logsumexp"),
    *("sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sum", "mean"),
    *("sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
}
"""The primitives of which NumPy has an own version, or `readings/arrays.py` for it."""

_PADDING = 24
"""Numbers between two columns of results: a distance of 2^k bytes would send all to one place of
the cache."""


class NativeRows:
    """The outputs of a graph that depend on columns, compiled; adds them up over some rows."""

    def __init__(
        self,
        graph: Graph,
        parameters: Sequence[str],
        columns: Mapping[str, Column],
        most: int,
    ) -> None:
        """Compile; at most `most` rows will be asked for at once. Raises `NoCompiler`."""
        used = [name for name in columns if name in graph.inputs]
        self.outputs = graph.outputs
        """The nodes that are added up."""
        source = rows_source(graph, used, parameters, graph.outputs, language=NATIVE)
        self.native: Native = load(source, BRANCHLESS)
        """The library, and how it came."""
        self._function = self.native.library.backprop_rows
        self._function.restype = ctypes.c_int
        self._columns = [np.ascontiguousarray(columns[name]) for name in used]
        self._picked = [np.empty(most) for _ in used]
        self._results = np.empty((len(graph.outputs), most + _PADDING))
        self._sources = [column.ctypes.data for column in self._columns]
        self._few, self._made = addresses(self._picked), addresses(list(self._results))
        self._point = (ctypes.c_double * max(1, len(parameters)))()
        self._marks = (ctypes.c_uint8 * most)()

    def sums(self, point: Sequence[float], rows: "slice | RowNumbers") -> list[float] | None:
        """Return the sum of each output over these rows; None where a number is not finite."""
        self._point[: len(point)] = list(point)
        if isinstance(rows, slice):
            size, columns = rows.stop - rows.start, self._from(rows.start)
        else:
            size, columns = len(rows), self._few
            for column, picked in zip(self._columns, self._picked, strict=True):
                column.take(rows, out=picked[:size])
        count, marks = ctypes.c_int64(size), self._marks
        if self._function(count, columns, self._made, self._point, marks, marks):
            return None
        found: list[float] = self._results[:, :size].sum(axis=1).tolist()
        return found

    def _from(self, start: int) -> "ctypes.Array[ctypes.c_void_p]":
        """Return where the columns have this row."""
        skipped = start * np.dtype(np.float64).itemsize
        return (ctypes.c_void_p * max(1, len(self._sources)))(*(k + skipped for k in self._sources))


def own_versions(graph: Graph, columns: Iterable[str]) -> tuple[str, ...]:
    """Return the operations over columns that NumPy computes in its own way, in their order."""
    of_rows = graph.dependents(graph.inputs[name] for name in columns if name in graph.inputs)
    needed = graph.dependencies(graph.outputs)
    found: dict[str, None] = {}
    for node, row in enumerate(graph.rows):
        if not (needed[node] and of_rows[node]) or row in (INPUT, CONSTANT):
            continue
        operands = graph.operands_of(node)
        if row == WHERE and not of_rows[operands[0]]:  # NumPy takes a side as a whole
            found["where"] = None
        elif row == POW and number(graph.literals.get(operands[1], "nan")) == 2:
            continue
        elif not _primitives(row).isdisjoint(_OWN):
            found[TABLE[row].name] = None
    return tuple(found)


def slow_rows(graph: Graph) -> int:
    """Return how many operations NumPy would call Python for, in every row of the data."""
    needed = graph.dependencies(graph.outputs)
    rows = (row for node, row in enumerate(graph.rows) if needed[node] and row > CONSTANT)
    return sum(not _primitives(row) <= CHEAP | _OWN for row in rows)


@cache
def _primitives(row: int) -> frozenset[str]:
    """Return the primitives that a row's value is computed with, at any depth of formulas."""
    value = TABLE[row].value
    if value.isidentifier():
        return frozenset((value,))
    return frozenset().union(*map(_primitives, _rows_in(value)))


def _rows_in(text: str) -> Iterator[int]:
    """Yield the rows of a formula but for its leaves, comparisons and choices."""
    for row in formula(text).rows:
        if row > CONSTANT and row != WHERE and row not in COMPARISON_ROWS:
            yield row
