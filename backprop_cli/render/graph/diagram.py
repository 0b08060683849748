"""What a picture of a graph shows, before anything is drawn: items, wires, and the texts on them.

Every picture (terminal, SVG, DOT, Mermaid) is drawn from this one description, so all of them show
the same nodes and the same numbers. A constant, and a subexpression of constants, is part of the
operation that reads it, as in the lectures (`^ 2`, `1 /`); named constants and comparisons are
nodes of their own. Numbers are rounded to `FIGURES` digits, or a picture would be all digits; the
table and JSON have them all.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from backprop_cli.graph import Graph
from backprop_cli.language.names import Naming, node_text, piece
from backprop_cli.language.notation import SIGNS, parenthesised, pretty
from backprop_cli.language.printer import arrangement, statements
from backprop_cli.operations import COMPARISON_ROWS, CONSTANT, INPUT, NEG, TABLE
from backprop_cli.readings.slope_text import slope_text
from backprop_cli.render.edges import edges, slope_words, symbol
from backprop_cli.render.numbers import NUMBER, human, short
from backprop_cli.studies.solution import Answer, Solution

FIGURES = 6
"""The significant digits of a number in a picture."""

_LARGEST_WHOLE = 1e9
_MOST_SHOWN, _LONGEST_CONSTANT = 4, 12
_BLANK = "_"
_BETWEEN = "; "
_LONGEST_TITLE = 400
_REORDERED = frozenset(("add", "mul", "sum", "mean", "min", "max", "logsumexp", "hypot"))


class Wire(NamedTuple):
    """The edge into operand `position` of an item.

    `slope` is the text on it: a number, or a formula where there is no point; empty where no
    derivative was asked for. `flows` is false where the derivative takes another way: into a
    comparison, into the side of a choice that was not taken, and all that only such a side reads.
    `story` is the slope in full.
    """

    position: int
    operand: int
    slope: str
    flows: bool
    story: str


class Item(NamedTuple):
    """A node of the picture: its name, what it does, its value above and its gradient below.

    `kind` is input, operation, comparison or constant. `symmetric` says that its operands may be
    drawn in any order. `story` is the node in full, for where there is room.
    """

    node: int
    name: str
    kind: str
    operation: str
    value: str
    gradient: str
    wires: tuple[Wire, ...]
    symmetric: bool
    story: str

    @property
    def wire_name(self) -> str:
        """The name to be written before the value: none for what has its name in the node."""
        return self.name if self.kind == "operation" else ""


class Diagram(NamedTuple):
    """A picture of how one output is computed; `unused` are the inputs it does not read.

    With a `point`, texts are numbers; else they are symbols. `total` counts the nodes, of which
    only the first may have been described.
    """

    title: str
    point: str
    output: int
    name: str
    items: tuple[Item, ...]
    unused: tuple[str, ...]
    total: int


def diagram(solution: Solution, answer: Answer, most: int = 0) -> Diagram:
    """Return the picture of one output at a point; with `most`, of its first nodes only."""
    solution.arithmetic.prepare_partials(solution.graph)
    maker = _Describer(solution.graph, answer.node, solution.naming, solution, answer)
    return maker.diagram(most)


def symbols(solution: Solution, answer: Answer, most: int = 0) -> Diagram:
    """Return the picture of one output in symbols: neither values nor adjoints are read."""
    return _Describer(
        solution.graph, answer.node, solution.naming, None, answer, solution.active
    ).diagram(most)


def drawn_nodes(graph: Graph, output: int, names: Sequence[str]) -> list[int]:
    """Return the nodes of the picture of one output, in order of evaluation."""
    mask = graph.dependencies([output])
    varies = graph.dependents(graph.inputs.values())
    return [
        node
        for node in range(output + 1)
        if mask[node]
        and (varies[node] or node == output or node in graph.labels or names[node].isidentifier())
        and not (graph.rows[node] == CONSTANT and node not in graph.labels and node != output)
    ]


class _Describer:
    """Describes the nodes one output is computed from, with numbers or with symbols."""

    def __init__(
        self,
        graph: Graph,
        output: int,
        naming: Naming,
        solution: Solution | None,
        answer: Answer,
        active: bytearray | None = None,
    ) -> None:
        self.graph, self.output, self.names = graph, output, naming.names
        self.name = answer.name
        self.solution, self.answer = solution, answer
        self.active = active if solution is None else solution.active
        self.nodes = drawn_nodes(graph, output, self.names)
        self.drawn = set(self.nodes)

    def diagram(self, most: int = 0) -> Diagram:
        point = ""
        if self.solution is not None:
            values = self.solution.point.items()
            point = ", ".join(f"{name} = {_number(value)}" for name, value in values)
        unused = tuple(n for n, node in self.graph.inputs.items() if node not in self.drawn)
        items = tuple(self._item(node) for node in self.nodes[: most or None])
        title, total = _BETWEEN.join(self._program()), len(self.nodes)
        return Diagram(title, point, self.output, self.name, items, unused, total)

    def _program(self) -> Iterator[str]:
        """Yield the statements that the output is computed by, the last with the output's name."""
        graph, names = self.graph.with_outputs([self.output]), self.names
        asked = {self.name: self.output}
        layout, read = arrangement(graph, names, asked), graph.dependencies([self.output])
        texts = statements(graph, names, _LONGEST_TITLE, asked)
        for (root, alias), text in zip(layout.lines, texts, strict=False):
            named = alias or root in layout.assigned or text == self.name
            if read[root]:
                yield pretty(text if named or root != self.output else f"{self.name} = {text}")

    def _item(self, node: int) -> Item:
        row = self.graph.rows[node]
        kind = "operation"
        if row == INPUT:
            kind = "input"
        elif row in COMPARISON_ROWS:
            kind = "comparison"
        elif row == CONSTANT or not self._wired(node):
            kind = "constant"
        return Item(
            node,
            self._called(node),
            kind,
            self._operation(node, kind),
            self._value(node, kind),
            self._gradient(node),
            tuple(self._wires(node)),
            TABLE[row].name in _REORDERED,
            self._story(node, kind),
        )

    def _called(self, node: int) -> str:
        """Return the name of a node: that of the output, but an input keeps its own."""
        own = node != self.output or self.graph.rows[node] == INPUT
        return self.names[node] if own else self.name

    def _wired(self, node: int) -> bool:
        return any(operand in self.drawn for operand in self.graph.operands_of(node))

    def _operation(self, node: int, kind: str) -> str:
        """Return what stands in the node: `+`, `sin`, `^ 2`, `clip(_, 0, 1)`."""
        if kind in ("input", "constant"):
            return self.names[node]
        graph = self.graph
        row = graph.rows[node]
        operands = list(graph.operands_of(node))
        sign = SIGNS[row].strip()
        if row == NEG:
            return "neg"
        if all(operand in self.drawn for operand in operands):
            return sign or TABLE[row].name
        if sign:
            texts = ["", ""]
            for k, operand in enumerate(operands):
                if operand not in self.drawn:
                    texts[k] = self._constant(row, k, operand)
            return f"{texts[0]} {sign} {texts[1]}".strip()
        texts = [
            _BLANK if operand in self.drawn else self._constant(row, k, operand)
            for k, operand in enumerate(operands[: _MOST_SHOWN + 1])
        ]
        if len(texts) > _MOST_SHOWN:
            texts = [*texts[: _MOST_SHOWN - 1], "…"]
        return f"{TABLE[row].name}({', '.join(texts)})"

    def _constant(self, row: int, position: int, operand: int) -> str:
        """Return an operand without inputs as it stands in a node: long numbers are rounded."""
        part = piece(self.graph, operand, self.names)
        text = part.text
        if len(text) > _LONGEST_CONSTANT:
            literal = self.graph.literals.get(operand, "")
            number = NUMBER.fullmatch(literal.lower())
            text = _number(literal) if number else text[: _LONGEST_CONSTANT - 1] + "…"
        wrapped = parenthesised(row, position, part.precedence, part.minus)
        return f"({text})" if wrapped else text

    def _value(self, node: int, kind: str) -> str:
        if self.solution is None:
            return ""
        value = self.solution.values[node]
        if kind == "comparison":
            return "true" if value == 1 else "false" if value == 0 else _number(value)
        if self.graph.rows[node] == CONSTANT and self.names[node] == self.graph.literals[node]:
            return ""
        return _number(value)

    def _gradient(self, node: int) -> str:
        if self.active is None or not self.active[node]:
            return ""
        if self.graph.rows[node] in COMPARISON_ROWS:
            return ""
        if self.solution is None:
            return f"∂{self.name}/∂{self.names[node]}"
        adjoint = self.answer.adjoints[node]
        if adjoint is None:  # nothing arrived; what was asked for has an answer all the same
            asked = (name for name, k in self.solution.wrt.items() if k == node)
            adjoint = next((self.answer.gradient[name] for name in asked), None)
        return "" if adjoint is None else _number(adjoint)

    def _wires(self, node: int) -> list[Wire]:
        graph = self.graph
        found = self._slopes(node)
        comparison = graph.rows[node] in COMPARISON_ROWS
        made = []
        for position, operand in enumerate(graph.operands_of(node)):
            if operand not in self.drawn:
                continue
            text, flows, story = found.get(position, ("", True, ""))
            decides = comparison or graph.rows[operand] in COMPARISON_ROWS
            made.append(Wire(position, operand, text, flows and not decides, story))
        return made

    def _slopes(self, node: int) -> dict[int, tuple[str, bool, str]]:
        """Return text, flow and story of the slope along each edge that has one."""
        if self.active is None or not self.active[node]:
            return {}
        if self.graph.rows[node] in COMPARISON_ROWS:
            return {}
        if self.solution is not None:
            return self._slopes_at_point(self.solution, node)
        graph, made = self.graph, {}
        for position, operand in enumerate(graph.operands_of(node)):
            if self.active[operand] and graph.rows[operand] not in COMPARISON_ROWS:
                words = pretty(slope_text(graph, node, position, self.names))
                sign = f"∂{self.names[node]}/∂{self.names[operand]}"
                made[position] = (words, True, f"{sign} = {words}")
        return made

    def _slopes_at_point(self, solution: Solution, node: int) -> dict[int, tuple[str, bool, str]]:
        made = {}
        for edge in edges(solution, node):
            sign = symbol(solution, node, edge.operand)
            if edge.local is None:
                made[edge.position] = ("0", False, f"{sign} = 0: nothing flows")
                continue
            number, words = _number(edge.local), slope_words(solution, edge)
            full = human(edge.local, solution.arithmetic)
            between = "" if words in (number, full) else f"{words} = "
            flows = self.answer.adjoints[node] is not None
            made[edge.position] = (number, flows, f"{sign} = {between}{full}")
        return made

    def _story(self, node: int, kind: str) -> str:
        """Return the node in one line: `x = a + b = 2, ∂f/∂x = -5`."""
        name = self._called(node)
        text = pretty(node_text(self.graph, node, self.names))
        story = name if text == name else f"{name} = {text}"
        if kind == "comparison":
            story = text
        if self.solution is None:
            return story
        value, arithmetic = self.solution.values[node], self.solution.arithmetic
        story += f" = {human(value, arithmetic)}" if self._value(node, kind) else ""
        adjoint = self.answer.adjoints[node]
        if self._gradient(node) and adjoint is not None:
            story += f", ∂{self.name}/∂{self.names[node]} = {human(adjoint, arithmetic)}"
        return story


def _number(value: Any) -> str:
    """Return a number as pictures have it: whole numbers of usual size are not rounded."""
    number = float(value)
    whole = number.is_integer() and abs(number) < _LARGEST_WHOLE
    return human(number) if whole else short(number, FIGURES)
