"""The steps of both modes as tables: forward pass, backward pass, sums at branches, tangents.

Each table answers one question a student asks, in the order of the work by hand. Only what is
shown is worked out: with `--rows 100`, a graph of a million nodes costs little more than its
sweep.
"""

from typing import Any

from backprop_cli.calculus.forward import jvp
from backprop_cli.language.names import has_row
from backprop_cli.operations import CONSTANT, INPUT, WHERE
from backprop_cli.render.console import Column, Screen, Words
from backprop_cli.render.echo import few, left_out, ordinal
from backprop_cli.render.edges import Edge, edges, slope_words, symbol, text_of
from backprop_cli.render.numbers import aligned, human
from backprop_cli.studies.solution import Answer, Solution

_SUMMANDS = 8
_BLANK: Words = ()


def print_forward_pass(solution: Solution, mask: bytearray, rows: int, screen: Screen) -> None:
    """Print what each node computes, and its slopes with respect to its operands."""
    _title(screen, "Forward pass", "each node computes its value and its local slopes")
    nodes = [node for node in range(solution.graph.size) if mask[node]]
    shown = nodes[:rows]
    values = aligned(human(solution.values[node], solution.arithmetic) for node in shown)
    cells: list[list[Words]] = [
        [
            [(solution.names[node], "name")],
            [(text_of(solution, node, few(rows)), "")],
            [(value, "value")],
        ]
        for node, value in zip(shown, values, strict=True)
    ]
    slopes = [_slope_cells(solution, node, rows) for node in shown]
    for across in (2, 1):
        made = _side_by_side(cells, slopes, across)
        titles = ["node", "is", "value", "local slopes", ""][: 3 + max(map(len, slopes))]
        columns = [Column(title) for title in titles[: 3 + across]]
        if across == 1 or screen.fits(columns, made):
            screen.table(columns, made)
            break
    _rest(screen, len(nodes), len(shown), "nodes")


def _side_by_side(
    cells: list[list[Words]], slopes: list[list[Words]], across: int
) -> list[list[Words]]:
    """Return the rows of the forward pass with at most `across` slopes in a line."""
    across = min(across, max(map(len, slopes)))
    made: list[list[Words]] = []
    for first, found in zip(cells, slopes, strict=True):
        for start in range(0, max(len(found), 1), across or 1):
            line = found[start : start + across]
            row = first if start == 0 else [_BLANK] * len(first)
            made.append([*row, *line, *[_BLANK] * (across - len(line))])
    return made


def _slope_cells(solution: Solution, node: int, rows: int) -> list[Words]:
    """Return one cell for each slope of a node; and, for a `where`, which side was taken."""
    cells: list[Words] = []
    graph = solution.graph
    if graph.rows[node] == WHERE:
        condition = graph.operands_of(node)[0]
        holds = "holds" if solution.values[condition] else "does not hold"
        cells.append([(f"{solution.names[condition]} {holds}", "dim")])
    found = edges(solution, node)
    shown = found if len(found) <= 2 * few(rows) else found[: few(rows)]
    cells += [_slope_cell(solution, edge) for edge in shown]
    if len(shown) < len(found):
        count = f"… {len(found) - len(shown):,} more slopes"
        cells.append([(f"{count} (--rows {5 * len(found)} shows them)", "dim")])
    return cells


def _slope_cell(solution: Solution, edge: Edge) -> Words:
    """Return `∂f/∂x = y = 1`, the number alone where the slope is written as that number."""
    sign = _edge_symbol(solution, edge)
    if edge.local is None:
        return [(f"{sign} = ", ""), ("0", "value"), ("  nothing flows", "dim")]
    number = human(edge.local, solution.arithmetic)
    words = slope_words(solution, edge)
    if words == number:
        return [(f"{sign} = ", ""), (number, "value")]
    return [(f"{sign} = {words} = ", ""), (number, "value")]


def _edge_symbol(solution: Solution, edge: Edge) -> str:
    """Return `∂f/∂x`; in x·x, which x is meant."""
    sign = symbol(solution, edge.node, edge.operand)
    return f"{sign}{_which(solution, edge)}"


def _which(solution: Solution, edge: Edge) -> str:
    """Return which operand an edge belongs to, if the node reads the same one more than once."""
    operands = solution.graph.operands_of(edge.node)
    return f" ({ordinal(edge.position)})" if operands.count(edge.operand) > 1 else ""


