"""The code of a climb's loop in C.

A step in C is a step of `studies/climbing/ascent.py`: the slopes, the optimiser's formulas (read
from the same texts), the bounds, the gains, and which remark is deserved
(`studies/climbing/remarks.py`), which is counted. The loop ends before a step that is irregular:
not finite, without a move, with a gradient that is gone or too small to square, with a look far
ahead to be taken, or with two norms too near to be told apart. So it decides nothing that Python
could see otherwise.

It works on two arrays. Numbers: the point x, f and its slopes g, the last move b, the states s of
the optimiser; then what stays: held inputs h, the step size, hyper-parameters p, the square of the
norm that is small enough, bounds, and how large f must be to be called far. Counters: those of
`FIRST`, then for each remark how often it was made, and at which step first. Within a step, i are
the slopes in the direction of improvement, y is where the step lands, m the move that led there,
and w and q are f and its slopes at y. Long slopes are a function in parts (`readings/c_parts.py`),
which the loop calls.
"""

import sys
from collections.abc import Sequence
from typing import NamedTuple

from backprop_cli.calculus.gradient_graph import gradient_graph
from backprop_cli.graph import Graph
from backprop_cli.language.parser import parse
from backprop_cli.readings.c import CWriter, Lines
from backprop_cli.readings.c_parts import APART, divided
from backprop_cli.readings.native_function import function_lines
from backprop_cli.readings.telling import telling_nodes
from backprop_cli.studies.climbing.optimizers import Optimizer, chosen
from backprop_cli.studies.climbing.remarks import GROWING_STEPS, NOTHING, ROUNDING, SHARP
from backprop_cli.studies.climbing.settings import Settings

FIRST = 4
"""The counters before those of the remarks: number, growing, looked_at, endless."""
_ZIGZAG, LIMITLESS = 7, 8
"""The places of these in `Remarks.texts`; the remarks on bounds follow."""

_SAID = """
  int said = -1, zigzag = 0, limitless = 0;
  const double plenty = {rounding!r} * (fabs(w) + fabs(f)), least = {nothing!r} * fabs(predicted);
  if (!(predicted > 0.0 && beyond >= 0.0 && actual > plenty && actual > least)) {{
    const double larger_value = {rounding!r} * (fabs(w) > fabs(f) ? fabs(w) : fabs(f));
    const double rounding = least > larger_value ? least : larger_value;
    if (predicted > 0.0 && beyond < 0.0) said = actual > rounding ? 0 : actual >= -rounding ? 1 : 2;
    else if (actual < -rounding) said = predicted == 0.0 ? 3 : predicted > 0.0 ? 4 : 5;
    else if (actual <= rounding && fabs(predicted) <= rounding) said = 6;
  }}
  {along}
  if (along < 0.0) {{
    {sizes}
    zigzag = along * along > {sharp!r} * (here * there);
  }}
  int64_t next_growing = 0;
  if (actual > 0.0 && !(square < {below!r} * size)) {{
    if (!(square > {above!r} * size) && !({same})) break;
    next_growing = growing + 1;
  }}
  if (next_growing >= {row} && fabs(w) > far) {{
    if (next_growing == {row} || next_growing >= 2 * looked_at) break;
    limitless = endless;
  }}"""
"""What `Remarks.on` says of a step; the places of the remarks are those of `Remarks.texts`."""

HAIR = 1e-12
_SMALLEST, _LARGEST = 1e-280, 1e280


class _Slopes(NamedTuple):
    """The C of f and its slopes where the step lands.

    Functions before the loop; lines before it and in it; the texts of the results; and the test of
    whether a number is not finite, which makes the results if they come from a function.
    """

    functions: Sequence[str]
    fixed: Sequence[str]
    moving: Sequence[str]
    results: Sequence[str]
    trouble: str


