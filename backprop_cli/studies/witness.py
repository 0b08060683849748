"""The SymPy witness: what SymPy says of the gradient, within a budget of time and memory.

SymPy takes half a second to import, can hang in C where no signal handler runs, and can ask for
all the memory there is. So it works beside the program, in a process of its own that can be
killed (`sympy_process`), and never inside it: this file does not import SymPy. Whatever has come
when the time is up is used; the rest says why it is missing.
"""

import os
import sys
import time
import weakref
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from backprop_cli.graph import Graph
from backprop_cli.studies.solution import Formula, Unavailable, Witness
from backprop_cli.studies.sympy_process import Channel, Fork, Job, Subprocess

LARGEST_GRAPH = 20_000
"""Graphs with more nodes are not given to SymPy at all."""

_NOTHING: dict[str, "Formula | Unavailable"] = {}


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


def start(
    graph: Graph,
    outputs: Mapping[str, int],
    wrt: Mapping[str, int],
    point: Mapping[str, Any] | None,
    seconds: float,
    names: Sequence[str] = (),
    fork: bool | None = None,
) -> "SymPyWitness":
    """Start SymPy on the gradient of each output with respect to each name of `wrt`.

    Returns at once. With `names` (the display names of the nodes) the symbolic steps are worked
    out too. Without a `point` there are formulas and no values. `fork` says how the process is
    made; by default it is a fork wherever that is safe.
    """
    skipped = ""
    if graph.size > LARGEST_GRAPH:
        skipped = f"{graph.size:,} nodes: SymPy is asked up to {LARGEST_GRAPH:,}"
    elif not wrt:
        skipped = "there is no input to ask about"
    elif seconds <= 0:
        skipped = "no time was given (--sympy-seconds)"
    job = Job(graph, outputs, wrt, point, names, seconds)
    channel: Channel | None = None
    if not skipped:
        try:
            channel = Fork(job) if _forks(fork) else Subprocess(job)
        except OSError as error:
            skipped = f"its process could not be started ({error.strerror})"
    return SymPyWitness(job, channel, skipped)


def _forks(fork: bool | None) -> bool:
    """Return whether to fork: not beside threads, whose locks would stay locked in the copy."""
    if fork is not None:
        return fork
    threading = sys.modules.get("threading")
    return hasattr(os, "fork") and (threading is None or threading.active_count() == 1)


class SymPyWitness:
    """A SymPy process at work; `result` waits for it, `stop` ends it.

    As a context manager it never outlives its block; dropped or forgotten, it is ended when the
    object is collected, and at the latest when the program exits.
    """

    def __init__(self, job: Job, channel: Channel | None, skipped: str) -> None:
        self.job = job
        self.deadline = time.monotonic() + job.seconds
        self.skipped = skipped
        self.seconds: float | None = None
        """How long SymPy worked, its import apart; None until it has finished."""
        self._channel = channel
        self._end = weakref.finalize(self, channel.kill) if channel else None
        self._found: dict[str, dict[str, Formula | Unavailable]] = {}
        self._steps: dict[str, tuple[Step, ...]] = {}

    def __enter__(self) -> "SymPyWitness":
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def stop(self) -> int | None:
        """End the process, if it still runs, and return its exit status, if it had one."""
        if self._channel is not None:
            self._channel = None
            self.skipped = self.skipped or "was stopped"
        return self._end() if self._end is not None else None

    def result(self) -> dict[str, Witness]:
        """Return what SymPy says of each output, waiting until its time is up if need be.

        Inputs that it did not come to say why.
        """
        self._collect()
        return {name: self._witness(name) for name in self.job.outputs}

    def steps(self) -> dict[str, tuple[Step, ...] | Unavailable]:
        """Return the symbolic steps of each output, or why there are none; waits as `result`."""
        self._collect()
        missing = self._late() if self.job.names else "the steps were not asked for"
        reason = Unavailable(self.skipped or missing)
        return {name: self._steps.get(name, reason) for name in self.job.outputs}

    def _late(self) -> str:
        return f"gave up after {self.job.seconds:g} s (--sympy-seconds)"

    def _witness(self, name: str) -> Witness:
        found = self._found.get(name, _NOTHING)
        if self.skipped and not found:
            return Witness("sympy", {}, self.skipped)
        missing = Unavailable(self.skipped or self._late())
        return Witness("sympy", {key: found.get(key, missing) for key in self.job.wrt})

    def _collect(self) -> None:
        """Read the answers until the child ends or its time is up, then end it."""
        channel = self._channel
        if channel is None:
            return
        import json

        try:
            lines = channel.read(self.deadline).split(b"\n")
        finally:
            late = time.monotonic() >= self.deadline
            self._channel = None
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
        elif kind == "steps":
            output, steps = rest
            self._steps[output] = tuple(
                Step(node, tuple(StepTerm(*term) for term in terms), result, final)
                for node, terms, result, final in steps
            )
        elif kind == "failed":
            self.skipped = rest[0]
        elif kind == "end":
            self.seconds = rest[0]


def _ended(status: int | None) -> str:
    """Return why a child ended early, by its exit status."""
    if status is not None and status < 0:
        import signal

        if -status in (signal.SIGALRM, signal.SIGXCPU):
            return "gave up: its time was spent (--sympy-seconds)"
        return f"its process was ended by signal {-status}"
    return "its process ended early"
