"""Runs processes one after another and measures each: CPU time and peak memory."""

import json
import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
TOO_LONG = 240.0
"""Seconds after which a process is given up, so that one bad result does not hide the others."""

_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024
_MOST_PRINTED = 100_000
_ALONE = (
    "import json, resource, subprocess, sys; code = subprocess.run(sys.argv[1:]).returncode;"
    "used = resource.getrusage(resource.RUSAGE_CHILDREN);"
    "print(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss])); sys.exit(code)"
)
"""A small program that runs another, and prints what that has used behind all it has printed."""


class Failed(Exception):
    """A process ended with an error; the message is the last line it wrote."""


class Cost(NamedTuple):
    """What one process took: user + system CPU seconds, wall seconds, peak bytes.

    `printed` is the end of its output.
    """

    cpu: float
    wall: float
    peak: int
    printed: str


def measure(command: Sequence[str], env: Mapping[str, str] | None = None) -> Cost:
    """Run a command to its end. Raises `Failed` unless it exits with 0, within `TOO_LONG`."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begin = time.monotonic()
        process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )
        timer = threading.Timer(TOO_LONG, process.kill)
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - begin
        late = not timer.is_alive()
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        if late:
            raise Failed(f"took more than {TOO_LONG:.0f} s")
        if process.returncode:
            err.seek(max(err.seek(0, os.SEEK_END) - 2000, 0))
            lines = err.read().decode(errors="replace").strip().splitlines()
            raise Failed(lines[-1] if lines else f"exit code {process.returncode}")
        out.seek(max(out.seek(0, os.SEEK_END) - _MOST_PRINTED, 0))
        printed = out.read()
    cpu = usage.ru_utime + usage.ru_stime
    return Cost(cpu, wall, usage.ru_maxrss * _MAXRSS_UNIT, printed.decode(errors="replace"))


def measure_alone(command: Sequence[str]) -> Cost:
    """Run a command from a small process, as a process's peak begins with the size of its parent.

    Raises `Failed` as `measure` does.
    """
    whole = measure([sys.executable, "-S", "-c", _ALONE, *command])
    *printed, used = whole.printed.splitlines(keepends=True)
    cpu, peak = json.loads(used)
    return Cost(cpu, whole.wall, peak * _MAXRSS_UNIT, "".join(printed))


def child(*arguments: object) -> tuple[Cost, Any]:
    """Run a task of `child.py`, and read the line of JSON it prints."""
    cost = measure_alone([sys.executable, "-m", "tests.benchmarks.child", *map(str, arguments)])
    return cost, json.loads(cost.printed)


def alternate(
    rounds: int, *sides: Callable[[], Sequence[float]], seconds: float = math.inf
) -> list[list[float]]:
    """Measure the sides in turn, A B A B, and return the medians of each side's figures.

    A machine that slows down or speeds up meanwhile does so for all sides alike. After the first
    round, none is begun that is not likely to end within `seconds` of the beginning.
    """
    taken: list[list[Sequence[float]]] = [[] for _ in sides]
    begin = time.monotonic()
    for done in range(1, rounds + 1):
        for side, found in zip(sides, taken, strict=True):
            found.append(side())
        if (time.monotonic() - begin) * (done + 1) / done > seconds:
            break
    return [[median(figures) for figures in zip(*found, strict=True)] for found in taken]
