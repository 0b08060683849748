"""Names and text of a graph: what is printed parses back to the same graph."""

import random
import time

import pytest

from backprop_cli.graph import Graph
from backprop_cli.language.names import display_names, has_row, node_text, typed_names
from backprop_cli.language.parser import parse
from backprop_cli.language.printer import program_text, statements
from backprop_cli.operations import TABLE
from backprop_cli.studies.gradient import nodes_named

CANONICAL = [
    ("(a+b)*(b+c)", "(a + b)*(b + c)"),
    ("d = a+b; f = d*c", "d = a + b; f = d*c"),
    ("-x^2", "-x^2"),
    ("(-x)^2", "(-x)^2"),
    ("x^y^z", "x^y^z"),
    ("(x^y)^z", "(x^y)^z"),
    ("x^-y^2", "x^-y^2"),
    ("x^(y+1)", "x^(y + 1)"),
    ("a-(b-c)-d", "a - (b - c) - d"),
    ("a-b-c", "a - b - c"),
    ("a/(b*c)/d", "a/(b*c)/d"),
    ("a*-b", "a*(-b)"),
    ("a--b*c", "a - (-b*c)"),
    ("-(a*b)*c", "-(a*b)*c"),
    ("--x", "-(-x)"),
    ("2x + πr", "2*x + pi*r"),
    ("√x^2", "sqrt(x)^2"),
    ("ln(x) + 1e-3 + .5", "log(x) + 1e-3 + .5"),
    ("where(x>0, x, 0.01*x)", "where(x > 0, x, 0.01*x)"),
    ("leaky_relu(x)", "leaky_relu(x, 0.01)"),
    ("5", "5"),
    ("x", "x"),
    ("a = x+1; b = a*2; a", "a = x + 1; b = a*2; a"),
    ("x + 1; y*2", "x + 1; y*2"),
    ("c = a+b; c = c*2; c*a", "c = a + b; c_2 = c*2; c_2*a"),
    (
        "c_2 = b; c = a; c = -a; c = -c; c*c_2",
        "c_2 = b; c = a; c_2_2 = -a; c_3 = -c_2_2; c_3*b",
    ),
    ("h = 2*x; f = x; f", "h = 2*x; f = x"),
    ("f = x; h = 2*x; h", "f = x; h = 2*x"),
    ("f = x; g = x^2", "f = x; g = x^2"),
    ("a = x; b = a; a*b", "a = x; b = x; x*x"),
    ("c = a*b; d = c; d", "c = a*b; d = c"),
    ("c = a*b; d = c; c = 2*d; c", "c = a*b; d = c; c_2 = 2*c"),
    ("f = x; g = y^2; x*g", "f = x; g = y^2; x*g"),
    ("g = y^2; f = x; g", "g = y^2; f = x; g"),
    ("f = x; x + 1; f", "f = x; x + 1; x"),
    ("f = x", "f = x"),
    ("sq(t) = t*t; sq(x+1)", "v1 = x + 1; v1*v1"),
    ("sq(t) = t*t; v1 = x; sq(x+1)", "v1 = x; v2 = x + 1; v2*v2"),
    ("sq(t) = t*t; x*sq(2)", "v1 = 2; x*(v1*v1)"),
    ("sq(t) = t*t; x*sq(pi)", "v1 = pi; x*(v1*v1)"),
    ("first(s, t) = s; first(x+1, y*2)", "f = x + 1; y*2; f"),
]


@pytest.mark.parametrize(("source", "text"), CANONICAL)
def test_program_text_is_canonical_and_parses_back(source: str, text: str) -> None:
    graph = parse(source)
    assert program_text(graph) == text
    assert shape(parse(program_text(graph))) == shape(graph)


ASKED = [
    ("c = a+b; c = c*2; c*a", "c", "c = a + b; c_2 = c*2; f = c_2*a; c = c_2; f"),
    ("c = a+b; c = c*2; c*a", "c′2", "c = a + b; c_2 = c*2; c_2*a"),
    ("c = a+b; c = c*2; c*a", "c′1", "c = a + b; c_2 = c*2; f = c_2*a; c_1 = c; f"),
    ("c = a+b; c = c*2", "c", "c = a + b; c_2 = c*2; c = c_2"),
    ("c = a+b; c = a; b*c", "c", "c = a + b; c_2 = a; f = b*a; c = a; f"),
    ("c = a+b; c = a; b*c", "c′2", "c = a + b; c_2 = a; b*a"),
    ("c = x; c = c^2; c", "c", "c = x; c_2 = x^2; c = c_2"),
    ("c = x; c = c^2; c", "c′1", "c = x; c_2 = x^2; c_1 = x; c_2"),
]


