"""The forward pass: each node computes its value from its operands' values."""

from collections.abc import Mapping
from typing import Any

from backprop_cli.graph import Graph
from backprop_cli.operations import CONSTANT, TABLE
from backprop_cli.readings.floats import FLOATS
from backprop_cli.readings.formulas import Arithmetic

ARITHMETIC_ERRORS = (ArithmeticError, ValueError)
"""What Python's float functions raise where IEEE arithmetic has an answer."""

ARITY = tuple(0 if op.variadic else len(op.parameters) for op in TABLE)
"""The number of operands of each row; 0 for inputs, constants and rows of any number."""


def forward_values(
    graph: Graph, point: Mapping[str, Any], arithmetic: Arithmetic = FLOATS
) -> list[Any]:
    """Return the value of every node at `point` (a number for each input, by name).

    IEEE results: an operation outside its domain is NaN, one that overflows is infinite.
    Cost: one call a node, in the order of the columns.
    """
    values: list[Any] = [None] * graph.size
    for node, literal in graph.literals.items():
        values[node] = arithmetic.number(literal)
    for name, node in graph.inputs.items():
        values[node] = point[name]
    evaluate(graph, values, range(graph.size), arithmetic)
    return values


def evaluate(graph: Graph, values: list[Any], nodes: Any, arithmetic: Arithmetic) -> None:
    """Compute `values[node]` for each operation among `nodes` (in order), in place."""
    arithmetic.prepare_values(graph)
    functions, rows, operands, offsets = (
        arithmetic.values,
        graph.rows,
        graph.operands,
        graph.offsets,
    )
    for node in nodes:
        row = rows[node]
        start = offsets[node]
        arity = ARITY[row]
        try:
            if arity == 2:
                values[node] = functions[row](values[operands[start]], values[operands[start + 1]])
            elif arity == 1:
                values[node] = functions[row](values[operands[start]])
            elif row > CONSTANT:
                arguments = [values[k] for k in operands[start : offsets[node + 1]]]
                values[node] = functions[row](*arguments)
        except ARITHMETIC_ERRORS:
            arguments = [values[k] for k in operands[start : offsets[node + 1]]]
            values[node] = arithmetic.total[row](*arguments)
