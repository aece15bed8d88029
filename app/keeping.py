"""`dirql cache` and `dirql warm`: what is kept for the next time, and making it ahead."""

import time
from collections.abc import Sequence
from pathlib import Path

import click

from dirql.explorer.storage import FOLDER_VARIABLE, Kind, Storage, default_folder, is_private
from dirql.model.visible import one_line

from .progress import working
from .report import count

NOWHERE = f"There is no folder for a cache: set {FOLDER_VARIABLE} to one that only you can enter."

WORDS = {
    Kind.CODE: "compiled machines",
    Kind.VERDICT: "verdicts",
    Kind.ANSWER: "answers about patterns",
}


def cache_text() -> str:
    """Where the cache is, and what is in it."""
    folder = default_folder()
    if folder is None:
        return NOWHERE
    storage = Storage(folder)
    lines = [str(folder)]
    for kind, words in WORDS.items():
        found = storage.contents(kind)
        lines.append(f"  {words}: {found.entries:,}, {size(found.size)}")
    if folder.is_dir() and not is_private(folder):
        lines.append(f"It is not used, because others can enter it: chmod 700 {folder}")
    return "\n".join(lines)


def clear_cache() -> str:
    """Remove everything that is kept; returns what to tell the user."""
    folder = default_folder()
    if folder is None:
        return NOWHERE
    removed = Storage(folder).clear()
    return f"{folder}: {removed:,} {'entry' if removed == 1 else 'entries'} removed"


def warm(paths: Sequence[Path], processors: tuple[int, ...], *, run_module: bool = False) -> str:
    """Compile all that `dirql check` with the native engine will need for the patterns at `paths`.

    Returns:
        what was done, for the user.

    Raises:
        InputError: a file is not a pattern, or cannot be compiled.
    """
    from dirql.explorer.native import Cache
    from dirql.explorer.native.program import Program

    from .answers import prepare
    from .questions import Failure, Options, Unread, pattern_files, plan
    from .toolbox import InputError

    folder = default_folder()
    if folder is None:
        raise click.UsageError(NOWHERE)
    started = time.monotonic()
    cache = Cache(folder)
    questions = plan(pattern_files(paths), Options(processors=processors, run_module=run_module))
    for question in questions:
        if isinstance(question, Failure):
            raise InputError(question.message)
        if isinstance(question, Unread):
            raise InputError(f"{one_line(question.question.pattern)}: {question.reason}")
        machine = prepare(question).machine
        with working(f"compiling {question.pattern} to machine code"):
            Program(machine, cache)
    seconds = time.monotonic() - started
    there = len(questions) - cache.made
    return f"{folder}: {count(cache.made, 'machine')} compiled in {seconds:.2f} s" + (
        f", {there:,} {'was' if there == 1 else 'were'} there" if there else ""
    )


def size(number: int) -> str:
    """`512 bytes`, `3.4 MB`."""
    if number < 10**4:
        return count(number, "byte")
    return f"{number / 10**6:,.1f} MB"
