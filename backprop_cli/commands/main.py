"""The `backprop` program: finds the command, and turns every ending into an exit code.

Exit codes: 0 answered, and what was checked agrees; 1 a finding; 2 bad usage or input; 3 no
answer at this point; 130 interrupted. Commands return their code; errors carry theirs. Commands
are imported when they are called, so that none pays for another.
"""

import atexit
import gc
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

import click

from backprop_cli.commands.options import HELP
from backprop_cli.errors import BackpropError, FileProblem, OptionProblem
from backprop_cli.language.hints import nearest

INTERRUPTED = 130

COMMANDS = {
    "grad": "the value and gradient of an expression, step by step and checked",
    "compare-modes": "which way of differentiating to use, and how far to trust each",
    "ascend": "climb or descend, one step at a time, each step explained",
    "check": "is a hand-derived gradient right, and if not, which mistake is it",
    "diagnose": "where a gradient vanishes, explodes, dies or loses its digits, and what cures it",
    "graph": "the operation graph as a picture: in the terminal, SVG, PNG, PDF, DOT, Mermaid",
    "export": "value and gradient as code: Python, NumPy, JAX, PyTorch, C, JavaScript",
    "batch": "gradients of many expressions, as JSON Lines",
    "ops": "the table of operations",
}
"""Each command, in `commands/<name>.py` (`-` as `_`), and what the overview says of it."""


class Program(click.Group):
    """The group of commands, each imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(COMMANDS)

    def get_help_option(self, ctx: click.Context) -> click.Option:
        """Return the option that shows the help."""
        return HELP

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        module = importlib.import_module(f"backprop_cli.commands.{name}")
        command: click.Command = getattr(module, name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the overview without importing the commands."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _show_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"backprop {version('backprop-cli')}")
        ctx.exit()


@click.group(
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: backprop grad '(a+b)*(b+c)' --at a=2,b=-3,c=4",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and stop.",
)
def program() -> None:
    """The gradient calculator: type an expression, watch backpropagation happen.

    Shell completion: eval "$(_BACKPROP_COMPLETE=bash_source backprop)" (or zsh, fish).
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the program and exit. No traceback ever reaches a user."""
    _prepare_process()
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = run(words)
        sys.stdout.flush()
    except KeyboardInterrupt:
        os._exit(INTERRUPTED)
    except OSError as error:  # the disk is full, a descriptor is closed
        _report(FileProblem(f"cannot write the answer: {(error.strerror or str(error)).lower()}"))
        code = FileProblem.exit_code
        sys.stdout = None
    _leave(code)


def _leave(code: int) -> NoReturn:
    """Exit at once: taking the interpreter apart takes longer than a small answer."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # nobody reads it any more
            if stream is not None:
                stream.flush()
    os._exit(code)


def run(words: list[str]) -> int:
    """Run the program on these words and return its exit code."""
    try:
        _check_command(words)
        result = program.main(words or ["--help"], prog_name="backprop", standalone_mode=False)
    except BackpropError as error:
        return _refuse(error, words)
    except click.ClickException as error:
        return _refuse(_option_problem(error, words), words)
    except (click.Abort, KeyboardInterrupt):
        os._exit(INTERRUPTED)  # at once: nothing is left to say
    except RecursionError:
        return _refuse(OptionProblem("the command line is nested too deeply"), words)
    return result if isinstance(result, int) else 0


def _prepare_process() -> None:
    """Make closed pipes quiet, output that a stream cannot encode harmless, and garbage rare."""
    # What a command makes is kept to its end, or has no cycles: of a million nodes a fifth of the
    # time would go into looking through all of it again and again.
    gc.set_threshold(100_000, 50, 100)
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 (open to the end)
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _check_command(words: list[str]) -> None:
    """Raise a helpful error where the first word is no command: `backprop "x^2"`."""
    if not words or words[0] in COMMANDS or words[0] in ("-h", "--help", "--version"):
        return
    word = words[0]
    if word.startswith("--"):
        return
    near = nearest(word, list(COMMANDS))
    hint = f"did you mean backprop {near}?" if near else f"write backprop grad {_quoted(word)}"
    if word == "help":
        hint = "backprop --help lists the commands"
    raise OptionProblem(f"there is no command {word[:60]!r}", None, hint)


def _quoted(word: str) -> str:
    import shlex

    return shlex.quote(word[:60])


def _option_problem(error: click.ClickException, words: list[str]) -> OptionProblem:
    """Return a usage error of click as one of ours."""
    message = error.format_message().rstrip(".")
    message = message[:1].lower() + message[1:]
    for kind, words_for in (("integer", "whole number"), ("float", "number")):
        message = message.replace(f"a valid {kind} range", f"a {words_for}")
    path = f"backprop {words[0]}" if words and words[0] in COMMANDS else "backprop"
    hint = "" if "did you mean" in message.lower() else f"{path} --help shows the options"
    extra = message.partition("unexpected extra argument")[2].partition("(")[2].removesuffix(")")
    if extra and words[0] not in ("batch", "ops"):
        hint = "an expression with spaces stands in quotes, as one argument"
        if extra.partition("=")[0].isidentifier() and " " not in extra:
            hint = f"write --at {extra}"
    return OptionProblem(message, None, hint)


def _refuse(error: BackpropError, words: list[str]) -> int:
    """Report an error on stderr, and as JSON on stdout where JSON was asked for."""
    if _asked_for_json(words):
        from backprop_cli.render import json

        print(json.dumps(json.refusal(error)))
    _report(error)
    return error.exit_code


def _report(error: BackpropError) -> None:
    from backprop_cli.render import errors

    print(errors.layout(error), file=sys.stderr)


def _asked_for_json(words: list[str]) -> bool:
    pairs = zip(words, [*words[1:], ""], strict=True)
    return any(a == "--format=json" or (a == "--format" and b == "json") for a, b in pairs)
