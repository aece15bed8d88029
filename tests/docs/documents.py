"""Documents with commands and their printed output.

A fenced `console` block holds commands (`$ dirql ...`) and what they print. A line `...` stands
for any lines. Times are not compared. A `python` block after `<!-- file: name.py -->` is a file
that the commands can use; a later block of the same name replaces it.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))

_FENCE = re.compile(
    r"(?:<!-- file: (?P<file>\S+) -->\n+)?```(?P<language>\w+)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_SECONDS = re.compile(r"\b\d+\.\d+ s\b")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, the file it is, its text, and where the text begins."""

    language: str
    file: str
    body: str
    start: int


def blocks(text: str) -> Iterator[Block]:
    """The fenced blocks of a document that are files or commands."""
    for found in _FENCE.finditer(text):
        yield Block(found["language"], found["file"] or "", found["body"], found.start("body"))


def commands(body: str) -> Iterator[tuple[str, str, int, int]]:
    """(command, printed output, where the output begins and ends) in a console block."""
    starts = [found.start() for found in re.finditer(r"^\$ ", body, flags=re.MULTILINE)]
    for start, end in zip(starts, [*starts[1:], len(body)], strict=True):
        line_end = body.index("\n", start) + 1
        yield body[start + 2 : line_end - 1], body[line_end:end], line_end, end


def run(command: str, folder: Path) -> str:
    """What a command prints, standard output and standard error together."""
    words = shlex.split(command)
    assert words[0] == "dirql", f"documents only run dirql, not {words[0]}"
    script = Path(sys.executable).with_name("dirql")
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    environment["DIRQL_CACHE_DIR"] = ""  # what is printed does not depend on what ran before
    environment.pop("FORCE_COLOR", None)
    done = subprocess.run(
        [str(script), *words[1:]],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    return done.stdout + done.stderr


def same(shown: str, printed: str) -> bool:
    """Whether a document shows what was printed, up to times and `...` lines."""
    parts = [
        _SECONDS.sub("T s", part.strip("\n"))
        for part in re.split(r"^\s*\.\.\.$\n?", shown, flags=re.MULTILINE)
    ]
    text = _SECONDS.sub("T s", printed).strip("\n")
    if len(parts) == 1:
        return parts[0].rstrip() == text.rstrip()
    if not text.startswith(parts[0]) or not text.rstrip().endswith(parts[-1].rstrip()):
        return False
    position = 0
    for part in parts:
        found = text.find(part, position)
        if found < 0:
            return False
        position = found + len(part)
    return True
