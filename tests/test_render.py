"""Tables, plain lines and JSON: golden texts, and what must hold at every width."""

import io
import json as standard_json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from backprop_cli.language.names import display_names
from backprop_cli.language.parser import parse
from backprop_cli.readings.precise import Precise
from backprop_cli.readings.slope_text import slope_text
from backprop_cli.render import json, plain, tables
from backprop_cli.render.console import Screen, make_console, wants_colour
from backprop_cli.render.numbers import aligned, human, machine
from backprop_cli.studies.gradient import solve
from backprop_cli.studies.solution import (
    Agreement,
    Estimate,
    Formula,
    Solution,
    Unavailable,
    Witness,
)

LECTURE = "x = a + b; y = b + c; f = x*y"
LECTURE_POINT = {"a": 2.0, "b": -3.0, "c": 4.0}
LECTURE_FORMULAS = {"a": "b + c", "b": "a + 2*b + c", "c": "a + b"}


def solved(source: str, point: Mapping[str, float] | None = None, **options: Any) -> Solution:
    graph = parse(source)
    given = {name: 0.5 + 0.25 * k for k, name in enumerate(graph.inputs)}
    return solve(graph, {**given, **(point or {})}, **options)


def agreements(solution: Solution, formulas: Mapping[str, str] | None = None) -> list[Agreement]:
    made = []
    for answer in solution.answers:
        slopes = {name: float(value) for name, value in answer.gradient.items()}
        witnesses = [
            Witness("forward", slopes),
            Witness("numeric", {name: Estimate(v, 1e-11) for name, v in slopes.items()}),
        ]
        if formulas:
            found = {name: Formula(formulas[name], v) for name, v in slopes.items()}
            witnesses.append(Witness("sympy", found))
        verdict = dict.fromkeys(slopes, True)
        made.append(Agreement(tuple(witnesses), verdict, True, 0.0, "All agree."))
    return made


def printed(
    solution: Solution,
    formulas: Mapping[str, str] | None = None,
    show: tuple[str, ...] = ("reverse",),
    width: int = 100,
    rows: int = 100,
    found: list[Agreement] | None = None,
    colour: bool = False,
    stream: Any = None,
) -> str:
    stream = stream or io.StringIO()
    screen = Screen(stream, width, colour)
    tables.print_steps(solution, show, rows, screen)
    found = agreements(solution, formulas) if found is None else found
    tables.print_gradient(solution, found, rows, screen)
    if isinstance(stream, io.StringIO):
        return stream.getvalue()
    stream.flush()
    return stream.buffer.getvalue().decode(stream.encoding)


def lecture() -> Solution:
    return solved(LECTURE, LECTURE_POINT)


NEURON = "s(t) = sigmoid(t); out = s(w0*x0 + w1*x1 + b); (out - target)^2"
CHOICES = "where(x > 0, x, 0.01*x) + relu(-x)*max(x, y, y) + gelu(y)"

