"""What the tests of this folder ask of the checkout: its packages, modules and imports."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("app", "explorer", "model", "properties")
CONTRACTS = (
    "explorer/engine.py",
    "explorer/trace.py",
    "explorer/verdict.py",
    "model/domain.py",
    "model/expr.py",
    "model/access.py",
    "model/machine.py",
    "model/routine.py",
    "model/scenario.py",
    "model/source.py",
    "model/system.py",
)


def setuptools_settings() -> dict[str, Any]:
    """The table `tool.setuptools` of pyproject.toml."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    settings: dict[str, Any] = config["tool"]["setuptools"]
    return settings


def modules() -> list[str]:
    """Every Python file of the product, as a path relative to the checkout."""
    return sorted(
        path.relative_to(ROOT).as_posix()
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
    )


def package_folders() -> list[str]:
    """Every folder of the product that holds Python files."""
    return sorted({str(Path(module).parent.as_posix()) for module in modules()})


def package_of(module: str) -> str:
    """The package a file belongs to: `model/kernel/rule.py` is in `dirql.model.kernel`."""
    return "dirql." + Path(module).parent.as_posix().replace("/", ".")


def imports(module: str) -> Iterator[tuple[int, str]]:
    """(line, absolute name) of everything `module` imports, at its top or inside functions.

    `from x import y` gives `x` and `x.y`, because only the file system knows which is a module.
    """
    tree = ast.parse((ROOT / module).read_text(encoding="utf-8"), filename=module)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = absolute(node, module)
            yield (node.lineno, origin)
            yield from ((node.lineno, f"{origin}.{alias.name}") for alias in node.names)


def absolute(node: ast.ImportFrom, module: str) -> str:
    """The absolute name of the module that `node` imports from."""
    if node.level == 0:
        return node.module or ""
    parts = package_of(module).split(".")
    base = parts[: len(parts) - (node.level - 1)]
    return ".".join([*base, node.module] if node.module else base)
