"""The table of operations: one row states an operation once, and everything else reads the row.

A row holds formulas, as text in the calculator's own language, over the row's parameters and
`out` (the value of the node): the value, the local partial derivative for each parameter, the
domain, the kinks and jumps. This file is data. `readings/` compiles a formula to floats, to
mpmath, to SymPy; the sweeps multiply the partials; the tables print them. So what is shown and
what is computed cannot drift apart, and a new operation is one new row: its tests, its help page
and its place in every command follow, because they loop over the table.

Two things may stand where a value is stated: the name of a primitive (`"sin"`),
which every reading spells in its own way, or a formula, which every reading evaluates.

Partials are written for accuracy over the whole range rather than for fame: `1 - out^2` is the
textbook's slope of tanh, but at x = 18 every digit of it is lost; `(1/cosh(x))^2` keeps them all.
Where the two differ the row carries the textbook's form as well, for people, and a test proves
them equal. Sources of the formulas: Abramowitz & Stegun, Handbook of Mathematical Functions
(chapters 4, 6, 7), and the DLMF (dlmf.nist.gov).

In a row of any number of arguments the last parameter ends in `...`; its partial is stated for
"this operand" `x`, and may use `ties` (how many operands equal `out`), `index` and `count`.
"""

from typing import NamedTuple


class Kink(NamedTuple):
    """Where an operation has no slope, or more than one, and what is answered there.

    `at` is the condition, and `words` say it where its formula reads badly; `kind` is "kink" (the
    slopes from the two sides differ) or "jump" (the values do). `beside` is the value just beside
    the jump when the operands move by `dx`, `dy`; `homogeneous` says that the directional
    derivative at the kink is the operation itself applied to the tangents (f'(0; d) = f(d), true
    of norms and of tied maxima).
    """

    at: str
    kind: str
    convention: str
    beside: str = ""
    homogeneous: bool = False
    words: str = ""

    @property
    def place(self) -> str:
        """How people say where it is."""
        return self.words or self.at


class Operation(NamedTuple):
    """One row: a name, formulas as text, and words for people.

    `parameters` may carry a default (`slope=0.01`). `selects` marks operations that choose among
    their operands: along an edge whose local partial is 0 nothing flows at all, not even 0·inf.
    `sides` are formulas whose values change when an operand crosses a kink, a jump or a pole, so
    that a finite-difference stencil can tell whether it stayed on one side. `sympy` spells the
    function (never its derivative) for SymPy where SymPy has no function of this name. `scale`
    gives, for the value and for each partial, the size below which the row is accurate only
    absolutely: near the zeros of gelu', of lgamma, of digamma left of 0, no formula does better.
    `rules` names the rule of differentiation behind each partial, as a teacher would, where it is
    not the chain rule through the row's function; `factor_rules` are their names where the other
    operands are constants.
    """

    name: str
    parameters: tuple[str, ...]
    value: str
    partials: tuple[str, ...]
    help: str
    textbook: tuple[str, ...] = ()
    domain: tuple[str, ...] = ()
    needs: str = ""
    kinks: tuple[Kink, ...] = ()
    sides: tuple[str, ...] = ()
    selects: bool = False
    sympy: str = ""
    aliases: tuple[str, ...] = ()
    infix: str = ""
    precedence: int = 0
    scale: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    factor_rules: tuple[str, ...] = ()

    @property
    def variadic(self) -> bool:
        """Whether the last parameter takes any number of operands (at least one)."""
        return bool(self.parameters) and self.parameters[-1].endswith("...")

    @property
    def fixed(self) -> int:
        """How many parameters take one operand each: all but z..."""
        return len(self.parameters) - self.variadic

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters' names, without defaults and dots."""
        return tuple(text.partition("=")[0].removesuffix("...") for text in self.parameters)

    @property
    def operand_names(self) -> tuple[str, ...]:
        """The names under which a partial reads the operands: in z..., this operand is `x`."""
        return (*self.names[:-1], "x") if self.variadic else self.names

    @property
    def called(self) -> bool:
        """Whether a program can call the operation by its name."""
        return bool(self.parameters) and (not self.infix or self.name == "pow")

    def parameter_of(self, position: int) -> int:
        """Return which parameter the operand at `position` belongs to."""
        return min(position, len(self.parameters) - 1)

    def rule_of(self, position: int, alone: bool = False) -> str:
        """Return the name of the rule that gives the slope along the operand at `position`.

        `alone` says that the other operands are constants.
        """
        rules = (alone and self.factor_rules) or self.rules
        return rules[min(position, len(rules) - 1)] if rules else f"chain rule through {self.name}"


