"""`backprop check` as users meet it: tables, formats, files of tests, exit codes, errors."""

import json
import re
import subprocess
import sys

import pytest

from backprop_cli.commands.main import run as run_words
from tests.command import run, run_in_terminal

LECTURE = "(a+b)*(b+c)"
NETWORK = "h1 = w11*x1 + w21*x2; h2 = w12*x1 + w22*x2; p = v1*h1 + v2*h2; L = (y - p)^2"
TESTS = """\
[[case]]
name = "gradients add at branches"
expression = "(a+b)*(b+c)"
claims = { a = "b+c", b = "a+2b+c", c = "a+b" }

[[case]]
name = "a branch is forgotten"
expression = "x = a+b; y = b+c; f = x*y"
claims = { b = "y" }

[[case]]
name = "nowhere"
expression = "log(-abs(x) - 1)"
claims = { x = "1" }
"""


def ask(capsys, *words: str) -> tuple[int, str, str]:
    """Run the command in this process: exit code, stdout, stderr.

    SymPy has all the time it needs, however busy the machine is.
    """
    patient = (
        [] if {"--file", "--format", "--sympy-seconds"} & {*words} else ["--sympy-seconds", "60"]
    )
    code = run_words(["check", *words, *patient])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def answer(capsys, *words: str) -> dict:
    return json.loads(ask(capsys, *words, "--format", "json")[1])


@pytest.fixture
def tests_file(tmp_path):
    path = tmp_path / "gradients.toml"
    path.write_text(TESTS)
    return str(path)


# ---------------------------------------------------------------------------------- tables

TABLES = [
    ("check_lecture", 100, [LECTURE, "--claim", "a=b+c,b=b+c", "--claim", "c=b+a"]),
    ("check_network", 80, [NETWORK, "--claim", "x2=-2*w21*v1*(y-p)"]),
    ("check_exceptions", 120, ["abs(x)*log(y^2)", "--claim", "x=where(x>=0,1,-1)*2*log(y)"]),
    ("check_at_one_point", 80, ["sin(x^2)", "--claim", "x=4", "--at", "x=2"]),
    ("check_narrow", 40, [LECTURE, "--claim", "b=b+c"]),
]


@pytest.mark.parametrize(("name", "columns", "words"), TABLES)
def test_tables_are_as_looked_at(name, columns, words, matches_snapshot):
    words = [*words, "--sympy-seconds", "60"]
    done = run_in_terminal("check", *words, columns=columns, environment={"NO_COLOR": "1"})
    text = done.out.replace("\r\n", "\n")
    assert max(map(len, text.splitlines())) <= columns
    matches_snapshot(name, re.sub(r" +$", "", text, flags=re.MULTILINE))


def test_ascii_streams_get_ascii(matches_snapshot):
    done = run("check", "x = a+b; y = b+c; f = x*y", "--claim", "b=y", "--sympy-seconds", "60",
               environment={"PYTHONIOENCODING": "ascii", "LC_ALL": "C"})  # fmt: skip
    assert done.code == 1
    assert done.out.isascii()
    matches_snapshot("check_ascii", done.out)


def test_equal_in_value_but_not_in_form_is_said(capsys):
    code, out, _ = ask(capsys, LECTURE, "--claim", "b=(a+b)+(b+c)")
    assert code == 0
    assert "equals a + 2·b + c" in out
    assert "equals" not in ask(capsys, LECTURE, "--claim", "b=2*b+a+c")[1]


def test_user_text_is_never_markup(capsys):
    code, _, err = ask(capsys, LECTURE, "--claim", "b=[bold]a[/bold]")
    assert code == 2
    assert "[bold]a[/bold]" in err


def test_rows_limits_the_claims(capsys):
    _, out, _ = ask(capsys, LECTURE, "--claim", "a=b+c,b=b+c,c=a+b", "--rows", "1")
    assert "… 2 more claims (--rows 3 shows them)" in out


# ------------------------------------------------------------------------- machine formats


