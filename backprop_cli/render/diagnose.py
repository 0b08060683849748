"""A check-up as tables for people: the digits, the flow, the post-mortem, the findings, the cure.

Every section stands only where it has something to say, and says in its heading what it shows.
"""

import math
from collections.abc import Sequence

from backprop_cli.language.notation import pretty
from backprop_cli.render import echo
from backprop_cli.render.console import NARROW_GAP, Column, Screen, Words
from backprop_cli.render.errors import readable
from backprop_cli.render.numbers import aligned, human, short
from backprop_cli.render.proofs import exact_text, print_rewrite
from backprop_cli.studies.health.checkup import Checkup, Finding
from backprop_cli.studies.health.flow import Level, binned
from backprop_cli.studies.health.postmortem import Event, PostMortem
from backprop_cli.studies.solution import Solution

_BAR, _SHORT_BAR = 24, 14
_FEWEST_BARS = 10
_GOOD, _POOR = 12.0, 8.0
_GRAVE = ("undefined", "overflow")


def print_checkups(
    solution: Solution, checkups: Sequence[Checkup], rows: int, screen: Screen
) -> None:
    """Print what there is to say about each output."""
    statements = solution.graph.size <= 2 * rows or len(solution.graph.labels) <= rows
    echo.head(solution, rows if statements else echo.few(rows), screen)
    for checkup in checkups:
        _print_digits(solution, checkup, rows, screen)
        if checkup.post_mortem is not None:
            _print_post_mortem(solution, checkup.post_mortem, rows, screen)
        if math.isfinite(checkup.answer.value):
            _print_flow(solution, checkup, rows, screen)
        _print_findings(checkup, rows, screen)
        if checkup.rewrite is not None:
            print_rewrite(checkup.rewrite, checkup.answer.name, rows, screen)


# ------------------------------------------------------------------ the digits


def _print_digits(solution: Solution, checkup: Checkup, rows: int, screen: Screen) -> None:
    """Print value and gradient, how many digits of each can be trusted, and the exact numbers."""
    answer, digits = checkup.answer, checkup.digits
    screen.line()
    screen.line([(f"{answer.name} and its gradient", "title"), (", and the digits to trust", "")])
    shown = list(answer.gradient)[: max(rows - 1, 1)]
    names = [answer.name, *(f"∂{answer.name}/∂{name}" for name in shown)]
    numbers = [answer.value, *(answer.gradient[name] for name in shown)]
    trusted = [digits.value, *(digits.gradient[name] for name in shown)]
    columns = [Column("number"), Column("float64"), Column("digits")]
    cells: list[list[Words]] = [
        [[(name, "name")], [(value, "value")], [(left, _quality(count))]]
        for name, value, left, count in zip(
            names, aligned(map(human, numbers)), aligned(map(_count, trusted)), trusted, strict=True
        )
    ]
    exact = digits.exact
    if exact is not None:
        columns.append(Column("exact"))
        true = [exact.value, *(exact.gradient[name] for name in shown)]
        for line, text in zip(cells, aligned(exact_text(exact, v) for v in true), strict=True):
            line.append([(text, "")])
    screen.table(columns, cells)
    if len(shown) < len(answer.gradient):
        text = echo.left_out(len(answer.gradient), len(shown), "slopes", len(answer.gradient) + 1)
        screen.line([(text, "dim")], 2)
    if exact is None:
        notes = "of 16; lower bounds, since the program is too large for 50 digits"
    else:
        notes = f"of 16; a lower bound for {answer.name}, counted for the slopes"
    screen.line([("digits: ", ""), (notes, "dim")], 2)


def _count(digits: float | None) -> str:
    return "–" if digits is None else f"{digits:.1f}"


def _quality(digits: float | None) -> str:
    if digits is None:
        return "dim"
    return "good" if digits >= _GOOD else "" if digits >= _POOR else "bad"


# ------------------------------------------------------------------ the flow


