"""Columns of numbers as callers of the library have them: lists, arrays, or one number for all.

NumPy is used where it is installed. Without it, columns are lists, and so are the answers.
"""

from collections.abc import Mapping, Sequence, Set
from numbers import Real
from typing import Any, NamedTuple

from backprop_cli.errors import BackpropError, BindingProblem
from backprop_cli.studies.api import finite
from backprop_cli.studies.data import numpy_for


class Columns(NamedTuple):
    """Columns of one length by name; NumPy if they are its arrays; whether any was given so."""

    columns: dict[str, Any]
    rows: int
    numpy: Any
    arrays: bool


def checked_columns(given: Mapping[str, Any]) -> Columns:
    """Return what was given as columns of finite numbers. Raises `BindingProblem`."""
    arrays = any(hasattr(column, "__array__") for column in given.values())
    alone = {name for name, column in given.items() if isinstance(column, Real)}
    if len(alone) == len(given):
        raise BindingProblem("no column is given, so nobody knows how many rows there are")
    try:
        numpy = numpy_for("many")
    except BackpropError:
        numpy = None
    read = _list if numpy is None else _array
    columns: dict[str, Any] = {
        name: finite(column, name) if name in alone else read(column, name, numpy)
        for name, column in given.items()
    }
    lengths = {name: len(column) for name, column in columns.items() if name not in alone}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{name} {length:,}" for name, length in list(lengths.items())[:10])
        raise BindingProblem(f"the columns are of different lengths: {said}")
    count = next(iter(lengths.values()))
    for name in alone:
        number = columns[name]
        columns[name] = [number] * count if numpy is None else numpy.full(count, number)
    return Columns(columns, count, numpy, arrays)


def _list(column: Any, name: str, numpy: None) -> list[float]:
    if isinstance(column, (str, bytes, Mapping, Set)) or not hasattr(column, "__iter__"):
        raise BindingProblem(f"the column {name} is no list of numbers: {column!r:.60}")
    return [finite(number, f"{name} in row {row}") for row, number in enumerate(column)]


def _array(column: Any, name: str, numpy: Any) -> Any:
    """Return a column as an array of float64; rows are counted from 0, as Python does."""
    if isinstance(column, (str, bytes, Mapping, Set)):
        raise BindingProblem(f"the column {name} is no list of numbers: {column!r:.60}")
    try:
        made = numpy.asarray(column if hasattr(column, "__array__") else _sequence(column))
    except (TypeError, ValueError) as error:
        raise BindingProblem(f"the column {name} is no list of numbers: {error}") from None
    if numpy.ma.is_masked(column):
        raise BindingProblem(f"the column {name} has numbers that are masked")
    if made.ndim != 1:
        raise BindingProblem(f"the column {name} has {made.ndim} dimensions, not 1")
    if made.dtype.kind not in "iufb" and made.size:
        return numpy.array(_list(made.tolist(), name, None))
    with numpy.errstate(over="ignore"):  # of a longer kind of float: found below
        numbers = made.astype(numpy.float64)
    wrong = numpy.flatnonzero(~numpy.isfinite(numbers))
    if wrong.size:
        finite(float(numbers[wrong[0]]), f"{name} in row {wrong[0]}")
    return numpy.ascontiguousarray(numbers)


def _sequence(column: Any) -> Sequence[Any]:
    return column if isinstance(column, (list, tuple)) else list(column)
