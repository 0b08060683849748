"""What must be said about an answer: undefined points, kinks and jumps, lost digits.

Only live nodes count: those that reach the output through edges along which something flows. A
logarithm of a negative number on the side that a `where` did not take is nobody's business.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from backprop_cli.calculus.kinks import arguments_for, kinks_at
from backprop_cli.calculus.onesided import OneSided, one_sided
from backprop_cli.calculus.partials import SELECTS, local_partials
from backprop_cli.calculus.reverse import contributions
from backprop_cli.calculus.rounding import digits_lost
from backprop_cli.graph import Graph
from backprop_cli.language.names import node_text
from backprop_cli.operations import CONSTANT, INPUT, TABLE, Operation
from backprop_cli.readings.floats import TOTAL
from backprop_cli.readings.formulas import condition, variables
from backprop_cli.studies.solution import Failure, Remark, Solution

LARGEST_SWEEP = 10_000_000
"""Modes that need a sweep for each input are skipped above this many inputs × nodes."""

_SAME = 1e-9
_LONGEST_NAME = 40
_SHORT_TEXT = 20
_MOST_KINKS = 100


def too_large(solution: Solution) -> bool:
    """Return whether a sweep for each input would cost too much."""
    return len(solution.wrt) * solution.graph.size > LARGEST_SWEEP


# ------------------------------------------------------------------ undefined and not finite


def live_nodes(solution: Solution, output: int) -> bytearray:
    """Return a mask of the nodes that the value of `output` really comes from."""
    graph, values, arithmetic = solution.graph, solution.values, solution.arithmetic
    arithmetic.prepare_partials(graph)
    everything = bytearray(b"\x01") * graph.size
    live = bytearray(graph.size)
    live[output] = 1
    for node in range(output, -1, -1):
        if not live[node]:
            continue
        operands: Iterable[int] = graph.operands_of(node)
        if SELECTS[graph.rows[node]] and arithmetic.is_finite(values[node]):
            partials = local_partials(graph, node, values, everything, arithmetic)
            operands = [operand for operand, _ in partials]
        for operand in operands:
            live[operand] = 1
    return live


def failure_of_value(solution: Solution, output: int) -> Failure | None:
    """Return the first live node whose value is undefined or not finite, if there is one."""
    is_finite, values = solution.arithmetic.is_finite, solution.values
    if all(map(is_finite, values)):
        return None
    live = live_nodes(solution, output)
    for node, value in enumerate(values):
        if live[node] and not is_finite(value):
            return _explain_value(solution, node)
    return None


def _explain_value(solution: Solution, node: int) -> Failure:
    graph, values = solution.graph, solution.values
    operation = TABLE[graph.rows[node]]
    operands = [values[k] for k in graph.operands_of(node)]
    code = "undefined" if values[node] != values[node] else "not-finite"
    label, span = solution.names[node], graph.span_of(node)
    if graph.rows[node] == CONSTANT:
        message = f"{graph.literals[node][:40]} is too large for a float64"
        return Failure(code, message, label, span, "use --precision 30")
    written = _written(solution, node)
    needs = _violated(operation, operands, values[node])
    got = _got(solution, node, needs)
    if needs:
        message = f"{written} needs {_in_names(solution, node, needs)}, got {got}"
    elif code == "undefined":
        message = f"{written} is undefined at {got}"
    else:
        message = f"{written} overflows at {got}"
    return Failure(code, message, label, span, _cure(graph, node))


def _cure(graph: Graph, node: int) -> str:
    """Return a hint for an overflow whose usual cure is a function of the table."""
    if TABLE[graph.rows[node]].name != "exp":
        return ""
    reached = graph.dependents([node])
    logs = [
        k
        for k in range(node + 1, min(node + 4, graph.size))
        if reached[k] and TABLE[graph.rows[k]].name == "log"
    ]
    cure = "softplus(x) is log(1 + exp(x)), and logsumexp(...) sums, without overflow"
    return cure if logs else ""


def _written(solution: Solution, node: int) -> str:
    """Return how an error calls an operation: `log`, or with its operands `1/x`, `x^y`."""
    operation = TABLE[solution.graph.rows[node]]
    if operation.infix:
        return shortened(node_text(solution.graph, node, solution.names))
    return operation.name


def _operands(solution: Solution, node: int) -> list[tuple[str, int]]:
    """Return (parameter, operand) for the operands that have parameters of their own."""
    graph = solution.graph
    operation, operands = TABLE[graph.rows[node]], graph.operands_of(node)
    names = operation.names[:-1] if operation.variadic and operation.names[1:] else operation.names
    return list(zip(names, operands, strict=False))


def _is_literal(solution: Solution, node: int) -> bool:
    return solution.graph.rows[node] == CONSTANT and node not in solution.graph.labels


def _in_names(solution: Solution, node: int, text: str) -> str:
    """Return words about parameters with the names of the operands in their place."""
    named = {
        parameter: _name(solution, operand)
        for parameter, operand in _operands(solution, node)
        if not _is_literal(solution, operand)
    }
    return re.sub(r"\b[a-z]+\b", lambda word: named.get(word[0], word[0]), text)


def _got(solution: Solution, node: int, about: str = "") -> str:
    """Return the operands with their values; literals only where the text is about them."""
    shown = []
    for parameter, operand in _operands(solution, node):
        literal = _is_literal(solution, operand)
        if not literal or re.search(rf"\b{parameter}\b", about):
            name = parameter if literal else _name(solution, operand)
            shown.append(f"{name} = {_short(solution.values[operand])}")
    return ", ".join(dict.fromkeys(shown)) or "these numbers"


def _name(solution: Solution, node: int) -> str:
    """Return a node's name, or its own text where the program has not named it and it is short."""
    graph = solution.graph
    given = node in graph.labels or graph.rows[node] in (INPUT, CONSTANT)
    text = "" if given else node_text(graph, node, solution.names)
    return text if text and len(text) <= _SHORT_TEXT else shortened(solution.names[node])


