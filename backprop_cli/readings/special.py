"""Float64 special functions that `math` lacks, or does to worse than a few ulp.

Every function is total: no float input raises, NaN gives NaN, overflow gives an infinity.
The accuracies quoted were measured against mpmath at 50 digits on the grids of
tests/test_special.py and larger ones, on CPython 3.11 with glibc.

A trailing _HIGH/_LOW pair is one constant written as an unevaluated sum of two floats.
"""

import math

TYPE_CHECKING = False  # typing.TYPE_CHECKING without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Sequence

_VELTKAMP_SPLITTER = 134217729.0  # 2**27 + 1
_PI_HIGH, _PI_LOW = 3.141592653589793, 1.2246467991473532e-16
_E_HIGH, _E_LOW = 2.718281828459045, 1.4456468917292502e-16
_ROOT_HALF_HIGH, _ROOT_HALF_LOW = 0.7071067811865476, -4.833646656726457e-17
_TWO_OVER_ROOT_PI = 1.1283791670955126
_ROOT_TWO_PI, _ROOT_TWO_PI_RELATIVE_LOW = 2.5066282746310007, -7.312045493924427e-17
_HALF_LOG_TWO_PI_LESS_HALF = 0.4189385332046727
_ONE_LESS_EULER = 0.42278433509846713
_LARGEST_FACTORIAL = 170.0  # 170! is the last factorial below the largest float
_GAMMA_UNDERFLOW = -190.0  # below it |gamma| < 2**-1075 at every float

# B_2k / (2k (2k-1)), DLMF 5.11.1.
_STIRLING = (
    1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400,
)  # fmt: skip
# B_2k / (2k), DLMF 5.11.2.
_DIGAMMA_ASYMPTOTIC = (
    1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12, -3617 / 8160,
)  # fmt: skip
# B_2k, Abramowitz & Stegun 6.4.12.
_TRIGAMMA_ASYMPTOTIC = (
    1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510,
)  # fmt: skip
# B_2k / (2k)!, DLMF 2.10.1.
_EULER_MACLAURIN = (
    1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000,
    1 / 74724249600, -3617 / 10670622842880000, 43867 / 5109094217170944000,
    -174611 / 802857662698291200000,
)  # fmt: skip
# (-1)**k (zeta(k) - 1) / k for k = 2, 3, ..., DLMF 5.7.3.
_LOG_GAMMA_AT_TWO = (
    0.3224670334241132, -0.0673523010531981, 0.020580808427784546, -0.007385551028673986,
    0.0028905103307415234, -0.001192753911703261, 0.0005096695247430425,
    -0.00022315475845357939, 9.945751278180853e-05, -4.492623673813314e-05,
    2.050721277567069e-05, -9.439488275268397e-06, 4.374866789907488e-06,
    -2.039215753801366e-06, 9.55141213040742e-07, -4.492469198764566e-07,
    2.1207184805554665e-07, -1.0043224823968099e-07, 4.7698101693639804e-08,
    -2.2711094608943164e-08, 1.0838659214896955e-08, -5.183475041970047e-09,
    2.4836745438024785e-09, -1.1921401405860912e-09, 5.731367241678862e-10,
)  # fmt: skip
_DIGAMMA_ROOT_HIGH, _DIGAMMA_ROOT_LOW = 1.4616321449683622, 9.549995429965697e-17
# psi^(k)(root + 3) / k! for k = 1, 2, ..., by mpmath.
_DIGAMMA_PAST_ROOT = (
    0.2511094369137853, -0.03136842633320283, 0.005199069507583636, -0.0009648278511769716,
    0.00019011692036200793, -3.885268779191956e-05, 8.132817500300198e-06,
    -1.7309579123061582e-06, 3.7284423726304355e-07, -8.102215401916277e-08,
    1.7724257358006402e-08, -3.897086566408483e-09, 8.602407525790405e-10,
    -1.904731766038606e-10, 4.22763297926808e-11, -9.401384901709357e-12,
    2.093860741422081e-12, -4.66909069678111e-13,
)  # fmt: skip


def _split(value: float) -> tuple[float, float]:
    """Split a float into two 26-bit halves (Veltkamp 1968; exact below 2**996)."""
    scaled = _VELTKAMP_SPLITTER * value
    high = scaled - (scaled - value)
    return high, value - high


