"""The ledger of paths: sums, counts and ranks, against every path walked one by one."""

import io
import json
import math
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from strategies import Program, programs
from test_cli_grad import answer, ask

from backprop_cli.calculus.paths import Paths
from backprop_cli.calculus.reverse import contributions
from backprop_cli.language.parser import parse
from backprop_cli.operations import COMPARISON_ROWS
from backprop_cli.readings.precise import Precise
from backprop_cli.render import paths as render
from backprop_cli.render.console import Screen
from backprop_cli.studies.gradient import solve
from backprop_cli.studies.paths import Ledger, Ledgers, ledgers
from backprop_cli.studies.solution import Solution
from tests.command import run_in_terminal

MOST = 2000
LECTURE = "x = a + b; y = b + c; f = x*y"
LECTURE_POINT = {"a": 2.0, "b": -3.0, "c": 4.0}
DIAMONDS = "x1 = x + x*y; " + "; ".join(f"x{k + 1} = x{k} + x{k}*y" for k in range(1, 30))
"""Thirty diamonds in a row: (1 + y)^30·x, along 2^30 paths from x."""


def repeatable(examples: int) -> settings:
    return settings(
        derandomize=True,
        phases=[Phase.generate],
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


def solved(source: str, point: dict[str, float], **options: Any) -> Solution:
    return solve(parse(source, point), point, **options)


def found(source: str, point: dict[str, float], top: int = 10, **options: Any) -> Ledgers:
    solution = solved(source, point, **options)
    return ledgers(solution, solution.answers[0], top)


def ledger(source: str, point: dict[str, float], name: str, **options: Any) -> Ledger:
    return next(each for each in found(source, point, **options).ledgers if each.name == name)


def walked(solution: Solution, node: int, most: int = MOST) -> list[tuple[list[Any], list[float]]]:
    """Return (steps, slopes) of every path from a node to the output, by walking them all.

    A step is (user, position), so that sorting by steps is the order of the program. Gives up on
    programs of very many paths.
    """
    graph, output = solution.graph, solution.answers[0]
    users: dict[int, list[tuple[int, int, float]]] = {}
    steps = contributions(graph, solution.values, output.adjoints, solution.active)
    for place, step in enumerate(steps):
        users.setdefault(step.operand, []).append((step.node, place, step.local))
    done, waiting = [], [(node, [], [])]
    while waiting:
        place, taken, slopes = waiting.pop()
        if place == output.node:
            done.append((taken, slopes))
            assume(len(done) <= most)
        for user, position, local in users.get(place, []):
            waiting.append((user, [*taken, (user, position)], [*slopes, local]))
    return done


def size(slopes: list[float]) -> float:
    """Return log2 |product| to 40 binary places, in whole numbers, so that equal sizes tie."""
    if 0 in slopes:
        return -math.inf
    return sum(round(math.log2(abs(slope)) * 2**40) for slope in slopes)


def product(slopes: list[float]) -> float:
    made = 1.0
    for slope in reversed(slopes):
        made *= slope
    return made


@repeatable(250)
@given(programs())
def test_the_products_of_the_paths_add_up_to_the_gradient(program: Program) -> None:
    solution = solved(program.text, program.point)
    output = solution.answers[0]
    assume(output.failure is None)
    for each in ledgers(solution, output, MOST).ledgers:
        assume(each.paths <= MOST)
        total = math.fsum(path.product for path in each.largest)
        slack = 1e-12 * each.size
        assert each.rest is None
        assert abs(total - each.total) <= slack
        assert abs(math.fsum(abs(path.product) for path in each.largest) - each.size) <= slack


@repeatable(200)
@given(programs())
def test_counts_and_ranks_are_those_of_all_paths_walked(program: Program) -> None:
    solution = solved(program.text, program.point)
    output = solution.answers[0]
    assume(output.failure is None)
    reached = [node for node in solution.wrt.values() if output.adjoints[node] is not None]
    paths = Paths(
        solution.graph,
        solution.values,
        output.adjoints,
        solution.active,
        output.node,
        solution.wrt.values(),
    )
    for node in reached:
        every = sorted(walked(solution, node), key=lambda path: (-size(path[1]), path[0]))
        assert paths.tallies[node].paths == len(every)
        assert paths.tallies[node].edges == sum(len(steps) for steps, _ in every)
        for most in (1, 3, len(every) + 1):
            best = paths.best(node, most)
            assert [route.product for route in best] == [product(s) for _, s in every[:most]]
            for rank in range(len(best)):
                nodes = [place for place, _ in paths.walk(node, rank)]
                assert nodes == [node, *(user for user, _ in every[rank][0])]


@repeatable(150)
@given(programs())
def test_silent_paths_are_those_of_the_program_along_which_nothing_flows(program: Program) -> None:
    solution = solved(program.text, program.point)
    output, graph = solution.answers[0], solution.graph
    assume(output.failure is None)
    for each in ledgers(solution, output, 1).ledgers:
        count, waiting = 0, [output.node]
        while waiting:
            node = waiting.pop()
            count += node == each.node
            assume(count <= MOST and len(waiting) <= MOST)
            operands = [k for k in graph.operands_of(node) if solution.active[k]]
            waiting += [k for k in operands if graph.rows[k] not in COMPARISON_ROWS]
        assert each.paths + each.silent == count


def test_the_lecture_has_a_path_of_plus_one_and_one_of_minus_one_from_b() -> None:
    """∂f/∂b = (∂x/∂b)(∂f/∂x) + (∂y/∂b)(∂f/∂y) = 1·1 + 1·(-1) = 0; 4 paths of 2 edges, 6 edges."""
    made = found(LECTURE, LECTURE_POINT)
    from_b = made.ledgers[1]
    assert [path.product for path in from_b.largest] == [1.0, -1.0]
    assert (from_b.paths, from_b.total, from_b.size, from_b.rest) == (2, 0.0, 2.0, None)
    assert (made.paths, made.one_by_one, made.at_once) == (4, 8, 6)
    assert from_b.digits_lost == math.inf


def test_two_to_the_thirty_paths_are_counted_and_ranked_without_being_walked() -> None:
    """x + x·y at y = 1/2: each diamond is worth 1 or 1/2, the second in two steps.

    The largest path is worth 1, the next thirty 1/2, then C(30, 2) of 1/4; the gradient is 1.5^30.
    Of 2^30 paths, half pass each long side: 30·2^30 + 30·2^29 edges.
    """
    start = time.process_time()
    made = ledger(DIAMONDS, {"x": 1.0, "y": 0.5}, "x", top=40, wrt=("x",))
    assert time.process_time() - start < 1
    assert made.paths == 2**30
    assert [path.product for path in made.largest] == [1.0, *[0.5] * 30, *[0.25] * 9]
    assert made.total == 1.5**30
    assert made.rest == 1.5**30 - 16 - 9 / 4
    assert found(DIAMONDS, {"x": 1.0, "y": 0.5}, wrt=("x",)).one_by_one == 45 * 2**30


def test_a_tie_is_in_the_order_of_the_program() -> None:
    """Of thirty paths worth 1/2, the first leaves x by the product of the first diamond."""
    made = ledger(DIAMONDS, {"x": 1.0, "y": 0.5}, "x", top=31, wrt=("x",))
    detours = [path.nodes.first for path in made.largest[1:]]
    assert detours == sorted(detours, key=lambda nodes: list(nodes))
    plus = ledger("a*b + b*a + 2*(a*b)/2", {"a": 3.0, "b": 5.0}, "a")
    assert [path.product for path in plus.largest] == [5.0, 5.0, 5.0]
    assert [path.nodes.first[1] for path in plus.largest] == sorted(
        path.nodes.first[1] for path in plus.largest
    )


def test_both_operands_of_a_square_are_paths_of_their_own() -> None:
    """f = x·x at 3: two edges from x to f, each worth 3."""
    assert [path.product for path in ledger("x*x", {"x": 3.0}, "x").largest] == [3.0, 3.0]


def test_a_path_whose_slope_is_zero_comes_last_and_counts() -> None:
    made = ledger("x*y + x", {"x": 2.0, "y": 0.0}, "x")
    assert [path.product for path in made.largest] == [1.0, 0.0]
    assert made.largest[1].log2 == -math.inf


def test_products_beyond_float64_are_ranked_by_their_logarithms() -> None:
    """a·t^4 at t = 1e-100: 1e-400 underflows, but is still larger than 1e-500."""
    chain = "u = x*t*t*t*t*t; v = x*t*t*t*t; f = u + v + x"
    made = ledger(chain, {"x": 1.0, "t": 1e-100}, "x", wrt=("x",))
    assert [path.product for path in made.largest] == [1.0, 0.0, 0.0]
    assert [round(path.log2 * math.log10(2)) for path in made.largest] == [0, -400, -500]


def test_the_rest_is_the_gradient_less_what_is_shown() -> None:
    """x^2·y as x·x·y at (3, 5): two paths of 15; shown is one."""
    made = ledger("x*x*y", {"x": 3.0, "y": 5.0}, "x", top=1)
    assert (made.more, made.rest, made.total) == (1, 15.0, 30.0)
    made = ledger("1*x + (1e16*x - 1e16*x)", {"x": 1.0}, "x", top=2)
    assert (made.total, made.rest) == (1.0, 1.0), "1 - 1e16 + 1e16 without rounding"


def test_a_rest_beyond_float64_is_no_number() -> None:
    made = ledger("-1.5e308*x + 1.6e308*x - 1.5e308*x", {"x": 0.5}, "x", top=1)
    assert (made.largest[0].product, made.total) == (1.6e308, -1.4e308)
    assert math.isnan(made.rest)


def test_paths_of_intermediates_begin_there_and_inputs_pass_through_them() -> None:
    made = found("d = a + b; f = d*d*c", {"a": 1.0, "b": 2.0, "c": 5.0}, wrt=("d", "a"))
    assert [(each.name, each.paths, each.total) for each in made.ledgers] == [
        ("d", 2, 30.0),
        ("a", 2, 30.0),
    ]


def test_an_unused_input_has_no_path_and_the_output_itself_the_empty_one() -> None:
    solution = solved("g = x*y; f = x", {"x": 3.0, "y": 1.0}, outputs=("f",))
    by_x, by_y = ledgers(solution, solution.answers[0], 10).ledgers
    assert (by_y.paths, by_y.total, by_y.largest) == (0, 0.0, ())
    assert (by_x.paths, by_x.largest[0].length, by_x.largest[0].product) == (1, 0, 1.0)


def test_a_branch_that_is_not_taken_is_no_path() -> None:
    made = ledger("where(x > 0, x^2, 3*x) + x", {"x": 2.0}, "x")
    assert (made.paths, made.silent, made.total) == (2, 1, 5.0)


def test_an_undefined_point_has_no_ledger_and_says_why() -> None:
    assert found("log(x) + x", {"x": -1.0}).reason == "log needs x > 0, got x = -1"
    assert found("sqrt(x)", {"x": 0.0}).reason


def test_digits_that_cancel_are_counted() -> None:
    """1000·x - 999.999·x: 2e3 cancel to 1e-3, six digits."""
    made = ledger("1000*x - 999.999*x", {"x": 1.0}, "x")
    assert int(made.digits_lost) == 6
    assert ledger("2*x - x", {"x": 1.0}, "x").digits_lost == 0


def test_more_digits_have_a_ledger_too() -> None:
    arithmetic = Precise(30)
    point = {"x": arithmetic.number("0.1"), "y": arithmetic.number("3")}
    solution = solve(parse("x*y + x/3"), point, arithmetic=arithmetic)
    made = ledgers(solution, solution.answers[0], 1).ledgers[0]
    assert arithmetic.text(made.rest) == "0." + "3" * 30
    assert made.largest[0].log2 == pytest.approx(math.log2(3))


def test_time_grows_with_the_nodes_not_with_the_paths() -> None:
    def seconds(layers: int) -> float:
        source = "; ".join(f"x{k + 1} = x{k}*0.5 + x{k}*0.5" for k in range(layers))
        solution = solved(source, {"x0": 1.0})
        start = time.process_time()
        made = ledgers(solution, solution.answers[0], 10).ledgers[0]
        assert made.paths == 2**layers
        return time.process_time() - start

    seconds(500)
    assert seconds(4000) < 3 * 4 * max(seconds(1000), 0.01)


def test_a_hundred_thousand_nodes_take_seconds() -> None:
    solution = solved("x" + "+x*y" * 50_000, {"x": 1.0, "y": 0.5})
    start = time.process_time()
    made = ledgers(solution, solution.answers[0], 10)
    assert time.process_time() - start < 6
    assert [each.paths for each in made.ledgers] == [50_001, 50_000]


# ------------------------------------------------------------------ tables and JSON


def printed(source: str, point: dict[str, float], width: int = 100, top: int = 10) -> str:
    solution = solved(source, point)
    stream = io.StringIO()
    found = ledgers(solution, solution.answers[0], top, None, render.MOST_NODES)
    render.print_paths(solution, found, 20, Screen(stream, width, False))
    return stream.getvalue()


CHAIN = "; ".join(f"h{k + 1} = tanh(w*h{k})" for k in range(5000))
CHOICE = "where(x > 0, x*y, y) + relu(-x) + max(x, y) + 0*z"

SNAPSHOTS = {
    "paths_lecture": lambda: printed(LECTURE, LECTURE_POINT, 80),
    "paths_diamonds": lambda: printed(DIAMONDS, {"x": 1.0, "y": 0.5}, 100, 4),
    "paths_diamonds_80": lambda: printed(DIAMONDS, {"x": 1.0, "y": 0.5}, 80, 4),
    "paths_chain": lambda: printed(CHAIN, {"w": 1.0, "h0": 0.4}, 100, 2),
    "paths_choice": lambda: printed(CHOICE, {"x": 1.0, "y": 2.0, "z": 3.0}, 80),
    "paths_neuron_40": lambda: printed("sigmoid(w*x + b)", {"w": 0.5, "x": 3.0, "b": -1.0}, 40),
}


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_snapshot(name, matches_snapshot):
    matches_snapshot(name, SNAPSHOTS[name]())


@pytest.mark.parametrize("width", [20, 40, 60, 80, 140])
@pytest.mark.parametrize("source", [LECTURE, CHOICE, "x1 = x/7; tanh(x1)*x1^2", "exp(x)*sin(x)/3"])
def test_no_number_is_cut_at_any_width(source, width):
    point = {name: 0.5 + 0.25 * k for k, name in enumerate(parse(source).inputs)}
    text = printed(source, point, width)
    assert max(map(len, text.split("\n"))) <= width
    for each in found(source, point).ledgers:
        for path in each.largest:
            assert f"{path.product:.10g}" in "".join(text.split())


def test_a_path_of_ten_thousand_nodes_is_shown_by_its_ends() -> None:
    text = printed(CHAIN, {"w": 1.0, "h0": 0.4})
    assert "h0 → v1 → … 9,998 more … → h5000" in text
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize(
    ("power", "text"),
    [(0, "1"), (30, "1,073,741,824"), (50, "about 1.13e15"), (50_000, "about 3.16e15051")],
)
def test_counts_are_readable(power, text):
    assert render.quantity(2**power) == text


def test_json_has_the_ledger(capsys):
    got = answer(capsys, LECTURE, "--at", "a=2,b=-3,c=4", "--show", "paths")["paths"]
    assert got["count"] == 4
    assert got["products"] == {"one_by_one": 8, "at_once": 6}
    from_b = got["from"]["b"]
    assert list(from_b) == ["count", "silent", "gradient", "size", "largest", "rest"]
    assert from_b["largest"][1] == {
        "nodes": ["b", "y", "f"],
        "slopes": [1.0, -1.0],
        "length": 2,
        "product": -1.0,
        "log2": 0.0,
    }
    assert from_b["rest"] is None


def test_json_counts_beyond_exact_floats_are_strings(capsys):
    source = "; ".join(f"x{k + 1} = x{k} + x{k}" for k in range(1000))
    got = answer(capsys, source, "--at", "x0=1e-300", "--show", "paths", "--top", "2")["paths"]
    assert got["count"] == str(2**1000)
    assert got["from"]["x0"]["rest"] == {"count": str(2**1000 - 2), "sum": 2.0**1000}
    assert len(got["from"]["x0"]["largest"][0]["nodes"]) == 1001


def test_json_is_by_output_and_a_ledger_that_is_not_there_says_why(capsys):
    got = answer(capsys, "f = a*b; g = a+b", "--at", "a=2,b=3", "--of", "f,g", "--show", "paths")
    assert got["paths"]["g"]["from"]["a"]["gradient"] == 1.0
    code, out, _ = ask(capsys, "grad", "log(x)", "--at", "x=-1", "--show", "paths", "--format",
                       "json")  # fmt: skip
    assert code == 3
    assert json.loads(out)["paths"] == {"skipped": "log needs x > 0, got x = -1"}


def test_one_sided_answers_say_which_slopes_the_paths_take(capsys):
    words = ("grad", "abs(x) + x", "--at", "x=0", "--kink", "left", "--show", "paths")
    _, out, _ = ask(capsys, *words, "--check", "none")
    assert "The paths follow the conventions at the kinks" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--top", "3"), "--top belongs to --show paths"),
        (("--show", "paths", "--top", "0"), "--top"),
        (("--show", "paths,none"), "stands alone"),
    ],
)
def test_options_that_make_no_sense_are_refused(capsys, words, message):
    code, _, err = ask(capsys, "grad", "x*y", "--at", "x=1,y=2", *words)
    assert code == 2
    assert message in err


def test_ascii_streams_get_ascii():
    environment = {"PYTHONIOENCODING": "ascii"}
    words = ("grad", LECTURE, "--at", "a=2,b=-3,c=4", "--show", "paths", "--check", "none")
    out = run_in_terminal(*words, environment=environment).out
    assert out.isascii()
    assert "b -> y -> f" in out
    assert "\\u" not in out
