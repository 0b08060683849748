"""Derivatives in symbols, two ways that know nothing of each other.

`symbolic_gradient` is the witness: the output as one SymPy expression, differentiated by SymPy's
own rules. `symbolic_steps` is the lesson: the chain rule, one line a node, from the output back
to the inputs, with the textbook partials of the table over the names of the nodes. Its last lines
carry the witness's formulas, so that what the steps arrive at can be held against them.

This file imports SymPy, so only the witness's own process imports this file.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import sympy

from backprop_cli.graph import Graph
from backprop_cli.operations import COMPARISON_ROWS, CONSTANT, INPUT, TABLE, WHERE
from backprop_cli.readings.symbol_text import (
    LONGEST,
    factor_text,
    formula_text,
    plain_text,
    tree_size,
)
from backprop_cli.readings.symbol_values import ExactPoint
from backprop_cli.readings.symbols import NoClosedForm, expressions, reading, symbol

_LARGEST_UPSTREAM = 40


class Slope(NamedTuple):
    """One derivative: its formula, its value, or the reason why there is none.

    `text` is empty where the formula is too long to read; `value` is None where no point was
    given, or where the derivative or the output itself is not a real number at the point.
    """

    text: str
    value: float | None
    reason: str = ""


class Term(NamedTuple):
    """A contribution in symbols: what the user `user` of a node hands to it, upstream × local."""

    user: str
    upstream: str
    local: str


class SymbolicStep(NamedTuple):
    """The derivative of the output with respect to one node.

    `terms` are added to give `result`, a formula over the names of nodes; `final`, for the names
    asked for, is the same over the inputs alone: SymPy's own answer where it has one.
    """

    node: str
    terms: tuple[Term, ...]
    result: str
    final: str = ""


def symbolic_gradient(
    graph: Graph, output: int, wrt: Mapping[str, int], point: Mapping[str, Any] | None = None
) -> Iterator[tuple[str, Slope]]:
    """Yield (name, slope) for each name of `wrt`, an input or a named intermediate, as found.

    The formula of an intermediate is in terms of its own name and the inputs. Values are of 30
    digits at the exact doubles of `point`, and then rounded.
    """
    own = {node: name for name, node in graph.inputs.items()}
    inputs = [name for name, node in wrt.items() if graph.rows[node] == INPUT]
    groups: list[tuple[list[str], int | None]] = [(inputs, None)] if inputs else []
    groups += [([name], node) for name, node in wrt.items() if name not in inputs]
    for names, cut in groups:
        study: _Study | None = None
        for name in names:
            try:
                variable = own.get(wrt[name], name)
                study = study or _Study(graph, output, variable, cut, point)
                yield name, study.slope(variable)
            except Exception as error:
                yield name, Slope("", None, _reason(error))
                if study is None:  # the expression itself cannot be made: the same for all names
                    yield from ((other, Slope("", None, _reason(error))) for other in names[1:])
                    break


def _reason(error: Exception) -> str:
    """Return why SymPy has no answer, in words."""
    if isinstance(error, NoClosedForm):
        return str(error)
    if isinstance(error, RecursionError):
        return "the expression is nested too deeply for SymPy"
    if isinstance(error, MemoryError):
        return "SymPy needs more memory than it is given"
    return f"SymPy could not work this out ({type(error).__name__})"


class _Study:
    """The output as one expression, cut at a node if one is given, ready to be differentiated."""

    def __init__(
        self, graph: Graph, output: int, name: str, cut: int | None, point: Mapping[str, Any] | None
    ) -> None:
        self.steps: dict[Any, Any] = {}
        known = {} if cut is None else {cut: symbol(name)}
        (expression,) = expressions(graph, [output], known, self.steps)
        self.terms = _terms_by_symbol(expression, self.steps)
        self.point: ExactPoint | None = None
        if point is not None:
            numbers = {symbol(name): value for name, value in point.items()}
            if cut is not None:
                (inner,) = expressions(graph, [cut])
                numbers[known[cut]] = ExactPoint(numbers, {}).exact(inner)
            self.point = ExactPoint(numbers, self.steps)
            if numbers.get(symbol(name), 0) is None or self.point.exact(expression) is None:
                self.point = None

    def slope(self, name: str) -> Slope:
        """Return the derivative with respect to one symbol.

        Only the terms of a sum, and the factors of a term, that hold the symbol are
        differentiated: a thousand terms and a thousand inputs would make a million questions.
        """
        variable = symbol(name)
        slopes = []
        for term in self.terms.get(variable, ()):
            fixed, part = term.as_independent(variable, as_Add=False)
            slopes.append(fixed * sympy.diff(part, variable))
        derivative = sympy.Add(*slopes)
        value = None if self.point is None else self.point.value(derivative)
        return Slope(formula_text(self._without_steps(derivative)), value)

    def _without_steps(self, expression: Any) -> Any:
        """Return the expression with each step symbol replaced by what it stands for."""
        meanings: dict[Any, Any] = {}
        for step, meaning in self.steps.items():
            meanings[step] = meaning.xreplace(meanings)
        return expression.xreplace(meanings) if meanings else expression


def _terms_by_symbol(expression: Any, steps: Mapping[Any, Any]) -> dict[Any, list[Any]]:
    """Return, for each symbol, the terms of a sum that hold it."""
    found: dict[Any, list[Any]] = {}
    for term in sympy.Add.make_args(expression):
        for item in term.free_symbols:
            if item not in steps:
                found.setdefault(item, []).append(term)
    return found


def symbolic_steps(
    graph: Graph,
    output: int,
    wrt: Mapping[str, int],
    names: Sequence[str],
    answers: Mapping[str, str] | None = None,
) -> Iterator[SymbolicStep]:
    """Yield the chain rule in symbols: the output first, the inputs asked for last.

    `names` are the display names of the nodes; `answers` the formulas that `symbolic_gradient`
    found, which the last lines end in. An upstream slope that has grown long is written by its
    name, as `∂f/∂v3`, so that the lines stay lines however deep the graph is.
    """
    chain = _Chain(graph, output, wrt, names)
    targets = {node: name for name, node in wrt.items()}
    last = [node for node in targets if graph.rows[node] == INPUT]
    for node in range(output, -1, -1):
        if (
            chain.active[node]
            and graph.rows[node] != INPUT
            and (node == output or chain.terms[node])
        ):
            yield chain.step(node, targets.get(node, ""), answers or {})
    for node in last:
        yield chain.step(node, targets[node], answers or {})


class _Chain:
    """The adjoints in symbols, filled as the nodes are visited from the output back."""

    def __init__(
        self, graph: Graph, output: int, wrt: Mapping[str, int], names: Sequence[str]
    ) -> None:
        self.graph, self.output, self.names = graph, output, names
        self.active = graph.dependents(wrt.values())
        self.symbols = _node_symbols(graph, names)
        self.terms: list[list[tuple[int, Any, Any]]] = [[] for _ in range(output + 1)]

    def step(self, node: int, target: str, answers: Mapping[str, str]) -> SymbolicStep:
        """Return the step of one node, and hand its contributions on to its operands."""
        terms = self.terms[node] if node <= self.output else []
        adjoint = sympy.Add(*(upstream * local for _, upstream, local in terms))
        if node == self.output:
            adjoint = sympy.Integer(1)
        self._hand_on(node, adjoint)
        written = tuple(
            Term(self.names[user], factor_text(upstream), factor_text(local))
            for user, upstream, local in terms
        )
        final = answers.get(target) or (self._in_inputs(adjoint) if target else "")
        result = plain_text(adjoint) if tree_size(adjoint) <= LONGEST else ""
        return SymbolicStep(self.names[node], written, result, final)

    def _hand_on(self, node: int, adjoint: Any) -> None:
        if tree_size(adjoint) > _LARGEST_UPSTREAM:
            adjoint = sympy.Symbol(f"∂{self.names[self.output]}/∂{self.names[node]}", real=True)
        selects = TABLE[self.graph.rows[node]].selects
        for position, operand in enumerate(self.graph.operands_of(node)):
            if self.active[operand]:
                local = self._local(node, position)
                if not (selects and local == 0):
                    self.terms[operand].append((node, adjoint, local))

    def _local(self, node: int, position: int) -> Any:
        """Return one local partial, by the textbook, over the names of the nodes."""
        row, operands = self.graph.rows[node], self.graph.operands_of(node)
        if row == WHERE:
            condition = self._read(operands[0])
            chosen = sympy.Integer(position == 1)
            return sympy.Piecewise((chosen, condition), (1 - chosen, True)) if position else 0
        operation = TABLE[row]
        values = dict(zip(operation.names, map(self._read, operands), strict=False))
        values |= {"out": self._read(node), "ties": sympy.Integer(1)}
        if operation.variadic:
            values["x"] = self._read(operands[position])
            values["index"] = sympy.Integer(position - operation.fixed)
            values["count"] = sympy.Integer(len(operands) - operation.fixed)
        partials = operation.textbook or operation.partials
        return reading(partials[operation.parameter_of(position)], values)

    def _read(self, node: int) -> Any:
        """Return the symbol of a node, or what stands in its place: a number, a comparison."""
        known = self.symbols.get(node)
        return expressions(self.graph, [node], self.symbols)[0] if known is None else known

    def _in_inputs(self, adjoint: Any) -> str:
        """Return an adjoint as a formula over the inputs; empty where that would be too long."""
        nodes = {made: node for node, made in self.symbols.items()}
        used = [
            item for item in adjoint.free_symbols if self.graph.rows[nodes.get(item, 0)] != INPUT
        ]
        if any(item not in nodes for item in used):
            return ""
        meanings = expressions(self.graph, [nodes[item] for item in used])
        return formula_text(adjoint.xreplace(dict(zip(used, meanings, strict=True))))


def _node_symbols(graph: Graph, names: Sequence[str]) -> dict[int, Any]:
    """Return a symbol for each node that goes by a name: not for numbers and comparisons."""
    depends = graph.dependents(graph.inputs.values())
    return {
        node: symbol(names[node])
        for node, row in enumerate(graph.rows)
        if row not in COMPARISON_ROWS
        and row != CONSTANT
        and (depends[node] or node in graph.labels)
    }
