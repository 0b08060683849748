"""A suite of gradient tests: programs, what is claimed of them, and what comes of it."""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from backprop_cli.studies.checking.check import RIGHT, UNDECIDED, WRONG, Setting, check
from backprop_cli.studies.checking.claims import Questions
from backprop_cli.studies.checking.diagnosis import diagnoses
from backprop_cli.studies.checking.report import Report, report
from backprop_cli.studies.checking.slope_formulas import slope_formulas


class Case(NamedTuple):
    """One test as read: everything that can be wrong with it has been found."""

    name: str
    questions: Questions
    setting: Setting


class CaseResult(NamedTuple):
    """One test and what came of it."""

    case: Case
    report: Report


class Suite(NamedTuple):
    """All results of a file, and how long they took."""

    results: tuple[CaseResult, ...]
    seconds: float

    @property
    def verdict(self) -> str:
        """`wrong` if any test is, `right` if all are, else `undecided`."""
        found = {result.report.verdict for result in self.results}
        return WRONG if WRONG in found else RIGHT if found == {RIGHT} else UNDECIDED

    @property
    def engine_notes(self) -> list[str]:
        """What is to be said of the engines that worked, each note once."""
        return list(dict.fromkeys(filter(None, (r.report.check.engine.note for r in self.results))))

    def cases(self, verdict: str) -> int:
        """Return how many tests have this verdict."""
        return sum(result.report.verdict == verdict for result in self.results)

    def claims(self, verdict: str = "") -> int:
        """Return how many claims have this verdict; all of them without one."""
        items = (item for result in self.results for item in result.report.items)
        return sum(item.verdict.verdict == verdict or not verdict for item in items)

    @property
    def points(self) -> int:
        """How often a claim was looked at at a point."""
        return sum(r.report.check.points * len(r.report.items) for r in self.results)


def run(
    cases: Sequence[Case],
    heard: Callable[[CaseResult], None] = lambda _: None,
    engine: str = "auto",
) -> Suite:
    """Check every case by an engine; each result goes to `heard` as soon as it is there."""
    results = []
    begin = time.perf_counter()
    for case in cases:
        checked = check(case.questions, case.setting._replace(engine=engine))
        formulas = slope_formulas(case.questions)
        results.append(CaseResult(case, report(checked, diagnoses(checked), formulas)))
        heard(results[-1])
    return Suite(tuple(results), time.perf_counter() - begin)
