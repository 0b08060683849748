"""The graph as JSON: nodes and edges with all their numbers, for programs that draw themselves."""

from typing import Any

from backprop_cli.language.printer import program_text
from backprop_cli.operations import TABLE
from backprop_cli.render.edges import edges
from backprop_cli.render.errors import failure_object
from backprop_cli.render.graph.diagram import Diagram, Item
from backprop_cli.render.json import SCHEMA, by_output, number, numbers, warnings
from backprop_cli.studies.solution import Answer, Solution


def graph_object(solution: Solution, diagrams: list[Diagram], pointed: bool) -> dict[str, Any]:
    """Return the graph of each output; without a point, nodes and edges have no numbers."""
    failure = next((answer.failure for answer in solution.answers if answer.failure), None)
    graphs = [
        _graph(solution, answer, shown, pointed)
        for answer, shown in zip(solution.answers, diagrams, strict=True)
    ]
    made: dict[str, Any] = {
        "schema": SCHEMA,
        "ok": failure is None,
        "expression": program_text(solution.graph, solution.asked),
    }
    if pointed:
        made["at"] = numbers(solution.point)
    made["graph"] = by_output(solution, graphs)
    made["warnings"] = warnings(solution)
    if failure is not None:
        made["error"] = failure_object(failure, solution.graph.source)
    return made


def _graph(solution: Solution, answer: Answer, shown: Diagram, pointed: bool) -> dict[str, Any]:
    nodes = [_node(solution, answer, item, pointed) for item in shown.items]
    made = [edge for item in shown.items for edge in _edges(solution, item, pointed)]
    return {"output": f"n{shown.output}", "nodes": nodes, "edges": made}


def _node(solution: Solution, answer: Answer, item: Item, pointed: bool) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": f"n{item.node}",
        "name": item.name,
        "kind": item.kind,
        "operation": TABLE[solution.graph.rows[item.node]].name,
        "label": item.operation,
    }
    if pointed:
        made["value"] = number(solution.values[item.node])
        made["adjoint"] = number(answer.adjoints[item.node])
    return made


def _edges(solution: Solution, item: Item, pointed: bool) -> list[dict[str, Any]]:
    found = {}
    if pointed:
        found = {edge.position: edge.local for edge in edges(solution, item.node)}
    made = []
    for wire in item.wires:
        edge: dict[str, Any] = {
            "id": f"e{item.node}-{wire.position}",
            "from": f"n{wire.operand}",
            "to": f"n{item.node}",
            "position": wire.position,
        }
        if pointed:
            edge["local"] = number(found.get(wire.position))
        else:
            edge["local"] = wire.slope or None
        made.append(edge | {"flows": wire.flows})
    return made
