"""Finding a pattern in a graph, and putting something else in its place.

Matching is structural: an operation matches the same row over matching operands, a constant the
same number, a wildcard anything, but the same thing wherever it occurs. Whether two nodes are the
same thing is decided once for the whole graph, by numbering (row, operands) pairs (value numbering,
Cocke & Schwartz 1970). Alternatives (operands of sums and products in either order, terms of a
longer sum in any order) wait on a stack; a budget bounds how many are tried.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from backprop_cli.graph import Graph, GraphBuilder
from backprop_cli.operations import ADD, CONSTANT, INPUT, MUL, POW, ROW
from backprop_cli.readings.floats import number

_COMMUTATIVE = (ADD, MUL, ROW["hypot"])
_BUDGET = 2_000

Goal = tuple[tuple[int, ...], tuple[int, ...]]
"""Nodes of the pattern and as many of the graph: alone, a pair; several, the terms of a sum."""


class _Attempt(NamedTuple):
    """What is still to be matched, and what the wildcards stand for so far."""

    goals: tuple[Goal, ...]
    bound: Mapping[str, int]


def numbering(graph: Graph) -> list[int]:
    """Return a number for each node, the same for two nodes that are the same computation."""
    known: dict[object, int] = {}
    made: list[int] = []
    for node, row in enumerate(graph.rows):
        key: object = node
        if row == CONSTANT:
            key = ("number", number(graph.literals[node]))
        elif row != INPUT:
            operands = [made[k] for k in graph.operands_of(node)]
            key = (row, tuple(sorted(operands) if row in _COMMUTATIVE else operands))
        made.append(known.setdefault(key, node))
    return made


def terms_of(graph: Graph, node: int) -> list[int]:
    """Return the terms of a sum of sums, in order; the node itself if it is no sum."""
    found, waiting = [], [node]
    while waiting:
        one = waiting.pop()
        if graph.rows[one] == ADD:
            waiting.extend(reversed(graph.operands_of(one)))
        else:
            found.append(one)
    return found


def match(pattern: Graph, graph: Graph, root: int, numbers: list[int]) -> Mapping[str, int] | None:
    """Return what each wildcard stands for if the pattern fits at `root`, else None."""
    names = {node: name for name, node in pattern.inputs.items()}
    waiting = [_Attempt((((pattern.outputs[0],), (root,)),), {})]
    for _ in range(_BUDGET):
        if not waiting:
            return None
        goals, bound = waiting.pop()
        if not goals:
            return bound
        (wanted, there), *rest = goals
        for more, binding in _ways(pattern, graph, wanted, there, names):
            name, node = binding or ("", -1)
            if binding and name in bound:
                if numbers[bound[name]] == numbers[node]:
                    waiting.append(_Attempt((*more, *rest), bound))
            else:
                fresh = {**bound, name: node} if binding else bound
                waiting.append(_Attempt((*more, *rest), fresh))
    return None


def _ways(
    pattern: Graph,
    graph: Graph,
    wanted: tuple[int, ...],
    there: tuple[int, ...],
    names: Mapping[int, str],
) -> Iterator[tuple[tuple[Goal, ...], tuple[str, int] | None]]:
    """Yield the ways in which a goal can be met, the first last: further goals, and a binding."""
    if len(wanted) > 1:
        for place in reversed(range(len(there))):
            others = there[:place] + there[place + 1 :]
            yield (((wanted[0],), (there[place],)), (wanted[1:], others)), None
        return
    one, node = wanted[0], there[0]
    row = pattern.rows[one]
    operands, given = pattern.operands_of(one), graph.operands_of(node)
    if row == INPUT:
        yield (), (names[one], node)
    elif row == CONSTANT:
        if graph.rows[node] == CONSTANT and _literal(pattern, one) == _literal(graph, node):
            yield (), None
    elif row == POW and graph.rows[node] == MUL and _is_square(pattern, one):
        yield (_pair(operands[0], given[0]), _pair(operands[0], given[1])), None
    elif graph.rows[node] == row and len(operands) == len(given):
        yield from _operand_ways(pattern, graph, one, node)


def _operand_ways(
    pattern: Graph, graph: Graph, one: int, node: int
) -> Iterator[tuple[tuple[Goal, ...], None]]:
    """Yield the ways to match the operands of one operation."""
    operands, given = pattern.operands_of(one), graph.operands_of(node)
    if pattern.rows[one] == ADD:
        wanted, there = terms_of(pattern, one), terms_of(graph, node)
        if len(wanted) == len(there) > 2:
            yield ((tuple(wanted), tuple(there)),), None
            return
    if pattern.rows[one] in _COMMUTATIVE:
        yield (_pair(operands[0], given[1]), _pair(operands[1], given[0])), None
    yield tuple(map(_pair, operands, given)), None


def _pair(wanted: int, there: int) -> Goal:
    return (wanted,), (there,)


def _literal(graph: Graph, node: int) -> float:
    return number(graph.literals[node])


def _is_square(pattern: Graph, node: int) -> bool:
    exponent = pattern.operands_of(node)[1]
    return pattern.rows[exponent] == CONSTANT and _literal(pattern, exponent) == 2


# ------------------------------------------------------------------ putting it in


def replaced(graph: Graph, root: int, replacement: Graph, bound: Mapping[str, int]) -> Graph:
    """Return the graph with `replacement` in the place of `root`, its wildcards being `bound`.

    What nothing reads any more is left out, but for the inputs.
    """
    builder = GraphBuilder(graph.source)
    made: dict[int, int] = {}
    names = {node: name for name, node in graph.inputs.items()}
    for node, row in enumerate(graph.rows):
        span = graph.span_of(node)
        if node == root:
            places = {name: made[k] for name, k in bound.items()}
            made[node] = _written(builder, replacement, places)
        elif row == INPUT:
            made[node] = builder.input(names[node], *span)
        elif row == CONSTANT:
            made[node] = builder.constant(graph.literals[node], *span)
        else:
            made[node] = builder.add(row, [made[k] for k in graph.operands_of(node)], *span)
    outputs = [made[node] for node in graph.outputs]
    whole = builder.finish(outputs)
    return _pruned(
        whole._replace(
            names={name: made[node] for name, node in graph.names.items()},
            labels={made[node]: label for node, label in graph.labels.items()},
            aliases=_moved(graph.aliases, made),
        )
    )


def _moved(
    aliases: Mapping[str, tuple[int, int]], made: Mapping[int, int]
) -> dict[str, tuple[int, int]]:
    """Return the other names of the nodes that were made anew."""
    return {name: (made[k], made[k] + 1) for name, (k, _) in aliases.items() if k in made}


def _written(builder: GraphBuilder, replacement: Graph, places: Mapping[str, int]) -> int:
    """Append the nodes of a replacement; return its output."""
    made: list[int] = []
    names = {node: name for name, node in replacement.inputs.items()}
    for node, row in enumerate(replacement.rows):
        if row == INPUT:
            made.append(places[names[node]])
        elif row == CONSTANT:
            made.append(builder.constant(replacement.literals[node]))
        else:
            made.append(_operation(builder, row, [made[k] for k in replacement.operands_of(node)]))
    return made[replacement.outputs[0]]


def _operation(builder: GraphBuilder, row: int, operands: list[int]) -> int:
    """Append an operation, but for products with 1 and powers of 1, which no one would write.

    Constants are written again for each user: a literal needs no name.
    """
    ones = [_is_one(builder, k) for k in operands]
    if row == MUL and any(ones):
        return operands[0] if ones[1] else operands[1]
    if row == POW and ones[0]:
        return operands[0]
    fresh = [
        builder.constant(builder.literals[k]) if k in builder.literals else k for k in operands
    ]
    return builder.add(row, fresh)


def _is_one(builder: GraphBuilder, node: int) -> bool:
    return node in builder.literals and number(builder.literals[node]) == 1


def _pruned(graph: Graph) -> Graph:
    """Return the graph without the nodes that neither an output nor the point needs."""
    needed = graph.dependencies(graph.outputs)
    for node in graph.inputs.values():
        needed[node] = 1
    builder = GraphBuilder(graph.source)
    made: dict[int, int] = {}
    names = {node: name for name, node in graph.inputs.items()}
    for node, row in enumerate(graph.rows):
        if not needed[node]:
            continue
        if row == INPUT:
            made[node] = builder.input(names[node], *graph.span_of(node))
            continue
        operands = [made[k] for k in graph.operands_of(node)]
        made[node] = builder.add(row, operands, *graph.span_of(node))
        if row == CONSTANT:
            builder.literals[made[node]] = graph.literals[node]
    builder.names = {name: made[k] for name, k in graph.names.items() if k in made}
    builder.labels = {made[k]: label for k, label in graph.labels.items() if k in made}
    builder.aliases = _moved(graph.aliases, made)
    return builder.finish(made[node] for node in graph.outputs)
