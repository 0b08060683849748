"""The drawing of a graph with characters: complete, within the screen, its wires where they belong."""

import io
import re

import pytest
from hypothesis import given, settings

from backprop_cli.render.console import Screen
from backprop_cli.render.graph.canvas import ASCII, DOWN, LEFT, RIGHT, UNICODE, UP, cell_width, cut
from backprop_cli.render.graph.diagram import Diagram
from backprop_cli.render.graph.table import print_rows
from backprop_cli.render.graph.text import _bands, print_graph, print_legend
from tests.graphs import LECTURES, ODD, Case, random_case, shown
from tests.strategies import programs

CASES = {**LECTURES, **ODD}
JOINED = {sign: k for k, sign in enumerate(UNICODE.wires) if sign != " "}
OPPOSITE = {UP: DOWN, DOWN: UP, LEFT: RIGHT, RIGHT: LEFT}
STEP = {UP: (-1, 0), DOWN: (1, 0), LEFT: (0, -1), RIGHT: (0, 1)}


class Narrow(io.StringIO):
    """A stream that encodes ASCII alone."""

    encoding = "ascii"


def screen(width: int = 1_000_000, ascii_only: bool = False, colour: bool = False) -> Screen:
    return Screen(Narrow() if ascii_only else io.StringIO(), width, colour)


def text(diagram: Diagram, on: Screen) -> str:
    assert print_graph(diagram, on)
    print_legend(diagram, True, on)
    return on.stream.getvalue()


# ------------------------------------------------------------------------------------- snapshots


@pytest.mark.parametrize(
    ("name", "width", "ascii_only"),
    [
        ("lecture", 80, False),
        ("lecture", 80, True),
        ("neuron", 80, False),
        ("two_layers", 80, False),
        ("two_layers", 140, False),
        ("mazur", 80, True),
        ("mazur", 140, False),
        ("choice", 80, False),
        ("choice", 80, True),
        ("undefined", 80, False),
        ("long_names", 80, False),
        ("chain", 80, False),
    ],
)
def test_drawings_look_as_they_did(name, width, ascii_only, matches_snapshot):
    look = "ascii" if ascii_only else "unicode"
    drawing = text(shown(CASES[name]), screen(width, ascii_only))
    matches_snapshot(f"graph_{name}_{width}_{look}", drawing)


# ------------------------------------------------------------------------------------- every case


@pytest.mark.parametrize("ascii_only", [False, True], ids=["unicode", "ascii"])
@pytest.mark.parametrize("width", [60, 80, 140])
@pytest.mark.parametrize("name", CASES)
def test_every_node_is_shown_within_the_screen(name, width, ascii_only):
    diagram, on = shown(CASES[name]), screen(width, ascii_only)
    if (name, width, ascii_only) == ("wide_sum", 60, True):
        assert not print_graph(diagram, on), "forty wires side by side are wider than this screen"
        return
    drawing = text(diagram, on)
    assert max(map(cell_width, drawing.splitlines())) <= width
    if ascii_only:
        assert drawing.isascii()
    shown_in = drawing.replace("...", "…") if ascii_only else drawing
    for item in diagram.items:
        start = cut(on.fit(item.name), 16)[:12]
        assert start in shown_in or item.kind == "comparison", item.name
        for part in (item.value, item.gradient):
            assert on.fit(part)[:10] in drawing, (item.name, part)
    if len(_bands(diagram, screen(width, ascii_only))) > 1:
        assert re.search(rf"folded at {width} columns into \d+ parts; every node is shown", drawing)


@pytest.mark.parametrize("name", ["lecture", "choice", "mazur"])
def test_colour_changes_nothing_but_colour(name):
    diagram = shown(CASES[name])
    coloured = text(diagram, screen(100, colour=True))
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == text(diagram, screen(100))
    for code, part in (("36", diagram.items[0].value), ("35", diagram.items[0].gradient)):
        assert re.search(rf"\x1b\[{code}m(← )?{re.escape(part)}", coloured)


