"""Start-up: what a shell script pays for each call, from a wheel as users install it."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.benchmarks.bench import Bench
from tests.benchmarks.processes import ROOT, Failed, alternate, measure
from tests.benchmarks.report import Row

PACKAGES = ("click", "sympy")

Say = Callable[[str], None]
HEAVY = ("sympy", "rich", "numpy", "mpmath")
_PLAIN_GOAL, _TABLE_GOAL = 1.3, 1.15
_COMMAND = ("grad", "(a + b)*(b + c)", "--at", "a=5,b=-3,c=-2")
_PLAIN = (*_COMMAND, "--format", "plain")
_IMPORTS = f"""
import json, sys

class Asked:
    names = []

    def find_spec(self, name, path=None, target=None):
        self.names.append(name)

sys.meta_path.insert(0, Asked())
from backprop_cli.commands.main import run
run({list(_PLAIN)!r})
print(json.dumps([name for name in Asked.names if name in {HEAVY!r}]))
"""


def install(folder: Path, say: Say) -> Path:
    """Build the wheel, install it in a fresh environment, and return where its programs are.

    SymPy, rich and the other dependencies are those of this environment: to unpack and to compile
    them again would take most of a minute.
    """
    say("building the wheel and installing it in a fresh environment")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    # A copy, so that the build leaves nothing in the source tree.
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        if (ROOT / name).exists():
            (source / name).write_bytes((ROOT / name).read_bytes())
    for file in (ROOT / "backprop_cli").rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts:
            copy = source / file.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())
    measure([*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(source)])
    measure([sys.executable, "-m", "venv", str(folder / "env")])
    programs = folder / "env" / ("Scripts" if sys.platform == "win32" else "bin")
    wheel = next(folder.glob("backprop_cli-*.whl"))
    fresh = [str(programs / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    measure([*fresh, "install", "--compile", "--no-deps", str(wheel), "click"])
    here = next(Path(path) for path in sys.path if (Path(path) / "sympy").is_dir())
    there = measure(
        [str(programs / "python"), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    ).printed.strip()
    for name in ("sympy", "mpmath", "rich", "pygments", "markdown_it", "mdurl", "plotille"):
        (Path(there) / name).symlink_to(here / name)
    return programs


def rows(bench: Bench) -> Iterator[Row]:
    """Yield start-up against what no such program can do without: click, and SymPy."""
    if bench.programs is None:
        yield Row("start-up", "", "", verdict=bench.problem)
        return
    bench.say("start-up")
    program, python = str(bench.programs / "backprop"), str(bench.programs / "python")
    try:
        yield from _against(
            "start-up: `grad --format plain` / `python -c 'import click'`",
            [program, *_PLAIN],
            [python, "-c", "import click"],
            15 if bench.quick else 25,
            _PLAIN_GOAL,
        )
        yield from _against(
            "start-up: `grad`, tables and SymPy's answer / `python -c 'import sympy'`",
            [program, *_COMMAND],
            [python, "-c", "import sympy"],
            5 if bench.quick else 15,
            _TABLE_GOAL,
        )
        found = json.loads(measure([python, "-c", _IMPORTS]).printed.splitlines()[-1])
        verdict = "NOT MET" if found else "met"
        names = ", ".join(HEAVY)
        yield Row(f"start-up: imports of {names}", ", ".join(found) or "none", "", verdict=verdict)
    except Failed as error:
        yield Row("start-up", "", "", verdict=f"FAILED: {error}"[:60])


def _against(
    what: str, ours: list[str], theirs: list[str], pairs: int, goal: float
) -> Iterator[Row]:
    """Yield the CPU time and the wall time of two commands, run in turn."""
    measure(ours)
    measure(theirs)

    def side(command: list[str]) -> Callable[[], tuple[float, float]]:
        def run() -> tuple[float, float]:
            cost = measure(command)
            return cost.cpu, cost.wall

        return run

    mine, other = alternate(pairs, side(ours), side(theirs))
    for kind, a, b in zip(("CPU", "wall"), mine, other, strict=True):
        yield Row(f"{what}, {kind}", f"{1000 * a:.0f} ms", f"{1000 * b:.0f} ms", a / b, goal)
