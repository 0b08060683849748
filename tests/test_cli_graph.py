"""`backprop graph`: what it writes, where, and what it refuses; with its exit codes."""

import json
import os
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from backprop_cli.commands.graph import MOST_CARDS, MOST_NODES
from backprop_cli.commands.main import run as run_words
from tests.command import run, run_in_terminal
from tests.graphs import LECTURES, ODD, random_case
from tests.svg_boxes import SVG

ROOT = Path(__file__).parent.parent
LECTURE = ("(a+b)*(b+c)", "--at", "a=5,b=-3,c=-2")


def ask(capsys, *words):
    """Run the command in this process: exit code, stdout, stderr."""
    code = run_words(["graph", *words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


# ---------------------------------------------------------------------------------------- formats


@pytest.mark.parametrize(
    ("form", "start"),
    [
        ("table", "f = (a + b)·(b + c)     at a = 5"),
        ("svg", "<svg "),
        ("dot", "digraph backprop {"),
        ("mermaid", "flowchart LR\n"),
        ("json", '{"schema": "backprop/1", "ok": true'),
    ],
)
@pytest.mark.parametrize("pointed", [True, False])
def test_every_format_goes_to_stdout(capsys, form, start, pointed):
    words = LECTURE if pointed else LECTURE[:1]
    code, out, err = ask(capsys, *words, "--format", form)
    assert (code, err) == (0, "")
    assert out.startswith(start if pointed else start.split("     ")[0])
    assert out.endswith("\n")


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("a.svg", b"<svg"),
        ("a.SVG", b"<svg"),
        ("a.png", b"\x89PNG\r\n"),
        ("a.pdf", b"%PDF-"),
        ("a.dot", b"digraph"),
        ("a.gv", b"digraph"),
        ("a.mmd", b"flowchart"),
        ("a.mermaid", b"flowchart"),
        ("a.json", b'{"schema"'),
        ("a.txt", b"f = (a + b)"),
        ("a", b"f = (a + b)"),
    ],
)
def test_the_ending_of_the_file_chooses_the_format(capsys, tmp_path, name, start):
    path = tmp_path / name
    if name.endswith(("png", "pdf")):
        pytest.importorskip("cairosvg", exc_type=OSError)
    assert ask(capsys, *LECTURE, "-o", str(path)) == (0, "", "")
    assert path.read_bytes().startswith(start)


@pytest.mark.parametrize("form", ["png", "pdf"])
def test_pixels_go_through_a_pipe(form):
    pytest.importorskip("cairosvg", exc_type=OSError)
    import subprocess

    command = [sys.executable, "-m", "backprop_cli", "graph", *LECTURE, "--format", form]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    assert done.stdout[:4] in (b"\x89PNG", b"%PDF")


def test_json_is_one_line_and_without_a_point_has_symbols(capsys):
    _, out, _ = ask(capsys, "x^2", "--format", "json")
    assert out.count("\n") == 1
    made = json.loads(out)
    assert "at" not in made
    assert made["graph"]["edges"][0]["local"] == "2·x"
    _, out, _ = ask(capsys, "x^2", "--at", "x=3", "--format", "json")
    made = json.loads(out)
    assert made["at"] == {"x": 3.0}
    assert made["graph"]["edges"][0]["local"] == 6.0
    assert [node["adjoint"] for node in made["graph"]["nodes"]] == [6.0, 1.0]


def test_a_wide_mermaid_says_what_its_pages_draw(capsys):
    program = "; ".join(f"n{k} = a*b + a - b" for k in range(120))
    total = " + ".join(f"n{k}" for k in range(120))
    code, out, err = ask(capsys, f"{program}; f = {total}", "--format", "mermaid")
    assert code == 0
    assert out.startswith("flowchart LR")
    assert "edges; Mermaid draws 500 unless its page allows more" in err


# ---------------------------------------------------------------------------------------- options


def test_several_outputs_have_a_picture_each(capsys):
    words = ("u = x*y; v = u + x; g = v^2", "--of", "u,g", "--at", "x=2,y=3")
    code, out, _ = ask(capsys, *words)
    assert code == 0
    assert "\nu\n" in out
    assert "\ng\n" in out
    assert "gradient ∂u/∂node" in out
    assert "gradient ∂g/∂node" in out
    _, out, _ = ask(capsys, *words, "--format", "svg")
    headings = [e.text for e in ElementTree.fromstring(out).iter(f"{SVG}text") if e.get("class") == "heading"]  # fmt: skip
    assert headings == ["u\u00a0=\u00a0x·y", "u\u00a0=\u00a0x·y; v\u00a0=\u00a0u\u00a0+\u00a0x; g\u00a0=\u00a0v^2"]  # fmt: skip
    _, out, _ = ask(capsys, *words, "--format", "json")
    assert set(json.loads(out)["graph"]) == {"u", "g"}
    _, out, _ = ask(capsys, *words, "--format", "mermaid")
    assert out.count("subgraph ") == 2


