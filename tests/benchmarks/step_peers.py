"""The peers that take the steps of `steps.py`: each makes a loop of a subject."""

import math
from collections.abc import Callable
from typing import Any

from tests.benchmarks.subjects import Loop, Point, Subject, looped


def _by_hand(subject: Subject) -> Loop:
    return looped(subject, subject.by_hand)


def _lambdify(subject: Subject) -> Loop:
    """SymPy's gradient, printed as Python with common subexpressions taken out."""
    import sympy

    symbols = sympy.symbols(" ".join(subject.start))
    value = subject.program(symbols, sympy.tanh)
    slopes = [sympy.diff(value, symbol) for symbol in symbols]
    both = sympy.lambdify(symbols, [value, *slopes], "math", cse=True)
    return looped(subject, lambda point: both(*point)[1:])


def _micrograd(subject: Subject) -> Loop:
    from micrograd.engine import Value

    def tanh(x: Any) -> Any:
        out = Value(math.tanh(x.data), (x,), "tanh")

        def backward() -> None:
            x.grad += (1 - out.data**2) * out.grad

        out._backward = backward
        return out

    def slopes(point: Point) -> list[float]:
        inputs = [Value(x) for x in point]
        subject.program(inputs, tanh).backward()
        return [value.grad for value in inputs]

    return looped(subject, slopes)


def _autograd(subject: Subject) -> Loop:
    import autograd.numpy as np
    from autograd import value_and_grad

    both = value_and_grad(lambda vector: subject.program(vector, np.tanh))
    return looped(subject, lambda point: both(np.array(point))[1].tolist())


def _casadi(subject: Subject) -> Loop:
    """A compiled graph of casadi's, called once a step as its users call it."""
    import casadi as cas

    symbols = [cas.SX.sym(name) for name in subject.start]
    value = subject.program(symbols, cas.tanh)
    vector = cas.vertcat(*symbols)
    both = cas.Function("both", [vector], [value, cas.gradient(value, vector)])
    return looped(subject, lambda point: both(point)[1].full().ravel().tolist())


def _torch(subject: Subject) -> Loop:
    import torch

    torch.set_num_threads(1)

    def slopes(point: Point) -> list[float]:
        vector = torch.tensor(point, dtype=torch.float64, requires_grad=True)
        subject.program(vector.unbind(), torch.tanh).backward()
        gradient: list[float] = vector.grad.tolist()
        return gradient

    return looped(subject, slopes)


def _torch_adam(subject: Subject) -> Loop:
    import torch

    torch.set_num_threads(1)

    def loop(steps: int) -> Point:
        start = list(subject.start.values())
        vector = torch.tensor(start, dtype=torch.float64, requires_grad=True)
        adam = torch.optim.Adam([vector], lr=subject.step)
        for _ in range(steps):
            adam.zero_grad()
            subject.program(vector.unbind(), torch.tanh).backward()
            adam.step()
        end: list[float] = vector.tolist()
        return end

    return loop


def _jax(subject: Subject, scanned: bool) -> Loop:
    """The whole step compiled by jax: called from Python once a step, or all steps in XLA."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    slopes = jax.grad(lambda vector: subject.program(vector, jnp.tanh))
    start = jnp.array(list(subject.start.values()))

    def step(place: Any, point: Any) -> Any:
        return point - subject.step * slopes(point)

    one = jax.jit(lambda point: step(0, point))
    many = jax.jit(lambda steps, point: jax.lax.fori_loop(0, steps, step, point))

    def loop(steps: int) -> Point:
        point = start
        if scanned:
            point = many(steps, point)
        else:
            for _ in range(steps):
                point = one(point)
        end: list[float] = point.tolist()
        return end

    loop(1)
    return loop


def _jax_step(subject: Subject) -> Loop:
    return _jax(subject, scanned=False)


def _jax_scanned(subject: Subject) -> Loop:
    return _jax(subject, scanned=True)


PEERS: dict[str, tuple[Callable[[Subject], Loop], int]] = {
    "hand-written Python": (_by_hand, 1),
    "sympy lambdify(cse)": (_lambdify, 1),
    "jax.jit, a call a step": (_jax_step, 5),
    "jax.lax.fori_loop": (_jax_scanned, 1),
    "casadi, a call a step": (_casadi, 10),
    "micrograd": (_micrograd, 20),
    "torch": (_torch, 50),
    "torch.optim.Adam": (_torch_adam, 100),
    "autograd": (_autograd, 100),
}
"""The peers; the slow ones take so many times fewer steps."""
