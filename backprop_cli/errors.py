"""The family of errors: data about what is wrong and where, never how it looks on a screen.

An error carries a message (lower-case, what is wrong, with the value), the text it speaks of, the
span in that text, and at most one hint: an action the user can take. `render/errors.py` is the
only place that lays one out, so every error of every command has the same four lines.
"""

from typing import ClassVar, NamedTuple


class Span(NamedTuple):
    """A half-open range of code points in a source text."""

    start: int
    end: int


class BackpropError(Exception):
    """What every refusal has: a code for machines, a message, a place, a hint, an exit code."""

    code: ClassVar[str] = "syntax"
    exit_code: ClassVar[int] = 2

    def __init__(
        self, message: str, span: Span | None = None, hint: str = "", source: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.span = span
        self.hint = hint
        self.source = source
        self.origin = ""
        """Where the text came from, if not from the expression: a file's name or an option."""


class SyntaxProblem(BackpropError):
    """The text does not follow the grammar."""


class UnknownFunction(BackpropError):
    """A call of a function that neither the table, the prelude nor the program defines."""

    code = "unknown-function"


class ArityProblem(BackpropError):
    """A call with the wrong number of arguments."""

    code = "arity"


class MissingInput(BackpropError):
    """Inputs of the program that the point does not bind."""

    code = "missing-input"


class UnknownInput(BackpropError):
    """Names that are bound or asked for, but do not occur in the program."""

    code = "unknown-input"


class BindingProblem(BackpropError):
    """A binding of the point that cannot be read."""

    code = "binding"


class OptionProblem(BackpropError):
    """An option of the command line that is misspelt or has an impossible value."""

    code = "option"


class FileProblem(BackpropError):
    """A file, or standard input, that cannot be read as text."""

    code = "file"


class LimitExceeded(BackpropError):
    """A program larger than this tool takes on."""

    code = "limit"
