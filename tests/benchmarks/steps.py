"""Steps a second: plain descent on two small functions, by us and by each peer.

Every side starts at the same point, takes the same number of steps of the same length, and must
end where the others end. The sides take turns in one process; the best of several turns counts,
since whatever else runs on the machine can only make a turn longer. A peer that compiles may do so
before the clock starts.
"""

import math
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tests.benchmarks.bench import Bench
from tests.benchmarks.processes import child
from tests.benchmarks.report import Row
from tests.benchmarks.step_peers import PEERS
from tests.benchmarks.subjects import SUBJECTS, Loop, Point, Subject, looped

PACKAGES = ("sympy", "jax", "torch", "casadi", "micrograd", "autograd")


def _ascend(subject: Subject) -> Loop:
    """Our climb with all that `ascend` says of a step: gains, ratio, remark, kept rows."""
    from backprop_cli.language.parser import parse
    from backprop_cli.studies.climbing.climbs import Record
    from backprop_cli.studies.climbing.problem import make_problem
    from backprop_cli.studies.climbing.settings import Settings

    graph = parse(subject.text)

    def loop(steps: int) -> Point:
        problem = make_problem(graph, subject.start, (), (), steps)
        record = Record(problem.climb(Settings(step=subject.step, steps=steps, descend=True)), "")
        for step in record.climb:
            record.add(step)
        end = problem.at(record.outcome.last.point)
        return [end[name] for name in subject.start]

    return loop


def _in_a_loop(optimizer: str) -> Callable[[Subject], Loop]:
    """Our climb where nobody looks at the steps: one generated loop, with its stop conditions."""

    def make(subject: Subject) -> Loop:
        from backprop_cli.language.parser import parse
        from backprop_cli.studies.climbing.optimizers import BY_NAME
        from backprop_cli.studies.climbing.problem import make_problem
        from backprop_cli.studies.climbing.settings import Settings

        graph = parse(subject.text)
        how = Settings(BY_NAME[optimizer], step=subject.step, descend=True)

        def loop(steps: int) -> Point:
            problem = make_problem(graph, subject.start, (), (), steps)
            last = problem.climb(how._replace(steps=steps)).finish().last
            if last.number != steps:
                raise ArithmeticError(f"the climb ends after {last.number} of {steps} steps")
            end = problem.at(last.point)
            return [end[name] for name in subject.start]

        return loop

    return make


def _compiled(subject: Subject) -> Loop:
    """Our gradient graph as generated Python, in a bare loop."""
    from backprop_cli.calculus.gradient_graph import gradient_graph
    from backprop_cli.language.parser import parse
    from backprop_cli.readings.python import python_function

    graph = parse(subject.text)
    wrt = [graph.inputs[name] for name in subject.start]
    both = python_function(gradient_graph(graph, graph.outputs[0], wrt), list(subject.start))
    return looped(subject, lambda point: both(*point)[1:])


def _whole_step(subject: Subject) -> Loop:
    """The whole step as generated Python, called once a step: what jax.jit compiles, too."""
    from backprop_cli.calculus.appending import Appender
    from backprop_cli.calculus.gradient_graph import gradient_graph
    from backprop_cli.language.parser import parse
    from backprop_cli.operations import SUB
    from backprop_cli.readings.python import python_function

    graph = parse(subject.text)
    wrt = [graph.inputs[name] for name in subject.start]
    slopes = gradient_graph(graph, graph.outputs[0], wrt)
    made = Appender(slopes)
    h = made.constant(repr(subject.step))
    landed = [
        made.add(SUB, (x, made.product(h, g))) for x, g in zip(wrt, slopes.outputs[1:], strict=True)
    ]
    step = python_function(made.finish(landed), list(subject.start))

    def loop(steps: int) -> Point:
        point: Point = tuple(subject.start.values())
        for _ in range(steps):
            point = step(*point)
        return point

    return loop


class Contest(NamedTuple):
    """One of our loops, and the peers it is held against, each with its goal (None: none)."""

    name: str
    make: Callable[[Subject], Loop]
    peers: dict[str, float | None]


CONTESTS = (
    Contest(
        "generated Python, a call a step",
        _compiled,
        {
            "hand-written Python": None,
            "sympy lambdify(cse)": 1.0,
            "jax.jit, a call a step": None,  # which has the update compiled, too: see below
            "casadi, a call a step": None,
            "micrograd": None,
            "torch": None,
            "autograd": None,
        },
    ),
    Contest(
        "the whole step generated, a call a step",
        _whole_step,
        {"hand-written Python": None, "jax.jit, a call a step": 5.0},
    ),
    Contest(
        "one generated loop",
        _in_a_loop("gradient"),
        {"hand-written Python": None, "jax.jit, a call a step": 5.0, "jax.lax.fori_loop": None},
    ),
    Contest("adam, one generated loop", _in_a_loop("adam"), {"torch.optim.Adam": None}),
    Contest("every step explained", _ascend, {"hand-written Python": None, "micrograd": None}),
)


def rows(bench: Bench) -> Iterator[Row]:
    """Yield a row for each of our loops and each of its peers, on both functions."""
    bench.say("steps of small functions")
    steps, turns = (20_000, 3) if bench.quick else (40_000, 15)
    _, found = child("rows", "steps", steps, turns)
    yield from (Row(*cells) for cells in found)


def measured(steps: int, turns: int) -> Iterator[Row]:
    """Yield the rows, measured in this process."""
    for subject in SUBJECTS:
        yield from _subject_rows(subject, steps, turns)


def _subject_rows(subject: Subject, steps: int, turns: int) -> Iterator[Row]:
    sides = {contest.name: (contest.make(subject), steps) for contest in CONTESTS}
    for name, (make, share) in PEERS.items():
        try:
            sides[name] = (make(subject), steps // share)
        except ImportError as error:
            yield Row(f"{subject.name}: {name}", "", "", verdict=f"missing: {error}")
    _check(sides)
    best = dict.fromkeys(sides, math.inf)
    for _ in range(turns):
        for name, (loop, count) in sides.items():
            best[name] = min(best[name], _seconds(loop, count) / count)
    for contest in CONTESTS:
        for peer, goal in contest.peers.items():
            if peer in sides:
                yield Row(
                    f"{subject.name}: {contest.name} / {peer}",
                    f"{1 / best[contest.name]:,.0f} steps/s",
                    f"{1 / best[peer]:,.0f} steps/s",
                    best[peer] / best[contest.name],
                    goal,
                    at_least=True,
                )


def _check(sides: dict[str, tuple[Loop, int]]) -> None:
    """Raise unless all sides end where the first of their kind ends, after the same steps."""
    for name, (loop, count) in sides.items():
        reference = "torch.optim.Adam" if name.startswith("adam") else "hand-written Python"
        if name == "torch.optim.Adam" or reference not in sides:
            continue
        count = min(count, sides[reference][1])
        for found, wanted in zip(loop(count), sides[reference][0](count), strict=True):
            if not math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-12):
                raise ArithmeticError(f"{name} ends at {found}, {reference} at {wanted}")


def _seconds(loop: Loop, steps: int) -> float:
    begin = time.process_time()
    loop(steps)
    return time.process_time() - begin
