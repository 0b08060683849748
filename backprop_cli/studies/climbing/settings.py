"""How a climb is to be made: the method, the rule, the step size, and where to stop."""

from collections.abc import Mapping
from typing import NamedTuple

from backprop_cli.studies.climbing.optimizers import BY_NAME, NEWTON, Optimizer

METHODS = ("random", "numeric", "gradient")
"""The three ways to climb: a random nudge, finite differences, the gradient of a sweep."""

DIFFERENCE = 2.0**-26
"""The step of the forward differences: the square root of the spacing of floats."""


class Settings(NamedTuple):
    """How to climb. `bounds` hold inputs between two numbers by projection; `until_gradient` is
    the size of the gradient at which the climb has arrived."""

    optimizer: Optimizer = BY_NAME["gradient"]
    parameters: Mapping[str, float] = {}
    method: str = "gradient"
    step: float = 0.01
    steps: int = 100
    descend: bool = False
    sequential: bool = False
    line_search: bool = False
    until_gradient: float = 0.0
    bounds: Mapping[str, tuple[float, float]] = {}
    seed: int = 0
    difference: float = DIFFERENCE

    @property
    def plain(self) -> bool:
        """Whether each step moves all inputs at once, by the gradient alone."""
        steered = self.sequential or self.line_search or self.optimizer.name == NEWTON
        return self.method == "gradient" and not steered

    @property
    def label(self) -> str:
        """What tells this climb from others that start at the same point."""
        return self.optimizer.name if self.method == "gradient" else self.method
