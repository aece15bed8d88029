"""Which dirql this is: the hash of its own source.

A version number is not enough for results that are kept: it stays the same while a kernel rule or
an engine is being changed.
"""

import hashlib
import importlib.util
import sys
from functools import lru_cache
from importlib import import_module
from pathlib import Path

PACKAGES = ("dirql.app", "dirql.explorer", "dirql.model", "dirql.properties")


@lru_cache(maxsize=1)
def source_at_start() -> str:
    """`source_digest()` when it was first asked for: of the modules that this process runs."""
    return source_digest()


def source_digest() -> str:
    """SHA-256 of all source of dirql, of Python's version and LLVM's; empty if there is no source.

    It reads the files again each time. Who keeps a result asks before and after the work: only if
    both are equal was it surely this source that did it.
    """
    files = sorted(_sources())
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


def _sources() -> list[tuple[str, Path]]:
    """Each module of dirql, and what says which llvmlite is installed: names and files."""
    found: list[tuple[str, Path]] = []
    for package in PACKAGES:
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
