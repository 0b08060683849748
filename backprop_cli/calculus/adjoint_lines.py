"""The adjoints of a program as lines of code: the backward pass of a derivation.

Along an edge that a selecting operation does not take nothing flows, not even 0·inf. A program
cannot know beforehand which it will be, so below a selecting operation a test is carried along
(`x_reaches_y`), and guards every product that could make NaN of nothing. An undefined value has no
slope along anything, so where the output is NaN every test holds.
"""

from collections.abc import Mapping, Sequence

from backprop_cli.calculus.value_lines import HELP, PRODUCT, SEED, TEST, Draft, ValueLines
from backprop_cli.language.notation import Piece
from backprop_cli.operations import CONSTANT, MUL, TABLE
from backprop_cli.readings.source import NAMED, Term, Test


class AdjointLines:
    """Writes the contributions that reach the names asked for.

    `flags[k]` has, for each contribution to node k, the test of whether it flows; None for always.
    """

    def __init__(self, values: ValueLines, wrt: Mapping[str, int]) -> None:
        self.graph, self.output, self.wrt = values.graph, values.output, wrt
        self.language, self.coder, self.names = values.language, values.coder, values.names
        self.terms, self.code, self.shaped = values.terms, values.code, values.shaped
        self.doubtful = values.doubtful[values.output]
        self.adjoint_names: dict[int, str] = {}
        self.flags: dict[int, list[Test | None]] = {}
        self.drafts: list[Draft] = []
        self._write()

    def _write(self) -> None:
        """Walk from the output down, as `reverse` does."""
        active = self.graph.dependents(self.wrt.values())
        if not active[self.output]:
            return
        self.flags[self.output] = [None]
        self._draft(SEED, self._adjoint(self.output), self._seed(), self.output)
        for node in range(self.output, -1, -1):
            if node in self.flags and self.graph.rows[node] > CONSTANT:
                self._hand_on(node, active)

    def _seed(self) -> str:
        """Return the starting 1."""
        value = self.terms[self.output].piece.text
        seed = self.language.seed if value in self.shaped else "1.0"
        return self._if_defined(1.0) or seed.format(value)

    def _if_defined(self, value: float) -> str:
        """Return a number that is NaN where the output is; nothing if it never is."""
        if not self.doubtful:
            return ""
        out = self.terms[self.output].piece
        defined = self.coder.compare("==", out, out)
        terms = self.coder.number(value), self.coder.number(float("nan"))
        return self.coder.select(defined, *(term.piece for term in terms)).text

    def _hand_on(self, node: int, active: bytearray) -> None:
        """Write the contributions of one node to its operands."""
        row = self.graph.rows[node]
        operands = self.graph.operands_of(node)
        flag = self._flag(node, [k for k in operands if active[k]])
        shared: dict[str, Term] | None = None
        for position, operand in enumerate(operands):
            if not active[operand]:
                continue
            shared = shared or self._shared(node)
            local = self.coder.slope(row, position, shared | self._own(node, position))
            if local.number == 0:
                continue
            edge, guarded = flag, local.number is None
            if TABLE[row].selects and local.passes is not True:
                edge, local = self._selected(node, operand, flag, local)
                guarded = True
            self._contribute(node, operand, local, edge, guarded)

    def _flag(self, node: int, operands: Sequence[int]) -> Test | None:
        """Return the test of whether anything flows to a node; None where it always does."""
        flags = self.flags[node]
        if None in flags or not operands:
            return None
        tests = list(dict.fromkeys(flag for flag in flags if flag is not None))
        joined = tests[0]
        for test in tests[1:]:
            joined = self.coder.either(joined, test)
        return joined if len(tests) == 1 else self._test(f"{self.code[node]}_matters", joined, node)

    def _test(self, name: str, test: Test, node: int, operand: int = -1) -> Test:
        """Write a line that names a test."""
        name = self.names.new(name)
        self._draft(TEST, name, test.text, node, operand)
        return Test(name, NAMED)

    def _selected(
        self, node: int, operand: int, flag: Test | None, local: Term
    ) -> tuple[Test, Term]:
        """Write the test of whether a selecting operation takes an operand; return slope and it."""
        taker, taken = self.code[node], self.code[operand]
        if isinstance(local.passes, Test):
            test, slope = local.passes, local.taken or local
        else:
            slope = Term(Piece(self.names.new(f"slope_{taken}_{taker}")))
            self._draft(HELP, slope.piece.text, local.piece.text, node, operand)
            test = self.coder.compare("!=", slope.piece, self.coder.number(0.0).piece)
        if self.doubtful:  # NaN flows everywhere
            value = self.terms[self.output].piece
            test = self.coder.either(test, self.coder.compare("!=", value, value))
        if flag is not None:
            test = self.coder.both(flag, test)
        return self._test(f"{taken}_reaches_{taker}", test, node, operand), slope

    def _contribute(
        self, node: int, operand: int, local: Term, edge: Test | None, guarded: bool
    ) -> None:
        """Write the product upstream × local, added to what the operand has received before."""
        product = self.coder.apply(MUL, (Term(Piece(self.adjoint_names[node])), local)).piece
        if edge is not None and guarded:
            product = self.coder.select(edge, product, self.coder.number(0.0).piece)
        self._draft(PRODUCT, self._adjoint(operand), product.text, node, operand)
        self.flags.setdefault(operand, []).append(edge)

    def _draft(self, kind: str, name: str, text: str, node: int, operand: int = -1) -> None:
        self.drafts.append(Draft(kind, name, text, node, operand))

    def _adjoint(self, node: int) -> str:
        made = self.adjoint_names.get(node)
        if made is None:
            made = self.adjoint_names[node] = self.names.new(f"d_{self.code[node]}")
        return made

    def gradient(self, node: int) -> str:
        """Return the finished adjoint of a name that was asked for; zero where nothing arrived."""
        made = self.adjoint_names.get(node)
        if made is not None:
            return made
        zero = self.language.zero.format(self.terms[self.output].piece.text)
        used = self.graph.dependencies([self.output])[node]
        return (self._if_defined(0.0) or zero) if used else zero

    # ------------------------------------------------------------------ what slopes may read

    def _shared(self, node: int) -> dict[str, Term]:
        """Return what the slopes along all operands of a node may read."""
        operation = TABLE[self.graph.rows[node]]
        operands = self.graph.operands_of(node)
        terms = [self.terms[k] for k in operands]
        shared = {"out": self.terms[node]}
        if not operation.variadic:
            return shared | dict(zip(operation.names, terms, strict=True))
        fixed = operation.fixed
        shared |= dict(zip(operation.names[:fixed], terms[:fixed], strict=True))
        shared["count"] = self.coder.number(float(len(operands) - fixed))
        if any("ties" in text for text in operation.partials):
            shared["ties"] = self._ties(node, terms[fixed:])
        return shared

    def _ties(self, node: int, terms: Sequence[Term]) -> Term:
        """Write how many operands equal the value of a node."""
        name = self.names.new(f"ties_{self.code[node]}")
        self._draft(HELP, name, self.coder.call("ties", (self.terms[node], *terms)).text, node)
        return Term(Piece(name))

    def _own(self, node: int, position: int) -> dict[str, Term]:
        """Return what the slope along one operand of a collection reads besides."""
        operation = TABLE[self.graph.rows[node]]
        if not operation.variadic:
            return {}
        index = position - operation.fixed
        operand = self.graph.operands_of(node)[position]
        return {"x": self.terms[operand], "index": self.coder.number(float(index))}
