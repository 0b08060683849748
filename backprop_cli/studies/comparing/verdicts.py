"""Who is out when the modes disagree, and why: the reference decides.

Reverse and forward mode share the table's slopes, so where a slope is wrong both are wrong, and
they agree with each other. The reference knows no slope: it says which side is right. Where the
table is out, the operation is looked for whose slope differs from that of its own values.
"""

from collections.abc import Iterator
from typing import Any

from backprop_cli.calculus.partials import local_partials
from backprop_cli.calculus.rounding import gradient_rounding
from backprop_cli.language.names import node_text
from backprop_cli.operations import CONSTANT
from backprop_cli.readings.floats import FLOATS
from backprop_cli.studies.agreement import judge
from backprop_cli.studies.comparing.references import Known
from backprop_cli.studies.failures import short
from backprop_cli.studies.solution import LABELS, Agreement, Solution

_WHY = {
    ("reverse", "forward"): "they share the table's slopes",
    ("reverse",): "its sweep does not gather what the others find",
    ("forward",): "its sweep does not carry what the others find",
    ("numeric",): "they are off by more than their own error estimate",
    ("complex-step",): "its reading of some operation differs",
    ("sympy",): "its function differs from the table's",
}
_LARGEST = 2_000
_WRONG = 1e-8
_MOST = 5


def verdict(solution: Solution, place: int, agreement: Agreement, reference: Known) -> str:
    """Return the verdict on one output in words, with who is out if the modes disagree."""
    if agreement.agree:
        return agreement.sentence
    answer = solution.answers[place]
    rounding = gradient_rounding(
        solution.graph, solution.values, answer.node, solution.active, solution.wrt
    )
    parties: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for name, agrees in agreement.inputs.items():
        true = reference.slope(place, name)
        if agrees is False and true is not None:
            said = {"reverse": answer.gradient[name]}
            said |= {w.mode: w.gradient.get(name) for w in agreement.witnesses}
            judged = {mode: judge(true, part, rounding[name]).agrees for mode, part in said.items()}
            out = tuple(mode for mode, agreed in judged.items() if agreed is False)
            right = tuple(mode for mode, agreed in judged.items() if agreed)
            parties.setdefault((out, right), []).append(name)
    sentences = [_party(*party, names) for party, names in parties.items() if party[0]]
    if not sentences:
        return f"{agreement.sentence} The reference cannot say which is right."
    if any("reverse" in out for out, _ in parties):
        sentences += _culprit(solution)
    return " ".join([agreement.sentence, *sentences])


def _party(out: tuple[str, ...], right: tuple[str, ...], names: list[str]) -> str:
    """Return who is out for these inputs, why, and on whose side the reference is."""
    verb = "is" if len(out) == 1 and out != ("numeric",) else "are"
    why = _WHY.get(out, "")
    text = f"{_listed(out)} {verb} out for {', '.join(names[:_MOST])}"
    text = text[:1].upper() + text[1:] + (f": {why}, and" if why else ":")
    side = f"sides with {_listed(right)}" if right else "sides with none"
    return f"{text} the 50-digit reference {side}."


def _listed(modes: tuple[str, ...]) -> str:
    labels = ["differences" if mode == "numeric" else LABELS.get(mode, mode) for mode in modes]
    return labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} and {labels[-1]}"


def _culprit(solution: Solution) -> list[str]:
    """Return a sentence on the first operation whose slope in the table is wrong here."""
    if solution.graph.size > _LARGEST:
        return []
    for node, operand, local, true in _suspects(solution):
        text = node_text(solution.graph, node, solution.names)
        about = solution.names[operand]
        slopes = f"is {short(local)}, its values say {short(true)}"
        return [f"The table's slope of {text} in {about} {slopes}."]
    return []


def _suspects(solution: Solution) -> Iterator[tuple[int, int, float, float]]:
    """Yield (node, operand, slope by the table, slope by values) where the two differ."""
    from backprop_cli.calculus.reference import slope_of_operation

    graph, values = solution.graph, solution.values
    FLOATS.prepare_partials(graph)
    for node, row in enumerate(graph.rows):
        if row <= CONSTANT:
            continue
        flowing = dict(local_partials(graph, node, values, solution.active, FLOATS))
        for operand in dict.fromkeys(graph.operands_of(node)):
            if not solution.active[operand] or graph.operands_of(node).count(operand) > 1:
                continue
            local: Any = flowing.get(operand, 0.0)
            true = slope_of_operation(graph, node, operand, values)
            if true is not None and abs(local - true) > _WRONG * max(abs(local), abs(true)):
                yield node, operand, float(local), true
