"""Points a second: `check --file` against the check that people write, and against autograd's.

Each side looks at the same gradient at as many random points as it can and says that the claim is
right: by hand, a loop that compares the claim with a central difference; autograd, a loop over its
gradient. The sides take turns in one process and CPU time is counted, the best of several turns.
"""

import math
import random
import time
from collections.abc import Callable, Iterator
from functools import partial

from tests.benchmarks.bench import Bench
from tests.benchmarks.report import Row

PACKAGES = ("autograd",)

_CASE = """
[[case]]
expression = "(w*x + b - y)^2"
claims = {{w = "2*x*(w*x + b - y)"}}
ranges = {{w = "-3:3", x = "-3:3", b = "-3:3", y = "-3:3"}}
points = {points}
"""
_CASE_POINTS = 5_000
_ONE_CASE = 100

Side = Callable[[int], None]
"""Checks the claim at so many points; raises if it is not right."""


def _ours(points: int, each: int) -> None:
    from backprop_cli.studies.checking.check import RIGHT
    from backprop_cli.studies.checking.claim_files import read_cases
    from backprop_cli.studies.checking.suites import run

    suite = run(read_cases(_CASE.format(points=each) * (points // each), "benchmark"))
    if suite.verdict != RIGHT or suite.points != points:
        raise ArithmeticError(f"{suite.verdict} at {suite.points} points")


def _f(w: float, x: float, b: float, y: float) -> float:
    return (w * x + b - y) ** 2


def _claimed(w: float, x: float, b: float, y: float) -> float:
    return 2 * x * (w * x + b - y)


def _by_hand(points: int) -> None:
    draw, h = random.Random(0), 6e-6
    for _ in range(points):
        w, x, b, y = (draw.uniform(-3.0, 3.0) for _ in range(4))
        slope = (_f(w + h, x, b, y) - _f(w - h, x, b, y)) / (2 * h)
        if not math.isclose(slope, _claimed(w, x, b, y), rel_tol=1e-6, abs_tol=1e-6):
            raise ArithmeticError("the difference disagrees")


def _autograd(points: int) -> None:
    from autograd import grad

    slope, draw = grad(_f), random.Random(0)
    for _ in range(points):
        point = [draw.uniform(-3.0, 3.0) for _ in range(4)]
        if not math.isclose(slope(*point), _claimed(*point), rel_tol=1e-9, abs_tol=1e-12):
            raise ArithmeticError("autograd disagrees")


OURS: dict[str, Side] = {
    f"cases of {_CASE_POINTS:,} points": partial(_ours, each=_CASE_POINTS),
    f"cases of {_ONE_CASE} points": partial(_ours, each=_ONE_CASE),
}
PEERS: dict[str, tuple[Side, int]] = {
    "differences by hand": (_by_hand, 1),
    "autograd": (_autograd, 20),
}


def rows(bench: Bench) -> Iterator[Row]:
    """Yield the rows of gradient tests."""
    bench.say("points of gradient tests")
    yield from _point_rows(20_000 if bench.quick else 100_000, 2 if bench.quick else 5)


def _point_rows(points: int, turns: int) -> list[Row]:
    """Return a row for each way of ours and each peer; the slow peers look at fewer points."""
    sides = {name: (side, points) for name, side in OURS.items()}
    missing = []
    for name, (side, share) in PEERS.items():
        try:
            side(1)
            sides[name] = (side, points // share)
        except ImportError as error:
            missing.append(Row(f"check --file / {name}", "", "", verdict=f"skipped: {error}"))
    best = dict.fromkeys(sides, math.inf)
    for _ in range(turns):
        for name, (side, count) in sides.items():
            begin = time.process_time()
            side(count)
            best[name] = min(best[name], (time.process_time() - begin) / count)
    return [
        Row(
            f"check --file, {mine} / {peer}",
            f"{1 / best[mine]:,.0f} points/s",
            f"{1 / best[peer]:,.0f} points/s",
            best[mine] / best[peer],
        )
        for mine in OURS
        for peer in sides
        if peer in PEERS
    ] + missing
