"""The ledger of paths, as a table and as JSON: every way from an input, and what it is worth.

The largest paths have a row each, the rest one row together, and the last row of an input is the
gradient they add up to. Long paths are shown by their ends.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from backprop_cli.render.console import Column, Screen, Words
from backprop_cli.render.echo import left_out
from backprop_cli.render.edges import symbol
from backprop_cli.render.errors import readable
from backprop_cli.render.json import by_output, number
from backprop_cli.render.numbers import aligned, human, short, tidied
from backprop_cli.render.steps import BLANK, title
from backprop_cli.studies.paths import Excerpt, Ledger, Ledgers, Path
from backprop_cli.studies.solution import Solution

MOST_NODES = 9
"""How many nodes of a path a table shows at most."""

_FEWER_DIGITS = 4
_FEW_SLOPES = 3
_LARGEST_COUNT = 10**15
_EXACT = 2**53


class _Form(NamedTuple):
    """How much of a path a table has room for."""

    nodes: int
    symbols: bool
    digits: int | None


_FORMS = (
    _Form(MOST_NODES, True, None),
    _Form(MOST_NODES, False, None),
    _Form(MOST_NODES, False, _FEWER_DIGITS),
    _Form(6, False, _FEWER_DIGITS),
    _Form(4, False, _FEWER_DIGITS),
)
_STACKED = _Form(6, False, _FEWER_DIGITS)


class _Line(NamedTuple):
    """A row of the table before it is laid out."""

    name: str
    path: str
    slopes: str
    product: str
    style: str = ""


def print_paths(solution: Solution, found: Ledgers, rows: int, screen: Screen) -> None:
    """Print the ledgers of one output; nothing where there are no inputs."""
    if not solution.wrt:
        return
    title(screen, f"Paths to {found.output}", "each is worth the product of its slopes")
    if found.reason:
        screen.line([(f"No ledger of paths: {readable(found.reason)}.", "bad")], 2)
        return
    shown = _within(found.ledgers, rows)
    for form in _FORMS:
        columns, cells = _side_by_side(_all_lines(solution, found, shown, form))
        if screen.fits(columns, cells):
            break
    else:
        columns, cells = _stacked(_all_lines(solution, found, shown, _STACKED))
    screen.table(columns, cells)
    if len(shown) < len(solution.wrt):
        total = len(solution.wrt)
        needed = sum(map(_height, found.ledgers)) * total // len(found.ledgers)
        screen.line([(left_out(total, len(shown), "inputs", needed), "dim")], 2)
    for note in _notes(solution, found, shown):
        screen.line([(note, "")])


def _within(ledgers: Iterable[Ledger], rows: int) -> list[Ledger]:
    """Return the first ledgers that take up so many rows together; one at least."""
    shown: list[Ledger] = []
    for ledger in ledgers:
        rows -= _height(ledger)
        if shown and rows < 0:
            break
        shown.append(ledger)
    return shown


def _height(ledger: Ledger) -> int:
    return max(len(ledger.largest), 1) + (ledger.paths > 1) + (ledger.more > 0)


def _all_lines(
    solution: Solution, found: Ledgers, shown: Iterable[Ledger], form: _Form
) -> list[_Line]:
    return [line for ledger in shown for line in _lines(solution, found, ledger, form)]


def _lines(solution: Solution, found: Ledgers, ledger: Ledger, form: _Form) -> Iterator[_Line]:
    """Yield the rows of one ledger: its paths, the rest, the sum."""
    arithmetic, name = solution.arithmetic, ledger.name
    if not ledger.paths:
        yield _Line(name, _no_path(found, ledger), "", human(ledger.total, arithmetic), "dim")
        return
    for path in ledger.largest:
        slopes = _slopes(solution, path, form)
        yield _Line(name, _nodes(solution, path, form), slopes, _product(solution, path))
        name = ""
    if ledger.more:
        text = f"and {quantity(ledger.more)} more path{'s' if ledger.more > 1 else ''}"
        yield _Line("", text, "sum", _sum(solution, ledger), "dim")
    if ledger.paths > 1:
        text = f"sum of {quantity(ledger.paths)} paths"
        sign = symbol(solution, found.node, ledger.node)
        yield _Line("", text, sign, human(ledger.total, arithmetic), "title")


def _no_path(found: Ledgers, ledger: Ledger) -> str:
    if ledger.silent:
        many = f"{quantity(ledger.silent)} paths carry" if ledger.silent > 1 else "1 path carries"
        return f"{many} nothing here"
    return f"no path: {found.output} does not use {ledger.name}"


def _nodes(solution: Solution, path: Path, form: _Form) -> str:
    if not path.length:
        return f"{solution.names[path.nodes.first[0]]} (the output itself)"
    return _joined(path.nodes, form.nodes, " → ", lambda node: solution.names[node])


def _slopes(solution: Solution, path: Path, form: _Form) -> str:
    """Return `1 × -1`, and before it the slopes' signs if there is room for them."""

    def written(value: Any) -> str:
        if form.digits is None:
            return human(value, solution.arithmetic)
        return short(float(value), form.digits)

    numbers = _joined(path.slopes, form.nodes - 1, " × ", written)
    if not form.symbols or not 0 < path.length <= _FEW_SLOPES:
        return numbers
    nodes = path.nodes.first
    pairs = zip(nodes[1:], nodes, strict=False)
    return f"{' × '.join(symbol(solution, of, by) for of, by in pairs)} = {numbers}"


