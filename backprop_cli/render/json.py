"""Answers as JSON objects: everything a program may want, in names that do not change.

Numbers are float64 and read back exactly; NaN and the infinities, which JSON does not have, are
strings, and so are numbers of more digits (`--precision`). With several outputs, `value`,
`gradient`, `modes` and `nodes` are objects by output name; `tangents` is one by seed. A name that
is assigned again is spelled as in the `expression` everywhere: `c_2`, which tables show as `c′2`.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from backprop_cli.calculus.forward import jvp
from backprop_cli.calculus.reverse import contributions
from backprop_cli.errors import BackpropError
from backprop_cli.graph import Graph
from backprop_cli.language.names import has_row, node_text, respelled, typed_names
from backprop_cli.language.printer import program_text
from backprop_cli.operations import INPUT, TABLE
from backprop_cli.readings.formulas import Arithmetic
from backprop_cli.render.errors import error_object, failure_object
from backprop_cli.render.numbers import machine
from backprop_cli.render.plain import Line, Steps, formulas
from backprop_cli.studies.findings import too_large
from backprop_cli.studies.solution import (
    Agreement,
    Answer,
    Estimate,
    Formula,
    Solution,
    Unavailable,
    Witness,
)

if TYPE_CHECKING:
    from json import JSONEncoder

SCHEMA = "backprop/1"


@cache
def _encoder() -> "JSONEncoder":
    """Return the one encoder: `json.dumps` would make a new one for each of a million lines."""
    import json

    return json.JSONEncoder(allow_nan=False)


def dumps(value: object, graph: Graph | None = None) -> str:
    """Return JSON text on one line, in ASCII, without a line end.

    With the `graph` that it tells of, names are spelled as in the text of the program: `c_2`.
    """
    typed = typed_names(graph) if graph is not None else {}
    return _encoder().encode(spelled(value, typed) if typed else value)


def spelled(value: Any, typed: Mapping[str, str]) -> Any:
    """Return a copy of an object with every name as `typed` spells it, in words and keys too."""
    import json

    whole = [json.loads(_encoder().encode(value))]
    stack: list[Any] = [whole]
    while stack:
        part = stack.pop()
        items = part.items() if isinstance(part, dict) else enumerate(part)
        for key, item in [*items]:
            if isinstance(part, dict):
                del part[key]
                key = respelled(key, typed)
            part[key] = respelled(item, typed) if isinstance(item, str) else item
            if isinstance(item, (dict, list)):
                stack.append(item)
    return whole[0]


def refusal(error: BackpropError) -> dict[str, object]:
    """Return the answer to what could not be read."""
    return {"schema": SCHEMA, "ok": False, "error": error_object(error)}


def number(value: Any, arithmetic: Arithmetic | None = None) -> float | str | None:
    """Return a number as JSON has it: a float, or text where JSON has none; None stays."""
    if value is None:
        return None
    if isinstance(value, (float, int)) and value - value == 0:
        return float(value)
    return machine(value, arithmetic)


def grad_object(
    solution: Solution,
    agreements: Sequence[Agreement] = (),
    show: Iterable[str] = (),
) -> dict[str, Any]:
    """Return the answer of `grad`; an undefined one has value and gradient as far as they go."""
    failure = next((answer.failure for answer in solution.answers if answer.failure), None)
    arithmetic = solution.arithmetic
    made: dict[str, Any] = {
        "schema": SCHEMA,
        "ok": failure is None,
        "expression": program_text(solution.graph, solution.asked),
        "at": numbers(solution.point, arithmetic),
        "value": by_output(solution, [number(a.value, arithmetic) for a in solution.answers]),
        "gradient": by_output(
            solution, [numbers(a.gradient, arithmetic) for a in solution.answers]
        ),
    }
    if agreements:
        made["modes"] = by_output(
            solution,
            [
                _modes(solution, answer, agreement)
                for answer, agreement in zip(solution.answers, agreements, strict=True)
            ],
        )
        made["agree"] = all(agreement.agree for agreement in agreements)
    if "reverse" in show:
        made["nodes"] = by_output(solution, [_nodes(solution, a) for a in solution.answers])
    if "forward" in show:
        made["tangents"] = _tangents(solution)
    made["warnings"] = warnings(solution)
    if failure is not None:
        made["error"] = failure_object(failure, solution.graph.source)
    return made


def numbers(
    values: Mapping[str, Any], arithmetic: Arithmetic | None = None
) -> dict[str, float | str | None]:
    """Return numbers by name as JSON has them."""
    return {name: number(value, arithmetic) for name, value in values.items()}


def by_output(solution: Solution, made: list[Any]) -> Any:
    """Return what one output has; of several, an object by their names."""
    if len(made) == 1:
        return made[0]
    return {answer.name: part for answer, part in zip(solution.answers, made, strict=True)}


def warnings(solution: Solution) -> list[dict[str, str]]:
    """Return what is to be said of any output, each warning once."""
    remarks = dict.fromkeys(remark for answer in solution.answers for remark in answer.remarks)
    return [remark._asdict() for remark in remarks]


def _modes(solution: Solution, answer: Answer, agreement: Agreement) -> dict[str, Any]:
    modes: dict[str, Any] = {"reverse": numbers(answer.gradient, solution.arithmetic)}
    for witness in agreement.witnesses:
        modes[witness.mode] = _witness(witness, solution.arithmetic)
    return modes


def _witness(witness: Witness, arithmetic: Arithmetic) -> dict[str, Any]:
    if witness.skipped:
        return {"skipped": witness.skipped}
    return {name: _said(said, arithmetic) for name, said in witness.gradient.items()}


def _said(said: Any, arithmetic: Arithmetic) -> Any:
    """Return what a witness says of one input."""
    if isinstance(said, Unavailable):
        return {"skipped": said.reason}
    if isinstance(said, Estimate):
        return {"value": number(said.value), "error": number(said.error)}
    if isinstance(said, Formula):
        return {"formula": said.text, "value": number(said.value, arithmetic)}
    return number(said, arithmetic)


def _nodes(solution: Solution, answer: Answer) -> list[dict[str, Any]]:
    """Return the inputs and the operations, each with the contributions it received."""
    graph, names, arithmetic = solution.graph, solution.names, solution.arithmetic
    arithmetic.prepare_partials(graph)
    received: dict[int, list[dict[str, Any]]] = {}
    steps = contributions(graph, solution.values, answer.adjoints, solution.active, arithmetic)
    for step in steps:
        received.setdefault(step.operand, []).append(
            {
                "from": names[step.node],
                "upstream": number(step.upstream, arithmetic),
                "local": number(step.local, arithmetic),
                "value": number(step.value, arithmetic),
            }
        )
    rows = has_row(graph, names)
    return [
        {
            "name": names[node],
            "operation": TABLE[row].name,
            "text": node_text(graph, node, names),
            "operands": [names[operand] for operand in graph.operands_of(node)],
            "value": number(solution.values[node], arithmetic),
            "adjoint": number(answer.adjoints[node], arithmetic),
            "locals": _locals(solution, node),
            "contributions": received.get(node, []),
        }
        for node, row in enumerate(graph.rows)
        if rows[node] or row == INPUT
    ]


def _locals(solution: Solution, node: int) -> list[Any]:
    """Return the local partial of each operand, null where nothing flows or none is asked for."""
    from backprop_cli.render.edges import edges  # here: few answers need it

    found = {edge.position: edge.local for edge in edges(solution, node)}
    count = len(solution.graph.operands_of(node))
    return [number(found.get(k), solution.arithmetic) for k in range(count)]


def _tangents(solution: Solution) -> dict[str, Any]:
    """Return, for each seed, the tangent of every operation that depends on it."""
    graph, arithmetic = solution.graph, solution.arithmetic
    if too_large(solution):
        return {"skipped": f"{len(solution.wrt):,} inputs: forward mode needs one sweep each"}
    rows = has_row(graph, solution.names)
    made: dict[str, Any] = {}
    for name, seed in solution.wrt.items():
        tangents = jvp(graph, solution.values, seed, arithmetic)
        made[name] = {
            solution.names[node]: number(tangent, arithmetic)
            for node, tangent in enumerate(tangents)
            if tangent is not None and (rows[node] or node == seed)
        }
    return made


def symbolic_object(graph: Graph, steps: Steps) -> dict[str, Any]:
    """Return the derivation for JSON: `formulas` by input, and the `steps`, by output if several.

    Where SymPy has none, `error` says why and `ok` is false.
    """
    reasons = [lines.reason for lines in steps.values() if isinstance(lines, Unavailable)]
    made: dict[str, Any] = {
        "schema": SCHEMA,
        "ok": not reasons,
        "expression": program_text(graph),
        **steps_object(steps),
    }
    if reasons:
        made["error"] = {"code": "symbolic", "message": reasons[0]}
    return made


def steps_object(steps: Steps) -> dict[str, Any]:
    """Return `formulas` and `steps` as JSON has them."""
    found = {output: formulas(lines) for output, lines in steps.items()}
    lines = {output: _lines_object(lines) for output, lines in steps.items()}
    if len(steps) == 1:
        return {"formulas": next(iter(found.values())), "steps": next(iter(lines.values()))}
    return {"formulas": found, "steps": lines}


def _lines_object(lines: Sequence[Line] | Unavailable) -> Any:
    if isinstance(lines, Unavailable):
        return {"skipped": lines.reason}
    return [
        {
            "node": line.node,
            "terms": [
                {"from": term.user, "upstream": term.upstream, "local": term.local}
                for term in line.terms
            ],
            "result": line.result or None,
            "formula": line.final or None,
        }
        for line in lines
    ]
