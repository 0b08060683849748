"""`backprop batch`: gradients of many expressions, JSON Lines in and out."""

import os
import sys
from collections.abc import Iterator
from typing import Any

import click

from backprop_cli.commands import options
from backprop_cli.commands.outcome import exit_code, worst
from backprop_cli.errors import BackpropError, FileProblem
from backprop_cli.render import errors, json
from backprop_cli.render.notes import notes
from backprop_cli.studies import batch as study

EXAMPLES = """\b
Each line is an object: {"id", "expression", "at", "wrt"?, "of"?, "kink"?, "check"?}.
The answers come in the same order, one line each, with the same "id"; a line that cannot be
answered gets an object with an "error". The exit code is the worst of the lines.
\b
Example:
  echo '{"id": 1, "expression": "x*y", "at": {"x": -2, "y": 3}}' | backprop batch -
"""


@click.command(epilog=EXAMPLES)
@click.argument("file", default="-", metavar="[FILE|-]")
@options.sympy_seconds('How long SymPy may take on one line that asks for "check": ["sympy"].')
def batch(file: str, sympy_seconds: float) -> int:
    """Answer every line of FILE (JSON Lines; - is standard input) with one line."""
    codes: set[int] = set()
    for number, data in enumerate(_lines(file), 1):
        if data.strip():
            codes.add(_answer_line(data, number, sympy_seconds))
    return worst(codes)


def _lines(file: str) -> Iterator[bytes]:
    """Yield the lines of a file as they come, without waiting for its end."""
    try:
        stream = sys.stdin.buffer if file == "-" else open(os.fsencode(file), "rb")  # noqa: SIM115
        with stream:
            yield from stream
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise FileProblem(f"cannot read {file[:80]!r}: {reason}") from None


def _answer_line(data: bytes, number: int, seconds: float) -> int:
    """Write the answer of one line and return its exit code."""
    made: dict[str, Any]
    identity, graph = None, None
    try:
        line = _decoded(data)
        identity = study.identity(line)
        solution, agreements = study.answer(study.read_request(line), seconds)
        made, graph = json.grad_object(solution, agreements, ()), solution.graph
        code = exit_code(solution, agreements)
        for note in notes(solution):
            print(f"line {number}: {note}", file=sys.stderr)
    except BackpropError as error:
        made, code = json.refusal(error), error.exit_code
        print(f"line {number}: {errors.layout(error)}", file=sys.stderr)
    if identity is not None:
        made = {"id": identity, **made}
    sys.stdout.write(json.dumps(made, graph) + "\n")
    sys.stdout.flush()
    return code


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        raise FileProblem(f"the line is not valid UTF-8: byte {error.start + 1}") from None
