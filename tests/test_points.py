"""Many points: each row of a block has the numbers and the flag that `grad` has for that point.

The study of one point interprets the table; blocks are NumPy calls written from terms in which
work is shared, signs and constants are moved, powers are products. Both round, so a result may
differ by as much as ULPS units in the last place at each node of the gradient graph make in it:
the sum over nodes of |d result/d node| × ulp(node).
"""

import math
from functools import cache
from typing import NamedTuple

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
from backprop_cli.readings import blocks, terms  # noqa: E402
from backprop_cli.readings.arrays import ARRAYS  # noqa: E402
from backprop_cli.studies.table import on_kinks, second_look  # noqa: E402
from backprop_cli.studies.table.flags import FLAGS  # noqa: E402
from backprop_cli.studies.table.points import ManyPoints  # noqa: E402

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


class Expected(NamedTuple):
    """What the study of one point says: numbers, how far they may be off, flag, and answered."""

    numbers: tuple[float, ...]
    allowed: tuple[float, ...]
    flag: str
    answered: bool


@cache  # by the text of the numbers: 0.0 and -0.0 are two points
def expected(text: str, at: tuple[tuple[str, str], ...], kink: str, wrt: tuple[str, ...], of: tuple[str, ...]) -> Expected:  # fmt: skip
    point = {name: float(number) for name, number in at}
    graph = parse(text, point)
    solution = solve(graph, {name: point[name] for name in graph.inputs}, wrt, of, kink)
    answers = solution.answers
    failures = [a.failure for a in answers if a.failure is not None]
    said = [r.code for a in answers for r in a.remarks if r.code in FLAGS]
    return Expected(
        tuple(x for a in answers for x in (a.value, *a.gradient.values())),
        tuple(allowance(solution.graph, solution.point, list(solution.wrt.values()))),
        failures[0].code if failures else next(iter(said), ""),
        not failures,
    )


def assert_like_grad(
    text: str,
    points: list[Point],
    kink: str = "convention",
    wrt: tuple[str, ...] = (),
    of: tuple[str, ...] = (),
) -> None:
    """Compute all points in one call, and compare each row with the study of that point."""
    graph = parse(text, points[0])
    names = list(graph.inputs)
    many = ManyPoints(graph, names, {}, wrt, of, kink)
    answers = many([np.array([point[name] for point in points]) for name in names])
    for row, point in enumerate(points):
        at = tuple((name, repr(number)) for name, number in point.items())
        one = expected(text, at, kink, wrt, of)
        assert FLAGS[answers.flags[row]] == one.flag, point
        assert answers.answered[row] == one.answered, point
        found = [column[row].item() for column in answers.results]
        for number, right, most in zip(found, one.numbers, one.allowed, strict=True):
            nan = number != number and right != right
            assert nan or number == right or abs(number - right) <= most, (point, number, right)


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


PROGRAMS = [
    "(1 - x)^2 + 100*(y - x^2)^2",
    "tanh(0.6*x - 0.4*y)*y - sigmoid(x*y)^3",
    "relu(x)*y + abs(y - x) - clip(x, 0, 1)",
    "max(x, y, x*y) - min(x, 2, y)^2",
    "where(x > y, log(x - y), -x) + where(x == y, 3, y)*x",
    "floor(x)*x + ceil(y) - sign(x*y) + y^-3 + x^0.5",
    "logsumexp(x, y, x + y) + mean(x, y, 3) + sum(x, -x, y)",
    "1/exp(x) + max(exp(y), 1) + atan(exp(2x))",
    "y/exp(x) + y",
    "-(-x)*(-y)*-2*0.5 - (-3*x)/(-y) - abs(-x)",
    "softplus(x*y) + erf(y) + hypot(x, y) + atan2(y, x)",
    "u = x*y; v = u*u; w = v - u; u*v*w + w/v",
    "relu(x) - relu(-x) + max(x, x) + x*abs(x) + x*sign(x) + 0*y",
    "sqrt(x)*y + x^0.3 - cbrt(y) + relu(x)*sqrt(y)",
    "sqrt(x^2 + y^2)/x + asin(x)*acos(y) + log(x)*0*y",
    "sqrt(relu(x)) + sqrt(abs(y)) + sqrt(max(x, y))*floor(x)",
    "pick(1, x, y, 2) + gelu(x) + where(x != 0, sin(x)/x, 1)",
    "7",
    "2^3*x",
    "clip(2, y, x - y) + clip(x, y, 1)",
    "sqrt(relu(x*x)) + x^hypot(1, abs(x - y))",
    "x",
]
NUMBERS = (0.0, -0.0, 1.0, 0.3, -2.5, 800.0, 1e-200, -1e300)
GRID = [{"x": x, "y": y} for x in NUMBERS for y in NUMBERS]


