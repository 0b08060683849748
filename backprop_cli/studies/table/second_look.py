"""Rows in which a node is not finite or stands on a kink, looked at again, all at once.

What `grad` asks of one point (`studies/failures.py`, `studies/findings.py`) is asked of columns:
each question becomes a mask of the rows in which the answer is yes. Every node is computed as the
table has it. Then it is found which nodes are live in which rows (those that reach the output
through edges along which something flows), whether one of them went bad, or a slope, and what the
answer is between the two sides of a kink (`on_kinks.py`).

This file imports NumPy, so it is itself imported only when there are data.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from backprop_cli.calculus.kinks import KINKED
from backprop_cli.calculus.onesided_columns import arguments_in
from backprop_cli.calculus.partials import SELECTS
from backprop_cli.calculus.point_graph import PointGraph
from backprop_cli.calculus.values import forward_values
from backprop_cli.graph import Graph
from backprop_cli.operations import TABLE
from backprop_cli.readings.array_types import Codes, Column, Mask
from backprop_cli.readings.arrays import ARRAYS
from backprop_cli.studies.table.flags import CODE
from backprop_cli.studies.table.on_kinks import OutputRows, on_kinks


class Looked(NamedTuple):
    """The results of each row, the code of its flag, and whether there is an answer."""

    results: list[Column]
    flags: Codes
    answered: Mask


class SecondLook:
    """Answers rows of a program. `seeds` are the nodes whose slopes are asked for."""

    def __init__(
        self, graph: Graph, made: PointGraph, seeds: Sequence[int], fixed: Mapping[str, float]
    ) -> None:
        """Take a program, the graph that was made of it, and the numbers of some inputs."""
        self._graph, self._made, self._seeds = graph, made, list(seeds)
        self._fixed = dict(fixed)
        self._has_kinks = not KINKED.isdisjoint(graph.rows)
        ARRAYS.prepare_partials(graph)

    def __call__(self, columns: Mapping[str, Column], kinked: Mask, kink: str) -> Looked:
        """Answer the rows of columns, of which `kinked` stand on kinks.

        Of several outputs, the first that has no answer speaks, else the first with a remark.
        """
        count = len(kinked)
        values = forward_values(self._made.graph, {**self._fixed, **columns}, ARRAYS)
        results: list[Column] = []
        failed, said = np.zeros(count, np.int8), np.zeros(count, np.int8)
        for number, (output, *_) in enumerate(self._made.answers):
            rows = self._rows(values, number, count)
            failures, remarks, slopes = self._output(rows, kinked, kink)
            failed = np.where(failed == 0, failures, failed)
            said = np.where(said == 0, remarks, said)
            results += [_column(values[output], count), *slopes]
        return Looked(results, np.where(failed != 0, failed, said), failed == 0)

    def _output(
        self, rows: OutputRows, kinked: Mask, kink: str
    ) -> tuple[Codes, Codes, list[Column]]:
        """Return the failures, the remarks and the slopes of an output."""
        failures, remarks = _first_bad(rows), np.zeros(rows.size, np.int8)
        broken = np.where(failures == 0, self._first_bad_slope(rows), 0)
        failures = np.where(failures == 0, broken, failures)
        looked = np.flatnonzero((failures == 0) & kinked | (broken != 0))
        if not self._has_kinks or not len(looked):
            return failures, remarks, list(rows.slopes)
        found = on_kinks(rows.among(looked), broken[looked], kink)
        failures[looked], remarks[looked] = found.failures, found.remarks
        for slope, there in zip(rows.slopes, found.slopes, strict=True):
            slope[looked] = there
        return failures, remarks, list(rows.slopes)

    def _rows(self, values: Sequence[Any], number: int, count: int) -> OutputRows:
        """Return what is known of the rows for one output."""
        output, *slopes = self._made.answers[number]
        adjoints = self._made.adjoints[number]
        live = dict(self._live(values, output, count))
        undefined, used = np.isnan(values[output]), self._graph.dependencies([output])
        return OutputRows(
            self._graph,
            output,
            self._seeds,
            values[: self._graph.size],
            live,
            {node: values[adjoints[node]] for node in live if node in adjoints},
            [  # A value that is undefined has no slope, whatever its formula says.
                np.where(undefined & bool(used[seed]), np.nan, _column(values[node], count))
                for node, seed in zip(slopes, self._seeds, strict=True)
            ],
        )

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

    def _first_bad_slope(self, rows: OutputRows) -> Codes:
        """Return the code of the first contribution that is not finite, where a slope is not.

        The rule of `studies/failures.failure_of_gradient`.
        """
        wrong = np.logical_or.reduce([~np.isfinite(slope) for slope in rows.slopes])
        # Where no contribution is to blame, finite ones have overflowed when added.
        codes = np.where(wrong, CODE["not-finite"], 0).astype(np.int8)
        if not wrong.any():
            return codes
        active = self._graph.dependents(self._seeds)
        for node, adjoint in rows.adjoints.items():  # from the output down
            row, operands = self._graph.rows[node], self._graph.operands_of(node)
            given = [rows.values[k] for k in operands]
            for position in (k for k, operand in enumerate(operands) if active[operand]):
                local = ARRAYS.partials[row][TABLE[row].parameter_of(position)]
                if callable(local):
                    local = local(*arguments_in(row, given, position, rows.values[node]))
                flows = rows.live[node] & (np.not_equal(local, 0) if SELECTS[row] else True)
                code = _code(adjoint * local)
                codes = np.where(wrong & flows & (code != 0), code, codes)
                wrong = wrong & ~(flows & (code != 0))
        return codes


def _code(numbers: Any) -> Codes:
    """Return what numbers are that are not finite, 0 for the others."""
    infinite = np.where(np.isinf(numbers), CODE["not-finite"], 0)
    return np.where(np.isnan(numbers), CODE["undefined"], infinite).astype(np.int8)


def _first_bad(rows: OutputRows) -> Codes:
    """Return the code of the first live node that is not finite, 0 where there is none."""
    codes = np.zeros(rows.size, np.int8)
    for node, here in rows.live.items():  # from the output down: an earlier node has the last word
        code = _code(rows.values[node])
        codes = np.where(here & (code != 0), code, codes)
    return codes


def _column(value: Any, count: int) -> Column:
    return np.broadcast_to(np.asarray(value, np.float64), count).copy()
