"""The steps of a climb that nobody looks at, taken by compiled C.

A climb of ten million steps shows a hundred rows. What lies between is taken by a loop in C that
does what `studies/ascent.py` does: the slopes, the optimiser's formulas (read from the same texts),
the bounds, the gains, and which remark each step deserves, which is counted. It keeps to the
regular: where a step is anything else (not finite, no move, the gradient gone, a look far ahead
needed, two norms too near to tell apart) it stops before that step, and Python takes it. So every
row that is shown, and every end, is Python's own work, and the numbers of the loop are the same.

A row tells what its step gained, so it needs the point before. The loop therefore stops two steps
before a row that will be shown; and where it met something irregular, it is run again from where
it began to one step less, which is cheap because it is deterministic.
"""

import math
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from backprop_cli.calculus.gradient_graph import gradient_graph
from backprop_cli.graph import Graph
from backprop_cli.language.parser import parse
from backprop_cli.readings.c import Writer
from backprop_cli.readings.native import Native, load
from backprop_cli.readings.telling import telling_nodes
from backprop_cli.studies.optimizers import Optimizer, chosen
from backprop_cli.studies.remarks import GROWING_STEPS, NOTHING, ROUNDING, SHARP, Remarks, at_bound

if TYPE_CHECKING:
    from backprop_cli.studies.ascent import Settings

_CHUNK, _LARGEST_CHUNK = 1 << 10, 1 << 20
_SECONDS = 0.02
_LONGEST_PAUSE = 1 << 12
_FIRST = 5
"""The counters before those of the remarks: number, growing, looked_at, endless, moved."""
_ZIGZAG, _LIMITLESS = 7, 8
"""The places of these in `Remarks.texts`; the remarks on bounds follow."""

_SAID = """
  int said = -1, zigzag = 0, limitless = 0;
  const double larger_value = fabs(w) > fabs(f) ? fabs(w) : fabs(f);
  const double least = {nothing!r} * fabs(predicted);
  const double rounding = least > {rounding!r} * larger_value ? least : {rounding!r} * larger_value;
  if (predicted > 0.0 && beyond < 0.0) said = actual > rounding ? 0 : actual >= -rounding ? 1 : 2;
  else if (actual < -rounding) said = predicted == 0.0 ? 3 : predicted > 0.0 ? 4 : 5;
  else if (actual <= rounding && fabs(predicted) <= rounding) said = 6;
  if (moved) {{
    {along}
    if (along < 0.0) {{
      {sizes}
      zigzag = along * along > {sharp!r} * (here * there);
    }}
  }}
  int64_t next_growing = 0;
  if (actual > 0.0) {{
    if (square > {above!r} * size) next_growing = growing + 1;
    else if (!(square < {below!r} * size)) {{
      if (!({same})) break;
      next_growing = growing + 1;
    }}
  }}
  if (next_growing >= {row} && fabs(w) > far) {{
    if (next_growing == {row} || next_growing >= 2 * looked_at) break;
    limitless = endless;
  }}"""
"""What `Remarks.on` says of a step; the places of the remarks are those of `Remarks.texts`."""

_HAIR = 1e-12
_SMALLEST, _LARGEST = 1e-280, 1e280


class Listener(Protocol):
    """Who looks at the steps of a climb: it names the next row it wants, and counts remarks."""

    def next_row(self, number: int) -> int:
        """Return the number of the next step after `number` that must be shown."""

    def tally(self, remark: str, times: int, first: int) -> None:
        """Count a remark that was made so many times, first at this step."""


def steps_source(
    graph: Graph, names: Sequence[str], held: Iterable[str], settings: "Settings"
) -> str:
    """Return the C of many steps: plain ones, all inputs at once, by the gradient."""
    return _Source(graph, names, list(held), settings).text()


