"""`--engine`: what it says, what it refuses, and that the numbers do not depend on it."""

import json
from pathlib import Path

import pytest

from backprop_cli.commands.main import run as run_words
from backprop_cli.readings import compiler

ROSENBROCK = ("--descend", "(1-x)^2 + 100(y-x^2)^2", "--at", "x=-1.2,y=1", "--step", "1e-3")
LONG = (*ROSENBROCK, "--steps", "60000")

try:
    NOTE = f"note: engine native (C, compiled by {compiler.find_compiler().name})\n"
except compiler.NoCompiler as reason:
    pytest.skip(reason.message, allow_module_level=True)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def ask(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Run the command in this process: exit code, stdout, stderr."""
    code = run_words(["ascend", *words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize("form", ["table", "plain"])
def test_a_long_climb_is_taken_by_c_and_looks_the_same(capsys, form):
    shown = [
        ask(capsys, *LONG, "--format", form, "--engine", engine)
        for engine in ("python", "native", "auto")
    ]
    assert [code for code, _, _ in shown] == [0, 0, 0]
    assert len({out for _, out, _ in shown}) == 1
    assert [err for _, _, err in shown] == ["", NOTE, NOTE]


@pytest.mark.parametrize("form", ["csv", "json"])
def test_every_row_that_is_shown_is_the_same(capsys, form):
    words = (*ROSENBROCK, "--steps", "50", "--format", form, "--engine")
    python, native = (ask(capsys, *words, engine)[1] for engine in ("python", "native"))
    assert python.replace('"engine": "python"', '"engine": "native"') == native
    assert len(native.splitlines()) == 52


def test_json_says_which_engine_worked(capsys):
    for engine, name in (("python", "python"), ("native", "native"), ("auto", "python")):
        _, out, _ = ask(capsys, *ROSENBROCK, "--steps", "3", "--format", "json", "--engine", engine)
        assert json.loads(out.splitlines()[-1])["engine"] == name


def test_auto_leaves_short_climbs_to_python_without_a_word(capsys, tmp_path):
    assert ask(capsys, *ROSENBROCK, "--steps", "100", "--format", "plain")[2] == ""
    assert not (tmp_path / "cache").exists()


def test_a_race_is_run_by_c(capsys):
    words = (
        "a*b",
        "--at",
        "a=-4,b=-3",
        "--race",
        "--seed",
        "1",
        "--steps",
        "200",
        "--format",
        "plain",
    )
    python, native = (ask(capsys, *words, "--engine", engine) for engine in ("python", "native"))
    assert python[:2] == native[:2]
    assert native[2] == NOTE + python[2]


def test_without_a_compiler_native_is_refused_and_auto_says_what_ran(capsys, monkeypatch):
    wanted = ask(capsys, *LONG, "--format", "plain", "--engine", "python")[:2]
    monkeypatch.setenv("CC", "nosuchcc")
    code, out, err = ask(capsys, *LONG, "--format", "plain", "--engine", "native")
    assert (code, out) == (2, "")
    assert err == (
        "error: no C compiler was found: CC names 'nosuchcc'\n"
        "  set CC to a compiler, or unset it; --engine python needs no compiler\n"
    )
    code, out, err = ask(capsys, *LONG, "--format", "plain")
    assert (code, out) == wanted
    assert err == "note: engine python (no C compiler was found: CC names 'nosuchcc')\n"


def test_a_refusal_is_json_where_json_was_asked_for(capsys, monkeypatch):
    monkeypatch.setenv("CC", "nosuchcc")
    code, out, _ = ask(capsys, *LONG, "--format", "json", "--engine", "native")
    made = json.loads(out)
    assert (code, made["ok"], made["error"]["code"]) == (2, False, "option")


NET = "(relu(w*x + b) - y)^2"


@pytest.fixture
def line(tmp_path: Path) -> str:
    path = tmp_path / "line.csv"
    path.write_text("x,y\n" + "".join(f"{k / 9},{k / 3 - 1}\n" for k in range(30)))
    return str(path)


@pytest.mark.parametrize(
    "more", [(), ("--batch-size", "4", "--seed", "1"), ("--optimizer", "adam")]
)
def test_rows_of_data_are_computed_by_c(capsys, line, more):
    words = (NET, "--descend", "--at", "w=1,b=0.5", "--data", line, "--steps", "200", *more)
    for form in ("table", "plain"):
        shown = [
            ask(capsys, *words, "--format", form, "--engine", engine)
            for engine in ("python", "native")
        ]
        assert shown[0][:2] == shown[1][:2]
        assert (shown[0][2], shown[1][2]) == ("", NOTE)


def test_it_is_said_where_numpy_computes_a_function_in_its_own_way(capsys, line):
    words = ("(tanh(w*x + b) - y)^2", "--descend", "--at", "w=1,b=0.5", "--data", line)
    code, out, err = ask(capsys, *words, "--format", "json", "--engine", "native")
    assert code == 0
    assert json.loads(out.splitlines()[-1])["engine"] == "native"
    assert err == f"{NOTE.rstrip()}; tanh: the last digits may differ from NumPy's\n"


def test_data_need_a_compiler_where_native_is_asked_for(capsys, monkeypatch, line):
    monkeypatch.setenv("CC", "nosuchcc")
    words = (NET, "--at", "w=1,b=0.5", "--data", line, "--format", "plain", "--engine")
    assert ask(capsys, *words, "native")[0] == 2
    assert ask(capsys, *words, "auto")[2] == ""
    long = (*words[:5], "--steps", "15000", "--step", "1e-9", *words[5:])
    assert "engine python (no C compiler was found" in ask(capsys, *long, "auto")[2]


def test_a_cache_that_cannot_be_used_is_said_once(capsys, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    _, _, err = ask(capsys, *LONG, "--optimizer", "gradient,adam", "--format", "plain")
    why = f"compiled code cannot be kept in {folder}/backprop: Not a directory"
    assert err == f"{NOTE.rstrip()}; {why}\n"


def test_names_of_c_are_names_like_others(capsys):
    words = (
        "(NULL - linux)^2 + y0*I^2",
        "--at",
        "NULL=1,linux=2,y0=3,I=.5",
        "--format",
        "plain",
        "--steps",
        "60",
    )
    python, native = (ask(capsys, *words, "--engine", engine) for engine in ("python", "native"))
    assert (python[0], python[1]) == (native[0], native[1])
    assert python[1].startswith("f ")


# ------------------------------------------------------------------- many points


@pytest.fixture
def table(tmp_path: Path) -> str:
    """Return a file of 2000 points, some of them on kinks or outside the domain."""
    path = tmp_path / "points.csv"
    rows = [f"{(k % 41 - 20) / 8},{(k % 7) - 3}" for k in range(2000)]
    path.write_text("\n".join(["x,y", *rows]))
    return str(path)


def grad(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = run_words(["grad", *words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize(
    "text", ["relu(x)*y + gelu(x)", "log(x) + abs(y)", "max(x, y)^3/(1 + x^2)", "x/y + erf(x)"]
)
def test_many_points_by_either_engine(capsys, table, text):
    pytest.importorskip("numpy")
    shown = [
        grad(capsys, text, "--points", table, "--engine", engine) for engine in ("python", "native")
    ]
    assert shown[0][0] == shown[1][0]
    assert shown[1][2] == NOTE + shown[0][2]
    pairs = zip(*(out.splitlines() for _, out, _ in shown), strict=True)
    for one, other in pairs:
        left, right = one.split(","), other.split(",")
        assert left[-1] == right[-1]  # the flag
        if one != other:
            numbers = [[float(cell or "nan") for cell in row[:-1]] for row in (left, right)]
            assert numbers[0] == pytest.approx(numbers[1], rel=1e-14, abs=1e-14, nan_ok=True)


def test_points_without_a_compiler(capsys, table, monkeypatch):
    pytest.importorskip("numpy")
    monkeypatch.setenv("CC", "nosuchcc")
    code, out, err = grad(capsys, "x*y", "--points", table, "--engine", "native")
    assert (code, out) == (2, "")
    assert err.startswith("error: no C compiler was found: CC names 'nosuchcc'\n")
    code, out, err = grad(capsys, "x*y", "--points", table)
    assert (code, err) == (0, "")  # so few rows are NumPy's, and nobody looks for a compiler


def test_auto_takes_c_for_points_that_numpy_computes_one_by_one(capsys, tmp_path, monkeypatch):
    pytest.importorskip("numpy")
    path = tmp_path / "many.csv"
    path.write_text("x\n" + "0.5\n1.5\n" * 100_000)
    assert grad(capsys, "gamma(x)", "--points", str(path))[2] == NOTE
    assert grad(capsys, "tanh(x)", "--points", str(path))[2] == ""
    monkeypatch.setenv("CC", "nosuchcc")
    code, out, err = grad(capsys, "gamma(x)", "--points", str(path))
    assert (code, len(out.splitlines())) == (0, 200_001)
    assert err == "note: engine python (no C compiler was found: CC names 'nosuchcc')\n"


def test_the_engine_of_one_point_cannot_be_chosen(capsys):
    code, _, err = grad(capsys, "x^2", "--at", "x=1", "--engine", "native")
    assert code == 2
    assert "--engine belongs to --points" in err