@pytest.mark.parametrize("text", PROGRAMS)
@pytest.mark.parametrize("kink", ["convention", "error", "left", "right"])
def test_a_grid_of_numbers_has_the_answers_of_one_point(text, kink):
    assert_like_grad(f"{text} + 0*x + 0*y" if text in ("7", "x", "2^3*x") else text, GRID, kink)


@pytest.mark.parametrize("names", [("t", "v1"), ("c0", "r0"), ("bad", "kinked"), ("one", "np")])
def test_inputs_may_have_any_name(names):
    text = "bb = x*y; tt = bb^2 - x; where(tt > y, log(bb), tt*y)"
    text = text.replace("x", names[0]).replace("y", names[1])
    assert_like_grad(text, [dict(zip(names, point.values(), strict=True)) for point in GRID])


def test_several_outputs_and_intermediates():
    text = "u = x*y; v = log(u) + abs(x); w = sqrt(v)"
    assert_like_grad(text, GRID, of=("w", "u", "v"), wrt=("u", "x", "y"))
    assert_like_grad(text, GRID, of=("u", "w"), wrt=("y",))


def test_more_rows_than_a_piece_and_rows_of_one():
    """Each row is answered as if it were alone, in whichever piece it stands."""
    graph = parse("relu(x)*y + log(x + 2) - max(x, y)")
    many = ManyPoints(graph, ["x", "y"], {})
    source = np.random.default_rng(5)
    x, y = source.integers(-3, 4, size=(2, 2 * blocks.PIECE + 17)).astype(float)
    answers = many([x, y])
    for row in (0, 1, blocks.PIECE - 1, blocks.PIECE, 2 * blocks.PIECE + 16):
        alone = many([x[row : row + 1], y[row : row + 1]])
        assert answers.flags[row] == alone.flags[0]
        for column, one in zip(answers.results, alone.results, strict=True):
            np.testing.assert_array_equal(column[row : row + 1], one)
    empty = many([x[:0], y[:0]])
    assert [len(column) for column in empty.results] == [0, 0, 0]


class Interpreter:
    """Another engine: the interpreter of arrays, and nothing clever."""

    def __init__(self, graph, columns, fixed, watched, kinks):
        self.given = graph, columns, fixed, watched, kinks

    def __call__(self, columns, results, bad, kinked):
        graph, names, fixed, watched, kinks = self.given
        point = {**fixed, **dict(zip(names, columns, strict=True))}
        with np.errstate(all="ignore"):
            values = forward_values(graph, point, ARRAYS)
        for result, node in zip(results, graph.outputs, strict=True):
            result[:] = values[node]
        for node in (*watched, *graph.outputs):
            bad |= ~np.isfinite(values[node])
        for node in kinks:
            kinked |= np.not_equal(values[node], 0)


@pytest.mark.parametrize("text", PROGRAMS[:14])
def test_another_engine_can_stand_in_the_place_of_blocks(text):
    graph = parse(text)
    columns = [np.array([point[name] for point in GRID]) for name in graph.inputs]
    mine = ManyPoints(graph, list(graph.inputs), {})(columns)
    other = ManyPoints(graph, list(graph.inputs), {}, engine=Interpreter)(columns)
    assert mine.flags.tolist() == other.flags.tolist()
    assert mine.answered.tolist() == other.answered.tolist()
    for one, two in zip(mine.results, other.results, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-300)


def test_columns_are_left_as_they_are():
    x = np.array([1.0, 0.0, -1.0])
    ManyPoints(parse("x"), ["x"], {})([x])
    ManyPoints(parse("-x + log(x)"), ["x"], {})([x])
    assert x.tolist() == [1.0, 0.0, -1.0]


@pytest.mark.parametrize(
    ("text", "flag", "slope"), [("abs(x)*y", "kink", -1.0), ("sqrt(x)*y", "not-finite", math.inf)]
)
def test_no_row_is_studied_alone(monkeypatch, text, flag, slope):
    """One row alone takes a millisecond, and a sparse table has mostly zeros."""
    many = ManyPoints(parse(text), ["x", "y"], {}, kink="left")
    monkeypatch.setattr(many, "solution", None)
    answers = many([np.zeros(500), np.arange(1.0, 501.0)])
    assert set(answers.flags.tolist()) == {FLAGS.index(flag)}
    assert answers.results[1].tolist() == [slope * y for y in range(1, 501)]


