"""The study behind `grad` and `batch`: one program, one point, the gradient of each output."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from backprop_cli.calculus.reverse import reverse
from backprop_cli.calculus.rounding import gradient_rounding
from backprop_cli.calculus.values import forward_values
from backprop_cli.errors import UnknownInput
from backprop_cli.graph import Graph
from backprop_cli.language.hints import nearest
from backprop_cli.language.names import display_names
from backprop_cli.language.tokens import normalized
from backprop_cli.readings.floats import FLOATS
from backprop_cli.readings.formulas import Arithmetic
from backprop_cli.studies.findings import (
    Sides,
    digits_remark,
    failure_of_gradient,
    failure_of_value,
    kink_remarks,
)
from backprop_cli.studies.solution import Answer, Failure, Remark, Solution

KINKS = ("convention", "error", "left", "right")
"""What to answer at a kink: the row's convention, nothing, or a one-sided derivative."""


def nodes_named(graph: Graph, names: Iterable[str], option: str) -> dict[str, int]:
    """Return the node of each name: an input or a named intermediate. Raises `UnknownInput`."""
    found: dict[str, int] = {}
    known = {**graph.names, **graph.inputs}
    labels = {label: node for node, label in graph.labels.items()}
    for raw in names:
        name = normalized(raw.strip())
        node = known.get(name, labels.get(name))
        if node is None:
            near = nearest(name, list(known))
            hint = f"did you mean {near}?" if near else f"it has {', '.join(list(known)[:10])}"
            raise UnknownInput(f"{option}: the program has no name {name[:40]!r}", None, hint)
        found[name] = node
    return found


def solve(
    graph: Graph,
    point: Mapping[str, Any],
    wrt: Iterable[str] = (),
    outputs: Iterable[str] = (),
    kink: str = "convention",
    arithmetic: Arithmetic = FLOATS,
) -> Solution:
    """Return value and gradient of each output at `point`, with all that must be said of them.

    `point` has a number for every input. `wrt` are inputs or named intermediates (all inputs if
    none is named); `outputs` are named nodes (the program's own output if none is named).
    """
    asked = nodes_named(graph, wrt, "--wrt") or dict(graph.inputs)
    chosen = nodes_named(graph, outputs, "--of")
    if chosen:
        graph = graph.with_outputs(chosen.values())
    values = forward_values(graph, point, arithmetic)
    active = graph.dependents(asked.values())
    names = display_names(graph)
    labels = list(chosen) or [names[node] for node in graph.outputs]
    answers = tuple(
        _answer(graph, values, label, node, asked, active, names, kink, arithmetic)
        for label, node in zip(labels, graph.outputs, strict=True)
    )
    return Solution(graph, point, values, asked, active, names, arithmetic, kink, answers)


def _answer(
    graph: Graph,
    values: list[Any],
    label: str,
    output: int,
    wrt: Mapping[str, int],
    active: bytearray,
    names: list[str],
    kink: str,
    arithmetic: Arithmetic,
) -> Answer:
    adjoints = reverse(graph, values, output, active, arithmetic)
    gradient = {
        name: arithmetic.zero if adjoints[node] is None else adjoints[node]
        for name, node in wrt.items()
    }
    failure = failure_of_value(graph, values, output, names, arithmetic)
    remarks: list[Remark] = list(underflows(graph, values, names))
    if failure is None:
        failure = failure_of_gradient(graph, values, adjoints, active, wrt, names, arithmetic)
        found, one_sided = _at_kinks(
            graph, values, adjoints, active, output, wrt, names, kink, arithmetic
        )
        remarks += found
        if isinstance(one_sided, Failure):
            failure = failure or one_sided
        elif one_sided:
            gradient, failure = one_sided, None
    if failure is None and arithmetic is FLOATS:
        lost = digits_remark(graph, values, adjoints, output, names)
        remarks += [lost] if lost else []
    return Answer(label, output, values[output], gradient, adjoints, {}, tuple(remarks), failure)


def underflows(graph: Graph, values: list[Any], names: list[str]) -> Iterable[Remark]:
    """Yield a remark for each literal that is not zero but becomes zero in float64."""
    for node, literal in graph.literals.items():
        if values[node] == 0 and any(digit in "123456789" for digit in literal.partition("e")[0]):
            text = f"{literal[:40]} is too small for a float64 and is read as 0"
            yield Remark("underflow", literal[:40], text)


def _at_kinks(
    graph: Graph,
    values: list[Any],
    adjoints: list[Any],
    active: bytearray,
    output: int,
    wrt: Mapping[str, int],
    names: list[str],
    kink: str,
    arithmetic: Arithmetic,
) -> tuple[list[Remark], dict[str, Any] | Failure | None]:
    """Return what to remark about kinks, and the one-sided gradient or refusal asked for."""
    if arithmetic is not FLOATS:
        values = [float(value) for value in values]
    sides = Sides(graph, values)
    remarks = kink_remarks(graph, values, adjoints, active, wrt, names, sides)
    if not remarks and kink == "error":
        return [], None
    if kink == "error":
        node = names.index(remarks[0].node)
        span = graph.span_of(node)
        return remarks, Failure("kink", remarks[0].message, remarks[0].node, span)
    if kink in ("left", "right"):
        return remarks, _one_sided_gradient(graph, values, output, wrt, names, kink, sides)
    return remarks, None


def _one_sided_gradient(
    graph: Graph,
    values: list[float],
    output: int,
    wrt: Mapping[str, int],
    names: list[str],
    kink: str,
    sides: Sides,
) -> dict[str, float] | Failure:
    """Return the true derivative to one side along each input, or why there is none."""
    gradient = {}
    for name, seed in wrt.items():
        sweep = sides.along(seed, 1 if kink == "right" else -1)
        problem = ""
        if sweep.limits[output] != values[output]:
            problem = f"{names[output]} jumps to the {kink} along {name}: no slope there"
        elif sweep.undecided[output]:
            problem = f"which side of a kink {name} moves to is undecided to first order"
        elif not math.isfinite(sweep.slopes[output]):
            problem = f"{names[output]} has no finite slope to the {kink} along {name}"
        if problem:
            return Failure("kink", problem, names[output], graph.span_of(output))
        gradient[name] = sweep.slopes[output]
    return gradient


def with_rounding(solution: Solution) -> Solution:
    """Return the solution with a bound on the rounding error of each gradient component."""
    answers = tuple(
        answer._replace(
            rounding=gradient_rounding(
                solution.graph, solution.values, answer.node, solution.active, solution.wrt
            )
        )
        for answer in solution.answers
    )
    return solution._replace(answers=answers)
