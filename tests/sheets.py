"""What the tests of worked solutions share: solved programs, numbers read back, TeX checked."""

import re
import shutil
import subprocess
from pathlib import Path

from hypothesis import HealthCheck, given, settings

from backprop_cli.language.parser import parse
from backprop_cli.readings.latex import LATEX, MARKDOWN, Notation
from backprop_cli.render.worked.parts import Worked
from backprop_cli.render.worked.solution import EVERYTHING, worked
from backprop_cli.studies.agreement import agreements
from backprop_cli.studies.gradient import solve
from backprop_cli.studies.solution import Solution
from tests.strategies import Program, programs

PDFLATEX = shutil.which("pdflatex")

LECTURE = ("x = a+b; y = b+c; f = x*y", {"a": 2.0, "b": -3.0, "c": 4.0})

POSTS = [
    LECTURE,
    ("a*b", {"a": 4.0, "b": 3.0}),
    ("d = a+b; f = d*c", {"a": 5.0, "b": -3.0, "c": -2.0}),
    ("2*x+4", {"x": 7.0}),
    ("(3*x+4*y)^3", {"x": 2.0, "y": -1.0}),
    ("e=(a+b)*(b+1)", {"a": 2.0, "b": 1.0}),
    ("(x+sigmoid(y))/(sigmoid(x)+(x+y)^2)", {"x": 3.0, "y": -4.0}),
    ("sigmoid(w0*x0+w1*x1+w2)", {"w0": 2.0, "x0": -1.0, "w1": -3.0, "x1": -2.0, "w2": -3.0}),
    ("h1 = w1_11*x1 + w1_12*x2; L = (y - w2_11*h1)^2",
     {"w1_11": 0.5, "x1": 1.0, "w1_12": -0.25, "x2": 2.0, "y": 1.0, "w2_11": 3.0}),
    ("c = where(x > 0, x^2, -x); c = c*tanh(x); c/sqrt(x)", {"x": 1e-5}),
    ("γ = exp(-x²/2); f = max(γ, ω)*abs(ω)", {"x": 0.5, "ω": -2.0}),
]  # fmt: skip
"""The examples of the posts, and what their mathematics does not have."""


def solved(text: str, point: dict[str, float], **how: object) -> Solution:
    """Return a program solved at a point."""
    return solve(parse(text, list(point)), point, **how)  # type: ignore[arg-type]


def work(solution: Solution, rows: int = EVERYTHING, check: bool = False) -> Worked:
    """Return the worked solution, if asked with the witnesses that need no other process."""
    heard = agreements(solution, ("forward", "numeric")) if check else ()
    return worked(solution, heard, rows)


def random_programs(count: int) -> list[Program]:
    """Return the same random programs every time."""
    found: list[Program] = []

    @given(programs())
    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    def collect(program: Program) -> None:
        found.append(program)

    collect()
    return found[:count]


def number_of(tex: str) -> str:
    """Return the number that TeX shows, as Python writes it: `-1.5 \\cdot 10^{-3}` is -0.0015."""
    text = tex.strip().strip("$").strip()
    text = text.replace(r"\infty", "inf").replace(r"\mathrm{NaN}", "nan")
    match = re.fullmatch(r"(-?)(?:([\d.]+) \\cdot )?10\^\{(-?\d+)\}", text)
    if match:
        text = f"{match[1]}{match[2] or '1'}e{match[3]}"
    return repr(float(text))


def rounded(value: object) -> str:
    """Return a number of JSON with the digits that people are shown, as Python writes it."""
    names = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}
    exact = float(names.get(str(value), value))  # type: ignore[arg-type]
    return repr(float(format(exact, ".10g")))


# ------------------------------------------------------------------ TeX that TeX would accept

KNOWN = {
    "documentclass", "usepackage", "setlength", "parindent", "parskip", "jot", "begin", "end",
    "section", "subsection", "begingroup", "endgroup", "allowdisplaybreaks", "textbf", "textit",
    "sloppy", "text", "frac", "partial", "cdot", "left", "right", "lvert", "rvert", "lfloor", "rfloor",
    "lceil", "rceil", "vert", "sqrt", "operatorname", "mathrm", "mathit", "mathtt", "infty", "pi", "pm",
    "times", "to", "qquad", "quad", "le", "ge", "ne", "dots", "hline", "endhead", "ln", "log",
    "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "exp", "min", "max",
    "Gamma", "psi", "Phi", "underline", "enspace", "allowbreak", "raggedright", "ttfamily", "par",
    "grave", "acute", "hat", "tilde", "bar", "breve", "dot", "ddot", "check", "mathring",
    "textbackslash", "textasciicircum", "textasciitilde", "textquotedbl",
}  # fmt: skip
"""Every command that LaTeX with amsmath and longtable has, of those we may write."""


def assert_sound(tex: str, greek: set[str]) -> None:
    """Assert what TeX would stumble over: braces, environments, \\left, commands, letters."""
    assert tex.isascii()
    body = "\n".join(re.sub(r"(?<!\\)%.*", "", line) for line in tex.splitlines())
    commands = set(re.findall(r"\\([A-Za-z]+)", body))
    assert commands <= KNOWN | greek, commands - KNOWN - greek
    assert body.count(r"\left") == body.count(r"\right")
    environments: list[str] = []
    for what, name in re.findall(r"\\(begin|end)\{([a-z*]+)\}", body):
        if what == "begin":
            environments.append(name)
        else:
            assert environments.pop() == name
    assert not environments
    depth = 0
    for sign in re.sub(r"\\[^A-Za-z]", "", body):
        depth += (sign == "{") - (sign == "}")
        assert depth >= 0
    assert depth == 0
    assert re.sub(r"\\[^A-Za-z]", "", body).count("$") % 2 == 0


def compiled(tex: str, folder: Path) -> str:
    """Return the log of pdfTeX on a document; assert that it made pages."""
    (folder / "page.tex").write_text(tex, encoding="utf-8")
    assert PDFLATEX
    done = subprocess.run(
        [PDFLATEX, "-interaction=nonstopmode", "-halt-on-error", "page.tex"],
        cwd=folder,
        capture_output=True,
        timeout=120,
        check=False,
    )
    log = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0, log[-2000:]
    return log


def tex_of(text: str, dialect: object = LATEX) -> str:
    """Return the formula of a program of one statement."""
    from backprop_cli.language.names import display_names
    from backprop_cli.language.printer import arrangement
    from backprop_cli.readings.expressions import statement

    graph = parse(text)
    made = arrangement(graph, display_names(graph))
    assert dialect in (LATEX, MARKDOWN)
    notation = Notation(graph.inputs, dialect)  # type: ignore[arg-type]
    return notation.text(statement(graph, graph.outputs[0], made.references))
