"""A derivation as a source file: what all targets have in common.

A file reads like a worked solution: the program, the helpers it needs, the forward pass, the
backward pass with the product of the chain rule beside each line, and a check by numbers.
"""

import textwrap
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate

from backprop_cli.calculus.derivation import Line
from backprop_cli.calculus.value_lines import HELP, SEED, TEST
from backprop_cli.readings.library import helpers
from backprop_cli.readings.source import Coder
from backprop_cli.readings.target import Language
from backprop_cli.studies.export import Export, Exported

WIDTH = 100
"""The longest line, where a line can be folded."""

_LONGEST_BESIDE = 56
AGREED = "The value and the gradient are those of backprop."
"""What a file prints when it has found all numbers as they should be."""

_SUFFIX = "_and_gradient"


def head(export: Export, sign: str, check: str, *more: str) -> list[str]:
    """Return the comment that says what the file is; `check` says how it is checked."""
    return [text for line in _about(export, check, *more) for text in wrapped(line, sign)]


def _about(export: Export, check: str, *more: str) -> Iterator[str]:
    names = [made.name for made in export.functions]
    yield from export.program
    yield ""
    what = (
        f"{names[0]} and its gradient" if len(names) == 1 else f"{', '.join(names)} and gradients"
    )
    yield f"{what} by reverse mode (backpropagation), written by backprop."
    count = len(export.functions[0].checks)
    where = f"{count} points of its own choice" if export.chosen else "the point asked for"
    yield f"{check} to compare its numbers with those of backprop grad at {where}."
    yield from more
    renamed = dict(pair for made in export.functions for pair in made.derivation.renamed)
    for shown, code in renamed.items():
        yield f"Here {shown} is called {code}."


def definitions(export: Export, *more: str) -> list[str]:
    """Return the helpers and the functions of rows that the code calls, each once.

    `more` are calls besides those of the derivations.
    """
    calls = frozenset(more).union(*(made.derivation.calls for made in export.functions))
    rows = dict.fromkeys(text for made in export.functions for text in made.derivation.functions)
    return [*helpers(export.language, calls), *rows]


def names_of(export: Export) -> list[str]:
    """Return the name of the function of each output."""
    made: dict[str, None] = {}
    for exported in export.functions:
        code = exported.derivation.result.code
        stem = name = f"{code if code.isidentifier() else 'value'}{_SUFFIX}"
        while name in made:
            name = f"{stem}_{len(made) + 1}"
        made[name] = None
    return list(made)


def functions(
    export: Export, written: Callable[[str, Exported, Export], Iterator[str]]
) -> list[str]:
    """Return the function of each output; `written` yields the lines of one, given its name."""
    pairs = zip(names_of(export), export.functions, strict=True)
    return ["\n".join(written(name, exported, export)) for name, exported in pairs]


def checks(
    export: Export, call: str, end: str, found: Callable[[Exported], list[str]]
) -> Iterator[str]:
    """Yield the lines that check every function; `call` takes its name and its arguments.

    `found` says what the value and each slope are called then; `end` is the end of a statement.
    """
    indent = call[: len(call) - len(call.lstrip())]
    for name, exported in zip(names_of(export), export.functions, strict=True):
        for check in exported.checks:
            yield ""
            arguments = ", ".join(number(export.language, x) for x in check.point)
            yield from folded(call.format(name, arguments) + end)
            for text, each in zip(found(exported), (check.value, *check.gradient), strict=True):
                right = (number(export.language, x) for x in (each.value, each.allowed))
                yield f'{indent}wrong += differs("{each.name}", {text}, {", ".join(right)}){end}'


def number(language: Language, value: float) -> str:
    """Return a number as the language writes it."""
    return Coder(language).number(value).piece.text


def body(exported: Exported, language: Language, indent: str) -> Iterator[str]:
    """Yield the lines of the forward and the backward pass, with their comments."""
    made = exported.derivation
    sign = language.comment
    if made.values:
        yield f"{indent}{sign}Forward: the value of each node."
        for line in made.values:
            yield from folded(indent + line.code)
        yield ""
    if made.adjoints:
        yield f"{indent}{sign}Backward: upstream * local slope, added up where paths meet."
        if any(line.kind == TEST for line in made.adjoints):
            yield f"{indent}{sign}Nothing flows to what does not reach {exported.name}."
        if "==" in made.adjoints[0].code:
            yield f"{indent}{sign}Where {exported.name} is undefined (NaN) its slopes are too."
        yield from _commented(made.adjoints, exported.name, sign, indent)
        yield ""


def _commented(lines: Sequence[Line], output: str, sign: str, indent: str) -> Iterator[str]:
    """Yield lines with their comments beside them, or above where the line is long."""
    remarks = [sign + remark(line, output) for line in lines]
    room = WIDTH - len(indent) - 2 - max(map(len, remarks))
    lengths = (len(line.code) for line in lines)
    column = max((length for length in lengths if length <= min(room, _LONGEST_BESIDE)), default=0)
    for line, text in zip(lines, remarks, strict=True):
        if len(line.code) <= column:
            yield f"{indent}{line.code:{column}}  {text}"
        else:
            yield indent + text
            yield from folded(indent + line.code)


def remark(line: Line, output: str) -> str:
    """Return what a line of the backward pass says: which product of the chain rule it is."""
    f = output
    if line.kind == SEED:
        return f"d{f}/d{f} = 1"
    if line.kind == TEST and not line.operand:
        return f"does anything flow to {line.node}?"
    if line.kind == TEST:
        return f"does {line.operand} reach {line.node}?"
    if line.kind == HELP and not line.operand:
        return f"how many operands tie for {line.node}"
    if line.kind == HELP:
        return f"d{line.node}/d{line.operand}"
    sum_or_first = "+=" if line.adds else "="
    return f"d{f}/d{line.operand} {sum_or_first} d{f}/d{line.node} * d{line.node}/d{line.operand}"


def folded(line: str) -> Iterator[str]:
    """Yield a line of code folded after commas inside brackets, where every target allows it."""
    indent = line[: len(line) - len(line.lstrip())]
    depth = 0
    while len(line) > WIDTH:
        depths = list(
            accumulate(((sign in "([{") - (sign in ")]}") for sign in line), initial=depth)
        )
        commas = [k + 1 for k, sign in enumerate(line) if sign == "," and depths[k] > 0]
        place = max((k for k in commas if k <= WIDTH), default=min(commas, default=0))
        if not line[place:].strip() or not place:
            break
        yield line[:place]
        depth = depths[place]
        line = f"{indent}    {line[place:].lstrip()}"
    yield line


def wrapped(text: str, sign: str) -> list[str]:
    """Return a comment as lines that begin with a sign."""
    made = textwrap.wrap(text, WIDTH, initial_indent=sign, subsequent_indent=sign)
    return made or [sign.rstrip()]
