"""How a program and its point are repeated above every answer, so that a misreading shows.

Long ones are shortened, with a count of what is left out; and this is where the words for "what
is left out" live, so that every table uses the same.
"""

from collections.abc import Iterable, Iterator
from itertools import islice

from backprop_cli.language.printer import statements, with_name
from backprop_cli.render.console import Screen
from backprop_cli.render.numbers import human
from backprop_cli.studies.solution import Solution

_BETWEEN = ";  "
_GAP = "     "
_CHARACTERS_A_ROW = 8


def few(rows: int) -> int:
    """Return how many parts of one line or one node are shown, when `rows` rows are."""
    return max(rows // 10, 6)


def left_out(total: int, shown: int, what: str, rows: int | None = None) -> str:
    """Return the words for what a limit leaves out: `… 9,900 more nodes (--rows ...)`."""
    show_all = total if rows is None else rows
    return f"… {total - shown:,} more {what} (--rows {show_all} shows them)"


def head(solution: Solution, rows: int, screen: Screen) -> None:
    """Write how the program was read, and where it is looked at."""
    texts = list(_program(solution, rows))
    point = _point(solution, rows)
    line = _BETWEEN.join(texts)
    if screen.width < len(line) + len(_GAP) + len("at ") + len(point):
        for text in [line] if len(line) <= min(screen.width, 100) else texts:
            screen.line([(text, "title")])
        if point:
            screen.line([("at ", "dim"), (point, "")])
    else:
        at = [(f"{_GAP}at ", "dim"), (point, "")] if point else []
        screen.line([(line, "title"), *at])


def _program(solution: Solution, rows: int) -> Iterator[str]:
    """Yield the statements as tables show them; an unnamed output by its name."""
    graph = solution.graph
    limit = rows * _CHARACTERS_A_ROW
    written = statements(graph, solution.names, limit, solution.asked)
    total = 0
    last = ""
    for total, text in enumerate(written, 1):
        if total > 1 and total <= rows:
            yield last
        last = text
    if total > rows:
        yield left_out(total - 1, rows - 1, "statements", total)
    if solution.answers and len(solution.answers) == 1:
        last = with_name(last, solution.answers[0].name)
    if last.endswith(" …"):
        last += f" ({graph.size:,} nodes)"
    yield last


def _point(solution: Solution, rows: int) -> str:
    shown = 2 * few(rows)
    parts = [
        f"{name} = {human(value, solution.arithmetic)}"
        for name, value in islice(solution.point.items(), shown)
    ]
    if len(solution.point) > shown:
        total = len(solution.point)
        parts.append(left_out(total, shown, "inputs", 5 * total))
    return ", ".join(parts)


def enumeration(names: Iterable[str], most: int) -> str:
    """Return names separated by commas; of many, the first and a count."""
    names = list(names)
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most:,} more"
