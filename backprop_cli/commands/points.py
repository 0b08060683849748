"""The options of `grad --points`: one program at each row of a CSV file.

What answers them is in `point_table.py`, which is imported only when there is a table.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from backprop_cli.commands import options
from backprop_cli.errors import OptionProblem

Command = TypeVar("Command", bound=Callable[..., Any])


def table_options(command: Command) -> Command:
    """Add `--points`, `--keep`, `--on-error` and `--engine` to a command."""
    for option in (
        options.engine,
        click.option(
            "--on-error",
            type=click.Choice(["stop", "skip"]),
            help="With --points: at a row that cannot be read, stop (the default) or skip it.",
        ),
        click.option(
            "--keep",
            multiple=True,
            callback=options.names_of(),
            metavar="NAMES|all",
            help="With --points: the columns that pass through to the answer.",
        ),
        click.option(
            "--points",
            "table",
            metavar="FILE.csv",
            help="Answer each row of a CSV file (- is standard input): columns bind names.",
        ),
    ):
        command = option(command)
    return command


def refuse_alone(keep: tuple[str, ...], on_error: str | None, form: str) -> None:
    """Raise `OptionProblem` for options that belong to `--points` where that is not given."""
    source = click.get_current_context().get_parameter_source("engine")
    for name, given in (
        ("--engine", source == ParameterSource.COMMANDLINE),
        ("--keep", keep),
        ("--on-error", on_error),
        ("--format csv", form == "csv"),
    ):
        if given:
            raise OptionProblem(f"{name} belongs to --points", None, "add --points FILE.csv")