def _joined(part: Excerpt, most: int, sign: str, written: Callable[[Any], str]) -> str:
    """Return a sequence by its ends, with the count of what is left out between them."""
    total = len(part.first) + len(part.last) + part.left_out
    if total <= most:
        return sign.join(map(written, part.first + part.last))
    # The count takes a place as well, and stands for two at least.
    half = (most - 1) // 2
    first = part.first[: most - 1 - half]
    last = (part.first + part.last)[-half:]
    hidden = total - len(first) - len(last)
    return sign.join([*map(written, first), f"… {hidden:,} more …", *map(written, last)])


def _product(solution: Solution, path: Path) -> str:
    """Return a product; of one that float64 cannot hold, the size as well."""
    text = human(path.product, solution.arithmetic)
    held = path.product and solution.arithmetic.is_finite(path.product)
    if held or path.log2 == -math.inf:
        return text
    power, exponent = math.modf(path.log2 * math.log10(2))
    return f"{text} (about {10**power:.1f}e{int(exponent)})"


def _sum(solution: Solution, ledger: Ledger) -> str:
    undefined = ledger.rest != ledger.rest
    return "beyond float64" if undefined else human(ledger.rest, solution.arithmetic)


def _side_by_side(lines: list[_Line]) -> tuple[list[Column], list[list[Words]]]:
    columns = [Column(text) for text in ("from", "path", "slopes along it", "product")]
    products = aligned(line.product for line in lines)
    cells: list[list[Words]] = [
        [
            [(line.name, "name")],
            [(line.path, line.style)],
            [(line.slopes, line.style)],
            [(product, "gradient")],
        ]
        for line, product in zip(lines, products, strict=True)
    ]
    return columns, cells


def _stacked(lines: list[_Line]) -> tuple[list[Column], list[list[Words]]]:
    """Return the table for a narrow screen: each path above its product."""
    cells: list[list[Words]] = []
    for line in lines:
        cells.append([[(line.name, "name")], [(line.path, line.style)]])
        sign = f"{line.slopes} = " if line.slopes else "= "
        cells.append([BLANK, [("  ", ""), (sign, line.style), (line.product, "gradient")]])
    return [Column("from"), Column("path, slopes along it = product")], cells


def _notes(solution: Solution, found: Ledgers, shown: list[Ledger]) -> Iterator[str]:
    """Yield what is to be said below the table: what cancels, what is silent, what it costs."""
    for ledger in shown:
        if ledger.digits_lost:
            yield f"{symbol(solution, found.node, ledger.node)}: {_cancelled(ledger)}"
        if ledger.silent and ledger.paths:
            many, lead = ("paths", "lead") if ledger.silent > 1 else ("path", "leads")
            yield (
                f"{quantity(ledger.silent)} more {many} of the program {lead} from {ledger.name} "
                f"to {found.output}; nothing flows there at this point."
            )
    if solution.kink in ("left", "right") and any(a.remarks for a in solution.answers):
        yield "The paths follow the conventions at the kinks; the gradient below is one-sided."
    if found.at_once:
        yield _cost(found)