_POLES_LEFT = "where(x > 0, 1, x - floor(x))"
_NO_POLE = (f"{_POLES_LEFT} > 0",)
_BESIDE_POLES = ("where(x < 0, floor(x), 0)",)
_NEEDS_NO_POLE = "x other than 0, -1, -2, ..."
_LARGEST = Kink(
    "ties > 1",
    "kink",
    "1/ties to each tied argument, as PyTorch",
    homogeneous=True,
    words="a tie",
)
_ZERO = Kink("x == 0", "kink", "0, as PyTorch")


def _comparison(name: str, infix: str, value: str, help: str) -> Operation:
    """Return the row of a comparison: 1 or 0, NaN if an operand is NaN."""
    return Operation(
        name=name,
        parameters=("x", "y"),
        value=value,
        partials=("0", "0"),
        help=help,
        kinks=(Kink("x == y", "jump", "the side the comparison takes at equality"),),
        sides=("sign(x - y)",),
        selects=True,
        infix=infix,
    )


_ARITHMETIC = (
    Operation("input", (), "", (), "an input of the program"),
    Operation("constant", (), "", (), "a number"),
    Operation(
        "add", ("x", "y"), "add", ("1", "1"), "sum", infix="+", precedence=1, rules=("sum rule",)
    ),
    Operation(
        "sub",
        ("x", "y"),
        "sub",
        ("1", "-1"),
        "difference",
        infix="-",
        precedence=1,
        rules=("difference rule",),
    ),
    Operation(
        "mul",
        ("x", "y"),
        "mul",
        ("y", "x"),
        "product",
        infix="*",
        precedence=2,
        rules=("product rule",),
        factor_rules=("constant factor rule",),
    ),
    Operation(
        "div",
        ("x", "y"),
        "div",
        ("1/y", "-(out/y)"),
        "quotient",
        textbook=("1/y", "-(x/y^2)"),
        domain=("y != 0",),
        sides=("sign(y)",),
        infix="/",
        precedence=2,
        rules=("quotient rule",),
        factor_rules=("constant factor rule", "quotient rule"),
    ),
    Operation(
        "neg",
        ("x",),
        "neg",
        ("-1",),
        "negation",
        infix="-",
        precedence=3,
        rules=("constant factor rule",),
    ),
    # d/dx = y·x^(y-1). Where y - 1 is not a float, its rounding error r = y - ((y - 1) + 1) is
    # put back by x^r = exp(r·log x); without it the slope of x^0.3 at 1e300 loses two digits.
    Operation(
        "pow",
        ("x", "y"),
        "pow",
        (
            "where(y == 0, 0, where((y - 1) + 1 == y, y*x^(y - 1),"
            " y*x^(y - 1)*exp((y - ((y - 1) + 1))*log(x))))",
            "where(x == 0, where(y > 0, 0, out*log(x)), out*log(x))",
        ),
        "power; a negative base takes integer exponents only",
        textbook=("y*x^(y - 1)", "out*log(x)"),
        domain=("where(x >= 0, 0, y - floor(y)) == 0", "where(x == 0, y, 0) >= 0"),
        needs="a base above 0, or an integer exponent (not below 0 where the base is 0)",
        # Only a whole power, not below 0, is smooth across a base of 0.
        sides=("where(y < 0, sign(x), where(y == floor(y), 1, sign(x)))",),
        infix="^",
        precedence=4,
        rules=("power rule", "exponential rule"),
    ),
    _comparison("less", "<", "where(x < y, 1, where(x >= y, 0, x - y))", "x < y"),
    _comparison("less_equal", "<=", "where(x <= y, 1, where(x > y, 0, x - y))", "x <= y"),
    _comparison("greater", ">", "where(x > y, 1, where(x <= y, 0, x - y))", "x > y"),
    _comparison("greater_equal", ">=", "where(x >= y, 1, where(x < y, 0, x - y))", "x >= y"),
    _comparison(
        "equal", "==", "where(x < y, 0, where(x > y, 0, where(x == y, 1, x - y)))", "x == y"
    ),
    _comparison(
        "not_equal", "!=", "where(x < y, 1, where(x > y, 1, where(x == y, 0, x - y)))", "x != y"
    ),
    Operation(
        "where",
        ("c", "a", "b"),
        "where(c == 0, b, where(c != c, c, a))",
        ("0", "where(c == 0, 0, 1)", "where(c == 0, 1, 0)"),
        "a where the condition c holds, else b; the side not taken contributes nothing",
        selects=True,
        rules=("the side that is taken",),
    ),
)

