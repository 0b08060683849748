"""How sentences name nodes and points, by name or by what they are if short, and count."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

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


def place_words(located: Mapping[str, float], most: int, write: Callable[[float], str]) -> str:
    """Return `a = 1, b = 0`; of more than `most` inputs, those that differ from nearly all others.

    Where they differ too much for that, the first ones and how many more there are.
    """
    pairs = {name: f"{name} = {write(value)}" for name, value in located.items()}
    if len(pairs) <= most:
        return ", ".join(pairs.values())
    common, count = Counter(located.values()).most_common(1)[0]
    if len(pairs) - count <= most:
        special = [pair for name, pair in pairs.items() if located[name] != common]
        return ", ".join([*special, f"the other {count:,} inputs {write(common)}"])
    return ", ".join([*list(pairs.values())[:most], f"… {len(pairs) - most:,} more"])


def counted(count: int, noun: str) -> str:
    """Return `1 sweep`, `3 sweeps`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def ordinal(position: int) -> str:
    """Return `1st`, `2nd`, `3rd`, ... for a position counted from 0."""
    number = position + 1
    teen = number % 100 in (11, 12, 13)
    return f"{number}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"
