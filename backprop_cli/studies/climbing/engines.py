"""Which engine does the work of many steps or many points: Python, or C compiled here and now.

The numbers of a climb are the same to the last bit, those of many points but for the exponentials
(`readings/native_blocks.py`), so the choice is one of time. `auto` takes C where it saves more than
twice what compiling costs, by figures measured once on an ordinary machine; the rule does not ask
whether the code is kept from an earlier run, so that the same command is answered in the same way
each time.
"""

from collections.abc import Iterable, Sequence

from backprop_cli.errors import OptionProblem
from backprop_cli.graph import Graph
from backprop_cli.readings.compiler import HINT, NoCompiler
from backprop_cli.readings.native import Native
from backprop_cli.readings.native_function import compiled_by_c
from backprop_cli.studies.climbing.ascent import Settings
from backprop_cli.studies.climbing.climbs import Record
from backprop_cli.studies.climbing.native_steps import Ahead
from backprop_cli.studies.climbing.objective import Evaluator, Expression
from backprop_cli.studies.climbing.optimizers import NEWTON
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


def choose(engine: str, problem: Problem, records: Sequence[Record], every_row: bool) -> Chosen:
    """Let the climbs of `records` be taken by an engine; `every_row` says that all rows are shown.

    Raises `NoCompiler`, and `OptionProblem` for data, where `native` is asked for.
    """
    objective = problem.objective
    if engine == "native" and not isinstance(objective, Expression):
        raise OptionProblem("--engine native: data are averaged by NumPy", None, HINT)
    if engine == "python" or not isinstance(objective, Expression):
        return Chosen("python")
    try:
        return _native(objective, records, every_row, engine == "native")
    except NoCompiler as error:
        if engine == "native":
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
        if every_row or not _plain(settings) or lines > LONGEST_LOOP:
            calls += settings.steps
        elif always or loop_pays(settings.steps, nodes, lines):
            ahead = Ahead(objective.graph, objective.names, objective.held, settings, record)
            record.climb.ahead = ahead
            made.append(ahead.native)
    if calls and (always or calls_pay(calls, nodes)):
        objective.compile_with(lambda graph, names: _function(graph, names, made))
    if not made:
        return Chosen("python")
    return Chosen("native", made[0].note)


def _function(graph: Graph, names: Sequence[str], made: list[Native]) -> Evaluator:
    function, native = compiled_by_c(graph, names)
    made.append(native)
    return function


def _plain(settings: Settings) -> bool:
    """Return whether each step moves all inputs at once, by the gradient alone."""
    steered = settings.sequential or settings.line_search or settings.optimizer.name == NEWTON
    return settings.method == "gradient" and not steered
