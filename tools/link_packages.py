"""Make `.typing/dirql`: a tree of directory links that shows type checkers the import names.

An editable install with a `package-dir` map works through an import hook, and type checkers do not
run hooks. The links say the same as the map, and are made from it, so that it is written once.
"""

import os
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINKS = ROOT / ".typing" / "dirql"


def link(target: Path, at: Path) -> None:
    """Make `at` lead to the folder `target`; on Windows by a junction, which needs no privilege."""
    if sys.platform == "win32":
        import _winapi

        _winapi.CreateJunction(str(target), str(at))
    else:
        at.symlink_to(os.path.relpath(target, at.parent), target_is_directory=True)


def unlink(at: Path) -> None:
    """Remove the link `at`, never what it leads to."""
    if sys.platform == "win32":
        at.rmdir()
    else:
        at.unlink()


def top_level_folders() -> dict[str, Path]:
    """The folder of each package directly under `dirql`; the inner packages come with them."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    folders = config["tool"]["setuptools"]["package-dir"]
    return {
        name.removeprefix("dirql."): ROOT / folder
        for name, folder in folders.items()
        if name.count(".") == 1
    }


def main() -> None:
    """Bring the links into agreement with the map in pyproject.toml; right ones stay untouched."""
    LINKS.mkdir(parents=True, exist_ok=True)
    folders = top_level_folders()
    for at in LINKS.iterdir():
        if at.resolve() != folders.get(at.name):
            unlink(at)
    for name, folder in folders.items():
        if not (LINKS / name).exists():
            link(folder, LINKS / name)


if __name__ == "__main__":
    main()
