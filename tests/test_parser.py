"""The language, as a table of programs and the graphs they mean, and one of mistakes.

A graph is written in prefix form, each operation by the name of its row: `a + b*c` is
`add(a, mul(b, c))`. A mistake has an error, a part of its message, the column of its caret
(counted from 1), and a part of its hint.
"""

import random
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop_cli.calculus.values import forward_values
from backprop_cli.errors import (
    ArityProblem,
    BackpropError,
    LimitExceeded,
    SyntaxProblem,
    UnknownFunction,
    UnknownInput,
)
from backprop_cli.graph import Graph
from backprop_cli.language.parser import parse
from backprop_cli.operations import CONSTANT, INPUT, TABLE


def prefix(graph: Graph) -> str:
    """Return the output of a graph in prefix form, each node written out."""
    texts: list[str] = []
    names = {node: name for name, node in graph.inputs.items()}
    for node in range(graph.size):
        operands = [texts[k] for k in graph.operands_of(node)]
        row = graph.rows[node]
        if row == INPUT:
            texts.append(names[node])
        elif row == CONSTANT:
            texts.append(graph.literals[node])
        else:
            texts.append(f"{TABLE[row].name}({', '.join(operands)})")
    return texts[graph.outputs[0]]


MEANINGS = [
    # + - * / ^ **, parentheses, numbers, names, calls
    ("a + b - c", "sub(add(a, b), c)"),
    ("a - b + c", "add(sub(a, b), c)"),
    ("a - (b - c)", "sub(a, sub(b, c))"),
    ("a*b/c", "div(mul(a, b), c)"),
    ("a/b*c", "mul(div(a, b), c)"),
    ("a/b/c", "div(div(a, b), c)"),
    ("a + b*c", "add(a, mul(b, c))"),
    ("(a + b)*c", "mul(add(a, b), c)"),
    ("((a))", "a"),
    ("2", "2"),
    (".5", ".5"),
    ("5.", "5."),
    ("1e-3", "1e-3"),
    ("1.5E+10", "1.5E+10"),
    ("007", "007"),
    ("x_1 + Longer_name2", "add(x_1, Longer_name2)"),
    ("_x", "_x"),
    ("alpha + β", "add(alpha, β)"),
    ("größe*2", "mul(größe, 2)"),
    ("sin(x)", "sin(x)"),
    ("sin (x)", "sin(x)"),
    ("atan2(y, x)", "atan2(y, x)"),
    ("max(a, b, c)", "max(a, b, c)"),
    ("ln(x)", "log(x)"),
    ("pow(x, y)", "pow(x, y)"),
    ("leaky_relu(x)", "leaky_relu(x, 0.01)"),
    ("leaky_relu(x, .2)", "leaky_relu(x, .2)"),
    # ^ and ** are the same, bind right, and tighter than unary minus
    ("x^2", "pow(x, 2)"),
    ("x**2", "pow(x, 2)"),
    ("a^b**c", "pow(a, pow(b, c))"),
    ("(a^b)^c", "pow(pow(a, b), c)"),
    ("-x^2", "neg(pow(x, 2))"),
    ("(-x)^2", "pow(neg(x), 2)"),
    ("2^-1", "pow(2, neg(1))"),
    ("2^-x^2", "pow(2, neg(pow(x, 2)))"),
    ("2**--x", "pow(2, neg(neg(x)))"),
    ("a^+b", "pow(a, b)"),
    ("a*b^c", "mul(a, pow(b, c))"),
    ("a^b*c", "mul(pow(a, b), c)"),
    ("-a*b", "mul(neg(a), b)"),
    ("a*-b", "mul(a, neg(b))"),
    ("a--b", "sub(a, neg(b))"),
    ("+a", "a"),
    ("-+-a", "neg(neg(a))"),
    ("sin(x)^2", "pow(sin(x), 2)"),
    # Implicit multiplication where it can mean one thing
    ("2x", "mul(2, x)"),
    ("2(a+b)", "mul(2, add(a, b))"),
    ("2sin(x)", "mul(2, sin(x))"),
    ("(a+b)(b+c)", "mul(add(a, b), add(b, c))"),
    ("(a+b)c", "mul(add(a, b), c)"),
    ("(a)b(c)", None),  # b(c) would be a call: see the mistakes
    ("x²y", "mul(pow(x, 2), y)"),
    ("2πr", "mul(mul(2, pi), r)"),
    ("2 x", "mul(2, x)"),
    ("sin(x)cos(x)", "mul(sin(x), cos(x))"),
    ("sin(x)y", "mul(sin(x), y)"),
    ("2x^2", "mul(2, pow(x, 2))"),
    ("2x + 3y", "add(mul(2, x), mul(3, y))"),
    ("-2x", "mul(neg(2), x)"),
    ("2x/y", "div(mul(2, x), y)"),
    ("2x*3y", "mul(mul(mul(2, x), 3), y)"),
    ("a*2b", "mul(mul(a, 2), b)"),
    ("(a)(b)(c)", "mul(mul(a, b), c)"),
    ("1/(2x)", "div(1, mul(2, x))"),
    ("2^(3x)", "pow(2, mul(3, x))"),
    ("a/b + 2x", "add(div(a, b), mul(2, x))"),
    ("2max(a, b)", "mul(2, max(a, b))"),
    ("3√x", "mul(3, sqrt(x))"),
    ("(a+b)²(c)", "mul(pow(add(a, b), 2), c)"),
    # Unicode as people paste it
    ("a×b·c⋅d", "mul(mul(mul(a, b), c), d)"),
    ("a−b÷c", "sub(a, div(b, c))"),
    ("x²+y³", "add(pow(x, 2), pow(y, 3))"),
    ("x¹²", "pow(x, 12)"),
    ("x⁻¹", "pow(x, neg(1))"),
    ("-x²", "neg(pow(x, 2))"),
    ("2²", "pow(2, 2)"),
    ("3² + 4²", "add(pow(3, 2), pow(4, 2))"),
    ("1.5e3²", "pow(1.5e3, 2)"),
    ("π²", "pow(pi, 2)"),
    ("2x²", "mul(2, pow(x, 2))"),
    ("sin(x)²", "pow(sin(x), 2)"),
    ("√x", "sqrt(x)"),
    ("√2x", "mul(sqrt(2), x)"),
    ("√x^2", "pow(sqrt(x), 2)"),
    ("√x²", "pow(sqrt(x), 2)"),
    ("√(x+1)", "sqrt(add(x, 1))"),
    ("√√x", "sqrt(sqrt(x))"),
    ("√sin(x)", "sqrt(sin(x))"),
    ("-√x", "neg(sqrt(x))"),
    ("πx", "mul(pi, x)"),
    ("θ + Δx", "add(θ, Δx)"),
    ("x₁ + x1", "add(x1, x1)"),
    ("ｘ + x", "add(x, x)"),
    ("\ufeffx + 1", "add(x, 1)"),
    ("a +\u00a0b", "add(a, b)"),
    ("a\t+\u2003b\r\n", "add(a, b)"),
    # Programs
    ("d = a+b; f = d*c", "mul(add(a, b), c)"),
    ("d = a+b\nf = d*c", "mul(add(a, b), c)"),
    ("d = a+b\r\nf = d*c\r\n", "mul(add(a, b), c)"),
    ("f = (a +\n b)", "add(a, b)"),
    ("max(a,\n\n b)", "max(a, b)"),
    ("f = x # a comment; y\n", "x"),
    ("# nothing\n\n;; x ;\n", "x"),
    ("# π and ' in a comment\nx", "x"),
    ("c = a + b; c = c^2; c + 1", "add(pow(add(a, b), 2), 1)"),
    ("x + 1; y*2", "mul(y, 2)"),
    ("y = x; y + y", "add(x, x)"),
    # Functions of one's own
    ("sq(t) = t^2; f = sq(x) + sq(y)", "add(pow(x, 2), pow(y, 2))"),
    ("sq(t) = t^2\nsq(sq(x))", "pow(pow(x, 2), 2)"),
    ("sin(t) = t + 1; sin(x)", "add(x, 1)"),
    ("sin(t) = sin(t)", None),
    ("g(a, b=2) = a*b; g(x) + g(x, 3)", "add(mul(x, 2), mul(x, 3))"),
    ("g(a, b=-2) = a*b; g(x)", "mul(x, neg(2))"),
    ("all(z...) = max(z...) - min(z...); all(x, y)", "sub(max(x, y), min(x, y))"),
    ("g(k, z...) = k*sum(z...); g(2, x, y)", "mul(2, sum(x, y))"),
    ("k = 3; g(t) = k*t; k = 5; g(x)", "mul(3, x)"),
    ("g(t) = t*w; g(x)", "mul(x, w)"),
    ("g(x) = x + 1; h(x) = g(x)*x; h(y)", "mul(add(y, 1), y)"),
    ("g(t) =\n t + 1", None),
    ("g(t) = (t +\n 1); g(x)", "add(x, 1)"),
    ("relu2(x) = where(x > 0, x^2, 0)\nrelu2(a)", "where(greater(a, 0), pow(a, 2), 0)"),
    ("t = 1; g(t) = t; g(x) + t", "add(x, 1)"),
    ("seven() = 7; seven() + x", "add(7, x)"),
    # The prelude
    ("mse(p, t)", "pow(sub(p, t), 2)"),
    ("sec(x)", "div(1, cos(x))"),
    ("maxout(a, b)", "max(a, b)"),
    ("cross_entropy(0, a, b)", "sub(logsumexp(a, b), pick(0, a, b))"),
    ("mse(t) = t; mse(x)", "x"),
    # Conditions
    ("where(x > 0, x, 0.01*x)", "where(greater(x, 0), x, mul(0.01, x))"),
    ("where(a < b, a, b)", "where(less(a, b), a, b)"),
    ("where(a <= b, a, b)", "where(less_equal(a, b), a, b)"),
    ("where(a >= b, a, b)", "where(greater_equal(a, b), a, b)"),
    ("where(a == b, a, b)", "where(equal(a, b), a, b)"),
    ("where(a != b, a, b)", "where(not_equal(a, b), a, b)"),
    ("where(x + 1 > 2*y, 1, 0)", "where(greater(add(x, 1), mul(2, y)), 1, 0)"),
    ("where(-x < -1, 1, 0)", "where(less(neg(x), neg(1)), 1, 0)"),
    ("where(a>0, where(b>0, x, y), y)", "where(greater(a, 0), where(greater(b, 0), x, y), y)"),
    # Constants
    ("pi + e + tau", "add(add(pi, e), tau)"),
    ("e = 3; e + pi", "add(3, pi)"),
    ("2 e", "mul(2, e)"),
]  # fmt: skip
MEANINGS = [(source, expected) for source, expected in MEANINGS if expected is not None]


