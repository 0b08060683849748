"""The optimisers: the paths of their published recurrences, and known minima reached."""

import math
from collections.abc import Callable, Sequence

import pytest
from mpmath import mp, mpf

from backprop_cli.errors import OptionProblem
from backprop_cli.language.parser import parse
from backprop_cli.studies.climbing.ascent import Climb, Outcome, Step
from backprop_cli.studies.climbing.newton import newton_direction
from backprop_cli.studies.climbing.objective import Expression
from backprop_cli.studies.climbing.optimizers import (
    BY_NAME,
    HYPERPARAMETERS,
    OPTIMIZERS,
    check_used,
)
from backprop_cli.studies.climbing.settings import Settings

# ------------------------------------------------------------------ published recurrences


def _plain(
    g: Sequence[mpf], x: Sequence[mpf], h: mpf, t: int, s: dict[str, list[mpf]]
) -> list[mpf]:
    """Cauchy 1847: x ← x - h g."""
    return [a - h * b for a, b in zip(x, g, strict=True)]


def _momentum(g, x, h, t, s):
    """Polyak 1964, in the form of PyTorch: v ← 0.9 v + g; x ← x - h v."""
    s["v"] = [mpf("0.9") * v + b for v, b in zip(s["v"], g, strict=True)]
    return [a - h * v for a, v in zip(x, s["v"], strict=True)]


def _nesterov(g, x, h, t, s):
    """Sutskever et al. 2013, in the form of PyTorch: v ← 0.9 v + g; x ← x - h (g + 0.9 v)."""
    s["v"] = [mpf("0.9") * v + b for v, b in zip(s["v"], g, strict=True)]
    return [a - h * (b + mpf("0.9") * v) for a, b, v in zip(x, g, s["v"], strict=True)]


def _adagrad(g, x, h, t, s):
    """Duchi, Hazan & Singer 2011: s ← s + g²; x ← x - h g/(√s + 1e-10)."""
    s["v"] = [v + b**2 for v, b in zip(s["v"], g, strict=True)]
    return [a - h * b / (mp.sqrt(v) + mpf("1e-10")) for a, b, v in zip(x, g, s["v"], strict=True)]


def _rmsprop(g, x, h, t, s):
    """Hinton 2012: s ← 0.99 s + 0.01 g²; x ← x - h g/(√s + 1e-8)."""
    s["v"] = [mpf("0.99") * v + mpf("0.01") * b**2 for v, b in zip(s["v"], g, strict=True)]
    return [a - h * b / (mp.sqrt(v) + mpf("1e-8")) for a, b, v in zip(x, g, s["v"], strict=True)]


def _adam(g, x, h, t, s):
    """Kingma & Ba 2015, algorithm 1."""
    b1, b2 = mpf("0.9"), mpf("0.999")
    s["m"] = [b1 * m + (1 - b1) * b for m, b in zip(s["m"], g, strict=True)]
    s["v"] = [b2 * v + (1 - b2) * b**2 for v, b in zip(s["v"], g, strict=True)]
    return [
        a - h * (m / (1 - b1**t)) / (mp.sqrt(v / (1 - b2**t)) + mpf("1e-8"))
        for a, m, v in zip(x, s["m"], s["v"], strict=True)
    ]


def _adamw(g, x, h, t, s):
    """Loshchilov & Hutter 2019, algorithm 2, in the form of PyTorch: decay first, then Adam."""
    decayed = [a * (1 - h * mpf("0.01")) for a in x]
    moved = _adam(g, x, h, t, s)
    return [d + (b - a) for d, a, b in zip(decayed, x, moved, strict=True)]


def _newton(g, x, h, t, s):
    """x ← x - H⁻¹ g with the Hessian of `_BOWL` by hand."""
    a, b = x
    hessian = mp.matrix([[12 * (a - 1) ** 2 + 2, b], [b, a + 12 * b**2]])
    step = mp.lu_solve(hessian, mp.matrix(list(g)))
    return [a - h * step[0], b - h * step[1]]


