r"""A worked solution as Markdown: tables, mathematics between dollars, a Mermaid picture.

Renderers disagree about who reads first, Markdown or the mathematics. So the mathematics here is
written such that Markdown finds nothing in it to change: no backslash before punctuation (rows
end in `\cr`), no `*`, `|`, `<` or `>`, and no underscore except after a letter or digit, where it
cannot begin emphasis. A test reads every page with Markdown alone and finds each formula untouched.
For the same reason words escape no bracket: `\(` and `\[` begin formulas in some renderers.
"""

from collections.abc import Iterable, Iterator, Sequence

from backprop_cli.readings.latex import MARKDOWN
from backprop_cli.render.errors import readable
from backprop_cli.render.graph.diagram import diagram
from backprop_cli.render.graph.mermaid import mermaid
from backprop_cli.render.worked.equations import lines
from backprop_cli.render.worked.evidence import Evidence
from backprop_cli.render.worked.pages import Page
from backprop_cli.render.worked.parts import Contribution, Equation, Forward, Slope

_WIDTH = 72
_MOST_DRAWN = 60
"""Pictures of more nodes than this tell nobody anything."""

_ESCAPES = str.maketrans(
    {
        "\n": " ",
        "\\": "&#92;",
        "`": "&#96;",
        "$": "&#36;",
        "[": "&#91;",
        "]": "&#93;",
        "|": "&#124;",
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        "*": r"\*",
        "_": r"\_",
        "~": r"\~",
        "#": r"\#",
    }
)
_MARKS = {True: "✓", False: "✗", None: "–"}


def escaped(text: str) -> str:
    """Return text as Markdown that shows exactly this text."""
    return readable(text).translate(_ESCAPES)


class _Markdown(Page):
    """A page of Markdown; embedded, it has no title and smaller headings."""

    dialect = MARKDOWN

    def document(self, title: str, blocks: Iterable[str]) -> str:
        """Return the page, under its title unless it is embedded."""
        return "\n\n".join([*([] if self.embed else [f"# {title}"]), *blocks]) + "\n"

    def text(self, text: str) -> str:
        return escaped(text)

    def heading(self, text: str) -> str:
        return f"{'###' if self.embed else '##'} {text}"

    def strong(self, text: str) -> str:
        return f"**{text}**"

    def display(self, equations: Iterable[Equation]) -> str:
        written = [line for e in equations for line in lines(self.notation, e, _WIDTH)]
        rows = f" {MARKDOWN.new_row}\n".join(written)
        return f"$$\n\\begin{{aligned}}\n{rows}\n\\end{{aligned}}\n$$"

    def program(self) -> str:
        texts = "\n".join(readable(statement.text) for statement in self.made.program)
        return f"```text\n{texts}\n```"

    def picture(self) -> Iterator[str]:
        solution = self.made.solution
        drawn = [diagram(solution, answer, _MOST_DRAWN) for answer in solution.answers]
        if not any(shown.items for shown in drawn):
            return
        if sum(shown.total for shown in drawn) > _MOST_DRAWN:
            yield f"The graph has too many nodes to be drawn here (more than {_MOST_DRAWN})."
            return
        yield f"```mermaid\n{mermaid(drawn)}```"
        yield "Above each operation stands its value, below it its gradient."

    def forward(self, rows: Sequence[Forward]) -> str:
        made = []
        for row in rows:
            numbers = self.text(row.remark) if row.in_numbers is None else self.math(row.in_numbers)
            made.append(
                (self.math(row.name), self.math(row.formula), numbers, self.math(row.value))
            )
        return _table(("node", "formula", "in numbers", "value"), made)

    def slopes(self, rows: Sequence[Slope]) -> str:
        made = []
        for row in rows:
            which = f" ({row.which})" if row.which else ""
            formula = "" if row.formula == row.value else self.math(row.formula)
            rule = row.rule if row.flows else f"{row.rule}: nothing flows"
            symbol = self.math(row.symbol) + which
            made.append((symbol, formula, self.math(row.value), self.text(rule)))
        return _table(("local derivative", "formula", "value", "rule"), made)

    def contributions(self, rows: Sequence[Contribution]) -> str:
        names = self.made.solution.names
        made = []
        for row in rows:
            start, end = (self.notation.name(names[k]) for k in (row.node, row.operand))
            which = f" ({row.which})" if row.which else ""
            whole = self.math(row.symbol)
            made.append(
                (
                    rf"${start} \to {end}${which}",
                    self.math(row.symbols),
                    self.math(row.in_numbers),
                    self.math(row.value),
                    whole if row.alone else f"a part of {whole}",
                )
            )
        return _table(("edge", "upstream × local", "in numbers", "contribution", "it is"), made)

    def witnesses(self, found: Evidence) -> str:
        rows = [
            (self.name(row.name), *map(self.slope, row.cells), _MARKS[row.agrees])
            for row in found.rows
        ]
        return _table(("input", *found.modes, "agree"), rows)


MARKDOWN_PAGE: type[Page] = _Markdown


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; columns of nothing are left out."""
    made = list(rows)
    kept = [k for k in range(len(titles)) if any(row[k] for row in made)]
    head = [[titles[k] for k in kept], ["---"] * len(kept)]
    body = [[row[k] for k in kept] for row in made]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [*head, *body])
