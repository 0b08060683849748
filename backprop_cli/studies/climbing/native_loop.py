"""The loop in compiled C, for climbs of which few rows are seen.

The loop (`studies/climbing/step_code.py`) works out remarks and counts them, so that tables can say
how often each was made. A row tells what its step gained, so it needs the point before: the loop
must be asked to stop two steps before a row that will be shown. Where it met something irregular,
it is run again from where it began to one step less, which is cheap because it is deterministic.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from backprop_cli.graph import Graph
from backprop_cli.readings.native import Native, load
from backprop_cli.studies.climbing.ahead import Stand
from backprop_cli.studies.climbing.moves import limits_of
from backprop_cli.studies.climbing.optimizers import chosen
from backprop_cli.studies.climbing.remarks import Remarks, at_bound
from backprop_cli.studies.climbing.settings import Settings
from backprop_cli.studies.climbing.step_code import FIRST, HAIR, LIMITLESS, StepCode

BEFORE = 2
"""How many steps before a row that is shown the loop must stop."""

Tally = Callable[[str, int, int], None]
"""Counts a remark that was made so many times, first at this step."""


class NativeLoop:
    """Takes steps by the gradient, all inputs at once, and counts their remarks."""

    def __init__(
        self,
        graph: Graph,
        names: Sequence[str],
        held: Mapping[str, float],
        settings: Settings,
        tally: Tally,
    ) -> None:
        """Compile the loop; raises `NoCompiler`."""
        import ctypes

        self.native: Native = load(StepCode(graph, names, list(held), settings).text())
        """The library, and how it came."""
        self._function = self.native.library.backprop_steps
        self._function.restype = ctypes.c_int64
        self._ctypes = ctypes
        self._tally = tally
        self._names = names
        given = chosen(settings.optimizer, settings.parameters)
        enough = settings.until_gradient**2 * (1 + HAIR)
        ends = [end for pair in limits_of(settings, names) for end in pair]
        self._fixed = [*held.values(), settings.step, *given.values(), enough, *ends]

    def __call__(
        self, stand: Stand, count: int, states: list[list[float]], remarks: Remarks
    ) -> Stand:
        """Take up to `count` steps; where one is irregular, stop two steps before it."""
        memory = self._memory(stand, states, remarks)
        before = memory.copy()
        made = self._take(memory, count)
        if made < count:
            memory.restore(before)
            made = self._take(memory, made - 1) if made > 1 else 0
        return self._reached(memory, states, remarks) if made else stand

    def _take(self, memory: "_Memory", count: int) -> int:
        return int(self._function(self._ctypes.c_int64(count), memory.numbers, memory.counts))

    def _memory(
        self, stand: Stand, states: Sequence[Sequence[float]], remarks: Remarks
    ) -> "_Memory":
        """Return what the loop works on, laid out as `StepCode` says."""
        before = remarks.before or [0.0] * len(self._names)
        stored = [x for state in states for x in state]
        moving = [*stand.point, *stand.found, *before, *stored]
        numbers = [*moving, *self._fixed, remarks.far]
        said = LIMITLESS + 1 + len(self._names)
        counts = [stand.number, remarks.growing, remarks.looked_at, remarks.endless]
        double, whole = self._ctypes.c_double, self._ctypes.c_int64
        return _Memory(
            (double * len(numbers))(*numbers),
            (whole * (len(counts) + 2 * said))(*counts),
        )

    def _reached(self, memory: "_Memory", states: list[list[float]], remarks: Remarks) -> Stand:
        """Read what the loop came to, and pass its counts on."""
        inputs = len(self._names)
        numbers, counts = list(memory.numbers), list(memory.counts)
        point, found, before, stored = (
            numbers[:inputs],
            numbers[inputs : 2 * inputs + 1],
            numbers[2 * inputs + 1 : 3 * inputs + 1],
            numbers[3 * inputs + 1 :],
        )
        for place, state in enumerate(states):
            width = len(state)
            state[:] = stored[place * width : (place + 1) * width]
        remarks.before, remarks.growing = before, counts[1]
        texts = (*remarks.texts, *(at_bound(name) for name in self._names))
        times, firsts = counts[FIRST::2], counts[FIRST + 1 :: 2]
        made = [(firsts[k], k) for k in range(len(texts)) if times[k]]
        for first, place in sorted(made):  # in the order in which they were first made
            self._tally(texts[place], times[place], first)
        return Stand(counts[0], tuple(point), tuple(found))


class _Memory(NamedTuple):
    """The variables of the loop: numbers, and counters."""

    numbers: Any
    counts: Any

    def copy(self) -> tuple[bytes, bytes]:
        """Return all of it."""
        return bytes(self.numbers), bytes(self.counts)

    def restore(self, before: tuple[bytes, bytes]) -> None:
        """Set all of it back."""
        for array, content in zip(self, before, strict=True):
            memoryview(array).cast("B")[:] = content
