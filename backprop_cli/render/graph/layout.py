"""Where the nodes of a layered drawing stand: columns from left to right, heights within them.

The method is that of Sugiyama, Tagawa & Toda (IEEE SMC 11, 1981) in three steps: columns (here),
the order within each column (`ordering.py`), and heights. An operation stands one column behind
the last of its operands; inputs stand in the first column. A value used further on runs through
the columns between in a lane of its own, and all its users share that lane, because it is one
wire. Heights come from sweeps over the columns: each asks every box to stand where its wires are
straight, and answers with the nearest heights that keep the order and the distances, in the sense
of least squares, found by pooling adjacent violators (Barlow et al., Statistical Inference under
Order Restrictions, 1972). Lanes pull eight times as hard as boxes, as in dot (Gansner, Koutsofios,
North & Vo, IEEE TSE 19, 1993), so long wires run straight.

A box is all that belongs to a node: its shape, the value and the gradient on its wire, the slopes
on the wires that enter it. As boxes and lanes keep apart and wires bend only between columns, no
text can meet another, nor a shape, nor a foreign wire; and one layout serves pixels and characters.

Why this is written here: of the libraries for layered graphs, grandalf (GPL or EPL, asleep since
January 2023) places two nodes on one spot at times, igraph and netgraph are GPL, networkx has only
columns, pygraphviz needs the Graphviz programs, and graphlay and fast-sugiyama are young compiled
extensions, in beta, that choose by themselves where wires enter the side of a node. Here a wire
must enter at the height of its slope, the terminal needs whole rows, and a value runs in one lane
rather than in one for each edge.

Everything is iterative, and nothing is random: the same graph is drawn the same.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from backprop_cli.render.graph.ordering import Columns, ordered

_SWEEPS = 8
_BOX_PULL, _END_PULL, _LANE_PULL = 1.0, 2.0, 8.0
_HOLD = 0.01


class Box(NamedTuple):
    """What is to be placed: its height, where its wire leaves, where its operands' wires enter.

    `operands` are the places of earlier boxes; `ports` the heights at which they enter, counted
    from the top of the box. `symmetric` lets the operands enter in any order.
    """

    height: float
    out: float
    operands: tuple[int, ...]
    ports: tuple[float, ...]
    symmetric: bool = False


class Placement(NamedTuple):
    """The finished layout.

    `columns[k]` and `tops[k]` are the column and the top of box k; `ports[k]` the heights (from
    the top of the whole drawing) at which its wires enter, operand by operand. `lanes[k]` are the
    heights at which the wire of box k crosses the columns behind its own.
    """

    columns: list[int]
    tops: list[float]
    ports: list[tuple[float, ...]]
    outs: list[float]
    lanes: list[list[float]]
    height: float


def placed(boxes: Sequence[Box], gap: float, lane: float, grid: float = 0.0) -> Placement:
    """Return the layout of boxes, each of which stands behind its operands in the sequence.

    `gap` is the distance kept between neighbours in a column, `lane` the height of a lane. With
    `grid`, all heights are multiples of it; sizes must be too.
    """
    columns = ordered([box.operands for box in boxes], [box.symmetric for box in boxes])
    return _Heights(boxes, columns, gap, lane, grid).placement()


class _Heights:
    """The heights of boxes and lanes, the order in each column being given."""

    def __init__(
        self, boxes: Sequence[Box], columns: Columns, gap: float, lane: float, grid: float
    ) -> None:
        self.boxes, self.columns, self.gap, self.grid = boxes, columns, gap, grid
        count = len(boxes)
        self.count = count
        self.heights = [box.height for box in boxes] + [lane] * (len(columns.owners) - count)
        middle = math.floor(lane / 2 / grid) * grid if grid else lane / 2
        self.outs = [box.out for box in boxes] + [middle] * (len(columns.owners) - count)
        self.tops = [0.0] * len(columns.owners)
        self.slots = self._slots()
        self.before, self.behind = self._pulls()

    def placement(self) -> Placement:
        """Return the layout after a fixed number of sweeps."""
        for column in self.columns.order:
            self._settle(column, [(0.0, 1.0)] * len(column))
        for sweep in range(_SWEEPS):
            for column in self.columns.order[1:]:
                self._sweep(column, True, sweep > _SWEEPS // 2)
            for column in self.columns.order[-2::-1]:
                self._sweep(column, sweep > _SWEEPS // 2, True)
        if self.grid:
            self.tops = [math.floor(top / self.grid + 0.5) * self.grid for top in self.tops]
        self._straighten()
        return self._made()

    def _slots(self) -> list[tuple[float, ...]]:
        """Return where the wires of each box enter: the ports, reordered if that is allowed."""
        slots: list[tuple[float, ...]] = []
        places = self.columns.places
        for k, box in enumerate(self.boxes):
            wanted = list(range(len(box.operands)))
            if box.symmetric:
                sources = self.columns.sources[k]
                wanted.sort(key=[places[source] for source in sources].__getitem__)
            entered = [0.0] * len(wanted)
            for port, j in zip(box.ports, wanted, strict=True):
                entered[j] = port
            slots.append(tuple(entered))
        return slots

    def _pulls(self) -> tuple[list[list[tuple[int, float, float]]], ...]:
        """Return, for each item, what pulls it from either side: (item, offset, strength)."""
        total = len(self.columns.owners)
        before: list[list[tuple[int, float, float]]] = [[] for _ in range(total)]
        behind: list[list[tuple[int, float, float]]] = [[] for _ in range(total)]
        for item, sources in enumerate(self.columns.sources):
            for j, source in enumerate(sources):
                port = self.slots[item][j] if item < self.count else self.outs[item]
                shift = self.outs[source] - port
                lanes = (item >= self.count) + (source >= self.count)
                pull = (_BOX_PULL, _END_PULL, _LANE_PULL)[lanes]
                before[item].append((source, shift, pull))
                behind[source].append((item, -shift, pull))
        return before, behind

    def _sweep(self, column: Sequence[int], from_left: bool, from_right: bool) -> None:
        wishes = []
        for item in column:
            pulls = self.before[item] * from_left + self.behind[item] * from_right
            weight = sum(pull for _, _, pull in pulls)
            wanted = sum(pull * (self.tops[other] + shift) for other, shift, pull in pulls)
            wishes.append((wanted / weight, weight) if weight else (self.tops[item], _HOLD))
        self._settle(column, wishes)

    def _settle(self, column: Sequence[int], wishes: Sequence[tuple[float, float]]) -> None:
        """Move the items of a column as near to their wishes as order and distances allow.

        With each wish lowered by the room that the items above it take, the nearest rising
        sequence is found by pooling: neighbours in the wrong order share their weighted mean.
        """
        pools: list[tuple[float, float, int]] = []
        room, rooms = 0.0, []
        for item, (wish, weight) in zip(column, wishes, strict=True):
            rooms.append(room)
            pool = (wish - room, weight, 1)
            while pools and pools[-1][0] > pool[0]:
                mean, mass, size = pools.pop()
                total = mass + pool[1]
                pool = ((mean * mass + pool[0] * pool[1]) / total, total, size + pool[2])
            pools.append(pool)
            room += self.heights[item] + self.gap
        place = 0
        for mean, _, size in pools:
            for k in range(place, place + size):
                self.tops[column[k]] = mean + rooms[k]
            place += size

    def _straighten(self) -> None:
        """Move items to where a wire is straight, if nothing is in the way: lanes freely, boxes
        by no more than a gap or two."""
        order = self.columns.order
        for columns, pulls in ((order, self.before), (order[::-1], self.behind)):
            for column in columns:
                for place in range(len(column)):
                    self._straighten_item(column, place, pulls[column[place]])

    def _straighten_item(
        self, column: Sequence[int], place: int, pulls: list[tuple[int, float, float]]
    ) -> None:
        item = column[place]
        lane = item >= self.count
        joined = self.before[item] + self.behind[item] if lane else pulls
        if any(self.tops[other] + shift == self.tops[item] for other, shift, _ in joined):
            return
        low, high = -math.inf, math.inf
        if place:
            above = column[place - 1]
            low = self.tops[above] + self.heights[above] + self.gap
        if place + 1 < len(column):
            high = self.tops[column[place + 1]] - self.heights[item] - self.gap
        near = math.inf if lane else 2 * max(self.gap, self.grid)
        wanted = [
            top
            for top in (self.tops[other] + shift for other, shift, _ in pulls)
            if low <= top <= high and abs(top - self.tops[item]) <= near
        ]
        if wanted:
            self.tops[item] = min(wanted, key=lambda top: (abs(top - self.tops[item]), top))

    def _made(self) -> Placement:
        first = min(self.tops)
        tops = [top - first for top in self.tops]
        lanes: list[list[float]] = [[] for _ in self.boxes]
        for item in range(self.count, len(tops)):
            lanes[self.columns.owners[item]].append(tops[item] + self.outs[item])
        ports = [tuple(tops[k] + port for port in self.slots[k]) for k in range(self.count)]
        outs = [tops[k] + self.outs[k] for k in range(self.count)]
        bottom = max(top + height for top, height in zip(tops, self.heights, strict=True))
        return Placement(self.columns.of_box, tops[: self.count], ports, outs, lanes, bottom)
