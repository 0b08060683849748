"""The forward pass: each node computes its value from its operands' values."""

from collections.abc import Mapping, Sequence
from typing import Any

from backprop_cli.graph import ARITY, Graph
from backprop_cli.operations import CONSTANT
from backprop_cli.readings.floats import FLOATS
from backprop_cli.readings.formulas import Arithmetic

ARITHMETIC_ERRORS = (ArithmeticError, ValueError)
"""What Python's float functions raise where IEEE arithmetic has an answer."""


def forward_values(
    graph: Graph, point: Mapping[str, Any], arithmetic: Arithmetic = FLOATS
) -> list[Any]:
    """Return the value of every node at `point` (a number for each input, by name).

    IEEE results: an operation outside its domain is NaN, one that overflows is infinite.
    Cost: one call a node, in the order of the columns.
    """
    values: list[Any] = [None] * graph.size
    # Most programs repeat the few numbers that they have.
    numbers = {text: arithmetic.number(text) for text in set(graph.literals.values())}
    for node, literal in graph.literals.items():
        values[node] = numbers[literal]
    for name, node in graph.inputs.items():
        values[node] = point[name]
    evaluate(graph, values, range(graph.size), arithmetic)
    return values


def evaluate(graph: Graph, values: list[Any], nodes: Sequence[int], arithmetic: Arithmetic) -> None:
    """Compute `values[node]` for each operation among `nodes` (in order), in place."""
    arithmetic.prepare_values(graph)
    functions = arithmetic.values
    for node, row, first, second in graph.steps(nodes):
        arity = ARITY[row]
        try:
            if arity == 2:
                values[node] = functions[row](values[first], values[second])
            elif arity == 1:
                values[node] = functions[row](values[first])
            elif row > CONSTANT:
                values[node] = functions[row](*[values[k] for k in graph.operands_of(node)])
        except ARITHMETIC_ERRORS:
            values[node] = arithmetic.total[row](*[values[k] for k in graph.operands_of(node)])
