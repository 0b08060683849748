"""Gradients add at branches: the sum for every node that hands its value to more than one place.

The question every student asks, so it has a table of its own. Which nodes are read twice is
found by one walk over the edges; the contributions are worked out again only for those shown.
"""

from collections import Counter

from backprop_cli.operations import TABLE
from backprop_cli.render.console import Screen, Words
from backprop_cli.render.echo import few
from backprop_cli.render.edges import Edge, edges, symbol
from backprop_cli.render.numbers import human
from backprop_cli.render.steps import rest, title, which
from backprop_cli.studies.solution import Answer, Solution

_SUMMANDS = 8


def print_branches(solution: Solution, answer: Answer, rows: int, screen: Screen) -> None:
    """Print the sum for each node and input that receives more than one contribution."""
    users = users_of_shared(solution, answer)
    shown = sorted(users, reverse=True)[:rows]
    lines: list[Words] = []
    for operand in shown:
        found, more = received(solution, operand, users[operand], most_summands(rows))
        if len(found) > 1:
            lines.append(_sum(solution, answer, operand, found, more))
    if not lines:
        return
    title(screen, "Gradients add at branches")
    for line in lines:
        screen.line(line, 2)
    rest(screen, len(users), len(shown), "sums")


def most_summands(rows: int) -> int:
    """Return how many parts of a sum are shown, when `rows` rows are."""
    return max(_SUMMANDS, few(rows))


def users_of_shared(solution: Solution, answer: Answer) -> dict[int, list[int]]:
    """Return the nodes that read each operand which is read more than once on the way back."""
    graph, adjoints, active = solution.graph, answer.adjoints, solution.active
    first: dict[int, int] = {}
    users: dict[int, list[int]] = {}
    for node in range(answer.node + 1):
        if adjoints[node] is None or not active[node]:
            continue
        for operand in graph.operands_of(node):
            if not active[operand]:
                continue
            if operand in users:
                users[operand].append(node)
            elif operand in first:
                users[operand] = [first[operand], node]
            else:
                first[operand] = node
    return users


def received(
    solution: Solution, operand: int, users: list[int], most: int
) -> tuple[list[Edge], int]:
    """Return the first edges that bring something to `operand`, and how many more there are.

    Only those returned are worked out; of the rest, only nodes that select need a look.
    """
    brought: list[Edge] = []
    more = 0
    for node, reads in Counter(users).items():
        if len(brought) >= most and not TABLE[solution.graph.rows[node]].selects:
            more += reads
            continue
        found = [e for e in edges(solution, node) if e.operand == operand and e.local is not None]
        room = max(most - len(brought), 0)
        brought += found[:room]
        more += len(found[room:])
    return brought, more


def _sum(
    solution: Solution, answer: Answer, operand: int, received: list[Edge], more: int
) -> Words:
    """Return `∂f/∂b = 1 (via x) + -1 (via y) = 0`, with the number of summands not shown."""
    words: list[tuple[str, str]] = [(f"{symbol(solution, answer.node, operand)} = ", "")]
    for place, edge in enumerate(received):
        value = human(answer.adjoints[edge.node] * edge.local, solution.arithmetic)
        nth = which(solution, edge).replace(" (", ", ").removesuffix(")")
        words += [(" + " if place else "", ""), (value, "gradient")]
        words.append((f" (via {solution.names[edge.node]}{nth})", "dim"))
    if more:
        words.append((f" + … {more:,} more", "dim"))
    total = human(answer.adjoints[operand], solution.arithmetic)
    return [*words, (" = ", ""), (total, "gradient")]
