"""The system's C compiler: found, run, and given up on in clear words.

The flags keep the numbers: no fused multiply-add that rounds once where Python rounds twice, no
shortcut that is right for most numbers only, and no result of the compiler's own in the place of
a library function's.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from backprop_cli.errors import OptionProblem
from backprop_cli.readings.c import LIBRARY
from backprop_cli.readings.c_parts import APART, MOST_WHOLE

CANDIDATES = ("cc", "gcc", "clang")
"""The compilers that are looked for, after the one that CC names."""

FLAGS = (
    "-std=c11", "-O3", "-ffp-contract=off", "-fno-math-errno", "-fPIC",
    "-shared", "-w", *(f"-fno-builtin-{name}" for name in LIBRARY),
)  # fmt: skip

BRANCHLESS = ("-fno-trapping-math",)
"""Flags for loops without branches: what a side not taken would raise need not be kept."""

SECONDS = 60.0
"""How long a compiler may take."""

MOST_OPTIMISED = MOST_WHOLE + 300
"""The most variables of a function that is optimised: a whole part, what it reads and what it
hands on. The time of a longer one grows with the square, so it is not optimised at all. For code in
parts gcc takes 0.2 to 0.5 ms a node of the graph with few optimisations; -O3 would take twice that
for code that runs no faster. The numbers are the same."""

_OF_PARTS = ("-O1", "-ftree-vectorize")
_OF_LONG_FUNCTIONS = ("-O0",)

HINT = "--engine python needs no compiler"

_SHOWN_LINES, _SHOWN_COLUMNS = 4, 200


class NoCompiler(OptionProblem):
    """Code cannot be compiled here: no compiler, or one that fails or never ends."""


class Compiler(NamedTuple):
    """A compiler: the words of its command, and the file that will run."""

    command: tuple[str, ...]
    path: str

    @property
    def name(self) -> str:
        """How people call it."""
        return self.command[0].rpartition("/")[2]

    def identity(self) -> str:
        """Return what changes when another compiler stands behind the same name."""
        real = os.path.realpath(self.path)
        found = os.stat(real)
        return f"{shlex.join(self.command)} {real} {found.st_size} {found.st_mtime_ns}"


def find_compiler() -> Compiler:
    """Return the compiler that CC names, else the first of `CANDIDATES` on the path.

    Raises `NoCompiler`.
    """
    if os.name != "posix":
        raise NoCompiler("compiled code needs a POSIX system", None, HINT)
    named = os.environ.get("CC", "").strip()
    if named:
        command = _split(named)
        path = shutil.which(command[0])
        if path is None:
            message = f"no C compiler was found: CC names {_short(command[0])!r}"
            raise NoCompiler(message, None, f"set CC to a compiler, or unset it; {HINT}")
        return Compiler(tuple(command), path)
    for name in CANDIDATES:
        path = shutil.which(name)
        if path is not None:
            return Compiler((name,), path)
    looked = ", ".join(("CC", *CANDIDATES))
    raise NoCompiler(f"no C compiler was found: looked for {looked}", None, HINT)


def _split(named: str) -> list[str]:
    try:
        return shlex.split(named) or [named]
    except ValueError as error:
        raise NoCompiler(f"CC cannot be read: {_short(named)!r}", None, HINT) from error


def compile_library(
    compiler: Compiler, source: str, folder: Path, flags: Sequence[str] = ()
) -> Path:
    """Compile C into a shared library in `folder`, and return its file.

    Raises `NoCompiler` if the compiler fails, or takes longer than `SECONDS`.
    """
    text, made, said = (folder / name for name in ("code.c", "code.so", "messages.txt"))
    text.write_text(source, encoding="ascii")
    command = [
        compiler.path,
        *compiler.command[1:],
        *FLAGS,
        *flags,
        *optimisation(source),
        "-o",
        str(made),
        str(text),
        "-lm",
    ]
    status = _run(command, said, folder, SECONDS)
    if status is None:
        message = f"the C compiler {_short(compiler.name)!r} did not end within {SECONDS:g} s"
        raise NoCompiler(message, None, HINT)
    if status != 0 or not made.is_file() or made.stat().st_size == 0:
        lines = said.read_text(encoding="utf-8", errors="replace").splitlines()
        reasons = [line[:_SHOWN_COLUMNS].replace(str(text), "code.c") for line in lines]
        reason = "; ".join(reasons[:_SHOWN_LINES]) or (
            f"exit code {status}" if status else "it made no library"
        )
        message = f"the C compiler {_short(compiler.name)!r} failed: {reason}"
        raise NoCompiler(message, None, HINT)
    return made


def optimisation(source: str) -> tuple[str, ...]:
    """Return the flags by which a source is compiled in reasonable time."""
    functions = re.split(r"\n(?=\S)", source)
    if max(function.count(" double ") for function in functions) > MOST_OPTIMISED:
        return _OF_LONG_FUNCTIONS
    return _OF_PARTS if APART in source else ()


_WATCHED = """
exec 3<&0
folder=$1
shift
"$@" </dev/null 3<&- &
compiler=$!
(
  trap '' TERM
  read -r ended <&3
  kill -TERM -$$
  rm -rf -- "$folder"
  kill -KILL -$$
) </dev/null >/dev/null 2>&1 &
wait $compiler
"""
"""A shell's words: run a compiler, and beside it somebody who reads what this process never writes.

When that ends, this process is gone, killed in whatever way: then the compiler and all it started
are ended, and the folder is removed, which nobody else would do.
"""


def _run(command: list[str], said: Path, folder: Path, seconds: float) -> int | None:
    """Run a command and return its exit code, None if it was stopped after so many seconds.

    It gets a session of its own, so that whatever it started ends with it; and what it says goes
    to a file, because a pipe that a child keeps open would be waited for.
    """
    shell = shutil.which("sh") or "/bin/sh"
    with said.open("wb") as messages:
        try:
            process = subprocess.Popen(
                [shell, "-c", _WATCHED, shell, str(folder), *command],
                stdin=subprocess.PIPE,
                stdout=messages,
                stderr=messages,
                cwd=folder,
                env=os.environ | {"TMPDIR": str(folder)},  # what it leaves goes with the folder
                start_new_session=True,
            )
        except OSError as error:
            messages.write((error.strerror or str(error)).encode())
            return 127
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a process and all that it started; its watcher keeps their group in being till then."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin is not None:
        process.stdin.close()


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
