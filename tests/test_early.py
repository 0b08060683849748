"""The order in which blocks of rows are computed: operands first, and few buffers at a time."""

import random

import pytest

from backprop_cli.language.parser import parse
from backprop_cli.readings.early import early_order

pytest.importorskip("numpy")


def random_reads(seed: int) -> dict[int, list[int]]:
    """Return what each key reads: earlier ones, some far back."""
    draw = random.Random(seed)
    reads: dict[int, list[int]] = {}
    for key in range(draw.randint(1, 40)):
        back = draw.choice([2, 5, 40])
        earlier = range(max(0, key - back), key)
        reads[key] = sorted({draw.choice(earlier) for _ in range(draw.randint(0, 3)) if earlier})
    return reads


def most_at_once(order: list[int], reads: dict[int, list[int]]) -> int:
    """Return how many results are kept at once, if each is let go by its last reader."""
    last = {operand: key for key in order for operand in reads[key]}
    kept, most = 0, 0
    for key in order:
        kept += 1 - sum(last[operand] == key for operand in reads[key])
        most = max(most, kept)
        kept -= key not in last
    return most


@pytest.mark.parametrize("seed", range(300))
def test_operands_come_first_and_no_more_is_kept_than_in_the_order_given(seed: int) -> None:
    reads = random_reads(seed)
    order = early_order(reads)
    place = {key: k for k, key in enumerate(order)}
    assert sorted(order) == list(reads)
    assert all(place[operand] < place[key] for key in reads for operand in reads[key])
    assert most_at_once(order, reads) <= most_at_once(list(reads), reads)


def test_the_way_back_follows_the_way_there_where_it_can() -> None:
    # Two terms, 0 and 3, are bent by 1 and 4, which are added by 5; 6 and 7 are their slopes.
    reads: dict[int, list[int]] = {0: [], 1: [0], 3: [], 4: [3], 5: [1, 4], 6: [3], 7: [0]}
    assert early_order(reads) == [0, 1, 7, 3, 4, 5, 6]


@pytest.mark.parametrize("terms", [10, 200])
def test_a_sum_of_many_terms_takes_a_few_buffers(terms: int) -> None:
    from backprop_cli.calculus.point_graph import point_graph
    from backprop_cli.readings.blocks import Blocks

    text = " + ".join(f"tanh(x{k}*{k + 2})*exp(-x{k})" for k in range(terms))
    graph = parse(text)
    made = point_graph(graph, list(graph.inputs.values()))
    blocks = Blocks(made.graph, list(graph.inputs), {}, made.watched, made.kinks)
    assert len([part for part in blocks._plan.buffers(8) if part.shape]) < 10
