"""Verdicts on claims for people: a line a claim, and for a wrong one the step that went wrong.

A wrong claim is explained where it leaves the right path: the backward pass at a point whose
numbers tell something, the edges that the mistake is about marked. A file of tests is printed like
a test runner does: a line a case, the failures explained, a summary.
"""

from collections.abc import Iterator

from backprop_cli.language.names import Naming
from backprop_cli.language.notation import pretty
from backprop_cli.readings.floats import FLOATS
from backprop_cli.render import echo
from backprop_cli.render.backward import print_marked
from backprop_cli.render.console import Column, Screen, Words
from backprop_cli.render.errors import readable
from backprop_cli.render.numbers import duration, human
from backprop_cli.studies.checking.check import RIGHT, UNDECIDED, WRONG, Check
from backprop_cli.studies.checking.report import Item, Report
from backprop_cli.studies.checking.suites import Case, CaseResult, Suite
from backprop_cli.studies.sampling import SEED, Point
from backprop_cli.studies.solution import Answer, Solution
from backprop_cli.studies.words import place_words

_MARKS = {RIGHT: ("✓", "good"), WRONG: ("✗", "bad"), UNDECIDED: ("–", "dim")}
_LONGEST_FORMULA = 200


def print_report(report: Report, rows: int, screen: Screen) -> None:
    """Print the verdict on each claim of one program, and what is wrong with the wrong ones."""
    _print_head(report.check, rows, screen)
    shown = report.items[:rows]
    made: list[list[Words]] = [
        [[(_claimed(item), "name")], _verdict_words(item), _remark(report.check, item, rows)]
        for item in shown
    ]
    columns = [Column("claim"), Column("verdict"), Column("")]
    screen.line()
    if screen.fits(columns, made):
        screen.table(columns, made)
    else:
        for claim, verdict, remark in made:
            screen.line([*claim, ("   ", ""), *verdict], 2)
            if remark:
                screen.line(remark, 6)
    if len(shown) < len(report.items):
        screen.line([(echo.left_out(len(report.items), len(shown), "claims"), "dim")], 2)
    for item in shown:
        if item.verdict.verdict == WRONG:
            _print_wrong(report.check, item, rows, screen)
    screen.line()
    screen.line(_summary(report))


def _print_head(check: Check, rows: int, screen: Screen) -> None:
    """Print how the program was read, and where it was looked at."""
    program = check.questions.program
    naming = Naming(program)
    answers = tuple(
        Answer(label, node, 0.0, {}, [], (), None) for node, label in check.questions.labels.items()
    )
    nothing = bytearray(program.size)
    point = dict(check.setting.fixed) if check.at_one_point else {}
    head = Solution(program, point, [], {}, nothing, naming, FLOATS, "convention", answers)
    echo.head(head, rows, screen)
    if not check.at_one_point:
        screen.line([(_where(check), "dim")])


def _where(check: Check) -> str:
    """Return where the claims were looked at: `at 100 random points, a = 2, b from 0.1 to 10`."""
    setting = check.setting
    parts = [f"{check.points:,} random points of the domain"]
    parts += [f"{name} = {human(value)}" for name, value in setting.fixed.items()]
    parts += [
        f"{name} from {human(ends.low)} to {human(ends.high)}"
        for name, ends in setting.ranges.items()
    ]
    parts += [f"seed {setting.seed}"] if setting.seed != SEED else []
    return "at " + ", ".join(parts)


def _claimed(item: Item) -> str:
    return f"{item.sign} = {pretty(item.claim)}"


def _verdict_words(item: Item) -> Words:
    verdict = item.verdict.verdict
    tail = " except" if verdict == RIGHT and item.verdict.exceptions else ""
    return [(f"{verdict}{tail}", _MARKS[verdict][1])]


def _remark(check: Check, item: Item, rows: int) -> Words:
    """Return what is to be said beside a verdict."""
    verdict = item.verdict
    if verdict.verdict == RIGHT:
        notes = [*verdict.exceptions, *filter(None, [verdict.reason])]
        if verdict.question.claim.rounding and check.at_one_point:
            notes.append(f"{human(verdict.actual)}, to the digits given")
        if item.equals and len(item.equals) <= _LONGEST_FORMULA:
            lead = "elsewhere it equals" if verdict.exceptions else "equals"
            notes.append(f"{lead} {pretty(item.equals)}")
        return [("; ".join(notes), "dim")] if notes else ()
    if verdict.verdict == UNDECIDED:
        return [(verdict.reason, "")]
    return [("; ".join(_failure(check, item, rows)), "")]


def _failure(check: Check, item: Item, rows: int) -> Iterator[str]:
    """Yield where a wrong claim fails, and with which numbers."""
    verdict = item.verdict
    if verdict.where:
        yield verdict.where
    if verdict.point is None or verdict.claimed != verdict.claimed:
        return
    numbers = f"claimed {human(verdict.claimed)}, right is {human(verdict.actual)}"
    place = "" if check.at_one_point else f"fails already at {_point(check, verdict.point, rows)}: "
    yield f"{place}{numbers}"


