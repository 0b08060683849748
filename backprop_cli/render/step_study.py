"""The step study for people: every step's quotient and error, the U as a plot, the best steps.

The columns of the three methods stand side by side where that fits; else the quotients in one
table and the errors in another; else each method in a table of its own.
"""

from collections.abc import Sequence
from itertools import groupby, pairwise

from backprop_cli.render import echo
from backprop_cli.render.console import Column, Screen, Words
from backprop_cli.render.modes import MISSING, label
from backprop_cli.render.numbers import human, machine, short, tidied
from backprop_cli.render.plots import Series, print_plot
from backprop_cli.studies.comparing.step_study import MODES, STEPS, Method, StepStudies, StepStudy

_MARKERS = {"forward": "f", "central": "c", "complex": "i"}
_Part = tuple[str, list[Words]]
"""A column: its heading and its cells."""


def studied(rows: int) -> int:
    """Return how many inputs are studied where tables have so many rows: at least one."""
    return max(1, rows // len(STEPS))


def print_studies(found: StepStudies, rows: int, screen: Screen) -> None:
    """Print the study of each input and output, and what is left out."""
    for study in found.studies:
        _print_study(study, rows, screen)
    if found.reason:
        screen.line()
        screen.line([(f"No step study: {found.reason}.", "dim")])
    elif len(found.studies) < found.total:
        text = echo.left_out(found.total, len(found.studies), "slopes", found.total * len(STEPS))
        if len({study.name for study in found.studies}) < studied(rows):
            text = f"… {found.total - len(found.studies):,} more slopes, too many to be studied"
        screen.line([(text, "dim")])


def _print_study(study: StepStudy, rows: int, screen: Screen) -> None:
    slope = "no two-sided slope" if study.slope is None else machine(study.slope)
    screen.line()
    screen.line(
        [
            ("Step study", "title"),
            (f" of ∂{study.output}/∂{study.name} = ", ""),
            (slope, "gradient"),
            (": the error of a difference, step by step", ""),
        ]
    )
    _print_tables(study, rows, screen)
    if len(STEPS) > rows:
        screen.line([(echo.left_out(len(STEPS), rows, "steps"), "dim")], 2)
    _print_errors(study, screen)
    for method in study.methods:
        screen.line(_sentence(method), 2)


def _print_tables(study: StepStudy, rows: int, screen: Screen) -> None:
    """Print the tables of the first layout in which nothing is folded, or else of the last."""
    parts = [(method, _estimates(method, rows), _errors(method, rows)) for method in study.methods]
    layouts: list[list[list[_Part]]] = [
        [[column for _, estimates, errors in parts for column in (estimates, *errors)]],
        [
            [estimates for _, estimates, _ in parts],
            [(label(MODES[method.name]), _joined(errors)) for method, _, errors in parts],
        ],
        [[estimates, *errors] for _, estimates, errors in parts],
    ]
    for layout in layouts:
        tables = [_table(columns, rows) for columns in layout]
        if all(screen.fits(*table) for table in tables):
            break
    for place, table in enumerate(tables):
        if place:
            screen.line()
        screen.table(*table)


def _table(columns: Sequence[_Part], rows: int) -> tuple[list[Column], list[list[Words]]]:
    steps: list[Words] = [[(human(h), "name")] for h in STEPS[:rows]]
    titles = [Column("h"), *(Column(title) for title, _ in columns)]
    return titles, [list(line) for line in zip(steps, *(c for _, c in columns), strict=True)]


def _estimates(method: Method, rows: int) -> _Part:
    texts = [machine(one.estimate) for one in method.quotients[:rows]]
    lead = max(text.find(".") for text in texts)
    cells: list[Words] = [[(" " * (lead - text.find(".")) + text, "value")] for text in texts]
    return label(MODES[method.name]), cells


def _errors(method: Method, rows: int) -> list[_Part]:
    """Return the columns of the errors, and of the arms they stand on if there are two."""
    shown = method.quotients[:rows]
    errors: list[Words] = []
    for one in shown:
        text = MISSING if one.error is None else _size(one.error)
        errors.append([(text, "good" if one.h == method.best else "")])
    arms: list[Words] = [[(one.arm, "dim")] for one in shown]
    found: list[_Part] = [("error", errors)]
    return [*found, ("mostly", arms)] if any(one.arm for one in shown) else found


def _size(error: float) -> str:
    return tidied(f"{error:.1e}") if 0 < error < 1 else short(error)


def _joined(columns: Sequence[_Part]) -> list[Words]:
    """Return errors and arms as the cells of one column."""
    (_, errors), *arms = columns
    width = max(len(error[0][0]) for error in errors)
    if not arms:
        return errors
    return [
        [(f"{text:<{width}}", style), (" ", ""), *arm]
        for ((text, style),), arm in zip(errors, arms[0][1], strict=True)
    ]


def _print_errors(study: StepStudy, screen: Screen) -> None:
    """Plot the errors against the steps, if there are any that are not 0."""
    series = [
        Series(
            label(MODES[method.name]),
            [(one.h, one.error) for one in method.quotients if one.error],
            _MARKERS[method.name],
        )
        for method in study.methods
    ]
    drawn = [one for one in series if one.points]
    if not drawn:
        return
    screen.line()
    remarks = []
    if any(one.error == 0 for method in study.methods for one in method.quotients):
        remarks.append("errors of 0 are not drawn")
    if any({*one.points} & {*other.points} for one, other in pairwise(drawn)):
        remarks.append("a letter may cover another")
    title, note = "The error against the step", ", ".join(remarks)
    print_plot(drawn, screen, title, "h", note, log_x=True, log_y=True)


def _sentence(method: Method) -> Words:
    """Return the best step found, the best in theory, and where which error rules."""
    best = MISSING if method.best is None else human(method.best)
    theory = "" if method.theory is None else f", in theory {short(method.theory)}"
    lead = f"{label(MODES[method.name])}: "
    found = f"best h = {best}{theory}; " if method.best is not None else ""
    return [(lead, ""), (found, "good"), (f"{method.words}{_arms(method)}", "dim")]


def _arms(method: Method) -> str:
    """Return which error rules where, from the longest step to the shortest; "" if one does."""
    pieces = []
    for arm, run in groupby(method.quotients, key=lambda one: one.arm):
        steps = [human(one.h) for one in run]
        if arm and arm != "exact":
            span = f"at {steps[0]}" if len(steps) == 1 else f"from {steps[0]} to {steps[-1]}"
            pieces.append(f"{arm} {span}")
    return f"; {', '.join(pieces)}" if len(pieces) > 1 or "kink" in "".join(pieces) else ""