def _cancelled(ledger: Ledger) -> str:
    """Return `paths of size 2e3 cancel to 1e-3: added one by one, they lose 6 digits`."""
    text = f"paths of size {short(float(ledger.size))} cancel to {short(float(ledger.total))}"
    if ledger.digits_lost == math.inf:
        return f"{text}."
    digits = int(ledger.digits_lost)
    return f"{text}: added one by one, they lose {digits} digit{'s' if digits > 1 else ''}."


def _cost(found: Ledgers) -> str:
    """Return why the backward pass beats the sum over paths, in one sentence."""
    one_by_one = f"Path by path: {_counted(found.one_by_one, 'product')} for"
    one_by_one += f" {_counted(found.paths, 'path')}"
    if found.one_by_one <= found.at_once:
        return f"{one_by_one}; the backward pass: {found.at_once:,}, one an edge."
    return (
        f"{one_by_one}; the backward pass: {found.at_once:,}, one an edge, "
        "since what paths share is multiplied once."
    )


def _counted(count: int, what: str) -> str:
    return f"{quantity(count)} {what}{'' if count == 1 else 's'}"


def quantity(count: int) -> str:
    """Return a count as people read it: 1,073,741,824, or about 2.5e301."""
    if count < _LARGEST_COUNT:
        return f"{count:,}"
    return f"about {tidied(format(Decimal(count), '.2e'))}"


# ------------------------------------------------------------------ JSON


def paths_object(solution: Solution, found: Iterable[Ledgers]) -> Any:
    """Return what JSON has as `paths`: of several outputs, an object by their names.

    `count` is the number of paths, `products` what it takes to multiply them out one by one and
    all at once, and `from` has, for each name asked for, its `count`, how many more paths carry
    nothing (`silent`), the `gradient`, the `size` (the sum of absolute products), the `largest`
    and the `rest`. A count beyond 2^53 is a string of digits. A path has its `nodes` and `slopes`
    from the input on (of more than 1,000, the ends, with null between them), its `length` in
    edges, its `product`, and `log2` of the size of that (null for 0). Where there is no ledger,
    `skipped` says why.
    """
    return by_output(solution, [_ledgers_object(solution, each) for each in found])


def _ledgers_object(solution: Solution, found: Ledgers) -> dict[str, Any]:
    if found.reason:
        return {"skipped": readable(found.reason)}
    return {
        "count": _whole(found.paths),
        "products": {"one_by_one": _whole(found.one_by_one), "at_once": found.at_once},
        "from": {ledger.name: _ledger_object(solution, ledger) for ledger in found.ledgers},
    }


def _ledger_object(solution: Solution, ledger: Ledger) -> dict[str, Any]:
    arithmetic = solution.arithmetic
    rest = {"count": _whole(ledger.more), "sum": number(ledger.rest, arithmetic)}
    return {
        "count": _whole(ledger.paths),
        "silent": _whole(ledger.silent),
        "gradient": number(ledger.total, arithmetic),
        "size": number(ledger.size, arithmetic),
        "largest": [_path_object(solution, path) for path in ledger.largest],
        "rest": rest if ledger.more else None,
    }


def _path_object(solution: Solution, path: Path) -> dict[str, Any]:
    arithmetic, gap = solution.arithmetic, [None] if path.nodes.left_out else []
    first, last = ([solution.names[node] for node in part] for part in path.nodes[:2])
    slopes, later = ([number(slope, arithmetic) for slope in part] for part in path.slopes[:2])
    return {
        "nodes": [*first, *gap, *last],
        "slopes": [*slopes, *gap, *later],
        "length": path.length,
        "product": number(path.product, arithmetic),
        "log2": None if path.log2 == -math.inf else path.log2,
    }


def _whole(count: int) -> int | str:
    """Return a count as JSON has it; Decimal writes any number of digits, `str` only 4,300."""
    return count if count <= _EXACT else str(Decimal(count))
