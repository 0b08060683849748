"""Worked solutions as Markdown: whole in any renderer, numbers as in JSON, a picture in it."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from backprop_cli.errors import BackpropError
from backprop_cli.readings import expressions
from backprop_cli.readings.latex import MARKDOWN, Notation
from backprop_cli.render.errors import readable
from backprop_cli.render.json import grad_object
from backprop_cli.render.numbers import human
from backprop_cli.render.worked.markdown import MARKDOWN_PAGE, escaped
from backprop_cli.render.worked.sheets import solution_sheet
from tests.sheets import LECTURE, POSTS, number_of, random_programs, rounded, solved, work

PARSER = MarkdownIt("commonmark").enable("table")
MATH = re.compile(r"\$\$\n.*?\n\$\$|\$[^$\n]+\$", re.DOTALL)


def page(text, point, rows=100, embed=False, **how):
    return solution_sheet(
        MARKDOWN_PAGE, work(solved(text, point, **how), rows, check=True), rows, embed
    )


def shown_text(source):
    """Return what a reader of Markdown that knows no mathematics would see, without markup.

    An emphasis, a link, raw HTML or a heading inside a formula would lose some of its signs.
    """
    parts = []
    for token in PARSER.parse(source):
        assert token.type != "html_block"
        for child in token.children or ():
            assert child.type != "html_inline", child.content
            parts.append("\n" if child.type == "softbreak" else child.content)
        if token.type in ("fence", "code_block"):
            parts.append(token.content)
        parts.append("\n")
    return "".join(parts)


def tables(source):
    """Return the cells of the tables, row by row, as their sources."""
    return [
        [[cell.strip() for cell in row.strip("|").split(" | ")] for row in block.splitlines()]
        for block in source.split("\n\n")
        if block.startswith("| ")
    ]


def table(source, first):
    """Return the rows of the table whose first title is this."""
    found = [rows for rows in tables(source) if rows[0][0] == first]
    return found[0][2:] if found else []


def assert_whole(source):
    r"""Assert that Markdown leaves every formula as it is, and that no table is torn."""
    seen = shown_text(source)
    formulas = MATH.findall(re.sub(r"```.*?```", "", source, flags=re.DOTALL))
    for formula in formulas:
        assert formula in seen, formula
        assert not re.search(r"\\[^A-Za-z]|[*|<>]|(?:^|[^\w])_", formula), formula
    for rows in tables(source):
        assert {len(row) for row in rows} == {len(rows[0])}
    assert sum(token.type == "table_open" for token in PARSER.parse(source)) == len(tables(source))


def test_the_lecture_is_the_page_a_teacher_hands_out(matches_snapshot):
    source = page(*LECTURE)
    assert_whole(source)
    matches_snapshot("worked_lecture.md", source)


@pytest.mark.parametrize(("text", "point"), POSTS)
def test_no_renderer_changes_the_formulas_of_the_posts(text, point):
    assert_whole(page(text, point))


def test_an_underscore_after_a_brace_would_be_noticed():
    """The rule bites: Markdown reads _..._ between braces as emphasis, and the formula breaks."""
    source = r"$\mathit{a}_{1} + \mathit{b}_{2}$"
    assert source not in shown_text(source)
    with pytest.raises(AssertionError):
        assert_whole(source)


def test_a_fragment_has_no_title_and_smaller_headings():
    source = page(*LECTURE, embed=True)
    assert not re.search(r"^#{1,2} ", source, re.MULTILINE)
    assert "### Forward pass" in source
    assert_whole(source)


def test_the_picture_is_in_the_page_unless_it_would_be_too_large():
    assert page(*LECTURE).count("```mermaid\nflowchart LR\n") == 1
    chain = "y0 = x\n" + "\n".join(f"y{k} = sin(y{k - 1})" for k in range(1, 100))
    source = page(chain, {"x": 0.5}, rows=10)
    assert "```mermaid" not in source
    assert "too many nodes to be drawn" in source


def test_rows_are_limited_and_what_is_left_out_is_counted():
    """98 sines: 10 rows of the forward pass and 10 of the backward pass, 88 more of each."""
    chain = "y0 = x\n" + "\n".join(f"y{k} = sin(y{k - 1})" for k in range(1, 99))
    source = page(chain, {"x": 0.5}, rows=10)
    assert len(table(source, "node")) == 10
    assert len(table(source, "edge")) == 10
    assert source.count("… 88 more nodes (--rows 98 shows them)") == 2
    assert_whole(source)


def test_a_page_says_where_an_undefined_program_stops():
    source = page("a = x^2; b = log(y); f = a + b*x", {"x": 2.0, "y": -1.0})
    assert [row[0] for row in table(source, "node")] == ["$a$", "$b$"]
    assert "**It stops here:** log needs y &gt; 0, got y = -1." in source
    assert "## Backward pass" not in source
    assert_whole(source)


def test_a_slope_that_is_undefined_is_said_after_the_steps():
    source = page("sqrt(x)*y", {"x": 0.0, "y": 1.0})
    assert "## Backward pass" in source
    assert "**There is no answer at this point:**" in source


def test_kinks_are_noted_and_one_sided_slopes_named():
    source = page("relu(x)", {"x": 0.0})
    assert "**Note:** f (relu) has a kink along x: slope 0 to the left, 1 to the right" in source
    source = page("relu(x)", {"x": 0.0}, kink="right")
    assert "## Result from the right" in source
    assert "The steps follow the convention at the kink; this gradient is one-sided." in source


def test_several_outputs_have_a_backward_pass_and_a_result_each():
    source = page("x*y; g = x^2; h = g*y", {"x": 1.0, "y": 2.0}, outputs=["g", "h"])
    for name in "gh":
        assert f"## Backward pass from ${name}$" in source
        assert f"## Result for ${name}$" in source


def test_only_what_was_asked_for_is_differentiated():
    source = page("d = a+b; f = d*c", {"a": 5.0, "b": -3.0, "c": -2.0}, wrt=["d"])
    assert "Wanted: the gradient of $f$ with respect to $d$." in source
    assert [row[0] for row in table(source, "edge")] == [r"$f \to d$"]


WILD = st.text("abzxγ変é_19ʹ", min_size=1, max_size=8).filter(str.isidentifier)


@settings(deadline=None)
@given(st.lists(WILD, min_size=2, max_size=2, unique=True))
def test_no_name_breaks_a_page(names):
    first, second = names
    try:
        solution = solved(f"{first}*{second} + {first}^2", {first: 2.0, second: 3.0})
    except BackpropError:  # not every Python name is one of the language
        return
    assert_whole(solution_sheet(MARKDOWN_PAGE, work(solution)))


@settings(deadline=None)
@given(st.text(max_size=60))
def test_no_text_breaks_out_of_its_line(text):
    seen = shown_text("x " + escaped(text))
    assert "$" not in escaped(text)
    assert " ".join(seen.split())[2:] == " ".join(readable(text).split()).strip()


def test_every_number_of_the_page_is_that_of_json():
    for program in random_programs(60):
        solution = solved(program.text, program.point)
        source = solution_sheet(MARKDOWN_PAGE, work(solution, check=True))
        assert_whole(source)
        got = grad_object(solution, show=("reverse",))
        nodes = [node for node in got["nodes"] if node["operation"] != "input"]
        values = [number_of(row[-1]) for row in table(source, "node")]
        assert values == [rounded(node["value"]) for node in nodes]
        sent = [c for node in got["nodes"] for c in node["contributions"]]
        shown = [(row[-3].strip("$"), number_of(row[-2])) for row in table(source, "edge")]
        assert sorted(shown) == sorted((product(c), rounded(c["value"])) for c in sent)
        block = re.search(
            r"(?:What the steps come to|As far as it goes):\n\n\$\$\n(.*?)\n\$\$", source, re.DOTALL
        )
        assert block
        result = [line.split("&= ")[1] for line in block[1].splitlines() if "&= " in line]
        result = [number_of(part.removesuffix(r" \cr")) for part in result]
        assert result == [rounded(got["value"]), *map(rounded, got["gradient"].values())]
        for row in table(source, "input"):
            assert number_of(row[1]) == rounded(got["gradient"][named(solution, row[0])])


def product(contribution):
    """Return upstream × local as it is set: 2 · (-3)."""
    factors = [human(float(contribution[key])) for key in ("upstream", "local")]
    made = expressions.product(*map(expressions.number, factors))
    return Notation([], MARKDOWN).text(made)


def named(solution, cell):
    """Return the input that a cell names: x_1 is x1."""
    return cell.strip("$").replace("_", "")
