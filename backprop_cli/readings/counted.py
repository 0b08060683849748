"""Numbers that count what is done with them, so that a cost is counted and not guessed.

The sweeps of `calculus/` run unchanged on these numbers: they do not know that they are counted.
Every operator of a number, and every primitive of the table, adds to the tally of the arithmetic
the number belongs to. What counts as what:

- addition: `+`, `-` and a change of sign; the sum of n numbers is n - 1 of them, a mean too;
- multiplication: `*`, `/`, and the division in a mean;
- call: every other function (exp, pow, max, ...) and every comparison inside a formula;
- edge product: a multiplication of a number that flows. The seed of a sweep flows, and what it
  is multiplied or added into flows on; so flow × local partial is one edge product, and nothing
  else is. Edge products are among the multiplications.

The checks a sweep makes for its own sake (is this undefined? is this edge taken?) are not
arithmetic and cost nothing here.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

from backprop_cli.graph import Graph
from backprop_cli.operations import COMPARISONS, TABLE
from backprop_cli.readings.floats import NAN, TOTAL, number
from backprop_cli.readings.formulas import Arithmetic, Spelling

_ADDITIONS = ("add", "sub", "neg")
_MULTIPLICATIONS = ("mul", "div")
_SIGNS = {TABLE[row].name: sign for sign, row in COMPARISONS.items()}


class Operations(NamedTuple):
    """How many operations were done; the edge products are among the multiplications."""

    additions: int = 0
    multiplications: int = 0
    calls: int = 0
    edge_products: int = 0

    @property
    def total(self) -> int:
        """All operations, each counted once."""
        return self.additions + self.multiplications + self.calls

    def times(self, count: int) -> "Operations":
        """Return the operations of `count` repetitions."""
        return Operations(*(count * part for part in self))

    def plus(self, other: "Operations") -> "Operations":
        """Return these operations and others."""
        return Operations(*(a + b for a, b in zip(self, other, strict=True)))


class _Tally:
    """What has been counted so far."""

    __slots__ = ("additions", "calls", "edge_products", "multiplications")

    def __init__(self) -> None:
        self.additions = self.multiplications = self.calls = self.edge_products = 0


class Counted(float):
    """A float whose operators add to a tally."""

    __slots__ = ("flows", "tally")
    tally: _Tally
    flows: bool

    def _made(self, value: float, flows: bool) -> "Counted":
        made = Counted(value)
        made.tally, made.flows = self.tally, flows
        return made

    def _with(self, other: float) -> bool:
        return self.flows or (isinstance(other, Counted) and other.flows)

    def _sum(self, value: float, other: float) -> "Counted":
        self.tally.additions += 1
        return self._made(value, self._with(other))

    def _product(self, value: float, other: float) -> "Counted":
        flows = self._with(other)
        self.tally.multiplications += 1
        self.tally.edge_products += flows
        return self._made(value, flows)

    def __add__(self, other: float) -> "Counted":
        return self._sum(float(self) + float(other), other)

    def __radd__(self, other: float) -> "Counted":
        return self._sum(float(other) + float(self), other)

    def __sub__(self, other: float) -> "Counted":
        return self._sum(float(self) - float(other), other)

    def __rsub__(self, other: float) -> "Counted":
        return self._sum(float(other) - float(self), other)

    def __mul__(self, other: float) -> "Counted":
        return self._product(float(self) * float(other), other)

    def __rmul__(self, other: float) -> "Counted":
        return self._product(float(other) * float(self), other)

    def __truediv__(self, other: float) -> "Counted":
        return self._product(float(self) / float(other), other)

    def __rtruediv__(self, other: float) -> "Counted":
        return self._product(float(other) / float(self), other)


class Counting(Arithmetic):
    """Float64 arithmetic that counts, with a tally of its own."""

    def __init__(self) -> None:
        self._tally = _Tally()
        spelling = Spelling({}, self._primitive, self._literal, compare=self._comparison)
        super().__init__(spelling, spelling, NAN, math.isfinite)
        self.zero, self.one = self.counted(0.0, True), self.counted(1.0, True)

    def counted(self, value: float, flows: bool = False) -> Counted:
        """Return a number that counts; the seeds of a sweep flow."""
        made = Counted(value)
        made.tally, made.flows = self._tally, flows
        return made

    def start(self, graph: Graph) -> None:
        """Make ready for a graph and begin to count: compiling formulas is no arithmetic."""
        self.prepare_values(graph)
        self.prepare_partials(graph)
        self.taken()

    def taken(self) -> Operations:
        """Return what has been counted, and begin again from 0."""
        tally = self._tally
        found = Operations(tally.additions, tally.multiplications, tally.calls, tally.edge_products)
        tally.additions = tally.multiplications = tally.calls = tally.edge_products = 0
        return found

    def _literal(self, literal: str) -> Counted:
        return self.counted(number(literal))

    def _primitive(self, name: str) -> Callable[..., Counted]:
        plain, tally, counted = TOTAL.primitive(name), self._tally, self.counted

        def primitive(*arguments: float) -> Counted:
            # Plain numbers go in, so that nothing inside is counted a second time.
            if name in _ADDITIONS:
                tally.additions += 1
            elif name in _MULTIPLICATIONS:
                tally.multiplications += 1
            elif name in ("sum", "mean"):
                tally.additions += len(arguments) - 1
                tally.multiplications += name == "mean"
            else:
                tally.calls += 1
            return counted(plain(*map(float, arguments)))

        return primitive

    def _comparison(self, name: str) -> Callable[..., bool]:
        plain, tally = _COMPARE[_SIGNS[name]], self._tally

        def compare(x: float, y: float) -> bool:
            tally.calls += 1
            return plain(x, y)

        return compare


_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": lambda x, y: x < y,
    "<=": lambda x, y: x <= y,
    ">": lambda x, y: x > y,
    ">=": lambda x, y: x >= y,
    "==": lambda x, y: x == y,
    "!=": lambda x, y: x != y,
}
