"""An ascent for people: its rows, its curve, its path over the contours, and what it came to.

Rows are thinned by the study and laid out in `ascent_rows`; what a table leaves out is said.
"""

from collections.abc import Iterator, Sequence

from backprop_cli.graph import Graph
from backprop_cli.language.printer import program_text
from backprop_cli.render import svg
from backprop_cli.render.ascent_rows import Shown, brief, print_rows
from backprop_cli.render.console import Column, Screen, Words
from backprop_cli.render.echo import enumeration, left_out
from backprop_cli.render.numbers import aligned, human
from backprop_cli.render.plots import COLOURS, Frame, Series, axis, print_plot
from backprop_cli.render.scales import needs_decades
from backprop_cli.studies.climbing.ascent import Outcome, Step
from backprop_cli.studies.climbing.climbs import Record, Tally
from backprop_cli.studies.climbing.contour import Contour
from backprop_cli.studies.climbing.settings import Settings
from backprop_cli.studies.data import Data
from backprop_cli.studies.words import counted, ordinal

_MOST_ROWS = 20
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
    table = Shown(False, 0)
    if record.rows:
        table = print_rows(record, name, _within(shown, rows), screen)
    for text in _left_out(record, table, len(shown), rows):
        screen.line([(text, "dim")], 2)
    if len(record.rows) > 1:
        screen.line(
            [(f"{name}  ", "dim"), (_sparkline(record, screen), "value"), *_ends(record)], 2
        )
    for place, (remark, tally) in enumerate(record.tallies.items(), 1):
        mark = f"[{place}] " if table.by_number else ""
        screen.line([(mark + _counted(remark, tally), "dim")], 2)
    if seed is not None:
        screen.line([(f"--seed {seed} repeats these random numbers", "dim")], 2)
    screen.line(_conclusion(record, name, rows))


def _within(shown: list[Step], rows: int) -> list[Step]:
    """Return at most so many rows, the last always among them."""
    return shown if len(shown) <= rows else [*shown[: rows - 1], shown[-1]]


def _left_out(record: Record, table: Shown, shown: int, rows: int) -> Iterator[str]:
    """Yield what the table does not show."""
    spacing = record.spacing(_MOST_ROWS)
    last = record.outcome.last.number
    if spacing > 1 and last > spacing:
        more = "" if record.every else "; --every 1 shows all"
        yield f"every {ordinal(spacing - 1)} row of {last + 1:,}{more}"
    total = last // spacing + 1 + (last % spacing > 0) if record.every else shown
    if total > rows:
        yield left_out(total, rows, "rows")
    if table.hidden:
        names = "the input has" if table.hidden == 1 else f"the {table.hidden:,} inputs have"
        yield f"{names} no column here; csv and json have all"


def _title(settings: Settings) -> str:
    """Return how the climb was made, in one line."""
    verb = "Descent" if settings.descend else "Ascent"
    parts = [f"{verb} by {settings.label}"]
    if settings.method == "gradient" and settings.optimizer.name != "gradient":
        parts.append(settings.optimizer.formula)
    if settings.line_search:
        parts.append("backtracking line search")
    if settings.sequential and settings.method != "random":
        parts.append("each input uses the new values of those before it")
    return f"{parts[0]}: {', '.join([f'step size {human(settings.step)}', *parts[1:]])}"


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


def _conclusion(record: Record, name: str, rows: int) -> Words:
    outcome = record.outcome
    if not record.rows:
        return [(f"{name} cannot be followed from where it starts.", "bad")]
    steps = counted(outcome.last.number, "step")
    style = "bad" if outcome.stopped == "not-finite" else "good"
    end = f"Stopped: {_why(record)}. " if outcome.stopped in _STOPPED else ""
    pairs = zip(record.climb.objective.names, outcome.last.point, strict=True)
    at = enumeration((f"{key} = {human(value)}" for key, value in pairs), rows)
    return [
        (f"{end}After {steps}, {_spent(outcome)}: ", ""),
        (f"{name} = {human(outcome.last.value)}", style),
        (f" at {at}", ""),
    ]


def _why(record: Record) -> str:
    """Return why a climb ended before its steps were done."""
    outcome = record.outcome
    if outcome.last.norm == 0 and outcome.stopped != "not-finite":
        return "the gradient is 0"
    if outcome.stopped == "no-progress" and record.climb.settings.line_search:
        return "the line search finds no better place"
    return _STOPPED[outcome.stopped]


def _spent(outcome: Outcome) -> str:
    """Return what the climb cost, in words."""
    parts = [counted(outcome.evaluations, "evaluation"), counted(outcome.sweeps, "reverse sweep")]
    return " and ".join(part for part in parts if not part.startswith("0"))


def print_race(records: Sequence[Record], name: str, screen: Screen) -> None:
    """Print how several climbs from the same start compare."""
    screen.line()
    settings = records[0].climb.settings
    what = "depth" if settings.descend else "height"
    screen.line([(f"The race: what was spent, and the {what} gained", "title")])
    gains = aligned(brief(record.gain) for record in records)
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
            [(gains[place], "good" if record.gain == ahead > 0 else "")],
            [(record.outcome.stopped, "dim")],
        ]
        for place, record in enumerate(records)
    ]
    screen.table([Column(title) for title in titles], rows)
    screen.line([(_winner(records, ahead), "good")])


def _winner(records: Sequence[Record], ahead: float) -> str:
    """Return who gained most, if anyone gained."""
    first = [record.label for record in records if record.gain == ahead]
    if not ahead > 0:
        return "None of them gained."
    if len(first) > 1:
        return f"{' and '.join(first)} gained the same: {brief(ahead)}."
    return f"{first[0]} gained most: {brief(ahead)}."


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