@pytest.mark.parametrize(("source", "name", "text"), ASKED)
def test_a_name_that_is_asked_for_has_its_meaning_in_the_text(
    source: str, name: str, text: str
) -> None:
    graph = parse(source)
    asked = nodes_named(graph, [name], "--wrt")
    assert program_text(graph, asked) == text
    again = parse(text)
    assert shape(again) == shape(graph)
    typed = typed_names(graph).get(name, name)
    node = nodes_named(again, [typed], "--wrt")[typed]
    assert shape(again.with_outputs([node])) == shape(graph.with_outputs(asked.values()))


def shape(graph: Graph) -> object:
    """Return a graph up to the numbering of its nodes: a table of its distinct subgraphs."""
    classes: dict[object, int] = {}
    numbers: list[int] = []
    names = {node: name for name, node in graph.inputs.items()}
    for node, row in enumerate(graph.rows):
        leaf = names.get(node) or graph.literals.get(node)
        key = (row, leaf, tuple(numbers[k] for k in graph.operands_of(node)))
        numbers.append(classes.setdefault(key, len(classes)))
    counts = sorted((key_of(classes, number), numbers.count(number)) for number in set(numbers))
    return counts, [key_of(classes, numbers[k]) for k in graph.outputs]


def key_of(classes: dict[object, int], number: int) -> str:
    keys = {value: key for key, value in classes.items()}

    def written(k: int) -> str:
        row, leaf, operands = keys[k]  # type: ignore[misc]
        return f"{TABLE[row].name}:{leaf}({','.join(written(o) for o in operands)})"

    return written(number)


def random_program(seed: int) -> str:
    draw = random.Random(seed)
    known = ["a", "b", "c"]

    def expression(depth: int) -> str:
        if depth == 0 or draw.random() < 0.15:
            return draw.choice([*known, *known, "2", "0.5", "pi", "1e-3"])
        x, y = expression(depth - 1), expression(depth - 1)
        form = draw.choice(
            [
                *("({x})+({y})", "({x})-({y})", "({x})*({y})", "({x})/({y})", "({x})^({y})"),
                *("-({x})", "sin({x})", "max({x}, {y}, a)", "twice({x})"),
                "where({x} <= {y}, {x}, {y})",
            ]
        )
        return form.format(x=x, y=y)

    lines = ["twice(t) = t + t*t"]
    for number in range(draw.randint(0, 4)):
        name = draw.choice(["d", "v1", f"n{number}"])
        lines.append(f"{name} = {expression(draw.randint(1, 3))}")
        known.append(name)
    return "; ".join([*lines, expression(3)])


@pytest.mark.parametrize("seed", range(120))
def test_random_programs_print_and_parse_back(seed: int) -> None:
    graph = parse(random_program(seed))
    text = program_text(graph)
    again = parse(text)
    assert shape(again) == shape(graph)
    assert program_text(again) == text


def test_unnamed_nodes_are_numbered_past_the_names_in_use() -> None:
    graph = parse("v2 = a + b; (a*b) * sin(v2) * 2")
    assert display_names(graph) == ["a", "b", "v2", "v1", "v3", "v4", "2", "f"]


def test_constants_and_comparisons_are_named_by_their_text() -> None:
    graph = parse("where(x > 1/2, x^(1/3), 0)")
    names = display_names(graph)
    assert "x > 1/2" in names
    assert node_text(graph, graph.outputs[0], names) == "where(x > 1/2, v1, 0)"
    rows = has_row(graph, names)
    assert [names[node] for node in range(graph.size) if rows[node]] == ["v1", "f"]


def test_long_constant_text_gets_a_name_and_a_row() -> None:
    graph = parse("+".join(f"1/{k}" for k in range(2, 40)) + "+x")
    names = display_names(graph)
    assert max(map(len, names)) <= 40
    assert any(has_row(graph, names)[node] for node, name in enumerate(names) if name == "v1")


def test_pretty_statements_keep_display_names() -> None:
    graph = parse("c = a*b; c = c*2; c")
    assert list(statements(graph, display_names(graph))) == ["c = a·b", "c′2 = c·2"]


def test_a_constant_whose_name_an_input_took_is_printed_as_a_number() -> None:
    graph = parse("normal_pdf(x) + pi", ["pi"])
    assert "3.14159" in program_text(graph)


DEEP = {
    "sum": "x" + "+x" * 200_000,
    "nest": "(" * 100_000 + "x" + "+1)" * 100_000,
    "constants": "1" + "+1" * 200_000 + "*x",
    "powers": "2^(" * 100_000 + "x" + ")" * 100_000,
    "differences": "x" + "-(x" * 100_000 + ")" * 100_000,
}


@pytest.mark.parametrize("source", DEEP.values(), ids=DEEP)
def test_deep_and_long_programs_print_in_linear_time(source: str) -> None:
    graph = parse(source)
    start = time.process_time()
    names = display_names(graph)
    text = program_text(graph)
    assert time.process_time() - start < 20
    assert max(map(len, names)) <= 60
    assert parse(text).rows == graph.rows
