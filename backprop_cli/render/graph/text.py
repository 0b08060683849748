"""The graph drawn with characters: cards joined by wires, as one draws it on paper.

A card has the value of its node above, the operation in the middle, the gradient below; on the
wire that enters stands the local slope, in brackets. A drawing that is too wide for the screen is
folded like a long line of music: columns that do not fit are drawn below, and a value that they
take from above enters by its name.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from backprop_cli.render.console import Screen, Words
from backprop_cli.render.echo import enumeration
from backprop_cli.render.graph.canvas import ASCII, UNICODE, Canvas, cell_width, cut
from backprop_cli.render.graph.channels import Net, Routed, routed
from backprop_cli.render.graph.diagram import Diagram, Item
from backprop_cli.render.graph.layout import Box, placed

_GAP, _LANE = 1, 1
_INDENT = 2
_LONGEST, _LONGEST_NAME, _LONGEST_SLOPE = 24, 16, 12
_MOST_NAMED = 12


class Card(NamedTuple):
    """An item as characters: lines of words, their width, the slopes on the wires that enter."""

    lines: tuple[Words, ...]
    width: int
    slopes: tuple[str, ...] = ()
    framed: bool = True

    @property
    def inner(self) -> int:
        """The rows inside its frame."""
        count = len(self.slopes)
        return max(len(self.lines), 3 if count == 2 else count)

    @property
    def height(self) -> int:
        """The rows it takes, the frame included."""
        return self.inner + 2 * self.framed

    @property
    def across(self) -> int:
        """The columns it takes, the frame included; a bare name, a blank and a piece of wire."""
        return self.width + (4 if self.framed else 2)

    @property
    def out(self) -> int:
        """The row at which its wire leaves."""
        return self.framed + (self.inner - 1) // 2

    @property
    def ports(self) -> tuple[int, ...]:
        """The rows at which its operands' wires enter."""
        count = len(self.slopes)
        if count == 1:
            return (self.out,)
        if count == 2:
            return (1, self.inner)
        first = 1 + (self.inner - count) // 2
        return tuple(range(first, first + count))

    @property
    def before(self) -> int:
        """The columns that its slopes take."""
        return max((cell_width(slope) + 1 for slope in self.slopes), default=0)


def print_graph(shown: Diagram, screen: Screen) -> bool:
    """Draw a graph, folded where the screen ends; False where even one column is too wide."""
    bands = _bands(shown, screen)
    names = {item.node: item.name for item in shown.items}
    for number, band in enumerate(bands):
        for line in band.lines():
            screen.line(line, _INDENT)
        later = {operand for below in bands[number + 1 :] for operand in below.entering}
        passed = enumeration([names[k] for k in sorted(later & set(band.nodes))], _MOST_NAMED)
        if number + 1 < len(bands):
            screen.line([(f"… {passed}: continued below", "dim")], _INDENT)
            screen.line()
    if len(bands) > 1:
        words = f"folded at {screen.width} columns into {len(bands)} parts; every node is shown"
        screen.line([(words, "dim")], _INDENT)
    return bool(bands)


def print_legend(shown: Diagram, drawn: bool, screen: Screen) -> None:
    """Say what stands where, and which inputs are not in the picture."""
    sign = f"∂{shown.name}/∂node"
    valued = any(item.value for item in shown.items)
    words: Words = [("value above" if valued else "name above", "value")]
    if any(item.gradient for item in shown.items):
        words = [*words, (f"   {'← ' if valued else ''}gradient {sign} below", "gradient")]
    if any(wire.slope for item in shown.items for wire in item.wires):
        words = [*words, ("   [local slope]", "")]
    if drawn:
        idle = screen.fit(UNICODE.idle)
        idle = idle if len(idle) == 1 else ASCII.idle
        if any(not wire.flows for item in shown.items for wire in item.wires):
            words = [*words, (f"   {idle * 3} no gradient flows", "dim")]
        screen.line(words, _INDENT)
    if shown.unused:
        names = enumeration(shown.unused, _MOST_NAMED)
        screen.line([(f"not read by {shown.name}: {names}", "dim")], _INDENT)


