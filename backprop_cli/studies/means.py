"""Means over the rows of data, which are what `ascend --data` climbs.

A column is one array, and an operation is one NumPy call for all rows. What depends on the data
alone is computed when the objective is made; the rest anew at each point, in pieces of some
thousand rows, so that a large graph over many rows stays in the cache and in memory. Compiled C
(`readings/native_rows.py`) may compute the rows of a piece instead.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from backprop_cli.calculus.values import evaluate
from backprop_cli.graph import Graph
from backprop_cli.studies.data import Data, numpy_for

if TYPE_CHECKING:
    from backprop_cli.readings.array_types import Column, RowNumbers
    from backprop_cli.readings.native import Native
    from backprop_cli.readings.native_rows import NativeRows

PIECE = 8192
"""Rows that are computed at a time."""


class MeanOver:
    """The mean over rows of each output of a graph, as a function of the graph's parameters.

    Every input of the graph is a parameter or a column of the data. Give it a gradient graph, and
    it answers the mean value and the mean of each partial, which are those of the mean.
    """

    def __init__(self, graph: Graph, parameters: Sequence[str], data: Data) -> None:
        from backprop_cli.readings.arrays import ARRAYS

        self.graph = graph
        self.size = data.size
        self._data, self._names = data, parameters
        self._native: NativeRows | None = None
        self._others: list[int] = []
        self._arithmetic = ARRAYS
        self._parameters = [graph.inputs.get(name) for name in parameters]
        moves = graph.dependents(node for node in self._parameters if node is not None)
        needed = graph.dependencies(graph.outputs)
        nodes = [node for node in range(graph.size) if needed[node]]
        self._moving = [node for node in nodes if moves[node]]
        fixed = [node for node in nodes if not moves[node]]
        values = self._fixed_values(fixed, data)
        # Of what is fixed, only what a moving node reads, or an output, is kept.
        kept = set(graph.outputs).union(*(graph.operands_of(node) for node in self._moving))
        self._numbers: list[Any] = [None] * graph.size
        self._columns: list[tuple[int, Column]] = []
        for node in kept.intersection(fixed):
            if _is_column(values[node]):
                self._columns.append((node, values[node]))
            else:
                self._numbers[node] = values[node]

    def _fixed_values(self, fixed: list[int], data: Data) -> list[Any]:
        """Return the values of the nodes that depend on no parameter."""
        values: list[Any] = [None] * self.graph.size
        for node, literal in self.graph.literals.items():
            values[node] = self._arithmetic.number(literal)
        for name, column in data.columns.items():
            if name in self.graph.inputs:
                values[self.graph.inputs[name]] = column
        evaluate(self.graph, values, fixed, self._arithmetic)
        return values

    def __call__(
        self, point: Sequence[float], rows: "RowNumbers | None" = None
    ) -> tuple[float, ...]:
        """Return the mean of each output at `point`, over `rows` or over all.

        IEEE results: a row that is not defined makes the mean a NaN.
        """
        template = self._template(point)
        count = self.size if rows is None else len(rows)
        totals = dict.fromkeys(self.graph.outputs, 0.0)
        numbers: dict[int, float] = {}
        for start in range(0, count, PIECE):
            end = min(start + PIECE, count)
            piece = slice(start, end) if rows is None else rows[start:end]
            for node, total in self._sums(template, point, piece, numbers).items():
                totals[node] += total
        # An output without rows is a number, the same in every piece: its own mean.
        return tuple(
            float(numbers[node] if node in numbers else totals[node] / count)
            for node in self.graph.outputs
        )

    def compile(self) -> "Native":
        """Let compiled C compute the rows from now on, and return it. Raises `NoCompiler`."""
        from backprop_cli.readings.native_rows import NativeRows

        of_rows = self.graph.dependents(self.graph.inputs[name] for name in self._bound())
        outputs = [node for node in dict.fromkeys(self.graph.outputs) if of_rows[node]]
        others = [node for node in self.graph.outputs if not of_rows[node]]
        needed = self.graph.dependencies(others)
        self._others = [node for node in self._moving if needed[node]]
        graph = self.graph.with_outputs(outputs)
        self._native = NativeRows(graph, self._names, self._data.columns, PIECE)
        return self._native.native

    def _bound(self) -> list[str]:
        return [name for name in self._data.columns if name in self.graph.inputs]

    def _sums(
        self,
        template: list[Any],
        point: Sequence[float],
        rows: "slice | RowNumbers",
        numbers: dict[int, float],
    ) -> dict[int, float]:
        """Return the sums of the outputs over a piece of the rows; `numbers` gets the others."""
        if self._native is not None:
            sums = self._native.sums(point, rows)
            if sums is not None:
                values = list(template)
                evaluate(self.graph, values, self._others, self._arithmetic)
                compiled = dict(zip(self._native.outputs, sums, strict=True))
                numbers |= {k: values[k] for k in self.graph.outputs if k not in compiled}
                return compiled
        values = self._piece(template, rows)
        outputs = dict.fromkeys(self.graph.outputs)
        numbers |= {node: values[node] for node in outputs if not _is_column(values[node])}
        return {node: _total(values[node]) for node in outputs if _is_column(values[node])}

    def first_bad(self, point: Sequence[float]) -> int | None:
        """Return the first row in which an output is not finite at `point`, from 0."""
        numpy = numpy_for("--data")
        template = self._template(point)
        for start in range(0, self.size, PIECE):
            end = min(start + PIECE, self.size)
            values = self._piece(template, slice(start, end))
            bad = numpy.zeros(end - start, bool)
            for node in self.graph.outputs:
                bad |= ~numpy.isfinite(values[node])
            if bad.any():
                return start + int(bad.argmax())
        return None

    def _template(self, point: Sequence[float]) -> list[Any]:
        """Return the values of the nodes that are numbers, the parameters being at `point`."""
        template = list(self._numbers)
        for node, number in zip(self._parameters, point, strict=True):
            if node is not None:
                template[node] = float(number)
        return template

    def _piece(self, template: list[Any], rows: Any) -> list[Any]:
        """Return the value of each node for a piece of the rows."""
        values = list(template)
        for node, column in self._columns:
            values[node] = column[rows]
        evaluate(self.graph, values, self._moving, self._arithmetic)
        return values


def _is_column(value: Any) -> bool:
    return hasattr(value, "shape") and value.shape != ()


def _total(column: "Column") -> float:
    with numpy_for("--data").errstate(all="ignore"):
        return float(column.sum())
