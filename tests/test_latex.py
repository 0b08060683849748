"""Formulas and names as LaTeX, and the LaTeX page: sound always, compiled where there is a TeX."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop_cli.language.tokens import is_name, normalized
from backprop_cli.readings.latex import MARKDOWN
from backprop_cli.readings.letters import GREEK, set_names
from backprop_cli.render.json import grad_object
from backprop_cli.render.worked.latex import LATEX_PAGE, _aligned, escaped
from backprop_cli.render.worked.sheets import solution_sheet
from tests.command import run
from tests.sheets import (
    LECTURE,
    PDFLATEX,
    POSTS,
    assert_sound,
    compiled,
    number_of,
    random_programs,
    rounded,
    solved,
    tex_of,
    work,
)

COMMANDS = {tex.removeprefix("\\") for tex in GREEK.values()}
needs_tex = pytest.mark.skipif(PDFLATEX is None, reason="there is no pdflatex here")

FORMULAS = [
    ("(a + b)*(b + c)", r"(a + b) \cdot (b + c)"),
    ("3x^2 + 2(a+b)", r"3 x^2 + 2 \cdot (a + b)"),
    ("2*3*x", r"2 \cdot 3 x"),
    ("-2*x - 3", "-2 x - 3"),
    ("1*x", r"1 \cdot x"),
    ("a - (b - c)", "a - (b - c)"),
    ("-x^2", "-x^2"),
    ("(-x)^2", "(-x)^2"),
    ("(a/b)^2", r"\left(\frac{a}{b}\right)^2"),
    ("(a+b)/(c-d)/2", r"\frac{\frac{a + b}{c - d}}{2}"),
    ("2^(x+1)", "2^{x + 1}"),
    ("(x^y)^z", "(x^y)^z"),
    ("x^y^z", "x^{y^z}"),
    ("1e-5*x + 2.5e20", r"10^{-5} \cdot x + 2.5 \cdot 10^{20}"),
    ("2pi*r + tau*e^x", r"2 \pi r + 2 \pi \mathrm{e}^x"),
    ("sqrt(abs(x))", r"\sqrt{\lvert x\rvert}"),
    ("abs(x/2)", r"\left\lvert \frac{x}{2}\right\rvert"),
    ("floor(x)*ceil(y)", r"\lfloor x\rfloor \cdot \lceil y\rceil"),
    ("sin(x)^2", r"\sin(x)^2"),
    ("log(x) + log10(x) + log1p(x)", r"\ln(x) + \log_{10}(x) + \operatorname{log1p}(x)"),
    ("leaky_relu(x, .1)", r"\operatorname{leaky-relu}(x, .1)"),
    ("exp(-x^2)", r"\mathrm{e}^{-x^2}"),
    ("exp(x)^2", r"(\mathrm{e}^{x})^2"),
    ("max(x, y, 0)", r"\max(x, y, 0)"),
    ("polygamma(2, x)", r"\psi^{(2)}(x)"),
    ("where(x >= 0, x, -x)",
     r"\begin{cases} x & \text{if } x \ge 0 \\ -x & \text{otherwise} \end{cases}"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "tex"), FORMULAS)
def test_a_formula_is_set_as_a_book_would(text, tex):
    assert tex_of(text) == tex


def test_markdown_has_no_sign_that_markdown_would_take():
    assert tex_of("where(x < y, x*y, y)", MARKDOWN) == (
        r"\begin{cases} x \cdot y & \text{if } x \lt y \cr y & \text{otherwise} \end{cases}"
    )


NAMES = [
    ("x", "x"),
    ("x1", "x_1"),
    ("x12", "x_{12}"),
    ("x_1", "x_1"),
    ("w2_11", "w_{2,11}"),
    ("y_out", r"y_{\mathrm{out}}"),
    ("loss", r"\mathit{loss}"),
    ("loss2", r"\mathit{loss_2}"),
    ("γ", r"\gamma"),
    ("γ_0", r"\gamma_0"),
    ("Δx", r"\mathit{\Delta x}"),
    ("é", r"\acute{e}"),
    ("変", r"\mathtt{U{+}5909}"),
    ("c′2", "c_2'"),
    ("_a", r"\mathtt{\underline{\enspace}a}"),
]


@pytest.mark.parametrize(("name", "tex"), NAMES)
def test_a_name_is_set_with_subscripts_and_greek_letters(name, tex):
    assert set_names([name]) == {name: tex}


def test_two_names_never_look_the_same():
    """x1 and x_1 would both be x with subscript 1, so x1 stands as it is typed."""
    assert set_names(["x1", "x_1"]) == {"x1": r"\mathit{x1}", "x_1": "x_1"}
    names = ["w2_11", "w_2_11", "w_2_1_1", "a_", "a", "_a", "a__b", "a_b", "x", "x1", "x′2", "x_2"]
    assert len(set(set_names(names).values())) == len(names)


@settings(deadline=None)
@given(st.lists(st.text("ab1_é変γ", min_size=1, max_size=6).filter(is_name), max_size=12))
def test_random_names_look_different_in_both_dialects(names):
    names = list({normalized(name) for name in names})
    for letters in (False, True):
        made = set_names(names, letters)
        assert len(set(made.values())) == len(names)
        for tex in made.values():
            assert_sound(tex if not letters else tex.encode("ascii", "ignore").decode(), COMMANDS)
            # Markdown: an underscore after anything but a letter or digit could begin emphasis.
            assert not letters or not re.search(r"(?:^|\W)_", tex)


@settings(deadline=None)
@given(st.text(max_size=40))
def test_no_text_breaks_out_of_its_place(text):
    r"""Every special sign is escaped, so that none of TeX's own is left: \ { } $ & # % _ ^ ~."""
    assert_sound(escaped(text), COMMANDS)
    left = re.sub(r"\\[^A-Za-z]", "", escaped(text))
    assert not set(re.sub(r"\$[^$]*\$", "", left)) & set("$&#%_^~")