RECURRENCES: dict[str, Callable[..., list[mpf]]] = {
    "gradient": _plain,
    "momentum": _momentum,
    "nesterov": _nesterov,
    "adagrad": _adagrad,
    "rmsprop": _rmsprop,
    "adam": _adam,
    "adamw": _adamw,
    "newton": _newton,
}
_BOWL = "(x - 1)^4 + x^2 + x*y^2/2 + y^4"


def _slopes(x: Sequence[mpf]) -> list[mpf]:
    """The gradient of `_BOWL`, by hand."""
    a, b = x
    return [4 * (a - 1) ** 3 + 2 * a + b**2 / 2, a * b + 4 * b**3]


def climb(text: str, start: dict[str, float], **given: object) -> tuple[list[Step], Outcome]:
    settings = Settings(**given)  # type: ignore[arg-type]
    objective = Expression(parse(text, start), list(start), start, settings.steps)
    made = Climb(objective, list(start.values()), settings)
    steps = list(made)
    assert made.outcome is not None
    return steps, made.outcome


@pytest.mark.parametrize("name", BY_NAME)
def test_the_path_is_that_of_the_published_recurrence(name):
    """A hundred steps against mpmath with 50 digits, to 1e-12."""
    steps, h = 100, 1 / 64
    start = {"x": 2.0, "y": 1.5}
    rows, _ = climb(_BOWL, start, optimizer=BY_NAME[name], step=h, steps=steps, descend=True)
    with mp.workdps(50):
        x = [mpf(value) for value in start.values()]
        state = {"m": [mpf(0)] * 2, "v": [mpf(0)] * 2}
        for t in range(1, steps + 1):
            x = RECURRENCES[name](_slopes(x), x, mpf(h), t, state)
            assert [float(a) for a in x] == pytest.approx(rows[t].point, rel=1e-12, abs=1e-12)
    assert rows[-1].value < rows[0].value


def test_every_optimiser_has_a_recurrence_a_source_and_a_formula():
    assert set(RECURRENCES) == set(BY_NAME)
    for optimizer in OPTIMIZERS:
        assert optimizer.source
        assert "x += " in optimizer.formula


@pytest.mark.parametrize("name", HYPERPARAMETERS)
def test_a_hyper_parameter_changes_the_path_of_its_owners_and_of_no_other(name):
    start = {"x": 2.0, "y": 1.5}
    for optimizer in OPTIMIZERS:
        given = {name: 0.5}
        if name in dict(optimizer.parameters):
            check_used([optimizer], given)
            paths = [
                [
                    row.point
                    for row in climb(
                        _BOWL,
                        start,
                        optimizer=optimizer,
                        parameters=parameters,
                        steps=5,
                        descend=True,
                    )[0]
                ]
                for parameters in ({}, given)
            ]
            assert paths[0] != paths[1]
        else:
            with pytest.raises(OptionProblem, match="is not used by"):
                check_used([optimizer], given)


# ------------------------------------------------------------------ known minima

