"""The step study: the U of a difference's error, its arms, and the best h against the theory."""

import math
from collections.abc import Callable

import mpmath
import pytest

from backprop_cli.language.parser import parse
from backprop_cli.studies.comparing.step_study import (
    STEPS,
    Method,
    Quotient,
    StepStudy,
    step_studies,
)
from backprop_cli.studies.gradient import solve


def studies(text: str, most: int = 9, of: tuple[str, ...] = (), **point: float) -> list[StepStudy]:
    return list(step_studies(solve(parse(text), point, outputs=of), most).studies)


def methods(text: str, x: float) -> dict[str, Method]:
    """Return the methods of a study along the one input x."""
    (study,) = studies(text, x=x)
    return {method.name: method for method in study.methods}


def at(method: Method, h: float) -> Quotient:
    return next(quotient for quotient in method.quotients if quotient.h == h)


def test_row_four_of_the_lecture_number_for_number() -> None:
    """a*b at -4, -3 is exact for every h on paper."""
    along_a, along_b = studies("a*b", a=-4.0, b=-3.0)
    assert (along_a.name, along_a.slope, along_b.slope) == ("a", -3.0, -4.0)
    forward = along_a.methods[0]
    assert at(forward, 1e-1).estimate == -3.000000000000007
    assert at(forward, 1e-8).estimate == pytest.approx(-2.9999998929, abs=1e-10)
    assert at(forward, 1e-12).estimate == pytest.approx(-3.00027, abs=1e-5)
    assert at(forward, 1e-16).estimate == 0
    assert {quotient.arm for quotient in forward.quotients} <= {"rounding", "exact"}
    assert (forward.best, forward.theory) == (0.1, None)
    assert "exact for every h in theory" in forward.words


SMOOTH: list[tuple[str, Callable[[mpmath.mpf], mpmath.mpf], float]] = [
    ("exp(x)", mpmath.exp, 1.0),
    ("sin(x)", mpmath.sin, 1.0),
    ("log(x)", mpmath.log, 2.0),
    ("sqrt(x)", mpmath.sqrt, 4.0),
    ("x^3", lambda x: x**3, 2.0),
    ("tanh(x)", mpmath.tanh, 0.5),
    ("1/x", lambda x: 1 / x, 0.5),
    ("atan(x)", mpmath.atan, 100.0),
    ("exp(x)", mpmath.exp, -3.0),
    ("exp(1000*x)", lambda x: mpmath.exp(1000 * x), 0.7),
    ("sin(x)", mpmath.sin, 1e10),
]
smooth = pytest.mark.parametrize(("text", "function", "x"), SMOOTH)


@smooth
def test_the_best_step_is_within_two_decades_of_the_theory(
    text: str, function: Callable[[mpmath.mpf], mpmath.mpf], x: float
) -> None:
    """h = 2·sqrt(ε/|f''|) and (3ε/|f'''|)^(1/3), with ε one rounding of f and its input."""
    found = methods(text, x)
    with mpmath.workdps(60):
        bends = [abs(mpmath.diff(function, mpmath.mpf(x), n)) for n in (2, 3)]
        size = abs(function(mpmath.mpf(x))) + abs(x * mpmath.diff(function, mpmath.mpf(x)))
    theories = (
        2 * mpmath.sqrt(2.0**-53 * size / bends[0]),
        mpmath.cbrt(2.0**-53 * size / bends[1]),
    )
    for name, theory in zip(("forward", "central"), theories, strict=True):
        method = found[name]
        assert method.best is not None
        assert method.theory is not None
        assert 1 / 8 < method.theory / theory < 8, name
        assert 1e-2 < method.best / method.theory < 1e2, name


@smooth
def test_an_error_is_the_distance_to_the_slope_and_the_best_step_has_the_least(
    text: str, function: Callable[[mpmath.mpf], mpmath.mpf], x: float
) -> None:
    with mpmath.workdps(60):
        slope = mpmath.diff(function, mpmath.mpf(x))
    for method in methods(text, x).values():
        known = {q.h: q.error for q in method.quotients if q.error is not None}
        for quotient in method.quotients:
            if quotient.error is not None:
                with mpmath.workdps(60):
                    error = float(abs(quotient.estimate - slope))
                assert quotient.error == pytest.approx(
                    error, rel=1e-12, abs=float(1e-30 * abs(slope))
                )
        assert method.best is not None
        assert known[method.best] == min(known.values())


@smooth
def test_the_arms_are_truncation_and_rounding_told_apart_by_exact_arithmetic(
    text: str, function: Callable[[mpmath.mpf], mpmath.mpf], x: float
) -> None:
    found = methods(text, x)
    with mpmath.workdps(80):
        place, slope = mpmath.mpf(x), mpmath.diff(function, mpmath.mpf(x))
        for name, sides in (("forward", (1, 0)), ("central", (1, -1))):
            for quotient in found[name].quotients:
                if quotient.arm not in ("truncation", "rounding"):
                    continue
                h = mpmath.mpf(quotient.h)
                rise = function(place + sides[0] * h) - function(place + sides[1] * h)
                exact = rise / ((sides[0] - sides[1]) * h)
                longer = abs(exact - slope) > abs(quotient.estimate - exact)
                assert quotient.arm == ("truncation" if longer else "rounding"), (name, quotient)


