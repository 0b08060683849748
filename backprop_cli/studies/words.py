"""How findings name the nodes of a graph in a sentence: by name, or by what they are if short."""

from collections.abc import Sequence

from backprop_cli.graph import Graph
from backprop_cli.language.names import display_names, node_text
from backprop_cli.language.notation import pretty
from backprop_cli.operations import CONSTANT

_LONGEST = 28


def said(graph: Graph, node: int, names: Sequence[str] = (), by_name: bool = True) -> str:
    """Return a node's given name; else its operation over its operands, where that is short."""
    names = names or display_names(graph)
    if (by_name and node in graph.labels) or graph.rows[node] <= CONSTANT:
        return names[node]
    text = node_text(graph, node, names)
    return pretty(text) if len(text) <= _LONGEST else names[node]
