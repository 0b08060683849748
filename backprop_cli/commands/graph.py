"""`backprop graph`: the operation graph as a picture, with values, gradients and local slopes."""

import sys

import click

from backprop_cli.commands import options
from backprop_cli.commands.outcome import exit_code
from backprop_cli.commands.output import (
    STDOUT,
    check_writable,
    chosen_format,
    option,
    refuse_sources,
    write_bytes,
    written_to,
)
from backprop_cli.errors import BackpropError, LimitExceeded, OptionProblem
from backprop_cli.graph import Graph
from backprop_cli.language.names import Naming
from backprop_cli.language.parser import parse
from backprop_cli.readings.floats import FLOATS
from backprop_cli.render.graph.diagram import Diagram, diagram, drawn_nodes, symbols
from backprop_cli.render.notes import notes
from backprop_cli.studies.files import read_source
from backprop_cli.studies.gradient import nodes_named, solve
from backprop_cli.studies.point import check_names, evaluated
from backprop_cli.studies.solution import Answer, Solution

FORMATS = ("table", "svg", "png", "pdf", "dot", "mermaid", "json")
BINARY = ("png", "pdf")
ENDINGS = {
    ".txt": "table",
    ".svg": "svg",
    ".png": "png",
    ".pdf": "pdf",
    ".dot": "dot",
    ".gv": "dot",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
    ".json": "json",
}
"""The format that the ending of a file asks for."""

MOST_NODES = 2000
"""The most nodes of a picture: beyond, nobody could read it."""

MOST_CARDS = 60
"""The most nodes of a drawing in the terminal; larger graphs are listed."""

EXAMPLES = """\b
Examples:
  backprop graph '(a+b)*(b+c)'
  backprop graph '(a+b)*(b+c)' --at a=5,b=-3,c=-2
  backprop graph '(a+b)*(b+c)' --at a=5,b=-3,c=-2 -o lecture.svg
  backprop graph @network.txt --at @network.json --format mermaid
"""


@click.command(cls=options.ExpressionCommand, epilog=EXAMPLES)
@options.expression
@options.at
@options.wrt
@options.of
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="table",
    show_default=True,
    help="table draws in the terminal; png and pdf need the extra backprop-cli[pictures].",
)
@option("Write to FILE; its ending (.svg .png .pdf .dot .mmd .json .txt) chooses the format.")
@options.rows
@options.color
def graph(
    expression: str,
    points: tuple[str, ...],
    wrt: tuple[str, ...],
    of: tuple[str, ...],
    form: str,
    path: str | None,
    rows: int,
    color: str,
) -> int:
    """Draw the operation graph of EXPRESSION: inputs left, output right.

    With --at, each node has its value above and its gradient below, each wire its local slope;
    without, the symbols. A dashed wire carries no gradient.
    """
    form = chosen_format(path, form, ENDINGS)
    _check_output(path, form)
    refuse_sources(path, expression, *points)
    source = read_source(expression)
    try:
        solution = _solution(source.text, points, wrt, of)
    except BackpropError as error:
        error.origin = error.origin or source.origin
        raise
    pointed = bool(solution.values)
    if form == "table":
        _print(solution, pointed, rows, color, path)
    else:
        _write(solution, pointed, form, path)
    sys.stdout.flush()
    for note in notes(solution, source.origin):
        print(note, file=sys.stderr)
    return exit_code(solution, ())


def _check_output(path: str | None, form: str) -> None:
    """Refuse a file that cannot be written, and a terminal for what is no text."""
    if path is not None and path != STDOUT:
        check_writable(path)
    elif form in BINARY and sys.stdout.isatty():
        hint = f"write it to a file: -o graph.{form}"
        raise OptionProblem(f"{form.upper()} is no text for a terminal", None, hint)


def _solution(
    text: str, points: tuple[str, ...], wrt: tuple[str, ...], of: tuple[str, ...]
) -> Solution:
    """Return the solved program; without a point for its inputs, one without values."""
    given = options.bindings(points)
    graph = parse(text, [binding.name for binding in given])
    if given or not graph.inputs:
        nodes_named(graph, wrt, "--wrt")
        check_names(graph, [binding.name for binding in given])
        return solve(graph, evaluated(given), wrt, of)
    return _unsolved(graph, wrt, of)


