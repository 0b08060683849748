"""A climb in one generated loop ends where the explained climb ends, to the last bit."""

import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import programs

from backprop_cli.language.parser import parse
from backprop_cli.studies.climbing.ahead import Ahead, Stand
from backprop_cli.studies.climbing.ascent import Climb, Outcome
from backprop_cli.studies.climbing.objective import Expression
from backprop_cli.studies.climbing.optimizers import BY_NAME, NEWTON
from backprop_cli.studies.climbing.python_loop import PythonLoop
from backprop_cli.studies.climbing.remarks import Remarks
from backprop_cli.studies.climbing.settings import Settings

STEPS = 120
LOOPED = [name for name in BY_NAME if name != NEWTON]


def climb_of(text: str, start: Mapping[str, float], **how: Any) -> Climb:
    how.setdefault("steps", STEPS)
    objective = Expression(parse(text, start), list(start), start, how["steps"])
    return Climb(objective, list(start.values()), Settings(**how))


def ending(climb: Climb, outcome: Outcome) -> tuple[object, ...]:
    """Return all that an outcome says, numbers as their bits (so that -0 is not 0, and NaN is NaN)."""
    last, beyond = outcome.last, outcome.beyond
    numbers = (*last.point, last.value, last.norm, *(beyond or ()))
    counts = (outcome.evaluations, outcome.sweeps)
    return (outcome.stopped, last.number, *counts, [x.hex() for x in numbers])


def both(text: str, start: Mapping[str, float], **how: Any) -> tuple[Any, Any]:
    """Return the ending of a climb whose steps are looked at, and that of one that runs ahead."""
    explained = climb_of(text, start, **how)
    for _ in explained:
        pass
    assert explained.outcome is not None
    ahead = climb_of(text, start, **how)
    return ending(explained, explained.outcome), ending(ahead, ahead.finish())


def runs_ahead(text: str, start: Mapping[str, float], **how: Any) -> int:
    """Return how many steps the generated loop makes; -1 if it is not used."""
    taken = [-1]
    true = PythonLoop.__call__

    def watched(loop: PythonLoop, stand: Stand, *given: Any) -> Stand:
        reached = true(loop, stand, *given)
        taken[0] = max(taken[0], 0) + reached.number - stand.number
        return reached

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PythonLoop, "__call__", watched)
        climb_of(text, start, **how).finish()
    return taken[0]


@pytest.mark.parametrize("name", LOOPED)
@pytest.mark.parametrize("descend", [False, True])
@settings(deadline=None, max_examples=25)
@given(program=programs(), step=st.sampled_from([1e-3, 0.1, 3.0]), until=st.sampled_from([0, 0.5]))
def test_random_programs_end_alike(name, descend, program, step, until):
    start = {key: program.point[key] for key in parse(program.text, program.point).inputs}
    if start:
        how = {"optimizer": BY_NAME[name], "step": step, "descend": descend}
        explained, ahead = both(program.text, start, until_gradient=until, **how)
        assert ahead == explained


@pytest.mark.parametrize("name", LOOPED)
def test_the_loop_makes_the_steps(name):
    how = {"optimizer": BY_NAME[name], "step": 1e-3, "descend": True}
    banana = "(1 - x)^2 + 100*(y - x^2)^2"
    assert runs_ahead(banana, {"x": -1.2, "y": 1.0}, **how) == STEPS
    explained, ahead = both(banana, {"x": -1.2, "y": 1.0}, **how)
    assert ahead == explained


AWKWARD = ("_x0", "_y0", "_g0", "_f", "_h", "_t", "_v1", "_p0", "_s0_0", "_number", "x", "g", "h",
           "t", "beta1", "m", "function", "v1", "lambda", "None", "_isfinite", "tanh", "λ")  # fmt: skip


@pytest.mark.parametrize("name", ["gradient", "adam", "adamw"])
def test_names_of_inputs_cannot_collide_with_the_generated_ones(name):
    text = "+".join(f"({key} - {k})^2*tanh({key})" for k, key in enumerate(AWKWARD))
    start = {key: 0.1 * k + 0.3 for k, key in enumerate(AWKWARD)}
    how = {"optimizer": BY_NAME[name], "step": 1e-4, "descend": True}
    assert runs_ahead(text, start, **how) == STEPS
    explained, ahead = both(text, start, **how)
    assert ahead == explained


