"""Work in threads: results in order, few items under way, errors in their place."""

import itertools
import threading
import time

import pytest

from backprop_cli.studies.table.in_order import in_order, processors


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_results_come_in_the_order_of_the_items(workers):
    def work(item):
        time.sleep(0.003 * (item % 3))
        return item * item

    assert list(in_order(range(40), work, workers)) == [k * k for k in range(40)]
    assert list(in_order([], work, workers)) == []


@pytest.mark.parametrize("workers", [1, 3])
def test_few_items_are_under_way_however_many_there_are(workers):
    """The memory of a stream is that of two items a worker: an endless one never runs ahead."""
    taken = []

    def items():
        for k in itertools.count():
            taken.append(k)
            yield k

    results = in_order(items(), lambda item: item, workers)
    for k in range(200):
        assert next(results) == k
        assert len(taken) <= k + 2 * workers + 2
    time.sleep(0.1)
    assert len(taken) <= 200 + 2 * workers + 1
    results.close()


def test_several_items_are_worked_on_at_once():
    both = threading.Barrier(2, timeout=30)

    def work(item):
        both.wait()
        return item

    assert list(in_order([1, 2], work, 2)) == [1, 2]


def test_an_error_of_the_work_is_raised_in_its_place():
    def work(item):
        if item == 3:
            raise ValueError(item)
        return item

    results = in_order(range(10), work, 2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="3"):
        next(results)


def test_an_error_of_the_items_is_raised_after_what_came_before():
    def items():
        yield from range(3)
        raise OSError("gone")

    results = in_order(items(), lambda item: item, 2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(OSError, match="gone"):
        next(results)


def test_there_is_a_processor():
    assert processors() >= 1
