"""An ascent for people: its rows, its curve, its path over the contours, and what it came to.

Rows are thinned by the study; here they are laid out. The columns of the inputs are left out where
they would not fit, since the last line names the point in full.
"""

from collections.abc import Sequence

from backprop_cli.graph import Graph
from backprop_cli.language.printer import program_text
from backprop_cli.render import svg
from backprop_cli.render.console import Column, Screen, Words
from backprop_cli.render.echo import enumeration, left_out
from backprop_cli.render.numbers import aligned, human, short
from backprop_cli.render.plots import COLOURS, Frame, Series, axis, print_plot
from backprop_cli.render.scales import needs_decades
from backprop_cli.studies.ascent import Outcome, Settings, Step
from backprop_cli.studies.climbs import Record, Tally
from backprop_cli.studies.contour import Contour
from backprop_cli.studies.data import Data

_MOST_ROWS = 20
_FEW_DIGITS = 5
_SPARKS = "▁▂▃▄▅▆▇█"
_PLAIN_SPARKS = "_.-~=+*#"
_SPARK_WIDTH = 40
_FEWEST_FOR_PLOT = 5
_LETTERS = "fgopqrst"
_STOPPED = {
    "gradient": "the gradient is as small as was asked for",
    "no-progress": "no step changes anything any more",
    "not-finite": "the next step is not finite; this is the last good point",
}


def print_data(data: Data, path: str, name: str, screen: Screen) -> None:
    """Print what the data bind."""
    rows = "1 row" if data.size == 1 else f"{data.size:,} rows"
    text = f"{name} is the mean over {rows} of {path}, which bind {', '.join(data.names)}"
    if data.ignored:
        text += f" (ignored: {enumeration(data.ignored, 6)})"
    screen.line([(text, "dim")])


def print_climb(record: Record, name: str, rows: int, seed: int | None, screen: Screen) -> None:
    """Print the rows of one climb, and below them its curve in one line and its end.

    `name` is what is climbed; `seed` repeats the random numbers, where some were drawn.
    """
    shown = record.shown(_MOST_ROWS)
    screen.line()
    screen.line([(_title(record.climb.settings), "title")])
    by_number = bool(record.rows) and _print_rows(record, name, shown[:rows], screen)
    if len(shown) > rows:
        screen.line([(left_out(len(shown), rows, "rows"), "dim")], 2)
    if len(record.rows) > 1:
        screen.line(
            [(f"{name}  ", "dim"), (_sparkline(record, screen), "value"), *_ends(record)], 2
        )
    for place, (remark, tally) in enumerate(record.tallies.items(), 1):
        mark = f"[{place}] " if by_number else ""
        screen.line([(mark + _counted(remark, tally), "dim")], 2)
    if seed is not None:
        screen.line([(f"--seed {seed} repeats these random numbers", "dim")], 2)
    screen.line(_conclusion(record, name))


def _title(settings: Settings) -> str:
    """Return how the climb was made, in one line."""
    verb = "Descent" if settings.descend else "Ascent"
    parts = [f"{verb} by {settings.label}"]
    if settings.method == "gradient" and settings.optimizer.name != "gradient":
        parts.append(settings.optimizer.formula)
    if settings.line_search:
        parts.append("backtracking line search")
    if settings.sequential:
        parts.append("each input uses the new values of those before it")
    return f"{parts[0]}: {', '.join([f'step size {human(settings.step)}', *parts[1:]])}"