@pytest.mark.parametrize(("source", "expected"), MEANINGS)
def test_programs_mean(source: str, expected: str) -> None:
    assert prefix(parse(source)) == expected


@pytest.mark.parametrize(("source", "expected"), MEANINGS)
def test_a_comment_and_a_line_end_change_nothing(source: str, expected: str) -> None:
    assert prefix(parse(f"\n{source} # comment\r\n\n")) == expected


@pytest.mark.parametrize(
    ("source", "bound", "expected"),
    [
        ("e + pi", ("e", "pi"), {"e", "pi"}),
        ("π*2", ("pi",), {"pi"}),
        ("sin + 1", ("sin",), {"sin"}),
        ("sin(sin)", ("sin",), {"sin"}),
        ("lambda + S + E + I + beta + N", (), {"lambda", "S", "E", "I", "beta", "N"}),
        ("where(t > 0, f, v1)", (), {"t", "f", "v1"}),
        ("x1 + x₁", ("x1",), {"x1"}),
        ("unused = y; x", (), {"x", "y"}),
        ("g(t) = t + e; g(x)", ("e",), {"e", "x"}),
    ],
)
def test_free_names_are_inputs(source: str, bound: tuple[str, ...], expected: set[str]) -> None:
    assert set(parse(source, bound).inputs) == expected


