"""How accurate each row of the operation table is, in ulps, against mpmath.

    python tests/accuracy.py [--dense] [ROW ...]

prints, for each row, the worst error of its value and of each local partial, and where. The
reference of a value is its definition, written here once more and independently of the table
(a row that is not in `DEFINITIONS` yet is read from the table by mpmath). The reference of a
partial is a central difference of that definition, at as many digits as it takes; the row's own
partials are not used. Errors are in ulps of max(|result|, the row's declared scale, 2^-1010).
Partials are measured where the value is a finite float; where it is not, that is the answer.
"""

import math
import random
import sys
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

import mpmath
from mpmath import mp, mpf

from backprop_cli.calculus.partials import arguments_for, local_partials
from backprop_cli.calculus.values import forward_values
from backprop_cli.graph import Graph, GraphBuilder
from backprop_cli.operations import ROW, TABLE, Operation
from backprop_cli.readings.floats import FLOATS, TOTAL
from backprop_cli.readings.formulas import VARIABLES, condition, formula
from backprop_cli.readings.precise import Precise

Point = tuple[float, ...]

ALLOWED = 5.0
"""The most ulps a value or a partial may be off."""


# ------------------------------------------------------------------------------- definitions


def _power(x: mpf, y: mpf) -> mpf:
    if x == 0:
        if y < 0:
            raise ValueError("0 to a negative power")
        return mpf(y == 0)
    if x > 0:
        return mp.exp(y * mp.log(x))
    if y != mp.floor(y):
        raise ValueError("a negative number to a power that is not whole")
    return mp.exp(y * mp.log(-x)) * (-1 if int(y) % 2 else 1)


def _cut(x: mpf) -> int:
    return int(x > 0) - int(x < 0)


def _sigmoid(x: mpf) -> mpf:
    return 1 / (1 + mp.exp(-x))


def _normal_cdf(x: mpf) -> mpf:
    return mp.erfc(-x / mp.sqrt(2)) / 2


def _log_abs_gamma(x: mpf) -> mpf:
    if x > 0:
        return mp.re(mp.loggamma(x))
    return mp.log(mp.pi / abs(mp.sin(mp.pi * x))) - mp.re(mp.loggamma(1 - x))


def _atan2(y: mpf, x: mpf) -> mpf:
    if x == 0:
        return _cut(y) * mp.pi / 2
    return mp.atan(y / x) + (0 if x > 0 else mp.pi if y >= 0 else -mp.pi)


def _gamma(x: mpf) -> mpf:
    if x == mp.floor(x) and x <= 0:
        raise ValueError("a pole")
    return mp.gamma(x)


def _polygamma(n: mpf, x: mpf) -> mpf:
    if n != int(n):
        raise ValueError("an order that is not whole")
    return mp.psi(int(n), x)


def _pick(k: mpf, *z: mpf) -> mpf:
    if k != int(k):
        raise ValueError("a choice that is not whole")
    return z[int(k)]