def _print_rows(record: Record, name: str, rows: Sequence[Step], screen: Screen) -> bool:
    """Print the rows in the widest form that fits; return whether remarks stand there by number.

    On a narrow screen remarks become the numbers under which they are counted below; then the
    ratio goes, then the inputs.
    """
    inputs = [
        (input_name, aligned(human(row.point[k]) for row in rows), "value")
        for k, input_name in enumerate(record.climb.objective.names)
    ]
    ratios = ("ratio", aligned(_ratio(row) for row in rows), "")
    numbers = [
        (name, aligned(human(row.value) for row in rows), "value"),
        (f"‖∇{name}‖", aligned(_brief(row.norm) for row in rows), "gradient"),
        ("predicted", aligned(_brief(row.predicted) for row in rows), ""),
        ("gain", aligned(_brief(row.actual) for row in rows), ""),
    ]
    ragged = [(title, [text.strip() for text in texts], style) for title, texts, style in numbers]
    forms = [
        (by_number, parts)
        for parts in (
            [*inputs, *numbers, ratios],
            [*inputs, *numbers],
            [*numbers, ratios],
            numbers,
            ragged,
        )
        for by_number in (False, True)
    ]
    for by_number, parts in forms:
        columns = ["step", *(title for title, _, _ in parts)]
        cells: list[list[Words]] = [
            [
                [(f"{row.number:,}", "name")],
                *([(texts[place], style)] for _, texts, style in parts),
            ]
            for place, row in enumerate(rows)
        ]
        if any(row.remarks for row in rows):
            columns.append("remark")
            for line, row in zip(cells, rows, strict=True):
                line.append([(_remark(row, record, by_number), _style(row))])
        if screen.fits([Column(title) for title in columns], cells):
            break
    screen.table([Column(title) for title in columns], cells)
    return by_number


def _remark(row: Step, record: Record, by_number: bool) -> str:
    if not by_number:
        return "; ".join(row.remarks)
    known = list(record.tallies)
    return " ".join(f"[{known.index(remark) + 1}]" for remark in row.remarks)


def _style(row: Step) -> str:
    worse = any("worse" in remark or "unbounded" in remark for remark in row.remarks)
    return "bad" if worse else "dim"


def _brief(value: float | None) -> str:
    return "" if value is None else short(value, _FEW_DIGITS)


def _ratio(row: Step) -> str:
    return "" if row.ratio is None else format(row.ratio, ".4f")


