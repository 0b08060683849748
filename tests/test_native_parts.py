"""Long code in parts: the numbers, the marks and the kinds of code are those of short code."""

import math
import random

import pytest
from hypothesis import HealthCheck, assume, given, settings
from strategies import programs

from backprop_cli.calculus.gradient_graph import gradient_graph
from backprop_cli.calculus.point_graph import point_graph
from backprop_cli.language.parser import parse
from backprop_cli.readings import c_parts, compiler
from backprop_cli.readings.c import NATIVE, VECTOR
from backprop_cli.readings.c_parts import divided

np = pytest.importorskip("numpy")

from backprop_cli.readings.native_blocks import NativeBlocks, rows_source  # noqa: E402
from backprop_cli.readings.native_function import compiled_by_c, function_source  # noqa: E402


def nothing(words: object) -> int:
    return 0


LINES = [
    "const double v0 = x0 + x1;",
    "const double v1 = v0*x0;",
    "const double v2 = exp(v0);",
    "const double v3 = v1 + v2;",
    "const double v4 = exp(v3);",
    "const double v5 = v4*v0;",
]


@pytest.fixture
def short(monkeypatch):
    """Parts of two lines."""
    monkeypatch.setattr(c_parts, "MOST_WHOLE", 2)
    monkeypatch.setattr(c_parts, "MOST", 2)


def test_a_short_code_is_one_part_in_its_own_order():
    found = divided(LINES, ["v5", "x1"], ["x0", "x1"], nothing)
    (part,) = found.parts
    assert part.lines == tuple(LINES)
    assert part.texts == ("x1", "v5")
    assert (part.keeps, found.size) == ((), 0)


def test_a_short_code_is_one_part_although_it_begins_with_a_long_call():
    lines = ["const double v0 = exp(x0);", "const double v1 = v0*x0;"]
    found = divided(lines, ["v1"], ["x0"], lambda words: 20 * ("exp" in set(words)), heavy=20)
    assert [(part.call, part.lines) for part in found.parts] == [("", tuple(lines))]


def test_what_parts_hand_on_has_a_place_until_it_was_read(short):
    found = divided(LINES, ["v5"], ["x0", "x1"], nothing)
    assert [part.lines for part in found.parts] == [
        tuple(LINES[:2]), tuple(LINES[2:4]), tuple(LINES[4:]), (),
    ]  # fmt: skip
    assert [part.keeps for part in found.parts] == [("v0", "v1"), ("v3",), ("v5",), ()]
    assert [part.texts for part in found.parts] == [(), (), (), ("v5",)]
    assert found.parts[2].reads == ("v3", "v0")
    assert found.places["v5"] != found.places["v0"]  # read where v5 is made
    assert found.places["v5"] == found.places["v1"]
    assert found.size == 3


def test_long_calls_are_set_apart_and_the_rest_is_drawn_together(short):
    def weight(words: object) -> int:
        return 20 * ("exp" in set(words))  # type: ignore[call-overload]

    found = divided(LINES, ["v5"], ["x0", "x1"], weight, heavy=20)
    assert [(part.call, part.lines) for part in found.parts] == [
        ("", (LINES[0], LINES[1])),
        ("exp", (LINES[2],)),
        ("", (LINES[3],)),
        ("exp", (LINES[4],)),
        ("", (LINES[5],)),
    ]
    assert found.parts[-1].texts == ("v5",)


compiles = pytest.mark.usefixtures("_a_compiler", "own_cache")


@pytest.fixture(scope="module")
def _a_compiler():
    try:
        compiler.find_compiler()
    except compiler.NoCompiler as reason:
        pytest.skip(reason.message)


def rows(graph, columns, fixed, language):
    """Return results and marks of value and slopes at many points."""
    made = point_graph(graph, [graph.inputs[name] for name in columns])
    count = len(next(iter(columns.values())))
    given = made.graph, list(columns), fixed, made.watched, made.kinks, language
    blocks = NativeBlocks(*given)
    results = [np.empty(count) for _ in made.graph.outputs]
    bad, kinked = np.zeros(count, bool), np.zeros(count, bool)
    with np.errstate(all="ignore"):
        blocks(list(columns.values()), results, bad, kinked)
    return rows_source(*given), np.array(results), bad, kinked


@compiles
@pytest.mark.parametrize("language", [NATIVE, VECTOR])
@settings(deadline=None, max_examples=10, suppress_health_check=list(HealthCheck))
@given(program=programs())
def test_random_programs_in_parts_have_the_bits_of_the_whole(language, program):
    graph = parse(program.text, program.point)
    draw = np.random.default_rng(1)
    names = list(graph.inputs)
    assume(names)
    columns = {
        name: np.append(program.point[name], program.point[name] + draw.normal(0, 1, 1500).round(1))
        for name in names[: max(1, len(names) - 1)]
    }
    fixed = {name: program.point[name] for name in names if name not in columns}
    whole = rows(graph, columns, fixed, language)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(c_parts, "MOST_WHOLE", 8)
        patch.setattr(c_parts, "MOST", 5)
        parted = rows(graph, columns, fixed, language)
    for one, other in zip(whole[1:], parted[1:], strict=True):
        np.testing.assert_array_equal(one, other)


