"""Start-up: what a shell script pays for each call, from a wheel as users install it."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.benchmarks.processes import ROOT, Failed, alternate, measure
from tests.benchmarks.report import Row

HEAVY = ("sympy", "rich", "numpy", "mpmath")
_COMMAND = ("grad", "(a + b)*(b + c)", "--at", "a=5,b=-3,c=-2", "--format", "plain")
_IMPORTS = f"""
import json, sys

class Asked:
    names = []

    def find_spec(self, name, path=None, target=None):
        self.names.append(name)

sys.meta_path.insert(0, Asked())
from importlib.metadata import entry_points
main = next(iter(entry_points(group="console_scripts", name="backprop"))).load()
sys.argv = ["backprop", *{list(_COMMAND)!r}]
try:
    main()
finally:
    print(json.dumps([name for name in Asked.names if name in {HEAVY!r}]), file=sys.stdout)
"""


def install(folder: Path, say: Callable[[str], None], whole: bool) -> Path:
    """Build the wheel, install it in a fresh environment, and return where its programs are.

    Unless `whole`, click is the only dependency installed, which is all that is measured; the
    others take most of a minute to unpack and compile.
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
    if whole:
        measure([*fresh, "install", "--compile", str(wheel)])
    else:
        measure([*fresh, "install", "--compile", "--no-deps", str(wheel), "click"])
    return programs


def start_up(programs: Path, pairs: int) -> Iterator[Row]:
    """Yield the CPU time of a small `grad` against `import click`, and what it imported."""
    ours = [str(programs / "backprop"), *_COMMAND]
    click = [str(programs / "python"), "-c", "import click"]
    what = "start-up: `grad --format plain`, CPU, against `python -c 'import click'`"
    try:
        measure(ours)
        measure(click)
        (mine,), (theirs,) = alternate(
            pairs, lambda: [measure(ours).cpu], lambda: [measure(click).cpu]
        )
        yield Row(
            what, f"{1000 * mine:.1f} ms", f"click {1000 * theirs:.1f} ms", mine / theirs, 1.5
        )
        printed = measure([str(programs / "python"), "-c", _IMPORTS]).printed
        found = json.loads(printed.splitlines()[-1])
        names = ", ".join(HEAVY)
        yield Row(
            f"start-up: imports of {names}",
            ", ".join(dict.fromkeys(found)) or "none",
            "",
            verdict="MISSED" if found else "met",
        )
    except Failed as error:
        yield Row(what, "", "", verdict=f"skipped: {error}")