def shortened(text: str) -> str:
    """Return a name as a message shows it: a very long one is cut."""
    return text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 3] + "..."


def _short(value: Any) -> str:
    return f"{float(value):.10g}"


@cache
def _domain(operation: Operation) -> tuple[Any, ...]:
    names = variables(operation)
    return tuple(TOTAL.compile(condition(text), names) for text in operation.domain)


def _violated(operation: Operation, operands: list[Any], out: Any) -> str:
    """Return what the domain asks for if these operands are outside it."""
    if any(value != value for value in operands):
        return ""
    floats = [float(value) for value in operands]
    for text, holds in zip(operation.domain, _domain(operation), strict=True):
        if not holds(*arguments_for(TABLE.index(operation), floats, len(floats) - 1, float(out))):
            return operation.needs or text.replace("!=", "other than")
    return ""


def failure_of_gradient(solution: Solution, adjoints: list[Any]) -> Failure | None:
    """Return where the first slope that is not finite entered the sweep, if one did."""
    graph, values, arithmetic = solution.graph, solution.values, solution.arithmetic
    reached = [k for k in solution.wrt.values() if adjoints[k] is not None]
    bad = [k for k in reached if not arithmetic.is_finite(adjoints[k])]
    if not bad:
        return None
    for step in contributions(graph, values, adjoints, solution.active, arithmetic):
        if not arithmetic.is_finite(step.value):
            return _explain_slope(solution, step.node, step.operand, step.upstream, step.local)
    label = solution.names[bad[0]]
    message = f"the contributions to {label} overflow float64 when added"
    return Failure("not-finite", message, label, graph.span_of(bad[0]))


def _explain_slope(
    solution: Solution, node: int, operand: int, adjoint: Any, local: Any
) -> Failure:
    name = _written(solution, node)
    place = _got(solution, node)
    product = f"{_short(adjoint)} × {_short(local)}"
    undefined = adjoint * local != adjoint * local
    if local != local:
        by = f" in {_name(solution, operand)}" if ", " in place else ""
        message = f"{name} has no slope{by} at {place}"
    elif solution.arithmetic.is_finite(local):
        message = f"the slope of {name} overflows float64: {product}"
    else:
        by = f" in {_name(solution, operand)}" if ", " in place else ""
        message = f"{name} has no finite slope{by} at {place}"
        message += f": {product} is undefined" if undefined else ""
    code = "undefined" if undefined else "not-finite"
    return Failure(code, message, solution.names[node], solution.graph.span_of(node))


# ------------------------------------------------------------------ kinks and jumps


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

    def both(self, seed: int) -> tuple[OneSided, OneSided]:
        """Return the sweeps to the left and to the right."""
        return self.along(seed, -1), self.along(seed, 1)

    def slope_at(self, node: int, seed: int) -> float | None:
        """Return the slope of a node along an input if both sides have the same, else None."""
        left, right = self.both(seed)
        continuous = left.limits[node] == right.limits[node] == self.values[node]
        decided = not (left.undecided[node] or right.undecided[node])
        same = left.slopes[node] == right.slopes[node]
        return left.slopes[node] if continuous and decided and same else None


def kink_remarks(
    solution: Solution, kinked: Sequence[tuple[int, int]], sides: Sides
) -> list[Remark]:
    """Return a remark for each kink or jump at this point at which the sides differ.

    `kinked` are the nodes that matter, as `calculus.kinks.kinked_nodes` finds them.
    """
    remarks: list[Remark] = []
    inputs = {name: k for name, k in solution.wrt.items() if solution.active[k]}
    if too_large(solution):
        inputs = {}
    for place, (node, source) in enumerate(kinked):
        if len(remarks) == _MOST_KINKS:
            text = f"{len(kinked) - place:,} more nodes stand on kinks or jumps"
            remarks.append(Remark("kink", solution.names[node], text))
            break
        convention = kinks_at(solution.graph, source, sides.values)[0].convention
        label = solution.names[node]
        if not inputs:
            text = f"{label} stands on a kink or jump; convention: {convention}"
            remarks.append(Remark("kink", label, text))
        found = (_remark(solution, node, name, seed, sides) for name, seed in inputs.items())
        first = next((remark for remark in found if remark is not None), None)
        if first is not None:
            remarks.append(first._replace(message=f"{first.message}; convention: {convention}"))
    return remarks


