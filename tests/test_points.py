"""Many points: each row of a block has the numbers and the flag that `grad` has for that point.

The study of one point interprets the table; blocks are NumPy calls written from terms in which
work is shared, signs and constants are moved, powers are products. Both round, so a result may
differ by as much as ULPS units in the last place at each node of the gradient graph make in it:
the sum over nodes of |d result/d node| × ulp(node).
"""

import math

import pytest
from accuracy import scale_at
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import Program, programs

from backprop_cli.calculus.point_graph import point_graph
from backprop_cli.calculus.reverse import reverse
from backprop_cli.calculus.values import forward_values
from backprop_cli.graph import Graph
from backprop_cli.language.parser import parse
from backprop_cli.operations import TABLE
from backprop_cli.studies.gradient import solve

np = pytest.importorskip("numpy")
from backprop_cli.studies.points import FLAGS, ManyPoints  # noqa: E402

ULPS = 8.0
"""The most ulps by which a node may differ between the two readings."""

Point = dict[str, float]
NAMES = {"x1": "t", "x2": "v1", "x3": "c0"}
"""Names that generated code would use for its own."""


def allowance(graph: Graph, point: Point, wrt: list[int]) -> list[float]:
    """Return how far each result may be from the interpreter's, outputs before slopes."""
    made = point_graph(graph, wrt).graph
    values = forward_values(made, point)
    everything = bytearray(b"\x01") * made.size
    found = []
    for output in made.outputs:
        adjoints = reverse(made, values, output, everything)
        total = 0.0
        for node, adjoint in enumerate(adjoints):
            if adjoint and node not in made.literals:
                total += abs(adjoint) * _ulp(made, node, values)
        found.append(ULPS * (total + math.ulp(0.0)) if math.isfinite(total) else math.inf)
    return found


def _ulp(graph: Graph, node: int, values: list[float]) -> float:
    operands = tuple(values[k] for k in graph.operands_of(node))
    sizes = [abs(values[node]), 2.0**-1010]
    if operands:
        sizes.append(abs(scale_at(TABLE[graph.rows[node]], 0, len(operands) - 1, operands)))
    return math.ulp(max(size for size in sizes if size == size))


def assert_like_grad(text: str, points: list[Point], kink: str = "convention", wrt=(), of=()) -> None:  # fmt: skip
    """Compute all points in one call, and compare each row with the study of that point."""
    graph = parse(text, points[0])
    names = list(graph.inputs)
    many = ManyPoints(graph, names, {}, wrt, of, kink)
    answers = many([np.array([point[name] for point in points]) for name in names])
    for row, point in enumerate(points):
        solution = solve(graph, {name: point[name] for name in names}, wrt, of, kink)
        expected = [x for a in solution.answers for x in (a.value, *a.gradient.values())]
        found = [column[row].item() for column in answers.results]
        failures = [a.failure for a in solution.answers if a.failure is not None]
        said = [r.code for a in solution.answers for r in a.remarks if r.code in FLAGS]
        flag = failures[0].code if failures else next(iter(said), "")
        assert FLAGS[answers.flags[row]] == flag, point
        assert answers.answered[row] == (not failures), point
        allowed = allowance(solution.graph, solution.point, list(solution.wrt.values()))
        undefined = any(a.value != a.value for a in solution.answers)
        for one, other, most in zip(found, expected, allowed, strict=True):
            # Where the value is NaN all slopes are, those of a side not taken too.
            same = one == other or (one != one and (other != other or undefined))
            assert same or abs(one - other) <= most, (point, one, other, most)


def rows_of(program: Program) -> list[Point]:
    """Return the program's point, others around it, and some at which much is undefined or kinked."""
    shifted = [
        {k: x + shift for k, x in program.point.items()} for shift in (0.0, 0.25, -1.5, 40.0)
    ]
    same = [dict.fromkeys(program.point, x) for x in (0.0, 1.0, -2.0, 800.0, -1e300, 1e-200)]
    return shifted + same


@settings(max_examples=150, deadline=None)
@given(programs(), st.booleans())
def test_random_programs_have_the_numbers_and_flags_of_one_point(program, rename):
    if rename:
        program = program.renamed(NAMES)
    if program.point:
        assert_like_grad(program.text, rows_of(program))
