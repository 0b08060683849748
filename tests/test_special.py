"""Float64 special functions against mpmath at 50 digits."""

import math
import random
from collections.abc import Callable, Iterable

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop_cli.readings import special

Real = mpmath.mpf
any_float = st.floats()


@pytest.fixture(autouse=True)
def fifty_digits() -> Iterable[None]:
    with mpmath.workdps(50):
        yield


def uniform(low: float, high: float, count: int = 150) -> list[float]:
    source = random.Random(f"{low} {high}")
    return [source.uniform(low, high) for _ in range(count)]


def decades(low: float, high: float, count: int = 100) -> list[float]:
    return [10.0**exponent for exponent in uniform(low, high, count)]


def ulp_error(value: float, exact: mpmath.mpf, scale: float = 0.0) -> float:
    """Return the error in ulp of the larger of |exact| and the scale."""
    if abs(exact) >= Real(2) ** 1024:
        return 0.0 if value == math.copysign(math.inf, exact) else math.inf
    if not math.isfinite(value):
        return math.inf
    return float(abs(Real(value) - exact) / math.ulp(max(abs(float(exact)), scale)))


def worst_error(
    function: Callable[[float], float],
    reference: Callable[[mpmath.mpf], mpmath.mpf],
    points: Iterable[float],
    scale: Callable[[float], float] = lambda x: 0.0,
) -> float:
    return max(ulp_error(function(x), reference(Real(x)), scale(x)) for x in points)


def log_abs_gamma(x: mpmath.mpf) -> mpmath.mpf:
    return mpmath.log(abs(mpmath.gamma(x))) if x < 1e4 else mpmath.loggamma(x)


def polygamma_reference(n: int, x: mpmath.mpf) -> mpmath.mpf:
    # mpmath's zeta is accurate relative to 1, and zeta(n + 1, x) is as small as x**-n.
    digits = 50 + int(n * max(0, mpmath.log10(abs(x))))
    with mpmath.workdps(digits):
        if x < 0:
            return mpmath.polygamma(n, x)
        return (-1) ** (n + 1) * mpmath.factorial(n) * mpmath.zeta(n + 1, x)


# exp_square


@pytest.mark.parametrize("c", [-1.0, -0.5, 0.5, 1.0, -0.3, 1e-200, -1e300])
def test_exp_square_is_within_two_ulp_from_underflow_to_overflow(c: float) -> None:
    def reference(x: mpmath.mpf) -> mpmath.mpf:
        return mpmath.exp(c * x * x)

    limit = math.sqrt(760.0 / abs(c))
    points = uniform(-limit, limit, 400) + [x for x in decades(-320, 150) if x < limit]
    assert worst_error(lambda x: special.exp_square(x, c), reference, points) < 1.5


def test_exp_square_of_zero_tiny_and_huge_arguments() -> None:
    assert special.exp_square(1e308, 0.0) == 1.0
    assert special.exp_square(0.0, -1e308) == 1.0
    assert special.exp_square(5e-324, 1e308) == 1.0
    assert special.exp_square(1e200, 1e-300) == math.inf
    assert special.exp_square(1e200, -1e-300) == 0.0
    assert special.exp_square(math.inf, -0.5) == 0.0
    assert special.exp_square(-math.inf, 0.5) == math.inf
    assert math.isnan(special.exp_square(math.inf, 0.0))
    assert math.isnan(special.exp_square(math.nan, 1.0))
    assert math.isnan(special.exp_square(1.0, math.nan))


# normal_cdf


@pytest.mark.parametrize("ends", [(-38.6, -37.5), (-37.5, -20), (-20, -5), (-5, -1), (-1, 9)])
def test_normal_cdf_keeps_its_digits_down_to_the_denormals(ends: tuple[float, float]) -> None:
    def reference(x: mpmath.mpf) -> mpmath.mpf:
        return mpmath.erfc(-x / mpmath.sqrt(2)) / 2

    assert worst_error(special.normal_cdf, reference, uniform(*ends, 400)) < 4


def test_normal_cdf_at_its_ends() -> None:
    assert special.normal_cdf(0.0) == 0.5
    assert [special.normal_cdf(x) for x in (-math.inf, -40.0, 40.0, math.inf)] == [0, 0, 1, 1]
    assert math.isnan(special.normal_cdf(math.nan))


# gamma


@pytest.mark.parametrize(
    ("ends", "tolerance"),
    [
        ((-160, -20), 3),
        ((-20, -0.5), 3),
        ((-0.5, 1), 3),
        ((1, 20), 3),
        ((20, 171.7), 4),
        ((-186, -160), 6.5),
    ],
)
def test_gamma_is_within_a_few_ulp(ends: tuple[float, float], tolerance: float) -> None:
    assert worst_error(special.gamma, mpmath.gamma, uniform(*ends, 400)) < tolerance


def test_gamma_near_its_poles() -> None:
    tiny = decades(-307, -1)
    points = tiny + [-x for x in tiny] + [-7 + 2.0**-k for k in range(1, 49)]
    assert worst_error(special.gamma, mpmath.gamma, points) < 3


