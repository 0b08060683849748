"""The layout of errors: four lines, a caret under the right column, nothing that harms a terminal."""

import json

import pytest

from backprop_cli.errors import BackpropError, MissingInput, Span, SyntaxProblem
from backprop_cli.language.parser import parse
from backprop_cli.render.errors import (
    error_object,
    failure_object,
    layout,
    layout_failure,
    readable,
)
from backprop_cli.render.json import dumps, refusal
from backprop_cli.studies.solution import Failure


def error_of(source: str) -> BackpropError:
    with pytest.raises(BackpropError) as caught:
        parse(source)
    return caught.value


LAYOUTS = [
    (
        "sine(x) + 1",
        "error: unknown function 'sine'\n  sine(x) + 1\n  ^^^^\n  did you mean 'sin'?",
    ),
    ("a+", "error: expected an operand, found the end of the text\n  a+\n    ^"),
    (
        "a = 1;\n# b\nc = sine(x)\n",
        "error: unknown function 'sine'\n  line 3: c = sine(x)\n              ^^^^\n"
        "  did you mean 'sin'?",
    ),
    (
        "変数 + sine(x)",
        "error: unknown function 'sine'\n  変数 + sine(x)\n         ^^^^\n  did you mean 'sin'?",
    ),
    (
        "e\u0301 + sine(x)",
        "error: unknown function 'sine'\n  e\u0301 + sine(x)\n      ^^^^\n  did you mean 'sin'?",
    ),
    (
        "x\t+\x1b[31m",
        "error: expected an operand, found U+001B a control character\n  x +U+001B[31m\n     ^^^^^^",
    ),
    ("\n\n", "error: the expression is empty"),
]


@pytest.mark.parametrize(("source", "text"), LAYOUTS)
def test_layout(source: str, text: str) -> None:
    assert layout(error_of(source)) == text


@pytest.mark.parametrize("before", [0, 1, 30, 80, 5000])
@pytest.mark.parametrize("after", [0, 1, 30, 80, 5000])
@pytest.mark.parametrize("letter", ["x", "変", "\u202e"])
def test_a_long_line_is_a_window_with_the_caret_under_the_span(
    before: int, after: int, letter: str
) -> None:
    source = letter * before + "?!" + letter * after
    error = SyntaxProblem("odd", Span(before, before + 2), "", source)
    _, excerpt, caret = layout(error).split("\n")
    assert columns(excerpt) <= 80
    mark = caret.index("^")
    assert caret.count("^") == 2
    assert columns(excerpt[: excerpt.index("?!")]) == mark
    assert excerpt.lstrip().startswith("...") == ("..." in excerpt[: excerpt.index("?!")])


def columns(text: str) -> int:
    return sum(2 if letter == "変" else 1 for letter in text)


def test_a_span_longer_than_the_window_fills_it() -> None:
    error = SyntaxProblem("too long", Span(0, 5000), "", "x" * 5000)
    _, excerpt, caret = layout(error).split("\n")
    assert len(caret) <= len(excerpt) <= 80


def test_a_span_over_lines_is_marked_to_the_end_of_its_first() -> None:
    error = SyntaxProblem("odd", Span(4, 12), "", "a = (b +\r\n c) d")
    assert layout(error) == "error: odd\n  line 1: a = (b +\n              ^^^^"
    assert error_object(error)["end_column"] == 9


def test_origin_is_named() -> None:
    error = SyntaxProblem("odd", Span(2, 3), "", "1 ? 2")
    error.origin = "net.txt"
    assert layout(error) == "error: odd\n  net.txt: 1 ? 2\n             ^"
    error.span = None
    assert layout(error) == "error: odd\n  in net.txt"


def test_several_lines_of_message_and_hint_are_indented() -> None:
    error = MissingInput("missing x\nunknown q", None, "did you mean p?\nbind x")
    assert layout(error) == "error: missing x\n  unknown q\n  did you mean p?\n  bind x"


NASTY = "a\x00b\x1b[2J\ud800\u202e\u2028\x85\x7f\r\ufeff"


def test_nothing_of_the_source_can_harm_the_terminal() -> None:
    error = SyntaxProblem(f"message {NASTY}", Span(0, 2), f"hint {NASTY}", f"{NASTY}\nsecond")
    text = layout(error)
    text.encode("utf-8")
    assert all(sign.isprintable() for sign in text.replace("\n", ""))
    assert "U+0000" in text
    assert "U+D800" in text
    assert text.count("\n") == 3


def test_messages_are_bounded() -> None:
    error = SyntaxProblem("m" * 10_000, Span(0, 9000), "h" * 10_000, "s" * 10_000)
    error.origin = "o" * 10_000
    assert len(layout(error)) < 2000


def test_error_object_counts_code_points_from_one() -> None:
    error = error_of("a = 1\n変 + sine(x)")
    assert error_object(error) == {
        "code": "unknown-function",
        "message": "unknown function 'sine'",
        "line": 2,
        "column": 5,
        "end_column": 9,
        "hint": "did you mean 'sin'?",
    }
    assert error_object(MissingInput("missing x"))["column"] is None
    made = json.loads(dumps(refusal(SyntaxProblem(NASTY, Span(0, 1), NASTY, NASTY))))
    assert made["ok"] is False
    assert "\x00" not in made["error"]["message"]


def test_failure_points_into_the_program_and_names_the_node() -> None:
    failure = Failure("undefined", "log needs x > 0, got x = -1", "v1", Span(4, 10))
    source = "1 + log(x)"
    text = "error: log needs x > 0, got x = -1\n  1 + log(x)\n      ^^^^^^"
    assert layout_failure(failure, source) == text
    made = failure_object(failure, source)
    assert (made["code"], made["node"], made["column"]) == ("undefined", "v1", 5)


def test_readable_keeps_ordinary_text() -> None:
    assert readable("θ₁ é 変\tx\u00a0y") == "θ₁ é 変 x y"