def test_a_variable_is_one_node_and_other_subexpressions_stay_as_typed() -> None:
    graph = parse("sin(x) + sin(x)")
    assert [TABLE[row].name for row in graph.rows] == ["input", "sin", "sin", "add"]


def test_an_argument_used_twice_is_one_node() -> None:
    graph = parse("sq(t) = t*t; sq(x + 1)")
    assert [TABLE[row].name for row in graph.rows] == ["input", "constant", "add", "mul"]
    assert list(graph.operands_of(3)) == [2, 2]


def test_operands_stand_before_their_users() -> None:
    graph = parse("h = tanh(w*x + b); y = where(h > 0, h^2, -h); y/(1 + y)")
    assert all(k < node for node in range(graph.size) for k in graph.operands_of(node))


def test_a_constant_keeps_its_literal() -> None:
    assert list(parse("0.10 + 1e400 + pi + tau").literals.values()) == [
        "0.10",
        "1e400",
        "pi",
        "tau",
    ]


def labels(source: str) -> dict[str, int]:
    return {label: node for node, label in parse(source).labels.items()}


def test_named_intermediates_keep_their_names() -> None:
    assert labels("d = a+b; f = d*c") == {"d": 2, "f": 4}


def test_a_name_assigned_again_is_marked() -> None:
    assert list(labels("c = a + b; c = 2*c; c = c^2")) == ["c", "c′2", "c′3"]


