"""Hypotheses about the chain rule: inner slopes forgotten, slopes taken at the wrong place.

Also slopes of the wrong operand, wrong signs, and what is no slope of this input at all.
"""

from collections.abc import Iterator

from backprop_cli.operations import ADD, SUB, TABLE
from backprop_cli.readings.floats import FLOATS
from backprop_cli.readings.formulas import formula
from backprop_cli.studies.checking.hypothesis import MOST_SHOWN, Hypothesis, name_of, slope_sign
from backprop_cli.studies.checking.scene import Edge, Scene, Sweep, partial
from backprop_cli.studies.failures import short


def wrong_inner(scene: Scene) -> Iterator[Hypothesis]:
    """Yield outer slopes that are not multiplied by the inner one, and factors left out."""
    # The outer slopes that are not 1 first: they are what people remember.
    for edge, operand in sorted(scene.edges, key=lambda pair: _is_one(scene, pair[0])):
        if operand != scene.target:
            yield _stopped(scene, edge, operand)
    for edge, operand in scene.edges:
        if edge[0] != scene.output and not _is_one(scene, edge):
            yield _factor_lost(scene, edge, operand)


def _is_one(scene: Scene, edge: Edge) -> bool:
    """Return whether the slope along an edge is always 1 or -1: there is nothing to forget."""
    operation = TABLE[scene.graph.rows[edge[0]]]
    return operation.partials[operation.parameter_of(edge[1])] in ("1", "-1")


def _reads_operand(scene: Scene, edge: Edge) -> bool:
    """Return whether the slope along an edge depends on its operand: that of a product does not."""
    operation = TABLE[scene.graph.rows[edge[0]]]
    parameter = operation.parameter_of(edge[1])
    return not {operation.names[parameter], "out"}.isdisjoint(
        formula(operation.partials[parameter]).inputs
    )


def _stopped(scene: Scene, edge: Edge, operand: int) -> Hypothesis:
    def slope(sweep: Sweep) -> float:
        outer = sweep.adjoints[edge[0]] * sweep.locals[edge]
        return sweep.gradient + outer * (1.0 - sweep.tangents[operand])

    def words(sweep: Sweep) -> str:
        inner = slope_sign(scene, operand, scene.target)
        outer = slope_sign(scene, edge[0], operand)
        return (
            f"the outer slope {outer} = {short(sweep.locals[edge])} is not multiplied by the inner "
            f"one, {inner} = {short(sweep.tangents[operand])}"
        )

    inner_edges = tuple(inner for inner, _ in scene.edges_of.get(operand, ()))
    return Hypothesis("missing-inner", slope, words, edge, inner_edges or (edge,))


def _factor_lost(scene: Scene, edge: Edge, operand: int) -> Hypothesis:
    def slope(sweep: Sweep) -> float:
        change = 1.0 - sweep.locals[edge]
        return sweep.gradient + sweep.adjoints[edge[0]] * change * sweep.tangents[operand]

    def words(sweep: Sweep) -> str:
        factor = f"{slope_sign(scene, edge[0], operand)} = {short(sweep.locals[edge])}"
        return f"the factor {factor}, the slope of {name_of(scene, edge[0])}, is left out"

    return Hypothesis("missing-inner", slope, words, edge, (edge,))


def wrong_places(scene: Scene) -> Iterator[Hypothesis]:
    """Yield slopes taken at another value than the operand's own: f'(x) for f'(g(x))."""
    graph = scene.graph
    for edge, operand in scene.edges:
        operation = TABLE[graph.rows[edge[0]]]
        if operation.variadic or operation.selects or _is_one(scene, edge):
            continue
        others = [scene.target, *graph.operands_of(operand), edge[0]]
        for chain in scene.chains(edge):
            if TABLE[graph.rows[chain[-1][0]]].name not in ("mul", "div"):
                for other in dict.fromkeys(others):
                    if other != operand:
                        yield _elsewhere(scene, chain, operand, other)
        if operand != scene.target and _reads_operand(scene, edge):
            yield from _at_slope(scene, edge, operand)


def _slope_at(scene: Scene, edge: Edge, sweep: Sweep, value: float) -> float:
    """Return the local slope along an edge if its operand had another value."""
    given = [sweep.values[k] for k in scene.graph.operands_of(edge[0])]
    given[edge[1]] = value
    return partial(scene.graph, edge, sweep.values, given)


def _elsewhere(scene: Scene, chain: tuple[Edge, ...], operand: int, other: int) -> Hypothesis:
    """Return what becomes of it if the slopes of a chain are taken at the value of another node."""
    top = chain[-1][0]

    def slope(sweep: Sweep) -> float:
        wrong, right, value = 1.0, 1.0, sweep.values[other]
        for edge in chain:
            given = [sweep.values[k] for k in scene.graph.operands_of(edge[0])]
            given[edge[1]] = value
            wrong *= partial(scene.graph, edge, sweep.values, given)
            right *= sweep.locals[edge]
            value = float(FLOATS.total[scene.graph.rows[edge[0]]](*given))
        return sweep.gradient + sweep.adjoints[top] * (wrong - right) * sweep.tangents[operand]

    def words(sweep: Sweep) -> str:
        name = TABLE[scene.graph.rows[top]].name
        return (
            f"the slope of {name} is taken at {name_of(scene, other)} = "
            f"{short(sweep.values[other])}, not at {name_of(scene, operand)} = "
            f"{short(sweep.values[operand])}"
        )

    return Hypothesis("wrong-place", slope, words, chain[0], chain)


