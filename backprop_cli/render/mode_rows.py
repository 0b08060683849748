"""The modes, the step study and the growth for machines: one JSON object, or plain lines.

A mode goes by the same name everywhere (`forward-difference`, `complex-step`, ...). Numbers read
back exactly; what is not known is null in JSON, and has no line in the plain form.
"""

from collections.abc import Iterator
from typing import Any

from backprop_cli.language.printer import program_text
from backprop_cli.render import plain
from backprop_cli.render.errors import failure_object
from backprop_cli.render.json import SCHEMA, by_output, number, numbers, warnings
from backprop_cli.render.numbers import machine
from backprop_cli.studies.comparing.growth import FAMILY, Crossover, Member
from backprop_cli.studies.comparing.modes import Comparison, Mode
from backprop_cli.studies.comparing.step_study import MODES, Method, StepStudies, StepStudy


def comparison_object(comparison: Comparison) -> dict[str, Any]:
    """Return the answer of `compare-modes`; an undefined one has what reverse mode could say.

    A verdict that is no agreement is a warning of the code `disagreement`.
    """
    solution = comparison.solution
    failure = next((answer.failure for answer in solution.answers if answer.failure), None)
    reverse = Mode("reverse", tuple(answer.gradient for answer in solution.answers))
    orders = [number(found.order) for found in comparison.taylors]
    made: dict[str, Any] = {
        "schema": SCHEMA,
        "ok": failure is None,
        "expression": program_text(solution.graph, solution.asked),
        "at": numbers(solution.point),
        "value": by_output(solution, [number(answer.value) for answer in solution.answers]),
        "modes": [_mode_object(comparison, mode) for mode in comparison.modes or (reverse,)],
        "taylor_order": by_output(solution, orders or [None] * len(solution.answers)),
        "agree": comparison.agree if failure is None else None,
        "warnings": [*warnings(solution), *_disagreements(comparison)],
    }
    if failure is not None:
        made["error"] = failure_object(failure, solution.graph.source)
    return made


def _disagreements(comparison: Comparison) -> list[dict[str, str]]:
    return [
        {"code": "disagreement", "node": answer.name, "message": message}
        for place, answer in enumerate(comparison.solution.answers)
        for message in comparison.findings(place)
    ]


def _mode_object(comparison: Comparison, mode: Mode) -> dict[str, Any]:
    counts = mode.operations
    gradient = [numbers(slopes) for slopes in mode.gradients]
    made = {
        "mode": mode.mode,
        "gradient": by_output(comparison.solution, gradient) if gradient else None,
        "sweeps": mode.sweeps,
        "evaluations": mode.evaluations,
        "edge_products": counts and counts.edge_products,
        "operations": counts
        and {
            "additions": counts.additions,
            "multiplications": counts.multiplications,
            "calls": counts.calls,
        },
        "seconds": number(mode.seconds),
        "digits": number(mode.digits),
    }
    return {**made, "skipped": mode.skipped} if mode.skipped else made


def studies_object(found: StepStudies) -> dict[str, Any]:
    """Return the step studies for JSON; `total` counts those that `--rows` leaves out, too."""
    made: dict[str, Any] = {
        "studies": [_study_object(study) for study in found.studies],
        "total": found.total,
    }
    return {**made, "skipped": found.reason} if found.reason else made


def _study_object(study: StepStudy) -> dict[str, Any]:
    return {
        "output": study.output,
        "input": study.name,
        "slope": number(study.slope),
        "modes": [_method_object(method) for method in study.methods],
    }


def _method_object(method: Method) -> dict[str, Any]:
    return {
        "mode": MODES[method.name],
        "best": number(method.best),
        "theory": number(method.theory),
        "steps": [
            {
                "h": one.h,
                "estimate": number(one.estimate),
                "error": number(one.error),
                "arm": one.arm or None,
            }
            for one in method.quotients
        ],
    }


def growth_object(members: list[Member]) -> dict[str, Any]:
    """Return the growth for JSON: for each size the cost by each mode, in evaluations of f."""
    return {
        "family": FAMILY,
        "members": [
            {
                "inputs": member.inputs,
                "operations": member.operations,
                "modes": [_price_object(price._asdict()) for price in member.prices],
            }
            for member in members
        ],
    }


def _price_object(price: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in price.items() if key != "skipped" or value}


def crossover_object(found: Crossover) -> dict[str, Any]:
    """Return the crossover for JSON: null where it was not seen."""
    return found._asdict()


def comparison_lines(comparison: Comparison) -> Iterator[str]:
    """Yield value and gradient of each output as `grad` does, then `measure.mode number`."""
    yield from plain.lines(comparison.solution)
    for mode in comparison.modes:
        if mode.skipped:
            yield f"skipped.{mode.mode} {mode.skipped}"
        for name, value in _measures(mode):
            if value is not None:
                yield f"{name}.{mode.mode} {machine(value)}"
    for answer, found in zip(comparison.solution.answers, comparison.taylors, strict=False):
        if found.order is not None:
            yield f"taylor_order.{answer.name} {machine(found.order)}"
    if comparison.modes:
        yield f"agree.modes {'true' if comparison.agree else 'false'}"


def _measures(mode: Mode) -> Iterator[tuple[str, float | None]]:
    """Yield the numbers of one mode, with the names that JSON has for them."""
    yield "sweeps", mode.sweeps
    yield "evaluations", mode.evaluations
    if mode.operations is not None:
        yield from mode.operations._asdict().items()
    yield "seconds", mode.seconds
    yield "digits", mode.digits


def studies_lines(found: StepStudies) -> Iterator[str]:
    """Yield `error.mode.output.input.h number`, and the best step of each mode."""
    for study in found.studies:
        for method in study.methods:
            place = f"{MODES[method.name]}.{study.output}.{study.name}"
            for one in method.quotients:
                yield f"estimate.{place}.{one.h:.0e} {machine(one.estimate)}"
                if one.error is not None:
                    yield f"error.{place}.{one.h:.0e} {machine(one.error)}"
            if method.best is not None:
                yield f"best_h.{place} {machine(method.best)}"
            if method.theory is not None:
                yield f"theory_h.{place} {machine(method.theory)}"


def growth_lines(members: list[Member], found: Crossover) -> Iterator[str]:
    """Yield `operations.mode.inputs number`, the same for ratio and seconds, and the crossover."""
    for member in members:
        yield f"operations.f.{member.inputs} {member.operations}"
        for price in member.prices:
            for name in ("operations", "ratio", "seconds"):
                value = getattr(price, name)
                if value is not None:
                    yield f"{name}.{price.mode}.{member.inputs} {machine(value)}"
    for name, inputs in (("counted", found.counted), ("timed", found.timed)):
        if inputs is not None:
            yield f"crossover.{name} {inputs}"