def _two_product(left: float, right: float) -> tuple[float, float]:
    """Return the rounded product and its rounding error (Dekker 1971; exact away from limits)."""
    product = left * right
    left_high, left_low = _split(left)
    right_high, right_low = _split(right)
    error = left_high * right_high - product + left_high * right_low + left_low * right_high
    return product, error + left_low * right_low


def _polynomial(coefficients: tuple[float, ...], point: float) -> float:
    """Evaluate a polynomial, constant coefficient first, by Horner's rule."""
    total = 0.0
    for coefficient in reversed(coefficients):
        total = total * point + coefficient
    return total


def _sin_pi(x: float) -> float:
    """Return sin(pi x) for finite x (exact reduction, two-part pi; 1 ulp)."""
    reduced = math.remainder(x, 2.0)
    if abs(reduced) > 0.5:
        reduced = math.copysign(1.0, reduced) - reduced
    angle, low = _two_product(_PI_HIGH, reduced)
    return math.sin(angle) + (low + _PI_LOW * reduced) * math.cos(angle)


def _pi_cot_pi(x: float) -> float:
    """Return pi cot(pi x) for finite non-integer x (exact reduction; 3 ulp, zeros included)."""
    reduced = math.remainder(x, 1.0)
    if abs(reduced) <= 0.25:
        return math.pi / math.tan(math.pi * reduced)
    return math.copysign(math.pi * math.tan(math.pi * (0.5 - abs(reduced))), reduced)


def exp_square(x: float, c: float) -> float:
    """Return exp(c x**2).

    Source: Dekker's exact product (Numer. Math. 18, 1971); exp(h + l) = exp(h) (1 + l).
    Accuracy: 1.2 ulp over the whole range, denormal results included.
    """
    if not (math.isfinite(x) and math.isfinite(c)):
        product = c * x * x
        return 0.0 if product == -math.inf else product
    x_part, x_exponent = math.frexp(x)
    c_part, c_exponent = math.frexp(c)
    square, square_error = _two_product(x_part, x_part)
    high, low = _two_product(c_part, square)
    low += c_part * square_error
    exponent = 2 * x_exponent + c_exponent
    if high == 0.0 or exponent < -60:
        return 1.0
    if exponent > 13:  # |c x**2| >= 2**(13 - 2), past both ends of exp
        return math.inf if high > 0.0 else 0.0
    try:
        power = math.exp(math.ldexp(high, exponent))
    except OverflowError:
        return math.inf
    return power + power * math.ldexp(low, exponent)


def normal_cdf(x: float) -> float:
    """Return the standard normal distribution function Phi(x).

    Source: Abramowitz & Stegun 26.2.29, Phi(x) = erfc(-x / sqrt 2) / 2; the rounding error of
    x / sqrt 2 is put back through erfc' (DLMF 7.10.1), as it is worth 700 ulp in the far tail.
    Accuracy: 3 ulp for x < -1, denormal results included; 1.5 ulp above.
    """
    if not abs(x) < 40.0:  # Phi(-39) underflows already
        return x if math.isnan(x) else (1.0 if x > 0.0 else 0.0)
    high, low = _two_product(-x, _ROOT_HALF_HIGH)
    low -= x * _ROOT_HALF_LOW
    slope = _TWO_OVER_ROOT_PI * math.exp(-high * high)
    return 0.5 * (math.erfc(high) - slope * low)


def _stirling_parts(x: float) -> tuple[float, float]:
    """Return two finite factors of gamma(x) for 20 <= x <= 190 (DLMF 5.11.1)."""
    correction = math.expm1(_polynomial(_STIRLING, 1.0 / (x * x)) / x)
    rest = _ROOT_TWO_PI * math.exp(-x)
    rest += rest * (correction + _ROOT_TWO_PI_RELATIVE_LOW)
    if x < 140.0:
        return math.pow(x, x - 0.5), rest
    root = math.pow(x, 0.5 * x - 0.25)  # the whole power would overflow
    return root, rest * root


