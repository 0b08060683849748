"""`backprop check`: is a hand-derived gradient right, and if not, which mistake is it?"""

import sys
from collections.abc import Iterable, Sequence

import click

from backprop_cli.commands import options
from backprop_cli.commands.outcome import ANSWERED, FINDING, NO_ANSWER
from backprop_cli.errors import BackpropError, OptionProblem
from backprop_cli.language.parser import parse
from backprop_cli.studies.checking.check import POINTS, RIGHT, UNDECIDED, WRONG, Setting
from backprop_cli.studies.checking.check import check as checked
from backprop_cli.studies.checking.claims import Claim, Questions, ask, read_claims, read_lines
from backprop_cli.studies.checking.diagnosis import CODES, diagnoses
from backprop_cli.studies.checking.report import Report, report
from backprop_cli.studies.files import Source, checked_text, read_source
from backprop_cli.studies.point import check_names, evaluated
from backprop_cli.studies.sampling import SEED, Range, check_ranges, read_ranges

_SYMPY_SECONDS = 5.0
_CODES = {RIGHT: ANSWERED, WRONG: FINDING, UNDECIDED: NO_ANSWER}
_OF_ONE_PROGRAM = {
    "claims": "--claim",
    "claims_file": "--claims",
    "points_at": "--at",
    "ranges": "--range",
    "of": "--of",
    "seed": "--seed",
    "points": "--points",
    "tolerance": "--tolerance",
    "sympy_seconds": "--sympy-seconds",
}

EXAMPLES = f"""\b
A claim is a formula over the program's inputs, named intermediates and output,
or a number, for an input or a named intermediate: b=b+c, g.b=2, x=y. A decimal
number of three digits or more is taken to be rounded to its last digit, unless
there is a --tolerance.
\b
Without --at, claims are looked at at random points: each point is drawn in one
of several styles, of either sign or positive, from hundredths to thousands.
Points where the program or its gradient is undefined are drawn anew.
\b
A claim with another value than the gradient on any part of the domain is wrong;
one that has no value somewhere is right, but for that, which is named.
\b
Mistakes that are recognised (codes):
  {", ".join(CODES[:6])},
  {", ".join(CODES[6:12])},
  {", ".join(CODES[12:])}
\b
A file of tests has [[case]] tables with expression and claims, and may have
name, of, at, ranges, points, seed, tolerance.
\b
Exit code 0: all right; 1: one is wrong; 3: undecided; 2: cannot be read.
\b
Examples:
  backprop check '(a+b)*(b+c)' --claim b=b+c
  backprop check 'sin(x^2)' --claim 'x=cos(x^2)' --format json
  backprop check 'x=a+b; y=b+c; f=x*y' --claim x=y --claim b=x+y
  backprop check 'log(a)*b' --claim a=b/a --range a=0.1:10
  backprop check 'sigmoid(w*x)' --claim w=-0.1050 --at w=2,x=-1
  backprop check --file gradients.toml
"""


@click.command(cls=options.ExpressionCommand, epilog=EXAMPLES)
@options.optional_expression
@click.option(
    "--claim",
    "claims",
    multiple=True,
    metavar="NAME=FORMULA,...",
    help="What the gradient is claimed to be, by an input or a named intermediate; repeatable.",
)
@click.option(
    "--claims",
    "claims_file",
    metavar="FILE",
    help="Claims from a file, one a line: b = b + c.",
)
@click.option(
    "--file",
    "tests",
    metavar="TESTS.toml",
    help="Run a file of gradient tests; - reads standard input.",
)
@click.option(
    "--at",
    "points_at",
    multiple=True,
    metavar="NAME=VALUE,...",
    help="Check at this point only: a=5,b=-3, or @point.json.",
)
@click.option(
    "--range",
    "ranges",
    multiple=True,
    metavar="NAME=LOW:HIGH,...",
    help="Draw an input from here, as in a=0.1:10 or a=0:; others keep their --at, if any.",
)
@options.of
@click.option(
    "--points",
    type=click.IntRange(1, 1_000_000),
    default=POINTS,
    show_default=True,
    help="How many random points to look at.",
)
@click.option(
    "--seed", type=int, default=SEED, show_default=True, help="Draw other points, repeatably."
)
@click.option(
    "--tolerance",
    type=click.FloatRange(0, 1, max_open=True),
    metavar="RELATIVE",
    help="How far two numbers may differ, relative to their size (1e-9).",
)
@options.formats(*options.FORMATS)
@options.engine
@options.rows
@options.color
@click.option(
    "--sympy-seconds",
    type=click.FloatRange(0, 3600),
    help="How long SymPy may simplify the right formulas (5 for tables, else it is not asked).",
)
def check(
    expression: str | None,
    claims: tuple[str, ...],
    claims_file: str | None,
    tests: str | None,
    points_at: tuple[str, ...],
    ranges: tuple[str, ...],
    of: tuple[str, ...],
    points: int,
    seed: int,
    tolerance: float | None,
    form: str,
    engine: str,
    rows: int,
    color: str,
    sympy_seconds: float | None,
) -> int:
    """Check claims about the gradient of EXPRESSION, and say which mistake a wrong one is.

    EXPRESSION is a formula or a program such as 'd = a+b; f = d*c'; - reads standard input,
    @FILE a file.
    """
    if tests is not None:
        _check_alone(expression)
        return _run_tests(tests, form, engine, rows, color)
    if expression is None:
        raise OptionProblem("missing argument 'EXPRESSION'", None, "only --file needs none")
    source = read_source(expression)
    setting = Setting({}, read_ranges(ranges), points, seed, engine=engine)
    if tolerance is not None:
        setting = setting._replace(tolerance=tolerance)
    asked = _claims(claims, claims_file)
    questions, setting = _asked(source, asked, points_at, of, setting)
    if tolerance is not None:
        questions = questions.exact()
    seconds = sympy_seconds
    if seconds is None:
        seconds = _SYMPY_SECONDS if form == "table" else 0.0
    return _show(_reported(questions, setting, seconds), form, rows, color)


