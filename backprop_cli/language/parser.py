"""Text to graph, in one pass and without recursion.

Grammar (`^` binds right and tighter than unary minus; an implicit product binds like `*`):

    program    = [ statement ] { (";" | newline) [ statement ] }
    statement  = NAME "=" expression | NAME "(" parameters ")" "=" expression | expression
    parameters = NAME [ "=" NUMBER ] { "," NAME [ "=" NUMBER ] } [ "," NAME "..." ]
    expression = term { ("+" | "-") term }
    term       = factor { ("*" | "/" | nothing) factor }
    factor     = ("-" | "+") factor | power
    power      = atom [ "^" factor ]
    atom       = NUMBER | NAME | NAME "(" arguments ")" | "(" expression ")" | "√" atom
               | atom SUPERSCRIPT
    arguments  = [ argument { "," argument } ]
    argument   = expression | NAME "..." | comparison (the first argument of where, only there)
    comparison = expression ("<" | "<=" | ">" | ">=" | "==" | "!=") expression

This is an operator-precedence parser with explicit stacks (Dijkstra's shunting yard): a node is
appended to the graph when its operands are finished, so text of any depth takes no recursion,
and the order of the nodes is an order in which they can be evaluated. At each moment the parser
expects either an operand or an operator. Each of these states is a tuple of methods, one for each
kind of token; the method that takes a token returns the next state.

What waits is kept by `Stacks`, the parentheses that are open by `Calls`, what names stand for by
`Scope`. `run` reads by way of `written_out`, which does for the commonest tokens what the methods
here do, faster: the language can be learnt without it.
"""

from collections import ChainMap
from collections.abc import Callable, Collection, Mapping, MutableMapping, Set
from typing import ClassVar, NoReturn

from backprop_cli.errors import BackpropError, Span, SyntaxProblem
from backprop_cli.graph import BLOCK, Graph, GraphBuilder
from backprop_cli.language import hints, mistakes, written_out
from backprop_cli.language.calls import Call, Calls
from backprop_cli.language.functions import (
    CALL,
    Definition,
    Template,
    apply_row,
    complete,
    expand,
    from_prelude,
    read_header,
)
from backprop_cli.language.prelude import PRELUDE
from backprop_cli.language.scope import BodyScope, Scope
from backprop_cli.language.stacks import ARITHMETIC, PRECEDENCE, Stacks
from backprop_cli.language.tokens import (
    KINDS,
    SUPERSCRIPTS,
    kind_of,
    next_token,
    normalized,
    pieces,
)
from backprop_cli.operations import (
    ADD,
    COMPARISONS,
    DIV,
    INPUT,
    MUL,
    NEG,
    POW,
    ROW,
    SQRT,
    SUB,
    TABLE,
)

State = tuple[Callable[["Parser", str, int, int], "State"], ...]

_BINARY = {**ARITHMETIC, **COMPARISONS}
_DIGITS = "0123456789."
_MOST_NUMBERS = 1_000


def _state(handlers: dict[str, Callable[..., State]], otherwise: Callable[..., State]) -> State:
    """Return a state: the method for each group of the token expression (kinds count from 1)."""
    return (otherwise, *(handlers.get(kind, otherwise) for kind in KINDS))


