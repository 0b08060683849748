"""What every module of the benchmark is given: where to work, and how much time there is."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class Bench(NamedTuple):
    """One run of the benchmark.

    `programs` is the folder of the installed commands, None where there is none, for the reason
    `problem`; `remarks` collects what is to be said of a peer, by tool and subject.
    """

    folder: Path
    programs: Path | None
    problem: str
    quick: bool
    say: Callable[[str], None]
    remarks: dict[str, list[str]]
