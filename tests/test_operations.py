"""Every row of the operation table, looped over, so that a new row is tested with no edit.

The accuracy of a row is measured by `accuracy.py`, which also prints the table of the worst
errors: `python tests/accuracy.py`.
"""

import math
import random
from collections.abc import Iterable

import pytest
from accuracy import (
    ALLOWED,
    DEFINITIONS,
    FIT,
    HARD,
    OPERATIONS,
    Point,
    has_slope,
    in_domain,
    measure,
    one_operation,
    points,
    report,
    value_and_partials,
)

from backprop_cli.calculus.numeric import derivative
from backprop_cli.calculus.reverse import reverse
from backprop_cli.calculus.rounding import evaluation_noise, gradient_rounding
from backprop_cli.calculus.values import forward_values
from backprop_cli.language.parser import parse
from backprop_cli.operations import ROW, TABLE, Operation
from backprop_cli.readings.floats import PLAIN, TOTAL
from backprop_cli.readings.formulas import VARIABLES, condition, formula
from backprop_cli.readings.precise import Precise
from backprop_cli.studies.gradient import solve

every_row = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda row: row.name)


# ------------------------------------------------------------------------- the shape of a row


def test_names_and_aliases_are_distinct() -> None:
    names = [name for row in TABLE for name in (row.name, *row.aliases)]
    assert len(names) == len(set(names)) == len(ROW)


@every_row
def test_a_row_has_a_partial_for_each_parameter(operation: Operation) -> None:
    assert len(operation.partials) == len(operation.parameters)
    assert len(operation.textbook) in (0, len(operation.partials))
    assert len(operation.scale) <= 1 + len(operation.partials)
    assert operation.help


@every_row
def test_a_row_that_restricts_its_domain_can_say_what_it_needs(operation: Operation) -> None:
    assert operation.needs or all("where" not in text for text in operation.domain)


def formulas_of(operation: Operation) -> Iterable[tuple[str, bool, tuple[str, ...]]]:
    """Yield (formula, whether it is a condition, the names it may read) for all of a row."""
    read = operation.operand_names + (VARIABLES if operation.variadic else ("out",))
    tangents = tuple(f"d{name}" for name in operation.names)
    if not operation.value.isidentifier():
        yield operation.value, False, operation.names
    for text in (*operation.partials, *operation.textbook, *operation.sides):
        yield text, False, read
    for text in operation.domain:
        yield text, True, read
    for kink in operation.kinks:
        yield kink.at, True, read
        if kink.beside:
            yield kink.beside, False, (*operation.names, "out", *tangents)


@every_row
def test_every_formula_of_a_row_parses_and_reads_only_what_it_is_given(
    operation: Operation,
) -> None:
    for text, is_condition, may_read in formulas_of(operation):
        graph = condition(text) if is_condition else formula(text)
        assert set(graph.inputs) <= set(may_read), text
        assert PLAIN.compile(graph, may_read) is not None
        assert TOTAL.compile(graph, may_read) is not None


@every_row
def test_every_reading_of_numbers_can_spell_a_row(operation: Operation) -> None:
    for spelling in (PLAIN, TOTAL, Precise(30).spelling):
        assert callable(spelling.function(operation.name))
        assert len(spelling.partials(operation)) == len(operation.partials)


@every_row
def test_a_row_that_can_be_called_is_called_by_each_of_its_names(operation: Operation) -> None:
    inside = ", ".join(f"x{k}" for k in range(len(operation.parameters)))
    for name in (operation.name, *operation.aliases):
        if operation.called and operation.name != "where":
            graph = parse(f"{name}({inside})")
            assert graph.rows[graph.outputs[0]] == ROW[operation.name]


def moderate(
    operation: Operation, count: int, low: float = 1e-2, high: float = 12.0
) -> list[Point]:
    """Return points at which nothing is large or small, spread over those of the grid."""
    fit = [p for p in points(operation) if all(low <= abs(x) <= high for x in p)]
    return random.Random(operation.name).sample(fit, min(count, len(fit)))


@pytest.mark.parametrize(
    "operation", [row for row in OPERATIONS if row.textbook], ids=lambda row: row.name
)
def test_the_textbook_form_equals_the_accurate_partial(operation: Operation) -> None:
    precise = Precise(50)
    mp = precise.context
    names = operation.operand_names + (VARIABLES if operation.variadic else ("out",))
    pairs = [
        [precise.spelling.compile(formula(text), names) for text in pair]
        for pair in zip(operation.partials, operation.textbook, strict=True)
    ]
    places = moderate(operation, 25)
    assert places
    for place in places:
        operands = [mp.mpf(x) for x in place]
        given = [*operands, precise.spelling.function(operation.name)(*operands)]
        for pair in pairs:
            accurate, textbook = (p(*given) if callable(p) else p for p in pair)
            if accurate != textbook and not (mp.isnan(accurate) and mp.isnan(textbook)):
                assert abs(accurate - textbook) <= mp.mpf(10) ** -30 * max(abs(accurate), 1)