def test_only_what_is_asked_for_has_gradients(capsys):
    code, out, _ = ask(capsys, "a*b + c", "--wrt", "a", "--at", "a=2,b=3,c=1")
    assert code == 0
    assert re.search(r"a = 2 .*\n.*← 3", out)
    assert not re.search(r"b = 3 .*\n.*←", out)
    assert "[3]" in out
    assert "[2]" not in out


def test_an_input_that_the_output_does_not_read_is_named(capsys):
    code, out, _ = ask(capsys, "g = a*b; h = a + c", "--at", "a=1,b=2,c=3")
    assert code == 0
    assert "not read by h: b" in out
    _, out, _ = ask(capsys, "g = a*b; h = a + c", "--at", "a=1,b=2,c=3", "--format", "svg")
    assert "not read by h: b" in out


def test_a_program_of_constants_needs_no_point(capsys):
    code, out, err = ask(capsys, "2 + 3")
    assert (code, err) == (0, "")
    assert "f = 5" in out
    assert "gradient" not in out
    assert ask(capsys, "pi", "--format", "svg")[0] == 0


def test_names_that_are_assigned_again_are_two_nodes(capsys):
    code, out, _ = ask(capsys, "c = a+b; c = c*b; c", "--at", "a=2,b=3")
    assert code == 0
    assert "c = 5" in out
    assert "c′2 = 15" in out


def test_colour_only_where_it_is_wanted(capsys):
    assert "\x1b" not in ask(capsys, *LECTURE)[1]
    coloured = ask(capsys, *LECTURE, "--color", "always")[1]
    assert "\x1b[36m" in coloured
    assert "\x1b[35m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == ask(capsys, *LECTURE)[1]


def test_ascii_where_the_stream_has_no_more():
    done = run("graph", *LECTURE, environment={"PYTHONIOENCODING": "ascii"})
    assert done.code == 0
    assert done.out.isascii()
    assert "+--------+" in done.out


@pytest.mark.parametrize("columns", [80, 140])
@pytest.mark.parametrize("name", ["lecture", "mazur"])
def test_a_drawing_fits_the_terminal(name, columns):
    case = LECTURES[name]
    done = run_in_terminal("graph", case.text, "--at", case.point, columns=columns)
    assert done.code == 0
    lines = re.sub(r"\x1b\[[0-9;]*m", "", done.out).splitlines()
    assert max(map(len, lines)) <= columns
    assert "\x1b[36m" in done.out


def test_a_graph_of_many_nodes_is_listed_and_said_to_be(capsys):
    case = random_case(100, 1)
    code, out, _ = ask(capsys, case.text, "--at", case.point)
    assert code == 0
    assert re.search(
        rf"listed, not drawn: \d+ nodes: a drawing here has up to {MOST_CARDS}; -o graph.svg draws them",
        out,
    )
    _, out, _ = ask(capsys, case.text, "--at", case.point, "--rows", "10")
    assert re.search(r"… 8\d more nodes \(--rows \d+ shows them\)|… 90 more nodes", out)


def test_a_deep_chain_is_drawn_in_a_file_and_listed_on_a_screen(capsys, tmp_path):
    text = "sin(" * 1500 + "x" + ")" * 1500
    assert ask(capsys, text, "--at", "x=1", "-o", str(tmp_path / "deep.svg"))[0] == 0
    assert (tmp_path / "deep.svg").read_text().count('class="node') == 1501
    code, out, _ = ask(capsys, text, "--at", "x=1")
    assert code == 0
    assert "… 1,401 more nodes" in out


def test_a_sum_of_a_thousand_operands_is_drawn(capsys, tmp_path):
    text = f"sum({','.join(f'x{k}' for k in range(1000))})"
    path = tmp_path / "wide.svg"
    assert ask(capsys, text, "-o", str(path))[0] == 0
    assert path.read_text().count('class="edge"') == 1000


# ---------------------------------------------------------------------------------------- findings


def test_an_undefined_point_is_drawn_and_said(capsys):
    code, out, err = ask(capsys, "log(x) + y", "--at", "x=-1,y=0")
    assert code == 3
    assert "v1 = nan" in out
    assert err.startswith("error: log needs x > 0, got x = -1\n")
    code, out, err = ask(capsys, "log(x) + y", "--at", "x=-1,y=0", "--format", "svg")
    assert code == 3
    ElementTree.fromstring(out)
    assert err.startswith("error: log needs")
    code, out, _ = ask(capsys, "log(x) + y", "--at", "x=-1,y=0", "--format", "json")
    assert code == 3
    made = json.loads(out)
    assert made["ok"] is False
    assert made["error"]["code"] == "undefined"


def test_a_kink_is_drawn_with_its_convention_and_said(capsys):
    code, out, err = ask(capsys, "abs(x)", "--at", "x=0")
    assert code == 0
    assert "[0]" in out
    assert err.startswith("warning: f (abs) has a kink along x")


