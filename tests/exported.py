"""Exported code run in its target: many programs in one file, compared with `grad`'s numbers.

An exported file checks itself, so it is its own test: many functions are put into one file, each
with points and the numbers of the interpreter there, and the file is run.
"""

import math
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from backprop_cli.calculus.derivation import derivation
from backprop_cli.calculus.reverse import reverse
from backprop_cli.calculus.running_error import RunningErrors
from backprop_cli.calculus.values import forward_values
from backprop_cli.graph import Graph
from backprop_cli.language.parser import parse
from backprop_cli.readings.source import Language
from backprop_cli.render.code_file import source
from backprop_cli.studies.export import Check, Export, Exported, Number

Point = Mapping[str, float]


def expected(
    graph: Graph, point: Point, ulps: float, zeros: Sequence[bool], label: str = ""
) -> Check:
    """Return the interpreter's numbers, each allowed to be off as if operations were, by ulps."""
    output = graph.outputs[0]
    values = forward_values(graph, point)
    active = graph.dependents(graph.inputs.values())
    adjoints = reverse(graph, values, output, active)
    bounds = RunningErrors(graph, values, adjoints, output, active)
    value = values[output]
    numbers = []
    for (name, node), zero in zip(graph.inputs.items(), zeros, strict=True):
        slope = adjoints[node]
        if value != value and not zero:
            slope = math.nan  # an undefined value has no slope along anything
        numbers.append(_number(f"{label} d/d{name}", slope or 0.0, bounds.adjoints[node], ulps))
    made = _number(f"{label} value", value, bounds.values[output], ulps)
    return Check(tuple(point[name] for name in graph.inputs), made, tuple(numbers))


def _number(name: str, value: float, bound: float, ulps: float) -> Number:
    unit = math.ulp(value) if math.isfinite(value) else 0.0
    return Number(name, value, ulps * (bound + unit) if math.isfinite(bound) else math.inf)


def batch(
    language: Language, programs: Iterable[tuple[str, Sequence[Point]]], ulps: float
) -> Export:
    """Return one file of many programs, each with the points at which it is checked."""
    functions = []
    for text, points in programs:
        graph = parse(text, points[0])
        made = derivation(graph, graph.outputs[0], graph.inputs, language)
        zeros = [name.code == language.zero.format(made.result.code) for name in made.gradient]
        checks = tuple(
            expected(graph, point, ulps, zeros, f"{len(functions)} at {tuple(point.values())}")
            for point in points
        )
        functions.append(Exported(f"p{len(functions)}", made, checks))
    return Export(language, ("programs",), tuple(functions), False)


def run(export: Export, folder: Path) -> tuple[int, str]:
    """Write a file, compile it if need be, run it; return its exit code and what it printed."""
    path = folder / f"made{export.language.endings[0]}"
    path.write_text(source(export), encoding="utf-8")
    return run_file(path)


def run_file(path: Path) -> tuple[int, str]:
    """Run a file in its target; return its exit code and what it printed."""
    command = [sys.executable, str(path)]
    if path.suffix == ".c":
        program = path.with_suffix(".out")
        warnings = ("-Wall", "-Wextra", "-Werror", "-std=c99", "-pedantic")
        done = subprocess.run(
            ["gcc", *warnings, str(path), "-lm", "-o", str(program)], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[:3000]
        command = [str(program)]
    elif path.suffix == ".js":
        command = [str(shutil.which("node")), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=path.parent)
    return done.returncode, done.stdout + done.stderr
