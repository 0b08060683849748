"""A climb in one generated loop ends where the explained climb ends, to the last bit."""

import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import programs

from backprop_cli.language.parser import parse
from backprop_cli.studies.climbing import hurry
from backprop_cli.studies.climbing.ascent import Climb, Outcome, Settings
from backprop_cli.studies.climbing.objective import Expression
from backprop_cli.studies.climbing.optimizers import BY_NAME, NEWTON

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
    """Return the ending of a climb whose steps are looked at, and that of one in a hurry."""
    explained = climb_of(text, start, **how)
    for _ in explained:
        pass
    assert explained.outcome is not None
    hurried = climb_of(text, start, **how)
    return ending(explained, explained.outcome), ending(hurried, hurried.finish())


def runs_ahead(text: str, start: Mapping[str, float], **how: Any) -> int:
    """Return how many steps the generated loop makes; -1 if it is not used."""
    seen: list[hurry.Ahead | None] = []
    true = hurry.hurried

    def watched(*given: Any) -> hurry.Ahead | None:
        seen.append(true(*given))
        return seen[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hurry, "hurried", watched)
        climb_of(text, start, **how).finish()
    return -1 if not seen or seen[0] is None else seen[0].number


@pytest.mark.parametrize("name", LOOPED)
@pytest.mark.parametrize("descend", [False, True])
@settings(deadline=None, max_examples=25)
@given(program=programs(), step=st.sampled_from([1e-3, 0.1, 3.0]), until=st.sampled_from([0, 0.5]))
def test_random_programs_end_alike(name, descend, program, step, until):
    start = {key: program.point[key] for key in parse(program.text, program.point).inputs}
    if start:
        how = {"optimizer": BY_NAME[name], "step": step, "descend": descend}
        explained, hurried = both(program.text, start, until_gradient=until, **how)
        assert hurried == explained


@pytest.mark.parametrize("name", LOOPED)
def test_the_loop_makes_the_steps(name):
    how = {"optimizer": BY_NAME[name], "step": 1e-3, "descend": True}
    banana = "(1 - x)^2 + 100*(y - x^2)^2"
    assert runs_ahead(banana, {"x": -1.2, "y": 1.0}, **how) == STEPS
    explained, hurried = both(banana, {"x": -1.2, "y": 1.0}, **how)
    assert hurried == explained


AWKWARD = ("_x0", "_y0", "_g0", "_f", "_h", "_t", "_v1", "_p0", "_s0_0", "_number", "x", "g", "h",
           "t", "beta1", "m", "function", "v1", "lambda", "None", "_isfinite", "tanh", "λ")  # fmt: skip


@pytest.mark.parametrize("name", ["gradient", "adam", "adamw"])
def test_names_of_inputs_cannot_collide_with_the_generated_ones(name):
    text = "+".join(f"({key} - {k})^2*tanh({key})" for k, key in enumerate(AWKWARD))
    start = {key: 0.1 * k + 0.3 for k, key in enumerate(AWKWARD)}
    how = {"optimizer": BY_NAME[name], "step": 1e-4, "descend": True}
    assert runs_ahead(text, start, **how) == STEPS
    explained, hurried = both(text, start, **how)
    assert hurried == explained


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
    explained, hurried = both(text, start, **how)
    assert explained[0] == stopped
    assert hurried == explained


def test_where_floats_raise_the_explained_climb_goes_on():
    """exp overflows on the way, on a side that `where` does not take; the loop stops before it."""
    text, start = "where(x > 350, x, x + exp(2x)*1e-320)", {"x": 340.0}
    how = {"step": 0.5, "steps": 1000}
    made = runs_ahead(text, start, **how)
    explained, hurried = both(text, start, **how)
    assert 0 < made < explained[1] == 1000
    assert hurried == explained


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
    explained, hurried = both(text, start, **how)
    assert hurried == explained


def test_a_difference_of_one_bit_is_seen(monkeypatch):
    """The comparison bites: a loop with h off by one unit in the last place ends elsewhere."""
    monkeypatch.setattr(hurry, "_AT_ONCE", 7)
    true = hurry._moves
    monkeypatch.setattr(
        hurry, "_moves",
        lambda plan, namespace: [namespace.update(_h=math.nextafter(namespace["_h"], 1)), *true(plan, namespace)][1:],
    )  # fmt: skip
    explained, hurried = both("x^2 + y^4", {"x": 1.0, "y": 2.0}, step=0.01, descend=True)
    assert hurried != explained