def _bands(shown: Diagram, screen: Screen) -> list["Band"]:
    """Return the parts of a drawing, each with as many columns as fit; none if one does not."""
    depths = _depths(shown.items)
    names = {item.node: item.name for item in shown.items}
    bands: list[Band] = []
    start, last = 1, max(depths)
    while start <= last:
        fitting: Band | None = None
        for end in range(start + 1, last + 2):
            pairs = zip(shown.items, depths, strict=True)
            band = Band([item for item, depth in pairs if start <= depth < end], names, screen)
            if band.width + _INDENT > screen.width:
                break
            fitting, following = band, end
        if fitting is None:
            return []
        bands.append(fitting)
        start = following
    return bands


def _depths(items: Sequence[Item]) -> list[int]:
    """Return the column of each operation, from 1; an input has that of its first user."""
    places = {item.node: k for k, item in enumerate(items)}
    depths = [0] * len(items)
    for k, item in enumerate(items):
        if item.wires:
            depths[k] = max(depths[places[wire.operand]] for wire in item.wires) + 1
    first_use = [max(depths) or 1] * len(items)
    for k, item in enumerate(items):
        for wire in item.wires:
            used = places[wire.operand]
            first_use[used] = min(first_use[used], depths[k])
    return [depth or first_use[k] for k, depth in enumerate(depths)]


