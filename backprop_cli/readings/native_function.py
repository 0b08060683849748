"""A graph read as one compiled C function, for many evaluations: `readings/python.py` by C.

A call costs a microsecond, whatever the size of the graph, so this pays for graphs of some dozens
of nodes and more; small ones are better served by Python, or by loops that are compiled as a whole.
Where a node is not finite the function raises, as generated Python does, and its caller asks the
interpreter.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from backprop_cli.graph import Graph
from backprop_cli.readings.c import CWriter
from backprop_cli.readings.c_parts import APART, Division, divided
from backprop_cli.readings.native import Native, load
from backprop_cli.readings.telling import telling_nodes


def function_source(graph: Graph, inputs: Sequence[str], telling: Iterable[int]) -> str:
    """Return the C of a function from `inputs`, in this order, to the outputs of a graph.

    It returns 0, or 1 where an output or a node of `telling` is not finite.
    """
    writer = CWriter()
    given = {name: f"x{place}" for place, name in enumerate(inputs)}
    looked_at = list(dict.fromkeys((*telling, *graph.outputs)))
    lines = writer.lines(graph, looked_at, given, ())
    results: dict[str, list[int]] = {}
    for place, node in enumerate(graph.outputs):
        results.setdefault(lines.terms[node].piece.text, []).append(place)
    tests = dict.fromkeys(writer.not_finite(lines.terms[node]) for node in looked_at)
    division = divided(
        (*lines.fixed, *lines.moving), [*results, *tests], given.values(), writer.weight
    )
    return writer.source(function_lines(division, results, "int backprop_value", "x"))


def function_lines(
    division: Division, results: Mapping[str, Sequence[int]], function: str, arrays: str
) -> list[str]:
    """Return the C of a function, its parts before it.

    It takes an array for each letter of `arrays`, which has what is called by this letter and a
    number, and one for the results; `results` says which texts go where. It returns 0, or 1 where
    one of the other texts holds.
    """
    given = ", ".join(arrays)
    takes = ", ".join([*(f"const double *{letter}" for letter in arrays), "double *r"])
    parts = range(len(division.parts))
    return [
        *(line for k in parts for line in _part(k, takes, division, results)),
        f"{function}({takes}) {{",
        f"  static _Thread_local double v[{max(1, division.size)}];",
        "  int trouble = 0;",
        *(f"  trouble |= part{k}({given}, r, v);" for k in parts),
        "  return trouble;",
        "}",
    ]


def _part(
    number: int, takes: str, division: Division, results: Mapping[str, Sequence[int]]
) -> list[str]:
    """Return the function of one part: it returns 1 where a number is not finite."""
    part, places = division.parts[number], division.places
    static = APART if len(division.parts) > 1 else "static"
    tests = [text for text in part.texts if text not in results]
    return [
        f"{static} int part{number}({takes}, double *v) {{",
        *(
            f"  const double {name} = v[{places[name]}];"
            if name in places
            else f"  const double {name} = {name[0]}[{name[1:]}];"
            for name in part.reads
        ),
        *(f"  {line}" for line in part.lines),
        *(f"  v[{places[name]}] = {name};" for name in part.keeps),
        *(f"  r[{place}] = {text};" for text in part.texts for place in results.get(text, ())),
        f"  return {' | '.join(tests) or 0};",
        "}",
    ]


def compiled_by_c(
    graph: Graph, inputs: Sequence[str]
) -> tuple[Callable[..., tuple[float, ...]], Native]:
    """Return a function from the values of `inputs`, in this order, to those of the outputs.

    Beside it stands the library that it lives in. It equals the interpreter and raises
    ArithmeticError where a number is not finite on the way. Raises `NoCompiler`.
    """
    import ctypes
    from struct import Struct

    source = function_source(graph, inputs, telling_nodes(graph, graph.outputs))
    native = load(source)
    function = native.library.backprop_value
    # `struct` turns numbers into memory and back some ten times as fast as ctypes does.
    pack, unpack = Struct(f"{len(inputs)}d").pack, Struct(f"{len(graph.outputs)}d").unpack
    space = ctypes.c_double * len(graph.outputs)

    def call(*values: float) -> tuple[float, ...]:
        results = space()  # its own, because several threads may call
        if function(pack(*values), results):
            raise FloatingPointError("a number is not finite")
        return unpack(results)

    return call, native
