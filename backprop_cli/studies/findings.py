"""What must be said about an answer: undefined points, kinks and jumps, lost digits.

Only live nodes count: those that reach the output through edges along which something flows. A
logarithm of a negative number on the side that a `where` did not take is nobody's business.
"""

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

from backprop_cli.calculus.kinks import arguments_for, kinked_nodes, kinks_at
from backprop_cli.calculus.onesided import OneSided, one_sided
from backprop_cli.calculus.partials import SELECTS, local_partials
from backprop_cli.calculus.rounding import digits_lost
from backprop_cli.graph import Graph
from backprop_cli.operations import CONSTANT, TABLE, WHERE, Operation
from backprop_cli.readings.floats import TOTAL
from backprop_cli.readings.formulas import VARIABLES, Arithmetic, condition
from backprop_cli.studies.solution import Failure, Remark

LARGEST_SWEEP = 10_000_000
"""Modes that need a sweep for each input are skipped above this many inputs × nodes."""


def live_nodes(graph: Graph, values: list[Any], output: int, arithmetic: Arithmetic) -> bytearray:
    """Return a mask of the nodes that the value of `output` really comes from."""
    arithmetic.prepare_partials(graph)
    everything = bytearray(b"\x01") * graph.size
    live = bytearray(graph.size)
    live[output] = 1
    for node in range(output, -1, -1):
        if not live[node]:
            continue
        operands = graph.operands_of(node)
        if SELECTS[graph.rows[node]] and arithmetic.is_finite(values[node]):
            partials = local_partials(graph, node, values, everything, arithmetic)
            operands_that_count = [operand for operand, _ in partials]
        else:
            operands_that_count = list(operands)
        for operand in operands_that_count:
            live[operand] = 1
    return live


def failure_of_value(
    graph: Graph, values: list[Any], output: int, names: list[str], arithmetic: Arithmetic
) -> Failure | None:
    """Return the first live node whose value is undefined or not finite, if there is one."""
    if all(map(arithmetic.is_finite, values)):
        return None
    live = live_nodes(graph, values, output, arithmetic)
    for node, value in enumerate(values):
        if live[node] and not arithmetic.is_finite(value):
            return _explain_value(graph, values, node, names)
    return None


def _explain_value(graph: Graph, values: list[Any], node: int, names: list[str]) -> Failure:
    operation = TABLE[graph.rows[node]]
    operands = graph.operands_of(node)
    code = "undefined" if values[node] != values[node] else "not-finite"
    if graph.rows[node] == CONSTANT:
        message = f"{graph.literals[node][:40]} is too large for a float64"
        return Failure(code, message, names[node], graph.span_of(node), "use --precision 30")
    got = ", ".join(
        f"{name} = {_short(values[k])}"
        for name, k in zip(_parameter_names(operation, len(operands)), operands, strict=True)
    )
    needs = _violated(operation, [values[k] for k in operands], values[node])
    if needs:
        message = f"{_written(operation)} needs {needs}, got {got}"
    elif code == "undefined":
        message = f"{_written(operation)} is undefined at {got}"
    else:
        message = f"{_written(operation)} overflows float64 at {got}"
    return Failure(code, message, names[node], graph.span_of(node), _cure(graph, node))


def _cure(graph: Graph, node: int) -> str:
    """Return a hint for an overflow whose usual cure is a function of the table."""
    users = [k for k in range(node + 1, graph.size) if node in graph.operands_of(k)]
    above = {TABLE[graph.rows[k]].name for k in users}
    above |= {
        TABLE[graph.rows[j]].name
        for k in users
        for j in range(k + 1, graph.size)
        if k in graph.operands_of(j)
    }
    if TABLE[graph.rows[node]].name == "exp" and "log" in above:
        return "softplus(x) is log(1 + exp(x)), and logsumexp(...) sums, without overflow"
    return ""


def _written(operation: Operation) -> str:
    """Return how people write the operation: `log`, `x/y`, `x^y`."""
    if not operation.infix:
        return operation.name
    space = " " if operation.precedence < 2 else ""
    return f"{space}{operation.infix}{space}".join(operation.names)


def _parameter_names(operation: Operation, count: int) -> list[str]:
    fixed = list(operation.names[: count if not operation.variadic else -1])
    return fixed + [f"argument {k + 1}" for k in range(len(fixed), count)]


def _short(value: Any) -> str:
    return f"{float(value):.10g}"


@cache
def _domain(row: str) -> tuple[Any, ...]:
    operation = next(op for op in TABLE if op.name == row)
    names = operation.operand_names + (VARIABLES if operation.variadic else ("out",))
    return tuple(TOTAL.compile(condition(text), names) for text in operation.domain)


def _violated(operation: Operation, operands: list[Any], out: Any) -> str:
    """Return what the domain asks for if these operands are outside it."""
    if not operation.domain or any(value != value for value in operands):
        return ""
    row = TABLE.index(operation)
    given = arguments_for(row, [float(v) for v in operands], len(operands) - 1, float(out))
    for text, holds in zip(operation.domain, _domain(operation.name), strict=True):
        if not holds(*given):
            return operation.needs or text.replace("!=", "other than")
    return ""


