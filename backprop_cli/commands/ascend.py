"""`backprop ascend`: climb, or descend, a function one step at a time."""

import math
import sys
from collections.abc import Mapping
from random import SystemRandom
from typing import Any

import click

from backprop_cli.commands import options
from backprop_cli.commands.climbing import Run, check_picture
from backprop_cli.errors import BackpropError, LimitExceeded, OptionProblem
from backprop_cli.language.parser import parse
from backprop_cli.studies.climbing.newton import MOST_INPUTS
from backprop_cli.studies.climbing.optimizers import (
    BY_NAME,
    HYPERPARAMETERS,
    NEWTON,
    OPTIMIZERS,
    SHARES,
    Optimizer,
    check_used,
    option,
)
from backprop_cli.studies.climbing.problem import Problem, make_problem
from backprop_cli.studies.climbing.settings import METHODS, Settings
from backprop_cli.studies.data import read_columns
from backprop_cli.studies.files import read_source
from backprop_cli.studies.point import check_names, evaluated, read_bounds, read_number

FORMATS = (*options.FORMATS, "csv")
UPDATES = ("simultaneous", "sequential")
_STEP = 0.01
_LARGEST_SEED = 2**32


def _optimizer_lines() -> str:
    """Return the table of optimisers as `--help` shows it."""
    lines = []
    for optimizer in OPTIMIZERS:
        lines.append(f"  {optimizer.name:<9} {optimizer.formula}")
        values = ", ".join(f"{name}={value:g}" for name, value in optimizer.parameters)
        lines.append(f"            {optimizer.source}{f' ({values})' if values else ''}")
    return "\n".join(lines)


EXAMPLES = f"""\b
Optimisers (x an input, g its slope in the direction of improvement, h the step
size, t the number of the step; every state starts at 0):
{_optimizer_lines()}
\b
Remarks:
  crossed the top    uphill where the step begins, downhill where it lands: it went
                     over the top. Still better, no gain, or worse: step too long
  worse              f lost: the step was too long, went against the slope (random
                     steps and momentum do), or left a flat spot
  flat               no slope, or nothing moves any more
  zig-zag            the step goes back where the last one came from
  unbounded          f grows ever faster, also when looked at 2^40 steps ahead
\b
Examples:
  backprop ascend 'a*b' --at a=-4,b=-3 --step 0.01 --steps 1
  backprop ascend 'a*b' --at a=-4,b=-3 --race --seed 1
  backprop ascend --descend '(1-x)^2 + 100(y-x^2)^2' --at x=-1.2,y=1 --optimizer newton,adam
  backprop ascend --descend '(w*x + b - y)^2' --at w=0,b=0 --data points.csv --step 0.1
"""


