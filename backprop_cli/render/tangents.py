"""Forward mode as tables: one for each seed, from the seed to the output.

The same local slopes as in the backward pass, carried the other way: each node adds local ×
tangent over the operands that move.
"""

from typing import Any

from backprop_cli.calculus.forward import jvp
from backprop_cli.render.console import Column, Screen, Words
from backprop_cli.render.echo import few, left_out
from backprop_cli.render.edges import Edge, edges, symbol
from backprop_cli.render.numbers import human
from backprop_cli.render.steps import BLANK, edge_symbol, equalities, rest, title
from backprop_cli.studies.solution import Solution


def print_tangents(solution: Solution, mask: bytearray, rows: int, screen: Screen) -> None:
    """Print a table for each seed: how fast every node moves when that input moves."""
    seeds = list(solution.wrt.items())
    shown = seeds[: few(rows)]
    for name, seed in shown:
        title(screen, f"Forward mode, seed {name}", f"∂{name}/∂{name} = 1, carried to the output")
        tangents = jvp(solution.graph, solution.values, seed, solution.arithmetic)
        nodes = [
            node
            for node, tangent in enumerate(tangents)
            if tangent is not None and node != seed and mask[node]
        ]
        _tangent_table(solution, seed, tangents, nodes[:rows], rows, screen)
        rest(screen, len(nodes), min(rows, len(nodes)), "nodes")
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
    results = equalities(solution, signs, [tangents[node] for node in nodes])
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
            folded.append([BLANK, [("= ", ""), *numbers]])
        folded.append([BLANK, [("= ", ""), value]])
    screen.table([Column("node"), Column("tangent: Σ local × tangent")], folded)


def _chain_rule(
    solution: Solution, seed: int, tangents: list[Any], terms: list[Edge], most: int
) -> tuple[Words, Words]:
    """Return the sum of local × tangent over the operands that move, in signs and in numbers."""
    rule, numbers = [], []
    for edge in terms[:most]:
        moved = "" if edge.operand == seed else symbol(solution, edge.operand, seed)
        rule.append(edge_symbol(solution, edge) + (f" × {moved}" if moved else ""))
        local = human(edge.local, solution.arithmetic)
        moved = human(tangents[edge.operand], solution.arithmetic)
        numbers.append(local if edge.operand == seed else f"{local} × {moved}")
    if len(terms) > most:
        rule.append(f"… {len(terms) - most:,} more")
        numbers.append("…")
    return [(" + ".join(rule), "")], [(" + ".join(numbers), "value")]
