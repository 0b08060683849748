"""Text of any depth and length is read without recursion, with work in proportion to it."""

import sys

import pytest

from backprop_cli.errors import LimitExceeded, SyntaxProblem
from backprop_cli.language.parser import parse


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
