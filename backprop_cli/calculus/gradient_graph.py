"""The gradient as a graph: reverse mode that writes nodes instead of numbers.

`gradient_graph` walks the output's graph backwards as `reverse` does, but where that multiplies
numbers this appends nodes: each partial formula of the table is copied in, its parameters being
the operands' nodes. The result is an ordinary graph, so it can be evaluated by every reading,
exported, or differentiated again: second derivatives are this function twice.

Numbers along an edge that a selecting operation did not take must not count, not even as 0·inf.
In `reverse` that edge is simply not walked; a graph cannot know beforehand, so below a selecting
operation a flag is carried along with the adjoint (does anything flow here?) and guards each
product: where(flag != 0, adjoint*local, 0). Only whether a flag is 0 is ever asked, which has slope
0, so second derivatives are not disturbed. Where the flag is 0 the adjoint is 0 already, so that a
product with a number, as behind a sum, needs no guard.

Most selecting rows say plainly when they let something through: where(x > 0, 1, 0). There the
comparison itself is the flag, and the number is what the adjoint is multiplied by, so that relu
sends where(x > 0, adjoint, 0). Below that edge the adjoint is read inside the same `where`: what
it is where the flag holds, without its own guard.
"""

from collections.abc import Mapping, Sequence

from backprop_cli.calculus.appending import Appender
from backprop_cli.graph import Graph
from backprop_cli.operations import (
    ADD,
    COMPARISON_ROWS,
    COMPARISONS,
    CONSTANT,
    INPUT,
    NEG,
    ROW,
    SUB,
    TABLE,
    WHERE,
    Operation,
)
from backprop_cli.readings.floats import TOTAL, number
from backprop_cli.readings.formulas import formula

_ALWAYS = -1
"""The flag of a node that something flows to whatever the point."""

_LARGEST_WHOLE = 2.0**50
"""Whole numbers below this are computed here; sums and differences of them are exact."""


def gradient_graph(graph: Graph, output: int, wrt: Sequence[int]) -> Graph:
    """Return a graph with the nodes of `graph` and of its gradient, typically 2 to 9 times as many.

    Its outputs are the value of `output`, then d output / d node for each node of `wrt`.
    """
    return with_adjoints(graph, output, wrt)[0]


def with_adjoints(graph: Graph, output: int, wrt: Sequence[int]) -> tuple[Graph, dict[int, int]]:
    """Return the gradient graph, and which of its nodes is the adjoint of each node of `graph`.

    A node to which nothing flows, whatever the point, has none.
    """
    writer = AdjointWriter(graph)
    adjoints = writer.sweep(output, graph.dependents(wrt))
    zero = None
    outputs = [output]
    for node in wrt:
        adjoint = adjoints.get(node)
        if adjoint is None:
            zero = writer.made.constant("0") if zero is None else zero
            adjoint = zero
        outputs.append(adjoint)
    return writer.made.finish(outputs), adjoints


def hessian_graph(graph: Graph, output: int, wrt: Sequence[int]) -> Graph:
    """Return a graph of the value, the gradient, and the lower triangle of the Hessian.

    Its outputs are the value of `output`, its n partials, then d² output / d wrt[i] d wrt[j] row
    by row (j <= i). Each row is the gradient graph of one partial, appended to what is there.
    """
    made = gradient_graph(graph, output, wrt)
    outputs = list(made.outputs)
    for row, partial in enumerate(made.outputs[1:], 1):
        made = gradient_graph(made, partial, wrt[:row])
        outputs += made.outputs[1:]
    return made.with_outputs(outputs)


