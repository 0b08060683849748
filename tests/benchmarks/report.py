"""The table: one row for each thing measured, wins and losses alike."""

import platform
from collections.abc import Iterable, Sequence
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

_HEAD = ("what", "ours", "peer", "ratio", "goal", "verdict")


class Row(NamedTuple):
    """One line of the table: our figure, the peer's, and ours over the peer's.

    A goal is the largest ratio we aim for (of times and sizes), or with `at_least` the smallest
    (of speeds). A row without a ratio carries its verdict.
    """

    what: str
    ours: str
    peer: str
    ratio: float | None = None
    goal: float | None = None
    verdict: str = ""
    at_least: bool = False

    def cells(self) -> tuple[str, ...]:
        """Return the row as text, with the verdict where there is a ratio to judge."""
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        sign = "≥" if self.at_least else "≤"
        goal = "" if self.goal is None else f"{sign} {self.goal:g}"
        return (self.what, self.ours, self.peer, ratio, goal, self.verdict or self._judged())

    def _judged(self) -> str:
        if self.ratio is None:
            return ""
        limit = 1.0 if self.goal is None else self.goal
        good = self.ratio >= limit if self.at_least else self.ratio <= limit
        if self.goal is None:
            return "ahead" if good else "behind"
        return "met" if good else "NOT MET"


def heading(packages: Sequence[str]) -> str:
    """Return what the figures were taken on, with which versions, and when."""
    versions = ", ".join(f"{name} {_version(name)}" for name in packages)
    return (
        f"# Benchmark, {date.today().isoformat()}\n\n"
        f"{_processor()} · {platform.system()} · Python {platform.python_version()}\n{versions}\n"
    )


def table(rows: Iterable[Row]) -> str:
    """Return the rows as one Markdown table whose columns line up."""
    cells = [_HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[k]) for line in cells) for k in range(len(_HEAD))]
    lines = [
        "| "
        + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True))
        + " |"
        for line in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def markdown(packages: Sequence[str], rows: Iterable[Row]) -> str:
    """Return a paragraph and a table for a README: the rows with a ratio, without padding."""
    versions = ", ".join(f"{name} {_version(name)}" for name in packages)
    lines = [
        f"Measured {date.today().isoformat()} on {_processor()}, {platform.system()}, "
        f"Python {platform.python_version()}, with {versions}.",
        "",
        f"| {' | '.join(_HEAD)} |",
        "|---|---|---|---:|---:|---|",
    ]
    lines += [f"| {' | '.join(row.cells())} |" for row in rows]
    return "\n".join(lines)


def missing(packages: Sequence[str]) -> list[str]:
    """Return the packages that are not installed."""
    return [name for name in packages if _version(name) == "not installed"]


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
