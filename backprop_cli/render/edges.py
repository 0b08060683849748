"""The edges of a graph at a point: which operand of which node, and the slope along it.

Tables and JSON look at one node at a time; the sweeps kept nothing, so the partials they used
are worked out again for the nodes that are shown.
"""

from typing import Any, NamedTuple

from backprop_cli.calculus.partials import local_partials
from backprop_cli.language.names import pieces
from backprop_cli.language.notation import Piece, pretty, write
from backprop_cli.operations import COMPARISON_ROWS, CONSTANT, TABLE
from backprop_cli.readings.slope_text import slope_text
from backprop_cli.studies.solution import Solution


class Edge(NamedTuple):
    """One operand of a node; `local` is None where the node did not select it: nothing flows.

    Comparisons are no operands here: a condition decides, and has no slope.
    """

    node: int
    position: int
    operand: int
    local: Any


def edges(solution: Solution, node: int) -> list[Edge]:
    """Return the edges from a node to the operands that depend on what was asked for, in order.

    The arithmetic's partials must have been prepared for the graph.
    """
    graph, active = solution.graph, solution.active
    if not active[node]:
        return []
    found = list(local_partials(graph, node, solution.values, active, solution.arithmetic))
    operands = list(graph.operands_of(node))
    selects = TABLE[graph.rows[node]].selects
    made = []
    following = 0
    for position, operand in enumerate(operands):
        if not active[operand] or graph.rows[operand] in COMPARISON_ROWS:
            continue
        taken = following < len(found) and found[following][0] == operand
        if taken and selects and operands.count(operand) > 1:  # where(c, x, x): which of the two?
            edge = Edge(node, position, operand, None)
            taken = slope_words(solution, edge) != "0"
        made.append(Edge(node, position, operand, found[following][1] if taken else None))
        following += taken
    return made


def slope_words(solution: Solution, edge: Edge) -> str:
    """Return the formula of the slope along an edge, over the names of the nodes."""
    return pretty(
        slope_text(
            solution.graph,
            edge.node,
            edge.position,
            solution.names,
            solution.values,
            solution.arithmetic,
        )
    )


def symbol(solution: Solution, of: int, by: int) -> str:
    """Return the sign of a derivative: `∂f/∂x`."""
    return f"∂{solution.names[of]}/∂{solution.names[by]}"


def text_of(solution: Solution, node: int, most: int) -> str:
    """Return a node's operation over its operands; of very many operands, the first and a count."""
    graph = solution.graph
    row = graph.rows[node]
    if row <= CONSTANT:
        return solution.names[node]
    count = len(graph.operands_of(node))
    operands = pieces(graph, node, solution.names)
    if count > 2 * most:
        operands = [*operands[:most], Piece(f"… {count - most:,} more")]
    return pretty(write(row, operands).text)