def test_gamma_of_an_integer_is_the_rounded_factorial() -> None:
    for n in range(1, 172):
        assert special.gamma(float(n)) == float(math.factorial(n - 1))
    assert special.gamma(172.0) == math.inf


def test_gamma_at_poles_and_ends() -> None:
    assert special.gamma(0.0) == math.inf
    assert special.gamma(-0.0) == -math.inf
    assert special.gamma(171.63) == special.gamma(math.inf) == math.inf
    assert special.gamma(171.62) < math.inf
    for x in (-1.0, -2.0, -1e300, -math.inf, math.nan):
        assert math.isnan(special.gamma(x))
    assert math.copysign(1.0, special.gamma(-200.5)) == -1.0
    assert math.copysign(1.0, special.gamma(-201.5)) == 1.0


# lgamma


@pytest.mark.parametrize("ends", [(-0.5, 0), (0, 1.2), (1.5, 3), (3, 10), (10, 1000)])
def test_lgamma_is_within_a_few_ulp_above_minus_one_half(ends: tuple[float, float]) -> None:
    assert worst_error(special.lgamma, log_abs_gamma, uniform(*ends)) < 3


def test_lgamma_keeps_relative_accuracy_near_its_zeros() -> None:
    steps = decades(-15, -2)
    points = [zero + sign * step for step in steps for zero in (1, 2) for sign in (1, -1)]
    assert worst_error(special.lgamma, log_abs_gamma, points) < 3
    assert special.lgamma(1.0) == special.lgamma(2.0) == 0.0


def test_lgamma_near_its_minimum_is_within_ulps_of_a_half() -> None:
    assert worst_error(special.lgamma, log_abs_gamma, uniform(1.2, 1.5, 400), lambda x: 0.5) < 2


def test_lgamma_of_tiny_and_huge_arguments() -> None:
    tiny = decades(-307, -1)
    points = tiny + [-x for x in tiny] + decades(3, 305)
    assert worst_error(special.lgamma, log_abs_gamma, points) < 2


@pytest.mark.parametrize("ends", [(-3, -0.5), (-20, -3), (-1000, -20)])
def test_lgamma_below_minus_one_half_is_within_ulps_of_one(ends: tuple[float, float]) -> None:
    assert worst_error(special.lgamma, log_abs_gamma, uniform(*ends), lambda x: 1.0) < 4.5


def test_lgamma_at_poles_and_ends() -> None:
    for x in (0.0, -0.0, -1.0, -1e300, math.inf, -math.inf, 1e306):
        assert special.lgamma(x) == math.inf
    assert math.isnan(special.lgamma(math.nan))


# digamma


@pytest.mark.parametrize("ends", [(-0.5, 1), (1, 2), (2, 3), (3, 10), (10, 1000)])
def test_digamma_is_within_a_few_ulp_above_minus_one_half(ends: tuple[float, float]) -> None:
    assert worst_error(special.digamma, mpmath.digamma, uniform(*ends)) < 5


def test_digamma_keeps_relative_accuracy_at_its_positive_zero() -> None:
    root = 1.4616321449683623
    points = [root, math.nextafter(root, 0.0)]
    points += [root + sign * step for step in decades(-16, -1) for sign in (1, -1)]
    assert worst_error(special.digamma, mpmath.digamma, points) < 4


def test_digamma_of_tiny_and_huge_arguments() -> None:
    tiny = decades(-307, -1)
    points = tiny + [-x for x in tiny] + decades(3, 308)
    assert worst_error(special.digamma, mpmath.digamma, points) < 2


@pytest.mark.parametrize("ends", [(-3, -0.5), (-20, -3), (-1000, -20), (-1e10, -1e3)])
def test_digamma_below_minus_one_half_is_within_ulps_of_its_terms(
    ends: tuple[float, float],
) -> None:
    def scale(x: float) -> float:
        return max(1.0, special.digamma(-x))

    assert worst_error(special.digamma, mpmath.digamma, uniform(*ends), scale) < 5


def test_digamma_at_poles_and_ends() -> None:
    assert special.digamma(0.0) == -math.inf
    assert special.digamma(-0.0) == math.inf
    assert special.digamma(math.inf) == math.inf
    for x in (-1.0, -2.0, -1e300, -math.inf, math.nan):
        assert math.isnan(special.digamma(x))


# trigamma and polygamma


@pytest.mark.parametrize("ends", [(-20, -1), (-1, 0), (0, 2), (2, 12), (12, 1000)])
def test_trigamma_is_within_a_few_ulp(ends: tuple[float, float]) -> None:
    points = uniform(*ends)
    assert worst_error(special.trigamma, lambda x: mpmath.polygamma(1, x), points) < 5.5


def test_trigamma_of_tiny_and_huge_arguments() -> None:
    tiny = decades(-153, -1)
    points = tiny + [-x for x in tiny]
    assert worst_error(special.trigamma, lambda x: mpmath.polygamma(1, x), points) < 3
    assert worst_error(special.trigamma, lambda x: 1 / x + 1 / (2 * x * x), decades(17, 307)) < 2