def _check_alone(expression: str | None) -> None:
    """Refuse what a file of tests says itself."""
    if expression is not None:
        raise OptionProblem("--file has its own expressions", None, "leave EXPRESSION out")
    context = click.get_current_context()
    for name, option in _OF_ONE_PROGRAM.items():
        if context.get_parameter_source(name) == click.core.ParameterSource.COMMANDLINE:
            raise OptionProblem(f"{option} goes with an EXPRESSION; --file has its own")


def _claims(texts: Sequence[str], path: str | None) -> list[Claim]:
    found = read_claims(checked_text(text) for text in texts)
    if path is not None:
        source = read_source(path if path == "-" else f"@{path}")
        found += read_lines(source.text, source.origin)
    if not found:
        raise OptionProblem("nothing is claimed", None, "add --claim b=b+c")
    return found


def _asked(
    source: Source,
    claims: Sequence[Claim],
    points_at: tuple[str, ...],
    of: tuple[str, ...],
    setting: Setting,
) -> tuple[Questions, Setting]:
    """Join program and claims, and bind what `--at` gives."""
    ranges: dict[str, Range] = dict(setting.ranges)
    try:
        given = options.bindings(points_at)
        bound = [*(binding.name for binding in given), *ranges]
        program = parse(source.text, bound)
        fixed = evaluated(given)
        check_ranges(program, ranges, fixed)
        if given:
            check_names(program, [*fixed, *ranges])
        return ask(program, claims, of, bound), setting._replace(fixed=fixed)
    except BackpropError as error:
        error.origin = error.origin or source.origin
        raise


def _reported(questions: Questions, setting: Setting, seconds: float) -> Report:
    """Check the claims while SymPy, if it is asked, works out the right formulas."""
    from backprop_cli.studies.checking import slope_formulas

    witness = slope_formulas.start(questions, seconds) if seconds else None
    try:
        found = checked(questions, setting)
        made = diagnoses(found)
        return report(found, made, slope_formulas.slope_formulas(questions, witness))
    finally:
        if witness is not None:
            witness.stop()


def _show(found: Report, form: str, rows: int, color: str) -> int:
    """Write the verdicts in the format asked for, and return the exit code."""
    if form == "table":
        from backprop_cli.render.check import print_report
        from backprop_cli.render.console import make_console

        print_report(found, rows, make_console(color))
    else:
        from backprop_cli.render import check_rows
        from backprop_cli.render.errors import readable
        from backprop_cli.render.json import dumps

        if form == "json":
            print(dumps(check_rows.report_object(found), found.check.questions.program))
        else:
            print("\n".join(check_rows.report_lines(found)))
        sys.stdout.flush()
        for note in check_rows.notes(found):
            print(readable(note), file=sys.stderr)
    _say(filter(None, [found.check.engine.note]))
    return _CODES[found.verdict]


def _say(notes: Iterable[str]) -> None:
    """Write what is said of the engines, after the answer."""
    sys.stdout.flush()
    for note in notes:
        print(f"note: {note}", file=sys.stderr)


def _run_tests(path: str, form: str, engine: str, rows: int, color: str) -> int:
    """Run a file of tests: for people, a line a case as soon as it is known."""
    from backprop_cli.studies.checking.claim_files import read_cases
    from backprop_cli.studies.checking.suites import run

    source = read_source(path if path == "-" else f"@{path}")
    cases = read_cases(source.text, source.origin)
    if form == "table":
        from backprop_cli.render.check import case_name, print_case, print_suite
        from backprop_cli.render.console import make_console

        screen = make_console(color)
        width = min(max(len(case_name(case)) for case in cases), 60)
        suite = run(cases, lambda result: print_case(result, width, rows, screen), engine)
        print_suite(suite, screen)
    else:
        from backprop_cli.render import check_rows
        from backprop_cli.render.json import dumps

        suite = run(cases, engine=engine)
        if form == "json":
            print(dumps(check_rows.suite_object(suite, source.origin)))
        else:
            print("\n".join(check_rows.suite_lines(suite)))
    _say(suite.engine_notes)
    return _CODES[suite.verdict]
