"""Verdicts on claims for machines: JSON objects and plain lines."""

from collections.abc import Iterator
from typing import Any

from backprop_cli.language.names import typed_names
from backprop_cli.language.printer import program_text
from backprop_cli.render.json import SCHEMA, number, numbers, spelled
from backprop_cli.render.numbers import human, machine
from backprop_cli.studies.checking.check import RIGHT, UNDECIDED, WRONG
from backprop_cli.studies.checking.report import Item, Report
from backprop_cli.studies.checking.suites import CaseResult, Suite
from backprop_cli.studies.words import place_words

_MOST_NAMED = 12


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
        "ok": suite.verdict != UNDECIDED,
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
    program = report.check.questions.program
    made = {"expression": program_text(program), **_checked(report)}
    return {
        "name": result.case.name,
        "verdict": report.verdict,
        **spelled(made, typed_names(program)),
    }


def _checked(report: Report) -> dict[str, Any]:
    check = report.check
    made: dict[str, Any] = {}
    if check.setting.fixed:
        made["at"] = numbers(check.setting.fixed)
    made["points"] = check.points
    made["engine"] = check.engine.name
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
    example = item.diagnosis.example
    if item.diagnosis.mistakes and example is not None:
        made["example"] = {
            "point": numbers(example.point),
            "claimed": number(example.claimed),
            "actual": number(example.actual),
        }
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
            if verdict.point is not None:
                located = report.check.located(verdict.point)
                yield f"{name}.point {','.join(f'{n}={machine(v)}' for n, v in located.items())}"
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
        words = "; ".join([*_reasons(report, item), *_mistakes(item)])
        if words:
            tail = " except" if verdict.exceptions else ":"
            yield f"{item.sign} = {item.claim} is {verdict.verdict}{tail} {words}"


def _reasons(report: Report, item: Item) -> Iterator[str]:
    verdict = item.verdict
    yield from filter(None, [verdict.where, *verdict.exceptions, verdict.reason])
    if (
        verdict.verdict == WRONG
        and verdict.point is not None
        and verdict.claimed == verdict.claimed
    ):
        numbers = f"claimed {machine(verdict.claimed)}, right is {machine(verdict.actual)}"
        place = place_words(report.check.located(verdict.point), _MOST_NAMED, human)
        yield numbers if report.check.at_one_point else f"at {place}: {numbers}"


def _mistakes(item: Item) -> Iterator[str]:
    """Yield the mistakes that fit, the first after the point whose numbers they have."""
    example = item.diagnosis.example
    for place, mistake in enumerate(item.diagnosis.mistakes):
        lead = ""
        if place == 0 and example is not None and example.point:
            lead = f"at {place_words(example.point, _MOST_NAMED, human)}: "
        yield f"{lead}{mistake.code}: {mistake.message}"
    if item.diagnosis.note:
        yield item.diagnosis.note
