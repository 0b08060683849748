"""Where everything of a graph's picture stands: the layout, and columns as wide as their texts.

A column has three parts: the slopes on the wires that enter, the shapes, the values and gradients
on the wires that leave. Each is as wide as its widest, so wires run level through a column, and
bend only in the channels between; a channel is wider where its wires climb more.
"""

import math
from itertools import pairwise
from typing import NamedTuple

from backprop_cli.render.drawing import px
from backprop_cli.render.graph.diagram import Diagram, Item
from backprop_cli.render.graph.layout import Box, placed
from backprop_cli.render.graph.style import SHAPE, badge_width, label_width, shape_width

TIP, PAD = 7.0, 6.0
"""The length of an arrow's tip; the room around a text on a wire."""

_PORT, _ROUND, _HEIGHT = 26.0, 20.0, 48.0
_GAP, _LANE, _CORNER = 16.0, 10.0, 6.0
_STRAIGHT, _CHANNEL, _WIDEST_CHANNEL, _SLANT = 14.0, 34.0, 170.0, 0.32


class Column(NamedTuple):
    """A column: its left end, the middle and the width of its shapes, its labels, its right end."""

    left: float
    middle: float
    shape: float
    labels: float
    right: float


class Places:
    """The places of a picture's items and wires, the first column beginning at `left`."""

    def __init__(self, shown: Diagram, left: float) -> None:
        self.shown = shown
        self.place = {item.node: k for k, item in enumerate(shown.items)}
        self.layout = placed([self._box(item) for item in shown.items], _GAP, _LANE)
        self.columns = self._columns(left)

    @property
    def height(self) -> float:
        """The height of all of it."""
        return self.layout.height

    def column_of(self, item: Item) -> int:
        """Return the number of an item's column."""
        return self.layout.columns[self.place[item.node]]

    def middle_of(self, item: Item) -> tuple[float, float]:
        """Return the middle of an item's shape; its wire leaves at this height."""
        return self.columns[self.column_of(item)].middle, self.layout.outs[self.place[item.node]]

    def shape_of(self, item: Item) -> tuple[float, float]:
        """Return width and height of an item's shape; inputs are as wide as their column's."""
        boxy = item.kind in ("input", "constant")
        across = self.columns[self.column_of(item)].shape if boxy else shape_width(item)
        return across, max(SHAPE, _PORT * (len(item.wires) - 1) + _ROUND)

    def corner_of(self, item: Item) -> float:
        """Return the radius of a shape's corners: an operation of two operands is a circle."""
        return _CORNER if item.kind in ("input", "constant") else SHAPE / 2

    def entry_of(self, item: Item, j: int) -> tuple[float, float]:
        """Return where the wire of the j-th operand meets an item's shape, on its round side."""
        across, high = self.shape_of(item)
        x, middle = self.middle_of(item)
        y = self.layout.ports[self.place[item.node]][j]
        radius = self.corner_of(item)
        beyond = max(0.0, abs(y - middle) - (high / 2 - radius))
        return x - across / 2 + radius - math.sqrt(radius**2 - beyond**2), y

    def path(self, item: Item, j: int, end: float) -> str:
        """Return the wire of the j-th operand, from its source's column to `end`, as path data."""
        heights = self._heights(item, j)
        source = self.layout.columns[self.place[item.wires[j].operand]]
        data = f"M{px(self.columns[source].right)} {px(heights[0])}"
        for step, (one, other) in enumerate(pairwise(heights), source):
            start, stop = self.columns[step].right, self.columns[step + 1].left
            if one != other:
                half = px((start + stop) / 2)
                data += f"H{px(start)}" if step > source else ""
                data += f"C{half} {px(one)} {half} {px(other)} {px(stop)} {px(other)}"
        return f"{data}H{px(end)}"

    def _heights(self, item: Item, j: int) -> list[float]:
        """Return the heights of a wire, column by column, from its source to its port."""
        source, target = self.place[item.wires[j].operand], self.place[item.node]
        passed = self.layout.columns[target] - self.layout.columns[source] - 1
        lanes = self.layout.lanes[source][:passed]
        return [self.layout.outs[source], *lanes, self.layout.ports[target][j]]

    def _box(self, item: Item) -> Box:
        height = max(_HEIGHT, _PORT * len(item.wires) + 4)
        start = (height - _PORT * (len(item.wires) - 1)) / 2
        ports = tuple(start + _PORT * j for j in range(len(item.wires)))
        operands = tuple(self.place[wire.operand] for wire in item.wires)
        return Box(height, height / 2, operands, ports, item.symmetric)

    def _columns(self, left: float) -> list[Column]:
        count = max(self.layout.columns) + 1
        slopes, shapes, labels = ([0.0] * count for _ in range(3))
        for item in self.shown.items:
            k = self.column_of(item)
            widest = max(map(badge_width, item.wires), default=-TIP - 2 * PAD)
            slopes[k] = max(slopes[k], widest + TIP + 2 * PAD)
            shapes[k] = max(shapes[k], shape_width(item))
            labels[k] = max(labels[k], label_width(item) + 2 * PAD)
        made: list[Column] = []
        climbs = self._climbs(count)
        for slope, shape, label, climb in zip(slopes, shapes, labels, climbs, strict=True):
            start = left + slope + shape
            made.append(Column(left, left + slope + shape / 2, shape, start, start + label))
            bent = min(max(_CHANNEL, _SLANT * climb), _WIDEST_CHANNEL)
            left = start + label + (bent if climb else _STRAIGHT)
        return made

    def _climbs(self, count: int) -> list[float]:
        """Return how far the steepest wire climbs behind each column."""
        climbs = [0.0] * count
        for item in self.shown.items:
            for j, wire in enumerate(item.wires):
                start = self.layout.columns[self.place[wire.operand]]
                for step, (one, other) in enumerate(pairwise(self._heights(item, j)), start):
                    climbs[step] = max(climbs[step], abs(other - one))
        return climbs