DEFINITIONS: dict[str, Callable[..., Any]] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "neg": lambda x: -x,
    "pow": _power,
    "less": lambda x, y: mpf(x < y),
    "less_equal": lambda x, y: mpf(x <= y),
    "greater": lambda x, y: mpf(x > y),
    "greater_equal": lambda x, y: mpf(x >= y),
    "equal": lambda x, y: mpf(x == y),
    "not_equal": lambda x, y: mpf(x != y),
    "where": lambda c, a, b: b if c == 0 else a,
    "exp": mp.exp,
    "expm1": lambda x: mp.exp(x) - 1,
    "log": mp.log,
    "log2": lambda x: mp.log(x) / mp.log(2),
    "log10": lambda x: mp.log(x) / mp.log(10),
    "log1p": lambda x: mp.log(1 + x),
    "sqrt": mp.sqrt,
    "cbrt": lambda x: _cut(x) * mp.root(abs(x), 3),
    "exp_square": lambda x, c: mp.exp(c * x * x),
    "sin": mp.sin,
    "cos": mp.cos,
    "tan": lambda x: mp.sin(x) / mp.cos(x),
    "asin": mp.asin,
    "acos": mp.acos,
    "atan": mp.atan,
    "atan2": _atan2,
    "sinh": lambda x: (mp.exp(x) - mp.exp(-x)) / 2,
    "cosh": lambda x: (mp.exp(x) + mp.exp(-x)) / 2,
    "tanh": lambda x: 1 - 2 / (mp.exp(2 * x) + 1),
    "asinh": lambda x: _cut(x) * mp.log(abs(x) + mp.sqrt(x * x + 1)),
    "acosh": lambda x: mp.log(x + mp.sqrt(x * x - 1)),
    "atanh": lambda x: mp.log((1 + x) / (1 - x)) / 2,
    "hypot": lambda x, y: mp.sqrt(x * x + y * y),
    "abs": lambda x: x if x > 0 else -x,
    "sign": lambda x: mpf(_cut(x)),
    "floor": mp.floor,
    "ceil": mp.ceil,
    "min": lambda *z: sorted(z)[0],
    "max": lambda *z: sorted(z)[-1],
    "clip": lambda x, low, high: sorted([x, low, high])[1],
    "pick": _pick,
    "sigmoid": _sigmoid,
    "relu": lambda x: x if x > 0 else mpf(0),
    "leaky_relu": lambda x, slope: x if x > 0 else slope * x,
    "elu": lambda x, alpha: x if x > 0 else alpha * (mp.exp(x) - 1),
    "softplus": lambda x: mp.log(1 + mp.exp(x)),
    "silu": lambda x: x * _sigmoid(x),
    "gelu": lambda x: x * _normal_cdf(x),
    "erf": mp.erf,
    "erfc": mp.erfc,
    "normal_cdf": _normal_cdf,
    "gamma": _gamma,
    "lgamma": _log_abs_gamma,
    "digamma": lambda x: mp.psi(0, x),
    "polygamma": _polygamma,
    "sum": lambda *z: mp.fsum(z),
    "mean": lambda *z: mp.fsum(z) / len(z),
    "logsumexp": lambda *z: mp.log(mp.fsum(mp.exp(v) for v in z)),
}
"""What each row means, by its name, for numbers of mpmath."""


def definition(operation: Operation) -> Callable[..., Any]:
    """Return what a row means; a row that is new here is read from the table by mpmath."""
    known = DEFINITIONS.get(operation.name)
    if known is not None:
        return known

    def by_the_table(*operands: mpf) -> mpf:
        precise = Precise(mp.dps)
        numbers = [precise.context.mpf(value) for value in operands]
        return mpf(precise.spelling.function(operation.name)(*numbers))

    return by_the_table


# ---------------------------------------------------------------------------------- reference

_LARGEST = mpf(2) ** 1024
_STEP = mpf(10) ** -40
_EXTRA_DIGITS = (0, 110, 350)  # what small results need; the last is enough for denormals
_TINY = 2.0**-1010  # below, what passes through denormals may lose twelve of their bits
_REFUSALS = (ValueError, ZeroDivisionError, TypeError, IndexError)


def _at(function: Callable[..., Any], operands: list[mpf]) -> mpf | None:
    try:
        value = function(*operands)
    except _REFUSALS:
        return None
    value = mp.mpmathify(value)
    if isinstance(value, mpmath.mpc):
        return value.real if value.imag == 0 else None
    return None if mp.isnan(value) else value


def _digits_for(operands: Point) -> int:
    """Return the digits that hold the largest and the smallest operand in one number."""
    exponents = [math.log10(abs(value)) for value in operands if value]
    return 110 + int(max([0.0, *exponents]) - min([0.0, *exponents]))


def exact_value(function: Callable[..., Any], operands: Point) -> mpf | None:
    """Return the value of a definition at floats, None where it has none."""
    digits = _digits_for(operands)
    with mp.workdps(digits):
        value = _at(function, [mpf(x) for x in operands])
        small = value is not None and abs(value) < mpf(10) ** (40 - digits)
    if small:  # it may be small because all its digits cancelled
        with mp.workdps(digits + _EXTRA_DIGITS[-1]):
            value = _at(function, [mpf(x) for x in operands])
    return value


def exact_partial(function: Callable[..., Any], operands: Point, position: int) -> mpf | None:
    """Return the derivative along one operand, None where there is no two-sided one."""
    if operands[position]:
        return _slope(function, operands, position, _STEP)
    # At 0 there is no size to go by: a slope that still grows or shrinks with the step is none.
    wide = _slope(function, operands, position, _STEP)
    narrow = _slope(function, operands, position, _STEP**2)
    if wide is None or narrow is None or abs(wide - narrow) <= mpf(10) ** -25 * abs(wide):
        return narrow
    if abs(narrow) < abs(wide):
        return mpf(0)
    jumps = abs(narrow / wide * _STEP - 1) < mpf(10) ** -9
    return None if jumps else _LARGEST * _cut(narrow)