def _gamma_by_recurrence(x: float) -> float:
    """Return gamma(x) for -160 < x < 20, no integer <= 0, from gamma(2 + t) with |t| <= 1/2.

    Source: DLMF 5.5.1 and 5.7.3. The factors between x and 2 are exact, and so is their product
    but for its last rounding, which leaves about one rounding each for exp and for that.
    """
    nearest = round(x)
    t = x - nearest
    product, low = 1.0, 0.0
    for step in range(min(nearest, 2), max(nearest, 2)):
        factor = t + step
        low *= factor
        product, error = _two_product(product, factor)
        low += error
    value = math.exp(_log_gamma_near_two(t))
    if nearest < 2:
        quotient = value / product
        return quotient - quotient * (low / product)
    return value * product + value * low


def gamma(x: float) -> float:
    """Return Euler's gamma function.

    Source: DLMF 5.11.1 (Stirling), 5.5.1 (recurrence), 5.5.3 (reflection); at the integers the
    factorial, rounded once. Poles: +-inf at +-0, NaN at the negative integers and -inf.
    Accuracy: 2.5 ulp for -160 < x < 20, 3.5 ulp to 171.6, 5.9 ulp below -160.
    """
    if math.isnan(x) or x == -math.inf:
        return math.nan
    if x > 171.7:
        return math.inf
    if abs(x) < 1e-17:
        return 1.0 / x if x else math.copysign(math.inf, x)
    if x % 1.0 == 0.0:
        return float(math.factorial(int(x) - 1)) if x > 0.0 else math.nan
    if -160.0 < x < 20.0:
        return _gamma_by_recurrence(x)
    if x < _GAMMA_UNDERFLOW:
        return 0.0 if math.floor(x) % 2 == 0 else -0.0
    power, rest = _stirling_parts(abs(x))
    return power * rest if x > 0.0 else math.pi / (x * -_sin_pi(x)) / rest / power


def _log_gamma_near_two(t: float) -> float:
    """Return lgamma(2 + t) for |t| <= 1/2, to a few ulp of the result (DLMF 5.7.3)."""
    return t * (_ONE_LESS_EULER + t * _polynomial(_LOG_GAMMA_AT_TWO, t))


def _log_gamma_positive(x: float) -> float:
    """Return log(gamma(x)) for x >= 1/2."""
    if x >= 10.0:
        series = _polynomial(_STIRLING, 1.0 / x / x) / x
        return (x - 0.5) * (math.log(x) - 1.0) + (_HALF_LOG_TWO_PI_LESS_HALF + series)
    if x < 1.5:
        return _log_gamma_near_two(x - 1.0) - math.log1p(x - 1.0)
    product = 1.0
    while x > 2.5:
        x -= 1.0
        product *= x
    return _log_gamma_near_two(x - 2.0) + math.log(product)


def lgamma(x: float) -> float:
    """Return log(abs(gamma(x))).

    Source: DLMF 5.11.1 (Stirling), 5.7.3 (series at 2), 5.5.3 (reflection). Poles give inf.
    Accuracy: 2.1 ulp for x > -1/2, zeros included, save 7 ulp of a value of 0.1 in 1.2 to 1.5;
    below, 4.2 ulp of max(1, |lgamma(x)|), as its irregular zeros are not resolved.
    """
    if not math.isfinite(x):
        return abs(x)
    if x >= 0.5:
        return _log_gamma_positive(x)
    if x % 1.0 == 0.0:
        return math.inf
    if x > -0.5:  # gamma(x) = gamma(2 + x) / (x (1 + x))
        return _log_gamma_near_two(x) - math.log1p(x) - math.log(abs(x))
    return math.log(math.pi / abs(x * _sin_pi(x))) - _log_gamma_positive(-x)


def _digamma_near_root(t: float) -> float:
    """Return digamma(root + t) for -1/2 < t < 0.54, to a few ulp of the result.

    Source: DLMF 5.7.6, psi(x) - psi(root) = t * sum of 1 / ((k + x) (k + root)): three terms of
    it, then a Taylor series about root + 3, where the nearest pole is far.
    """
    root = _DIGAMMA_ROOT_HIGH
    x = root + t
    slope = _polynomial(_DIGAMMA_PAST_ROOT, t)
    for k in (2.0, 1.0, 0.0):
        slope += 1.0 / ((k + x) * (k + root))
    return t * slope