SNAPSHOTS: dict[str, Callable[[], str]] = {
    "lecture": lambda: printed(lecture(), LECTURE_FORMULAS),
    "lecture_forward": lambda: printed(lecture(), show=("forward",)),
    "lecture_narrow": lambda: printed(lecture(), LECTURE_FORMULAS, ("reverse", "forward"), 40),
    "lecture_ascii": lambda: printed(
        lecture(), LECTURE_FORMULAS, stream=io.TextIOWrapper(io.BytesIO(), "ascii")
    ),
    "neuron": lambda: printed(solved(NEURON)),
    "choices": lambda: printed(solved(CHOICES, {"x": -0.5, "y": 1.25})),
    "no_inputs": lambda: printed(solved("2*pi + 1"), found=[]),
    "unused_input": lambda: printed(solved("g = x*y; x^2")),
    "several_outputs": lambda: printed(
        solved("d = a + b; f = d*c; g = f^2", wrt=("d", "c"), outputs=("f", "g"))
    ),
    "reassigned": lambda: printed(solved("c = a*a; c = c + c^2; c*a")),
    "undefined": lambda: printed(solved("2 + log(x)", {"x": -1.0}), found=[]),
    "many_inputs": lambda: printed(
        solved("+".join(f"w{k}*x{k}" for k in range(1000))), rows=8, show=("reverse", "forward")
    ),
    "wide_sum": lambda: printed(solved(f"sum({','.join(f'x{k}' for k in range(1000))})"), rows=8),
    "long_chain": lambda: printed(solved("x" + "+x*y" * 5000), rows=8),
    "long_program": lambda: printed(
        solved("; ".join(f"a{k + 1} = a{k}*x" for k in range(3000)), {"a0": 1.0, "x": 1.0}), rows=8
    ),
    "long_formulas": lambda: printed(
        solved("tanh(x*y)/y"), {"x": "1 - tanh(x*y)^2", "y": "(x*y*(1 - tanh(x*y)^2) - 7)" * 3}
    ),
    "precise": lambda: printed(precisely("a*sin(b)^2", {"a": "0.1", "b": "2"}), found=[], width=80),
}


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_snapshot(name: str, matches_snapshot: Callable[[str, str], None]) -> None:
    matches_snapshot(name, SNAPSHOTS[name]())


def precisely(source: str, point: Mapping[str, str]) -> Solution:
    arithmetic = Precise(30)
    numbers = {name: arithmetic.number(text) for name, text in point.items()}
    return solve(parse(source), numbers, arithmetic=arithmetic)


@pytest.mark.parametrize("width", [20, 40, 60, 80, 140])
@pytest.mark.parametrize("source", [LECTURE, NEURON, CHOICES, "x/7", "long_name_of_a_thing^2/3"])
def test_cells_are_folded_never_cut(source: str, width: int) -> None:
    wide = printed(solved(source), show=("reverse", "forward"), width=10_000)
    text = printed(solved(source), show=("reverse", "forward"), width=width)
    assert max(map(len, text.split("\n"))) <= width
    for number in set(re.findall(r"\d+\.\d{6,}", wide)):
        assert number in re.sub(r"\s", "", text)


def test_the_lecture_fits_80_columns_without_folding() -> None:
    narrow = printed(lecture(), LECTURE_FORMULAS, width=80)
    assert narrow == printed(lecture(), LECTURE_FORMULAS, width=10_000)


def test_colour_changes_nothing_but_colour() -> None:
    text = printed(lecture(), LECTURE_FORMULAS, colour=True)
    assert "\x1b[" in text
    bare = re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert [line.rstrip() for line in bare.split("\n")] == printed(
        lecture(), LECTURE_FORMULAS
    ).split("\n")


def test_ascii_streams_get_ascii_and_lined_up_columns() -> None:
    text = printed(lecture(), stream=io.TextIOWrapper(io.BytesIO(), "ascii"))
    assert text.isascii()
    assert "df/dx = y = 1" in text
    assert "\\u" not in text


def test_user_text_is_never_markup() -> None:
    text = printed(solved("where(x > 0, x, 0)"), show=("reverse",))
    assert "where(x > 0, x, 0)" in text


def test_silent_witnesses_are_explained_below_the_table() -> None:
    solution = solved("abs(x) + y")
    said = {"x": Unavailable("no two-sided slope"), "y": Estimate(1.0, 1e-12)}
    witnesses = (Witness("numeric", said), Witness("forward", {}, "4,000 inputs"))
    found = [Agreement(witnesses, {"x": None, "y": False}, False, 1.0, "They disagree.")]
    text = printed(solution, found=found)
    assert "[1] numeric: no two-sided slope" in text
    assert "No forward column: 4,000 inputs." in text
    assert "✗" in text
    assert text.endswith("They disagree.\n")


def test_an_input_that_does_not_matter_is_said_so() -> None:
    assert "f does not use y." in printed(solved("g = x*y; x^2"))
    assert "At this point f does not move with x." in printed(solved("relu(x)", {"x": -1.0}))


