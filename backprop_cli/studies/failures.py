"""Why there is no answer at a point: the first undefined or infinite number, in the user's names.

Only live nodes count: those that reach the output through edges along which something flows. A
logarithm of a negative number on the side that a `where` did not take is nobody's business.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, NamedTuple

from backprop_cli.calculus.partials import SELECTS, arguments_for, local_partials
from backprop_cli.calculus.reverse import Contribution, contributions
from backprop_cli.graph import Graph
from backprop_cli.language.names import node_text
from backprop_cli.operations import CONSTANT, INPUT, NEG, TABLE, Operation
from backprop_cli.readings.floats import TOTAL
from backprop_cli.readings.formulas import condition, variables
from backprop_cli.studies.solution import Failure, Solution
from backprop_cli.studies.words import ordinal

_LONGEST_NAME = 40
_SHORT_TEXT = 20


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
    node = next(bad_values(solution, output), None)
    return None if node is None else explain_value(solution, node)


def bad_values(solution: Solution, output: int) -> Iterator[int]:
    """Yield the live nodes whose value is undefined or not finite, in order of evaluation."""
    is_finite, values = solution.arithmetic.is_finite, solution.values
    if all(map(is_finite, values)):
        return
    live = live_nodes(solution, output)
    for node, value in enumerate(values):
        if live[node] and not is_finite(value):
            yield node


def explain_value(solution: Solution, node: int) -> Failure:
    """Return why the value of a node is undefined or not finite."""
    graph, values = solution.graph, solution.values
    operation = TABLE[graph.rows[node]]
    operands = [values[k] for k in graph.operands_of(node)]
    code = "undefined" if values[node] != values[node] else "not-finite"
    label, span = solution.names[node], graph.span_of(node)
    if graph.rows[node] == CONSTANT:
        message = f"{graph.literals[node][:40]} is too large for a float64"
        return Failure(code, message, label, span, "use --precision 30")
    needs = violated(operation, operands, values[node])
    got = _got(solution, node, needs)
    if needs:
        message = f"{_written(solution, node)} needs {_in_names(solution, node, needs)}"
        message += f", got {got}" if got else ""
    else:
        what = "is undefined" if code == "undefined" else "overflows"
        message = f"{_written(solution, node)} {what} at {got}"
        if not got:
            message = f"{shortened(node_text(graph, node, solution.names))} {what}"
    return Failure(code, message, label, span, _cure(graph, node))


class Wording(NamedTuple):
    """What can be said of a node before its numbers are known, for who has them only later.

    `needs` has, for each condition of the domain, what it asks for and the operands to be told
    then; `got` are those to be told otherwise. An operand is (name, node), a number having no
    name. `called` are the names of operands that have parameters; `text` is the operation.
    """

    written: str
    text: str
    needs: tuple[tuple[str, list[tuple[str, int]]], ...]
    got: list[tuple[str, int]]
    called: dict[int, str]


def wording(solution: Solution, node: int) -> Wording:
    """Return the parts of the messages of `explain_value` and `explain_slope` about a node."""
    operation = TABLE[solution.graph.rows[node]]
    asked = [_asked(operation, text) for text in operation.domain]
    return Wording(
        _written(solution, node),
        shortened(node_text(solution.graph, node, solution.names)),
        tuple((_in_names(solution, node, text), _spoken(solution, node, text)) for text in asked),
        _spoken(solution, node),
        {operand: _name(solution, operand) for _, operand in _operands(solution, node)},
    )


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
    """Return whether the program has an operand as a number, with or without a sign, unnamed."""
    graph = solution.graph
    while node not in graph.labels and graph.rows[node] == NEG:
        (node,) = graph.operands_of(node)
    return graph.rows[node] == CONSTANT and node not in graph.labels


def _in_names(solution: Solution, node: int, text: str) -> str:
    """Return words about parameters with the names of the operands in their place.

    A number has no name, so it is told by its place: its reader may have a `y` of his own.
    """
    operation = TABLE[solution.graph.rows[node]]
    named = {
        parameter: _place(operation, position)
        if _is_literal(solution, operand)
        else _name(solution, operand)
        for position, (parameter, operand) in enumerate(_operands(solution, node))
    }
    return re.sub(r"\b[a-z]+\b", lambda word: named.get(word[0], word[0]), text)


def _place(operation: Operation, position: int) -> str:
    """Return what an operand is called by its place in an operation."""
    if len(operation.parameters) == 1:
        return "its argument"
    if operation.infix:
        return "its right operand" if position else "its left operand"
    return f"its {ordinal(position)} argument"


def _got(solution: Solution, node: int, about: str = "") -> str:
    """Return the operands that are spoken of, with their values."""
    spoken = _spoken(solution, node, about)
    shown = [(name, short(solution.values[k])) for name, k in spoken]
    texts = dict.fromkeys(f"{name} = {value}" if name else value for name, value in shown)
    return (", " if all(name for name, _ in spoken) else " and ").join(texts)


def _spoken(solution: Solution, node: int, about: str = "") -> list[tuple[str, int]]:
    """Return operands by name: those with names, or all that the text is about.

    Numbers that the program states are repeated only where the text is about them; they have "".
    """
    operands = _operands(solution, node)
    spoken = [k for parameter, k in operands if re.search(rf"\b{parameter}\b", about)]
    literals = [k for k in spoken if _is_literal(solution, k)]
    chosen = spoken if literals else [k for _, k in operands if not _is_literal(solution, k)]
    return [("" if k in literals else _name(solution, k), k) for k in chosen]


def _name(solution: Solution, node: int) -> str:
    """Return a node's name, or its own text where the program has not named it and it is short."""
    graph = solution.graph
    given = node in graph.labels or graph.rows[node] in (INPUT, CONSTANT)
    text = "" if given else node_text(graph, node, solution.names)
    return text if text and len(text) <= _SHORT_TEXT else shortened(solution.names[node])


