"""The table and the prelude as a reader wants them: signature, slopes, domain, an example."""

from typing import NamedTuple

from backprop_cli.errors import UnknownFunction
from backprop_cli.language.hints import for_function
from backprop_cli.language.parser import parse
from backprop_cli.language.prelude import PRELUDE
from backprop_cli.operations import COMPARISONS, TABLE, Operation
from backprop_cli.studies.gradient import solve
from backprop_cli.studies.solution import Solution


class Slope(NamedTuple):
    """A local partial: of which parameter, the formula used, and the textbook's if it differs."""

    parameter: str
    formula: str
    textbook: str


class Entry(NamedTuple):
    """One operation or prelude function, in words and formulas of the language."""

    name: str
    aliases: tuple[str, ...]
    signature: str
    help: str
    slopes: tuple[Slope, ...]
    definition: str
    needs: str
    conventions: tuple[str, ...]


def entries() -> list[Entry]:
    """Return every entry: the table's rows in order, then the prelude's functions."""
    rows = [_from_row(operation) for operation in TABLE if operation.parameters]
    return rows + [_from_prelude(name) for name in PRELUDE]


def entry(name: str) -> Entry:
    """Return the entry of an operation by name, alias or sign. Raises `UnknownFunction`."""
    for found in entries():
        if name in (found.name, *found.aliases):
            return found
    hint = for_function(name, []) or "backprop ops lists them all"
    raise UnknownFunction(f"unknown operation {name[:40]!r}", None, hint)


def _from_row(operation: Operation) -> Entry:
    textbook = operation.textbook or operation.partials
    slopes = tuple(
        Slope(parameter, formula, famous if famous != formula else "")
        for parameter, formula, famous in zip(
            operation.names, operation.partials, textbook, strict=True
        )
    )
    needs = operation.needs or " and ".join(operation.domain)
    conventions = tuple(
        f"{kink.kind} at {kink.place}: {kink.convention}" for kink in operation.kinks
    )
    aliases = operation.aliases + ((operation.infix,) if operation.infix else ())
    definition = "" if operation.value.isidentifier() else operation.value
    return Entry(
        operation.name,
        aliases,
        signature(operation),
        operation.help,
        slopes,
        definition,
        needs,
        conventions,
    )


def _from_prelude(name: str) -> Entry:
    definition, text = PRELUDE[name]
    head, _, body = definition.partition(") = ")
    return Entry(name, (), f"{head})", text, (), body, "", ())


def signature(operation: Operation) -> str:
    """Return how the operation is written: `tanh(x)`, `x + y`, `-x`."""
    if not operation.infix:
        return f"{operation.name}({', '.join(operation.parameters)})"
    if len(operation.parameters) == 1:
        return operation.infix + operation.parameters[0]
    space = "" if operation.precedence > 1 else " "
    return f"{space}{operation.infix}{space}".join(operation.parameters)


_CANDIDATES = (0.5, 2.0, -0.5, 1.5, 3.0, 1.0, 0.25)


def example(name: str) -> tuple[str, Solution] | None:
    """Return an expression that uses the operation, solved at a point of its domain.

    None if no point tried gives an answer without a warning.
    """
    found = entry(name)
    if found.name in {TABLE[row].name for row in COMPARISONS.values()}:
        text = f"where({found.signature}, x^2, y)"
    elif found.name == "where":
        text = "where(x > 0, x^2, -x)"
    elif found.name == "pick":
        text = "pick(1, x, y)"
    elif found.name == "polygamma":
        text = "polygamma(1, x)"
    else:
        text = _call(found)
    graph = parse(text)
    for first in _CANDIDATES:
        names = list(graph.inputs)
        point = {name: first + k for k, name in enumerate(names)}
        solution = solve(graph, point)
        answer = solution.answers[0]
        if answer.failure is None and not answer.remarks:
            return text, solution
    return None


def _call(found: Entry) -> str:
    """Return a call with the required parameters only, `z...` given two values."""
    name, _, inside = found.signature.partition("(")
    if not inside:
        return found.signature
    required = [text for text in inside.removesuffix(")").split(", ") if "=" not in text]
    return f"{name}({', '.join(required).replace('z...', 'x, y')})"
