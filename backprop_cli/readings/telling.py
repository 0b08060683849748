"""Which nodes tell that a number somewhere in a graph was not finite.

Compiled code for many points computes both sides of a `where` and reads a comparison with NaN as
false, so it must know when a node is not finite. Looking at every node would cost more than the
arithmetic: an infinity that a product or a sum hands on shows there; only one that 1/x or max
swallows has to be looked for where it arises.
"""

from collections.abc import Iterable

from backprop_cli.graph import Graph
from backprop_cli.operations import INPUT, TABLE

SHOWS = {
    "div": (0,),
    **dict.fromkeys(("add", "sub", "mul", "hypot"), (0, 1)),
    **dict.fromkeys(("neg", "abs", "sqrt", "cbrt", "log", "log2", "log10", "log1p"), (0,)),
    **dict.fromkeys(("sin", "cos", "tan", "asin", "acos", "asinh", "acosh"), (0,)),
    **dict.fromkeys(("sinh", "cosh", "floor", "ceil"), (0,)),
}
"""The positions at which an operand that is not finite makes the value so, in every case."""

TAME = {
    *("neg", "abs", "sin", "cos", "tanh", "atan", "asinh", "cbrt", "floor", "ceil", "sign"),
    *("sigmoid", "softsign", "relu", "min", "max", "where", "erf", "erfc", "normal_cdf"),
    *("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"),
}
"""The operations whose value is finite wherever their operands are."""


def telling_nodes(graph: Graph, outputs: Iterable[int]) -> list[int]:
    """Return nodes of which one is not finite wherever any node that `outputs` need is not.

    Costs one look at each node; the nodes come in the order of the graph.
    """
    needed = graph.dependencies(outputs)
    shown = bytearray(graph.size)
    telling = []
    for node in range(graph.size - 1, -1, -1):
        name = TABLE[graph.rows[node]].name
        if not needed[node] or graph.rows[node] == INPUT:
            continue
        if not shown[node] and name not in TAME:
            telling.append(node)
            shown[node] = 1
        if shown[node]:
            operands = graph.operands_of(node)
            for place in SHOWS.get(name, ()):
                shown[operands[place]] = 1
    return telling[::-1]
