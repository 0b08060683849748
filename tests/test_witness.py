"""The SymPy witness stays within its budget and leaves nothing behind."""

import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sympy

from backprop_cli.calculus import symbolic
from backprop_cli.calculus.symbolic import Slope
from backprop_cli.language.names import display_names
from backprop_cli.language.parser import parse
from backprop_cli.studies import sympy_process, witness
from backprop_cli.studies.solution import Formula, Unavailable, Witness
from backprop_cli.studies.witness import SymPyWitness

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
both_ways = pytest.mark.parametrize(
    "fork", [pytest.param(True, marks=needs_fork), False], ids=["fork", "subprocess"]
)
ENDLESS = "; ".join(["h = x", *["h = h*sin(h)"] * 30])
"""A small graph with 2^30 paths from its input to its output."""


def ask(
    source: str, seconds: float = 30, fork: bool | None = None, steps: bool = False, **point: float
) -> SymPyWitness:
    graph = parse(source, point)
    names = display_names(graph) if steps else ()
    outputs = {"f": graph.outputs[0]}
    return witness.start(graph, outputs, graph.inputs, point, seconds, names, fork)


def process_of(asked: SymPyWitness) -> int:
    channel = asked._channel
    assert isinstance(channel, sympy_process.Fork | sympy_process.Subprocess)
    return channel.pid if isinstance(channel, sympy_process.Fork) else channel.process.pid


def lives(pid: int) -> bool:
    """Return whether a process is there and has not ended (a zombie has)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def script(text: str, **options: object) -> "subprocess.CompletedProcess[str]":
    path = os.pathsep.join(
        (str(Path(sympy_process.__file__).parents[2]), os.environ.get("PYTHONPATH", ""))
    )
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(
        [sys.executable, "-c", PREAMBLE + text],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
        **options,  # type: ignore[call-overload]
    )


PREAMBLE = """
import os, signal, sys
from backprop_cli.language.parser import parse
from backprop_cli.studies import witness
def ask(source, seconds, fork, **point):
    graph = parse(source)
    return witness.start(graph, {"f": graph.outputs[0]}, graph.inputs, point, seconds, (), fork)
