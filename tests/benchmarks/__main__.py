"""The whole report: `python -m tests.benchmarks`, or `--quick` for a look in under two minutes.

Each side of a comparison runs in a fresh process, the sides in turn, and medians are given. The
CPU time is user + system, of the whole process with its start. The gradients are compared first.
Only the loops of small functions, and many points, share a process, in which they take turns.
Progress goes to standard error, the report to standard output.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.batch import batch_rows
from tests.benchmarks.native import native_rows
from tests.benchmarks.oneshot import OneShot, descriptions
from tests.benchmarks.processes import Failed, measure
from tests.benchmarks.report import Row, heading, table
from tests.benchmarks.shapes import SHAPES
from tests.benchmarks.startup import install, start_up
from tests.benchmarks.steps import step_rows

_CHEAP_SIZE = 100_000


def main() -> None:
    """Measure everything and print the report."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller sizes, fewer repetitions")
    parser.add_argument("--no-wheel", action="store_true", help="leave the installed command out")
    options = parser.parse_args()
    rounds = {10_000: 3, 100_000: 1} if options.quick else {10_000: 7, 100_000: 3, 1_000_000: 2}
    begin = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - begin:5.0f} s  {text}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows: list[Row] = []
        programs = None
        if not options.no_wheel:
            try:
                programs = install(folder, say, whole=not options.quick)
                rows += start_up(programs, 15 if options.quick else 25)
                measure([str(programs / "backprop"), "--version"])
            except Failed as error:
                rows.append(Row("the installed command", "", "", verdict=f"skipped: {error}"))
                programs = None
        one_shot = OneShot(folder, programs, say)
        say("steps of small functions")
        rows += step_rows(20_000 if options.quick else 100_000, 2 if options.quick else 5)
        rows += batch_rows(100_000 if options.quick else 1_000_000, 5, say)
        say("compiled C")
        rows += native_rows(300_000, 100_000 if options.quick else 1_000_000, 5)
        for shape in SHAPES:
            for nodes, count in rounds.items():
                rows += one_shot.rows(shape, nodes, count)
        for shape in SHAPES:
            rows += one_shot.growth(shape, min(rounds), max(rounds))
        for shape in SHAPES:
            rows += one_shot.cheap(shape, _CHEAP_SIZE)
        for shape in SHAPES:
            rows += one_shot.others(shape, min(rounds) if options.quick else _CHEAP_SIZE)
    print(heading())
    print(table(rows))
    print(f"\nThe shapes:\n{descriptions()}\n\nThe peers:")
    for about, remarks in one_shot.remarks.items():
        print(f"- {about}: {'; '.join(remarks)}")
    print(f"\nTook {time.monotonic() - begin:.0f} s.")


if __name__ == "__main__":
    main()
