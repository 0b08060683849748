"""Steps that nobody looks at, taken by compiled C: the climb is Python's climb in every number."""

from collections.abc import Mapping
from functools import cache

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from strategies import programs

from backprop_cli.language.parser import parse
from backprop_cli.operations import TABLE
from backprop_cli.readings import c_parts
from backprop_cli.readings.compiler import NoCompiler, find_compiler
from backprop_cli.studies.climbing import step_code
from backprop_cli.studies.climbing.climbs import Record
from backprop_cli.studies.climbing.optimizers import BY_NAME, NEWTON
from backprop_cli.studies.climbing.problem import make_problem
from backprop_cli.studies.climbing.settings import Settings
from backprop_cli.studies.climbing.step_engine import choose
from backprop_cli.studies.paying import LARGEST_COMPILED, calls_pay, loop_lines, loop_pays

try:
    find_compiler()
except NoCompiler as reason:
    pytest.skip(reason.message, allow_module_level=True)

ROSENBROCK = "(1 - x)^2 + 100*(y - x^2)^2"
START = {"x": -1.2, "y": 1.0}

pytestmark = pytest.mark.usefixtures("own_cache")


class Seen:
    """A climb by one engine, as it is seen: rows, remarks in their order, end; and who worked."""

    def __init__(
        self,
        engine: str,
        text: str,
        start: Mapping[str, float],
        every: int,
        wrt: tuple[str, ...],
        how: Settings,
    ) -> None:
        problem = make_problem(parse(text, start), start, wrt, (), how.steps)
        self.record = Record(problem.climb(how), "", every, 100)
        self.chosen = choose(engine, problem, [self.record], False)
        self.steps_of_python = 0
        for step in self.record.climb:
            self.steps_of_python += 1
            self.record.add(step)
        record = self.record
        self.all = repr((record.rows, record._asked, list(record.tallies.items()), record.outcome))


def both(
    text: str, start: Mapping[str, float], every: int = 0, wrt: tuple[str, ...] = (), **how
) -> Seen:
    """Climb by Python and by C, compare, and return the latter."""
    plan = Settings(**({"steps": 5000, "step": 1e-3} | how))
    one, other = (Seen(engine, text, start, every, wrt, plan) for engine in ("python", "native"))
    assert one.all == other.all
    assert other.chosen.name == "native"
    return other


STEADY = [name for name in BY_NAME if name != NEWTON]


@pytest.mark.parametrize("name", STEADY)
@pytest.mark.parametrize("descend", [True, False])
def test_every_optimiser_takes_the_same_steps(name, descend):
    seen = both(ROSENBROCK, START, optimizer=BY_NAME[name], descend=descend, steps=6000)
    if seen.record.outcome.stopped == "steps":
        assert seen.steps_of_python < 4000