class Band:
    """A part of a graph as characters; `entering` are the operands that come from elsewhere."""

    def __init__(self, items: Sequence[Item], names: Mapping[int, str], screen: Screen) -> None:
        self.fit = screen.fit
        self.signs = UNICODE if self.fit("┼▸╌╋") == "┼▸╌╋" else ASCII
        self.items = items
        self.nodes = [item.node for item in items]
        inside = set(self.nodes)
        wires = [wire for item in items for wire in item.wires]
        self.read = {wire.operand for wire in wires}
        self.entering = list(dict.fromkeys(w.operand for w in wires if w.operand not in inside))
        self.places = {node: k for k, node in enumerate([*self.entering, *self.nodes])}
        self.cards = [self._stub(names[node]) for node in self.entering]
        self.cards += [self._card(item) for item in items]
        self.layout = placed(self._boxes(), _GAP, _LANE, 1.0)
        self._columns()

    def _stub(self, name: str) -> Card:
        text = f"{self.signs.arrow} {cut(self.fit(name), _LONGEST_NAME)}"
        return Card(([(text, "name")],), cell_width(text), (), False)

    def _card(self, item: Item) -> Card:
        """Return the card of an item: its value, its operation if that is not its name, ..."""
        name, value = cut(self.fit(item.name), _LONGEST_NAME), cut(self.fit(item.value), _LONGEST)
        lines: list[Words] = []
        if item.kind == "comparison":
            lines.append([(value, "value")])
        else:
            equals = " = " if value else ""
            lines.append([(name, "name"), (equals, ""), (value, "value")])
        if item.kind in ("operation", "comparison"):
            lines.append([(cut(self.fit(item.operation), _LONGEST), "")])
        if item.gradient:
            lead = "← " if item.value else ""
            lines.append([(cut(self.fit(f"{lead}{item.gradient}"), _LONGEST), "gradient")])
        lines = [line for line in lines if _width(line)]
        slopes = tuple(self._slope(wire.slope) for wire in item.wires)
        return Card(tuple(lines), max(map(_width, lines)), slopes)

    def _slope(self, slope: str) -> str:
        return f"[{cut(self.fit(slope), _LONGEST_SLOPE)}]" if slope else ""

    def _boxes(self) -> list[Box]:
        boxes = [Box(card.height, card.out, (), ()) for card in self.cards[: len(self.entering)]]
        for item, card in zip(self.items, self.cards[len(self.entering) :], strict=True):
            operands = tuple(self.places[wire.operand] for wire in item.wires)
            boxes.append(Box(card.height, card.out, operands, card.ports, item.symmetric))
        return boxes

    def _columns(self) -> None:
        """Route the wires between the columns, and measure both."""
        count = max(self.layout.columns) + 1
        apart = self.signs.apart
        self.channels = [routed(nets, apart) for nets in self._nets(count)]
        self.starts, self.cards_at, self.ends = ([0] * count for _ in range(3))
        place = 0
        for column in range(count):
            here = [
                card for card, c in zip(self.cards, self.layout.columns, strict=True) if c == column
            ]
            self.starts[column] = place
            self.cards_at[column] = place + max(card.before for card in here)
            self.ends[column] = self.cards_at[column] + max(card.across for card in here) - 1
            tracks = self.channels[column][1] if column < count - 1 else 0
            across = tracks + apart * (tracks - 1) if tracks else 0
            place = self.ends[column] + across + 2 + bool(tracks)
        self.width = self.ends[-1] + 1

    def _nets(self, count: int) -> list[list[Net]]:
        """Return the wires between each two columns: where each comes from and goes to."""
        rights: dict[tuple[int, int], list[int]] = {}
        for item in self.items:
            target = self.places[item.node]
            for wire, port in zip(item.wires, self.layout.ports[target], strict=True):
                source = self.places[wire.operand]
                heights = self._heights(source, self.layout.columns[target], port)
                for step, height in enumerate(heights[1:], self.layout.columns[source]):
                    found = rights.setdefault((step, source), [])
                    found += [height] if height not in found else []
        nets: list[list[Net]] = [[] for _ in range(count - 1)]
        for (column, source), found in rights.items():
            passed = column - self.layout.columns[source]
            left = [self.layout.outs[source], *self.layout.lanes[source]][passed]
            nets[column].append(Net(source, int(left), tuple(found)))
        return nets

    def _heights(self, source: int, target: int, port: float) -> list[int]:
        """Return the rows of a wire from its source to the port it enters in column `target`."""
        lanes = self.layout.lanes[source][: target - self.layout.columns[source] - 1]
        return [int(height) for height in (self.layout.outs[source], *lanes, port)]

    def lines(self) -> list[Words]:
        """Return the rows of the drawing."""
        canvas = Canvas(self.signs)
        for column, (parts, _) in enumerate(self.channels):
            for part in parts:
                self._channel(canvas, column, part)
        for source, lanes in enumerate(self.layout.lanes):
            for column, row in enumerate(lanes, self.layout.columns[source] + 1):
                canvas.across(int(row), self.starts[column], self.ends[column], source)
        for k, card in enumerate(self.cards):
            self._draw(canvas, k, card)
        return list(canvas.lines())

    def _channel(self, canvas: Canvas, column: int, part: Routed) -> None:
        """Draw one wire between two columns."""
        left, right = self.ends[column], self.starts[column + 1]
        net = part.net
        if part.track < 0:
            canvas.across(net.left, left, right, net.owner)
            return
        wide = 1 + self.signs.apart
        track = left + 2 + wide * part.track
        start = left if part.start < 0 else left + 2 + wide * part.start
        canvas.across(net.left, start, track, net.owner)
        low, high = net.span
        canvas.down(track, low, high, net.owner)
        if part.end < 0:
            for row in net.rights:
                canvas.across(row, track, right, net.owner)

    def _draw(self, canvas: Canvas, k: int, card: Card) -> None:
        """Draw a card, with the wires that enter and leave it within its column."""
        column, top = self.layout.columns[k], int(self.layout.tops[k])
        x = self.cards_at[column]
        signs, out = self.signs, int(self.layout.outs[k])
        if card.framed:
            canvas.frame(top, x, card.height, card.across)
        if self._node(k) in self.read:
            canvas.across(out, x + card.across - 1, self.ends[column], k)
            if card.framed:
                canvas.write(out, x + card.across - 1, signs.frame[6])
        first = top + card.framed + (card.inner - len(card.lines)) // 2
        for row, line in enumerate(card.lines, first):
            place = x + 2 * card.framed + (card.width - _width(line)) // 2
            for text, style in line:
                place = canvas.write(row, place, text, style)
        if k >= len(self.entering):
            self._enter(canvas, k, card, x)

    def _node(self, k: int) -> int:
        return [*self.entering, *self.nodes][k]

    def _enter(self, canvas: Canvas, k: int, card: Card, x: int) -> None:
        """Draw the last piece of each wire into a card, with its slope."""
        start = self.starts[self.layout.columns[k]]
        item = self.items[k - len(self.entering)]
        for wire, slope, port in zip(item.wires, card.slopes, self.layout.ports[k], strict=True):
            row, owner = int(port), self.places[wire.operand]
            if wire.flows:
                canvas.across(row, start, x, owner)
            else:
                canvas.write(row, start, self.signs.idle * (x - start))
            canvas.write(row, x, self.signs.frame[7])
            if slope:
                canvas.write(row, x - 1 - cell_width(slope), slope)


def _width(words: Words) -> int:
    return sum(cell_width(text) for text, _ in words)