def print_backward_pass(
    solution: Solution, answer: Answer, rows: int, screen: Screen
) -> None:
    """Print, from the output back, what each node hands to its operands."""
    title = f"Backward pass from {answer.name}" if len(solution.answers) > 1 else "Backward pass"
    _title(screen, title, "upstream × local, from the output to the inputs")
    graph = solution.graph
    nodes = [
        node
        for node in range(answer.node, -1, -1)
        if answer.adjoints[node] is not None
        and solution.active[node]
        and graph.rows[node] not in (INPUT, CONSTANT)
    ]
    shown = nodes[:rows]
    lines: list[tuple[int, Edge]] = []
    hidden: dict[int, int] = {}
    for node in shown:
        found = [edge for edge in edges(solution, node) if edge.local is not None]
        most = len(found) if len(found) <= 2 * few(rows) else few(rows)
        lines += [(node if k == 0 else -1, edge) for k, edge in enumerate(found[:most])]
        if most < len(found):
            hidden[len(lines)] = len(found)
            lines.append((-1, Edge(node, -1, -1, most)))
    _backward_table(solution, answer, lines, hidden, screen)
    _rest(screen, len(nodes), len(shown), "nodes")


def _backward_table(
    solution: Solution,
    answer: Answer,
    lines: list[tuple[int, Edge]],
    hidden: dict[int, int],
    screen: Screen,
) -> None:
    columns = [Column(title) for title in ("node", "upstream", "× local", "= contribution")]
    for lined_up in (True, False):
        made = _backward_rows(solution, answer, lines, hidden, lined_up)
        if screen.fits(columns, made):
            screen.table(columns, made)
            return
    stacked: list[list[Words]] = []
    for name, upstream, local, sent in made:
        if upstream:
            stacked.append([name, upstream])
        stacked.append([_BLANK, [("  ", ""), *_number_first(local), (" ", ""), *sent]])
    screen.table([Column("node"), Column("upstream × local = contribution")], stacked)


def _number_first(local: Words) -> Words:
    """Return `× ∂f/∂x = 2` as `× 2 (∂f/∂x)`, which can be followed by an equals sign."""
    if len(local) < 3:
        return local
    times, (sign, _), number = local
    return [times, number, (f" ({sign.removesuffix(' = ')})", "")]


def _backward_rows(
    solution: Solution,
    answer: Answer,
    lines: list[tuple[int, Edge]],
    hidden: dict[int, int],
    lined_up: bool,
) -> list[list[Words]]:
    """Return the rows of the backward pass, the numbers of a column under each other if asked."""
    real = [edge for _, edge in lines if edge.position >= 0]
    heads = [node for node, _ in lines if node >= 0]
    upstream = _equalities(
        solution,
        [symbol(solution, answer.node, node) for node in heads],
        [answer.adjoints[node] for node in heads],
        lined_up,
    )
    local = _equalities(
        solution,
        [_edge_symbol(solution, edge) for edge in real],
        [edge.local for edge in real],
        lined_up,
    )
    sent = _column([answer.adjoints[e.node] * e.local for e in real], solution, lined_up)
    made: list[list[Words]] = []
    for place, (node, edge) in enumerate(lines):
        if place in hidden:
            words = f"… {hidden[place] - edge.local:,} more (--rows {5 * hidden[place]} shows them)"
            made.append([_BLANK, _BLANK, [(words, "dim")], _BLANK])
            continue
        head: list[Words] = [_BLANK, _BLANK]
        if node >= 0:
            head = [[(solution.names[node], "name")], upstream.pop(0)]
        target = (f"  → {solution.names[edge.operand]}", "")
        equals: Words = [("= ", "dim"), (sent.pop(0), "gradient"), target]
        made.append([*head, [("× ", "dim"), *local.pop(0)], equals])
    return made


def _equalities(
    solution: Solution, signs: list[str], values: list[Any], lined_up: bool = True
) -> list[Words]:
    """Return cells `sign = value`, the signs of equality and the points under each other."""
    width = max(map(len, signs), default=0) if lined_up else 0
    texts = _column(values, solution, lined_up)
    return [
        [(f"{sign:<{width}} = ", ""), (text, "value")]
        for sign, text in zip(signs, texts, strict=True)
    ]