def _slope(
    function: Callable[..., Any], operands: Point, position: int, relative_step: mpf
) -> mpf | None:
    digits = _digits_for(operands) - int(mp.log10(relative_step / _STEP))
    length = abs(operands[position]) or min([1.0, *(abs(x) for x in operands if x)])
    for extra in _EXTRA_DIGITS:
        with mp.workdps(digits + extra):
            step = relative_step * min(1, mpf(length))
            moved = [[mpf(x) for x in operands] for _ in range(3)]
            moved[0][position] -= step
            moved[2][position] += step
            values = [_at(function, at) for at in moved]
            if any(value is None for value in values):
                return None
            before, here, after = values
            size = max(1, *(abs(value) for value in values))
            slope = (after - before) / (2 * step)
            if abs(slope) < mpf(10) ** (25 - mp.dps) * size / step and extra < _EXTRA_DIGITS[-1]:
                continue  # all its digits may have cancelled
            left, right = (here - before) / step, (after - here) / step
            apart = abs(right - left)
            if apart > mpf(10) ** -30 and apart > mpf(10) ** -15 * abs(slope):
                return None
            return slope
    return None


def ulps(result: float, exact: mpf, scale: float = 0.0) -> float:
    """Return the error of a float in ulps of the larger of |exact| and `scale`."""
    if math.isnan(result):
        return math.inf
    with mp.workdps(60):
        if abs(exact) >= _LARGEST:
            exact = _LARGEST * _cut(exact)
        given = mpf(result) if math.isfinite(result) else _LARGEST * _cut(result)
        size = min(max(float(abs(exact)), scale, _TINY), sys.float_info.max)
        return float(abs(given - exact) / math.ulp(size))


# ------------------------------------------------------------------------------------- floats


@cache
def one_operation(row: int, count: int) -> Graph:
    """Return the program that applies one row to `count` inputs."""
    builder = GraphBuilder()
    operands = [builder.input(f"x{k}") for k in range(count)]
    return builder.finish((builder.add(row, operands),))


def has_slope(operation: Operation, position: int) -> bool:
    """Return whether a row has a partial for an operand: it may say that there is none."""
    return operation.partials[operation.parameter_of(position)] != "0/0"


def value_and_partials(row: int, operands: Point) -> tuple[float, list[float]]:
    """Return what the sweeps compute for one row: its value, and the partial of each operand."""
    graph = one_operation(row, len(operands))
    values = forward_values(graph, {f"x{k}": x for k, x in enumerate(operands)})
    FLOATS.prepare_partials(graph)
    partials = [0.0] * len(operands)
    active = bytearray(has_slope(TABLE[row], position) for position in range(len(operands)))
    for operand, partial in local_partials(graph, graph.size - 1, values, active, FLOATS):
        partials[operand] = partial
    return values[-1], partials


# ------------------------------------------------------------------------------------- points


def _both_signs(numbers: list[float]) -> list[float]:
    return [*numbers, *(-number for number in numbers if number)]


@cache
def _grid(density: int) -> list[float]:
    """Return one operand's places: every magnitude, tails, integers, halves, edges."""
    source = random.Random("a grid that reaches into the tails")
    wide = [10.0 ** (k + source.random()) for k in (*range(-300, 300, 40),) * density]
    middle = [10.0 ** source.uniform(-18, 4) for _ in range(24 * density)]
    tails = [source.uniform(0, 45) for _ in range(30 * density)]
    far = [source.uniform(45, 800) for _ in range(10 * density)]
    whole = [float(k) for k in (*range(13), 18, 20, 25, 30, 40, 100, 170, 171, 700)]
    halves = [k + 0.5 for k in range(12)]
    edges = [
        math.nextafter(x, away) for x in (1.0, 2.0, 0.5, math.pi / 2) for away in (0.0, math.inf)
    ]
    near = [x + offset for x in (1.0, 2.0) for offset in (1e-3, 1e-8, -1e-3, -1e-8, 1e-14)]
    named = [1e300, 1e-300, math.pi / 2, math.pi, 1e22, 2.0**53 + 2, 0.1, 0.3, 1 / 3, 1e-8]
    return _both_signs([*wide, *middle, *tails, *far, *whole, *halves, *edges, *near, *named])


