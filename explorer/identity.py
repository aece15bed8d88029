"""Which dirql this is: the hash of its own source.

A version number is not enough for results that are kept: it stays the same while a kernel rule or
an engine is being changed.
"""

import hashlib
import importlib.util
import sys
from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module
from pathlib import Path

ENGINE = ("dirql.explorer", "dirql.model")


@lru_cache(maxsize=1)
def engine_digest() -> str:
    """`digest_of` what decides which states of a machine are found, as it was at first."""
    return digest_of(ENGINE)


def digest_of(packages: Sequence[str]) -> str:
    """SHA-256 of the source of `packages`, of Python's version and LLVM's; empty without source.

    It reads the files again each time.
    """
    files = sorted(_sources(packages))
    if not files:
        return ""
    total = hashlib.sha256(f"{sys.version}\n{sys.byteorder}\n".encode())
    try:
        for name, path in files:
            content = path.read_bytes()
            total.update(f"{name} {len(content)}\n".encode())
            total.update(content)
    except OSError:
        return ""
    return total.hexdigest()


def _sources(packages: Sequence[str]) -> list[tuple[str, Path]]:
    """Each module of `packages`, and what says which llvmlite is installed: names and files."""
    found: list[tuple[str, Path]] = []
    for package in packages:
        file = import_module(package).__file__
        if file is None:
            return []
        folder = Path(file).parent
        modules = sorted(folder.rglob("*.py"))
        if folder / "__init__.py" not in modules:
            return []
        found += [(f"{package}/{path.relative_to(folder).as_posix()}", path) for path in modules]
    llvmlite = importlib.util.find_spec("llvmlite")
    if llvmlite is not None and llvmlite.origin:
        version = Path(llvmlite.origin).with_name("_version.py")
        found += [("llvmlite", version)] if version.exists() else []
    return found
