"""The backward pass with the step marked at which a wrong claim leaves it."""

from backprop_cli.operations import CONSTANT
from backprop_cli.render.console import NARROW_GAP, WIDE_GAP, Column, Screen, Words
from backprop_cli.render.echo import few
from backprop_cli.render.edges import Edge, edges, symbol, text_of
from backprop_cli.render.numbers import aligned, human
from backprop_cli.render.steps import BLANK, edge_symbol, equalities, title
from backprop_cli.studies.checking.check import Check
from backprop_cli.studies.checking.diagnosis import FoundMistake
from backprop_cli.studies.checking.report import Item
from backprop_cli.studies.gradient import solve
from backprop_cli.studies.solution import Solution
from backprop_cli.studies.words import place_words

_MOST = 12


def print_marked(
    check: Check, item: Item, mistake: FoundMistake, rows: int, screen: Screen
) -> None:
    """Print the backward pass of one derivative, the edges that the mistake is about marked.

    Of a long pass only some nodes are shown: those with marks first, then those along the path.
    """
    question, example = item.verdict.question, item.diagnosis.example
    assert example is not None
    program = check.questions.program
    wrt = [question.claim.name]
    solution = solve(program.with_outputs([question.output]), example.point, wrt)
    answer = solution.answers[0]
    solution.arithmetic.prepare_partials(solution.graph)
    nodes = [
        node
        for node in range(question.output, -1, -1)
        if answer.adjoints[node] is not None
        and solution.active[node]
        and node != question.target
        and solution.graph.rows[node] > CONSTANT
    ]
    shown = _chosen(solution, nodes, mistake, min(rows, _MOST))
    place = place_words(example.point, 2 * few(rows), human)
    where = f"Backward pass at {place}" if place else "Backward pass"
    words = f"the gradient is {human(example.actual)}, the claim gives {human(example.claimed)}"
    title(screen, where, words)
    _table(solution, question.output, shown, mistake, screen)
    if len(shown) < len(nodes):
        screen.line([(f"… {len(nodes) - len(shown):,} more nodes", "dim")], 2)


def _chosen(solution: Solution, nodes: list[int], mistake: FoundMistake, most: int) -> list[int]:
    """Return the nodes that are shown: all if few, else those with marks and of the path."""
    if len(nodes) <= most:
        return nodes
    marked = {node for node, _ in mistake.edges}
    on_path = {node for node in nodes if solution.names[node] in mistake.path}
    first = [node for node in nodes if node in marked][:most]
    rest = [node for node in nodes if node in on_path and node not in marked]
    return sorted([*first, *rest[: most - len(first)]], reverse=True)


def _table(
    solution: Solution, output: int, nodes: list[int], mistake: FoundMistake, screen: Screen
) -> None:
    """Print the rows of these nodes, one for each contribution, in the widest form that fits."""
    lines: list[tuple[int, Edge]] = []
    for node in nodes:
        found = [edge for edge in edges(solution, node) if edge.local is not None]
        lines += [(node if place == 0 else -1, edge) for place, edge in enumerate(found)]
    if not lines:
        return
    titles = ("node", "is", "upstream", "× local", "= contribution", "")
    for lined_up, hidden in ((True, -1), (True, 1), (False, 1)):
        cells = _cells(solution, output, lines, mistake, lined_up)
        made = [[cell for k, cell in enumerate(row) if k != hidden] for row in cells]
        columns = [Column(text) for k, text in enumerate(titles) if k != hidden]
        for gap in (WIDE_GAP, NARROW_GAP):
            if screen.fits(columns, made, gap):
                screen.table(columns, made, gap)
                return
    stacked: list[list[Words]] = []
    for first, text, upstream, local, sent, mark in cells:
        if first:
            stacked.append([first, [*text, ("   ", ""), *upstream]])
        stacked.append([BLANK, [("  ", ""), *local, (" ", ""), *sent]])
        if mark:
            stacked.append([BLANK, [("    ", ""), *mark]])
    screen.table([Column("node"), Column("is, upstream × local")], stacked)


def _cells(
    solution: Solution,
    output: int,
    lines: list[tuple[int, Edge]],
    mistake: FoundMistake,
    lined_up: bool,
) -> list[list[Words]]:
    """Return the cells of the table; a node's name, text and upstream in its first row only."""
    adjoints = solution.answers[0].adjoints
    real = [edge for _, edge in lines]
    heads = [node for node, _ in lines if node >= 0]
    upstream = equalities(
        solution,
        [symbol(solution, output, node) for node in heads],
        [adjoints[node] for node in heads],
        lined_up,
    )
    local = equalities(
        solution,
        [edge_symbol(solution, edge) for edge in real],
        [edge.local for edge in real],
        lined_up,
    )
    numbers = [human(adjoints[edge.node] * edge.local) for edge in real]
    sent = aligned(numbers) if lined_up else numbers
    made: list[list[Words]] = []
    for (node, edge), slope, value in zip(lines, local, sent, strict=True):
        head: list[Words] = [BLANK, BLANK, BLANK]
        if node >= 0:
            text = text_of(solution, node, _MOST)
            head = [[(solution.names[node], "name")], [(text, "")], upstream.pop(0)]
        wrong = (edge.node, edge.position) in mistake.edges
        target = (f"  → {solution.names[edge.operand]}", "")
        by: Words = [("× ", "dim"), *slope]
        result: Words = [("= ", "dim"), (value, "gradient"), target]
        made.append([*head, by, result, [(f"← {mistake.code}", "bad")] if wrong else BLANK])
    return made
