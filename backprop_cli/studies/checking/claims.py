"""Claims about a gradient, as people write them: `b = b + c`, `g.b = 2`, `∂f/∂b = b + c`.

A claim says what d output / d name is, for an input or a named intermediate, as a formula over
the program's names or as a number. It keeps where its formula stands in what the user wrote, so
that an error points into the claim and not into the program.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, NoReturn

from backprop_cli.errors import BackpropError, BindingProblem, Span
from backprop_cli.graph import Graph
from backprop_cli.language.continuation import FormulaProblem, continued
from backprop_cli.language.hints import nearest
from backprop_cli.language.names import PRIME
from backprop_cli.language.tokens import is_name, normalized, number_at
from backprop_cli.studies.gradient import nodes_named
from backprop_cli.studies.point import item_ends

FEWEST_ROUNDED = 3
"""A decimal number of at least so many digits is taken to be rounded to its last one."""

_DERIVATIVE = re.compile(r"∂\s*(.+?)\s*/\s*∂\s*(.+)")
_HINT = "write claims as b=b+c"


class Claim(NamedTuple):
    """What somebody says d output / d name is; `output` is empty where it goes without saying.

    `start` is where the formula stands in `source`, the text it was given in; `origin` says whose
    text that is: an option's or a file's name. Decimal numbers are taken to be rounded unless the
    claim is `exact`.
    """

    output: str
    name: str
    formula: str
    source: str
    start: int
    origin: str
    exact: bool = False

    @property
    def is_number(self) -> bool:
        """Whether a plain number is claimed."""
        return number_at(self.formula.strip())

    @property
    def rounding(self) -> float:
        """Half a unit of the last digit of a decimal number, as in 0.1966; 0 for what is exact."""
        text = self.formula.strip().lower()
        mantissa, _, exponent = text.lstrip("-").partition("e")
        whole, point, decimals = mantissa.partition(".")
        digits = (whole + decimals).lstrip("0")
        if self.exact or not self.is_number or not point or len(digits) < FEWEST_ROUNDED:
            return 0.0
        return 0.5 * 10.0 ** (int(exponent or "0") - len(decimals))


class Question(NamedTuple):
    """A claim with its nodes in the graph of program and claims."""

    claim: Claim
    output: int
    target: int
    node: int


class Questions(NamedTuple):
    """A program and what is claimed of it: `graph` holds both, `program` is its first part."""

    program: Graph
    graph: Graph
    asked: tuple[Question, ...]
    labels: Mapping[int, str]

    def exact(self) -> "Questions":
        """Return the same, numbers being taken as exact whatever their digits."""
        asked = tuple(q._replace(claim=q.claim._replace(exact=True)) for q in self.asked)
        return self._replace(asked=asked)

    def name_of(self, question: Question) -> str:
        """Return how people write the derivative that is claimed: `∂f/∂b`."""
        return f"∂{self.labels[question.output]}/∂{question.claim.name}"


def read_claims(texts: Iterable[str]) -> list[Claim]:
    """Read claims such as `b=b+c,a=2`; commas inside parentheses belong to the formula."""
    claims: list[Claim] = []
    for text in texts:
        start = 0
        for end in item_ends(text):
            claims.append(_read_claim(text, start, end, "--claim"))
            start = end + 1
    return claims


def read_lines(text: str, origin: str) -> list[Claim]:
    """Read a file of claims: one a line, `#` begins a comment."""
    claims = []
    start = 0
    for line in text.splitlines(keepends=True):
        end = start + len(line.partition("#")[0].rstrip())
        if text[start:end].strip("\ufeff \t"):
            claims.append(_read_claim(text, start, end, origin))
        start += len(line)
    if not claims:
        raise BindingProblem(f"{origin} holds no claims", None, "write a claim a line: b = b + c")
    return claims


def _read_claim(text: str, start: int, end: int, origin: str) -> Claim:
    left, equals, right = text[start:end].partition("=")
    span = Span(start, max(end, start + 1))
    if not text[start:end].strip():
        _refuse("an empty claim", text, span, origin)
    if not equals or not right.strip():
        name = left.strip("\ufeff \t")[:40]
        _refuse(f"nothing is claimed of {name}", text, span, origin)
    output, name = claimed_of(left)
    if not _may_be_named(name) or (output and not _may_be_named(output)):
        what = f"{left.strip()[:40]!r} is no name" if left.strip() else "a claim without a name"
        _refuse(what, text, Span(start, start + max(len(left), 1)), origin)
    return Claim(normalized(output), normalized(name), right, text, end - len(right), origin)


def _may_be_named(text: str) -> bool:
    """Return whether a program may have this name, as `nodes_named` takes it: `c′2` too."""
    return is_name(text.replace("'", PRIME).replace(PRIME, "_"))


def claimed_of(left: str) -> tuple[str, str]:
    """Return the output and the name in `b`, `g.b` or `∂g/∂b`; the output may be empty."""
    left = left.strip("\ufeff \t")
    match = _DERIVATIVE.fullmatch(left)
    if match:
        return match[1], match[2]
    output, point, name = left.rpartition(".")
    return (output.strip(), name.strip()) if point else ("", left)


def _refuse(message: str, text: str, span: Span, origin: str) -> NoReturn:
    error = BindingProblem(message, span, _HINT, text)
    error.origin = origin
    raise error


def ask(
    program: Graph, claims: Sequence[Claim], outputs: Iterable[str], bound: Collection[str]
) -> Questions:
    """Join claims to their program. Raises an error that points into the claim it is about.

    `outputs` are the names of `--of`; a claim of one of several must say of which.
    """
    chosen = nodes_named(program, outputs, "--of")
    if chosen:
        program = program.with_outputs(chosen.values())
    known = {name: node for name, node in _outputs(program).items() if not chosen} | chosen
    _check_repeats(claims)
    targets = [_targets(program, claim, known) for claim in claims]
    try:
        joined = continued(program, [claim.formula for claim in claims], bound)
    except FormulaProblem as problem:
        raise _placed(problem.error, claims[problem.place]) from None
    asked = tuple(
        Question(claim, *pair, node)
        for claim, pair, node in zip(claims, targets, joined.nodes, strict=True)
    )
    return Questions(program, joined.graph, asked, {node: name for name, node in known.items()})


def _outputs(program: Graph) -> dict[str, int]:
    """Return the program's own output by the name under which people meet it."""
    output = program.outputs[0]
    names = [name for name, node in program.inputs.items() if node == output]
    return {program.labels.get(output, names[0] if names else "f"): output}


