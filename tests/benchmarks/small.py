"""Small programs, once each: from text to value and gradient, many times in one process.

We read the text every time, with all that `grad` has to say of an answer; the peers build the
same graph with their operators, which is how their users write it, and run back through it. The
answers are compared first, then the sides take turns, and the best of several turns counts: what
else runs on the machine can only make a turn longer.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from tests.benchmarks.bench import Bench
from tests.benchmarks.processes import child
from tests.benchmarks.report import Row

_AGREEMENT = 1e-12

Answer = tuple[float, list[float]]


class Program(NamedTuple):
    """A program of a few nodes: as text, and over numbers of any kind."""

    name: str
    text: str
    point: dict[str, float]
    build: Callable[[Sequence[Any], Callable[[Any], Any]], Any]


def _sums(p: Sequence[Any], relu: Callable[[Any], Any]) -> Any:
    return (p[0] + p[1]) * (p[1] + p[2])


def _neuron(p: Sequence[Any], relu: Callable[[Any], Any]) -> Any:
    return relu(p[0] * p[2] + p[1] * p[3] + p[4])


def _network(p: Sequence[Any], relu: Callable[[Any], Any]) -> Any:
    hidden = [relu(p[2 * k] * 0.6 + p[2 * k + 1] * -0.4 + p[6 + k]) for k in range(3)]
    return (p[9] * hidden[0] + p[10] * hidden[1] + p[11] * hidden[2] + p[12] + -0.75) ** 2


_NETWORK_TEXT = """
h0 = relu(p0*0.6 + p1*-0.4 + p6)
h1 = relu(p2*0.6 + p3*-0.4 + p7)
h2 = relu(p4*0.6 + p5*-0.4 + p8)
(p9*h0 + p10*h1 + p11*h2 + p12 + -0.75)^2
"""

PROGRAMS = (
    Program("(a+b)*(b+c)", "(a+b)*(b+c)", {"a": 5.0, "b": -3.0, "c": -2.0}, _sums),
    Program(
        "a neuron",
        "relu(w1*x1 + w2*x2 + b)",
        {"w1": -3.0, "w2": 1.0, "x1": 2.0, "x2": 0.5, "b": 6.75},
        _neuron,
    ),
    Program(
        "a 2-3-1 network",
        _NETWORK_TEXT,
        {f"p{k}": math.sin(k + 1) for k in range(13)},
        _network,
    ),
)


def _ours(program: Program) -> Answer:
    from backprop_cli.language.parser import parse
    from backprop_cli.studies.gradient import solve

    answer = solve(parse(program.text, program.point), program.point).answers[0]
    return answer.value, [answer.gradient[name] for name in program.point]


def _micrograd(program: Program) -> Answer:
    from micrograd.engine import Value

    inputs = [Value(number) for number in program.point.values()]
    out = program.build(inputs, Value.relu)
    out.backward()
    return out.data, [value.grad for value in inputs]


def _torch(program: Program) -> Answer:
    import torch as pt

    inputs = [
        pt.tensor(number, dtype=pt.float64, requires_grad=True) for number in program.point.values()
    ]
    out = program.build(inputs, pt.relu)
    out.backward()
    return float(out), [float(value.grad) for value in inputs]


PEERS: dict[str, Callable[[Program], Answer]] = {"micrograd": _micrograd, "torch": _torch}


def rows(bench: Bench) -> Iterator[Row]:
    """Yield a row for each program and peer, measured in a process of their own."""
    bench.say("one shot: small programs")
    _, found = child("rows", "small", *((200, 5) if bench.quick else (1_000, 15)))
    yield from (Row(*row) for row in found)


def measured(times: int, turns: int) -> Iterator[Row]:
    """Yield the rows: each turn, every side works a program so many times."""
    for program in PROGRAMS:
        mine = _ours(program)
        sides: dict[str, Callable[[Program], Answer]] = {"ours": _ours}
        for tool, side in PEERS.items():
            what = f"small: {program.name} / {tool}: CPU a program"
            try:
                agrees = _agree(mine, side(program))
            except ImportError:
                yield Row(what, "", tool, verdict=f"{tool} is missing")
                continue
            if agrees:
                sides[tool] = side
            else:
                yield Row(what, "", tool, verdict=f"{tool} DISAGREES")
        best = dict.fromkeys(sides, math.inf)
        for _ in range(turns):
            for tool, side in sides.items():
                best[tool] = min(best[tool], _seconds(partial(side, program), times))
        for tool in list(sides)[1:]:
            yield Row(
                f"small: {program.name} / {tool}: CPU a program",
                f"{1e6 * best['ours']:.0f} µs",
                f"{tool} {1e6 * best[tool]:.0f} µs",
                best["ours"] / best[tool],
            )


def _agree(mine: Answer, theirs: Answer) -> bool:
    pairs = zip((mine[0], *mine[1]), (theirs[0], *theirs[1]), strict=True)
    return all(math.isclose(x, y, rel_tol=_AGREEMENT, abs_tol=_AGREEMENT) for x, y in pairs)


def _seconds(work: Callable[[], Answer], times: int) -> float:
    begin = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - begin) / times