@pytest.mark.parametrize("kink", ["convention", "error", "left"])
def test_above_some_size_kinks_are_told_without_a_sweep_for_each_slope(monkeypatch, kink):
    for module in ("findings", "table.on_kinks"):
        monkeypatch.setattr(f"backprop_cli.studies.{module}.LARGEST_SWEEP", 1)
    expected.cache_clear()
    assert_like_grad("abs(x)*y + x*abs(x) + 0*sign(y)", GRID, kink)
    expected.cache_clear()


def test_bad_rows_are_looked_at_in_pieces(monkeypatch):
    """So that memory does not grow with the graph times the rows."""
    text = "log(x) + sqrt(y)*abs(x)"
    rows = [{"x": k - 50.0, "y": float(k % 3)} for k in range(100)]
    monkeypatch.setattr("backprop_cli.studies.table.points._MOST_NUMBERS", 100)
    assert_like_grad(text, rows)


def test_buffers_begin_at_a_cache_line():
    """NumPy is slower where they do not; a piece that is shorter begins where the others do."""
    plan = ManyPoints(parse("where(x > y, tanh(x)*y, x)"), ["x", "y"], {}).compute._plan
    for size in (1, 63, blocks.PIECE):
        buffers = [part for part in plan.buffers(size) if part.shape]
        assert {part.dtype.kind for part in buffers} == {"f", "b"}
        for part in buffers:
            assert len(part) == size
            assert part.ctypes.data % 64 == 0


# ------------------------------------------------------------------ the checks above bite


def _release_early(plan, wanted):
    last = dict.fromkeys(wanted, -1)
    for term in range(len(plan._terms.terms) - 1, -1, -1):
        if term in last:
            for operand in plan._terms.operands(term):
                last[operand] = term  # the first reader, not the last
    return dict(sorted(last.items()))


FUNCTION = blocks._function
MISTAKES = {
    "a number is lost": (terms.Terms, "_scaled", lambda self, factor, term: term),
    "a sign is lost": (terms.Terms, "_negated", lambda self, term: None if self.terms[term][0] != "neg" else term),
    "a power too much": (terms.Terms, "_power", lambda self, base, exponent, term: self._product(base, base)),
    "the other side": (terms.Terms, "_opposite", lambda self, mask: mask),
    "no flag": (terms.Terms, "_under", lambda self, mask, term: self.constant(1.0)),
    "buffers too early": (blocks._Plan, "_last_uses", _release_early),
    "an infinity that does not show": (blocks, "SHOWS", blocks.SHOWS | {"div": (0, 1)}),
    "a wild operation": (blocks, "TAME", blocks.TAME | {"exp"}),
    "nothing watched": (blocks, "_telling", lambda terms, watched: set()),
    "no kinks": (blocks, "_mark", lambda mask, kinked: None),
    "both sides are one": (on_kinks, "_code", lambda values, both, node: np.zeros((), int)),
    "kinks that nothing reaches": (on_kinks, "_kinked_nodes", lambda rows: []),
    "no slope is bad": (second_look.SecondLook, "_first_bad_slope", lambda self, rows: np.zeros(rows.size, np.int8)),
    "undefined slopes are infinite": (second_look.np, "isnan", lambda x: np.zeros(np.shape(x), bool)),
    "everything is live": (second_look, "SELECTS", [False]*len(TABLE)),
    "16 ulps off": (blocks, "_function", lambda kind: (lambda x, out: np.multiply(np.tanh(x), 1 + 32 * 2.0**-53, out=out)) if kind == "tanh" else FUNCTION(kind)),
    "another operand": (blocks, "_function", lambda kind: (lambda x, y, out: np.subtract(y, x, out=out)) if kind == "sub" else FUNCTION(kind)),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_on_purpose_is_seen(mistake, monkeypatch):
    where, name, wrong = MISTAKES[mistake]
    monkeypatch.setattr(where, name, wrong)

    def look_at_all() -> None:
        for text in PROGRAMS[:14]:
            assert_like_grad(text, GRID)
            assert_like_grad(text, GRID, wrt=("y",))

    with pytest.raises(AssertionError):
        look_at_all()
