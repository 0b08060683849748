"""Rows in which a node is not finite or stands on a kink, looked at again, all at once.

Every node is computed as the table has it. Then it is found which nodes are live in which rows
(those that reach the output through edges along which something flows), whether one of them went
bad, and what the answer is between the two sides of a kink.

This file imports NumPy, so it is itself imported only when there are data.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backprop_cli.calculus.partials import SELECTS
from backprop_cli.calculus.point_graph import PointGraph
from backprop_cli.calculus.values import forward_values
from backprop_cli.graph import Graph
from backprop_cli.readings.arrays import ARRAYS
from backprop_cli.studies.findings import LARGEST_SWEEP
from backprop_cli.studies.table.flags import CODE
from backprop_cli.studies.table.on_kinks import Codes, Column, Mask, Rows, on_kinks


class Looked(NamedTuple):
    """The results of each row, its flag, whether it is answered, and whether that is doubtful."""

    results: list[Column]
    flags: Codes
    answered: Mask
    doubtful: Mask


class SecondLook:
    """Answers rows of a program. `seeds` are the nodes whose slopes are asked for."""

    def __init__(
        self, graph: Graph, made: PointGraph, seeds: Sequence[int], fixed: Mapping[str, float]
    ) -> None:
        """Take a program, the graph that was made of it, and the numbers of some inputs."""
        self._graph, self._made, self._seeds = graph, made, list(seeds)
        self._fixed = dict(fixed)
        self._moved = [graph.dependents([seed]) for seed in seeds]

    def __call__(self, columns: Mapping[str, Column], kinked: Mask, kink: str) -> Looked:
        """Answer the rows of columns, of which `kinked` stand on kinks.

        Of several outputs, the first that has no answer speaks, else the first with a remark.
        """
        count = len(kinked)
        values = forward_values(self._made.graph, {**self._fixed, **columns}, ARRAYS)
        results: list[Column] = []
        failed, said = np.zeros(count, np.int8), np.zeros(count, np.int8)
        doubtful = np.zeros(count, bool)
        for number in range(len(self._made.answers)):
            live = dict(self._live(values, self._made.answers[number][0], count))
            slopes = self._slopes(values, number, count)
            code = self._first_bad(values, live, count)
            bad = np.logical_or.reduce([~np.isfinite(slope) for slope in slopes])
            doubtful |= bad & (code == 0)
            looked = np.flatnonzero(kinked & (code == 0) & ~bad)
            if len(looked) and self._may_sweep:
                rows = self._rows(values, number, live, slopes, looked)
                found = on_kinks(rows, kink)
                code[looked] = found.failures
                said[looked] = np.where(said[looked] == 0, found.remarks, said[looked])
                for slope, there in zip(slopes, found.slopes, strict=True):
                    slope[looked] = there
            failed = np.where(failed == 0, code, failed)
            results += [_column(values[self._made.answers[number][0]], count), *slopes]
        if not self._may_sweep:
            doubtful |= kinked & (failed == 0)
        return Looked(results, np.where(failed != 0, failed, said), failed == 0, doubtful)

    @property
    def _may_sweep(self) -> bool:
        """Whether a sweep for each slope is made, as for one point."""
        return len(self._seeds) * self._graph.size <= LARGEST_SWEEP

    def _slopes(self, values: Sequence[Any], number: int, count: int) -> list[Column]:
        """Return the slopes of an output: a value that is undefined has none, whatever they say."""
        output, *nodes = self._made.answers[number]
        undefined = np.isnan(values[output])
        return [
            np.where(undefined & bool(moved[output]), np.nan, _column(values[node], count))
            for node, moved in zip(nodes, self._moved, strict=True)
        ]

    def _live(self, values: Sequence[Any], output: int, count: int) -> Iterator[tuple[int, Mask]]:
        """Yield each node that is live somewhere, from the output down, and the rows where it is.

        The rule of `studies/failures.live_nodes`, with a mask of rows in the place of a bit.
        """
        graph = self._graph
        live: dict[int, Mask] = {output: np.ones(count, bool)}
        for node in range(output, -1, -1):
            here = live.pop(node, None)
            if here is None:
                continue
            yield node, here
            for place, operand in enumerate(graph.operands_of(node)):
                reached = here
                if SELECTS[graph.rows[node]]:
                    side = values[self._made.sides[node][place]]
                    reached = here & (np.not_equal(side, 0) | ~np.isfinite(values[node]))
                live[operand] = live[operand] | reached if operand in live else reached

    def _first_bad(self, values: Sequence[Any], live: Mapping[int, Mask], count: int) -> Codes:
        """Return the code of the first live node that is not finite, 0 where there is none."""
        codes = np.zeros(count, np.int8)
        for node, here in live.items():  # from the output down: an earlier node has the last word
            bad = here & ~np.isfinite(values[node])
            if bad.any():
                undefined = np.isnan(values[node])
                code = np.where(undefined, CODE["undefined"], CODE["not-finite"])
                codes = np.where(bad, code, codes).astype(np.int8)
        return codes

    def _rows(
        self,
        values: Sequence[Any],
        number: int,
        live: Mapping[int, Mask],
        slopes: Sequence[Column],
        looked: NDArray[np.intp],
    ) -> Rows:
        """Return what is known of some rows of an output."""
        adjoints = self._made.adjoints[number]
        mine = [_among(value, looked) for value in values[: self._graph.size]]
        return Rows(
            self._graph,
            self._made.answers[number][0],
            self._seeds,
            mine,
            {node: mask[looked] for node, mask in live.items()},
            {node: _among(values[adjoints[node]], looked) for node in live if node in adjoints},
            [slope[looked] for slope in slopes],
        )


def _column(value: Any, count: int) -> Column:
    return np.broadcast_to(np.asarray(value, np.float64), count).copy()


def _among(value: Any, rows: NDArray[np.intp]) -> Any:
    """Return some rows of a column; a number is the same in all."""
    return value[rows] if np.ndim(value) else value
