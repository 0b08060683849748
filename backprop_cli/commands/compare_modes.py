"""`backprop compare-modes`: which way of differentiating to use, and how far to trust each."""

import sys
from typing import Any, NamedTuple

import click

from backprop_cli.commands import options
from backprop_cli.commands.outcome import ANSWERED, FINDING, exit_code
from backprop_cli.commands.witnesses import start_witness
from backprop_cli.errors import BackpropError, OptionProblem
from backprop_cli.language.parser import parse
from backprop_cli.render.notes import notes
from backprop_cli.studies.comparing.growth import (
    FAMILY,
    LARGEST,
    Crossover,
    Member,
    crossover,
    grown,
)
from backprop_cli.studies.comparing.modes import Comparison
from backprop_cli.studies.comparing.modes import compare_modes as compare
from backprop_cli.studies.comparing.step_study import StepStudies, step_studies
from backprop_cli.studies.files import Source, read_source
from backprop_cli.studies.gradient import nodes_named, solve
from backprop_cli.studies.point import check_names, evaluated

_MOST_SIZES = 20
_OF_AN_EXPRESSION = {
    "points": "--at",
    "wrt": "--wrt",
    "of": "--of",
    "step_study": "--step-study",
    "sympy_seconds": "--sympy-seconds",
}

EXAMPLES = f"""\b
The modes: reverse, forward, forward-difference, central, complex-step, sympy.
Additions, multiplications, calls and edge products are counted as the program
runs; times are medians of repeats; digits are counted against 50 digits.
\b
Plain lines are the value and gradient as grad has them, then name.mode number:
sweeps, evaluations, additions, multiplications, calls, edge_products, seconds,
digits (and skipped.mode reason); taylor_order.OUTPUT; agree.modes true|false.
With --step-study: estimate, error, best_h, theory_h, each .mode.OUTPUT.INPUT
(.h); with --grow: operations, ratio, seconds, each .mode.INPUTS, and crossover.
Numbers read back exactly.
\b
--grow takes its programs from one family, whatever EXPRESSION is:
{FAMILY}
\b
Exit code 1: the modes disagree; it says which is out, and why.
\b
Examples:
  backprop compare-modes '(a+b)*(b+c)' --at a=5,b=-3,c=-2
  backprop compare-modes 'f = a*b; g = a+b' --at a=2,b=3 --of f,g
  backprop compare-modes 'a*b' --at a=-4,b=-3 --step-study
  backprop compare-modes --grow 1,10,100,1000
  backprop compare-modes 'x*sin(y)' --at x=1,y=2 --format plain | grep digits
"""


class _Findings(NamedTuple):
    """What was asked for, found: each part is None where it was not asked for."""

    comparison: Comparison | None
    steps: StepStudies | None
    members: list[Member]
    crossover: Crossover | None


def _sizes(ctx: click.Context, param: click.Parameter, text: str | None) -> tuple[int, ...]:
    """Return the sizes of `--grow`, in order. Raises `OptionProblem`."""
    words = [] if text is None else [word.strip() for word in text.split(",")]
    for word in words:
        if not (word.isascii() and word.isdigit()) or not 1 <= int(word[:20]) <= LARGEST:
            message = f"--grow takes numbers of inputs from 1 to {LARGEST}, got {word[:40]!r}"
            raise OptionProblem(message, None, "write --grow 1,10,100,1000")
    sizes = sorted({int(word) for word in words})
    if len(sizes) > _MOST_SIZES:
        raise OptionProblem(f"--grow takes up to {_MOST_SIZES} sizes, got {len(sizes)}")
    return tuple(sizes)


@click.command("compare-modes", cls=options.ExpressionCommand, epilog=EXAMPLES)
@options.optional_expression
@options.at
@options.wrt
@options.of
@click.option(
    "--step-study",
    is_flag=True,
    help="Show the error of a difference for h from 1e-1 to 1e-16, as a table and a plot.",
)
@click.option(
    "--grow",
    "sizes",
    callback=_sizes,
    metavar="N,...",
    help="Show how the costs grow with the number of inputs; EXPRESSION may then be left out.",
)
@options.formats(*options.FORMATS)
@options.rows
@options.color
@options.sympy_seconds("How long SymPy may take before its row says that it gave up.")
def compare_modes(
    expression: str | None,
    points: tuple[str, ...],
    wrt: tuple[str, ...],
    of: tuple[str, ...],
    step_study: bool,
    sizes: tuple[int, ...],
    form: str,
    rows: int,
    color: str,
    sympy_seconds: float,
) -> int:
    """Differentiate EXPRESSION in six ways; say what each costs and how many digits are right.

    EXPRESSION is a formula or a program such as 'd = a+b; f = d*c'; - reads standard input,
    @FILE a file.
    """
    source = Source("", "")
    comparison = steps = None
    if expression is None:
        _check_alone(sizes)
    else:
        source = read_source(expression)
        comparison = _compared(source, points, wrt, of, sympy_seconds)
        if step_study and comparison.modes:
            steps = step_studies(comparison.solution, _studied(form, rows, comparison))
    members = list(grown(sizes))
    found = _Findings(comparison, steps, members, crossover(members) if members else None)
    _show(found, form, rows, color)
    sys.stdout.flush()
    return ANSWERED if comparison is None else _reported(comparison, source, form)


