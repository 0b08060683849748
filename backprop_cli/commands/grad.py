"""`backprop grad`: the value and gradient of one program at one point."""

import sys
from typing import TYPE_CHECKING, NamedTuple

import click

from backprop_cli.commands import options, output
from backprop_cli.commands.outcome import ANSWERED, NO_ANSWER, exit_code
from backprop_cli.commands.points import refuse_alone, table_options
from backprop_cli.commands.sheets import SHEETS, check_sheet, sheet, symbolic_sheet
from backprop_cli.commands.views import LIST, MOST_PATHS, Views, chosen_views, list_mistakes
from backprop_cli.errors import BackpropError, OptionProblem
from backprop_cli.graph import Graph
from backprop_cli.language.parser import parse
from backprop_cli.readings.floats import FLOATS
from backprop_cli.readings.formulas import Arithmetic
from backprop_cli.render import plain
from backprop_cli.render.notes import notes
from backprop_cli.studies.files import Source, read_source
from backprop_cli.studies.gradient import KINKS, nodes_named, solve
from backprop_cli.studies.point import check_names, evaluated
from backprop_cli.studies.solution import MISTAKE_KINDS, MODES, Agreement, Solution

if TYPE_CHECKING:
    from backprop_cli.studies.witness import SymPyWitness

SHOWS = ("reverse", "forward", "paths", "symbolic", "none")
CHECKS = ("all", "none", *MODES)

EXAMPLES = """\b
Examples:
  backprop grad '(a+b)*(b+c)' --at a=2,b=-3,c=4
  backprop grad '-x^2' --at x=1 --format plain
  backprop grad 'd = a+b; f = d*c' --at a=5,b=-3,c=-2 --wrt d,c
  backprop grad '(3x+4y)^3' --show symbolic
  backprop grad '(a+b)*(b+c)' --at a=2,b=-3,c=4 --show paths
  backprop grad '(a+b)*(b+c)' --at a=2,b=-3,c=4 --mistake overwrite
  backprop grad @network.txt --at @point.json --format json
  backprop grad '(a+b)*(b+c)' --at a=2,b=-3,c=4 -o solution.md
  backprop grad '(w*x - y)^2' --at w=2 --points data.csv --keep id
"""


