"""`backprop diagnose`: what is wrong with a gradient at a point, why, and what cures it."""

import sys

import click

from backprop_cli.commands import options
from backprop_cli.commands.outcome import exit_code
from backprop_cli.errors import BackpropError
from backprop_cli.language.parser import parse
from backprop_cli.render.errors import layout_failure
from backprop_cli.studies.files import read_source
from backprop_cli.studies.gradient import nodes_named, solve
from backprop_cli.studies.health.checkup import Checkup, checkups
from backprop_cli.studies.point import check_names, evaluated
from backprop_cli.studies.solution import Solution

EXAMPLES = """\b
Findings: undefined, overflow, cancellation, vanishing, exploding, saturated,
dead, kink, underflow. They are facts about this point, not mistakes, so they
leave the exit code at 0; it is 3 where there is no answer.
\b
vanishing, exploding  at least 8 factors that multiply to 1e-3 or less, to 1e3
                      or more, the effect spread over as many as 4 equal ones
saturated             less than 1 % of the steepest slope is left
cancellation          fewer than 8 of 16 digits are left, or a rewrite has more
\b
A rewrite is offered only with its proof: value and gradient at this point
against 50 digits, and agreement at random points elsewhere.
\b
Plain lines are the value and gradient as grad has them, then digits.NAME
number, FINDING.NODE words, and rewrite EXPRESSION.
\b
Examples:
  backprop diagnose 'log(1 + exp(x))' --at x=800
  backprop diagnose '(1 - cos(x))/x^2' --at x=1e-8
  backprop diagnose 'h = sigmoid(w*x); f = log(h)' --at w=3,x=-20
  backprop diagnose @network.txt --at @point.json --format json
"""


@click.command(cls=options.ExpressionCommand, epilog=EXAMPLES)
@options.expression
@options.at
@options.wrt
@options.of
@options.formats(*options.FORMATS)
@options.rows
@options.color
def diagnose(
    expression: str,
    points: tuple[str, ...],
    wrt: tuple[str, ...],
    of: tuple[str, ...],
    form: str,
    rows: int,
    color: str,
) -> int:
    """Examine the gradient of EXPRESSION: where it vanishes, explodes, dies or loses its digits.

    EXPRESSION is a formula or a program such as 'd = a+b; f = d*c'; - reads standard input,
    @FILE a file.
    """
    source = read_source(expression)
    try:
        given = options.bindings(points)
        graph = parse(source.text, [binding.name for binding in given])
        nodes_named(graph, wrt, "--wrt")
        check_names(graph, [binding.name for binding in given])
        solution = solve(graph, evaluated(given), wrt, of)
    except BackpropError as error:
        error.origin = error.origin or source.origin
        raise
    _show(solution, checkups(solution), form, rows, color)
    sys.stdout.flush()
    for answer in solution.answers:
        if answer.failure is not None:
            text = layout_failure(answer.failure, graph.source, source.origin)
            print(text, file=sys.stderr)
    return exit_code(solution, ())


def _show(solution: Solution, found: list[Checkup], form: str, rows: int, color: str) -> None:
    """Write what was found in the format asked for."""
    if form == "table":
        from backprop_cli.render.console import make_console
        from backprop_cli.render.diagnose import print_checkups

        print_checkups(solution, found, rows, make_console(color))
        return
    from backprop_cli.render import diagnose_rows as machine

    if form == "json":
        from backprop_cli.render.json import dumps

        print(dumps(machine.checkups_object(solution, found), solution.graph))
        return
    print("\n".join(machine.checkups_lines(solution, found)))
