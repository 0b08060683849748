"""The check of a worked solution as data: what each witness says, input by input, and the verdict.

The same cells and sentences as in the tables of `grad`; SymPy's formulas as equations that can be
set.
"""

from collections.abc import Iterator
from typing import NamedTuple

from backprop_cli.readings.expressions import NAME, derivative, read
from backprop_cli.render.gradients import (
    LONGEST_FORMULA,
    heard,
    skipped,
    unused,
    witness_number,
)
from backprop_cli.render.numbers import human
from backprop_cli.render.worked.parts import Backward, Equation
from backprop_cli.studies.solution import LABELS, Formula, Solution


class Row(NamedTuple):
    """What is said of one input: a number from each mode, and whether they agree.

    A cell is a number, `value ± error`, or `[1]`, the mark of a note; `agrees` is None where
    nobody could say.
    """

    name: str
    cells: tuple[str, ...]
    agrees: bool | None


class Evidence(NamedTuple):
    """The check of one output.

    `modes` are the titles of the cells; `formulas` are ∂f/∂x = SymPy's formula, where that says
    more than its number; `sentences` end with the verdict.
    """

    modes: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    formulas: tuple[Equation, ...]
    sentences: tuple[str, ...]


def evidence(solution: Solution, output: Backward, most: int) -> Evidence:
    """Return the check of one output, for as many inputs as its result shows."""
    answer, agreement = output.answer, output.agreement
    names = list(solution.wrt)[: len(output.result)]
    sentences = [*skipped(agreement), *unused(solution, answer, most)]
    witnesses = heard(agreement)
    if agreement is None or not witnesses:
        return Evidence((), (), (), (), tuple(sentences))
    notes: list[str] = []
    one_sided = solution.kink in ("left", "right")
    columns = [[human(answer.gradient[name], solution.arithmetic) for name in names]]
    modes = ["gradient" if one_sided else "reverse"]
    for witness in witnesses:
        modes.append(LABELS.get(witness.mode, witness.mode))
        said = [witness.gradient[name] for name in names]
        columns.append([witness_number(solution, part, witness.mode, notes) for part in said])
    rows = [
        Row(name, cells, agreement.inputs.get(name))
        for name, cells in zip(names, zip(*columns, strict=True), strict=True)
    ]
    if answer.failure is None:
        sentences.append(agreement.sentence)
    return Evidence(
        tuple(modes),
        tuple(rows),
        tuple(notes),
        tuple(_formulas(solution, output, names)),
        tuple(sentences),
    )


def _formulas(solution: Solution, output: Backward, names: list[str]) -> Iterator[Equation]:
    """Yield SymPy's formulas; not those that are numbers, nor those that nobody would read."""
    for witness in heard(output.agreement):
        for name in names:
            said = witness.gradient.get(name)
            if not isinstance(said, Formula) or len(said.text) > LONGEST_FORMULA:
                continue
            formula = read(said.text, solution.names)
            if any(part.kind == NAME for part in formula):
                yield derivative(output.answer.name, name), formula