def _remark(solution: Solution, node: int, name: str, seed: int, sides: Sides) -> Remark | None:
    """Return what happens at `node` on the two sides of this point along an input."""
    if sides.slope_at(node, seed) is not None:
        return None
    left, right = sides.both(seed)
    label = solution.names[node]
    what = f"{label} ({TABLE[solution.graph.rows[node]].name})"
    value = sides.values[node]
    if left.limits[node] != left.limits[node] or right.limits[node] != right.limits[node]:
        text = f"what {what} is beside this point along {name} is undefined, so sides are unknown"
        return Remark("jump", label, text)
    if not left.limits[node] == right.limits[node] == value:
        text = (
            f"{what} jumps along {name}: {_short(left.limits[node])} from the left, "
            f"{_short(value)} here, {_short(right.limits[node])} from the right"
        )
        return Remark("jump", label, text)
    text = (
        f"{what} has a kink along {name}: slope {_short(left.slopes[node])} to the left, "
        f"{_short(right.slopes[node])} to the right"
    )
    if left.undecided[node] or right.undecided[node]:
        text = f"{what} stands on a kink along {name} whose sides are undecided to first order"
    return Remark("kink", label, text)


def output_remarks(
    solution: Solution, output: int, gradient: Mapping[str, Any], sides: Sides
) -> list[Remark]:
    """Return a remark for each input along which the output's slope is not the answer.

    The conventions of several kinks need not add up: relu(x) - relu(-x) is x, with slope 1, but
    with relu'(0) = 0 the chain rule answers 0. And a jump times 0 is a kink.
    """
    remarks: list[Remark] = []
    if too_large(solution):
        return remarks
    label = solution.names[output]
    for name, seed in solution.wrt.items():
        slope = sides.slope_at(output, seed)
        answer = float(gradient[name])
        left, right = sides.both(seed)
        if slope is None:
            text = (
                f"{label} has slope {_short(left.slopes[output])} to the left along {name}, "
                f"{_short(right.slopes[output])} to the right; the conventions answer "
                f"{_short(answer)}"
            )
        elif abs(slope - answer) > _SAME * abs(slope):
            text = (
                f"the conventions at these kinks give {_short(answer)} for {name}, but the slope "
                f"is {_short(slope)} from both sides (see --kink left)"
            )
        else:
            continue
        remarks.append(Remark("kink", label, text))
    return remarks


def one_sided_gradient(
    solution: Solution, output: int, sides: Sides
) -> tuple[dict[str, float], Failure | None]:
    """Return the true derivative to the side asked for along each input.

    Where there is none the number is NaN, and the failure says why.
    """
    gradient = {}
    failure = None
    side = solution.kink
    for name, seed in solution.wrt.items():
        sweep = sides.along(seed, 1 if side == "right" else -1)
        label = solution.names[output]
        problem = ""
        if sweep.limits[output] != sweep.limits[output]:
            problem = f"{label} is undefined just to the {side} along {name}, to first order"
        elif sweep.limits[output] != sides.values[output]:
            problem = f"{label} jumps to the {side} along {name}: no slope there"
        elif sweep.undecided[output]:
            problem = f"which side of a kink {name} moves to is undecided to first order"
        elif not math.isfinite(sweep.slopes[output]):
            problem = f"{label} has no finite slope to the {side} along {name}"
        gradient[name] = math.nan if problem else sweep.slopes[output]
        if problem and failure is None:
            failure = Failure("kink", problem, label, solution.graph.span_of(output))
    return gradient, failure


# ------------------------------------------------------------------ digits


def digits_remarks(solution: Solution, adjoints: list[Any], output: int) -> list[Remark]:
    """Return a remark if fewer than 8 of the value's 16 digits can be trusted."""
    loss = digits_lost(solution.graph, solution.values, adjoints, output)
    if loss is None:
        return []
    label = solution.names[loss.node]
    text = (
        f"about {loss.digits:.0f} of the 16 digits of {solution.names[output]} can be trusted: "
        f"rounding may change it by {loss.error:.1g}; {label} loses them by cancellation"
    )
    return [Remark("digits", label, text)]


def underflow_remarks(solution: Solution) -> list[Remark]:
    """Return a remark for each literal that is not zero but becomes zero in float64."""
    values = solution.values
    return [
        Remark("underflow", text[:40], f"{text[:40]} is too small for a float64 and is read as 0")
        for node, text in solution.graph.literals.items()
        if values[node] == 0 and any(digit in "123456789" for digit in text.partition("e")[0])
    ]