def page(text, point, rows=100, **how):
    return solution_sheet(LATEX_PAGE, work(solved(text, point, **how), rows, check=True), rows)


@pytest.mark.parametrize(("text", "point"), POSTS)
def test_the_posts_are_sound(text, point):
    assert_sound(page(text, point), COMMANDS)


def test_the_lecture_is_the_page_a_teacher_hands_out(matches_snapshot):
    matches_snapshot("worked_lecture.tex", page(*LECTURE))


def test_a_fragment_has_no_preamble_and_says_what_it_needs():
    made = solution_sheet(LATEX_PAGE, work(solved(*LECTURE)), embed=True)
    assert made.startswith("% needs \\usepackage{amsmath,longtable}\n")
    assert "documentclass" not in made
    assert "{document}" not in made
    assert_sound(made, COMMANDS)


@pytest.fixture(scope="module")
def random_works():
    """Forty random programs, solved."""
    return [work(solved(p.text, p.point), check=True) for p in random_programs(40)]


def test_random_programs_are_sound(random_works):
    for made in random_works:
        assert_sound(solution_sheet(LATEX_PAGE, made), COMMANDS)


@needs_tex
def test_the_posts_compile_without_running_over_the_margin(tmp_path):
    pages = [
        solution_sheet(LATEX_PAGE, work(solved(*post), check=True), embed=True) for post in POSTS
    ]
    log = compiled(in_document(pages), tmp_path)
    assert not re.findall(r"Overfull \\hbox \((\d{2,})", log)


@needs_tex
def test_a_fragment_compiles_in_a_page_that_has_what_its_first_line_asks_for(tmp_path):
    made = solution_sheet(LATEX_PAGE, work(solved(*LECTURE), check=True), embed=True)
    needs = re.match(r"% needs (\\usepackage\{[a-z,]+\})\n", made)
    assert needs
    head = f"\\documentclass{{article}}\n{needs[1]}\n\\begin{{document}}\nBefore.\n\n"
    compiled(f"{head}{made}\nAfter.\n\\end{{document}}\n", tmp_path)


@needs_tex
def test_the_chain_rule_in_symbols_compiles_whatever_the_names(tmp_path):
    """A name assigned again, c′2, is set with its prime; w_1 with its subscript."""
    made = []
    for text in ("c = x; c = c*x; c = c^2 + w_1*c; lambda*c*c", "変数*é + _a*b_/変数"):
        words = ("--show", "symbolic", "--format", "latex", "--embed", "--sympy-seconds", "60")
        done = run("grad", text, *words)
        assert (done.code, done.err) == (0, "")
        assert_sound(done.out, COMMANDS)
        made.append(done.out)
    assert r"\frac{\partial f}{\partial c_2'}" in made[0]
    assert r"2 c_2'" in made[0]
    compiled(in_document(made), tmp_path)