def test_a_value_is_above_its_operation_and_the_gradient_below():
    rows = text(shown(LECTURES["lecture"]), screen(80)).splitlines()
    value, sign, gradient = (
        next(k for k, row in enumerate(rows) if part in row) for part in ("f = -10", "│    *    │", "← 1 ")
    )  # fmt: skip
    assert (sign, gradient) == (value + 1, value + 2)


# ------------------------------------------------------------------------------------- the wires


def reached_in_ascii(
    grid: dict[tuple[int, int], str], row: int, column: int
) -> set[tuple[int, int]]:
    """Return the cells where a wire ends, read by its looks alone: `+` joins what touches it."""
    ends, seen = set(), set()
    waiting = [(row, column + 1, RIGHT)]
    while waiting:
        row, column, going = waiting.pop()
        if (row, column, going) in seen:
            continue
        seen.add((row, column, going))
        sign = grid.get((row, column), " ")
        if going == RIGHT and (row, column) in CARDS:
            ends.add((row, column))
            continue
        assert sign in "-|+.[" or (row, column) in SLOPES, f"a wire breaks at {row}, {column}"
        ways = going
        if sign == "+":
            level = {way: grid.get((row, column + step), " ") for way, step in ((LEFT, -1), (RIGHT, 1))}  # fmt: skip
            upright = {
                way: grid.get((row + step, column), " ") for way, step in ((UP, -1), (DOWN, 1))
            }
            ways = sum(way for way, near in level.items() if near in "-+.[|")
            ways += sum(way for way, near in upright.items() if near in "|+")
            ways &= ~OPPOSITE[going]
        for way, (down, across) in STEP.items():
            if ways & way:
                waiting.append((row + down, column + across, way))
    return ends


def reached(grid: dict[tuple[int, int], str], row: int, column: int) -> set[tuple[int, int]]:
    """Return the cells where a wire ends that leaves a card at this cell to the right.

    Read as a person does: straight over a plain cross, every way at a branch, and on through
    brackets with a slope and through the dashes of an idle wire.
    """
    ends, seen = set(), set()
    waiting = [(row, column + 1, RIGHT)]
    while waiting:
        row, column, going = waiting.pop()
        if (row, column, going) in seen:
            continue
        seen.add((row, column, going))
        sign = grid.get((row, column), " ")
        if sign in "┤" and going == RIGHT and (row, column) in CARDS:
            ends.add((row, column))
            continue
        inside = sign in UNICODE.idle + "[]" or (row, column) in SLOPES
        if inside or sign == UNICODE.crossing:
            ways = going
        else:
            assert sign in JOINED, f"a wire runs into {sign!r} at {row}, {column}"
            assert JOINED[sign] & OPPOSITE[going], f"a wire breaks at {row}, {column}: {sign!r}"
            ways = JOINED[sign] & ~OPPOSITE[going]
        for way, (down, across) in STEP.items():
            if ways & way:
                waiting.append((row + down, column + across, way))
    return ends


CARDS: set[tuple[int, int]] = set()
SLOPES: set[tuple[int, int]] = set()


def check_wires(diagram: Diagram, width: int = 1_000_000, ascii_only: bool = False) -> int:
    """Follow every wire of every part of a drawing through its characters; return how many."""
    count = 0
    signs, follow = (ASCII, reached_in_ascii) if ascii_only else (UNICODE, reached)
    for band in _bands(diagram, screen(width, ascii_only)):
        grid: dict[tuple[int, int], str] = {}
        for row, words in enumerate(band.lines()):
            column = 0
            for part, _ in words:
                for letter in part:
                    grid[row, column] = letter
                    column += max(cell_width(letter), 0)
        CARDS.clear()
        SLOPES.clear()
        wanted: dict[int, set[tuple[int, int]]] = {}
        for item in band.items:
            k = band.places[item.node]
            x = band.cards_at[band.layout.columns[k]]
            for j, wire in enumerate(item.wires):
                row = int(band.layout.ports[k][j])
                assert grid[row, x] == signs.frame[7]
                CARDS.add((row, x))
                length = cell_width(band.cards[k].slopes[j])
                SLOPES.update((row, x - 1 - step) for step in range(1, length + 1))
                wanted.setdefault(band.places[wire.operand], set()).add((row, x))
                count += 1
        for source, ends in wanted.items():
            card = band.cards[source]
            right = band.cards_at[band.layout.columns[source]] + card.across - 1
            row = int(band.layout.outs[source])
            assert grid[row, right] in signs.frame[6] + signs.frame[4]
            assert follow(grid, row, right) == ends, diagram.title
    return count