class AdjointWriter:
    """Appends the nodes of a reverse sweep to a copy of a graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.made = Appender(graph)
        self._taken: dict[int, int] = {}
        self._sums: dict[tuple[int, ...], int] = {}
        self._numbers: dict[int, int] = {}

    def sweep(self, output: int, active: bytearray) -> dict[int, int]:
        """Write the adjoints of the active nodes below `output`; return their nodes."""
        arrived: dict[int, int] = {output: self.made.constant("1")}
        flags: dict[int, list[int]] = {output: [_ALWAYS]}
        adjoints: dict[int, int] = {}
        for node in range(output, -1, -1):
            if node in arrived:
                self.made.span = self.graph.span_of(node)
                adjoints[node] = arrived.pop(node)
                self._hand_on(
                    node, adjoints[node], self._any(flags.pop(node)), active, arrived, flags
                )
        return adjoints

    def _hand_on(
        self,
        node: int,
        adjoint: int,
        flag: int,
        active: bytearray,
        arrived: dict[int, int],
        flags: dict[int, list[int]],
    ) -> None:
        """Write the contributions of one node to its operands."""
        operation = TABLE[self.graph.rows[node]]
        shared = self.shared_variables(operation, node)
        for position, operand in enumerate(self.graph.operands_of(node)):
            if not active[operand]:
                continue
            local, edge = self._slope(operation, node, position, shared)
            if operation.selects and self.made.known.get(local) == 0:
                continue  # of an ordinary factor of 0 the slope may be 0·inf, which is undefined
            if edge == _ALWAYS:
                edge = flag
            elif flag != _ALWAYS:  # where the flag is 0, the edge's may compare a NaN
                edge = self.made.guarded(flag, self._as_number(edge))
            sent = self._contribution(adjoint, local, edge, guarded=edge != flag)
            before = arrived.get(operand)
            arrived[operand] = sent if before is None else self.made.sum((before, sent))
            flags.setdefault(operand, []).append(edge)

    def _contribution(self, adjoint: int, local: int, edge: int, guarded: bool) -> int:
        """Write what flows along an edge: 0 where its flag is, which a known number respects."""
        if edge == _ALWAYS or (local in self.made.known and not guarded):
            return self.made.product(adjoint, local)
        taken = self.made.product(self._taken.get(adjoint, adjoint), local)
        sent = self.made.guarded(edge, taken)
        self._taken[sent] = taken
        return sent

    def _slope(
        self, operation: Operation, node: int, position: int, shared: Mapping[str, int]
    ) -> tuple[int, int]:
        """Write a local partial; return its node and the flag of what it lets through.

        Of a partial that is 0 but where a comparison holds, the node is that of the other side.
        """
        template, variables = self._partial_formula(operation, node, position, shared)
        made = self._instance(template, variables, whole=not operation.selects)
        if template.outputs[0] in made:
            local = made[template.outputs[0]]
            tells = operation.selects and local not in self.made.known
            return local, self.made.not_zero(local) if tells else _ALWAYS
        condition, then, other = (made[k] for k in template.operands_of(template.outputs[0]))
        if self.made.known.get(other) == 0 and self.made.never_zero(then):
            return then, condition
        if self.made.known.get(then) == 0 and self.made.never_zero(other):
            return other, self.made.opposite(condition)
        local = self.made.add(WHERE, (condition, then, other))
        return local, self.made.not_zero(local)

    def shared_variables(self, operation: Operation, node: int) -> dict[str, int]:
        """Return the nodes of what a partial may read and all operands share."""
        operands = self.graph.operands_of(node)
        shared = {"out": node}
        if not operation.variadic:
            return shared | dict(zip(operation.names, operands, strict=True))
        fixed = operation.fixed
        shared |= dict(zip(operation.names[:fixed], operands[:fixed], strict=True))
        rest = operands[fixed:]
        shared["count"] = self.made.constant(str(len(rest)))
        if any("ties" in text for text in operation.partials):
            one, zero = self.made.constant("1"), self.made.constant("0")
            equal = COMPARISONS["=="]
            tied = [
                self.made.add(WHERE, (self.made.comparison(equal, k, node), one, zero))
                for k in rest
            ]
            shared["ties"] = self.made.add(ROW["sum"], tied)
        return shared

    def partial(
        self, operation: Operation, node: int, position: int, shared: Mapping[str, int]
    ) -> int:
        """Write the local partial of the operand at `position`; return its node."""
        return self.value_of(*self._partial_formula(operation, node, position, shared))

    def _partial_formula(
        self, operation: Operation, node: int, position: int, shared: Mapping[str, int]
    ) -> tuple[Graph, Mapping[str, int]]:
        """Return the formula of a local partial, and the nodes of its variables."""
        variables = dict(shared)
        if operation.variadic:
            variables["x"] = self.graph.operands_of(node)[position]
            variables["index"] = self.made.constant(str(position - operation.fixed))
        return formula(operation.partials[operation.parameter_of(position)]), variables

    def value_of(self, template: Graph, variables: Mapping[str, int]) -> int:
        """Write a formula of the table over these nodes; return the node of its value."""
        return self._instance(template, variables)[template.outputs[0]]

    def _instance(
        self, template: Graph, variables: Mapping[str, int], whole: bool = True
    ) -> dict[int, int]:
        """Copy the part of a formula that can be reached; return the nodes of its nodes.

        Unless `whole`, a `where` that gives its value, and could go either way, is left out.
        """
        known = self._known_in(template, variables)
        needed = _reachable(template, known)
        names = {k: name for name, k in template.inputs.items()}
        made: dict[int, int] = {}
        for node in range(template.size):
            if not needed[node]:
                continue
            row = template.rows[node]
            operands = template.operands_of(node)
            if row == INPUT:
                made[node] = variables[names[node]]
            elif row == CONSTANT:
                made[node] = self.made.constant(template.literals[node])
            elif row == WHERE and operands[0] in known:
                made[node] = made[operands[1] if known[operands[0]] else operands[2]]
            elif _is_whole(known.get(node)):
                made[node] = self.made.constant(str(int(known[node])))
            elif whole or row != WHERE or node != template.outputs[0]:
                made[node] = self.made.simplified(row, [made[k] for k in operands])
        return made

    def _known_in(self, template: Graph, variables: Mapping[str, int]) -> dict[int, float]:
        """Return the nodes of a formula whose value is a number here: those of whole numbers."""
        known: dict[int, float] = {}
        for name, node in template.inputs.items():
            value = self.made.known.get(variables.get(name, -1))
            if value is not None:
                known[node] = value
        for node, literal in template.literals.items():
            known[node] = number(literal)
        for node in range(template.size):
            row = template.rows[node]
            operands = template.operands_of(node)
            foldable = row in COMPARISON_ROWS or row in (ADD, SUB, NEG)
            if foldable and all(k in known for k in operands):
                known[node] = TOTAL.function(TABLE[row].name)(*(known[k] for k in operands))
        return known

    def _any(self, flags: list[int]) -> int:
        """Return the flag of a node that something flows to along any of its edges.

        Flags are conditions, or numbers that are not negative, so that a sum is 0 where all are.
        """
        different = tuple(dict.fromkeys(flags))
        if _ALWAYS in different or self._cover(different):
            return _ALWAYS
        if len(different) == 1:
            return different[0]
        if different not in self._sums:
            self._sums[different] = self.made.sum([self._as_number(flag) for flag in different])
        return self._sums[different]

    def _as_number(self, flag: int) -> int:
        """Return a flag that may be added: of a comparison, which is only asked, a copy."""
        if not self.made.is_condition(flag):
            return flag
        if flag not in self._numbers:
            self._numbers[flag] = self.made.guarded(flag, self.made.constant("1"))
        return self._numbers[flag]

    def _cover(self, flags: Sequence[int]) -> bool:
        """Return whether two of these are opposite conditions; where neither holds all is NaN."""
        conditions = [flag for flag in flags if self.made.is_condition(flag)]
        keys = {self.made.key_of(condition) for condition in conditions}
        return any(self.made.key_of(condition, opposite=True) in keys for condition in conditions)


def _is_whole(value: float | None) -> bool:
    """Return whether a number is known and can be written as a whole one."""
    return value is not None and abs(value) < _LARGEST_WHOLE and value == int(value)


def _reachable(template: Graph, known: Mapping[int, float]) -> bytearray:
    """Return a mask of the nodes of a formula that its value needs, given what is known."""
    needed = bytearray(template.size)
    needed[template.outputs[0]] = 1
    for node in range(template.size - 1, -1, -1):
        if not needed[node]:
            continue
        operands = list(template.operands_of(node))
        if template.rows[node] == WHERE and operands[0] in known:
            operands = [operands[1] if known[operands[0]] else operands[2]]
        elif _is_whole(known.get(node)):
            operands = []
        for operand in operands:
            needed[operand] = 1
    return needed