def _digamma_positive(x: float) -> float:
    """Return digamma(x) for x > 0."""
    if x >= 10.0:
        inverse = 1.0 / x
        tail = _polynomial(_DIGAMMA_ASYMPTOTIC, inverse * inverse) * inverse * inverse
        return math.log(x) - (0.5 * inverse + tail)
    if x < 1.0:
        t = (x - (_DIGAMMA_ROOT_HIGH - 1.0)) - _DIGAMMA_ROOT_LOW
        return _digamma_near_root(t) - 1.0 / x
    total = 0.0
    while x >= 2.0:
        x -= 1.0
        total += 1.0 / x
    return total + _digamma_near_root((x - _DIGAMMA_ROOT_HIGH) - _DIGAMMA_ROOT_LOW)


def digamma(x: float) -> float:
    """Return psi(x), the logarithmic derivative of gamma.

    Source: DLMF 5.11.2 (asymptotic), 5.5.2 (recurrence), 5.5.4 (reflection). Poles: -inf at
    +0, +inf at -0, NaN at the negative integers and -inf.
    Accuracy: 4 ulp for x > -1/2, the positive zero included; below, 4.5 ulp of
    max(1, |digamma(-x)|, |result|), as the negative zeros are not resolved.
    """
    if math.isnan(x) or x == -math.inf:
        return math.nan
    if abs(x) < 1e-17:
        return -1.0 / x if x else math.copysign(math.inf, -x)
    if x > 0.0:
        return _digamma_positive(x)
    if x % 1.0 == 0.0:
        return math.nan
    if x > -0.5:  # psi(1 - x), with neither the rounding of 1 - x nor the 1/x of psi(-x)
        t = (-x - (_DIGAMMA_ROOT_HIGH - 1.0)) - _DIGAMMA_ROOT_LOW
        return _digamma_near_root(t) - _pi_cot_pi(x)
    return (_digamma_positive(-x) - 1.0 / x) - _pi_cot_pi(x)


def _trigamma_positive(x: float) -> float:
    """Return trigamma(x) for x > 0 (Abramowitz & Stegun 6.4.12 after 6.4.6; 3 ulp)."""
    y = x
    shift = 0
    while y < 12.0:
        shift += 1
        y = x + shift
    inverse = 1.0 / y
    tail = _polynomial(_TRIGAMMA_ASYMPTOTIC, inverse * inverse) * inverse
    total = inverse + inverse * inverse * (0.5 + tail)
    while shift > 0:  # smallest term first
        shift -= 1
        inverse = 1.0 / (x + shift)
        total += inverse * inverse
    return total


def trigamma(x: float) -> float:
    """Return psi'(x).

    Source: Abramowitz & Stegun 6.4.12 (asymptotic), 6.4.6 (recurrence), 6.4.7 (reflection).
    Poles: inf at zero and the negative integers; NaN at -inf.
    Accuracy: 2.2 ulp for x > -1, 4.5 ulp below.
    """
    if math.isnan(x) or x == -math.inf:
        return math.nan
    if abs(x) < 1e-160:
        return math.inf
    if x > 0.0:
        return _trigamma_positive(x)
    if x % 1.0 == 0.0:
        return math.inf
    if x > -1.0:
        inverse = 1.0 / x
        return inverse * inverse + _trigamma_positive(1.0 + x)
    cosecant = math.pi / _sin_pi(x)
    return cosecant * cosecant - _trigamma_positive(1.0 - x)


def _relative_hurwitz_zeta(s: float, x: float) -> float:
    """Return x**s zeta(s, x) for s >= 3 and x > 0.

    Source: DLMF 2.10.1 (Euler-Maclaurin). Written relative to the first term, so nothing
    overflows; exp(-s log1p(k/x)) because (x/(x+k))**s would multiply a rounding error by s.
    """
    terms = []
    k = 0.0
    while x + k < 10.0 + s:
        term = math.exp(-s * math.log1p(k / x))
        terms.append(term)
        if term < 1e-18:
            return math.fsum(terms)
        k += 1.0
    y = x + k
    tail = y / (s - 1.0) + 0.5
    factor = s / y
    for index, coefficient in enumerate(_EULER_MACLAURIN):
        tail += coefficient * factor
        factor *= (s + 2 * index + 1) / y * ((s + 2 * index + 2) / y)
    terms.append(math.exp(-s * math.log1p(k / x)) * tail)
    return math.fsum(terms)


