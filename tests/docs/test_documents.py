"""The documentation prints what the program prints.

`DIRQL_RECORD=1 python -m pytest tests/docs` writes the real output into the documents, except where
a document leaves lines out with `...`.
"""

import os
import re
import shutil
from pathlib import Path

import pytest

from .documents import DOCUMENTS, ROOT, blocks, commands, run, same


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_printed_output(document: Path, tmp_path: Path) -> None:
    """Each command prints what the document shows."""
    shutil.copytree(ROOT / "patterns", tmp_path / "patterns")
    text = document.read_text(encoding="utf-8")
    edits: list[tuple[int, int, str]] = []
    for block in blocks(text):
        if block.file:
            (tmp_path / block.file).write_text(block.body, encoding="utf-8")
        if block.language != "console":
            continue
        for command, shown, start, end in commands(block.body):
            printed = run(command, tmp_path)
            if same(shown, printed):
                continue
            assert os.environ.get("DIRQL_RECORD"), f"$ {command}\n{printed}"
            assert "\n...\n" not in f"\n{shown}", f"write this one by hand:\n{printed}"
            edits.append((block.start + start, block.start + end, f"{printed.rstrip()}\n"))
    for start, end, printed in reversed(edits):
        text = text[:start] + printed + text[end:]
    if edits:
        document.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_links(document: Path) -> None:
    """Links to files of the repository lead somewhere."""
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if "://" not in target:
            assert (document.parent / target).exists(), target