_POWERS_AND_LOGARITHMS = (
    Operation("exp", ("x",), "exp", ("out",), "exponential", textbook=("exp(x)",)),
    Operation("expm1", ("x",), "expm1", ("exp(x)",), "exp(x) - 1, accurate near 0"),
    Operation(
        "log", ("x",), "log", ("1/x",), "natural logarithm", domain=("x > 0",), aliases=("ln",)
    ),
    Operation(
        "log2",
        ("x",),
        "log2",
        ("1/log(2)/x",),
        "logarithm to base 2",
        textbook=("1/(x*log(2))",),
        domain=("x > 0",),
        sympy="log(x)/log(2)",
    ),
    Operation(
        "log10",
        ("x",),
        "log10",
        ("1/log(10)/x",),
        "logarithm to base 10",
        textbook=("1/(x*log(10))",),
        domain=("x > 0",),
        sympy="log(x)/log(10)",
    ),
    Operation(
        "log1p",
        ("x",),
        "log1p",
        ("1/(1 + x)",),
        "log(1 + x), accurate near 0",
        domain=("x > -1",),
        sympy="log(1 + x)",
    ),
    Operation(
        "sqrt", ("x",), "sqrt", ("1/(2*abs(out))",), "square root", ("1/(2*out)",), ("x >= 0",)
    ),
    Operation(
        "cbrt",
        ("x",),
        "cbrt",
        ("where(out == 0, 1/out^2, out/x/3)",),
        "real cube root, of negative numbers too",
        textbook=("1/(3*out^2)",),
        sides=("sign(x)",),
        sympy="where(x >= 0, x^(1/3), -(-x)^(1/3))",
    ),
    Operation(
        "exp_square",
        ("x", "c"),
        "exp_square",
        ("2*c*(x*out)", "x*(x*out)"),
        "exp(c*x^2), the square carried in two parts so that Gaussian tails keep their digits",
        textbook=("2*c*x*out", "x^2*out"),
        sympy="exp(c*x^2)",
    ),
)