SHORT = _both_signs([0.0, 1.0, 2.0, 3.0, 0.5, 0.3, 7.25, 1e-8, 1e-300, 1e300, 1e15])
HARD: dict[str, list[Point]] = {
    "sigmoid": [(30.0,), (-30.0,), (36.5,), (-700.0,), (-740.0,)],
    "tanh": [(18.0,), (-18.0,), (300.0,)],
    "expm1": [(-40.0,), (-1e-12,), (37.0,)],
    "erf": [(6.0,), (26.0,)],
    "erfc": [(6.0,), (26.5,)],
    "gelu": [(-7.0,), (-37.0,), (-38.5,), (-0.7517915, ), (5.5,)],
    "softplus": [(25.0,), (-25.0,), (-740.0,), (40.0,)],
    "pow": [
        (1e300, 0.3), (1e-300, 0.3), (1e300, -0.3), (1.0000001, 1e8), (0.999, 1e5), (2.0, 1e-9),
        (2.0, 1023.0), (2.0, -1074.0), (-3.0, 5.0), (-2.0, -3.0), (-1e10, 30.0), (1e-300, 1e-17),
        (5.0, 300.3), (1e10, 29.9), (0.0, 2.0), (0.0, 1.0), (0.0, 0.0), (0.0, 0.5), (7.0, 0.1),
        (1e-10, 30.2), (1e200, 1.1), (3.3, 2.0), (1e-5, -60.2), (1e308, 0.999999999999),
    ],
    "log2": [(5e-324,), (1e-310,), (1 + 2.0**-52,), (1 - 2.0**-53,)],
    "log10": [(5e-324,), (1000.0,), (1 - 2.0**-53,)],
    "log": [(5e-324,), (1 + 2.0**-52,), (1 - 2.0**-53,)],
    "log1p": [(-1 + 2.0**-53,), (1e-16,), (-1e-16,)],
    "hypot": [(3e200, 4e200), (3e-200, 4e-200), (1.0, 1e-8), (1.0, 1e-170), (5e-324, 5e-324)],
    "atan2": [(1e200, 1e200), (1e-200, 1e-200), (1e-300, 1e300), (0.0, 1.0), (1.0, 0.0)],
    "div": [(1.0, 1e300), (1e300, 1e-8), (5e-324, 2.0), (1e-300, 1e-300), (1e-5, 1e-155)],
    "logsumexp": [(1000.0, 1000.0), (-1000.0, -1001.0), (0.0, -40.0), (3.0,), (1e3, 0.0, 998.5), (-1e-20,)],
    "cbrt": [(1e-300,), (1e300,), (-27.0,), (5e-324,), (1e-310,), (1.752235362999499e-09,)],
    "sum": [(1e16, 1.0, -1e16), (0.1, 0.2, 0.3), (1e308, 1e308, -1e308)],
    "mean": [(1e16, 1.0, -1e16), (0.1, 0.2, 0.3), (1e308, 1e308)],
    "lgamma": [(-653.8489072908347,), (-4325.866476721346,), (-2.457024738220800,), (1.35,)],
    "digamma": [(-653.8489072908347,), (-0.5040830082644554,), (-6.187014790974455,)],
    "gamma": [(171.6,), (-170.5,), (1e-16,), (-0.5,), (1e-308,)],
    "atan": [(1e200,), (1e154,), (1e160,)],
    "asinh": [(1e200,), (1e-200,)],
    "exp_square": [(26.0, -1.0), (38.0, -0.5), (3.7, -0.5), (20.0, 1.0), (1e-200, 1e300), (1e170, -1.0)],
    "polygamma": [(2.0, 0.5), (3.0, -0.25), (20.0, 7.5), (1.0, 1e10), (60.0, 20.5)],
}  # fmt: skip
"""Points at which well-known programs are wrong, by row."""

FIT: dict[str, Callable[..., bool]] = {
    "gamma": lambda x: abs(x) < 200,
    "polygamma": lambda n, x: n <= 60 and 1e-150 < abs(x) < 1e6,
    "digamma": lambda x: abs(x) < 1e30,
    "lgamma": lambda x: abs(x) < 1e30,
    "pow": lambda x, y: x == 0 or abs(y * math.log(abs(x))) < 1e6,
    "exp_square": lambda x, c: abs(c) * x * x < 1e6,
    "logsumexp": lambda *z: max(map(abs, z)) < 1e6,
    "clip": lambda x, low, high: low < high,  # else the convention answers
    "elu": lambda x, alpha: abs(x) < 700,
    "erf": lambda x: abs(x) < 30,
    "erfc": lambda x: abs(x) < 30,
    "normal_cdf": lambda x: abs(x) < 40,
    "gelu": lambda x: abs(x) < 40,
}
"""Points of the grid that mpmath answers in reasonable time, by row, where that is not all."""