def test_a_short_chain_stays_on_its_page_and_a_long_one_may_end_it():
    assert _aligned(["a &= b", "&= c", "d &= e"]).splitlines()[1:4] == [
        r"a &= b \\*", r"&= c \\", "d &= e"
    ]  # fmt: skip
    assert _aligned(["a &= b", *["& + c"] * 20]).count(r"\\*") == 5


@needs_tex
def test_a_table_needs_tex_to_run_once_only(tmp_path):
    log = compiled(page(*LECTURE), tmp_path)
    assert "longtable Warning" not in log


@needs_tex
def test_random_programs_compile(tmp_path, random_works):
    pages = [solution_sheet(LATEX_PAGE, made, embed=True) for made in random_works]
    log = compiled(in_document(pages), tmp_path)
    assert not re.findall(r"Overfull \\hbox \((\d{2,})", log)


@needs_tex
def test_a_thousand_nodes_and_every_kind_of_trouble_compile(tmp_path):
    chain = "y0 = x\n" + "\n".join(f"y{k} = sin(y{k - 1}) + y{k - 1}" for k in range(1, 500))
    point = {"x": 0.3}
    wide = " + ".join(f"変数_{k}*é{k}" for k in range(40))
    names = {name: 0.5 for k in range(40) for name in (f"変数_{k}", f"é{k}")}
    pages = [
        page(chain, point),
        page(wide, names, rows=30),
        page("log(x)*y", {"x": -1.0, "y": 2.0}),
        page("sqrt(x)", {"x": 0.0}),
        page("relu(x)", {"x": 0.0}, kink="left"),
        page("2*3", {}),
        page("x", {"x": 1.0}),
        page("x*y; g = x^2; h = g*y", {"x": 1.0, "y": 2.0}, outputs=["g", "h"]),
        page("c = x; c = c*c; c = c + c", {"x": 1.5e-300}, wrt=["c"]),
    ]
    for made in pages:
        assert_sound(made, COMMANDS)
    body = [re.search(r"\\begingroup.*\\endgroup", made, re.DOTALL)[0] for made in pages]
    log = compiled(in_document(body), tmp_path)
    assert not re.findall(r"Overfull \\hbox \((\d{2,})", log)


def in_document(pages):
    """Return a document of several fragments."""
    whole = solution_sheet(LATEX_PAGE, work(solved("x", {"x": 1.0})))
    head = whole[: whole.index(r"\section*")]
    return head + "\n\n\\newpage\n".join(pages) + "\n\\end{document}\n"


def last_sides(tex, heading):
    """Return what each equation below a heading ends in."""
    _, _, body = tex.partition(rf"\subsection*{{{heading}}}")
    body = body.split(r"\subsection*")[0]
    made = []
    for block in re.findall(r"\\begin\{(?:align|alignat)\*\}(?:\{2\})?\n(.*?)\n\\end", body, re.S):
        for line in block.split(" \\\\\n"):
            line = line.split(r" &\qquad")[0].split(r"\quad \text{since")[0]
            side = line.rsplit("= ", 1)[-1]
            if line.startswith("&= "):
                made[-1] = side
            elif not line.startswith("&"):
                made.append(side)
    return made


def test_every_number_of_the_page_is_that_of_json(random_works):
    for made in random_works:
        tex = solution_sheet(LATEX_PAGE, made)
        got = grad_object(made.solution, show=("reverse",))
        nodes = [node for node in got["nodes"] if node["operation"] != "input"]
        assert list(map(number_of, last_sides(tex, "Forward pass"))) == [
            rounded(node["value"]) for node in nodes
        ]
        sent = [c["value"] for node in got["nodes"] for c in node["contributions"]]
        if sent:
            shown = map(number_of, last_sides(tex, "Backward pass"))
            assert sorted(shown) == sorted(map(rounded, sent))
        result = list(map(number_of, last_sides(tex, "Result")))
        assert result == [rounded(got["value"]), *map(rounded, got["gradient"].values())]
