"""The formulas of the operation table: parsed once, and compiled to Python functions.

A formula is a program of the language, so it becomes a small operation graph; `Spelling.compile`
walks that graph and writes one Python expression for it, with the functions of one kind of number
(plain floats, IEEE floats, mpmath). `where` becomes Python's conditional expression, so the side
that is not taken is not computed. Formulas are ours, never the user's text.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from backprop_cli.graph import Graph
from backprop_cli.language.parser import parse
from backprop_cli.operations import COMPARISON_ROWS, CONSTANT, INPUT, ROW, TABLE, WHERE, Operation

VARIABLES = ("out", "ties", "index", "count")
"""What a formula may use beside the row's parameters: the node's value; and, in a row of any
number of arguments, how many operands equal it, this operand's position, and how many there are."""


CHEAP = frozenset(
    ("add", "sub", "mul", "div", "neg", "abs", "sqrt", "floor", "ceil", "min", "max", "pick")
)
"""The primitives that cost an instruction or two, whoever computes them."""


def variables(operation: Operation) -> tuple[str, ...]:
    """Return the names a row's partials, conditions and sides read, in the order of arguments."""
    return operation.operand_names + (VARIABLES if operation.variadic else ("out",))


def left_operand(x: Any, y: Any, out: Any) -> Any:
    """Return x: the partial of every row whose formula is just that, so that a sweep can tell."""
    return x


def right_operand(x: Any, y: Any, out: Any) -> Any:
    """Return y: the partial of every row whose formula is just that."""
    return y


_JUST_AN_OPERAND: dict[tuple[str, tuple[str, ...]], Callable[..., Any]] = {
    ("x", ("x", "y", "out")): left_operand,
    ("y", ("x", "y", "out")): right_operand,
}
"""The functions of formulas that are no more than a name, by the formula and its parameters."""


@cache
def _vocabulary() -> frozenset[str]:
    """Return every name a formula may read: parameters, their tangents dx, dy, and VARIABLES."""
    parameters = {name for operation in TABLE for name in operation.names}
    return frozenset({*VARIABLES, *parameters, *(f"d{name}" for name in parameters)})


@cache
def formula(text: str) -> Graph:
    """Return the graph of a formula of the table."""
    return parse(text, _vocabulary())


@cache
def condition(text: str) -> Graph:
    """Return the graph of `where(condition, 1, 0)` for a condition of the table."""
    return formula(f"where({text}, 1, 0)")


