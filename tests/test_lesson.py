"""The lesson as text: sound HTML that needs nothing but itself, whatever the program says."""

import html
import json
import re
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import programs

from backprop_cli.errors import LimitExceeded
from backprop_cli.language.parser import parse
from backprop_cli.operations import ADD, DIV, MUL, NEG, POW, ROW, SUB
from backprop_cli.readings.expressions import applied, derivative, name, number, words
from backprop_cli.readings.mathml import math
from backprop_cli.render.worked.lesson import MOST_NODES, lesson
from backprop_cli.studies.gradient import solve
from backprop_cli.studies.solution import Remark, Solution
from tests.command import run

EXAMPLE = Path(__file__).parent.parent / "examples" / "lecture.html"
LECTURE = "x = a+b; y = b+c; f = x*y"
_VOID = {"meta", "input", "br", "hr", "img", "link"}
_OUTSIDE = re.compile(r"(?:src|href|action|data|srcset|poster)$")


def solved(text: str, of: Sequence[str] = (), kink: str = "convention", **at: float) -> Solution:
    graph = parse(text, list(at))
    return solve(graph, {key: float(at[key]) for key in graph.inputs}, (), of, kink)


class Page(HTMLParser):
    """Reads a page strictly: every element closed in order; keeps what tests ask about."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.labelled: set[str] = set()
        self.text: list[tuple[str, str]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attributes}
        assert len(given) == len(attributes), "an attribute twice"
        self.elements.append((tag, given))
        if "id" in given:
            self.ids.append(given["id"])
        if tag in ("input", "select") and ("label" in self.open or "aria-label" in given):
            self.labelled.add(given["id"] if "id" in given else given["name"])
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        if tag not in _VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> is out of order"

    def handle_data(self, data: str) -> None:
        self.text.append((self.open[-1] if self.open else "", data))

    def inside(self, tag: str) -> list[str]:
        return [text for parent, text in self.text if parent == tag]


def check(text: str) -> Page:
    """Check what holds of every page, and return it."""
    page = Page(text)
    assert len(page.ids) == len(set(page.ids)), "an id twice"
    fields = [found for tag, found in page.elements if tag in ("input", "select")]
    assert {found.get("id") or found["name"] for found in fields} == page.labelled
    for tag, found in page.elements:
        assert not any(_OUTSIDE.match(key) for key in found), f"{tag} reads from elsewhere"
        assert not any(key.startswith("on") or key == "style" for key in found), tag
        for key in ("aria-labelledby", "for"):
            assert key not in found or found[key] in page.ids
    assert not any("@import" in sheet or "url(" in sheet for sheet in page.inside("style"))
    data, program = (
        next(text for tag, text in page.text if tag == "script" and begins in text[:40])
        for begins in ('{"graph"', '"use strict"')
    )
    json.loads(data)
    policy = next(found["content"] for _, found in page.elements if found.get("http-equiv"))
    for source in [program, *page.inside("style")]:
        assert b64encode(sha256(source.encode()).digest()).decode() in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    return page


def test_a_page_is_sound_and_needs_nothing_but_itself():
    page = check(lesson(solved(LECTURE, a=2, b=-3, c=4)))
    assert [tag for tag, _ in page.elements].count("svg") == 1
    assert page.inside("title")[0] == "x = a + b; y = b + c; f = x·y"
    headings = page.inside("h2")
    assert headings == ["The steps", "What is known so far", "The answer", "Worked solution"]
    assert ("html", {"lang": "en"}) in page.elements


def test_the_same_program_makes_the_same_page():
    assert lesson(solved(LECTURE, a=2, b=-3, c=4)) == lesson(solved(LECTURE, a=2, b=-3, c=4))


@settings(deadline=None, max_examples=25)
@given(programs())
def test_pages_of_random_programs_are_sound(program):
    graph = parse(program.text, program.point)
    check(lesson(solve(graph, program.point)))


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("3 + 4", {}),
        ("x", {"x": 2}),
        ("log(x)", {"x": -3}),
        ("1/x", {"x": 0}),
        ("relu(x) - relu(-x)", {"x": 0}),
        ("where(x > 0, x, 0.01x)", {"x": -3}),
        ("exp(x)^2", {"x": 500}),
        ("β² + a_b/λ", {"β": 1, "a_b": 2, "λ": 3}),
        ("constructor + toString*__proto__", {"constructor": 1, "toString": 2, "__proto__": 3}),
        ("max(a, b, c) + pick(1, a, b)", {"a": 1, "b": 1, "c": 0}),
    ],
)
def test_what_is_out_of_the_ordinary_has_a_page_too(text, at):
    check(lesson(solved(text, **at)))


def test_rows_limit_the_worked_solution_but_not_the_steps():
    """Of 60 sines, 5 are written out, 55 counted; the stepper has them all."""
    text = "y0 = x\n" + "\n".join(f"y{k} = sin(y{k - 1})" for k in range(1, 61))
    done = run("grad", text, "--at", "x=1", "--format", "html", "--rows", "5", "--check", "none")
    page = check(done.out)
    assert "… 55 more nodes (--rows 60 shows them)" in "".join(part for _, part in page.text)
    data = next(text for tag, text in page.text if tag == "script" and text.startswith('{"graph"'))
    assert sum(json.loads(data)["shown"]) == 60


def test_more_digits_than_the_page_computes_with_are_spoken_of():
    words = ("grad", "1/x", "--at", "x=3", "--check", "none", "--format", "html")
    text = run(*words, "--precision", "30").out
    check(text)
    assert "These steps compute in double precision; the worked solution has 30 digits." in text
    assert "3" * 30 in text
    assert "double precision" not in run(*words).out


@pytest.mark.parametrize("kink", ["left", "right"])
def test_one_sided_answers_say_that_the_steps_follow_the_convention(kink):
    text = lesson(solved("abs(x)", kink=kink, x=0))
    check(text)
    assert f"from the {kink}" in text
    assert "The steps follow the convention" in text


def test_several_outputs_have_a_choice_and_a_picture_each():
    page = check(lesson(solved("f = x*y; g = x + y", ("f", "g"), x=3, y=4)))
    assert [tag for tag, _ in page.elements].count("svg") == 2
    assert page.inside("option")[-2:] == ["f", "g"]


NASTY = ("</script>", "<!--", "<script>", "]]>", "&lt;", "\u2028", "\u2029", "'", '"', "\\", "`${x}", "</style>", "\x00", "$style", "<svg onload=x>")  # fmt: skip


@given(st.lists(st.sampled_from(NASTY), min_size=1, max_size=4).map("".join))
@settings(max_examples=40, deadline=None)
def test_no_text_breaks_out(text):
    """Messages may quote what the user wrote; the data of the page is JSON, and read back whole."""
    solution = solved(f"# {text.replace(chr(0), '')}\nx*2".replace("\u2028", "").replace("\u2029", ""), x=1)  # fmt: skip
    answer = solution.answers[0]
    remark = Remark("kink", "f", text)
    page = check(lesson(solution._replace(answers=(answer._replace(remarks=(remark,)),))))
    data = json.loads(next(part for part in page.inside("script") if part.startswith("{")))
    assert next(iter(data["remarks"].values())) == [text]
    assert "onload" not in str(page.elements)


def test_a_program_that_is_too_large_is_refused_with_its_size():
    lines = ["s0 = x"] + [f"s{k} = s{k - 1} + x" for k in range(1, MOST_NODES + 1)]
    with pytest.raises(LimitExceeded, match="1,000 nodes"):
        lesson(solved("\n".join(lines), x=1))
    assert lesson(solved("\n".join(lines[:-1]), x=1)).endswith("</html>\n")


def test_many_inputs_are_folded_and_many_steps_are_whole_nodes():
    text = "+".join(f"x{k}^2" for k in range(40))
    page = check(lesson(solved(text, **{f"x{k}": k for k in range(40)})))
    assert "40 inputs" in page.inside("summary")
    assert ("input", {"type": "checkbox", "id": "whole", "checked": ""}) in page.elements


# --------------------------------------------------------------------------- mathematics


A, B = name("a"), name("b")


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (applied(DIV, A, applied(ADD, B, A)), "a/b+a"),
        (applied(POW, applied(DIV, A, B), number("2")), "(a/b)2"),
        (applied(MUL, A, applied(DIV, A, B)), "a·a/b"),
        (applied(MUL, applied(ADD, A, B), number("-2")), "(a+b)·(−2)"),
        (applied(SUB, A, applied(SUB, B, A)), "a−(b−a)"),
        (applied(NEG, applied(ADD, A, B)), "−(a+b)"),
        (applied(POW, applied(NEG, A), B), "(−a)b"),
        (applied(ROW["abs"], A), "|a|"),
        (applied(ROW["sigmoid"], A), "sigmoid(a)"),
        (number("1.5e-300"), "1.5·10−300"),
        (number("pi"), "π"),
        (derivative("f", "x"), "∂f/∂x"),
        (words("… <b> more"), "… <b> more"),
    ],
)
def test_mathematics_has_the_parentheses_it_needs_and_no_others(expression, text):
    """A fraction is read here with a slash between its parts."""
    markup = math((expression,))
    Page(markup)
    made = re.sub(r"(</m\w+>)(?=(?:(?!<mfrac>).)*?</mfrac>)", r"\1", markup)
    made = re.sub(r"<mfrac>(<mrow>.*?</mrow>)(<mrow>)", r"\1/\2", made)
    assert html.unescape(re.sub(r"<[^>]*>", "", made)) == text


def test_a_chain_of_equalities_is_one_formula():
    assert math((A, number("2"))) == "<math><mrow><mi>a</mi><mo>=</mo><mn>2</mn></mrow></math>"


# --------------------------------------------------------------------------- the command


def test_the_example_is_what_the_tool_makes(request, tmp_path):
    """examples/lecture.html is made by the command of its README section, and compared."""
    made = tmp_path / "lecture.html"
    words = (f"@{EXAMPLE.with_suffix('.txt')}", "--at", f"@{EXAMPLE.with_suffix('.json')}")
    done = run("grad", *words, "--sympy-seconds", "60", "-o", str(made))
    assert (done.code, done.err) == (0, "")
    text = made.read_text(encoding="utf-8")
    if request.config.getoption("--update-snapshots"):
        EXAMPLE.write_text(text, encoding="utf-8")
    assert text == EXAMPLE.read_text(encoding="utf-8")
    check(text)


def test_html_goes_to_standard_output_and_says_what_others_say():
    done = run("grad", "relu(x)", "--at", "x=0", "--format", "html", "--check", "none")
    assert done.code == 0
    check(done.out)
    assert done.err.startswith("warning: ")
    refused = run(
        "grad", "+".join(["x"] * 1200), "--at", "x=1", "--format", "html", "--check", "none"
    )
    assert refused.code == 2
    assert "1,000 nodes" in refused.err