class Parser:
    """Reads one program into a graph, or the body of one function into a template."""

    def __init__(self, text: str, bound: Collection[str] = ()) -> None:
        self.text = text
        self.builder = GraphBuilder(text)
        self.functions: MutableMapping[str, Definition] = {}
        # Half a million names take their time to copy, so a set or a mapping is taken as it is.
        # A body has none of its own: there a name may stand for a value around it.
        self.bound = bound if isinstance(bound, (Set, Mapping)) else frozenset(bound)
        self.scope = Scope(text, self.builder, self.bound, self.functions)
        self.names = self.builder.names
        self.stacks = Stacks(self.builder)
        self.calls = Calls(text, self.stacks)
        self.numbers: dict[str, str] = {}
        self.definition: Definition | None = None
        self.template: Template | None = None
        self.rest: list[int] = []
        """The function whose body is read, if any, its template, and what its `z...` took."""
        self.target: tuple[str, Span] | None = None
        self.output: int | None = None
        self.header: tuple[str, int, int]
        """What stands before the body that is being passed over, where it begins, and ends."""
        self.depth: int
        """How many parentheses are open in that body."""

    def run(self, start: int, end: int) -> None:
        """Read the tokens of `text[start:end]`."""
        state = self.at_statement if self.template is None else self.at_operand
        states = self.at_operand, self.after_name, self.after_atom
        defined: Collection[str] = self.functions
        if self.definition is not None:  # which may not call itself
            defined = {*self.functions, self.definition.name}
        known = self.numbers, self.bound, defined
        for part in pieces(self.text, start, end):
            state, start = written_out.read(
                part, start, state, states, self.calls, *known, self.take
            )
            self.builder.settle(BLOCK)

    def take(self, piece: str, state: State, left: int) -> State:
        """Take the tokens of a piece that begins at `left`, each by the method of its kind."""
        right, token = left + len(piece), piece.lstrip(" \t")
        kind = kind_of(token)
        if kind:
            return state[kind](self, token, right - len(token), right)
        while left < right:
            kind, token, left = next_token(self.text, left, right)
            state = state[kind](self, token, left - len(token), left)
        return state

    # ------------------------------------------------------------------------------- atoms

    def _name(self, token: str, start: int, end: int) -> State:
        node = self.names.get(token)
        if node is None:
            name = normalized(token)
            if self.definition is not None and name == self.definition.rest:
                return self._pass_rest(name, start, end)
            node = self.scope.resolve(name, start, end)
        self.stacks.put(node, start, end)
        return self.after_name

    def _number(self, token: str, start: int, end: int) -> State:
        if len(self.numbers) < _MOST_NUMBERS:
            token = self.numbers.setdefault(token, token)
        self.stacks.put(self.builder.constant(token, start, end), start, end)
        return self.after_atom

    def _pi(self, token: str, start: int, end: int) -> State:
        self._name("pi", start, end)
        return self.after_atom

    def _superscript(self, token: str, start: int, end: int) -> State:
        """Take `x²`: a power that binds to the atom just before it."""
        exponent = token.translate(SUPERSCRIPTS)
        digits_of_power = exponent.removeprefix("-")
        kind, following = mistakes.token_at(self.text, end)
        if not digits_of_power.isdigit() or kind == "superscript" or following in ("^", "**"):
            self._fail(f"the power {token} can be read in two ways", start, end, "write (x^2)^3")
        self.stacks.reduce(PRECEDENCE[SQRT])
        node = self.builder.constant(digits_of_power, start, end)
        if digits_of_power != exponent:
            node = self.builder.add(NEG, (node,), start, end)
        self.stacks.raise_to(node, end)
        return self.after_atom

    def _pass_rest(self, name: str, start: int, end: int) -> State:
        """Pass on, whole, the arguments that a last parameter `z...` has taken."""
        if self.calls.innermost() is None or self.stacks.waiting():
            hint = f"pass it on whole, as in sum({name}...)"
            self._fail(f"{name} stands for several arguments", start, end, hint)
        for node in self.rest:
            self.stacks.hold()
            self.stacks.put(node, start, end)
        return self.after_rest

    def _rest(self, token: str, start: int, end: int) -> State:
        return self.after_rest

    def _after_rest(self, token: str, start: int, end: int) -> State:
        self._fail("the rest of the arguments is passed on whole, and last", start, end)

    # --------------------------------------------------------------------------- operators

    def _prefix(self, token: str, start: int, end: int) -> State:
        row = _BINARY[token]
        if row == SUB:
            self.stacks.prefix(NEG, start)
        elif row != ADD:
            mistakes.unexpected_for_operand(self.text, token, start, end)
        return self.at_operand

    def _root(self, token: str, start: int, end: int) -> State:
        self.stacks.prefix(SQRT, start)
        return self.at_operand

    def _operator(self, token: str, start: int, end: int) -> State:
        self.stacks.infix(_BINARY[token])
        return self.at_operand

    def _implicit(self, token: str, start: int, end: int) -> State:
        """Take the operand after a product sign that was left out: `2x`, `(a+b)(b+c)`."""
        self._check_number(start)
        if token in hints.WORDS and not self.scope.knows(token):
            self._adjacent(token, start, end)
        for row in reversed(self.stacks.waiting()):
            if row in (DIV, POW):
                left, right = self.stacks.starts[-1], self.stacks.span()
                mistakes.two_readings(self.text, row, token, start, end, left, right)
            if row not in (NEG, SQRT):
                break
        self.stacks.infix(MUL)
        handlers = {"√": self._root, "π": self._pi, "(": self._open}
        named = self._call if token.endswith("(") else self._name
        return handlers.get(token, named)(token, start, end)

    def _check_number(self, start: int) -> None:
        """Refuse a number that touches what follows it, as in `2e` or `1_000`."""
        left, right = self.stacks.span()
        if right == start and self.text[left] in _DIGITS:
            mistakes.joined_number(self.text, Span(left, right))

    def _adjacent(self, token: str, start: int, end: int) -> State:
        if token[0].isalnum() or token[0] in "_.":
            self._check_number(start)
        mistakes.unexpected_for_operator(self.text, token, start, end, self.stacks.span())

    def _refuse_operand(self, token: str, start: int, end: int) -> State:
        mistakes.unexpected_for_operand(self.text, token, start, end)

    def _fail(self, message: str, start: int, end: int, hint: str = "") -> NoReturn:
        mistakes.fail(self.text, message, start, end, hint)

    def _compare(self, token: str, start: int, end: int) -> State:
        """Take a comparison, where a condition is being read."""
        self.calls.check_comparison(start, end)
        return self._operator(token, start, end)

    # ------------------------------------------------------------------------- parentheses

    def _open(self, token: str, start: int, end: int) -> State:
        self.calls.open(start)
        return self.at_operand

    def _call(self, token: str, start: int, end: int) -> State:
        bare = token[:-1].rstrip()
        name, name_end = normalized(bare), start + len(bare)
        if self.definition is not None and name == self.definition.name:
            hint = "a function may call only those defined before it"
            self._fail(f"{name} calls itself", start, name_end, hint)
        definition = self.functions.get(name)
        row = 0 if definition else ROW.get(name, 0)
        if definition is None and not TABLE[row].called:
            definition, row = self._from_prelude(name, start, name_end), 0
        operands = len(self.stacks.operands)
        self.calls.open(start, Call(name, row, definition, name_end, operands))
        return self.at_operand

    def _from_prelude(self, name: str, start: int, end: int) -> Definition:
        if name not in PRELUDE:
            known = self.scope.knows(name)
            mistakes.unknown_function(self.text, name, start, end, known, list(self.functions))
        definition = self.functions[name] = from_prelude(name)
        return definition

    def _close_empty(self, token: str, start: int, end: int) -> State:
        """Take `()` after a function's name; refuse any other `)` in an operand's place."""
        self.calls.check_empty(token, start, end)
        return self._close(token, start, end)

    def _close(self, token: str, start: int, end: int) -> State:
        opening, call = self.calls.close(start, end)
        if call is None:
            self.stacks.put(self.stacks.last, opening, end)
        else:
            self._finish_call(call, opening, end)
        return self.after_atom

    def _comma(self, token: str, start: int, end: int) -> State:
        self.calls.end_argument(start, end)
        return self.at_operand

    def _finish_call(self, call: Call, start: int, end: int) -> None:
        arguments = self.stacks.pop_from(call.operands)
        whole, name = Span(start, end), Span(start, call.name_end)
        try:
            if call.definition is None:
                node = apply_row(self.builder, call.row, arguments, whole, name)
            else:
                node = self._call_definition(call.definition, arguments, whole, name)
        except BackpropError as error:
            error.source = error.source or self.text
            raise
        self.stacks.put(node, *whole)

    def _call_definition(
        self, definition: Definition, arguments: list[int], call: Span, name: Span
    ) -> int:
        complete(self.builder, definition, arguments, call, name)
        template = self._template(definition, len(arguments))
        if self.template is None:
            return expand(self.builder, template, arguments, *call)
        node = self.builder.add(CALL, arguments, *call)
        self.template.calls[node] = template
        return node

    # -------------------------------------------------------------------------- statements

    def _assign(self, token: str, start: int, end: int) -> State:
        bare = token[:-1].rstrip()
        name, span = normalized(bare), Span(start, start + len(bare))
        self.scope.check_target(name, span)
        self.target = (name, span)
        return self.at_operand

    def _newline_before_operand(self, token: str, start: int, end: int) -> State:
        return self.at_operand if self.calls.opened else self._end_before_operand(token, start, end)

    def _newline_after_name(self, token: str, start: int, end: int) -> State:
        return self.after_name if self.calls.opened else self._end_statement(token, start, end)

    def _newline_after_atom(self, token: str, start: int, end: int) -> State:
        return self.after_atom if self.calls.opened else self._end_statement(token, start, end)

    def _end_before_operand(self, token: str, start: int, end: int) -> State:
        """Take an empty statement; refuse one that ends where an operand must come."""
        waiting = self.stacks.waiting()
        if self.target or waiting or self.calls.opened or self.template is not None:
            if self.calls.opened and not waiting and token == "":
                self.calls.refuse_open()
            mistakes.unexpected_for_operand(self.text, token, start, end)
        return self.at_statement

    def _end_statement(self, token: str, start: int, end: int) -> State:
        if self.calls.opened:
            self.calls.refuse_open()
        self.stacks.reduce()
        self.output = self.stacks.last
        if self.target is not None:
            self.scope.assign(self.target[0], self.output)
            self.target = None
        return self.at_statement

    # ------------------------------------------------------------------------- definitions

    def _define(self, token: str, start: int, end: int) -> State:
        self.header = (token, start, end)
        self.depth = 0
        return self.in_body

    def _skip(self, token: str, start: int, end: int) -> State:
        """Pass over a token of a body; it is read when the end of the body is known."""
        self.depth += token.endswith("(") - (token == ")")
        return self.in_body

    def _end_body(self, token: str, start: int, end: int) -> State:
        if self.depth > 0 and token not in ("", ";"):
            return self.in_body
        header, header_start, body_start = self.header
        definition = read_header(
            self.text, header, header_start, Span(body_start, start), self.names, self.functions
        )
        self._template(definition, len(definition.parameters) + bool(definition.rest))
        self.functions[definition.name] = definition
        return self.at_statement

    def _template(self, definition: Definition, count: int) -> Template:
        """Return the template of a function for `count` arguments, read when first needed."""
        if count not in definition.templates:
            program = self.scope if definition.text is self.text else None
            reader = Parser(definition.text)
            definition.templates[count] = reader.read_body(definition, count, program)
        return definition.templates[count]

    def read_body(self, definition: Definition, count: int, program: Scope | None) -> Template:
        """Read the body of a function of `count` arguments into a template.

        `program` is the scope in which it was defined, or None for a function of the prelude.
        """
        self.definition = definition
        self.functions = ChainMap({}, definition.functions)  # type: ignore[arg-type]
        outside = program.program if isinstance(program, BodyScope) else program
        scope = BodyScope(self.text, self.builder, self.functions, definition.environment, outside)
        self.scope = scope
        template = self.template = Template(scope.outer)
        for position in range(count):
            node = self.builder.add(INPUT, ())
            template.parameters[node] = position
            if position < len(definition.parameters):
                self.names[definition.parameters[position]] = node
            else:
                self.rest.append(node)
        self.run(*definition.body)
        if self.output is None:
            self._fail(f"{definition.name} has no body", *definition.body)
        template.finish(self.builder.finish((self.output,)), self.output)
        return template

    # ------------------------------------------------------------------------------ states

    _operand: ClassVar = {
        "name": _name,
        "number": _number,
        "operator": _prefix,
        "open": _open,
        "call": _call,
        "root": _root,
        "pi": _pi,
        "close": _close_empty,
        "newline": _newline_before_operand,
        "separator": _end_before_operand,
        "end": _end_before_operand,
    }
    _operator_next: ClassVar = {
        "operator": _operator,
        "close": _close,
        "comma": _comma,
        "comparison": _compare,
        "separator": _end_statement,
        "superscript": _superscript,
        "end": _end_statement,
        "root": _implicit,
    }
    _product_next: ClassVar = dict.fromkeys(("name", "call", "open", "pi"), _implicit)
    at_operand = _state(_operand, _refuse_operand)
    at_statement = _state({**_operand, "assign": _assign, "define": _define}, _refuse_operand)
    after_name = _state({**_operator_next, "newline": _newline_after_name}, _adjacent)
    after_atom = _state(
        {**_operator_next, **_product_next, "newline": _newline_after_atom}, _adjacent
    )
    after_rest = _state({"close": _close, "rest": _rest}, _after_rest)
    in_body = _state(dict.fromkeys(("separator", "newline", "end"), _end_body), _skip)
    """What takes each kind of token, when an operand, a statement or an operator must follow."""


def parse(text: str, bound: Collection[str] = ()) -> Graph:
    """Read a program into its operation graph; the output is the last statement's value.

    `bound` are the names that will be given from outside: they are inputs even where a constant
    or a function has the name. Raises `SyntaxProblem`, `UnknownFunction`, `ArityProblem`,
    `UnknownInput` or `LimitExceeded`, each with the span it is about.
    """
    parser = Parser(text, bound)
    parser.run(0, len(text))
    builder = parser.builder
    if parser.output is None:
        defined = next(iter(parser.functions), "")
        message = "the expression is empty"
        hint = ""
        if defined:
            message = "a definition has no value of its own"
            hint = f"add a statement that calls {defined}, or give the formula alone"
        raise SyntaxProblem(message, Span(0, max(len(text.rstrip()), 1)), hint, text)
    output = parser.output
    if output not in builder.labels and builder.rows[output] != INPUT:
        builder.labels[output] = _free_name("f", builder)
    return builder.finish((output,))


def _free_name(stem: str, builder: GraphBuilder) -> str:
    """Return `stem`, or `stem1`, `stem2`, ... if the program uses it."""
    name, number = stem, 0
    while name in builder.names:
        number += 1
        name = f"{stem}{number}"
    return name
