"""The stacks of an operator-precedence parser: finished operands below, waiting operators above.

An operator waits until one that binds no tighter follows; then it is applied to the operands on
top of their stack, which appends a node to the graph. An open parenthesis stands among the
operators and binds less than any, so that none is applied across it; one lies at the bottom, and
the stack is never empty. Each operand remembers where it began and ended in the text, parentheses
included, so that the node of `(a+b)*(b+c)` spans all of it.
"""

from typing import NamedTuple

from backprop_cli.errors import Span
from backprop_cli.graph import GraphBuilder
from backprop_cli.operations import NEG, POW, SQRT, TABLE

OPEN = len(TABLE)
"""Stands for an open parenthesis among the rows of waiting operators."""

PRECEDENCE = [*(operation.precedence for operation in TABLE), -1]
"""How tight each row binds as an operator; √ takes the next atom, so √x^2 is (√x)^2."""
PRECEDENCE[SQRT] = PRECEDENCE[POW] + 1

# An operator waits until one that binds no tighter follows; ^ binds right, so that 2^3^2 waits
# for its right side. Row 0 stands for a closing parenthesis, for which none waits.
LEAST = [0, *PRECEDENCE[1:OPEN]]
"""The precedence from which on waiting operators are applied before each row may wait."""
LEAST[POW] += 1

PREFIX = (NEG, SQRT)
"""The operators of one operand."""


class Operand(NamedTuple):
    """A finished operand: its node, and where it began and ended in the text."""

    node: int
    start: int
    end: int


class Stacks:
    """Operands and operators of the text read so far."""

    def __init__(self, builder: GraphBuilder) -> None:
        self.builder = builder
        self.operands: list[tuple[int, int, int]] = []
        self.operators = [OPEN]
        self.prefix_starts: list[int] = []

    @property
    def last(self) -> Operand:
        """The last operand."""
        return Operand(*self.operands[-1])

    def push(self, node: int, start: int, end: int) -> None:
        """Add a finished operand."""
        self.operands.append((node, start, end))

    def close(self) -> None:
        """Apply the operators that wait since the last open parenthesis, and take it away."""
        self.reduce()
        self.operators.pop()

    def widen(self, start: int, end: int) -> None:
        """Let the last operand span its parentheses too."""
        self.operands[-1] = (self.operands[-1][0], start, end)

    def pop_from(self, first: int) -> list[int]:
        """Take all operands from position `first` on away and return their nodes."""
        nodes = [node for node, _, _ in self.operands[first:]]
        del self.operands[first:]
        return nodes

    def span(self, place: int = -1) -> Span:
        """Return where an operand stands, the last one if not said otherwise."""
        return Span(*self.operands[place][1:])

    def waiting(self) -> list[int]:
        """Return the operators that wait since the last open parenthesis."""
        operators = self.operators
        opened = len(operators) - 1
        while operators[opened] != OPEN:
            opened -= 1
        return operators[opened + 1 :]

    def prefix(self, row: int, start: int) -> None:
        """Let a prefix operator wait for its operand."""
        self.operators.append(row)
        self.prefix_starts.append(start)

    def infix(self, row: int) -> None:
        """Let an infix operator wait, after those that bind no weaker have been applied."""
        self.reduce(LEAST[row])
        self.operators.append(row)

    def reduce(self, least: int = 0) -> None:
        """Apply the operators since the open parenthesis that bind at least so tight, last first.

        For two operands this is `GraphBuilder.add`, written out: most of a long program's time.
        """
        operators, operands, builder = self.operators, self.operands, self.builder
        rows, offsets, read = builder.rows, builder.offsets, builder.operands
        row = operators[-1]
        while PRECEDENCE[row] >= least:
            operators.pop()
            right, start, end = operands.pop()
            if row in PREFIX:
                start = self.prefix_starts.pop()
                operands.append((builder.add(row, (right,), start, end), start, end))
            else:
                left, start, _ = operands[-1]
                operands[-1] = (len(rows), start, end)
                rows.append(row)
                read.append(left)
                read.append(right)
                offsets.append(len(read))
                builder.starts.append(start)
                builder.ends.append(end)
            row = operators[-1]

    def raise_to(self, exponent: int, end: int) -> None:
        """Raise the last operand to a power that ends at `end`."""
        node, start, _ = self.operands[-1]
        self.operands[-1] = (self.builder.add(POW, (node, exponent), start, end), start, end)
