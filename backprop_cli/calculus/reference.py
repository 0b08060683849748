"""The reference: slopes to some fifty digits, from values alone.

With 170 digits a central difference may take a step so small (1e-50 of x) that its truncation and
its rounding are both far beyond the fiftieth digit. Where f moves too little for that, as in the
tail of tanh, it is repeated with 520 digits. No slope of the table is used, so it can say which of
several witnesses is out. The program is read as the float program is: inputs and literals are the
doubles that the program sees; pi, e and tau are exact.

This file imports mpmath, so it is imported where a reference is asked for.
"""

import math
from collections.abc import Mapping
from typing import Any

from backprop_cli.calculus.values import evaluate, forward_values
from backprop_cli.graph import Graph, GraphBuilder
from backprop_cli.readings.floats import number
from backprop_cli.readings.precise import Precise

_DIGITS, _MORE_DIGITS = 170, 520
_KEPT = 45
_STEP = -50
_WIDE_STEP = -30
_SAME = 1e-25
_SHRINKS = 1e-5


class Exact(Precise):
    """Arithmetic of many digits in which a literal is the double that the float program sees."""

    def _number(self, literal: str) -> Any:
        named = literal in ("pi", "e", "tau")
        return super()._number(literal) if named else self.context.mpf(number(literal))


class Reference:
    """A program at a point, with many digits, and what it does as one node moves.

    Cost: two evaluations for a slope, of what lies behind the node that moves.
    """

    def __init__(self, graph: Graph, point: Mapping[str, float], digits: int = _DIGITS) -> None:
        sizes = [abs(x) for x in point.values() if x and math.isfinite(x)]
        self.graph, self.point, self.digits = graph, point, digits
        more = max((abs(math.log10(size)) for size in sizes), default=0.0)
        self.exact = Exact(digits + math.ceil(more))
        self.context = self.exact.context
        self.smallest = min([1.0, *sizes])
        given = {name: self.context.mpf(value) for name, value in point.items()}
        self.values = forward_values(graph, given, self.exact)
        self._cones: dict[int, list[int]] = {}
        self._finer: Reference | None = None

    def outputs(self) -> list[Any]:
        """Return the outputs at the point."""
        return [self.values[output] for output in self.graph.outputs]

    def at(self, seed: int, shift: Any) -> list[Any]:
        """Return the outputs with the node `seed` moved by `shift`."""
        moved = list(self.values)
        moved[seed] = self.values[seed] + shift
        evaluate(self.graph, moved, self._cone(seed), self.exact)
        return [moved[output] for output in self.graph.outputs]

    def _cone(self, seed: int) -> list[int]:
        """Return the nodes that move with `seed`, in order."""
        cone = self._cones.get(seed)
        if cone is None:
            depends = self.graph.dependents((seed,))
            cone = [k for k in range(seed + 1, self.graph.size) if depends[k]]
            self._cones[seed] = cone
        return cone

    def step(self, seed: int, exponent: int) -> Any:
        """Return 10^exponent of the size of a node, or of 1 if that is smaller."""
        size = min(abs(self.values[seed]), 1) or self.smallest
        return self.context.mpf(10) ** exponent * size

    def slopes(self, seed: int) -> list[Any]:
        """Return d output / d seed for each output, None where it has no two-sided slope."""
        h = self.step(seed, _STEP)
        coarse = self._quotients(seed, h)
        if self._faint(seed, h, coarse):
            if self._finer is None:
                self._finer = Reference(self.graph, self.point, _MORE_DIGITS)
            return self._finer.slopes(seed)
        if all(
            abs(left) * h <= _SAME * abs(value) and self._meet(left, right)
            for value, (left, right) in zip(self.outputs(), coarse, strict=True)
        ):
            return [(left + right) / 2 for left, right in coarse]
        fine = self._quotients(seed, self.step(seed, _STEP - 10))
        return [self._judged(*pair) for pair in zip(coarse, fine, strict=True)]

    def _faint(self, seed: int, h: Any, quotients: list[tuple[Any, Any]]) -> bool:
        """Return whether some output moves, but so little that its digits do not show it."""
        if self.digits != _DIGITS:
            return False
        moving = {seed, *self._cone(seed)}
        least = self.context.mpf(10) ** (_KEPT - self.digits)
        return any(
            min(abs(left), abs(right)) * h <= least * abs(value)
            for output, value, (left, right) in zip(
                self.graph.outputs, self.outputs(), quotients, strict=True
            )
            if output in moving
        )

    def _quotients(self, seed: int, h: Any) -> list[tuple[Any, Any]]:
        """Return the difference quotients to the left and to the right, for each output."""
        after, before = self.at(seed, h), self.at(seed, -h)
        return [
            ((value - left) / h, (right - value) / h)
            for left, value, right in zip(before, self.outputs(), after, strict=True)
        ]

    def _meet(self, left: Any, right: Any) -> bool:
        """Return whether two numbers are the same but for a step that is still too long."""
        return bool(abs(right - left) <= _SAME * max(abs(left), abs(right)))

    def _judged(self, coarse: tuple[Any, Any], fine: tuple[Any, Any]) -> Any:
        """Return the slope if both sides and both steps tell of the same one; else None.

        At a kink the sides stay apart as the step shrinks; at a jump the quotients grow. Where
        they shrink with the step, the slope is 0.
        """
        gap, finer_gap = abs(coarse[1] - coarse[0]), abs(fine[1] - fine[0])
        slope, finer = sum(coarse) / 2, sum(fine) / 2
        if not self.context.isfinite(slope) or not self.context.isfinite(finer):
            return None
        if not (finer_gap <= _SHRINKS * gap or self._meet(*fine)):
            return None
        if abs(finer) <= _SHRINKS * abs(slope):
            return self.context.zero
        return finer if self._meet(slope, finer) else None

    def curvatures(self, seed: int) -> list[tuple[Any, Any]]:
        """Return the second and third derivative of each output along a node."""
        h = self.step(seed, _WIDE_STEP)
        far, near = (self.at(seed, k * h) for k in (2, 1))
        close, away = (self.at(seed, -k * h) for k in (1, 2))
        return [
            (
                (b - 2 * f + c) / h**2,
                (a - 2 * b + 2 * c - d) / (2 * h**3),
            )
            for a, b, f, c, d in zip(far, near, self.outputs(), close, away, strict=True)
        ]


def slope_of_operation(graph: Graph, node: int, operand: int, values: list[float]) -> float | None:
    """Return d node / d operand at these operands, from the operation's values alone.

    None where it has no two-sided slope. The operands are taken to stand for themselves.
    """
    builder = GraphBuilder()
    places = {k: builder.input(f"x{k}") for k in dict.fromkeys(graph.operands_of(node))}
    made = builder.add(graph.rows[node], [places[k] for k in graph.operands_of(node)])
    point = {f"x{k}": values[k] for k in places}
    slope = Reference(builder.finish((made,)), point).slopes(places[operand])[0]
    return None if slope is None else float(slope)
