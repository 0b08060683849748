"""The climbs of one `ascend`: run, shown as they come or at their end, and reported."""

import csv
import sys
from collections.abc import Iterator, Sequence

from backprop_cli.commands.outcome import ANSWERED, NO_ANSWER
from backprop_cli.commands.output import check_writable, write_text
from backprop_cli.errors import OptionProblem
from backprop_cli.render import ascent_lines as machine
from backprop_cli.render.errors import layout_failure
from backprop_cli.render.json import dumps
from backprop_cli.render.notes import notes
from backprop_cli.render.progress import Progress
from backprop_cli.studies.climbing.ascent import Step
from backprop_cli.studies.climbing.climbs import Record, contours_around
from backprop_cli.studies.climbing.problem import Problem
from backprop_cli.studies.climbing.settings import Settings
from backprop_cli.studies.data import blank_lines
from backprop_cli.studies.engine import Chosen
from backprop_cli.studies.solution import Failure


def check_picture(path: str) -> None:
    """Raise unless a picture can be written there; asked before a long climb, not after it."""
    if not path.lower().endswith(".svg"):
        raise OptionProblem(f"--plot writes SVG: {path[:60]!r} does not end in .svg")
    check_writable(path)


class Run:
    """One climb, or several from the same start: a race."""

    def __init__(
        self,
        problem: Problem,
        plans: Sequence[tuple[str, Settings]],
        batch_size: int,
        every: int,
        rows: int,
        drawn: bool,
    ) -> None:
        """Take what to climb and how; `drawn` says that the seed is not the user's."""
        self._drawn = drawn
        self.engine = Chosen("python")
        self.problem = problem
        self.name = problem.solution.answers[0].name
        """The name of what is climbed."""
        self.draws = batch_size > 0
        self.records = [
            Record(problem.climb(settings, batch_size), label, every, rows)
            for label, settings in plans
        ]

    def choose_engine(self, engine: str, every_row: bool) -> None:
        """Let an engine take the steps; `every_row` says that each is shown."""
        if engine != "python":
            from backprop_cli.studies.climbing import step_engine

            self.engine = step_engine.choose(engine, self.problem, self.records, every_row)

    def stream(self, form: str) -> None:
        """Write every step as it is made, in csv or as JSON Lines."""
        race = len(self.records) > 1
        table = csv.writer(sys.stdout, lineterminator="\n")
        if form == "csv":
            table.writerow(machine.csv_heading(list(self.problem.start), race))
        for record in self.records:
            racer = record.label if race else ""
            for step in self._steps(record, sys.stdout.isatty()):
                at = self.problem.at(step.point)
                if form == "csv":
                    table.writerow(machine.csv_cells(step, at, racer))
                else:
                    sys.stdout.write(dumps(machine.step_object(step, at, racer)) + "\n")
            if form == "json":
                sys.stdout.write(
                    dumps(self._end(record, racer), self.problem.solution.graph) + "\n"
                )

    def _end(self, record: Record, racer: str) -> dict[str, object]:
        """Return the last line of a climb in JSON Lines."""
        outcome = record.outcome
        at = self.problem.at(outcome.last.point)
        source = self.problem.solution.graph.source
        seed, failure = self._seed(record), self._failure(record)
        return machine.outcome_object(outcome, at, seed, failure, source, racer, self.engine.name)

    def print_plain(self, pictured: bool) -> None:
        """Print where each climb ended; only for a picture of them are their steps looked at."""
        for record in self.records:
            if pictured or record.climb.ahead is not None:
                self._follow(record)
            else:
                self._finish(record)
        print(machine.plain_lines(self.records, self.name))

    def print_tables(self, data: str, rows: int, color: str) -> None:
        """Print the rows of each climb, their curves, their paths, and how they compare."""
        from backprop_cli.render import ascent, echo
        from backprop_cli.render.console import make_console

        screen = make_console(color)
        echo.head(self.problem.solution, rows, screen)
        if self.problem.data is not None:
            ascent.print_data(self.problem.data, data, self.name, screen)
        self._run()
        for record in self.records:
            ascent.print_climb(record, self.name, rows, self._seed(record), screen)
        if all(record.rows for record in self.records):
            ascent.print_curves(self.records, self.name, screen)
            if self._is_map():
                contours = contours_around(self._height, self._paths())
                ascent.print_map(self.records, contours, self.name, screen)
        if len(self.records) > 1:
            ascent.print_race(self.records, self.name, screen)

    def write_picture(self, path: str) -> None:
        """Write the picture of the climbs as SVG. Raises `FileProblem`."""
        from backprop_cli.render.ascent import picture

        if not all(record.rows for record in self.records):
            return
        two = len(self.problem.names) == 2
        found = contours_around(self._height, self._paths()) if two else []
        text = picture(self.records, found, self.name, self.problem.solution.graph)
        write_text(path, text)

    def report(self, origin: str, form: str) -> int:
        """Say on stderr what must be said, and return the exit code."""
        code = ANSWERED
        if self.engine.note:
            print(f"note: {self.engine.note}", file=sys.stderr)
        if self.problem.data is not None and self.problem.data.blank:
            print(blank_lines(self.problem.data.blank), file=sys.stderr)
        if self.problem.solution.answers[0].failure is None:
            for note in notes(self.problem.solution, origin, self.problem.where(self.problem.row)):
                print(note, file=sys.stderr)
        if form in ("plain", "csv") and self._drawn:
            seeds = {self._seed(record) for record in self.records} - {None}
            for seed in seeds:
                print(f"note: --seed {seed} repeats these random numbers", file=sys.stderr)
        said = set()
        for record in self.records:
            failure = self._failure(record)
            if failure is not None:
                code = NO_ANSWER
                number = record.outcome.last.number
                begun = record.outcome.beyond != record.climb.start
                lead = f"step {number + 1} is not finite: " if begun else ""
                lead = f"{record.label}: {lead}" if record.label else lead
                failure = failure._replace(message=lead + failure.message)
                said.add(layout_failure(failure, self.problem.solution.graph.source, origin))
        for text in sorted(said):
            print(text, file=sys.stderr)
        return code

    def _run(self) -> None:
        for record in self.records:
            self._follow(record)

    def _follow(self, record: Record) -> None:
        """Run a climb to its end; its record keeps the steps that people may look at."""
        for _ in self._steps(record):
            pass

    def _finish(self, record: Record) -> None:
        """Run a climb to its end, where nobody looks at its steps."""
        progress = Progress(record.climb.settings.steps)
        try:
            record.last = record.climb.finish(progress.at).last
        finally:
            progress.stop()

    def _steps(self, record: Record, quiet: bool = False) -> Iterator[Step]:
        """Yield the steps of a climb, kept in its record, with a line of progress beside them."""
        progress = Progress(record.climb.settings.steps, not quiet)
        try:
            for step in record.climb:
                record.add(step)
                progress.at(step.number)
                yield step
        finally:
            progress.stop()
        record.last = record.outcome.last

    def _failure(self, record: Record) -> Failure | None:
        """Return why the climb could not go on, if it met what is not finite."""
        beyond = record.outcome.beyond
        if beyond is None:
            return None
        node = self.problem.solution.graph.outputs[0]
        span = self.problem.solution.graph.span_of(node)
        plain = Failure("not-finite", f"{self.name} is not finite", self.name, span)
        return self.problem.failure_at(beyond) or plain

    def _seed(self, record: Record) -> int | None:
        """Return the seed of a climb that drew random numbers."""
        settings = record.climb.settings
        return settings.seed if self.draws or settings.method == "random" else None

    def _is_map(self) -> bool:
        moved = any(len(record.rows) > 2 for record in self.records)
        return len(self.problem.names) == 2 and moved

    def _paths(self) -> list[list[tuple[float, float]]]:
        return [record.path() for record in self.records]

    def _height(self, x: float, y: float) -> float:
        return self.problem.objective.value((x, y))