def _check_alone(sizes: tuple[int, ...]) -> None:
    """Refuse to go without an expression, unless growth is all that is asked for."""
    if not sizes:
        raise OptionProblem("missing argument 'EXPRESSION'", None, "only --grow needs none")
    context = click.get_current_context()
    for name, option in _OF_AN_EXPRESSION.items():
        if context.get_parameter_source(name) == click.core.ParameterSource.COMMANDLINE:
            raise OptionProblem(f"{option} goes with an EXPRESSION, and --grow has its own")


def _compared(
    source: Source,
    points: tuple[str, ...],
    wrt: tuple[str, ...],
    of: tuple[str, ...],
    sympy_seconds: float,
) -> Comparison:
    """Return the modes side by side on the program, SymPy at work beside them."""
    try:
        given = options.bindings(points)
        graph = parse(source.text, [binding.name for binding in given])
        nodes_named(graph, wrt, "--wrt")
        check_names(graph, [binding.name for binding in given])
    except BackpropError as error:
        error.origin = error.origin or source.origin
        raise
    point = evaluated(given)
    with start_witness(graph, wrt, of, given, sympy_seconds) as witness:
        return compare(solve(graph, point, wrt, of), witness)


def _studied(form: str, rows: int, comparison: Comparison) -> int:
    """Return along how many inputs the step is studied: for machines, all."""
    if form != "table":
        return len(comparison.solution.wrt)
    from backprop_cli.render.step_study import studied

    return studied(rows)


def _show(found: _Findings, form: str, rows: int, color: str) -> None:
    """Write what was found in the format asked for."""
    if form == "table":
        _print_tables(found, rows, color)
        return
    from backprop_cli.render import mode_rows as machine

    if form == "json":
        from backprop_cli.render.json import SCHEMA, dumps

        made: dict[str, Any] = {"schema": SCHEMA, "ok": True}
        graph = None
        if found.comparison is not None:
            graph = found.comparison.solution.graph
            made = machine.comparison_object(found.comparison)
        if found.steps is not None:
            made["step_study"] = machine.studies_object(found.steps)
        if found.crossover is not None:
            made["growth"] = machine.growth_object(found.members)
            made["crossover"] = machine.crossover_object(found.crossover)
        print(dumps(made, graph))
        return
    lines = [*machine.comparison_lines(found.comparison)] if found.comparison else []
    lines += machine.studies_lines(found.steps) if found.steps else ()
    lines += machine.growth_lines(found.members, found.crossover) if found.crossover else ()
    print("\n".join(lines))


def _print_tables(found: _Findings, rows: int, color: str) -> None:
    from backprop_cli.render import growth, modes, step_study
    from backprop_cli.render.console import make_console

    screen = make_console(color)
    if found.comparison is not None:
        modes.print_comparison(found.comparison, rows, screen)
    if found.steps is not None:
        step_study.print_studies(found.steps, rows, screen)
    if found.crossover is not None:
        if found.comparison is not None:
            screen.line()
        growth.print_growth(found.members, found.crossover, rows, screen)


def _reported(comparison: Comparison, source: Source, form: str) -> int:
    """Say on stderr what must be said, and return the exit code."""
    for note in notes(comparison.solution, source.origin):
        print(note, file=sys.stderr)
    if form != "table":
        several = len(comparison.agreements) > 1
        for place, agreement in enumerate(comparison.agreements):
            lead = f"{comparison.solution.answers[place].name}: " if several else ""
            for text in comparison.findings(place) or [agreement.sentence]:
                print(f"{lead}{text}", file=sys.stderr)
    code = exit_code(comparison.solution, comparison.agreements)
    return FINDING if code == ANSWERED and not comparison.agree else code
