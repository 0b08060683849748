"""The stacks of an operator-precedence parser: finished operands below, waiting operators above.

An operator waits until one that binds no tighter follows; then it is applied to the operands on
top of their stack, which appends a node to the graph. An open parenthesis stands among the
operators and binds less than any, so that none is applied across it; one lies at the bottom, and
the stack is never empty. Each operand remembers where it began in the text, parentheses included,
and the last one where it ended, so that the node of `(a+b)*(b+c)` spans all of it.
"""

from backprop_cli.errors import Span
from backprop_cli.graph import GraphBuilder
from backprop_cli.language.tokens import SIGNS
from backprop_cli.operations import ADD, DIV, MUL, NEG, POW, SQRT, SUB, TABLE

ARITHMETIC = {"+": ADD, "-": SUB, "*": MUL, "/": DIV, "^": POW}
ARITHMETIC |= {sign: ARITHMETIC[operator] for sign, operator in SIGNS.items()}
"""The row of each infix operator, by all its spellings."""

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

NONE = -1
"""Stands for the last operand where none has been finished."""

PREFIX = (NEG, SQRT)
"""The operators of one operand."""


class Stacks:
    """Operands and operators of the text read so far.

    The operand that was finished last is `last`; it stands in the text from `start` to `end`.
    `operands` are those below it: the left sides of waiting operators, and arguments of calls;
    `starts` tells where each begins.
    """

    def __init__(self, builder: GraphBuilder) -> None:
        self.builder = builder
        self.last = NONE
        self.start = 0
        self.end = 0
        self.operands: list[int] = []
        self.starts: list[int] = []
        self.operators = [OPEN]
        self.prefix_starts: list[int] = []

    def put(self, node: int, start: int, end: int) -> None:
        """Take a finished operand."""
        self.last, self.start, self.end = node, start, end

    def hold(self) -> None:
        """Put the last operand, if there is one, with those below it: another will follow."""
        if self.last != NONE:
            self.operands.append(self.last)
            self.starts.append(self.start)
        self.last = NONE

    def open(self) -> None:
        """Begin with what stands in parentheses."""
        self.operators.append(OPEN)
        self.last = NONE

    def close(self) -> None:
        """Apply the operators that wait since the last open parenthesis, and take it away."""
        self.reduce()
        self.operators.pop()

    def pop_from(self, first: int) -> list[int]:
        """Take all operands from position `first` on away and return their nodes."""
        self.hold()
        nodes = self.operands[first:]
        del self.operands[first:], self.starts[first:]
        return nodes

    def span(self) -> Span:
        """Return where the last operand stands."""
        return Span(self.start, self.end)

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
        self.hold()

    def reduce(self, least: int = 0) -> None:
        """Apply the operators since the open parenthesis that bind so tight, the last first."""
        while PRECEDENCE[row := self.operators[-1]] >= least:
            self.operators.pop()
            if row in PREFIX:
                self.start = self.prefix_starts.pop()
                operands = [self.last]
            else:
                self.start = self.starts.pop()
                operands = [self.operands.pop(), self.last]
            self.last = self.builder.add(row, operands, self.start, self.end)

    def raise_to(self, exponent: int, end: int) -> None:
        """Raise the last operand to a power that ends at `end`."""
        self.end = end
        self.last = self.builder.add(POW, (self.last, exponent), self.start, end)