_CIRCULAR_AND_HYPERBOLIC = (
    Operation("sin", ("x",), "sin", ("cos(x)",), "sine (radians)"),
    Operation("cos", ("x",), "cos", ("-sin(x)",), "cosine (radians)"),
    Operation(
        "tan",
        ("x",),
        "tan",
        ("(1/cos(x))^2",),
        "tangent (radians)",
        textbook=("1 + out^2",),
        sides=("floor(x/pi + 1/2)",),
    ),
    Operation(
        "asin",
        ("x",),
        "asin",
        ("1/sqrt((1 - x)*(1 + x))",),
        "inverse sine",
        textbook=("1/sqrt(1 - x^2)",),
        domain=("x >= -1", "x <= 1"),
    ),
    Operation(
        "acos",
        ("x",),
        "acos",
        ("-1/sqrt((1 - x)*(1 + x))",),
        "inverse cosine",
        textbook=("-1/sqrt(1 - x^2)",),
        domain=("x >= -1", "x <= 1"),
    ),
    Operation(
        "atan",
        ("x",),
        "atan",
        ("(1/hypot(1, x))^2",),
        "inverse tangent",
        textbook=("1/(1 + x^2)",),
    ),
    Operation(
        "atan2",
        ("y", "x"),
        "atan2",
        ("x/hypot(x, y)/hypot(x, y)", "-(y/hypot(x, y)/hypot(x, y))"),
        "angle of the point (x, y), from -pi to pi",
        textbook=("x/(x^2 + y^2)", "-(y/(x^2 + y^2))"),
        kinks=(
            Kink(
                "where(y == 0, x, 1) < 0",
                "jump",
                "the slope on either side of the cut, the same",
                beside="where(dy < 0, -pi, where(dy > 0, pi, out))",
                words="y == 0, x < 0",
            ),
        ),
        sides=("where(x < 0, sign(y), 0)",),
    ),
    Operation("sinh", ("x",), "sinh", ("cosh(x)",), "hyperbolic sine"),
    Operation("cosh", ("x",), "cosh", ("sinh(x)",), "hyperbolic cosine"),
    Operation(
        "tanh",
        ("x",),
        "tanh",
        ("(1/cosh(x))^2",),
        "hyperbolic tangent",
        textbook=("1 - out^2",),
    ),
    Operation(
        "asinh",
        ("x",),
        "asinh",
        ("1/hypot(1, x)",),
        "inverse hyperbolic sine",
        textbook=("1/sqrt(1 + x^2)",),
    ),
    Operation(
        "acosh",
        ("x",),
        "acosh",
        ("1/(sqrt(x - 1)*sqrt(x + 1))",),
        "inverse hyperbolic cosine",
        textbook=("1/sqrt(x^2 - 1)",),
        domain=("x >= 1",),
    ),
    Operation(
        "atanh",
        ("x",),
        "atanh",
        ("1/((1 - x)*(1 + x))",),
        "inverse hyperbolic tangent",
        textbook=("1/(1 - x^2)",),
        domain=("x > -1", "x < 1"),
    ),
    Operation(
        "hypot",
        ("x", "y"),
        "hypot",
        # Among the denormals `out` has lost its digits, so the triangle is magnified first.
        tuple(
            f"where(out == 0, 0, where(out < 1e-290,"
            f" (1e30*{side})/hypot(1e30*x, 1e30*y), {side}/out))"
            for side in "xy"
        ),
        "sqrt(x^2 + y^2), without overflow",
        textbook=("x/out", "y/out"),
        kinks=(Kink("out == 0", "kink", "0 for both, the slope of least norm", homogeneous=True),),
        sympy="sqrt(x^2 + y^2)",
    ),
)

_SELECTIONS = (
    Operation(
        "abs",
        ("x",),
        "abs",
        ("where(x > 0, 1, where(x < 0, -1, 0))",),
        "absolute value",
        textbook=("sign(x)",),
        kinks=(_ZERO,),
        sides=("sign(x)",),
    ),
    Operation(
        "sign",
        ("x",),
        "where(x > 0, 1, where(x < 0, -1, x))",
        ("0",),
        "-1, 0 or 1",
        kinks=(Kink("x == 0", "jump", "0, as PyTorch"),),
        sides=("sign(x)",),
        selects=True,
        sympy="sign(x)",
    ),
    Operation(
        "floor",
        ("x",),
        "floor",
        ("0",),
        "largest integer not above x",
        kinks=(Kink("x == floor(x)", "jump", "0, as PyTorch", beside="where(dx < 0, x - 1, x)"),),
        sides=("floor(x) + ceil(x)",),
        selects=True,
    ),
    Operation(
        "ceil",
        ("x",),
        "ceil",
        ("0",),
        "smallest integer not below x",
        kinks=(Kink("x == ceil(x)", "jump", "0, as PyTorch", beside="where(dx > 0, x + 1, x)"),),
        sides=("floor(x) + ceil(x)",),
        selects=True,
    ),
    Operation(
        "min",
        ("z...",),
        "min",
        ("where(x == out, 1/ties, 0)",),
        "the smallest of any number of arguments",
        rules=("the smallest operand",),
        kinks=(_LARGEST,),
        sides=("where(x == out, 1, 0)",),
        selects=True,
    ),
    Operation(
        "max",
        ("z...",),
        "max",
        ("where(x == out, 1/ties, 0)",),
        "the largest of any number of arguments",
        rules=("the largest operand",),
        kinks=(_LARGEST,),
        sides=("where(x == out, 1, 0)",),
        selects=True,
    ),
    Operation(
        "clip",
        ("x", "low", "high"),
        "where(low <= high, where(x < low, low, where(x > high, high, x)), 0/0)",
        (
            "where(x < low, 0, where(x > high, 0, 1))",
            "where(x < low, 1, 0)",
            "where(x > high, 1, 0)",
        ),
        "x held between low and high",
        domain=("low <= high",),
        kinks=(
            Kink("x == low", "kink", "1, as PyTorch"),
            Kink("x == high", "kink", "1, as PyTorch"),
        ),
        sides=("sign(x - low)", "sign(x - high)"),
        selects=True,
        sympy="min(max(x, low), high)",
    ),
    Operation(
        "pick",
        ("k", "z..."),
        "pick",
        ("0", "where(k == index, 1, 0)"),
        "the argument number k of the rest, counted from 0",
        rules=("the operand that is picked",),
        domain=("where(k == floor(k), k, -1) >= 0", "k < count"),
        needs="k to be an integer from 0 to the number of choices less 1",
        kinks=(
            Kink(
                "k == floor(k)",
                "jump",
                "0: which argument is picked has no slope",
                words="every k",
            ),
        ),
        sides=("k",),
        selects=True,
    ),
)

