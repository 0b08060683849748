"""The options and arguments that several commands share, each defined once."""

from collections.abc import Callable, Iterable
from typing import Any

import click

from backprop_cli.errors import OptionProblem
from backprop_cli.studies.engine import ENGINES
from backprop_cli.studies.files import checked_text, read_file, read_json
from backprop_cli.studies.point import Binding, read_bindings, read_mapping


def _show_help(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(ctx.get_help(), color=ctx.color)
        ctx.exit()


HELP = click.Option(
    ["-h", "--help"],
    is_flag=True,
    expose_value=False,
    is_eager=True,
    help="Show this message and exit.",
    callback=_show_help,
)
"""Click's help option. Its own would ask gettext for this text, which takes 2 ms to find none."""


class ExpressionCommand(click.Command):
    """A command whose expression may begin with a dash: `backprop grad "-x^2"`.

    Words that begin with one dash are no options here (but for -h, and a short option that stands
    alone, as in -o FILE), so they are moved behind `--`; long options are left to click, which
    suggests the right spelling of a mistyped one.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments, those that begin with one dash shielded."""
        takes_value = {
            name
            for parameter in self.params
            if isinstance(parameter, click.Option) and not parameter.is_flag
            for name in parameter.opts
        }
        known = {"-", "-h", *takes_value}
        plain: list[str] = []
        shielded: list[str] = []
        words = iter(args)
        for word in words:
            if word == "--":
                shielded.extend(words)
            elif word.startswith("-") and not word.startswith("--") and word not in known:
                shielded.append(word)
            else:
                plain.append(word)
                if word in takes_value:
                    plain.extend(value for value in [next(words, None)] if value is not None)
        return super().parse_args(ctx, [*plain, "--", *shielded] if shielded else plain)

    def get_help_option(self, ctx: click.Context) -> click.Option:
        """Return the option that shows the help."""
        return HELP


def names_of(*choices: str) -> Callable[..., tuple[str, ...]]:
    """Return a callback for an option of names: `--wrt a,b --wrt c` gives (a, b, c).

    With choices, only these are taken.
    """

    def split(ctx: click.Context, param: click.Parameter, texts: Iterable[str]) -> tuple[str, ...]:
        names = [part.strip() for text in texts for part in checked_text(text).split(",")]
        for name in names:
            if not name or (choices and name not in choices):
                known = ", ".join(choices) or "names"
                raise OptionProblem(f"{param.opts[0]} takes {known}, got {name[:40]!r}")
        return tuple(dict.fromkeys(names))

    return split


def bindings(texts: Iterable[str]) -> list[Binding]:
    """Read every `--at`: bindings, or `@file` with a JSON object of them."""
    written: list[str] = []
    loaded: list[Binding] = []
    for text in texts:
        if text.startswith("@"):
            path = text[1:]
            data = read_file(path).decode("utf-8", "replace")
            found = read_mapping(read_json(data, path), path)
            known = {binding.name for binding in loaded}
            twice = [binding.name for binding in found if binding.name in known]
            if twice:
                raise OptionProblem(f"{', '.join(twice[:10])} given in two files")
            loaded += found
        else:
            written.append(checked_text(text))
    from_text = read_bindings(written)
    names = {binding.name for binding in from_text}
    repeated = [binding.name for binding in loaded if binding.name in names]
    if repeated:
        raise OptionProblem(f"{', '.join(repeated[:10])} given in a file and on the command line")
    return from_text + loaded


expression = click.argument("expression", metavar="EXPRESSION")
optional_expression = click.argument("expression", required=False, metavar="[EXPRESSION]")

at = click.option(
    "--at",
    "points",
    multiple=True,
    metavar="NAME=VALUE,...",
    help="The point: a=5,b=-3, or @point.json. Values may be expressions such as pi/2.",
)
wrt = click.option(
    "--wrt",
    multiple=True,
    callback=names_of(),
    metavar="NAME,...",
    help="Differentiate by these inputs or named intermediates only.",
)
of = click.option(
    "--of",
    multiple=True,
    callback=names_of(),
    metavar="NAME,...",
    help="Differentiate these named values instead of the last statement.",
)
color = click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="When to use colour; NO_COLOR and FORCE_COLOR are heeded too.",
)
FORMATS = ("table", "plain", "json")


def formats(
    *choices: str, scripts: str = "plain lines or json", pages: str = ""
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option `--format` with these choices.

    `scripts` describes those that programs read, `pages` those that are handed out.
    """
    return click.option(
        "--format",
        "form",
        type=click.Choice(choices),
        default="table",
        show_default=True,
        help=f"table for people; {scripts} for scripts{f'; {pages}' if pages else ''}.",
    )


def sympy_seconds(help: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option `--sympy-seconds`; `help` says what comes of SymPy's giving up."""
    return click.option(
        "--sympy-seconds",
        type=click.FloatRange(min=0, min_open=True, max=3600),
        default=5.0,
        show_default=True,
        help=help,
    )


rows = click.option(
    "--rows",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="The most rows a table shows; what is left out is counted.",
)
engine = click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default="auto",
    show_default=True,
    help="native runs C, compiled here; auto does where that saves time. Climbs and checks are "
    "the same to the last bit, many points to 3 units in the last place.",
)
