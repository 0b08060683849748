"""What `check` has to say of one program, all together: verdicts, formulas, diagnoses."""

from typing import NamedTuple

from backprop_cli.studies.checking.check import RIGHT, UNDECIDED, WRONG, Check, Verdict
from backprop_cli.studies.checking.diagnosis import Diagnosis
from backprop_cli.studies.checking.slope_formulas import claim_text, same_form


class Item(NamedTuple):
    """One claim: its sign `∂f/∂b`, the claim as it was read, and what is known of it."""

    sign: str
    claim: str
    verdict: Verdict
    formula: str
    diagnosis: Diagnosis

    @property
    def equals(self) -> str:
        """The right formula, where a right claim is written in another form."""
        other = self.verdict.verdict == RIGHT and not same_form(self.formula, self.claim)
        return self.formula if other and not self.verdict.question.claim.is_number else ""


class Report(NamedTuple):
    """The claims of one program and what became of each."""

    check: Check
    items: tuple[Item, ...]

    @property
    def verdict(self) -> str:
        """`wrong` if any claim is, `right` if all are, else `undecided`."""
        found = {item.verdict.verdict for item in self.items}
        return WRONG if WRONG in found else RIGHT if found == {RIGHT} else UNDECIDED


def report(check: Check, diagnoses: tuple[Diagnosis, ...], formulas: tuple[str, ...]) -> Report:
    """Put together what is known of each claim."""
    questions = check.questions
    parts = zip(check.verdicts, formulas, diagnoses, strict=True)
    items = (
        Item(questions.name_of(v.question), claim_text(questions, v.question), v, formula, found)
        for v, formula, found in parts
    )
    return Report(check, tuple(items))
