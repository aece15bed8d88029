"""What is asked: one question for each pattern, scenario and number of processors."""

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from dirql.explorer.engine import NO_LIMITS, Limits
from dirql.model.visible import one_line

from . import toolbox
from .toolbox import EngineChoice

if TYPE_CHECKING:
    from dirql.model.language import Pattern

NO_MEMORY = "the computer has no more memory"
NO_CHOICE = EngineChoice()


@dataclass(frozen=True, slots=True)
class Options:
    """How to check, whatever the pattern.

    Attributes:
        properties: names to check; empty for the scenario's own choice, or all.
        processors: processor counts; empty for the scenario's own.
        knobs: (name, value) pairs that overrule the scenario's.
        limits: when to give up on one question.
        engine: which engine, and how it works.
        ignore: names of properties that are waived.
        compare_knobs: whether to look, after a violation, for the knobs it needs.
        run_module: whether the module level of the pattern runs as Python.
    """

    properties: tuple[str, ...] = ()
    processors: tuple[int, ...] = ()
    knobs: tuple[tuple[str, str], ...] = ()
    limits: Limits = NO_LIMITS
    engine: EngineChoice = NO_CHOICE
    compare_knobs: bool = True
    ignore: tuple[str, ...] = ()
    run_module: bool = False

    @property
    def watched(self) -> Limits:
        """What is watched while no search looks at it; a search that goes on in files may grow."""
        folders = self.engine.workspace
        spills = folders is not None and folders.spill is not None
        return replace(self.limits, memory=None) if spills else self.limits


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to check: plain data, so that another process can answer it."""

    pattern: str
    scenario: str
    processors: int
    options: Options

    @property
    def name(self) -> str:
        """A name for a folder of its own, the same each time the question is asked."""
        whole = f"{Path(self.pattern).resolve()}\n{self.scenario}\n{self.processors}"
        words = f"{Path(self.pattern).stem}-{self.scenario}-{self.processors}"
        plain = re.sub(r"[^A-Za-z0-9_-]+", "-", words)[:80]
        return f"{plain}-{hashlib.sha256(os.fsencode(whole)).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True)
class Failure:
    """A pattern that could not be asked; `message` says why and where."""

    pattern: str
    message: str


@dataclass(frozen=True, slots=True)
class Unread:
    """A pattern that was not read to the end, because of a limit.

    `question` is about all of it: no scenario, and no processors.
    """

    question: Question
    reason: str
    seconds: float


def pattern_files(paths: Iterable[Path]) -> tuple[Path, ...]:
    """`paths`, with each folder replaced by the Python files directly in it, sorted by name."""
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files += sorted(item for item in path.glob("*.py") if not item.name.startswith("_"))
        else:
            files.append(path)
    return tuple(dict.fromkeys(files))


@lru_cache(maxsize=1024)
def load(pattern: str, *, run_module: bool = False) -> "Pattern":
    """The pattern in file `pattern`, loaded once however many questions there are about it.

    With `run_module` its module level runs as Python.

    Raises:
        InputError: the file is not a pattern, uses something outside the language, or names a
            property or knob that does not exist.
    """
    from .names import refuse_unknown_names

    loaded = toolbox.load(Path(pattern), run_module=run_module)
    refuse_unknown_names(loaded)
    return loaded


def forget_patterns() -> None:
    """Load every pattern again when it is next asked about: its file may have changed."""
    load.cache_clear()


def plan(
    files: Sequence[Path], options: Options, say: Callable[[str], None] | None = None
) -> tuple[Question | Failure | Unread, ...]:
    """The questions of all patterns, in order; a file that is no pattern becomes a failure.

    `say` is told which file is read.
    """
    from dirql.explorer.patience import LimitReached, Patience

    planned: list[Question | Failure | Unread] = []
    for file in files:
        if say is not None:
            say(f"reading {one_line(str(file))}")
        patience = Patience(options.watched)
        try:
            with patience:
                pattern = load(str(file), run_module=options.run_module)
        except toolbox.InputError as problem:
            planned.append(Failure(str(file), str(problem)))
        except (LimitReached, MemoryError) as limit:
            if isinstance(limit, LimitReached) and not patience.exhausted:
                raise  # somebody else's
            what = limit if isinstance(limit, LimitReached) else NO_MEMORY
            reason = f"{what} while the pattern was read"
            planned.append(Unread(Question(str(file), "", 0, options), reason, patience.seconds))
        else:
            planned += [
                Question(str(file), scenario.name, processors, options)
                for scenario in pattern.scenarios
                for processors in options.processors or scenario.processors
            ]
    return tuple(planned)
