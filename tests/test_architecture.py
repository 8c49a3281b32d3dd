"""The house rules that a machine can hold: layers, sizes, no cycles, no hidden imports, everything annotated."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "shortener"
MODULES = sorted(PACKAGE.rglob("*.py"))
MOST_LINES_OF_A_MODULE = 300
MOST_LINES_OF_A_FUNCTION = 40
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "core", "misc", "base"}

every_module = pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: Path) -> Iterator[Function]:
    return (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, Function))


def imported(path: Path) -> set[str]:
    """The modules of this package that `path` imports when it runs."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names & set(GRAPH_NODES)


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


GRAPH_NODES = {module_name(path): path for path in MODULES}


def test_imports_point_one_way() -> None:
    run = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout


def test_no_import_cycles() -> None:
    graph = {name: imported(path) - {name} for name, path in GRAPH_NODES.items()}
    while leaves := {name for name, targets in graph.items() if not targets}:
        graph = {name: targets - leaves for name, targets in graph.items() if name not in leaves}
    assert not graph, f"import each other: {sorted(graph)}"


@every_module
def test_a_module_has_one_subject(path: Path) -> None:
    lines = path.read_text().count("\n")
    assert lines <= MOST_LINES_OF_A_MODULE
    assert path.stem not in FORBIDDEN_NAMES


@every_module
def test_a_module_says_what_belongs_in_it(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))


@every_module
def test_functions_are_small(path: Path) -> None:
    long = [
        f"{function.name}: {length} lines"
        for function in functions(path)
        if (length := (function.end_lineno or 0) - function.lineno + 1) > MOST_LINES_OF_A_FUNCTION
    ]
    assert not long


@every_module
def test_functions_are_annotated(path: Path) -> None:
    for function in functions(path):
        arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        unannotated = [a.arg for a in arguments if a.annotation is None and a.arg not in {"self", "cls"}]
        assert not unannotated, f"{function.name}: {unannotated}"
        assert function.returns is not None, function.name


@every_module
def test_imports_stand_at_the_top(path: Path) -> None:
    if path.is_relative_to(PACKAGE / "cli"):
        pytest.skip("commands import what is heavy when they run")
    hidden = [
        ast.unparse(node)
        for function in functions(path)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert not hidden


def public(inside: ast.AST) -> Iterator[Function | ast.ClassDef]:
    """Public classes and functions, and those in public classes; not what stands inside a function."""
    for node in ast.iter_child_nodes(inside):
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node)


@every_module
def test_public_things_state_their_contract(path: Path) -> None:
    silent = [node.name for node in public(ast.parse(path.read_text())) if not ast.get_docstring(node)]
    assert not silent


def test_only_storage_commits() -> None:
    """Services open transactions by `Database.write`; nothing else may commit or roll back."""
    for path in MODULES:
        if not path.is_relative_to(PACKAGE / "storage"):
            assert ".commit(" not in path.read_text(), path
