"""The kinds of mistakes as a list, and a mistaken backward pass as JSON."""

from collections.abc import Iterable
from typing import Any

from backprop_cli.render.console import Screen
from backprop_cli.render.errors import readable
from backprop_cli.render.json import SCHEMA, by_output, number, numbers
from backprop_cli.studies.mistakes import Mistake
from backprop_cli.studies.solution import Solution
from backprop_cli.studies.wrong_pass import Mistaken, Quotient, Row


def print_mistakes(mistakes: Iterable[Mistake], screen: Screen) -> None:
    """Print every kind of mistake, what it does, and what shows it."""
    for mistake in mistakes:
        program, point = mistake.example
        screen.line([(mistake.kind, "title"), (f": {mistake.what}.", "")])
        screen.line([(f"It shows in {mistake.shows}:", "")], 2)
        screen.line([(f"backprop grad '{program}' --at {point} --mistake {mistake.kind}", "")], 2)


def mistake_lines(mistakes: Iterable[Mistake]) -> str:
    """Return `kind what` lines, without a last line end."""
    return "\n".join(f"{mistake.kind} {mistake.what}" for mistake in mistakes)


def mistakes_object(mistakes: Iterable[Mistake]) -> dict[str, Any]:
    """Return the list of mistakes for JSON."""
    return {"schema": SCHEMA, "ok": True, "mistakes": [_described(each) for each in mistakes]}


def _described(mistake: Mistake) -> dict[str, Any]:
    program, point = mistake.example
    return {
        "kind": mistake.kind,
        "what": mistake.what,
        "why": mistake.why,
        "shows": mistake.shows,
        "example": {"expression": program, "at": point},
    }


def mistake_object(solution: Solution, found: Iterable[Mistaken]) -> Any:
    """Return what JSON has as `mistake`: of several outputs, an object by their names.

    `gradient` is the wrong one (the right one stands where it always does), `wrong` has the names
    whose slopes differ, and `first_difference` the first row that does, or null. Where nothing
    can be compared, `skipped` says why.
    """
    return by_output(solution, [_mistake_object(solution, each) for each in found])


def _mistake_object(solution: Solution, found: Mistaken) -> dict[str, Any]:
    mistake = found.mistake
    made: dict[str, Any] = {"kind": mistake.kind, "what": mistake.what, "why": mistake.why}
    if found.reason:
        return {**made, "skipped": readable(found.reason)}
    rows = found.rows
    first = None
    if rows.first is not None:
        part = rows.parts[rows.first - rows.start]
        first = {"row": rows.first + 1, **_first(solution, found, part)}
    return {
        **made,
        "gradient": numbers(found.gradient, solution.arithmetic),
        "wrong": list(found.wrong),
        "rows": rows.total,
        "first_difference": first,
    }


def _first(solution: Solution, found: Mistaken, first: Row | Quotient) -> dict[str, Any]:
    """Return the first row that differs: an edge in both passes, or a quotient.

    What an operand has received so far is null where the two passes differ in their order.
    """
    arithmetic = solution.arithmetic
    if isinstance(first, Quotient):
        values = numbers(first._asdict() | {"name": None}, arithmetic)
        keys = {"at": "place", "moved": "moved", "change": "change", "value": "slope"}
        return {"input": first.name, **{key: values[field] for key, field in keys.items()}}
    sent = {"right": first.right, "mistaken": first.wrong}
    if not found.ordered:
        sent = {key: each._replace(total=None) for key, each in sent.items()}
    return {
        "from": solution.names[first.node],
        "to": solution.names[first.operand],
        **{
            key: {field: number(value, arithmetic) for field, value in each._asdict().items()}
            for key, each in sent.items()
        },
    }
