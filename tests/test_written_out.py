"""What is written out for speed does what the general code does, which stays as its measure.

Reading: tokens by one regular expression and a method for each, against text that is cut by its
signs and the common steps in one loop. Sweeping: partials one by one, against the loop.
"""

import random
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_agreement import repeatable

from backprop_cli.calculus import reverse as sweep
from backprop_cli.calculus.reverse import reverse
from backprop_cli.calculus.values import forward_values
from backprop_cli.errors import BackpropError
from backprop_cli.graph import BLOCK, Graph, GraphBuilder
from backprop_cli.language import tokens
from backprop_cli.language.parser import Parser, parse
from backprop_cli.language.tokens import KINDS, kind_of, next_token, pieces
from backprop_cli.operations import ADD, INPUT, ROW, TABLE
from backprop_cli.readings.floats import FLOATS
from backprop_cli.readings.formulas import left_operand, right_operand
from tests.strategies import Program, programs

END = KINDS.index("end") + 1
PLAIN = (
    *("x", "y", "ab", "x", "y", "2", "0.5", "1e3", "2e", "1.2.3", ".5", "1_0", "pi", "e", "e-2"),
    *("+", "-", "*", "/", "^", "(", ")", "(", ")", ",", ";", "\n", "=", "a =", "b=", " + ", " - "),
    *("relu(", "max(", "sin (", "sq(", "z...", "2x", "x y", "2(", ")(", " ", "()", " (", " )"),
)
ODD = ("**", "==", "  ", "\t", "1e-3", "#c\n", "<", "²", "√", "π", "×", "\r\n", "sq(t) = t^2;", "!")
BOUND = ("x", "y", "pi", "sin", "2x", "x y")


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Draw text that is right, or wrong, or nearly right: three in four are plain."""
    pool = PLAIN if draw(st.integers(0, 3)) else (*PLAIN, *ODD)
    return "".join(draw(st.lists(st.sampled_from(pool), max_size=25)))


def token_by_token(self: Parser, start: int, end: int) -> None:
    """Read as `Parser.run` does, with a match and a call for each token."""
    state = self.at_statement if self.template is None else self.at_operand
    kind = 0
    while kind != END:
        kind, token, start = next_token(self.text, start, end)
        state = state[kind](self, token, start - len(token), start)


def outcome(text: str) -> object:
    """Return the graph, or the error with all it says."""
    try:
        return parse(text, BOUND)
    except BackpropError as error:
        return type(error), error.message, error.span, error.hint, error.source


def check_reading(text: str) -> object:
    """Read text in small parts and token by token, and return what both come to."""
    with patch.object(tokens, "_PART", 8):
        found = outcome(text)
    with patch.object(Parser, "run", token_by_token):
        assert outcome(text) == found
    return found


@repeatable(1500)
@given(texts())
def test_text_in_pieces_is_the_same_tokens(text: str) -> None:
    with patch.object(tokens, "_PART", 8):
        parts = list(pieces(text, 0, len(text)))
    cut = [piece for part in parts for piece in part]
    assert "".join(cut) == text
    assert [next_token(piece, 0, len(piece))[0] == END for piece in cut].index(True) == len(cut) - 1
    seen, right = [], 0
    for piece in cut:
        left, right = right, right + len(piece)
        whole = kind_of(piece.lstrip(" \t"))
        if whole:
            assert next_token(text, left, right) == (whole, piece.lstrip(" \t"), right)
        while left < right:
            *found, left = next_token(text, left, right)
            seen.append((*found, left))
    expected, place = [], 0
    while place < len(text):
        *found, place = next_token(text, place, len(text))
        expected.append((*found, place))
    assert [token for token in seen if token[0] != END] == [t for t in expected if t[0] != END]


@repeatable(1500)
@given(texts())
def test_text_of_all_kinds_is_read_as_token_by_token(text: str) -> None:
    check_reading(text)


@repeatable(60)
@given(programs())
def test_programs_are_read_as_token_by_token(program: Program) -> None:
    assert isinstance(check_reading(program.text), Graph)


CALLS = (
    "relu(t) = t^2; relu(x) + relu (y)",
    "exp(t) = exp(t) + 1; exp(x)",
    "exp(exp, t) = exp*t; exp(x, exp(x, y))",
    "exp(-x)^2 - exp((x))*exp(x + exp(y))",
    "max(exp(x), exp(y), sin(x)) + hypot(abs(x), exp(y))",
    "where(exp(x) > y, exp(x), sin(y))",
    "2exp(x)^2 + exp(x)exp(y)",
    "√exp(x) - exp(x)²",
    *("x*exp()", "exp(x, y)", "exp(x", "exp(x))", "exp(x > y)", "exp(x y)", "exp(z...)", "exp((x)"),
)


@pytest.mark.parametrize("text", CALLS)
def test_calls_are_read_as_token_by_token(text: str) -> None:
    check_reading(text)


@pytest.mark.parametrize("space", [" ", "\t", " # twice", "  "])
@pytest.mark.parametrize("body", ["2t", "t²", "exp(t)", "(t)", "t + k"])
def test_space_may_follow_the_body_of_a_definition(body: str, space: str) -> None:
    text = f"k = 3; f(t) = {body}{space}\nf(x) "
    assert isinstance(check_reading(text), Graph)


def test_long_programs_are_read_as_token_by_token() -> None:
    """Numbers, names met for the first time, parentheses, signs: more than one block of nodes."""
    draw = random.Random(1)
    terms = [
        draw.choice(("(x{0} - y)*{0}.5", "-x{0}^2/(y + 0.25)", "+(x{0})", "relu(x{0}*0.25)"))
        for _ in range(6_000)
    ]
    text = " + ".join(term.format(k % 700) for k, term in enumerate(terms))
    graph = outcome(text)
    assert isinstance(graph, Graph)
    assert graph.size > 2 * BLOCK
    with patch.object(Parser, "run", token_by_token):
        assert outcome(text) == graph


def test_a_million_deep_program_keeps_its_spans() -> None:
    depth = 300_000
    graph = parse("(" * depth + "x" + " + y)*0.5" * depth)
    assert graph.size == 3 * depth + 2
    assert graph.span_of(graph.outputs[0]) == (0, depth + 1 + 9 * depth)
    assert graph.span_of(2) == (depth, depth + 5)
    assert list(graph.operands_of(2)) == [graph.inputs["x"], graph.inputs["y"]]


# --------------------------------------------------------------------------------- sweeps


@repeatable(100)
@given(programs())
def test_the_loop_of_the_reverse_sweep_is_the_general_one(program: Program) -> None:
    graph = parse(program.text, program.point)
    values = forward_values(graph, program.point)
    active = graph.dependents(list(graph.inputs.values())[::2])
    found = reverse(graph, values, graph.outputs[0], active)
    with patch.object(sweep, "_COMMON", (0,) * len(TABLE)):
        assert reverse(graph, values, graph.outputs[0], active) == found


def test_a_partial_that_is_just_an_operand_is_told_apart() -> None:
    FLOATS.prepare_partials(parse("x*y + atan2(x, y)"))
    assert FLOATS.partials[ROW["mul"]] == (right_operand, left_operand)
    just = {op.name for op in TABLE if set(op.partials) & {"x", "y"} and len(op.parameters) == 2}
    assert just == {"mul"}
    assert right_operand(2.0, 3.0, 6.0) == 3.0
    assert left_operand(2.0, 3.0, 6.0) == 2.0


@repeatable(60)
@given(programs(), st.randoms(use_true_random=False))
def test_masks_are_what_a_walk_finds(program: Program, draw: random.Random) -> None:
    graph = parse(program.text, program.point)
    for count in (1, len(graph.inputs), 2 * len(graph.inputs)):
        sources = (list(graph.inputs.values()) + draw.sample(range(graph.size), 1))[:count]
        reached = set(sources)
        for node in range(graph.size):
            if reached.intersection(graph.operands_of(node)):
                reached.add(node)
        assert {k for k, marked in enumerate(graph.dependents(sources)) if marked} == reached


def test_every_leaf_a_source_means_every_node() -> None:
    graph = parse("x*y + x")
    assert list(graph.dependents(graph.inputs.values())) == [1, 1, 1, 1]
    assert list(parse("x*2 + 3*4").dependents([0])) == [1, 0, 1, 0, 0, 0, 1]


@pytest.mark.parametrize("nodes", [range(6), range(5, -1, -1), range(2, 5), range(5, 2, -1)])
def test_steps_of_a_range_are_those_of_its_nodes(nodes: range) -> None:
    graph = parse("where(x > y, sum(x, y, x), -x)")
    assert list(graph.steps(nodes)) == list(graph.steps(list(nodes)))
    assert [node for node, *_ in graph.steps(nodes)] == list(nodes)


def test_the_columns_are_those_of_the_example_in_the_docstring() -> None:
    graph = parse("(a + b)*max(a, b, 3)")
    assert [TABLE[row].name for row in graph.rows] == [
        "input", "input", "add", "constant", "max", "mul",
    ]  # fmt: skip
    pairs = list(zip(graph.firsts, graph.seconds, strict=True))
    assert pairs == [(0, 0), (0, 0), (0, 1), (0, 0), (0, 3), (2, 4)]
    assert list(graph.more) == [0, 1, 3]
    written = " ".join((Graph.__doc__ or "").split())
    assert "firsts, seconds " + " ".join(f"{one}, {two}" for one, two in pairs) in written


def test_operands_are_kept_whatever_their_number() -> None:
    builder = GraphBuilder()
    x, y = builder.input("x"), builder.input("y")
    rows = (ROW["sum"], ROW["neg"], ADD, ROW["where"], ROW["max"])
    read = ((x,), (y,), (y, y), (x, y, x), (y, x, y, x))
    nodes = [builder.add(row, operands) for row, operands in zip(rows, read, strict=True)]
    builder.settle()
    more = builder.add(ADD, (x, nodes[-1]))
    graph = GraphBuilder.following(builder.finish(nodes)).finish([more])
    assert [tuple(graph.operands_of(node)) for node in nodes] == list(read)
    assert tuple(graph.operands_of(more)) == (x, nodes[-1])
    assert graph.edges == sum(map(len, read)) + 2
    assert graph.applied == {INPUT, *rows}
