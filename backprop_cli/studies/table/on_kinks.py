"""Rows on kinks and jumps: what `studies/findings.py` says of one point, for many at once.

Wanted of each row is only its flag and, under `--kink left` or `right`, its slopes: so words are
not written, and each question becomes a mask of the rows in which the answer is yes. Two sweeps
an input answer all of them (`calculus/onesided_columns.py`).

This file imports NumPy, so it is itself imported only when there are data.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backprop_cli.calculus.kinks import KINKED, about
from backprop_cli.calculus.onesided_columns import OneSidedColumns, kinks_in, one_sided_columns
from backprop_cli.graph import Graph
from backprop_cli.operations import TABLE, WHERE
from backprop_cli.readings.array_types import Codes, Column, Mask, RowNumbers
from backprop_cli.studies.findings import LARGEST_SWEEP, SAME
from backprop_cli.studies.table.flags import CODE


class Kinked(NamedTuple):
    """A node that matters, the rows in which it stands on a kink, and where something flows."""

    node: int
    here: Mask
    flowing: Mask


class OnKinks(NamedTuple):
    """What is said of an output in each row: the codes of the first remark and of a failure.

    `slopes` are those of the side that was asked for, else those of the chain rule.
    """

    remarks: Codes
    failures: Codes
    slopes: list[Column]


class OutputRows(NamedTuple):
    """What is known of rows, for one output: by node of the program, and by input asked for.

    `live` are the rows in which a node reaches the output, `adjoints` its adjoint where it has
    one; `slopes` are the chain rule's, in the order of `seeds`.
    """

    graph: Graph
    output: int
    seeds: Sequence[int]
    values: Sequence[Any]
    live: Mapping[int, Mask]
    adjoints: Mapping[int, Any]
    slopes: Sequence[Column]

    @property
    def size(self) -> int:
        """How many rows there are."""
        return len(self.live[self.output])

    def among(self, places: RowNumbers) -> "OutputRows":
        """Return some of the rows."""

        def some(value: Any) -> Any:
            return value[places] if np.ndim(value) else value

        return self._replace(
            values=[some(value) for value in self.values],
            live={node: some(mask) for node, mask in self.live.items()},
            adjoints={node: some(adjoint) for node, adjoint in self.adjoints.items()},
            slopes=[some(slope) for slope in self.slopes],
        )


def on_kinks(rows: OutputRows, broken: Codes, kink: str) -> OnKinks:
    """Return what is said of each row of an output, as `--kink` asks for it.

    All live values are finite; `broken` has the code of a row in which a slope is not.
    """
    kinked = _kinked_nodes(rows)
    large = len(rows.seeds) * rows.graph.size > LARGEST_SWEEP
    side = {"left": 0, "right": 1}.get(kink)
    slopes, failures = list(rows.slopes), broken
    if side is not None:
        failures = np.zeros_like(broken)
    said = _Said(rows, kinked)
    for place, seed in enumerate(rows.seeds if side is not None or not large else ()):
        both = [one_sided_columns(rows.graph, rows.values, seed, way) for way in (-1, 1)]
        if not large:
            said.look(both, rows.slopes[place])
        if side is not None:
            slopes[place], code = _one_sided(both[side], rows, rows.slopes[place], broken)
            failures = np.where(failures == 0, code, failures)
    remarks = said.somewhere() if large else said.codes(broken)
    if kink == "error":
        failures = np.where((failures == 0) & (remarks != 0), CODE["kink"], failures)
    return OnKinks(remarks, failures, slopes)


class _Said:
    """The first remark of each row, found while the sweeps along one input after another go by."""

    def __init__(self, rows: OutputRows, kinked: list[Kinked]) -> None:
        self._rows, self._kinked = rows, kinked
        count = rows.size
        self._first = np.full(count, len(kinked))
        self._codes = np.zeros(count, np.int8)
        self._beside = np.zeros(count, bool)

    def look(self, both: Sequence[OneSidedColumns], chained: Column) -> None:
        """Take the sweeps to both sides along the next input, and its slope by the chain rule."""
        rows = self._rows
        for place, (node, _, flowing) in enumerate(self._kinked):
            code = _code(rows.values, both, node)
            sooner = flowing & (code != 0) & (place < self._first)
            self._first = np.where(sooner, place, self._first)
            self._codes = np.where(sooner, code, self._codes)
        slope = both[0].slopes[rows.output]
        other = np.abs(slope - chained) > SAME * np.abs(slope)
        self._beside |= (_code(rows.values, both, rows.output) != 0) | other

    def codes(self, broken: Codes) -> Codes:
        """Return the codes of the first remarks: of a node, else of the output beside a kink."""
        stands = _any(self._rows, [node.here for node in self._kinked])
        beside = stands & self._beside & (broken == 0)
        return np.where((self._codes == 0) & beside, CODE["kink"], self._codes)

    def somewhere(self) -> Codes:
        """Return the codes where no sweeps are made: some kink, where anything flows to one."""
        return np.where(_any(self._rows, [n.flowing for n in self._kinked]), CODE["kink"], 0)


def _any(rows: OutputRows, masks: list[Mask]) -> Mask:
    found = np.zeros(rows.size, bool)
    for mask in masks:
        found |= mask
    return found


def _kinked_nodes(rows: OutputRows) -> list[Kinked]:
    """Return what `calculus.kinks.kinked_nodes` finds, with the rows in which it would."""
    graph = rows.graph
    active = graph.dependents(rows.seeds)
    found = []
    for node, row in enumerate(graph.rows):
        if not active[node] or node not in rows.adjoints or (row != WHERE and row not in KINKED):
            continue
        kinked = graph.operands_of(node)[0] if row == WHERE else node
        operands = graph.operands_of(kinked)
        given, out = [rows.values[k] for k in operands], rows.values[kinked]
        kinks, positions = kinks_in(graph.rows[kinked], given, out), about(graph.rows[kinked])
        masks = [
            here
            for (_, here), read in zip(kinks, positions, strict=True)
            if any(active[operands[k]] for k in read or range(len(operands)))
        ]
        if masks:
            moves = rows.live[node] & np.logical_or.reduce(np.broadcast_arrays(*masks))
            flowing = moves & np.not_equal(rows.adjoints[node], 0)
            jumps = any(kink.kind == "jump" for kink in TABLE[graph.rows[kinked]].kinks)
            found.append(Kinked(node, moves if jumps else flowing, flowing))
    return found


def _code(values: Sequence[Any], both: Sequence[OneSidedColumns], node: int) -> NDArray[Any]:
    """Return what a node does between its two sides: a kink, a jump, or nothing (0)."""
    left, right = both
    one, other, value = left.limits[node], right.limits[node], values[node]
    jumps = ~(np.equal(one, value) & np.equal(other, value))
    undecided = np.logical_or(left.undecided[node], right.undecided[node])
    differ = np.not_equal(left.slopes[node], right.slopes[node])
    return np.where(jumps, CODE["jump"], np.where(undecided | differ, CODE["kink"], 0))


def _one_sided(
    side: OneSidedColumns, rows: OutputRows, chained: Column, broken: Codes
) -> tuple[Column, Codes]:
    """Return the slopes to a side, NaN where there is none, and the codes of why."""
    slope = np.broadcast_to(side.slopes[rows.output], len(chained))
    none = np.not_equal(side.limits[rows.output], rows.values[rows.output])
    none = none | side.undecided[rows.output]
    code = np.where(np.isnan(slope), CODE["kink"], np.where(np.isinf(slope), CODE["not-finite"], 0))
    # The chain rule tells why, if it ends at the same.
    same = (slope == chained) | (np.isnan(slope) & np.isnan(chained))
    code = np.where((code != 0) & same & (broken != 0), broken, code)
    return np.where(none, np.nan, slope), np.where(none, CODE["kink"], code).astype(np.int8)
