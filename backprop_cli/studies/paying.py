"""Whether compiled C pays: what compiling costs, and what it saves of many evaluations.

C pays where it saves more than twice what compiling costs, by figures measured once on an ordinary
machine. Whether the code is kept from an earlier run is not asked, so that the same command is
answered in the same way each time. What C saves of the rows of a table is in
`studies/table/point_engine.py`.
"""

LARGEST_COMPILED = 25_000
"""The most nodes of a graph that `auto` has compiled to C: that takes some 300 MB of memory."""

_START, _PER_NODE = 0.1, 2.5e-4
"""Seconds that compiling takes: to begin with, and for each node of the graph that is compiled."""
WITH_GRADIENT = 2.5
"""How much larger than a program its gradient graph is."""
LONGEST_LOOP = 3500
"""The most lines of a loop that is compiled, its slopes included; in longer programs C is called
for the slopes alone, at each step."""
_PER_LINE = 2.5e-4
"""Seconds that compiling a line of a loop takes at most: 600 to 900 lines 0.33 to 0.37 s, and 2,200
to 3,100, their slopes in parts, 0.4 to 0.5 s."""
_LOOP, _LOOP_NODE = 5e-6, 1e-7
"""Seconds that a step saves in the loop of C: to begin with, and for each node."""
_CALL, _CALL_NODE = -9e-7, 4e-8
"""Seconds that one evaluation saves: calling C costs more than calling Python, so that C is faster
from some 25 nodes on. Measured: 14 nodes 0.5 µs by Python and 1.1 by C, 109 nodes 3.5 and 1.1, 439
nodes 17.6 and 2.7."""
_STEP_NODE, _ROW_NODE, _SLOW = 1e-6, 5e-10, 1e-7
"""Seconds that C saves over data: a node of the gradient graph in each step, and in each row; and
what it saves for an operation that NumPy calls Python for, in each row."""


def compiling(nodes: float) -> float:
    """Return the seconds that compiling so many nodes takes.

    Measured with gcc 12: 1,158 nodes 0.3 s, 11,597 nodes 1.5 s, 26,046 nodes 5.6 s.
    """
    return _START + _PER_NODE * nodes


def loop_lines(nodes: int, inputs: int, states: int) -> float:
    """Return about how many lines the loop of a program of so many nodes has."""
    return 1.5 * nodes + inputs * (8 + 10 * states)


def loop_pays(steps: float, nodes: int, lines: float) -> bool:
    """Return whether compiling a loop of so many lines pays for so many steps."""
    cost = _START + _PER_LINE * lines
    return lines <= LONGEST_LOOP and steps * (_LOOP + _LOOP_NODE * nodes) > 2 * cost


def calls_pay(evaluations: float, nodes: int) -> bool:
    """Return whether compiling pays for so many evaluations of a program of so many nodes."""
    size = WITH_GRADIENT * nodes
    saved = evaluations * (_CALL + _CALL_NODE * nodes)
    return size <= LARGEST_COMPILED and saved > 2 * compiling(size)


def rows_pay(steps: float, rows: int, nodes: int, slow: int) -> bool:
    """Return whether compiling pays for so many steps over data, with a graph of so many nodes.

    `slow` of them are operations that NumPy calls Python for.
    """
    row = nodes * _ROW_NODE + slow * _SLOW
    saved = steps * (nodes * _STEP_NODE + rows * row)
    return nodes <= LARGEST_COMPILED and saved > 2 * compiling(nodes)
