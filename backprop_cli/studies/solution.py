"""The answer of `grad`, as data: everything a renderer may show, nothing about how."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from backprop_cli.errors import Span
from backprop_cli.graph import Graph
from backprop_cli.language.names import Naming
from backprop_cli.readings.formulas import Arithmetic

MODES = ("forward", "numeric", "sympy")
"""The witnesses that a check can call."""

MISTAKE_KINDS = ("overwrite", "no-order", "twice", "no-inner", "local-only", "tiny-step", "degrees")
"""The kinds of mistake that a backward pass can be run with, as `studies/mistakes.py` has them."""

LABELS = {
    "forward-difference": "forward difference",
    "central": "central difference",
    "complex-step": "complex step",
    "sympy": "SymPy",
}
"""What people call the modes, where that is not their name."""


class Remark(NamedTuple):
    """A warning: `code` is kink, jump, digits or underflow; `node` is a display name."""

    code: str
    node: str
    message: str


class Failure(NamedTuple):
    """Why there is no answer at this point: `code` is undefined, not-finite or kink."""

    code: str
    message: str
    node: str
    span: Span
    hint: str = ""


class Estimate(NamedTuple):
    """A numeric derivative and a bound on its error, both in the unit of the gradient."""

    value: float
    error: float


class Formula(NamedTuple):
    """A derivative found by SymPy: its formula in the calculator's language, and its value.

    `value` is None where SymPy has a formula but no real number at this point.
    """

    text: str
    value: float | None


class Unavailable(NamedTuple):
    """Why a witness has nothing to say about one input."""

    reason: str


class Witness(NamedTuple):
    """What one mode says of the gradient of one output, by input; or why it was skipped."""

    mode: str
    gradient: Mapping[str, "float | Estimate | Formula | Unavailable"]
    skipped: str = ""


class Answer(NamedTuple):
    """The value and gradient of one output.

    `adjoints[k]` is d output / d node k, None where no contribution arrived. `gradient` has a
    number for every name asked for.
    """

    name: str
    node: int
    value: Any
    gradient: Mapping[str, Any]
    adjoints: list[Any]
    remarks: tuple[Remark, ...]
    failure: Failure | None

    @property
    def on_kink(self) -> bool:
        """Whether a kink or a jump that matters lies at this point."""
        return any(remark.code in ("kink", "jump") for remark in self.remarks)


class Solution(NamedTuple):
    """One program at one point: the forward pass, and an answer for each output.

    `wrt` maps each name asked for (an input, or a named intermediate) to its node; `active` marks
    the nodes that depend on any of these. `kink` is what to answer at kinks.
    """

    graph: Graph
    point: Mapping[str, Any]
    values: list[Any]
    wrt: Mapping[str, int]
    active: bytearray
    naming: Naming
    arithmetic: Arithmetic
    kink: str
    answers: tuple[Answer, ...] = ()

    @property
    def names(self) -> list[str]:
        """The display name of every node."""
        return self.naming.names

    @property
    def asked(self) -> dict[str, int]:
        """The names, inputs apart, that `--of` and `--wrt` asked for, with their nodes."""
        inputs = self.graph.inputs
        found = {name: node for name, node in self.wrt.items() if inputs.get(name) != node}
        return found | {answer.name: answer.node for answer in self.answers}


class Agreement(NamedTuple):
    """How the modes compare on one output.

    `inputs` says for each input whether every witness agrees with reverse mode (None where no
    witness could say); `discrepancy` is the largest relative difference; `sentence` puts the
    verdict in words.
    """

    witnesses: tuple[Witness, ...]
    inputs: Mapping[str, bool | None]
    agree: bool
    discrepancy: float
    sentence: str
