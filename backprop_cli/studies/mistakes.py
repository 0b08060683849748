"""The backward pass with one mistake in it; `wrong_pass.py` sets it beside the right one.

There is one sweep here, and it can go wrong in five places: in which order nodes hand on, what
they take for their upstream and for their slopes, what the operand makes of the product, and how
often all this is done. A `Rule` fills these places. With none of them changed it is the reverse
sweep of `calculus/reverse.py`, and each mistake changes one:

- `overwrite`: an operand keeps what it receives last (`=` in the place of `+=`).
- `no-order`: recursion from the output. A node hands its adjoint on to all its operands when it
  is first visited, and then visits these from the first to the last; none is visited again, so
  that what arrives later stays where it is.
- `twice`: the whole sweep a second time, every node still holding its adjoint of the first; only
  the output is set to 1 again. A path of n edges then counts n + 1 times.
- `no-inner`: what stands inside a function or a power hands on what it receives as it is, so
  that of f(g(x)) only f'(g(x)) is taken. Functions of any number of arguments and `where` are no
  functions in this sense, nor are + - * /.
- `local-only`: a node takes 1 for its upstream, so that it sends its local slopes alone.
- `degrees`: the slopes of sin, cos and tan by a calculator in degree mode, which reads the number
  of radians as degrees: cos(x degrees) for the slope of sin(x). The values are right.

One more, `tiny-step`, is no sweep: (f(x + h) - f(x))/h with h = 1e-16 along each input.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from backprop_cli.calculus.partials import local_partials
from backprop_cli.calculus.values import ARITHMETIC_ERRORS
from backprop_cli.operations import TABLE, WHERE
from backprop_cli.studies.solution import Answer, Solution

TINY_STEP = "1e-16"

_IN_RADIANS = frozenset(row for row, op in enumerate(TABLE) if "radians" in op.help)
_FUNCTIONS = frozenset(
    row for row, op in enumerate(TABLE) if op.called and not op.variadic and row != WHERE
)

_Slope = Callable[[int, Any], Any]


def _last_first(solution: Solution, answer: Answer) -> Iterator[int]:
    """Yield the nodes from the output back, against the order of evaluation."""
    return iter(range(answer.node, -1, -1))


def _depth_first(solution: Solution, answer: Answer) -> Iterator[int]:
    """Yield the nodes as recursion from the output visits them, each once."""
    seen = bytearray(solution.graph.size)
    stack = [answer.node]
    while stack:
        node = stack.pop()
        if not seen[node]:
            seen[node] = 1
            yield node
            stack += [operand for operand, _ in reversed(_flowing(solution, node))]


def _flowing(solution: Solution, node: int) -> list[tuple[int, Any]]:
    """Return (operand, local partial) where something flows."""
    graph, values, active = solution.graph, solution.values, solution.active
    return list(local_partials(graph, node, values, active, solution.arithmetic))


def _true_slopes(solution: Solution, answer: Answer) -> _Slope:
    return lambda node, local: local


def _outer_slopes(solution: Solution, answer: Answer) -> _Slope:
    """Return a function that takes 1 for the slopes of everything inside a function."""
    graph, one = solution.graph, solution.arithmetic.one
    inside = bytearray(graph.size)
    for node in range(answer.node, -1, -1):
        if answer.adjoints[node] is None:
            continue
        if inside[node] or graph.rows[node] in _FUNCTIONS:
            for operand in graph.operands_of(node):
                inside[operand] = 1
    return lambda node, local: one if inside[node] else local


def _slopes_in_degrees(solution: Solution, answer: Answer) -> _Slope:
    """Return a function that takes the slopes of sin, cos and tan in degree mode."""
    graph, values, arithmetic = solution.graph, solution.values, solution.arithmetic
    degree = arithmetic.number("pi") / 180

    def slope(node: int, local: Any) -> Any:
        row = graph.rows[node]
        if row not in _IN_RADIANS:
            return local
        angle = values[graph.operands_of(node)[0]] * degree
        given = angle, arithmetic.total[row](angle)
        try:
            return arithmetic.partials[row][0](*given)
        except ARITHMETIC_ERRORS:
            return arithmetic.total_partials[row][0](*given)

    return slope


class Rule(NamedTuple):
    """The five places of a backward pass; as they stand here, it is right.

    `order` yields the nodes that hand on; `upstream` is what a node makes of its adjoint; `slopes`
    makes a function of a node and its true local slope; `receive` is what an operand makes of what
    it had and what arrives.
    """

    order: Callable[[Solution, Answer], Iterator[int]] = _last_first
    upstream: Callable[[Solution, Any], Any] = lambda solution, adjoint: adjoint
    slopes: Callable[[Solution, Answer], _Slope] = _true_slopes
    receive: Callable[[Any, Any], Any] = lambda before, sent: before + sent
    runs: int = 1

    @property
    def ordered(self) -> bool:
        """Whether nodes hand on in the right order."""
        return self.order is _last_first


class Mistake(NamedTuple):
    """One mistake: what is done, why it is wrong, what shows it, and an example that does.

    `rule` is None for what is no sweep.
    """

    kind: str
    what: str
    why: str
    shows: str
    example: tuple[str, str]
    rule: Rule | None


MISTAKES = (
    Mistake(
        "overwrite",
        "= in the place of +=: what a node receives last replaces what it had",
        "what is used twice moves the output along both ways at once, so its contributions add "
        "up; here only the last one is left.",
        "a program that uses something twice",
        ("(a+b)*(b+c)", "a=2,b=-3,c=4"),
        Rule(receive=lambda before, sent: sent),
    ),
    Mistake(
        "no-order",
        "recursion from the output: each node hands on at the first visit, complete or not",
        "a node may hand its adjoint on only when all its users have; walking the order of "
        "evaluation backwards sees to that, and recursion does not.",
        "a program in which recursion meets an intermediate result before the last of its users",
        ("u = x*y; f = u*(u + x)", "x=2,y=3"),
        Rule(order=_depth_first),
    ),
    Mistake(
        "twice",
        "a second backward pass without clearing: each node keeps its adjoint of the first",
        "adjoints accumulate, so what the first pass left is added in again: a path of n edges "
        "counts n + 1 times.",
        "a program whose gradient is not 0",
        ("d = a+b; f = d*c", "a=5,b=-3,c=-2"),
        Rule(runs=2),
    ),
    Mistake(
        "no-inner",
        "the outer slope without the inner one: f'(g(x)) in the place of f'(g(x))·g'(x)",
        "if the inside moves 3 times as fast as x, so does everything computed from it: the "
        "chain rule multiplies by every slope on the way.",
        "a program with a function, or a power, of something computed",
        ("(3*x+4*y)^3", "x=1,y=1"),
        Rule(slopes=_outer_slopes),
    ),
    Mistake(
        "local-only",
        "the upstream is ignored (1 in its place): each node sends its local slope alone",
        "a local slope says how the next node moves, not how the output does: that takes the "
        "product of all slopes from there to the output.",
        "a program of more than one step",
        ("(x+y)*z", "x=-2,y=5,z=-4"),
        Rule(upstream=lambda solution, adjoint: solution.arithmetic.one),
    ),
    Mistake(
        "tiny-step",
        f"(f(x + h) - f(x))/h with h = {TINY_STEP}",
        "x + h is rounded to a float64: back to x, or to a neighbour at another distance than h, "
        "so the quotient is 0 or noise.",
        "float64, and inputs that are not 0",
        ("a*b", "a=-4,b=-3"),
        None,
    ),
    Mistake(
        "degrees",
        "slopes of sin, cos, tan by a calculator in degree mode: cos(x degrees) for sin(x)",
        "sin, cos and tan take radians here, and only in radians is the slope of sin(x) just "
        "cos(x).",
        "a program with sin, cos or tan",
        ("sin(x*y)", "x=1,y=2"),
        Rule(slopes=_slopes_in_degrees),
    ),
)
"""Every mistake, in the order in which `--mistake list` shows them."""

KINDS = tuple(mistake.kind for mistake in MISTAKES)


class Sent(NamedTuple):
    """What a node hands to an operand, and what the operand has then."""

    upstream: Any
    local: Any
    value: Any
    total: Any


def sweep(
    solution: Solution, answer: Answer, rule: Rule, adjoints: list[Any]
) -> Iterator[tuple[int, int, Any, Sent]]:
    """Run one backward pass by a rule, adding to `adjoints` in place.

    Yields (node, operand, true local slope, what was sent) for each edge, as it is done. The
    arithmetic's partials must have been prepared for the graph.
    """
    adjoints[answer.node] = solution.arithmetic.one
    slope = rule.slopes(solution, answer)
    for node in rule.order(solution, answer):
        if adjoints[node] is None:
            continue
        upstream = rule.upstream(solution, adjoints[node])
        for operand, true in _flowing(solution, node):
            local = slope(node, true)
            value = upstream * local
            before = adjoints[operand]
            adjoints[operand] = value if before is None else rule.receive(before, value)
            yield node, operand, true, Sent(upstream, local, value, adjoints[operand])