def test_json_is_the_contract(capsys):
    got = answer(capsys, LECTURE, "--claim", "a=b+c,b=b+c")
    assert list(got)[:3] == ["schema", "ok", "expression"]
    assert got["ok"] is True
    assert got["expression"] == "(a + b)*(b + c)"
    right, wrong = got["claims"]
    assert right == {
        "input": "a", "claim": "b + c", "verdict": "right", "formula": "b + c", "diagnosis": []
    }  # fmt: skip
    assert wrong["verdict"] == "wrong"
    assert wrong["point"] == {"a": 1.0, "b": 0.0, "c": 0.0}
    assert (wrong["claimed"], wrong["actual"]) == (0.0, 1.0)
    first = wrong["diagnosis"][0]
    assert (first["code"], first["path"]) == ("missing-branch", ["b", "v2", "f"])
    assert "gradients add at branches" in first["message"]


def test_json_says_what_is_undecided_and_what_is_excepted(capsys):
    got = answer(capsys, "log(x)", "--claim", "x=1/x", "--at", "x=-1")
    assert got["ok"] is False
    assert got["at"] == {"x": -1.0}
    assert got["claims"][0]["verdict"] == "undecided"
    assert "log needs x > 0" in got["claims"][0]["reason"]
    got = answer(capsys, "abs(x)", "--claim", "x=x/abs(x)")
    assert "kink of abs(x)" in got["claims"][0]["except"][0]
    got = answer(capsys, "abs(x)", "--claim", "x=1")
    assert got["claims"][0]["where"] == "where x < 0"


def test_json_names_the_output_where_there_are_several(capsys):
    words = ["f = a*b; g = a+b", "--of", "f,g", "--claim", "f.a=b,g.a=1"]
    assert [c["output"] for c in answer(capsys, *words)["claims"]] == ["f", "g"]
    assert ask(capsys, *words, "--format", "plain")[1] == "f.a right\ng.a right\n"


def test_the_numbers_of_messages_have_a_point(capsys):
    """The failing point is the simplest; the messages have the numbers of one that tells more."""
    words = ["(a+b)*(b+c)", "--claim", "b=b+c"]
    (claim,) = answer(capsys, *words)["claims"]
    assert claim["point"] == {"a": 1.0, "b": 0.0, "c": 0.0}
    point = {"a": 2.0, "b": 3.0, "c": 4.0}
    assert claim["example"] == {"point": point, "claimed": 7.0, "actual": 12.0}
    _, out, err = ask(capsys, *words, "--format", "plain")
    assert "b.point a=1.0,b=0.0,c=0.0\n" in out
    assert "at a = 1, b = 0, c = 0: claimed 0.0, right is 1.0; at a = 2, b = 3, c = 4: miss" in err


def test_what_a_right_claim_excepts_is_said_as_an_exception(capsys):
    _, _, err = ask(capsys, "abs(x)", "--claim", "x=x/abs(x)", "--format", "json")
    assert "is right except at the kink of abs(x): there the claim is undefined" in err


def test_a_program_without_names_says_so(capsys):
    code, _, err = ask(capsys, "5", "--claim", "x=0")
    assert (code, err.splitlines()[-1]) == (2, "  it has no inputs and no named steps")


def test_a_pass_that_is_cut_promises_no_option_that_does_not_help(capsys):
    deep = "; ".join(["h0 = x", *(f"h{k} = h{k - 1} + h{k - 1}" for k in range(1, 31))])
    _, out, _ = ask(capsys, deep, "--claim", "x=2^29")
    assert "… 18 more nodes\n" in out


def test_plain_lines_are_for_grep(capsys):
    code, out, err = ask(capsys, LECTURE, "--claim", "a=b+c,b=b+c", "--format", "plain")
    assert code == 1
    assert out.splitlines() == [
        "a right",
        "b wrong",
        "b.point a=1.0,b=0.0,c=0.0",
        "b.claimed 0.0",
        "b.actual 1.0",
        "b.diagnosis missing-branch",
        "b.diagnosis other-input",
    ]
    assert "∂f/∂b = b + c is wrong" in err