def _unsolved(graph: Graph, wrt: tuple[str, ...], of: tuple[str, ...]) -> Solution:
    """Return what is known of a program without a point: names, and what depends on what."""
    asked = nodes_named(graph, wrt, "--wrt") or dict(graph.inputs)
    chosen = nodes_named(graph, of, "--of")
    if chosen:
        graph = graph.with_outputs(chosen.values())
    naming = Naming(graph)
    names = list(chosen) or [naming.of(node) for node in graph.outputs]
    answers = tuple(
        Answer(name, node, None, {}, [], (), None)
        for name, node in zip(names, graph.outputs, strict=True)
    )
    active = graph.dependents(asked.values())
    return Solution(graph, {}, [], asked, active, naming, FLOATS, "convention", answers)


def _diagrams(solution: Solution, pointed: bool, most: int = 0) -> list[Diagram]:
    describe = diagram if pointed else symbols
    return [describe(solution, answer, most) for answer in solution.answers]


def _print(solution: Solution, pointed: bool, rows: int, color: str, path: str | None) -> None:
    """Draw each output's graph with characters, or list it if it is large."""
    from backprop_cli.render import echo
    from backprop_cli.render.console import make_console
    from backprop_cli.render.graph import table as graph_table
    from backprop_cli.render.graph import text as graph_text

    with written_to(path):
        screen = make_console(color)
        echo.head(solution, rows, screen)
        for shown in _diagrams(solution, pointed, max(rows, MOST_CARDS)):
            screen.line()
            if len(solution.answers) > 1:
                screen.line([(shown.name, "title")])
            small = shown.total <= MOST_CARDS
            drawn = small and graph_text.print_graph(shown, screen)
            if not drawn:
                reason = f"{screen.width} columns are too few for the drawing"
                if not small:
                    reason = f"{shown.total:,} nodes: a drawing here has up to {MOST_CARDS}"
                if shown.total <= MOST_NODES:
                    reason += "; -o graph.svg draws them"
                graph_table.print_rows(shown, rows, reason, screen)
            graph_text.print_legend(shown, drawn, screen)


def _write(solution: Solution, pointed: bool, form: str, path: str | None) -> None:
    """Write the picture in a format for files."""
    if form == "json":
        from backprop_cli.render import json
        from backprop_cli.render.graph import json_object as graph_json

        with written_to(path):
            shown = _diagrams(solution, pointed)
            made = graph_json.graph_object(solution, shown, pointed)
            print(json.dumps(made, solution.graph))
        return
    _check_size(solution)
    diagrams = _diagrams(solution, pointed)
    if form in BINARY:
        write_bytes(path, _binary(diagrams, form))
        return
    with written_to(path):
        sys.stdout.write(_text(diagrams, form))


def _check_size(solution: Solution) -> None:
    """Raise `LimitExceeded` for a picture of more nodes than anyone could look at."""
    count = sum(
        len(drawn_nodes(solution.graph, answer.node, solution.names)) for answer in solution.answers
    )
    if count > MOST_NODES:
        hint = "--format table lists them, --format json has them all"
        raise LimitExceeded(
            f"a picture shows up to {MOST_NODES:,} nodes, this one has {count:,}", None, hint
        )


def _text(diagrams: list[Diagram], form: str) -> str:
    if form == "svg":
        from backprop_cli.render.graph.svg import document

        return document(diagrams)
    if form == "dot":
        from backprop_cli.render.graph.dot import dot

        return dot(diagrams)
    from backprop_cli.render.graph.mermaid import MOST_EDGES, mermaid

    edges = sum(len(item.wires) for shown in diagrams for item in shown.items)
    if edges > MOST_EDGES:
        note = f"note: {edges:,} edges; Mermaid draws {MOST_EDGES} unless its page allows more"
        print(note, file=sys.stderr)
    return mermaid(diagrams)


def _binary(diagrams: list[Diagram], form: str) -> bytes:
    from backprop_cli.render.graph import pictures
    from backprop_cli.render.graph.svg import document

    svg = document(diagrams, fixed_colours=True)
    return pictures.png(svg) if form == "png" else pictures.pdf(svg)
