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
"""

from collections import ChainMap
from collections.abc import Callable, Collection, MutableMapping
from typing import ClassVar, NamedTuple, NoReturn

from backprop_cli.errors import BackpropError, Span, SyntaxProblem
from backprop_cli.graph import ARITY, BLOCK, Graph, GraphBuilder
from backprop_cli.language import hints, mistakes
from backprop_cli.language.functions import (
    CALL,
    Definition,
    Template,
    apply_row,
    complete,
    expand,
    read_header,
)
from backprop_cli.language.prelude import PRELUDE
from backprop_cli.language.scope import BodyScope, Scope
from backprop_cli.language.stacks import LEAST, OPEN, PRECEDENCE, Stacks
from backprop_cli.language.tokens import (
    KINDS,
    SIGNS,
    SUPERSCRIPTS,
    expression,
    kind_of,
    next_token,
    normalized,
    pieces,
)
from backprop_cli.operations import (
    ADD,
    COMPARISON_ROWS,
    COMPARISONS,
    CONSTANT,
    DIV,
    INPUT,
    MUL,
    NEG,
    POW,
    ROW,
    SQRT,
    SUB,
    TABLE,
    WHERE,
)

State = tuple[Callable[["Parser", str, int, int], "State"], ...]

_ARITHMETIC = {"+": ADD, "-": SUB, "*": MUL, "/": DIV, "^": POW}
_ARITHMETIC |= {sign: _ARITHMETIC[operator] for sign, operator in SIGNS.items()}
_BINARY = {**_ARITHMETIC, **COMPARISONS}
_DIGITS = "0123456789."
_MOST_NUMBERS = 1_000
_INFIX = {space + sign: row for sign, row in _ARITHMETIC.items() for space in ("", " ")}
_INFIX |= {")": 0, " )": 0}
"""The row of each operator, as `LEAST` has them: 0 stands for a closing parenthesis."""


def _state(handlers: dict[str, Callable[..., State]], otherwise: Callable[..., State]) -> State:
    """Return a state: the method for each group of the token expression (kinds count from 1)."""
    return (otherwise, *(handlers.get(kind, otherwise) for kind in KINDS))


class Call(NamedTuple):
    """A call whose parenthesis is open: of what, and how many operands stood before it."""

    name: str
    row: int
    definition: Definition | None
    name_end: int
    operands: int


class Parser:
    """Reads one program into a graph, or the body of one function into a template."""

    def __init__(self, text: str, bound: Collection[str] = ()) -> None:
        self.text = text
        self.builder = GraphBuilder(text)
        self.functions: MutableMapping[str, Definition] = {}
        self.scope = Scope(text, self.builder, bound, self.functions)
        self.names = self.builder.names
        self.stacks = Stacks(self.builder)
        self.opened: list[int] = []
        self.calls: list[Call | None] = []
        self.numbers: dict[str, str] = {}
        self.definition: Definition | None = None
        self.template: Template | None = None
        self.rest: list[int] = []
        self.target: tuple[str, Span] | None = None
        self.output: int | None = None
        self.header: tuple[str, int, int] = ("", 0, 0)
        self.depth = 0

    def run(self, start: int, end: int) -> None:
        """Read the tokens of `text[start:end]`."""
        state = self.at_statement if self.template is None else self.at_operand
        for part in pieces(self.text, start, end):
            state = self._read(part, state, start)
            start += sum(map(len, part))
            self.builder.settle(BLOCK)

    def _read(self, part: list[str], state: State, right: int) -> State:
        """Read pieces of the text, the first of which begins at `right`; return the next state.

        Long programs are mostly names, numbers, binary operators and parentheses. These steps are
        written out here: as `_name`, `_number`, `_open`, `_operator` and `_close` take them, with
        `Stacks.reduce` and `GraphBuilder.add`. All others are left to `_other`.
        """
        after_name, after_atom, at_operand = self.after_name, self.after_atom, self.at_operand
        names, numbers, stacks = self.names, self.numbers, self.stacks
        opened, calls = self.opened, self.calls
        below, begins, operators = stacks.operands, stacks.starts, stacks.operators
        node, begin, finish = stacks.last, stacks.start, stacks.end
        builder, precedence, leasts, infix = self.builder, PRECEDENCE, LEAST, _INFIX
        rows, firsts, seconds = builder.rows, builder.firsts, builder.seconds
        starts, ends, literals = builder.starts, builder.ends, builder.literals
        inputs, bound = builder.inputs, self.scope.bound if self.template is None else ()
        for piece in part:
            right += len(piece)
            if state is at_operand:
                token = piece.lstrip(" \t") if piece < "!" else piece
                known = names.get(token)
                if known is not None:
                    node, begin, finish = known, right - len(token), right
                    state = after_name
                    continue
                if token == "(":
                    opened.append(right - 1)
                    calls.append(None)
                    operators.append(OPEN)
                    continue
                leaf = None
                if token in numbers:
                    leaf, literals[len(rows)], following = CONSTANT, numbers[token], after_atom
                elif token in bound and token.isascii() and token.isidentifier():
                    leaf, names[token], following = INPUT, len(rows), after_name
                    inputs[token] = len(rows)
                if leaf is not None:
                    node, begin, finish = len(rows), right - len(token), right
                    rows.append(leaf)
                    firsts.append(0)
                    seconds.append(0)
                    starts.append(begin)
                    ends.append(right)
                    state = following
                    continue
            elif state is after_name or state is after_atom:
                row = infix.get(piece)
                if row is not None:
                    least = leasts[row]
                    while precedence[waiting := operators[-1]] >= least:
                        if ARITY[waiting] != 2:
                            break
                        operators.pop()
                        seconds.append(node)
                        node, begin = len(rows), begins.pop()
                        firsts.append(below.pop())
                        rows.append(waiting)
                        starts.append(begin)
                        ends.append(finish)
                    else:
                        if row:
                            operators.append(row)
                            below.append(node)
                            begins.append(begin)
                            state = at_operand
                            continue
                        if calls and calls[-1] is None:
                            calls.pop()
                            operators.pop()
                            begin, finish = opened.pop(), right
                            state = after_atom
                            continue
            stacks.last, stacks.start, stacks.end = node, begin, finish
            state = self._other(piece, state, right - len(piece))
            node, begin, finish = stacks.last, stacks.start, stacks.end
        stacks.last, stacks.start, stacks.end = node, begin, finish
        return state

    def _other(self, piece: str, state: State, left: int) -> State:
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
        if self._call_of_argument() is None or self.stacks.waiting():
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
        """Take a comparison, where a condition is being read: first in `where`, and once."""
        call = self._call_of_argument()
        waiting = self.stacks.waiting()
        if any(row in COMPARISON_ROWS for row in waiting):
            hint = "put one where(...) inside another: where(a < b, where(b < c, x, y), y)"
            self._fail("comparisons cannot be chained", start, end, hint)
        binary = sum(row not in (NEG, SQRT) for row in waiting)
        first = call is not None and len(self.stacks.operands) == call.operands + binary
        if call is None or call.row != WHERE or not first:
            hint = "write where(x > 0, a, b)"
            if call is None and self.opened:
                hint = "write the condition without parentheses: where(x > 0, a, b)"
            self._fail("a comparison can only be the first argument of where", start, end, hint)
        return self._operator(token, start, end)

    # ------------------------------------------------------------------------- parentheses

    def _open(self, token: str, start: int, end: int) -> State:
        self.opened.append(start)
        self.calls.append(None)
        self.stacks.open()
        return self.at_operand

    def _call_of_argument(self) -> Call | None:
        """Return the call whose argument is being read, None outside calls or in parentheses."""
        return self.calls[-1] if self.calls else None

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
        self.opened.append(start)
        self.calls.append(Call(name, row, definition, name_end, operands))
        self.stacks.open()
        return self.at_operand

    def _from_prelude(self, name: str, start: int, end: int) -> Definition:
        if name not in PRELUDE:
            known = self.scope.knows(name)
            mistakes.unknown_function(self.text, name, start, end, known, list(self.functions))
        text = PRELUDE[name][0]
        match = expression(True).match(text)
        assert match is not None
        body = Span(match.end(), len(text))
        definition = read_header(text, match[0], 0, body, {}, {})
        self.functions[name] = definition
        return definition

    def _close_empty(self, token: str, start: int, end: int) -> State:
        """Take `()` after a function's name; refuse any other `)` in an operand's place."""
        if not self.opened:
            self._fail("expected an operand, found ')'", start, end, "no parenthesis is open here")
        call = self._call_of_argument()
        if self.stacks.waiting() or (call and len(self.stacks.operands) > call.operands):
            mistakes.unexpected_for_operand(self.text, token, start, end)
        if call is None:
            self._fail("expected an operand between these parentheses", start, end)
        return self._close(token, start, end)

    def _close(self, token: str, start: int, end: int) -> State:
        if not self.opened:
            self._fail("this ')' closes nothing", start, end, "remove it, or open a '(' before it")
        self.stacks.close()
        opening, call = self.opened.pop(), self.calls.pop()
        if call is None:
            self.stacks.put(self.stacks.last, opening, end)
        else:
            self._finish_call(call, opening, end)
        return self.after_atom

    def _comma(self, token: str, start: int, end: int) -> State:
        call = self._call_of_argument()
        if call is None:
            hint = "write numbers without separators, and statements with ;"
            self._fail("a comma can only separate the arguments of a call", start, end, hint)
        self.stacks.reduce()
        if call.row == WHERE and len(self.stacks.operands) == call.operands:
            self._check_condition()
        self.stacks.hold()
        return self.at_operand

    def _check_condition(self) -> None:
        """Raise unless the first argument of `where` is a comparison."""
        if self.builder.rows[self.stacks.last] not in COMPARISON_ROWS:
            hint = "compare two values, as in where(x > 0, x, 0)"
            self._fail("where needs a condition first", *self.stacks.span(), hint)

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
        return self.at_operand if self.opened else self._end_before_operand(token, start, end)

    def _newline_after_name(self, token: str, start: int, end: int) -> State:
        return self.after_name if self.opened else self._end_statement(token, start, end)

    def _newline_after_atom(self, token: str, start: int, end: int) -> State:
        return self.after_atom if self.opened else self._end_statement(token, start, end)

    def _end_before_operand(self, token: str, start: int, end: int) -> State:
        """Take an empty statement; refuse one that ends where an operand must come."""
        waiting = self.stacks.waiting()
        if self.target or waiting or self.opened or self.template is not None:
            if self.opened and not waiting and token == "":
                self._unclosed()
            mistakes.unexpected_for_operand(self.text, token, start, end)
        return self.at_statement

    def _unclosed(self) -> NoReturn:
        start, call = self.opened[-1], self.calls[-1]
        message = "this parenthesis is never closed"
        if len(self.opened) > 1:
            message = f"{len(self.opened):,} parentheses are never closed; this is the innermost"
        self._fail(message, start, (call.name_end if call else start) + 1, "add a ')'")

    def _end_statement(self, token: str, start: int, end: int) -> State:
        if self.opened:
            self._unclosed()
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
    parser = Parser(text, frozenset(bound))
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
