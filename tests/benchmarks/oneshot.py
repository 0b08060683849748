"""One shot: value and gradient with respect to all inputs, from a text in a file.

The peers build the same graph with their Python operators, as they are meant to be used. The CPU
time is that of the work, without the start of the process and its imports, but for the rows of
the installed command, which count everything. Memory is the peak of a process less the peak of
the same process at `_IDLE` nodes, on either side: what the interpreter and the imports take is not
the graph's. As many rounds are measured as fit in the time there is for them, at least one; the
slower peers work at a hundred thousand nodes.
"""

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.benchmarks import small
from tests.benchmarks.bench import Bench
from tests.benchmarks.processes import Failed, alternate, child, measure, measure_alone
from tests.benchmarks.report import Row
from tests.benchmarks.shapes import SHAPES

PACKAGES = ("micrograd", "torch", "casadi", "autograd")

_AGREEMENT = 1e-9
_MICROGRAD_GOAL = 0.4
_OTHERS: dict[str, float | None] = {"torch": 0.15, "casadi": 0.15, "autograd": None}
"""The other peers, each with its goal."""
_GROWTH = 1.5
_IDLE, _SMALL, _MIDDLE, _LARGE = 300, 10_000, 100_000, 1_000_000
_IDLE_SHAPE = "chain"
_ROUNDS = 3
_SECONDS = 45.0
"""How long the rounds of one shape may take, if the first does not take longer."""


def rows(bench: Bench) -> Iterator[Row]:
    """Yield the rows of all shapes, at a million nodes (`quick`: a hundred thousand)."""
    yield from small.rows(bench)
    one_shot = OneShot(bench)
    few, many = (_SMALL, _MIDDLE) if bench.quick else (_MIDDLE, _LARGE)
    for shape in SHAPES:
        yield from one_shot.rows(shape, many, 1 if bench.quick else _ROUNDS)
    for shape in SHAPES:
        yield from one_shot.growth(shape, few, many)
    for shape in ("chain",) if bench.quick else SHAPES:
        yield from one_shot.others(shape, few)


