"""Which engine did the work, and what is to be said about it."""

from typing import NamedTuple


class Chosen(NamedTuple):
    """The engine that works, and a note on it for people (empty if there is nothing to say)."""

    name: str
    note: str = ""