def _at_slope(scene: Scene, edge: Edge, operand: int) -> Iterator[Hypothesis]:
    """Yield f'(g'(x)) for f'(g(x))·g'(x), with and without the inner factor."""
    for keeps in (False, True):

        def slope(sweep: Sweep, keeps: bool = keeps) -> float:
            wrong = _slope_at(scene, edge, sweep, sweep.tangents[operand])
            inner = sweep.tangents[operand]
            moved = wrong * (inner if keeps else 1.0) - sweep.locals[edge] * inner
            return sweep.gradient + sweep.adjoints[edge[0]] * moved

        def words(sweep: Sweep) -> str:
            name = TABLE[scene.graph.rows[edge[0]]].name
            inner = f"{slope_sign(scene, operand, scene.target)} = {short(sweep.tangents[operand])}"
            at = f"{name_of(scene, operand)} = {short(sweep.values[operand])}"
            return f"the slope of {name} is taken at the inner slope {inner}, not at {at}"

        yield Hypothesis("wrong-place", slope, words, edge, (edge,))


def wrong_operands(scene: Scene) -> Iterator[Hypothesis]:
    """Yield slopes with respect to another operand of the same node."""
    graph = scene.graph
    for edge, operand in scene.edges:
        operands = graph.operands_of(edge[0])
        row = graph.rows[edge[0]]
        if row in (ADD, SUB) or TABLE[row].selects or _is_one(scene, edge):
            continue
        for position in range(min(len(operands), MOST_SHOWN)):
            if position != edge[1] and operands[position] != operand:
                yield _other_operand(scene, edge, operand, position)


def _other_operand(scene: Scene, edge: Edge, operand: int, position: int) -> Hypothesis:
    other = scene.graph.operands_of(edge[0])[position]

    def slope(sweep: Sweep) -> float:
        wrong = partial(scene.graph, (edge[0], position), sweep.values)
        change = (wrong - sweep.locals[edge]) * sweep.tangents[operand]
        return sweep.gradient + sweep.adjoints[edge[0]] * change

    def words(sweep: Sweep) -> str:
        wrong = short(partial(scene.graph, (edge[0], position), sweep.values))
        right = f"{slope_sign(scene, edge[0], operand)} = {short(sweep.locals[edge])}"
        return (
            f"in {name_of(scene, edge[0])} the slope for {name_of(scene, other)} is used, {wrong}; "
            f"the one for {name_of(scene, operand)} is {right}"
        )

    return Hypothesis("wrong-operand", slope, words, edge, (edge,))


def wrong_signs(scene: Scene) -> Iterator[Hypothesis]:
    """Yield the wrong sign of the whole, and of what one edge brings."""
    yield Hypothesis(
        "sign",
        lambda sweep: -sweep.gradient,
        lambda sweep: f"the sign is wrong: it is {short(sweep.gradient)}",
    )
    for edge, operand in scene.edges:
        yield _flipped(scene, edge, operand)


def _flipped(scene: Scene, edge: Edge, operand: int) -> Hypothesis:
    def slope(sweep: Sweep) -> float:
        return sweep.gradient - 2 * sweep.sent(edge, operand)

    def words(sweep: Sweep) -> str:
        found = f"{slope_sign(scene, edge[0], operand)} = {short(sweep.locals[edge])}"
        return f"the sign of {found}, in {name_of(scene, edge[0])}, is wrong"

    return Hypothesis("sign", slope, words, edge, (edge,))


def other_things(scene: Scene) -> Iterator[Hypothesis]:
    """Yield the gradients of other inputs, and values in the place of slopes."""
    graph = scene.graph
    named = dict.fromkeys([*graph.inputs.values(), *graph.names.values()])
    for node in named:
        if node not in (scene.target, scene.output):
            yield Hypothesis(
                "other-input",
                lambda sweep, node=node: sweep.adjoints[node],  # type: ignore[misc]
                lambda sweep, node=node: (  # type: ignore[misc]
                    f"it is {slope_sign(scene, scene.output, node)} = "
                    f"{short(sweep.adjoints[node])}, the gradient of another input"
                ),
            )
    for node in dict.fromkeys([scene.output, scene.target, *named]):
        yield Hypothesis(
            "value",
            lambda sweep, node=node: sweep.values[node],  # type: ignore[misc]
            lambda sweep, node=node: (  # type: ignore[misc]
                f"it is the value {scene.names[node]} = {short(sweep.values[node])}, not a slope"
            ),
        )
