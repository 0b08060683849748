"""Compiled C beside numba and jax: many steps in a loop, and many points at once, on one processor.

Every side does the same work on the same numbers, and must come to the same answer before anything
is timed. The sides take turns in one process, and the best of several turns counts. Our loop is
the one that `ascend` runs, which works out gains and remarks as it goes; our rows are marked where
a number is not finite, as `grad --points` needs it. The peers' code does neither. numba's is
written by hand; jax differentiates.
"""

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

from tests.benchmarks.bench import Bench
from tests.benchmarks.processes import child
from tests.benchmarks.report import Row
from tests.benchmarks.subjects import SUBJECTS, Subject

PACKAGES = ("numba", "jax")

Work = Callable[[], Any]

LOOP_GOALS = {"jax lax.scan": 1.0, "numba loop": 2.0}
BATCH_GOALS = {"jax jit(vmap)": 1.0, "numba": 1 / 0.9}
_QUICK, _WHOLE = (300_000, 300_000, 5), (300_000, 1_000_000, 15)
_STEPS = {"Rosenbrock": 1e-4, "a 2-3-1 network": 1e-6}
"""Steps so short that neither subject arrives before the loop ends."""


def rows(bench: Bench) -> Iterator[Row]:
    """Yield a row for each peer, on both functions, measured in a process of their own."""
    bench.say("compiled C")
    _, found = child("rows", "native", *(_QUICK if bench.quick else _WHOLE))
    yield from (Row(*cells) for cells in found)


def measured(steps: int, points: int, turns: int) -> Iterator[Row]:
    """Yield a row for each peer, on both functions, in the loop and in the batch."""
    from backprop_cli.readings.compiler import NoCompiler, find_compiler

    try:
        find_compiler()
    except NoCompiler as error:
        yield Row("compiled C", "", "", verdict=f"skipped: {error.message}")
        return
    for subject in SUBJECTS:
        subject = subject._replace(step=_STEPS[subject.name])
        loops = {"ours": our_loop, "jax lax.scan": jax_loop, "numba loop": numba_loop}
        yield from _rows(subject, loops, steps, turns, LOOP_GOALS, "steps/s, loop in C")
        batches = {"ours": our_batch, "jax jit(vmap)": jax_batch, "numba": numba_batch}
        yield from _rows(subject, batches, points, turns, BATCH_GOALS, "rows/s, batch in C")


def _rows(
    subject: Subject,
    makers: dict[str, Callable[[Subject, int], Work]],
    count: int,
    turns: int,
    goals: dict[str, float],
    unit: str,
) -> Iterator[Row]:
    """Yield the rows of one comparison."""
    sides: dict[str, Work] = {}
    for name, make in makers.items():
        try:
            sides[name] = make(subject, count)
        except ImportError as error:
            yield Row(f"{subject.name}: {unit}", "", name, verdict=f"skipped: {error}")
    answers = {name: work() for name, work in sides.items()}
    for name, answer in answers.items():
        _agree(name, answers["ours"], answer)
    best = dict.fromkeys(sides, math.inf)
    for _ in range(turns):
        for name, work in sides.items():
            begin = time.process_time()
            work()
            best[name] = min(best[name], time.process_time() - begin)
    for name in sides:
        if name != "ours":
            yield Row(
                f"{subject.name}: {unit}",
                f"{count / best['ours'] / 1e6:,.1f} M",
                f"{name} {count / best[name] / 1e6:,.1f} M",
                best["ours"] / best[name],
                goals[name],
            )


def _agree(name: str, ours: Any, theirs: Any) -> None:
    import numpy

    numpy.testing.assert_allclose(theirs, ours, rtol=1e-9, atol=1e-12, err_msg=name)


def _columns(subject: Subject, count: int) -> Any:
    """Return random points, a row of the array for each input in the order of `start`."""
    import numpy

    draw = numpy.random.default_rng(1)
    return draw.uniform(-2, 2, (len(subject.start), count))


# ---------------------------------------------------------------------- ours


def our_loop(subject: Subject, count: int) -> Work:
    """The loop of `ascend --engine native`, without rows to be shown."""
    from backprop_cli.language.parser import parse
    from backprop_cli.studies.climbing.ahead import Ahead, Stand
    from backprop_cli.studies.climbing.native_loop import NativeLoop
    from backprop_cli.studies.climbing.problem import make_problem
    from backprop_cli.studies.climbing.remarks import Remarks
    from backprop_cli.studies.climbing.settings import Settings

    problem = make_problem(parse(subject.text), subject.start, (), (), count)
    objective = problem.objective
    settings = Settings(step=subject.step, steps=count, descend=True)
    start = [subject.start[name] for name in objective.names]
    found = objective.slopes(start)
    nobody = lambda remark, times, first: None  # noqa: E731
    loop = NativeLoop(objective.graph, objective.names, objective.held, settings, nobody)
    ahead = Ahead(loop, lambda number: count)
    begin = Stand(0, tuple(start), found)

    def work() -> Any:
        reached = ahead(begin, [[]], Remarks(found[0], True, problem.objective.value))
        assert reached.number == count
        end = dict(zip(objective.names, reached.point, strict=True))
        return [end[name] for name in subject.start]

    return work


