"""A process of node that runs the exported JavaScript: one line of JSON in, one out."""

import json
import math
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

import backprop_cli
from backprop_cli.operations import TABLE
from backprop_cli.readings.javascript import script

NODE = shutil.which("node")
PAGE = Path(backprop_cli.__file__).parent / "render" / "worked" / "page"

_LOOP = """
const text = (value) => value === null || typeof value !== "number" || Number.isFinite(value)
  ? value : String(value);
const texts = (values) => values.map(text);
const lines = require("node:readline").createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const asked = JSON.parse(line);
  process.stdout.write(JSON.stringify(eval(asked.program)) + "\\n");
});
"""


def machine_number(value: Any) -> Any:
    """Return a number as JSON has it: NaN and the infinities as the strings of JavaScript."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


class Node:
    """Runs programs in the scope of all rules, the sweeps, and the page's own pure scripts."""

    def __init__(self, *files: str) -> None:
        parts = [script(range(len(TABLE))), *((PAGE / name).read_text() for name in files), _LOOP]
        self._process = subprocess.Popen(
            [str(NODE), "-e", "\n".join(parts)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Node":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(timeout=20)

    def run(self, program: str, **data: Any) -> Any:
        """Return what a program gives; it finds its data in `asked`."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"program": program, **data}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "node has gone"
        return json.loads(line)


def numbers(values: list[Any]) -> list[float | None]:
    """Return what came back as floats; null stays None."""
    return [None if value is None else float(value) for value in values]