class Spelling:
    """How one kind of number writes a formula: its operators, its functions, its literals.

    `infix` gives the Python operator of the rows that need no call; `primitive` finds the
    function of a primitive; `number` makes a number of a literal. With `pair`, each parameter x
    comes with its tangent dx, and `pair(x, dx)` is what is compared in its place: the tangent
    decides where the values tie, which is how a formula is read just beside a kink. (Comparisons
    with `out`, and of anything computed, are about numbers, not about sides, and stay plain.)
    `choice`, if given, is a function of (condition, then, otherwise) in the place of Python's
    conditional expression. `compare`, if given, finds the function of a comparison by its row's
    name, for numbers to which Python's own signs do not apply.
    """

    def __init__(
        self,
        infix: Mapping[str, str],
        primitive: Callable[[str], Callable[..., Any]],
        number: Callable[[str], Any],
        pair: Callable[[Any, Any], Any] | None = None,
        choice: Callable[..., Any] | None = None,
        compare: Callable[[str], Callable[..., bool]] | None = None,
    ) -> None:
        self.infix = infix
        self.primitive = primitive
        self.number = number
        self.pair = pair
        self.choice = choice
        self.compare = compare
        self._functions: dict[str, Callable[..., Any]] = {}
        # A function called inside a formula sees numbers only, not the tangents.
        self._inner = Spelling(infix, primitive, number, choice=choice) if pair else self

    def function(self, name: str) -> Callable[..., Any]:
        """Return the value function of a row, compiled when first asked for."""
        made = self._functions.get(name)
        if made is None:
            operation = TABLE[ROW[name]]
            if operation.value.isidentifier():
                made = self.primitive(operation.value)
            else:
                made = self.compile(formula(operation.value), operation.names)
            self._functions[name] = made
        return made

    def partials(self, operation: Operation) -> tuple[Any, ...]:
        """Return the partial of each parameter of a row: a number, or a function.

        The functions take the operands and `out`. In a row of any number of arguments they take
        the operands of the fixed parameters, this operand, and the four names of `VARIABLES`.
        """
        names = variables(operation)
        if self.pair:
            names += tuple(f"d{name}" for name in operation.operand_names)
        return tuple(
            _JUST_AN_OPERAND.get((text, names)) or self.compile(formula(text), names)
            for text in operation.partials
        )

    def conditions(self, operation: Operation) -> tuple[Any, ...]:
        """Return, for each kink of a row, a function that is nonzero where its `at` holds.

        The functions take what the row's partials take.
        """
        names = variables(operation)
        return tuple(self.compile(condition(kink.at), names) for kink in operation.kinks)

    def sides(self, operation: Operation) -> tuple[Any, ...]:
        """Return a function for each formula of a row's `sides`; they take what partials take."""
        names = variables(operation)
        return tuple(self.compile(formula(text), names) for text in operation.sides)

    def compile(self, graph: Graph, parameters: tuple[str, ...]) -> Any:
        """Return a function of `parameters` for a formula, or a number if it is constant."""
        namespace: dict[str, Any] = {}
        text, fixed = self.text(graph, {name: name for name in graph.inputs}, namespace)
        return eval(text if fixed else f"lambda {', '.join(parameters)}: {text}", namespace)

    def text(
        self, graph: Graph, names: Mapping[str, str], namespace: dict[str, Any], prefix: str = "_"
    ) -> tuple[str, bool]:
        """Return a formula as a Python expression, and whether it is constant.

        `names` says how each of its variables is called there. What the expression calls, and its
        numbers, are put into `namespace`; the numbers' names begin with `prefix`.
        """
        texts: list[str] = []
        fixed: list[bool] = []
        variables = {node: names[name] for name, node in graph.inputs.items()}
        for node in range(graph.size):
            row = graph.rows[node]
            operands = [texts[k] for k in graph.operands_of(node)]
            if row == INPUT:
                text = variables[node]
            elif row == CONSTANT:
                text = f"{prefix}number{node}"
                namespace[text] = self.number(graph.literals[node])
            else:
                text = self._expression(graph, node, operands, namespace)
            folds = row not in (INPUT, *COMPARISON_ROWS) and all(
                fixed[k] for k in graph.operands_of(node)
            )
            if folds and operands:
                try:
                    namespace[f"{prefix}fold{node}"] = eval(text, namespace)
                    text = f"{prefix}fold{node}"
                except ArithmeticError:  # a plain 0/0 is left to raise when it is reached
                    folds = False
            texts.append(text)
            fixed.append(folds)
        return texts[graph.outputs[0]], fixed[graph.outputs[0]]

    def _expression(
        self, graph: Graph, node: int, operands: list[str], namespace: dict[str, Any]
    ) -> str:
        """Return the Python expression of one operation, given those of its operands."""
        row = graph.rows[node]
        name = TABLE[row].name
        if row == WHERE and self.choice:
            namespace["_choice"] = self.choice
            return f"_choice({', '.join(operands)})"
        if row == WHERE:
            return f"({operands[1]} if {operands[0]} else {operands[2]})"
        if row in COMPARISON_ROWS:
            return self._comparison(graph, node, operands, namespace)
        if name in self.infix:
            sign = self.infix[name]
            return f"({sign.join(operands)})" if len(operands) == 2 else f"({sign}{operands[0]})"
        namespace[name] = self._inner.function(name)
        return f"{name}({', '.join(operands)})"

    def _comparison(
        self, graph: Graph, node: int, operands: list[str], namespace: dict[str, Any]
    ) -> str:
        if self.compare is not None:
            name = TABLE[graph.rows[node]].name
            namespace[name] = self.compare(name)
            return f"{name}({', '.join(operands)})"
        rows = [graph.rows[k] for k in graph.operands_of(node)]
        leaves = all(row in (INPUT, CONSTANT) for row in rows)
        if self.pair and leaves and not any(text in VARIABLES for text in operands):
            namespace["_pair"] = self.pair
            operands = [
                f"_pair({text}, {f'd{text}' if row == INPUT else '0.0'})"
                for text, row in zip(operands, rows, strict=True)
            ]
        return f"({operands[0]} {TABLE[graph.rows[node]].infix} {operands[1]})"


class Arithmetic:
    """The rows' functions over one kind of number: what the sweeps compute with.

    `values[row]` is the value function; `total[row]` the one to ask when `values[row]` raises;
    `partials[row]` the partials, each a number or a function. Rows are compiled when a graph
    first uses them.
    """

    def __init__(
        self, spelling: Spelling, total: Spelling, nan: Any, is_finite: Callable[[Any], bool]
    ) -> None:
        self.spelling = spelling
        self.total_spelling = total
        self.nan = nan
        self.is_finite = is_finite
        self.zero, self.one = spelling.number("0"), spelling.number("1")
        self.values: list[Any] = [None] * len(TABLE)
        self.total: list[Any] = [None] * len(TABLE)
        self.partials: list[tuple[Any, ...]] = [()] * len(TABLE)
        self.total_partials: list[tuple[Any, ...]] = [()] * len(TABLE)

    def number(self, literal: str) -> Any:
        """Return the number of a literal."""
        return self.spelling.number(literal)

    def prepare_values(self, graph: Graph) -> None:
        """Compile the value functions of the rows that `graph` uses."""
        for row in graph.applied:
            if self.values[row] is None and TABLE[row].parameters:
                self.values[row] = self.spelling.function(TABLE[row].name)
                self.total[row] = self.total_spelling.function(TABLE[row].name)

    def prepare_partials(self, graph: Graph) -> None:
        """Compile the partials of the rows that `graph` uses."""
        for row in graph.applied:
            if not self.partials[row] and TABLE[row].parameters:
                self.partials[row] = self.spelling.partials(TABLE[row])
                self.total_partials[row] = self.total_spelling.partials(TABLE[row])
