"""Steps a second: plain descent on two small functions, by us and by each peer.

Every side starts at the same point, takes the same number of steps of the same length, and must
end where the others end. The sides take turns in one process; the best of several turns counts,
since whatever else runs on the machine can only make a turn longer. A peer that compiles may do so
before the clock starts.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from tests.benchmarks.bench import Bench
from tests.benchmarks.processes import child
from tests.benchmarks.report import Row

PACKAGES = ("sympy", "jax", "torch", "casadi", "micrograd", "autograd")

Point = Sequence[float]
Loop = Callable[[int], Point]
"""Takes a number of steps from the start; returns where they end."""


class Subject(NamedTuple):
    """A function of several inputs: as text, and over numbers of any kind."""

    name: str
    text: str
    start: dict[str, float]
    step: float
    program: Callable[[Sequence[Any], Callable[[Any], Any]], Any]
    by_hand: Callable[[Point], Point]


def _rosenbrock(p: Sequence[Any], tanh: Callable[[Any], Any]) -> Any:
    return (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2


def _rosenbrock_slopes(p: Point) -> Point:
    x, y = p
    rise = y - x * x
    return -2 * (1 - x) - 400 * x * rise, 200 * rise


def _network(p: Sequence[Any], tanh: Callable[[Any], Any]) -> Any:
    hidden = [tanh(p[2 * k] * 0.6 + p[2 * k + 1] * -0.4 + p[6 + k]) for k in range(3)]
    return (p[9] * hidden[0] + p[10] * hidden[1] + p[11] * hidden[2] + p[12] - 0.75) ** 2


def _network_slopes(p: Point) -> Point:
    hidden = [math.tanh(p[2 * k] * 0.6 + p[2 * k + 1] * -0.4 + p[6 + k]) for k in range(3)]
    error = 2 * (p[9] * hidden[0] + p[10] * hidden[1] + p[11] * hidden[2] + p[12] - 0.75)
    inner = [error * p[9 + k] * (1 - hidden[k] * hidden[k]) for k in range(3)]
    weights = [slope * x for slope in inner for x in (0.6, -0.4)]
    return (*weights, *inner, *(error * h for h in hidden), error)


_NETWORK_TEXT = """
h0 = tanh(p0*0.6 + p1*-0.4 + p6)
h1 = tanh(p2*0.6 + p3*-0.4 + p7)
h2 = tanh(p4*0.6 + p5*-0.4 + p8)
(p9*h0 + p10*h1 + p11*h2 + p12 - 0.75)^2
"""

SUBJECTS = (
    Subject(
        "Rosenbrock",
        "(1 - p0)^2 + 100*(p1 - p0^2)^2",
        {"p0": -1.2, "p1": 1.0},
        1e-4,
        _rosenbrock,
        _rosenbrock_slopes,
    ),
    Subject(
        "a 2-3-1 network",
        _NETWORK_TEXT,
        {f"p{k}": round(math.sin(k + 1), 3) for k in range(13)},
        1e-5,
        _network,
        _network_slopes,
    ),
)


def _looped(subject: Subject, slopes: Callable[[Point], Sequence[float]]) -> Loop:
    """Return plain descent by a function that gives the slopes."""
    h = subject.step

    def loop(steps: int) -> Point:
        point: Point = tuple(subject.start.values())
        for _ in range(steps):
            point = [x - h * g for x, g in zip(point, slopes(point), strict=True)]
        return point

    return loop


def _ascend(subject: Subject) -> Loop:
    """Our climb with all that `ascend` says of a step: gains, ratio, remark, kept rows."""
    from backprop_cli.language.parser import parse
    from backprop_cli.studies.climbing.ascent import Settings
    from backprop_cli.studies.climbing.climbs import Record
    from backprop_cli.studies.climbing.problem import make_problem

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
        from backprop_cli.studies.climbing.ascent import Settings
        from backprop_cli.studies.climbing.optimizers import BY_NAME
        from backprop_cli.studies.climbing.problem import make_problem

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
    from backprop_cli.readings.python import compiled

    graph = parse(subject.text)
    wrt = [graph.inputs[name] for name in subject.start]
    both = compiled(gradient_graph(graph, graph.outputs[0], wrt), list(subject.start))
    return _looped(subject, lambda point: both(*point)[1:])


def _by_hand(subject: Subject) -> Loop:
    return _looped(subject, subject.by_hand)


def _lambdify(subject: Subject) -> Loop:
    """SymPy's gradient, printed as Python with common subexpressions taken out."""
    import sympy

    symbols = sympy.symbols(" ".join(subject.start))
    value = subject.program(symbols, sympy.tanh)
    slopes = [sympy.diff(value, symbol) for symbol in symbols]
    both = sympy.lambdify(symbols, [value, *slopes], "math", cse=True)
    return _looped(subject, lambda point: both(*point)[1:])


