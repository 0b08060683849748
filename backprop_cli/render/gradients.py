"""The gradient as a table: a row for each input, a column for each mode, and the verdict.

What a mode cannot say is a note below the table rather than a long cell in it. SymPy's formulas
stand beside its values while they are short; long ones follow below, where there is room.
"""

from typing import Any

from backprop_cli.language.notation import pretty
from backprop_cli.operations import CONSTANT, INPUT
from backprop_cli.render.console import Column, Screen, Words
from backprop_cli.render.echo import enumeration, few, left_out
from backprop_cli.render.errors import readable
from backprop_cli.render.numbers import aligned, human
from backprop_cli.studies.solution import (
    LABELS,
    Agreement,
    Answer,
    Estimate,
    Formula,
    Solution,
    Unavailable,
    Witness,
)

_WIDEST_FORMULA = 48
_VAGUE = 1e-3
_TINY = 1e-6
LONGEST_FORMULA = 200
"""Formulas of more characters than this are not shown to people."""

ONE_SIDED = "The steps follow the convention at the kink; this gradient is one-sided."

_MARKS = {True: ("✓", "good"), False: ("✗", "bad"), None: ("–", "dim")}


def print_answer(
    solution: Solution,
    answer: Answer,
    agreement: Agreement | None,
    rows: int,
    screen: Screen,
) -> None:
    """Print value and gradient of one output, beside what the witnesses say."""
    value = human(answer.value, solution.arithmetic)
    if not solution.wrt:
        if solution.graph.rows[answer.node] != CONSTANT:
            screen.line([(f"{answer.name} = ", "title"), (value, "value")])
        screen.line([("There are no inputs to differentiate by.", "dim")])
        return
    screen.line()
    one_sided = solution.kink in ("left", "right")
    side = f" from the {solution.kink}" if one_sided else ""
    screen.line([(f"Gradient{side} of {answer.name} = ", "title"), (value, "value")])
    names = list(solution.wrt)[:rows]
    notes: list[str] = []
    beside = _table(solution, answer, agreement, names, notes, screen)
    if len(names) < len(solution.wrt):
        text = left_out(len(solution.wrt), len(names), "inputs")
        screen.line([(text, "dim")], 2)
    for number, note in enumerate(notes, 1):
        screen.line([(f"[{number}] {note}", "dim")], 2)
    if not beside:
        _formulas(answer, agreement, names, screen)
    if one_sided and answer.remarks:
        screen.line([(ONE_SIDED, "dim")])
    for text in [*skipped(agreement), *unused(solution, answer, few(rows))]:
        screen.line([(text, "dim")])
    if answer.failure is not None:
        screen.line([(f"No answer here: {readable(answer.failure.message)}", "bad")])
    elif heard(agreement) and agreement is not None:
        screen.line([(agreement.sentence, "good" if agreement.agree else "bad")])


def _table(
    solution: Solution,
    answer: Answer,
    agreement: Agreement | None,
    names: list[str],
    notes: list[str],
    screen: Screen,
) -> bool:
    """Print the table in the widest form that fits; return whether formulas stand in it.

    Reasons why a witness is silent are appended to `notes`.
    """
    for beside in (_short_formulas(agreement, names), False):
        columns, made = _wide(solution, answer, agreement, names, notes, beside)
        if screen.fits(columns, made):
            screen.table(columns, made)
            return beside
    if not heard(agreement):
        screen.table(columns, made)
        return False
    first, *modes = columns
    modes.pop()
    screen.table([first, Column("mode"), Column("slope"), Column("")], _narrow(made, modes))
    return False


def _wide(
    solution: Solution,
    answer: Answer,
    agreement: Agreement | None,
    names: list[str],
    notes: list[str],
    beside: bool,
) -> tuple[list[Column], list[list[Words]]]:
    """Return a table with a column for each mode."""
    first = "input" if _only_inputs(solution) else "name"
    one_sided = solution.kink in ("left", "right")
    titles = [first, "reverse" if agreement and not one_sided else "gradient"]
    slopes = aligned(human(answer.gradient[name], solution.arithmetic) for name in names)
    cells: list[list[Words]] = [
        [[(name, "name")] for name in names],
        [[(text, "gradient")] for text in slopes],
    ]
    for witness in heard(agreement):
        titles.append(LABELS.get(witness.mode, witness.mode))
        cells.append(_witness_cells(solution, witness, names, notes, beside))
    if agreement is not None and heard(agreement):
        titles.append("agree")
        cells.append([[_MARKS[agreement.inputs.get(name)]] for name in names])
    return [Column(title) for title in titles], [list(row) for row in zip(*cells, strict=True)]


def _narrow(wide: list[list[Words]], modes: list[Column]) -> list[list[Words]]:
    """Return the same with a row for each mode, for a narrow screen."""
    made: list[list[Words]] = []
    for name, *slopes, agree in wide:
        for place, (mode, slope) in enumerate(zip(modes, slopes, strict=True)):
            head, tail = (name, agree) if place == 0 else ((), ())
            made.append([head, [(mode.title, "")], slope, tail])
    return made


