"""The plan of the house: rooms stand one above the other, imports point downwards, faces hand on and define nothing."""

import ast
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, TypeGuard

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = "tessera_env"

# From the bottom up; rooms of one floor do not know each other. The package itself only registers the environments.
FLOORS = [
    {"tessera_env"},
    {"jit", "files"},
    {"world", "recordings"},
    {"engine", "requests", "scenario"},
    {"observation", "rendering"},
    {"policies"},
    {"simulation"},
    {"env", "vector_env"},
    {"count_actions"},
    {"evaluation"},
    {"report", "agents"},
    {"simulate", "train"},
    {"cli"},
    {"benchmarks"},  # they print the documentation, the command's help texts too
    {"__main__"},
]
AT_THE_ROOT = {"__init__.py", "__main__.py", "env.py", "vector_env.py", "count_actions.py", "simulate.py", "py.typed"}
MOST_NAMES = 5
MANY_NAMES = {"policies"}  # every shipped policy's class is public


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def sources() -> dict[str, ast.Module]:
    """Every module's syntax tree by its name."""
    paths = [
        ROOT / "train.py",
        *chain.from_iterable((ROOT / top).rglob("*.py") for top in (PACKAGE, "agents", "benchmarks")),
    ]
    return {module_of(path): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


TREES = sources()
FACES = {module_of(path): TREES[module_of(path)] for path in (ROOT / PACKAGE).rglob("*/__init__.py")}


def imported(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """(module, name) of all that is imported, wherever it stands; the name is empty for a whole module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)


def targets(name: str) -> set[str]:
    """Our own modules that a module imports."""
    found = set()
    for module, inner in imported(TREES[name]):
        whole = f"{module}.{inner}"
        found |= {whole} if whole in TREES else {module} & TREES.keys()
    return found


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[min(1, len(parts) - 1)] if parts[0] == PACKAGE else parts[0]


def floor_of(module: str) -> int:
    (floor,) = (k for k, rooms in enumerate(FLOORS) if room_of(module) in rooms)
    return floor


@pytest.mark.parametrize("name", sorted(TREES))
def test_imports_point_downwards(name):
    floor = floor_of(name)
    for target in sorted(targets(name)):
        assert room_of(target) == room_of(name) or floor_of(target) < floor, f"{name} imports {target}"


def test_no_file_is_imported_by_what_it_imports():
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " -> ".join([*way[way.index(name) :], name])
        if name not in done:
            for target in targets(name):
                visit(target, (*way, name))
            done.add(name)

    for name in TREES:
        visit(name, ())


def test_nothing_needs_the_tests():
    """They lie outside the floors, and no user has them."""
    for name, tree in TREES.items():
        assert "tests" not in {module.partition(".")[0] for module, _ in imported(tree)}, name


def test_relative_imports_are_not_used():
    """They would pass the tests above unseen."""
    for name, tree in TREES.items():
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level], name


@pytest.mark.parametrize("name", sorted(FACES))
def test_a_face_says_one_sentence_and_hands_on_a_few_names(name):
    docstring, *rest = FACES[name].body
    assert isinstance(docstring, ast.Expr)
    assert re.fullmatch(r"[^.\n]+\.", ast.get_docstring(FACES[name]) or ""), "one sentence on one line"
    imports = [node for node in rest if isinstance(node, ast.ImportFrom)]
    names = [alias.name for node in imports for alias in node.names]
    assert all(node.module and node.module.startswith(f"{name}.") for node in imports)
    assert [ast.dump(node) for node in rest if node not in imports] == [
        ast.dump(node) for node in ast.parse(f"__all__ = {sorted(names, key=_as_sorted)}").body if names
    ]
    assert len(names) <= MOST_NAMES or room_of(name) in MANY_NAMES


def _as_sorted(name: str) -> tuple[bool, bool, str]:
    """Constants, then classes, then functions."""
    return (not name.isupper(), name[0].islower(), name)


@pytest.mark.parametrize("name", sorted(name for name in TREES if name.startswith(f"{PACKAGE}.") and name not in FACES))
def test_no_module_of_the_package_looks_at_a_face(name):
    """A face imports the room's modules: whoever stood below it would import itself."""
    for module, inner in imported(TREES[name]):
        assert module not in FACES or f"{module}.{inner}" in TREES, f"{name}: from {module} import {inner}"


def test_no_function_hides_the_module_of_its_name():
    for name, tree in FACES.items():
        for _, inner in imported(tree):
            assert f"{name}.{inner}" not in TREES, f"{name} hands on {inner} and holds a module of that name"


def test_nothing_else_lies_on_the_landing():
    assert {path.name for path in (ROOT / PACKAGE).iterdir() if path.is_file()} == AT_THE_ROOT


def test_tests_mirror_the_tree():
    """A folder of tests is one of the tree; `reference` is the slow, obvious simulator that the engine is held to."""
    folders = {path.parent.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("__init__.py")}
    for folder in sorted(folders - {Path(), Path("reference")}):
        assert (ROOT / PACKAGE / folder).is_dir() or (ROOT / folder).is_dir(), folder


def test_whatever_has_a_command_line_takes_any_text_before_it_prints() -> None:
    """Output that an encoding lacks would else be a traceback after all the work."""
    for module, tree in TREES.items():
        for function in tree.body:
            if not isinstance(function, ast.FunctionDef) or function.name not in ("main", "run_alone"):
                continue
            names = [node.func.id for node in ast.walk(function) if _is_plain_call(node)]
            if {"print", "parse_args", "cli", "print_text"} & {*names, *_methods(function)}:
                first = function.body[1]  # below the docstring
                assert ast.unparse(first) == "take_any_text()", f"{module}.{function.name}"


def _is_plain_call(node: ast.AST) -> TypeGuard[Any]:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name)


def _methods(function: ast.FunctionDef) -> set[str]:
    return {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)}
