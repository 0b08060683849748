"""A line of progress for long runs: on the error stream, if that is a terminal, and only then."""

import sys
import time
from typing import Any

_PATIENCE = 0.5
_EVERY = 256


class Progress:
    """Counts steps, or whatever else; shows a bar once the run has taken half a second.

    `total` is None where it is not known. Calls come `every` so often, or are not heeded.
    """

    def __init__(
        self, total: int | None, wanted: bool = True, what: str = "steps", every: int = _EVERY
    ) -> None:
        self._total, self._what, self._every = total, what, every
        self._shows = wanted and sys.stderr.isatty()
        self._begin = time.monotonic()
        self._bar: Any = None
        self._task: Any = None

    def at(self, step: int) -> None:
        """Say how many steps are done."""
        if not self._shows or step % self._every:
            return
        if self._bar is None:
            if time.monotonic() - self._begin < _PATIENCE:
                return
            self._start()
        self._bar.update(self._task, completed=step)

    def stop(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
            self._shows = False

    def _start(self) -> None:
        from rich.console import Console
        from rich.progress import Progress as Bar

        self._bar = Bar(console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task(self._what, total=self._total)
        self._bar.start()
