"""The four shapes of program that are measured, written once for every tool.

A shape is a Python function over numbers of any kind: micrograd's values, autograd's boxes,
casadi's symbols and plain floats go through it as they are, which is how a user of those tools
would build the graph. Numbers that only write down what is done to them give the same program as
text for our parser. All is seeded, and the values stay near 1 at every size.
"""

import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from backprop_cli.operations import ADD, CONSTANT, INPUT, MUL, ROW, TABLE

SEED = 2
_UNITS = 8
_TREE_INPUTS = 1000
_RELU = ROW["relu"]


class Shape(NamedTuple):
    """A family of programs: the inputs for about so many nodes, and the program over them."""

    name: str
    what: str
    inputs: Callable[[int], list[float]]
    program: Callable[[int, list[Any], Callable[[Any], Any]], Any]


def _chain_inputs(nodes: int) -> list[float]:
    return [0.75, 0.00001]


def _chain(nodes: int, inputs: list[Any], relu: Callable[[Any], Any]) -> Any:
    x, y = inputs
    out = x
    for _ in range(nodes // 3):
        out = out * 0.99999 + y
    return out


def _wide_inputs(nodes: int) -> list[float]:
    rng = random.Random(SEED)
    return [rng.uniform(0.5, 1.5) for _ in range(nodes // 4 * 2)]


def _wide(nodes: int, inputs: list[Any], relu: Callable[[Any], Any]) -> Any:
    out = inputs[0] * inputs[1]
    for k in range(2, len(inputs), 2):
        out = out + inputs[k] * inputs[k + 1]
    return out


def _tree_inputs(nodes: int) -> list[float]:
    rng = random.Random(SEED)
    return [rng.uniform(0.95, 1.05) for _ in range(_TREE_INPUTS)]


def _tree(nodes: int, inputs: list[Any], relu: Callable[[Any], Any]) -> Any:
    """Levels of products and of means take turns, so that the values keep their size."""
    leaves = inputs * (nodes * 3 // 5 // len(inputs))
    random.Random(SEED).shuffle(leaves)
    level, products = leaves, True
    while len(level) > 1:
        odd = level[-1:] if len(level) % 2 else []
        pairs = zip(level[0::2], level[1::2], strict=False)
        level = [x * y if products else (x + y) * 0.5 for x, y in pairs] + odd
        products = not products
    return level[0]


def _network_inputs(nodes: int) -> list[float]:
    """Weights (absolute values adding to 0.9 for each unit), biases, and the first state."""
    rng = random.Random(SEED)
    weights = []
    for _ in range(_UNITS):
        row = [rng.uniform(-0.3, 1) for _ in range(_UNITS)]
        size = sum(map(abs, row))
        weights += [0.9 * weight / size for weight in row]
    return weights + [rng.uniform(0.1, 0.5) for _ in range(2 * _UNITS)]


def _network(nodes: int, inputs: list[Any], relu: Callable[[Any], Any]) -> Any:
    """Apply one layer again and again: each weight and each unit is used many times."""
    weights = [inputs[k * _UNITS : (k + 1) * _UNITS] for k in range(_UNITS)]
    biases, units = inputs[_UNITS * _UNITS :][:_UNITS], inputs[-_UNITS:]
    for _ in range(nodes // (_UNITS * (2 * _UNITS + 1))):
        before, units = units, []
        for row, total in zip(weights, biases, strict=True):
            for weight, unit in zip(row, before, strict=True):
                total = total + weight * unit
            units.append(relu(total))
    out = units[0]
    for unit in units[1:]:
        out = out + unit
    return out


SHAPES = {
    shape.name: shape
    for shape in (
        Shape("chain", "(x*c + y)*c + y ..., as deep as long", _chain_inputs, _chain),
        Shape("wide", "a0*a1 + a2*a3 + ..., half the nodes are inputs", _wide_inputs, _wide),
        Shape("tree", "a balanced tree over 1,000 shared inputs", _tree_inputs, _tree),
        Shape("network", "8 units, one layer again and again", _network_inputs, _network),
    )
}


class _Written:
    """A number that writes down what is done to it, as steps on a tape."""

    __slots__ = ("index", "tape")

    def __init__(self, tape: "list[tuple[int, Any, Any]]", row: int, x: Any, y: Any) -> None:
        self.tape = tape
        self.index = len(tape)
        tape.append((row, x, y))

    def _binary(self, row: int, other: "_Written | float") -> "_Written":
        if not isinstance(other, _Written):
            other = _Written(self.tape, CONSTANT, other, None)
        return _Written(self.tape, row, self.index, other.index)

    def __add__(self, other: "_Written | float") -> "_Written":
        return self._binary(ADD, other)

    def __mul__(self, other: "_Written | float") -> "_Written":
        return self._binary(MUL, other)

    def relu(self) -> "_Written":
        return _Written(self.tape, _RELU, self.index, None)


def input_names(count: int) -> list[str]:
    """Return the names of the inputs in the program's text."""
    return [f"a{k}" for k in range(count)]


def program_text(shape: Shape, nodes: int) -> str:
    """Return the program of a shape as text: what is used more than once becomes a statement."""
    tape: list[tuple[int, Any, Any]] = []
    names = input_names(len(shape.inputs(nodes)))
    inputs = [_Written(tape, INPUT, name, None) for name in names]
    output = shape.program(nodes, inputs, _Written.relu).index
    users = [0] * len(tape)
    for row, *operands in tape:
        for operand in operands:
            if row not in (INPUT, CONSTANT) and operand is not None:
                users[operand] += 1
    named = {
        node
        for node, (row, _, _) in enumerate(tape)
        if row not in (INPUT, CONSTANT) and users[node] > 1
    }
    statements = [f"n{node} = {''.join(_pieces(tape, node, named))}" for node in sorted(named)]
    return "\n".join([*statements, "".join(_pieces(tape, output, named))]) + "\n"


def _pieces(tape: list[tuple[int, Any, Any]], top: int, named: set[int]) -> Iterator[str]:
    """Yield the text of one expression in pieces, by an explicit stack (it may be very deep)."""
    stack: list[tuple[str, int, int]] = [("", top, 0)]
    while stack:
        text, node, least = stack.pop()
        if text:
            yield text
            continue
        row, x, y = tape[node]
        if row in (INPUT, CONSTANT):
            yield str(x)
        elif node in named and node != top:
            yield f"n{node}"
        elif row == _RELU:
            stack += [(")", 0, 0), ("", x, 0), ("relu(", 0, 0)]
        else:
            precedence = TABLE[row].precedence
            opening, closing = ("(", ")") if precedence < least else ("", "")
            sign = f" {TABLE[row].infix} " if row == ADD else TABLE[row].infix
            parts = [("", x, precedence), (sign, 0, 0), ("", y, precedence + 1)]
            parts = [(opening, 0, 0)] * bool(opening) + parts + [(closing, 0, 0)] * bool(closing)
            stack += reversed(parts)