def test_what_no_gradient_reaches_has_dashed_wires(capsys):
    _, out, _ = ask(capsys, "where(x > 0, x^2, exp(x))", "--at", "x=1", "--format", "dot")
    dashed = [line for line in out.splitlines() if "dashed" in line]
    assert len(dashed) == 4  # x > 0; the condition; exp(x), its operand and its way into where
    assert sum("->" in line for line in out.splitlines()) == 6


# ---------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("x+y", "--at", "x=1"), "no value for y"),
        (("x", "--at", "x=1,z=1"), "z does not occur in the expression"),
        (("x", "--wrt", "q"), "--wrt: the program has no name 'q'"),
        (("x", "--of", "q"), "--of: the program has no name 'q'"),
        (("x+", "--at", "x=1"), "expected an operand"),
        (("x", "--format", "gif"), "'gif' is not one of"),
        (("x", "-o", "a.jpg"), "graph has no format with the ending '.jpg'"),
        (("x", "-o", "a.svg", "--format", "png"), "--format png does not go with 'a.svg'"),
        (
            ("x", "-o", "no/such/folder/a.svg"),
            "cannot write 'no/such/folder/a.svg': no such folder",
        ),
        (("x", "-o", ""), "cannot write '': it has no name"),
        (("x", "-o", "."), "cannot write '.': is a directory"),
    ],
)
def test_bad_input_is_refused(capsys, words, message):
    code, out, err = ask(capsys, *words)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


def test_a_file_stays_as_it_was_after_an_error(capsys, tmp_path):
    path = tmp_path / "a.svg"
    path.write_text("old")
    assert ask(capsys, "x + y", "--at", "x=1", "-o", str(path))[0] == 2
    assert path.read_text() == "old"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_read_only_is_said(capsys, tmp_path):
    tmp_path.chmod(0o500)
    code, _, err = ask(capsys, "x", "-o", str(tmp_path / "a.svg"))
    assert code == 2
    assert "not writable" in err


def test_pixels_are_not_sent_to_a_terminal():
    done = run_in_terminal("graph", *LECTURE, "--format", "png")
    assert done.code == 2
    assert "PNG is no text for a terminal" in done.out
    assert "write it to a file: -o graph.png" in done.out


def test_a_missing_extra_is_named(capsys, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "cairosvg", None)
    code, out, err = ask(capsys, *LECTURE, "-o", str(tmp_path / "a.png"))
    assert (code, out) == (2, "")
    assert "PNG and PDF need CairoSVG, which is not installed" in err
    assert "pip install 'backprop-cli[pictures]'" in err
    assert not (tmp_path / "a.png").exists()


def test_too_many_nodes_for_a_picture_are_counted(capsys):
    text = "sin(" * 2500 + "x" + ")" * 2500
    for form in ("svg", "dot", "mermaid"):
        code, out, err = ask(capsys, text, "--format", form)
        assert (code, out) == (2, "")
        assert f"a picture shows up to {MOST_NODES:,} nodes, this one has 2,501" in err
    code, out, _ = ask(capsys, text, "--format", "json")
    assert code == 0
    assert len(json.loads(out)["graph"]["nodes"]) == 2501


def test_every_odd_program_is_drawn_in_every_format(capsys):
    for case in ODD.values():
        at = ("--at", case.point) if case.at else ()
        for form in ("table", "svg", "dot", "mermaid", "json"):
            code, out, err = ask(capsys, case.text, *at, "--format", form)
            assert code in (0, 3)
            assert out
            assert "Traceback" not in err


# ---------------------------------------------------------------------------------------- examples


@pytest.mark.parametrize("ending", ["svg", "mmd"])
def test_the_pictures_of_the_examples_are_the_tools_own(ending, request, tmp_path, capsys):
    """`backprop graph @lecture.txt --at @lecture.json -o lecture.svg`, in `examples/`."""
    folder = ROOT / "examples"
    path = tmp_path / f"graph.{ending}"
    words = (f"@{folder / 'lecture.txt'}", "--at", f"@{folder / 'lecture.json'}", "-o", str(path))
    assert ask(capsys, *words) == (0, "", "")
    kept = folder / f"lecture.{ending}"
    if request.config.getoption("--update-snapshots"):
        kept.write_bytes(path.read_bytes())
    assert kept.read_bytes() == path.read_bytes()


def test_the_readme_shows_the_picture():
    assert "(examples/lecture.svg)" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_no_gradient_of_0_is_drawn_where_the_table_has_nan(capsys):
    """No contribution reaches y, but f, which is computed from it, is undefined."""
    words = ("where(x > 0, 1, y) + log(x - 5)", "--at", "x=1,y=-1")
    out = ask(capsys, *words)[1]
    assert re.search(r"│ y = -1 ├.*\n *│ ← nan  │", out)
    assert '["y = -1<br/>← nan"]' in ask(capsys, *words, "--format", "mermaid")[1]
    reached = ask(capsys, "where(x > 0, 1, y) + log(x)", "--at", "x=1,y=-1")[1]
    assert re.search(r"│ y = -1 ├.*\n *│  ← 0   │", reached)