def _micrograd(subject: Subject) -> Loop:
    from micrograd.engine import Value

    def tanh(x: Any) -> Any:
        out = Value(math.tanh(x.data), (x,), "tanh")

        def backward() -> None:
            x.grad += (1 - out.data**2) * out.grad

        out._backward = backward
        return out

    def slopes(point: Point) -> list[float]:
        inputs = [Value(x) for x in point]
        subject.program(inputs, tanh).backward()
        return [value.grad for value in inputs]

    return _looped(subject, slopes)


def _autograd(subject: Subject) -> Loop:
    import autograd.numpy as np
    from autograd import value_and_grad

    both = value_and_grad(lambda vector: subject.program(vector, np.tanh))
    return _looped(subject, lambda point: both(np.array(point))[1].tolist())


def _casadi(subject: Subject) -> Loop:
    """A compiled graph of casadi's, called once a step as its users call it."""
    import casadi as cas

    symbols = [cas.SX.sym(name) for name in subject.start]
    value = subject.program(symbols, cas.tanh)
    vector = cas.vertcat(*symbols)
    both = cas.Function("both", [vector], [value, cas.gradient(value, vector)])
    return _looped(subject, lambda point: both(point)[1].full().ravel().tolist())


def _torch(subject: Subject) -> Loop:
    import torch

    torch.set_num_threads(1)

    def slopes(point: Point) -> list[float]:
        vector = torch.tensor(point, dtype=torch.float64, requires_grad=True)
        subject.program(vector.unbind(), torch.tanh).backward()
        gradient: list[float] = vector.grad.tolist()
        return gradient

    return _looped(subject, slopes)


def _torch_adam(subject: Subject) -> Loop:
    import torch

    torch.set_num_threads(1)

    def loop(steps: int) -> Point:
        start = list(subject.start.values())
        vector = torch.tensor(start, dtype=torch.float64, requires_grad=True)
        adam = torch.optim.Adam([vector], lr=subject.step)
        for _ in range(steps):
            adam.zero_grad()
            subject.program(vector.unbind(), torch.tanh).backward()
            adam.step()
        end: list[float] = vector.tolist()
        return end

    return loop


def _jax(subject: Subject, scanned: bool) -> Loop:
    """The whole step compiled by jax: called from Python once a step, or all steps in XLA."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    slopes = jax.grad(lambda vector: subject.program(vector, jnp.tanh))
    start = jnp.array(list(subject.start.values()))

    def step(place: Any, point: Any) -> Any:
        return point - subject.step * slopes(point)

    one = jax.jit(lambda point: step(0, point))
    many = jax.jit(lambda steps, point: jax.lax.fori_loop(0, steps, step, point))

    def loop(steps: int) -> Point:
        point = start
        if scanned:
            point = many(steps, point)
        else:
            for _ in range(steps):
                point = one(point)
        end: list[float] = point.tolist()
        return end

    loop(1)
    return loop


def _jax_step(subject: Subject) -> Loop:
    return _jax(subject, scanned=False)


def _jax_scanned(subject: Subject) -> Loop:
    return _jax(subject, scanned=True)


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
            "jax.jit, a call a step": 5.0,
            "casadi, a call a step": None,
            "micrograd": None,
            "torch": None,
            "autograd": None,
        },
    ),
    Contest(
        "one generated loop",
        _in_a_loop("gradient"),
        {"hand-written Python": None, "jax.jit, a call a step": 5.0, "jax.lax.fori_loop": None},
    ),
    Contest("adam, one generated loop", _in_a_loop("adam"), {"torch.optim.Adam": None}),
    Contest("every step explained", _ascend, {"hand-written Python": None, "micrograd": None}),
)

PEERS: dict[str, tuple[Callable[[Subject], Loop], int]] = {
    "hand-written Python": (_by_hand, 1),
    "sympy lambdify(cse)": (_lambdify, 1),
    "jax.jit, a call a step": (_jax_step, 5),
    "jax.lax.fori_loop": (_jax_scanned, 1),
    "casadi, a call a step": (_casadi, 10),
    "micrograd": (_micrograd, 20),
    "torch": (_torch, 50),
    "torch.optim.Adam": (_torch_adam, 100),
    "autograd": (_autograd, 100),
}
"""The peers; the slow ones take so many times fewer steps."""


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
