"""Exported code gives the interpreter's numbers, in every language, wherever it is run.

Each operation is compared at its own points and edges, poles and undefined points included; random
programs are compared as wholes, where rounding is magnified as the running error bound says.
"""

import ast
import importlib.util
import json
import math
import re
import subprocess
import sys
from functools import cache

import pytest
from accuracy import has_slope, one_operation, points, scale_at, value_and_partials
from exported import (
    Allowed,
    Case,
    batch,
    by_bound,
    compile_c,
    every_language,
    expected,
    needs_gcc,
    run,
    run_files,
)
from hypothesis import HealthCheck, Phase, given, seed, settings
from strategies import programs

from backprop_cli.calculus.derivation import derivation
from backprop_cli.calculus.value_lines import PRODUCT
from backprop_cli.calculus.values import forward_values
from backprop_cli.errors import MissingInput
from backprop_cli.graph import Graph
from backprop_cli.language.parser import parse
from backprop_cli.operations import COMPARISON_ROWS, ROW, TABLE, Operation
from backprop_cli.readings.languages import LANGUAGES
from backprop_cli.readings.target import Language
from backprop_cli.render.code.file import source
from backprop_cli.render.code.layout import AGREED
from backprop_cli.studies.export import Export, Exported, chosen, export

ULPS = 4.0
"""How many ulps an operation may be off in a target, over what the interpreter gives."""

EDGES = (0.0, -0.0, 1.0, -1.0, 2.0, -2.5, 800.0, -800.0, 1e300, 5e-324)
SHIFTS = (0.0, 0.25, -1.5, 40.0)
OPERATIONS = [
    operation
    for row, operation in enumerate(TABLE)
    if operation.parameters and row not in COMPARISON_ROWS
]
PER_OPERATION = {"jax": 8, "torch": 20, "c": 30}
PROGRAMS = {"jax": 15, "torch": 60}
SMALLEST_NORMAL = 2.0**-1022
JAX_LOSES = {"erfc", "normal_cdf", "gelu"}
"""Where JAX's own function squares its argument without a low part: x^2 ulps in the far tail."""


def agrees(made: Export, folder) -> None:
    code, said = run(made, folder)
    assert (code, said.strip()) == (0, AGREED), said[:3000]


def file_of(text: str, language: Language, point: dict[str, float] | None = None) -> str:
    """Return the exported file of a program."""
    return source(export(parse(text, point or ()), language, point or {})[0])


# --------------------------------------------------------------------------- every operation


def operation_points(operation: Operation, most: int) -> dict[int, list[tuple[float, ...]]]:
    """Return points of an operation, with edges in and out of the domain, by number of operands."""
    groups: dict[int, list[tuple[float, ...]]] = {}
    for point in points(operation)[:most]:
        groups.setdefault(len(point), []).append(point)
    count = 2 if operation.variadic else len(operation.parameters)
    rest = (1.0,) * (count - 2)
    edges = [(x, y, *rest)[:count] for x in EDGES for y in (EDGES if count > 1 else (0.0,))]
    groups.setdefault(count, []).extend(edges[:: 1 if most > 30 else 7])
    return groups


def allowed_at(operation: Operation, wrt: list[int], point, language: Language) -> Allowed:
    """Allow ULPS of the larger of a number and the row's declared scale."""
    ulps = ULPS
    if language.name == "jax" and operation.name in JAX_LOSES:
        ulps *= 1 + point[0] ** 2

    def allowed(place: int, number: float, bound: float) -> float:
        which = 1 + operation.parameter_of(wrt[place - 1]) if place else 0
        position = wrt[place - 1] if place else len(point) - 1
        try:
            scale = scale_at(operation, which, position, point)
        except (ArithmeticError, ValueError):
            scale = 1.0
        sizes = [abs(size) for size in (number, scale) if math.isfinite(size)]
        return ulps * math.ulp(max(2.0**-1010, *sizes, 0.0))

    return allowed


def operation_file(language: Language) -> Export:
    functions = []
    for operation in OPERATIONS:
        most = PER_OPERATION.get(language.name, 60)
        for count, at in operation_points(operation, most).items():
            graph = one_operation(ROW[operation.name], count)
            places = [place for place in range(count) if has_slope(operation, place)]
            wrt = {f"x{place}": place for place in places}
            made = derivation(graph, graph.outputs[0], wrt, language)
            zeros = [False] * len(wrt)
            checks = []
            for point in at:
                case = Case(graph, wrt, [dict(zip(graph.inputs, point, strict=True))])
                allowed = allowed_at(operation, places, point, language)
                name = f"{operation.name}{point}"
                check = expected(case, case.points[0], zeros, allowed, name)
                if language.name != "jax" or not has_denormals(check):
                    checks.append(check)
            functions.append(Exported(operation.name, made, tuple(checks)))
    return Export(language, ("operations",), tuple(functions), False)


