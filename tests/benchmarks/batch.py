"""Many points: value and all partials of a function at each of many rows, by us and by each peer.

The arrays are in memory and the results go into arrays that are there already, or into the peer's
own. All sides compute the same rows in turn, in one process; the gradients are compared first.
Two sets of figures: the CPU time of one thread of each side, which the goals are about, and the
wall time with the threads each side uses by itself. Then the whole command: a CSV file in, a CSV
file out, what of it is CSV, and its peak memory at one and at ten times the rows.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from tests.benchmarks.bench import Bench
from tests.benchmarks.processes import Failed, child, measure_alone
from tests.benchmarks.report import Row
from tests.benchmarks.subjects import SUBJECTS, Subject

PACKAGES = ("numpy", "polars", "torch", "jax", "autograd")

Columns = Sequence[Any]
Side = Callable[[], Columns]
"""Computes all rows; returns value and partials as arrays."""

PIECE = 8192
_FULL = 1_000_000
_AGREEMENT = 1e-9
_GOALS = {
    "hand-written NumPy in blocks": 1 / 1.2,
    "the same with (1/cosh)²": None,
    "torch": 1 / 1.5,
    "autograd": 0.5,
}
"""The largest share of a peer's time that we may take."""


def rows(bench: Bench) -> Iterator[Row]:
    """Yield the rows of both functions, measured in a process of their own."""
    count = 100_000 if bench.quick else _FULL
    bench.say(f"many points: {count:,} rows")
    _, found = child("rows", "batch", count, 5 if bench.quick else 15)
    yield from (Row(*cells) for cells in found)


def measured(count: int, turns: int) -> Iterator[Row]:
    """Yield a row for each peer and subject, and those of the whole command."""
    for subject in SUBJECTS:
        try:
            yield from _peer_rows(subject, count, turns)
            yield from _command_rows(subject, count)
        except ImportError as error:
            yield Row(f"{subject.name}, many points", "", "", verdict=f"skipped: {error}")
        except Failed as error:
            yield Row(f"{subject.name}: the command", "", "", verdict=f"failed: {error}")


# ------------------------------------------------------------------------------- ours


def _many(subject: Subject) -> Any:
    from backprop_cli.language.parser import parse
    from backprop_cli.studies.table.points import ManyPoints

    names = list(subject.start)
    return ManyPoints(parse(subject.text), names, {}, names)


def _ours(subject: Subject, columns: Columns) -> Side:
    """Return our blocks, their results in arrays that are there already."""
    import numpy as np

    many = _many(subject)
    count = len(columns[0])
    results = [np.empty(count) for _ in range(many.width)]
    bad, kinked = np.zeros(count, bool), np.zeros(count, bool)

    def side() -> Columns:
        many.compute(columns, results, bad, kinked)
        assert not bad.any()
        return results

    return side


def _ours_in_threads(subject: Subject, columns: Columns) -> Side:
    """Return our blocks over slices of the rows, as the command computes chunk after chunk."""
    import numpy as np

    from backprop_cli.studies.table.in_order import in_order, processors

    many = _many(subject)
    count = len(columns[0])
    results = [np.empty(count) for _ in range(many.width)]
    bad, kinked = np.zeros(count, bool), np.zeros(count, bool)
    size = 4 * PIECE

    def work(start: int) -> None:
        part = slice(start, start + size)
        given = [column[part] for column in columns], [result[part] for result in results]
        many.compute(*given, bad[part], kinked[part])

    def side() -> Columns:
        for _ in in_order(range(0, count, size), work, processors()):
            pass
        return results

    return side


# ------------------------------------------------------------------------------- peers


def _rosenbrock_by_hand(p: Columns) -> Columns:
    x, y = p
    rise = y - x * x
    rest = 1 - x
    return rest * rest + 100 * (rise * rise), -2 * rest - 400 * x * rise, 200 * rise


def _network_by_hand(p: Columns, tails: bool = False) -> Columns:
    import numpy as np

    sums = [p[2 * k] * 0.6 - p[2 * k + 1] * 0.4 + p[6 + k] for k in range(3)]
    hidden = [np.tanh(total) for total in sums]
    error = p[9] * hidden[0] + p[10] * hidden[1] + p[11] * hidden[2] + p[12] - 0.75
    slope = 2 * error
    if tails:
        bends = [np.square(1 / np.cosh(total)) for total in sums]
    else:
        bends = [1 - h * h for h in hidden]
    inner = [slope * p[9 + k] * bends[k] for k in range(3)]
    weights = [part * x for part in inner for x in (0.6, -0.4)]
    return (error * error, *weights, *inner, *(slope * h for h in hidden), slope)


