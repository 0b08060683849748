"""Which engine does the work of many steps or many points: Python, or C compiled here and now.

The numbers of a climb are the same to the last bit, those of many points but for the exponentials
(`readings/native_blocks.py`), so the choice is one of time. Means over data are the same where
NumPy has no own version of a function (`studies/native_rows.py`); otherwise C must be asked for,
and says what may differ. `auto` takes C where it saves more than
twice what compiling costs, by figures measured once on an ordinary machine; the rule does not ask
whether the code is kept from an earlier run, so that the same command is answered in the same way
each time.
"""

from collections.abc import Iterable, Sequence

from backprop_cli.graph import Graph
from backprop_cli.readings.compiler import NoCompiler
from backprop_cli.readings.native import Native
from backprop_cli.readings.native_function import compiled_by_c
from backprop_cli.studies.climbing.ahead import Ahead
from backprop_cli.studies.climbing.climbs import Record
from backprop_cli.studies.climbing.native_loop import BEFORE, NativeLoop
from backprop_cli.studies.climbing.objective import Evaluator, Expression, MeanExpression
from backprop_cli.studies.climbing.problem import Problem
from backprop_cli.studies.engine import Chosen

LARGEST_COMPILED = 25_000
"""The most nodes of a graph that `auto` has compiled: a compiler takes some 300 MB for these."""

_START, _PER_NODE = 0.1, 2.5e-4
"""Seconds that compiling takes: to begin with, and for each node of the graph that is compiled."""
WITH_GRADIENT = 2.5
"""How much larger than a program its gradient graph is."""
LONGEST_LOOP = 3500
"""The most lines of a loop that is compiled: its variables all live at once, so that the time a
compiler takes grows with the square of the lines."""
_PER_SQUARE = 4.5e-7
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
    cost = _START + _PER_SQUARE * lines * lines
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


def choose(engine: str, problem: Problem, records: Sequence[Record], every_row: bool) -> Chosen:
    """Let the climbs of `records` be taken by an engine; `every_row` says that all rows are shown.

    Raises `NoCompiler` where `native` is asked for.
    """
    if engine == "python":
        return Chosen("python")
    objective, always = problem.objective, engine == "native"
    try:
        if isinstance(objective, Expression):
            return _native(objective, records, every_row, always)
        return _natively_averaged(objective, records, always)
    except NoCompiler as error:
        if always:
            raise
        return Chosen("python", f"engine python ({error.message})")


def _native(
    objective: Expression, records: Iterable[Record], every_row: bool, always: bool
) -> Chosen:
    """Compile what the climbs need, where it pays or `always`."""
    nodes, calls = objective.graph.size, 0
    made: list[Native] = []
    for record in records:
        settings = record.climb.settings
        lines = loop_lines(nodes, len(objective.names), len(settings.optimizer.states))
        if every_row or not settings.plain or lines > LONGEST_LOOP:
            calls += settings.steps
        elif always or loop_pays(settings.steps, nodes, lines):
            made.append(_loop(objective, record))
    if calls and (always or calls_pay(calls, nodes)):
        objective.compile_with(lambda graph, names: _function(graph, names, made))
    if not made:
        return Chosen("python")
    return Chosen("native", made[0].note)


def _loop(objective: Expression, record: Record) -> Native:
    """Let a climb run ahead, in a loop of C, of the rows that are kept of it."""
    given = objective.graph, objective.names, objective.held, record.climb.settings
    loop = NativeLoop(*given, record.tally)
    record.climb.ahead = Ahead(loop, lambda number: record.next_row(number) - BEFORE)
    return loop.native


def _function(graph: Graph, names: Sequence[str], made: list[Native]) -> Evaluator:
    function, native = compiled_by_c(graph, names)
    made.append(native)
    return function


def _natively_averaged(
    objective: MeanExpression, records: Sequence[Record], always: bool
) -> Chosen:
    """Compile the rows of the data, where it pays and changes no digit, or `always`."""
    from backprop_cli.studies.native_rows import own_versions, slow_rows

    graph, columns = objective.slopes_graph(), objective.data.columns
    own = own_versions(objective.graph, columns) or own_versions(graph, columns)
    plain = all(record.climb.settings.plain for record in records)
    steps = sum(record.climb.settings.steps for record in records)
    nodes = sum(graph.dependencies(graph.outputs))
    pays = rows_pay(steps, objective.data.size, nodes, slow_rows(graph))
    if not always and (own or not plain or not pays):
        return Chosen("python")
    note = objective.compile_rows().note
    if own:
        note += f"; {', '.join(own)}: the last digits may differ from NumPy's"
    return Chosen("native", note)