def _sparkline(record: Record, screen: Screen) -> str:
    values = [value for _, value in record.curve()]
    stride = -(-len(values) // _SPARK_WIDTH)
    chosen = [*values[:-1:stride], values[-1]]
    low, high = min(chosen), max(chosen)
    signs = _SPARKS if screen.can_draw else _PLAIN_SPARKS
    if not high > low:
        return signs[0] * len(chosen)
    # Halves, because the distance of two finite numbers may be infinite.
    width = high / 2 - low / 2
    return "".join(signs[int((v / 2 - low / 2) / width * (len(signs) - 1))] for v in chosen)


def _ends(record: Record) -> Words:
    first, last = record.rows[0].value, record.outcome.last.value
    return [(f"  {human(first)} → {human(last)}", "")]


def _counted(remark: str, tally: Tally) -> str:
    times = "once" if tally.times == 1 else f"{tally.times:,} times"
    return f"{remark}: {times}, first at step {tally.first:,}"


def _conclusion(record: Record, name: str) -> Words:
    outcome = record.outcome
    if not record.rows:
        return [(f"{name} cannot be followed from where it starts.", "bad")]
    steps = _many(outcome.last.number, "step")
    style = "bad" if outcome.stopped == "not-finite" else "good"
    why = "the gradient is 0" if outcome.last.norm == 0 else _STOPPED.get(outcome.stopped, "")
    end = f"Stopped: {why}. " if outcome.stopped in _STOPPED else ""
    pairs = zip(record.climb.objective.names, outcome.last.point, strict=True)
    at = ", ".join(f"{input_name} = {human(value)}" for input_name, value in pairs)
    return [
        (f"{end}After {steps}, {_spent(outcome)}: ", ""),
        (f"{name} = {human(outcome.last.value)}", style),
        (f" at {at}", ""),
    ]


def _spent(outcome: Outcome) -> str:
    """Return what the climb cost, in words."""
    parts = [_many(outcome.evaluations, "evaluation"), _many(outcome.sweeps, "reverse sweep")]
    return " and ".join(part for part in parts if not part.startswith("0"))


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def print_race(records: Sequence[Record], name: str, screen: Screen) -> None:
    """Print how several climbs from the same start compare."""
    screen.line()
    settings = records[0].climb.settings
    what = "depth" if settings.descend else "height"
    screen.line([(f"The race: what was spent, and the {what} gained", "title")])
    gains = aligned(_brief(record.gain) for record in records)
    values = aligned(human(record.outcome.last.value) for record in records)
    ahead = max(record.gain for record in records)
    titles = ["", "steps", "evaluations", "sweeps", name, "gained", "stopped"]
    rows = [
        [
            [(record.label, "name")],
            [(f"{record.outcome.last.number:,}", "")],
            [(f"{record.outcome.evaluations:,}", "")],
            [(f"{record.outcome.sweeps:,}", "")],
            [(values[place], "value")],
            [(gains[place], "good" if record.gain == ahead else "")],
            [(record.outcome.stopped, "dim")],
        ]
        for place, record in enumerate(records)
    ]
    screen.table([Column(title) for title in titles], rows)
    first = max(records, key=lambda record: record.gain)
    screen.line([(f"{first.label} gained most: {_brief(first.gain)}.", "good")])


def print_curves(records: Sequence[Record], name: str, screen: Screen) -> None:
    """Plot f against steps, if there are enough of them to see anything."""
    if max(len(record.curve()) for record in records) < _FEWEST_FOR_PLOT:
        return
    screen.line()
    series = [
        Series(record.label or name, record.curve(), letter)
        for record, letter in zip(records, letters(records), strict=True)
    ]
    log = needs_decades(y for one in series for _, y in one.points)
    print_plot(series, screen, f"{name} against steps", "step", "", log_y=log)


def letters(records: Sequence[Record]) -> list[str]:
    """Return a letter for each climb: the first of its name that is free."""
    found: list[str] = []
    for record in records:
        free = [sign for sign in record.label + _LETTERS if sign not in found]
        found.append(free[0])
    return found


def print_map(
    records: Sequence[Record], contours: Sequence[Contour], name: str, screen: Screen
) -> None:
    """Draw the paths of climbs of two inputs over the contours of f."""
    segments = [segment for contour in contours for segment in contour.lines]
    paths = [record.path() for record in records]
    everything = [point for segment in segments for point in segment]
    everything += [point for path in paths for point in path]
    names = records[0].climb.objective.names
    x = axis(names[0], [point[0] for point in everything])
    y = axis(names[1], [point[1] for point in everything])
    frame = Frame(screen, x, y, 18)
    for segment in segments:
        frame.line(segment, "bright_black", ".")
    marks = letters(records)
    for place, path in enumerate(paths):
        colour = COLOURS[place % len(COLOURS)]
        frame.line(path, colour, marks[place])
        for point in path[1:-1]:
            frame.mark(point, marks[place], colour)
        frame.mark(path[-1], "X", colour)
    frame.mark(paths[0][0], "O", COLOURS[0])
    legend = ["O start", "X end"]
    if len(records) > 1:
        pairs = zip(marks, records, strict=True)
        legend += [f"{mark} {record.label}" for mark, record in pairs]
    screen.line()
    title = f"The path over the contours of {name} ({names[1]} against {names[0]})"
    frame.print(title, "   ".join(legend))


def picture(records: Sequence[Record], contours: Sequence[Contour], name: str, graph: Graph) -> str:
    """Return a picture as SVG: paths over the contours of two inputs, else curves of f."""
    title, names = program_text(graph), records[0].climb.objective.names
    if len(names) == 2:
        paths = [svg.Curve(record.label or "path", record.path()) for record in records]
        return svg.contour_svg(title, names[0], names[1], contours, paths)
    curves = [svg.Curve(record.label or name, record.curve()) for record in records]
    log = needs_decades(y for curve in curves for _, y in curve.points)
    return svg.curve_svg(title, "step", name, curves, log)
