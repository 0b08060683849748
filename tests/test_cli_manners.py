"""The manners of a command line: streams, colour, width, encodings, interruptions, start-up."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from tests.command import PLAIN_ENVIRONMENT, PROGRAM, run, run_in_terminal

EXPRESSION = ("grad", "x = a+b; y = b+c; f = x*y", "--at", "a=2,b=-3,c=4")
ESCAPE = "\x1b["


def without_colour(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text).replace("\r\n", "\n")


@pytest.mark.parametrize("columns", [40, 80, 140])
def test_tables_keep_every_number_at_every_width(columns):
    done = run_in_terminal(*EXPRESSION, columns=columns)
    text = without_colour(done.out)
    assert done.code == 0
    assert "…" not in text
    assert max(len(line) for line in text.splitlines()) <= columns
    assert all(word in text for word in ("reverse", "forward", "numeric", "SymPy", "∂f/∂b"))
    assert "All four modes agree" in " ".join(text.split())


def test_the_table_of_the_lecture_fits_80_columns_without_folding():
    wide = without_colour(run_in_terminal(*EXPRESSION, columns=140).out)
    assert without_colour(run_in_terminal(*EXPRESSION, columns=80).out) == wide


def test_colour_is_for_terminals_and_can_be_refused_or_forced():
    assert ESCAPE in run_in_terminal(*EXPRESSION).out
    assert ESCAPE not in run_in_terminal(*EXPRESSION, environment={"NO_COLOR": "1"}).out
    assert ESCAPE not in run_in_terminal(*EXPRESSION, environment={"TERM": "dumb"}).out
    assert ESCAPE not in run_in_terminal(*EXPRESSION, "--color", "never").out
    assert ESCAPE not in run(*EXPRESSION).out
    assert ESCAPE in run(*EXPRESSION, environment={"FORCE_COLOR": "1"}).out
    assert ESCAPE in run(*EXPRESSION, "--color", "always").out


def test_a_stream_without_unicode_gets_ascii_that_lines_up():
    done = run(*EXPRESSION, environment={"PYTHONIOENCODING": "ascii", "LC_ALL": "C"})
    assert done.code == 0
    assert done.out.isascii()
    assert "df/db = 1 (via x) + -1 (via y) = 0" in done.out
    done = run("grad", "α*x", "--at", "α=1,x=2", "--format", "plain",
               environment={"PYTHONIOENCODING": "ascii"})  # fmt: skip
    assert done.code == 0
    assert done.out.splitlines()[0] == "f 2.0"


def test_the_c_locale_works():
    done = run(
        *EXPRESSION, environment={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    )
    assert done.code == 0
    assert "All four modes agree" in done.out


def test_user_text_is_never_markup():
    done = run("grad", "[bold]x[/bold]", "--at", "x=1", "--color", "always")
    assert done.code == 2
    assert "[bold]x[/bold]" in done.err


@pytest.mark.parametrize("sign", ["\x00", "\x1b[31m", "\x07", "\x7f", "\u202e", "\x0c"])
def test_control_characters_reach_no_screen(tmp_path, sign):
    path = tmp_path / "program"
    path.write_bytes(f"x{sign}+1".encode())
    done = run("grad", f"@{path}", "--at", "x=1")
    assert done.code == 2
    assert sign not in done.err
    assert f"U+{ord(sign[0]):04X}" in done.err


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "program"
    for data in (b"x+\xff", b"\xff\xfex\x00", b"x + \xc3"):
        path.write_bytes(data)
        done = run("grad", f"@{path}", "--at", "x=1", "--format", "json")
        assert done.code == 2
        assert json.loads(done.out)["error"]["code"] == "file"
    raw = subprocess.run(
        [*PROGRAM, "grad", b"x+\xff", "--at", "x=1"], capture_output=True, env=PLAIN_ENVIRONMENT
    )
    assert raw.returncode == 2
    assert b"Traceback" not in raw.stderr


def test_a_closed_pipe_is_quiet():
    command = " ".join(f"'{word}'" for word in [*PROGRAM, "ops"])
    done = subprocess.run(
        ["bash", "-c", f"{command} | head -1"], capture_output=True, env=PLAIN_ENVIRONMENT
    )
    assert done.stderr == b""


def test_a_full_disk_is_an_error_not_a_traceback():
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*PROGRAM, "grad", "x", "--at", "x=1", "--format", "plain"],
            stdout=full, stderr=subprocess.PIPE, env=PLAIN_ENVIRONMENT,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: cannot write")


def test_ctrl_c_ends_at_once_with_130_and_leaves_no_process():
    slow_for_sympy = "sin(" * 300 + "x" + ")" * 300
    started = time.monotonic()
    done = run_in_terminal("grad", slow_for_sympy, "--at", "x=1", "--sympy-seconds", "60",
                           kill_after=4.0)  # fmt: skip
    assert done.code == 130
    assert "Traceback" not in done.out
    assert time.monotonic() - started < 30


def test_interrupting_batch_is_130():
    process = subprocess.Popen(
        [*PROGRAM, "batch", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=PLAIN_ENVIRONMENT,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b'{"expression": "x", "at": {"x": 1}}\n')
    process.stdin.flush()
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert b"Traceback" not in errors


def test_help_version_and_no_arguments():
    assert run("--version").out.startswith("backprop ")
    assert "Commands" in run("-h").out
    assert "grad" in run().out
    assert run("grad", "-h").out.startswith("Usage: backprop grad")


def test_shell_completion_is_there():
    done = run(environment={"_BACKPROP_COMPLETE": "bash_source"})
    assert "_BACKPROP_COMPLETE=bash_complete" in done.out


HEAVY = ("sympy", "rich", "numpy", "mpmath", "dataclasses")


@pytest.mark.parametrize("form", ["plain", "json"])
def test_machine_formats_load_nothing_heavy(form):
    code = (
        "import sys; from backprop_cli.commands.main import run;"
        f"run(['grad', 'sin(x)*y^2', '--at', 'x=1,y=2', '--format', '{form}']);"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_help_and_errors_load_nothing_heavy():
    code = (
        "import sys; from backprop_cli.commands.main import run;"
        "run(['--help']); run(['grad', 'sine(x)']);"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_sympy_that_gives_up_costs_only_its_column():
    done = run("grad", "lgamma(x)", "--at", "x=1e10", "--sympy-seconds", "0.001")
    assert done.code == 0
    assert "gave up after 0.001 s" in done.out
    assert "All three modes agree" in done.out


@pytest.mark.parametrize(
    "words",
    [
        ("grad", "5"),
        ("grad", "+".join(f"x{k}^2" for k in range(1000)), "--at",
         ",".join(f"x{k}={k}" for k in range(1000)), "--check", "forward"),
        ("grad", "x" + "*x" * 10_000, "--at", "x=1.0001", "--check", "forward,numeric"),
    ],
    ids=["no inputs", "1,000 inputs", "10,000 nodes"],
)  # fmt: skip
def test_extreme_programs_read_well(words):
    done = run(*words, "--rows", "20")
    assert done.code == 0
    assert len(done.out.splitlines()) < 160
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (
            ("grad", "x", "--at", "x=1", "--precision", "abc"),
            "error: invalid value for '--precision': 'abc' is not a whole number\n"
            "  backprop grad --help shows the options\n",
        ),
        (
            ("check", "x", "--tolerance", "abc"),
            "error: invalid value for '--tolerance': 'abc' is not a number\n"
            "  backprop check --help shows the options\n",
        ),
        (
            ("compare-modes", "x", "--grow"),
            "error: option '--grow' requires an argument\n"
            "  backprop compare-modes --help shows the options\n",
        ),
        (
            ("grad", "x^2", "x=3"),
            "error: got unexpected extra argument (x=3)\n  write --at x=3\n",
        ),
        (
            ("grad", "x", "+", "y", "--at", "x=1,y=2"),
            "error: got unexpected extra arguments (+ y)\n"
            "  an expression with spaces stands in quotes, as one argument\n",
        ),
        (
            ("grad", "x", "--at", "x: 3"),
            "error: 'x: 3' is no binding\n  --at: x: 3\n        ^^^^\n"
            "  write bindings as a=5,b=-3\n",
        ),
        (
            ("grad", "xy + y2", "--at", "x=1,y=2,y2=3"),
            "error: no value for xy; x, y do not occur in the expression\n"
            "  xy + y2\n  ^^\n  write x*y for a product\n",
        ),
        (  # to try all ways to cut this name would take minutes
            ("grad", f"{'x' * 35}y", "--at", "x=1,xx=2"),
            f"error: no value for {'x' * 35}y; x, xx do not occur in the expression\n"
            f"  {'x' * 35}y\n  {'^' * 36}\n  bind with --at {'x' * 35}y=1\n",
        ),
        (
            ("help",),
            "error: there is no command 'help'\n  backprop --help lists the commands\n",
        ),
    ],
)
def test_options_that_cannot_be_read_are_told_in_our_words(words, error):
    done = run(*words)
    assert (done.code, done.out, done.err) == (2, "", error)
