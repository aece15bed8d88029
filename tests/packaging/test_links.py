"""The link tree that shows type checkers the import names."""

import runpy
from pathlib import Path

import pytest

from .repository import FOLDERS, ROOT

SCRIPT = ROOT / "tools" / "link_packages.py"


@pytest.fixture
def links(tmp_path: Path) -> Path:
    """The tree of a checkout copied to `tmp_path`, with one right, one wrong and one old link."""
    (tmp_path / "tools").mkdir()
    for name in ("pyproject.toml", "tools/link_packages.py"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    for folder in FOLDERS:
        (tmp_path / folder).mkdir()
    made = tmp_path / ".typing" / "dirql"
    made.mkdir(parents=True)
    (made / "app").symlink_to(tmp_path / "app", target_is_directory=True)
    (made / "model").symlink_to(tmp_path / "app", target_is_directory=True)
    (made / "gone").symlink_to(tmp_path / "gone", target_is_directory=True)
    return made


def test_the_tree_agrees_with_the_map(links: Path, tmp_path: Path) -> None:
    for _ in range(2):
        runpy.run_path(str(tmp_path / "tools" / "link_packages.py"), run_name="__main__")
        assert sorted(item.name for item in links.iterdir()) == sorted(FOLDERS)
        assert all((links / folder).resolve() == tmp_path / folder for folder in FOLDERS)


def test_no_folder_is_removed_with_its_link(links: Path, tmp_path: Path) -> None:
    kept = tmp_path / "app" / "kept.py"
    kept.touch()
    runpy.run_path(str(tmp_path / "tools" / "link_packages.py"), run_name="__main__")
    assert kept.exists()
    assert links.exists()
