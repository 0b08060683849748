"""What the gradient would be if one known mistake had been made: hypotheses, made from the graph.

Each is a slope as a function of a `Sweep`, the words for it, and the place where the right path
is left. They are tried at many points by `diagnosis.py`; here they are only put in order. A
hypothesis about one edge or one node costs a few multiplications a point; one about every node of
a kind, a sweep.
"""

from collections.abc import Iterator

from backprop_cli.studies.checking.hypothesis import Hypothesis
from backprop_cli.studies.checking.scene import Scene
from backprop_cli.studies.checking.wrong_branches import wrong_branches, wrong_starts
from backprop_cli.studies.checking.wrong_chains import (
    other_things,
    wrong_inner,
    wrong_operands,
    wrong_places,
    wrong_signs,
)
from backprop_cli.studies.checking.wrong_steps import wrong_steps


def hypotheses(scene: Scene) -> Iterator[Hypothesis]:
    """Yield every hypothesis about d output / d target, the more special before the general."""
    yield from wrong_steps(scene)
    yield from wrong_branches(scene)
    yield from wrong_inner(scene)
    yield from wrong_places(scene)
    yield from wrong_operands(scene)
    yield from wrong_starts(scene)
    yield from wrong_signs(scene)
    yield from other_things(scene)
