"""`backprop export`: the value and the gradient as a function of a programming language."""

import sys

import click

from backprop_cli.commands import options, output
from backprop_cli.commands.outcome import ANSWERED, exit_code
from backprop_cli.errors import BackpropError, OptionProblem
from backprop_cli.language.hints import nearest
from backprop_cli.language.parser import parse
from backprop_cli.readings.languages import LANGUAGES
from backprop_cli.readings.target import Language
from backprop_cli.render.code.file import source
from backprop_cli.render.notes import notes
from backprop_cli.studies.export import check_size
from backprop_cli.studies.export import export as study
from backprop_cli.studies.files import read_source
from backprop_cli.studies.gradient import nodes_named
from backprop_cli.studies.point import check_names, evaluated

OTHER_NAMES = {
    "py": "python", "np": "numpy", "pytorch": "torch", "javascript": "js", "node": "js",
    "typescript": "js", "ecmascript": "js", "c++": "c", "cpp": "c", "c99": "c", "gcc": "c",
}  # fmt: skip
"""What people may call a language, for the hint."""

ENDINGS = {
    ending: made.name for made in reversed(list(LANGUAGES.values())) for ending in made.endings
}
"""The language that the ending of a file asks for: of several, the first of the table."""

EXAMPLES = """\b
Examples:
  backprop export '(a+b)*(b+c)' --to python
  backprop export '(a+b)*(b+c)' --at a=5,b=-3,c=-2 -o lecture.c
  backprop export @network.txt --to numpy -o network.py
  backprop export 'u = x*y; v = u + x' --of u,v --wrt x --to js
"""


@click.command(cls=options.ExpressionCommand, epilog=EXAMPLES)
@options.expression
@click.option(
    "--to",
    "language",
    metavar="LANGUAGE",
    help=f"One of {', '.join(LANGUAGES)}. A file's ending chooses python, c or js.",
)
@options.at
@options.wrt
@options.of
@output.option("Write the code to FILE; its ending (.py .c .js) chooses the language.")
def export(
    expression: str,
    language: str | None,
    points: tuple[str, ...],
    wrt: tuple[str, ...],
    of: tuple[str, ...],
    path: str | None,
) -> int:
    """Write value and gradient of EXPRESSION as a function, one line for each chain-rule product.

    The code needs nothing but its language. Run as a program it compares itself with the numbers
    of backprop, and exits with 1 if one differs: at the point of --at, or without it at points
    that are drawn with a fixed seed. With --of f,g there is a function for each output.
    """
    target = chosen_language(language, path)
    if path is not None and path != output.STDOUT:
        output.check_writable(path)
    output.refuse_sources(path, expression, *points)
    program = read_source(expression)
    try:
        given = options.bindings(points)
        graph = parse(program.text, [binding.name for binding in given])
        nodes_named(graph, wrt, "--wrt")
        check_size(graph)
        if given:
            check_names(graph, [binding.name for binding in given])
        made, solution = study(graph, target, evaluated(given), wrt, of)
    except BackpropError as error:
        error.origin = error.origin or program.origin
        raise
    code = exit_code(solution, ())
    if code == ANSWERED:
        with output.written_to(path):
            sys.stdout.write(source(made))
            sys.stdout.flush()
    for note in notes(solution, program.origin):
        print(note, file=sys.stderr)
    return code


def chosen_language(name: str | None, path: str | None) -> Language:
    """Return the language: that of `--to` if it was given, else that of the file's ending.

    Raises `OptionProblem` where there is none, or where the two ask for different things.
    """
    ending = "" if path is None or path == output.STDOUT else output.ending_of(path)
    asked = ENDINGS.get(ending)
    listed = ", ".join(LANGUAGES)
    if name is None and asked is None:
        raise OptionProblem("export needs a language", None, f"--to takes one of {listed}")
    made = LANGUAGES.get(name or str(asked))
    if made is None:
        tried = str(name).lower()
        near = OTHER_NAMES.get(tried) or nearest(tried, list(LANGUAGES))
        hint = f"did you mean --to {near}?" if near else f"--to takes one of {listed}"
        raise OptionProblem(f"export has no language {str(name)[:40]!r}", None, hint)
    if asked is not None and ending not in made.endings:
        hint = f"{ending} stands for {asked}: leave --to out, or rename the file"
        raise OptionProblem(f"--to {made.name} does not go with {str(path)[:60]!r}", None, hint)
    return made