def _column(values: list[Any], solution: Solution, lined_up: bool) -> list[str]:
    texts = [human(value, solution.arithmetic) for value in values]
    return aligned(texts) if lined_up else texts


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
    _title(screen, "Gradients add at branches", "")
    for line in lines:
        screen.line(line, 2)
    _rest(screen, len(users), len(shown), "sums")


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
        which = _which(solution, edge).replace(" (", ", ").removesuffix(")")
        words += [(" + " if place else "", ""), (value, "gradient")]
        words.append((f" (via {solution.names[edge.node]}{which})", "dim"))
    if len(shown) < len(received):
        words.append((f" + … {len(received) - len(shown):,} more", "dim"))
    total = human(answer.adjoints[operand], solution.arithmetic)
    return [*words, (" = ", ""), (total, "gradient")]


def print_tangents(solution: Solution, mask: bytearray, rows: int, screen: Screen) -> None:
    """Print a table for each seed: how fast every node moves when that input moves."""
    seeds = list(solution.wrt.items())
    shown = seeds[: few(rows)]
    for name, seed in shown:
        _title(screen, f"Forward mode, seed {name}", f"∂{name}/∂{name} = 1, carried to the output")
        tangents = jvp(solution.graph, solution.values, seed, solution.arithmetic)
        nodes = [
            node
            for node, tangent in enumerate(tangents)
            if tangent is not None and node != seed and mask[node]
        ]
        _tangent_table(solution, seed, tangents, nodes[:rows], rows, screen)
        _rest(screen, len(nodes), min(rows, len(nodes)), "nodes")
    if len(shown) < len(seeds):
        text = left_out(len(seeds), len(shown), "seeds", 10 * len(seeds))
        screen.line([(text, "dim")])


def _tangent_table(
    solution: Solution,
    seed: int,
    tangents: list[Any],
    nodes: list[int],
    rows: int,
    screen: Screen,
) -> None:
    if not nodes:
        screen.line([(f"nothing else depends on {solution.names[seed]}", "dim")], 2)
        return
    signs = [symbol(solution, node, seed) for node in nodes]
    results = _equalities(solution, signs, [tangents[node] for node in nodes])
    made: list[list[Words]] = []
    for node, result in zip(nodes, results, strict=True):
        terms = [
            edge
            for edge in edges(solution, node)
            if edge.local is not None and tangents[edge.operand] is not None
        ]
        rule, numbers = _chain_rule(solution, seed, tangents, terms, few(rows))
        made.append([[(solution.names[node], "name")], rule, numbers, result])
    columns = [Column(title) for title in ("node", "Σ local × tangent", "in numbers", "tangent")]
    if screen.fits(columns, made):
        screen.table(columns, made)
        return
    folded: list[list[Words]] = []
    for name, rule, numbers, result in made:
        value = (result[-1][0].strip(), "value")
        folded.append([name, rule])
        if numbers != [value]:
            folded.append([_BLANK, [("= ", ""), *numbers]])
        folded.append([_BLANK, [("= ", ""), value]])
    screen.table([Column("node"), Column("tangent: Σ local × tangent")], folded)


def _chain_rule(
    solution: Solution, seed: int, tangents: list[Any], terms: list[Edge], most: int
) -> tuple[Words, Words]:
    """Return the sum of local × tangent over the operands that move, in signs and in numbers."""
    rule, numbers = [], []
    for edge in terms[:most]:
        moved = "" if edge.operand == seed else symbol(solution, edge.operand, seed)
        rule.append(_edge_symbol(solution, edge) + (f" × {moved}" if moved else ""))
        local = human(edge.local, solution.arithmetic)
        moved = human(tangents[edge.operand], solution.arithmetic)
        numbers.append(local if edge.operand == seed else f"{local} × {moved}")
    if len(terms) > most:
        rule.append(f"… {len(terms) - most:,} more")
        numbers.append("…")
    return [(" + ".join(rule), "")], [(" + ".join(numbers), "value")]


def steps_mask(solution: Solution) -> bytearray:
    """Return a mask of the nodes that get a row in the tables of steps."""
    return has_row(solution.graph, solution.names)


def _title(screen: Screen, title: str, question: str) -> None:
    screen.line()
    screen.line([(title, "title"), *([(f": {question}", "dim")] if question else [])])


def _rest(screen: Screen, total: int, shown: int, what: str) -> None:
    if shown < total:
        screen.line([(left_out(total, shown, what), "dim")], 2)

