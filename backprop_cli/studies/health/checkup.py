"""The study behind `diagnose`: what is wrong with an answer, or about to be, in words and numbers.

A finding states a fact about this point, with the node to look at; it is no mistake of the user's.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from backprop_cli.calculus.rounding import FEWEST_DIGITS
from backprop_cli.operations import TABLE
from backprop_cli.studies.digits import (
    Digits,
    digits_to_trust,
    lost_remarks,
    sizes,
    underflows,
    value_remark,
)
from backprop_cli.studies.failures import short
from backprop_cli.studies.health import fates
from backprop_cli.studies.health.fates import Ceiling, Fate
from backprop_cli.studies.health.flow import Flow, flow
from backprop_cli.studies.health.gates import Dead, Saturated, dead, saturated
from backprop_cli.studies.health.postmortem import PostMortem, post_mortem
from backprop_cli.studies.solution import Answer, Remark, Solution

if TYPE_CHECKING:
    from backprop_cli.studies.health.rewrites import Rewrite

CODES = (
    "undefined",
    "overflow",
    "cancellation",
    "vanishing",
    "exploding",
    "saturated",
    "dead",
    "kink",
    "underflow",
)
"""The kinds of findings, in the order in which they are told."""

MOST_OF_A_KIND = 100
"""More findings of one kind than this are counted instead of told."""

_CALM = 13.0
_SPELLED = 4
_NOTHING = 1e-9
_ORDINARY = 300


class Finding(NamedTuple):
    """One finding: its kind, the display name of a node, words, and further facts of its own.

    `rewrite` is a proved cure, where one is known.
    """

    code: str
    node: str
    message: str
    details: tuple[str, ...] = ()
    rewrite: "Rewrite | None" = None


class Checkup(NamedTuple):
    """What there is to say about one output."""

    answer: Answer
    flow: Flow
    digits: Digits
    post_mortem: PostMortem | None
    findings: tuple[Finding, ...]

    @property
    def rewrite(self) -> "Rewrite | None":
        """The cure that was found, if one was."""
        return next((one.rewrite for one in self.findings if one.rewrite is not None), None)


def checkups(solution: Solution) -> list[Checkup]:
    """Return what there is to say about each output of a solution in float64."""
    return [_checkup(solution, answer) for answer in solution.answers]


def _checkup(solution: Solution, answer: Answer) -> Checkup:
    death = post_mortem(solution, answer)
    digits = digits_to_trust(solution, answer)
    found = [*_troubles(solution, answer, death, digits)]
    if answer.value - answer.value == 0:
        found += _fates(solution, answer)
        found += _gates(solution, answer)
    found += _remarked(answer.remarks)
    found.sort(key=lambda one: CODES.index(one.code))
    return Checkup(answer, flow(solution, answer), digits, death, tuple(_capped(found)))


def _capped(found: Sequence[Finding]) -> Iterator[Finding]:
    """Yield the findings, of each kind at most MOST_OF_A_KIND and a count of the rest."""
    for code in CODES:
        kind = [one for one in found if one.code == code]
        yield from kind[:MOST_OF_A_KIND]
        if len(kind) > MOST_OF_A_KIND:
            more = len(kind) - MOST_OF_A_KIND
            yield Finding(code, kind[MOST_OF_A_KIND].node, f"{more:,} more nodes are {code}")


# ------------------------------------------------------------------ no answer, or few digits


def _troubles(
    solution: Solution, answer: Answer, death: PostMortem | None, digits: Digits
) -> Iterator[Finding]:
    """Yield what is undefined, overflows or has lost its digits, with a rewrite if one is known."""
    if death is None and digits.fewest >= _CALM:
        return
    cure = _cure(solution, answer, death, digits)
    if death is not None:
        node = death.failure.node
        yield Finding(death.code, node, death.failure.message, _spread(death), cure)
        return
    remarks = (
        []
        if digits.loss is None or digits.loss.digits >= FEWEST_DIGITS
        else [value_remark(solution, digits.loss, answer.name)]
    )
    remarks += lost_remarks(solution, answer.name, digits.lost)
    if cure is not None and not remarks:
        left = f"{digits.fewest:.1f} of 16 digits are left, and a rewrite has more"
        remarks = [Remark("digits", cure.changes[0].node, left)]
    for remark in remarks:
        place = solution.names.index(remark.node)
        code = "underflow" if underflows(solution, place) else "cancellation"
        yield Finding(code, remark.node, remark.message, sizes(solution, place), cure)
        cure = None


def _spread(death: PostMortem) -> tuple[str, ...]:
    if not death.inputs:
        return ()
    listed = ", ".join(death.inputs[:_SPELLED])
    more = f" and {len(death.inputs) - _SPELLED:,} more" if len(death.inputs) > _SPELLED else ""
    return (f"it reaches the slopes along {listed}{more}",)


def _cure(
    solution: Solution, answer: Answer, death: PostMortem | None, digits: Digits
) -> "Rewrite | None":
    """Return a proved rewrite, looked for near the node that is to blame."""
    if digits.exact is None:
        return None
    from backprop_cli.studies.health.rewrites import rewrite

    focus = answer.node
    if death is not None and death.events:
        focus = death.events[0].node
    elif digits.lost:
        focus = digits.lost[0].culprit.node
    elif digits.loss is not None:
        focus = digits.loss.node
    return rewrite(solution, answer, digits.exact, focus)


def _remarked(remarks: Iterable[Remark]) -> Iterator[Finding]:
    """Yield the kinks and jumps, and the literals that underflow."""
    for remark in remarks:
        if remark.code in ("kink", "jump"):
            yield Finding("kink", remark.node, remark.message)
        elif remark.code == "underflow":
            yield Finding("underflow", remark.node, remark.message)


# ------------------------------------------------------------------ the flow


def _fates(solution: Solution, answer: Answer) -> Iterator[Finding]:
    for fate in fates.fates(solution, answer):
        count = len(fate.trail.factors)
        verb = "shrinks" if fate.code == "vanishing" else "grows"
        others = f"; so for {fate.others:,} more inputs" if fate.others else ""
        end = _power(fate.exponent)
        if not answer.adjoints[fate.trail.node]:
            end += ", and on to 0: less than any float64"
        message = (
            f"on its way to {fate.name} the gradient {verb} from 1 to {end}; {count:,} factors, "
            f"{_size(fate.typical)} each in the geometric mean{others}"
        )
        yield Finding(fate.code, fate.name, message, tuple(_fate_details(solution, fate)))


def _fate_details(solution: Solution, fate: Fate) -> Iterator[str]:
    """Yield what the factors are: by operation, the strongest edges, the bound."""
    parts = [
        f"{count:,} {_called(name)} factors make {_power(exponent)}"
        for name, (count, exponent) in fates.by_operation(solution, fate.trail.factors).items()
    ]
    yield "; ".join(parts)
    names = solution.names
    strongest = [
        f"{names[step.node]} → {names[step.operand]} ({_size(step.factor)})"
        for step in fate.responsible[:_SPELLED]
    ]
    yield "strongest edges: " + ", ".join(strongest)
    ceiling = fates.ceiling(solution, fate.trail)
    if ceiling is not None:
        yield _bound(ceiling)


def _called(name: str) -> str:
    """Return what people call the factor of an operation: through a product, it is a weight."""
    return {"mul": "weight", "div": "quotient"}.get(name, name)


def _bound(ceiling: Ceiling) -> str:
    """Return the bound no input can beat, in words."""
    factors = [
        f"({fates.STEEPEST[name]})^{count:,}"
        for name, count in ceiling.counts.items()
        if fates.steepest(name) != 1
    ]
    slopes = [f"{count:,} {name}" for name, count in ceiling.counts.items()]
    made = f"{' · '.join(factors)} = {_power(ceiling.bound)}"
    text = f"the slopes of {' and '.join(slopes)} make at most {made}"
    text += ", whatever the inputs"
    if abs(ceiling.rest) < _NOTHING:
        return text
    return f"{text}; with the other factors as here, {_power(ceiling.bound + ceiling.rest)}"


def _gates(solution: Solution, answer: Answer) -> Iterator[Finding]:
    for flat in saturated(solution, answer):
        yield Finding("saturated", solution.names[flat.node], _flat(solution, flat))
    for gate in dead(solution, answer):
        yield Finding("dead", solution.names[gate.node], _shut(solution, answer, gate))


def _flat(solution: Solution, flat: Saturated) -> str:
    row = TABLE[solution.graph.rows[flat.node]].name
    operand = solution.names[solution.graph.operands_of(flat.node)[0]]
    return (
        f"{solution.names[flat.node]} ({row}) is saturated at {operand} = {short(flat.operand)}: "
        f"its slope is {_size(flat.slope)}, {_percent(flat.share)} of the steepest, "
        f"{fates.STEEPEST[row]}"
    )


def _shut(solution: Solution, answer: Answer, gate: Dead) -> str:
    row = TABLE[solution.graph.rows[gate.node]].name
    operand = solution.names[solution.graph.operands_of(gate.node)[0]]
    where = f"{solution.names[gate.node]} ({row}) is dead at {operand} = {short(gate.operand)}"
    if not gate.cut:
        return f"{where}: nothing flows back through it; what it reads has other ways to be heard"
    listed = ", ".join(gate.cut[:_SPELLED])
    more = f" and {len(gate.cut) - _SPELLED:,} more" if len(gate.cut) > _SPELLED else ""
    return f"{where}: it cuts off {listed}{more}, which {answer.name} does not feel here"


def _size(number: float) -> str:
    """Return a number with three digits."""
    mantissa, mark, exponent = f"{number:.3g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if mark else mantissa


def _power(exponent: float) -> str:
    """Return 10^exponent with three digits, however small or large it is."""
    if abs(exponent) < _ORDINARY:
        return _size(math.pow(10.0, exponent))
    whole = math.floor(exponent)
    return f"{_size(math.pow(10.0, exponent - whole))}e{whole}"


def _percent(share: float) -> str:
    return f"{_size(100 * share)} %"