@pytest.mark.parametrize(
    ("source", "name"),
    [("x + 1", "f"), ("f = x; f + 1", "f1"), ("f*f1", "f2"), ("d = x + 1", "d"), ("x", None)],
)
def test_an_unnamed_output_is_called_f_unless_that_is_taken(source: str, name: str | None) -> None:
    graph = parse(source)
    assert graph.labels.get(graph.outputs[0]) == name


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ("1 + log(x - 2)*3", "log(x - 2)"),
        ("(a + b)*log( x )", "log( x )"),
        ("x + -√(log(x))", "log(x)"),
        ("g(t) = log(t); 1 + g(x + 1)", "g(x + 1)"),
        ("a×β²÷log(γ)", "log(γ)"),
    ],
)
def test_every_node_carries_the_span_of_what_the_user_wrote(source: str, part: str) -> None:
    graph = parse(source)
    node = next(k for k, row in enumerate(graph.rows) if TABLE[row].name == "log")
    span = graph.span_of(node)
    assert source[span.start : span.end] == part


def test_the_span_of_an_operation_covers_the_parentheses_of_its_operands() -> None:
    graph = parse("2*(a + b) - c")
    spans = [source_of(graph, node) for node in range(graph.size)]
    assert spans == ["2", "a", "b", "a + b", "2*(a + b)", "c", "2*(a + b) - c"]


def source_of(graph: Graph, node: int) -> str:
    span = graph.span_of(node)
    return graph.source[span.start : span.end]


# ------------------------------------------------------------------------------------ mistakes

S, F, A, U, L = SyntaxProblem, UnknownFunction, ArityProblem, UnknownInput, LimitExceeded

