"""Data flows one way: who may import whom."""

import ast

import pytest

from .repository import FOLDERS, ROOT, imports, modules, package_of

ALLOWED = {
    "dirql.app": ("dirql.app", "dirql.explorer", "dirql.properties", "dirql.model"),
    "dirql.explorer": ("dirql.explorer", "dirql.properties", "dirql.model"),
    "dirql.properties": ("dirql.properties", "dirql.model"),
    "dirql.model": ("dirql.model",),
}
FORBIDDEN = {
    "dirql.model.kernel": ("dirql.model.language", "dirql.model.compiler"),
    "dirql.model.language": ("dirql.model.compiler",),
}


def inside(name: str, packages: tuple[str, ...]) -> bool:
    """Whether the module `name` is one of `packages` or lies in one."""
    return any(name == package or name.startswith(package + ".") for package in packages)


@pytest.mark.parametrize("module", modules())
def test_imports_point_only_downwards(module: str) -> None:
    package = package_of(module)
    layer = ".".join(package.split(".")[:2])
    wrong = [
        f"{module}:{line} imports {name}"
        for line, name in imports(module)
        if name.startswith("dirql.")
        and (not inside(name, ALLOWED[layer]) or inside(name, FORBIDDEN.get(package, ())))
    ]
    assert wrong == []


@pytest.mark.parametrize("module", modules())
def test_no_module_is_imported_under_a_second_name(module: str) -> None:
    """`import model` from the checkout works, and is another copy with other classes."""
    wrong = [
        f"{module}:{line} imports {name}" for line, name in imports(module) if inside(name, FOLDERS)
    ]
    assert wrong == []


@pytest.mark.parametrize("module", modules())
def test_imports_inside_a_folder_are_relative(module: str) -> None:
    """Type checkers know a file by its path; imported by its full name it would be another."""
    layer = ".".join(package_of(module).split(".")[:2])
    tree = ast.parse((ROOT / module).read_text(encoding="utf-8"))
    wrong = [
        f"{module}:{node.lineno} imports {node.module}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and node.level == 0
        and inside(node.module or "", (layer,))
    ]
    assert wrong == []