"""


# ------------------------------------------------------------------------- what it says


@both_ways
def test_it_answers_with_formulas_values_and_steps(fork: bool) -> None:
    asked = ask("(a + b)*(b + c)", fork=fork, steps=True, a=5, b=-3, c=-2)
    assert asked.result() == {
        "f": Witness(
            "sympy",
            {
                "a": Formula("b + c", -5.0),
                "b": Formula("a + 2*b + c", -3.0),
                "c": Formula("a + b", 2.0),
            },
        )
    }
    steps = asked.steps()["f"]
    assert isinstance(steps, tuple)
    assert [step.node for step in steps] == ["f", "v2", "v1", "a", "b", "c"]
    assert steps[4] == witness.Step(
        "b",
        (witness.StepTerm("v2", "v1", "1"), witness.StepTerm("v1", "v2", "1")),
        "v1 + v2",
        "a + 2*b + c",
    )


def test_each_output_has_its_answer_and_no_point_means_no_values() -> None:
    graph = parse("f = x^2; g = sin(x)")
    asked = witness.start(graph, {name: graph.names[name] for name in "fg"}, graph.inputs, None, 30)
    assert {name: said.gradient["x"] for name, said in asked.result().items()} == {
        "f": Formula("2*x", None),
        "g": Formula("cos(x)", None),
    }


def test_asking_twice_gives_the_same_answer() -> None:
    asked = ask("x^2", x=3.0)
    assert asked.result() == asked.result()


def test_what_it_cannot_say_it_says_so_for_each_input() -> None:
    gradient = ask("9^9^9^9*x + y", x=1.0, y=1.0).result()["f"].gradient
    assert gradient["x"] == Unavailable("a power of numbers is too large to write")


# -------------------------------------------------------------------------- its budget


@both_ways
def test_a_graph_of_endless_paths_is_given_up_in_time(fork: bool) -> None:
    began = time.monotonic()
    asked = ask(ENDLESS, 1.5, fork, x=0.5)
    pid = process_of(asked)
    assert asked.result() == {"f": Witness("sympy", {}, "gave up after 1.5 s (--sympy-seconds)")}
    assert time.monotonic() - began < 2.5
    assert not lives(pid)


@pytest.fixture
def working(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], SymPyWitness]:
    """Start a fork that answers for `x`, then does `work`, then would answer for `y`."""

    def ask_and(work: Callable[[], object]) -> SymPyWitness:
        def gradient(*_: object) -> Iterator[tuple[str, Slope]]:
            yield "x", Slope("y", 2.0)
            work()
            yield "y", Slope("x", 1.0)

        monkeypatch.setattr(symbolic, "symbolic_gradient", gradient)
        return ask("x*y", 1.0, True, x=1.0, y=2.0)

    return ask_and


@needs_fork
@pytest.mark.parametrize(
    ("work", "reason"),
    [
        (lambda: sympy.loggamma(10**10), "gave up after 1 s (--sympy-seconds)"),  # hangs in C
        (lambda: time.sleep(60), "gave up after 1 s (--sympy-seconds)"),
        (lambda: bytearray(4 << 30), "needs more than 2 GiB of memory"),
        (lambda: os.kill(os.getpid(), signal.SIGSEGV), "its process was ended by signal 11"),
        (lambda: os._exit(3), "its process ended early"),
        (lambda: [].pop(), "SymPy failed (IndexError)"),
    ],
    ids=["hangs in C", "sleeps", "takes memory", "crashes", "leaves", "raises"],
)
def test_an_early_answer_survives_a_late_disaster(
    working: Callable[[Callable[[], object]], SymPyWitness], work: Callable[[], object], reason: str
) -> None:
    asked = working(work)
    pid = process_of(asked)
    said = asked.result()["f"]
    assert said.gradient == {"x": Formula("y", 2.0), "y": Unavailable(reason)}
    assert not lives(pid)


def test_a_large_graph_is_not_asked_at_all() -> None:
    large = ask("x" + " + 1" * 10_000, x=1.0).result()["f"]
    assert large == Witness("sympy", {}, "20,001 nodes: SymPy is asked up to 20,000")
    assert ask("x", 0, x=1.0).result()["f"].skipped == "no time was given (--sympy-seconds)"
    assert ask("5").result()["f"].skipped == "there is no input to ask about"


def test_a_deep_nest_ends_within_its_budget() -> None:
    began = time.monotonic()
    said = ask("sin(" * 5000 + "x" + ")" * 5000, 2, x=0.5).result()["f"]
    assert said.skipped or isinstance(said.gradient["x"], Unavailable)
    assert time.monotonic() - began < 3


# ------------------------------------------------------------------ nothing left behind


@both_ways
@pytest.mark.parametrize("end", ["stop", "block", "drop"])
def test_it_ends_when_it_is_no_longer_wanted(end: str, fork: bool) -> None:
    asked = ask(ENDLESS, 30, fork, x=0.5)
    pid = process_of(asked)
    assert lives(pid)
    if end == "stop":
        asked.stop()
        assert asked.result()["f"].skipped == "was stopped"
    elif end == "block":
        with pytest.raises(KeyboardInterrupt), asked:
            raise KeyboardInterrupt
    else:
        del asked
        gc.collect()
    assert not lives(pid)


@both_ways
def test_it_ends_with_the_program(fork: bool) -> None:
    done = script(
        f"w = ask({ENDLESS!r}, 30, {fork}, x=0.5); c = w._channel; print(c.pid if {fork} else c.process.pid)"
    )
    assert done.stderr == ""
    assert not lives(int(done.stdout))


@needs_fork
def test_it_ends_by_itself_when_the_program_is_killed() -> None:
    done = script(
        f"w = ask({ENDLESS!r}, 1, True, x=0.5); print(w._channel.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    pid = int(done.stdout)
    assert done.returncode == -signal.SIGKILL
    time.sleep(2.5)
    assert not lives(pid)


@needs_fork
def test_ctrl_c_ends_both_and_prints_nothing_of_its_own() -> None:
    text = f"w = ask({ENDLESS!r}, 30, True, x=0.5); print(w._channel.pid, flush=True)\ntry: w.result()\nexcept KeyboardInterrupt: sys.exit(130)"
    environment = {**os.environ, "PYTHONPATH": str(Path(sympy_process.__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, "-c", PREAMBLE + text],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    ) as program:
        assert program.stdout is not None
        pid = int(program.stdout.readline())
        time.sleep(0.7)
        os.killpg(program.pid, signal.SIGINT)
        _, complaint = program.communicate(timeout=10)
    assert program.returncode == 130
    assert complaint == ""
    assert not lives(pid)


# -------------------------------------------------------------------------- its manners


@both_ways
def test_sympy_is_never_imported_by_the_program_itself(fork: bool) -> None:
    done = script(
        f"r = ask('x^2', 30, {fork}, x=3.0).result(); print(r['f'].gradient['x'].text, 'sympy' in sys.modules)"
    )
    assert (done.stdout, done.stderr) == ("2*x False\n", "")


@both_ways
def test_a_file_called_sympy_in_the_working_directory_is_not_sympy(
    fork: bool, tmp_path: Path
) -> None:
    (tmp_path / "sympy.py").write_text("open('was-imported', 'w'); raise SystemExit")
    done = script(
        f"print(ask('x^2', 30, {fork}, x=3.0).result()['f'].gradient['x'].text)", cwd=tmp_path
    )
    assert done.stdout == "2*x\n"
    assert not (tmp_path / "was-imported").exists()


@needs_fork
def test_what_the_program_has_yet_to_print_is_printed_once() -> None:
    done = script(
        "print('once', end=''); import atexit; atexit.register(print, ' at exit', end=''); ask('x^2', 30, True, x=3.0).result()"
    )
    assert (done.stdout, done.stderr) == ("once at exit", "")


@needs_fork
def test_beside_threads_it_does_not_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    monkeypatch.setattr(threading, "active_count", lambda: 2)
    with ask("x^2", x=3.0) as asked:
        assert isinstance(asked._channel, sympy_process.Subprocess)
