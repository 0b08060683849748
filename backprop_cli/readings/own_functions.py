"""The rows and slopes of the table as functions of a language, for code that calls them."""

from collections.abc import Container

from backprop_cli.language.notation import Piece
from backprop_cli.operations import ROW, TABLE, WHERE, Operation
from backprop_cli.readings.formulas import formula
from backprop_cli.readings.source import Coder, Term, read_by


def functions(coder: Coder, used: Container[str]) -> tuple[list[str], set[str]]:
    """Return the functions of the coder's rows and slopes, callees first, and what they call.

    `used` are the names of those that are wanted.
    """
    made: dict[str, str] = {}
    calls: set[str] = set()
    waiting = [name for name in coder.rows if name in used]
    while waiting:
        name = waiting[-1]
        inner = Coder(coder.language)
        text = _function(inner, name)
        missing = [row for row in inner.rows if row not in made and row != name]
        if missing:
            waiting += missing
            continue
        waiting.pop()
        calls |= inner.calls
        made.setdefault(name, text)
    return list(made.values()), calls


def _function(coder: Coder, name: str) -> str:
    """Return the definition of the function of a row or slope, a choice as early returns."""
    language = coder.language
    operation, text = _defined(name)
    graph = formula(text)
    slope = "_by_" in name
    parameters = read_by(operation, graph) if slope else operation.names
    terms = coder.terms(graph, {each: Term(Piece(each)) for each in parameters})
    node, lines = graph.outputs[0], []
    while graph.rows[node] == WHERE and language.early:
        condition, then, other = graph.operands_of(node)
        test = terms[condition].test
        if test is None:
            break
        lines.append(language.early.format(test.text, terms[then].piece.text))
        node = other
    lines.append(language.final.format(terms[node].piece.text))
    arguments = ", ".join(language.argument.format(each) for each in parameters)
    words = f"slope of {operation.name} along {name.partition('_by_')[2]}"
    words = words if slope else operation.help
    return language.function.format(name, arguments, words, "\n".join(lines))


def _defined(name: str) -> tuple[Operation, str]:
    """Return the row and the formula of a function of ours: `sigmoid`, or `pow_by_x`, a slope."""
    row, by, parameter = name.partition("_by_")
    operation = TABLE[ROW[row]]
    text = operation.partials[operation.names.index(parameter)] if by else operation.value
    return operation, text
