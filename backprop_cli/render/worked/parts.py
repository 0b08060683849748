"""The parts of a worked solution, as data: what a page has to say, without any layout.

Every formula is an `Expression` (`readings/expressions.py`), which `plain_text`,
`readings/latex.py` and `readings/mathml.py` read. An `Equation` is a chain of them: a = b = c.
Numbers are written as tables write them; names are display names.
"""

from typing import NamedTuple

from backprop_cli.readings import expressions
from backprop_cli.readings.expressions import Expression, product
from backprop_cli.studies.solution import Agreement, Answer, Failure, Solution

LOCAL_MEANS = "The mark “local” is for the slope along one edge alone, all else held still."
"""What a page says where slopes are marked."""

Equation = tuple[Expression, ...]
"""Expressions that are equal to one another, from left to right."""


class Statement(NamedTuple):
    """One statement as it was read: its text, and `name = formula` where that is not too long."""

    text: str
    equation: Equation | None


class Forward(NamedTuple):
    """One node of the forward pass: its name, its formula in names, in numbers, and its value.

    `in_numbers` is None where it says no more than the value; and for a `where`, of which the
    `remark` says the side that was taken: `x > 0 holds`.
    """

    node: int
    name: Expression
    formula: Expression
    in_numbers: Expression | None
    value: Expression
    remark: str

    @property
    def equation(self) -> Equation:
        """The row as one chain: name = formula = formula in numbers = value."""
        middle = () if self.in_numbers is None else (self.in_numbers,)
        return (self.name, self.formula, *middle, self.value)


class Slope(NamedTuple):
    """One local slope ∂node/∂operand, the rule it comes from, its formula and its value.

    `computed` is the formula that is evaluated, where it is another than the textbook's `formula`
    (the same function, written so that it keeps its digits). `which` says which operand is meant
    if the node reads the same one more than once (`1st`). Where `flows` is false the node did not
    select this operand: nothing flows back along this edge.
    """

    node: int
    operand: int
    position: int
    symbol: Expression
    which: str
    rule: str
    formula: Expression
    computed: Expression | None
    value: Expression
    flows: bool

    @property
    def marked(self) -> bool:
        """Whether the symbol is marked as local, because it could mean the whole derivative."""
        return self.symbol[0].kind == expressions.LOCAL

    @property
    def equation(self) -> Equation:
        """The row as one chain: symbol = formula = value."""
        same = self.formula == self.value
        return (self.symbol, self.value) if same else (self.symbol, self.formula, self.value)


class Contribution(NamedTuple):
    """What one node hands to one operand: upstream · local, in symbols and in numbers.

    `symbol` is the derivative it goes into; `alone` says that it is the whole of it.
    """

    node: int
    operand: int
    position: int
    which: str
    symbol: Expression
    upstream: Expression
    local: Expression
    upstream_value: Expression
    local_value: Expression
    value: Expression
    alone: bool

    @property
    def symbols(self) -> Expression:
        """Upstream · local in symbols: ∂f/∂x · ∂x/∂a."""
        return product(self.upstream, self.local)

    @property
    def in_numbers(self) -> Expression:
        """Upstream · local in numbers."""
        return product(self.upstream_value, self.local_value)

    @property
    def equation(self) -> Equation:
        """The row as one chain; it begins with the derivative if this is the whole of it."""
        chain = (self.symbols, self.in_numbers, self.value)
        return (self.symbol, *chain) if self.alone else chain


class Branch(NamedTuple):
    """A sum at a branch: ∂f/∂b = one contribution + another + ... = the total."""

    operand: int
    symbol: Expression
    contributions: tuple[Contribution, ...]
    more: int
    total: Expression

    @property
    def equation(self) -> Equation:
        """The row as one chain: symbol = sum in symbols = sum in numbers = total."""
        rest = [expressions.words(f"… {self.more:,} more")] if self.more else []
        symbols = [part.symbols for part in self.contributions]
        values = [part.value for part in self.contributions]
        sums = (expressions.total([*symbols, *rest]), expressions.total([*values, *rest]))
        return (self.symbol, *sums, self.total)


class Backward(NamedTuple):
    """The backward pass of one output, and what it comes to.

    `contributions` are in the order of the sweep, from the output to the inputs; a sum of
    `branches` is complete when its last contribution has come. `result` has, for each name
    asked for, ∂f/∂name and the number printed everywhere as the answer. `left_out` are sentences
    about rows that a limit left out.
    """

    answer: Answer
    output: Equation
    seed: Equation
    contributions: tuple[Contribution, ...]
    branches: tuple[Branch, ...]
    result: tuple[Equation, ...]
    agreement: Agreement | None
    left_out: tuple[str, ...]


class Worked(NamedTuple):
    """A worked solution: the program, the point, the forward pass, the slopes, each output.

    `stopped` is why the forward pass ends before the output, and None where it does not.
    """

    solution: Solution
    program: tuple[Statement, ...]
    point: tuple[Equation, ...]
    forward: tuple[Forward, ...]
    slopes: tuple[Slope, ...]
    outputs: tuple[Backward, ...]
    stopped: Failure | None
    left_out: tuple[str, ...]