def _targets(program: Graph, claim: Claim, outputs: Mapping[str, int]) -> tuple[int, int]:
    """Return the nodes that a claim is about: its output, and what it is differentiated by."""
    if not claim.output and len(outputs) > 1:
        error = BindingProblem(f"claim {claim.name}: of which output?")
        error.hint = f"write {next(iter(outputs))}.{claim.name}=..."
        raise _placed(error, claim)
    name = claim.output or next(iter(outputs))
    if name not in outputs:
        near = nearest(name, list(outputs)) or ", ".join(list(outputs)[:10])
        error = BindingProblem(f"{name[:40]} is no output asked for", None, f"there is {near}")
        raise _placed(error, claim)
    try:
        (node,) = nodes_named(program, [claim.name], "the claim").values()
    except BackpropError as error:
        error.message = error.message.removeprefix("the claim: ")
        raise _placed(error, claim) from None
    return outputs[name], node


def _placed(error: BackpropError, claim: Claim) -> BackpropError:
    """Return an error about a claim with its place in the text that the user wrote."""
    span = error.span
    if span is None:
        # It is about the name, which stands before the formula.
        begin = max(claim.source.rfind(sign, 0, claim.start - 1) + 1 for sign in "\n,")
        span = Span(begin, max(claim.start - 1, begin + 1))
    else:
        span = Span(span.start + claim.start, span.end + claim.start)
    error.span, error.source, error.origin = span, claim.source, claim.origin
    return error


def _check_repeats(claims: Sequence[Claim]) -> None:
    seen: set[tuple[str, str]] = set()
    for claim in claims:
        key = (claim.output, claim.name)
        if key in seen:
            raise _placed(BindingProblem(f"{claim.name} is claimed more than once"), claim)
        seen.add(key)
