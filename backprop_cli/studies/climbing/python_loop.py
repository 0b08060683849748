"""The loop in generated Python, for a climb that is run to its end and whose rows nobody sees.

The loop is written from the gradient graph and from the optimiser's formulas that the explained
steps are made of. Where Python's floats raise, it stops at the last good step, like before every
step that is irregular.

What an optimiser's formulas compute of h, t and the hyper-parameters alone is computed once a
step, not once an input. Every name in the text is ours and begins with an underscore, unless it
is a function of the table; numbers are written into it.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from backprop_cli.graph import Graph
from backprop_cli.operations import CONSTANT, MUL, NEG, TABLE
from backprop_cli.readings.floats import number
from backprop_cli.readings.python import defined, statements
from backprop_cli.readings.telling import SHOWS
from backprop_cli.studies.climbing.ahead import Stand
from backprop_cli.studies.climbing.moves import limits_of
from backprop_cli.studies.climbing.objective import Expression, Objective, python_pays
from backprop_cli.studies.climbing.optimizers import Rule
from backprop_cli.studies.climbing.remarks import Remarks
from backprop_cli.studies.climbing.settings import Settings


def python_loop(objective: Objective, settings: Settings) -> "PythonLoop | None":
    """Return the loop; None where it would not pay, or where more steers a step than slopes."""
    if not isinstance(objective, Expression) or not settings.plain:
        return None
    pays = python_pays(settings.steps, objective.graph.size)
    given = objective.compiled_slopes() if pays else None
    return PythonLoop(objective, *given, settings) if given else None


class PythonLoop:
    """Takes steps by the gradient, all inputs at once; knows nothing of remarks."""

    def __init__(
        self,
        objective: Objective,
        graph: Graph,
        held: Mapping[str, float],
        settings: Settings,
    ) -> None:
        """Compile the loop; `graph` gives f and its slopes, some of its inputs `held`."""
        self._objective = objective
        self._function = _LoopWriter(graph, held, objective.names, settings).function()

    def __call__(
        self, stand: Stand, count: int, states: list[list[float]], remarks: Remarks
    ) -> Stand:
        """Take up to `count` steps; fewer before one that is irregular."""
        last = stand.number + count
        stored = (x for state in states for x in state)
        number, point, found, moved = self._function(
            stand.number, last, *stand.point, *stand.found, *stored
        )
        if number == stand.number:
            return stand
        for place, state in enumerate(states):
            state[:] = moved[place * len(state) : (place + 1) * len(state)]
        # Stopped on the way, the loop has written over f and the slopes.
        return Stand(number, point, found if number == last else self._objective.slopes(point))


class _LoopWriter:
    """Writes the loop as one function.

    The point is x, f and its slopes g, the states s; a step lands at y. Its f and g take the place
    of the last ones before it is known whether they are finite, which saves Python a copy of each.
    """

    def __init__(
        self,
        graph: Graph,
        held: Mapping[str, float],
        names: Sequence[str],
        settings: Settings,
    ) -> None:
        self.graph, self.settings = graph, settings
        self.rule = Rule(settings.optimizer, settings.parameters, len(names))
        self.limits = limits_of(settings, names)
        self.places = range(len(names))
        self.namespace: dict[str, Any] = {"_isfinite": math.isfinite, "_hypot": math.hypot}
        self.known = {graph.inputs[name]: f"_y{k}" for k, name in enumerate(names)}
        self.known |= {graph.inputs[name]: repr(value) for name, value in held.items()}

    def function(self) -> Callable[..., Any]:
        """Return (number, last, *x, f, *g, *s) -> (number, point, found, states)."""
        point, landed = [f"_x{k}" for k in self.places], [f"_y{k}" for k in self.places]
        found = ["_f", *(f"_g{k}" for k in self.places)]
        states = [
            f"_s{n}_{k}" for k in self.places for n, _ in enumerate(self.rule.optimizer.states)
        ]
        stays = " and ".join(f"{x} == {y}" for x, y in zip(point, landed, strict=True))
        flat = f"not ({' or '.join(found[1:])})"
        stuck = stays if self.rule.optimizer.stateless else f"{stays} and {flat}"
        lines = [
            "_t = _number",
            "try:",
            " for _t in range(_number + 1, _last + 1):",
            *(f"  {line}" for line in self._arrives(found[1:], flat)),
            *(f"  {line}" for line in self._moves()),
            f"  if {stuck}: _t -= 1; break",
            *(f"  {line}" for line in self._slopes(found)),
            *(f"  {line}" for line in self._not_finite(found)),
            *(f"  {x} = {y}" for x, y in zip(point, landed, strict=True)),
            *(f"  {name} = {name}n" for name in states),
            "except (ArithmeticError, ValueError):",
            " _t -= 1",
            f"return (_t, {_listed(point)}, {_listed(found)}, {_listed(states)})",
        ]
        return defined(["_number", "_last", *point, *found, *states], lines, self.namespace)

    def _arrives(self, slopes: Sequence[str], flat: str) -> Iterator[str]:
        """Yield the line that stops where the gradient is small enough."""
        enough = self.settings.until_gradient
        if enough > 0:
            yield f"if _hypot({', '.join(slopes)}) <= {enough!r}: _t -= 1; break"
        elif self.rule.optimizer.stateless:
            yield f"if {flat}: _t -= 1; break"

    def _slopes(self, found: Sequence[str]) -> list[str]:
        """Return the lines of f and its slopes where the step lands."""
        lines = statements(self.graph, self.known, self.namespace, "_v")
        outputs = zip(found, self.graph.outputs, strict=True)
        return lines + [f"{name} = {self.known[node]}" for name, node in outputs]

    def _not_finite(self, found: Sequence[str]) -> list[str]:
        """Return the line that stops where f or a slope is not finite; one sum decides."""
        total = " + ".join(found[place] for place in _summed(self.graph))
        test = f"({total}) * 0.0 != 0.0 and not all(map(_isfinite, {_listed(found)}))"
        return [f"if {test}: _t -= 1; break"]

    def _moves(self) -> Iterator[str]:
        """Yield the lines that step the states on and set where each input lands."""
        graphs = self.rule.graphs()
        given = [repr(self.settings.step), "_t", *map(repr, self.rule.parameters)]
        shared: list[dict[int, str]] = []
        known = dict(zip(self.rule.names[2:], given, strict=False))  # x, g, states are an input's
        for place, graph in enumerate(graphs):
            names = {node: known[name] for name, node in graph.inputs.items() if name in known}
            own = graph.dependents(set(graph.inputs.values()) - set(names))
            once = bytearray(not flag for flag in own)
            yield from statements(graph, names, self.namespace, f"_o{place}_", once)
            shared.append(names)
        for k in self.places:
            yield from self._move(k, graphs, shared)

    def _move(
        self, k: int, graphs: Sequence[Graph], shared: Sequence[dict[int, str]]
    ) -> Iterator[str]:
        """Yield the lines for one input: its states, then where it lands, within its bounds."""
        states = self.rule.optimizer.states
        known = {"x": f"_x{k}", "g": f"-_g{k}" if self.settings.descend else f"_g{k}"}
        known |= {name: f"_s{n}_{k}" for n, (name, _) in enumerate(states)}
        for n, graph in enumerate(graphs):
            own = {node: known[name] for name, node in graph.inputs.items() if name in known}
            names = shared[n] | own
            yield from statements(graph, names, self.namespace, f"_o{n}_{k}_")
            result = names[graph.outputs[0]]
            if n < len(states):
                name = states[n][0]
                yield f"_s{n}_{k}n = {result}"
                known[name] = f"_s{n}_{k}n"  # later formulas read the new value
            else:
                yield f"_y{k} = {result}"
        low, high = self.limits[k] if self.limits else (-math.inf, math.inf)
        for sign, bound in (("<", low), (">", high)):
            if math.isfinite(bound):
                yield f"if _y{k} {sign} {bound!r}: _y{k} = {bound!r}"


def _listed(names: Sequence[str]) -> str:
    return f"({''.join(f'{name}, ' for name in names)})"


def _summed(graph: Graph) -> list[int]:
    """Return places of outputs of which one is not finite wherever any output is not.

    What is not finite shows in a product or a sum that reads it; and x and c·x, |c| <= 1, are
    finite together.
    """
    bare: dict[int, int] = {}
    for place, node in enumerate(graph.outputs):
        bare.setdefault(_bare(graph, node), place)
    shown = bytearray(graph.size)
    for node in range(graph.size - 1, -1, -1):
        if shown[node] or node in bare:
            for position in SHOWS.get(TABLE[graph.rows[node]].name, ()):
                shown[graph.operands_of(node)[position]] = 1
    return [place for node, place in bare.items() if not shown[node]]


def _bare(graph: Graph, node: int) -> int:
    """Return the node without the minus signs and factors of at most 1 that stand before it."""
    while graph.rows[node] in (NEG, MUL):
        operands = list(graph.operands_of(node))
        if graph.rows[node] == MUL:
            small = [
                k
                for k in operands
                if graph.rows[k] == CONSTANT and abs(number(graph.literals[k])) <= 1
            ]
            if len(small) != 1:
                return node
            operands.remove(small[0])
        node = operands[0]
    return node