def _large_factorial_root(n: float, x: float) -> tuple[float, float]:
    """Return root and rest with n! x**-(n+1) = root * rest * root / x for n > 170.

    Source: DLMF 5.11.1, as (n/(e x))**n sqrt(2 pi n) (1 + 1/(12 n) + ...), with n/(e x) in two
    parts because its rounding error is multiplied by n.
    """
    n_part, n_exponent = math.frexp(n)
    x_part, x_exponent = math.frexp(x)
    divisor, divisor_low = _two_product(_E_HIGH, x_part)
    divisor_low += _E_LOW * x_part
    ratio = n_part / divisor
    product, product_low = _two_product(ratio, divisor)
    ratio_low = ((n_part - product) - product_low - ratio * divisor_low) / divisor
    root = math.pow(math.ldexp(ratio, n_exponent - x_exponent), 0.5 * n)
    # Past n = 2**60 the power is 0, overflows, or is lost; the bound keeps 0 * inf away.
    correction = min(n * (ratio_low / ratio), 300.0) + _polynomial(_STIRLING, 1.0 / n / n) / n
    return root, math.exp(correction) * _ROOT_TWO_PI * math.sqrt(n)


def _factorial_zeta(n: float, x: float) -> float:
    """Return n! zeta(n + 1, x), which is abs(psi^(n)(x)), for n >= 2 and x > 0."""
    if x == math.inf:
        return 0.0
    zeta = _relative_hurwitz_zeta(n + 1.0, x)
    try:
        if n > _LARGEST_FACTORIAL:
            root, rest = _large_factorial_root(n, x)
            return root * (rest * (zeta / x)) * root
        factorial = float(math.factorial(int(n)))
        root = math.pow(x, -0.5 * (n + 1.0))
        if 1e-140 < root < 1e140:
            return factorial * zeta * math.pow(x, -(n + 1.0))
        return root * zeta * factorial * root  # the whole power might under- or overflow
    except OverflowError:
        return math.inf


def polygamma(n: float, x: float) -> float:
    """Return psi^(n)(x), the n-th derivative of digamma; NaN unless n is an integer >= 0.

    Source: A&S 6.4.10, psi^(n)(x) = (-1)**(n+1) n! * sum of (x + k)**-(n+1), k >= 0, which for
    x < 0 splits at the pole pair about x into three sums with positive arguments.
    Poles, for n >= 1: inf for odd n, NaN for even n. NaN at -inf.
    Accuracy: 4 ulp for x > 0; for x < 0, 4 ulp of the largest sum, as for even n they cancel.
    """
    if not n >= 0.0 or n % 1.0 != 0.0:
        return math.nan
    if n < 2.0:
        return digamma(x) if n == 0.0 else trigamma(x)
    if math.isnan(x) or x == -math.inf:
        return math.nan
    odd = n % 2.0 == 1.0
    sign = 1.0 if odd else -1.0
    if x > 0.0:
        return sign * _factorial_zeta(n, x)
    if x % 1.0 == 0.0:
        return math.inf if odd else math.nan
    return sign * _factorial_zeta_negative(n, x, odd)


def _factorial_zeta_negative(n: float, x: float, odd: bool) -> float:
    """Return n! * sum of (x + k)**-(n+1) over k >= 0, for a negative non-integer x."""
    above, below = x % 1.0, -x % 1.0  # distances to the poles on either side
    beyond = _factorial_zeta(n, 1.0 - x)
    if above == below and not odd:
        return beyond  # the two sums cancel exactly
    positive = _factorial_zeta(n, above)
    negative = _factorial_zeta(n, below)
    if odd:
        return positive + negative - beyond if negative < math.inf else math.inf
    if math.inf in (positive, negative):
        return math.copysign(math.inf, below - above)
    return positive - (negative - beyond)


def log_sum_exp(values: "Sequence[float]") -> float:
    """Return log(sum(exp(value) for value in values)); -inf for no values.

    Source: the shifted form, max + log1p(sum of the others relative to it), Blanchard, Higham &
    Higham, IMA J. Numer. Anal. 41 (2021).
    Accuracy: 1 ulp of max(1, |largest|); no better where the result is near 0.
    """
    if any(map(math.isnan, values)):
        return math.nan
    largest = max(values, default=-math.inf)
    if math.isinf(largest):
        return largest
    others = list(values)
    others.remove(largest)
    return largest + math.log1p(math.fsum(math.exp(value - largest) for value in others))


def logsumexp(*values: float) -> float:
    """Return `log_sum_exp` of the arguments, as the table's primitive takes them."""
    return log_sum_exp(values)