def _print_flow(solution: Solution, checkup: Checkup, rows: int, screen: Screen) -> None:
    """Print the size of the gradient by depth, as bars on a logarithmic scale."""
    name = checkup.answer.name
    most = min(rows, max(rows // 4, _FEWEST_BARS))
    levels = binned(checkup.flow.levels, most, checkup.answer.adjoints)
    if len(levels) < 2:
        return
    screen.line()
    screen.line([("The gradient by depth", "title"), (f": |∂{name}/∂node|, from {name} back", "")])
    for width, narrow in ((_BAR, False), (_SHORT_BAR, False), (_BAR, True), (_SHORT_BAR, True)):
        columns, cells = _levels(solution, checkup, levels, width, narrow, screen)
        if screen.fits(columns, cells, NARROW_GAP):
            break
    screen.table(columns, cells, NARROW_GAP)
    text = f"the longest distance from {name}, in edges along which something flows"
    screen.line([("depth: ", ""), (text, "dim")], 2)


def _levels(
    solution: Solution,
    checkup: Checkup,
    levels: Sequence[Level],
    width: int,
    narrow: bool,
    screen: Screen,
) -> tuple[list[Column], list[list[Words]]]:
    """Return a row for each level, with bars of a width; a narrow table names no nodes."""
    adjoints, names = checkup.answer.adjoints, solution.names
    sizes = [[abs(adjoints[k]) for k in (one.largest, one.smallest)] for one in levels]
    bars, scale = _bars([largest for largest, _ in sizes], width, screen)
    titles = ["depth", "nodes", "largest", "at", "smallest", "at", scale]
    cells: list[list[Words]] = []
    for one, (large, small), bar in zip(levels, sizes, bars, strict=True):
        single = one.largest == one.smallest
        line: list[Words] = [
            [(_range(one), "name")],
            [(f"{one.nodes:,}", "")],
            [(short(large, 3), "gradient")],
            [(names[one.largest], "")],
            [("" if single else short(small, 3), "")],
            [("" if single else names[one.smallest], "")],
            [(bar, "gradient")],
        ]
        cells.append(line)
    keep = [k for k in range(len(titles)) if not (narrow and titles[k] == "at")]
    return [Column(titles[k]) for k in keep], [[line[k] for k in keep] for line in cells]


def _range(level: Level) -> str:
    return f"{level.first}" if level.first == level.last else f"{level.first}–{level.last}"


def _bars(sizes: Sequence[float], width: int, screen: Screen) -> tuple[list[str], str]:
    """Return a bar for each size on a logarithmic scale, and the scale in words.

    The shortest bar is the smallest size, unless all lie within a decade; 0 has no bar.
    """
    logs = [math.log10(size) for size in sizes if 0 < size < math.inf] or [0.0]
    low, high = math.floor(min(logs)), math.ceil(max(logs))
    low = min(low, high - 1)
    sign = "█" if screen.can_draw else "#"
    made = []
    for size in sizes:
        length = width if size > 0 else 0
        if 0 < size < math.inf:
            share = (math.log10(size) - low) / (high - low)
            length = max(1, round(share * width))
        made.append(sign * length)
    ends = f"1e{low}", f"1e{high}"
    return made, f"{ends[0]}{' ' * max(width - len(ends[0]) - len(ends[1]), 1)}{ends[1]}"


# ------------------------------------------------------------------ the post-mortem


def _print_post_mortem(solution: Solution, death: PostMortem, rows: int, screen: Screen) -> None:
    """Print where the numbers that are not finite were born, in the order of the passes."""
    screen.line()
    screen.line([("Post-mortem", "title"), (": where numbers that are not finite were born", "")])
    events = death.events[:rows]
    columns = [Column(title) for title in ("pass", "at", "arithmetic", "what happened")]
    cells: list[list[Words]] = [
        [
            [(event.phase, "")],
            [(_place(solution, event), "name")],
            [(f"{pretty(event.sum)} = {human(event.result)}", "bad")],
            [(_told(event), "")],
        ]
        for event in events
    ]
    if screen.fits(columns, cells):
        screen.table(columns, cells)
        return
    below = [part for line in cells for part in (line[:3], [[], [], line[3]])]
    screen.table(columns[:3], below)


def _told(event: Event) -> str:
    """Return what happened, without the arithmetic, which stands beside it."""
    return readable(event.message.partition(f": {event.sum}")[0])


def _place(solution: Solution, event: Event) -> str:
    name = solution.names[event.node]
    return name if event.operand is None else f"{name} → {solution.names[event.operand]}"


# ------------------------------------------------------------------ the findings


def _print_findings(checkup: Checkup, rows: int, screen: Screen) -> None:
    """Print the findings, of each kind as many as there is room for."""
    screen.line()
    if not checkup.findings:
        screen.line(
            [("No findings: nothing vanishes, overflows or loses its digits here.", "good")]
        )
        return
    screen.line([("Findings", "title")])
    shown: dict[str, int] = {}
    counts: dict[str, int] = {}
    for finding in checkup.findings:
        counts[finding.code] = counts.get(finding.code, 0) + 1
    most = echo.few(rows)
    before: tuple[str, ...] = ()
    for finding in checkup.findings:
        shown[finding.code] = shown.get(finding.code, 0) + 1
        if shown[finding.code] <= most:
            _print_finding(finding, finding.details != before, screen)
            before = finding.details
        elif shown[finding.code] == most + 1:
            total = counts[finding.code]
            screen.line([(echo.left_out(total, most, finding.code, 10 * total), "dim")], 2)


def _print_finding(finding: Finding, at_length: bool, screen: Screen) -> None:
    style = "bad" if finding.code in _GRAVE else "name"
    screen.line([(finding.code, style), (": ", ""), (readable(finding.message), "")], 2)
    for detail in finding.details if at_length else ():
        screen.line([(readable(pretty(detail)), "dim")], 4)