ENDINGS = [
    ("x^2", {"x": 1.0}, {"step": 0.5, "descend": True}, "gradient"),
    ("x^2", {"x": 1.0}, {"step": 0.3, "descend": True, "until_gradient": 1e-3}, "gradient"),
    ("x^2", {"x": 1.0}, {"step": 0.01, "descend": True}, "steps"),
    ("x + y", {"x": 1e20, "y": 1e20}, {"step": 1e-3}, "no-progress"),
    ("x^2", {"x": 1.0}, {"step": 1e200}, "not-finite"),
    ("x^2 + exp(x)", {"x": 1.0}, {"step": 10.0}, "not-finite"),
    ("log(x)", {"x": 1.0}, {"step": 2.0, "descend": True}, "not-finite"),
    ("x*y", {"x": 1.0, "y": 2.0}, {"bounds": {"x": (0.0, 1.1), "y": (-math.inf, 2.5)}}, "no-progress"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "start", "how", "stopped"), ENDINGS)
def test_every_way_to_end_is_the_same(text, start, how, stopped):
    explained, ahead = both(text, start, **how)
    assert explained[0] == stopped
    assert ahead == explained


def test_where_floats_raise_the_explained_climb_goes_on():
    """exp overflows on the way, on a side that `where` does not take; the loop stops before it."""
    text, start = "where(x > 350, x, x + exp(2x)*1e-320)", {"x": 340.0}
    how = {"step": 0.5, "steps": 1000}
    made = runs_ahead(text, start, **how)
    explained, ahead = both(text, start, **how)
    assert 0 < made < explained[1] == 1000
    assert ahead == explained


@pytest.mark.parametrize(
    "how",
    [
        {"optimizer": BY_NAME[NEWTON]},
        {"sequential": True},
        {"line_search": True},
        {"method": "numeric"},
        {"method": "random"},
        {"steps": 10},
    ],
)
def test_other_climbs_are_explained_ones(how):
    text, start = "-(x - 1)^2 - 3(y + 2)^2", {"x": 0.0, "y": 0.0}
    assert runs_ahead(text, start, **how) == -1
    explained, ahead = both(text, start, **how)
    assert ahead == explained


def test_a_difference_of_one_bit_is_seen(monkeypatch):
    """The comparison bites: a loop with h off by one unit in the last place ends elsewhere."""
    true = PythonLoop.__init__

    def wrong(loop: PythonLoop, *given: Any) -> None:
        *same, how = given
        true(loop, *same, how._replace(step=math.nextafter(how.step, 1)))

    monkeypatch.setattr(PythonLoop, "__init__", wrong)
    explained, ahead = both("x^2 + y^4", {"x": 1.0, "y": 2.0}, step=0.01, descend=True)
    assert ahead != explained


def test_it_says_how_far_it_is_and_listens_in_between():
    seen: list[int] = []
    climb_of("x^2 + y^2", {"x": 1.0, "y": 2.0}, steps=9000, step=1e-5, descend=True).finish(
        seen.append
    )
    assert seen[0] == 0
    assert seen[-1] == 9000
    assert len(seen) > 3
    assert all(number % 256 == 0 for number in seen[:-1])


def test_a_loop_that_gets_stuck_is_asked_more_and_more_rarely():
    asked: list[int] = []

    def stuck(stand: Stand, *given: Any) -> Stand:
        asked.append(stand.number)
        return stand

    ahead = Ahead(stuck, lambda number: 100)
    remarks = Remarks(0.0, True, lambda point: 0.0)
    for number in range(40):
        assert ahead(Stand(number, (0.0,), (0.0, 1.0)), [[]], remarks).number == number
    assert asked == [0, 2, 5, 10, 19, 36]


def test_a_larger_program_must_be_asked_more_often_before_compiling_pays():
    banana = parse("(1 - x)^2 + 100*(y - x^2)^2")
    long = parse("+".join(f"tanh({k}*x)*y" for k in range(60)))
    for graph, steps, compiled in ((banana, 49, False), (banana, 60, True), (long, 60, False)):
        objective = Expression(graph, ["x", "y"], {}, steps)
        assert (objective.compiled_slopes() is not None) == compiled
    assert Expression(long, ["x", "y"], {}, 100).compiled_slopes() is not None