def _candidates(operation: Operation, density: int) -> Iterator[Point]:
    source = random.Random(operation.name)
    if operation.variadic:
        fixed = len(operation.parameters) - 1
        for count in (1, 2, 3, 4, 5) * 10 * density:
            rest = [source.choice(SHORT) for _ in range(count)]
            yield (*(float(source.randrange(count)) for _ in range(fixed)), *rest)
            yield (*(1.0 for _ in range(fixed)), *(source.uniform(-30, 30) for _ in rest))
    elif len(operation.parameters) == 1:
        yield from ((x,) for x in _grid(density))
    else:
        arity = len(operation.parameters)
        for _ in range(100 * density):
            yield tuple(source.choice(SHORT) for _ in range(arity))
            yield tuple(source.choice(_grid(density)) for _ in range(arity))
            signs = (source.choice((1.0, -1.0)) for _ in range(arity))
            yield tuple(sign * 10 ** source.uniform(-3, 3) for sign in signs)
        for _ in range(40 * density):
            yield (float(source.randrange(12)), *(source.uniform(-9, 9) for _ in range(arity - 1)))


def in_domain(operation: Operation, operands: Point) -> bool:
    """Return whether the row says that it is defined there."""
    names = operation.operand_names + (VARIABLES if operation.variadic else ("out",))
    given = list(operands)
    if operation.variadic:
        fixed = len(operation.parameters) - 1
        given = [*operands[:fixed], operands[-1], 0.0, 0, 0, len(operands) - fixed]
    else:
        given.append(0.0)
    conditions = (TOTAL.compile(condition(text), names) for text in operation.domain)
    return all(holds(*given) if callable(holds) else holds for holds in conditions)


def points(operation: Operation, density: int = 1) -> list[Point]:
    """Return the points of a row's domain at which it is tried: those of HARD, then a grid."""
    fit = FIT.get(operation.name, lambda *_: True)
    hard = HARD.get(operation.name, [])
    grid = (point for point in _candidates(operation, density) if fit(*point))
    return [point for point in dict.fromkeys((*hard, *grid)) if in_domain(operation, point)]


# ------------------------------------------------------------------------------------ measure


class Worst(NamedTuple):
    """The largest error of one result of a row, in ulps, and where."""

    error: float
    point: Point
    result: float
    exact: float


def scale_at(operation: Operation, which: int, position: int, point: Point) -> float:
    """Return the size below which a result of a row is declared to be accurate absolutely."""
    if which >= len(operation.scale):
        return 0.0
    names = operation.operand_names + (VARIABLES if operation.variadic else ("out",))
    scale = TOTAL.compile(formula(operation.scale[which]), names)
    row = ROW[operation.name]
    out = TOTAL.function(operation.name)(*point)
    return float(
        scale(*arguments_for(row, list(point), position, out)) if callable(scale) else scale
    )


def measure(operation: Operation, at: list[Point]) -> list[Worst]:
    """Return the worst error of a row's value, then of the partial of each parameter."""
    function = definition(operation)
    row = ROW[operation.name]
    nothing = Worst(0.0, (), 0.0, 0.0)
    worst = [nothing] * (1 + len(operation.parameters))

    def note(which: int, position: int, result: float, exact: mpf | None, point: Point) -> None:
        if exact is not None:
            error = ulps(result, exact, scale_at(operation, which, position, point))
            if not error <= worst[which].error:
                worst[which] = Worst(error, point, result, float(exact))

    for point in at:
        value, partials = value_and_partials(row, point)
        exact = exact_value(function, point)
        note(0, len(point) - 1, value, exact, point)
        if exact is None or abs(exact) >= _LARGEST:
            continue
        for position, partial in enumerate(partials):
            if has_slope(operation, position):
                exact = exact_partial(function, point, position)
                note(1 + operation.parameter_of(position), position, partial, exact, point)
    return worst


def report(operation: Operation, worst: list[Worst]) -> str:
    """Return the lines of the table for one row."""
    results = ["value", *(f"d/d{name}" for name in operation.names)]
    lines = []
    for result, (error, point, given, exact) in zip(results, worst, strict=True):
        where = f"at {', '.join(f'{x!r}' for x in point)}: {given!r}, exactly {exact!r}"
        lines.append(f"{operation.name:<14}{result:<10}{error:>9.2f}  {where if error else ''}")
    return "\n".join(lines)


OPERATIONS = [operation for operation in TABLE if operation.parameters]

if __name__ == "__main__":
    asked = [name for name in sys.argv[1:] if name != "--dense"]
    print(f"{'row':<14}{'result':<10}{'ulp':>9}  worst")
    for each in OPERATIONS:
        if each.name in asked or not asked:
            places = points(each, 10 if "--dense" in sys.argv else 1)
            print(report(each, measure(each, places)), flush=True)
