"""Which engine takes the steps of a climb: Python, or C compiled here and now.

The numbers of a climb are the same to the last bit, so the choice is one of time
(`studies/paying.py`). Means over data are the same where NumPy has no own version of a function
(`readings/native_rows.py`); otherwise C must be asked for, and says what may differ.
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
from backprop_cli.studies.engine import Chosen, python_because
from backprop_cli.studies.paying import LONGEST_LOOP, calls_pay, loop_lines, loop_pays, rows_pay


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
        return python_because(error.message)


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
    from backprop_cli.readings.native_rows import own_versions, slow_rows

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
