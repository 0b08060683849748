"""What may be said of a row of a table, in a word or as a code.

Of one row that is studied by itself `flag_of` says it; of many rows at once `second_look.py` finds
the codes, and a test holds the two together.
"""

from backprop_cli.studies.solution import Answer

FLAGS = ("", "kink", "jump", "undefined", "not-finite")
"""What may be said of a row; the code of a flag is its place here."""

CODE = {flag: code for code, flag in enumerate(FLAGS)}
"""The code of each flag."""


def flag_of(answer: Answer) -> str:
    """Return what is said of a point: why there is no answer, or the first kink or jump."""
    if answer.failure is not None:
        return answer.failure.code
    return next((remark.code for remark in answer.remarks if remark.code in FLAGS), "")
