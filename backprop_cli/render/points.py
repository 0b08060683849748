"""The answers to many points as text: CSV, or JSON Lines in the shape of `grad --format json`.

A block of rows becomes one text. Polars writes the numbers if it is there; those that it would
write otherwise than Python does (1e-05 and the like) are Python's, so that the bytes that come
out do not depend on what is installed.
"""

from collections.abc import Sequence
from typing import Any

from backprop_cli.language.names import typed_names
from backprop_cli.render.json import SCHEMA, dumps, grad_object
from backprop_cli.render.numbers import machine
from backprop_cli.studies.data import numpy_for
from backprop_cli.studies.table.flags import FLAGS
from backprop_cli.studies.table.points import Answers, ManyPoints
from backprop_cli.studies.table.rows import Block, polars_for

_NEEDS_QUOTES = ',"\r\n'
_POLARS_PATTERN = f"^ |[{_NEEDS_QUOTES}]"
_BYTES_A_NUMBER = 20


def csv_heading(kept: Sequence[str], many: ManyPoints) -> list[str]:
    """Return the titles: kept columns, then value, d_<name>, ... of each output, then flag.

    Where outputs were named, and are several, their names are in the titles: value_f, d_f_x.
    """
    made = list(kept)
    for label in many.outputs if len(many.outputs) > 1 else ("",):
        made.append(f"value_{label}" if label else "value")
        made += [f"d_{label}_{name}" if label else f"d_{name}" for name in many.wrt]
    return [*made, "flag"]


def csv_line(cells: Sequence[str]) -> str:
    """Return texts as one line of CSV, with its end."""
    return ",".join(map(_quoted, cells)) + "\n"


def csv_block(block: Block, answers: Answers) -> bytes:
    """Return the rows of a block as CSV in UTF-8; numbers read back exactly."""
    if not block.size:
        return b""
    polars = polars_for(_BYTES_A_NUMBER * block.size * len(answers.results))
    if polars is not None:
        return _by_polars(polars, block, answers)
    columns = [[*map(_quoted, texts)] for texts in block.kept]
    columns += [_texts(column) for column in answers.results]
    columns.append([FLAGS[code] for code in answers.flags.tolist()])
    lines = map(",".join, zip(*columns, strict=True))
    return ("\n".join(lines) + "\n").encode()


def _quoted(text: str) -> str:
    if text[:1] != " " and not any(sign in text for sign in _NEEDS_QUOTES):
        return text
    return '"' + text.replace('"', '""') + '"'


def _texts(column: Any) -> list[str]:
    """Return numbers as text."""
    finite = numpy_for("--points").isfinite(column).all()
    return list(map(repr if finite else machine, column.tolist()))


def _by_polars(polars: Any, block: Block, answers: Answers) -> bytes:
    series = [_quoted_series(polars, texts) for texts in block.kept]
    series += [_number_series(polars, column) for column in answers.results]
    series.append(polars.Series(FLAGS).gather(answers.flags))
    frame = polars.DataFrame([one.alias(str(place)) for place, one in enumerate(series)])
    text: str = frame.write_csv(include_header=False, quote_style="never")
    return text.encode()


def _quoted_series(polars: Any, texts: Any) -> Any:
    series = polars.Series("0", texts, dtype=polars.String)
    if not series.str.contains(_POLARS_PATTERN).any():
        return series
    text = polars.col("0")
    quoted = '"' + text.str.replace_all('"', '""', literal=True) + '"'
    chosen = polars.when(text.str.contains(_POLARS_PATTERN)).then(quoted).otherwise(text)
    return series.to_frame().select(chosen).to_series()


def _number_series(polars: Any, column: Any) -> Any:
    """Return numbers as they are where Polars writes them as Python does, else as text."""
    numpy = numpy_for("--points")
    series = polars.Series("0", column)
    sizes = numpy.abs(column)
    others = ~((sizes >= 1e-4) & (sizes < 1e16) | (sizes == 0))
    if not others.any():
        return series
    places = numpy.flatnonzero(others)
    return series.cast(polars.String).scatter(places, [*map(machine, column[places].tolist())])


class JsonLines:
    """Writes blocks as JSON Lines: one object a row, `columns` having the texts passed through.

    The lines of rows with nothing to be said of them differ in their numbers only. The others are
    those of `grad`, with their warnings and errors.
    """

    def __init__(self, kept: Sequence[str], many: ManyPoints) -> None:
        """Take the titles of the columns that pass through."""
        self._kept, self._many = tuple(kept), many
        several = len(many.outputs) > 1
        typed = typed_names(many.graph)
        labels = [typed.get(name, name) for name in many.outputs] if several else [""]
        at = ", ".join(
            f"{dumps(name)}: {dumps(many.fixed[name]) if name in many.fixed else '%r'}"
            for name in many.inputs
        )
        slopes = "{" + ", ".join(f"{dumps(typed.get(name, name))}: %r" for name in many.wrt) + "}"
        value = ", ".join(f"{dumps(label)}: %r" if several else "%r" for label in labels)
        gradient = ", ".join(f"{dumps(label)}: {slopes}" if several else slopes for label in labels)
        if several:
            value, gradient = f"{{{value}}}", f"{{{gradient}}}"
        self._form = (
            f'{{"schema": {dumps(SCHEMA)}, "ok": true, %s"at": {{{at}}}, '
            f'"value": {value}, "gradient": {gradient}, "warnings": []}}\n'
        )

    def __call__(self, block: Block, answers: Answers) -> bytes:
        """Return the rows of a block, a line each, in ASCII."""
        step = 1 + len(self._many.wrt)
        values, slopes = answers.results[::step], list(answers.results)
        del slopes[::step]
        table = [column.tolist() for column in (*block.columns, *values, *slopes)]
        cells = [dict(zip(self._kept, row, strict=True)) for row in zip(*block.kept, strict=True)]
        lead = [f'"columns": {dumps(row)}, ' for row in cells] or [""] * block.size
        lines = [self._form % row for row in zip(lead, *table, strict=True)]
        for row in answers.flags.nonzero()[0].tolist():
            point = [column[row] for column in table[: len(block.columns)]]
            found = grad_object(self._many.solution(point))
            made = {key: found.pop(key) for key in ("schema", "ok")}
            made |= {"columns": cells[row]} if cells else {}
            del found["expression"]
            lines[row] = dumps(made | found, self._many.graph) + "\n"
        return "".join(lines).encode()
