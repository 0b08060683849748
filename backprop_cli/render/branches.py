"""Gradients add at branches: the sum for every node that hands its value to more than one place.

The question every student asks, so it has a table of its own. Which nodes are read twice is
found by one walk over the edges; the contributions are worked out again only for those shown.
"""

from backprop_cli.render.console import Screen, Words
from backprop_cli.render.echo import few
from backprop_cli.render.edges import Edge, edges, symbol
from backprop_cli.render.numbers import human
from backprop_cli.render.steps import rest, title, which
from backprop_cli.studies.solution import Answer, Solution

_SUMMANDS = 8


def print_branches(solution: Solution, answer: Answer, rows: int, screen: Screen) -> None:
    """Print the sum for each node and input that receives more than one contribution."""
    users = _users_of_shared(solution, answer)
    shown = sorted(users, reverse=True)[:rows]
    lines: list[Words] = []
    for operand in shown:
        received = [
            edge
            for node in dict.fromkeys(users[operand])
            for edge in edges(solution, node)
            if edge.operand == operand and edge.local is not None
        ]
        if len(received) > 1:
            lines.append(_sum(solution, answer, operand, received, rows))
    if not lines:
        return
    title(screen, "Gradients add at branches")
    for line in lines:
        screen.line(line, 2)
    rest(screen, len(users), len(shown), "sums")


def _users_of_shared(solution: Solution, answer: Answer) -> dict[int, list[int]]:
    """Return the nodes that read each operand which is read more than once on the way back."""
    graph, adjoints, active = solution.graph, answer.adjoints, solution.active
    operands, offsets = graph.operands, graph.offsets
    first: dict[int, int] = {}
    users: dict[int, list[int]] = {}
    for node in range(answer.node + 1):
        if adjoints[node] is None or not active[node]:
            continue
        for operand in operands[offsets[node] : offsets[node + 1]]:
            if not active[operand]:
                continue
            if operand in users:
                users[operand].append(node)
            elif operand in first:
                users[operand] = [first[operand], node]
            else:
                first[operand] = node
    return users


def _sum(
    solution: Solution, answer: Answer, operand: int, received: list[Edge], rows: int
) -> Words:
    """Return `∂f/∂b = 1 (via x) + -1 (via y) = 0`, shortened if there are many summands."""
    words: list[tuple[str, str]] = [(f"{symbol(solution, answer.node, operand)} = ", "")]
    most = max(_SUMMANDS, few(rows))
    shown = received if len(received) <= most else received[: most - 2]
    for place, edge in enumerate(shown):
        value = human(answer.adjoints[edge.node] * edge.local, solution.arithmetic)
        place_of = which(solution, edge).replace(" (", ", ").removesuffix(")")
        words += [(" + " if place else "", ""), (value, "gradient")]
        words.append((f" (via {solution.names[edge.node]}{place_of})", "dim"))
    if len(shown) < len(received):
        words.append((f" + … {len(received) - len(shown):,} more", "dim"))
    total = human(answer.adjoints[operand], solution.arithmetic)
    return [*words, (" = ", ""), (total, "gradient")]
