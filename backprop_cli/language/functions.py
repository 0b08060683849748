"""Functions of one's own, and of the prelude: templates that are expanded in place.

A definition is read once for each number of arguments it is called with, into a template: a small
graph in which a call of another function is still one node, so that a template stays small however
much it expands to. `expand` copies a template into a graph with a stack of its own: no recursion,
and the number of nodes is known, and refused if absurd, before the first is made.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, NoReturn

from backprop_cli.errors import ArityProblem, LimitExceeded, Span, SyntaxProblem
from backprop_cli.graph import ARITY, BLOCK, Graph, GraphBuilder
from backprop_cli.language.prelude import PRELUDE
from backprop_cli.language.tokens import expression, is_name, normalized, number_at
from backprop_cli.operations import CONSTANT, INPUT, NEG, TABLE

CALL = -1
"""The row of a template's node that calls another template."""

LARGEST_EXPANSION = 10_000_000
"""Programs that expand to more nodes than this are refused."""


class Template:
    """The body of a function for one number of arguments."""

    def __init__(self, outer: dict[int, int]) -> None:
        self.body: Graph
        """Its nodes, known when it has been read."""
        self.parameters: dict[int, int] = {}
        """Nodes of the body that stand for arguments, with the argument's number."""
        self.outer = outer
        """Nodes of the body that stand for nodes of the program."""
        self.calls: dict[int, Template] = {}
        """Nodes of the body that call another template."""
        self.output = 0
        self.size = 0
        """How many nodes one expansion appends to a graph, inner calls included."""

    def finish(self, body: Graph, output: int) -> None:
        """State the nodes and the output, and count the nodes of an expansion."""
        self.body, self.output = body, output
        own = sum(row not in (INPUT, CALL) for row in body.rows)
        self.size = own + sum(inner.size for inner in self.calls.values())


class Definition(NamedTuple):
    """A function as written: its parameters, where its body stands, what it could see there."""

    name: str
    parameters: tuple[str, ...]
    defaults: tuple[str, ...]
    rest: str
    text: str
    body: Span
    environment: Mapping[str, int]
    functions: Mapping[str, "Definition"]
    templates: dict[int, Template]


def _check_arity(name: str, count: int, least: int, most: int, rest: bool, span: Span) -> None:
    """Raise unless a call may have `count` arguments."""
    if least <= count <= most or (rest and count >= least):
        return
    wanted = str(most)
    if rest:
        wanted = f"{least} or more"
    elif least < most:
        wanted = f"{least} or {most}" if most == least + 1 else f"{least} to {most}"
    plural = "" if wanted == "1" else "s"
    raise ArityProblem(f"{name} takes {wanted} argument{plural}, got {count}", span)


def read_header(
    text: str,
    header: str,
    start: int,
    body: Span,
    environment: Mapping[str, int],
    functions: Mapping[str, Definition],
) -> Definition:
    """Read `f(x, k=2, z...) =`, which stands at `start` in `text`."""
    opening = header.index("(")
    inside = header[opening + 1 : header.rindex(")")]
    names: list[str] = []
    defaults: list[str] = []
    known: set[str] = set()
    rest = ""
    position = start + opening + 1
    for part in inside.split(",") if inside.strip() else []:
        span = Span(position, position + len(part))
        name, equals, default = (piece.strip() for piece in part.partition("="))
        if rest or (defaults and not equals and not name.endswith("...")):
            _refuse(text, "a parameter with a default, or z..., comes last", span)
        if name.endswith("...") and not equals:
            rest = name = normalized(name.removesuffix("...").rstrip())
        else:
            name = normalized(name)
            names.append(name)
        if not is_name(name) or name in known:
            _refuse(text, "each parameter is a name of its own", span)
        known.add(name)
        if equals:
            if not number_at(default):
                _refuse(text, "a default is a number", span)
            defaults.append(default)
        position += len(part) + 1
    name = normalized(header[:opening].rstrip())
    # A function with z... is read again for each number of arguments, perhaps after the program
    # has gone on, so it keeps what it could see when it was defined.
    if rest:
        environment, functions = dict(environment), dict(functions)
    return Definition(
        name, tuple(names), tuple(defaults), rest, text, body, environment, functions, {}
    )