def has_denormals(check) -> bool:
    """Return whether a number is one that XLA takes for 0, or comes from one."""
    numbers = (*check.point, check.value.value, *(slope.value for slope in check.gradient))
    return any(0 < abs(x) < SMALLEST_NORMAL for x in numbers) or 5e-324 in check.point


@every_language
def test_every_operation_gives_the_interpreters_numbers(language, tmp_path):
    agrees(operation_file(language), tmp_path)


def test_the_comparison_of_operations_would_see_five_ulps():
    made = operation_file(LANGUAGES["python"])
    check = next(f for f in made.functions if f.name == "exp").checks[0]
    assert 0 < check.value.allowed <= 4 * math.ulp(check.value.value)


# --------------------------------------------------------------------------- random programs


@cache
def random_programs() -> list[tuple[str, list[dict[str, float]]]]:
    found = []

    @seed(20)
    @settings(
        max_examples=220,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(programs())
    def collect(program):
        if program.point:
            shifted = [{name: x + by for name, x in program.point.items()} for by in SHIFTS]
            found.append((program.text, shifted))

    collect()
    return list({text: (text, at) for text, at in found}.values())


def random_cases(language: Language) -> list[tuple[Case, Allowed]]:
    count = PROGRAMS.get(language.name)
    graphs = [(parse(text, at[0]), at) for text, at in random_programs()[:count]]
    return [
        (
            Case(graph, graph.inputs, [point for point in at if is_sharp(graph, point)]),
            by_bound(ULPS),
        )
        for graph, at in graphs
    ]


def is_sharp(graph: Graph, point: dict[str, float]) -> bool:
    """Return whether no row is near a zero at which it is only accurate absolutely, as gelu'."""
    values = forward_values(graph, point)
    for node, row in enumerate(graph.rows):
        operation = TABLE[row]
        if operation.scale:
            operands = tuple(values[k] for k in graph.operands_of(node))
            value, partials = value_and_partials(row, operands)
            for position, slope in enumerate(partials):
                which = 1 + operation.parameter_of(position)
                scales = (
                    scale_at(operation, 0, 0, operands),
                    scale_at(operation, which, position, operands),
                )
                if any(
                    abs(size) < 0.1 * scale
                    for size, scale in zip((value, slope), scales, strict=True)
                ):
                    return False
    return True


@every_language
def test_random_programs_give_the_interpreters_numbers(language, tmp_path):
    agrees(batch(language, random_cases(language)), tmp_path)


def test_random_programs_reach_undefined_points_and_kinks():
    made = batch(LANGUAGES["python"], random_cases(LANGUAGES["python"]))
    values = [check.value.value for each in made.functions for check in each.checks]
    assert len(made.functions) > 80
    assert sum(value != value for value in values) >= 10
    assert sum(math.isfinite(value) for value in values) >= 250
    assert any("_reaches_" in line.code for f in made.functions for line in f.derivation.adjoints)


# --------------------------------------------------------------------------- by hand

NAN, INF = math.nan, math.inf
BY_HAND = [
    ("abs(x)", {"x": 0.0}, 0.0, [0.0]),
    ("relu(x)", {"x": 0.0}, 0.0, [0.0]),
    ("max(x, y, 1)", {"x": 1.0, "y": 1.0}, 1.0, [1 / 3, 1 / 3]),
    ("clip(x, y, z)", {"x": 2.0, "y": 2.0, "z": 3.0}, 2.0, [1.0, 0.0, 0.0]),
    ("hypot(x, y)", {"x": 0.0, "y": 0.0}, 0.0, [0.0, 0.0]),
    ("sqrt(x)", {"x": 0.0}, 0.0, [INF]),
    ("cbrt(x)", {"x": 0.0}, 0.0, [INF]),
    ("x^y", {"x": 0.0, "y": 2.0}, 0.0, [0.0, 0.0]),
    ("where(x > 0, log(x), 3*x)", {"x": 0.0}, 0.0, [3.0]),
    ("where(x > 0, x/y, 0)", {"x": -1.0, "y": 0.0}, 0.0, [0.0, 0.0]),
    ("where(log(x) > 0, x, 2*x)", {"x": -1.0}, NAN, [NAN]),
    ("where(log(x) != 0, 1, 2)*y", {"x": -1.0, "y": 3.0}, NAN, [NAN, NAN]),
    ("relu(log(x))", {"x": -1.0}, NAN, [NAN]),
    ("sum(x, x, -exp(y))", {"x": 1e308, "y": 800.0}, -INF, [2.0, -INF]),
    ("mean(x, x, x, -exp(y))", {"x": 1e308, "y": 800.0}, -INF, [0.75, -INF]),
    ("sum(x, x, exp(y), -exp(y))", {"x": 1e308, "y": 800.0}, NAN, [NAN, NAN]),
    ("floor(log(x)) + y", {"x": -1.0, "y": 1.0}, NAN, [NAN, NAN]),
    ("min(log(x), y)", {"x": -1.0, "y": 1.0}, NAN, [NAN, NAN]),
    ("max(log(x), y)", {"x": -1.0, "y": 1.0}, NAN, [NAN, NAN]),
    ("exp(x) - exp(x) + y", {"x": 1000.0, "y": 1.0}, NAN, [NAN, NAN]),
    ("sigmoid(x)", {"x": -800.0}, 0.0, [0.0]),
    ("sigmoid(x)", {"x": -40.0}, 4.248354255291589e-18, [4.248354255291589e-18]),
    ("tanh(x)", {"x": 18.0}, 0.9999999999999996, [9.278091320974275e-16]),
    ("log(1 + exp(x))", {"x": 800.0}, INF, [NAN]),
    ("softplus(x)", {"x": 800.0}, 800.0, [1.0]),
    ("floor(x)*0 + y", {"x": 2.5, "y": 1.0}, 1.0, [0.0, 1.0]),
    ("sq(t) = t^2; sq(x + y)", {"x": 1.0, "y": 2.0}, 9.0, [6.0, 6.0]),
    ("pick(1, x, y) + 0*z", {"x": 1.0, "y": 5.0, "z": 1.0}, 5.0, [0.0, 1.0, 0.0]),
    ("x", {"x": 7.0}, 7.0, [1.0]),
    ("k = exp(0); x*k + (-2)*x", {"x": 3.0}, -3.0, [-1.0]),
    ("-1*x*y/2", {"x": 3.0, "y": 4.0}, -6.0, [-2.0, -1.5]),
]  # fmt: skip


def hand_file(language: Language) -> Export:
    """Return a file of the programs above; its numbers are those of the table, not the tool's."""
    functions = []
    for text, point, value, gradient in BY_HAND:
        graph = parse(text, point)
        case = Case(graph, graph.inputs, [point])
        made = derivation(graph, graph.outputs[0], graph.inputs, language)
        check = expected(case, point, [False] * len(point), by_bound(ULPS), text)
        by_name = dict(zip(point, gradient, strict=True))
        slopes = tuple(
            each._replace(value=by_name[name])
            for name, each in zip(graph.inputs, check.gradient, strict=True)
        )
        exact = check._replace(value=check.value._replace(value=value), gradient=slopes)
        functions.append(Exported("f", made, (exact,)))
    return Export(language, ("by hand",), tuple(functions), False)


@every_language
def test_kinks_undefined_points_and_tails_by_hand(language, tmp_path):
    agrees(hand_file(language), tmp_path)


# --------------------------------------------------------------------------- the check bites


def product_lines(text: str, language: Language) -> list[str]:
    """Return the lines of a program's backward pass that are products of the chain rule."""
    graph = parse(text)
    made = derivation(graph, graph.outputs[0], graph.inputs, language)
    return [line.code for line in made.adjoints if line.kind == PRODUCT]


BITTEN = "h = tanh(w*x + b); f = max(h*h, -h)*w + where(x > 0, x*b, log(b))"


@every_language
def test_a_wrong_sign_anywhere_is_found_by_the_file_itself(language, tmp_path):
    written = file_of(BITTEN, language)
    lines = product_lines(BITTEN, language)
    assert len(lines) > 8
    paths = []
    for place, line in enumerate([*lines[:: 1 if language.endings == (".py",) else 4], "x*b"]):
        name, equals, product = line.rstrip(";").rpartition("= ")
        wrong = f"{name}{equals}-({product}){';' * line.endswith(';')}"
        path = tmp_path / f"wrong{place}{language.endings[0]}"
        assert written.count(line) >= 1
        path.write_text(written.replace(line, wrong), encoding="utf-8")
        paths.append(path)
    right = tmp_path / f"right{language.endings[0]}"
    right.write_text(written, encoding="utf-8")
    made = run_files([right, *paths])
    assert made[0] == (0, f"{AGREED}\n")
    for path, (code, said) in zip(paths, made[1:], strict=True):
        assert code == 1, path.read_text()
        assert re.search(r"^(f|df/d[wxb]) = \S+, expected \S+$", said, re.MULTILINE), said


# --------------------------------------------------------------------------- names

AWKWARD = (
    ("lambda", "class", "double", "int", "function", "NAN", "INFINITY", "gradient", "np", "value"),
    ("exp", "sigmoid", "math", "torch", "jnp", "divide", "tensor", "map", "None", "let", "map"),
    ("λ", "é", "x_", "d_x", "d_f", "v1", "f", "wrong", "made", "__proto__", "main", "differs"),
    ("u03bb", "λ", "y0", "j1", "M_PI", "errno", "isnan", "eval", "arguments", "self", "f_x"),
    (
        "__LINE__",
        "_Bool",
        "__asm__",
        "__func__",
        "u005f_asm__",
        "_LP64",
        "__name__",
        "_",
        "__",
        "_x",
    ),
)


@every_language
def test_no_name_collides_with_those_of_a_language(language, tmp_path):
    """Each input meets exp, sigmoid, log and a product, and comes back under its own name."""
    paths = []
    for names in map(list, map(dict.fromkeys, AWKWARD)):
        terms = [f"{k + 2}*sigmoid({name})*{name}^2*exp(-{name})" for k, name in enumerate(names)]
        text = f"{names[0]} + " + " + ".join(terms) + f" + log(1/{names[0]} + {names[-1]}/7)"
        point = {name: 0.1 * k + 0.5 for k, name in enumerate(names)}
        paths.append(tmp_path / f"made{len(paths)}{language.endings[0]}")
        paths[-1].write_text(file_of(text, language, point), encoding="utf-8")
    assert run_files(paths) == [(0, f"{AGREED}\n")] * len(AWKWARD)


def test_names_that_are_spelled_otherwise_are_listed():
    written = file_of("λ = lambda*2; c = λ; c = c*x", LANGUAGES["c"])
    assert "// Here λ is called u03bb." in written
    assert "lambda is called" not in written
    assert "\nHere lambda is called lambda_.\n" in file_of("lambda^2", LANGUAGES["python"])
    assert "c_2 = u03bb*x" in written


def test_a_name_that_was_assigned_twice_keeps_both(tmp_path):
    written = file_of("c = x; c = c*c + x; c = c*y; c", LANGUAGES["python"])
    assert {"c_2 = ", "c_3 = "} <= set(re.findall(r"c_\d = ", written))


# --------------------------------------------------------------------------- what is printed

LARGE = "f = gelu(x) + gamma(y) + sum(x, y, z) + pick(0, x, y) + max(x, y)^y + elu(z) + 1/x"


@pytest.mark.parametrize(
    "text", ["where(x != tanh(atanh(x)), x^2 + 3, y)", "where(3*x < x + x + x, x, y)"]
)
def test_no_point_is_chosen_at_which_rounding_decides_a_branch(text):
    graph = parse(text)
    with pytest.raises(MissingInput, match="no point of the domain"):
        chosen(graph, (), ())
    assert len(chosen(parse(text.replace("where(", "where(x + ")), (), ())) >= 3


def test_a_branch_that_the_output_does_not_need_keeps_no_point_away():
    graph = parse("a = where(exp(x)*exp(-x) > 1, x, 2*x); b = exp(x)*y; a + b")
    assert all(solution.point["x"] for solution in chosen(graph, (), ("b",)))


@pytest.mark.parametrize("name", ["python", "numpy", "jax", "torch"])
@pytest.mark.parametrize("text", ["(a+b)*(b+c)", "log(x)/y", LARGE])
def test_python_files_define_and_import_only_what_they_use(name, text):
    tree = ast.parse(file_of(text, LANGUAGES[name]))
    words = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            assert node.name in words, node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                used = (alias.asname or alias.name).split(".")[0]
                assert used in words, used
        elif isinstance(node, ast.Assign):
            targets = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}  # fmt: skip
            assert all(words.count(target) > 1 for target in targets), targets


