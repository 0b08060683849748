"""`backprop ops`: the table of operations, or one of them explained."""

import click

from backprop_cli.commands import options
from backprop_cli.render import catalogue as render
from backprop_cli.studies import catalogue as study

EXAMPLES = """\b
Examples:
  backprop ops
  backprop ops tanh
  backprop ops --format plain
"""


@click.command(epilog=EXAMPLES)
@click.argument("name", required=False, metavar="[NAME]")
@options.formats(*options.FORMATS)
@options.color
def ops(name: str | None, form: str, color: str) -> int:
    """List the operations with their local slopes, or explain the operation NAME."""
    chosen = [study.entry(name)] if name is not None else study.entries()
    if form == "json":
        from backprop_cli.render.json import dumps

        print(dumps(render.catalogue_object(chosen)))
    elif form == "plain":
        print(render.lines(chosen))
    else:
        from backprop_cli.render.console import make_console

        screen = make_console(color)
        if name is not None:
            render.print_entry(chosen[0], study.example(name), screen)
        else:
            render.print_entries(chosen, screen)
    return 0
