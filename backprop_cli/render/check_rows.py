"""Verdicts on claims for machines: JSON objects and plain lines."""

from collections.abc import Iterator
from typing import Any

from backprop_cli.language.printer import program_text
from backprop_cli.render.json import SCHEMA, number, numbers
from backprop_cli.render.numbers import machine
from backprop_cli.studies.check import RIGHT, UNDECIDED, WRONG
from backprop_cli.studies.report import Item, Report
from backprop_cli.studies.suites import CaseResult, Suite


def report_object(report: Report) -> dict[str, Any]:
    """Return the answer of `check` for one program."""
    return {
        "schema": SCHEMA,
        "ok": report.verdict != UNDECIDED,
        "expression": program_text(report.check.questions.program),
        **_checked(report),
    }


def suite_object(suite: Suite, origin: str) -> dict[str, Any]:
    """Return the answer of `check --file`."""
    kinds = (RIGHT, WRONG, UNDECIDED)
    return {
        "schema": SCHEMA,
        "ok": all(result.report.verdict != UNDECIDED for result in suite.results),
        "file": origin,
        "cases": [_case_object(result) for result in suite.results],
        "counts": {
            "cases": {kind: suite.cases(kind) for kind in kinds},
            "claims": {kind: suite.claims(kind) for kind in kinds},
        },
        "points": suite.points,
        "seconds": suite.seconds,
    }


def _case_object(result: CaseResult) -> dict[str, Any]:
    report = result.report
    return {
        "name": result.case.name,
        "verdict": report.verdict,
        "expression": program_text(report.check.questions.program),
        **_checked(report),
    }


def _checked(report: Report) -> dict[str, Any]:
    check = report.check
    made: dict[str, Any] = {}
    if check.setting.fixed:
        made["at"] = numbers(check.setting.fixed)
    made["points"] = check.points
    if not check.at_one_point:
        made["seed"] = check.setting.seed
    several = len(check.questions.labels) > 1
    made["claims"] = [_item_object(report, item, several) for item in report.items]
    return made


def _item_object(report: Report, item: Item, several: bool) -> dict[str, Any]:
    verdict = item.verdict
    questions = report.check.questions
    made: dict[str, Any] = {"output": questions.labels[verdict.question.output]} if several else {}
    made |= {"input": verdict.question.claim.name, "claim": item.claim, "verdict": verdict.verdict}
    if verdict.exceptions:
        made["except"] = list(verdict.exceptions)
    if verdict.where:
        made["where"] = verdict.where
    if verdict.reason:
        made["reason"] = verdict.reason
    if verdict.point is not None:
        made["point"] = numbers(report.check.located(verdict.point))
        if verdict.verdict != UNDECIDED or verdict.claimed == verdict.claimed:
            made["claimed"] = number(verdict.claimed)
            made["actual"] = number(verdict.actual)
    made["formula"] = item.formula or None
    made["diagnosis"] = [
        {"code": mistake.code, "message": mistake.message}
        | ({"path": list(mistake.path)} if mistake.path else {})
        for mistake in item.diagnosis.mistakes
    ]
    return made


def report_lines(report: Report, lead: str = "") -> Iterator[str]:
    """Yield `b wrong`, and for a wrong claim its numbers and the codes of its mistakes."""
    several = len(report.check.questions.labels) > 1
    for item in report.items:
        verdict = item.verdict
        output = report.check.questions.labels[verdict.question.output]
        name = f"{lead}{f'{output}.' if several else ''}{verdict.question.claim.name}"
        yield f"{name} {verdict.verdict}"
        if verdict.verdict == WRONG:
            if verdict.claimed == verdict.claimed:
                yield f"{name}.claimed {machine(verdict.claimed)}"
                yield f"{name}.actual {machine(verdict.actual)}"
            for mistake in item.diagnosis.mistakes:
                yield f"{name}.diagnosis {mistake.code}"


def suite_lines(suite: Suite) -> Iterator[str]:
    """Yield the plain lines of every case, its number before each name."""
    for place, result in enumerate(suite.results, 1):
        yield from report_lines(result.report, f"{place}.")


def notes(report: Report) -> Iterator[str]:
    """Yield what the error stream says of claims that are wrong, undecided, or right but for."""
    for item in report.items:
        verdict = item.verdict
        said = [verdict.where, verdict.reason, *verdict.exceptions]
        if verdict.verdict == WRONG and verdict.claimed == verdict.claimed:
            said.append(f"claimed {machine(verdict.claimed)}, right is {machine(verdict.actual)}")
        said += [f"{mistake.code}: {mistake.message}" for mistake in item.diagnosis.mistakes]
        said.append(item.diagnosis.note)
        words = "; ".join(text for text in said if text)
        if words:
            yield f"{item.sign} = {item.claim} is {verdict.verdict}: {words}"