class StepCode:
    """Writes the loop of one optimiser over one graph."""

    def __init__(
        self, graph: Graph, names: Sequence[str], held: Sequence[str], settings: Settings
    ) -> None:
        self.optimizer: Optimizer = settings.optimizer
        self.sign = "-" if settings.descend else ""
        self.bounded = bool(settings.bounds)
        self.count = len(names)
        self.parameters = list(chosen(settings.optimizer, settings.parameters))
        self.held = held
        self.writer = CWriter()
        made = gradient_graph(graph, graph.outputs[0], [graph.inputs[name] for name in names])
        given = {name: f"y{place}" for place, name in enumerate(names)}
        given |= {name: f"h{place}" for place, name in enumerate(held)}
        telling = telling_nodes(made, graph.outputs)
        lines = self.writer.lines(made, [*made.outputs, *telling], given, held)
        results = [lines.terms[node].piece.text for node in made.outputs]
        tests = dict.fromkeys(self.writer.not_finite(lines.terms[node]) for node in telling)
        self.slopes = self._slopes(lines, results, list(tests), list(given.values()))

    def _slopes(
        self, lines: Lines, results: list[str], tests: list[str], given: list[str]
    ) -> "_Slopes":
        """Return the slopes written into the loop, or called where they are too long for that."""
        whole = (*lines.fixed, *lines.moving)
        division = divided(whole, [*results, *tests], given, self.writer.weight)
        if len(division.parts) == 1:
            return _Slopes([], lines.fixed, lines.moving, results, " | ".join(tests) or "0")
        places: dict[str, list[int]] = {}
        for place, text in enumerate(results):
            places.setdefault(text, []).append(place)
        held = len(self.layout()["moving"])
        landed = ", ".join(f"y{place}" for place in range(self.count))
        return _Slopes(
            function_lines(division, places, f"{APART} int slopes", "yh"),
            (),
            (f"const double y[] = {{{landed}}};", f"double r[{len(results)}];"),
            [f"r[{place}]" for place in range(len(results))],
            f"slopes(y, d + {held}, r)",
        )

    def text(self) -> str:
        """Return the whole source."""
        rule_fixed, rule, moves, states = self._rule()
        layout = self.layout()
        places = range(self.count)
        moved = range(len(self.optimizer.states) * self.count)
        body = [
            *self.slopes.functions,
            "int64_t backprop_steps(int64_t count, double *d, int64_t *k) {",
            *(f"  const double {name} = d[{place}];" for name, place in layout["fixed"]),
            *(f"  double {name} = d[{place}];" for name, place in layout["moving"]),
            *(f"  {line}" for line in (*rule_fixed, *self.slopes.fixed)),
            f"  double size = {self._total('g', 'g')};",
            f"  const double least_square = enough > {_SMALLEST!r} ? enough : {_SMALLEST!r};",
            "  const int64_t begin = k[0], end = k[0] + count, looked_at = k[2], endless = k[3];",
            "  int64_t number = begin, growing = k[1];",
            "  for (; number < end; number++) {",
            "  const double t = (double)(number + 1);",
            *(f"  const double i{p} = {self.sign}g{p};" for p in places),
            *(f"  {line}" for line in rule),
            *self._landings(moves),
            *self._stuck(),
            *(f"  {line}" for line in self.slopes.moving),
            f"  if ({self.slopes.trouble}) break;",
            *(f"  const double {name} = {text};" for name, text in self._found()),
            *(f"  const double m{p} = y{p} - x{p};" for p in places),
            *self._gains(),
            f"  const double square = {self._total('q', 'q')};",
            f"  if (!(square > least_square && square < {_LARGEST!r})) break;",
            self._said(),
            *self._counted(),
            "  growing = next_growing; f = w; size = square;",
            *(f"  x{p} = y{p}; g{p} = q{p}; b{p} = m{p};" for p in places),
            *(f"  s{p} = {states[p]};" for p in moved),
            "  }",
            *(f"  d[{place}] = {name};" for name, place in layout["moving"]),
            "  k[0] = number; k[1] = growing;",
            "  return number - begin;",
            "}",
        ]
        return self.writer.source(body)

    def _found(self) -> list[tuple[str, str]]:
        names = ["w", *(f"q{place}" for place in range(self.count))]
        return list(zip(names, self.slopes.results, strict=True))

    def layout(self) -> dict[str, list[tuple[str, int]]]:
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
        formulas = (*self.optimizer.states, ("", self.optimizer.move))
        graphs = [(name, parse(text, names)) for name, text in formulas]
        for place in range(self.count):
            given = {"x": f"x{place}", "g": f"i{place}", "h": "step", "t": "t", **parameters}
            given |= {name: f"s{place * len(kinds) + k}" for k, name in enumerate(kinds)}
            for name, graph in graphs:
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
            above=1 + HAIR,
            below=1 - HAIR,
            along=f"const double along = {self._total('m', 'b')};",
            sizes=f"const double here = {self._total('m', 'm')}, there = {self._total('b', 'b')};",
            same=" & ".join(f"(fabs(g{p}) == fabs(q{p}))" for p in range(self.count)),
        )

    def _counted(self) -> list[str]:
        """Return the lines that count the remarks of a step, and note when each came first."""
        tests = [("said >= 0", "said"), ("zigzag", _ZIGZAG), ("limitless", LIMITLESS)]
        if self.bounded:
            tests += [
                (f"(y{p} == low{p} || y{p} == high{p})", LIMITLESS + 1 + p)
                for p in range(self.count)
            ]
        return [
            f"  if ({test} && !k[{FIRST} + 2*({k})]++) k[{FIRST + 1} + 2*({k})] = number + 1;"
            for test, k in tests
        ]
