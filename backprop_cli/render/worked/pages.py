"""The page of a worked solution: its sections and its words, for every way of laying them out.

A `Page` says what stands where. Its subclasses, Markdown and LaTeX, say what a heading, a
paragraph, a table or a formula looks like there, and how the rows of the steps are arranged.
"""

from collections.abc import Iterable, Iterator, Sequence

from backprop_cli.readings.expressions import Expression, number
from backprop_cli.readings.latex import Dialect, Notation
from backprop_cli.render.echo import enumeration, few
from backprop_cli.render.gradients import ONE_SIDED
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

_WIDEST = 24
"""Numbers of more digits are set on lines of their own."""


class Page:
    """The blocks of a page, top to bottom; `embed` leaves out what only a whole document has.

    `names` are the names that its formulas contain.
    """

    dialect: Dialect
    made: Worked
    rows: int

    def __init__(self, names: Iterable[str], embed: bool) -> None:
        self.embed = embed
        self.notation = Notation(names, self.dialect)

    # -------------------------------------------------------------- how things look

    def document(self, title: str, blocks: Iterable[str]) -> str:
        """Return the whole page, or the fragment of it that can be embedded."""
        raise NotImplementedError

    def text(self, text: str) -> str:
        """Return words, whatever they contain, as they are to be read."""
        raise NotImplementedError

    def heading(self, text: str) -> str:
        """Return a heading; `text` is laid out already."""
        raise NotImplementedError

    def strong(self, text: str) -> str:
        """Return words that must not be missed."""
        raise NotImplementedError

    def display(self, equations: Iterable[Equation]) -> str:
        """Return equations under one another, aligned at their signs of equality."""
        raise NotImplementedError

    def program(self) -> str:
        """Return the program as text, where it is too long for formulas."""
        raise NotImplementedError

    def forward(self, rows: Sequence[Forward]) -> str:
        """Return the rows of the forward pass."""
        raise NotImplementedError

    def slopes(self, rows: Sequence[Slope]) -> str:
        """Return the local derivatives with their rules."""
        raise NotImplementedError

    def contributions(self, rows: Sequence[Contribution]) -> str:
        """Return the rows of the backward pass."""
        raise NotImplementedError

    def witnesses(self, found: Evidence) -> str:
        """Return the table of what each mode says."""
        raise NotImplementedError

    def picture(self) -> Iterator[str]:
        """Yield the picture of the graph, where the page can have one."""
        yield from ()

    def math(self, *equation: Expression) -> str:
        """Return a chain of equalities within a line."""
        return f"${' = '.join(self.notation.text(part) for part in equation)}$"

    def slope(self, text: str) -> str:
        """Return what a witness says: a number, `value ± error`, or the mark of a note."""
        value, between, error = text.strip().partition(" ± ")
        if not NUMBER.fullmatch(value):
            return value.replace("[", "(").replace("]", ")")
        made = self.notation.text(number(value))
        return rf"${made} \pm {self.notation.text(number(error))}$" if between else f"${made}$"

    def name(self, text: str) -> str:
        """Return a name within a line."""
        return f"${self.notation.name(text)}$"

    # -------------------------------------------------------------- what stands where

    def blocks(self, made: Worked, rows: int) -> Iterator[str]:
        """Yield the blocks of a worked solution."""
        self.made, self.rows = made, rows
        yield from self._question()
        if made.forward:
            yield self.heading("Forward pass")
            yield "Each node computes its value from the values before it."
            yield self.forward(made.forward)
        if made.stopped is not None:
            yield f"{self.strong('It stops here:')} {self.text(made.stopped.message)}."
        if made.slopes:
            yield self.heading("Local derivatives")
            yield "Each node knows only its own operation: how its value moves with each operand."
            yield self.slopes(made.slopes)
            if any(slope.marked for slope in made.slopes):
                yield self.text(LOCAL_MEANS)
            yield from self._computed(made.slopes)
        yield from map(self.text, made.left_out)
        for output in made.outputs:
            yield from self._steps(output)
            yield from self._result(output)

    def _question(self) -> Iterator[str]:
        made = self.made
        equations = [statement.equation for statement in made.program]
        known = [equation for equation in equations if equation is not None]
        yield self.display(known) if len(known) == len(equations) else self.program()
        wide = any(self.notation.set(part).width > _WIDEST for e in made.point for part in e)
        if wide:
            yield "At"
            yield self.display(made.point)
        point = [] if wide else [self.math(*equation) for equation in made.point]
        names = [self.name(name) for name in made.solution.wrt]
        outputs = " and ".join(self.name(output.answer.name) for output in made.outputs)
        at = f"At {', '.join(point)}. " if point else ""
        if names:
            wanted = enumeration(names, 2 * few(self.rows))
            yield f"{at}Wanted: the gradient of {outputs} with respect to {wanted}."
        yield from self.picture()

    def _computed(self, slopes: Sequence[Slope]) -> Iterator[str]:
        other = [(s.symbol, s.computed) for s in slopes if s.computed is not None and s.flows]
        if other:
            yield "These are computed in another form of the same function, which keeps its digits:"
            yield self.display(other)

    def _steps(self, output: Backward) -> Iterator[str]:
        several = len(self.made.outputs) > 1
        source = f" from {self.name(output.answer.name)}" if several else ""
        if output.contributions:
            yield self.heading(f"Backward pass{source}")
            yield (
                "From the output back, each node hands upstream × local to each of its operands, "
                f"beginning with {self.math(*output.seed)}."
            ).replace("×", "$\\times$")
            yield self.contributions(output.contributions)
        if output.branches:
            yield self.heading("Gradients add at branches")
            yield (
                "A small step of a value that is used more than once moves the output along every "
                "path at once, so the contributions add."
            )
            yield self.display(branch.equation for branch in output.branches)
        yield from map(self.text, output.left_out)

    def _result(self, output: Backward) -> Iterator[str]:
        answer = output.answer
        of = f" for {self.name(answer.name)}" if len(self.made.outputs) > 1 else ""
        side = self.made.solution.kink
        one_sided = side in ("left", "right")
        yield self.heading(f"Result{of}{f' from the {side}' if one_sided else ''}")
        if answer.failure is not None and answer.failure != self.made.stopped:
            lead = self.strong("There is no answer at this point:")
            yield f"{lead} {self.text(answer.failure.message)}."
        known = "As far as it goes" if answer.failure else "What the steps come to"
        yield f"{known}:"
        yield self.display([output.output, *output.result])
        if not output.result:
            yield "There are no inputs to differentiate by."
        if one_sided and answer.remarks:
            yield ONE_SIDED
        for remark in answer.remarks:
            yield f"{self.strong('Note:')} {self.text(remark.message)}."
        found = evidence(self.made.solution, output, few(self.rows))
        if self.made.solution.wrt and (found.rows or found.sentences):
            yield from self._check(found, of)

    def _check(self, found: Evidence, of: str) -> Iterator[str]:
        yield self.heading(f"Check{of}")
        if found.rows:
            yield self.witnesses(found)
        for place, note in enumerate(found.notes, 1):
            yield f"({place}) {self.text(note)}."
        if found.formulas:
            yield "In symbols, by SymPy:"
            yield self.display(found.formulas)
        yield from map(self.text, found.sentences)
