"""Documentation runs: every command of the README and every example, their output compared.

A `console` block of the README holds commands after `$ `, each followed by its real output (with
stderr after stdout). `pytest --update-snapshots` rewrites the outputs; look at them then.
"""

import doctest
import itertools
import json
import math
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from backprop_cli.commands.main import COMMANDS
from tests.command import PLAIN_ENVIRONMENT, PROGRAM, run

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
CI = ROOT / ".ci" / "run"
EXAMPLES = sorted((ROOT / "examples").glob("*.txt"))
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)


def shell(command: str, folder: Path = ROOT) -> tuple[int, str, str]:
    """Return the exit code of a command and what it writes, `backprop` being this checkout's."""
    words = " ".join(f"'{word}'" for word in PROGRAM)
    script = f'backprop() {{ {words} "$@"; }}\n{command}'
    environment = PLAIN_ENVIRONMENT | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        env=environment,
        timeout=60,
        check=False,
        cwd=folder,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def with_real_output(text: str) -> str:
    """Return the README with the real output after each command of its console blocks."""

    def block(match: re.Match[str]) -> str:
        commands = [line for line in match[1].splitlines() if line.startswith("$ ")]
        answers = [shell(command[2:]) for command in commands]
        pairs = zip(commands, answers, strict=True)
        written = "".join(f"{command}\n{out}{err}" for command, (_, out, err) in pairs)
        return f"```console\n{written}```"

    return BLOCK.sub(block, text)


def test_every_command_of_the_readme_writes_what_the_readme_says(request):
    text = README.read_text(encoding="utf-8")
    real = with_real_output(text)
    if request.config.getoption("--update-snapshots"):
        README.write_text(real, encoding="utf-8")
        text = real
    assert text == real


def test_the_python_of_the_readme_runs():
    failures, tried = doctest.testfile(str(README), module_relative=False)
    assert tried >= 4
    assert failures == 0


def test_the_commands_of_the_readme_are_those_of_the_checks():
    """The line that installs and the line that tests stand literally in `.ci/run`."""
    lines = re.findall(r"```sh\n(.*?)\n```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(lines) == 2
    script = CI.read_text(encoding="utf-8")
    assert all(line in script for line in lines)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_runs(path, matches_snapshot):
    """A comment `# $ backprop ...` is the command that an example is for; else it is `grad`."""
    command = f"backprop grad @{path.name} --at @{path.stem}.json"
    written = re.search(r"^# \$ (backprop .*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    code, out, err = shell(written[1] if written else command, path.parent)
    assert (code, err) == (0, "")
    matches_snapshot(f"example_{path.stem}", out)


def test_the_network_has_learned_xor():
    """The cross-entropy is below 0.01, so each of the four predictions is within 0.04."""
    (text,) = (path.read_text(encoding="utf-8") for path in EXAMPLES if path.stem == "xor")
    command = re.search(r"^# \$ (backprop .*)$", text, re.MULTILINE)
    assert command
    _, out, _ = shell(f"{command[1]} --format json", ROOT / "examples")
    lines = [json.loads(line) for line in out.splitlines()]
    assert lines[0]["value"] > 0.69, "worse than a coin at the start"
    assert lines[-1]["value"] < 0.01
    for first, second, truth in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)):
        point = json.dumps(lines[-1]["at"] | {"x1": first, "x2": second, "t": truth})
        _, out, _ = shell(f"echo '{point}' | backprop grad @xor.txt --of z --at @/dev/stdin --format plain", ROOT / "examples")  # fmt: skip
        prediction = 1 / (1 + math.exp(-float(out.split()[1])))
        assert prediction == pytest.approx(truth, abs=0.04)


def test_the_start_of_the_network_is_that_of_its_seed():
    draw = random.Random(1).uniform
    start = json.loads((ROOT / "examples" / "xor.json").read_text(encoding="utf-8"))
    assert start == {name: round(draw(-1, 1), 3) for name in start}


def test_the_batch_example_runs(matches_snapshot):
    done = run("batch", str(ROOT / "examples" / "requests.jsonl"))
    assert done.code == 0
    matches_snapshot("example_batch", done.out)


def test_there_is_an_example_for_each_kind_of_user():
    assert {path.stem for path in EXAMPLES} >= {
        "lecture",
        "neuron",
        "network",
        "relativity",
        "piecewise",
        "xor",
    }


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented_and_its_help_has_an_example(command):
    text = README.read_text(encoding="utf-8")
    assert f"backprop {command}" in text
    for option in ("-h", "--help"):
        done = run(command, option)
        assert done.code == 0
        assert "Example" in done.out


def test_every_link_of_the_readme_leads_somewhere():
    """Anchors are made of headings as GitHub makes them."""
    text = README.read_text(encoding="utf-8")
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", prose, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}
    links = re.findall(r"\]\(([^)]+)\)", prose)
    assert len(links) > 12
    for link in links:
        assert link.startswith("#") or (ROOT / link).is_file(), link
        assert not link.startswith("#") or link[1:] in anchors, link


def table_after(heading: str) -> list[list[str]]:
    """Return the cells of the README's table with this heading, its two first lines apart."""
    lines = README.read_text(encoding="utf-8").partition(f"\n{heading}\n")[2].splitlines()
    rows = itertools.takewhile(lambda line: line.startswith("|"), lines)
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows][1:]


def options_in(cell: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--?[a-z][a-z0-9-]*", cell))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_every_command_stands_in_a_table_of_the_readme(command):
    """And no other does: each is in the command's own table, or in the one of shared options."""
    documented = set()
    for option, what, of in table_after("| option | what it does | of |"):
        assert what
        named = set(re.findall("`([a-z-]+)`", of))
        assert named <= set(COMMANDS)
        if of == "all" or (command in named) != of.startswith("all but"):
            documented |= options_in(option)
    for option, what in table_after(f"| option of `{command}` | what it does |"):
        assert what
        documented |= options_in(option)
    written = re.findall(r"^  (-.*?)(?:  |$)", run(command, "--help").out, re.MULTILINE)
    assert documented == set().union(*(options_in(line) for line in written))


def test_the_library_example_in_the_package_is_true():
    code = "import backprop_cli, doctest, sys; sys.exit(doctest.testmod(backprop_cli).failed)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    assert done.returncode == 0
