"""What runs in a process of its own, so that it can be measured from outside.

    python -m tests.benchmarks.child write SHAPE NODES FOLDER        the program and the point
    python -m tests.benchmarks.child answer TOOL SHAPE NODES FOLDER  compute, and keep the gradient
    python -m tests.benchmarks.child time TOOL SHAPE NODES FOLDER    compute, for the clock
    python -m tests.benchmarks.child compare TOOL TOOL FOLDER        two gradients that were kept
    python -m tests.benchmarks.child rows MODULE NUMBER...           rows measured in one process

The process that reports stays small: on some systems a child's peak memory starts from its
parent's. Answers are one line of JSON on standard output.
"""

import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmarks.peers import TOOLS
from tests.benchmarks.report import Row
from tests.benchmarks.shapes import SHAPES, input_names, program_text


def _write(name: str, nodes: str, folder: str) -> dict[str, Any]:
    shape, size = SHAPES[name], int(nodes)
    numbers = shape.inputs(size)
    point = dict(zip(input_names(len(numbers)), numbers, strict=True))
    Path(folder, "program.txt").write_text(program_text(shape, size))
    Path(folder, "point.json").write_text(json.dumps(point))
    return {"inputs": len(numbers)}


def _answer(tool: str, name: str, nodes: str, folder: str) -> dict[str, Any]:
    run = TOOLS[tool](SHAPES[name], int(nodes), Path(folder))
    Path(folder, f"{tool}.json").write_text(json.dumps([run.value, *run.gradient]))
    return {"nodes": run.nodes, "remark": run.remark}


def _time(tool: str, name: str, nodes: str, folder: str) -> dict[str, Any]:
    run = TOOLS[tool](SHAPES[name], int(nodes), Path(folder))
    return {"seconds": run.seconds}


def _compare(one: str, other: str, folder: str) -> dict[str, Any]:
    """Return the largest difference between two answers, relative to the larger of the two."""
    left, right = (json.loads(Path(folder, f"{tool}.json").read_text()) for tool in (one, other))
    pairs = zip(left, right, strict=True)
    return {"difference": max(abs(x - y) / max(abs(x), abs(y), 1e-300) for x, y in pairs)}


def _rows(module: str, *arguments: str) -> list[Row]:
    """Return the rows that a module measures inside one process."""
    measured = importlib.import_module(f"tests.benchmarks.{module}").measured
    return list(measured(*map(int, arguments)))


_TASKS: dict[str, Callable[..., Any]] = {
    "write": _write,
    "answer": _answer,
    "time": _time,
    "compare": _compare,
    "rows": _rows,
}

if __name__ == "__main__":
    print(json.dumps(_TASKS[sys.argv[1]](*sys.argv[2:])))
