"""Wrong rules that people apply, as data: the formula they use in the place of the right one.

A row names an operation of the table and states a wrong tangent of it: a formula in the
calculator's language over the operation's parameters (`x`, `y`), their tangents (`dx`, `dy`: how
fast they move with the input) and `out`. Where `out` moves at the speed of a wrong formula,
everything behind it is wrong by as much; `hypotheses.py` follows that to the output. A new mistake
is a new row.

Sources: the errors of students of calculus collected by Orton (Students' understanding of
differentiation, Educ. Stud. Math. 14, 1983), and the questions of users of gradient checkers.
"""

from typing import NamedTuple


class WrongRule(NamedTuple):
    """One mistake: its code, the operation, the wrong tangent, and what went wrong in words."""

    code: str
    operation: str
    tangent: str
    words: str


_POWERS = tuple(
    WrongRule("power-rule", "pow", tangent, words)
    for tangent, words in (
        ("y*x^y*dx", "the exponent is brought down but not lowered by 1"),
        ("x^(y - 1)*dx", "the exponent is lowered but not brought down as a factor"),
        ("(y - 1)*x^(y - 1)*dx", "the factor is the new exponent, not the old one"),
        ("y*x^(y + 1)*dx", "the exponent is raised by 1, not lowered"),
        ("x^(y + 1)/(y + 1)*dx", "the power is integrated, not differentiated"),
        ("x^y*dx", "the power is taken to be its own slope"),
        ("y*x*dx", "the exponent is brought down and then lost"),
        ("y*x^(y - 1)*dy", "the power rule is used where the exponent moves: that slope is"
         " the power times the logarithm of the base"),
        ("out*dy", "the factor log(base) of an exponential is missing"),
        ("out/log(x)*dy", "an exponential is divided by log(base), not multiplied"),
    )
)  # fmt: skip

_ROOTS = tuple(
    WrongRule("power-rule", "sqrt", tangent, words)
    for tangent, words in (
        ("dx/out", "the factor 1/2 of a square root's slope is missing"),
        ("out*dx/2", "the root stands above the line, not below it"),
        ("2*out*dx", "a square root is differentiated as if it were a square"),
        ("-dx/(2*out)", "the slope of a square root is positive"),
        ("dx/(2*x)", "the root in the slope of a square root is missing"),
    )
)

_QUOTIENTS = tuple(
    WrongRule("quotient-rule", "div", tangent, words)
    for tangent, words in (
        ("(dx*y + x*dy)/y^2", "the two terms of the quotient rule are added, not subtracted"),
        ("(x*dy - dx*y)/y^2", "the two terms of the quotient rule are in the wrong order"),
        ("dx/dy", "the slope of the numerator is divided by the slope of the denominator"),
        ("(dx*y - x*dy)/y", "the denominator of the quotient rule is not squared"),
        ("dx*y - x*dy", "the denominator of the quotient rule is missing"),
        ("(dx*y - x*dy)/x^2", "the quotient rule divides by the numerator squared"),
        ("(dx - x*dy)/y^2", "the first term of the quotient rule lacks its denominator"),
        ("dx/y - x/y*dy", "the denominator of the quotient rule's second term is not squared"),
    )
)

_PRODUCTS = (
    WrongRule("product-of-paths", "mul", "dx*dy", "the slopes of the two factors are multiplied:"
              " a product moves by its first factor times the second's move, plus the reverse"),
)  # fmt: skip

_LOGARITHMS = (
    WrongRule("log-base", "log", "dx/(x*log(10))", "the slope is that of log10: log is natural"),
    WrongRule("log-base", "log", "dx/(x*log(2))", "the slope is that of log2: log is natural"),
    WrongRule("log-base", "log", "dx*log(10)/x", "log is natural: there is no factor log(10)"),
    WrongRule("log-base", "log10", "dx/x", "the factor 1/log(10) of log10's slope is missing"),
    WrongRule("log-base", "log10", "dx*log(10)/x", "log10's slope is divided by log(10)"),
    WrongRule("log-base", "log2", "dx/x", "the factor 1/log(2) of log2's slope is missing"),
    WrongRule("log-base", "log2", "dx*log(2)/x", "log2's slope is divided by log(2)"),
    WrongRule("log-base", "pow", "out*log10(x)*dy", "the factor is the natural logarithm"),
    WrongRule("log-base", "pow", "out*log2(x)*dy", "the factor is the natural logarithm"),
)

_EXPONENTIALS = (
    WrongRule("power-rule", "exp", "x*exp(x - 1)*dx", "the power rule is used on exp,"
              " which is its own slope"),
)  # fmt: skip

_DEGREES = tuple(
    WrongRule("degrees", name, f"{factor}*({slope})*dx", words)
    for name, slope in (("sin", "cos(x)"), ("cos", "-sin(x)"), ("tan", "1/cos(x)^2"))
    for factor, words in (
        ("pi/180", "a factor π/180: the angle is in radians"),
        ("180/pi", "a factor 180/π: the angle is in radians"),
    )
) + tuple(
    WrongRule("degrees", name, f"{factor}*({slope.replace('x', '(x*pi/180)')})*dx", words)
    for name, slope in (("sin", "cos(x)"), ("cos", "-sin(x)"), ("tan", "1/cos(x)^2"))
    for factor, words in (
        ("1", "the slope is taken at an angle in degrees: it is in radians"),
        ("pi/180", "the angle is taken to be in degrees: it is in radians"),
    )
) + tuple(
    WrongRule("degrees", name, f"180/pi*({slope})*dx", "the angle is given in degrees: it is in"
              " radians")
    for name, slope in (
        ("asin", "1/sqrt(1 - x^2)"),
        ("acos", "-1/sqrt(1 - x^2)"),
        ("atan", "1/(1 + x^2)"),
    )
)  # fmt: skip

_PLACES = (
    WrongRule("wrong-place", "sigmoid", "x*(1 - x)*dx", "out·(1 - out) is taken at the operand,"
              " not at the sigmoid of it"),
    WrongRule("wrong-place", "tanh", "(1 - x^2)*dx", "1 - out^2 is taken at the operand, not at"
              " the tanh of it"),
    WrongRule("wrong-place", "tan", "(1 + x^2)*dx", "1 + out^2 is taken at the operand, not at"
              " the tangent of it"),
)  # fmt: skip

_SIGNS = (
    WrongRule("sign", "sub", "dx + dy", "the minus of the difference is lost"),
    WrongRule("sign", "neg", "dx", "the minus sign is lost"),
    WrongRule("sign", "cos", "sin(x)*dx", "the slope of cos is -sin"),
    WrongRule("sign", "sin", "-cos(x)*dx", "the slope of sin is +cos"),
    WrongRule("sign", "cosh", "-sinh(x)*dx", "the slope of cosh is +sinh"),
    WrongRule("sign", "acos", "dx/sqrt(1 - x^2)", "the slope of acos is negative"),
)

WRONG_RULES: tuple[WrongRule, ...] = (
    *_DEGREES,
    *_LOGARITHMS,
    *_QUOTIENTS,
    *_POWERS,
    *_ROOTS,
    *_EXPONENTIALS,
    *_PRODUCTS,
    *_PLACES,
    *_SIGNS,
)
"""Every known wrong rule, the more special before the more general."""
