"""The two small functions whose steps are timed, and plain descent over their slopes."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

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


def looped(subject: Subject, slopes: Callable[[Point], Sequence[float]]) -> Loop:
    """Return plain descent by a function that gives the slopes."""
    h = subject.step

    def loop(steps: int) -> Point:
        point: Point = tuple(subject.start.values())
        for _ in range(steps):
            point = [x - h * g for x, g in zip(point, slopes(point), strict=True)]
        return point

    return loop