@smooth
def test_the_u_has_truncation_on_the_left_and_rounding_on_the_right(
    text: str, function: Callable[[mpmath.mpf], mpmath.mpf], x: float
) -> None:
    for name, method in methods(text, x).items():
        if name != "complex":
            arms = [quotient.arm for quotient in method.quotients if quotient.arm]
            turn = arms.index("rounding")
            assert set(arms[:turn]) <= {"truncation", "kink"}
            assert set(arms[turn:]) <= {"rounding", "exact"}


@smooth
def test_the_complex_step_has_no_second_arm(
    text: str, function: Callable[[mpmath.mpf], mpmath.mpf], x: float
) -> None:
    """Below the best step of a central difference all its errors stay within a few ulp."""
    found = methods(text, x)
    (study,) = studies(text, x=x)
    assert study.slope is not None
    short = [q.error for q in found["complex"].quotients if q.h <= 1e-12]
    assert len(short) == 5
    # exp(1000*x) takes the rounding of 1000*x, 700 units of it, with it.
    assert all(e is not None and e <= 4e-13 * abs(study.slope) for e in short)
    assert found["complex"].theory is None
    assert {q.arm for q in found["complex"].quotients} == {""}


def test_a_parabola_has_no_truncation_in_a_central_difference() -> None:
    found = methods("x^2", 3.0)
    assert found["central"].theory is None
    assert "f''' = 0" in found["central"].words
    assert {q.arm for q in found["central"].quotients} <= {"rounding", "exact"}
    assert found["forward"].theory is not None


def test_where_f_is_0_there_is_no_rounding_and_no_best_step_in_theory() -> None:
    central = methods("x^3", 0.0)["central"]
    assert (central.best, central.theory) == (1e-16, None)
    assert "the smaller h the better" in central.words
    assert {q.arm for q in central.quotients} == {"truncation"}


def test_an_error_that_is_only_the_references_own_is_0() -> None:
    """3 is not 3·(1 + 1e-120): a difference with 170 digits is not exact either."""
    assert at(methods("3*x", 0.7)["complex"], 1e-2).error == 0.0
    assert at(methods("x^3", 2.0)["complex"], 1e-9).error == 0.0


def test_at_a_kink_no_step_has_an_error() -> None:
    found = methods("abs(x)", 0.0)
    for method in found.values():
        assert (method.best, method.theory) == (None, None)
        assert {(q.error, q.arm) for q in method.quotients} == {(None, "")}
        assert "no two-sided slope" in method.words


def test_steps_over_a_kink_are_named() -> None:
    found = methods("abs(x)", 0.05)
    assert [q.arm == "kink" for q in found["central"].quotients] == [True] + 15 * [False]
    assert "kink" not in {q.arm for q in found["forward"].quotients}
    assert at(found["central"], 0.1).estimate == pytest.approx(0.5)


def test_steps_out_of_the_domain_have_no_error() -> None:
    central = methods("log(x)", 0.05)["central"]
    assert math.isnan(at(central, 0.1).estimate)
    assert at(central, 0.1).error is None
    assert at(central, 0.01).error is not None


def test_without_a_complex_reading_there_are_two_methods() -> None:
    assert set(methods("gamma(x)", 3.0)) == {"forward", "central"}


@pytest.mark.parametrize(
    ("text", "x"), [("x + 1e300", 1e300), ("log(x)", 1e-300), ("x^0.5", 1e308)]
)
def test_huge_and_small_places_are_studied(text: str, x: float) -> None:
    assert len(methods(text, x)["forward"].quotients) == len(STEPS)


def test_each_output_along_each_input_has_its_own_study() -> None:
    found = studies("f = x*y; g = sin(x)", of=("f", "g"), x=2.0, y=3.0)
    assert [(s.output, s.name, s.slope) for s in found] == [
        ("f", "x", 3.0),
        ("g", "x", pytest.approx(math.cos(2.0))),
        ("f", "y", 2.0),
        ("g", "y", 0.0),
    ]


def test_only_the_first_inputs_are_studied_and_the_others_counted() -> None:
    solution = solve(parse("a*b*c"), {"a": 1.0, "b": 2.0, "c": 3.0})
    found = step_studies(solution, 2)
    assert [study.name for study in found.studies] == ["a", "b"]
    assert (found.total, found.reason) == (3, "")


def test_without_inputs_there_is_a_reason() -> None:
    assert step_studies(solve(parse("1 + 2"), {}), 3).reason == "there are no inputs"


def test_a_graph_that_is_too_large_says_so() -> None:
    solution = solve(parse(" + ".join(["x*x"] * 3000)), {"x": 1.0})
    found = step_studies(solution, 3)
    assert found.studies == ()
    assert "the step study takes up to 5,000" in found.reason