MISTAKES = [
    # Nothing to compute
    ("", S, "empty", 1, ""),
    ("  \n # only a comment", S, "empty", 1, ""),
    ("f(x) = x^2", S, "a definition has no value of its own", 1, "calls f"),
    # Operands and operators
    ("a+", S, "expected an operand, found the end", 3, ""),
    ("a+*b", S, "expected an operand, found '*'", 3, ""),
    ("a*/b", S, "expected an operand, found '/'", 3, ""),
    ("* a", S, "expected an operand, found '*'", 1, ""),
    ("a + ; b", S, "expected an operand", 5, ""),
    ("a +\nb", S, "expected an operand, found the end of the line", 4, ""),
    ("x y", S, "expected an operator, found a name", 3, "x*y"),
    ("x 2", S, "expected an operator, found a number", 3, "x*2"),
    ("2 3", S, "expected an operator, found a number", 3, "2*3"),
    ("xπ", S, "expected an operator, found 'π'", 2, "x*π"),
    ("(a) 2", S, "expected an operator, found a number", 5, "(a)*2"),
    ("x y(3)", S, "expected an operator, found a call", 3, "x*y(3)"),
    # Parentheses
    ("(a+b", S, "never closed", 1, "add a ')'"),
    ("((a+b)*(b+c)", S, "never closed", 1, "add a ')'"),
    ("sin(x", S, "never closed", 1, "add a ')'"),
    ("a+b)", S, "closes nothing", 4, "remove it"),
    (")", S, "expected an operand, found ')'", 1, "no parenthesis is open"),
    ("()", S, "between these parentheses", 2, ""),
    ("(a+)", S, "expected an operand, found ')'", 4, ""),
    ("(a;b)", S, "never closed", 1, "')'"),
    ("(a+b]", S, "']'", 5, "parentheses"),
    # A name before a parenthesis is a call
    ("a(b+c)", F, "a is not a function", 1, "a*(b+c)"),
    ("(a)b(c)", F, "b is not a function", 4, "b*(c)"),
    ("x = 2; x(3)", F, "x is not a function", 8, "x*(3)"),
    ("pi(3)", F, "pi is not a function", 1, "pi*(3)"),
    ("sine(x)", F, "unknown function 'sine'", 1, "did you mean 'sin'?"),
    ("1 + arctan(x)", F, "unknown function 'arctan'", 5, "did you mean 'atan'?"),
    ("SQRT(x)", F, "unknown function 'SQRT'", 1, "did you mean 'sqrt'?"),
    ("foo(t) = t; fooo(x)", F, "unknown function 'fooo'", 13, "did you mean 'foo'?"),
    ("__import__(x)", F, "unknown function", 1, ""),
    ("add(x, y)", F, "unknown function 'add'", 1, ""),
    ("input(x)", F, "unknown function 'input'", 1, ""),
    # Two readings
    ("1/2x", S, "two ways", 4, "1/(2*x) or 1/2*x"),
    ("1/2(x+1)", S, "two ways", 4, "1/(2*(x+1)) or 1/2*(x+1)"),
    ("a/(b)(c)", S, "two ways", 6, "a/((b)*(c))"),
    ("2^3x", S, "two ways", 4, "2^(3*x) or 2^3*x"),
    ("a / 2 b", S, "two ways", 7, "write a/(2*b) or a/2*b"),
    ("(a) ^ -  2 b", S, "two ways", 12, "write (a)^(2*b) or (a)^2*b"),
    ("x^2y", S, "two ways", 4, "x^(2*y) or x^2*y"),
    ("x^2sin(y)", S, "two ways", 4, "x^(2*sin(y))"),
    ("x^-2y", S, "two ways", 5, ""),
    ("a/b²c", S, "two ways", 5, ""),
    ("x²³", None, "", 0, ""),
    ("x²^3", S, "two ways", 2, ""),
    ("² + 1", S, "expected an operand", 1, "follows what it raises"),
    # Numbers
    ("2e", S, "2e is not a number", 1, "2*e"),
    ("1e+x", S, "1e is not a number", 1, ""),
    ("2E*3", S, "2E is not a number", 1, ""),
    ("1_000", S, "_ is not part of a number", 2, "1000"),
    ("0x1F", S, "0x1F is not a decimal number", 1, ""),
    ("0b101", S, "0b101 is not a decimal number", 1, ""),
    ("2e3x", S, "2e3x can be read in two ways", 1, "2e3*x"),
    ("1..2", S, "one point", 3, ""),
    ("1.2.3", S, "one point", 4, ""),
    ("1e5.5", S, "one point", 4, ""),
    ("x.y", S, "'.'", 2, "no parts"),
    (".", S, "'.'", 1, ""),
    ("１２", S, "", 1, ""),
    ("٣", S, "", 1, ""),
    # Commas
    ("1,000", S, "a comma can only separate the arguments of a call", 2, "without separators"),
    ("(a, b)", S, "a comma can only separate", 3, ""),
    ("a = 1, b = 2", S, "a comma can only separate", 6, "statements with ;"),
    ("max(,a)", S, "expected an operand, found ','", 5, ""),
    ("max(a,)", S, "expected an operand, found ')'", 7, ""),
    # Arity
    ("sin()", A, "sin takes 1 argument, got 0", 1, ""),
    ("1 + sin(a, b)", A, "sin takes 1 argument, got 2", 5, ""),
    ("atan2(a)", A, "atan2 takes 2 arguments, got 1", 1, ""),
    ("max()", A, "max takes 1 or more arguments, got 0", 1, ""),
    ("pick(1)", A, "pick takes 2 or more arguments, got 1", 1, ""),
    ("leaky_relu(a, b, c)", A, "leaky_relu takes 1 or 2 arguments, got 3", 1, ""),
    ("normal_pdf()", A, "normal_pdf takes 1 to 3 arguments, got 0", 1, ""),
    ("mse(a)", A, "mse takes 2 arguments, got 1", 1, ""),
    ("where(a > 0, b)", A, "where takes 3 arguments, got 2", 1, ""),
    ("g(t) = t; g(1, 2)", A, "g takes 1 argument, got 2", 11, ""),
    # Programs
    ("= a", S, "'='", 1, "start of a statement"),
    ("a + b = c", S, "an assignment stands at the start of a statement", 5, ""),
    ("f = c = 2", S, "an assignment stands at the start", 5, ""),
    ("f =", S, "expected an operand", 4, ""),
    ("2 = x", S, "", 3, ""),
    ("y = x; x = 2", S, "x is read before it is assigned", 5, "assign x before its first use"),
    ("c = c + 1", S, "c is read before it is assigned", 5, ""),
    ("y = pi; pi = 3", S, "pi is read before it is assigned", 5, ""),
    # Functions of one's own
    ("f(x) = f(x) + 1; f(2)", S, "f calls itself", 8, "defined before"),
    ("f(x) = g(x); g(x) = x; f(1)", F, "g is not a function", 8, ""),
    ("f(x, x) = x; f(1, 2)", S, "a name of its own", 5, ""),
    ("f(2) = 3", S, "a name of its own", 3, "define a function"),
    ("f(a=1, b) = a; f(1)", S, "comes last", 7, ""),
    ("f(a=b) = a; f(1)", S, "a default is a number", 3, ""),
    ("f(z..., a) = a; f(1)", S, "comes last", 8, ""),
    ("f(z...) = z; f(1)", S, "z stands for several arguments", 11, "sum(z...)"),
    ("f(z...) = sum(z..., 1); f(1)", S, "passed on whole, and last", 19, ""),
    ("f(t) = ; f(1)", S, "", 8, ""),
    ("f(t) = t +; f(1)", S, "expected an operand", 11, ""),
    ("sum(x...)", S, "...", 6, ""),
    ("1 + f(x) = x", S, "a definition stands at the start", 5, ""),
    # Conditions
    ("x > 0", S, "a comparison can only be the first argument of where", 3, "where(x > 0, a, b)"),
    ("where(x, 1, 2)", S, "where needs a condition first", 7, "where(x > 0, x, 0)"),
    ("where(1, x > 0, 2)", S, "", 7, ""),
    ("where(x > 0, x > 1, 2)", S, "a comparison can only be the first argument", 16, ""),
    ("where((x > 0), 1, 2)", S, "a comparison can only be", 10, "without parentheses"),
    ("max(x > 0, 1)", S, "a comparison can only be", 7, ""),
    ("where(1 + (x > 0), 1, 2)", S, "a comparison can only be", 14, ""),
    ("where(a < b < c, 1, 2)", S, "comparisons cannot be chained", 13, "inside another"),
    ("where(a > 0 and b > 0, 1, 2)", S, "", None, "inside another"),
    ("where(a > 0 or b > 0, 1, 2)", S, "", None, "inside another"),
    ("where(not a > 0, 1, 2)", S, "", 11, "turn the comparison round"),
    ("where(a > 0 && b > 0, 1, 2)", S, "'&'", 13, ""),
    ("where(a = b, 1, 2)", S, "", 7, "=="),
    ("where(a ≤ b, 1, 2)", S, "≤", 9, "<="),
    ("a <> b", S, "", 3, ""),
    ("where(a =< b, 1, 2)", S, "", 7, ""),
    # What people try
    ("|x|", S, "'|'", 1, "abs(x)"),
    ("2*|x|", S, "'|'", 3, "abs(x)"),
    ("sin^2(x)", S, "sin is a function", 1, "sin(x)^2"),
    ("sin²(x)", S, "sin is a function", 1, "sin(x)^2"),
    ("sin x", S, "sin is a function", 1, "sin(x)"),
    ("exp + 1", S, "exp is a function", 1, "exp(x)"),
    ("a^{2}", S, "'{'", 3, "( )"),
    ("5!", S, "'!'", 2, "gamma"),
    ("x if c else y", S, "", 3, "where(condition, a, b)"),
    ("if x then y", S, "", 4, "where(condition, a, b)"),
    ("lambda x: x", S, "", 8, "f(x) = x^2"),
    ("a % b", S, "'%'", 3, "floor"),
    ("a // b", S, "expected an operand, found '/'", 4, ""),
    ("[1, 2]", S, "'['", 1, "( )"),
    ("'x'", S, "found '''", 1, "names take letters"),
    ("x:y", S, "':'", 2, ""),
    ("a\\\nb", S, "", 2, ""),
    ("x → y", S, "U+2192", 3, ""),
    ("∂x", S, "∂", 1, ""),
    ("½x", S, "½", 1, "(1/2)"),
    ("x + ∞", S, "∞", 5, ""),
    ("`x`", S, "'`'", 1, ""),
    # Control characters, and a caret in code points
    ("x\x00y", S, "U+0000", 2, ""),
    ("x + \x1b[31m", S, "U+001B", 5, ""),
    ("x\x0by", S, "U+000B", 2, ""),
    ("x\u200by", S, "U+200B", 2, ""),
    ("\u202ex", S, "U+202E", 1, ""),
    ("x\u2028y", S, "U+2028", 2, ""),
    ("𝛼²β + $", S, "'$'", 7, ""),
    ("(x + \n(y + 😀))", S, "U+1F600", None, ""),
]  # fmt: skip
MISTAKES = [mistake for mistake in MISTAKES if mistake[1] is not None]