class OneShot:
    """Measures the shapes at each size, and keeps what later rows are made of."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.folder = bench.folder
        self.say = bench.say
        self.remarks = bench.remarks
        self.costs: dict[tuple[str, int], float] = {}
        self.sizes: dict[tuple[str, int], int] = {}
        self.idle: dict[str, float] = {}

    def rows(self, name: str, nodes: int, rounds: int) -> Iterator[Row]:
        """Yield the rows of one shape at one size, against micrograd."""
        self.say(f"one shot: {name} at {nodes:,} nodes")
        files = self._files(name, nodes)
        title = f"{name}, {self._size(name, nodes):,} nodes"
        agreement = self._agreement("micrograd", name, nodes)
        if agreement is None:
            reason = [*self.remarks["micrograd, " + name], "it is missing"][-1]
            yield Row(title, "", "micrograd", verdict=f"micrograd fails: {reason[:60]}")
            return
        sides: list[Callable[[], Sequence[float]]] = [
            lambda: _timed("ours", name, nodes, files),
            lambda: _timed("micrograd", name, nodes, files),
        ]
        command, problem = self._command(files)
        if command:
            sides.append(lambda: _measured(command))
        ours, theirs, *whole = alternate(rounds, *sides, seconds=_SECONDS)
        size = self.sizes[name, nodes]
        self.costs[name, nodes] = ours[0] / size
        wrong = "" if agreement <= _AGREEMENT else f"DISAGREE by {agreement:.1e}"
        grown = theirs[2] - self._idle_peak("micrograd")
        mine = ours[2] - self._idle_peak("ours")
        pairs = [(f"{title}: CPU a node", ours[0], theirs[0], mine)]
        if whole:
            what = f"{title}: CPU a node, installed command / whole process"
            mine = whole[0][1] - self._idle_peak("command")
            pairs.append((what, whole[0][0], theirs[1], mine))
        else:
            yield Row(f"{title}: installed command", "", "", verdict=problem)
        for what, cpu, their_cpu, peak in pairs:
            yield _row(what, cpu, their_cpu, size, "micrograd", _MICROGRAD_GOAL, wrong)
            yield Row(
                what.replace("CPU a node", f"peak memory less that at {_IDLE} nodes"),
                f"{peak / 2**20:.0f} MiB",
                f"micrograd {grown / 2**20:.0f} MiB",
                peak / grown,
                _MICROGRAD_GOAL,
                wrong,
            )

    def growth(self, name: str, small: int, large: int) -> Iterator[Row]:
        """Yield how the cost a node grows with the size."""
        files = self._files(name, small)
        size = self._size(name, small)
        (found,) = alternate(3, lambda: _timed("ours", name, small, files))
        before, after = found[0] / size, self.costs.get((name, large))
        if after is not None:
            yield Row(
                f"{name}: CPU a node, {large:,} nodes / {small:,} nodes",
                f"{1e6 * after:.2f} µs",
                f"ours {1e6 * before:.2f} µs",
                after / before,
                _GROWTH,
            )

    def others(self, name: str, nodes: int) -> Iterator[Row]:
        """Yield a row for each of the other peers."""
        files = self._files(name, nodes)
        size = self._size(name, nodes)
        for tool, goal in _OTHERS.items():
            what = f"{name}, {size:,} nodes: CPU a node"
            if importlib.util.find_spec(tool) is None:
                continue
            self.say(f"one shot: {tool}, {name} at {nodes:,} nodes")
            agreement = self._agreement(tool, name, nodes)
            if agreement is None:
                reason = self.remarks[f"{tool}, {name}"][-1]
                yield Row(what, "", tool, verdict=f"{tool} fails: {reason[:60]}")
                continue
            wrong = "" if agreement <= _AGREEMENT else f"DISAGREE by {agreement:.1e}"
            ours, theirs = alternate(
                1 if self.bench.quick else _ROUNDS,
                lambda: _timed("ours", name, nodes, files),
                lambda tool=tool: _timed(tool, name, nodes, files),  # type: ignore[misc]
                seconds=_SECONDS / len(_OTHERS),
            )
            yield _row(what, ours[0], theirs[0], size, tool, goal, wrong)

    def _size(self, name: str, nodes: int) -> int:
        """Return the number of nodes of our graph; our answer is kept for the comparisons."""
        if (name, nodes) not in self.sizes:
            _, mine = child("answer", "ours", name, nodes, self._files(name, nodes))
            self.sizes[name, nodes] = mine["nodes"]
        return self.sizes[name, nodes]

    def _idle_peak(self, tool: str) -> float:
        """Return the peak memory of a process that works a very small program, in bytes."""
        if tool not in self.idle:
            files = self._files(_IDLE_SHAPE, _IDLE)
            if tool == "command":
                command, _ = self._command(files)
                self.idle[tool] = _measured(command)[1]
            else:
                self.idle[tool] = _timed(tool, _IDLE_SHAPE, _IDLE, files)[2]
            about = self.remarks.setdefault(f"peak memory at {_IDLE} nodes", [])
            about.append(f"{tool} {self.idle[tool] / 2**20:.0f} MiB")
        return self.idle[tool]

    def _files(self, name: str, nodes: int) -> Path:
        """Return the folder of one program, written when first asked for."""
        files = self.folder / f"{name}-{nodes}"
        if not files.exists():
            files.mkdir()
            child("write", name, nodes, files)
        return files

    def _agreement(self, tool: str, name: str, nodes: int) -> float | None:
        """Return how far a peer's gradient is from ours, or None if the peer fails."""
        files = self._files(name, nodes)
        remarks = self.remarks.setdefault(f"{tool}, {name}", [])
        try:
            _, found = child("answer", tool, name, nodes, files)
        except Failed as error:
            remarks.append(f"{nodes:,} nodes: {error}")
            return None
        if found["remark"]:
            remarks.append(f"{nodes:,} nodes: {found['remark']}")
        _, compared = child("compare", "ours", tool, files)
        difference = compared["difference"]
        remarks.append(f"{nodes:,} nodes: agrees with ours to {difference:.0e} relative")
        return float(difference)

    def _command(self, files: Path) -> tuple[list[str], str]:
        """Return the command that solves the program, or nothing and what is wrong with it."""
        if self.bench.programs is None:
            return [], self.bench.problem
        arguments = [f"@{files / 'program.txt'}", "--at", f"@{files / 'point.json'}"]
        command = [str(self.bench.programs / "backprop"), "grad", *arguments, "--format", "plain"]
        try:
            measure(command)
        except Failed as error:
            return [], f"FAILED: {error}"[:60]
        return command, ""


def _timed(tool: str, name: str, nodes: int, files: Path) -> list[float]:
    """Return CPU seconds of the work, CPU seconds of the whole process, and peak memory."""
    cost, found = child("time", tool, name, nodes, files)
    return [found["seconds"], cost.cpu, cost.peak]


def _measured(command: list[str]) -> list[float]:
    cost = measure_alone(command)
    return [cost.cpu, cost.peak]


def _row(
    what: str, ours: float, theirs: float, size: int, peer: str, goal: float | None, wrong: str
) -> Row:
    mine, other = (f"{1e6 * seconds / size:.2f} µs" for seconds in (ours, theirs))
    return Row(what, mine, f"{peer} {other}", ours / theirs, goal, wrong)


def descriptions() -> str:
    """Return one line about each shape."""
    return "\n".join(f"- {shape.name}: {shape.what}" for shape in SHAPES.values())