_ACTIVATIONS = (
    Operation(
        "sigmoid",
        ("x",),
        "where(x >= 0, 1/(1 + exp(-x)), exp(x)/(1 + exp(x)))",
        ("sigmoid(x)*sigmoid(-x)",),
        "logistic sigmoid, 1/(1 + exp(-x))",
        textbook=("out*(1 - out)",),
        sympy="1/(1 + exp(-x))",
    ),
    Operation(
        "relu",
        ("x",),
        "where(x <= 0, 0, x)",
        ("where(x > 0, 1, 0)",),
        "rectifier, max(x, 0)",
        kinks=(_ZERO,),
        sides=("sign(x)",),
        selects=True,
        sympy="max(x, 0)",
    ),
    Operation(
        "leaky_relu",
        ("x", "slope=0.01"),
        "where(x > 0, x, slope*x)",
        ("where(x > 0, 1, slope)", "where(x > 0, 0, x)"),
        "rectifier that keeps a slope below 0",
        kinks=(Kink("x == 0", "kink", "slope, as PyTorch"),),
        sides=("sign(x)",),
        selects=True,
        sympy="where(x > 0, x, slope*x)",
    ),
    Operation(
        "elu",
        ("x", "alpha=1"),
        "where(x > 0, x, alpha*expm1(x))",
        ("where(x > 0, 1, alpha*exp(x))", "where(x > 0, 0, expm1(x))"),
        "exponential linear unit",
        kinks=(Kink("x == 0", "kink", "alpha, as PyTorch"),),
        sides=("sign(x)",),
        selects=True,
        sympy="where(x > 0, x, alpha*(exp(x) - 1))",
    ),
    Operation(
        "softplus",
        ("x",),
        "where(x > 0, x + log1p(exp(-x)), log1p(exp(x)))",
        ("sigmoid(x)",),
        "log(1 + exp(x)), without overflow",
        sympy="log(1 + exp(x))",
    ),
    Operation(
        "softsign",
        ("x",),
        "x/(1 + abs(x))",
        ("(1/(1 + abs(x)))^2",),
        "x/(1 + |x|)",
        textbook=("1/(1 + abs(x))^2",),
        sympy="x/(1 + abs(x))",
    ),
    Operation(
        "silu",
        ("x",),
        "x*sigmoid(x)",
        ("sigmoid(x)*(1 + x*sigmoid(-x))",),
        "sigmoid linear unit (swish)",
        textbook=("sigmoid(x) + out*(1 - sigmoid(x))",),
        sympy="x/(1 + exp(-x))",
        scale=("0", "1/4"),
    ),
    Operation(
        "gelu",
        ("x",),
        "x*normal_cdf(x)",
        ("normal_cdf(x) + x*(exp_square(x, -1/2)/sqrt(2*pi))",),
        "Gaussian error linear unit, x times the normal distribution function",
        sympy="x*(1 + erf(x/sqrt(2)))/2",
        scale=("0", "1/4"),
    ),
)

