"""Exported code run in its target: many programs in one file, compared with the interpreter.

An exported file checks itself, so it is its own test: many functions are put into one file, each
with points and the numbers of the interpreter there, and the file is run.
"""

import importlib.util
import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from backprop_cli.calculus.derivation import derivation
from backprop_cli.calculus.reverse import reverse
from backprop_cli.calculus.running_error import RunningErrors
from backprop_cli.calculus.values import forward_values
from backprop_cli.graph import Graph
from backprop_cli.readings.languages import LANGUAGES
from backprop_cli.readings.target import Language
from backprop_cli.render.code.file import source
from backprop_cli.studies.export import Check, Export, Exported, Number

QUIET = os.environ | {"PYTHONWARNINGS": "ignore"}
"""NumPy warns of overflow in a plain product, rightly; here the number is what counts."""

Point = Mapping[str, float]
Allowed = Callable[[int, float, float], float]
"""From a place (0 the value, then the slopes), a number and its error bound to what is allowed."""

_AVAILABLE = {
    "python": True,
    "numpy": importlib.util.find_spec("numpy"),
    "jax": importlib.util.find_spec("jax"),
    "torch": importlib.util.find_spec("torch"),
    "c": shutil.which("gcc"),
    "js": shutil.which("node"),
}
every_language = pytest.mark.parametrize(
    "language",
    [
        pytest.param(
            language, id=name, marks=pytest.mark.skipif(not _AVAILABLE[name], reason="not here")
        )
        for name, language in LANGUAGES.items()
    ],
)


class Case(NamedTuple):
    """A program, the names to differentiate by, and the points to compare at."""

    graph: Graph
    wrt: Mapping[str, int]
    points: Sequence[Point]


def by_bound(ulps: float) -> Allowed:
    """Allow so many ulps to each operation: that multiple of the running error bound, and more."""

    def allowed(place: int, number: float, bound: float) -> float:
        unit = math.ulp(number) if math.isfinite(number) else 0.0
        return ulps * (bound + unit) if math.isfinite(bound) else math.inf

    return allowed


def expected(case: Case, point: Point, zeros: Sequence[bool], allowed: Allowed, name: str) -> Check:
    """Return the interpreter's numbers; an undefined value has no slope along anything."""
    graph, output = case.graph, case.graph.outputs[0]
    values = forward_values(graph, point)
    active = graph.dependents(case.wrt.values())
    adjoints = reverse(graph, values, output, active)
    bounds = RunningErrors(graph, values, adjoints, output, active)
    value = values[output]
    slopes = []
    for place, (node, zero) in enumerate(zip(case.wrt.values(), zeros, strict=True), 1):
        slope = math.nan if value != value and not zero else adjoints[node] or 0.0
        slopes.append(
            Number(f"{name} d{place}", slope, allowed(place, slope, bounds.adjoints[node]))
        )
    made = Number(f"{name} value", value, allowed(0, value, bounds.values[output]))
    return Check(tuple(point[each] for each in graph.inputs), made, tuple(slopes))


def batch(language: Language, cases: Iterable[tuple[Case, Allowed]]) -> Export:
    """Return one file of many programs."""
    functions = []
    for place, (case, allowed) in enumerate(cases):
        made = derivation(case.graph, case.graph.outputs[0], case.wrt, language)
        zeros = [name.code == language.zero.format(made.result.code) for name in made.gradient]
        checks = tuple(
            expected(case, point, zeros, allowed, f"{place} at {tuple(point.values())}")
            for point in case.points
        )
        functions.append(Exported(f"p{place}", made, checks))
    return Export(language, ("programs",), tuple(functions), False)


def run(export: Export, folder: Path) -> tuple[int, str]:
    """Write a file and run it; return its exit code and what it printed."""
    path = folder / f"made{export.language.endings[0]}"
    path.write_text(source(export), encoding="utf-8")
    return run_file(path)


def run_file(path: Path) -> tuple[int, str]:
    """Run a file in its target; return its exit code and what it printed."""
    return run_files([path])[0]


def run_files(paths: Sequence[Path]) -> list[tuple[int, str]]:
    """Run files of one target; Python files in one process, since some packages load slowly."""
    if paths[0].suffix == ".py":
        done = _run([sys.executable, "-c", _RUNNER, *map(str, paths)])
        assert done.returncode == 0, done.stderr[-3000:]
        return [tuple(each) for each in json.loads(done.stdout.splitlines()[-1])]
    made = []
    for path in paths:
        command = [str(shutil.which("node")), str(path)]
        if path.suffix == ".c":
            compile_c(path, "-o", str(path.with_suffix(".out")))
            command = [str(path.with_suffix(".out"))]
        done = _run(command)
        made.append((done.returncode, done.stdout + done.stderr))
    return made


_RUNNER = """
import contextlib, io, json, runpy, sys, traceback
made = []
for path in sys.argv[1:]:
    said, code = io.StringIO(), 0
    with contextlib.redirect_stdout(said):
        try:
            runpy.run_path(path, run_name="__main__")
        except SystemExit as leave:
            code = leave.code
        except BaseException:
            code = 70
            traceback.print_exc(file=said)
    made.append((code, said.getvalue()))
print(json.dumps(made))
"""


def _run(command: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, timeout=300, env=QUIET)


needs_gcc = pytest.mark.skipif(not _AVAILABLE["c"], reason="no gcc here")


def compile_c(path: Path, *options: str) -> None:
    """Compile a C file, every warning an error."""
    command = ["gcc", "-Wall", "-Wextra", "-Werror", "-std=c99", "-pedantic", str(path), "-lm"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[:3000]
