"""The package list of pyproject.toml is what lies in the folders.

A package that is missing in the list works in an editable install and is missing from the wheel.
"""

from pathlib import Path

from .repository import ROOT, package_folders, setuptools_settings


def test_every_folder_with_modules_is_a_listed_package() -> None:
    expected = ["dirql." + folder.replace("/", ".") for folder in package_folders()]
    assert setuptools_settings()["packages"] == sorted(expected)


def test_the_map_leads_each_package_to_its_folder() -> None:
    expected = {"dirql." + folder.replace("/", "."): folder for folder in package_folders()}
    assert setuptools_settings()["package-dir"] == expected


def test_every_package_says_that_it_is_typed() -> None:
    missing = [folder for folder in package_folders() if not (ROOT / folder / "py.typed").is_file()]
    assert missing == []


def test_every_package_has_an_init_file() -> None:
    missing = [
        folder for folder in package_folders() if not (ROOT / folder / "__init__.py").is_file()
    ]
    assert missing == []


def test_no_folder_hides_the_installed_package() -> None:
    assert not (ROOT / "dirql").exists()


def test_every_folder_with_tests_is_a_package() -> None:
    folders = {path.parent for path in (ROOT / "tests").rglob("*.py")}
    missing = [str(folder) for folder in folders if not Path(folder, "__init__.py").is_file()]
    assert missing == []
