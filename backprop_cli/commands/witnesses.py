"""SymPy's witness, started from what the options ask for; every command starts it the same way."""

from typing import TYPE_CHECKING

from backprop_cli.graph import Graph
from backprop_cli.language.names import display_names
from backprop_cli.studies.gradient import nodes_named
from backprop_cli.studies.point import Binding, evaluated

if TYPE_CHECKING:
    from backprop_cli.studies.witness import SymPyWitness


def start_witness(
    graph: Graph,
    asked: tuple[str, ...],
    outputs: tuple[str, ...],
    given: list[Binding],
    seconds: float,
    steps: bool = False,
) -> "SymPyWitness":
    """Start SymPy in a process of its own, now: before rich, and before the sweeps."""
    from backprop_cli.studies import witness

    names = display_names(graph) if graph.size <= witness.LARGEST_GRAPH else []
    only = {names[graph.outputs[0]] if names else "": graph.outputs[0]}
    targets = nodes_named(graph, outputs, "--of") or only
    sources = nodes_named(graph, asked, "--wrt") or dict(graph.inputs)
    point = evaluated(given) if given or not graph.inputs else None
    return witness.start(graph, targets, sources, point, seconds, names if steps else ())