def our_batch(subject: Subject, count: int) -> Work:
    """The compiled blocks of `grad --points --engine native`."""
    import numpy

    from backprop_cli.calculus.point_graph import point_graph
    from backprop_cli.language.parser import parse
    from backprop_cli.readings.native_blocks import NativeBlocks

    names = list(subject.start)
    graph = parse(subject.text)
    made = point_graph(graph, [graph.inputs[name] for name in names])
    blocks = NativeBlocks(made.graph, names, {}, made.watched, made.kinks)
    columns, out = _columns(subject, count), numpy.empty((len(names) + 1, count))
    bad, kinked = numpy.zeros(count, bool), numpy.zeros(count, bool)

    def work() -> Any:
        blocks(list(columns), list(out), bad, kinked)
        assert not bad.any()
        return out

    return work


# ---------------------------------------------------------------------- jax


def _jax() -> Any:
    import jax

    jax.config.update("jax_enable_x64", True)
    return jax


def jax_loop(subject: Subject, count: int) -> Work:
    """`jax.lax.scan` over steps of the gradient, compiled by XLA."""
    jax = _jax()
    start = jax.numpy.array(list(subject.start.values()))
    slopes = jax.grad(lambda p: subject.program(p, jax.numpy.tanh))

    @jax.jit
    def scan(point: Any) -> Any:
        step = lambda p, _: (p - subject.step * slopes(p), None)  # noqa: E731
        return jax.lax.scan(step, point, None, length=count)[0]

    return lambda: scan(start).block_until_ready()


def jax_batch(subject: Subject, count: int) -> Work:
    """Value and gradient, mapped over columns and compiled by XLA."""
    jax = _jax()
    inputs = range(len(subject.start))
    one = jax.value_and_grad(lambda *p: subject.program(p, jax.numpy.tanh), argnums=tuple(inputs))
    both = jax.jit(jax.vmap(one))
    columns = [jax.numpy.array(column) for column in _columns(subject, count)]

    def work() -> Any:
        value, slopes = both(*columns)
        return [part.block_until_ready() for part in (value, *slopes)]

    return work


# ---------------------------------------------------------------------- numba


def _numba_slopes(subject: Subject) -> Any:
    """Return (p, g) -> value, which writes the slopes at p into g: by hand, compiled by numba."""
    import numba

    @numba.njit(error_model="numpy", inline="always")
    def rosenbrock(p: Any, g: Any) -> Any:
        x, y = p[0], p[1]
        rise = y - x * x
        g[0] = -2 * (1 - x) - 400 * x * rise
        g[1] = 200 * rise
        return (1 - x) * (1 - x) + 100 * rise * rise

    @numba.njit(error_model="numpy", inline="always")
    def network(p: Any, g: Any) -> Any:
        a = math.tanh(p[0] * 0.6 + p[1] * -0.4 + p[6])
        b = math.tanh(p[2] * 0.6 + p[3] * -0.4 + p[7])
        c = math.tanh(p[4] * 0.6 + p[5] * -0.4 + p[8])
        miss = p[9] * a + p[10] * b + p[11] * c + p[12] - 0.75
        twice = 2 * miss
        g[6] = twice * p[9] * (1 - a * a)
        g[7] = twice * p[10] * (1 - b * b)
        g[8] = twice * p[11] * (1 - c * c)
        for k in range(3):
            g[2 * k] = g[6 + k] * 0.6
            g[2 * k + 1] = g[6 + k] * -0.4
        g[9], g[10], g[11], g[12] = twice * a, twice * b, twice * c, twice
        return miss * miss

    return rosenbrock if subject.name == "Rosenbrock" else network


def numba_loop(subject: Subject, count: int) -> Work:
    """The steps in one loop that numba compiles."""
    import numba
    import numpy

    slopes, h, inputs = _numba_slopes(subject), subject.step, len(subject.start)

    @numba.njit(error_model="numpy")
    def loop(start: Any, steps: int) -> Any:
        p, g = start.copy(), start.copy()
        for _ in range(steps):
            slopes(p, g)
            for k in range(inputs):
                p[k] -= h * g[k]
        return p

    start = numpy.array(list(subject.start.values()))
    return lambda: loop(start, count)


def numba_batch(subject: Subject, count: int) -> Work:
    """The rows in one loop that numba compiles."""
    import numba
    import numpy

    slopes, inputs = _numba_slopes(subject), len(subject.start)

    @numba.njit(error_model="numpy")
    def loop(columns: Any, out: Any) -> None:
        p, g = numpy.empty(inputs), numpy.empty(inputs)
        for row in range(columns.shape[1]):
            for k in range(inputs):
                p[k] = columns[k, row]
            out[0, row] = slopes(p, g)
            for k in range(inputs):
                out[1 + k, row] = g[k]

    columns, out = _columns(subject, count), numpy.empty((inputs + 1, count))

    def work() -> Any:
        loop(columns, out)
        return out

    return work
