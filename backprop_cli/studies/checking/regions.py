"""Which part of the domain some points lie in: `x < 0`, `a > b does not hold`.

A few conditions of the kind that people distinguish cases by are tried: the sign of an input, the
comparisons of a program and of a claim, the sides of their kinks. One that holds at all of some
points and at none of the others is the part.
"""

from collections.abc import Iterator, Sequence

from backprop_cli.calculus.values import forward_values
from backprop_cli.graph import Graph
from backprop_cli.language.names import display_names
from backprop_cli.operations import COMPARISON_ROWS, ROW
from backprop_cli.studies.checking.claims import Question, Questions
from backprop_cli.studies.sampling import Point
from backprop_cli.studies.words import said

_FEWEST = 3
_SIGNED = frozenset(
    ROW[name] for name in ("abs", "relu", "leaky_relu", "elu", "sign", "sqrt", "log")
)
_CHOOSING = frozenset(ROW[name] for name in ("max", "min"))


def region(
    questions: Questions, question: Question, here: Sequence[Point], there: Sequence[Point]
) -> str:
    """Return the condition that holds at all points `here` and at none `there`, or nothing."""
    if min(len(here), len(there)) < _FEWEST:
        return ""
    graph = questions.graph
    names = tuple(graph.inputs)
    inside, outside = (
        [forward_values(graph, dict(zip(names, point, strict=True))) for point in points]
        for points in (here, there)
    )
    needed = graph.dependencies([question.output, question.node])
    for node, low, words in _conditions(graph, needed):
        for above, text in ((True, words[0]), (False, words[1])):
            if all(_is_above(values, node, low) == above for values in inside) and all(
                _is_above(values, node, low) != above for values in outside
            ):
                return f"where {text}"
    return ""


def _is_above(values: Sequence[float], node: int, low: int) -> bool:
    """Return whether a node is above another, or above 0 where there is none (-1)."""
    return bool(values[node] > (values[low] if low >= 0 else 0))


def _conditions(graph: Graph, needed: bytearray) -> Iterator[tuple[int, int, tuple[str, str]]]:
    """Yield (node, other or -1, words): the node is above the other, or above 0, or it is not."""
    names = display_names(graph)
    for name, node in graph.inputs.items():
        if needed[node]:
            yield node, -1, (f"{name} > 0", f"{name} < 0")
    for node, row in enumerate(graph.rows):
        if not needed[node]:
            continue
        operands = graph.operands_of(node)
        if row in COMPARISON_ROWS:
            text = names[node]
            yield node, -1, (text, f"{text} does not hold")
        elif row in _SIGNED:
            text = said(graph, operands[0], names)
            yield operands[0], -1, (f"{text} > 0", f"{text} < 0")
        elif row in _CHOOSING and len(operands) == 2:
            first, second = (said(graph, operand, names) for operand in operands)
            yield operands[0], operands[1], (f"{first} > {second}", f"{first} < {second}")