@pytest.mark.parametrize(("source", "kind", "message", "column", "hint"), MISTAKES)
def test_mistakes_point_and_help(
    source: str, kind: type[BackpropError], message: str, column: int | None, hint: str
) -> None:
    with pytest.raises(BackpropError) as caught:
        parse(source)
    error = caught.value
    assert type(error) is kind, error.message
    assert message in error.message
    assert error.span is not None
    assert column is None or error.span.start + 1 == column, error.message
    assert error.span.end >= error.span.start
    assert hint in error.hint
    assert error.source == source
    assert error.exit_code == 2
    assert error.message[:1] == error.message[:1].lower() or error.message.startswith(source[:3])


@pytest.mark.parametrize(
    ("source", "bound", "fragment"),
    [
        ("d = a + b; f = d*c", ("d",), "d is assigned by the program"),
        ("e = 2; f = e*x", ("e",), "e is assigned by the program"),
        ("x₁ = 2; f = x1*y", ("x1",), "x1 is assigned by the program"),
    ],
)
def test_a_name_that_the_program_assigns_cannot_be_bound(
    source: str, bound: tuple[str, ...], fragment: str
) -> None:
    with pytest.raises(UnknownInput, match=fragment):
        parse(source, bound)


def test_an_error_inside_a_definition_points_into_the_users_text() -> None:
    source = "g(t) = t + sine(t); g(x)"
    with pytest.raises(UnknownFunction) as caught:
        parse(source)
    span = caught.value.span
    assert span is not None
    assert source[span.start : span.end] == "sine"


