"""Pages that tools write are what the tools would write now."""

import importlib.util
from pathlib import Path

import pytest

from .documents import ROOT


@pytest.mark.parametrize(
    ("tool", "page"),
    [("list_patterns", "patterns/README.md"), ("list_routines", "docs/kernel-routines.md")],
)
def test_page_is_current(tool: str, page: str) -> None:
    """`python tools/TOOL.py` would change nothing."""
    path = Path(ROOT, "tools", f"{tool}.py")
    specification = importlib.util.spec_from_file_location(tool, path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    assert Path(ROOT, page).read_text(encoding="utf-8") == module.page()
