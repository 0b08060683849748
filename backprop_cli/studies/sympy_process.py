"""The process in which SymPy works: started, limited, listened to and ended.

On POSIX it is a fork made right after parsing (before any thread, and before anything large is
imported), elsewhere a fresh Python. It sends each answer as soon as it has one, a JSON list a
line, so that what is ready when the budget is spent is not lost. It points its standard streams
at nothing, leaves by `os._exit`, and carries its own alarm and limits, so that it ends even if
its parent has been killed.

Only `_answer`, which runs in the child, imports SymPy.
"""

import gc
import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from backprop_cli.graph import Graph

MEMORY = 2 << 30
"""Bytes that the child may ask for beyond what the program had when it was started."""

_STACK = 256 << 20
_RECURSION = 50_000
_GRACE = 1.0
_RESET = ("INT", "TERM", "PIPE", "ALRM", "XCPU", "HUP", "QUIT", "SEGV", "ABRT", "BUS", "FPE", "ILL")


class Job(NamedTuple):
    """What the child is to work out; `names` are given where the steps are wanted too."""

    graph: Graph
    outputs: Mapping[str, int]
    wrt: Mapping[str, int]
    point: Mapping[str, Any] | None
    names: Sequence[str]
    seconds: float


class Channel(Protocol):
    """A running child: its output until it ends or the time is up, and its end."""

    def read(self, deadline: float) -> bytes:
        """Return what the child writes until it ends or the time is up."""

    def kill(self) -> int | None:
        """End the child, wait for it, and return its exit status (minus the signal)."""


class Fork:
    """A child that is a copy of this process."""

    def __init__(self, job: Job) -> None:
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
                _cut_off()
                _limit(job.seconds)
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


class Subprocess:
    """A child that is a fresh Python, where there is no fork."""

    def __init__(self, job: Job) -> None:
        import pickle
        import subprocess

        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
        self.process = subprocess.Popen(
            # -P: a file sympy.py in the working directory is not SymPy.
            [sys.executable, "-P", "-m", "backprop_cli.studies.sympy_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
        assert self.process.stdin is not None
        try:
            with self.process.stdin as stream:
                stream.write(pickle.dumps(job))
        except OSError:
            self.kill()
            raise
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
        self.process.kill()
        if self.process.stdout is not None:
            self.process.stdout.close()
        return self.process.wait()


def _cut_off() -> None:
    """Take this fork off its parent's streams and signal handlers."""
    import signal

    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nothing, stream)
    # Of faults too: Python's faulthandler would write to a stream of the parent.
    for name in _RESET:
        signal.signal(getattr(signal, f"SIG{name}"), signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _limit(seconds: float) -> None:
    """Give this process its budget, where the system has such a thing."""
    try:
        import resource
        import signal
    except ImportError:
        return
    # The default action of SIGALRM ends the process in the kernel, even where it hangs in C.
    signal.setitimer(signal.ITIMER_REAL, seconds + _GRACE)
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

    seconds = None
    try:
        seconds = _answer(job, send)
    except MemoryError:
        send(("failed", f"needs more than {MEMORY >> 30} GiB of memory"))
    except Exception as error:
        send(("failed", f"SymPy failed ({type(error).__name__})"))
    send(("end", seconds))


def _answer(job: Job, send: Any) -> float:
    """Work out and send every answer; return how long that took, SymPy's import apart."""
    # The working directory may hold a file called sympy.py.
    sys.path[:] = [path for path in sys.path if path not in ("", os.getcwd())]
    sys.setrecursionlimit(_RECURSION)
    gc.disable()  # importing SymPy makes no garbage worth looking for, and takes a tenth less
    from backprop_cli.calculus.symbolic import symbolic_gradient, symbolic_steps

    gc.enable()
    start = time.perf_counter()
    formulas: dict[str, dict[str, str]] = {}
    for output, node in job.outputs.items():
        texts = formulas[output] = {}
        for name, slope in symbolic_gradient(job.graph, node, job.wrt, job.point):
            texts[name] = slope.text
            send(("slope", output, name, *slope))
    for output, node in job.outputs.items() if job.names else ():
        steps = symbolic_steps(job.graph, node, job.wrt, job.names, formulas[output])
        send(("steps", output, list(steps)))
    return time.perf_counter() - start


def main() -> None:
    """Read a job from standard input and answer it on standard output."""
    import pickle

    writer = os.dup(1)
    job = pickle.loads(sys.stdin.buffer.read())
    try:
        _limit(job.seconds)
        _work(job, writer)
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
