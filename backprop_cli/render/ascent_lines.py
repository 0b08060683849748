"""The steps of an ascent for machines: CSV, JSON Lines, plain lines. Nothing is left out."""

from collections.abc import Mapping, Sequence
from typing import Any

from backprop_cli.render.errors import failure_object
from backprop_cli.render.json import SCHEMA, number
from backprop_cli.render.numbers import machine
from backprop_cli.studies.climbing.ascent import Outcome, Step
from backprop_cli.studies.climbing.climbs import Record
from backprop_cli.studies.solution import Failure

_COLUMNS = ("value", "gradient_norm", "predicted_gain", "actual_gain", "ratio", "remark")


def step_object(step: Step, at: Mapping[str, float], racer: str = "") -> dict[str, Any]:
    """Return one step for JSON Lines; gains are null in step 0. `racer` names a climb of a race."""
    made: dict[str, Any] = {"racer": racer} if racer else {}
    made["step"] = step.number
    made["at"] = {name: number(value) for name, value in at.items()}
    made["value"] = number(step.value)
    made["gradient_norm"] = number(step.norm)
    made["predicted_gain"] = number(step.predicted)
    made["actual_gain"] = number(step.actual)
    made["remark"] = "; ".join(step.remarks)
    return made


def outcome_object(
    outcome: Outcome,
    at: Mapping[str, float],
    seed: int | None,
    failure: Failure | None,
    source: str,
    racer: str = "",
    engine: str = "python",
) -> dict[str, Any]:
    """Return the last line of JSON Lines: why it stopped, where, and what it took."""
    made: dict[str, Any] = {"racer": racer} if racer else {}
    made["schema"] = SCHEMA
    made["ok"] = outcome.stopped != "not-finite"
    made["stopped"] = outcome.stopped
    made["steps"] = outcome.last.number
    made["evaluations"] = outcome.evaluations
    made["sweeps"] = outcome.sweeps
    made["at"] = {name: number(value) for name, value in at.items()}
    made["value"] = number(outcome.last.value)
    made["engine"] = engine
    if seed is not None:
        made["seed"] = seed
    if failure is not None:
        made["error"] = failure_object(failure, source)
    return made


def csv_heading(names: Sequence[str], race: bool = False) -> list[str]:
    """Return the titles of CSV; an input that is called as a column of ours gets a prefix."""
    taken = {"racer", "step", *_COLUMNS}
    free = set(names) - taken
    inputs = []
    for name in names:
        title = name
        while title in taken or (title != name and title in free):
            title = f"at_{title}"
        inputs.append(title)
    return [*(["racer"] if race else []), "step", *inputs, *_COLUMNS]


def csv_cells(step: Step, at: Mapping[str, float], racer: str = "") -> list[str]:
    """Return one step as cells of CSV; those that step 0 does not have are empty."""
    numbers = (step.value, step.norm, step.predicted, step.actual, step.ratio)
    cells = ["" if value is None else machine(value) for value in (*at.values(), *numbers)]
    lead = [racer] if racer else []
    return [*lead, str(step.number), *cells, "; ".join(step.remarks)]


def plain_lines(records: Sequence[Record], name: str) -> str:
    """Return `name value` lines: the value first, then the point; of a race, one set a racer."""
    lines = []
    for record in records:
        last = record.outcome.last
        prefix = f"{record.label}." if len(records) > 1 else ""
        lines.append(f"{prefix}{name} {machine(last.value)}")
        pairs = zip(record.climb.objective.names, last.point, strict=True)
        lines += [f"{prefix}{key} {machine(value)}" for key, value in pairs]
    return "\n".join(lines)
