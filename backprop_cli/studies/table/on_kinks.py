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
from backprop_cli.studies.findings import SAME
from backprop_cli.studies.table.flags import CODE

Codes = NDArray[np.int8]
Column = NDArray[np.float64]
Mask = NDArray[np.bool_]


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


class Rows(NamedTuple):
    """Rows in which all that flows is finite: by node of the program, and by input asked for.

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


def on_kinks(rows: Rows, kink: str) -> OnKinks:
    """Return what is said of each row of an output whose chain rule has an answer."""
    count = len(rows.live[rows.output])
    kinked = _kinked_nodes(rows)
    codes, failures = np.zeros(count, np.int8), np.zeros(count, np.int8)
    first = np.full(count, len(kinked))
    beside = np.zeros(count, bool)
    slopes = []
    for seed, chained in zip(rows.seeds, rows.slopes, strict=True):
        left = one_sided_columns(rows.graph, rows.values, seed, -1)
        right = one_sided_columns(rows.graph, rows.values, seed, 1)
        for place, (node, _, flowing) in enumerate(kinked):
            code = _code(rows.values, left, right, node)
            sooner = flowing & (code != 0) & (place < first)
            first = np.where(sooner, place, first)
            codes = np.where(sooner, code, codes)
        slope = left.slopes[rows.output]
        other = np.abs(slope - chained) > SAME * np.abs(slope)
        beside |= (_code(rows.values, left, right, rows.output) != 0) | other
        if kink in ("left", "right"):
            side = right if kink == "right" else left
            chained, code = _one_sided(side, rows.output, rows.values)
            failures = np.where(failures == 0, code, failures)
        slopes.append(np.broadcast_to(chained, count))
    stands = np.logical_or.reduce([here for _, here, _ in kinked] or [np.zeros(count, bool)])
    remarks = np.where((codes == 0) & stands & beside, CODE["kink"], codes)
    if kink == "error":
        failures = np.where(remarks != 0, CODE["kink"], 0)
    return OnKinks(remarks.astype(np.int8), failures.astype(np.int8), slopes)


def _kinked_nodes(rows: Rows) -> list[Kinked]:
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


def _code(
    values: Sequence[Any], left: OneSidedColumns, right: OneSidedColumns, node: int
) -> NDArray[Any]:
    """Return what a node does between its two sides: a kink, a jump, or nothing (0)."""
    one, other, value = left.limits[node], right.limits[node], values[node]
    jumps = ~(np.equal(one, value) & np.equal(other, value))
    undecided = np.logical_or(left.undecided[node], right.undecided[node])
    differ = np.not_equal(left.slopes[node], right.slopes[node])
    return np.where(jumps, CODE["jump"], np.where(undecided | differ, CODE["kink"], 0))


def _one_sided(side: OneSidedColumns, output: int, values: Sequence[Any]) -> tuple[Any, Any]:
    """Return the slope to a side, NaN where there is none, and the code of why."""
    limit, slope = side.limits[output], side.slopes[output]
    none = np.logical_or(np.not_equal(limit, values[output]), side.undecided[output])
    code = np.where(np.isinf(slope), CODE["not-finite"], 0)
    code = np.where(none | np.isnan(slope), CODE["kink"], code)
    return np.where(none, np.nan, slope), code