class _Source:
    """Writes the loop of one optimiser over one graph."""

    def __init__(
        self, graph: Graph, names: Sequence[str], held: Sequence[str], settings: "Settings"
    ) -> None:
        self.optimizer: Optimizer = settings.optimizer
        self.sign = "-" if settings.descend else ""
        self.bounded = bool(settings.bounds)
        self.count = len(names)
        self.parameters = list(chosen(settings.optimizer, settings.parameters))
        self.held = held
        self.writer = Writer()
        made = gradient_graph(graph, graph.outputs[0], [graph.inputs[name] for name in names])
        given = {name: f"y{place}" for place, name in enumerate(names)}
        given |= {name: f"h{place}" for place, name in enumerate(held)}
        telling = telling_nodes(made, graph.outputs)
        self.slopes = self.writer.lines(made, [*made.outputs, *telling], given, held)
        self.results = [self.slopes.terms[node].piece.text for node in made.outputs]
        self.trouble = " | ".join(
            dict.fromkeys(self.writer.not_finite(self.slopes.terms[node]) for node in telling)
        )

    def text(self) -> str:
        """Return the whole source."""
        rule_fixed, rule, moves, states = self._rule()
        layout = self._layout()
        places = range(self.count)
        moved = range(len(self.optimizer.states) * self.count)
        body = [
            "int64_t backprop_steps(int64_t count, double *d, int64_t *k) {",
            *(f"  const double {name} = d[{place}];" for name, place in layout["fixed"]),
            *(f"  double {name} = d[{place}];" for name, place in layout["moving"]),
            *(f"  {line}" for line in (*rule_fixed, *self.slopes.fixed)),
            f"  double size = {self._total('g', 'g')};",
            "  int64_t done = 0, number = k[0], growing = k[1];",
            "  const int64_t looked_at = k[2], endless = k[3];",
            "  int64_t moved = k[4];",
            "  for (; done < count; done++) {",
            "  const double t = (double)(number + 1);",
            *(f"  const double i{p} = {self.sign}g{p};" for p in places),
            *(f"  {line}" for line in rule),
            *self._landings(moves),
            *self._stuck(),
            *(f"  {line}" for line in self.slopes.moving),
            f"  if ({self.trouble or '0'}) break;",
            *(f"  const double {name} = {text};" for name, text in self._found()),
            *(f"  const double m{p} = y{p} - x{p};" for p in places),
            *self._gains(),
            f"  const double square = {self._total('q', 'q')};",
            f"  if (!(square > {_SMALLEST!r} && square < {_LARGEST!r} && square > enough)) break;",
            self._said(),
            *self._counted(),
            "  number++; growing = next_growing; moved = 1; f = w; size = square;",
            *(f"  x{p} = y{p}; g{p} = q{p}; b{p} = m{p};" for p in places),
            *(f"  s{p} = {states[p]};" for p in moved),
            "  }",
            *(f"  d[{place}] = {name};" for name, place in layout["moving"]),
            "  k[0] = number; k[1] = growing; k[4] = moved;",
            "  return done;",
            "}",
        ]
        return self.writer.source(body)

    def _found(self) -> list[tuple[str, str]]:
        names = ["w", *(f"q{place}" for place in range(self.count))]
        return list(zip(names, self.results, strict=True))

    def _layout(self) -> dict[str, list[tuple[str, int]]]:
        """Return where in `d` each variable lies: those that move, then those that do not."""
        places = range(self.count)
        moving = [*(f"x{p}" for p in places), "f", *(f"g{p}" for p in places)]
        moving += [f"b{p}" for p in places]
        moving += [f"s{p}" for p in range(len(self.optimizer.states) * self.count)]
        fixed = [f"h{p}" for p in range(len(self.held))]
        fixed += ["step", *(f"p{p}" for p in range(len(self.parameters))), "enough"]
        if self.bounded:
            fixed += [f"{end}{p}" for p in places for end in ("low", "high")]
        fixed.append("far")
        start = len(moving)
        return {
            "moving": list(zip(moving, range(start), strict=True)),
            "fixed": list(zip(fixed, range(start, start + len(fixed)), strict=True)),
        }

    def _rule(self) -> tuple[list[str], list[str], list[str], list[str]]:
        """Return the lines of the optimiser's formulas, each input's move, and the new states."""
        fixed: list[str] = []
        moving: list[str] = []
        moves: list[str] = []
        states: list[str] = []
        kinds = [name for name, _ in self.optimizer.states]
        names = ("x", "g", "h", "t", *self.parameters, *kinds)
        parameters = {name: f"p{k}" for k, name in enumerate(self.parameters)}
        still = ("h", *self.parameters)
        for place in range(self.count):
            given = {"x": f"x{place}", "g": f"i{place}", "h": "step", "t": "t", **parameters}
            given |= {name: f"s{place * len(kinds) + k}" for k, name in enumerate(kinds)}
            for name, formula in (*self.optimizer.states, ("", self.optimizer.move)):
                graph = parse(formula, names)
                lines = self.writer.lines(graph, graph.outputs, given, still)
                fixed += lines.fixed
                moving += lines.moving
                result = lines.terms[graph.outputs[0]].piece.text
                if name:
                    given[name] = result
                    states.append(result)
                else:
                    moves.append(result)
        return fixed, moving, moves, states

    def _landings(self, moves: Sequence[str]) -> list[str]:
        if not self.bounded:
            return [f"  const double y{p} = x{p} + {move};" for p, move in enumerate(moves)]
        lines = []
        for p, move in enumerate(moves):
            lines += [
                f"  const double z{p} = x{p} + {move};",
                f"  const double a{p} = low{p} > z{p} ? low{p} : z{p};",
                f"  const double y{p} = high{p} < a{p} ? high{p} : a{p};",
            ]
        return lines

    def _stuck(self) -> list[str]:
        """Return the line that ends the climb where a move changes nothing, now and for ever."""
        if not self.optimizer.stateless:
            return []
        return [f"  if ({' & '.join(f'(y{p} == x{p})' for p in range(self.count))}) break;"]

    def _gains(self) -> list[str]:
        return [
            f"  const double predicted = {self.sign}({self._total('g', 'm')});",
            f"  const double beyond = {self.sign}({self._total('q', 'm')});",
            f"  const double actual = {self.sign}(w - f) + 0.0;",
        ]

    def _total(self, left: str, right: str) -> str:
        """Return the sum of products as `sum` of Python adds: from left to right."""
        products = [f"{left}{p}*{right}{p}" for p in range(self.count)]
        if sys.version_info < (3, 12):
            return " + ".join(products)
        self.writer.coder.calls.add("compensated")
        return f"compensated({self.count}, (const double[]){{{', '.join(products)}}})"

    def _said(self) -> str:
        return _SAID.format(
            nothing=NOTHING,
            rounding=ROUNDING,
            sharp=SHARP,
            row=GROWING_STEPS,
            above=1 + _HAIR,
            below=1 - _HAIR,
            along=f"const double along = {self._total('m', 'b')};",
            sizes=f"const double here = {self._total('m', 'm')}, there = {self._total('b', 'b')};",
            same=" & ".join(f"(fabs(g{p}) == fabs(q{p}))" for p in range(self.count)),
        )

    def _counted(self) -> list[str]:
        """Return the lines that count the remarks of a step, and note when each came first."""
        tests = [("said >= 0", "said"), ("zigzag", _ZIGZAG), ("limitless", _LIMITLESS)]
        if self.bounded:
            tests += [
                (f"(y{p} == low{p} || y{p} == high{p})", _LIMITLESS + 1 + p)
                for p in range(self.count)
            ]
        first = _FIRST
        return [
            f"  if ({test} && !k[{first} + 2*({place})]++) k[{first} + 2*({place}) + 1] = number + 1;"
            for test, place in tests
        ]


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
        settings: "Settings",
        listener: Listener,
    ) -> None:
        """Compile the loop; raises `NoCompiler`."""
        import ctypes

        self.source = steps_source(graph, names, held, settings)
        """The C that was compiled, for the curious."""
        self.native: Native = load(self.source)
        """The library, and how it came."""
        self._function = self.native.library.backprop_steps
        self._function.restype = ctypes.c_int64
        self._ctypes = ctypes
        self._listener = listener
        self._names = names
        given = chosen(settings.optimizer, settings.parameters)
        enough = settings.until_gradient**2 * (1 + _HAIR)
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
        """Return what the loop works on, laid out as `_Source` says."""
        before = remarks.before or [0.0] * len(point)
        stored = [x for state in states for x in state]
        moving = [*point, *found, *before, *stored]
        numbers = [*moving, *self._fixed, remarks.far]
        said = _LIMITLESS + 1 + len(point)
        counts = [number, remarks.growing, remarks.looked_at, remarks.endless, bool(remarks.before)]
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
        for place, text in enumerate(texts):
            times, first = counts[_FIRST + 2 * place : _FIRST + 2 * place + 2]
            if times:
                self._listener.tally(text, times, first)
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
