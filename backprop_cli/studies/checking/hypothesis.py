"""One mistake at one place: what it makes of the gradient, in numbers and in words."""

from collections.abc import Callable
from typing import NamedTuple

from backprop_cli.studies.checking.scene import Edge, Scene, Sweep
from backprop_cli.studies.words import ordinal, said

Slope = Callable[[Sweep], float]
Words = Callable[[Sweep], str]

MOST_SHOWN = 6
"""How many things of a kind a message lists."""


class Hypothesis(NamedTuple):
    """One mistake at one place.

    `slope` is what it makes of the gradient, `words` says it with the numbers of a point; `via` is
    an edge that the path it happens on goes through, `edges` those at which the right path is left.
    """

    code: str
    slope: Slope
    words: Words
    via: Edge | None = None
    edges: tuple[Edge, ...] = ()


def name_of(scene: Scene, node: int) -> str:
    """Return how a message names a node."""
    return said(scene.graph, node, scene.names)


def slope_sign(scene: Scene, of: int, by: int) -> str:
    """Return `∂f/∂b`."""
    return f"∂{scene.names[of]}/∂{scene.names[by]}"


def path_words(scene: Scene, edge: Edge) -> str:
    """Return a path through an edge, `b → y → f`; of a long path, the ends.

    Which operand it is, is said where the edge's node has the same one twice, as in x·x.
    """
    names = [scene.names[node] for node in scene.path(edge)]
    if len(names) > 2 * MOST_SHOWN:
        names = [*names[:MOST_SHOWN], "…", *names[-MOST_SHOWN:]]
    node, position = edge
    twice = scene.graph.operands_of(node).count(scene.operand(edge)) > 1
    which = f" as {ordinal(position)} operand of {name_of(scene, node)}" if twice else ""
    return f"{' → '.join(names)}{which}"