# ------------------------------------------------------------------------------------ accuracy


@every_row
def test_value_and_partials_are_accurate_to_a_few_ulp_in_the_tails_too(
    operation: Operation,
) -> None:
    places = points(operation)
    assert len(places) > 20
    worst = measure(operation, places)
    table = report(operation, worst)
    print(table)
    assert all(each.error <= ALLOWED for each in worst), f"\n{table}"


def test_the_definitions_and_hard_points_speak_of_rows_of_the_table() -> None:
    assert set(DEFINITIONS) | set(HARD) | set(FIT) <= set(ROW)


@pytest.mark.parametrize("name", sorted(HARD))
def test_the_hard_points_lie_in_the_domain(name: str) -> None:
    assert all(in_domain(TABLE[ROW[name]], point) for point in HARD[name])


# -------------------------------------------------------------------------- finite differences


@every_row
def test_central_differences_agree_with_each_partial(operation: Operation) -> None:
    """Each operand is seeded on its own, at points where a stencil is valid."""
    row = ROW[operation.name]
    compared = [0] * len(operation.parameters)
    for place in moderate(operation, 20):
        graph = one_operation(row, len(place))
        values = forward_values(graph, {f"x{k}": x for k, x in enumerate(place)})
        output = graph.outputs[0]
        for seed in range(len(place)):
            if not has_slope(operation, seed):
                continue
            active = graph.dependents([seed])
            adjoints = reverse(graph, values, output, active)
            slope = adjoints[seed] or 0.0
            noise = evaluation_noise(values, adjoints) + 4 * math.ulp(values[output])
            found = derivative(graph, values, seed, output, noise)
            if found.value is not None:
                bound = gradient_rounding(graph, values, output, active, {"x": seed})["x"]
                assert abs(found.value - slope) <= found.error + bound, (place, seed)
                compared[operation.parameter_of(seed)] += 1
    for parameter, count in enumerate(compared):
        whole = operation.names[parameter] in ("k", "n")  # a stencil cannot leave whole numbers
        assert count > 0 or whole or not has_slope(operation, parameter)


# --------------------------------------------------------------------------------------- edges

