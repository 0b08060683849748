"""A graph and its rules read as JavaScript: the same numbers, recomputed in a page.

The formulas of the operation table are written once more, as JavaScript functions: the value of
each row a graph uses, its local partials, the conditions of its domain and of its kinks. The graph
itself becomes plain columns. `sweeps.js` walks them as `calculus/` does; `primitives.js` and
`special.js` hold what a formula calls (`special.js` is the port of `special.py`, whose tables of
coefficients are copied from there, so that each number has one home).

JavaScript's numbers are IEEE doubles and never raise, so one spelling is enough. Sums, products,
quotients, square roots and choices give the very numbers of Python; `Math.sin` and its kind are
the browser's, and may differ from Python's by an ulp or two. What the table knows to be constant
is folded here, by Python.

Every name in the text is ours or the table's: no text of the user's ever enters it.
"""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from backprop_cli.graph import Graph
from backprop_cli.operations import (
    COMPARISON_ROWS,
    CONSTANT,
    INPUT,
    ROW,
    TABLE,
    WHERE,
    Kink,
    Operation,
)
from backprop_cli.readings import special
from backprop_cli.readings.floats import TOTAL, number
from backprop_cli.readings.formulas import condition, formula, variables

_INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "neg": "-"}
_SPECIAL = frozenset(
    ("exp_square", "erf", "erfc", "normal_cdf", "gamma", "lgamma", "digamma", "polygamma")
)
"""The primitives of `special.js`, which is left out where none of them is used."""

_TABLES = (
    "STIRLING",
    "DIGAMMA_ASYMPTOTIC",
    "TRIGAMMA_ASYMPTOTIC",
    "EULER_MACLAURIN",
    "LOG_GAMMA_AT_TWO",
    "DIGAMMA_PAST_ROOT",
)


def script(rows: Iterable[int]) -> str:
    """Return the JavaScript that defines `rules`, by name of row, and the sweeps over them."""
    writer = _RuleWriter()
    for row in sorted(set(rows)):
        if TABLE[row].parameters:
            writer.rule(TABLE[row])
    parts = [_source("primitives.js")]
    if _SPECIAL & writer.primitives:
        parts += [_coefficients(), _source("special.js")]
    return "\n".join([*parts, writer.text(), _source("sweeps.js")])


def columns(graph: Graph) -> dict[str, Any]:
    """Return the graph for `sweeps.js`, as JSON has it; numbers that JSON lacks are strings."""
    return {
        "rows": [TABLE[row].name for row in graph.rows],
        "operands": [list(graph.operands_of(node)) for node in range(graph.size)],
        "constants": {str(k): _json_number(number(text)) for k, text in graph.literals.items()},
        "inputs": [[name, node] for name, node in graph.inputs.items()],
    }


def _json_number(value: float) -> float | str:
    return value if value - value == 0 else _literal(value)


@cache
def _source(name: str) -> str:
    return files("backprop_cli.readings").joinpath(name).read_text(encoding="utf-8")


@cache
def _coefficients() -> str:
    """Return the tables of `special.py` as JavaScript."""
    made = []
    for name in _TABLES:
        table: tuple[float, ...] = getattr(special, f"_{name}")
        made.append(f"const {name} = [{', '.join(map(repr, table))}];")
    return "\n".join(made)


def _literal(value: float) -> str:
    if value != value:
        return "NaN"
    if value - value != 0:
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value)


