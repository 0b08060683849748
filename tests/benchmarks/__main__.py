"""The whole report: `python -m tests.benchmarks`, or `--quick` for a look in under two minutes.

Each side of a comparison runs in a fresh process, the sides in turn, and medians are given. The
CPU time is user + system. The gradients are compared first. Only the loops of small functions
share a process, in which they take turns. Progress goes to standard error, the report to standard
output; `--markdown` prints what can be pasted into a README.

A module of the benchmark has `rows(bench)`, which yields the rows of the table as they are
measured, and `PACKAGES`, the peers it asks for. To add one, write it and name it in MODULES.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType

from tests.benchmarks import batch, cheap, checks, cluster, native, oneshot, startup, steps
from tests.benchmarks.bench import Bench
from tests.benchmarks.processes import Failed, measure
from tests.benchmarks.report import Row, heading, markdown, missing, table

MODULES: tuple[ModuleType, ...] = (
    startup,
    steps,
    native,
    batch,
    checks,
    cheap,
    oneshot,
    cluster,
)


def main() -> None:
    """Measure everything and print the report."""
    known = {module.__name__.rpartition(".")[2]: module for module in MODULES}
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("modules", nargs="*", choices=[[], *known], help="which (all)")
    parser.add_argument("--quick", action="store_true", help="smaller sizes, fewer repetitions")
    parser.add_argument("--no-wheel", action="store_true", help="leave the installed command out")
    parser.add_argument("--markdown", action="store_true", help="a table for a README, no more")
    options = parser.parse_args()
    chosen = [known[name] for name in options.modules] or list(MODULES)
    begin = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - begin:5.0f} s  {text}", file=sys.stderr, flush=True)

    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        programs, problem = None, "left out (--no-wheel)"
        if not options.no_wheel:
            programs, problem = _installed(folder, say)
        bench = Bench(folder, programs, problem, options.quick, say, {})
        for module in chosen:
            rows += module.rows(bench)
    packages = list(
        dict.fromkeys(p for module in chosen for p in ("backprop-cli", *module.PACKAGES))
    )
    if options.markdown:
        print(markdown(packages, rows))
        return
    print(heading(packages))
    print(table(rows))
    if absent := missing(packages):
        print(f"\nNot installed, so not compared: {', '.join(absent)}.")
    if oneshot in chosen:
        print(f"\nThe shapes:\n{oneshot.descriptions()}")
    if bench.remarks:
        print("\nThe peers:")
    for about, remarks in bench.remarks.items():
        print(f"- {about}: {'; '.join(remarks)}")
    print(f"\nTook {time.monotonic() - begin:.0f} s.")


def _installed(folder: Path, say: startup.Say) -> tuple[Path | None, str]:
    """Return the folder of the installed commands, or None and why there is none."""
    try:
        programs = startup.install(folder, say)
        measure([str(programs / "backprop"), "--version"])
    except Failed as error:
        return None, f"FAILED: {error}"[:60]
    return programs, ""


if __name__ == "__main__":
    main()
