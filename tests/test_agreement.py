"""Random programs: the modes agree, and nothing but the mathematics changes the answer."""

import math
import random

import mpmath
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from strategies import Program, programs

from backprop_cli.calculus.forward import jvp
from backprop_cli.calculus.numeric import derivative
from backprop_cli.calculus.rounding import evaluation_noise, gradient_rounding
from backprop_cli.calculus.symbolic import symbolic_gradient
from backprop_cli.language.parser import parse
from backprop_cli.language.prelude import PRELUDE
from backprop_cli.studies.gradient import solve
from backprop_cli.studies.solution import Answer, Solution

TOLERANCE = 1e-9


def repeatable(examples: int) -> settings:
    """Return settings that draw the same programs each time; these are small as they are."""
    return settings(
        derandomize=True,
        phases=[Phase.generate],
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


def solved(program: Program, outputs: tuple[str, ...] = ()) -> Solution:
    """Solve a program whose answer is finite and whose point is on no kink."""
    solution = solve(parse(program.text, program.point), program.point, outputs=outputs)
    for answer in solution.answers:
        assume(answer.failure is None)
        assume(not any(remark.code in ("kink", "jump") for remark in answer.remarks))
        assume(all(abs(slope) < 1e12 for slope in answer.gradient.values()))
    return solution


def rounding_of(solution: Solution, answer: Answer) -> dict[str, float]:
    """Return the bound on the rounding error of each component of the gradient."""
    graph, values = solution.graph, solution.values
    return gradient_rounding(graph, values, answer.node, solution.active, solution.wrt)


def assert_same_gradient(first: Solution, second: Solution, names: dict[str, str]) -> None:
    one, other = first.answers[0], second.answers[0]
    bound = rounding_of(first, one)
    assert one.value == other.value
    assert set(map(names.get, one.gradient)) == set(other.gradient)
    for name, slope in one.gradient.items():
        assert abs(slope - other.gradient[names[name]]) <= bound[name], name


@repeatable(250)
@given(programs())
def test_forward_mode_agrees_with_reverse_mode_for_each_input(program: Program) -> None:
    solution = solved(program)
    answer = solution.answers[0]
    bound = rounding_of(solution, answer)
    for name, seed in solution.wrt.items():
        tangent = jvp(solution.graph, solution.values, seed)[answer.node]
        slope = answer.gradient[name]
        assert abs((tangent or 0.0) - slope) <= bound[name], name


@repeatable(200)
@given(programs())
def test_finite_differences_agree_within_their_own_error_estimate(program: Program) -> None:
    solution = solved(program)
    answer = solution.answers[0]
    noise = evaluation_noise(solution.values, answer.adjoints)
    bound = rounding_of(solution, answer)
    for name, seed in solution.wrt.items():
        found = derivative(solution.graph, solution.values, seed, answer.node, noise)
        if found.value is not None:
            slope = answer.gradient[name]
            allowed = max(found.error, TOLERANCE * abs(slope), bound[name])
            assert abs(found.value - slope) <= allowed, (name, found, slope)


@repeatable(150)
@given(programs(statements=4, elementary=True))
def test_sympy_agrees_with_reverse_mode(program: Program) -> None:
    solution = solved(program)
    answer = solution.answers[0]
    bound = rounding_of(solution, answer)
    for name, said in symbolic_gradient(solution.graph, answer.node, solution.wrt, program.point):
        if said.value is not None:
            slope = answer.gradient[name]
            allowed = max(TOLERANCE * abs(slope), bound[name])
            assert abs(said.value - slope) <= allowed, (name, said, slope)


def test_most_random_programs_can_be_compared() -> None:
    """Were the programs undefined, on kinks or jagged, the tests above would show nothing."""
    seen = {"programs": 0, "solved": 0, "slopes": 0, "numeric": 0, "sympy": 0}

    @repeatable(100)
    @given(programs())
    def look(program: Program) -> None:
        seen["programs"] += 1
        solution = solved(program)
        seen["solved"] += 1
        answer = solution.answers[0]
        noise = evaluation_noise(solution.values, answer.adjoints)
        for name, seed in solution.wrt.items():
            seen["slopes"] += answer.gradient[name] != 0
            found = derivative(solution.graph, solution.values, seed, answer.node, noise)
            small = found.error <= 1e-6 * max(1, abs(answer.gradient[name]))
            seen["numeric"] += found.value is not None and small

    @repeatable(60)
    @given(programs(statements=4, elementary=True))
    def ask_sympy(program: Program) -> None:
        solution = solved(program)
        output = solution.answers[0].node
        said = symbolic_gradient(solution.graph, output, solution.wrt, program.point)
        for _, slope in said:
            seen["sympy"] += 1 if slope.value is not None else -1

    look()
    ask_sympy()
    assert seen["sympy"] > 20
    assert seen["solved"] >= 0.6 * seen["programs"]
    assert seen["slopes"] >= 0.6 * seen["solved"]
    assert seen["numeric"] >= 0.6 * seen["slopes"]


NASTY = ("lambda", "S", "E", "e", "pi", "v1", "f", "t", "beta", "I", "N", "α", "x_1", "sin", "x1")


@repeatable(150)
@given(programs(), st.permutations(NASTY))
def test_the_names_of_inputs_change_nothing(program: Program, names: list[str]) -> None:
    renaming = dict(zip(program.point, names, strict=False))
    other = program.renamed(renaming)
    assume("sin" not in renaming.values() or "sin(" not in program.text)
    assert_same_gradient(solved(program), solved(other), renaming)


@repeatable(150)
@given(programs(statements=9), st.randoms(use_true_random=False))
def test_the_order_of_independent_statements_changes_nothing(
    program: Program, chance: random.Random
) -> None:
    needs = program.needs()
    order: list[str] = []
    waiting = [name for name, _ in program.statements]
    while waiting:
        ready = [name for name in waiting if needs[name] <= set(order)]
        order.append(chance.choice(ready))
        waiting.remove(order[-1])
    first, second = solved(program), solved(program.reordered(order))
    assert_same_gradient(first, second, {name: name for name in program.point})


@repeatable(100)
@given(programs(statements=9))
def test_the_gradient_of_a_sum_is_the_sum_of_the_gradients(program: Program) -> None:
    names = [name for name, _ in program.statements][-3:]
    total = ("total", " + ".join(names))
    parts = solved(program, tuple(names))
    whole = solved(program._replace(statements=(*program.statements, total)))
    bounds = [rounding_of(parts, part) for part in parts.answers]
    bounds.append(rounding_of(whole, whole.answers[0]))
    for name, slope in whole.answers[0].gradient.items():
        added = math.fsum(part.gradient[name] for part in parts.answers)
        assert abs(slope - added) <= math.fsum(bound[name] for bound in bounds)


@repeatable(100)
@given(programs())
def test_computing_twice_gives_the_same_answer(program: Program) -> None:
    graph = parse(program.text, program.point)
    first, second = (solve(graph, program.point) for _ in range(2))
    assert repr((first.values, first.answers)) == repr((second.values, second.answers))


# ------------------------------------------------------------------------------------- prelude

MEANINGS = {
    "sec": (lambda x: 1 / mpmath.cos(x), 1),
    "csc": (lambda x: 1 / mpmath.sin(x), 1),
    "cot": (lambda x: 1 / mpmath.tan(x), 1),
    "exp2": (lambda x: mpmath.power(2, x), 1),
    "selu": (
        lambda x: (
            mpmath.mpf("1.0507009873554805")
            * (x if x > 0 else mpmath.mpf("1.6732632423543772") * mpmath.expm1(x))
        ),
        1,
    ),
    "softsign": (lambda x: x / (1 + abs(x)), 1),
    "maxout": (lambda *z: max(z), 3),
    "mse": (lambda p, t: (p - t) ** 2, 2),
    "hinge": (lambda p, t: max(0, 1 - t * p), 2),
    "bce": (lambda p, t: -(t * mpmath.log(p) + (1 - t) * mpmath.log(1 - p)), 2),
    "bce_logits": (
        lambda z, t: -(t * mpmath.log(sigma(z)) + (1 - t) * mpmath.log(1 - sigma(z))),
        2,
    ),
    "cross_entropy": (
        lambda k, *z: -mpmath.log(mpmath.exp(z[int(k)]) / mpmath.fsum(map(mpmath.exp, z))),
        4,
    ),
    "huber": (lambda p, t: (p - t) ** 2 / 2 if abs(p - t) <= 1 else abs(p - t) - 0.5, 2),
    "normal_pdf": (
        lambda x, m, s: mpmath.exp(-(((x - m) / s) ** 2) / 2) / (s * mpmath.sqrt(2 * mpmath.pi)),
        3,
    ),
    "lerp": (lambda a, b, t: (1 - t) * a + t * b, 3),
}
"""What each function of the prelude means, written independently, and how many arguments to try."""


def sigma(x: mpmath.mpf) -> mpmath.mpf:
    return 1 / (1 + mpmath.exp(-x))


@pytest.mark.parametrize("name", sorted(PRELUDE))
def test_a_function_of_the_prelude_means_what_its_name_says(name: str) -> None:
    meaning, count = MEANINGS[name]
    source = random.Random(name)
    names = [f"a{k}" for k in range(count)]
    graph = parse(f"{name}({', '.join(names)})")
    for _ in range(25):
        numbers = [source.uniform(0.05, 0.95) * source.choice((1, 1, 2.5)) for _ in names]
        if name == "bce":
            numbers[0] %= 1
        if name == "cross_entropy":
            numbers[0] = float(source.randrange(count - 1))
        answer = solve(graph, dict(zip(names, numbers, strict=True))).answers[0]
        with mpmath.workdps(40):
            exact = [mpmath.mpf(x) for x in numbers]
            assert answer.value == pytest.approx(float(meaning(*exact)), rel=1e-13, abs=1e-15)
            for k in range(count):
                if (name, k) == ("cross_entropy", 0) or answer.remarks:
                    continue
                orders = tuple(int(j == k) for j in range(count))
                slope = mpmath.diff(meaning, tuple(exact), orders)
                given_slope = answer.gradient[names[k]]
                assert given_slope == pytest.approx(float(slope), rel=1e-12, abs=1e-14), names[k]