class _Number(click.ParamType[float]):
    """A finite constant expression, such as 1e-3 or 1/3, within bounds."""

    name = "number"

    def __init__(
        self, above: float | None = None, least: float | None = None, below: float = math.inf
    ) -> None:
        self.above, self.least, self.below = above, least, below

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number of a text."""
        if isinstance(value, float):
            return value
        name = param.opts[0] if param is not None else ""
        number = read_number(str(value), name)
        if self.above is not None and not number > self.above:
            raise OptionProblem(f"{name} must be above {self.above:g}, got {value}")
        if self.least is not None and not number >= self.least:
            raise OptionProblem(f"{name} must be {self.least:g} or more, got {value}")
        if not number < self.below:
            raise OptionProblem(f"{name} must be below {self.below:g}, got {value}")
        return number


def _hyperparameters(command: Any) -> Any:
    """Add an option for every hyper-parameter of the table of optimisers."""
    for name in reversed(HYPERPARAMETERS):
        users = [one for one in OPTIMIZERS if name in dict(one.parameters)]
        defaults = sorted({dict(one.parameters)[name] for one in users})
        text = " or ".join(f"{value:g}" for value in defaults)
        whose = ", ".join(one.name for one in users)
        help = f"The {name.replace('_', ' ')} of {whose}.  [default: {text}]"
        kind = _Number(least=0.0, below=1.0 if name in SHARES else math.inf)
        command = click.option(option(name), name, type=kind, help=help)(command)
    return command


@click.command(cls=options.ExpressionCommand, epilog=EXAMPLES)
@options.expression
@options.at
@options.wrt
@options.of
@click.option(
    "--method",
    type=click.Choice(METHODS),
    help="What a step goes by: a random nudge h·U(0,1), differences, or the gradient (default).",
)
@click.option("--race", is_flag=True, help="Run the three methods from the same start.")
@click.option(
    "--optimizer",
    "optimizers",
    multiple=True,
    callback=options.names_of(*BY_NAME),
    metavar="NAME,...",
    help="What is made of the gradient (below); several race.  [default: gradient]",
)
@click.option(
    "--step",
    type=_Number(above=0.0),
    metavar="H",
    help=f"The step size.  [default: {_STEP}; 1 for newton and with --line-search]",
)
@click.option(
    "--steps",
    type=click.IntRange(min=0),
    default=100,
    show_default=True,
    help="The most steps to take.",
)
@click.option("--descend", is_flag=True, help="Minimise instead.")
@click.option(
    "--update",
    type=click.Choice(UPDATES),
    default="simultaneous",
    show_default=True,
    help="Move all inputs at once, or each with the new values of those before it.",
)
@_hyperparameters
@click.option(
    "--line-search",
    is_flag=True,
    help="Halve a step until it gains 1e-4 of what its slopes predict (Armijo 1966).",
)
@click.option(
    "--until-gradient",
    type=_Number(least=0.0),
    default=0.0,
    metavar="SIZE",
    help="Stop where the exact gradient is no larger than this.",
)
@click.option(
    "--bounds",
    multiple=True,
    metavar="NAME=LOW:HIGH,...",
    help="Hold inputs between bounds, by projection; x=0: has one.",
)
@click.option(
    "--difference",
    type=_Number(above=0.0),
    metavar="H",
    help="The h of the forward differences of --method numeric.  [default: 2^-26]",
)
@click.option(
    "--data",
    metavar="FILE.csv",
    help="Columns bind names row by row; f is the mean over the rows. Needs NumPy.",
)
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    metavar="ROWS",
    help="Take each step's slopes from so many rows of the data, shuffled each epoch.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, _LARGEST_SEED),
    metavar="N",
    help="Repeat the random numbers of an earlier run.",
)
@click.option(
    "--every",
    type=click.IntRange(min=1),
    metavar="N",
    help="Show every N-th row (tables only; all are in csv and json).",
)
@click.option(
    "--plot",
    metavar="FILE.svg",
    help="Write a picture: the path over contours of two inputs, else f against steps.",
)
@options.engine
@options.formats(*FORMATS, scripts="plain, json (JSON Lines, streamed) or csv")
@options.rows
@options.color
def ascend(
    expression: str,
    points: tuple[str, ...],
    wrt: tuple[str, ...],
    of: tuple[str, ...],
    data: str | None,
    every: int | None,
    plot: str | None,
    engine: str,
    form: str,
    rows: int,
    color: str,
    **how: Any,
) -> int:
    """Climb EXPRESSION from a point, one step at a time, and say what each step did.

    Each row shows the gain that the slopes predicted for the move (h·‖∇f‖² of the plain rule), the
    gain that came, and their ratio: near 1 the step was short enough for f to look straight.
    """
    _check(how, data, plot, every, form)
    source = read_source(expression)
    try:
        problem = _problem(source.text, points, wrt, of, how["steps"], data)
        plans = _plans(how, problem)
    except BackpropError as error:
        error.origin = error.origin or source.origin
        raise
    run = Run(problem, plans, how["batch_size"] or 0, every or 0, rows, how["seed"] is None)
    run.choose_engine(engine, form in ("json", "csv"))
    if form == "table":
        run.print_tables(data or "", rows, color)
    elif form == "plain":
        run.print_plain(plot is not None)
    else:
        run.stream(form)
    sys.stdout.flush()
    if plot is not None:
        run.write_picture(plot)
    return run.report(source.origin, form)


def _check(
    how: Mapping[str, Any], data: str | None, plot: str | None, every: int | None, form: str
) -> None:
    """Refuse options that would be ignored, and combinations that make no sense."""
    optimizers, method = how["optimizers"], how["method"]
    if how["race"] and (method or optimizers):
        given = "--method" if method else "--optimizer"
        raise OptionProblem(f"--race runs the three methods: leave {given} out")
    if method == "random" and (optimizers or how["line_search"]):
        raise OptionProblem("--method random follows no slope, so nothing can be made of it")
    if method == "numeric" and NEWTON in optimizers:
        raise OptionProblem("newton needs curvature, which --method numeric does not give")
    plain = not {*optimizers} - {"gradient", NEWTON} and not how["race"]
    if how["line_search"] and not plain:
        raise OptionProblem("--line-search goes with --optimizer gradient or newton")
    sequential = how["update"] == "sequential"
    if sequential and (how["line_search"] or NEWTON in optimizers or method == "random"):
        raise OptionProblem("--update sequential moves one input at a time, by its slope alone")
    if how["difference"] is not None and method != "numeric" and not how["race"]:
        raise OptionProblem("--difference belongs to --method numeric")
    if how["until_gradient"] and method == "random":
        raise OptionProblem(
            "--method random sees no gradient that --until-gradient could stop it by"
        )
    random = method == "random" or how["race"] or how["batch_size"]
    if how["seed"] is not None and not random:
        hint = "it repeats --method random, --race and --batch-size"
        raise OptionProblem("--seed: nothing is drawn at random here", None, hint)
    if how["batch_size"] and data is None:
        raise OptionProblem("--batch-size takes rows of --data")
    steered = method not in (None, "gradient") or sequential or how["line_search"] or how["race"]
    if how["batch_size"] and (steered or NEWTON in optimizers):
        raise OptionProblem("--batch-size goes with the gradient, all inputs at once")
    if plot is not None:
        check_picture(plot)
    if every is not None and form != "table":
        raise OptionProblem(f"--every thins tables; {form} has every row")


def _problem(
    text: str,
    points: tuple[str, ...],
    wrt: tuple[str, ...],
    of: tuple[str, ...],
    steps: int,
    data: str | None,
) -> Problem:
    given = options.bindings(points)
    names = [binding.name for binding in given]
    graph = parse(text, names)
    columns = None
    if data is not None:
        columns = read_columns(data, list(graph.inputs))
        twice = [name for name in columns.names if name in names]
        if twice:
            hint = "leave them out of --at, or rename the columns"
            raise OptionProblem(f"{', '.join(twice[:10])} given by --at and by --data", None, hint)
    check_names(graph, [*names, *(columns.names if columns else ())])
    return make_problem(graph, evaluated(given), wrt, of, steps, columns)


def _plans(how: Mapping[str, Any], problem: Problem) -> list[tuple[str, Settings]]:
    """Return the climbs asked for, each with the name it has in a race ("" if there is none)."""
    optimizers = [BY_NAME[name] for name in how["optimizers"]] or [BY_NAME["gradient"]]
    given = {name: how[name] for name in HYPERPARAMETERS if how[name] is not None}
    check_used(optimizers, given)
    if BY_NAME[NEWTON] in optimizers and len(problem.names) > MOST_INPUTS:
        message = f"newton moves up to {MOST_INPUTS} inputs, not {len(problem.names):,}"
        raise LimitExceeded(message, None, "hold some still with --wrt")
    seed = SystemRandom().randrange(_LARGEST_SEED) if how["seed"] is None else how["seed"]
    common = Settings(
        parameters=given,
        method=how["method"] or "gradient",
        steps=how["steps"],
        descend=how["descend"],
        sequential=how["update"] == "sequential",
        line_search=how["line_search"],
        until_gradient=how["until_gradient"],
        bounds=read_bounds(how["bounds"], problem.at([problem.start[n] for n in problem.names])),
        seed=seed,
    )
    if how["difference"] is not None:
        common = common._replace(difference=how["difference"])
    plans = [
        common._replace(optimizer=optimizer, step=how["step"] or _default_step(optimizer, how))
        for optimizer in optimizers
    ]
    if how["race"]:
        plans = [plans[0]._replace(method=method) for method in METHODS]
    return [(plan.label if len(plans) > 1 else "", plan) for plan in plans]


def _default_step(optimizer: Optimizer, how: Mapping[str, Any]) -> float:
    return 1.0 if how["line_search"] else optimizer.step
