"""Where: the bindings of `--at`, of a JSON file, of a line of `batch`.

A value is a finite constant expression of the language (`5`, `-1/3`, `pi/2`, `max(1, 2)`), kept
as text until an arithmetic makes its number of it, so that `--precision` sees exact decimals.
Every name that is missing, unknown or given twice is reported at once; nothing has a default.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, NoReturn

from backprop_cli.calculus.values import forward_values
from backprop_cli.errors import BackpropError, BindingProblem, MissingInput, Span, UnknownInput
from backprop_cli.graph import Graph
from backprop_cli.language.hints import nearest
from backprop_cli.language.parser import parse
from backprop_cli.language.tokens import is_name, normalized, number_at
from backprop_cli.readings.floats import FLOATS
from backprop_cli.readings.formulas import Arithmetic
from backprop_cli.studies.files import NumberText


class Binding(NamedTuple):
    """A name, the text of its value, what the user wrote, and where that text begins in it."""

    name: str
    value: str
    source: str
    start: int = 0

    @property
    def span(self) -> Span:
        """Where the value stands in the source."""
        return Span(self.start, self.start + max(len(self.value), 1))


def read_bindings(texts: Iterable[str]) -> list[Binding]:
    """Read bindings such as `a=5,b=-3`; commas inside parentheses belong to the value."""
    bindings: list[Binding] = []
    for text in texts:
        start = 0
        if text.strip():
            for end in item_ends(text):
                bindings.append(_read_item(text, start, end))
                start = end + 1
    _refuse_repeats(bindings)
    return bindings


def item_ends(text: str, between: str = ",") -> list[int]:
    """Return where each item of a list ends: at a sign of `between` outside parentheses."""
    depth, ends = 0, []
    for position, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if character in between and depth <= 0:
            ends.append(position)
    return [*ends, len(text)]


def _read_item(text: str, start: int, end: int) -> Binding:
    left, equals, right = text[start:end].partition("=")
    span = Span(start, max(end, start + 1))
    name = left.strip()
    hint = "write bindings as a=5,b=-3"
    if not text[start:end].strip():
        _refuse("an empty binding", text, span, hint)
    if not equals and is_name(name):
        _refuse(f"{name} has no value", text, span, f"write {name}=1")
    if not equals:
        _refuse(f"'{name[:40]}' is no binding", text, span, hint)
    if not is_name(name):
        what = f"'{name[:40]}' is not a name" if name else "a binding without a name"
        _refuse(what, text, Span(start, max(start + len(left), start + 1)), hint)
    if not right.strip():
        _refuse(f"{name} has no value", text, span, f"write {name}=1")
    return Binding(normalized(name), right, text, end - len(right))


def read_mapping(values: Any, origin: str) -> list[Binding]:
    """Read bindings from a JSON object whose values are number literals or expressions.

    Numbers must have been kept as text by the JSON reader (`studies/files.py`).
    """
    if not isinstance(values, Mapping):
        raise BindingProblem(f"{origin} must be an object of names and values")
    bindings = []
    for name, value in values.items():
        if not is_name(name):
            raise BindingProblem(f"{origin}: {name[:40]!r} is not a name")
        if not isinstance(value, str):
            raise BindingProblem(f"{origin}: the value of {name} must be a number or a string")
        bindings.append(Binding(normalized(name), value, value))
    _refuse_repeats(bindings)
    return bindings


def _refuse(message: str, text: str, span: Span, hint: str = "") -> NoReturn:
    error = BindingProblem(message, span, hint, text)
    error.origin = "--at"
    raise error


def _refuse_repeats(bindings: list[Binding]) -> None:
    if len({binding.name for binding in bindings}) == len(bindings):
        return
    seen: dict[str, Binding] = {}
    repeated = [b for b in bindings if seen.setdefault(b.name, b) is not b]
    names = ", ".join(dict.fromkeys(binding.name for binding in repeated))
    _refuse(f"{names} given more than once", repeated[0].source, repeated[0].span)


def evaluated(bindings: Iterable[Binding], arithmetic: Arithmetic = FLOATS) -> dict[str, Any]:
    """Return the point: each name with the number of its value. Raises `BindingProblem`."""
    return {binding.name: _number(binding, arithmetic) for binding in bindings}


def _number(binding: Binding, arithmetic: Arithmetic) -> Any:
    text = binding.value
    # A plain number, the usual case, takes no parsing; JSON's all are.
    plain = isinstance(text, NumberText) or number_at(text)
    value = arithmetic.number(text) if plain else _evaluated(binding, arithmetic)
    if not arithmetic.is_finite(value):
        _refuse(f"the value of {binding.name} is not finite", binding.source, binding.span)
    return value


def _evaluated(binding: Binding, arithmetic: Arithmetic) -> Any:
    """Return the value of a constant expression: one, for of `x=2;y=3` only the 3 would count."""
    text = binding.value
    blank = len(text) - len(text.lstrip())
    first, *more = item_ends(text.strip(), ";\n")
    if more:
        start = binding.start + blank + first
        hint = "a comma ends a binding, as in a=5,b=-3"
        message = f"{binding.name}: a value is one expression"
        _refuse(message, binding.source, Span(start, start + 1), hint)
    try:
        graph = parse(text)
        if graph.inputs:
            name, node = next(iter(graph.inputs.items()))
            hint = "values are finite numbers, or expressions of numbers such as pi/2"
            raise BindingProblem(f"{name} is not a number", graph.span_of(node), hint)
    except BackpropError as error:
        span = error.span or Span(0, 0)
        shifted = Span(binding.start + span.start, binding.start + span.end)
        _refuse(f"{binding.name}: {error.message}", binding.source, shifted, error.hint)
    return forward_values(graph, {}, arithmetic)[graph.outputs[0]]


def read_number(text: str, option: str) -> float:
    """Return the number an option was given: a finite constant expression, such as 1e-3 or 1/3."""
    try:
        return float(_number(Binding(option, text, text), FLOATS))
    except BackpropError as error:
        error.origin = option
        raise


def read_bounds(texts: Iterable[str], point: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    """Read bounds such as `x=0:1,y=-pi:`; a missing side is infinite.

    Raises `BindingProblem` unless each is of a name of `point`, holds its value, and is in order.
    """
    try:
        return {bound.name: _bounds(bound, point) for bound in read_bindings(texts)}
    except BackpropError as error:
        error.origin = "--bounds"
        raise


def _bounds(bound: Binding, point: Mapping[str, float]) -> tuple[float, float]:
    low, colon, high = bound.value.partition(":")
    if not colon or not (low.strip() or high.strip()):
        _refuse(f"{bound.name} needs two bounds", bound.source, bound.span, "write x=0:1 or x=0:")
    limits = []
    for text, missing in ((low, -math.inf), (high, math.inf)):
        start = bound.start + (0 if text is low else len(low) + 1)
        part = bound._replace(value=text, start=start)
        limits.append(float(_number(part, FLOATS)) if text.strip() else missing)
    if bound.name not in point:
        hint = f"the inputs that move are {', '.join(list(point)[:10])}"
        _refuse(f"{bound.name} is no input that moves", bound.source, bound.span, hint)
    if not limits[0] <= point[bound.name] <= limits[1]:
        what = f"{bound.name} starts at {point[bound.name]:.10g}, outside its bounds"
        if limits[0] > limits[1]:
            what = f"the bounds of {bound.name} are in the wrong order"
        _refuse(what, bound.source, bound.span)
    return limits[0], limits[1]


def check_names(graph: Graph, bound: Iterable[str], how: str = "bind with --at {bindings}") -> None:
    """Raise unless `bound` names every input of the program and nothing else.

    `how` is the hint for what is missing, which stands in it as `{names}` or as `{bindings}`.
    """
    given = dict.fromkeys(bound)
    if given.keys() == graph.inputs.keys():
        return
    missing = [name for name in graph.inputs if name not in given]
    unknown = [str(name) for name in given if name not in graph.inputs]
    parts, hints = [], []
    if missing:
        parts.append(f"no value for {_listed(missing)}")
    if unknown:
        parts.append(f"{_listed(unknown)} {_does(unknown)} not occur in the expression")
    for name in unknown[:10]:
        near = nearest(name, missing or list(graph.inputs))
        if near:
            hints.append(f"{name}: did you mean {near}?")
    hints += [hint for name in missing[:5] if (hint := _product(name, unknown))]
    if missing and not hints:
        few = missing[:5]
        bindings = ",".join(f"{name}=1" for name in few)
        hints.append(how.format(names=", ".join(few), bindings=bindings))
    span = graph.span_of(graph.inputs[missing[0]]) if missing else None
    kind = MissingInput if missing else UnknownInput
    raise kind("; ".join(parts), span, " ".join(hints[:5]), graph.source if span else "")


def _product(name: str, unknown: list[str]) -> str:
    """Return the hint for a name such as xy, where x and y are what was bound."""
    import re  # here: only errors need it

    # Longer names first. What a name has taken it keeps (++), or this would try all ways to cut.
    parts = "|".join(map(re.escape, sorted(unknown[:50], key=len, reverse=True)))
    if not unknown or not re.fullmatch(f"(?:{parts})++", name):
        return ""
    return f"write {'*'.join(re.findall(parts, name))} for a product"


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:10])
    return shown if len(names) <= 10 else f"{shown} and {len(names) - 10:,} more"


def _does(names: list[str]) -> str:
    return "does" if len(names) == 1 else "do"