def _only_inputs(solution: Solution) -> bool:
    return all(solution.graph.rows[node] == INPUT for node in solution.wrt.values())


def heard(agreement: Agreement | None) -> list[Witness]:
    """Return the witnesses that have something to say of some input."""
    return [w for w in agreement.witnesses if not _silence(w)] if agreement else []


def _silence(witness: Witness) -> str:
    """Return why a witness says nothing at all, empty if it does or has several reasons."""
    said = list(witness.gradient.values())
    reasons = {part.reason for part in said if isinstance(part, Unavailable)}
    if witness.skipped or len(reasons) != 1:
        return witness.skipped
    return reasons.pop() if all(isinstance(part, Unavailable) for part in said) else ""


def skipped(agreement: Agreement | None) -> list[str]:
    """Return a sentence for each reason why witnesses have no column."""
    reasons: dict[str, list[str]] = {}
    for witness in agreement.witnesses if agreement else ():
        if reason := _silence(witness):
            reasons.setdefault(reason, []).append(LABELS.get(witness.mode, witness.mode))
    return [f"No {', '.join(modes)} column: {reason}." for reason, modes in reasons.items()]


def _witness_cells(
    solution: Solution, witness: Witness, names: list[str], notes: list[str], beside: bool
) -> list[Words]:
    """Return the cells of one witness's column, with its formulas beside the numbers if asked."""
    said = [witness.gradient.get(name, Unavailable("not asked")) for name in names]
    texts = aligned(witness_number(solution, part, witness.mode, notes) for part in said)
    formulas = [witness_formula(part) if beside else "" for part in said]
    width = max(map(len, formulas), default=0)
    return [
        [(f"{formula:<{width}} = ", ""), (text, "gradient")]
        if formula
        else [(" " * (width + 3 if width else 0), ""), (text, "gradient")]
        for formula, text in zip(formulas, texts, strict=True)
    ]


def witness_number(solution: Solution, said: Any, mode: str, notes: list[str]) -> str:
    """Return the number a witness gives, or the mark of the note that says why there is none."""
    if isinstance(said, Formula) and said.value is None:
        said = Unavailable("the formula has no real value at this point")
    if isinstance(said, Unavailable):
        note = f"{LABELS.get(mode, mode)}: {said.reason}"
        if note not in notes:
            notes.append(note)
        return f"[{notes.index(note) + 1}]"
    if isinstance(said, Estimate) and said.error > max(_VAGUE * abs(said.value), _TINY):
        return f"{said.value:.3g} ± {said.error:.1g}"
    value = said.value if isinstance(said, (Estimate, Formula)) else said
    return human(value, solution.arithmetic)


def witness_formula(said: Any) -> str:
    """Return SymPy's formula, unless it is only a number."""
    text = pretty(said.text) if isinstance(said, Formula) else ""
    return "" if text.lstrip("-").replace(".", "", 1).isdigit() else text


def _short_formulas(agreement: Agreement | None, names: list[str]) -> bool:
    """Return whether every formula is short enough to be a cell, however wide the screen."""
    said = [w.gradient.get(name) for w in heard(agreement) for name in names]
    return all(len(witness_formula(part)) <= _WIDEST_FORMULA for part in said)


def _formulas(
    answer: Answer, agreement: Agreement | None, names: list[str], screen: Screen
) -> None:
    """Print SymPy's formulas below the table, where they did not fit into it.

    A formula of many lines teaches nobody anything: its length is said instead.
    """
    for witness in heard(agreement):
        said = {name: witness_formula(witness.gradient.get(name)) for name in names}
        readable_ones = {name: text for name, text in said.items() if text}
        long = [name for name, text in said.items() if len(text) > LONGEST_FORMULA]
        if readable_ones:
            screen.line([("In symbols, by SymPy", "title")])
        for name, text in readable_ones.items():
            if name not in long:
                screen.line([(f"∂{answer.name}/∂{name} = ", ""), (text, "")], 2)
        if long:
            length = max(len(said[name]) for name in long)
            whose = "1 formula" if len(long) == 1 else f"{len(long)} formulas"
            text = f"{whose} of up to {length:,} characters: --format json --check sympy has them"
            screen.line([(text, "dim")], 2)


def unused(solution: Solution, answer: Answer, most: int) -> list[str]:
    """Return sentences about inputs that have no part in the output, or none at this point."""
    read = solution.graph.dependencies([answer.node])
    unused = [name for name, node in solution.wrt.items() if not read[node]]
    silent = [
        name
        for name, node in solution.wrt.items()
        if read[node] and answer.adjoints[node] is None and answer.gradient[name] == 0
    ]
    made = []
    if unused:
        made.append(f"{answer.name} does not use {enumeration(unused, most)}.")
    if silent and answer.failure is None:
        made.append(f"At this point {answer.name} does not move with {enumeration(silent, most)}.")
    return made
