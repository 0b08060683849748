"""Gradient tests: a TOML file of expressions and what is claimed of them, run like a test suite.

    tolerance = 1e-9                          # for every case, unless it has its own

    [[case]]
    name = "gradients add at branches"
    expression = "(a+b)*(b+c)"
    claims = {a = "b+c", b = "a+2b+c", c = "a+b"}
    ranges = {a = "0.1:10"}                   # or at = {a = 2, b = -3, c = 4}

Claims and values may be numbers or formulas. A key nobody knows is refused, and errors point into
the file, although Python's TOML reader does not say where a value stood: it is looked for again.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from backprop_cli.errors import BackpropError, FileProblem, Span
from backprop_cli.language.parser import parse
from backprop_cli.language.tokens import is_name
from backprop_cli.studies.checking.check import Setting
from backprop_cli.studies.checking.claims import Claim, ask, claimed_of
from backprop_cli.studies.checking.suites import Case
from backprop_cli.studies.checking.toml_text import TomlText
from backprop_cli.studies.point import Binding, check_names, evaluated
from backprop_cli.studies.sampling import Range, check_ranges, read_ranges

_DEFAULTS = ("tolerance", "points", "seed")
_CASE = ("name", "expression", "of", "claims", "at", "ranges", *_DEFAULTS)
_MOST_POINTS = 1_000_000


def read_cases(text: str, origin: str) -> list[Case]:
    """Read a file of tests. Raises an error that points to its line."""
    return list(_Reader(text, origin).cases())


class _Reader:
    """A file of tests."""

    def __init__(self, text: str, origin: str) -> None:
        self.toml = TomlText(text, origin)

    def cases(self) -> Iterator[Case]:
        """Yield the tests in the order of the file."""
        self.toml.check_keys(self.toml.values, ("case", *_DEFAULTS), Span(0, len(self.toml.text)))
        tables = self.toml.values.get("case")
        if not isinstance(tables, list) or not tables:
            self.toml.refuse(
                "there is no case in this file", None, "write [[case]] before each test"
            )
        defaults = {key: self.toml.values[key] for key in _DEFAULTS if key in self.toml.values}
        parts = self.toml.parts("case", len(tables))
        for number, (table, part) in enumerate(zip(tables, parts, strict=True), 1):
            yield self._case(number, {**defaults, **table}, part)

    def _case(self, number: int, table: Mapping[str, Any], part: Span) -> Case:
        self.toml.check_keys(table, _CASE, part)
        name = table.get("name", f"case {number}")
        if not isinstance(name, str):
            self.toml.refuse("a name is a string", self.toml.key("name", part))
        expression = table.get("expression")
        if not isinstance(expression, str):
            self.toml.refuse(f"{name[:40]} has no expression", self.toml.head(part))
        fixed, ranges = self._at(table, part), self._ranges(table, part)
        bound = [*fixed, *ranges]
        try:
            program = parse(expression, bound)
        except BackpropError as error:
            raise self.toml.placed(error, "expression", expression, part) from None
        claims = self._claims(table, part)
        try:
            questions = ask(program, claims, self._outputs(table, part), bound)
            check_ranges(program, ranges, fixed)
            if fixed and not ranges:
                check_names(program, fixed, "add to at: {bindings}")
            self._check_fixed(program.inputs, fixed)
        except BackpropError as error:
            error.origin = error.origin or self.toml.origin
            if error.source != self.toml.text:
                error.source, error.span = self.toml.text, self.toml.head(part)
            raise
        return Case(name, questions, self._setting(table, fixed, ranges, part))

    def _check_fixed(self, inputs: Mapping[str, int], fixed: Mapping[str, float]) -> None:
        unknown = [name for name in fixed if name not in inputs]
        if unknown:
            raise FileProblem(f"at: {unknown[0]} does not occur in the expression")

    def _setting(
        self,
        table: Mapping[str, Any],
        fixed: Mapping[str, float],
        ranges: Mapping[str, Range],
        part: Span,
    ) -> Setting:
        made = Setting(fixed, ranges)
        for key in _DEFAULTS:
            if key not in table:
                continue
            value = table[key]
            whole = isinstance(value, int) and not isinstance(value, bool)
            real = whole or isinstance(value, float)
            right = {
                "tolerance": real and 0 <= value < 1,
                "points": whole and 1 <= value <= _MOST_POINTS,
                "seed": whole,
            }[key]
            if not right:
                kinds = {"tolerance": "a number from 0 to 1", "seed": "a whole number"}
                kind = kinds.get(key, f"a whole number from 1 to {_MOST_POINTS:,}")
                whole_file = Span(0, len(self.toml.text))
                own = self.toml.key(key, part)
                place = own if own != self.toml.head(part) else self.toml.key(key, whole_file)
                self.toml.refuse(f"{key} is {kind}", place)
            made = made._replace(**{key: value})
        return made

    def _at(self, table: Mapping[str, Any], part: Span) -> dict[str, float]:
        values, part = self._table(table, "at", part)
        made: dict[str, float] = {}
        for name, value in values.items():
            text = self.toml.formula(value, name, part)
            try:
                made |= evaluated([Binding(name, text, text)])
            except BackpropError as error:
                error.span = None
                raise self.toml.placed(error, name, text, part) from None
        return made

    def _ranges(self, table: Mapping[str, Any], part: Span) -> dict[str, Range]:
        values, part = self._table(table, "ranges", part)
        made: dict[str, Range] = {}
        for name, value in values.items():
            if isinstance(value, list) and len(value) == 2:
                value = ":".join(self.toml.formula(end, name, part) for end in value)
            text = self.toml.formula(value, name, part)
            try:
                made |= read_ranges([f"{name}={text}"])
            except BackpropError as error:
                error.span = None
                raise self.toml.placed(error, name, text, part) from None
        return made

    def _outputs(self, table: Mapping[str, Any], part: Span) -> list[str]:
        value = table.get("of", [])
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            self.toml.refuse("of is a name, or a list of names", self.toml.key("of", part))
        return names

    def _claims(self, table: Mapping[str, Any], part: Span) -> list[Claim]:
        values, inside = self._table(table, "claims", part)
        if not values:
            self.toml.refuse(
                "this case claims nothing", self.toml.head(part), "write claims = {x = '2*x'}"
            )
        claims = []
        for key, value in values.items():
            nested = value if isinstance(value, dict) else {None: value}  # g.b = ... is a table
            for inner, formula in nested.items():
                output, name = claimed_of(key) if inner is None else (key, inner)
                text = self.toml.formula(formula, name, inside)
                place = self.toml.value(name, text, inside)
                claims.append(
                    Claim(output, name, text, self.toml.text, place.start, self.toml.origin)
                )
        return claims

    def _table(self, table: Mapping[str, Any], key: str, part: Span) -> tuple[dict[str, Any], Span]:
        """Return a table of names, empty if it is not there, and the part of the text it is in."""
        values = table.get(key, {})
        if not isinstance(values, dict):
            self.toml.refuse(f"{key} is a table, such as {{a = 1}}", self.toml.key(key, part))
        for name in values:
            if not all(is_name(word) for word in claimed_of(name) if word):
                self.toml.refuse(f"{name[:40]!r} is not a name", self.toml.key(key, part))
        place = self.toml.key(key, part)
        begin = part.start if place == self.toml.head(part) else place.start
        return values, Span(begin, part.end)
