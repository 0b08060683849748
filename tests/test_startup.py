"""Start-up is part of the design: a plain answer loads little, and tables do not wait for SymPy."""

import os
import select
import subprocess
from pathlib import Path

import pytest

from tests.command import PLAIN_ENVIRONMENT, PROGRAM

UNUSED = (
    *("sympy", "rich", "numpy", "mpmath", "dataclasses", "difflib", "json", "locale"),
    *("csv", "tempfile", "secrets", "shutil", "random"),
    *("unicodedata", "backprop_cli.calculus.onesided", "backprop_cli.render.errors"),
    *("backprop_cli.studies.mistakes", "backprop_cli.studies.witness"),
)
"""What a plain answer has no use for."""

AT = ("--at", "a=5,b=-3,c=-2")


def imported(*words: str) -> set[str]:
    """Return the modules that a run of the command imports."""
    done = subprocess.run(
        [PROGRAM[0], "-X", "importtime", *PROGRAM[1:], *words],
        capture_output=True,
        text=True,
        env=PLAIN_ENVIRONMENT | {"LANG": "de_DE.UTF-8"},
        check=True,
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines}


def test_a_plain_answer_imports_only_what_it_uses() -> None:
    found = imported("grad", "(a + b)*(b + c)", *AT, "--format", "plain")
    assert "backprop_cli.studies.gradient" in found
    assert found.isdisjoint(UNUSED)


def test_the_list_of_what_is_unused_bites() -> None:
    assert "backprop_cli.calculus.onesided" in imported("grad", "relu(x)", "--at", "x=0",
                                                        "--format", "plain")  # fmt: skip


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_the_tables_are_on_screen_before_sympy_is_imported(tmp_path: Path) -> None:
    """A sympy whose import waits for a word from us, which we say when we have seen the tables."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    holding = os.open(gate, os.O_RDWR)  # as long as this is open, the import reads on
    (tmp_path / "sympy").mkdir()
    (tmp_path / "sympy/__init__.py").write_text(f"open({str(gate)!r}).read()\nraise ImportError")
    process = subprocess.Popen(
        [*PROGRAM, "grad", "(a + b)*(b + c)", *AT, "--sympy-seconds", "60"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=PLAIN_ENVIRONMENT | {"PYTHONPATH": str(tmp_path)},
    )
    assert process.stdout is not None
    shown = b""
    while b"Backward pass" not in shown:
        assert select.select([process.stdout], [], [], 30)[0], f"nothing after {shown!r}"
        part = os.read(process.stdout.fileno(), 65536)
        assert part, f"it ended after {shown!r}"
        shown += part
    assert b"Gradient of f" not in shown
    os.close(holding)
    rest, _ = process.communicate(timeout=60)
    assert b"Gradient of f" in rest
