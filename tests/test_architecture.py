"""The house keeps its shape: floors, sole importers, no evaluation of text, a light start."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "backprop_cli"
FLOORS = (
    "errors",
    "operations",
    "graph",
    "language",
    "readings",
    "calculus",
    "studies",
    "render",
    "commands",
)
"""From the top: a file imports from floors before its own, and from its own without a cycle."""

FILES = sorted(path.relative_to(ROOT).with_suffix("") for path in PACKAGE.rglob("*.py"))
MODULES = [".".join(path.parts).removesuffix(".__init__") for path in FILES]
every_module = pytest.mark.parametrize("module", MODULES)


@cache
def tree(module: str) -> ast.Module:
    path = ROOT.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(file.read_text(encoding="utf-8"))


def floor(module: str) -> int:
    """Return the floor of a module; the package itself and __main__ are below all others."""
    parts = module.split(".")
    return FLOORS.index(parts[1]) if len(parts) > 1 and parts[1] in FLOORS else len(FLOORS)


def imports(module: str) -> Iterator[str]:
    """Yield the modules that a module imports anywhere, inside its functions too."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports name the package"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else str(node.module)


@every_module
def test_a_file_imports_only_from_floors_above_or_its_own(module: str) -> None:
    for imported in imports(module):
        if imported in MODULES:
            assert floor(imported) <= floor(module), f"{module} imports {imported}"


def test_no_files_import_each_other_in_a_cycle() -> None:
    waiting = {module: {name for name in imports(module) if name in MODULES} for module in MODULES}
    while waiting:
        ready = {module for module, needs in waiting.items() if not needs & set(waiting)}
        assert ready, f"a cycle among {sorted(waiting)}"
        for module in ready:
            del waiting[module]


@pytest.mark.parametrize(("package", "folder"), [("rich", "render"), ("click", "commands")])
def test_a_package_has_one_importer(package: str, folder: str) -> None:
    users = {
        module for module in MODULES for name in imports(module) if name.split(".")[0] == package
    }
    assert users
    assert all(module.split(".")[1] == folder for module in users)


def test_the_table_is_data_alone() -> None:
    assert set(imports("backprop_cli.operations")) == {"typing"}


EVALUATORS = {
    "eval",
    "exec",
    "sympify",
    "parse_expr",
    "lambdify",
    "__import__",
    "literal_eval",
}


ALLOWED = {
    "backprop_cli.readings.formulas": {"eval"},
    "backprop_cli.readings.python": {"exec"},
}


@every_module
def test_text_is_never_evaluated(module: str) -> None:
    """SymPy's sympify and parse_expr evaluate Python; ours is evaluated in two places only.

    `eval` is for the formulas of the table, `exec` for the functions written from a graph.
    """
    names = {node.id for node in ast.walk(tree(module)) if isinstance(node, ast.Name)}
    names |= {node.attr for node in ast.walk(tree(module)) if isinstance(node, ast.Attribute)}
    assert names & EVALUATORS <= ALLOWED.get(module, set())


@every_module
def test_no_function_calls_itself(module: str) -> None:
    """Graphs are a million nodes deep, so nothing that walks one may recurse.

    SymPy's expressions recurse by themselves, so what reads those may too; and what writes one
    formula of the table in words, which is a dozen nodes.
    """
    if module.startswith(("backprop_cli.readings.symbol", "backprop_cli.readings.slope_text")):
        return
    for function in ast.walk(tree(module)):
        if isinstance(function, ast.FunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Call):
                    target = node.func
                    name = target.id if isinstance(target, ast.Name) else None
                    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
                        name = target.attr if target.value.id == "self" else None
                    assert name != function.name, f"{module}: {name} calls itself"


@every_module
def test_every_file_says_what_it_is(module: str) -> None:
    assert ast.get_docstring(tree(module))


HEAVY = ("sympy", "rich", "numpy", "mpmath", "dataclasses", "click")


def test_parsing_and_solving_import_nothing_heavy() -> None:
    script = (
        "import sys; from backprop_cli.language.parser import parse;"
        "from backprop_cli.studies.gradient import solve;"
        "solve(parse('tanh(x*y) + relu(x)'), {'x': 0.0, 'y': 2.0});"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_a_compiled_program_imports_nothing_heavy() -> None:
    script = (
        "import sys, backprop_cli; f = backprop_cli.compiled('tanh(x*y)'); f(1, 2);"
        f"print([name for name in {(*HEAVY, 'ctypes')} if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_importing_the_package_imports_none_of_it() -> None:
    script = (
        "import sys, backprop_cli; print(sum(m.startswith('backprop_cli.') for m in sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert int(run.stdout) <= 1