@pytest.mark.parametrize("text", ["(a+b)*(b+c)", "log(x)/y", LARGE])
def test_javascript_files_define_only_what_they_use(text):
    written = file_of(text, LANGUAGES["js"])
    for name in re.findall(r"^(?:function|const) (\w+)", written, re.MULTILINE):
        assert len(re.findall(rf"\b{name}\b", written)) > 1, name


def test_every_product_of_the_chain_rule_is_named_beside_its_line():
    written = file_of("x=a+b; y=b+c; f=x*y", LANGUAGES["python"])
    for line in (
        "d_f = 1.0    # df/df = 1",
        "d_x = d_f*y  # df/dx = df/df * df/dx",
        "d_b = d_y    # df/db = df/dy * dy/db",
        "d_b += d_x   # df/db += df/dx * dx/db",
    ):
        assert f"    {line}\n" in written
    assert "def divide" not in written


def test_shared_work_is_computed_once_and_what_is_not_needed_never():
    written = file_of("u = exp(x*y); unused = sin(x); f = u*u + u", LANGUAGES["c"])
    assert written.count("exp(") == 1 + written.count("exp(x*y)")
    assert "sin" not in written.partition("#include")[2]


def test_no_line_of_code_is_longer_than_a_page_is_wide():
    names = [f"weight_{k}" for k in range(40)]
    text = f"max({', '.join(names)}) + sum({', '.join(names)})"
    for language in LANGUAGES.values():
        lines = file_of(text, language, dict.fromkeys(names, 1.0) | {"weight_3": 2.0}).splitlines()
        assert max(map(len, lines)) <= 100, max(lines, key=len)