def test_sympy_is_asked_of_machines_only_on_request(capsys):
    assert answer(capsys, LECTURE, "--claim", "b=2")["claims"][0]["formula"] == "a + b + (b + c)"
    got = answer(capsys, LECTURE, "--claim", "b=2", "--sympy-seconds", "20")
    assert got["claims"][0]["formula"] == "a + 2*b + c"
    _, out, _ = ask(capsys, LECTURE, "--claim", "b=2", "--sympy-seconds", "0")
    assert "∂f/∂b is a + b + (b + c), not 2" in out


def test_machine_formats_import_nothing_heavy():
    script = (
        "import sys; from backprop_cli.commands.main import run;"
        "run(['check', 'sin(x*y)+abs(x)', '--claim', 'x=y', '--format', 'json']);"
        "print([m for m in ('sympy', 'rich', 'numpy', 'mpmath') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


# ------------------------------------------------------------------------------ exit codes

CODES = [
    (0, [LECTURE, "--claim", "b=a+2b+c"]),
    (1, [LECTURE, "--claim", "a=b+c,b=b+c"]),
    (3, ["log(-abs(x) - 1)", "--claim", "x=1"]),
    (3, ["log(x)", "--claim", "x=1/x", "--at", "x=-1"]),
    (0, ["abs(x)", "--claim", "x=x/abs(x)"]),
    (0, ["-x^2", "--claim", "x=-2x"]),
    (2, [LECTURE, "--claim", "b=b+q"]),
    (2, [LECTURE]),
    (2, []),
    (2, ["x", "--file", "t.toml"]),
    (2, ["--file", "no-such-file.toml"]),
    (2, ["x*y", "--claim", "x=y", "--at", "x=1"]),
    (2, ["x*y", "--claim", "x=y", "--range", "z=1:2"]),
    (2, ["x*y", "--claim", "x=y", "--range", "x=1:2", "--at", "x=1"]),
    (0, ["x*y", "--claim", "x=y", "--range", "x=1:2", "--at", "y=1"]),
    (2, ["x*y", "--claim", "x=y", "--points", "0"]),
    (2, ["x*y", "--claim", "x=y", "--tolerance", "1"]),
]


@pytest.mark.parametrize(("code", "words"), CODES)
def test_exit_codes(capsys, code, words):
    got, out, err = ask(capsys, *words, "--format", "plain")
    assert got == code
    assert "Traceback" not in err
    assert bool(out) == (code != 2)


def test_an_error_in_a_claim_points_into_the_claim(capsys):
    _, _, err = ask(capsys, LECTURE, "--claim", "a=b+c", "--claim", "b = b + q")
    assert err.splitlines()[:3] == [
        "error: the program has no name 'q'",
        "  --claim: b = b + q",
        "                   ^",
    ]


def test_options_of_one_program_do_not_go_with_a_file(capsys, tests_file):
    code, _, err = ask(capsys, "--file", tests_file, "--seed", "3")
    assert code == 2
    assert "--seed goes with an EXPRESSION" in err


# ---------------------------------------------------------------------------------- options


def test_claims_come_from_a_file_too(capsys, tmp_path):
    path = tmp_path / "claims.txt"
    path.write_text("# mine\na = b + c\nb = q + 1\n")
    code, _, err = ask(capsys, LECTURE, "--claims", str(path))
    assert code == 2
    assert "line 3: b = q + 1" in err
    path.write_text("# mine\na = b + c\n\nb = b + c\n")
    code, out, _ = ask(capsys, LECTURE, "--claims", str(path), "--format", "plain")
    assert (code, out.splitlines()[:2]) == (1, ["a right", "b wrong"])


def test_the_points_are_said_and_repeat(capsys):
    words = [LECTURE, "--claim", "b=b+c", "--range", "a=0.5:10", "--at", "c=2", "--range", "b=0:"]
    code, out, _ = ask(capsys, *words, "--points", "30", "--seed", "4", "--sympy-seconds", "0")
    assert code == 1
    assert "at 30 random points of the domain, c = 2, a from 0.5 to 10, b from 0 to inf" in out
    again = ask(capsys, *words, "--points", "30", "--seed", "4", "--sympy-seconds", "0")[1]
    assert out == again
    assert "a = 1, b = 0, c = 2" in out


def test_the_tolerance_is_an_option(capsys):
    words = ["x^2", "--claim", "x=2.0001*x", "--format", "plain"]
    assert ask(capsys, *words)[0] == 1
    assert ask(capsys, *words, "--tolerance", "1e-3")[0] == 0
    rounded = ["sigmoid(x)", "--claim", "x=0.1966", "--at", "x=1", "--format", "plain"]
    assert ask(capsys, *rounded)[0] == 0
    assert ask(capsys, *rounded, "--tolerance", "1e-9")[0] == 1


# ------------------------------------------------------------------------------- test files


def test_a_file_of_tests_reads_like_a_test_runner(capsys, tests_file, matches_snapshot):
    code, out, _ = ask(capsys, "--file", tests_file)
    assert code == 1
    matches_snapshot("check_file", re.sub(r" in [0-9.]+ (ms|s)\)", " in TIME)", out))


def test_a_file_of_tests_as_json_and_plain(capsys, tests_file):
    got = answer(capsys, "--file", tests_file)
    assert [case["verdict"] for case in got["cases"]] == ["right", "wrong", "undecided"]
    assert got["counts"]["claims"] == {"right": 3, "wrong": 1, "undecided": 1}
    assert got["counts"]["cases"] == {"right": 1, "wrong": 1, "undecided": 1}
    assert got["cases"][1]["claims"][0]["diagnosis"][0]["code"] == "missing-branch"
    assert got["points"] == 400
    _, out, _ = ask(capsys, "--file", tests_file, "--format", "plain")
    assert out.splitlines()[:4] == ["1.a right", "1.b right", "1.c right", "2.b wrong"]


def test_a_file_of_tests_comes_from_standard_input_too():
    done = run("check", "--file", "-", "--format", "plain", stdin=TESTS.split("\n\n")[0])
    assert (done.code, done.out) == (0, "1.a right\n1.b right\n1.c right\n")


def test_errors_in_a_file_of_tests_point_and_are_json_too(capsys, tests_file, tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text(TESTS.replace("claims = { b", "claim = { b"))
    code, out, err = ask(capsys, "--file", str(path), "--format", "json")
    assert code == 2
    error = json.loads(out)["error"]
    assert (error["code"], error["line"], error["hint"]) == ("file", 9, "did you mean claims?")
    assert "line 9" in err


def test_a_suite_with_a_wrong_claim_is_an_answer(capsys, tests_file):
    """`ok` is about the run, as with one program: exit code 1 is an answer, 3 is none."""
    code, out, _ = ask(capsys, "--file", tests_file, "--format", "json")
    assert (code, json.loads(out)["ok"]) == (1, True)


def test_a_missing_value_in_a_file_is_hinted_at_as_files_have_it(capsys, tmp_path):
    path = tmp_path / "missing.toml"
    path.write_text('[[case]]\nexpression = "x*y"\nclaims = {x = "y"}\nat = {x = 1}\n')
    code, _, err = ask(capsys, "--file", str(path))
    assert (code, err.splitlines()[-1]) == (2, "  add to at: y=1")


def test_a_name_of_a_file_cannot_write_to_the_terminal(capsys, tmp_path):
    path = tmp_path / "names.toml"
    name = r'name = "a\u001b[31m [red]b[/red]\nc"'
    path.write_text(f'[[case]]\n{name}\nexpression = "x"\nclaims = {{x = 1}}\n')
    _, out, _ = ask(capsys, "--file", str(path))
    assert "\x1b" not in out
    assert out.splitlines()[0].startswith("✓ aU+001B[31m [red]b[/red]")
    assert out.splitlines()[0].endswith("1 claim, 100 points")


@pytest.mark.parametrize("name", ["c′2", "c'2", "c_2", "c"])
def test_a_claim_is_about_a_reassigned_name_however_it_is_spelled(capsys, name):
    program = "c = a*b; c = c*a; f = c*c"
    words = (program, "--at", "a=2,b=3", "--claim")
    assert ask(capsys, *words, f"{name} = 2*a*a*b")[0] == 0
    assert ask(capsys, *words, f"{name} = 3*a*a*b")[0] == 1
    assert ask(capsys, *words, "c′1 = 2*a*a*a*b")[0] == 0
