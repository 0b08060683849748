"""The study behind `grad --points`: value, gradient and a flag for each of many rows.

Most rows are done by NumPy in blocks (`readings/blocks.py`). It marks the rows in which a node is
not finite or stands on a kink, and these are looked at again: whether the bad node is live, and
which came first, is found for all of them at once; rows on kinks, and rows whose slopes are not
finite, are handed one by one to the study of one point, whose word is final. So a row's flag is
what `grad` would say of it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from backprop_cli.calculus.partials import SELECTS
from backprop_cli.calculus.point_graph import point_graph
from backprop_cli.calculus.values import evaluate
from backprop_cli.graph import Graph
from backprop_cli.studies.data import numpy_for
from backprop_cli.studies.gradient import nodes_named, solve
from backprop_cli.studies.solution import Answer, Solution

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Column = NDArray[np.float64]
    Mask = NDArray[np.bool_]
    Codes = NDArray[np.int8]
    Places = NDArray[np.intp]
    Compute = Callable[[Sequence[Column], Sequence[Column], Mask, Mask], None]
    Engine = Callable[
        [Graph, Sequence[str], Mapping[str, float], Sequence[int], Sequence[int]], Compute
    ]

FLAGS = ("", "kink", "jump", "undefined", "not-finite")
"""What may be said of a row; the code of a flag is its place here."""

_UNDEFINED, _NOT_FINITE = FLAGS.index("undefined"), FLAGS.index("not-finite")
_MOST_KEPT = 100_000
_MOST_NUMBERS = 1 << 22


class Answers(NamedTuple):
    """The answers of some rows.

    `results` has, for each output, its value and its slopes; `flags` a code of `FLAGS` for each
    row, `answered` whether there is an answer.
    """

    results: "tuple[Column, ...]"
    flags: "Codes"
    answered: "NDArray[np.bool_]"


class _Verdict(NamedTuple):
    """What the study of one point says of a row."""

    results: tuple[float, ...]
    flag: int
    answered: bool


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
        self._verdicts: dict[bytes, _Verdict] = {}

    @property
    def width(self) -> int:
        """How many columns of results a row has."""
        return len(self._made.graph.outputs)

    def __call__(self, columns: "Sequence[Column]") -> Answers:
        """Return the answers of all rows of the columns, which are finite."""
        numpy = self._numpy
        count = len(columns[0])
        results = tuple(numpy.empty(count) for _ in range(self.width))
        bad, alone = numpy.zeros(count, bool), numpy.zeros(count, bool)
        self.compute(columns, results, bad, alone)
        flags = numpy.zeros(count, numpy.int8)
        answered = numpy.ones(count, bool)
        piece = max(1, _MOST_NUMBERS // self._made.graph.size)
        found = numpy.flatnonzero(bad)
        for start in range(0, len(found), piece):
            rows = found[start : start + piece]
            with numpy.errstate(all="ignore"):
                codes, doubtful = self._again([column[rows] for column in columns], results, rows)
            flags[rows] = codes
            answered[rows] = codes == 0
            alone[rows] = doubtful | (alone[rows] & (codes == 0))
        for row in numpy.flatnonzero(alone).tolist():
            verdict = self._one(tuple(column[row].item() for column in columns))
            flags[row], answered[row] = verdict.flag, verdict.answered
            for result, number in zip(results, verdict.results, strict=True):
                result[row] = number
        return Answers(results, flags, answered)

    def solution(self, row: Sequence[float]) -> Solution:
        """Return the study of one point, that of a row of the columns."""
        given = {**self.fixed, **dict(zip(self._columns, row, strict=True))}
        point = {name: given[name] for name in self._program.inputs}
        return solve(self._program, point, self._names, self._outputs, self._kink)

    # -------------------------------------------------------------- rows in which a node is bad

    def _again(
        self, columns: "Sequence[Column]", results: "Sequence[Column]", rows: "Places"
    ) -> "tuple[Codes, NDArray[np.bool_]]":
        """Compute rows once more, each node as the table has it; write their results.

        Returns the code of a row whose value is bad, and the rows that have a bad slope before.
        """
        numpy = self._numpy
        values = self._values(columns)
        codes = numpy.zeros(len(rows), numpy.int8)
        doubtful = numpy.zeros(len(rows), bool)
        into = iter(results)
        for output, *slopes in self._made.answers:
            codes = numpy.where(codes == 0, self._first_bad(values, output, len(rows)), codes)
            next(into)[rows] = values[output]
            undefined = numpy.isnan(values[output])
            for node, source in zip(slopes, self._sources, strict=True):
                # A value that is undefined has no slope, whatever its formula says.
                moves = self.graph.dependents([source])[output]
                slope = numpy.where(undefined & bool(moves), numpy.nan, values[node])
                next(into)[rows] = slope
                doubtful |= ~numpy.isfinite(slope) & (codes == 0)
        return codes, doubtful

    def _values(self, columns: "Sequence[Column]") -> list[Any]:
        """Return the value of every node, by the interpreter of arrays."""
        from backprop_cli.readings.arrays import ARRAYS

        graph = self._made.graph
        values: list[Any] = [None] * graph.size
        for node, literal in graph.literals.items():
            values[node] = ARRAYS.number(literal)
        given = {**self.fixed, **dict(zip(self._columns, columns, strict=True))}
        for name, node in graph.inputs.items():
            values[node] = given[name]
        evaluate(graph, values, range(graph.size), ARRAYS)
        return values

    def _first_bad(self, values: list[Any], output: int, count: int) -> "Codes":
        """Return the code of the first live node that is not finite, 0 where there is none.

        The rule of `studies/failures.live_nodes`, with a mask of rows in the place of a bit.
        """
        numpy, graph = self._numpy, self.graph
        live: dict[int, Any] = {output: numpy.ones(count, bool)}
        codes = numpy.zeros(count, numpy.int8)
        for node in range(output, -1, -1):
            here = live.pop(node, None)
            if here is None:
                continue
            finite = numpy.isfinite(values[node])
            code = numpy.where(numpy.isnan(values[node]), _UNDEFINED, _NOT_FINITE)
            codes = numpy.where(here & ~finite, code, codes)  # an earlier node has the last word
            for place, operand in enumerate(graph.operands_of(node)):
                reached = here
                if SELECTS[graph.rows[node]]:
                    side = values[self._made.sides[node][place]]
                    reached = here & (numpy.not_equal(side, 0) | ~finite)
                live[operand] = live[operand] | reached if operand in live else reached
        return numpy.asarray(codes, numpy.int8)  # type: ignore[no-any-return]

    # -------------------------------------------------------------- one row alone

    def _one(self, row: tuple[float, ...]) -> _Verdict:
        """Return what the study of one point says of a row; equal rows are asked for once."""
        key = self._numpy.array(row).tobytes()
        verdict = self._verdicts.get(key)
        if verdict is None:
            verdict = _verdict(self.solution(row))
            if len(self._verdicts) < _MOST_KEPT:
                self._verdicts[key] = verdict
        return verdict


def _verdict(solution: Solution) -> _Verdict:
    """Return the row of a solution: of several outputs, the first that has a failure speaks."""
    results = [x for a in solution.answers for x in (a.value, *a.gradient.values())]
    failed = next((answer.failure for answer in solution.answers if answer.failure), None)
    if failed is not None:
        return _Verdict(tuple(results), FLAGS.index(failed.code), False)
    said = [_remark(answer) for answer in solution.answers]
    return _Verdict(tuple(results), next((flag for flag in said if flag), 0), True)


def _remark(answer: Answer) -> int:
    """Return the code of the first kink or jump that is remarked of an answer."""
    codes = (remark.code for remark in answer.remarks)
    return next((FLAGS.index(code) for code in codes if code in FLAGS), 0)
