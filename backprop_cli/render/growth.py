"""How the cost of a gradient grows with the number of inputs, for people: two tables and a plot."""

from collections.abc import Callable, Sequence

from backprop_cli.render.console import Column, Screen, Words
from backprop_cli.render.echo import left_out
from backprop_cli.render.modes import MISSING, label
from backprop_cli.render.numbers import duration
from backprop_cli.render.plots import Series, print_plot
from backprop_cli.studies.comparing.growth import FAMILY, GROWING, Crossover, Member, Price

_MARKERS = dict(zip(GROWING, "rfdci", strict=True))
_THOUSAND = 1000.0


def print_growth(
    members: Sequence[Member], crossover: Crossover, rows: int, screen: Screen
) -> None:
    """Print what each mode costs at each size, the plot, and where the modes cross."""
    screen.line([("Growth", "title"), (f": the gradient of {FAMILY}, for n inputs", "")])
    _print_table("Counted, in evaluations of f", members, _ratio, rows, screen)
    _print_table("Timed", members, _time, rows, screen)
    for reason in dict.fromkeys(price.skipped for one in members for price in one.prices):
        if reason:
            screen.line([(f"{MISSING}: {reason}", "dim")], 2)
    _print_curves(members, screen)
    screen.line([(crossover.sentence, "good")])


def _ratio(price: Price) -> str:
    if price.ratio is None:
        return MISSING
    digits = 0 if price.ratio >= _THOUSAND else 1
    return f"{price.ratio:,.{digits}f}"


def _time(price: Price) -> str:
    return MISSING if price.seconds is None else duration(price.seconds).strip()


def _print_table(
    what: str,
    members: Sequence[Member],
    text: Callable[[Price], str],
    rows: int,
    screen: Screen,
) -> None:
    """Print a row for each mode and a column for each size; where that is too wide, turned."""
    screen.line()
    screen.line([(what, "title")])
    sizes = [f"{one.inputs:,}" for one in members]
    modes = [label(mode, short=True) for mode in GROWING]
    cells = [[text(one.price(mode)) for one in members] for mode in GROWING]
    columns, made = _table(["mode", *(f"n = {size}" for size in sizes)], modes, cells)
    if not screen.fits(columns, made):
        turned = [list(column) for column in zip(*cells, strict=True)]
        columns, made = _table(["n", *modes], sizes, turned)
    screen.table(columns, made[:rows])
    if len(made) > rows:
        screen.line([(left_out(len(made), rows, "rows"), "dim")], 2)


def _table(
    titles: Sequence[str], names: Sequence[str], cells: Sequence[Sequence[str]]
) -> tuple[list[Column], list[list[Words]]]:
    """Return a table whose numbers, and the headings over them, end in the same column."""
    widths = [max(map(len, column)) for column in zip(titles[1:], *cells, strict=True)]
    columns = [f"{title:>{width}}" for title, width in zip(titles[1:], widths, strict=True)]
    made: list[list[Words]] = [
        [
            [(name, "name")],
            *([(f"{text:>{width}}", "")] for text, width in zip(line, widths, strict=True)),
        ]
        for name, line in zip(names, cells, strict=True)
    ]
    return [Column(titles[0]), *map(Column, columns)], made


def _print_curves(members: Sequence[Member], screen: Screen) -> None:
    """Plot the counted cost against the size, if there is more than one size."""
    if len(members) < 2:
        return
    series = [
        Series(label(mode, short=True), _points(members, mode), _MARKERS[mode])
        for mode in GROWING
        if _points(members, mode)
    ]
    screen.line()
    title = "The cost of the gradient, in evaluations of f"
    print_plot(series, screen, title, "inputs", "", log_x=True, log_y=True)


def _points(members: Sequence[Member], mode: str) -> list[tuple[float, float]]:
    return [
        (float(one.inputs), price.ratio)
        for one in members
        if (price := one.price(mode)).ratio is not None
    ]