def failure_of_gradient(
    graph: Graph,
    values: list[Any],
    adjoints: list[Any],
    active: bytearray,
    wrt: Mapping[str, int],
    names: list[str],
    arithmetic: Arithmetic,
) -> Failure | None:
    """Return where the first slope that is not finite entered the sweep, if one did."""
    reached = [adjoints[k] for k in wrt.values() if adjoints[k] is not None]
    if all(map(arithmetic.is_finite, reached)):
        return None
    for node in range(graph.size - 1, -1, -1):
        adjoint = adjoints[node]
        if adjoint is None:
            continue
        for operand, local in local_partials(graph, node, values, active, arithmetic):
            if not arithmetic.is_finite(adjoint * local):
                return _explain_slope(graph, values, node, operand, adjoint, local, names)
    node = next(
        k for k in wrt.values() if adjoints[k] is not None and not arithmetic.is_finite(adjoints[k])
    )
    message = f"the contributions to {names[node]} overflow float64 when added"
    return Failure("not-finite", message, names[node], graph.span_of(node))


def _explain_slope(
    graph: Graph,
    values: list[Any],
    node: int,
    operand: int,
    adjoint: Any,
    local: Any,
    names: list[str],
) -> Failure:
    name = _written(TABLE[graph.rows[node]])
    place = f"{names[operand]} = {_short(values[operand])}"
    undefined = (adjoint * local) != (adjoint * local)
    code = "undefined" if undefined else "not-finite"
    if local != local:
        message = f"{name} has no slope at {place}"
    elif not math.isfinite(local):
        message = f"{name} has no finite slope at {place}"
        if undefined:
            message += f": {_short(adjoint)} × {_short(local)} is undefined"
    else:
        message = f"the slope of {name} overflows float64: {_short(adjoint)} × {_short(local)}"
    return Failure(code, message, names[node], graph.span_of(node))


class Sides:
    """The one-sided sweeps at a point, each made when first asked for."""

    def __init__(self, graph: Graph, values: list[float]) -> None:
        self.graph, self.values = graph, values
        self._made: dict[tuple[int, int], OneSided] = {}

    def along(self, seed: int, direction: int) -> OneSided:
        """Return the sweep along an input to the left (-1) or to the right (1)."""
        key = (seed, direction)
        if key not in self._made:
            self._made[key] = one_sided(self.graph, self.values, seed, direction)
        return self._made[key]


def kink_remarks(
    graph: Graph,
    values: list[float],
    adjoints: list[Any],
    active: bytearray,
    wrt: Mapping[str, int],
    names: list[str],
    sides: Sides,
) -> list[Remark]:
    """Return a remark for each kink or jump at this point that changes the answer."""
    remarks = []
    inputs = {name: k for name, k in wrt.items() if active[k]}
    if len(inputs) * graph.size > LARGEST_SWEEP:
        inputs = {}
    for node, kinked in kinked_nodes(graph, values, adjoints, active):
        for name, seed in inputs.items():
            remark = _remark(graph, values, node, kinked, name, seed, names, sides)
            if remark is not None:
                remarks.append(remark)
                break
        if not inputs:
            convention = kinks_at(graph, kinked, values)[0].convention
            text = f"{names[node]} stands on a kink or jump; convention: {convention}"
            remarks.append(Remark("kink", names[node], text))
    return remarks


def _remark(
    graph: Graph,
    values: list[float],
    node: int,
    kinked: int,
    name: str,
    seed: int,
    names: list[str],
    sides: Sides,
) -> Remark | None:
    left, right = sides.along(seed, -1), sides.along(seed, 1)
    convention = kinks_at(graph, kinked, values)[0].convention
    what = TABLE[graph.rows[kinked if graph.rows[node] != WHERE else node]].name
    label = names[node]
    limits = (left.limits[node], right.limits[node])
    if limits[0] != values[node] or limits[1] != values[node]:
        text = (
            f"{label} ({what}) jumps along {name}: {_short(limits[0])} from the left, "
            f"{_short(values[node])} here, {_short(limits[1])} from the right; "
            f"convention: {convention}"
        )
        return Remark("jump", label, text)
    slopes = (left.slopes[node], right.slopes[node])
    if slopes[0] == slopes[1] and not (left.undecided[node] or right.undecided[node]):
        return None
    text = (
        f"{label} ({what}) has a kink along {name}: slope {_short(slopes[0])} to the left, "
        f"{_short(slopes[1])} to the right; convention: {convention}"
    )
    return Remark("kink", label, text)


def digits_remark(
    graph: Graph, values: list[float], adjoints: list[Any], output: int, names: list[str]
) -> Remark | None:
    """Return a remark if fewer than 8 of the value's 16 digits can be trusted."""
    loss = digits_lost(graph, values, adjoints, output)
    if loss is None:
        return None
    text = (
        f"about {loss.digits:.0f} of the 16 digits of {names[output]} can be trusted: rounding "
        f"may change it by {loss.error:.1g}; {names[loss.node]} loses them by cancellation"
    )
    return Remark("digits", names[loss.node], text)
