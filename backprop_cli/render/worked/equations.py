"""Equations on a page: which part of a chain stands on which line, for LaTeX and for Markdown.

A chain that fits is one line, `x &= a + b = 2 + 3 = 5`. One that does not has a line for each of
its sides under one another; and a side that is wider than a line goes on, indented, before an
operator. Lines are aligned at the `&`.
"""

from collections.abc import Iterable, Iterator

from backprop_cli.readings.latex import BREAK, Chunk, Notation, Setting
from backprop_cli.render.worked.parts import Equation, Worked

_EQUALS = 3
_INDENT = 4


def notation_names(made: Worked) -> Iterator[str]:
    """Yield every name that formulas of a worked solution may contain."""
    yield from made.solution.point
    yield from made.solution.wrt
    nodes = {*made.solution.wrt.values(), *(row.node for row in made.forward)}
    for output in made.outputs:
        yield output.answer.name
        nodes.update(part.node for part in output.contributions)
        nodes.update(part.operand for part in output.contributions)
        nodes.update(branch.operand for branch in output.branches)
    graph = made.solution.graph
    for row in made.forward:
        nodes.update(graph.operands_of(row.node))
    names = made.solution.names
    yield from (names[node] for node in sorted(nodes) if names[node].isidentifier())
    yield from graph.labels.values()
    yield from graph.names
    yield from made.solution.asked


def lines(notation: Notation, equation: Equation, width: int) -> list[str]:
    """Return the lines of a chain of equalities, each with its `&`, without their ends."""
    first, *sides = [notation.set(part) for part in equation]
    if not sides:
        return _folded("&", first, width)
    whole = first.width + sum(_EQUALS + side.width for side in sides)
    if whole <= width:
        return [f"{first.text} &= {' = '.join(side.text for side in sides)}"]
    made: list[str] = []
    room = width - min(first.width, width // 2)
    for place, side in enumerate(sides):
        lead = f"{first.text} &= " if place == 0 else "&= "
        made += _folded(lead, side, room)
    return made


def _folded(lead: str, setting: Setting, width: int) -> list[str]:
    """Return one side on as many lines as it takes; a chunk is never divided."""
    made: list[str] = []
    line: list[Chunk] = []
    used = 0
    chunks = list(setting.chunks)
    for place, chunk in enumerate(chunks):
        if line and used + _ahead(chunks, place, width - _INDENT) > width:
            made.append(_line(lead if not made else r"&\qquad ", line))
            line, used = [], _INDENT
        line.append(chunk)
        used += chunk.width
    return [*made, _line(lead if not made else r"&\qquad ", line)]


def _ahead(chunks: list[Chunk], place: int, width: int) -> int:
    """Return the width of what should stand together from here on: a long number, if it fits."""
    inside = place > 0 and chunks[place - 1].text.endswith(BREAK)
    total = chunks[place].width
    while not inside and chunks[place].text.endswith(BREAK) and place + 1 < len(chunks):
        place += 1
        total += chunks[place].width
    return total if total <= width else chunks[place].width


def _line(lead: str, chunks: Iterable[Chunk]) -> str:
    return lead + " ".join(chunk.text for chunk in chunks)
