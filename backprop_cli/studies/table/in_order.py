"""Work in several threads, results in order: for what releases Python's lock, as NumPy does.

One thread reads, so that a slow pipe holds back no answer; some work; the caller gets the results.
Few items are under way at a time, so memory does not grow with the number of them. The threads
are daemons: a program that ends, for whatever reason, does not wait for them.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Event, Semaphore, Thread
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def processors() -> int:
    """Return how many threads can run at once."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_order(
    items: Iterable[Item], work: Callable[[Item], Result], workers: int
) -> Iterator[Result]:
    """Yield `work(item)` for each item, in order, `workers` at a time.

    What `items` or `work` raises is raised here, in its place. Items are taken ahead of the
    results that are asked for, at most two for each worker.
    """
    room, stopped = Semaphore(2 * workers), Event()
    tasks: SimpleQueue[tuple[Item, Future[Result]] | None] = SimpleQueue()
    order: SimpleQueue[Future[Result] | None] = SimpleQueue()

    def feed() -> None:
        try:
            for item in items:
                room.acquire()
                if stopped.is_set():
                    break
                future: Future[Result] = Future()
                order.put(future)
                tasks.put((item, future))
        except BaseException as error:
            failed: Future[Result] = Future()
            failed.set_exception(error)
            order.put(failed)
        order.put(None)
        for _ in range(workers):
            tasks.put(None)

    def run() -> None:
        while (task := tasks.get()) is not None:
            item, future = task
            try:
                future.set_result(work(item))
            except BaseException as error:
                future.set_exception(error)

    for target in (feed, *[run] * workers):
        Thread(target=target, daemon=True).start()
    try:
        while (next_one := order.get()) is not None:
            yield next_one.result()
            room.release()
    finally:
        stopped.set()
        room.release()