class _RuleWriter:
    """Writes rules as JavaScript, and the value functions that they call, each once."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.rules: list[str] = []
        self.primitives: set[str] = set()

    def text(self) -> str:
        """Return the functions of all rules; those that others call stand first."""
        values = "".join(f"value.{name} = {text};\n" for name, text in self.values.items())
        return f"const value = {{}};\n{values}const rules = {{\n{''.join(self.rules)}}};"

    def rule(self, operation: Operation) -> None:
        """Write one row: what it computes, its slopes, where it is defined and where it bends."""
        self._value(operation.name)
        names = variables(operation)
        partials = ", ".join(self._function(text, names) for text in operation.partials)
        domain = ", ".join(self._condition(text, names) for text in operation.domain)
        kinks = ", ".join(self._kink(operation, kink, names) for kink in operation.kinks)
        facts = {
            "selects": operation.selects,
            "variadic": operation.variadic,
            "fixed": operation.fixed if operation.variadic else 0,
            "parameters": operation.names,
            "infix": operation.infix,
        }
        shown = json.dumps(facts)[1:-1]
        self.rules.append(
            f"{operation.name}: {{{shown}, value: value.{operation.name},\n"
            f" partials: [{partials}],\n domain: [{domain}],\n kinks: [{kinks}]}},\n"
        )

    def _kink(self, operation: Operation, kink: Kink, names: tuple[str, ...]) -> str:
        read = set(condition(kink.at).inputs)
        own = operation.names
        about = sorted(own.index(name) for name in read) if read <= set(own) else []
        facts = {
            "kind": kink.kind,
            "place": kink.place,
            "convention": kink.convention,
            "about": about,
        }
        return f"{{{json.dumps(facts)[1:-1]}, at: {self._condition(kink.at, names)}}}"

    def _condition(self, text: str, names: tuple[str, ...]) -> str:
        return self._lambda(condition(text), names)

    def _function(self, text: str, names: tuple[str, ...]) -> str:
        return self._lambda(formula(text), names)

    def _lambda(self, graph: Graph, names: tuple[str, ...]) -> str:
        return f"({', '.join(names)}) => {self._expression(graph)}"

    def _value(self, name: str) -> None:
        """Write the value function of a row, after those that it calls."""
        if name in self.values:
            return
        # Whatever order the rows come in, a function is written after those its formula calls,
        # because it is only put into `values` when its text is finished.
        operation = TABLE[ROW[name]]
        if operation.value.isidentifier():
            self.primitives.add(operation.value)
            self.values[name] = f"primitive.{operation.value}"
        else:
            self.values[name] = self._lambda(formula(operation.value), operation.names)

    def _expression(self, graph: Graph) -> str:
        """Return a formula as one JavaScript expression over its own variables."""
        texts: list[str] = []
        known: dict[int, float] = {}
        variables = {node: name for name, node in graph.inputs.items()}
        for node, row in enumerate(graph.rows):
            operands = graph.operands_of(node)
            if row == INPUT:
                texts.append(variables[node])
                continue
            value = _folded(graph, node, known)
            if value is not None:
                known[node] = value
                texts.append(f"({_literal(value)})" if value < 0 else _literal(value))
                continue
            texts.append(self._apply(row, [texts[k] for k in operands]))
        return texts[graph.outputs[0]]

    def _apply(self, row: int, operands: list[str]) -> str:
        name = TABLE[row].name
        if row == WHERE:
            return f"({operands[0]} ? {operands[1]} : {operands[2]})"
        if row in COMPARISON_ROWS:
            sign = {"==": "===", "!=": "!=="}.get(TABLE[row].infix, TABLE[row].infix)
            return f"({operands[0]} {sign} {operands[1]})"
        if name in _INFIX:
            sign = _INFIX[name]
            return (
                f"({f' {sign} '.join(operands)})"
                if len(operands) == 2
                else f"({sign}{operands[0]})"
            )
        self._value(name)
        return f"value.{name}({', '.join(operands)})"


def _folded(graph: Graph, node: int, known: Mapping[int, float]) -> float | None:
    """Return the number of a node that is constant, by Python's own arithmetic."""
    row = graph.rows[node]
    if row == CONSTANT:
        return number(graph.literals[node])
    operands = graph.operands_of(node)
    if row in COMPARISON_ROWS or row == WHERE or not all(k in known for k in operands):
        return None
    value: float = TOTAL.function(TABLE[row].name)(*(known[k] for k in operands))
    return value