def test_an_error_of_a_call_points_at_the_users_call_and_never_into_the_prelude() -> None:
    source = "1 + huber(x)"
    with pytest.raises(ArityProblem) as caught:
        parse(source)
    assert caught.value.source == source
    assert caught.value.span == (4, 9)


# ---------------------------------------------------------------------------- depth and size


@pytest.fixture
def low_recursion_limit():
    """Leave the parser a hundred frames more than the tests themselves need."""
    depth, frame = 0, sys._getframe()
    while frame is not None:
        depth, frame = depth + 1, frame.f_back
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(depth + 100)
    yield
    sys.setrecursionlimit(limit)


DEPTH = 100_000


@pytest.mark.usefixtures("low_recursion_limit")
@pytest.mark.parametrize(
    ("source", "operations"),
    [
        ("(" * DEPTH + "x" + ")" * DEPTH, 0),
        ("sin(" * DEPTH + "x" + ")" * DEPTH, DEPTH),
        ("-" * DEPTH + "x", DEPTH),
        ("√" * DEPTH + "x", DEPTH),
        ("x" + "^x" * DEPTH, DEPTH),
        ("x" + "^-x" * DEPTH, 2 * DEPTH),
        ("max(x, " * DEPTH + "x" + ")" * DEPTH, DEPTH),
        ("where(x > 0, x, " * 30_000 + "x" + ")" * 30_000, None),
        ("2(" * DEPTH + "x" + ")" * DEPTH, None),
        ("x" + "²+x" * DEPTH, None),
        ("; ".join(["y = x"] + ["y = y + 1"] * DEPTH), None),
    ],
    ids=lambda value: str(value)[:12],
)
def test_depth_takes_no_recursion(source: str, operations: int | None) -> None:
    graph = parse(source)
    assert operations is None or graph.size == 1 + operations


@pytest.mark.usefixtures("low_recursion_limit")
def test_a_sum_of_a_million_terms_is_read() -> None:
    graph = parse("+".join(["x"] * 1_000_000))
    assert graph.size == 1_000_000


@pytest.mark.usefixtures("low_recursion_limit")
def test_unclosed_parentheses_of_any_number_are_one_error() -> None:
    with pytest.raises(SyntaxProblem, match="100,000 parentheses are never closed"):
        parse("(" * DEPTH + "x")


@pytest.mark.usefixtures("low_recursion_limit")
def test_a_chain_of_definitions_takes_no_recursion() -> None:
    lines = ["g0(t) = t + 1"] + [f"g{k}(t) = g{k - 1}(t) + 1" for k in range(1, 2000)]
    graph = parse("\n".join([*lines, "g1999(x)"]))
    assert graph.size == 1 + 2 * 2000


