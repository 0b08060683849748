"""The parentheses that are open: groups, and calls with their arguments.

Where a call begins, how many operands wait is noted; those above them are its arguments. A comma
ends one argument, and only the first one of `where` may be a comparison, which is its condition.
"""

from typing import NamedTuple, NoReturn

from backprop_cli.language import mistakes
from backprop_cli.language.functions import Definition
from backprop_cli.language.stacks import Stacks
from backprop_cli.operations import COMPARISON_ROWS, NEG, SQRT, WHERE


class Call(NamedTuple):
    """A call whose parenthesis is open: of what, and how many operands stood before it."""

    name: str
    row: int
    definition: Definition | None
    name_end: int
    operands: int


class Calls:
    """The open parentheses of a text, the innermost last.

    `opened` tells where each begins (a call with its name), `called` which call it is, or None.
    """

    def __init__(self, text: str, stacks: Stacks) -> None:
        self.text = text
        self.stacks = stacks
        self.opened: list[int] = []
        self.called: list[Call | None] = []

    def innermost(self) -> Call | None:
        """Return the call whose argument is being read, None outside calls or in parentheses."""
        return self.called[-1] if self.called else None

    def open(self, start: int, call: Call | None = None) -> None:
        """Begin with what stands in parentheses."""
        self.opened.append(start)
        self.called.append(call)
        self.stacks.open()

    def close(self, start: int, end: int) -> tuple[int, Call | None]:
        """Finish the innermost parentheses; return where they begin, and which call they are."""
        if not self.opened:
            hint = "remove it, or open a '(' before it"
            mistakes.fail(self.text, "this ')' closes nothing", start, end, hint)
        self.stacks.close()
        return self.opened.pop(), self.called.pop()

    def check_empty(self, token: str, start: int, end: int) -> None:
        """Raise unless a `)` in an operand's place ends a call without arguments."""
        message, hint = "expected an operand, found ')'", "no parenthesis is open here"
        if not self.opened:
            mistakes.fail(self.text, message, start, end, hint)
        call = self.innermost()
        if self.stacks.waiting() or (call and len(self.stacks.operands) > call.operands):
            mistakes.unexpected_for_operand(self.text, token, start, end)
        if call is None:
            message = "expected an operand between these parentheses"
            mistakes.fail(self.text, message, start, end)

    def end_argument(self, start: int, end: int) -> None:
        """Finish an argument that a comma at `start` ends: another will follow."""
        call = self.innermost()
        if call is None:
            message = "a comma can only separate the arguments of a call"
            hint = "write numbers without separators, and statements with ;"
            mistakes.fail(self.text, message, start, end, hint)
        self.stacks.reduce()
        if call.row == WHERE and len(self.stacks.operands) == call.operands:
            self._check_condition()
        self.stacks.hold()

    def _check_condition(self) -> None:
        """Raise unless the first argument of `where` is a comparison."""
        if self.stacks.builder.rows[self.stacks.last] not in COMPARISON_ROWS:
            hint = "compare two values, as in where(x > 0, x, 0)"
            mistakes.fail(self.text, "where needs a condition first", *self.stacks.span(), hint)

    def check_comparison(self, start: int, end: int) -> None:
        """Raise unless a condition is being read: a comparison comes first in `where`, and once."""
        call = self.innermost()
        waiting = self.stacks.waiting()
        if any(row in COMPARISON_ROWS for row in waiting):
            hint = "put one where(...) inside another: where(a < b, where(b < c, x, y), y)"
            mistakes.fail(self.text, "comparisons cannot be chained", start, end, hint)
        binary = sum(row not in (NEG, SQRT) for row in waiting)
        first = call is not None and len(self.stacks.operands) == call.operands + binary
        if call is None or call.row != WHERE or not first:
            message = "a comparison can only be the first argument of where"
            hint = "write where(x > 0, a, b)"
            if call is None and self.opened:
                hint = "write the condition without parentheses: where(x > 0, a, b)"
            mistakes.fail(self.text, message, start, end, hint)

    def refuse_open(self) -> NoReturn:
        """Refuse the end of a statement: a parenthesis is still open."""
        start, call = self.opened[-1], self.called[-1]
        message = "this parenthesis is never closed"
        if len(self.opened) > 1:
            message = f"{len(self.opened):,} parentheses are never closed; this is the innermost"
        end = (call.name_end if call else start) + 1
        mistakes.fail(self.text, message, start, end, "add a ')'")
