"""The language's mistakes, as a table of programs and the errors they are refused with.

A mistake has an error, a part of its message, the column of its caret (counted from 1), and a
part of its hint.
"""

import pytest

from backprop_cli.errors import (
    ArityProblem,
    BackpropError,
    LimitExceeded,
    SyntaxProblem,
    UnknownFunction,
    UnknownInput,
)
from backprop_cli.language.parser import parse

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
