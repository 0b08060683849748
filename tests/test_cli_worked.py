"""`backprop grad` to a page: formats, files, fragments, and what is refused."""

import os
from pathlib import Path

import pytest

from backprop_cli.commands.main import run as run_words
from tests.command import run

ROOT = Path(__file__).parent.parent
LECTURE = ("x = a+b; y = b+c; f = x*y", "--at", "a=2,b=-3,c=4")


def ask(capsys, *words):
    """Run the command in this process: exit code, stdout, stderr."""
    code = run_words(["grad", *words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize(
    ("form", "sign"),
    [
        ("markdown", "# Worked solution"),
        ("latex", r"\documentclass"),
        ("html", "<!doctype html>"),
    ],
)
def test_a_page_is_written_to_stdout(capsys, form, sign):
    code, out, err = ask(capsys, *LECTURE, "--format", form, "--check", "none")
    assert (code, err) == (0, "")
    assert out.lower().startswith(sign.lower())
    assert out.endswith("\n")


@pytest.mark.parametrize(
    ("name", "sign"),
    [
        ("a.md", "# Worked"),
        ("a.MARKDOWN", "# Worked"),
        ("a.tex", r"\documentclass"),
        ("a.html", "<!doctype html>"),
        ("a.json", '{"schema"'),
        ("a.txt", "x = a + b"),
        ("a", "x = a + b"),
    ],
)
def test_the_ending_of_the_file_chooses_the_format(capsys, tmp_path, name, sign):
    path = tmp_path / name
    code, out, _ = ask(capsys, *LECTURE, "--check", "none", "-o", str(path))
    assert (code, out) == (0, "")
    assert path.read_text(encoding="utf-8").lower().startswith(sign.lower())


def test_a_format_that_is_given_stays_unless_the_ending_contradicts_it(capsys, tmp_path):
    path = tmp_path / "a.txt"
    assert ask(capsys, *LECTURE, "--format", "plain", "--output", str(path))[0] == 0
    assert path.read_text() == "f -1.0\na 1.0\nb 0.0\nc -1.0\n"
    code, _, err = ask(capsys, *LECTURE, "--format", "json", "-o", str(tmp_path / "a.md"))
    assert code == 2
    assert "--format json does not go with" in err
    assert ".md stands for --format markdown" in err
    assert not (tmp_path / "a.md").exists()


@pytest.mark.parametrize("ending", [".pdf", ".csv", ".svg", ".xyz", ".PDF"])
def test_an_ending_that_says_nothing_is_refused_unless_the_format_is_given(
    capsys, tmp_path, ending
):
    path = tmp_path / f"a{ending}"
    code, out, err = ask(capsys, *LECTURE, "-o", str(path))
    assert (code, out) == (2, "")
    assert f"grad has no format with the ending '{ending.lower()}'" in err
    assert "one of .md .markdown .tex .html .htm .json .txt, or --format beside it" in err
    assert not path.exists()
    assert ask(capsys, *LECTURE, "--format", "plain", "-o", str(path))[0] == 0
    assert path.read_text() == "f -1.0\na 1.0\nb 0.0\nc -1.0\n"


def test_a_file_that_cannot_be_written_is_said_before_anything_is_read(capsys, tmp_path):
    for path in (tmp_path / "none" / "a.md", tmp_path):
        code, out, err = ask(capsys, "this is no expression", "-o", str(path))
        assert (code, out) == (2, "")
        assert err.startswith("error: cannot write")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_refused(capsys, tmp_path):
    tmp_path.chmod(0o500)
    assert ask(capsys, *LECTURE, "-o", str(tmp_path / "a.md"))[0] == 2


def test_an_error_leaves_the_file_that_was_there(capsys, tmp_path):
    path = tmp_path / "a.md"
    path.write_text("mine")
    assert ask(capsys, "a+", "--at", "a=1", "-o", str(path))[0] == 2
    assert path.read_text() == "mine"


def test_an_undefined_point_is_a_page_and_exit_code_3(capsys, tmp_path):
    path = tmp_path / "a.md"
    code, _, err = ask(capsys, "log(x)", "--at", "x=-1", "-o", str(path), "--check", "none")
    assert code == 3
    assert "error: log needs x > 0" in err
    assert "**It stops here:**" in path.read_text()


def test_a_forgotten_file_name_does_not_swallow_an_option(capsys):
    code, _, err = ask(capsys, "x", "-o", "--at", "x=1")
    assert code == 2
    assert "-o needs the name of a file, got '--at'" in err


def test_an_expression_may_still_begin_with_a_dash(capsys):
    assert ask(capsys, "-o*2", "--at", "o=1", "--format", "plain")[1] == "f -2.0\no -2.0\n"
    assert ask(capsys, "--at", "o=1", "--format", "plain", "--", "-o")[1] == "f -1.0\no -1.0\n"


def test_pages_are_checked_unless_asked_not_to_be(capsys):
    out = ask(capsys, *LECTURE, "--format", "markdown", "--sympy-seconds", "60")[1]
    assert "| input | reverse | forward | numeric | SymPy | agree |" in out
    assert "All four modes agree (exactly)." in out
    assert "## Check" not in ask(capsys, *LECTURE, "--format", "markdown", "--check", "none")[1]


def test_fragments_are_for_markdown_and_latex(capsys):
    code, out, _ = ask(capsys, *LECTURE, "--format", "latex", "--embed", "--check", "none")
    assert code == 0
    assert "documentclass" not in out
    code, _, err = ask(capsys, *LECTURE, "--embed")
    assert code == 2
    assert "--embed makes a fragment of Markdown or LaTeX, not table" in err


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ("markdown", ("--show", "paths")),
        ("markdown", ("--mistake", "overwrite")),
        ("latex", ("--show", "forward")),
        ("html", ("--show", "symbolic")),
    ],
)
def test_what_a_page_has_no_place_for_is_refused(capsys, form, words):
    code, _, err = ask(capsys, *LECTURE, "--format", form, *words)
    assert code == 2
    what = " ".join(words) if words[0] == "--show" else words[0]
    assert f"{what} has no place in {form}" in err