@click.command(cls=options.ExpressionCommand, epilog=EXAMPLES)
@options.optional_expression
@options.at
@table_options
@options.wrt
@options.of
@click.option(
    "--show",
    multiple=True,
    callback=options.names_of(*SHOWS),
    metavar="STEPS",
    help="What to show: reverse, forward, paths, symbolic, none (tables show reverse by default).",
)
@click.option(
    "--top",
    type=click.IntRange(1, 10_000),
    metavar="N",
    help=f"With --show paths: the largest N paths from each input.  [default: {MOST_PATHS}]",
)
@click.option(
    "--mistake",
    type=click.Choice([*MISTAKE_KINDS, LIST]),
    metavar="KIND",
    help=f"A wrong backward pass beside the right one: {', '.join(MISTAKE_KINDS)}; "
    "list describes them.",
)
@click.option(
    "--check",
    multiple=True,
    callback=options.names_of(*CHECKS),
    metavar="MODES",
    help="Witnesses: all, none, or of forward, numeric, sympy (none for plain and json, else all).",
)
@click.option(
    "--kink",
    type=click.Choice(KINKS),
    default="convention",
    show_default=True,
    help="At a kink: answer by the operation's convention, refuse, or answer one-sidedly.",
)
@click.option(
    "--precision",
    type=click.IntRange(2, 10_000),
    metavar="DIGITS",
    help="Compute with this many digits; literals and --at are then exact decimals.",
)
@options.formats(
    *options.FORMATS,
    *SHEETS,
    "csv",
    pages="markdown, latex, html: a worked solution to hand out; csv: the rows of --points",
)
@output.option("Write the answer to FILE; its ending (.md .tex .html .json) chooses the format.")
@click.option(
    "--embed",
    is_flag=True,
    help="Markdown or LaTeX as a fragment for a page of one's own: no title, no preamble.",
)
@options.rows
@options.color
@options.sympy_seconds("How long SymPy may take before its column says that it gave up.")
def grad(
    expression: str | None,
    points: tuple[str, ...],
    table: str | None,
    keep: tuple[str, ...],
    on_error: str | None,
    engine: str,
    wrt: tuple[str, ...],
    of: tuple[str, ...],
    show: tuple[str, ...],
    top: int | None,
    mistake: str | None,
    check: tuple[str, ...],
    kink: str,
    precision: int | None,
    form: str,
    path: str | None,
    embed: bool,
    rows: int,
    color: str,
    sympy_seconds: float,
) -> int:
    """Show value and gradient of EXPRESSION, every step, and four ways to the same answer.

    EXPRESSION is a formula or a program such as 'd = a+b; f = d*c'; - reads standard input,
    @FILE a file.
    """
    if table is not None:
        from backprop_cli.commands import point_table

        asked = point_table.Question(expression, points, wrt, of, kink, engine)
        return point_table.answer_table(asked, table, keep, on_error, form, path)
    refuse_alone(keep, on_error, form)
    form = output.chosen_format(path, form)
    check_sheet(form, embed, show, mistake, top)
    output.refuse_sources(path, expression, *points)
    with output.written_to(path):
        if mistake == LIST:
            list_mistakes(form, color)
            return ANSWERED
        if expression is None:
            hint = "only --mistake list needs none"
            raise OptionProblem("missing argument 'EXPRESSION'", None, hint)
        # A mistake takes the place of the backward pass that tables show by default.
        usual = ("reverse",) if mistake is None else ("mistake",)
        shown = _chosen(show, "none", usual if form == "table" else ())
        views = chosen_views(shown, top, mistake, form)
        look = Look(form, embed, rows, color)
        question = Question(expression, points, wrt, of, kink, precision)
        return _answer(question, views, _checks(check, form), look, sympy_seconds)


class Question(NamedTuple):
    """What is asked: the options that decide the numbers."""

    expression: str
    points: tuple[str, ...]
    wrt: tuple[str, ...]
    of: tuple[str, ...]
    kink: str
    precision: int | None


class Look(NamedTuple):
    """How the answer is written."""

    form: str
    embed: bool
    rows: int
    color: str


def _answer(
    question: Question, views: Views, checks: tuple[str, ...], look: Look, seconds: float
) -> int:
    """Work out the answer, print it, and return the exit code."""
    source = read_source(question.expression)
    wrt, of, symbolic = question.wrt, question.of, "symbolic" in views.shown
    try:
        given = options.bindings(question.points)
        bound = [binding.name for binding in given]
        graph = parse(source.text, bound)
        nodes_named(graph, wrt, "--wrt")
        alone = views.shown == ("symbolic",) and views.mistake is None
        if not given and graph.inputs and alone:
            return _symbolic_only(graph, wrt, of, look, seconds)
        check_names(graph, bound)
    except BackpropError as error:
        error.origin = error.origin or source.origin
        raise
    arithmetic = _arithmetic(question.precision)
    point = evaluated(given, arithmetic)
    witness = None
    if "sympy" in checks or symbolic:
        from backprop_cli.commands.witnesses import start_witness

        witness = start_witness(graph, wrt, of, given, seconds, symbolic)
    del given, bound  # of half a million inputs they take as much memory as the graph
    try:
        solution = solve(graph, point, wrt, of, question.kink, arithmetic)
        return _show(solution, witness, source, views, checks, look)
    finally:
        if witness is not None:
            witness.stop()


