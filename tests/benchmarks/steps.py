"""Steps a second: plain descent on two small functions, by us and by each peer.

Every side starts at the same point, takes the same number of steps of the same length, and must
end where the others end. The sides take turns in one process; the best of several turns counts,
since whatever else runs on the machine can only make a turn longer.
"""

import math
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tests.benchmarks.report import Row

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
        1e-3,
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
    from backprop_cli.studies.ascent import Settings
    from backprop_cli.studies.climbs import Record
    from backprop_cli.studies.problem import make_problem

    graph = parse(subject.text)

    def loop(steps: int) -> Point:
        problem = make_problem(graph, subject.start, (), (), steps)
        record = Record(problem.climb(Settings(step=subject.step, steps=steps, descend=True)), "")
        for step in record.climb:
            record.add(step)
        end = problem.at(record.outcome.last.point)
        return [end[name] for name in subject.start]

    return loop


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


OURS: dict[str, Callable[[Subject], Loop]] = {
    "ascend, every step explained": _ascend,
    "generated Python, bare loop": _compiled,
}
PEERS: dict[str, tuple[Callable[[Subject], Loop], int]] = {
    "hand-written Python": (_by_hand, 1),
    "sympy lambdify(cse)": (_lambdify, 1),
    "casadi, a call a step": (_casadi, 10),
    "micrograd": (_micrograd, 20),
    "autograd": (_autograd, 100),
}
"""The peers; the slow ones take so many times fewer steps."""


def step_rows(steps: int, turns: int) -> list[Row]:
    """Return a row for each of our loops and each peer, on both functions."""
    return [row for subject in SUBJECTS for row in _subject_rows(subject, steps, turns)]


def _subject_rows(subject: Subject, steps: int, turns: int) -> list[Row]:
    sides = {name: (make(subject), steps) for name, make in OURS.items()}
    missing = []
    for name, (make, share) in PEERS.items():
        try:
            sides[name] = (make(subject), steps // share)
        except ImportError as error:
            missing.append(Row(f"{subject.name}: {name}", "", "", verdict=f"skipped: {error}"))
    reference = sides["hand-written Python"][0]
    for name, (loop, count) in sides.items():
        for found, wanted in zip(loop(count), reference(count), strict=True):
            if not math.isclose(found, wanted, rel_tol=1e-9):
                raise ArithmeticError(f"{name} ends at {found}, by hand at {wanted}")
    best = dict.fromkeys(sides, math.inf)
    for _ in range(turns):
        for name, (loop, count) in sides.items():
            best[name] = min(best[name], _seconds(loop, count) / count)
    return [
        Row(
            f"{subject.name}: {mine} / {peer}",
            f"{1 / best[mine]:,.0f} steps/s",
            f"{1 / best[peer]:,.0f} steps/s",
            best[mine] / best[peer],
        )
        for mine in OURS
        for peer in sides
        if peer not in OURS
    ] + missing


def _seconds(loop: Loop, steps: int) -> float:
    begin = time.process_time()
    loop(steps)
    return time.process_time() - begin
