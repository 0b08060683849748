"""Known rewrites that cure overflow, undefined slopes and cancellation: data, in the language.

A rule is a pattern and what may stand for it. Every name in a pattern is a wildcard that stands for
any subexpression, the same one wherever it occurs. `{exp(z#)| + }` repeats a part, `z1`, `z2`, ...
in the place of `z#`, with ` + ` between. Sums and products match in either order, and x^2 matches
x*x. More particular patterns stand before more general ones.

A rule is an identity only where both sides are defined, and it may cost as much as it saves; so it
is never trusted: `studies/health/rewrites.py` proves each use of it, or does not offer it.
"""

import re
from functools import cache
from typing import NamedTuple

from backprop_cli.graph import Graph
from backprop_cli.language.parser import parse


class Rule(NamedTuple):
    """A pattern, its replacement, and why the replacement is better."""

    pattern: str
    replacement: str
    why: str


OVERFLOW = "exp overflows where the whole is a number of ordinary size"
_SQUARES = "the squares overflow, or vanish, where their root does not"
_NEAR = "two numbers that are nearly the same are subtracted"
_TAIL = "1 swallows what is small beside it"
_HOLE = "0/0 at a single point, where the function has a limit"
_NOTHING = "0 times infinity, where the factor 0 means that the term is not there"


def _hole(pattern: str, replacement: str) -> Rule:
    """Return the rule that fills a hole at x = 0; the guard stands inside the quotient as well."""
    guarded = pattern.removesuffix("/x") + "/where(x == 0, 1, x)"
    return Rule(pattern, f"where(x == 0, {replacement}, {guarded})", _HOLE)


