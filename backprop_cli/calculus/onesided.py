"""One-sided derivatives of a graph along one input, in one forward sweep.

Just to one side of a kink every comparison has an answer: what ties in value is decided by how
fast the two sides move. So the sweep carries pairs (value, tangent), in which the value is the
limit from that side, and reads every comparison, in values and in partials, on such pairs in
lexicographic order. Where operands of max or min tie, or a norm stands at 0, the directional
derivative is the operation itself applied to the tangents. (Deciding "left" at every node on its
own would answer -2 for abs(x) - abs(-x) at 0; the sweep answers 0.) See Griewank & Walther,
Evaluating Derivatives, 2nd ed., chapter 14, on directional derivatives of piecewise
differentiable functions.
"""

import math
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from backprop_cli.calculus.kinks import about, kinks_at
from backprop_cli.calculus.partials import arguments_for, ties_of
from backprop_cli.graph import Graph
from backprop_cli.operations import COMPARISON_ROWS, TABLE, WHERE, Kink
from backprop_cli.readings.floats import PAIRED, TOTAL
from backprop_cli.readings.formulas import Spelling, formula


class OneSided(NamedTuple):
    """A sweep to one side: for each node its limit, its slope, and whether these are decided.

    Slopes are derivatives with respect to the input itself, on either side: the left slope of
    abs(x) at 0 is -1.
    """

    limits: list[float]
    slopes: list[float]
    undecided: bytearray


class SideFormulas:
    """The formulas of the table as a sweep to one side reads them, compiled when first used.

    By row: `conditions` of its kinks, and `partials`, which take what `arguments_for` lays out;
    those of a row with kinks, and the `value` of a row with a formula, take the tangents too. (A
    row without kinks compares where its formula has no value, as x^y at x = 0, but the limit of
    its slope does.) `beside(row, kink)` is the value just beside a jump.
    """

    def __init__(self, plain: Spelling, paired: Spelling) -> None:
        """Take how numbers of one kind spell formulas, without and with tangents."""
        self.conditions = cache(lambda row: plain.conditions(TABLE[row]))
        self.partials = cache(
            lambda row: (paired if TABLE[row].kinks else plain).partials(TABLE[row])
        )
        self.value = cache(lambda row: paired.compile(formula(TABLE[row].value), _moving(row)))
        self.beside = cache(
            lambda row, kink: plain.compile(formula(kink.beside), _moving(row, "out"))
        )


def _moving(row: int, *more: str) -> tuple[str, ...]:
    """Return the parameters of a row, `more`, and the tangents of the parameters."""
    names = TABLE[row].names
    return (*names, *more, *(f"d{name}" for name in names))


_FLOATS = SideFormulas(TOTAL, PAIRED)


def one_sided(graph: Graph, values: list[float], seed: int, direction: int) -> OneSided:
    """Sweep along the input `seed` to the right (`direction` = 1) or to the left (-1)."""
    depends = graph.dependents([seed])
    limits = list(values)
    tangents = [0.0] * graph.size
    tangents[seed] = float(direction)
    undecided = bytearray(graph.size)
    moves = bytearray(depends)
    for node in range(seed + 1, graph.size):
        if depends[node]:
            _step(graph, node, limits, tangents, undecided, moves)
    return OneSided(limits, [direction * tangent + 0.0 for tangent in tangents], undecided)


def _step(
    graph: Graph,
    node: int,
    limits: list[float],
    tangents: list[float],
    undecided: bytearray,
    moves: bytearray,
) -> None:
    """Compute the limit and the tangent of one node from those of its operands.

    A node stands still where it selects nothing that moves, as relu(x) left of 0: then it does not
    step off a jump, and an infinite slope of what is made of it does not make 0·inf. On a kink
    that is only so if the tangents decide the side: relu(x*x) moves, but not to first order.
    """
    row = graph.rows[node]
    operation = TABLE[row]
    operands = graph.operands_of(node)
    given = [limits[k] for k in operands]
    moved = [tangents[k] for k in operands]
    moving = [moves[k] for k in operands]
    limits[node] = TOTAL.function(operation.name)(*given)
    kinks = kinks_at(graph, node, limits)
    if operation.value.isidentifier():
        for kink in kinks:
            if kink.beside:
                limits[node] = _FLOATS.beside(row, kink)(*given, limits[node], *moved)
    else:
        limits[node] = _FLOATS.value(row)(*given, *moved)
    unsure = _unsure(row, kinks, moved, moving) if kinks else set()
    if any(kink.homogeneous for kink in kinks):
        tangents[node] = _homogeneous(row, given, moved, limits[node])
        moves[node] = any(moving)
    else:
        sent = _contributions(row, given, moved, limits[node], moving)
        unknown = unsure and any(tangent != tangent for tangent in moved)
        tangents[node] = math.nan if unknown else sum(sent, start=0.0)
        moves[node] = bool(sent or unsure)
    undecided[node] = "jump" in unsure or _inherits(graph, node, limits, tangents, undecided)


def _unsure(row: int, kinks: list[Kink], moved: list[float], moving: list[int]) -> set[str]:
    """Return the kinds of the kinks that operands leave to a side that tangents do not tell.

    That is where they move, but not to first order, or tie in their movement too, or where how
    fast they move is undefined.
    """
    rest = moved[0] if row in COMPARISON_ROWS else 0.0
    if not all(tangent == rest for tangent in moved) and all(t == t for t in moved):
        return set()
    about_each = zip(TABLE[row].kinks, _about(row, len(moved)), strict=True)
    return {
        kink.kind for kink, where in about_each if kink in kinks and any(moving[k] for k in where)
    }


def _about(row: int, count: int) -> list[Iterable[int]]:
    """Return the positions of the operands that can move a node across each of its kinks."""
    return [positions or range(count) for positions in about(row)]


def _inherits(
    graph: Graph, node: int, limits: list[float], tangents: list[float], undecided: bytearray
) -> bool:
    """Return whether an undecided operand leaves this node undecided."""
    operands = graph.operands_of(node)
    if graph.rows[node] != WHERE:
        return any(undecided[k] for k in operands)
    condition, first, second = operands
    if undecided[condition]:
        # One node is the same on both sides, a NaN included; NaNs of two nodes are not.
        differ = limits[first] != limits[second] or tangents[first] != tangents[second]
        return (first != second and differ) or bool(undecided[first] or undecided[second])
    return bool(undecided[first if limits[condition] else second])


def _contributions(
    row: int, given: list[float], moved: list[float], out: float, moving: list[int]
) -> list[float]:
    """Return partial × tangent for what moves, the partials read on the side of the sweep."""
    operation = TABLE[row]
    fixed = moved[: operation.fixed]
    ties = ties_of(row, given, out)
    sent = []
    for position, tangent in enumerate(moved):
        if not moving[position]:
            continue
        partial = _FLOATS.partials(row)[operation.parameter_of(position)]
        if callable(partial):
            own = [tangent] if operation.variadic else []
            paired = (*fixed, *own) if operation.kinks else ()
            partial = partial(*arguments_for(row, given, position, out, ties), *paired)
        if not (operation.selects and partial == 0):
            sent.append(partial * tangent)
    return sent


def _homogeneous(row: int, given: list[float], moved: list[float], out: float) -> float:
    """Return f'(0; d) = f(d), over the operands that take part in the tie."""
    function = TOTAL.function(TABLE[row].name)
    if TABLE[row].variadic:
        return float(function(*(t for v, t in zip(given, moved, strict=True) if v == out)))
    return float(function(*moved))
