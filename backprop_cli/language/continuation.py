"""Formulas that go on where a program ends: read with all its names and functions, into its graph.

A claim about a gradient may use the program's inputs, its named intermediates (`c_2` where a name
was assigned again), its output and the functions it defines. So the same parser reads on: the
nodes of each formula are appended behind those of the program, and both are evaluated as one graph.
What a formula assigns or defines is its own: the next one does not see it.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from backprop_cli.errors import BackpropError, Span, SyntaxProblem, UnknownInput
from backprop_cli.graph import Graph
from backprop_cli.language.hints import name_hint
from backprop_cli.language.names import typed_nodes
from backprop_cli.language.parser import Parser


class Continued(NamedTuple):
    """A graph that holds a program and, behind it, formulas; `nodes` has the value of each."""

    graph: Graph
    nodes: tuple[int, ...]


class FormulaProblem(Exception):
    """What is wrong with one of the formulas: which one, and the error, its span in the formula."""

    def __init__(self, place: int, error: BackpropError) -> None:
        super().__init__(error.message)
        self.place = place
        self.error = error


def continued(program: Graph, formulas: Sequence[str], bound: Collection[str] = ()) -> Continued:
    """Read formulas in the scope of `program`, a graph that `parse` made with the same `bound`.

    The graph's outputs stay those of the program. Raises `FormulaProblem`.
    """
    text = "\n".join([program.source, *formulas])
    parser = Parser(text, bound)
    parser.run(0, len(program.source))
    builder = parser.builder
    label = program.labels.get(program.outputs[0])
    if label is not None:
        builder.labels.setdefault(program.outputs[0], label)
        parser.names.setdefault(label, program.outputs[0])
    for name, node in typed_nodes(program).items():
        parser.names.setdefault(name, node)
    names, functions = dict(parser.names), dict(parser.functions)
    nodes = []
    start = len(program.source) + 1
    for place, formula in enumerate(formulas):
        try:
            nodes.append(_read(parser, program, start, start + len(formula)))
        except BackpropError as error:
            raise FormulaProblem(place, _moved(error, start, formula)) from None
        start += len(formula) + 1
        for known, saved in ((parser.names, names), (parser.functions, functions)):
            known.clear()
            known.update(saved)  # type: ignore[arg-type]
    for node in [node for node in builder.labels if node >= program.size]:
        del builder.labels[node]
    graph = builder.finish(program.outputs)
    return Continued(graph._replace(inputs=dict(program.inputs)), tuple(nodes))


def _read(parser: Parser, program: Graph, start: int, end: int) -> int:
    """Read one formula and return its node. Raises `BackpropError`, its span in the whole text."""
    parser.output = None
    parser.run(start, end)
    if parser.output is None:
        raise SyntaxProblem("the formula is empty", Span(start, max(end, start + 1)))
    known = program.inputs
    for name, node in parser.builder.inputs.items():
        if name not in known:
            span = parser.builder.span_of(node)
            hint = name_hint(name, [*program.inputs, *program.names])
            raise UnknownInput(f"the program has no name {name[:40]!r}", span, hint)
    return parser.output


def _moved(error: BackpropError, start: int, formula: str) -> BackpropError:
    """Return an error whose span counts from the beginning of the formula."""
    if error.span is not None and error.span.start < start:
        error.span = Span(0, len(formula))  # it is about a name of the program
    elif error.span is not None:
        first = min(max(error.span.start - start, 0), len(formula))
        error.span = Span(first, max(min(error.span.end - start, len(formula)), first))
    error.source = formula
    return error