RULES = (
    # Logarithms of sums of exponentials.
    Rule("log(1 + exp(x))", "softplus(x)", OVERFLOW),
    Rule("log1p(exp(x))", "softplus(x)", OVERFLOW),
    Rule("log({exp(z#)| + })", "logsumexp({z#|, })", OVERFLOW),
    Rule("log(sum({exp(z#)|, }))", "logsumexp({z#|, })", OVERFLOW),
    Rule("log(cosh(x))", "softplus(2*x) - x - log(2)", OVERFLOW),
    # The sigmoid, its logarithm, and its complement.
    Rule("log(1/(1 + exp(-x)))", "-softplus(-x)", OVERFLOW),
    Rule("log(1 - 1/(1 + exp(-x)))", "-softplus(x)", _TAIL),
    Rule("log(sigmoid(x))", "-softplus(-x)", "sigmoid is 0 in float64 where its logarithm is not"),
    Rule("log(1 - sigmoid(x))", "-softplus(x)", _TAIL),
    Rule("log1p(-sigmoid(x))", "-softplus(x)", _TAIL),
    Rule("1/(1 + exp(-x))", "sigmoid(x)", OVERFLOW),
    Rule("1/(1 + exp(x))", "sigmoid(-x)", OVERFLOW),
    Rule("exp(x)/(1 + exp(x))", "sigmoid(x)", OVERFLOW),
    Rule("1 - sigmoid(x)", "sigmoid(-x)", _TAIL),
    Rule("exp(z1)/({exp(z#)| + })", "exp(z1 - logsumexp({z#|, }))", OVERFLOW),
    Rule("exp(z1)/sum({exp(z#)|, })", "exp(z1 - logsumexp({z#|, }))", OVERFLOW),
    Rule("log(exp(z1)/({exp(z#)| + }))", "z1 - logsumexp({z#|, })", OVERFLOW),
    Rule("log(exp(z1)/sum({exp(z#)|, }))", "z1 - logsumexp({z#|, })", OVERFLOW),
    # Exponentials, and the gamma function, undone.
    Rule("log(exp(x))", "x", OVERFLOW),
    Rule("exp(x)/exp(y)", "exp(x - y)", OVERFLOW),
    Rule("exp(x)*exp(y)", "exp(x + y)", OVERFLOW),
    Rule("log(gamma(x))", "lgamma(x)", "gamma overflows where its logarithm does not"),
    # Hyperbolic functions written out.
    Rule("(exp(x) - exp(-x))/(exp(x) + exp(-x))", "tanh(x)", OVERFLOW),
    Rule("(exp(2*x) - 1)/(exp(2*x) + 1)", "tanh(x)", OVERFLOW),
    Rule("(1 - exp(-2*x))/(1 + exp(-2*x))", "tanh(x)", OVERFLOW),
    Rule("sinh(x)/cosh(x)", "tanh(x)", OVERFLOW),
    Rule("(exp(x) - exp(-x))/2", "sinh(x)", _NEAR),
    Rule("1 - tanh(x)^2", "(1/cosh(x))^2", _TAIL),
    # Roots of sums of squares.
    Rule("sqrt(x^2 + y^2 + z^2)", "hypot(hypot(x, y), z)", _SQUARES),
    Rule("sqrt(x^2 + y^2)", "hypot(x, y)", _SQUARES),
    Rule("sqrt(1 + x^2)", "hypot(1, x)", _SQUARES),
    Rule("sqrt(x^2)", "abs(x)", _SQUARES),
    # exp and log near 1.
    Rule("exp(x) - 1", "expm1(x)", _NEAR),
    Rule("-1 + exp(x)", "expm1(x)", _NEAR),
    Rule("1 - exp(x)", "-expm1(x)", _NEAR),
    Rule("exp(x) - exp(y)", "exp(y)*expm1(x - y)", _NEAR),
    Rule("log(x + c) - log(x)", "log1p(c/x)", _NEAR),
    Rule("log(x) - log(y)", "log1p((x - y)/y)", _NEAR),
    Rule("log(1 - x)", "log1p(-x)", _TAIL),
    Rule("log(1 + x)", "log1p(x)", _TAIL),
    # Differences of nearly equal roots, quotients, squares and waves.
    Rule("sqrt(x + c) - sqrt(x)", "c/(sqrt(x + c) + sqrt(x))", _NEAR),
    Rule("sqrt(x) - sqrt(x - c)", "c/(sqrt(x) + sqrt(x - c))", _NEAR),
    Rule("sqrt(x) - sqrt(y)", "(x - y)/(sqrt(x) + sqrt(y))", _NEAR),
    Rule("sqrt(1 - x^2)", "sqrt((1 - x)*(1 + x))", _NEAR),
    Rule("sqrt(1 + x) - 1", "x/(sqrt(1 + x) + 1)", _NEAR),
    Rule("1/sqrt(x) - 1/sqrt(x + c)", "c/(sqrt(x)*sqrt(x + c)*(sqrt(x) + sqrt(x + c)))", _NEAR),
    Rule(
        "(-b + sqrt(b^2 - 4*a*c))/(2*a)",
        "-2*c/(b + sqrt(b^2 - 4*a*c))",
        "the root nearer to 0 is what is left of two nearly equal numbers",
    ),
    Rule(
        "(-b - sqrt(b^2 - 4*a*c))/(2*a)",
        "2*c/(sqrt(b^2 - 4*a*c) - b)",
        "the root nearer to 0 is what is left of two nearly equal numbers",
    ),
    Rule("1/(x + c) - 2/x + 1/(x - c)", "2*c^2/(x*(x - c)*(x + c))", _NEAR),
    Rule("1/x - 1/(x + c)", "c/(x*(x + c))", _NEAR),
    Rule("1/(x - c) - 1/x", "c/(x*(x - c))", _NEAR),
    Rule("(x + c)^2 - x^2", "c*(2*x + c)", _NEAR),
    Rule("x^2 - y^2", "(x - y)*(x + y)", _NEAR),
    Rule("sin(x + c) - sin(x)", "2*cos(x + c/2)*sin(c/2)", _NEAR),
    Rule("cos(x + c) - cos(x)", "-2*sin(x + c/2)*sin(c/2)", _NEAR),
    Rule("(1 - cos(x))/x^2", "2*(sin(x/2)/x)^2", _NEAR),
    Rule("(1 - cos(x))/sin(x)", "tan(x/2)", _NEAR),
    Rule("1 - cos(x)", "2*sin(x/2)^2", _NEAR),
    Rule("1 - sin(x)^2", "cos(x)^2", _NEAR),
    Rule("1 - cos(x)^2", "sin(x)^2", _NEAR),
    Rule("1 - erf(x)", "erfc(x)", _TAIL),
    Rule("1 + erf(x)", "erfc(-x)", _TAIL),
    # A `where` that guards a domain.
    _hole("sin(x)/x", "1"),
    _hole("tan(x)/x", "1"),
    _hole("sinh(x)/x", "1"),
    _hole("tanh(x)/x", "1"),
    _hole("atan(x)/x", "1"),
    _hole("asin(x)/x", "1"),
    _hole("(1 - cos(x))/x", "x/2"),
    _hole("expm1(x)/x", "1 + x/2"),
    _hole("log1p(x)/x", "1 - x/2"),
    Rule("(exp(x) - 1)/x", "where(x == 0, 1 + x/2, expm1(x)/where(x == 0, 1, x))", _HOLE),
    Rule("log(1 + x)/x", "where(x == 0, 1 - x/2, log1p(x)/where(x == 0, 1, x))", _HOLE),
    Rule("(1 - cos(x))/x^2", "where(x == 0, 1/2, 2*(sin(x/2)/where(x == 0, 1, x))^2)", _HOLE),
    Rule("0*log(p)", "0", _NOTHING),
    Rule("t*log(p)", "where(t == 0, 0, t*log(where(t == 0, 1, p)))", _NOTHING),
    Rule("t*log1p(p)", "where(t == 0, 0, t*log1p(where(t == 0, 0, p)))", _NOTHING),
)

MOST_TERMS = 40
"""Sums of more terms than this are not matched by a repeated pattern."""

_REPEATED = re.compile(r"\{(.*?)\|(.*?)\}")


def is_repeated(rule: Rule) -> bool:
    """Return whether a rule holds for any number of terms."""
    return "{" in rule.pattern


@cache
def graphs(rule: Rule, terms: int) -> tuple[Graph, Graph]:
    """Return pattern and replacement as graphs, written out for a number of terms."""
    names = set(re.findall(r"[a-z]\w*", rule.pattern)) | {f"z{k + 1}" for k in range(terms)}
    pattern, replacement = (
        _REPEATED.sub(lambda part: _written(part, terms), text)
        for text in (rule.pattern, rule.replacement)
    )
    return parse(pattern, names), parse(replacement, names)


def _written(part: "re.Match[str]", terms: int) -> str:
    return part[2].join(part[1].replace("#", str(k + 1)) for k in range(terms))
