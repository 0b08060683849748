"""Check-ups for machines: one JSON object, or plain lines. Nothing is left out.

With several outputs, `value`, `gradient`, `flow`, `findings` and `digits` are objects by output
name, and plain lines have the output's name in front.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from backprop_cli.render.json import by_output, grad_object, number, numbers
from backprop_cli.render.numbers import machine
from backprop_cli.render.plain import lines as answer_lines
from backprop_cli.studies.digits import Digits
from backprop_cli.studies.health.checkup import Checkup, Finding
from backprop_cli.studies.health.postmortem import PostMortem
from backprop_cli.studies.health.rewrites import Numbers, Rewrite
from backprop_cli.studies.solution import Solution


def checkups_object(solution: Solution, checkups: Sequence[Checkup]) -> dict[str, Any]:
    """Return the answer of `diagnose` for JSON."""
    made = grad_object(solution)
    del made["warnings"]
    error = made.pop("error", None)
    made["flow"] = by_output(solution, [_flow(solution, one) for one in checkups])
    made["findings"] = by_output(solution, [[_finding(f) for f in c.findings] for c in checkups])
    made["digits"] = by_output(solution, [_digits(one.digits) for one in checkups])
    if error is not None:
        deaths = [_post_mortem(solution, one.post_mortem) for one in checkups]
        made["post_mortem"] = by_output(solution, deaths)
        made["error"] = error
    return made


def _flow(solution: Solution, checkup: Checkup) -> list[dict[str, Any]]:
    adjoints = checkup.answer.adjoints
    return [
        {"node": solution.names[node], "depth": depth, "adjoint": number(adjoints[node])}
        for node, depth in enumerate(checkup.flow.depths)
        if depth >= 0
    ]


def _finding(finding: Finding) -> dict[str, Any]:
    made: dict[str, Any] = {
        "code": finding.code,
        "node": finding.node,
        "message": finding.message,
        "details": list(finding.details),
    }
    if finding.rewrite is not None:
        made["rewrite"] = _rewrite(finding.rewrite)
    return made


def _digits(digits: Digits) -> dict[str, Any]:
    return {
        "value": _rounded(digits.value),
        "gradient": {name: _rounded(left) for name, left in digits.gradient.items()},
    }


def _rounded(digits: float | None) -> float | None:
    return None if digits is None else round(digits, 2)


def _rewrite(rewrite: Rewrite) -> dict[str, Any]:
    exact = rewrite.exact
    made: dict[str, Any] = {
        "expression": rewrite.text,
        "changes": [change._asdict() for change in rewrite.changes],
        "before": _numbers(rewrite.before),
        "after": _numbers(rewrite.after),
        "exact": {
            "value": exact.text(exact.value),
            "gradient": {name: exact.text(value) for name, value in exact.gradient.items()},
        },
        "by_limit": rewrite.by_limit,
        "elsewhere": {"points": rewrite.agreed, "agree": True},
    }
    if rewrite.convention:
        made["convention"] = rewrite.convention
    return made


def _numbers(found: Numbers) -> dict[str, Any]:
    return {
        "value": number(found.value),
        "gradient": numbers(found.gradient),
        "digits": {
            "value": _rounded(found.digits),
            "gradient": {name: _rounded(left) for name, left in found.gradient_digits.items()},
        },
    }


def _post_mortem(solution: Solution, death: PostMortem | None) -> dict[str, Any] | None:
    if death is None:
        return None
    return {
        "events": [
            {
                "pass": event.phase,
                "node": solution.names[event.node],
                "to": None if event.operand is None else solution.names[event.operand],
                "code": event.code,
                "arithmetic": event.sum,
                "result": number(event.result),
                "message": event.message,
            }
            for event in death.events
        ],
        "inputs": list(death.inputs),
    }


# ------------------------------------------------------------------ plain lines


def checkups_lines(solution: Solution, checkups: Sequence[Checkup]) -> Iterator[str]:
    """Yield plain lines: the answer as `grad` has it, then `digits.NAME`, findings, rewrites."""
    yield from answer_lines(solution)
    several = len(checkups) > 1
    for checkup in checkups:
        prefix = f"{checkup.answer.name}." if several else ""
        digits = checkup.digits
        yield f"digits.{checkup.answer.name} {_left(digits.value)}"
        for name, left in digits.gradient.items():
            yield f"{prefix}digits.{name} {_left(left)}"
        for finding in checkup.findings:
            yield f"{prefix}{finding.code}.{finding.node} {finding.message}"
        if checkup.rewrite is not None:
            yield f"{prefix}rewrite {checkup.rewrite.text}"


def _left(digits: float | None) -> str:
    return "unknown" if digits is None else machine(round(digits, 2))
