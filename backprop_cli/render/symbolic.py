"""The chain rule in symbols, one line a node, from the output back to the inputs.

The last line of each input is the formula that the gradient's table shows.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from backprop_cli.graph import Graph
from backprop_cli.language.notation import pretty
from backprop_cli.language.printer import program_text
from backprop_cli.render.console import Screen, Words
from backprop_cli.render.json import SCHEMA
from backprop_cli.studies.solution import Unavailable
from backprop_cli.studies.witness import Step

Steps = Mapping[str, Sequence[Step] | Unavailable]


def print_symbolic(made: Steps, rows: int, screen: Screen) -> None:
    """Print the derivation of each output."""
    for output, steps in made.items():
        screen.line([(f"The chain rule in symbols, from {output} back to the inputs", "title")])
        if isinstance(steps, Unavailable):
            screen.line([(f"SymPy: {steps.reason}", "dim")], 2)
            continue
        for step in steps[:rows]:
            screen.line(_words(output, step), 2)
        if len(steps) > rows:
            screen.line([(f"… {len(steps) - rows:,} more nodes (--rows {len(steps)})", "dim")], 2)
        screen.line()


def _words(output: str, step: Step) -> Words:
    """Return `∂f/∂v1 = ∂f/∂v2 · ∂v2/∂v1 = 3·v2^2 · 1 = 3·v2^2`."""
    head = f"∂{output}/∂{step.node}"
    words: list[tuple[str, str]] = [(head, "name")]
    rule, numbers = _chain(output, step)
    if rule:
        words += [(" = ", "dim"), (rule, "dim"), (" = ", "dim"), (numbers, "")]
    results = [pretty(text) for text in dict.fromkeys((step.result, step.final)) if text]
    if results and results[0] == numbers:
        del results[0]
    for result in results:
        words += [(" = ", "dim"), (result, "gradient")]
    return words


def _chain(output: str, step: Step) -> tuple[str, str]:
    """Return the rule in names, and the same with the local slopes put in."""
    rule = " + ".join(f"∂{output}/∂{term.user} · ∂{term.user}/∂{step.node}" for term in step.terms)
    products = [f"{_factor(term.upstream)} · {_factor(term.local)}" for term in step.terms]
    return rule, " + ".join(products)


def _factor(text: str) -> str:
    """Return a factor in parentheses where it is a sum, or begins with a sign."""
    shown = pretty(text)
    depth = 0
    for position, sign in enumerate(shown):
        depth += (sign == "(") - (sign == ")")
        if depth == 0 and sign in "+-" and (position == 0 or shown[position - 1] == " "):
            return f"({shown})"
    return shown


def lines(made: Steps) -> str:
    """Return `input formula` for each input; several outputs as `output.input formula`."""
    written = []
    for output, steps in made.items():
        prefix = f"{output}." if len(made) > 1 else ""
        if not isinstance(steps, Unavailable):
            written += [f"{prefix}{step.node} {step.final}" for step in steps if step.final]
    return "\n".join(written)


def steps_object(made: Steps) -> dict[str, Any]:
    """Return the steps of each output for JSON."""
    return {
        output: {"skipped": steps.reason}
        if isinstance(steps, Unavailable)
        else [_object(step) for step in steps]
        for output, steps in made.items()
    }


def _object(step: Step) -> dict[str, Any]:
    return step._asdict() | {"terms": [term._asdict() for term in step.terms]}


def symbolic_object(graph: Graph, made: Steps) -> dict[str, Any]:
    """Return an answer without a point: the derivation of each output, in formulas."""
    return {
        "schema": SCHEMA,
        "ok": not any(isinstance(steps, Unavailable) for steps in made.values()),
        "expression": program_text(graph),
        "symbolic": steps_object(made),
        "warnings": [],
    }
