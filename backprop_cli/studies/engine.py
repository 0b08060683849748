"""Which engine did the work, and what is to be said about it.

It is chosen by what each kind of work costs (`paying.py`): the steps of a climb in
`climbing/step_engine.py`, points of claims in `checking/claim_engine.py`, rows of a table in
`table/point_engine.py`, calls from Python in `compiled_program.py`.
"""

from typing import NamedTuple

ENGINES = ("auto", "python", "native")
"""What may be asked for."""


class Chosen(NamedTuple):
    """The engine that works, and a note on it for people (empty if there is nothing to say)."""

    name: str
    note: str = ""


def python_because(reason: str) -> Chosen:
    """Return the choice of Python, and why it is not C."""
    return Chosen("python", f"engine python ({reason})")
