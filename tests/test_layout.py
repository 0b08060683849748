"""The layout keeps its promises: order, distances, straight wires, few crossings; so do channels."""

import math
import random
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop_cli.render.graph.channels import Net, routed
from backprop_cli.render.graph.layout import Box, Placement, placed
from backprop_cli.render.graph.ordering import Columns, ordered

GAP, LANE = 2.0, 3.0


def box(*operands: int, height: float = 5.0, symmetric: bool = False) -> Box:
    ports = tuple(1.0 + 2.0 * k for k in range(len(operands)))
    height = max(height, 2.0 * len(operands) + 1)
    return Box(height, math.floor(height / 2), operands, ports, symmetric)


@st.composite
def graphs(draw: st.DrawFn) -> list[Box]:
    """Boxes of several sizes that read earlier ones, some the same one twice."""
    boxes: list[Box] = []
    for k in range(draw(st.integers(1, 24))):
        reads = draw(st.lists(st.integers(0, k - 1), max_size=4)) if k else []
        height = draw(st.sampled_from([3.0, 5.0, 9.0]))
        boxes.append(box(*reads, height=height, symmetric=draw(st.booleans())))
    return boxes


def occupied(
    boxes: list[Box], made: Placement, lane: float, middle: float
) -> dict[int, list[tuple[float, float]]]:
    """Return what stands in each column, boxes and lanes, as (top, bottom)."""
    found: dict[int, list[tuple[float, float]]] = {}
    for k, one in enumerate(boxes):
        found.setdefault(made.columns[k], []).append((made.tops[k], made.tops[k] + one.height))
        for step, height in enumerate(made.lanes[k], made.columns[k] + 1):
            found.setdefault(step, []).append((height - middle, height - middle + lane))
    return found


@settings(max_examples=150, deadline=None)
@given(graphs(), st.sampled_from([(0.0, LANE, LANE / 2), (1.0, 1.0, 0.0)]))
def test_nothing_in_a_column_is_nearer_than_the_gap(boxes, looks):
    grid, lane, middle = looks
    made = placed(boxes, GAP, lane, grid)
    for standing in occupied(boxes, made, lane, middle).values():
        for (_, bottom), (top, _) in pairwise(sorted(standing)):
            assert top - bottom >= GAP - 1e-9
    assert min(made.tops) >= 0
    assert made.height >= max(top + one.height for top, one in zip(made.tops, boxes, strict=True))


@settings(max_examples=100, deadline=None)
@given(graphs())
def test_operands_stand_in_earlier_columns_and_wires_have_a_lane_in_each_between(boxes):
    made = placed(boxes, GAP, LANE)
    for k, one in enumerate(boxes):
        for operand in one.operands:
            assert made.columns[operand] < made.columns[k]
            assert len(made.lanes[operand]) >= made.columns[k] - made.columns[operand] - 1
        if one.operands:
            latest = max(made.columns[operand] for operand in one.operands)
            idle = any(not boxes[operand].operands for operand in one.operands)
            assert made.columns[k] == latest + 1 or idle


@settings(max_examples=100, deadline=None)
@given(graphs())
def test_wires_enter_at_the_ports_in_order_unless_the_operation_is_symmetric(boxes):
    made = placed(boxes, GAP, LANE)
    for k, one in enumerate(boxes):
        entered = [height - made.tops[k] for height in made.ports[k]]
        assert sorted(entered) == pytest.approx(one.ports)
        if not one.symmetric:
            assert entered == pytest.approx(list(one.ports))


@settings(max_examples=50, deadline=None)
@given(graphs())
def test_on_a_grid_every_height_is_whole(boxes):
    made = placed(boxes, 1.0, 1.0, 1.0)
    heights = [*made.tops, *made.outs, *(height for lane in made.lanes for height in lane)]
    assert all(height == int(height) for height in heights)


@settings(max_examples=40, deadline=None)
@given(graphs())
def test_the_same_graph_is_placed_the_same(boxes):
    assert placed(boxes, GAP, LANE) == placed(list(boxes), GAP, LANE)


def test_a_chain_is_straight():
    made = placed([box(*([k - 1] if k else [])) for k in range(50)], GAP, LANE)
    assert made.columns == list(range(50))
    assert all(entry[0] == out for entry, out in zip(made.ports[1:], made.outs, strict=False))


def test_the_inputs_of_a_lecture_stand_in_the_first_column():
    """(a+b)*(b+c): a, b, c; then both sums; then the product."""
    boxes = [box(), box(), box(0, 1), box(), box(1, 3), box(2, 4)]
    assert placed(boxes, GAP, LANE).columns == [0, 0, 1, 0, 1, 2]


