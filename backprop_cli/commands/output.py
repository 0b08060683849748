"""Answers in files: `-o FILE`, the format its ending stands for, and whether it can be written.

A file is asked for before anything is computed. What is written goes to a file beside it, which
takes its place when all is there, so that an error leaves what was there before, also where the
answer is streamed. What is no regular file, such as a pipe or a terminal, is written straight.
"""

import io
import os
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from typing import IO, Any

import click
from click.core import ParameterSource

from backprop_cli.errors import BackpropError, FileProblem, OptionProblem
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

TEXT = ("", ".txt")
"""Endings that leave the format open."""


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


def chosen_format(
    path: str | None, form: str, endings: Mapping[str, str] = ENDINGS, who: str = ""
) -> str:
    """Return the format: that of `--format` if it was given, else that of the file's ending.

    Files without an ending, and texts, are of the usual format. Raises `OptionProblem` where the
    two ask for different things, and where the ending alone says nothing that `who` (the command)
    could write.
    """
    if path is None or path == STDOUT:
        return form
    context = click.get_current_context()
    ending = ending_of(path)
    asked = endings.get(ending)
    given = context.get_parameter_source("form") != ParameterSource.DEFAULT
    if asked is None and ending not in TEXT and not given:
        hint = f"one of {' '.join(dict.fromkeys([*endings, '.txt']))}, or --format beside it"
        who = who or str(context.info_name)
        raise OptionProblem(f"{who} has no format with the ending {ending[:20]!r}", None, hint)
    if asked is None or asked == form:
        return form
    if not given:
        return asked
    hint = f"{ending} stands for --format {asked}: leave --format out, or rename the file"
    raise OptionProblem(f"--format {form} does not go with {path[:60]!r}", None, hint)


def ending_of(path: str) -> str:
    """Return the ending of a file's name."""
    return os.path.splitext(checked_text(path))[1].lower()


def check_writable(path: str) -> None:
    """Raise `FileProblem` unless a file can be written there."""
    if not path:
        raise unwritable(path, "it has no name")
    folder = os.path.dirname(os.path.realpath(path))
    if not os.path.isdir(folder):
        raise unwritable(path, "no such folder")
    if os.path.isdir(path):
        raise unwritable(path, "is a directory")
    if not os.access(path if os.path.exists(path) else folder, os.W_OK):
        raise unwritable(path, "not writable")


def unwritable(path: str, reason: str | None) -> FileProblem:
    """Return the error for a file that cannot be written."""
    return FileProblem(f"cannot write {path[:80]!r}: {(reason or 'not writable').lower()}")


def refuse_sources(path: str | None, *arguments: str | None) -> None:
    """Raise `OptionProblem` if the file to write is one that is read: `@FILE`, or `-` for stdin."""
    target = None if path is None or path == STDOUT else _status(path)
    if target is None or not stat.S_ISREG(target.st_mode):
        return
    for argument in arguments:
        if argument is None or not (argument == "-" or argument.startswith("@")):
            continue
        source = _status(0 if argument == "-" else argument[1:])
        if source is not None and os.path.samestat(source, target):
            message = f"-o {str(path)[:60]!r} is the file that is read"
            raise OptionProblem(message, None, "give the answer another name")


def _status(path: str | int) -> os.stat_result | None:
    try:
        return os.stat(path)
    except (OSError, ValueError):
        return None


class Target:
    """A file to write. Set `answered` once it is worth keeping even if an error follows."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.answered = False


@contextmanager
def opened(path: str | None) -> Iterator[Target]:
    """Open a file (none or `-` is standard output) that replaces the one at `path` at the end.

    After an error what was there before stays, unless the target says that it has an answer.
    Raises `FileProblem`.
    """
    if path is None or path == STDOUT:
        yield Target(sys.stdout.buffer)
        return
    check_writable(path)
    try:
        if _is_stream(path):
            with open(path, "ab") as file:
                yield Target(file)
        else:
            with _replaced(os.path.realpath(path)) as target:
                yield target
    except (OSError, ValueError) as error:
        raise unwritable(path, getattr(error, "strerror", None)) from None


def _is_stream(path: str) -> bool:
    """Return whether a path is no regular file, or the one that standard output goes to."""
    found, out = _status(path), _status(1)
    if found is None:
        return False
    return not stat.S_ISREG(found.st_mode) or (out is not None and os.path.samestat(found, out))


@contextmanager
def _replaced(path: str) -> Iterator[Target]:
    import secrets
    import tempfile

    old = _status(path)
    moves = _may_move(path, old)
    folder = os.path.dirname(path) if moves else tempfile.gettempdir()
    made = os.path.join(folder, f".backprop-{secrets.token_hex(8)}.part")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    # A new file has the permissions that the user's mask leaves; an old one keeps its own.
    descriptor = os.open(made, flags, 0o666 if moves and old is None else 0o600)
    target = Target(open(descriptor, "wb"))  # noqa: SIM115
    try:
        try:
            yield target
        except (BackpropError, KeyboardInterrupt):
            if target.answered:
                _put(target, made, path, old, moves)
            raise
        _put(target, made, path, old, moves)
    finally:
        with suppress(OSError):
            target.file.close()
        with suppress(OSError):
            os.unlink(made)


def _may_move(path: str, old: os.stat_result | None) -> bool:
    """Return whether a new file can take this place, with owner and links as they were."""
    mine = old is None or not hasattr(os, "geteuid") or old.st_uid == os.geteuid()
    single = old is None or old.st_nlink == 1
    return mine and single and os.access(os.path.dirname(path), os.W_OK | os.X_OK)


def _put(target: Target, made: str, path: str, old: os.stat_result | None, moves: bool) -> None:
    target.file.close()
    if not moves:
        import shutil

        shutil.copyfile(made, path)
        return
    if old is not None:
        os.chmod(made, stat.S_IMODE(old.st_mode))
    os.replace(made, path)


def write_bytes(path: str | None, data: bytes) -> None:
    """Write bytes to a file, or to standard output. Raises `FileProblem`."""
    with opened(path) as target:
        target.file.write(data)


def write_text(path: str, text: str) -> None:
    """Write a text as UTF-8. Raises `FileProblem`."""
    with opened(path) as target:
        target.file.write(text.encode("utf-8"))


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