def _chosen(names: tuple[str, ...], nothing: str, default: tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        return default
    if nothing in names and len(names) > 1:
        raise OptionProblem(f"'{nothing}' stands alone, got {', '.join(names)}")
    return () if nothing in names else names


def _checks(names: tuple[str, ...], form: str) -> tuple[str, ...]:
    default = ("all",) if form in ("table", *SHEETS) else ()
    chosen = _chosen(names, "none", default)
    if "all" in chosen and len(chosen) > 1:
        raise OptionProblem(f"'all' stands alone, got {', '.join(chosen)}")
    return MODES if "all" in chosen else tuple(mode for mode in MODES if mode in chosen)


def _arithmetic(precision: int | None) -> Arithmetic:
    if precision is None:
        return FLOATS
    from backprop_cli.readings.precise import Precise

    return Precise(precision)


def _show(
    solution: Solution,
    witness: "SymPyWitness | None",
    source: Source,
    views: Views,
    checks: tuple[str, ...],
    look: Look,
) -> int:
    """Write the answer in the format asked for, and return the exit code."""
    if look.form == "table":
        found = _show_tables(solution, witness, views, checks, look.rows, look.color)
    else:
        found = _agreements(solution, checks, witness)
        if look.form == "json":
            _print_json(solution, witness, views, found)
        elif look.form in SHEETS:
            symbolic = witness is not None and "symbolic" in views.shown
            steps = witness.steps() if witness is not None and symbolic else None
            print(sheet(look.form, solution, found, look.rows, look.embed, steps), end="")
        else:
            sys.stdout.writelines(f"{line}\n" for line in plain.lines(solution))
    sys.stdout.flush()
    for note in notes(solution, source.origin):
        print(note, file=sys.stderr)
    if look.form == "plain":
        for agreement in found:
            print(agreement.sentence, file=sys.stderr)
    return exit_code(solution, found)


def _print_json(
    solution: Solution,
    witness: "SymPyWitness | None",
    views: Views,
    found: tuple[Agreement, ...],
) -> None:
    from backprop_cli.render import json

    made = json.grad_object(solution, found, views.shown)
    if witness is not None and "symbolic" in views.shown:
        made["symbolic"] = json.steps_object(witness.steps())
    made.update(views.objects(solution))
    print(json.dumps(made, solution.graph))


def _agreements(
    solution: Solution, checks: tuple[str, ...], witness: "SymPyWitness | None"
) -> tuple[Agreement, ...]:
    """Hear the witnesses, if any are asked for; plain answers do not even import them."""
    if not checks:
        return ()
    from backprop_cli.studies.agreement import agreements

    return agreements(solution, checks, witness)


def _show_tables(
    solution: Solution,
    witness: "SymPyWitness | None",
    views: Views,
    checks: tuple[str, ...],
    rows: int,
    color: str,
) -> tuple[Agreement, ...]:
    """Print the steps at once, and the gradient when SymPy has answered or given up."""
    from backprop_cli.render import tables
    from backprop_cli.render.console import make_console

    console = make_console(color)
    tables.print_steps(solution, views.shown, rows, console)
    views.show(solution, rows, console)
    if witness is not None and "symbolic" in views.shown:
        from backprop_cli.render import symbolic

        symbolic.print_symbolic(witness.steps(), rows, console, solution.graph)
    sys.stdout.flush()
    found = _agreements(solution, checks, witness)
    tables.print_gradient(solution, found, rows, console)
    return found


def _symbolic_only(
    graph: Graph, asked: tuple[str, ...], outputs: tuple[str, ...], look: Look, seconds: float
) -> int:
    """Show the derivation in symbols, which needs no point."""
    from backprop_cli.commands.witnesses import start_witness

    witness = start_witness(graph, asked, outputs, [], seconds, steps=True)
    steps = witness.steps()
    if look.form == "json":
        from backprop_cli.render import json

        print(json.dumps(json.symbolic_object(graph, steps), graph))
    elif look.form == "plain":
        print(plain.symbolic_lines(steps))
    elif look.form in SHEETS:
        print(symbolic_sheet(look.form, graph, steps, look.rows, look.embed), end="")
    else:
        from backprop_cli.render import symbolic
        from backprop_cli.render.console import make_console

        symbolic.print_symbolic(steps, look.rows, make_console(look.color), graph)
    return ANSWERED if all(isinstance(made, tuple) for made in steps.values()) else NO_ANSWER
