"""One line of `batch`: a JSON object that asks for a gradient, checked field by field."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from backprop_cli.errors import BindingProblem, OptionProblem
from backprop_cli.language.parser import parse
from backprop_cli.studies.agreement import agreements
from backprop_cli.studies.files import NumberText, checked_text, read_json
from backprop_cli.studies.gradient import KINKS, solve
from backprop_cli.studies.point import check_names, evaluated, read_mapping
from backprop_cli.studies.solution import MODES, Agreement, Solution

_LONGEST_INTEGER = 4000
_FIELDS = ("id", "expression", "at", "wrt", "of", "kink", "check")


class Request(NamedTuple):
    """What one line asks for."""

    expression: str
    at: Mapping[str, str]
    wrt: tuple[str, ...]
    of: tuple[str, ...]
    kink: str
    checks: tuple[str, ...]


def identity(line: str) -> Any:
    """Return the "id" of a line, exactly as JSON has it; None where there is none."""
    import json

    def integer(text: str) -> int | str:
        return int(text) if len(text) < _LONGEST_INTEGER else text

    try:
        fields = json.loads(line.removeprefix("\ufeff"), parse_int=integer)
        value = fields.get("id") if isinstance(fields, dict) else None
        json.dumps(value, allow_nan=False)
    except (ValueError, RecursionError):
        return None
    return value


def read_request(line: str) -> Request:
    """Read one line. Raises `BindingProblem` or `OptionProblem` with what is wrong with it."""
    fields = read_json(line, "the line")
    if not isinstance(fields, dict):
        raise BindingProblem("the line must be a JSON object")
    unknown = [name for name in fields if name not in _FIELDS]
    if unknown:
        raise OptionProblem(
            f"unknown field {unknown[0][:40]!r}", None, f"it takes {', '.join(_FIELDS)}"
        )
    if isinstance(fields.get("id"), NumberText) and not math.isfinite(float(fields["id"])):
        raise BindingProblem('"id" must be a finite number, or text')
    expression = fields.get("expression")
    if not isinstance(expression, str) or isinstance(expression, NumberText):
        raise OptionProblem('"expression" must be a string')
    kink = fields.get("kink", "convention")
    if kink not in KINKS:
        raise OptionProblem(f'"kink" must be one of {", ".join(KINKS)}')
    at = fields.get("at", {})
    if not isinstance(at, dict):
        raise BindingProblem('"at" must be an object of names and values')
    wrt, of = _names(fields, "wrt"), _names(fields, "of")
    return Request(checked_text(expression), at, wrt, of, kink, _checks(_names(fields, "check")))


def _names(fields: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Return a field that is a list of names, or names in a string, as a tuple."""
    value = fields.get(key, [])
    text = isinstance(value, str) and not isinstance(value, NumberText)
    names = value.split(",") if text else value
    if not isinstance(names, list) or any(
        not isinstance(name, str) or isinstance(name, NumberText) for name in names
    ):
        raise OptionProblem(f'"{key}" must be a list of names')
    return tuple(name.strip() for name in names)


def _checks(names: tuple[str, ...]) -> tuple[str, ...]:
    if names == ("all",):
        return MODES
    wrong = [name for name in names if name not in (*MODES, "none")]
    if wrong:
        raise OptionProblem(f'"check" takes all, none or {", ".join(MODES)}, got {wrong[0][:40]!r}')
    return tuple(mode for mode in MODES if mode in names)


def answer(request: Request, seconds: float) -> tuple[Solution, tuple[Agreement, ...]]:
    """Return the solution of a request, and how its modes agree (empty without checks)."""
    given = read_mapping(request.at, '"at"')
    graph = parse(request.expression, [binding.name for binding in given])
    check_names(graph, [binding.name for binding in given])
    point = evaluated(given)
    solution = solve(graph, point, request.wrt, request.of, request.kink)
    witness = None
    if "sympy" in request.checks:
        from backprop_cli.studies import witness as sympy_witness

        outputs = {made.name: made.node for made in solution.answers}
        witness = sympy_witness.start(graph, outputs, solution.wrt, point, seconds)
    return solution, agreements(solution, request.checks, witness)
