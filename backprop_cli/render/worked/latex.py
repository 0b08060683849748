r"""A worked solution as LaTeX: a page to hand out, or a fragment for a page of one's own.

It needs amsmath and longtable, which every TeX has, and compiles with pdfLaTeX, XeLaTeX and
LuaLaTeX alike, since it is written in ASCII: letters that pdfLaTeX has no glyph for are set as
`readings/letters.py` says, and a comment at the top lists what stands for them. Long formulas are
broken by us, before an operator; a page may end after a row, but not within a short chain.
"""

from collections.abc import Iterable, Iterator, Sequence

from backprop_cli.readings.latex import LATEX
from backprop_cli.readings.letters import letter
from backprop_cli.render.errors import readable
from backprop_cli.render.worked.equations import lines
from backprop_cli.render.worked.evidence import Evidence
from backprop_cli.render.worked.pages import Page
from backprop_cli.render.worked.parts import Contribution, Equation, Forward, Slope

_WIDTH, _RULE = 74, 30
_SHORT_TABLE = 24
_TOGETHER = 6
"""So many lines of a chain stay together on a page."""

_SPECIALS = {
    "\n": " ",
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": "$<$",
    ">": "$>$",
    "|": "$|$",
    "-": "{-}",
    "'": "{'}",
    "`": "{`}",
    '"': r"\textquotedbl{}",
    "…": r"\dots{}",
    "“": "``",
    "”": "''",
    "∂": r"$\partial$",
    "·": r"$\cdot$",
    "×": r"$\times$",
    "→": r"$\to$",
    "±": r"$\pm$",
    "∞": r"$\infty$",
    "′": "$'$",
    "–": "--",
    "≤": r"$\le$",
    "≥": r"$\ge$",
}
_PREAMBLE = r"""\documentclass[11pt,a4paper,fleqn]{article}
\usepackage[margin=24mm]{geometry}
\usepackage{amsmath}
\usepackage{longtable}
\setlength{\parindent}{0pt}
\setlength{\parskip}{6pt}
\setlength{\jot}{6pt}
\begin{document}
"""
_MARKS = {True: "yes", False: "no", None: "--"}


def escaped(text: str) -> str:
    """Return text as LaTeX that shows exactly this text, as far as pdfLaTeX has its letters."""
    return "".join(_escaped(sign) for sign in readable(text))


def _escaped(sign: str) -> str:
    if sign in _SPECIALS:
        return _SPECIALS[sign]
    if sign.isascii():
        return sign
    return f"${letter(sign)}$"


