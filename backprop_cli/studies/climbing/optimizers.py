"""The optimisers: each states its recurrences once, as formulas of the language.

What `--help` prints is what runs. In every formula x is one input, g its slope in the direction
that improves f (so the same rule climbs and descends), h the step size and t the number of the
step, from 1. A state starts at 0, and `name = formula` gives its next value; later formulas read
the new one. `move` is what is added to x. Default hyper-parameters and the places of epsilon are
those of PyTorch, so that paths can be compared.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from backprop_cli.calculus.values import ARITHMETIC_ERRORS
from backprop_cli.errors import OptionProblem
from backprop_cli.graph import Graph
from backprop_cli.language.parser import parse
from backprop_cli.readings.floats import PLAIN, TOTAL


class Optimizer(NamedTuple):
    """A rule for the next step: its states, its move, its hyper-parameters with their defaults."""

    name: str
    move: str
    source: str
    states: tuple[tuple[str, str], ...] = ()
    parameters: tuple[tuple[str, float], ...] = ()
    step: float = 0.01
    where: str = ""

    @property
    def stateless(self) -> bool:
        """Whether the next step depends on nothing but the point."""
        return not self.states

    @property
    def formula(self) -> str:
        """The whole rule, as people read it."""
        parts = [*(f"{name} = {text}" for name, text in self.states), f"x += {self.move}"]
        return "; ".join(parts) + (f" where {self.where}" if self.where else "")


NEWTON = "newton"

OPTIMIZERS = (
    Optimizer("gradient", "h*g", "Cauchy 1847"),
    Optimizer(
        "momentum",
        "h*v",
        "Polyak 1964",
        (("v", "momentum*v + g"),),
        (("momentum", 0.9),),
    ),
    Optimizer(
        "nesterov",
        "h*(g + momentum*v)",
        "Nesterov 1983, as in Sutskever et al. 2013",
        (("v", "momentum*v + g"),),
        (("momentum", 0.9),),
    ),
    Optimizer(
        "adagrad",
        "h*g/(sqrt(s) + epsilon)",
        "Duchi, Hazan & Singer 2011",
        (("s", "s + g*g"),),
        (("epsilon", 1e-10),),
    ),
    Optimizer(
        "rmsprop",
        "h*g/(sqrt(s) + epsilon)",
        "Hinton 2012, lecture 6e",
        (("s", "decay*s + (1 - decay)*g*g"),),
        (("decay", 0.99), ("epsilon", 1e-8)),
    ),
    Optimizer(
        "adam",
        "h*(m/(1 - beta1^t))/(sqrt(s/(1 - beta2^t)) + epsilon)",
        "Kingma & Ba 2015",
        (("m", "beta1*m + (1 - beta1)*g"), ("s", "beta2*s + (1 - beta2)*g*g")),
        (("beta1", 0.9), ("beta2", 0.999), ("epsilon", 1e-8)),
    ),
    Optimizer(
        "adamw",
        "h*(m/(1 - beta1^t))/(sqrt(s/(1 - beta2^t)) + epsilon) - h*weight_decay*x",
        "Loshchilov & Hutter 2019",
        (("m", "beta1*m + (1 - beta1)*g"), ("s", "beta2*s + (1 - beta2)*g*g")),
        (("beta1", 0.9), ("beta2", 0.999), ("epsilon", 1e-8), ("weight_decay", 0.01)),
    ),
    Optimizer(
        NEWTON,
        "h*d",
        "Nocedal & Wright 2006, algorithm 3.3",
        step=1.0,
        where="(H + damping) d = g",
    ),
)

BY_NAME: dict[str, Optimizer] = {optimizer.name: optimizer for optimizer in OPTIMIZERS}

HYPERPARAMETERS = tuple(
    dict.fromkeys(name for optimizer in OPTIMIZERS for name, _ in optimizer.parameters)
)
"""Every hyper-parameter that some optimiser has."""

SHARES = ("decay", "beta1", "beta2")
"""The hyper-parameters that are the share of the old in a mean of old and new: below 1."""


def chosen(optimizer: Optimizer, given: Mapping[str, float]) -> dict[str, float]:
    """Return the hyper-parameters of an optimiser: those given, else its defaults."""
    return {name: given.get(name, default) for name, default in optimizer.parameters}


def check_used(optimizers: Sequence[Optimizer], given: Mapping[str, float]) -> None:
    """Raise unless every hyper-parameter given is one of some optimiser that runs."""
    known = {name for optimizer in optimizers for name, _ in optimizer.parameters}
    for name in given:
        if name not in known:
            users = [one.name for one in OPTIMIZERS if name in dict(one.parameters)]
            names = ", ".join(optimizer.name for optimizer in optimizers)
            hint = f"it belongs to {', '.join(users)} (--optimizer)"
            raise OptionProblem(f"{option(name)} is not used by {names}", None, hint)


def option(hyperparameter: str) -> str:
    """Return the option that sets a hyper-parameter: `--weight-decay`."""
    return f"--{hyperparameter.replace('_', '-')}"


class Rule:
    """An optimiser at work on a number of inputs: keeps their states, gives their moves."""

    def __init__(self, optimizer: Optimizer, given: Mapping[str, float], inputs: int) -> None:
        self.optimizer = optimizer
        values = chosen(optimizer, given)
        self.parameters = tuple(values.values())
        self.names = names = ("x", "g", "h", "t", *values, *(name for name, _ in optimizer.states))
        formulas = [text for _, text in optimizer.states]
        if optimizer.name != NEWTON:
            formulas.append(optimizer.move)
        graphs = [parse(text, names) for text in formulas]
        self._plain = [PLAIN.compile(graph, names) for graph in graphs]
        self._total = [TOTAL.compile(graph, names) for graph in graphs]
        self.states = [[0.0] * len(optimizer.states) for _ in range(inputs)]

    def graphs(self) -> list[Graph]:
        """Return a graph for the next value of each state and, last, for where the input lands."""
        formulas = [text for _, text in self.optimizer.states]
        return [parse(text, self.names) for text in (*formulas, f"x + ({self.optimizer.move})")]

    def moves(
        self, point: Sequence[float], slopes: Sequence[float], h: float, t: float
    ) -> list[float]:
        """Return what to add to each input, and step all states on."""
        places = range(len(point))
        return [self.move(place, point[place], slopes[place], h, t) for place in places]

    def move(self, place: int, x: float, g: float, h: float, t: float) -> float:
        """Return what to add to the input at `place`, and step its states on.

        By Python's floats, and where these raise (0/0, an overflow) by IEEE results.
        """
        given = (x, g, h, t, *self.parameters)
        try:
            return self._stepped(self._plain, place, given)
        except ARITHMETIC_ERRORS:
            return self._stepped(self._total, place, given)

    def _stepped(
        self, formulas: Sequence[Callable[..., Any]], place: int, given: tuple[float, ...]
    ) -> float:
        state = self.states[place]
        if state:
            state = state.copy()  # kept as it was if a formula raises
            for k in range(len(state)):
                state[k] = formulas[k](*given, *state)
            self.states[place] = state
        move: float = formulas[-1](*given, *state)
        return move
