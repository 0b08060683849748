"""The ledger of paths: how the paths from an input to an output add up to the gradient.

`∂f/∂b = 0` hides that b moves f along two paths, by +1 and by -1. The ledger lists the largest
paths with their products, sums the rest in one entry, and says what cancels. The paths are those
along which contributions flow at this point: where a `where` did not look, there is no path.
"""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from backprop_cli.calculus.partials import SELECTS
from backprop_cli.calculus.paths import Paths, Route, Tally, written_counts
from backprop_cli.studies.solution import Answer, Solution

_WORTH_NAMING = 10.0


class Excerpt(NamedTuple):
    """The first and the last of a sequence, and how many are left out between them."""

    first: tuple[Any, ...]
    last: tuple[Any, ...] = ()
    left_out: int = 0


class Path(NamedTuple):
    """One path, from the name asked for to the output: `length` edges.

    `product` is that of the slopes, taken from the output on. Where it under- or overflows, `log2`
    (of its absolute value; -infinity for 0) still says how large it is.
    """

    nodes: Excerpt
    slopes: Excerpt
    length: int
    product: Any
    log2: float


class Ledger(NamedTuple):
    """The paths from one name asked for: the `largest`, and the sum of the `rest`.

    `total` is the sum of all, as the reverse sweep has it; `size` the sum of their absolute
    values. `silent` paths of the program as written carry nothing here. `rest` is None where no
    path is left.
    """

    name: str
    node: int
    paths: int
    silent: int
    largest: tuple[Path, ...]
    rest: Any
    total: Any
    size: Any

    @property
    def more(self) -> int:
        """How many paths are not among the largest."""
        return self.paths - len(self.largest)

    @property
    def digits_lost(self) -> float:
        """How many decimal digits the paths lose, added one by one: 0 below 1, infinity for all.

        The reverse sweep need not lose them: it adds in between, when numbers are still alike.
        """
        if self.paths < 2 or not self.size > _WORTH_NAMING * abs(self.total):
            return 0.0
        return math.log10(float(self.size / abs(self.total))) if self.total else math.inf


class Ledgers(NamedTuple):
    """The ledgers of one output, and what its gradient costs, in multiplications.

    `paths` one by one take `one_by_one` (the sum of their lengths), the reverse sweep takes
    `at_once` (the edges). `reason` says why there are no ledgers, and is empty if there are.
    """

    output: str
    node: int
    ledgers: tuple[Ledger, ...]
    paths: int = 0
    one_by_one: int = 0
    at_once: int = 0
    reason: str = ""


def ledgers(
    solution: Solution,
    answer: Answer,
    top: int,
    names: Sequence[str] | None = None,
    most: int = 1000,
) -> Ledgers:
    """Return the ledger of each of `names` (all that were asked for, if not given).

    Each has its `top` largest paths; of a path, `most` nodes are kept, half of them from either
    end. Counts and costs are of all names asked for.
    """
    reached = [node for node in solution.wrt.values() if answer.adjoints[node] is not None]
    if answer.failure is not None:
        return Ledgers(answer.name, answer.node, (), reason=answer.failure.message)
    if not all(solution.arithmetic.is_finite(answer.adjoints[node]) for node in reached):
        return Ledgers(answer.name, answer.node, (), reason="a slope on the way is not finite")
    asked = frozenset(solution.wrt.values())
    graph, values, arithmetic = solution.graph, solution.values, solution.arithmetic
    paths = Paths(graph, values, answer.adjoints, solution.active, answer.node, asked, arithmetic)
    tallies = paths.tallies
    written = {node: tally.paths for node, tally in tallies.items()}
    if any(SELECTS[row] for row in set(graph.rows)):
        written = written_counts(graph, solution.active, answer.node, asked)
    made = tuple(
        _ledger(solution, answer, paths, name, written, top, most)
        for name in (solution.wrt if names is None else names)
    )
    count = sum(tally.paths for tally in tallies.values())
    edges = sum(tally.edges for tally in tallies.values())
    return Ledgers(answer.name, answer.node, made, count, edges, paths.edges)


def _ledger(
    solution: Solution,
    answer: Answer,
    paths: Paths,
    name: str,
    written: dict[int, int],
    top: int,
    most: int,
) -> Ledger:
    node, zero = solution.wrt[name], solution.arithmetic.zero
    tally = paths.tallies.get(node, Tally(0, 0, zero))
    total = answer.adjoints[node]
    total = zero if total is None else total
    largest = tuple(
        _path(paths, node, rank, route, most) for rank, route in enumerate(paths.best(node, top))
    )
    rest = None
    if tally.paths > len(largest):
        rest = _rest(solution, total, [path.product for path in largest])
    silent = written.get(node, 0) - tally.paths
    return Ledger(name, node, tally.paths, silent, largest, rest, total, tally.size)


def _rest(solution: Solution, total: Any, products: list[Any]) -> Any:
    """Return what `total` has beside these products; NaN where one of them, or that, overflows."""
    arithmetic = solution.arithmetic
    add = arithmetic.total_spelling.function("sum")
    made = add(total, *(-product for product in products))
    return made if arithmetic.is_finite(made) else arithmetic.nan


def _path(paths: Paths, node: int, rank: int, route: Route, most: int) -> Path:
    """Return a path with `most` of its nodes at most."""
    steps = paths.walk(node, rank)
    if route.length < most:
        nodes, slopes = zip(*steps, strict=True)
        kept = Excerpt(nodes), Excerpt(slopes[:-1])
    else:
        half = max(most // 2, 1)
        first = [next(steps) for _ in range(half)]
        last = list(deque(steps, half))
        hidden = route.length + 1 - 2 * half
        kept = (
            Excerpt(_nodes(first), _nodes(last), hidden),
            Excerpt(_slopes(first), _slopes(last[:-1]), hidden),
        )
    return Path(*kept, route.length, route.product, route.log2)


def _nodes(steps: Iterable[tuple[int, Any]]) -> tuple[int, ...]:
    return tuple(node for node, _ in steps)


def _slopes(steps: Iterable[tuple[int, Any]]) -> tuple[Any, ...]:
    return tuple(slope for _, slope in steps)
