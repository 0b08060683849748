"""Where the first NaN or infinity was born: over every operation of the table that can fail."""

import math

import pytest

from backprop_cli.language.parser import parse
from backprop_cli.operations import TABLE
from backprop_cli.studies.gradient import solve
from backprop_cli.studies.health.postmortem import BACKWARD, FORWARD, post_mortem

NUMBERS = (-1e300, -710.0, -2.5, -1.0, -0.5, 0.0, 0.5, 1.0, 2.5, 710.0, 1e300)


def died(text, wrt=(), **point):
    solution = solve(parse(text, point), {k: float(v) for k, v in point.items()}, wrt)
    return solution, post_mortem(solution, solution.answers[0])


def calls():
    """Yield a call of every operation that a program can write, over inputs a, b, c."""
    for row in TABLE:
        count = len(row.parameters)
        names = ["a", "b", "c"][:count]
        if row.infix and row.precedence and count == 2:
            yield row.name, f"a {row.infix} b", names
        elif row.called and row.name != "where":
            names = names + (["b"] if row.variadic and count == 1 else [])
            yield row.name, f"{row.name}({', '.join(names)})", sorted(set(names))


@pytest.mark.parametrize(("name", "call", "names"), list(calls()), ids=lambda part: str(part)[:12])
def test_every_death_has_a_birth_that_is_told(name, call, names):
    """At 11 to 1,331 points, the nasty ones among them, an operation under a weight.

    Where the answer is not finite the first event is born of finite numbers, at the operation
    itself or at the product; where it is finite nothing is told.
    """
    graph = parse(f"g = {call}; f = 3*g", names)
    deaths = 0
    for place in range(len(NUMBERS) ** len(names)):
        digits = [place // len(NUMBERS) ** k % len(NUMBERS) for k in range(len(names))]
        point = {n: NUMBERS[d] for n, d in zip(names, digits, strict=True)}
        solution = solve(graph, point)
        answer = solution.answers[0]
        death = post_mortem(solution, answer)
        whole = all(map(math.isfinite, [answer.value, *answer.gradient.values()]))
        assert (death is None) == (answer.failure is None)
        if death is None:
            continue
        deaths += 1
        assert death.events, (call, point)
        first = death.events[0]
        read = [solution.values[k] for k in graph.operands_of(first.node)]
        assert all(map(math.isfinite, read)), (call, point, first)
        assert not math.isfinite(first.result)
        assert first.code in ("undefined", "overflow")
        assert whole or set(death.inputs) or not math.isfinite(answer.value)
    if any(row.domain for row in TABLE if row.name == name):
        assert deaths, f"{name} has a domain, and nothing died outside it"


def told(text, **point):
    solution, death = died(text, **point)
    return [
        (e.phase, solution.names[e.node], e.code, f"{e.sum} = {e.result:g}") for e in death.events
    ]


def test_softplus_written_out_dies_of_zero_times_infinity():
    """exp(800) overflows; then 1/inf = 0 flows back and meets exp's slope, inf."""
    assert told("log(1 + exp(x))", x=800) == [
        (FORWARD, "v1", "overflow", "exp(800) = inf"),
        (BACKWARD, "v1", "undefined", "0 × inf = nan"),
    ]


def test_infinities_meet():
    assert told("exp(x) - exp(y)", x=800, y=800) == [
        (FORWARD, "v1", "overflow", "exp(800) = inf"),
        (FORWARD, "v2", "overflow", "exp(800) = inf"),
        (FORWARD, "f", "undefined", "inf - inf = nan"),
    ]


def test_a_norm_at_zero_dies_in_the_backward_pass():
    """sqrt' (0) = inf, times 2x = 0."""
    solution, death = died("sqrt(x^2 + y^2)", x=0, y=0)
    assert solution.answers[0].value == 0
    assert death.inputs == ("x", "y")
    assert [e.phase for e in death.events] == [BACKWARD] * 3
    assert death.events[0].sum == "1 × inf"
    assert {e.sum for e in death.events[1:]} == {"inf × 0"}


def test_infinite_contributions_of_both_signs_are_born_in_the_sum():
    """sqrt(x) - sqrt(2x) at 0: inf and -inf reach x."""
    solution, death = died("sqrt(x) - sqrt(2x)", x=0)
    last = death.events[-1]
    assert (solution.names[last.node], last.operand, last.code) == ("x", None, "undefined")
    assert sorted(last.sum.split(" + ")) == ["-inf", "inf"]


def test_only_the_inputs_that_are_reached_are_named():
    _, death = died("sqrt(x) + y^2", x=0, y=3)
    assert death.inputs == ("x",)


def test_a_slope_that_overflows_is_no_undefined_one():
    _, death = died("sin(1e200*x)*1e200", x=0)
    assert death.events[0].code == "overflow"
    assert death.code == "overflow"


def test_what_a_where_does_not_take_is_nobodys_business():
    assert died("where(x > 0, log(x), x)", x=-1)[1] is None


def test_the_dead_are_told_of_at_most_eight_times_a_pass():
    text = " + ".join(f"log(x - {k})" for k in range(20))
    assert len(died(text, x=-1)[1].events) == 8
