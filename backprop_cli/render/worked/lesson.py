"""The lesson: one HTML file with the picture, a stepper, and the worked solution; no network.

The page recomputes every number itself, with the rules of the table read as JavaScript
(`readings/javascript.py`), so that its inputs can be edited. Its own files stand in `page/`: the
markup, the style, and four scripts (numbers, steps, picture, page).

Nothing of the user's can become markup or script: text is escaped, data is JSON in ASCII whose
`<`, `>` and `&` are escapes too, the page's scripts insert text only, and the content security
policy names the two style sheets and the script by their hashes and allows nothing else.
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from backprop_cli.errors import LimitExceeded
from backprop_cli.language.names import has_row, node_text
from backprop_cli.language.notation import pretty
from backprop_cli.language.printer import statements, with_name
from backprop_cli.operations import COMPARISON_ROWS, CONSTANT
from backprop_cli.readings import javascript
from backprop_cli.readings.floats import FLOATS
from backprop_cli.readings.slope_text import slope_text
from backprop_cli.render.graph.svg import picture
from backprop_cli.render.json import dumps
from backprop_cli.render.numbers import human, machine
from backprop_cli.render.worked.html import section
from backprop_cli.render.worked.solution import EVERYTHING, worked
from backprop_cli.studies.failures import explain_value, wording
from backprop_cli.studies.solution import Agreement, Answer, Solution

MOST_NODES = 1_000
"""A larger program is refused: no reader steps through it, and browsers draw it slowly."""

_SCRIPTS = ("numbers.js", "steps.js", "picture.js", "page.js")
_MANY_STEPS = 80
_MANY_INPUTS = 12
_LONG_TITLE = 70
_LONGEST_TITLE = 300
_MOST_STATEMENTS = 8
_WIDE = 700.0
_WIDTH = re.compile(r'<svg [^>]*?\bwidth="([\d.]+)"')
_STYLE = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL)


def lesson(solution: Solution, agreements: Sequence[Agreement] = (), rows: int = EVERYTHING) -> str:
    """Return the page of an answer; each part of its worked solution has at most `rows` rows.

    Raises `LimitExceeded` for a program that is too large.
    """
    size = solution.graph.size
    if size > MOST_NODES:
        raise LimitExceeded(
            f"a lesson has at most {MOST_NODES:,} nodes, this program has {size:,}",
            hint="use --format table --rows, or json",
        )
    style = _file("page.css")
    program = [javascript.script(solution.graph.rows)]
    program += [_file(name) for name in _SCRIPTS]
    script = '"use strict";\n(() => {\n' + "\n".join(program) + "})();\n"
    drawn = _pictures(solution)
    styles = [style, *_STYLE.findall(drawn)]
    return Template(_file("page.html")).substitute(
        policy=_policy(styles, script),
        title=escape(_shortened("; ".join(_program(solution)))),
        style=style,
        heading=_heading(solution),
        seeds=_options([(name, node) for name, node in solution.wrt.items()]),
        outputs=_outputs(solution),
        whole=" checked" if _many_steps(solution) else "",
        modes="" if solution.wrt else " hidden",
        precision=_precision(solution),
        inputs=_inputs(solution),
        picture=drawn,
        worked=section(worked(solution, agreements, rows)),
        data=_data_text(solution),
        script=script,
    )


def _file(name: str) -> str:
    return files("backprop_cli.render.worked").joinpath("page", name).read_text(encoding="utf-8")


def _policy(styles: Sequence[str], script: str) -> str:
    """Return the content security policy: this page's styles and script, and nothing else."""
    allowed = " ".join(map(_hash, dict.fromkeys(styles)))
    return escape(
        f"default-src 'none'; style-src {allowed}; script-src {_hash(script)};"
        " base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


# ---------------------------------------------------------------------------------- markup


def _program(solution: Solution) -> list[str]:
    """Return the statements as they were read; an unnamed output by its name."""
    texts = list(statements(solution.graph, solution.names, asked=solution.asked))
    if len(solution.answers) == 1:
        texts[-1] = with_name(texts[-1], solution.answers[0].name)
    return texts


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_TITLE else text[: _LONGEST_TITLE - 2] + " …"


def _heading(solution: Solution) -> str:
    """Return the program, a statement a line where it is long, and the point."""
    texts = _program(solution)
    long = len("; ".join(texts)) > _LONG_TITLE
    shown = texts[:_MOST_STATEMENTS] if len(texts) > _MOST_STATEMENTS + 1 else texts
    lines = [f"<span>{escape(_shortened(text))}</span>" for text in shown]
    if len(shown) < len(texts):
        lines.append(f"<span>… {len(texts) - len(shown):,} more statements</span>")
    point = ", ".join(
        f"{name} = {human(value, solution.arithmetic)}" for name, value in solution.point.items()
    )
    at = f'<p class="at">at {escape(_shortened(point))}</p>' if point else ""
    opened, between = ('<h1 class="long">', "") if long else ("<h1>", "; ")
    return f"{opened}{between.join(lines)}</h1>\n{at}"


def _precision(solution: Solution) -> str:
    """Return what is to be said where the page computes with fewer digits than the answer has."""
    digits = getattr(solution.arithmetic, "digits", None)
    if digits is None:
        return ""
    text = f"These steps compute in double precision; the worked solution has {digits:,} digits."
    return f'<p class="remark">{text}</p>'


def _options(choices: Sequence[tuple[str, int]]) -> str:
    return "".join(f'<option value="{node}">{escape(name)}</option>' for name, node in choices)


def _outputs(solution: Solution) -> str:
    """Return the choice of an output, where there are several."""
    if len(solution.answers) == 1:
        return ""
    choices = _options([(answer.name, answer.node) for answer in solution.answers])
    return f'<label>output <select id="output">{choices}</select></label>'


def _inputs(solution: Solution) -> str:
    fields = [
        f'<label for="in-{place}">{escape(name)} = <input type="text" id="in-{place}"'
        f' name="{escape(name)}" value="{escape(machine(float(value)).removesuffix(".0"))}"'
        ' autocomplete="off" spellcheck="false"></label>'
        for place, (name, value) in enumerate(solution.point.items())
    ]
    if not fields:
        return "<p>The program has no inputs.</p>"
    button = '<button type="button" id="reset">Reset</button>'
    text = "".join(fields)
    if len(fields) > _MANY_INPUTS:
        text = f"<details><summary>{len(fields)} inputs</summary>{text}</details>"
    return text + button


def _pictures(solution: Solution) -> str:
    """Return the picture of each output, the first one shown, with identifiers of its own."""
    drawn = []
    for place, answer in enumerate(solution.answers):
        prefix = f"{place + 1}-" if place else ""
        image = picture(solution, answer, embedded=True).replace(' id="', f' id="{prefix}')
        hidden = " hidden" if place else ""
        drawn.append(f'<div data-picture="{prefix}"{hidden}>\n{image}</div>')
    across = max(float(width) for width in _WIDTH.findall("".join(drawn)))
    wide = " wide" if across > _WIDE else ""
    return (
        f'<figure class="picture{wide}"><div class="scroll" tabindex="0" role="region"'
        f' aria-label="Picture of the graph">{"".join(drawn)}</div><figcaption class="keys">'
        '<span class="value">value</span><span class="slope" id="slope-key">← gradient</span>'
        "<span>( ) local slope</span></figcaption></figure>"
    )


# ---------------------------------------------------------------------------------- data


def _many_steps(solution: Solution) -> bool:
    return solution.graph.edges > _MANY_STEPS


def _data_text(solution: Solution) -> str:
    """Return the data as JSON that no HTML parser can mistake for markup."""
    text = dumps(lesson_data(solution))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def lesson_data(solution: Solution) -> dict[str, Any]:
    """Return what the page's scripts read: the graph, the point, names, words of slopes."""
    graph, names = solution.graph, solution.names
    inputs = list(graph.inputs)
    shown = [int(has) for has in has_row(graph, names)]
    for answer in solution.answers:  # the output of a program of constants has no row in tables
        shown[answer.node] |= graph.rows[answer.node] > CONSTANT
    return {
        "graph": javascript.columns(graph),
        "point": [machine(float(solution.point[name])) for name in inputs],
        "names": names,
        "texts": [pretty(node_text(graph, node, names)) for node in range(graph.size)],
        "comparisons": [k for k, row in enumerate(graph.rows) if row in COMPARISON_ROWS],
        "shown": shown,
        "outputs": [{"name": answer.name, "node": answer.node} for answer in solution.answers],
        "wrt": [[name, node] for name, node in solution.wrt.items()],
        "slopes": _slopes(solution),
        "told": _told(solution),
        "remarks": {str(answer.node): _remarks(answer) for answer in solution.answers},
        "whole": _many_steps(solution),
    }


def _remarks(answer: Answer) -> list[str]:
    remarks = [remark.message for remark in answer.remarks]
    return remarks if answer.failure is None else [answer.failure.message, *remarks]


def _told(solution: Solution) -> dict[str, Any]:
    """Return, for each operation, the parts of what is said where it is undefined."""
    graph = solution.graph
    made: dict[str, Any] = {}
    for node, row in enumerate(graph.rows):
        if row > CONSTANT:
            made[str(node)] = wording(solution, node)._asdict()
        elif row == CONSTANT and not FLOATS.is_finite(FLOATS.number(graph.literals[node])):
            made[str(node)] = explain_value(solution, node).message
    return made


def _slopes(solution: Solution) -> dict[str, list[list[str]]]:
    """Return, for each node and operand, the slope's formula at this point, and at any."""
    graph, names = solution.graph, solution.names
    varies = graph.dependents([*graph.inputs.values(), *solution.wrt.values()])
    made: dict[str, list[list[str]]] = {}
    for node in range(graph.size):
        operands = graph.operands_of(node)
        if not varies[node] or graph.rows[node] in COMPARISON_ROWS:
            continue
        made[str(node)] = [
            [
                pretty(slope_text(graph, node, k, names, solution.values, solution.arithmetic)),
                pretty(slope_text(graph, node, k, names)),
            ]
            if varies[operand]
            else ["", ""]
            for k, operand in enumerate(operands)
        ]
    return made