BY_HAND = {"Rosenbrock": _rosenbrock_by_hand, "a 2-3-1 network": _network_by_hand}
"""The derivatives as a person writes them (1 - h² for the slope of tanh), with shared work."""


def _hand_written(subject: Subject, columns: Columns) -> Side:
    return _in_blocks(BY_HAND[subject.name], columns)


def _with_tails(subject: Subject, columns: Columns) -> Side:
    """Return the hand-written network with the slope of tanh that keeps its digits in the tails.

    1 - h² has none left where tanh is near 1; ours is (1/cosh)², so this is like for like.
    """
    return _in_blocks(partial(_network_by_hand, tails=True), columns)


def _in_blocks(formula: Callable[[Columns], Columns], columns: Columns) -> Side:
    import numpy as np

    count = len(columns[0])
    results = [np.empty(count) for _ in range(len(columns) + 1)]

    def side() -> Columns:
        for start in range(0, count, PIECE):
            part = slice(start, start + PIECE)
            found = formula([column[part] for column in columns])
            for result, numbers in zip(results, found, strict=True):
                result[part] = numbers
        return results

    return side


def _torch(subject: Subject, columns: Columns) -> Side:
    import torch

    tensors = [torch.from_numpy(column) for column in columns]

    def side() -> Columns:
        inputs = [tensor.detach().requires_grad_() for tensor in tensors]
        value = subject.program(inputs, torch.tanh)
        slopes = torch.autograd.grad(value, inputs, torch.ones_like(value))
        return [value.detach().numpy(), *(slope.numpy() for slope in slopes)]

    return side


def _autograd(subject: Subject, columns: Columns) -> Side:
    import autograd.numpy as np
    from autograd.builtins import tuple as traced
    from autograd.core import make_vjp

    def side() -> Columns:
        pull, value = make_vjp(lambda p: subject.program(p, np.tanh), traced(tuple(columns)))
        return [value, *pull(np.ones_like(value))]

    return side


def _jax(subject: Subject, columns: Columns) -> Side:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    count = len(columns)
    one = jax.value_and_grad(lambda *p: subject.program(p, jnp.tanh), argnums=tuple(range(count)))
    both = jax.jit(jax.vmap(one))
    given = [jnp.asarray(column) for column in columns]

    def side() -> Columns:
        value, slopes = jax.block_until_ready(both(*given))
        return [value, *slopes]

    return side


PEERS: dict[str, Callable[[Subject, Columns], Side]] = {
    "hand-written NumPy in blocks": _hand_written,
    "the same with (1/cosh)²": _with_tails,
    "torch": _torch,
    "autograd": _autograd,
    "jax.jit(vmap)": _jax,
}


# ------------------------------------------------------------------------------- in memory


class Figures(NamedTuple):
    """Seconds of one call: of the CPU, and of the clock on the wall."""

    cpu: float
    wall: float


def _peer_rows(subject: Subject, rows: int, turns: int) -> list[Row]:
    import numpy as np

    source = np.random.default_rng(20)
    columns = [source.normal(size=rows) for _ in subject.start]
    one, all_cores = _ours(subject, columns), _ours_in_threads(subject, columns)
    sides = {"ours": one, "ours in threads": all_cores}
    missing = []
    for name, make in PEERS.items():
        if make is _with_tails and "tanh" not in subject.text:
            continue
        try:
            sides[name] = make(subject, columns)
        except ImportError as error:
            missing.append(Row(f"{subject.name}: {name}", "", "", verdict=f"skipped: {error}"))
    reference = [np.array(part) for part in one()]
    for name, side in sides.items():
        _compare(name, reference, side())
    taken = _alternate(sides, turns)
    found = []
    for name in sides:
        if name.startswith("ours"):
            continue
        title = f"{subject.name}, {rows:,} points"
        goal = _goal(name, subject)
        costs = (("ours", "CPU", 0, goal), ("ours in threads", "wall", 1, None))
        for mine, what, cost, wanted in costs:
            here, there = taken[mine][cost], taken[name][cost]
            found.append(
                Row(
                    f"{title}: {what}",
                    f"{rows / here / 1e6:.1f} M rows/s",
                    f"{name} {rows / there / 1e6:.1f}",
                    here / there,
                    wanted,
                )
            )
    gain = taken["ours"][1] / taken["ours in threads"][1]
    found.append(
        Row(f"{subject.name}: what threads gain, wall", f"{gain:.2f} times", "", verdict="")
    )
    return found + missing