@pytest.mark.parametrize("n", [2, 3, 8, 40, 170, 200])
def test_polygamma_of_a_positive_argument_is_within_a_few_ulp(n: int) -> None:
    points = uniform(0.01, 1, 12) + uniform(1, 20, 12) + uniform(20, 400, 8)
    function = lambda x: special.polygamma(float(n), x)  # noqa: E731
    assert worst_error(function, lambda x: polygamma_reference(n, x), points) < 5


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_polygamma_of_a_negative_argument_is_within_ulps_of_its_largest_sum(n: int) -> None:
    order = float(n)

    def scale(x: float) -> float:
        return max(abs(special.polygamma(order, x % 1.0)), abs(special.polygamma(order, -x % 1.0)))

    function = lambda x: special.polygamma(order, x)  # noqa: E731
    points = uniform(-1, 0, 15) + uniform(-20, -1, 15)
    assert worst_error(function, lambda x: polygamma_reference(n, x), points, scale) < 5


def test_polygamma_at_a_negative_half_integer_of_even_order_loses_nothing() -> None:
    exact = polygamma_reference(4, Real(-2.5))
    assert ulp_error(special.polygamma(4.0, -2.5), exact) < 6


def test_polygamma_of_order_zero_and_one() -> None:
    for x in (0.3, 2.5, -3.25, 1e300):
        assert special.polygamma(0.0, x) == special.digamma(x)
        assert special.polygamma(1.0, x) == special.trigamma(x)


def test_polygamma_overflows_to_infinity_and_underflows_to_zero() -> None:
    assert special.polygamma(171.0, 0.5) == math.inf
    assert special.polygamma(172.0, 0.5) == -math.inf
    assert special.polygamma(3.0, 1e-200) == math.inf
    assert special.polygamma(3.0, 1e200) == 0.0
    assert special.polygamma(1e300, 1e305) == 0.0
    assert special.polygamma(1e300, 1e299) == -math.inf
    assert special.polygamma(3.0, math.inf) == special.polygamma(1.0, math.inf) == 0.0


@pytest.mark.parametrize("x", [0.0, -0.0, -1.0, -7.0, -1e300])
def test_polygamma_at_a_pole_is_infinite_for_odd_order_and_undefined_for_even(x: float) -> None:
    assert special.polygamma(1.0, x) == special.polygamma(5.0, x) == math.inf
    assert math.isnan(special.polygamma(2.0, x))


@pytest.mark.parametrize("n", [-1.0, 0.5, math.nan, math.inf, -math.inf])
def test_polygamma_of_no_valid_order_is_undefined(n: float) -> None:
    assert math.isnan(special.polygamma(n, 1.0))


# log_sum_exp


def test_log_sum_exp_is_within_ulps_of_its_largest_value() -> None:
    source = random.Random(3)
    for _ in range(300):
        spread = 10.0 ** source.uniform(-3, 3)
        values = [source.gauss(0.0, spread) for _ in range(source.randint(1, 8))]
        exact = mpmath.log(mpmath.fsum(mpmath.exp(Real(value)) for value in values))
        scale = max(1.0, abs(max(values)))
        assert ulp_error(special.log_sum_exp(values), exact, scale) < 2


def test_log_sum_exp_of_infinities_and_extremes() -> None:
    infinity = math.inf
    assert special.log_sum_exp([]) == -infinity
    assert special.log_sum_exp([-infinity, -infinity]) == -infinity
    assert special.log_sum_exp([infinity, -infinity, infinity]) == infinity
    assert special.log_sum_exp([-infinity, 3.5]) == 3.5
    assert special.log_sum_exp((1.7e308, -1.7e308)) == 1.7e308
    assert special.log_sum_exp([1000.0, 1000.0]) == 1000.0 + math.log(2.0)
    assert math.isnan(special.log_sum_exp([infinity, math.nan]))
    assert math.isnan(special.log_sum_exp([math.nan, infinity]))


# All of them


@settings(max_examples=400, deadline=None)
@given(any_float, any_float, st.integers(0, 400))
def test_no_function_raises_and_nan_gives_nan(x: float, c: float, n: int) -> None:
    for function in (
        special.normal_cdf,
        special.gamma,
        special.lgamma,
        special.digamma,
        special.trigamma,
    ):
        assert isinstance(function(x), float)
        assert math.isnan(function(math.nan))
    assert isinstance(special.exp_square(x, c), float)
    assert isinstance(special.polygamma(c, x), float)
    assert isinstance(special.polygamma(abs(float(n)), x), float)
    assert isinstance(special.polygamma(abs(c), x), float)
    assert math.isnan(special.polygamma(float(n), math.nan))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 400), st.floats(-60.0, 400.0))
def test_polygamma_of_moderate_arguments_is_undefined_only_at_poles(n: int, x: float) -> None:
    value = special.polygamma(float(n), x)
    assert not math.isnan(value) or (x <= 0.0 and x == math.floor(x) and n % 2 == 0)


@settings(max_examples=200, deadline=None)
@given(st.lists(any_float))
def test_log_sum_exp_never_raises(values: list[float]) -> None:
    result = special.log_sum_exp(values)
    assert math.isnan(result) == any(map(math.isnan, values))
