"""Reverse mode that writes lines of code: values up, then one product of the chain rule a line.

The sweep is that of `reverse`; where that multiplies two numbers this writes their product, and
where that adds a contribution this writes the addition. So the code of a graph has one line for
each node and one for each edge along which a derivative flows.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from backprop_cli.calculus.adjoint_lines import AdjointLines
from backprop_cli.calculus.value_lines import PRODUCT, TEST, VALUE, Draft, ValueLines
from backprop_cli.graph import Graph
from backprop_cli.readings.library import words_of
from backprop_cli.readings.own_functions import functions
from backprop_cli.readings.target import Language


class Line(NamedTuple):
    """One line of code, and what it says: nodes by the names that people read.

    A product is the contribution of `node` to `operand`; `adds` says that others came before it.
    """

    kind: str
    code: str
    node: str
    operand: str = ""
    adds: bool = False


class Name(NamedTuple):
    """A name as people read it, and as the code spells it."""

    shown: str
    code: str


class Derivation(NamedTuple):
    """The code of one output and its gradient: the body of a function.

    `functions` are those of rows and slopes that the body calls; `calls` all else that it calls.
    `renamed` lists the names that the code had to spell in another way, `unused` the parameters
    that the body does not read.
    """

    parameters: tuple[Name, ...]
    values: tuple[Line, ...]
    adjoints: tuple[Line, ...]
    result: Name
    gradient: tuple[Name, ...]
    functions: tuple[str, ...]
    calls: frozenset[str]
    renamed: tuple[Name, ...]
    unused: tuple[str, ...]


def derivation(graph: Graph, output: int, wrt: Mapping[str, int], language: Language) -> Derivation:
    """Return value and gradient of `output` as code of `language`.

    The names are the program's. One that the language reserves, or that the code itself calls,
    gets an underscore at its end; where the language has no other letters, λ is spelled u03bb, and
    an underscore at the front of a name that C keeps for itself, as in `_Bool`, u005f.
    Every input of the graph is a parameter, used or not.
    """
    first = ValueLines(graph, output, language, frozenset())
    AdjointLines(first, wrt)
    values = ValueLines(graph, output, language, words_of((*first.coder.calls, *first.coder.rows)))
    return _finished(values, AdjointLines(values, wrt))


def _finished(values: ValueLines, adjoints: AdjointLines) -> Derivation:
    shown, code, coder = values.shown, values.code, values.coder
    result = Name(shown[values.output], values.terms[values.output].piece.text)
    gradient = tuple(Name(name, adjoints.gradient(k)) for name, k in adjoints.wrt.items())
    live, used = _live([*values.drafts, *adjoints.drafts], [result, *gradient])
    lines = tuple(_lines(live, values, adjoints))
    texts, calls = functions(coder, used)
    inputs = values.graph.inputs
    return Derivation(
        tuple(Name(name, code[node]) for name, node in inputs.items()),
        tuple(line for line in lines if line.kind == VALUE),
        tuple(line for line in lines if line.kind != VALUE),
        result,
        gradient,
        tuple(texts),
        frozenset(calls | {call for call in coder.calls if words_of([call]) <= used}),
        tuple(
            Name(shown[node], name)
            for node, name in code.items()
            if name != shown[node].replace("′", "_")
        ),
        tuple(code[node] for node in inputs.values() if code[node] not in used),
    )


def _live(drafts: Sequence[Draft], results: Sequence[Name]) -> tuple[list[Draft], frozenset[str]]:
    """Return the lines that the results need, and every word in them.

    A slope of 0 ends a path, and a choice that is decided beforehand leaves a side unused.
    """
    used = set(words_of(name.code for name in results))
    live = []
    for draft in reversed(drafts):
        if draft.name in used:
            live.append(draft)
            used |= words_of([draft.text])
    return live[::-1], frozenset(used)


def _lines(live: Sequence[Draft], values: ValueLines, adjoints: AdjointLines) -> Iterator[Line]:
    """Yield the lines; what is added to begins as a sum."""
    language, shown = values.language, values.shown
    begun: set[int] = set()
    for kind, name, text, node, operand in live:
        template = language.define_test if kind == TEST else language.define
        adds = kind == PRODUCT and operand in begun
        if kind == PRODUCT and len(adjoints.flags[operand]) > 1:
            template = language.add if adds else language.begin_sum
            begun.add(operand)
        code = template.format(name, text)
        yield Line(kind, code, shown[node], shown[operand] if operand >= 0 else "", adds)