def test_forty_thousand_nodes_are_quick() -> None:
    solution = solved("x" + "+x*y" * 20_000)
    start = time.process_time()
    printed(solution, rows=20, found=[])
    assert time.process_time() - start < 5


COLOURS = [
    (("auto", True, {}), True),
    (("auto", False, {}), False),
    (("auto", True, {"NO_COLOR": "1"}), False),
    (("auto", True, {"NO_COLOR": ""}), True),
    (("auto", False, {"FORCE_COLOR": "1"}), True),
    (("auto", True, {"TERM": "dumb"}), False),
    (("always", False, {"NO_COLOR": "1"}), True),
    (("never", True, {"FORCE_COLOR": "1"}), False),
]


@pytest.mark.parametrize(("given", "wanted"), COLOURS)
def test_colour_is_for_terminals(given: tuple[str, bool, dict[str, str]], wanted: bool) -> None:
    assert wants_colour(*given) is wanted


def test_streams_that_are_no_terminal_are_never_folded() -> None:
    assert make_console("auto", io.StringIO()).width > 10_000


# ------------------------------------------------------------------------------- numbers

HUMAN = [
    (0.1, "0.1"),
    (3.0, "3"),
    (-0.0, "-0"),
    (1 / 3, "0.3333333333"),
    (0.1 + 0.2, "0.3"),
    (1.5e-300, "1.5e-300"),
    (1e20, "1e20"),
    (-2.5e-7, "-2.5e-7"),
    (83520937.5, "83520937.5"),
    (float("nan"), "nan"),
    (float("-inf"), "-inf"),
]


@pytest.mark.parametrize(("value", "text"), HUMAN)
def test_human(value: float, text: str) -> None:
    assert human(value) == text


@pytest.mark.parametrize("value", [0.1, -0.0, 1e-323, 1.7976931348623157e308, 1 / 3])
def test_machine_reads_back(value: float) -> None:
    assert repr(float(machine(value))) == repr(value)


def test_aligned_puts_points_under_each_other() -> None:
    made = aligned(["-1", "10.25", "1.5e-300", "nan", "[1]"])
    assert made == [" -1       ", " 10.25    ", "  1.5e-300", "nan       ", "[1]       "]


# ------------------------------------------------------------------------- slopes in words

SLOPES = [
    ("x^2", ["2*x"]),
    ("x^3", ["3*x^2"]),
    ("x^2.5", ["2.5*x^1.5"]),
    ("x^(1/3)", ["1/3*x^(-2/3)"]),
    ("x^-1", ["-x^-2"]),
    ("x^1", ["1"]),
    ("x^0", ["0"]),
    ("x^y", ["y*x^(y - 1)", "f*log(x)"]),
    ("k = 2; x^k", ["k*x^(k - 1)"]),
    ("x/2", ["1/2"]),
    ("2/x", ["-(2/x^2)"]),
    ("a*b", ["b", "a"]),
    ("x*pi", ["pi"]),
    ("a - b", ["1", "-1"]),
    ("sqrt(x)", ["1/(2*f)"]),
    ("sigmoid(x)", ["f*(1 - f)"]),
    ("mean(x, y)", ["1/2", "1/2"]),
    ("logsumexp(x, y)", ["exp(x - f)", "exp(y - f)"]),
    ("pick(1, x, y)", ["0", "1"]),
    ("exp_square(x, -1/2)", ["-x*f"]),
]


@pytest.mark.parametrize(("source", "texts"), SLOPES)
def test_slopes_read_as_in_the_textbook(source: str, texts: list[str]) -> None:
    assert slopes(source, None) == texts


CHOSEN = [
    ("where(x > 0, x, y)", {"x": 1.0}, ["1", "0"]),
    ("where(x > 0, x, y)", {"x": -1.0}, ["0", "1"]),
    ("relu(x)", {"x": -1.0}, ["0"]),
    ("leaky_relu(x)", {"x": -1.0}, ["0.01"]),
    ("max(x, y)", {"x": 1.0, "y": 1.0}, ["1/2", "1/2"]),
    ("max(x, y)", {"x": 1.0, "y": 2.0}, ["0", "1"]),
    ("hypot(x, y)", {"x": 0.0, "y": 0.0}, ["0", "0"]),
    ("hypot(x, y)", {"x": 3.0, "y": 4.0}, ["x/f", "y/f"]),
]


