"""The stacks of an operator-precedence parser: finished operands below, waiting operators above.

An operator waits until one that binds no tighter follows; then it is applied to the operands on
top of their stack, which appends a node to the graph. Each operand remembers where it began and
ended in the text, parentheses included, so that the node of `(a+b)*(b+c)` spans all of it.
"""

from backprop_cli.errors import Span
from backprop_cli.graph import GraphBuilder
from backprop_cli.operations import NEG, POW, SQRT, TABLE

PRECEDENCE = [operation.precedence for operation in TABLE]
"""How tight each row binds as an operator; √ takes the next atom, so √x^2 is (√x)^2."""
PRECEDENCE[SQRT] = PRECEDENCE[POW] + 1

# An operator waits until one that binds no tighter follows; ^ binds right, so that 2^3^2 waits
# for its right side. Row 0 stands for a closing parenthesis, for which none waits.
LEAST = [0, *PRECEDENCE[1:]]
"""The precedence from which on waiting operators are applied before each row may wait."""
LEAST[POW] += 1

PREFIX = (NEG, SQRT)
"""The operators of one operand."""


class Stacks:
    """Operands and operators of the text read so far; `base` is where the open frame begins."""

    def __init__(self, builder: GraphBuilder) -> None:
        self.builder = builder
        self.nodes: list[int] = []
        self.lefts: list[int] = []
        self.rights: list[int] = []
        self.operators: list[int] = []
        self.prefix_starts: list[int] = []
        self.base = 0

    def push(self, node: int, start: int, end: int) -> None:
        """Add a finished operand."""
        self.nodes.append(node)
        self.lefts.append(start)
        self.rights.append(end)

    def pop(self) -> int:
        """Take the last operand away and return its node."""
        self.lefts.pop()
        self.rights.pop()
        return self.nodes.pop()

    def pop_from(self, first: int) -> list[int]:
        """Take all operands from position `first` on away and return their nodes."""
        nodes = self.nodes[first:]
        for stack in (self.nodes, self.lefts, self.rights):
            del stack[first:]
        return nodes

    def span(self, place: int = -1) -> Span:
        """Return where an operand stands, the last one if not said otherwise."""
        return Span(self.lefts[place], self.rights[place])

    def waiting(self) -> list[int]:
        """Return the operators that wait inside the open frame."""
        return self.operators[self.base :]

    def prefix(self, row: int, start: int) -> None:
        """Let a prefix operator wait for its operand."""
        self.operators.append(row)
        self.prefix_starts.append(start)

    def infix(self, row: int) -> None:
        """Let an infix operator wait, after those that bind no weaker have been applied."""
        least = LEAST[row]
        operators = self.operators
        while len(operators) > self.base and PRECEDENCE[operators[-1]] >= least:
            self.reduce()
        operators.append(row)

    def reduce(self) -> None:
        """Apply the operator that waits last."""
        row = self.operators.pop()
        if row in PREFIX:
            start = self.prefix_starts.pop()
            self.nodes[-1] = self.builder.add(row, (self.nodes[-1],), start, self.rights[-1])
            self.lefts[-1] = start
        else:
            self.apply(row)

    def reduce_all(self) -> None:
        """Apply every operator that waits inside the open frame."""
        while len(self.operators) > self.base:
            self.reduce()

    def apply(self, row: int) -> None:
        """Apply a row of two operands to the last two."""
        nodes = self.nodes
        right = nodes.pop()
        self.lefts.pop()
        end = self.rights.pop()
        nodes[-1] = self.builder.add_binary(row, nodes[-1], right, self.lefts[-1], end)
        self.rights[-1] = end
