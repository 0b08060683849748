"""A graph read as one compiled C function, for many evaluations: `readings/python.py` by C.

A call costs a microsecond, whatever the size of the graph, so this pays for graphs of some dozens
of nodes and more; small ones are better served by Python, or by loops that are compiled as a whole.
Where a node is not finite the function raises, as generated Python does, and its caller asks the
interpreter.
"""

from collections.abc import Callable, Iterable, Sequence

from backprop_cli.graph import Graph
from backprop_cli.readings.c import Writer
from backprop_cli.readings.native import Native, load
from backprop_cli.readings.telling import telling_nodes


def function_source(graph: Graph, inputs: Sequence[str], telling: Iterable[int]) -> str:
    """Return the C of a function from `inputs`, in this order, to the outputs of a graph.

    It returns 0, or 1 where an output or a node of `telling` is not finite.
    """
    writer = Writer()
    given = {name: f"x{place}" for place, name in enumerate(inputs)}
    looked_at = list(dict.fromkeys((*telling, *graph.outputs)))
    lines = writer.lines(graph, looked_at, given, ())
    trouble = " | ".join(dict.fromkeys(writer.not_finite(lines.terms[k]) for k in looked_at))
    read = [place for place, name in enumerate(inputs) if name in graph.inputs]
    return writer.source(
        [
            "int backprop_value(const double *x, double *r) {",
            *(f"  const double x{place} = x[{place}];" for place in read),
            *(f"  {line}" for line in (*lines.fixed, *lines.moving)),
            *(
                f"  r[{place}] = {lines.terms[node].piece.text};"
                for place, node in enumerate(graph.outputs)
            ),
            f"  return {trouble};",
            "}",
        ]
    )


def compiled_by_c(
    graph: Graph, inputs: Sequence[str]
) -> tuple[Callable[..., tuple[float, ...]], Native]:
    """Return a function from the values of `inputs`, in this order, to those of the outputs.

    Beside it stands the library that it lives in. It equals the interpreter (`x^2` is x·x here) and
    raises ArithmeticError where a number is not finite on the way. Raises `NoCompiler`.
    """
    import ctypes

    source = function_source(graph, inputs, telling_nodes(graph, graph.outputs))
    native = load(source)
    function = native.library.backprop_value
    vector = ctypes.c_double * max(1, len(inputs))
    results = (ctypes.c_double * len(graph.outputs))()

    def call(*values: float) -> tuple[float, ...]:
        if function(vector(*values), results):
            raise FloatingPointError("a number is not finite")
        return tuple(results)

    return call, native
