"""Reverse mode that writes lines of code: values up, then one product of the chain rule a line.

The sweep is that of `reverse`; where that multiplies two numbers this writes their product, and
where that adds a contribution this writes the addition. So the code of a graph has one line for
each node and one for each edge along which a derivative flows.

Along an edge that a selecting operation does not take nothing flows, not even 0·inf. A program
cannot know beforehand which it will be, so below a selecting operation a test is carried along
(`on_x`: does anything flow to x here?), and guards every product that could make NaN of nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from backprop_cli.calculus.values import forward_values
from backprop_cli.graph import Graph
from backprop_cli.language.names import display_names
from backprop_cli.language.notation import Piece
from backprop_cli.operations import (
    COMPARISON_ROWS,
    CONSTANT,
    DIV,
    INPUT,
    MUL,
    POW,
    TABLE,
    WHERE,
)
from backprop_cli.readings.floats import number
from backprop_cli.readings.library import words_of
from backprop_cli.readings.source import (
    NAMED,
    Coder,
    Language,
    Term,
    Test,
    is_inside,
    is_undefined_at_infinity,
    overflows,
)

VALUE, SEED, TEST, HELP, PRODUCT = "value", "seed", "test", "help", "product"
"""The kinds of line: a value, the starting 1, a test, a number that slopes share, a product."""

_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}


class Line(NamedTuple):
    """One line of code, and what it says: nodes by the names that people read.

    A product is the contribution of `node` to `operand`; `adds` says that others came before it.
    """

    kind: str
    code: str
    node: str
    operand: str = ""
    adds: bool = False


class Name(NamedTuple):
    """A name as people read it, and as the code spells it."""

    shown: str
    code: str


class Derivation(NamedTuple):
    """The code of one output and its gradient: the body of a function.

    `functions` are those of rows and slopes that the body calls; `calls` all else that it calls.
    `renamed` lists the names that the code had to spell in another way, `unused` the parameters
    that the body does not read.
    """

    parameters: tuple[Name, ...]
    values: tuple[Line, ...]
    adjoints: tuple[Line, ...]
    result: Name
    gradient: tuple[Name, ...]
    functions: tuple[str, ...]
    calls: frozenset[str]
    renamed: tuple[Name, ...]
    unused: tuple[str, ...]


def derivation(graph: Graph, output: int, wrt: Mapping[str, int], language: Language) -> Derivation:
    """Return value and gradient of `output` as code of `language`.

    The names are the program's. One that the language reserves, or that the code itself calls,
    gets an underscore at its end; where the language has no other letters, λ is spelled u03bb.
    Every input of the graph is a parameter, used or not.
    """
    first = _Writer(graph, output, wrt, language, frozenset())
    first.write()
    taken = words_of((*first.coder.calls, *first.coder.rows))
    return _Writer(graph, output, wrt, language, taken).write()


class _Draft(NamedTuple):
    """A line before it is known whether it is needed, and whether more is added to its name."""

    kind: str
    name: str
    text: str
    node: int
    operand: int = -1


class _Names:
    """Names of the code, each given once."""

    def __init__(self, reserved: Iterable[str], ascii_only: bool) -> None:
        self.taken = set(reserved)
        self.ascii_only = ascii_only

    def spelled(self, shown: str) -> str:
        """Return how the code spells a name, whether or not it is taken."""
        text = shown.replace("′", "_")
        if self.ascii_only:
            text = "".join(c if c.isascii() else f"u{ord(c):04x}" for c in text)
        return text

    def new(self, shown: str) -> str:
        """Return a name that is not taken, as near to this one as can be."""
        text = self.spelled(shown)
        while text in self.taken:
            text += "_"
        self.taken.add(text)
        return text


class _Writer:
    """Writes the lines of one derivation."""

    def __init__(
        self,
        graph: Graph,
        output: int,
        wrt: Mapping[str, int],
        language: Language,
        taken: frozenset[str],
    ) -> None:
        self.graph, self.output, self.wrt, self.language = graph, output, wrt, language
        self.coder = Coder(language)
        self.names = _Names(language.reserved | taken, language.ascii_names)
        self.needed = graph.dependencies((output, *graph.inputs.values()))
        self.free = graph.dependents(graph.inputs.values())
        self.shown = display_names(graph)
        if not (self._has_line(output) or graph.rows[output] == INPUT):
            self.shown[output] = "f"
        self.doubtful = bytearray(graph.size)
        self.unbounded = bytearray(graph.size)
        self.terms: list[Term] = [Term(Piece(""))] * graph.size
        self.code: dict[int, str] = {}
        self.shaped: set[str] = set()
        self.values: list[_Draft] = []
        self.adjoints: list[_Draft] = []
        self.adjoint_names: dict[int, str] = {}
        self.flags: dict[int, list[Test | None]] = {}

    def write(self) -> Derivation:
        """Return the finished derivation."""
        self._name_nodes()
        self._write_values()
        self._write_adjoints()
        result = Name(self.shown[self.output], self.terms[self.output].piece.text)
        gradient = tuple(Name(name, self._gradient(node)) for name, node in self.wrt.items())
        live, used = self._live(result, *gradient)
        functions, calls = self.coder.functions(used)
        calls |= {call for call in self.coder.calls if words_of([call]) <= used}
        return Derivation(
            tuple(Name(name, self.code[node]) for name, node in self.graph.inputs.items()),
            tuple(line for line in self._finished(live) if line.kind == VALUE),
            tuple(line for line in self._finished(live) if line.kind != VALUE),
            result,
            gradient,
            tuple(functions),
            frozenset(calls),
            tuple(
                Name(self.shown[node], code)
                for node, code in self.code.items()
                if code != self.shown[node].replace("′", "_")
            ),
            tuple(
                self.code[node]
                for node in self.graph.inputs.values()
                if self.code[node] not in used
            ),
        )

    def _live(self, *results: Name) -> tuple[list[_Draft], frozenset[str]]:
        """Return the lines that the results need, and every word in them.

        A slope of 0 ends a path, and a choice that is decided beforehand leaves a side unused.
        """
        used = set(words_of(name.code for name in results))
        live = []
        for draft in reversed((*self.values, *self.adjoints)):
            if draft.name in used:
                live.append(draft)
                used |= words_of([draft.text])
        return live[::-1], frozenset(used)

    # ------------------------------------------------------------------------------- values

    def _has_line(self, node: int) -> bool:
        """Return whether a node is computed in a line of its own, and not in place."""
        row = self.graph.rows[node]
        if row == INPUT or row in COMPARISON_ROWS:
            return False
        return node in self.graph.labels or (row > CONSTANT and self.shown[node].isidentifier())

    def _name_nodes(self) -> None:
        """Give names to the inputs, then to the other nodes that have a line, the output too."""
        own = [node for node in range(self.graph.size) if self._named(node)]
        for node in sorted(own, key=lambda node: self.graph.rows[node] != INPUT):
            self.code[node] = self.names.new(self.shown[node])

    def _named(self, node: int) -> bool:
        if self.graph.rows[node] == INPUT or node == self.output:
            return True
        return bool(self.needed[node]) and self._has_line(node)

    def _write_values(self) -> None:
        graph = self.graph
        fixed = forward_values(graph, dict.fromkeys(graph.inputs, 0.0))
        for node in range(graph.size):
            if graph.rows[node] == INPUT:
                self.terms[node] = Term(Piece(self.code[node]))
                self.shaped.add(self.code[node])
            elif self.needed[node]:
                term = self._term(node)
                self.doubtful[node] = self._is_doubtful(node)
                known = None if self.free[node] else fixed[node]
                if node in self.code:
                    self.values.append(_Draft(VALUE, self.code[node], term.piece.text, node))
                    if self.shaped & words_of([term.piece.text]):
                        self.shaped.add(self.code[node])
                    term = Term(Piece(self.code[node]), least=term.least)
                self.terms[node] = term._replace(number=known)

    def _term(self, node: int) -> Term:
        """Return the operation of a node over the terms of its operands."""
        graph, row = self.graph, self.graph.rows[node]
        if row == CONSTANT:
            return self.coder.number(number(graph.literals[node]))
        operands = [self.terms[k] for k in graph.operands_of(node)]
        condition = graph.operands_of(node)[0]
        if row == WHERE and self.doubtful[condition] and operands[0].test is not None:
            return self._careful_choice(condition, *operands)
        return self.coder.apply(row, operands)

    def _careful_choice(self, condition: int, test: Term, then: Term, other: Term) -> Term:
        """Return a choice that is NaN where a number that is compared is NaN."""
        coder = self.coder
        sign = TABLE[self.graph.rows[condition]].infix
        left, right = (self.terms[k].piece for k in self.graph.operands_of(condition))
        nan = coder.number(float("nan")).piece
        rest = nan
        if sign == "!=":
            test, then, other, sign = test._replace(test=None), other, then, "=="
        for opposite in ("<", ">") if sign == "==" else (_OPPOSITE[sign],):
            rest = coder.select(coder.compare(opposite, left, right), other.piece, rest)
        return Term(coder.select(coder.compare(sign, left, right), then.piece, rest))

    def _is_doubtful(self, node: int) -> bool:
        """Return whether a node may be undefined at a finite point.

        Sums and products of inputs are taken to stay finite; what grows like exp(x) is not.
        """
        row, operands = self.graph.rows[node], self.graph.operands_of(node)
        if row <= CONSTANT:
            return False
        large = [self.unbounded[k] for k in operands]
        least = [self.terms[k].least for k in operands]
        power = row == POW and self.terms[operands[1]].number is not None
        grows = overflows(row) and not power
        self.unbounded[node] = grows or any(large[:1] if row == DIV else large)
        if any(self.doubtful[k] for k in operands):
            return True
        if row in (DIV, POW):
            last = self.terms[operands[1]].number
            if last is None:
                return row == POW or any(large[:1]) or not least[1] > 0
            return last == 0 if row == DIV else last < 0 or last % 1 != 0
        if TABLE[row].domain and not is_inside(TABLE[row], least[0]):
            return True
        return any(large) and is_undefined_at_infinity(row, least)

    # ----------------------------------------------------------------------------- adjoints

    def _write_adjoints(self) -> None:
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
        if not self.doubtful[self.output]:
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
        if self.doubtful[self.output]:  # NaN flows everywhere
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
        self.adjoints.append(_Draft(kind, name, text, node, operand))

    def _adjoint(self, node: int) -> str:
        made = self.adjoint_names.get(node)
        if made is None:
            made = self.adjoint_names[node] = self.names.new(f"d_{self.code[node]}")
        return made

    def _gradient(self, node: int) -> str:
        """Return the finished adjoint of a name that was asked for; zero where nothing arrived."""
        made = self.adjoint_names.get(node)
        if made is not None:
            return made
        zero = self.language.zero.format(self.terms[self.output].piece.text)
        used = self.graph.dependencies([self.output])[node]
        return (self._if_defined(0.0) or zero) if used else zero

    def _finished(self, live: Sequence[_Draft]) -> Iterator[Line]:
        """Yield the lines; what is added to begins as a sum."""
        language, shown = self.language, self.shown
        begun: set[int] = set()
        for kind, name, text, node, operand in live:
            template = language.define_test if kind == TEST else language.define
            adds = kind == PRODUCT and operand in begun
            if kind == PRODUCT and len(self.flags[operand]) > 1:
                template = language.add if adds else language.begin_sum
                begun.add(operand)
            code = template.format(name, text)
            yield Line(kind, code, shown[node], shown[operand] if operand >= 0 else "", adds)

    # ------------------------------------------------------------------ what slopes may read

    def _shared(self, node: int) -> dict[str, Term]:
        """Return what the slopes along all operands of a node may read."""
        operation = TABLE[self.graph.rows[node]]
        operands = self.graph.operands_of(node)
        terms = [self.terms[k] for k in operands]
        shared = {"out": self.terms[node]}
        if not operation.variadic:
            return shared | dict(zip(operation.names, terms, strict=True))
        fixed = len(operation.parameters) - 1
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
        index = position - len(operation.parameters) + 1
        operand = self.graph.operands_of(node)[position]
        return {"x": self.terms[operand], "index": self.coder.number(float(index))}