MINIMA = [
    ("rosenbrock", "(1-x)^2 + 100*(y-x^2)^2", (-1.2, 1), (1, 1), "newton", 1.0, 50),
    ("rosenbrock", "(1-x)^2 + 100*(y-x^2)^2", (-1.2, 1), (1, 1), "momentum", 2e-4, 30_000),
    ("rosenbrock", "(1-x)^2 + 100*(y-x^2)^2", (-1.2, 1), (1, 1), "adam", 0.005, 20_000),
    ("himmelblau", "(x^2+y-11)^2 + (x+y^2-7)^2", (1, 1), (3, 2), "gradient", 0.01, 500),
    ("himmelblau", "(x^2+y-11)^2 + (x+y^2-7)^2", (2.5, 2.5), (3, 2), "newton", 1.0, 50),
    (
        "beale",
        "(1.5-x+x*y)^2 + (2.25-x+x*y^2)^2 + (2.625-x+x*y^3)^2",
        (1, 1),
        (3, 0.5),
        "nesterov",
        2e-3,
        20_000,
    ),
    ("booth", "(x+2*y-7)^2 + (2*x+y-5)^2", (0, 0), (1, 3), "gradient", 0.1, 500),
    ("booth", "(x+2*y-7)^2 + (2*x+y-5)^2", (0, 0), (1, 3), "newton", 1.0, 2),
    (
        "styblinski-tang",
        "((x^4-16*x^2+5*x) + (y^4-16*y^2+5*y))/2",
        (-1, -2),
        (-2.903534027771177, -2.903534027771177),
        "gradient",
        0.01,
        500,
    ),
    (
        "ackley",
        "-20*exp(-0.2*sqrt((x^2+y^2)/2)) - exp((cos(tau*x)+cos(tau*y))/2) + e + 20",
        (0.3, -0.4),
        (0, 0),
        "gradient line search",
        1.0,
        500,
    ),
    ("matyas", "0.26*(x^2+y^2) - 0.48*x*y", (5, 4), (0, 0), "adagrad", 2.0, 3000),
    ("sphere", "x^2 + y^2", (0.003, -0.004), (0, 0), "rmsprop", 1e-6, 20_000),
    (
        "mccormick",
        "sin(x+y) + (x-y)^2 - 1.5*x + 2.5*y + 1",
        (0, 0),
        (-0.547197551196598, -1.547197551196598),
        "momentum",
        0.01,
        2000,
    ),
]


@pytest.mark.parametrize(
    ("text", "start", "minimum", "how", "step", "steps"),
    [case[1:] for case in MINIMA],
    ids=[f"{case[0]}-{case[4]}" for case in MINIMA],
)
def test_known_minima_are_reached(text, start, minimum, how, step, steps):
    """Test functions of optimisation, to 1e-6 in every input."""
    name, *search = how.split()
    _, outcome = climb(
        text,
        dict(zip("xy", map(float, start), strict=True)),
        optimizer=BY_NAME[name],
        step=step,
        steps=steps,
        line_search=bool(search),
        descend=True,
    )
    assert outcome.last.point == pytest.approx(minimum, abs=1e-6)
    assert outcome.stopped in ("steps", "gradient", "no-progress")


# ------------------------------------------------------------------ Newton's direction


def test_newton_solves_the_equations():
    """4a + b = 1, a + 3b = 2 gives a = 1/11, b = 7/11."""
    found = newton_direction([1.0, 2.0], [4.0, 1.0, 3.0])
    assert found is not None
    assert found.step == pytest.approx([1 / 11, 7 / 11], rel=1e-15)
    assert found.damping == 0


@pytest.mark.parametrize(
    ("slopes", "curvatures"),
    [([1.0, 2.0], [-4.0, 1.0, 3.0]), ([1.0], [-2.0]), ([1.0, 1.0], [0.0, 0.0, 0.0])],
)
def test_newton_is_damped_until_it_improves(slopes, curvatures):
    found = newton_direction(slopes, curvatures)
    assert found is not None
    assert found.damping > 0
    assert sum(a * b for a, b in zip(slopes, found.step, strict=True)) > 0
    assert all(math.isfinite(number) for number in found.step)


def test_newton_has_no_direction_where_curvature_is_undefined():
    assert newton_direction([1.0], [math.nan]) is None
    assert newton_direction([math.inf], [1.0]) is None


def test_newton_does_not_mind_the_units_of_the_inputs():
    """An indefinite Hessian, inputs in metres or in microns: the same step, in these units."""
    metres = newton_direction([1.0, 2.0], [1.0, 3.0, 2.0])
    microns = newton_direction([1e-6, 2.0], [1e-12, 3e-6, 2.0])
    assert metres is not None
    assert microns is not None
    assert microns.damping == metres.damping > 0
    assert microns.step == pytest.approx([metres.step[0] * 1e6, metres.step[1]], rel=1e-12)