CLIMBS = {
    "rows asked for": (ROSENBROCK, START, {"descend": True, "every": 7}),
    "bounds": (ROSENBROCK, START, {"descend": True, "bounds": {"x": (-2.0, 0.5)}}),
    "bounds with momentum": (
        ROSENBROCK,
        START,
        {"descend": True, "bounds": {"x": (-2.0, 0.5), "y": (0.3, 9.0)}, "optimizer": BY_NAME["momentum"]},
    ),
    "a gradient that is small enough": (
        ROSENBROCK,
        START,
        {"descend": True, "until_gradient": 0.2, "steps": 20_000},
    ),
    "an end without progress": ("x^4 + y^2", {"x": 0.5, "y": 2.0}, {"descend": True, "step": 0.3}),
    "a straight line": ("3x + 2y - z", {"x": 1.0, "y": 2.0, "z": 3.0}, {}),
    "held inputs": ("sin(k)*x - z^2", {"x": 1.0, "k": 2.0, "z": 3.0}, {"wrt": ("x", "z")}),
    "an input without effect": ("x^2 + 0*y", {"x": 1.0, "y": 2.0}, {"descend": True}),
    "kinks and zig-zag": ("abs(x) + relu(y - .3)", {"x": 1.0, "y": 2.0}, {"descend": True}),
    "a step that is too long": ("x^2 + y^2/50", {"x": 1.0, "y": 1.0}, {"descend": True, "step": 0.97}),
    "growth without limit": ("x^2*y", {"x": 1.0, "y": 1.0}, {"step": 1e-5, "steps": 60_000}),
    "growth that is looked at far ahead": ("exp(x/9) + y", {"x": 1.0, "y": 1.0}, {"step": 0.05}),
    "an end that is not finite": ("log(x) - 3x", {"x": 2.0}, {"descend": True, "step": 0.01}),
    "an overflow on the side not taken": (
        "where(x > 5, exp(900*x), x) + 1/(1 + exp(900*(x + 1)))",
        {"x": -0.5},
        {"steps": 300, "step": 1e-3},
    ),
    "a norm too small to square": ("1e-170*x", {"x": 1.0}, {"steps": 400, "step": 1e10}),
    "adam where nothing flows": (
        "relu(x) + 1e-9*y",
        {"x": -1.0, "y": 1.0},
        {"optimizer": BY_NAME["adam"], "descend": True},
    ),
    "hyper-parameters of one's own": (
        ROSENBROCK,
        START,
        {"optimizer": BY_NAME["adamw"], "descend": True, "parameters": {"beta1": 0.5, "weight_decay": 0.1}},
    ),
    "no epsilon and no slope": (
        "y^2 + 0*x",
        {"x": 1.0, "y": 1.0},
        {"optimizer": BY_NAME["adagrad"], "descend": True, "parameters": {"epsilon": 0.0}, "steps": 50},
    ),
}  # fmt: skip


@cache
def climbed(name: str) -> Seen:
    text, start, how = CLIMBS[name]
    return both(text, start, **how)


@pytest.mark.parametrize("name", CLIMBS)
def test_the_climb_is_the_same(name):
    climbed(name)


def test_the_climbs_above_are_of_many_kinds():
    """So that what they compare is not nothing: every remark, and every end, is among them."""
    said: set[str] = set()
    ends: set[str] = set()
    for name in CLIMBS:
        seen = climbed(name)
        said |= set(seen.record.tallies)
        ends.add(seen.record.outcome.stopped)
    assert ends == {"steps", "gradient", "no-progress", "not-finite"}
    for words in ("still better", "worse: step too long", "against the slope", "zig-zag", "flat",
                  "unbounded: growing", "x at its bound", "y at its bound"):  # fmt: skip
        assert any(words in remark for remark in said), words


@settings(deadline=None, max_examples=8, suppress_health_check=list(HealthCheck))
@given(programs(4), st.sampled_from(STEADY), st.booleans())
def test_random_programs_are_climbed_in_the_same_way(program, name, descend):
    graph = parse(program.text, program.point)
    assume(graph.inputs)
    start = {input: program.point[input] for input in graph.inputs}
    both(program.text, start, optimizer=BY_NAME[name], descend=descend, steps=1500, step=0.01)


@pytest.mark.parametrize(
    ("name", "wrong", "climb"),
    [
        ("SHARP", 0.9999999, "kinks and zig-zag"),
        ("ROUNDING", 1e-3, "rows asked for"),
        ("GROWING_STEPS", 10**9, "growth without limit"),
    ],
)
def test_a_loop_that_judges_otherwise_would_be_noticed(monkeypatch, name, wrong, climb):
    monkeypatch.setattr(step_code, name, wrong)
    text, start, how = CLIMBS[climb]
    with pytest.raises(AssertionError):
        both(text, start, **how)


def test_of_many_steps_python_takes_few():
    seen = both("x^2/2 + y", {"x": 1.0, "y": 1.0}, descend=True, step=1e-6, steps=60_000)
    assert seen.record.outcome.last.number == 60_000
    assert seen.steps_of_python < 6000


