"""Steps that nobody looks at, taken ahead of the others: one seam, and two engines behind it.

A climb of ten million steps shows a hundred rows, or none. What lies between is taken by a loop:
generated Python (`studies/climbing/python_loop.py`) or compiled C
(`studies/climbing/native_loop.py`). Both are written from the gradient graph and from the formulas
that the explained steps are made of, do the same operations in the same order, and so come to the
same numbers to the last bit. Both stop before a step that is irregular in any way: arrived, without
a move, not finite, raising. That step is the explained climb's, so every end is its work too.
"""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from backprop_cli.studies.climbing.remarks import Remarks

_FEWEST, _FIRST, _MOST = 1 << 8, 1 << 10, 1 << 20
"""How many steps a loop is asked to take at once: powers of two, so that the calls end at numbers
which a line of progress heeds."""
_SECONDS = 0.02
"""How long a loop may run before the keyboard is listened to again."""
_LONGEST_PAUSE = 1 << 12
"""How many steps at most are explained ones before a loop that got stuck is asked again."""


class Stand(NamedTuple):
    """Where a climb stands between two steps: f and its slopes at the point in `found`."""

    number: int
    point: tuple[float, ...]
    found: Sequence[float]


class Loop(Protocol):
    """Takes many steps at once."""

    def __call__(
        self, stand: Stand, count: int, states: list[list[float]], remarks: Remarks
    ) -> Stand:
        """Take up to `count` steps from `stand`, fewer before one that is irregular.

        The optimiser's `states` are stepped on, and what the remarks remember if the loop knows it.
        """


class Ahead:
    """Runs ahead in a loop as far as nobody looks, and asks it more rarely where it gets stuck."""

    def __init__(
        self,
        loop: Loop,
        unseen: Callable[[int], int],
        watch: Callable[[int], None] = lambda number: None,
    ) -> None:
        """`unseen` gives the last step after one number that nobody need see; `watch` is told now
        and then how far it is."""
        self.loop = loop
        self._unseen, self._watch = unseen, watch
        self._chunk, self._pause, self._waits = _FIRST, 1, 0

    def __call__(self, stand: Stand, states: list[list[float]], remarks: Remarks) -> Stand:
        """Return where the steps that nobody looks at lead; `stand` itself if there are none."""
        end = self._unseen(stand.number)
        if end <= stand.number:
            return stand
        if self._waits:
            self._waits -= 1
            return stand
        reached = self._run(stand, end, states, remarks)
        if reached.number == stand.number:  # something irregular, perhaps at each step
            self._waits, self._pause = self._pause, min(2 * self._pause, _LONGEST_PAUSE)
        else:
            self._pause = 1
        return reached

    def _run(self, stand: Stand, end: int, states: list[list[float]], remarks: Remarks) -> Stand:
        """Take steps to the number `end`, or to an irregular one."""
        while stand.number < end:
            until = min((stand.number // self._chunk + 1) * self._chunk, end)
            begin = time.perf_counter()
            stand = self.loop(stand, until - stand.number, states, remarks)
            if stand.number < until:
                break
            self._watch(stand.number)
            quick = time.perf_counter() - begin < _SECONDS
            self._chunk = min(2 * self._chunk, _MOST) if quick else max(self._chunk // 2, _FEWEST)
        return stand
