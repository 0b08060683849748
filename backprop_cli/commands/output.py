"""Answers in files: `-o FILE`, the format its ending stands for, and whether it can be written.

A file is asked for before anything is computed and written when everything is known, so that an
error leaves what was there before.
"""

import io
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from typing import Any

import click

from backprop_cli.errors import FileProblem, OptionProblem
from backprop_cli.studies.files import checked_text

STDOUT = "-"
"""The file name that stands for standard output."""

ENDINGS = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".tex": "latex",
    ".html": "html",
    ".htm": "html",
    ".json": "json",
}
"""The format that the ending of a file asks for."""


def _file_name(ctx: click.Context, param: click.Parameter, path: str | None) -> str | None:
    """Return the name of the file; raise `OptionProblem` for an option that stands in its place.

    A callback, because it must speak before click misses the words that the option took away.
    """
    if path is not None and path != STDOUT and path.startswith("-"):
        hint = f"write ./{path[:40]} for a file of this name, and -- before the expression -o"
        raise OptionProblem(f"-o needs the name of a file, got {path[:40]!r}", None, hint)
    return path


def option(help: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option `-o FILE`; `help` says which endings choose which formats."""
    return click.option("-o", "--output", "path", metavar="FILE", callback=_file_name, help=help)


def chosen_format(path: str | None, form: str, endings: Mapping[str, str] = ENDINGS) -> str:
    """Return the format: that of `--format` if it was given, else that of the file's ending.

    Raises `OptionProblem` where the two ask for different things.
    """
    if path is None or path == STDOUT:
        return form
    ending = ending_of(path)
    asked = endings.get(ending)
    source = click.get_current_context().get_parameter_source("form")
    if asked is None or asked == form:
        return form
    if source is click.core.ParameterSource.DEFAULT:
        return asked
    hint = f"{ending} stands for --format {asked}: leave --format out, or rename the file"
    raise OptionProblem(f"--format {form} does not go with {path[:60]!r}", None, hint)


def ending_of(path: str) -> str:
    """Return the ending of a file's name. Raises `OptionProblem` for what looks like an option."""
    if path.startswith("-"):
        hint = f"write ./{path[:40]} for a file of this name, and -- before the expression -o"
        raise OptionProblem(f"-o needs the name of a file, got {path[:40]!r}", None, hint)
    return os.path.splitext(checked_text(path))[1].lower()


def check_writable(path: str) -> None:
    """Raise `FileProblem` unless a file can be written there."""
    folder = os.path.dirname(path) or "."
    if not path:
        raise unwritable(path, "it has no name")
    if not os.path.isdir(folder):
        raise unwritable(path, "no such folder")
    if os.path.isdir(path) or not os.access(path if os.path.exists(path) else folder, os.W_OK):
        raise unwritable(path, "not writable")


def unwritable(path: str, reason: str | None) -> FileProblem:
    """Return the error for a file that cannot be written."""
    return FileProblem(f"cannot write {path[:80]!r}: {(reason or 'not writable').lower()}")


def write_text(path: str, text: str) -> None:
    """Write a text as UTF-8. Raises `FileProblem`."""
    try:
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except (OSError, ValueError) as error:
        raise unwritable(path, getattr(error, "strerror", None)) from None


@contextmanager
def written_to(path: str | None) -> Iterator[None]:
    """Send what is printed inside to a file, if one is asked for; none if it ends in an error."""
    if path is None or path == STDOUT:
        yield
        return
    check_writable(path)
    held = io.StringIO()
    with redirect_stdout(held):
        yield
    write_text(path, held.getvalue())
    sys.stdout.flush()
