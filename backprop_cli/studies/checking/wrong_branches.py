"""Hypotheses about branches and ends: what is left out, counted twice, or never multiplied in.

Where a value is used more than once its contributions add; and what a node hands on is multiplied
by all that comes upstream of it.
"""

import math
from collections.abc import Iterator
from itertools import combinations

from backprop_cli.studies.checking.hypothesis import (
    MOST_SHOWN,
    Hypothesis,
    name_of,
    path_words,
    slope_sign,
)
from backprop_cli.studies.checking.scene import Edge, Scene, Sweep
from backprop_cli.studies.failures import short
from backprop_cli.studies.words import ordinal

_MOST_BRANCHES = 6


def wrong_branches(scene: Scene) -> Iterator[Hypothesis]:
    """Yield what can go wrong where a value is used more than once: contributions add there."""
    for node in scene.nodes:
        edges = scene.users.get(node, [])
        if len(edges) < 2:
            continue
        yield from _left_out(scene, node, edges)
        for edge in edges:
            yield _twice(scene, node, edge)
        yield _multiplied(scene, node, edges)
    yield from _overwritten(scene)


def _left_out(scene: Scene, node: int, edges: list[Edge]) -> Iterator[Hypothesis]:
    """Yield the claims that some of the contributions to a node are missing."""
    few = len(edges) <= _MOST_BRANCHES
    counts = range(1, len(edges)) if few else (1, len(edges) - 1)
    for count in counts:
        for missing in combinations(edges, count):
            yield _without(scene, node, missing)


def _without(scene: Scene, node: int, missing: tuple[Edge, ...]) -> Hypothesis:
    def slope(sweep: Sweep) -> float:
        return sweep.gradient - sum(sweep.sent(edge, node) for edge in missing)

    def words(sweep: Sweep) -> str:
        lost = " and ".join(
            f"{path_words(scene, edge)} (it brings {short(sweep.sent(edge, node))})"
            for edge in missing[:MOST_SHOWN]
        )
        verb = "is" if len(missing) == 1 else "are"
        what = "the path" if len(missing) == 1 else "the paths"
        return f"{what} {lost} {verb} left out; gradients add at branches"

    return Hypothesis("missing-branch", slope, words, missing[0], missing)


def _twice(scene: Scene, node: int, edge: Edge) -> Hypothesis:
    def slope(sweep: Sweep) -> float:
        return sweep.gradient + sweep.sent(edge, node)

    def words(sweep: Sweep) -> str:
        brings = short(sweep.sent(edge, node))
        return f"the path {path_words(scene, edge)} is counted twice: it brings {brings}"

    return Hypothesis("double-path", slope, words, edge, (edge,))


def _multiplied(scene: Scene, node: int, edges: list[Edge]) -> Hypothesis:
    def parts(sweep: Sweep) -> list[float]:
        return [sweep.adjoints[edge[0]] * sweep.locals[edge] for edge in edges]

    def slope(sweep: Sweep) -> float:
        product = 1.0
        for part in parts(sweep):
            product *= part
        return sweep.gradient + (product - sweep.adjoints[node]) * sweep.tangents[node]

    def words(sweep: Sweep) -> str:
        pairs = zip(parts(sweep), edges, strict=True)
        shown = [f"{short(part)} (via {_user(scene, edge)})" for part, edge in pairs]
        named = scene.names[node]
        joined = " and ".join(shown[:MOST_SHOWN])
        return f"the contributions to {named}, {joined}, are multiplied; they add"

    return Hypothesis("product-of-paths", slope, words, edges[0], tuple(edges))


def _user(scene: Scene, edge: Edge) -> str:
    """Return the node of an edge, and which of its operands it is, where that is not plain."""
    node, position = edge
    twice = scene.graph.operands_of(node).count(scene.operand(edge)) > 1
    return f"{scene.names[node]}, {ordinal(position)}" if twice else scene.names[node]


