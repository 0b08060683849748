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
    conditions, inside = _parts_of_choices(graph, needed)
    lines: list[str] = []
    choices: list[int] = []  # one behind the other, on the same comparison, and not yet written
    for node in range(graph.size):
        if not needed[node] or node in names or not (only is None or only[node]):
            continue
        row = graph.rows[node]
        if row == CONSTANT or node in inside:
            names[node] = _expression(graph, node, names, namespace, prefix)
            continue
        condition = graph.operands_of(node)[0] if row == WHERE else -1
        if choices and graph.operands_of(choices[0])[0] != condition:
            lines += _chosen(graph, choices, names)
            choices = []
        if condition in conditions:
            choices.append(node)
        else:
            compared = node in conditions
            text = (
                _comparison(graph, node, names)[0]
                if compared
                else _expression(graph, node, names, namespace, prefix)
            )
            lines.append(f"{prefix}{node} = {text}")
        names[node] = f"{prefix}{node}"
    return lines + (_chosen(graph, choices, names) if choices else [])


def _parts_of_choices(graph: Graph, needed: bytearray) -> tuple[set[int], set[int]]:
    """Return the comparisons that only `where` reads, and the + - * / that only one side of one is.

    The first become Python's truth values, the second are written inside the choice, so that a
    product on a side that is not taken costs nothing.
    """
    conditions = {node for node, row in enumerate(graph.rows) if row in COMPARISON_ROWS}
    if not conditions:
        return conditions, conditions
    sides: set[int] = set()
    seen = set(graph.outputs)
    several = set(seen)
    for node, row in enumerate(graph.rows):
        if needed[node]:
            operands = graph.operands_of(node)
            conditions.difference_update(operands[1:] if row == WHERE else operands)
            sides.update(operands[1:] if row == WHERE else ())
            for operand in operands:
                (several if operand in seen else seen).add(operand)
    infix = {k for k in sides - several if TABLE[graph.rows[k]].name in PLAIN.infix}
    return conditions.difference(graph.outputs), infix


_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


def _comparison(graph: Graph, node: int, known: Mapping[int, str]) -> tuple[str, str, str]:
    """Return a comparison, its opposite, and what is NaN where neither holds, for a NaN."""
    left, right = (known[operand] for operand in graph.operands_of(node))
    sign = TABLE[graph.rows[node]].infix
    different = f"{left} > {right} or {left} < {right}"  # Python's != holds for a NaN
    test, opposite = (
        different if each == "!=" else f"{left} {each} {right}" for each in (sign, _OPPOSITE[sign])
    )
    return test, opposite, f"{left} - {right}"


def _chosen(graph: Graph, choices: Sequence[int], known: Mapping[int, str]) -> list[str]:
    """Return the lines of `where`s that ask one truth value; a NaN compared gives NaN."""
    condition = graph.operands_of(choices[0])[0]
    _, opposite, undefined = _comparison(graph, condition, known)
    made = [known[node] for node in choices]
    then = [known[graph.operands_of(node)[1]] for node in choices]
    otherwise = [known[graph.operands_of(node)[2]] for node in choices]
    if len(choices) == 1:
        rest = f"{otherwise[0]} if {opposite} else {undefined}"
        return [f"{made[0]} = {then[0]} if {known[condition]} else {rest}"]
    return [
        f"if {known[condition]}:",
        *(f" {name} = {text}" for name, text in zip(made, then, strict=True)),
        f"elif {opposite}:",
        *(f" {name} = {text}" for name, text in zip(made, otherwise, strict=True)),
        "else:",
        f" {' = '.join(made)} = {undefined}",
    ]


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