def test_an_expansion_past_ten_million_nodes_is_refused_with_its_count_at_once() -> None:
    lines = ["g0(t) = t + 1"] + [f"g{k}(t) = g{k - 1}(t) + g{k - 1}(t)" for k in range(1, 60)]
    with pytest.raises(LimitExceeded, match=r"expands the program to [\d,]{10,} nodes") as caught:
        parse("\n".join([*lines, "1 + g59(x)"]))
    error = caught.value
    assert error.span is not None
    assert error.source[error.span.start : error.span.end] == "g59(x)"
    assert "10,000,000" in error.hint


@pytest.mark.parametrize(
    "shape",
    [
        lambda n: "+".join(["x"] * n),
        lambda n: "(" * n + "x" + ")" * n,
        lambda n: "x" + "^x" * n,
        lambda n: "".join(f"a{k} = x*{k}; " for k in range(n)) + "x",
        lambda n: "g(t) = t*t; " + "+".join(["g(x)"] * n),
        lambda n: "max(" + ", ".join(["x"] * n) + ")",
        lambda n: "2(x)" + "(x)" * n,
        lambda n: "".join(f"g{k}(t) = t + {k}; " for k in range(n)) + "x",
    ],
    ids=range(8),
)
def test_work_grows_in_proportion_to_the_text(shape) -> None:
    """Calls of Python functions are counted, not seconds: ten times the text, ten times the calls."""
    few, many = calls_of(shape(200)), calls_of(shape(2000))
    assert many <= 10.5 * few


def calls_of(source: str) -> int:
    count = 0

    def step(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(step)
    try:
        parse(source)
    finally:
        sys.setprofile(None)
    return count


# --------------------------------------------------------------------------------- random text

VALID = [source for source, _ in MEANINGS]
INGREDIENTS = [
    *"abcxyzefπ²³⁻√×·−÷()()()+-*/^^,,;=<>!.0123456789 \t\n#_|{}[]'\"\\&%$@~?:∞½\x00\x1b\u200b\ufeff",
    *("where(", "max(", "sin(", "g(t) = ", "f(z...) = ", "z...", "**", "==", "<=", "1e", "e5"),
    *("pi", "lambda", "if", "and", "huber(", "pick(", "cross_entropy(", "😀", "ｘ", "x₁", "́"),
]


def never_more_than_an_error(source: str, bound: tuple[str, ...] = ()) -> None:
    """Parse; a refusal must be ours, and point into the text."""
    refused: BackpropError | None = None
    try:
        graph = parse(source, bound)
    except BackpropError as error:
        refused = error
    if refused is None:
        assert len(forward_values(graph, dict.fromkeys(graph.inputs, 0.5))) == graph.size
        return
    assert refused.message
    assert refused.source == source
    assert refused.span is not None
    assert 0 <= refused.span.start <= refused.span.end <= max(len(source), 1)


fuzzed = settings(derandomize=True, deadline=None, max_examples=500)


@fuzzed
@given(st.text(max_size=40))
def test_random_text_is_read_or_refused(source: str) -> None:
    never_more_than_an_error(source)


@fuzzed
@given(st.lists(st.sampled_from(INGREDIENTS), max_size=25).map("".join))
def test_random_mixtures_of_tokens_are_read_or_refused(source: str) -> None:
    never_more_than_an_error(source)
    never_more_than_an_error(source, ("x", "e", "pi", "sin", "f"))


@fuzzed
@given(st.binary(max_size=60))
def test_random_bytes_are_read_or_refused(raw: bytes) -> None:
    never_more_than_an_error(raw.decode("utf-8", "replace"))
    never_more_than_an_error(raw.decode("latin-1"))


def test_valid_programs_with_a_few_characters_changed_are_read_or_refused() -> None:
    chance = random.Random("a corpus of slips")
    for _ in range(6000):
        text = list(chance.choice(VALID))
        for _ in range(chance.randint(1, 3)):
            place = chance.randrange(len(text) + 1)
            how = chance.randrange(4)
            if how == 0:
                text[place:place] = [chance.choice(INGREDIENTS)]
            elif how == 1:
                del text[place : place + chance.randint(1, 4)]
            elif how == 2:
                text[place : place + 1] = [chance.choice(INGREDIENTS)]
            else:
                other = chance.choice(VALID)
                text[place:place] = list(other[: chance.randrange(len(other) + 1)])
        never_more_than_an_error("".join(text))
