"""A climb run to its end in one generated loop, where nobody asks to see its steps.

The loop is written from the gradient graph and from the optimiser's formulas that the explained
steps are made of, and does the same operations in the same order, so it ends at the same point to
the last bit. Where Python's floats raise, it gives the last good step back, and the explained
climb goes on from there.

What an optimiser's formulas compute of h, t and the hyper-parameters alone is computed once a
step, not once an input. Every name in the text is ours and begins with an underscore, unless it
is a function of the table.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from backprop_cli.graph import Graph
from backprop_cli.readings.python import defined, statements
from backprop_cli.studies.climbing.objective import Expression
from backprop_cli.studies.climbing.optimizers import Rule

_PAYS_AFTER = 50
_AT_ONCE = 1 << 16
"""How many steps are made between two calls of `watch`."""

RAISED = "raised"
"""Why the loop stopped where an operation raised."""


class Plan(NamedTuple):
    """What the steps are made of: by the gradient, all inputs at once."""

    objective: Expression
    rule: Rule
    step: float
    descend: bool
    until_gradient: float
    limits: Sequence[tuple[float, float]]


class Ahead(NamedTuple):
    """How far the loop came: why it stopped ("" after all steps), and f and its slopes there.

    `tries` counts the moves, with one that led nowhere; `beyond` is where f is not finite.
    """

    why: str
    beyond: tuple[float, ...] | None
    number: int
    tries: int
    point: tuple[float, ...]
    found: Sequence[float]
    states: tuple[float, ...]


def hurried(
    plan: Plan, start: tuple[float, ...], last: int, watch: Callable[[int], None]
) -> Ahead | None:
    """Run `last` steps, or as many as generated code can; `watch` is told now and then how many.

    None, and nothing is done, where compiling would not pay or f is not finite at the start.
    """
    loop = _loop(plan) if last >= _PAYS_AFTER else None
    found: Sequence[float] = plan.objective.slopes(start) if loop else ()
    if loop is None or not all(map(math.isfinite, found)):
        return None
    states = tuple(x for state in plan.rule.states for x in state)
    ahead = Ahead("", None, 0, 0, start, found, states)
    while not ahead.why and ahead.number < last:
        until = min(ahead.number + _AT_ONCE, last)
        now = (*ahead.point, *ahead.found, *ahead.states)
        ahead = Ahead(*loop(ahead.number, until, ahead.tries, *now))
        watch(ahead.number)
    return ahead


def _loop(plan: Plan) -> Callable[..., Any] | None:
    """Return the loop as a function, None if the objective is not one that is compiled."""
    objective = plan.objective
    given = objective.compiled_slopes()
    if given is None:
        return None
    graph, held = given
    places = range(len(objective.names))
    namespace: dict[str, Any] = {"_h": plan.step, "_until": plan.until_gradient}
    namespace.update(_isfinite=math.isfinite, _hypot=math.hypot)
    names = {graph.inputs[name]: f"_y{k}" for k, name in enumerate(objective.names)}
    for k, (name, value) in enumerate(held.items()):
        names[graph.inputs[name]] = f"_c{k}"
        namespace[f"_c{k}"] = value
    move = list(_moves(plan, namespace))
    slopes = statements(graph, names, namespace, "_v")
    after = ["_w", *(f"_q{k}" for k in places)]
    slopes += [f"{name} = {names[node]}" for name, node in zip(after, graph.outputs, strict=True)]
    point, landed = [f"_x{k}" for k in places], [f"_y{k}" for k in places]
    before = ["_f", *(f"_g{k}" for k in places)]
    states = [f"_s{n}_{k}" for k in places for n in range(len(plan.rule.optimizer.states))]
    stays = " and ".join(f"{x} == {y}" for x, y in zip(point, landed, strict=True))
    flat = f"not ({' or '.join(before[1:])})"
    lines = [
        '_why, _beyond = "", None',
        "try:",
        " while True:",
        *(f"  {line}" for line in _arrives(plan, before[1:], flat)),
        "  if _number == _end: break",
        "  _tries += 1",
        "  _t = _number + 1",
        *(f"  {line}" for line in move),
        f"  if {stays if plan.rule.optimizer.stateless else f'{stays} and {flat}'}:",
        '   _why = "no-progress"; break',
        *(f"  {line}" for line in slopes),
        f"  _sum = {' + '.join(after)}",
        f"  if _sum - _sum != 0 and not all(map(_isfinite, ({', '.join(after)}))):",
        f'   _why, _beyond = "not-finite", ({", ".join(landed)},); break',
        "  _number = _t",
        *(f"  {x} = {y}" for x, y in zip(point, landed, strict=True)),
        *(f"  {x} = {y}" for x, y in zip(before, after, strict=True)),
        *(f"  {name} = {name}n" for name in states),
        "except (ArithmeticError, ValueError):",
        f' _why, _tries = "{RAISED}", _tries - 1',
        f"return (_why, _beyond, _number, _tries, ({', '.join(point)},), ({', '.join(before)},), "
        f"({''.join(f'{name}, ' for name in states)}))",
    ]
    parameters = ["_number", "_end", "_tries", *point, *before, *states]
    return defined(parameters, lines, namespace)


def _arrives(plan: Plan, slopes: Sequence[str], flat: str) -> Iterator[str]:
    """Yield the lines that stop where the gradient is small enough."""
    if plan.until_gradient > 0:
        yield f"if _hypot({', '.join(slopes)}) <= _until:"
    elif plan.rule.optimizer.stateless:
        yield f"if {flat}:"
    else:
        return
    yield ' _why = "gradient"; break'


def _moves(plan: Plan, namespace: dict[str, Any]) -> Iterator[str]:
    """Yield the lines that step the states on and set where each input lands."""
    rule, graphs = plan.rule, plan.rule.graphs()
    given = ["_h", "_t", *(f"_p{n}" for n in range(len(rule.parameters)))]
    namespace.update(zip(given[2:], rule.parameters, strict=True))
    shared: list[dict[int, str]] = []
    known = dict(zip(rule.names[2:], given, strict=False))  # x, g and the states are an input's own
    for place, graph in enumerate(graphs):
        names = {node: known[name] for name, node in graph.inputs.items() if name in known}
        own = graph.dependents(set(graph.inputs.values()) - set(names))
        once = bytearray(not flag for flag in own)
        yield from statements(graph, names, namespace, f"_o{place}_", once)
        shared.append(names)
    for k in range(len(plan.objective.names)):
        yield from _move(plan, k, graphs, shared, namespace)


def _move(
    plan: Plan,
    k: int,
    graphs: Sequence[Graph],
    shared: Sequence[dict[int, str]],
    namespace: dict[str, Any],
) -> Iterator[str]:
    """Yield the lines for one input: its states, then where it lands, within its bounds."""
    states = plan.rule.optimizer.states
    known = {"x": f"_x{k}", "g": f"-_g{k}" if plan.descend else f"_g{k}"}
    known |= {name: f"_s{n}_{k}" for n, (name, _) in enumerate(states)}
    for n, graph in enumerate(graphs):
        own = {node: known[name] for name, node in graph.inputs.items() if name in known}
        names = shared[n] | own
        yield from statements(graph, names, namespace, f"_o{n}_{k}_")
        result = names[graph.outputs[0]]
        if n < len(states):
            name = states[n][0]
            yield f"_s{n}_{k}n = {result}"
            known[name] = f"_s{n}_{k}n"  # later formulas read the new value
        else:
            yield f"_y{k} = {result}"
    low, high = plan.limits[k] if plan.limits else (-math.inf, math.inf)
    for sign, bound in (("<", low), (">", high)):
        if math.isfinite(bound):
            yield f"if _y{k} {sign} {bound!r}: _y{k} = {bound!r}"
