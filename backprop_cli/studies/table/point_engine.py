"""Which engine computes many points: NumPy, or C compiled here and now.

NumPy has logarithms, sines and powers that work on several numbers at once, and the C library takes
them one by one; exponentials are vectors in both. What NumPy lacks altogether (erf, gamma and their
kin) it calls Python for, row by row, and there C is thirty times faster. The figures are
nanoseconds a row, measured on one machine; `auto` takes C where they say that it saves more than
twice what compiling costs.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from backprop_cli.graph import Graph
from backprop_cli.operations import COMPARISON_ROWS, CONSTANT, TABLE
from backprop_cli.readings.compiler import NoCompiler
from backprop_cli.readings.formulas import CHEAP, formula
from backprop_cli.studies.engine import Chosen, python_because
from backprop_cli.studies.paying import LARGEST_COMPILED, compiling

_KNOWN = {
    "erf": 170, "erfc": 170, "exp_square": 1500, "normal_cdf": 850, "gamma": 3000, "lgamma": 1400,
    "digamma": 2400, "polygamma": 4000, "exp": -4, "expm1": -4, "cosh": -4, "tanh": -4,
}  # fmt: skip
"""What C saves for operations that NumPy calls Python for, and loses for exponentials."""

_PLAIN = {*CHEAP, "where", *(TABLE[row].name for row in COMPARISON_ROWS)}
_AS_VECTORS = 2.0
"""How much longer than other code compiling loops over rows takes: 1,158 nodes 1.0 s, 4,637 nodes
2.0 s, 6,894 nodes 3.3 s."""
_SAVED, _LOST = 0.5, -12.0
"""What C saves for plain arithmetic, comparisons and choices, and loses for other functions."""


def saved(graph: Graph) -> float:
    """Return the nanoseconds that C saves for each row, of all that the outputs need."""
    needed = graph.dependencies(graph.outputs)
    return sum(
        _saved(row) for node, row in enumerate(graph.rows) if needed[node] and row > CONSTANT
    )


def _saved(row: int) -> float:
    """Return what C saves for an operation; of one with a formula, for all that is in it."""
    value = TABLE[row].value
    inner = [value]
    if TABLE[row].name in _PLAIN:
        return _SAVED
    if not value.isidentifier():
        inner = [TABLE[each].name for each in formula(value).rows if each > CONSTANT]
    return sum(_KNOWN.get(name, _SAVED if name in _PLAIN else _LOST) for name in inner)


class PointEngine:
    """Makes what computes the blocks of a table, as `ManyPoints` asks its engine to."""

    def __init__(self, name: str, rows: int) -> None:
        """Take `auto`, `python` or `native`, and about how many rows there are."""
        self._name, self._rows = name, rows
        self.chosen = Chosen("python")
        """The engine that works, known once it was made."""

    def __call__(
        self,
        graph: Graph,
        columns: Sequence[str],
        fixed: Mapping[str, float],
        watched: Sequence[int],
        kinks: Sequence[int],
    ) -> Callable[..., None]:
        """Return blocks of a graph. Raises `NoCompiler` where `native` was asked for."""
        given: tuple[Any, ...] = (graph, columns, fixed, watched, kinks)
        gain = self._rows * saved(graph) * 1e-9
        small = graph.size <= LARGEST_COMPILED
        pays = self._name == "auto" and small and gain > 2 * compiling(_AS_VECTORS * graph.size)
        if self._name == "native" or pays:
            try:
                return self._native(given)
            except NoCompiler as error:
                if self._name == "native":
                    raise
                self.chosen = python_because(error.message)
        from backprop_cli.readings.blocks import Blocks

        return Blocks(*given)

    def _native(self, given: tuple[Any, ...]) -> Callable[..., None]:
        from backprop_cli.readings.native_blocks import NativeBlocks

        blocks = NativeBlocks(*given)
        self.chosen = Chosen("native", blocks.native.note)
        return blocks
