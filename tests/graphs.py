"""Graphs for the tests of pictures: those of the lectures, odd ones, and random programs."""

import random
from typing import NamedTuple

from backprop_cli.language.names import display_names
from backprop_cli.language.parser import parse
from backprop_cli.render.graph.diagram import Diagram, diagram, drawn_nodes
from backprop_cli.studies.gradient import solve
from backprop_cli.studies.solution import Solution


class Case(NamedTuple):
    """A program and its point, as one types them."""

    text: str
    at: dict[str, float]

    @property
    def point(self) -> str:
        """The point as the command takes it."""
        return ",".join(f"{name}={value!r}" for name, value in self.at.items())


def _case(text: str, **at: float) -> Case:
    return Case(text, {name: float(value) for name, value in at.items()})


LECTURES = {
    "lecture": _case("(a+b)*(b+c)", a=5, b=-3, c=-2),
    "saddle": _case("d = a+b; f = d*c", a=5, b=-3, c=-2),
    "neuron": _case("sigmoid(w0*x0 + w1*x1 + w2)", w0=2, x0=-1, w1=-3, x1=-2, w2=-3),
    "staged": _case("1/(1 + exp(-(w0*x0 + w1*x1 + w2)))", w0=2, x0=-1, w1=-3, x1=-2, w2=-3),
    "cube": _case("(3*x+4*y)^3", x=1, y=1),
    "two_layers": _case(
        "h1 = a1*x1 + a2*x2; h2 = b1*x1 + b2*x2; y1 = c1*h1 + c2*h2; L = (y - y1)^2",
        a1=0.1, x1=1, a2=0.2, x2=2, b1=0.3, b2=0.4, c1=0.5, c2=0.6, y=1,
    ),
    "mazur": _case(
        "h1 = sigmoid(w1*i1 + w2*i2 + b1); h2 = sigmoid(w3*i1 + w4*i2 + b1); "
        "o1 = sigmoid(w5*h1 + w6*h2 + b2); o2 = sigmoid(w7*h1 + w8*h2 + b2); "
        "E = (t1 - o1)^2/2 + (t2 - o2)^2/2",
        i1=0.05, i2=0.1, w1=0.15, w2=0.2, w3=0.25, w4=0.3, b1=0.35,
        w5=0.4, w6=0.45, w7=0.5, w8=0.55, b2=0.6, t1=0.01, t2=0.99,
    ),
}  # fmt: skip

LONG = "a_name_that_goes_on_and_on_and_is_longer_than_any_name_should_ever_be_in_a_program"
ODD = {
    "choice": _case("where(x > y, x^2, y) + max(a, b, c, 1)*sum(a, b, 2, c)", x=1, y=0, a=2, b=2, c=1),
    "kink": _case("abs(x) + relu(y)", x=0, y=0),
    "undefined": _case("log(x) + y", x=-1, y=0),
    "infinite": _case("x/y + y", x=-1, y=0),
    "constants": _case("2 + 3"),
    "one_input": _case("x", x=1),
    "reassigned": _case("c = a+b; c = c*b; c", a=2, b=3),
    "twice": _case("x*x + x", x=3),
    "long_names": _case(f"{LONG} = x + W; f = sin({LONG})*{LONG}", x=1 / 3, W=1e-7),
    "wide_letters": _case("WWWWWW*MMMMMM + @mmmmm".replace("@", "m"), WWWWWW=1, MMMMMM=2, mmmmmm=3),
    "long_numbers": _case("x*y + 1.23456789012345678e-123*x^1234567.25", x=1.0000001, y=-123456789.125),
    "letters": _case("λ*θ′ + ж*変数".replace("′", ""), λ=1, θ=2, ж=3, 変数=4),
    "wide_sum": _case(f"sum({','.join(f'x{k}' for k in range(40))})", **{f"x{k}": k for k in range(40)}),
    "chain": _case("sin(" * 40 + "x" + ")" * 40, x=1),
}  # fmt: skip
"""Programs that a drawing may stumble over."""

_FORMS = (
    "{a} + {b}", "{a}*{b}", "{a} - {b}", "sin({a})", "tanh({a})", "exp(-{a}^2)", "max({a}, {b})",
    "where({a} > {b}, {a}, {b}/3)", "sigmoid({a} + {b})", "{a}/(1 + {b}^2)", "sum({a}, {b}, {c})",
)  # fmt: skip


def random_case(nodes: int, seed: int) -> Case:
    """Return a program whose picture has this many nodes, or a few less.

    Most operations read recent values, some read old ones; what nobody has read, the last sums.
    """
    rng = random.Random(seed)
    pool = [f"x{k}" for k in range(1, 3 + nodes // 12)]
    lines: list[str] = []
    unread = dict.fromkeys(pool)
    best = _closed(lines, unread, len(pool))
    while True:
        recent = pool[-9:] if rng.random() < 0.85 else pool
        reads = {name: rng.choice(recent) for name in "abc"}
        form = rng.choice(_FORMS)
        for name, operand in reads.items():
            if f"{{{name}}}" in form:
                unread.pop(operand, None)
        unread[f"n{len(lines) + 1}"] = None
        pool.append(f"n{len(lines) + 1}")
        lines.append(f"{pool[-1]} = {form.format(**reads)}")
        case = _closed(lines, unread, len(case_inputs(pool)))
        if count(case) > nodes:
            return best
        best = case


def case_inputs(pool: list[str]) -> list[str]:
    """Return those names of a pool that are inputs."""
    return [name for name in pool if name.startswith("x")]


def _closed(lines: list[str], unread: dict[str, None], inputs: int) -> Case:
    program = [*lines, f"out = sum({', '.join(unread)})"]
    return Case("\n".join(program), {f"x{k}": (k % 7 - 3) / 2 for k in range(1, inputs + 1)})


def solution(case: Case, wrt: tuple[str, ...] = ()) -> tuple[Solution, Diagram]:
    """Return a solved program, and the picture of its output."""
    solved = solve(parse(case.text), dict(case.at), wrt)
    return solved, diagram(solved, solved.answers[0])


def shown(case: Case) -> Diagram:
    """Return the picture of a program's output."""
    return solution(case)[1]


def count(case: Case) -> int:
    """Return how many nodes the picture of a program has."""
    graph = parse(case.text)
    return len(drawn_nodes(graph, graph.outputs[0], display_names(graph)))