def _example_words(item: Item, rows: int) -> str:
    """Return whose numbers the messages have: `at a = 2 (claimed 7, right is 12)`."""
    example = item.diagnosis.example
    assert example is not None
    numbers = f"claimed {human(example.claimed)}, right is {human(example.actual)}"
    return f"at {place_words(example.point, 2 * echo.few(rows), human)} ({numbers}):"


def _point(check: Check, point: Point, rows: int) -> str:
    return place_words(check.located(point), 2 * echo.few(rows), human)


def _print_wrong(check: Check, item: Item, rows: int, screen: Screen) -> None:
    """Print what a wrong claim should have been, which mistake it is, and where it happens."""
    screen.line()
    right = f" is {pretty(item.formula)}" if 0 < len(item.formula) <= _LONGEST_FORMULA else ""
    said = f", not {pretty(item.claim)}" if right else f" is not {pretty(item.claim)}"
    screen.line([(f"{item.sign}{right}{said}", "title")])
    diagnosis = item.diagnosis
    if diagnosis.mistakes and diagnosis.points == 1:
        words = "at this one point these mistakes give the claimed number:"
        screen.line([(words, "dim")], 2)
    for mistake in diagnosis.mistakes:
        screen.line([(mistake.code, "bad"), (f": {mistake.message}", "")], 2)
    if diagnosis.note:
        screen.line([(diagnosis.note, "dim")], 2)
    marked = next((m for m in diagnosis.mistakes if m.edges), None)
    if marked is not None:
        print_marked(check, item, marked, rows, screen)


def _summary(report: Report) -> Words:
    """Return how many claims are right, wrong and undecided."""
    found = [item.verdict.verdict for item in report.items]
    if found == [found[0]] * len(found):
        style = _MARKS[found[0]][1]
        if len(found) == 1:
            return [(f"The claim is {found[0]}.", style)]
        lead = "Both" if len(found) == 2 else f"All {len(found)}"
        return [(f"{lead} claims are {found[0]}.", style)]
    parts = [f"{found.count(kind)} {kind}" for kind in (RIGHT, WRONG, UNDECIDED) if kind in found]
    return [(f"{', '.join(parts)} of {len(found)} claims.", _MARKS[report.verdict][1])]


# ------------------------------------------------------------------------------ a file of tests


def case_name(case: Case) -> str:
    """Return a test's name as a terminal may show it: on one line, without control characters."""
    return readable(" ".join(case.name.split()))


def print_case(result: CaseResult, width: int, rows: int, screen: Screen) -> None:
    """Print the line of one test; a failure with what is wrong, indented."""
    report = result.report
    mark, style = _MARKS[report.verdict]
    count = len(report.items)
    right = sum(item.verdict.verdict == RIGHT for item in report.items)
    tally = (
        f"{count} claim{'s' if count != 1 else ''}"
        if right == count
        else f"{right} of {count} claims right"
    )
    where = "1 point" if report.check.points == 1 else f"{report.check.points:,} points"
    name = f"{case_name(result.case):<{width}}"
    screen.line([(f"{mark} ", style), (name, "name"), (f"   {tally}, {where}", "dim")])
    for item in report.items:
        if item.verdict.verdict == RIGHT:
            continue
        mark, style = _MARKS[item.verdict.verdict]
        remark = "".join(text for text, _ in _remark(report.check, item, rows))
        words = f"{_claimed(item)} is {item.verdict.verdict}: {remark}"
        screen.line([(words, style if item.verdict.verdict == WRONG else "")], 4)
        if item.verdict.verdict == WRONG and 0 < len(item.formula) <= _LONGEST_FORMULA:
            screen.line([(f"right is {pretty(item.formula)}", "")], 6)
        if item.diagnosis.mistakes and not report.check.at_one_point:
            screen.line([(_example_words(item, rows), "dim")], 6)
        for mistake in item.diagnosis.mistakes:
            screen.line([(f"{mistake.code}: {mistake.message}", "")], 6)
        if item.diagnosis.note:
            screen.line([(item.diagnosis.note, "dim")], 6)


def print_suite(suite: Suite, screen: Screen) -> None:
    """Print the summary of a file of tests."""
    kinds = ((RIGHT, "passed"), (WRONG, "failed"), (UNDECIDED, "undecided"))
    parts = [f"{suite.cases(kind)} {word}" for kind, word in kinds if suite.cases(kind)]
    style = _MARKS[next(kind for kind in (WRONG, UNDECIDED, RIGHT) if suite.cases(kind))][1]
    count = suite.claims()
    tally = f"{count} claim{'s' if count != 1 else ''} at {suite.points:,} points"
    screen.line()
    seconds = f" in {duration(suite.seconds).strip()}"
    screen.line([(", ".join(parts), style), (f" ({tally}{seconds})", "dim")])
