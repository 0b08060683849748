"""One value and its gradient with respect to every input, by us and by each peer.

Each function makes the graph of a shape, computes, and returns a `Run`. Imports are done before
the clock starts: the CPU time given here is the work alone, without the start of the process.
"""

import gc
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from tests.benchmarks.shapes import Shape, input_names

RECURSION_LIMIT = 10_000_000


class Run(NamedTuple):
    """The answer, the CPU seconds it took, and how many nodes the graph had (0: not known)."""

    value: float
    gradient: list[float]
    seconds: float
    nodes: int = 0
    remark: str = ""


def ours(shape: Shape, nodes: int, files: Path) -> Run:
    """Read the program and the point from their files, parse, and solve."""
    from backprop_cli.language.parser import parse
    from backprop_cli.studies.gradient import solve

    begin = time.process_time()
    point = json.loads((files / "point.json").read_text())
    graph = parse((files / "program.txt").read_text(), point)
    answer = solve(graph, point).answers[0]
    seconds = time.process_time() - begin
    if answer.failure:
        raise ArithmeticError(answer.failure.message)
    gradient = [answer.gradient[name] for name in point]
    return Run(answer.value, gradient, seconds, graph.size)


def micrograd(shape: Shape, nodes: int, files: Path) -> Run:
    """Build with micrograd's operators. Its `backward` recurses once for each level of the graph.

    Where that passes Python's limit, the remark says so, and the limit is raised for it; the run
    that is timed has it raised from the start, so that no failed attempt is counted against it.
    """
    from micrograd.engine import Value

    remark = ""
    if (files / "deep").exists():
        sys.setrecursionlimit(RECURSION_LIMIT)
        remark = "RecursionError as it comes; its recursion limit was raised"
    begin = time.process_time()
    inputs = [Value(number) for number in shape.inputs(nodes)]
    out = shape.program(nodes, inputs, Value.relu)
    try:
        out.backward()
    except RecursionError:
        (files / "deep").touch()
        gc.collect()
        return micrograd(shape, nodes, files)
    seconds = time.process_time() - begin
    return Run(out.data, [value.grad for value in inputs], seconds, 0, remark)


def autograd(shape: Shape, nodes: int, files: Path) -> Run:
    """Trace with autograd, one element of one input vector for each input."""
    import autograd.numpy as np
    from autograd import value_and_grad

    sys.setrecursionlimit(RECURSION_LIMIT)

    def program(vector: Any) -> Any:
        inputs = [vector[k] for k in range(len(numbers))]
        return shape.program(nodes, inputs, lambda x: np.maximum(x, 0))

    begin = time.process_time()
    numbers = shape.inputs(nodes)
    value, gradient = value_and_grad(program)(np.array(numbers))
    seconds = time.process_time() - begin
    return Run(float(value), gradient.tolist(), seconds)


def casadi(shape: Shape, nodes: int, files: Path) -> Run:
    """Build with the operators of casadi's SX, differentiate, and evaluate both at once."""
    import casadi as cas

    begin = time.process_time()
    numbers = shape.inputs(nodes)
    symbols = [cas.SX.sym(name) for name in input_names(len(numbers))]
    out = shape.program(nodes, symbols, lambda x: cas.fmax(x, 0))
    vector = cas.vertcat(*symbols)
    both = cas.Function("both", [vector], [out, cas.gradient(out, vector)])
    value, gradient = both(numbers)
    seconds = time.process_time() - begin
    return Run(float(value), gradient.full().ravel().tolist(), seconds)


def torch(shape: Shape, nodes: int, files: Path) -> Run:
    """Build with torch's scalars of float64, as micrograd's users would."""
    import torch as pt

    pt.set_num_threads(1)
    begin = time.process_time()
    numbers = shape.inputs(nodes)
    inputs = [pt.tensor(number, dtype=pt.float64, requires_grad=True) for number in numbers]
    out = shape.program(nodes, inputs, pt.relu)
    out.backward()
    gradient = [float(value.grad) for value in inputs]
    seconds = time.process_time() - begin
    return Run(float(out), gradient, seconds)


TOOLS: dict[str, Callable[[Shape, int, Path], Run]] = {
    "ours": ours,
    "micrograd": micrograd,
    "autograd": autograd,
    "casadi": casadi,
    "torch": torch,
}
