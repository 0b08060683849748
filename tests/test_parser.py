"""The language, as a table of programs and the graphs they mean.

A graph is written in prefix form, each operation by the name of its row: `a + b*c` is
`add(a, mul(b, c))`.
"""

import pytest

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
