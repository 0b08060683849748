"""`backprop grad --points`: one program at each row of a CSV file, streamed."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import click
from click.core import ParameterSource

from backprop_cli.commands import options, output
from backprop_cli.commands.outcome import ANSWERED, NO_ANSWER
from backprop_cli.errors import BackpropError, FileProblem, OptionProblem
from backprop_cli.graph import Graph
from backprop_cli.language.parser import parse
from backprop_cli.language.tokens import normalized
from backprop_cli.operations import NAMED_CONSTANTS
from backprop_cli.render.errors import readable
from backprop_cli.studies.files import read_source
from backprop_cli.studies.point import check_names, evaluated

if TYPE_CHECKING:
    from backprop_cli.studies.table.chunks import Chunk, Chunks
    from backprop_cli.studies.table.point_engine import PointEngine
    from backprop_cli.studies.table.points import Answers, ManyPoints
    from backprop_cli.studies.table.rows import Block

FORMATS = ("csv", "json")
ENDINGS = {".csv": "csv", ".json": "json", ".jsonl": "json"}
"""The format that the ending of a file asks for."""

ALL = "all"
MOST_TOLD = 20
"""Bad rows that are told by line; more are counted."""

_NAMED = (
    *("expression", "points", "wrt", "of", "kink", "form", "path"),
    *("table", "keep", "on_error", "engine"),
)


class Question(NamedTuple):
    """What is asked of every row."""

    expression: str | None
    points: tuple[str, ...]
    wrt: tuple[str, ...]
    of: tuple[str, ...]
    kink: str
    engine: str


def answer_table(
    question: Question,
    table: str,
    keep: tuple[str, ...],
    on_error: str | None,
    form: str,
    path: str | None,
) -> int:
    """Answer every row of a table, and return the exit code."""
    form = _form(form, path)
    if question.expression is None:
        raise OptionProblem("missing argument 'EXPRESSION'")
    if question.expression == "-" and table == "-":
        hint = "give the expression as an argument, or as @FILE"
        raise OptionProblem("standard input cannot be both EXPRESSION and --points", None, hint)
    named = table if table == "-" else f"@{table}"
    output.refuse_sources(path, question.expression, named, *question.points)
    from backprop_cli.studies.table.chunks import Chunks
    from backprop_cli.studies.table.point_engine import PointEngine
    from backprop_cli.studies.table.rows import RowReader

    source = read_source(question.expression)
    chunks = Chunks(table)
    engine = PointEngine(question.engine, chunks.rows)
    try:
        many, used = _compiled(question, source.text, chunks, engine)
    except BackpropError as error:
        error.origin = error.origin or source.origin
        raise
    kept = _places(keep, chunks.headings)
    reader = RowReader(chunks.headings, used, kept, stop=on_error != "skip")
    write = _table_form(form, [chunks.headings[place] for place in kept], many)
    with output.opened(path) as target:
        run = _Run(chunks, many, target, on_error != "skip", engine.chosen.note)
        target.file.write(write.heading)
        return run.answer(lambda chunk: _answered(chunk, reader, many, write.block))


def _form(form: str, path: str | None) -> str:
    """Return the format. Raises `OptionProblem` for options that are of no use to points."""
    context = click.get_current_context()
    for parameter in context.command.params:
        name = parameter.name or ""
        given = context.get_parameter_source(name) == ParameterSource.COMMANDLINE
        if given and name not in _NAMED:
            what = max(parameter.opts, key=len)
            raise OptionProblem(f"{what} does not go with --points, which answers in csv or json")
    form = output.chosen_format(path, form, ENDINGS, "--points")
    if form in FORMATS:
        return form
    if context.get_parameter_source("form") == ParameterSource.COMMANDLINE:
        raise OptionProblem(f"--points answers in csv or json, not {form}")
    return FORMATS[0]


def _compiled(
    question: Question, text: str, chunks: "Chunks", engine: "PointEngine"
) -> "tuple[ManyPoints, list[int]]":
    """Return the program compiled for the columns of a file, and their places."""
    from backprop_cli.studies.data import used_columns
    from backprop_cli.studies.table.points import ManyPoints

    given = options.bindings(question.points)
    names = [binding.name for binding in given]
    graph = _parsed(text, names, chunks.headings)
    used = used_columns(chunks.headings, graph.inputs, chunks.title)
    twice = [name for name in used if name in names]
    if twice:
        hint = "leave them out of --at, or rename the columns"
        raise OptionProblem(f"{', '.join(twice[:10])} given by --at and by --points", None, hint)
    check_names(graph, [*names, *used])
    columns = [name for name in graph.inputs if name in used]
    how = (question.wrt, question.of, question.kink)
    many = ManyPoints(graph, columns, evaluated(given), *how, engine=engine)
    return many, [used[name] for name in columns]


def _parsed(text: str, names: list[str], headings: list[str]) -> Graph:
    """Return the graph of a text. A column named e or pi binds that name, as `--at` does."""
    graph = parse(text, names)
    constants = {graph.literals[node] for node in graph.literals} & set(NAMED_CONSTANTS)
    bound = constants & {normalized(heading) for heading in headings}
    return parse(text, [*names, *bound]) if bound else graph


def _places(keep: tuple[str, ...], headings: list[str]) -> list[int]:
    """Return the places of the columns that pass through, in the order asked for."""
    if keep == (ALL,) and ALL not in headings:
        return list(range(len(headings)))
    for name in keep:
        if headings.count(name) != 1:
            what = "no column" if name not in headings else "several columns"
            hint = f"its columns: {', '.join(heading[:40] for heading in headings[:10])}"
            raise OptionProblem(f"--keep: the file has {what} named {name[:40]!r}", None, hint)
    return [headings.index(name) for name in keep]


class _TableForm(NamedTuple):
    """The first line of what is written, and how a block of rows becomes text."""

    heading: bytes
    block: "Callable[[Block, Answers], bytes]"


def _table_form(form: str, kept: list[str], many: "ManyPoints") -> _TableForm:
    """Return how blocks become text. Raises `OptionProblem` where two columns share a name."""
    from backprop_cli.render import points as render

    titles = render.csv_heading(kept, many) if form == "csv" else kept
    twice = [title for title, count in Counter(titles).items() if count > 1]
    if twice:
        hint = "leave them out of --keep, or rename them"
        shown = ", ".join(twice[:10])
        raise OptionProblem(f"the answer would have two columns named {shown}", None, hint)
    if form == "csv":
        return _TableForm(render.csv_line(titles).encode(), render.csv_block)
    return _TableForm(b"", render.JsonLines(kept, many))


class _Made(NamedTuple):
    """A block as text; of each flag but the empty one how often, where first, and that point."""

    text: bytes
    size: int
    flags: "list[tuple[int, int, int, tuple[float, ...]]]"
    unanswered: int
    faults: tuple[tuple[int, str], ...]
    bad: int
    blank: int


def _answered(
    chunk: "Chunk",
    reader: "Callable[[Chunk], Block]",
    many: "ManyPoints",
    write: "Callable[[Block, Answers], bytes]",
) -> _Made:
    """Read, compute and write one chunk; runs in a thread."""
    import numpy

    block = reader(chunk)
    answers = many(block.columns)
    found = numpy.unique(answers.flags, return_index=True, return_counts=True)
    flags = [
        (code, count, row, tuple(column[row].item() for column in block.columns))
        for code, row, count in zip(*(part.tolist() for part in found), strict=True)
        if code
    ]
    unanswered = block.size - int(answers.answered.sum())
    text = write(block, answers)
    return _Made(text, block.size, flags, unanswered, block.faults, block.bad, block.blank)


class _Run:
    """Writes blocks in order, and says on stderr what there is to say of their rows."""

    def __init__(
        self, chunks: "Chunks", many: "ManyPoints", target: output.Target, stop: bool, note: str
    ) -> None:
        self._chunks, self._many, self._target, self._stop = chunks, many, target, stop
        self._engine = note
        self._size = self._bad = self._blank = self._told = self._unanswered = 0
        self._counts = Counter[int]()
        self._first: dict[int, tuple[int, tuple[float, ...]]] = {}

    def answer(self, work: "Callable[[Chunk], _Made]") -> int:
        """Answer all chunks and return the exit code. Raises `FileProblem` at a bad row."""
        from backprop_cli.render.progress import Progress
        from backprop_cli.studies.table.in_order import in_order, processors

        file = self._target.file
        quiet = file is sys.stdout.buffer and sys.stdout.isatty()
        progress = Progress(self._chunks.size, not quiet, "bytes", every=1)
        try:
            for made in in_order(self._chunks, work, processors()):
                file.write(made.text)
                file.flush()
                self._target.answered |= made.size > 0
                self._note(made)
                progress.at(self._chunks.taken)
        finally:
            progress.stop()
        for line in self._remarks():
            print(line, file=sys.stderr)
        if self._bad and not self._size:
            raise FileProblem(f"no row of {self._chunks.title} can be read")
        return NO_ANSWER if self._unanswered else ANSWERED

    def _note(self, made: _Made) -> None:
        """Count what is to be said at the end, and tell of rows that cannot be read."""
        for code, count, row, point in made.flags:
            self._counts[code] += count
            self._first.setdefault(code, (self._size + row + 1, point))
        self._size += made.size
        self._bad += made.bad
        self._blank += made.blank
        self._unanswered += made.unanswered
        for line, fault in made.faults:
            text = readable(f"{self._chunks.title} line {line}: {fault}")
            if self._stop:
                raise FileProblem(text, None, "--on-error skip leaves such rows out")
            if self._told < MOST_TOLD:
                self._told += 1
                print(f"skipped: {text}", file=sys.stderr)

    def _remarks(self) -> Iterator[str]:
        """Yield what is to be said of all rows together."""
        from backprop_cli.studies.data import blank_lines
        from backprop_cli.studies.table.flags import FLAGS

        if self._engine:
            yield f"note: {self._engine}"
        if self._blank:
            yield blank_lines(self._blank)
        if self._bad > self._told:
            yield f"skipped: {self._bad:,} rows in all, the first {self._told} are named above"
        for code, (row, point) in sorted(self._first.items()):
            solution = self._many.solution(point)
            failed = [a.failure.message for a in solution.answers if a.failure is not None]
            said = [r.message for a in solution.answers for r in a.remarks if r.code == FLAGS[code]]
            lead = "error" if failed else "warning"
            count = f"{FLAGS[code]} in {self._counts[code]:,} of {self._size:,} rows"
            message = readable([*failed, *said][0])
            yield f"{lead}: {count}; the first is row {row:,} of the answer: {message}"