_SPECIAL = (
    Operation(
        "erf",
        ("x",),
        "erf",
        ("2/sqrt(pi)*exp_square(x, -1)",),
        "error function",
        textbook=("2/sqrt(pi)*exp(-x^2)",),
    ),
    Operation(
        "erfc",
        ("x",),
        "erfc",
        ("-2/sqrt(pi)*exp_square(x, -1)",),
        "1 - erf(x), accurate in the tail",
        textbook=("-2/sqrt(pi)*exp(-x^2)",),
        sympy="1 - erf(x)",
    ),
    Operation(
        "normal_cdf",
        ("x",),
        "normal_cdf",
        ("exp_square(x, -1/2)/sqrt(2*pi)",),
        "standard normal distribution function",
        textbook=("exp(-x^2/2)/sqrt(2*pi)",),
        sympy="(1 + erf(x/sqrt(2)))/2",
    ),
    Operation(
        "gamma",
        ("x",),
        "gamma",
        ("out*digamma(x)",),
        "gamma function",
        scale=("0", "where(x > 0, 0, 1)"),
        domain=_NO_POLE,
        needs=_NEEDS_NO_POLE,
        sides=_BESIDE_POLES,
    ),
    Operation(
        "lgamma",
        ("x",),
        "lgamma",
        ("digamma(x)",),
        "logarithm of |gamma(x)|",
        domain=_NO_POLE,
        needs=_NEEDS_NO_POLE,
        sides=_BESIDE_POLES,
        scale=("1", "where(x > 0, 0, 8)"),
    ),
    Operation(
        "digamma",
        ("x",),
        "digamma",
        ("polygamma(1, x)",),
        "logarithmic derivative of gamma",
        domain=_NO_POLE,
        needs=_NEEDS_NO_POLE,
        sides=_BESIDE_POLES,
        scale=("where(x > 0, 0, 8)",),
    ),
    Operation(
        "polygamma",
        ("n", "x"),
        "polygamma",
        ("0/0", "polygamma(n + 1, x)"),
        "n-th derivative of digamma; its order n is a whole number and has no slope",
        domain=("where(n == floor(n), n, -1) >= 0", *_NO_POLE),
        needs="n to be 0, 1, 2, ..., and " + _NEEDS_NO_POLE,
        sides=("n", *_BESIDE_POLES),
        scale=("1", "0", "where(x > 0, 1, (n + 1)*abs(out))"),
    ),
)

_COLLECTIONS = (
    Operation(
        "sum", ("z...",), "sum", ("1",), "sum of any number of arguments", rules=("sum rule",)
    ),
    Operation(
        "mean",
        ("z...",),
        "mean",
        ("1/count",),
        "mean of any number of arguments",
        rules=("sum rule",),
    ),
    Operation(
        "logsumexp",
        ("z...",),
        "logsumexp",
        ("exp(x - out)",),
        "log of the sum of exponentials of any number of arguments, without overflow",
        scale=("1", "(1 + abs(out))*exp(x - out)"),
    ),
)

TABLE: tuple[Operation, ...] = (
    *_ARITHMETIC,
    *_POWERS_AND_LOGARITHMS,
    *_CIRCULAR_AND_HYPERBOLIC,
    *_SELECTIONS,
    *_ACTIVATIONS,
    *_SPECIAL,
    *_COLLECTIONS,
)

ROW: dict[str, int] = {
    name: row
    for row, operation in enumerate(TABLE)
    for name in (operation.name, *operation.aliases)
}
"""The row number of each operation, by name and by alias."""

INPUT, CONSTANT = ROW["input"], ROW["constant"]
"""The first two rows, which compute nothing: operations proper are the rows above CONSTANT."""
ADD, SUB, MUL, DIV, NEG, POW = (ROW[name] for name in ("add", "sub", "mul", "div", "neg", "pow"))
WHERE, SQRT = ROW["where"], ROW["sqrt"]
COMPARISONS: dict[str, int] = {
    operation.infix: row
    for row, operation in enumerate(TABLE)
    if operation.infix and not operation.precedence
}
"""The row of each comparison, by its sign."""

COMPARISON_ROWS = frozenset(COMPARISONS.values())
"""The rows of all comparisons."""

OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
"""The comparison that holds where another does not; of a NaN neither does."""

NAMED_CONSTANTS = ("pi", "e", "tau")
"""The constants a program may use by name, unless it assigns the name or the point binds it."""