def _goal(peer: str, subject: Subject) -> float | None:
    if peer == "jax.jit(vmap)":
        return 1.0 if "tanh" in subject.text else None
    return _GOALS[peer]


def _compare(name: str, expected: Columns, found: Columns) -> None:
    import numpy as np

    for one, other in zip(expected, found, strict=True):
        error = np.max(np.abs(np.asarray(other) - one) / (1 + np.abs(one)))
        if not error <= _AGREEMENT:
            raise ArithmeticError(f"{name} differs by {error:.1e}")


def _alternate(sides: dict[str, Side], turns: int) -> dict[str, Figures]:
    taken: dict[str, list[Figures]] = {name: [] for name in sides}
    for _ in range(turns):
        for name, side in sides.items():
            cpu, wall = time.process_time(), time.perf_counter()
            side()
            taken[name].append(Figures(time.process_time() - cpu, time.perf_counter() - wall))
    return {
        name: Figures(median(f.cpu for f in found), median(f.wall for f in found))
        for name, found in taken.items()
    }


# ------------------------------------------------------------------------------- the command


def _command_rows(subject: Subject, rows: int) -> list[Row]:
    """Return rows about a CSV file in and a CSV file out."""
    import numpy as np

    source = np.random.default_rng(21)
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        peaks = []
        for count in (rows // 10, rows):
            table = folder / f"{count}.csv"
            _write(table, list(subject.start), source.normal(size=(count, len(subject.start))))
            command = [sys.executable, "-m", "backprop_cli", "grad", subject.text]
            command += ["--points", str(table), "-o", str(folder / "out.csv")]
            cost = measure_alone(command)
            peaks.append(cost.peak)
            if count == rows:
                lines = (folder / "out.csv").read_bytes().count(b"\n")
                assert lines == rows + 1, lines
                found += _shares(subject, table, rows, cost.cpu)
        found.append(
            Row(
                f"{subject.name}: peak memory, {rows:,} rows against {rows // 10:,}",
                f"{peaks[1] / 2**20:.0f} MiB",
                f"{peaks[0] / 2**20:.0f} MiB",
                peaks[1] / peaks[0],
                # Fewer rows do not fill what is under way at a time, and say nothing of growth.
                1.25 if rows >= _FULL else None,
            )
        )
    return found


def _write(path: Path, names: list[str], table: Any) -> None:
    lines = [",".join(map(repr, row)) for row in table.tolist()]
    path.write_text("\n".join([",".join(names), *lines, ""]))


def _shares(subject: Subject, table: Path, rows: int, cpu: float) -> list[Row]:
    """Return what the command takes, and what parts of it take in one thread."""
    from backprop_cli.render.points import csv_block
    from backprop_cli.studies.table.chunks import Chunks
    from backprop_cli.studies.table.rows import RowReader, polars_for

    polars_for(1 << 20)
    many = _many(subject)
    chunks = Chunks(str(table))
    reader = RowReader(chunks.headings, range(len(subject.start)), ())
    parts = [0.0, 0.0, 0.0]
    for chunk in chunks:
        marks = [time.process_time()]
        block = reader(chunk)
        marks.append(time.process_time())
        answers = many(block.columns)
        marks.append(time.process_time())
        csv_block(block, answers)
        marks.append(time.process_time())
        parts = [total + b - a for total, a, b in zip(parts, marks, marks[1:], strict=False)]
    whole = sum(parts)
    names = ("reading CSV", "computing", "writing CSV")
    shares = ", ".join(
        f"{name} {part / whole:.0%}" for name, part in zip(names, parts, strict=True)
    )
    reader_name = "Polars" if polars_for(1 << 20) else "Python's csv"
    return [
        Row(
            f"{subject.name}: the command, CSV in and out, CPU ({reader_name})",
            f"{1e6 * cpu / rows:.2f} µs a row",
            shares,
        )
    ]