@pytest.mark.parametrize("form", ["markdown", "latex"])
def test_the_chain_rule_in_symbols_follows_the_worked_solution(capsys, form):
    words = (
        "(3x+4y)^3",
        "--at",
        "x=2,y=-1",
        "--format",
        form,
        "--check",
        "none",
        "--sympy-seconds",
        "60",
    )
    code, out, _ = ask(capsys, *words, "--show", "symbolic")
    assert code == 0
    first, heading, second = out.partition("From the output back, in symbols")
    assert heading
    assert "Forward pass" in first
    assert r"3 v_3^2 \cdot 3 = 9 v_3^2" in second
    assert "in symbols" not in ask(capsys, *words)[1]


@pytest.mark.parametrize("form", ["markdown", "latex"])
def test_the_chain_rule_in_symbols_needs_no_point(capsys, form):
    words = ("--show", "symbolic", "--format", form, "--sympy-seconds", "60")
    code, out, _ = ask(capsys, "(3x+4y)^3", *words)
    assert code == 0
    assert r"3 v_3^2 \cdot 3 = 9 v_3^2" in out
    assert "v_1 &= 3 x" in out


def test_precision_shows_every_digit(capsys):
    out = ask(capsys, "1/x", "--at", "x=3", "--precision", "30", "--format", "markdown",
              "--check", "none")[1]  # fmt: skip
    assert "3" * 30 in out.replace(r" \allowbreak ", "")


def test_a_page_without_a_check_loads_nothing_heavy():
    script = (
        "import sys; from backprop_cli.commands.main import run;"
        f"run({['grad', *LECTURE, '--format', 'markdown', '--check', 'none']!r});"
        "print([m for m in ('sympy', 'rich', 'numpy', 'mpmath') if m in sys.modules])"
    )
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("ending", ["md", "tex"])
def test_the_pages_among_the_examples_are_made_by_the_program(tmp_path, ending, request):
    """`backprop grad @lecture.txt --at @lecture.json -o lecture.md`, run in examples/."""
    folder = ROOT / "examples"
    made = tmp_path / f"lecture.{ending}"
    point = f"@{folder / 'lecture.json'}"
    words = ("--at", point, "--sympy-seconds", "60")
    done = run("grad", f"@{folder / 'lecture.txt'}", *words, "-o", str(made))
    assert (done.code, done.err) == (0, "")
    kept = folder / f"lecture.{ending}"
    if request.config.getoption("--update-snapshots"):
        kept.write_bytes(made.read_bytes())
    assert made.read_text(encoding="utf-8") == kept.read_text(encoding="utf-8")
