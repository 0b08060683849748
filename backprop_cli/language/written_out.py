"""The commonest steps of the parser once more, written out in one loop for speed.

Nothing here adds to the language: `Parser.run` could give every piece to `Parser.take`, and a
test reads all kinds of text both ways. But long programs are mostly names, numbers, binary
operators, parentheses and calls of one operand; this loop takes those in place, which halves the
time of reading. Its locals `node`, `begin` and `finish` are `last`, `start` and `end` of the
stacks, which have them again before a piece is left to `take`. A comment names the method that
each step equals.
"""

from collections.abc import Callable, Collection
from typing import TypeVar

from backprop_cli.graph import ARITY
from backprop_cli.language.calls import Call, Calls
from backprop_cli.language.stacks import ARITHMETIC, LEAST, NONE, OPEN, PRECEDENCE
from backprop_cli.operations import CONSTANT, INPUT, TABLE

State = TypeVar("State")
"""What the parser expects next: here only compared, and given back."""

_INFIX = {space + sign: row for sign, row in ARITHMETIC.items() for space in ("", " ")}
_INFIX |= {")": 0, " )": 0}
"""The row of each operator, as `LEAST` has them: 0 stands for a closing parenthesis."""

_CALLED = {
    f"{operation.name}(": row
    for row, operation in enumerate(TABLE)
    if operation.called and ARITY[row] == 1
}
"""The row of each operation that is called with one operand."""

_NOT_CLOSED = Call("", 0, None, 0, 0)
"""Stands for the innermost call where no parenthesis is open: a `)` is then left to `take`."""


def read(
    part: list[str],
    right: int,
    state: State,
    states: tuple[State, State, State],
    calls: Calls,
    numbers: dict[str, str],
    bound: Collection[str],
    defined: Collection[str],
    take: Callable[[str, State, int], State],
) -> tuple[State, int]:
    """Read pieces of the text from `right` on; return the next state and where they end.

    `states` are those where an operand must come, after a name and after another atom; `numbers`
    the literals met before; `bound` the names that are inputs when first met; `defined` the
    functions of one's own, which come before those of the table. `take` takes all the pieces that
    are not written out here.
    """
    at_operand, after_name, after_atom = states
    stacks, opened, called = calls.stacks, calls.opened, calls.called
    below, begins, operators = stacks.operands, stacks.starts, stacks.operators
    node, begin, finish = stacks.last, stacks.start, stacks.end
    precedence, leasts, infix = PRECEDENCE, LEAST, _INFIX
    builder = stacks.builder
    names, inputs, literals = builder.names, builder.inputs, builder.literals
    rows, firsts, seconds = builder.rows, builder.firsts, builder.seconds
    starts, ends = builder.starts, builder.ends
    for piece in part:
        right += len(piece)
        if state is at_operand:
            token = piece.lstrip(" \t") if piece < "!" else piece
            known = names.get(token)
            if known is not None:  # Parser._name, of a name met before: Stacks.put
                node, begin, finish = known, right - len(token), right
                state = after_name
                continue
            if token == "(":  # Parser._open: Calls.open, Stacks.open
                opened.append(right - 1)
                called.append(None)
                operators.append(OPEN)
                continue
            leaf = None
            if token in numbers:  # Parser._number: GraphBuilder.constant
                leaf, following = CONSTANT, after_atom
                node = len(rows)
                literals[node] = numbers[token]
            elif token in bound and token.isascii() and token.isidentifier():
                # Parser._name, of a bound name met for the first time: Scope.resolve
                leaf, following = INPUT, after_name
                node = names[token] = inputs[token] = len(rows)  # GraphBuilder.input
            if leaf is not None:  # GraphBuilder.add_leaf, Stacks.put
                begin, finish = right - len(token), right
                rows.append(leaf)
                firsts.append(0)
                seconds.append(0)
                starts.append(begin)
                ends.append(right)
                state = following
                continue
            row = _CALLED.get(token)
            if row is not None and (name := token[:-1]) not in defined:  # Parser._call: Calls.open
                opened.append(right - len(token))
                called.append(Call(name, row, None, right - 1, len(below)))
                operators.append(OPEN)
                node = NONE
                continue
        elif state is after_name or state is after_atom:
            row = infix.get(piece)
            if row is not None:
                least = leasts[row]
                while precedence[waiting := operators[-1]] >= least:  # Stacks.reduce
                    if ARITY[waiting] != 2:
                        break  # a prefix operator: `take` applies it, and those below it
                    operators.pop()
                    seconds.append(node)  # GraphBuilder.add
                    node, begin = len(rows), begins.pop()
                    firsts.append(below.pop())
                    rows.append(waiting)
                    starts.append(begin)
                    ends.append(finish)
                else:
                    if row:  # Parser._operator: Stacks.infix, Stacks.hold
                        operators.append(row)
                        below.append(node)
                        begins.append(begin)
                        state = at_operand
                        continue
                    call = called[-1] if called else _NOT_CLOSED
                    if call is None or (ARITY[call.row] == 1 and len(below) == call.operands):
                        # Parser._close: Calls.close, Stacks.put
                        called.pop()
                        operators.pop()
                        begin, finish = opened.pop(), right
                        state = after_atom
                        if call is not None:  # Parser._finish_call: apply_row, GraphBuilder.add
                            firsts.append(node)
                            seconds.append(node)
                            node = len(rows)
                            rows.append(call.row)
                            starts.append(begin)
                            ends.append(finish)
                        continue
        stacks.last, stacks.start, stacks.end = node, begin, finish
        state = take(piece, state, right - len(piece))
        node, begin, finish = stacks.last, stacks.start, stacks.end
    stacks.last, stacks.start, stacks.end = node, begin, finish
    return state, right
