"""The operation table for people and for programs: all of it, or one operation explained."""

from collections.abc import Sequence
from typing import Any

from backprop_cli.language.notation import pretty
from backprop_cli.render.console import Column, Screen, Words
from backprop_cli.render.json import SCHEMA
from backprop_cli.render.numbers import human
from backprop_cli.studies.catalogue import Entry, Slope
from backprop_cli.studies.solution import Solution


def print_entries(entries: Sequence[Entry], screen: Screen) -> None:
    """Print a row for each operation: how it is written, its local slopes, where to take care."""
    operations = [entry for entry in entries if entry.slopes]
    functions = [entry for entry in entries if not entry.slopes]
    screen.line([("Operations: each has its local slopes as formulas", "title")])
    columns = (Column("operation"), Column("local slopes"), Column("needs; at kinks"))
    screen.table(columns, [_row(entry) for entry in operations])
    screen.line()
    screen.line([("Functions written in the language itself, which expand into these", "title")])
    columns = (Column("function"), Column("is"), Column("for"))
    screen.table(columns, [_definition(entry) for entry in functions])
    screen.line()
    screen.line([("backprop ops NAME explains one, with an example.", "dim")])


def _row(entry: Entry) -> tuple[Words, Words, Words]:
    slopes = "\n".join(_slope(slope) for slope in entry.slopes)
    care = "\n".join([*([pretty(entry.needs)] if entry.needs else []), *entry.conventions])
    return [(_written(entry), "name")], [(slopes, "gradient")], [(pretty(care), "dim")]


def _definition(entry: Entry) -> tuple[Words, Words, Words]:
    return (
        [(entry.signature, "name")],
        [(pretty(entry.definition), "value")],
        [(entry.help, "dim")],
    )


def _written(entry: Entry) -> str:
    aliases = [alias for alias in entry.aliases if alias.isidentifier()]
    return pretty(", ".join([entry.signature, *aliases]))


def _slope(slope: Slope) -> str:
    return f"∂/∂{slope.parameter} = {pretty(slope.textbook or slope.formula)}"


def print_entry(entry: Entry, example: tuple[str, Solution] | None, screen: Screen) -> None:
    """Print one operation: its slopes, domain and conventions, and an example with numbers."""
    screen.line([(_written(entry), "name"), (f"   {entry.help}", "")])
    if entry.definition:
        screen.line([("is  ", "dim"), (pretty(entry.definition), "value")], 2)
    for slope in entry.slopes:
        screen.line([(_slope(slope), "gradient")], 2)
        if slope.textbook:
            text = f"computed as {pretty(slope.formula)}, which keeps its digits everywhere"
            screen.line([(text, "dim")], 4)
    if entry.needs:
        screen.line([("needs  ", "dim"), (pretty(entry.needs), "")], 2)
    for convention in entry.conventions:
        screen.line([(convention, "")], 2)
    if any("out" in (slope.textbook or slope.formula) for slope in entry.slopes):
        screen.line([("out is the value of the operation itself", "dim")], 2)
    if example is not None:
        _print_example(*example, screen)


def _print_example(text: str, solution: Solution, screen: Screen) -> None:
    point = ",".join(f"{name}={human(value)}" for name, value in solution.point.items())
    answer = solution.answers[0]
    slopes = ", ".join(f"∂f/∂{name} = {human(value)}" for name, value in answer.gradient.items())
    screen.line()
    screen.line([(f"backprop grad '{text}' --at {point}", "name")])
    screen.line([(f"f = {human(answer.value)}", "value"), (f"   {slopes}", "gradient")], 2)


def lines(entries: Sequence[Entry]) -> str:
    """Return a line for each entry: its name, how it is written, what it is."""
    return "\n".join(f"{entry.name}\t{entry.signature}\t{entry.help}" for entry in entries)


def catalogue_object(entries: Sequence[Entry]) -> dict[str, Any]:
    """Return the entries for JSON."""
    return {"schema": SCHEMA, "ok": True, "operations": [_object(entry) for entry in entries]}


def _object(entry: Entry) -> dict[str, Any]:
    return entry._asdict() | {"slopes": [slope._asdict() for slope in entry.slopes]}
