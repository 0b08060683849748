"""The SymPy witness: a process of its own, with a budget, that can be killed.

SymPy takes half a second to import, can hang in C where no signal handler runs, and can ask for
all the memory there is. So it works beside the program, never inside it: on POSIX in a fork made
right after parsing (before any thread, and before anything large is imported), elsewhere in a
subprocess. The child sends each answer as soon as it has one, a JSON list a line, so that what is
ready when the budget is spent is not lost. It points its standard streams at nothing, leaves by
`os._exit`, and carries its own alarm, so that it ends even if its parent has been killed.

This file never imports SymPy: only `_work` does, which runs in the child.
"""

import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from backprop_cli.graph import Graph
from backprop_cli.studies.solution import Formula, Unavailable, Witness

LARGEST_GRAPH = 20_000
"""Graphs with more nodes are not given to SymPy at all."""

MEMORY = 2 << 30
"""Bytes that the child may ask for beyond what the program had when it was started."""

_STACK = 256 << 20
_RECURSION = 50_000
_GRACE = 1.0
_NOBODY: dict[str, "Formula | Unavailable"] = {}


class Job(NamedTuple):
    """What the child is to work out; `names` are given where the steps are wanted too."""

    graph: Graph
    outputs: Mapping[str, int]
    wrt: Mapping[str, int]
    point: Mapping[str, Any] | None
    names: Sequence[str]


class StepTerm(NamedTuple):
    """A contribution in symbols: from the node `user`, upstream × local."""

    user: str
    upstream: str
    local: str


class Step(NamedTuple):
    """One line of the symbolic chain rule, as in `calculus.symbolic.SymbolicStep`."""

    node: str
    terms: tuple[StepTerm, ...]
    result: str
    final: str


class _Channel(Protocol):
    """A running child: its output until it ends or the time is up, and its end."""

    def read(self, deadline: float) -> bytes: ...

    def kill(self) -> int | None: ...


def start(
    graph: Graph,
    outputs: Mapping[str, int],
    wrt: Mapping[str, int],
    point: Mapping[str, Any] | None,
    seconds: float,
    names: Sequence[str] = (),
    fork: bool = hasattr(os, "fork"),
) -> "SymPyWitness":
    """Start SymPy on the gradient of each output with respect to each name of `wrt`.

    Returns at once. With `names` (the display names of the nodes) the symbolic steps are worked
    out too. Without a `point` there are formulas and no values.
    """
    skipped = ""
    if graph.size > LARGEST_GRAPH:
        skipped = f"{graph.size:,} nodes: SymPy is asked up to {LARGEST_GRAPH:,}"
    elif seconds <= 0:
        skipped = "no time was given (--sympy-seconds)"
    job = Job(graph, outputs, wrt, point, names)
    channel: _Channel | None = None
    if not skipped:
        try:
            channel = _Fork(job, seconds) if fork else _Subprocess(job)
        except OSError as error:
            skipped = f"its process could not be started ({error.strerror})"
    return SymPyWitness(job, seconds, channel, skipped)


class SymPyWitness:
    """A SymPy process at work; `result` waits for it, `stop` ends it.

    Used as a context manager it never outlives its block.
    """

    def __init__(
        self, job: Job, seconds: float, channel: _Channel | None, skipped: str
    ) -> None:
        self.job = job
        self.seconds = seconds
        self.deadline = time.monotonic() + seconds
        self.skipped = skipped
        self._channel = channel
        self._found: dict[str, dict[str, Formula | Unavailable]] = {}
        self._steps: dict[str, list[Step]] = {}

    def __enter__(self) -> "SymPyWitness":
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def __del__(self) -> None:
        self.stop()

    def stop(self) -> int | None:
        """End the process, if it still runs; its exit status, if it had one."""
        channel, self._channel = self._channel, None
        return channel.kill() if channel is not None else None

    def result(self) -> dict[str, Witness]:
        """Return what SymPy says of each output, waiting until its time is up if need be.

        Inputs that it did not come to say why.
        """
        self._collect()
        return {name: self._witness(name) for name in self.job.outputs}

    def steps(self) -> dict[str, tuple[Step, ...] | Unavailable]:
        """Return the symbolic steps of each output, or why there are none; waits as `result`."""
        self._collect()
        reason = Unavailable(self.skipped or self._late())
        return {
            name: tuple(self._steps[name]) if name in self._steps else reason
            for name in self.job.outputs
        }

    def _late(self) -> str:
        return f"gave up after {self.seconds:g} s (--sympy-seconds)"

    def _witness(self, name: str) -> Witness:
        found = self._found.get(name, _NOBODY)
        if self.skipped and not found:
            return Witness("sympy", {}, self.skipped)
        missing = Unavailable(self.skipped or self._late())
        return Witness("sympy", {key: found.get(key, missing) for key in self.job.wrt})

    def _collect(self) -> None:
        """Read the answers until the child ends or its time is up, then end it."""
        if self._channel is None:
            return
        import json

        try:
            lines = self._channel.read(self.deadline).split(b"\n")
        finally:
            late = time.monotonic() >= self.deadline
            status = self.stop()
        finished = False
        for line in lines[:-1]:
            kind, *rest = json.loads(line)
            finished = finished or kind == "end"
            self._take(kind, rest)
        if not finished:
            self.skipped = self.skipped or (self._late() if late else _ended(status))

    def _take(self, kind: str, rest: list[Any]) -> None:
        """Take one line of the child's."""
        if kind == "slope":
            output, name, text, value, reason = rest
            answer = Unavailable(reason) if reason else Formula(text, value)
            self._found.setdefault(output, {})[name] = answer
        elif kind == "step":
            output, node, terms, result, final = rest
            step = Step(node, tuple(StepTerm(*term) for term in terms), result, final)
            self._steps.setdefault(output, []).append(step)
        elif kind == "failed":
            self.skipped = rest[0]


