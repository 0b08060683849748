"""The steps of a climb that nobody looks at, taken by compiled C.

A climb of ten million steps shows a hundred rows. What lies between is taken by a loop in C
(`studies/climbing/step_code.py`), which stops before a step that is irregular in any way; that step
is Python's. So every row that is shown, and every end, is Python's own work.

A row tells what its step gained, so it needs the point before. The loop therefore stops two steps
before a row that will be shown; and where it met something irregular, it is run again from where
it began to one step less, which is cheap because it is deterministic.
"""

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from backprop_cli.graph import Graph
from backprop_cli.readings.native import Native, load
from backprop_cli.studies.climbing.ascent import Settings
from backprop_cli.studies.climbing.optimizers import chosen
from backprop_cli.studies.climbing.remarks import Remarks, at_bound
from backprop_cli.studies.climbing.step_code import FIRST, HAIR, LIMITLESS, StepCode

_CHUNK, _LARGEST_CHUNK = 1 << 10, 1 << 20
_SECONDS = 0.02
"""How long the loop may run before Python listens to the keyboard again."""
_LONGEST_PAUSE = 1 << 12


class Listener(Protocol):
    """Who looks at the steps of a climb: it names the next row it wants, and counts remarks."""

    def next_row(self, number: int) -> int:
        """Return the number of the next step after `number` that must be shown."""

    def tally(self, remark: str, times: int, first: int) -> None:
        """Count a remark that was made so many times, first at this step."""


class Reached(NamedTuple):
    """Where a climb stands after steps that nobody saw: f and its slopes in `found`."""

    number: int
    point: tuple[float, ...]
    found: tuple[float, ...]


class Ahead:
    """Takes the steps of one climb that nobody looks at."""

    def __init__(
        self,
        graph: Graph,
        names: Sequence[str],
        held: Mapping[str, float],
        settings: Settings,
        listener: Listener,
    ) -> None:
        """Compile the loop; raises `NoCompiler`."""
        import ctypes

        self.source = StepCode(graph, names, list(held), settings).text()
        """The C that was compiled, for the curious."""
        self.native: Native = load(self.source)
        """The library, and how it came."""
        self._function = self.native.library.backprop_steps
        self._function.restype = ctypes.c_int64
        self._ctypes = ctypes
        self._listener = listener
        self._names = names
        given = chosen(settings.optimizer, settings.parameters)
        enough = settings.until_gradient**2 * (1 + HAIR)
        limits = [settings.bounds.get(name, (-math.inf, math.inf)) for name in names]
        ends = [end for pair in limits for end in pair] if settings.bounds else []
        self._fixed = [*held.values(), settings.step, *given.values(), enough, *ends]
        self._chunk, self._pause, self._waits = _CHUNK, 1, 0

    def __call__(
        self,
        number: int,
        point: Sequence[float],
        found: Sequence[float],
        states: list[list[float]],
        remarks: Remarks,
    ) -> Reached | None:
        """Take steps from `number` on; return where they lead, None if there are none to take.

        The optimiser's `states`, and what the remarks remember, are stepped on.
        """
        left = self._listener.next_row(number) - 2 - number
        if left <= 0:
            return None
        if self._waits:
            self._waits -= 1
            return None
        memory = self._memory(number, point, found, states, remarks)
        done = self._run(memory, left)
        if done == 0:  # something irregular, perhaps at each step: ask more rarely
            self._waits, self._pause = self._pause, min(2 * self._pause, _LONGEST_PAUSE)
            return None
        self._pause = 1
        return self._reached(memory, states, remarks)

    def _run(self, memory: "_Memory", left: int) -> int:
        """Take up to `left` steps; where one is irregular, stop two steps before it."""
        done = 0
        while done < left:
            asked = min(self._chunk, left - done)
            before = memory.copy()
            begin = time.perf_counter()
            made = self._take(memory, asked)
            if made < asked:
                memory.restore(before)
                return done + (self._take(memory, made - 1) if made > 1 else 0)
            done += made
            quick = time.perf_counter() - begin < _SECONDS
            self._chunk = min(2 * self._chunk, _LARGEST_CHUNK) if quick else self._chunk // 2 + 1
        return done

    def _take(self, memory: "_Memory", count: int) -> int:
        return int(self._function(self._ctypes.c_int64(count), memory.numbers, memory.counts))

    def _memory(
        self,
        number: int,
        point: Sequence[float],
        found: Sequence[float],
        states: Sequence[Sequence[float]],
        remarks: Remarks,
    ) -> "_Memory":
        """Return what the loop works on, laid out as `StepCode` says."""
        before = remarks.before or [0.0] * len(point)
        stored = [x for state in states for x in state]
        moving = [*point, *found, *before, *stored]
        numbers = [*moving, *self._fixed, remarks.far]
        said = LIMITLESS + 1 + len(point)
        counts = [number, remarks.growing, remarks.looked_at, remarks.endless]
        double, whole = self._ctypes.c_double, self._ctypes.c_int64
        return _Memory(
            (double * len(numbers))(*numbers),
            (whole * (len(counts) + 2 * said))(*counts),
        )

    def _reached(self, memory: "_Memory", states: list[list[float]], remarks: Remarks) -> Reached:
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
            self._listener.tally(texts[place], times[place], first)
        return Reached(counts[0], tuple(point), tuple(found))


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
