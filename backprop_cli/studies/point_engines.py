"""Which engine computes many points: NumPy, or C compiled here and now.

NumPy has logarithms, sines and powers that work on several numbers at once, and the C library takes
them one by one; exponentials are vectors in both. What NumPy lacks altogether (erf, gamma and their
kin) it calls Python for, row by row, and there C is thirty times faster. The figures are
nanoseconds a row, measured on one machine; `auto` takes C where they say that it saves more than
twice what compiling costs.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from backprop_cli.calculus.point_graph import PointGraph
from backprop_cli.graph import Graph
from backprop_cli.operations import COMPARISON_ROWS, CONSTANT, TABLE
from backprop_cli.readings.compiler import NoCompiler
from backprop_cli.readings.formulas import formula
from backprop_cli.studies.engine import Chosen
from backprop_cli.studies.engines import compiling

_KNOWN = {
    "erf": 170, "erfc": 170, "exp_square": 1500, "normal_cdf": 850, "gamma": 3000, "lgamma": 1400,
    "digamma": 2400, "polygamma": 4000, "exp": -4, "expm1": -4, "cosh": -4, "tanh": -4,
}  # fmt: skip
"""What C saves for operations that NumPy calls Python for, and loses for exponentials."""

_PLAIN = {
    *("add", "sub", "mul", "div", "neg", "abs", "sqrt", "floor", "ceil", "min", "max", "pick"),
    *("where", *(TABLE[row].name for row in COMPARISON_ROWS)),
}
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


def blocks_for(
    engine: str, made: PointGraph, columns: Sequence[str], fixed: Mapping[str, float], rows: int
) -> tuple[Callable[..., None], Chosen]:
    """Return what computes the blocks of about so many rows, and the engine that this is.

    Raises `NoCompiler` where `native` is asked for.
    """
    given: tuple[Any, ...] = (made.graph, columns, fixed, made.watched, made.kinks)
    note = ""
    gain = rows * saved(made.graph) * 1e-9
    if engine == "native" or (engine == "auto" and gain > 2 * compiling(made.graph.size)):
        try:
            return _native(given)
        except NoCompiler as error:
            if engine == "native":
                raise
            note = f"engine python ({error.message})"
    from backprop_cli.readings.blocks import Blocks

    return Blocks(*given), Chosen("python", note)


def _native(given: tuple[Any, ...]) -> tuple[Callable[..., None], Chosen]:
    from backprop_cli.readings.native_blocks import NativeBlocks

    blocks = NativeBlocks(*given)
    return blocks, Chosen("native", blocks.native.note)
