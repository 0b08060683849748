"""The study behind `grad --points`: value, gradient and a flag for each of many rows.

Most rows are done by NumPy in blocks (`readings/blocks.py`), or by C (`point_engine.py`). Either
marks the rows in which a node is not finite or stands on a kink, and these are looked at again,
with all that `grad` would ask of each (`second_look.py`), so that a row's flag is what `grad` would
say of it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from backprop_cli.calculus.point_graph import point_graph
from backprop_cli.graph import Graph
from backprop_cli.studies.data import numpy_for
from backprop_cli.studies.gradient import nodes_named, solve
from backprop_cli.studies.solution import Solution

if TYPE_CHECKING:
    from backprop_cli.readings.array_types import Codes, Column, Mask

    Compute = Callable[[Sequence[Column], Sequence[Column], Mask, Mask], None]
    Engine = Callable[
        [Graph, Sequence[str], Mapping[str, float], Sequence[int], Sequence[int]], Compute
    ]

_MOST_NUMBERS = 1 << 22
"""Values of nodes that are held at once when rows are looked at again: 32 MiB."""


class Answers(NamedTuple):
    """The answers of some rows.

    `results` has, for each output, its value and its slopes; `flags` a code of `FLAGS` for each
    row, `answered` whether there is an answer.
    """

    results: "tuple[Column, ...]"
    flags: "Codes"
    answered: "Mask"


class ManyPoints:
    """Value and gradient of a program in each row of columns. May be called in several threads."""

    def __init__(
        self,
        graph: Graph,
        columns: Sequence[str],
        fixed: Mapping[str, float],
        wrt: Sequence[str] = (),
        outputs: Sequence[str] = (),
        kink: str = "convention",
        engine: "Engine | None" = None,
    ) -> None:
        """Compile a program over columns of these names; `fixed` binds its other inputs.

        `engine` is what does most rows: `readings.blocks.Blocks`, or what is made and called as
        that is. It may leave any number in the results of a row that it marks.
        Raises `UnknownInput` for a name of `wrt` or `outputs` that the program does not have, and
        `OptionProblem` where NumPy is missing.
        """
        self._numpy = numpy_for("--points")
        from backprop_cli.readings.blocks import Blocks
        from backprop_cli.studies.table.second_look import SecondLook

        self._program, self._names, self._outputs = graph, tuple(wrt), tuple(outputs)
        self._kink, self._columns = kink, tuple(columns)
        self.inputs, self.fixed = tuple(graph.inputs), dict(fixed)
        """The names of the inputs, and the numbers of those that are no columns."""
        asked = nodes_named(graph, wrt, "--wrt") or dict(graph.inputs)
        chosen = nodes_named(graph, outputs, "--of")
        self.wrt = tuple(asked)
        """The names of the slopes."""
        self.outputs = tuple(chosen)
        """The names of the outputs asked for, if any were named."""
        self.graph: Graph = graph.with_outputs(chosen.values()) if chosen else graph
        self._sources = list(asked.values())
        made = self._made = point_graph(self.graph, self._sources)
        self.compute: Compute = (engine or Blocks)(
            made.graph, columns, fixed, made.watched, made.kinks
        )
        """Computes columns into results, and marks rows that need a second look."""
        self._look = SecondLook(self.graph, made, self._sources, fixed)

    @property
    def width(self) -> int:
        """How many columns of results a row has."""
        return len(self._made.graph.outputs)

    def __call__(self, columns: "Sequence[Column]") -> Answers:
        """Return the answers of all rows of the columns, which are finite."""
        numpy = self._numpy
        count = len(columns[0])
        results = tuple(numpy.empty(count) for _ in range(self.width))
        bad, kinked = numpy.zeros(count, bool), numpy.zeros(count, bool)
        self.compute(columns, results, bad, kinked)
        flags = numpy.zeros(count, numpy.int8)
        answered = numpy.ones(count, bool)
        piece = max(1, _MOST_NUMBERS // self._made.graph.size)
        again = numpy.flatnonzero(bad | kinked)
        for start in range(0, len(again), piece):
            rows = again[start : start + piece]
            given = {k: column[rows] for k, column in zip(self._columns, columns, strict=True)}
            with numpy.errstate(all="ignore"):
                looked = self._look(given, kinked[rows], self._kink)
            flags[rows], answered[rows] = looked.flags, looked.answered
            for result, numbers in zip(results, looked.results, strict=True):
                result[rows] = numbers
        return Answers(results, flags, answered)

    def solution(self, row: Sequence[float]) -> Solution:
        """Return the study of one point, that of a row of the columns."""
        given = {**self.fixed, **dict(zip(self._columns, row, strict=True))}
        point = {name: given[name] for name in self._program.inputs}
        return solve(self._program, point, self._names, self._outputs, self._kink)