def shortened(text: str) -> str:
    """Return a name as a message shows it: a very long one is cut."""
    return text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 3] + "..."


def short(value: Any) -> str:
    """Return a number as messages show it: up to 10 significant digits."""
    return f"{float(value):.10g}"


@cache
def _domain(operation: Operation) -> tuple[Any, ...]:
    names = variables(operation)
    return tuple(TOTAL.compile(condition(text), names) for text in operation.domain)


def violated(operation: Operation, operands: list[Any], out: Any) -> str:
    """Return what the domain asks for if these operands are outside it."""
    if any(value != value for value in operands):
        return ""
    floats = [float(value) for value in operands]
    for text, holds in zip(operation.domain, _domain(operation), strict=True):
        if not holds(*arguments_for(TABLE.index(operation), floats, len(floats) - 1, float(out))):
            return _asked(operation, text)
    return ""


def _asked(operation: Operation, text: str) -> str:
    """Return a condition of the domain in words about the parameters."""
    return operation.needs or text.replace("!=", "other than")


def failure_of_gradient(solution: Solution, adjoints: list[Any]) -> Failure | None:
    """Return where the first slope that is not finite entered the sweep, if one did."""
    graph, values, arithmetic = solution.graph, solution.values, solution.arithmetic
    bad = [
        node
        for node in solution.wrt.values()
        if (adjoint := adjoints[node]) is not None and not arithmetic.is_finite(adjoint)
    ]
    if not bad:
        return None
    for step in contributions(graph, values, adjoints, solution.active, arithmetic):
        if not arithmetic.is_finite(step.value):
            return explain_slope(solution, step)
    label = solution.names[bad[0]]
    message = f"the contributions to {label} overflow float64 when added"
    return Failure("not-finite", message, label, graph.span_of(bad[0]))


def explain_slope(solution: Solution, step: Contribution) -> Failure:
    """Return why a contribution is undefined or not finite."""
    node, operand, adjoint, local, _ = step
    name = _written(solution, node)
    place = _got(solution, node)
    product = f"{short(adjoint)} × {short(local)}"
    undefined = adjoint * local != adjoint * local
    if local != local:
        by = f" in {_name(solution, operand)}" if ", " in place else ""
        message = f"{name} has no slope{by} at {place}"
    elif solution.arithmetic.is_finite(local):
        what = "is undefined" if undefined else "overflows float64"
        message = f"the slope of {name} {what}: {product}"
    else:
        by = f" in {_name(solution, operand)}" if ", " in place else ""
        message = f"{name} has no finite slope{by} at {place}"
        message += f": {product} is undefined" if undefined else ""
    code = "undefined" if undefined else "not-finite"
    return Failure(code, message, solution.names[node], solution.graph.span_of(node))
