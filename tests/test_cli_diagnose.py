"""`backprop diagnose` in a pipe and in a terminal: formats, exit codes, snapshots."""

import json
import re

import pytest

from backprop_cli.commands.main import run as run_words
from tests.command import run, run_in_terminal

TEN = "; ".join(["h0 = x", *(f"h{k} = w{k}*h{k - 1}" for k in range(1, 11))])
SIGMOIDS = "; ".join(["h0 = x", *(f"h{k} = sigmoid(h{k - 1})" for k in range(1, 11))])
HALVES = ",".join(["x=1", *(f"w{k}=0.5" for k in range(1, 11))])
DYING = "h1 = relu(w*x + b); h2 = tanh(9*x); f = h1 + h2 + abs(y) + x"


def ask(capsys, *words):
    code = run_words(["diagnose", *words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def answer(capsys, *words):
    code, out, _ = ask(capsys, "--format", "json", *words)
    return code, json.loads(out)


def codes(made):
    return [finding["code"] for finding in made["findings"]]


def test_json_is_the_contract(capsys):
    code, made = answer(capsys, TEN, "--at", HALVES)
    assert code == 0
    assert list(made)[:6] == ["schema", "ok", "expression", "at", "value", "gradient"]
    assert list(made)[6:] == ["flow", "findings", "digits"]
    assert made["flow"][-1] == {"node": "h10", "depth": 0, "adjoint": 1.0}
    assert {"node": "h5", "depth": 5, "adjoint": 0.5**5} in made["flow"]
    assert codes(made) == ["vanishing"]
    assert made["findings"][0]["node"] == "x"
    assert made["digits"]["value"] == 16.0
    assert set(made["digits"]["gradient"]) == set(made["gradient"])


def test_a_death_is_json_with_its_post_mortem_and_a_rewrite(capsys):
    code, made = answer(capsys, "log(1 + exp(x))", "--at", "x=800")
    assert code == 3
    assert made["ok"] is False
    assert (made["value"], made["gradient"]) == ("Infinity", {"x": "NaN"})
    assert made["error"]["node"] == "v1"
    assert [e["pass"] for e in made["post_mortem"]["events"]] == ["forward", "backward"]
    assert made["post_mortem"]["inputs"] == ["x"]
    assert codes(made) == ["overflow"]
    cure = made["findings"][0]["rewrite"]
    assert cure["expression"] == "softplus(x)"
    assert cure["after"]["value"] == 800.0
    assert cure["exact"]["value"].startswith("800.0")
    assert cure["elsewhere"]["agree"] is True
    assert cure["elsewhere"]["points"] >= 5
    assert made["digits"] == {"value": None, "gradient": {"x": None}}


FINDINGS = [
    ("exp(x)", "x=1", 0, []),
    ("x*y - 6", "x=2,y=3", 0, []),
    ("5", "", 0, []),
    (SIGMOIDS, "x=3", 0, ["vanishing"]),
    (TEN, HALVES.replace("0.5", "2"), 0, ["exploding"]),
    (DYING, "w=1,x=1,b=-4,y=0", 0, ["saturated", "dead", "kink", "kink"]),
    ("(1 - cos(x))/x^2", "x=1e-8", 0, ["cancellation", "cancellation"]),
    ("1e-400*x", "x=1", 0, ["underflow"]),
    ("log(x)", "x=-1", 3, ["undefined"]),
    ("x^2", "x=1e200", 3, ["overflow"]),
    ("floor(x)", "x=2", 0, ["kink"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "at", "exit_code", "found"), FINDINGS)
def test_findings_leave_the_exit_code_alone_and_death_makes_it_3(
    capsys, text, at, exit_code, found
):
    code, made = answer(capsys, text, "--at", at)
    assert (code, codes(made)) == (exit_code, found)


def test_each_output_has_a_check_up(capsys):
    code, made = answer(capsys, "f = log(a); g = a*b", "--at", "a=-1,b=2", "--of", "f,g")
    assert code == 3
    assert {name: [one["code"] for one in found] for name, found in made["findings"].items()} == {
        "f": ["undefined"],
        "g": [],
    }
    assert made["post_mortem"]["g"] is None
    assert set(made["flow"]) == set(made["digits"]) == {"f", "g"}


def test_plain_lines(capsys):
    code, out, err = ask(capsys, "log(1 + exp(x))", "--at", "x=800", "--format", "plain")
    assert code == 3
    assert out.splitlines() == [
        "f Infinity",
        "x NaN",
        "digits.f unknown",
        "digits.x unknown",
        "overflow.v1 exp overflows at x = 800",
        "rewrite softplus(x)",
    ]
    assert err.startswith("error: exp overflows at x = 800\n  log(1 + exp(x))\n")


def test_wrt_takes_named_intermediates(capsys):
    _, made = answer(capsys, "h = w*x; f = sigmoid(h)", "--at", "w=9,x=9", "--wrt", "h")
    assert set(made["gradient"]) == {"h"}
    assert codes(made) == ["saturated"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["sine(x)", "--at", "x=1"], "did you mean 'sin'?"),
        (["a*b", "--at", "a=1"], "no value for b"),
        (["x", "--at", "x=1", "--wrt", "y"], "--wrt: the program has no name 'y'"),
        (["x", "--at", "x=1", "--of", "y"], "--of: the program has no name 'y'"),
        (["@no-such-file"], "cannot read"),
        (["x", "--format", "xml"], "'xml' is not one of"),
    ],
)
def test_a_refusal_is_clear(capsys, words, message):
    code, _, err = ask(capsys, *words)
    assert code == 2
    assert message in err


SNAPSHOTS = [
    ("diagnose_weights", [TEN, "--at", HALVES]),
    ("diagnose_sigmoids", [SIGMOIDS, "--at", "x=3"]),
    ("diagnose_softplus", ["log(1 + exp(x))", "--at", "x=800"]),
    ("diagnose_norm", ["sqrt(x^2 + y^2)", "--at", "x=0,y=0"]),
    ("diagnose_cancellation", ["(1 - cos(x))/x^2", "--at", "x=1e-8"]),
    ("diagnose_dying", [DYING, "--at", "w=1,x=1,b=-4,y=0"]),
    ("diagnose_hole", ["sin(x)/x", "--at", "x=0"]),
    ("diagnose_outputs", ["f = log(a); g = a*b", "--at", "a=-1,b=2", "--of", "f,g"]),
    ("diagnose_healthy", ["(a+b)*(b+c)", "--at", "a=2,b=-3,c=4"]),
    ("diagnose_no_inputs", ["5"]),
]


@pytest.mark.parametrize(("name", "words"), SNAPSHOTS)
def test_tables(capsys, matches_snapshot, name, words):
    _, out, err = ask(capsys, *words)
    matches_snapshot(name, out + err)


def in_terminal(*words, columns=80, **environment):
    done = run_in_terminal("diagnose", *words, columns=columns, environment=environment)
    return re.sub(r"\x1b\[[0-9;]*m", "", done.out).replace("\r\n", "\n")


def test_a_narrow_terminal_folds_and_cuts_nothing(matches_snapshot):
    text = in_terminal("a^2*log(sigmoid(x)) + sqrt(b)", "--at", "x=-800,a=2,b=0", NO_COLOR="1")
    matches_snapshot("diagnose_narrow", text)
    assert all(len(line) <= 80 for line in text.splitlines())


def test_signs_that_the_stream_cannot_encode_are_spelled(matches_snapshot):
    text = in_terminal(SIGMOIDS, "--at", "x=3", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    matches_snapshot("diagnose_ascii", text)
    assert text.isascii()
    assert "####" in text


def test_a_chain_of_ten_thousand_layers_reads_well(capsys):
    """Some 25 levels, the zeros in one of them; the bars shorten; the program is abbreviated."""
    text = "; ".join(["h = x", *["h = sigmoid(h)"] * 10_000])
    code, out, _ = ask(capsys, text, "--at", "x=0.3")
    assert code == 0
    assert len(out.splitlines()) < 65
    levels = re.findall(
        r"^  \d+(?:–\d+)? +[\d,]+ +(\S+)", out.partition("by depth")[2], re.MULTILINE
    )
    assert 20 <= len(levels) <= 27
    sizes = [float(size) for size in levels]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes.count(0) == 1
    assert "10,000 factors" in out
    assert "more statements (--rows" in out


def test_rows_limit_what_is_shown(capsys):
    lines = [f"h{k} = sigmoid(20*x + {k})" for k in range(30)]
    text = "; ".join([*lines, f"f = {' + '.join(f'h{k}' for k in range(30))}"])
    _, out, _ = ask(capsys, text, "--at", "x=1", "--rows", "20")
    assert out.count("saturated: ") == 6
    assert "24 more saturated (--rows" in out
    _, out, _ = ask(capsys, text, "--at", "x=1", "--rows", "300")
    assert out.count("saturated: ") == 30


def test_help_has_examples_and_every_option():
    done = run("diagnose", "--help")
    assert done.code == 0
    for part in ("--at", "--wrt", "--of", "--rows", "--color", "--format", "Examples", "vanishing"):
        assert part in done.out
