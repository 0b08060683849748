"""The steps of both modes as tables: forward pass, backward pass, sums at branches, tangents.

Each table answers one question a student asks, in the order of the work by hand. Only what is
shown is worked out: with `--rows 100`, a graph of a million nodes costs little more than its
sweep.
"""

from typing import Any

from backprop_cli.language.names import has_row
from backprop_cli.operations import CONSTANT, INPUT, WHERE
from backprop_cli.render.console import Column, Screen, Words
from backprop_cli.render.echo import few, left_out
from backprop_cli.render.edges import Edge, edges, slope_words, symbol, text_of
from backprop_cli.render.numbers import aligned, human
from backprop_cli.studies.solution import Answer, Solution
from backprop_cli.studies.words import ordinal

_NARROWEST_SLOPE = 28
BLANK: Words = ()


def print_forward_pass(solution: Solution, mask: bytearray, rows: int, screen: Screen) -> None:
    """Print what each node computes, and its slopes with respect to its operands."""
    title(screen, "Forward pass", "each node computes its value and its local slopes")
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
        if screen.fits(columns, made):
            break
    if screen.fits([*columns[:3], Column(" " * _NARROWEST_SLOPE)], cells):
        screen.table(columns, made)
    else:
        screen.table([Column("node"), Column("is, value, local slopes")], _stacked(cells, slopes))
    rest(screen, len(nodes), len(shown), "nodes")


def _stacked(cells: list[list[Words]], slopes: list[list[Words]]) -> list[list[Words]]:
    """Return the rows of the forward pass for a narrow screen, one slope under the other."""
    made: list[list[Words]] = []
    for (name, text, ((value, style),)), found in zip(cells, slopes, strict=True):
        made.append([name, [*text, (" = ", ""), (value.strip(), style)]])
        made += [[BLANK, [("  ", ""), *slope]] for slope in found]
    return made


def _side_by_side(
    cells: list[list[Words]], slopes: list[list[Words]], across: int
) -> list[list[Words]]:
    """Return the rows of the forward pass with at most `across` slopes in a line."""
    across = min(across, max(map(len, slopes)))
    made: list[list[Words]] = []
    for first, found in zip(cells, slopes, strict=True):
        for start in range(0, max(len(found), 1), across or 1):
            line = found[start : start + across]
            row = first if start == 0 else [BLANK] * len(first)
            made.append([*row, *line, *[BLANK] * (across - len(line))])
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
    sign = edge_symbol(solution, edge)
    if edge.local is None:
        return [(f"{sign} = ", ""), ("0", "value"), ("  nothing flows", "dim")]
    if edge.local != edge.local:
        return [(f"{sign} is ", ""), ("undefined", "bad")]
    number = human(edge.local, solution.arithmetic)
    words = slope_words(solution, edge)
    if words == number:
        return [(f"{sign} = ", ""), (number, "value")]
    return [(f"{sign} = {words} = ", ""), (number, "value")]


def edge_symbol(solution: Solution, edge: Edge) -> str:
    """Return `∂f/∂x`; in x·x, which x is meant."""
    sign = symbol(solution, edge.node, edge.operand)
    return f"{sign}{which(solution, edge)}"


def which(solution: Solution, edge: Edge) -> str:
    """Return which operand an edge belongs to, if the node reads the same one more than once."""
    operands = solution.graph.operands_of(edge.node)
    return f" ({ordinal(edge.position)})" if operands.count(edge.operand) > 1 else ""


def print_backward_pass(solution: Solution, answer: Answer, rows: int, screen: Screen) -> None:
    """Print, from the output back, what each node hands to its operands."""
    source = f" from {answer.name}" if len(solution.answers) > 1 else ""
    title(screen, f"Backward pass{source}", "upstream × local, from the output to the inputs")
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
    if not lines:
        screen.line([("Nothing flows back from here.", "dim")], 2)
        return
    _backward_table(solution, answer, lines, hidden, screen)
    rest(screen, len(nodes), len(shown), "nodes")


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
        stacked.append([BLANK, [("  ", ""), *_number_first(local), (" ", ""), *sent]])
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
    upstream = equalities(
        solution,
        [symbol(solution, answer.node, node) for node in heads],
        [answer.adjoints[node] for node in heads],
        lined_up,
    )
    local = equalities(
        solution,
        [edge_symbol(solution, edge) for edge in real],
        [edge.local for edge in real],
        lined_up,
    )
    sent = _column([answer.adjoints[e.node] * e.local for e in real], solution, lined_up)
    made: list[list[Words]] = []
    for place, (node, edge) in enumerate(lines):
        if place in hidden:
            words = f"… {hidden[place] - edge.local:,} more (--rows {5 * hidden[place]} shows them)"
            made.append([BLANK, BLANK, [(words, "dim")], BLANK])
            continue
        head: list[Words] = [BLANK, BLANK]
        if node >= 0:
            head = [[(solution.names[node], "name")], upstream.pop(0)]
        target = (f"  → {solution.names[edge.operand]}", "")
        equals: Words = [("= ", "dim"), (sent.pop(0), "gradient"), target]
        made.append([*head, [("× ", "dim"), *local.pop(0)], equals])
    return made


def equalities(
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


def steps_mask(solution: Solution) -> bytearray:
    """Return a mask of the nodes that get a row in the tables of steps."""
    return has_row(solution.graph, solution.names)


def title(screen: Screen, text: str, question: str = "") -> None:
    """Print the title of a table, and the question it answers."""
    screen.line()
    screen.line([(text, "title"), *([(f": {question}", "dim")] if question else [])])


def rest(screen: Screen, total: int, shown: int, what: str) -> None:
    """Print how much of a table `--rows` left out, if anything."""
    if shown < total:
        screen.line([(left_out(total, shown, what), "dim")], 2)
