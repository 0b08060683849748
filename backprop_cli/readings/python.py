"""A graph read as one Python function, for many evaluations of the same small graph.

Interpreting a graph costs a loop, a dispatch and a call for every node; straight-line Python costs
none of these. Writing and compiling it takes some 30 microseconds a node, which pays after about
eighty evaluations, so it is never done for a single one.

Every name in the generated text is ours (`v0`, `v1`, ... for nodes, the table's own names for
functions): an input may be called `lambda`, `t` or `exp`, and no text of the user's ever enters.
Like the plain float functions of `floats.py`, the generated function raises where Python's floats
do; its caller then asks the interpreter, which has an answer in the sense of IEEE 754.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from backprop_cli.graph import Graph
from backprop_cli.operations import COMPARISON_ROWS, CONSTANT, POW, TABLE, WHERE
from backprop_cli.readings.floats import PLAIN, number
from backprop_cli.readings.formulas import formula


def compiled(graph: Graph, inputs: Sequence[str]) -> Callable[..., tuple[float, ...]]:
    """Return a function from the values of `inputs`, in this order, to those of the outputs.

    It equals the interpreter to a few units in the last place (`x^2` is x·x here), and raises
    ArithmeticError or ValueError where a float function of Python does.
    """
    namespace: dict[str, Any] = {}
    names = {graph.inputs[name]: f"v{graph.inputs[name]}" for name in inputs}
    parameters = list(names.values())
    lines = statements(graph, names, namespace, "v")
    results = "".join(f"{names[node]}, " for node in graph.outputs)
    return defined(parameters, [*lines, f"return ({results})"], namespace)


def defined(
    parameters: Iterable[str], lines: Iterable[str], namespace: dict[str, Any]
) -> Callable[..., Any]:
    """Return a function with this body, a line each; `namespace` has what it calls."""
    body = "".join(f" {line}\n" for line in lines)
    exec(f"def function({', '.join(parameters)}):\n{body}", namespace)
    function: Callable[..., Any] = namespace["function"]
    return function


def statements(
    graph: Graph,
    names: dict[int, str],
    namespace: dict[str, Any],
    prefix: str,
    only: bytearray | None = None,
) -> list[str]:
    """Return an assignment for each node that the outputs need and `names` has no name for.

    Their names, `prefix` and a number, are added to `names`, and to `namespace` what they call.
    With `only`, other nodes than these are left out.
    """
    needed = graph.dependencies(graph.outputs)
    conditions = _conditions(graph)
    lines = []
    for node in range(graph.size):
        if not needed[node] or node in names or not (only is None or only[node]):
            continue
        if node in conditions:
            continue
        text = _expression(graph, node, names, namespace, prefix)
        if graph.rows[node] == CONSTANT:
            names[node] = text
            continue
        names[node] = f"{prefix}{node}"
        lines.append(f"{names[node]} = {text}")
    return lines


def _conditions(graph: Graph) -> set[int]:
    """Return the comparisons that nothing but a `where` reads: they are written inside it."""
    found = {node for node, row in enumerate(graph.rows) if row in COMPARISON_ROWS}
    if found:
        for node, row in enumerate(graph.rows):
            operands = graph.operands_of(node)
            found.difference_update(operands[1:] if row == WHERE else operands)
    return found.difference(graph.outputs)


_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


def _choice(graph: Graph, node: int, known: Mapping[int, str]) -> str:
    """Return a `where` with its comparison; as in the interpreter, one with a NaN gives NaN."""
    condition, then, otherwise = graph.operands_of(node)
    left, right = (known[operand] for operand in graph.operands_of(condition))
    sign = TABLE[graph.rows[condition]].infix
    a, b = f"{left} {sign} {right}", f"{left} {_OPPOSITE[sign]} {right}"
    if sign == "!=":  # the one comparison of Python's that holds for NaN
        a = f"{left} > {right} or {left} < {right}"
    elif sign == "==":
        b = f"{left} > {right} or {left} < {right}"
    return f"{known[then]} if {a} else {known[otherwise]} if {b} else {left} - {right}"


def _expression(
    graph: Graph, node: int, known: Mapping[int, str], namespace: dict[str, Any], prefix: str
) -> str:
    """Return the Python expression of a node over the names of its operands."""
    row = graph.rows[node]
    if row == CONSTANT:
        value = number(graph.literals[node])
        if value - value == 0:
            return repr(value)
        namespace[f"{prefix}n{node}"] = value
        return f"{prefix}n{node}"
    operands = graph.operands_of(node)
    if row == WHERE and operands[0] not in known:
        return _choice(graph, node, known)
    names = [known[operand] for operand in operands]
    operation = TABLE[row]
    if row == POW and _is_two(graph, operands[1]):
        return f"{names[0]} * {names[0]}"
    if operation.name in PLAIN.infix:
        sign = PLAIN.infix[operation.name]
        return f" {sign} ".join(names) if len(names) == 2 else f"{sign}{names[0]}"
    if operation.value.isidentifier():
        namespace[operation.name] = PLAIN.function(operation.name)
        return f"{operation.name}({', '.join(names)})"
    # A formula is written out in place: no call, and the side of a `where` that is not taken
    # is not computed.
    given = dict(zip(operation.names, names, strict=True))
    return PLAIN.text(formula(operation.value), given, namespace, f"{prefix}n{node}_")[0]


def _is_two(graph: Graph, node: int) -> bool:
    return graph.rows[node] == CONSTANT and number(graph.literals[node]) == 2