@pytest.mark.parametrize(("source", "point", "texts"), CHOSEN)
def test_choices_are_resolved_at_a_point(
    source: str, point: dict[str, float], texts: list[str]
) -> None:
    assert slopes(source, point) == texts


def slopes(source: str, point: dict[str, float] | None) -> list[str]:
    graph = parse(source)
    names = display_names(graph)
    active = graph.dependents(graph.inputs.values())
    output = graph.outputs[0]
    values = None if point is None else solved(source, point).values
    return [
        slope_text(graph, output, position, names, values)
        for position, operand in enumerate(graph.operands_of(output))
        if active[operand] and not names[operand].endswith("> 0")
    ]


# ------------------------------------------------------------------------ plain and JSON


def test_plain_lines_have_the_value_first() -> None:
    assert [*plain.lines(lecture())] == ["f -1.0", "a 1.0", "b 0.0", "c -1.0"]
    several = solved("d = a*2; f = d^2", {"a": 3.0}, outputs=("d", "f"))
    assert [*plain.lines(several)] == ["d 6.0", "d.a 2.0", "f 36.0", "f.a 24.0"]


def test_json_of_the_contract() -> None:
    solution = solved("(a+b)*(b+c)", {"a": 5.0, "b": -3.0, "c": -2.0})
    formulas = {"a": "b + c", "b": "a + 2*b + c", "c": "a + b"}
    made = json.grad_object(solution, agreements(solution, formulas), ("reverse",))
    assert list(made) == [
        "schema", "ok", "expression", "at", "value", "gradient", "modes", "agree", "nodes", "warnings",
    ]  # fmt: skip
    assert made["expression"] == "(a + b)*(b + c)"
    assert made["gradient"] == {"a": -5.0, "b": -3.0, "c": 2.0}
    assert made["modes"]["numeric"]["a"] == {"value": -5.0, "error": 1e-11}
    assert made["modes"]["sympy"]["a"] == {"formula": "b + c", "value": -5.0}
    assert made["nodes"][2] == {
        "name": "v1",
        "operation": "add",
        "text": "a + b",
        "operands": ["a", "b"],
        "value": 2.0,
        "adjoint": -5.0,
        "locals": [1.0, 1.0],
        "contributions": [{"from": "f", "upstream": 1.0, "local": -5.0, "value": -5.0}],
    }
    inputs = next(node for node in made["nodes"] if node["name"] == "b")
    assert [step["from"] for step in inputs["contributions"]] == ["v2", "v1"]


def test_json_is_one_valid_line_whatever_the_numbers() -> None:
    solution = solved("2 + log(x)", {"x": -1.0})
    text = json.dumps(json.grad_object(solution, (), ("reverse", "forward")))
    made = standard_json.loads(text, parse_constant=lambda name: pytest.fail(name))
    assert "\n" not in text
    assert made["ok"] is False
    assert made["value"] == "NaN"
    assert made["gradient"] == {"x": "NaN"}
    assert made["error"]["code"] == "undefined"
    assert made["error"]["column"] == 5


def test_json_of_several_outputs_is_by_name() -> None:
    solution = solved("d = a*2; f = d^2", {"a": 3.0}, outputs=("d", "f"))
    made = json.grad_object(solution, agreements(solution))
    assert made["value"] == {"d": 6.0, "f": 36.0}
    assert made["gradient"] == {"d": {"a": 2.0}, "f": {"a": 24.0}}
    assert made["modes"]["f"]["forward"] == {"a": 24.0}
    assert "nodes" not in made


def test_json_of_many_digits_is_text() -> None:
    made = json.grad_object(precisely("x/3", {"x": "1"}))
    assert made["value"] == "0." + "3" * 30
