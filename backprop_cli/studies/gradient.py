"""The study behind `grad` and `batch`: one program, one point, the gradient of each output."""

from collections.abc import Iterable, Mapping
from typing import Any

from backprop_cli.calculus.kinks import KINKED, kinked_nodes
from backprop_cli.calculus.reverse import reverse
from backprop_cli.calculus.values import forward_values
from backprop_cli.errors import UnknownInput
from backprop_cli.graph import Graph
from backprop_cli.language.hints import name_hint
from backprop_cli.language.names import PRIME, Naming, shown_nodes, typed_nodes
from backprop_cli.language.tokens import normalized
from backprop_cli.readings.floats import FLOATS
from backprop_cli.readings.formulas import Arithmetic
from backprop_cli.studies import failures, findings
from backprop_cli.studies.solution import Answer, Failure, Remark, Solution

KINKS = ("convention", "error", "left", "right")
"""What to answer at a kink: the row's convention, nothing, or a one-sided derivative."""


def nodes_named(graph: Graph, names: Iterable[str], option: str) -> dict[str, int]:
    """Return the node of each name: an input or a named intermediate. Raises `UnknownInput`.

    A name that is assigned again means its newest value, as at the end of the program. The others
    are `c′1`, `c′2`, ..., spelled so, or as text in ASCII has them: `c'2`, `c_2`.
    """
    found: dict[str, int] = {}
    names = list(names)
    if not names:  # the usual case: copying a million names would take its time
        return found
    known = {**graph.names, **graph.inputs}
    labels = shown_nodes(graph)
    spelled = {**typed_nodes(graph), **labels}
    for raw in names:
        name = normalized(raw.strip()).replace("'", PRIME)
        node = known.get(name, spelled.get(name))
        if node is None:
            message = f"{option}: the program has no name {name[:40]!r}"
            raise UnknownInput(
                message,
                None,
                name_hint(name, [*known, *(label for label in labels if PRIME in label)]),
            )
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
    asked = nodes_named(graph, wrt, "--wrt") or graph.inputs
    chosen = nodes_named(graph, outputs, "--of")
    if chosen:
        graph = graph.with_outputs(chosen.values())
    values = forward_values(graph, point, arithmetic)
    active = graph.dependents(asked.values())
    naming = Naming(graph)
    solution = Solution(graph, point, values, asked, active, naming, arithmetic, kink)
    labels = list(chosen) or [naming.of(node) for node in graph.outputs]
    answers = (_answer(solution, *named) for named in zip(labels, graph.outputs, strict=True))
    return solution._replace(answers=tuple(answers))


def _answer(solution: Solution, label: str, output: int) -> Answer:
    graph, values, arithmetic = solution.graph, solution.values, solution.arithmetic
    adjoints = reverse(graph, values, output, solution.active, arithmetic)
    zero = arithmetic.zero
    slopes = [zero if (a := adjoints[node]) is None else a for node in solution.wrt.values()]
    gradient = dict(zip(solution.wrt, slopes, strict=True))
    if values[output] != values[output]:
        # What is undefined does not move with an input: even the edges that carry 0 say nothing.
        used = graph.dependencies([output])
        gradient.update({k: values[output] for k, node in solution.wrt.items() if used[node]})
    remarks = findings.underflow_remarks(solution)
    failure = failures.failure_of_value(solution, output)
    if failure is None:
        failure = failures.failure_of_gradient(solution, adjoints)
        gradient, failure = _at_kinks(solution, output, adjoints, gradient, failure, remarks)
    if failure is None and arithmetic is FLOATS:
        remarks += findings.digits_remarks(solution, adjoints, output)
    return Answer(label, output, values[output], gradient, adjoints, tuple(remarks), failure)


def _at_kinks(
    solution: Solution,
    output: int,
    adjoints: list[Any],
    gradient: dict[str, Any],
    failure: Failure | None,
    remarks: list[Remark],
) -> tuple[dict[str, Any], Failure | None]:
    """Return the gradient and failure as `kink` asks for them; add what is to be remarked."""
    if KINKED.isdisjoint(solution.graph.applied):
        return gradient, failure
    floats = list(map(float, solution.values))
    sides = findings.Sides(solution.graph, floats)
    answered, missing = gradient, failure
    if solution.kink in ("left", "right"):
        answered, missing = findings.one_sided_gradient(solution, output, gradient, failure, sides)
    kinked = kinked_nodes(solution.graph, floats, adjoints, solution.active)
    flowing = [pair for pair in kinked if adjoints[pair[0]] != 0]
    closing = findings.how_answered(solution.kink, solution.naming.of(output), missing)
    found = findings.kink_remarks(solution, flowing, sides, closing)
    if kinked and failure is None:
        known = {remark.node for remark in found}
        for remark in findings.output_remarks(solution, output, gradient, sides, closing):
            if remark.node not in known or "conventions at" in remark.message:
                found.append(remark)
    if found and solution.kink == "error":
        node = solution.names.index(found[0].node)
        span = solution.graph.span_of(node)
        return gradient, failure or Failure("kink", found[0].message, found[0].node, span)
    remarks += found
    return answered, missing
