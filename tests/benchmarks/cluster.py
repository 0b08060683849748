"""The README's program for work that outgrows one machine, run as it stands there on two workers.

The function is exported to NumPy, a file of rows is written in parts, and the program maps the
function over the parts on a local Dask cluster. The peer is the same function in one process, by
pandas; the means must agree before a time is given.
"""

import math
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.bench import Bench
from tests.benchmarks.processes import Failed
from tests.benchmarks.report import Row

PACKAGES = ("dask",)

README = Path(__file__).parents[2] / "README.md"
PARTS = 8
_ALONE = """
import sys, pandas
from neuron import loss_and_gradient
part = pandas.concat(pandas.read_csv(name) for name in sys.argv[1:])
loss, gradient = loss_and_gradient(w=0.5, x=part.x, b=-0.25, y=part.y)
print(pandas.DataFrame({"loss": loss, "d_w": gradient["w"], "d_b": gradient["b"]}).mean())
"""


def rows(bench: Bench) -> Iterator[Row]:
    """Yield what was measured of the README's program, or why it did not run."""
    try:
        yield _measured(bench, 200_000 if bench.quick else 1_000_000)
    except Failed as error:
        yield Row("exported NumPy under Dask", "", "", verdict=f"skipped: {error}")


def _measured(bench: Bench, rows: int) -> Row:
    """Run the program over so many rows. Raises `Failed`."""
    program, command = _readme()
    home = bench.folder / "cluster"
    home.mkdir()
    (home / "program.py").write_text(program, encoding="utf-8")
    (home / "alone.py").write_text(_ALONE, encoding="utf-8")
    _run([sys.executable, "-m", "backprop_cli", *command], home)
    parts = _write_parts(home, rows)
    bench.say(f"{rows:,} rows in {PARTS} parts through the exported function")
    ours, means = _timed([sys.executable, "program.py"], home)
    alone, expected = _timed([sys.executable, "alone.py", *parts], home)
    for name, mean in expected.items():
        if not math.isclose(means[name], mean, rel_tol=1e-9):
            raise Failed(f"the cluster says {name} = {means[name]}, one process {mean}")
    return Row(
        f"exported NumPy under Dask, {rows:,} rows, 2 local workers, with their start",
        f"{ours:.2f} s",
        f"pandas, 1 process: {alone:.2f} s",
        ours / alone,
    )


def _readme() -> tuple[str, list[str]]:
    """Return the README's program, and the words of the command that exports its function."""
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    (program,) = (block for block in blocks if "map_partitions" in block)
    made = re.search(r"# backprop (export) '(.*)' --to (\w+) -o (\S+)", program)
    if made is None:
        raise Failed("the README's program does not say how its function is exported")
    return program, [made[1], made[2], "--to", made[3], "-o", made[4]]


def _write_parts(home: Path, rows: int) -> list[str]:
    draw = random.Random(0)
    names = []
    for part in range(PARTS):
        lines = (f"{draw.gauss(0, 1)!r},{draw.randrange(2)}" for _ in range(rows // PARTS))
        names.append(f"part-{part}.csv")
        (home / names[-1]).write_text("\n".join(["x,y", *lines, ""]), encoding="utf-8")
    return names


def _timed(command: list[str], home: Path) -> tuple[float, dict[str, float]]:
    """Return the seconds a program took, and the means that it printed."""
    begin = time.monotonic()
    printed = _run(command, home)
    seconds = time.monotonic() - begin
    return seconds, {name: float(x) for name, x in re.findall(r"^(\w+) +(\S+\d)$", printed, re.M)}


def _run(command: list[str], home: Path) -> str:
    root = str(README.parent)
    done = subprocess.run(
        command,
        cwd=home,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": root, "HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode:
        raise Failed(done.stderr.strip()[-400:])
    return done.stdout


def main() -> None:
    """Run this part of the report alone: `python -m tests.benchmarks.cluster`."""
    import tempfile

    from tests.benchmarks.report import table

    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name), None, "", False, lambda text: print(text, file=sys.stderr), {})
        print(table(rows(bench)))


if __name__ == "__main__":
    main()
