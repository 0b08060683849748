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
"""

from collections.abc import Mapping, Sequence

from backprop_cli.graph import Graph, GraphBuilder
from backprop_cli.operations import (
    ADD,
    COMPARISON_ROWS,
    COMPARISONS,
    CONSTANT,
    INPUT,
    MUL,
    NEG,
    POW,
    ROW,
    SUB,
    TABLE,
    WHERE,
    Operation,
)
from backprop_cli.readings.floats import TOTAL, number
from backprop_cli.readings.formulas import formula as table_formula

_ALWAYS = -1
"""The flag of a node that something flows to whatever the point."""

_EXACT = 2.0**50


def gradient_graph(graph: Graph, output: int, wrt: Sequence[int]) -> Graph:
    """Return a graph with the nodes of `graph` and of its gradient, typically 2 to 9 times as many.

    Its outputs are the value of `output`, then d output / d node for each node of `wrt`.
    """
    writer = Writer(graph)
    adjoints = writer.sweep(output, graph.dependents(wrt))
    zero = None
    outputs = [output]
    for node in wrt:
        adjoint = adjoints.get(node)
        if adjoint is None:
            zero = writer.builder.constant("0") if zero is None else zero
            adjoint = zero
        outputs.append(adjoint)
    return writer.builder.finish(outputs)


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


class Writer:
    """Appends the nodes of a reverse sweep to a copy of a graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.builder = GraphBuilder.following(graph)
        self.known: dict[int, float] = {k: number(text) for k, text in graph.literals.items()}
        self.span = graph.span_of(0)
        self._differing: dict[int, int] = {}

    def sweep(self, output: int, active: bytearray) -> dict[int, int]:
        """Write the adjoints of the active nodes below `output`; return their nodes."""
        arrived: dict[int, list[int]] = {output: [self._constant("1")]}
        flags: dict[int, list[int]] = {output: [_ALWAYS]}
        adjoints: dict[int, int] = {}
        for node in range(output, -1, -1):
            if node in arrived:
                self.span = self.graph.span_of(node)
                adjoints[node] = self._sum(arrived.pop(node))
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
        arrived: dict[int, list[int]],
        flags: dict[int, list[int]],
    ) -> None:
        """Write the contributions of one node to its operands."""
        operation = TABLE[self.graph.rows[node]]
        operands = self.graph.operands_of(node)
        shared = self.shared_variables(operation, node)
        for position, operand in enumerate(operands):
            if not active[operand]:
                continue
            local = self.partial(operation, node, position, shared)
            if self.known.get(local) == 0:
                continue
            edge = flag
            if operation.selects and local not in self.known:
                edge = local
                if flag != _ALWAYS:
                    edge = self._where_nonzero(local, flag, self._constant("0"))
            sent = self._product(adjoint, local)
            if edge != _ALWAYS and local not in self.known:
                sent = self._where_nonzero(edge, sent, self._constant("0"))
            arrived.setdefault(operand, []).append(sent)
            flags.setdefault(operand, []).append(edge)

    def shared_variables(self, operation: Operation, node: int) -> dict[str, int]:
        """Return the nodes of what a partial may read and all operands share."""
        operands = self.graph.operands_of(node)
        shared = {"out": node}
        if not operation.variadic:
            return shared | dict(zip(operation.names, operands, strict=True))
        fixed = len(operation.parameters) - 1
        shared |= dict(zip(operation.names[:fixed], operands[:fixed], strict=True))
        rest = operands[fixed:]
        shared["count"] = self._constant(str(len(rest)))
        if any("ties" in text for text in operation.partials):
            one, zero = self._constant("1"), self._constant("0")
            equal = COMPARISONS["=="]
            tied = [self._add(WHERE, (self._add(equal, (k, node)), one, zero)) for k in rest]
            shared["ties"] = self._add(ROW["sum"], tied)
        return shared

    def partial(
        self, operation: Operation, node: int, position: int, shared: Mapping[str, int]
    ) -> int:
        """Write the local partial of the operand at `position`; return its node."""
        variables = dict(shared)
        if operation.variadic:
            variables["x"] = self.graph.operands_of(node)[position]
            variables["index"] = self._constant(str(position - len(operation.parameters) + 1))
        return self.formula(operation.partials[operation.parameter_of(position)], variables)

    def formula(self, text: str, variables: Mapping[str, int]) -> int:
        """Copy the part of a formula that can be reached; return the node of its value."""
        template = table_formula(text)
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
                made[node] = self._constant(template.literals[node])
            elif row == WHERE and operands[0] in known:
                made[node] = made[operands[1] if known[operands[0]] else operands[2]]
            elif node in known and known[node] == int(known[node]) and abs(known[node]) < _EXACT:
                made[node] = self._constant(str(int(known[node])))
            else:
                made[node] = self._simplified(row, [made[k] for k in operands])
        return made[template.outputs[0]]

    def _known_in(self, template: Graph, variables: Mapping[str, int]) -> dict[int, float]:
        """Return the nodes of a formula whose value is a number here: those of whole numbers."""
        known: dict[int, float] = {}
        for name, node in template.inputs.items():
            value = self.known.get(variables.get(name, -1))
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

    def _simplified(self, row: int, operands: list[int]) -> int:
        """Append an operation, but for products with 1 and first powers."""
        if row == MUL:
            return self._product(*operands)
        if row == POW and self.known.get(operands[1]) == 1:
            return operands[0]
        return self._add(row, operands)

    def _product(self, left: int, right: int) -> int:
        for one, other in ((left, right), (right, left)):
            if self.known.get(one) == 1:
                return other
            if self.known.get(one) == -1:
                return self._add(NEG, (other,))
        return self._add(MUL, (left, right))

    def _sum(self, terms: list[int]) -> int:
        total = terms[0]
        for term in terms[1:]:
            total = self._add(ADD, (total, term))
        return total

    def _any(self, flags: list[int]) -> int:
        if _ALWAYS in flags:
            return _ALWAYS
        return flags[0] if len(flags) == 1 else self._add(ROW["max"], flags)

    def _where_nonzero(self, node: int, then: int, otherwise: int) -> int:
        different = self._differing.get(node)
        if different is None:
            different = self._add(COMPARISONS["!="], (node, self._constant("0")))
            self._differing[node] = different
        return self._add(WHERE, (different, then, otherwise))

    def _constant(self, literal: str) -> int:
        node = self.builder.constant(literal, *self.span)
        self.known[node] = number(literal)
        return node

    def _add(self, row: int, operands: Sequence[int]) -> int:
        return self.builder.add(row, operands, *self.span)


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
        elif node in known and template.rows[node] not in (INPUT, CONSTANT):
            value = known[node]
            if value == int(value) and abs(value) < _EXACT:
                operands = []
        for operand in operands:
            needed[operand] = 1
    return needed