looks = pytest.mark.parametrize("ascii_only", [False, True], ids=["unicode", "ascii"])


@looks
@pytest.mark.parametrize("width", [60, 80, 140, 1_000_000])
@pytest.mark.parametrize("name", CASES)
def test_every_wire_leads_from_its_operand_to_all_its_users_and_nowhere_else(
    name, width, ascii_only
):
    check_wires(shown(CASES[name]), width, ascii_only)


@pytest.mark.parametrize(("nodes", "seed"), [(n, s) for n in (15, 30, 60) for s in range(6)])
@pytest.mark.parametrize("width", [80, 1_000_000])
@looks
def test_wires_of_random_programs_lead_where_they_should(nodes, seed, width, ascii_only):
    assert check_wires(shown(random_case(nodes, seed)), width, ascii_only) > nodes / 2


@settings(max_examples=60, deadline=None)
@given(programs(9))
def test_wires_of_programs_of_every_operation_lead_where_they_should(program):
    for ascii_only in (False, True):
        check_wires(shown(Case(program.text, program.point)), 90, ascii_only)


def test_following_wires_bites():
    """A corner put where a crossing was sends a wire to the wrong card, or breaks it."""
    diagram = shown(LECTURES["mazur"])
    from backprop_cli.render.graph import canvas

    plain = canvas.UNICODE
    try:
        canvas.Canvas.lines, original = _with_corners(canvas.Canvas.lines), canvas.Canvas.lines
        with pytest.raises(AssertionError):
            check_wires(diagram)
    finally:
        canvas.Canvas.lines = original
        assert plain is canvas.UNICODE
    check_wires(diagram)


def _with_corners(lines):
    return lambda self: [[(part.replace("┼", "┐"), look) for part, look in words] for words in lines(self)]  # fmt: skip


def test_a_crossing_in_ascii_shows_which_wire_passes_behind():
    assert ASCII.crossing == "|"
    assert set("".join((ASCII.wires, *ASCII.frame, ASCII.idle, ASCII.arrow))) <= set(" |+-.>")


# ------------------------------------------------------------------------------------- the list


def test_a_list_has_every_node_with_what_it_reads():
    diagram, on = shown(LECTURES["mazur"]), screen()
    print_rows(diagram, 100, "41 nodes", on)
    lines = on.stream.getvalue().splitlines()
    assert len(lines) == 2 + len(diagram.items) + 1
    assert lines[-1] == "  listed, not drawn: 41 nodes"
    (h1,) = [line.split() for line in lines if line.split()[:1] == ["h1"]]
    assert h1 == ["h1", "sigmoid", "v4", "[0.241301]", "0.59327", "0.0363503"]


def test_a_list_counts_what_it_leaves_out():
    diagram, on = shown(LECTURES["mazur"]), screen()
    print_rows(diagram, 10, "41 nodes", on)
    assert "… 31 more nodes (--rows 41 shows them)" in on.stream.getvalue()


def test_a_sum_of_a_thousand_is_one_short_line():
    names = [f"x{k}" for k in range(1000)]
    diagram, on = shown(Case(f"sum({','.join(names)})", dict.fromkeys(names, 1.0))), screen()
    print_rows(diagram, 2000, "1,001 nodes", on)
    last = next(line for line in on.stream.getvalue().splitlines() if line.startswith("  f "))
    assert "x0 [1], x1 [1]" in last
    assert "more" in last
    assert len(last) < 4000


def test_a_screen_too_narrow_for_one_card_is_said():
    assert not print_graph(shown(LECTURES["mazur"]), screen(20))


def test_text_is_cut_to_cells():
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "ab…"
    assert cell_width(cut("変数変数変数", 5)) <= 5
