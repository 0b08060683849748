"""Wires of characters between two columns of a drawing: which runs down where.

Between two columns every wire comes from the left at one height, leaves to the right at one or
more, and runs up and down in between on a track of its own. This is channel routing as it is done
on circuit boards (Hashimoto & Stevens, Wire routing by optimizing channel assignment within large
apertures, 1971): two wires share a track where they do not meet, and where the left end of one is
at the height of a right end of another, the first must turn before the second. Wires that wait for
each other in a circle are freed by a turn at a height that nobody uses (Deutsch, A dogleg channel
router, 1976).
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Net(NamedTuple):
    """A wire through the channel: its owner, its height on the left, its heights on the right."""

    owner: int
    left: int
    rights: tuple[int, ...]

    @property
    def span(self) -> tuple[int, int]:
        """The highest and the lowest height that it reaches."""
        return min(self.left, *self.rights), max(self.left, *self.rights)


class Routed(NamedTuple):
    """A net, or a part of one, on its track; -1 is none, for a wire that runs straight.

    `start` is the track on which a later part begins (-1 for the left side of the channel), and
    `end` the one on which an earlier part ends (-1 for the right side).
    """

    net: Net
    track: int
    start: int = -1
    end: int = -1


def routed(nets: Iterable[Net], apart: int = 0) -> tuple[list[Routed], int]:
    """Return the nets on their tracks, and how many tracks there are, counted from the left.

    Between two wires on one track are at least `apart` free heights.
    """
    return _Router(list(nets), apart).route()


class _Router:
    def __init__(self, nets: Sequence[Net], apart: int) -> None:
        self.apart = apart
        self.straight = [net for net in nets if set(net.rights) == {net.left}]
        self.waiting = [net for net in nets if set(net.rights) != {net.left}]
        self.used = {height for net in nets for height in (net.left, *net.rights)}
        self.tracks: list[list[tuple[int, int]]] = []
        self.done: dict[Net, int] = {}
        self.parts: dict[Net, Net] = {}
        """For each later part of a wire that was divided, the earlier one."""

    def route(self) -> tuple[list[Routed], int]:
        """Put nets on tracks, those first that no other must precede."""
        while self.waiting:
            ready = [net for net in self.waiting if not self._is_blocked(net)]
            if ready:
                net = min(ready, key=_turning)
                self.waiting.remove(net)
                self._put(net)
            else:
                whole = [net for net in self.waiting if net not in self.parts]
                self._divide(min(whole, key=lambda net: (net.span[1] - net.span[0], net.left)))
        return self._made(), len(self.tracks)

    def _is_blocked(self, net: Net) -> bool:
        """Return whether another must turn before this one: its left end is in the way."""
        earlier = self.parts.get(net)
        return any(
            other == earlier or (other.left in net.rights and other.owner != net.owner)
            for other in self.waiting
        )

    def _put(self, net: Net) -> None:
        """Put a net on the first track that is behind all it must follow, and free for it."""
        after = [
            track
            for other, track in self.done.items()
            if other == self.parts.get(net)
            or (other.left in net.rights and other.owner != net.owner)
        ]
        low, high = net.span
        track = max(after, default=-1) + 1
        while track < len(self.tracks) and any(
            low <= bottom + self.apart and top - self.apart <= high
            for top, bottom in self.tracks[track]
        ):
            track += 1
        while len(self.tracks) <= track:
            self.tracks.append([])
        self.tracks[track].append((low, high))
        self.done[net] = track

    def _divide(self, net: Net) -> None:
        """Divide a net in two that meet at a free height, so that others may turn in between."""
        free = next(
            height
            for distance in range(1, 2 * len(self.used) + 4)
            for height in (net.left + distance, net.left - distance)
            if height >= 0 and height not in self.used
        )
        self.used.add(free)
        first, second = Net(net.owner, net.left, (free,)), Net(net.owner, free, net.rights)
        self.waiting.remove(net)
        self.waiting += [first, second]
        self.parts[second] = first

    def _made(self) -> list[Routed]:
        later = {first: second for second, first in self.parts.items()}
        made = [Routed(net, -1) for net in self.straight]
        for net, track in self.done.items():
            start = self.done[self.parts[net]] if net in self.parts else -1
            end = self.done[later[net]] if net in later else -1
            made.append(Routed(net, track, start, end))
        return made


def _turning(net: Net) -> tuple[int, int]:
    """Return when a wire should turn: of those that go down, the lowest first; up, the highest."""
    down = sum(net.rights) > net.left * len(net.rights)
    return (0, -net.left) if down else (1, net.left)