class _Latex(Page):
    """A page of LaTeX; embedded, it is a fragment to \\input."""

    dialect = LATEX

    def document(self, title: str, blocks: Iterable[str]) -> str:
        """Return the page as a document, or the fragment of it that can be embedded."""
        # No empty line before a formula: the sentence it ends goes on.
        body = "\n\n".join(blocks).replace("\n\n\\begin{align", "\n\\begin{align")
        inner = f"\\begingroup\\allowdisplaybreaks\\sloppy\n{body}\n\n\\endgroup\n"
        legend = "".join(f"% {line}\n" for line in self.legend())
        if self.embed:
            return f"% needs \\usepackage{{amsmath,longtable}}\n{legend}{inner}"
        return f"{legend}{_PREAMBLE}\n\\section*{{{title}}}\n\n{inner}\n\\end{{document}}\n"

    def legend(self) -> Iterator[str]:
        """Yield what stands for names whose letters are not set as they are."""
        for name, tex in self.notation.names.items():
            if "U{+}" in tex:
                yield f"{tex} stands for {ascii(name)[1:-1]}"

    def text(self, text: str) -> str:
        return escaped(text)

    def heading(self, text: str) -> str:
        return rf"\subsection*{{{text}}}"

    def strong(self, text: str) -> str:
        return rf"\textbf{{{text}}}"

    def display(self, equations: Iterable[Equation]) -> str:
        return _aligned(line for e in equations for line in lines(self.notation, e, _WIDTH))

    def program(self) -> str:
        texts = "\\\\\n".join(escaped(statement.text) for statement in self.made.program)
        return f"\\begingroup\\raggedright\\ttfamily\n{texts}\\par\\endgroup"

    def forward(self, rows: Sequence[Forward]) -> str:
        written: list[str] = []
        for row in rows:
            *before, last = lines(self.notation, row.equation, _WIDTH)
            said = rf"\quad \text{{since {escaped(row.remark)}}}" if row.remark else ""
            written += [*before, last + said]
        return _aligned(written)

    def slopes(self, rows: Sequence[Slope]) -> str:
        made = [lines(self.notation, row.equation, _WIDTH - _RULE) for row in rows]
        # The rules stand in a column of their own, unless a formula needs its room.
        column = all(len(found) == 1 for found in made)
        if not column:
            made = [lines(self.notation, row.equation, _WIDTH) for row in rows]
        written: list[str] = []
        for row, (first, *rest) in zip(rows, made, strict=True):
            which = rf"\text{{ ({row.which})}}" if row.which else ""
            said = escaped(row.rule if row.flows else f"{row.rule}: nothing flows")
            rule = rf"&\qquad& \text{{{said}}}" if column else rf"\qquad \text{{({said})}}"
            lhs, _, tail = first.partition(" &= ")
            if not column and len(rest) == 0:
                rest, rule = [rf"&\qquad \text{{({said})}}"], ""
            written += [f"{lhs}{which} &= {tail} {rule}".rstrip(), *rest]
        return _aligned(written, "alignat*" if column else "align*")

    def contributions(self, rows: Sequence[Contribution]) -> str:
        names = self.made.solution.names
        written: list[str] = []
        for row in rows:
            equation = (row.symbol, row.symbols, row.in_numbers, row.value)
            made = lines(self.notation, equation, _WIDTH)
            if not row.alone:
                nth = rf"\text{{, {row.which}}}" if row.which else ""
                via = self.notation.name(names[row.node])
                lhs, _, tail = made[0].partition(" &= ")
                made[0] = rf"\left.{lhs}\right|_{{\text{{via }}{via}{nth}}} &= {tail}"
            written += made
        return _aligned(written)

    def witnesses(self, found: Evidence) -> str:
        titles = ["input", *found.modes, "agree"]
        widths = [
            max(len(cell) for cell in column) for column in zip(*self._raw(found), strict=True)
        ]
        if sum(widths) + 3 * len(widths) > _WIDTH + 6:
            return self._narrow(found)
        rows = [
            [self.name(row.name), *map(self.slope, row.cells), _MARKS[row.agrees]]
            for row in found.rows
        ]
        return _table("l" * len(titles), titles, rows)

    def _raw(self, found: Evidence) -> Iterator[tuple[str, ...]]:
        yield ("input", *found.modes, "agree")
        for row in found.rows:
            yield (row.name, *row.cells, "")

    def _narrow(self, found: Evidence) -> str:
        """Return the table with a line for each mode, where a column for each is too wide."""
        rows = []
        for row in found.rows:
            for place, (mode, cell) in enumerate(zip(found.modes, row.cells, strict=True)):
                first = self.name(row.name) if place == 0 else ""
                last = _MARKS[row.agrees] if place == 0 else ""
                rows.append([first, mode, self.slope(cell), last])
        return _table(r"llp{100mm}l", ["input", "mode", "slope", "agree"], rows)


LATEX_PAGE: type[Page] = _Latex


def _aligned(written: Iterable[str], environment: str = "align*") -> str:
    """Return lines under one another; a line that goes on with a chain stays on its page."""
    rows, together = "", 0
    for line in written:
        together = together + 1 if line.startswith("&") else 0
        if rows:
            rows += " \\\\*\n" if 0 < together < _TOGETHER else " \\\\\n"
        rows += line
    pairs = "{2}" if environment == "alignat*" else ""
    return f"\\begin{{{environment}}}{pairs}\n{rows}\n\\end{{{environment}}}"


def _table(columns: str, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table: on one page if it is short, since a longtable needs TeX to run twice."""
    head = " & ".join(rf"\textit{{{title}}}" for title in titles)
    body = "".join(f"{' & '.join(row)} \\\\\n" for row in rows)
    if len(rows) <= _SHORT_TABLE:
        return f"\\begin{{tabular}}{{{columns}}}\n{head} \\\\ \\hline\n{body}\\end{{tabular}}"
    return (
        f"\\begin{{longtable}}{{{columns}}}\n{head} \\\\ \\hline \\endhead\n"
        f"{body}\\end{{longtable}}"
    )
