"""The worked solution as HTML: a section of the lesson, its formulas in MathML.

It lays out the parts of `render/worked/solution.py` in their order, and computes nothing. The text
of formulas and names is escaped here and in `readings/mathml.py`.
"""

from collections.abc import Sequence
from html import escape

from backprop_cli.readings.expressions import number, plain_text
from backprop_cli.readings.mathml import math
from backprop_cli.render.numbers import NUMBER
from backprop_cli.render.worked.evidence import Evidence, evidence
from backprop_cli.render.worked.parts import (
    LOCAL_MEANS,
    Backward,
    Contribution,
    Equation,
    Forward,
    Slope,
    Worked,
)

_MOST = 10
_MANY = 80
_MARKS = {True: "✓", False: "✗", None: "–"}


def section(made: Worked) -> str:
    """Return the section of a worked solution."""
    parts = [_program(made), _forward(made), _slopes(made.slopes)]
    for backward in made.outputs:
        source = f" from {backward.answer.name}" if len(made.outputs) > 1 else ""
        if made.stopped is None and made.solution.wrt:
            parts += [_backward(backward, source), _branches(backward, source)]
        parts.append(_result(made, backward))
    inside = "\n".join(f'<div class="part">\n{part}\n</div>' for part in parts if part)
    rest = "".join(_paragraph(text) for text in made.left_out)
    inside = f'<div class="parts">\n{inside}\n</div>'
    if len(made.slopes) > _MANY:
        words = f"{len(made.forward):,} nodes and {len(made.slopes):,} local slopes, written out"
        inside = f"<details><summary>{words}</summary>\n{inside}\n</details>"
    return (
        '<section class="worked" aria-labelledby="worked-title">\n'
        '<h2 id="worked-title">Worked solution</h2>\n'
        f'<p class="edited remark" hidden>It stays at {_at(made)}.</p>\n'
        f"{inside}\n{rest}</section>"
    )


def _at(made: Worked) -> str:
    texts = [" = ".join(plain_text(part) for part in chain) for chain in made.point]
    return escape(", ".join(texts)) if texts else "the program's own numbers"


def _heading(text: str, question: str = "") -> str:
    after = f'<p class="dim">{escape(question)}</p>' if question else ""
    return f"<h3>{escape(text)}</h3>{after}\n"


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _remark(text: str) -> str:
    return f'<p class="remark">{escape(text)}</p>'


def _formula(chain: Equation) -> str:
    """Return a formula in a line of its own, which scrolls by itself if it is long."""
    return f'<div class="formula">{math(chain)}</div>'


def _table(name: str, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in a box that scrolls by itself; the cells are markup.

    A last column that is empty throughout is left out.
    """
    if len(titles) > 1 and not any(row[-1] for row in rows):
        titles, rows = titles[:-1], [row[:-1] for row in rows]
    head = "".join(f'<th scope="col">{escape(title)}</th>' for title in titles)
    body = "\n".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(name)}"><table>'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )


def _program(made: Worked) -> str:
    lines = [
        _formula(statement.equation) if statement.equation else _paragraph(statement.text)
        for statement in made.program
    ]
    at = ", ".join(math(chain) for chain in made.point)
    return "\n".join([_heading("The program"), *lines, f"<p>at {at}</p>" if at else ""])


def _forward(made: Worked) -> str:
    name = "Forward pass"
    text = _heading(name, "Each node computes its value from its operands.")
    if made.forward:
        text += _table(name, ["node", "choice"], [_forward_row(row) for row in made.forward])
    if made.stopped is not None:
        text += _remark(made.stopped.message)
    return text if made.forward or made.stopped is not None else ""


def _forward_row(row: Forward) -> tuple[str, str]:
    return math(row.equation), escape(row.remark)


def _slopes(slopes: Sequence[Slope]) -> str:
    if not slopes:
        return ""
    name = "Local slopes"
    text = _heading(name, "How fast each node moves with each of its operands.")
    text += _table(name, ["slope", "rule"], [_slope_row(slope) for slope in slopes])
    return text + (_paragraph(LOCAL_MEANS) if any(slope.marked for slope in slopes) else "")


def _slope_row(slope: Slope) -> tuple[str, str]:
    rule = escape(slope.rule)
    if not slope.flows:
        rule += "; not selected here: nothing flows"
    elif slope.computed is not None:
        rule += f"; computed as {math((slope.computed,))}"
    return math(slope.equation) + _which(slope.which), rule


def _which(text: str) -> str:
    return f" ({escape(text)})" if text else ""


def _backward(backward: Backward, source: str) -> str:
    name = f"Backward pass{source}"
    text = _heading(name, "Upstream × local slope, from the output to the inputs.")
    text += _formula(backward.seed)
    if not backward.contributions:
        return text
    rows = [_contribution_row(row) for row in backward.contributions]
    return text + _table(name, ["contribution", "adds to"], rows)


def _contribution_row(row: Contribution) -> tuple[str, str]:
    target = "" if row.alone else math((row.symbol,))
    return math(row.equation) + _which(row.which), target


def _branches(backward: Backward, source: str) -> str:
    if not backward.branches:
        return ""
    name = f"Gradients add at branches{source}"
    rows = [(_sum(branch.equation),) for branch in backward.branches]
    return _heading(name) + _table(name, ["sum"], rows)


def _sum(chain: Equation) -> str:
    """Return a sum in symbols, and in numbers below it: the total must not be out of sight."""
    return f"{math(chain[:2])}<br>{math(chain[2:], goes_on=True)}"


def _result(made: Worked, backward: Backward) -> str:
    answer, solution = backward.answer, made.solution
    one_sided = solution.kink in ("left", "right")
    side = f", from the {solution.kink}" if one_sided else ""
    parts = [_heading(f"The gradient of {answer.name}{side}"), _formula(backward.output)]
    parts += [_formula(chain) for chain in backward.result]
    if answer.failure is not None:
        parts.append(_remark(answer.failure.message))
    if one_sided and answer.remarks:
        parts.append(_paragraph("The steps follow the convention; this gradient is one-sided."))
    parts += [_remark(remark.message) for remark in answer.remarks]
    parts += [_paragraph(text) for text in backward.left_out]
    parts += _check(evidence(solution, backward, _MOST), answer.name)
    return "\n".join(parts)


def _cell(text: str) -> str:
    """Return what a witness says: a number, `value ± error`, or the mark of a note."""
    value, between, error = text.strip().partition(" ± ")
    if not NUMBER.fullmatch(value):
        return escape(value)
    return math((number(value),)) + (f" ± {math((number(error),))}" if between else "")


def _check(found: Evidence, name: str) -> list[str]:
    """Return what the witnesses say, and the verdict."""
    parts = []
    if found.rows:
        title = f"Check of the gradient of {name}"
        rows = [
            (escape(row.name), *map(_cell, row.cells), _MARKS[row.agrees]) for row in found.rows
        ]
        parts += [_heading("Check"), _table(title, ["input", *found.modes, "agree"], rows)]
    parts += [_paragraph(f"[{place}] {note}") for place, note in enumerate(found.notes, 1)]
    if found.formulas:
        parts.append(_paragraph("In symbols, by SymPy:"))
        parts += [_formula(chain) for chain in found.formulas]
    return parts + [_paragraph(text) for text in found.sentences]
