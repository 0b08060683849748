"""One graph for many points: values, gradients, and what tells where they need a second look.

All of it is written into one graph, from the formulas of the table, so that a reading for arrays
computes it like any other value: the gradient graph of each output, the conditions of the kinks
and jumps, and the local partials by which selecting operations say which side they took.
"""

from collections.abc import Sequence
from typing import NamedTuple

from backprop_cli.calculus.gradient_graph import AdjointWriter, with_adjoints
from backprop_cli.calculus.kinks import KINKED, about
from backprop_cli.calculus.partials import SELECTS
from backprop_cli.graph import Graph
from backprop_cli.operations import INPUT, TABLE
from backprop_cli.readings.formulas import condition


class PointGraph(NamedTuple):
    """A graph whose first nodes are those of a program, and the nodes that answer questions of it.

    Its outputs are those of `answers`: for each output of the program, its node and the nodes of
    its partials; `adjoints` has, for each output, the adjoint of each node of the program that can
    have one. `watched` are the program's operations that the outputs need. A node of `kinks`
    is 1 where an operation that matters stands on a kink or jump, or where a sweep to one side may
    leave its domain. `sides` has, for each selecting operation, the node of the partial of each
    operand: 0 where that operand is not selected.
    """

    graph: Graph
    watched: tuple[int, ...]
    answers: tuple[tuple[int, ...], ...]
    adjoints: tuple[dict[int, int], ...]
    kinks: tuple[int, ...]
    sides: dict[int, tuple[int, ...]]


def point_graph(graph: Graph, wrt: Sequence[int]) -> PointGraph:
    """Return the outputs of `graph`, their partials by the nodes `wrt`, kinks and sides."""
    made, answers, adjoints = graph, [], []
    for output in graph.outputs:
        made, found = with_adjoints(made, output, wrt)
        answers.append(made.outputs)
        adjoints.append(found)
    needed = graph.dependencies(graph.outputs)
    active = graph.dependents(wrt)
    writer = AdjointWriter(made)
    kinks: list[int] = []
    sides: dict[int, tuple[int, ...]] = {}
    for node, row in enumerate(graph.rows):
        if not needed[node]:
            continue
        if row in KINKED:
            kinks += _conditions(writer, node, active)
        if SELECTS[row]:
            shared = writer.shared_variables(TABLE[row], node)
            places = range(len(graph.operands_of(node)))
            sides[node] = tuple(writer.partial(TABLE[row], node, k, shared) for k in places)
    outputs = [node for answer in answers for node in answer]
    watched = tuple(k for k, row in enumerate(graph.rows) if needed[k] and row != INPUT)
    made = writer.made.finish(outputs)
    return PointGraph(made, watched, tuple(answers), tuple(adjoints), tuple(kinks), sides)


def _conditions(writer: AdjointWriter, node: int, active: bytearray) -> list[int]:
    """Write the conditions of the kinks of a node that an input asked for can move it across."""
    row, operands = writer.graph.rows[node], writer.graph.operands_of(node)
    operation = TABLE[row]
    variables = dict(writer.shared_variables(operation, node))
    if operation.variadic:
        variables["x"] = operands[-1]
    found = [
        writer.value_of(condition(kink.at), variables)
        for kink, positions in zip(operation.kinks, about(row), strict=True)
        if any(active[operands[k]] for k in positions or range(len(operands)))
    ]
    # Of a value with a formula, such as clip's, a sweep to one side reads the domain there too.
    for text in operation.domain if not operation.value.isidentifier() else ():
        read = [operation.names.index(name) for name in condition(text).inputs]
        if "<=" in text and any(active[operands[k]] for k in read):
            border = condition(text.replace("<=", "=="))
            found.append(writer.value_of(border, variables))
    return found