# --------------------------------------------------------------------------- C, and arrays


@needs_gcc
def test_c_without_its_main_is_linked_into_a_program(tmp_path):
    (tmp_path / "made.c").write_text(file_of("(a+b)*(b+c)", LANGUAGES["c"]), encoding="utf-8")
    (tmp_path / "main.c").write_text(
        "#include <stdio.h>\n"
        "double f_and_gradient(double a, double b, double c, double gradient[3]);\n"
        "int main(void) { double g[3]; double f = f_and_gradient(5, -3, -2, g);\n"
        ' printf("%g %g %g %g\\n", f, g[0], g[1], g[2]); return 0; }\n'
    )
    program = tmp_path / "program"
    compile_c(tmp_path / "made.c", str(tmp_path / "main.c"), "-DBACKPROP_NO_MAIN", "-o", str(program))  # fmt: skip
    done = subprocess.run([str(program)], capture_output=True, text=True, check=True)
    assert done.stdout == "-10 -5 -3 2\n"


ARRAYS = "where(x > 0, log(x), y)*max(x, y) + exp(-x^2)"


def arrays_by_interpreter(graph: Graph, table: list[tuple[float, float]]) -> list[list[float]]:
    case = Case(graph, graph.inputs, [])
    rows = []
    for x, y in table:
        check = expected(case, {"x": x, "y": y}, [False, False], by_bound(0), "")
        rows.append([check.value.value, *(slope.value for slope in check.gradient)])
    return rows


