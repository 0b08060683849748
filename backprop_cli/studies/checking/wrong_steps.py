"""Hypotheses that a wrong rule was used at a node: the rows of `wrong_rules.py`, put to the graph.

Each rule is tried at every node of its operation, and at all of them at once; and angles are tried
in degrees throughout, values included, as a calculator in the wrong mode has them.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from backprop_cli.operations import ROW, TABLE
from backprop_cli.readings.floats import FLOATS, TOTAL
from backprop_cli.readings.formulas import formula
from backprop_cli.studies.checking.hypothesis import Hypothesis, name_of, slope_sign
from backprop_cli.studies.checking.scene import Scene, Sweep, partial
from backprop_cli.studies.checking.wrong_rules import WRONG_RULES, WrongRule
from backprop_cli.studies.failures import short

_RULES_BY_ROW: dict[int, list[WrongRule]] = {}
for _rule in WRONG_RULES:
    _RULES_BY_ROW.setdefault(ROW[_rule.operation], []).append(_rule)
_CIRCULAR = ("sin", "cos", "tan")


@cache
def _tangent(rule: WrongRule) -> Any:
    """Return a wrong rule as a function of x, y, out, dx, dy."""
    return TOTAL.compile(formula(rule.tangent), ("x", "y", "out", "dx", "dy"))


def _wrong_tangent(scene: Scene, rule: WrongRule, node: int, sweep: Sweep) -> float:
    """Return how fast a node moves by a wrong rule."""
    operands = list(scene.graph.operands_of(node))
    x, y = operands[0], operands[-1]
    values, tangents = sweep.values, sweep.tangents
    made = _tangent(rule)
    return float(made(values[x], values[y], values[node], tangents[x], tangents[y]))


def _applies(scene: Scene, rule: WrongRule, node: int) -> bool:
    """Return whether the operand that the rule gets wrong moves with the target."""
    operands = scene.graph.operands_of(node)
    first, last = scene.active[operands[0]], scene.active[operands[-1]]
    if "dy" not in formula(rule.tangent).inputs:
        return bool(first)
    return bool(last and (first or rule.operation != "mul"))


def wrong_steps(scene: Scene) -> Iterator[Hypothesis]:
    """Yield each wrong rule at each node of its operation, and at all of them at once."""
    places: dict[WrongRule, list[int]] = {}
    for node in scene.nodes:
        for rule in _RULES_BY_ROW.get(scene.graph.rows[node], ()):
            if node in scene.edges_of and _applies(scene, rule, node):
                places.setdefault(rule, []).append(node)
    for rule in WRONG_RULES:
        for node in places.get(rule, ()):
            yield _rule_at(scene, rule, node)
        if len(places.get(rule, ())) > 1:
            yield _rule_everywhere(scene, rule, places[rule])
    trigonometric = [k for k in scene.nodes if TABLE[scene.graph.rows[k]].name in _CIRCULAR]
    if trigonometric:
        yield from _in_degrees(scene)


def _rule_at(scene: Scene, rule: WrongRule, node: int) -> Hypothesis:
    def slope(sweep: Sweep) -> float:
        wrong = _wrong_tangent(scene, rule, node, sweep)
        return sweep.gradient + sweep.adjoints[node] * (wrong - sweep.tangents[node])

    def words(sweep: Sweep) -> str:
        wrong = _wrong_tangent(scene, rule, node, sweep)
        right = f"{slope_sign(scene, node, scene.target)} = {short(sweep.tangents[node])}"
        return f"{rule.words}; in {name_of(scene, node)}, {right}, not {short(wrong)}"

    edges = [edge for edge, _ in scene.edges_of[node]]
    return Hypothesis(rule.code, slope, words, edges[0], tuple(edges))


def _rule_everywhere(scene: Scene, rule: WrongRule, nodes: Sequence[int]) -> Hypothesis:
    """Return a rule applied at each of several nodes: as a forward sweep that uses it there."""
    wrong_at = frozenset(nodes)

    def slope(sweep: Sweep) -> float:
        tangents = list(sweep.tangents)
        changed = sweep._replace(tangents=tangents)
        for node in scene.nodes:
            if node in wrong_at:
                tangents[node] = _wrong_tangent(scene, rule, node, changed)
            elif node in scene.edges_of:
                pairs = scene.edges_of[node]
                tangents[node] = sum(sweep.locals[edge] * tangents[k] for edge, k in pairs)
        return tangents[scene.output]

    def words(_: Sweep) -> str:
        return f"{rule.words} (in each {rule.operation})"

    edges = tuple(edge for node in nodes for edge, _ in scene.edges_of[node])
    return Hypothesis(rule.code, slope, words, None, edges)


def _in_degrees(scene: Scene) -> Iterator[Hypothesis]:
    """Yield a calculator in degree mode: values and slopes of every sin, cos and tan."""
    radian = TOTAL.compile(formula("pi/180"), ())

    def run(sweep: Sweep, factor: float) -> float:
        values, tangents = list(sweep.values), list(sweep.tangents)
        graph = scene.graph
        for node in range(graph.size):
            operands = graph.operands_of(node)
            if not operands:
                continue
            given = [values[k] for k in operands]
            circular = TABLE[graph.rows[node]].name in _CIRCULAR
            if circular:
                given[0] *= radian
            values[node] = float(FLOATS.total[graph.rows[node]](*given))
            pairs = scene.edges_of.get(node, ())
            if pairs:
                by = factor if circular else 1.0
                tangents[node] = sum(
                    by * partial(graph, edge, values, given) * tangents[k] for edge, k in pairs
                )
        return tangents[scene.output]

    for factor, tail in ((1.0, ""), (radian, " throughout, with the factor π/180")):
        yield Hypothesis(
            "degrees",
            lambda sweep, factor=factor: run(sweep, factor),  # type: ignore[misc]
            lambda _, tail=tail: (  # type: ignore[misc]
                f"angles are taken to be in degrees{tail}: they are in radians"
            ),
        )