def test_inputs_that_would_wait_long_stand_before_their_users():
    """A Horner scheme of ten coefficients: each beside the sum that reads it."""
    boxes = [box()]
    for _ in range(10):
        boxes += [box(), box(len(boxes) - 1, len(boxes))]
    columns = placed(boxes, GAP, LANE).columns
    users = {operand: k for k, one in reversed(list(enumerate(boxes))) for operand in one.operands}
    for k, one in enumerate(boxes):
        if not one.operands:
            assert columns[k] == columns[users[k]] - 1


# ------------------------------------------------------------------------------------ crossings


def crossings(columns: Columns, symmetric: list[bool]) -> int:
    """Return how many pairs of wires cross, looking at every pair."""
    total = 0
    ends = []
    for item, sources in enumerate(columns.sources):
        fixed = item >= len(symmetric) or not symmetric[item]
        for j, source in enumerate(sources):
            port = (j + 1) / (len(sources) + 1) if fixed else 0.5
            ends.append((source, columns.places[source], columns.places[item] + port))
    column_of = {item: k for k, column in enumerate(columns.order) for item in column}
    for (one, a, b), (other, c, d) in combinations(ends, 2):
        if column_of[one] == column_of[other]:
            total += (a - c) * (b - d) < 0
    return total


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_crossings_are_counted_as_by_looking_at_every_pair(boxes):
    from backprop_cli.render.graph.ordering import _Sorter

    symmetric = [one.symmetric for one in boxes]
    columns = ordered([one.operands for one in boxes], symmetric)
    assert _Sorter(columns, symmetric).crossings() == crossings(columns, symmetric)


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_the_order_never_crosses_more_than_that_of_evaluation(boxes):
    from backprop_cli.render.graph.ordering import _columns

    operands, symmetric = [one.operands for one in boxes], [one.symmetric for one in boxes]
    start, end = _columns(operands), ordered(operands, symmetric)
    assert crossings(end, symmetric) <= crossings(start, symmetric)
    assert [sorted(column) for column in end.order] == [sorted(column) for column in start.order]


@pytest.mark.parametrize("seed", range(20))
def test_a_tree_has_no_crossing(seed):
    rng = random.Random(seed)
    boxes: list[Box] = []
    open_ends: list[int] = []
    for _ in range(60):
        count = rng.choice([0, 0, 1, 2, 3]) if len(open_ends) > 3 else 0
        reads = open_ends[len(open_ends) - count :]
        del open_ends[len(open_ends) - count :]
        open_ends.append(len(boxes))
        boxes.append(box(*reads))
    columns = ordered([one.operands for one in boxes], [False] * len(boxes))
    assert crossings(columns, [False] * len(boxes)) == 0


def test_a_long_wire_goes_around():
    """(y - (a*b + c*d))^2: y is read last and drawn first, where its wire meets none."""
    boxes = [box(), box(), box(0, 1), box(), box(), box(3, 4), box(2, 5), box(), box(7, 6), box(8)]
    boxes = [*boxes[:7], box(), box(7, 6), box(8)]
    columns = ordered([one.operands for one in boxes], [False] * len(boxes))
    assert crossings(columns, [False] * len(boxes)) == 0


# ------------------------------------------------------------------------------------- channels


@st.composite
def channels(draw: st.DrawFn) -> list[Net]:
    """Wires with a height of their own on the left, and heights of their own on the right."""
    lefts = draw(st.lists(st.integers(0, 30), min_size=1, max_size=9, unique=True))
    rights = draw(st.permutations(range(31)))
    nets, at = [], 0
    for owner, left in enumerate(lefts):
        count = draw(st.integers(1, 3))
        nets.append(Net(owner, left, tuple(rights[at : at + count])))
        at += count
    return nets


@settings(max_examples=300, deadline=None)
@given(channels())
def test_wires_in_a_channel_arrive_and_share_no_piece(nets):
    """Each wire joins its left end to all its right ends, and no two lie on one another."""
    parts, tracks = routed(nets)
    taken: dict[tuple[str, int, int], int] = {}

    def take(owner: int, kind: str, along: int, start: int, end: int) -> None:
        for place in range(min(start, end), max(start, end)):
            assert taken.setdefault((kind, along, place), owner) == owner, (kind, along, place)

    reached: dict[int, set[int]] = {}
    for part in parts:
        net = part.net
        if part.track < 0:
            take(net.owner, "across", net.left, -1, tracks)
            reached.setdefault(net.owner, set()).update(net.rights)
            continue
        assert 0 <= part.track < tracks
        take(net.owner, "across", net.left, part.start, part.track)
        take(net.owner, "down", part.track, *net.span)
        if part.end < 0:
            reached.setdefault(net.owner, set()).update(net.rights)
            for right in net.rights:
                take(net.owner, "across", right, part.track, tracks)
    assert reached == {net.owner: set(net.rights) for net in nets}


def test_two_wires_that_change_places_are_freed_by_a_turn():
    """The left end of each is at the height of the other's right end: neither can turn first."""
    parts, tracks = routed([Net(0, 0, (4,)), Net(1, 4, (0,))])
    assert len(parts) == 3
    assert tracks == 3