@compiles
@settings(deadline=None, max_examples=10, suppress_health_check=list(HealthCheck))
@given(program=programs())
def test_random_functions_in_parts_have_the_bits_of_the_whole(program):
    graph = parse(program.text, program.point)
    names = list(graph.inputs)
    made = gradient_graph(graph, graph.outputs[0], [graph.inputs[name] for name in names])
    whole, _ = compiled_by_c(made, names)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(c_parts, "MOST_WHOLE", 4)
        patch.setattr(c_parts, "MOST", 3)
        parted, _ = compiled_by_c(made, names)
    draw = random.Random(2)
    for _ in range(20):
        point = [program.point[name] + draw.choice((0, draw.gauss(0, 2))) for name in names]
        assert outcome(whole, point) == outcome(parted, point)


def outcome(function, point):
    try:
        return function(*point)
    except ArithmeticError:
        return "not finite"


TERMS = " + ".join(f"tanh(a*{0.01 * k:.2f} + b)*exp(-c*{0.02 * k:.2f})" for k in range(1, 61))
"""A program that is long enough to be in parts as it is."""


@compiles
def test_a_long_program_is_in_parts_and_has_the_bits_of_the_interpreter():
    graph = parse(TERMS)
    names = list(graph.inputs)
    made = gradient_graph(graph, graph.outputs[0], [graph.inputs[name] for name in names])
    assert "part1(" in function_source(made, names, [])
    assert "rows_fast_tanh(" in rows_source(made, names, [])
    function, _ = compiled_by_c(made, names)
    from test_native import interpreted

    draw = random.Random(4)
    at = [[draw.uniform(-1, 1) for _ in names] for _ in range(50)]
    wanted = [
        interpreted(graph, graph.outputs[0], list(graph.inputs.values()), located)
        for located in (dict(zip(names, point, strict=True)) for point in at)
    ]
    assert [list(function(*point)) for point in at] == wanted
    columns = {name: np.array([point[k] for point in at]) for k, name in enumerate(names)}
    _, results, bad, kinked = rows(graph, columns, {}, NATIVE)
    assert results.T.tolist() == wanted
    assert not bad.any()
    assert not kinked.any()
    _, near, _, _ = rows(graph, columns, {}, VECTOR)
    np.testing.assert_allclose(near, results, rtol=1e-13)


@compiles
def test_marks_of_every_part_reach_the_row():
    """The first and the last part each see a number that is not finite, and a kink."""
    text = f"abs(a) + log(b) + {TERMS} + abs(b - 2) + 1/exp(700*c)"
    columns = {
        "a": np.array([1.0, 0.0, 1.0, 1.0, 1.0]),
        "b": np.array([1.0, 1.0, -1.0, 2.0, 1.0]),
        "c": np.array([0.5, 0.5, 0.5, 0.5, 1.5]),
    }
    source, _, bad, kinked = rows(parse(text), columns, {}, VECTOR)
    assert "part1(" in source
    assert bad.tolist() == [False, False, True, False, True]
    assert kinked.tolist() == [False, True, False, True, False]


@compiles
def test_a_program_whose_inputs_but_one_stand_still_is_in_parts_too():
    graph = parse(TERMS)
    columns = {"c": np.linspace(0, 1, 3000)}
    fixed = {"a": 0.7, "b": -0.2}
    _, results, _, _ = rows(graph, columns, fixed, VECTOR)
    for place in (0, 1234, 2999):
        c = float(columns["c"][place])
        value = sum(
            math.tanh(0.7 * round(0.01 * k, 2) - 0.2) * math.exp(-c * round(0.02 * k, 2))
            for k in range(1, 61)
        )
        assert results[0][place] == pytest.approx(value, rel=1e-14)


def test_the_function_that_calls_very_many_parts_does_not_make_the_code_slow():
    graph = parse("+".join(f"tanh({k}*x)" for k in range(1, 1000)))
    source = rows_source(graph, ["x"], [])
    assert source.count("  rows_fast_tanh(") > compiler.MOST_OPTIMISED
    assert compiler.optimisation(source) == ("-O1", "-ftree-vectorize")


@pytest.mark.parametrize("language", [NATIVE, VECTOR])
def test_a_code_that_is_just_not_divided_gets_each_optimisation(language):
    """As many lines as can be whole, many inputs, and the helpers with the most lines of their own."""
    text = "polygamma(2, x0) + hypot(x1, x2)" + "".join(f" + x{k % 40}" for k in range(498))
    graph = parse(text)
    names = list(graph.inputs)
    for source in (
        rows_source(graph, names, [], graph.outputs, graph.outputs, language),
        function_source(graph, names, graph.outputs),
    ):
        assert source.count("const double v") > 400
        assert "part1(" not in source
        assert compiler.optimisation(source) == ()
    longer = parse(text + "+ x1" * 200)
    for source in (rows_source(longer, names, []), function_source(longer, names, [])):
        assert "part1(" in source
        assert compiler.optimisation(source) == ("-O1", "-ftree-vectorize")