def _overwritten(scene: Scene) -> Iterator[Hypothesis]:
    """Yield `=` for `+=`: at every branch only the last contribution (or the first) is kept."""
    shared = {node: edges for node, edges in scene.users.items() if len(edges) > 1}
    if len(shared) < 2:
        return
    for kept, which in ((0, "last"), (-1, "first")):
        # The backward pass meets the users of a node from the last to the first.
        lost = {edge for edges in shared.values() for edge in edges if edge != edges[kept]}
        changed = dict.fromkeys(lost, 0.0)
        yield Hypothesis(
            "missing-branch",
            lambda sweep, changed=changed: scene.again(sweep, changed),  # type: ignore[misc]
            lambda _, which=which: (  # type: ignore[misc]
                f"at every branch only the {which} contribution is kept; gradients add at branches"
            ),
            None,
            tuple(sorted(lost)),
        )


def wrong_starts(scene: Scene) -> Iterator[Hypothesis]:
    """Yield claims that stop short of the output: local slopes without what comes upstream."""
    direct = scene.users.get(scene.target, [])
    for edge in direct:
        for chain in scene.chains(edge):
            if chain[-1][0] != scene.output:
                yield _local_only(scene, chain)
    if len(direct) > 1:
        yield _locals_added(scene, direct)
    for node in scene.nodes:
        if node not in (scene.output, scene.target):
            yield _slope_of(scene, node)
            yield _upstream_lost(scene, node)


def _local_only(scene: Scene, chain: tuple[Edge, ...]) -> Hypothesis:
    top = chain[-1][0]

    def slope(sweep: Sweep) -> float:
        return math.prod(sweep.locals[edge] for edge in chain)

    def words(sweep: Sweep) -> str:
        local = f"{slope_sign(scene, top, scene.target)} = {short(slope(sweep))}"
        upstream = f"{slope_sign(scene, scene.output, top)} = {short(sweep.adjoints[top])}"
        return f"it is the local slope {local} alone, without the upstream {upstream}"

    return Hypothesis("local-only", slope, words, chain[0], chain)


def _locals_added(scene: Scene, direct: list[Edge]) -> Hypothesis:
    def words(sweep: Sweep) -> str:
        parts = " + ".join(short(sweep.locals[edge]) for edge in direct[:MOST_SHOWN])
        return f"the local slopes {parts} are added without what comes upstream"

    def slope(sweep: Sweep) -> float:
        return sum(sweep.locals[edge] for edge in direct)

    return Hypothesis("local-only", slope, words, direct[0], tuple(direct))


def _slope_of(scene: Scene, node: int) -> Hypothesis:
    def words(sweep: Sweep) -> str:
        found = f"{slope_sign(scene, node, scene.target)} = {short(sweep.tangents[node])}"
        upstream = slope_sign(scene, scene.output, node)
        return (
            f"it is the slope {found} of {name_of(scene, node)}, not multiplied by the upstream "
            f"{upstream} = {short(sweep.adjoints[node])}"
        )

    edges = tuple(scene.users.get(node, ()))
    via = edges[0] if edges else None
    return Hypothesis("missing-upstream", lambda sweep: sweep.tangents[node], words, via, edges)


def _upstream_lost(scene: Scene, node: int) -> Hypothesis:
    """Return what becomes of it if one node of several hands on 1 for its adjoint."""

    def slope(sweep: Sweep) -> float:
        return sweep.gradient + (1.0 - sweep.adjoints[node]) * sweep.tangents[node]

    def words(sweep: Sweep) -> str:
        upstream = slope_sign(scene, scene.output, node)
        return (
            f"what {name_of(scene, node)} hands on is not multiplied by its upstream {upstream} = "
            f"{short(sweep.adjoints[node])}"
        )

    edges = tuple(scene.users.get(node, ()))
    via = edges[0] if edges else None
    return Hypothesis("missing-upstream", slope, words, via, edges)
