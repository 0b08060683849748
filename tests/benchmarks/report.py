"""The table: one row for each thing measured, wins and losses alike."""

import platform
from collections.abc import Iterable
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

_PACKAGES = (
    "backprop-cli",
    "click",
    "micrograd",
    "autograd",
    "casadi",
    "numpy",
    "polars",
    "torch",
    "jax",
    "numba",
)


class Row(NamedTuple):
    """One line of the table. `goal` is the largest ratio we aim for; None is no goal."""

    what: str
    ours: str
    peer: str
    ratio: float | None = None
    goal: float | None = None
    verdict: str = ""

    def cells(self) -> tuple[str, ...]:
        """Return the row as text, with the verdict where there is a goal to hold it against."""
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        goal = "" if self.goal is None else f"≤ {self.goal:g}"
        verdict = self.verdict
        if not verdict and self.ratio is not None:
            if self.goal is None:
                verdict = "ahead" if self.ratio <= 1 else "behind"
            else:
                verdict = "met" if self.ratio <= self.goal else "MISSED"
        return (self.what, self.ours, self.peer, ratio, goal, verdict)


def heading() -> str:
    """Return what the figures were taken on, and when."""
    packages = ", ".join(f"{name} {_version(name)}" for name in _PACKAGES)
    return (
        f"# Benchmark, {date.today().isoformat()}\n\n"
        f"{_processor()} · {platform.system()} · Python {platform.python_version()}\n{packages}\n"
    )


def table(rows: Iterable[Row]) -> str:
    """Return the rows as one Markdown table whose columns line up."""
    head = ("what", "ours", "peer", "ratio", "goal", "verdict")
    cells = [head, *(row.cells() for row in rows)]
    widths = [max(len(line[k]) for line in cells) for k in range(len(head))]
    lines = [
        "| "
        + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True))
        + " |"
        for line in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "from source" if package == "backprop-cli" else "not installed"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((x.partition(":")[2].strip() for x in lines if x.startswith("model name")), "?")
