"""`backprop export`: languages, files, the points of the check, and what is refused."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from backprop_cli.commands.export import OTHER_NAMES
from backprop_cli.commands.main import run as run_words
from backprop_cli.readings.languages import LANGUAGES
from tests.command import run

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
LECTURE = ("(a+b)*(b+c)", "--at", "a=5,b=-3,c=-2")


def ask(capsys, *words):
    """Run the command in this process: exit code, stdout, stderr."""
    code = run_words(["export", *words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize("name", LANGUAGES)
def test_every_language_is_written_to_stdout(capsys, name):
    code, out, err = ask(capsys, *LECTURE, "--to", name)
    assert (code, err) == (0, "")
    assert "f_and_gradient(" in out
    assert "df/db += df/dv1 * dv1/db" in out
    assert out.endswith("\n")


@pytest.mark.parametrize(("ending", "sign"), [("py", '"""f'), ("c", "// f"), ("js", "// f")])
def test_the_ending_of_a_file_chooses_the_language(capsys, tmp_path, ending, sign):
    path = tmp_path / f"made.{ending}"
    assert ask(capsys, *LECTURE, "-o", str(path)) == (0, "", "")
    assert path.read_text(encoding="utf-8").startswith(sign)
    assert ("#include" in path.read_text()) == (ending == "c")


def test_an_ending_of_python_goes_with_all_four(capsys, tmp_path):
    path = tmp_path / "made.py"
    assert ask(capsys, *LECTURE, "--to", "numpy", "-o", str(path))[0] == 0
    assert "import numpy as np" in path.read_text()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((*LECTURE,), 2, "export needs a language"),
        ((*LECTURE, "--to", "pyton"), 2, "did you mean --to python?"),
        ((*LECTURE, "--to", "javascript"), 2, "did you mean --to js?"),
        ((*LECTURE, "--to", "fortran"), 2, "--to takes one of python, numpy, jax, torch, c, js"),
        (("x*y", "-o", "--to", "c"), 2, "-o needs the name of a file, got '--to'"),
        ((*LECTURE, "--to", "c", "-o", "made.py"), 2, "--to c does not go with 'made.py'"),
        ((*LECTURE, "--to", "c", "-o", "/nowhere/made.c"), 2, "no such folder"),
        ((*LECTURE, "--to", "c", "--wrt", "d"), 2, "--wrt: the program has no name 'd'"),
        ((*LECTURE, "--to", "c", "--of", "d"), 2, "--of: the program has no name 'd'"),
        (("(a+b)*c", "--to", "c", "--at", "a=1"), 2, "no value for b, c"),
        (("2*3", "--to", "c"), 2, "the program has no inputs"),
        (("sine(x)", "--to", "c"), 2, "did you mean 'sin'?"),
        (("log(x)", "--to", "c", "--at", "x=-1"), 3, "log needs x > 0, got x = -1"),
        (("log(-x^2 - 1)", "--to", "c"), 2, "no point of the domain was found"),
        (("x" + "+x" * 10_000, "--to", "c"), 2, "up to 10,000 nodes, this program has 10,001"),
    ],
)
def test_what_is_refused_says_why(capsys, words, code, said):
    made, out, err = ask(capsys, *words)
    assert (made, out) == (code, "")
    assert said in err


def test_an_error_leaves_the_file_as_it_was(capsys, tmp_path):
    path = tmp_path / "made.c"
    path.write_text("kept")
    assert ask(capsys, "log(x)", "--at", "x=-1", "-o", str(path))[0] == 3
    assert ask(capsys, "log(x", "-o", str(path))[0] == 2
    assert path.read_text() == "kept"


def test_every_other_name_leads_to_a_language():
    assert set(OTHER_NAMES.values()) <= set(LANGUAGES)
    assert not set(OTHER_NAMES) & set(LANGUAGES)


def test_without_a_point_the_file_is_the_same_every_time(capsys):
    first, second = (ask(capsys, "tanh(w*x) + b", "--to", "python")[1] for _ in range(2))
    assert first == second
    assert "points of its own choice" in first
    assert first.count("value, gradient = f_and_gradient(") == 3


def test_points_are_chosen_that_take_both_branches(capsys):
    _, out, _ = ask(capsys, "where(x > 0, x*y, x - z)", "--to", "python")
    points = re.findall(r"= f_and_gradient\(([-\d.e]+),", out)
    assert {float(x) > 0 for x in points} == {True, False}


def test_a_point_is_found_where_hardly_any_would_do(capsys):
    assert "f_and_gradient(0.0, " in ask(capsys, "pick(k, x, y)", "--to", "c")[1]
    assert ask(capsys, "acosh(x) + asin(y)", "--to", "c")[0] == 0


def test_several_outputs_are_several_functions(capsys):
    code, out, _ = ask(capsys, "u = x*y; v = u + x", "--of", "u,v", "--wrt", "x,u", "--to", "js")
    assert code == 0
    assert "module.exports = { u_and_gradient, v_and_gradient };" in out
    assert "gradient: { x: d_x, u: d_u }" in out
    assert "dv/dx += dv/du * du/dx" in out


def test_a_kink_at_the_point_is_a_warning(capsys):
    code, out, err = ask(capsys, "relu(x)", "--at", "x=0", "--to", "python")
    assert code == 0
    assert err.startswith("warning: f (relu) has a kink")
    assert "relu" in out


def test_it_reads_standard_input_and_starts_without_sympy_rich_or_numpy():
    done = run("export", "-", "--to", "c", stdin="a = 1/x; f = a^2")
    assert (done.code, done.err) == (0, "")
    assert "double a = 1.0/x;" in done.out
    code = (
        "import sys; from backprop_cli.commands.main import run;"
        "run(['export', 'x^2', '--to', 'numpy']);"
        "sys.exit(any(name in sys.modules for name in ('sympy', 'rich', 'numpy', 'mpmath')))"
    )

    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


MADE = {
    "lecture.c": ("@lecture.txt", "--at", "@lecture.json"),
    "neuron.py": ("@neuron.txt", "--at", "@neuron.json"),
    "network.js": ("@network.txt", "--at", "@network.json"),
}


@pytest.mark.parametrize("name", MADE)
def test_the_examples_are_what_the_tool_writes(capsys, name, monkeypatch, request):
    monkeypatch.chdir(EXAMPLES)
    language = {"c": "c", "py": "python", "js": "js"}[name.rpartition(".")[2]]
    code, out, _ = ask(capsys, *MADE[name], "--to", language)
    assert code == 0
    if request.config.getoption("--update-snapshots"):
        (EXAMPLES / name).write_text(out, encoding="utf-8")
    assert (EXAMPLES / name).read_text(encoding="utf-8") == out