_CALL = """
import json, runpy, sys
name, path = sys.argv[1:]
module = __import__(name)
function = runpy.run_path(path)["f_and_gradient"]
make = module.tensor if name == "torch" else __import__("numpy").array
if name == "jax":
    function = module.jit(module.vmap(function, in_axes=(0, None)))
value, gradient = function(make([[-2.0], [0.0], [0.5], [3.0]]), make([1.5, 0.5]))
print(json.dumps([each.tolist() for each in (value, gradient["x"], gradient["y"])]))
"""


@pytest.mark.parametrize("name", ["numpy", "jax", "torch"])
def test_arrays_are_taken_element_by_element_and_broadcast(name, tmp_path):
    """In a process of its own: JAX's threads and the forks of other tests do not go together."""
    if not importlib.util.find_spec(name):
        pytest.skip(f"no {name} here")
    path = tmp_path / "made.py"
    path.write_text(file_of(ARRAYS, LANGUAGES[name]), encoding="utf-8")
    command = [sys.executable, "-c", _CALL, name, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    table = [[(x, y) for y in (1.5, 0.5)] for x in (-2.0, 0.0, 0.5, 3.0)]
    rows = [arrays_by_interpreter(parse(ARRAYS), row) for row in table]
    for place, found in enumerate(json.loads(done.stdout)):
        for made, expected_row in zip(found, rows, strict=True):
            assert made == pytest.approx([row[place] for row in expected_row], rel=1e-12)