NAN, INF = math.nan, math.inf
EDGES: list[tuple[str, Point, float, list[float]]] = [
    ("abs", (0.0,), 0, [0]),
    ("abs", (-0.0,), 0, [0]),
    ("relu", (0.0,), 0, [0]),
    ("relu", (-0.0,), 0, [0]),
    ("leaky_relu", (0.0, 0.01), 0, [0.01, 0]),
    ("elu", (0.0, 2.0), 0, [2, 0]),
    ("sign", (0.0,), 0, [0]),
    ("sign", (-1e-300,), -1, [0]),
    ("floor", (3.0,), 3, [0]),
    ("floor", (-2.5,), -3, [0]),
    ("floor", (1e300,), 1e300, [0]),
    ("ceil", (3.0,), 3, [0]),
    ("ceil", (-2.5,), -2, [0]),
    ("max", (2.0, 2.0), 2, [0.5, 0.5]),
    ("max", (1.0, 3.0, 3.0, 3.0), 3, [0, 1 / 3, 1 / 3, 1 / 3]),
    ("max", (0.0, -0.0), 0, [0.5, 0.5]),
    ("max", (5.0,), 5, [1]),
    ("max", (NAN, 1.0), NAN, [NAN, NAN]),
    ("min", (2.0, 2.0), 2, [0.5, 0.5]),
    ("min", (1.0, NAN), NAN, [NAN, NAN]),
    ("clip", (1.0, 1.0, 2.0), 1, [1, 0, 0]),
    ("clip", (2.0, 1.0, 2.0), 2, [1, 0, 0]),
    ("clip", (0.0, 1.0, 2.0), 1, [0, 1, 0]),
    ("clip", (3.0, 1.0, 2.0), 2, [0, 0, 1]),
    ("clip", (5.0, 1.0, 1.0), 1, [0, 0, 1]),
    ("clip", (0.0, 2.0, 1.0), NAN, [NAN, NAN, NAN]),
    ("sqrt", (0.0,), 0, [INF]),
    ("sqrt", (-1.0,), NAN, [NAN]),
    ("cbrt", (0.0,), 0, [INF]),
    ("cbrt", (-8.0,), -2, [1 / 12]),
    ("log", (0.0,), -INF, [INF]),
    ("log", (-1.0,), NAN, [NAN]),
    ("log2", (8.0,), 3, [1 / 8 / math.log(2)]),
    ("log10", (1000.0,), 3, [1 / 1000 / math.log(10)]),
    ("log1p", (-1.0,), -INF, [INF]),
    ("asin", (1.0,), math.pi / 2, [INF]),
    ("acosh", (1.0,), 0, [INF]),
    ("atanh", (1.0,), INF, [INF]),
    ("div", (1.0, 0.0), INF, [INF, -INF]),
    ("div", (0.0, 0.0), NAN, [NAN, NAN]),
    ("exp", (1000.0,), INF, [INF]),
    ("exp", (-1000.0,), 0, [0]),
    ("pow", (-2.0, 2.0), 4, [-4, NAN]),
    ("pow", (-2.0, 3.0), -8, [12, NAN]),
    ("pow", (-2.0, 0.5), NAN, [NAN, NAN]),
    ("pow", (-8.0, 1 / 3), NAN, [NAN, NAN]),
    ("pow", (0.0, 2.0), 0, [0, 0]),
    ("pow", (0.0, 1.0), 0, [1, 0]),
    ("pow", (0.0, 0.5), 0, [INF, 0]),
    ("pow", (0.0, 0.0), 1, [0, -INF]),
    ("pow", (0.0, -1.0), INF, [-INF, -INF]),
    ("pow", (3.0, 0.0), 1, [0, math.log(3)]),
    ("hypot", (0.0, 0.0), 0, [0, 0]),
    ("hypot", (3e200, 4e200), 5e200, [0.6, 0.8]),
    ("atan2", (0.0, -1.0), math.pi, [-1, 0]),
    ("atan2", (-0.0, -1.0), -math.pi, [-1, 0]),
    ("atan2", (1.0, 0.0), math.pi / 2, [0, -1]),
    ("atan2", (0.0, 0.0), 0, [NAN, NAN]),
    ("less", (1.0, 1.0), 0, [0, 0]),
    ("less_equal", (1.0, 1.0), 1, [0, 0]),
    ("greater", (1.0, 1.0), 0, [0, 0]),
    ("greater_equal", (1.0, 1.0), 1, [0, 0]),
    ("equal", (1.0, 1.0), 1, [0, 0]),
    ("not_equal", (1.0, 1.0), 0, [0, 0]),
    ("less", (NAN, 1.0), NAN, [NAN, NAN]),
    ("where", (1.0, 2.0, NAN), 2, [0, 1, 0]),
    ("where", (0.0, INF, 3.0), 3, [0, 0, 1]),
    ("where", (NAN, 2.0, 3.0), NAN, [NAN, NAN, NAN]),
    ("pick", (1.0, 4.0, 5.0, NAN), 5, [0, 0, 1, 0]),
    ("pick", (3.0, 4.0, 5.0), NAN, [NAN, NAN, NAN]),
    ("pick", (0.5, 4.0, 5.0), NAN, [NAN, NAN, NAN]),
    ("gamma", (5.0,), 24, [24 * 1.5061176684318003]),
    ("gamma", (-1.0,), NAN, [NAN]),
    ("sigmoid", (0.0,), 0.5, [0.25]),
    ("sigmoid", (1000.0,), 1, [0]),
    ("sigmoid", (-1000.0,), 0, [0]),
    ("softplus", (1000.0,), 1000, [1]),
    ("logsumexp", (0.0, 0.0), math.log(2), [0.5, 0.5]),
    ("logsumexp", (-INF, -INF), -INF, [NAN, NAN]),
    ("mean", (1.0, 2.0, 6.0), 3, [1 / 3, 1 / 3, 1 / 3]),
]
"""(row, operands, value, partials) where a row's formulas could fail, or a convention answers."""


def alike(given: float, expected: float) -> bool:
    if math.isnan(expected):
        return math.isnan(given)
    return math.isclose(given, expected, rel_tol=1e-15)


@pytest.mark.parametrize(("name", "operands", "value", "partials"), EDGES)
def test_edges(name: str, operands: Point, value: float, partials: list[float]) -> None:
    given_value, given_partials = value_and_partials(ROW[name], operands)
    assert alike(given_value, value), given_value
    assert list(map(alike, given_partials, partials)) == [True] * len(partials), given_partials


def test_a_constant_exponent_never_asks_for_the_logarithm_of_the_base() -> None:
    answer = solve(parse("x^2"), {"x": -2.0}).answers[0]
    assert (answer.value, answer.gradient, answer.failure) == (4.0, {"x": -4.0}, None)


def test_the_order_of_polygamma_has_no_slope_and_says_so() -> None:
    answer = solve(parse("polygamma(n, x)"), {"n": 1.0, "x": 2.0}).answers[0]
    assert answer.failure is not None
    assert answer.failure.code == "undefined"
    assert "slope" in answer.failure.message


def test_a_default_argument_is_a_constant_of_the_graph() -> None:
    answer = solve(parse("leaky_relu(x) + elu(x)"), {"x": -1.0}).answers[0]
    assert answer.gradient["x"] == pytest.approx(0.01 + math.exp(-1), rel=1e-15)
