"""The columns of a layered drawing, and the order within each that crosses few wires.

The first order is that of evaluation. An expression is evaluated in the order in which it is
written, so a program whose values are used once (a tree) starts without any crossing. Neighbours
are exchanged while that undoes crossings (Gansner, Koutsofios, North & Vo, IEEE TSE 19, 1993).
Sweeps then move every box, and every lane of a long wire, to the median of its neighbours in the
column before or behind (Eades & Wormald, Algorithmica 11, 1994), with exchanges after each; the
best order seen is kept.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from typing import NamedTuple

_SWEEPS, _EXCHANGES = 8, 3
_LARGEST_EXCHANGED = 400
_MOST_IDLE = 2


class Columns(NamedTuple):
    """Boxes and lanes in columns; item k below the number of boxes is box k, others are lanes.

    `owners` are the boxes whose wire a lane carries (a box owns itself); `sources[k]` the items
    in the column before that item k is joined to; `order` the items of each column from the top,
    and `places` where each stands in its column.
    """

    of_box: list[int]
    owners: list[int]
    sources: list[list[int]]
    order: list[list[int]]
    places: list[int]


def ordered(operands: Sequence[Sequence[int]], symmetric: Sequence[bool]) -> Columns:
    """Return columns with few crossings for boxes that stand behind their operands."""
    columns = _columns(operands)
    sorter = _Sorter(columns, symmetric)
    sorter.sort()
    return columns._replace(order=sorter.best, places=_places(sorter.best, len(columns.owners)))


def _columns(operands: Sequence[Sequence[int]]) -> Columns:
    """Return the columns in the order of evaluation, with a lane where a wire passes through."""
    of_box = _layers(operands)
    last = list(of_box)
    for box, reads in enumerate(operands):
        for operand in reads:
            last[operand] = max(last[operand], of_box[box] - 1)
    owners = list(range(len(operands)))
    ends: list[list[int]] = [[box] for box in owners]  # the items of each box's wire, by column
    sources: list[list[int]] = [[] for _ in owners]
    order: list[list[int]] = [[] for _ in range(max(of_box) + 1)]
    for box, column in enumerate(of_box):
        order[column].append(box)
        for passed in range(column + 1, last[box] + 1):
            sources.append([ends[box][-1]])
            ends[box].append(len(owners))
            order[passed].append(len(owners))
            owners.append(box)
    for box, reads in enumerate(operands):
        sources[box] = [ends[k][of_box[box] - 1 - of_box[k]] for k in reads]
    for column_items in order:
        column_items.sort(key=lambda item: owners[item])
    return Columns(of_box, owners, sources, order, _places(order, len(owners)))


def _layers(operands: Sequence[Sequence[int]]) -> list[int]:
    """Return the column of each box: one behind the last of its operands; else the first.

    Inputs are pulled to their first user where their wires would be the most of the picture.
    """
    layers: list[int] = []
    for reads in operands:
        layers.append(max((layers[k] + 1 for k in reads), default=0))
    first_use = [max(layers, default=0)] * len(layers)
    for box, reads in enumerate(operands):
        for operand in reads:
            first_use[operand] = min(first_use[operand], layers[box] - 1)
    idle = sum(first_use[box] for box, reads in enumerate(operands) if not reads)
    if idle > _MOST_IDLE * sum(not reads for reads in operands):
        layers = [layer if operands[box] else first_use[box] for box, layer in enumerate(layers)]
    return layers


def _places(order: Sequence[Sequence[int]], count: int) -> list[int]:
    places = [0] * count
    for column in order:
        for place, item in enumerate(column):
            places[item] = place
    return places


def _moved(column: Sequence[int], wire: set[int], above: bool) -> list[int]:
    """Return a column in which the items of a wire come first, or last."""
    return sorted(column, key=lambda item: (item in wire) != above)


class _Sorter:
    """The order of each column, improved sweep by sweep."""

    def __init__(self, columns: Columns, symmetric: Sequence[bool]) -> None:
        self.order = [list(column) for column in columns.order]
        self.best = self.order
        self.fewest: int | None = None
        wires: dict[int, set[int]] = {}
        for item, owner in enumerate(columns.owners):
            wires.setdefault(owner, set()).add(item)
        self.long_wires = [
            wire for owner, wire in wires.items() if len(wire) > 1 and not columns.sources[owner]
        ]
        self.places = list(columns.places)
        self.sources = columns.sources
        # A user, and how far down its side the wire enters, as a part of one place.
        self.users: list[list[tuple[int, float]]] = [[] for _ in columns.owners]
        for item, sources in enumerate(columns.sources):
            fixed = item >= len(symmetric) or not symmetric[item]
            for j, source in enumerate(sources):
                port = (j + 1) / (len(sources) + 1) if fixed else 0.5
                self.users[source].append((item, port))
        self.entries = [[(source, 0.0) for source in sources] for sources in columns.sources]

    def sort(self) -> None:
        """Exchange and sweep in turn, a fixed number of times or until no wires cross."""
        self._keep()
        small = len(self.places) <= _LARGEST_EXCHANGED
        for sweep in range(_SWEEPS + 1):
            if not self.fewest:
                return
            if sweep % 2 == 1:
                for column in self.order[-2::-1]:
                    self._by_median(column, self.users)
            elif sweep:
                for column in self.order[1:]:
                    self._by_median(column, self.entries)
            if small:
                self._exchange()
            self._keep()
        if small:
            self._around()

    def _keep(self) -> None:
        """Keep the present order if it has the fewest crossings yet."""
        found = self.crossings()
        if self.fewest is None or found < self.fewest:
            self.fewest = found
            self.best = [list(column) for column in self.order]

    def _around(self) -> None:
        """Lead the long wire of an input above or below all else, where that crosses less."""
        for wire in self.long_wires:
            for above in (True, False):
                self.order = [_moved(column, wire, above) for column in self.best]
                self.places = _places(self.order, len(self.places))
                self._keep()

    def crossings(self) -> int:
        """Return how many pairs of wires cross, column by column (by insertion, in order)."""
        total = 0
        for column in self.order:
            seen: list[float] = []
            for item in column:
                ends = self._ends(item, self.users)
                total += sum(len(seen) - bisect_right(seen, end) for end in ends)
                for end in ends:
                    insort(seen, end)
        return total

    def _ends(self, item: int, joined: list[list[tuple[int, float]]]) -> list[float]:
        return [self.places[other] + port for other, port in joined[item]]

    def _by_median(self, column: list[int], joined: list[list[tuple[int, float]]]) -> None:
        """Sort a column by the medians of its neighbours; items without any stay in place."""
        keys = {}
        for item in column:
            ends = sorted(self._ends(item, joined))
            if ends:
                keys[item] = (ends[len(ends) // 2] + ends[(len(ends) - 1) // 2]) / 2
        moving = iter(sorted(keys, key=lambda item: (keys[item], self.places[item])))
        column[:] = [next(moving) if item in keys else item for item in column]
        for place, item in enumerate(column):
            self.places[item] = place

    def _exchange(self) -> None:
        """Exchange neighbours in a column where their wires cross less often then."""
        for _ in range(_EXCHANGES):
            changed = False
            for column in self.order:
                for place in range(len(column) - 1):
                    upper, lower = column[place], column[place + 1]
                    if self._crossed(upper, lower) > self._crossed(lower, upper):
                        column[place], column[place + 1] = lower, upper
                        self.places[lower], self.places[upper] = place, place + 1
                        changed = True
            if not changed:
                return

    def _crossed(self, upper: int, lower: int) -> int:
        """Return how often the wires of two neighbours cross, on both sides, in this order."""
        total = 0
        for joined in (self.entries, self.users):
            below = sorted(self._ends(lower, joined))
            total += sum(bisect_left(below, end) for end in self._ends(upper, joined))
        return total
