"""The mathematics of Markdown pages, set by what sets it: MathJax (GitHub) and KaTeX (GitLab)."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from backprop_cli.operations import CONSTANT, TABLE
from backprop_cli.render.worked.markdown import MARKDOWN_PAGE
from backprop_cli.render.worked.sheets import solution_sheet
from tests.javascript import NODE
from tests.npm import package
from tests.sheets import POSTS, random_programs, solved, work

pytestmark = pytest.mark.skipif(NODE is None, reason="there is no node to run MathJax in")

MATHJAX, KATEX = ("mathjax", "3.2.2"), ("katex", "0.16.22")
"""Packages and versions; GitHub sets mathematics with MathJax 3."""

REFUSED = re.compile(
    r"\\(?:operatorname|mbox|phantom|newcommand|renewcommand|def|let|require|href|class|style|tag"
    r"|DeclareMathOperator|unicode|cssId|bbox)\b"
)
"""Macros that GitHub refuses: 'The following macros are not allowed'."""

_MATHJAX = """
require(process.argv[1] + "/es5/node-main.js").init({
  loader: { load: ["input/tex"] },
  tex: { packages: { "[-]": ["noundefined"] } },
}).then((MathJax) => {
  const wrong = [];
  for (const [display, tex] of JSON.parse(require("fs").readFileSync(0, "utf8"))) {
    const made = MathJax.tex2mml(tex, { display });
    if (made.includes("merror")) wrong.push([tex, made]);
  }
  console.log(JSON.stringify(wrong));
});
"""
_KATEX = """
const katex = require(process.argv[1] + "/dist/katex.js");
const wrong = [];
for (const [display, tex] of JSON.parse(require("fs").readFileSync(0, "utf8"))) {
  try {
    katex.renderToString(tex, { displayMode: display, strict: "ignore" });
  } catch (error) {
    wrong.push([tex, error.message]);
  }
}
console.log(JSON.stringify(wrong));
"""


def formulas(page: str) -> list[tuple[bool, str]]:
    """Return the formulas of a page, and whether each stands on lines of its own."""
    text = re.sub(r"```.*?```", "", page, flags=re.DOTALL)
    displayed = re.findall(r"\$\$\n(.*?)\n\$\$", text, re.DOTALL)
    inline = re.findall(r"\$([^$\n]+)\$", re.sub(r"\$\$\n.*?\n\$\$", "", text, flags=re.DOTALL))
    return [(True, tex) for tex in displayed] + [(False, tex) for tex in inline]


def every_operation() -> list[str]:
    """Return pages for each row of the table, at points that need not be in its domain."""
    pages = []
    for row, operation in enumerate(TABLE):
        if row <= CONSTANT or operation.infix or operation.name == "where":
            continue
        names = [f"x{k}" for k in range(max(1, len(operation.parameters)))]
        text = f"3*{operation.name}({', '.join(names)}) + lambda_1*{names[0]}"
        for number in (0.5, 1.5):
            pages.append(
                solution_sheet(
                    MARKDOWN_PAGE, work(solved(text, dict.fromkeys([*names, "lambda_1"], number)))
                )
            )
    return pages


@pytest.fixture(scope="module")
def pages() -> list[str]:
    """Return pages of the posts, of every operation, of random programs, and of odd names."""
    made = [solution_sheet(MARKDOWN_PAGE, work(solved(*post), check=True)) for post in POSTS]
    made += every_operation()
    made += [
        solution_sheet(MARKDOWN_PAGE, work(solved(each.text, each.point)))
        for each in random_programs(60)
    ]
    wild = "g = 変数_1*é + lambda*w1_11^2 + _a*b_; c = g; c = c*g; where(c <= 1, c, -c)"
    names = ("変数_1", "é", "lambda", "w1_11", "_a", "b_")
    made.append(solution_sheet(MARKDOWN_PAGE, work(solved(wild, dict.fromkeys(names, 1e-300)))))
    return made


@pytest.mark.parametrize(("name", "script"), [(MATHJAX, _MATHJAX), (KATEX, _KATEX)])
def test_what_sets_mathematics_on_the_web_sets_every_formula(name, script, pages):
    assert set_by(name, script, [found for page in pages for found in formulas(page)]) == []


@pytest.mark.parametrize(("name", "script"), [(MATHJAX, _MATHJAX), (KATEX, _KATEX)])
def test_a_formula_that_cannot_be_set_would_be_noticed(name, script):
    wrong = set_by(name, script, [(False, r"\frac{a}{b"), (False, r"\nosuch x"), (False, "x")])
    assert [tex for tex, _ in wrong] == [r"\frac{a}{b", r"\nosuch x"]


def test_no_formula_has_a_macro_that_github_refuses(pages):
    assert REFUSED.search(r"\operatorname{relu}(x)")
    assert len(pages) > 100
    for page in pages:
        for _, tex in formulas(page):
            assert not REFUSED.search(tex), tex


def set_by(
    name: tuple[str, str], script: str, found: list[tuple[bool, str]]
) -> list[tuple[str, str]]:
    """Return the formulas that could not be set, each with what is said of it."""
    folder: Path = package(*name)
    done = subprocess.run(
        [str(NODE), "-e", script, str(folder)],
        input=json.dumps(found),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [tuple(pair) for pair in json.loads(done.stdout)]