def _ended(status: int | None) -> str:
    """Return why a child ended early, by its exit status."""
    if status is not None and status < 0:
        import signal

        if -status in (signal.SIGALRM, signal.SIGXCPU):
            return "gave up: its time was spent (--sympy-seconds)"
        return f"its process was ended by signal {-status}"
    return "its process ended early"


class _Fork:
    """A child that is a copy of this process."""

    def __init__(self, job: Job, seconds: float) -> None:
        self.end, writer = os.pipe()
        try:
            self.pid = os.fork()
        except OSError:
            os.close(self.end)
            os.close(writer)
            raise
        if self.pid == 0:
            try:
                os.close(self.end)
                _confine(seconds)
                _work(job, writer)
            finally:
                os._exit(0)
        os.close(writer)

    def read(self, deadline: float) -> bytes:
        """Return what the child writes until it ends or the time is up."""
        import select

        parts = []
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.end], [], [], left)[0]:
                break
            part = os.read(self.end, 1 << 16)
            if not part:
                break
            parts.append(part)
        return b"".join(parts)

    def kill(self) -> int | None:
        """End the child, wait for it, and return its exit status (minus the signal)."""
        import signal

        os.close(self.end)
        try:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid == 0:
                os.kill(self.pid, signal.SIGKILL)
                _, status = os.waitpid(self.pid, 0)
        except (ChildProcessError, ProcessLookupError):
            return None
        return os.waitstatus_to_exitcode(status)


class _Subprocess:
    """A child that is a fresh Python, where there is no fork."""

    def __init__(self, job: Job) -> None:
        import pickle
        import subprocess

        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
        self.process = subprocess.Popen(
            # -P: a file sympy.py in the working directory is not SymPy.
            [sys.executable, "-P", "-m", "backprop_cli.studies.witness"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
        assert self.process.stdin is not None
        self.process.stdin.write(pickle.dumps(job))
        self.process.stdin.close()
        self.process.stdin = None

    def read(self, deadline: float) -> bytes:
        """Return what the child writes until it ends or the time is up."""
        import subprocess

        try:
            return self.process.communicate(timeout=max(deadline - time.monotonic(), 0))[0]
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.communicate()[0]

    def kill(self) -> int | None:
        """End the child, wait for it, and return its exit status."""
        ...
        self.process.kill()
        if self.process.stdout is not None:
            self.process.stdout.close()
        return self.process.wait()


def _confine(seconds: float) -> None:
    """Cut this process off from its parent's streams and handlers, and give it its limits."""
    import signal

    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nothing, stream)
    for name in ("SIGINT", "SIGTERM", "SIGPIPE", "SIGALRM", "SIGXCPU", "SIGHUP", "SIGQUIT"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    # The default action of SIGALRM ends the process in the kernel, even where it hangs in C.
    signal.setitimer(signal.ITIMER_REAL, seconds + _GRACE)
    _limit_resources(seconds)


def _limit_resources(seconds: float) -> None:
    import resource

    limits = {
        resource.RLIMIT_CPU: int(seconds + _GRACE) + 1,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_AS: _memory_in_use() + MEMORY,
        resource.RLIMIT_STACK: _STACK,
    }
    for kind, limit in limits.items():
        try:
            _, most = resource.getrlimit(kind)
            bounded = limit if most == resource.RLIM_INFINITY else min(limit, most)
            resource.setrlimit(kind, (bounded, most))
        except (OSError, ValueError):
            continue  # the alarm still holds


def _memory_in_use() -> int:
    """Return the address space of this process in bytes, a guess where the system does not say."""
    try:
        with open("/proc/self/statm", "rb") as pages:
            return int(pages.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 1 << 30


def _work(job: Job, writer: int) -> None:
    """Work out the job and write each answer to `writer` as it is found."""
    import json

    def send(line: Iterable[Any]) -> None:
        rest = memoryview(json.dumps(list(line)).encode() + b"\n")
        while rest:
            rest = rest[os.write(writer, rest) :]

    try:
        _answer(job, send)
    except MemoryError:
        send(("failed", f"needs more than {MEMORY >> 30} GiB of memory"))
    except Exception as error:
        send(("failed", f"SymPy failed ({type(error).__name__})"))
    send(("end",))


def _answer(job: Job, send: Any) -> None:
    # The working directory may hold a file called sympy.py.
    sys.path[:] = [path for path in sys.path if path not in ("", os.getcwd())]
    sys.setrecursionlimit(_RECURSION)
    from backprop_cli.calculus.symbolic import symbolic_gradient, symbolic_steps

    formulas: dict[str, dict[str, str]] = {}
    for output, node in job.outputs.items():
        texts = formulas[output] = {}
        for name, slope in symbolic_gradient(job.graph, node, job.wrt, job.point):
            texts[name] = slope.text
            send(("slope", output, name, *slope))
    for output, node in job.outputs.items() if job.names else ():
        for step in symbolic_steps(job.graph, node, job.wrt, job.names, formulas[output]):
            send(("step", output, *step))


def main() -> None:
    """Read a job from standard input and answer it on standard output."""
    import pickle

    writer = os.dup(1)
    job = pickle.loads(sys.stdin.buffer.read())
    try:
        _work(job, writer)
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
