"""The worked solution as data: what a good teacher writes down, in order, without any layout.

`worked` turns an answer of `grad` into the parts of a page: the program, the forward pass, each
local slope with the name of its rule, the backward pass one contribution at a time, the sums at
branches, the result, the check. Markdown, LaTeX and the HTML lesson lay out these same parts;
nothing is computed here but the contributions that tables show as well.

The parts themselves are in `render/worked/parts.py`.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from backprop_cli.language.names import has_row
from backprop_cli.language.printer import arrangement, statements
from backprop_cli.operations import CONSTANT, TABLE, WHERE
from backprop_cli.readings import expressions
from backprop_cli.readings.expressions import Expression, derivative, name, number
from backprop_cli.render.branches import most_summands, received, users_of_shared
from backprop_cli.render.echo import few, left_out
from backprop_cli.render.edges import Edge, edges
from backprop_cli.render.numbers import human
from backprop_cli.render.worked.parts import (
    Backward,
    Branch,
    Contribution,
    Forward,
    Slope,
    Statement,
    Worked,
)
from backprop_cli.studies.solution import Agreement, Answer, Failure, Solution
from backprop_cli.studies.words import ordinal

EVERYTHING = 10**9
"""As many rows as there are."""

_LONGEST_STATEMENT = 60


def worked(
    solution: Solution, agreements: Sequence[Agreement] = (), rows: int = EVERYTHING
) -> Worked:
    """Return the worked solution of an answer; at most `rows` rows in each of its parts."""
    solution.arithmetic.prepare_partials(solution.graph)
    mask = has_row(solution.graph, solution.names)
    nodes = [node for node, shown in enumerate(mask) if shown]
    stopped = _stopped(solution, nodes)
    if stopped is not None:
        nodes = nodes[: 1 + [solution.names[node] for node in nodes].index(stopped.node)]
    omitted = [left_out(len(nodes), rows, "nodes")] if len(nodes) > rows else []
    varies = solution.graph.dependents(solution.graph.inputs.values())
    marked = {edge for answer in solution.answers for edge in _misread(solution, answer)}
    slopes = [
        slope for node in nodes[:rows] for slope in _slopes(solution, node, varies, rows, marked)
    ]
    outputs = []
    for place, answer in enumerate(solution.answers):
        agreement = agreements[place] if agreements else None
        outputs.append(_backward(solution, answer, agreement, rows, stopped is None))
    point = [(name(text), _number(solution, value)) for text, value in list(solution.point.items())]
    if len(point) > rows:
        omitted.append(left_out(len(point), rows, "inputs"))
    return Worked(
        solution,
        tuple(_program(solution, rows)),
        tuple(point[:rows]),
        tuple(_forward(solution, node, rows) for node in nodes[:rows]),
        () if stopped else tuple(slopes),
        tuple(outputs),
        stopped,
        tuple(omitted),
    )


def _number(solution: Solution, value: Any) -> Expression:
    return number(human(value, solution.arithmetic))


def _stopped(solution: Solution, nodes: Sequence[int]) -> Failure | None:
    """Return the failure of an output's value, if its node is among these."""
    names = {solution.names[node]: node for node in nodes}
    for answer in solution.answers:
        failure = answer.failure
        if failure is None or failure.node not in names:
            continue
        if not solution.arithmetic.is_finite(solution.values[names[failure.node]]):
            return failure
    return None


# ------------------------------------------------------------------ program and forward pass


def _program(solution: Solution, rows: int) -> Iterator[Statement]:
    """Yield the statements; an unnamed output by its name, the parts of very long ones as text."""
    graph, names = solution.graph, solution.names
    made = arrangement(graph, names, solution.asked)
    texts = list(statements(graph, names, 8 * rows, solution.asked))
    label = solution.answers[0].name if len(solution.answers) == 1 else ""
    for place, text in enumerate(texts):
        if place >= rows - 1 and place < len(texts) - 1:
            if place == rows - 1:
                words = left_out(len(texts) - 1, rows - 1, "statements", len(texts))
                yield Statement(words, None)
            continue
        last = place == len(texts) - 1
        if place >= len(made.lines):
            yield Statement(text, (name(text),))
            continue
        root, alias = made.lines[place]
        if alias:
            yield Statement(text, (name(alias), name(made.references[root])))
            continue
        called = made.assigned.get(root, label if last else "")
        if called == text:  # the output is an input
            called = ""
        if called and root not in made.assigned:
            text = f"{called} = {text}"
        equation = None
        if not text.endswith("…"):
            formula = expressions.statement(graph, root, made.references)
            if len(formula) <= _LONGEST_STATEMENT:
                equation = (name(called), formula) if called else (formula,)
        yield Statement(text, equation)


def _forward(solution: Solution, node: int, rows: int) -> Forward:
    graph, names = solution.graph, solution.names
    most = _most(len(graph.operands_of(node)), rows)

    def value_of(k: int) -> Expression:
        return _number(solution, solution.values[k])

    formula = expressions.operation(graph, node, names, most=most)
    in_numbers = expressions.operation(graph, node, names, value_of, most)
    value = value_of(node)
    remark = ""
    if graph.rows[node] == WHERE:
        condition = graph.operands_of(node)[0]
        holds = "holds" if solution.values[condition] else "does not hold"
        remark = f"{expressions.plain_text(expressions.operand(graph, condition, names))} {holds}"
    said = {expressions.plain_text(part) for part in (formula, value)}
    shown = None if remark or expressions.plain_text(in_numbers) in said else in_numbers
    return Forward(node, name(names[node]), formula, shown, value, remark)


