"""Names that are given twice: what the echo says of them, and how they may be typed."""

import json

import pytest

from backprop_cli.commands.main import run as run_words
from backprop_cli.language.parser import parse
from backprop_cli.language.printer import program_text

AGAIN = "c = 2x; c = c^2; d = c*x; c = c + d"


def ask(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[str, str]:
    run_words([*words])
    return capsys.readouterr()


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> dict:
    return json.loads(ask(capsys, *words, "--format", "json")[0])


@pytest.mark.parametrize(
    ("program", "of", "first"),
    [
        ("f = x; g = x^2", "f,g", "f = x;  g = x^2     at x = 3"),
        ("f = x; g = x^2", "f", "f = x;  g = x^2;  f     at x = 3"),
        ("c = 2x; d = c; d^2", "d", "c = 2·x;  d = c;  c^2;  d     at x = 3"),
    ],
)
def test_the_echo_says_how_every_name_was_read(capsys, program, of, first):
    out, _ = ask(capsys, "grad", program, "--of", of, "--at", "x=3", "--check", "none")
    assert out.splitlines()[0] == first
    got = answer(capsys, "grad", program, "--of", of, "--at", "x=3")
    back = answer(capsys, "grad", got["expression"], "--of", of, "--at", "x=3")
    assert back == got


def test_pictures_and_pages_have_the_second_names(capsys):
    words = ["f = x; g = x^2", "--of", "f,g", "--at", "x=3"]
    assert ask(capsys, "graph", *words)[0].startswith("f = x;  g = x^2 ")
    assert "\nf &= x \\cr\ng &= x^2\n" in ask(capsys, "grad", *words, "--format", "markdown")[0]
    assert ask(capsys, "export", *words, "--to", "python")[0].startswith('"""f = x\ng = x^2\n')


def test_sympy_knows_an_input_by_its_second_name(capsys):
    got = answer(capsys, "grad", "a = x; a*x", "--at", "x=2", "--wrt", "a", "--check", "sympy")
    assert got["modes"]["sympy"] == {"a": {"formula": "2*x", "value": 4.0}}
    assert got["agree"] is True


def test_json_spells_a_name_that_is_assigned_again_in_one_way(capsys):
    out, _ = ask(capsys, "grad", AGAIN, "--at", "x=3", "--format", "json", "--wrt", "c′2,x",
                 "--show", "reverse,forward,symbolic,paths", "--check", "all")  # fmt: skip
    got = json.loads(out)
    assert "\\u2032" not in out
    assert got["expression"] == "c = 2*x; c_2 = c^2; d = c_2*x; c_3 = c_2 + d"
    assert [node["name"] for node in got["nodes"]] == ["x", "c", "c_2", "d", "c_3"]
    assert got["gradient"] == {"c_2": 4.0, "x": 132.0}
    assert program_text(parse(got["expression"])) == got["expression"]


@pytest.mark.parametrize(
    "words",
    [
        ("graph", AGAIN, "--at", "x=3"),
        ("diagnose", AGAIN, "--at", "x=3"),
        ("compare-modes", AGAIN, "--at", "x=3"),
        ("grad", "c = x; c = relu(c); c = -relu(c)", "--at", "x=0"),
        ("grad", "c = 2x; c = log(c); c = 1/c", "--at", "x=-1"),
        ("ascend", "c = 2x; c = log(c); c = log(-c)", "--at", "x=1"),
    ],
)
def test_every_command_spells_names_in_json_as_its_expression_does(capsys, words):
    out, _ = ask(capsys, *words, "--format", "json")
    assert "_2" in out
    assert "\\u2032" not in out


@pytest.mark.parametrize("spelling", ["c′2", "c'2", "c_2"])
def test_what_tables_print_can_be_asked_for(capsys, spelling):
    out, _ = ask(capsys, "grad", AGAIN, "--at", "x=3", "--wrt", spelling, "--format", "plain")
    assert out.split()[-1] == "4.0"
    out, _ = ask(capsys, "grad", AGAIN, "--at", "x=3", "--of", spelling, "--format", "plain")
    assert out.split()[1] == "36.0"


def test_the_name_itself_is_its_newest_value_and_the_echo_says_so(capsys):
    out, _ = ask(capsys, "grad", AGAIN, "--at", "x=3", "--wrt", "c,c′1", "--check", "none")
    head = "c = 2·x;  c′2 = c^2;  d = c′2·x;  c′3 = c′2 + d;  c′1 = c;  c = c′3 "
    assert out.startswith(head)
    assert "  c       1\n  c′1    48\n" in out
    got = answer(capsys, "grad", AGAIN, "--at", "x=3", "--wrt", "c,c′1")
    assert got["gradient"] == {"c": 1.0, "c_1": 48.0}
    back = answer(capsys, "grad", got["expression"], "--at", "x=3", "--wrt", "c,c_1")
    assert back["gradient"] == got["gradient"]


def test_a_name_of_the_users_own_is_not_taken_for_a_spelling(capsys):
    program = "c_2 = 5x; c = x; c = 2x; c = c^2; c*c_2"
    got = answer(capsys, "grad", program, "--at", "x=1", "--wrt", "c_2,c′2")
    assert got["expression"] == "c_2 = 5*x; c = x; c_2_2 = 2*x; c_3 = c_2_2^2; c_3*c_2"
    assert got["gradient"] == {"c_2": 4.0, "c_2_2": 20.0}


def test_points_have_the_same_names_in_every_row(capsys, tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("x\n0\n1\n")
    out, _ = ask(capsys, "grad", "c = relu(x); c = c^2; c = c*abs(x)", "--wrt", "c′2", "--points",
                 str(table), "--format", "json")  # fmt: skip
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["gradient"] for row in rows] == [{"c_2": 0.0}, {"c_2": 1.0}]


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (["x^2", "--at", "x=1", "--wrt", "y"], "no name 'y'", "it has x\n"),
        (["c = x; c′2 = 3"], "unexpected '′' U+2032 PRIME", "only --wrt and --of take c′2"),
        ([AGAIN, "--at", "x=1", "--wrt", "c′4"], "no name 'c′4'", "it has x, c, d, c′2, c′3"),
        ([AGAIN, "--at", "x=1,c′2=5"], "'c′2' is not a name", ""),
    ],
)
def test_a_prime_is_no_sign_of_the_language(capsys, words, error, hint):
    _, err = ask(capsys, "grad", *words)
    assert error in err
    assert hint in err
