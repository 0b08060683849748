"""Formulas as data that can be laid out: as text, as LaTeX, as MathML.

An `Expression` is a formula in postfix order: operands before the operation that takes them, so
`x*(y + 1)` is x, y, 1, add, mul. A layout is a `fold`: it says what a leaf looks like and what an
operation looks like over operands that are laid out already; there is no tree to climb. The
leaves are names, numbers, derivatives ∂f/∂x, and words that stand for what is left out.

The same names stand here as in the tables: a node with a name of its own is that name, and what
tables write in place (`1/2`, `x > 0`) is the operation itself, so that it can be set as a fraction.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple, TypeVar

from backprop_cli.graph import Graph
from backprop_cli.language.names import display_names
from backprop_cli.language.notation import ATOM, PRECEDENCE, Piece, literal, pretty, write
from backprop_cli.language.parser import parse
from backprop_cli.language.printer import arrangement
from backprop_cli.operations import ADD, CONSTANT, DIV, INPUT, MUL, NEG
from backprop_cli.readings.floats import FLOATS
from backprop_cli.readings.formulas import Arithmetic
from backprop_cli.readings.slope_text import SlopeTerm, SlopeTerms, slope

NAME, NUMBER, DERIVATIVE, WORDS, APPLY = "name", "number", "derivative", "words", "apply"
"""The kinds of part: four leaves, and an operation over the parts before it."""

LOCAL = "local"
"""One more leaf: a derivative along one edge alone, where its sign could mean the whole one."""


class Part(NamedTuple):
    """One part of an expression.

    `text` is the name; the number as people read it (`2`, `-1.5e-300`, `pi`, `nan`); the words;
    or, of a derivative, what is differentiated, and `by` is by what. An operation has a `row` of
    the table and takes the last `arity` operands.
    """

    kind: str
    text: str = ""
    by: str = ""
    row: int = -1
    arity: int = 0


Expression = tuple[Part, ...]
"""A formula in postfix order: folding it leaves one result."""

T = TypeVar("T")

_REASSIGNED = re.compile(r"\w+′\d+")


def fold(
    expression: Expression,
    leaf: Callable[[Part], T],
    apply: Callable[[int, Sequence[T]], T],
) -> T:
    """Return the layout of an expression: `leaf(part)` and `apply(row, operands)` all the way."""
    stack: list[T] = []
    for part in expression:
        if part.kind == APPLY:
            operands = stack[len(stack) - part.arity :]
            del stack[len(stack) - part.arity :]
            stack.append(apply(part.row, operands))
        else:
            stack.append(leaf(part))
    (made,) = stack
    return made


# ------------------------------------------------------------------ how expressions are made


def name(text: str) -> Expression:
    """Return a name as an expression."""
    return (Part(NAME, text),)


def number(text: str) -> Expression:
    """Return a number, as people read it."""
    return (Part(NUMBER, text),)


def derivative(of: str, by: str, local: bool = False) -> Expression:
    """Return the sign ∂of/∂by, marked where it is that of one edge and could be misread."""
    return (Part(LOCAL if local else DERIVATIVE, of, by),)


def words(text: str) -> Expression:
    """Return words that stand for what is left out."""
    return (Part(WORDS, text),)


def applied(row: int, *operands: Expression) -> Expression:
    """Return an operation over expressions."""
    return (*(part for operand in operands for part in operand), _apply(row, len(operands)))


def product(first: Expression, second: Expression) -> Expression:
    """Return first · second."""
    return applied(MUL, first, second)


def total(terms: Sequence[Expression]) -> Expression:
    """Return the sum of one or more expressions."""
    made = terms[0]
    for term in terms[1:]:
        made = applied(ADD, made, term)
    return made


def _apply(row: int, count: int) -> Part:
    return Part(APPLY, row=row, arity=count)


# ------------------------------------------------------------------ expressions of a graph


def operation(
    graph: Graph,
    node: int,
    names: Sequence[str],
    leaf: Callable[[int], Expression] | None = None,
    most: int = 0,
) -> Expression:
    """Return what `node` computes, over the names of its operands.

    `leaf` says what stands in the place of a named operand (its name, by default). Of more than
    `most` operands, if that is given, the first stand there and the rest are counted.
    """
    if graph.rows[node] <= CONSTANT:
        return operand(graph, node, names, leaf)
    reads = list(graph.operands_of(node))
    shown = reads[:most] if most and len(reads) > most else reads
    parts = [part for k in shown for part in operand(graph, k, names, leaf)]
    if len(shown) < len(reads):
        parts += words(f"… {len(reads) - len(shown):,} more")
    return (*parts, _apply(graph.rows[node], len(shown) + (len(shown) < len(reads))))


def operand(
    graph: Graph,
    node: int,
    names: Sequence[str],
    leaf: Callable[[int], Expression] | None = None,
) -> Expression:
    """Return a node as an operand: its name, its literal, or the operation that tables inline."""

    def named(k: int) -> Expression | None:
        row = graph.rows[k]
        if row == CONSTANT and k not in graph.labels:
            return number(names[k])
        if row > CONSTANT and k not in graph.labels and not names[k].isidentifier():
            return None
        return leaf(k) if leaf else name(names[k])

    return _written_out(graph, node, named)


def statement(graph: Graph, root: int, references: Mapping[int, str]) -> Expression:
    """Return a whole statement; the nodes in `references` stand there by name."""

    def named(k: int) -> Expression | None:
        if k in references and k != root:
            return name(references[k])
        row = graph.rows[k]
        if row == CONSTANT:
            return number(graph.literals[k])
        return name(references[k]) if row == INPUT else None

    return _written_out(graph, root, named)


def read(text: str, names: Sequence[str]) -> Expression:
    """Return a formula of the language over display names as an expression.

    A name that was assigned again, c′2, has no spelling in the language: it is read under another.
    """
    spelled: dict[str, str] = {}
    taken = {*names, *_REASSIGNED.findall(text)}
    for again in dict.fromkeys(_REASSIGNED.findall(text)):
        spelled[again] = next(
            found for k in count() if (found := f"again{k}") not in taken and found not in text
        )
        taken.add(spelled[again])
    plain = _REASSIGNED.sub(lambda match: spelled[match[0]], text)
    graph = parse(plain, [*spelled.values(), *filter(str.isidentifier, names)])
    made = arrangement(graph, display_names(graph))
    shown = {plain: again for again, plain in spelled.items()}
    return tuple(
        part._replace(text=shown.get(part.text, part.text)) if part.kind == NAME else part
        for part in statement(graph, graph.outputs[0], made.references)
    )


def _written_out(graph: Graph, root: int, named: Callable[[int], Expression | None]) -> Expression:
    """Return the operations down to the nodes that `named` has an expression for."""
    backwards: list[Part] = []
    stack = [root]
    while stack:
        node = stack.pop()
        leaf = named(node)
        if leaf is not None:
            backwards.extend(reversed(leaf))
            continue
        reads = graph.operands_of(node)
        backwards.append(_apply(graph.rows[node], len(reads)))
        stack.extend(reads)
    return tuple(reversed(backwards))


# ------------------------------------------------------------------ local slopes


class SlopeForm(NamedTuple):
    """A local slope as tables show it; and as it is computed, where that is another formula."""

    shown: Expression
    computed: Expression | None


def slope_form(
    graph: Graph,
    node: int,
    position: int,
    names: Sequence[str],
    values: Sequence[Any] | None = None,
    arithmetic: Arithmetic = FLOATS,
) -> SlopeForm:
    """Return d node / d operand `position`: what `slope_text` writes, as expressions."""
    found: SlopeTerms = slope(graph, node, position, names, values, arithmetic)
    shown = _term(found.shown, graph, names)
    computed = None
    if found.computed.piece.text != found.shown.piece.text:
        computed = _term(found.computed, graph, names)
    return SlopeForm(shown, computed)


def _term(term: SlopeTerm, graph: Graph, names: Sequence[str]) -> Expression:
    backwards: list[Part] = []
    stack = [term]
    while stack:
        item = stack.pop()
        if item.node >= 0:
            backwards.extend(reversed(operand(graph, item.node, names)))
        elif item.operands:
            backwards.append(_apply(item.row, len(item.operands)))
            stack.extend(item.operands)
        else:
            backwards.extend(reversed(_number(item.piece.text)))
    return tuple(reversed(backwards))


def _number(text: str) -> Expression:
    """Return a number of the formulas: `2`, `-1/2`, `pi`; other words as they are."""
    size, minus = text.removeprefix("-"), text.startswith("-")
    over, slash, under = size.partition("/")
    if slash:
        made = applied(DIV, number(over), number(under))
        return applied(NEG, made) if minus else made
    return number(text) if size[:1].isalnum() or size[:1] == "." else words(text)


# ------------------------------------------------------------------ as plain text


def plain_text(expression: Expression) -> str:
    """Return an expression as tables write it: `3·v3^2`, `∂f/∂x`."""
    return pretty(fold(expression, _leaf_piece, write).text)


def _leaf_piece(part: Part) -> Piece:
    if part.kind == NUMBER:
        return literal(part.text)
    if part.kind in (DERIVATIVE, LOCAL):
        mark = "|local" if part.kind == LOCAL else ""
        return Piece(f"∂{part.text}/∂{part.by}{mark}", ATOM)
    return Piece(part.text, PRECEDENCE[INPUT])