def _most(count: int, rows: int) -> int:
    """Return how many of a node's operands are shown: all, unless they are very many."""
    return count if count <= 2 * few(rows) else few(rows)


# ------------------------------------------------------------------ local slopes


def _misread(solution: Solution, answer: Answer) -> Iterator[tuple[int, int]]:
    """Yield (output, operand) where the slope of the edge is not the whole derivative.

    In f = x·sigmoid(x) the sign ∂f/∂x means two things: f's own slope in its first operand, and the
    gradient. The first is then marked as local.
    """
    users = users_of_shared(solution, answer)
    for operand in set(solution.graph.operands_of(answer.node)) & set(users):
        if len(received(solution, operand, users[operand], 2)[0]) > 1:
            yield answer.node, operand


def _slopes(
    solution: Solution, node: int, varies: bytearray, rows: int, marked: set[tuple[int, int]]
) -> Iterator[Slope]:
    found = edges(solution, node)
    for edge in found[: _most(len(found), rows)]:
        yield _slope(solution, edge, varies, (node, edge.operand) in marked)


def _slope(solution: Solution, edge: Edge, varies: bytearray, marked: bool) -> Slope:
    graph, names = solution.graph, solution.names
    form = expressions.slope_form(
        graph, edge.node, edge.position, names, solution.values, solution.arithmetic
    )
    value = number("0") if edge.local is None else _number(solution, edge.local)
    others = (k for place, k in enumerate(graph.operands_of(edge.node)) if place != edge.position)
    alone = not any(varies[k] for k in others)
    computed = None if form.computed is None or form.computed == value else form.computed
    return Slope(
        edge.node,
        edge.operand,
        edge.position,
        derivative(names[edge.node], names[edge.operand], marked),
        _which(solution, edge),
        TABLE[graph.rows[edge.node]].rule_of(edge.position, alone),
        form.shown if edge.local is not None else number("0"),
        computed,
        value,
        edge.local is not None,
    )


def _which(solution: Solution, edge: Edge) -> str:
    operands = solution.graph.operands_of(edge.node)
    return ordinal(edge.position) if operands.count(edge.operand) > 1 else ""


# ------------------------------------------------------------------ the backward pass


def _backward(
    solution: Solution, answer: Answer, agreement: Agreement | None, rows: int, known: bool
) -> Backward:
    contributions: list[Contribution] = []
    branches: list[Branch] = []
    omitted: list[str] = []
    if known and solution.active[answer.node]:
        branches = _branches(solution, answer, rows, omitted)
        contributions = _contributions(solution, answer, rows, omitted)
    label = answer.name
    result = [
        (derivative(label, text), _number(solution, slope))
        for text, slope in list(answer.gradient.items())[:rows]
    ]
    if len(answer.gradient) > rows:
        omitted.append(left_out(len(answer.gradient), rows, "inputs"))
    return Backward(
        answer,
        (name(label), _number(solution, answer.value)),
        (derivative(label, label), _number(solution, solution.arithmetic.one)),
        tuple(contributions),
        tuple(branches),
        tuple(result),
        agreement,
        tuple(omitted),
    )


def _contributions(
    solution: Solution, answer: Answer, rows: int, omitted: list[str]
) -> list[Contribution]:
    """Return what each node hands to its operands, from the output back."""
    shared = users_of_shared(solution, answer)
    senders = [
        node
        for node in range(answer.node, -1, -1)
        if answer.adjoints[node] is not None
        and solution.active[node]
        and solution.graph.rows[node] > CONSTANT
    ]
    made: list[Contribution] = []
    for node in senders[:rows]:
        sent = [edge for edge in edges(solution, node) if edge.local is not None]
        most = _most(len(sent), rows)
        for edge in sent[:most]:
            users = shared.get(edge.operand, [])
            alone = not users or len(received(solution, edge.operand, users, 2)[0]) < 2
            made.append(_contribution(solution, answer, edge, alone))
        if most < len(sent):
            omitted.append(left_out(len(sent), most, "contributions", 5 * len(sent)))
    if len(senders) > rows:
        omitted.append(left_out(len(senders), rows, "nodes"))
    return made


def _contribution(solution: Solution, answer: Answer, edge: Edge, alone: bool) -> Contribution:
    names = solution.names
    upstream = answer.adjoints[edge.node]
    return Contribution(
        edge.node,
        edge.operand,
        edge.position,
        _which(solution, edge),
        derivative(answer.name, names[edge.operand]),
        derivative(answer.name, names[edge.node]),
        derivative(names[edge.node], names[edge.operand], not alone and edge.node == answer.node),
        _number(solution, upstream),
        _number(solution, edge.local),
        _number(solution, upstream * edge.local),
        alone,
    )


def _branches(solution: Solution, answer: Answer, rows: int, omitted: list[str]) -> list[Branch]:
    """Return the sum for each node that receives several contributions, the latest node first."""
    users = users_of_shared(solution, answer)
    made = []
    for operand in sorted(users, reverse=True)[:rows]:
        found, more = received(solution, operand, users[operand], most_summands(rows))
        if len(found) < 2:
            continue
        parts = tuple(_contribution(solution, answer, edge, False) for edge in found)
        symbol = derivative(answer.name, solution.names[operand])
        total = _number(solution, answer.adjoints[operand])
        made.append(Branch(operand, symbol, parts, more, total))
    if len(users) > rows:
        omitted.append(left_out(len(users), rows, "sums"))
    return made
