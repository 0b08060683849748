"""One shot: value and gradient with respect to all inputs, from a text in a file."""

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.benchmarks.processes import Failed, alternate, child, measure
from tests.benchmarks.report import Row
from tests.benchmarks.shapes import SHAPES

OTHER_PEERS = ("autograd", "casadi")
_AGREEMENT = 1e-9
_GOAL = 0.5
_GROWTH = 1.5
_CHEAP = 4.5


class OneShot:
    """Measures the shapes at each size, and keeps what later rows are made of."""

    def __init__(self, folder: Path, programs: Path | None, say: Callable[[str], None]) -> None:
        self.folder = folder
        self.programs = programs
        self.say = say
        self.costs: dict[tuple[str, int], float] = {}
        self.remarks: dict[str, list[str]] = {}
        self.sizes: dict[tuple[str, int], int] = {}

    def rows(self, name: str, nodes: int, rounds: int) -> Iterator[Row]:
        """Yield the rows of one shape at one size, against micrograd."""
        self.say(f"one shot: {name} at {nodes:,} nodes")
        files = self._files(name, nodes)
        _, mine = child("answer", "ours", name, nodes, files)
        size = self.sizes[name, nodes] = mine["nodes"]
        title = f"{name}, {size:,} nodes"
        agreement = self._agreement("micrograd", name, nodes)

        sides: list[Callable[[], Sequence[float]]] = [lambda: _timed("ours", name, nodes, files)]
        if agreement is not None:
            sides.append(lambda: _timed("micrograd", name, nodes, files))
        command, problem = self._command(files)
        if command:
            sides.append(lambda: _measured(command))
        found = alternate(rounds, *sides)
        ours = found[0]
        self.costs[name, nodes] = ours[2] / size
        by_command = found[-1] if command else None
        if agreement is None:
            yield Row(f"{title}: CPU a node", _per_node(ours[0], size), "micrograd: none")
            return
        theirs = found[1]
        wrong = "" if agreement <= _AGREEMENT else f"DISAGREE by {agreement:.1e}"
        for what, figures in (("library", ours), ("command", by_command)):
            if figures is None:
                yield Row(f"{title}: {what}", "", "", verdict=problem)
                continue
            yield Row(
                f"{title}: CPU a node, {what}",
                _per_node(figures[0], size),
                f"micrograd {_per_node(theirs[0], size)}",
                figures[0] / theirs[0],
                _GOAL,
                wrong,
            )
            if what == "library":
                yield Row(
                    f"{title}: CPU a node, library, start of the process left out",
                    _per_node(figures[2], size),
                    f"micrograd {_per_node(theirs[2], size)}",
                    figures[2] / theirs[2],
                    _GOAL,
                    wrong,
                )
            yield Row(
                f"{title}: peak memory, {what}",
                _mebibytes(figures[1]),
                f"micrograd {_mebibytes(theirs[1])}",
                figures[1] / theirs[1],
                _GOAL,
                wrong,
            )

    def growth(self, name: str, small: int, large: int) -> Iterator[Row]:
        """Yield how the cost a node grows with the size, the start of the process left out."""
        before, after = self.costs[name, small], self.costs[name, large]
        yield Row(
            f"{name}: CPU a node at {large:,} against {small:,} nodes, in process",
            f"{1e6 * after:.2f} µs",
            f"ours {1e6 * before:.2f} µs",
            after / before,
            _GROWTH,
        )

    def cheap(self, name: str, nodes: int) -> Iterator[Row]:
        """Yield the cost of value and gradient against the value alone, in process."""
        self.say(f"cheap gradient: {name} at {nodes:,} nodes")
        _, found = child("cheap", name, nodes, self._files(name, nodes))
        size = self.sizes[name, nodes]
        yield Row(
            f"{name}, {size:,} nodes: value + gradient against value alone",
            _per_node(found["both"], size),
            f"ours {_per_node(found['alone'], size)}",
            found["both"] / found["alone"],
            _CHEAP,
        )

    def others(self, name: str, nodes: int) -> Iterator[Row]:
        """Yield a row for each of the other peers, measured once, without a goal."""
        files = self._files(name, nodes)
        size = self.sizes[name, nodes]
        for tool in OTHER_PEERS:
            what = f"{name}, {size:,} nodes: CPU a node, library"
            if importlib.util.find_spec(tool) is None:
                yield Row(what, "", tool, verdict="skipped: not installed")
                continue
            self.say(f"{tool}: {name} at {nodes:,} nodes")
            agreement = self._agreement(tool, name, nodes)
            if agreement is None:
                reason = self.remarks[f"{tool}, {name}"][-1]
                yield Row(what, "", tool, verdict=f"{tool} fails: {reason[:60]}")
                continue
            ours = _timed("ours", name, nodes, files)
            theirs = _timed(tool, name, nodes, files)
            yield Row(
                what,
                _per_node(ours[0], size),
                f"{tool} {_per_node(theirs[0], size)}",
                ours[0] / theirs[0],
                verdict="" if agreement <= _AGREEMENT else f"DISAGREE by {agreement:.1e}",
            )

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
        if self.programs is None:
            return [], "skipped: not installed"
        arguments = [f"@{files / 'program.txt'}", "--at", f"@{files / 'point.json'}"]
        command = [str(self.programs / "backprop"), "grad", *arguments, "--format", "plain"]
        try:
            measure(command)
        except Failed as error:
            return [], f"FAILED: {error}"[:60]
        return command, ""


def _timed(tool: str, name: str, nodes: int, files: Path) -> list[float]:
    cost, found = child("time", tool, name, nodes, files)
    return [cost.cpu, cost.peak, found["seconds"]]


def _measured(command: list[str]) -> list[float]:
    cost = measure(command)
    return [cost.cpu, cost.peak]


def _per_node(seconds: float, nodes: int) -> str:
    return f"{1e6 * seconds / nodes:.2f} µs"


def _mebibytes(size: float) -> str:
    return f"{size / 2**20:.0f} MiB"


def descriptions() -> str:
    """Return one line about each shape."""
    return "\n".join(f"- {shape.name}: {shape.what}" for shape in SHAPES.values())