def from_prelude(name: str) -> Definition:
    """Return the definition of a function of the prelude."""
    text = PRELUDE[name][0]
    match = expression(True).match(text)
    assert match is not None
    return read_header(text, match[0], 0, Span(match.end(), len(text)), {}, {})


def _refuse(text: str, message: str, span: Span) -> NoReturn:
    raise SyntaxProblem(message, span, "define a function as f(x, y) = x + y", text)


def apply_row(builder: GraphBuilder, row: int, arguments: list[int], call: Span, name: Span) -> int:
    """Append a node that applies a row of the table, defaults filled in; return it."""
    if 0 < len(arguments) == ARITY[row]:  # the usual case: nothing is left out
        return builder.add(row, arguments, *call)
    operation = TABLE[row]
    defaults = [text.partition("=")[2] for text in operation.parameters if "=" in text]
    most = len(operation.parameters)
    least = most - len(defaults)
    _check_arity(operation.name, len(arguments), least, most, operation.variadic, name)
    _fill(builder, arguments, most, defaults, call)
    return builder.add(row, arguments, *call)


def complete(
    builder: GraphBuilder, definition: Definition, arguments: list[int], call: Span, name: Span
) -> None:
    """Check the number of arguments of a call, and append the defaults of those left out."""
    rest = bool(definition.rest)
    most = len(definition.parameters) + rest
    least = most - len(definition.defaults)
    _check_arity(definition.name, len(arguments), least, most, rest, name)
    _fill(builder, arguments, len(definition.parameters), definition.defaults, call)


def _fill(
    builder: GraphBuilder, arguments: list[int], most: int, defaults: Sequence[str], call: Span
) -> None:
    missing = most - len(arguments)
    for literal in defaults[-missing:] if missing > 0 else ():
        node = builder.constant(literal.removeprefix("-"), *call)
        if literal.startswith("-"):
            node = builder.add(NEG, (node,), *call)
        arguments.append(node)


def expand(
    builder: GraphBuilder, template: Template, arguments: list[int], start: int, end: int
) -> int:
    """Copy `template` into `builder`, every node with the span of the call; return its output.

    Raises `LimitExceeded` before anything is copied if the program would become too large.
    """
    size = len(builder.rows) + template.size
    if size > LARGEST_EXPANSION:
        message = f"this call expands the program to {size:,} nodes"
        hint = f"the most is {LARGEST_EXPANSION:,} nodes"
        raise LimitExceeded(message, Span(start, end), hint)
    stack: list[tuple[Template, list[int], list[int]]] = [(template, arguments, [])]
    while True:
        builder.settle(BLOCK)
        current, given, made = stack[-1]
        call = _copy_until_call(builder, current, given, made, start, end)
        if call is not None:
            operands = [made[k] for k in current.body.operands_of(call)]
            stack.append((current.calls[call], operands, []))
            continue
        stack.pop()
        result = made[current.output]
        if not stack:
            return result
        stack[-1][2].append(result)


def _copy_until_call(
    builder: GraphBuilder,
    template: Template,
    given: list[int],
    made: list[int],
    start: int,
    end: int,
) -> int | None:
    """Copy the nodes of `template` that follow `made`, up to the next call or the end."""
    body = template.body
    for node in range(len(made), body.size):
        row = body.rows[node]
        if row == CALL:
            return node
        if row == INPUT:
            argument = template.parameters.get(node)
            made.append(template.outer[node] if argument is None else given[argument])
        elif row == CONSTANT:
            made.append(builder.constant(body.literals[node], start, end))
        else:
            operands = [made[k] for k in body.operands_of(node)]
            made.append(builder.add(row, operands, start, end))
    return None