def test_names_of_the_loop_are_no_rows_of_the_table():
    """A row becomes a function of its own name, which a variable of the loop would hide."""
    problem = make_problem(parse(ROSENBROCK), START, (), (), 10)
    plan = Settings(optimizer=BY_NAME["adam"], bounds={"x": (0.0, 1.0)})
    code = step_code.StepCode(problem.objective.graph, problem.names, [], plan).text()
    body = code[code.index("backprop_steps") :]
    for row in TABLE:
        for kind in ("double", "int", "int64_t"):
            assert f"{kind} {row.name} " not in body
            assert f"{kind} {row.name}=" not in body


# ------------------------------------------------------------------- the rule of auto


def test_auto_takes_c_where_it_saves_time():
    lines = loop_lines(14, 2, 0)
    assert not loop_pays(100, 14, lines)
    assert loop_pays(10**6, 14, lines)
    assert not calls_pay(10**6, 10)  # a call of C costs more than so small a Python function
    assert calls_pay(10**6, 500)
    assert not calls_pay(10**9, LARGEST_COMPILED)
    assert not loop_pays(10**9, 1800, loop_lines(1800, 300, 2))


def test_the_length_of_a_loop_is_known_before_it_is_written():
    for name in ("gradient", "momentum", "adam"):
        graph = parse("+".join(f"(x{k} - {k})^2" for k in range(40)))
        plan = Settings(optimizer=BY_NAME[name])
        written = step_code.StepCode(graph, list(graph.inputs), [], plan).text().count("\n")
        guess = loop_lines(graph.size, 40, len(plan.optimizer.states))
        assert 0.7 * guess < written < 1.4 * guess


def test_a_loop_that_is_too_long_is_left_to_calls_of_c():
    text = "+".join(f"(x{k} - {k})^2" for k in range(150))
    start = {f"x{k}": 0.0 for k in range(150)}
    how = {"steps": 60, "step": 0.1, "descend": True, "optimizer": BY_NAME["adam"]}
    seen = both(text, start, **how)
    assert seen.record.climb.ahead is None


def test_other_ways_to_climb_evaluate_by_c_where_they_are_asked_to():
    for how in (
        {"method": "numeric"},
        {"optimizer": BY_NAME[NEWTON]},
        {"line_search": True},
        {"sequential": True},
    ):
        plan = Settings(**({"steps": 40, "step": 1e-3, "descend": True} | how))
        one, other = (
            Seen(engine, ROSENBROCK, START, 0, (), plan) for engine in ("python", "native")
        )
        assert one.all == other.all
        assert other.chosen.name == "native"


@settings(deadline=None, max_examples=10, suppress_health_check=list(HealthCheck))
@given(program=programs(), name=st.sampled_from([name for name in BY_NAME if name != NEWTON]))
def test_a_loop_that_calls_slopes_in_parts_climbs_in_the_same_way(program, name):
    start = {key: program.point[key] for key in parse(program.text, program.point).inputs}
    assume(start)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(c_parts, "MOST_WHOLE", 2)
        patch.setattr(c_parts, "MOST", 2)
        both(program.text, start, 7, tuple(start)[:1], optimizer=BY_NAME[name], steps=300)


def test_the_slopes_of_a_long_program_are_called_in_parts():
    text = "+".join(f"tanh(a*{k} + b)*sin(c*{k})*k" for k in range(1, 60))
    start = {"a": 0.3, "b": -0.2, "c": 0.1, "k": 0.01}
    graph = parse(text, start)
    source = step_code.StepCode(graph, ["a", "b"], ["c", "k"], Settings()).text()
    assert "part1(y, h, r, v)" in source
    seen = both(text, start, 0, ("a", "b"), optimizer=BY_NAME["adam"])
    assert seen.chosen.name == "native"
    assert seen.steps_of_python < 2500
