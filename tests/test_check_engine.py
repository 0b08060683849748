"""`check --engine`: verdicts, points and numbers are the same, and it says which engine worked."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from strategies import programs

from backprop_cli.commands.main import run as run_words
from backprop_cli.language.parser import parse
from backprop_cli.readings import compiler
from backprop_cli.studies.checking import claim_engine
from backprop_cli.studies.checking.check import Setting, check
from backprop_cli.studies.checking.claim_engine import Evaluation
from backprop_cli.studies.checking.claims import ask, read_claims

try:
    NOTE = f"note: engine native (C, compiled by {compiler.find_compiler().name})\n"
except compiler.NoCompiler as reason:
    pytest.skip(reason.message, allow_module_level=True)

pytestmark = pytest.mark.usefixtures("own_cache")

CLAIMS = (
    ("(a + b)*(b + c)", "b=b+c,a=b+c,c=a"),
    ("sin(x^2)", "x=cos(x^2)"),
    ("log(a)*b", "a=b/a,b=log(a)"),
    ("abs(x)*y", "x=y,y=abs(x)"),
    ("tanh(x)", "x=1/cosh(x)^2"),
    ("exp(x^2)/y", "x=2*x*exp(x^2)/y,y=-exp(x^2)/y^2"),
    ("where(x > 0, log(x), y*x)", "x=where(x > 0, 1/x, y),y=where(x > 0, 0, x)"),
    ("sqrt(x)*floor(y)", "x=floor(y)/(2*sqrt(x)),y=0"),
    ("max(x, y, 0)", "x=where(x > y, 1, 0)"),
)


def checked(text: str, claims: str, **given):
    questions = ask(parse(text), read_claims([claims]), [], [])
    return {
        engine: check(questions, Setting(engine=engine, **given)) for engine in ("python", "native")
    }


@pytest.mark.parametrize(("text", "claims"), CLAIMS)
@pytest.mark.parametrize("fixed", [False, True])
def test_verdicts_do_not_depend_on_the_engine(text, claims, fixed):
    at = dict.fromkeys(parse(text).inputs, 1.5) if fixed else {}
    found = checked(text, claims, fixed=at)
    assert [one.engine.name for one in found.values()] == ["python", "native"]
    python, native = ([repr(verdict) for verdict in one.verdicts] for one in found.values())
    assert python == native
    assert found["python"].points == found["native"].points


@settings(deadline=None, max_examples=10, suppress_health_check=list(HealthCheck))
@given(programs())
def test_the_numbers_of_random_programs_do_not_depend_on_the_engine(program):
    graph = parse(program.text, program.point)
    names = tuple(graph.inputs)
    python, native = (Evaluation(graph, names, engine, 0) for engine in ("python", "native"))
    assert native.chosen.name == "native"
    for place in range(12):
        point = [program.point[name] * place / 4 + math.sin(place) for name in names]
        assert repr(python(point)) == repr(native(point)), (program.text, point)


def test_where_a_number_is_not_finite_python_answers_for_c():
    """cosh(400)^2 is infinite and its inverse 0: C reports it, and Python has the 0."""
    graph = parse("1/(cosh(x)*cosh(x))")
    native = Evaluation(graph, ("x",), "native", 0)
    assert native([400.0]) == (0.0,)
    assert native([1e9]) is None  # cosh raises: the interpreter has an answer


def test_auto_compiles_where_that_pays():
    small = parse("x*y")
    large = parse("+".join(f"tanh(x*{k})*y" for k in range(1, 300)))
    for graph, points, name in (
        (small, 1_000_000, "python"),
        (large, 100, "python"),
        (large, 200_000, "native"),
    ):
        assert Evaluation(graph, ("x", "y"), "auto", points).chosen.name == name, points
        assert Evaluation(graph, ("x", "y"), "python", points).chosen.name == "python"


# ------------------------------------------------------------------- the command


def command(capsys, *words: str) -> tuple[int, str, str]:
    code = run_words(["check", *words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


WORDS = ("(a+b)*(b+c)", "--claim", "b=b+c", "--claim", "a=b+c")


@pytest.mark.parametrize("form", ["table", "plain", "json"])
def test_what_is_said_of_the_engine(capsys, form):
    python, native, auto = (
        command(capsys, *WORDS, "--format", form, "--engine", engine)
        for engine in ("python", "native", "auto")
    )
    assert auto == python
    assert native[0] == python[0] == 1
    assert native[2] == python[2] + NOTE
    assert native[1] == python[1].replace('"engine": "python"', '"engine": "native"')
    if form == "json":
        assert json.loads(native[1])["engine"] == "native"


def test_a_file_of_tests_says_once_what_worked(capsys, tmp_path: Path):
    file = tmp_path / "claims.toml"
    case = '[[case]]\nexpression = "{}"\nclaims = {{x = "{}"}}\n'
    file.write_text(case.format("x^2", "2*x") + case.format("x^3", "3*x^2"))
    for form in ("table", "plain", "json"):
        code, out, err = command(
            capsys, "--file", str(file), "--engine", "native", "--format", form
        )
        assert (code, err) == (0, NOTE)
        if form == "json":
            assert [each["engine"] for each in json.loads(out)["cases"]] == ["native", "native"]


def test_without_a_compiler(capsys, monkeypatch):
    monkeypatch.setenv("CC", "nosuchcc")
    code, out, err = command(capsys, *WORDS, "--engine", "native", "--format", "plain")
    assert (code, out) == (2, "")
    assert err.startswith("error: no C compiler was found: CC names 'nosuchcc'\n")
    monkeypatch.setattr(claim_engine, "_pays", lambda points, nodes: True)
    code, _, err = command(capsys, *WORDS, "--format", "plain")
    assert code == 1
    assert err.endswith("note: engine python (no C compiler was found: CC names 'nosuchcc')\n")
