"""The few things the command line asks of the other folders, each imported when first used.

Importing here and not at the top keeps `dirql --help` fast, and gives tests one place where a
stand-in can be put.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dirql.explorer.engine import Engine
    from dirql.explorer.storage import Storage
    from dirql.explorer.trace import Trace
    from dirql.explorer.workspace import Workspace
    from dirql.model.kernel.knobs import Knobs
    from dirql.model.language import Pattern
    from dirql.model.machine import Machine
    from dirql.model.scenario import Scenario
    from dirql.model.system import System

ENGINES = ("auto", "native", "reference")


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """Which engine, and how it works: what never changes an answer.

    Attributes:
        name: one of `ENGINES`.
        cache: whether compiled code and finished verdicts are kept and used.
        workers: threads of the native engine.
        workspace: where the native engine may keep what does not fit into memory, or must last.
    """

    name: str = "auto"
    cache: bool = False
    workers: int = 1
    workspace: "Workspace | None" = None


class InputError(Exception):
    """A pattern, or a trace of one, cannot be used; the message is complete."""


def load(path: Path, *, run_module: bool = False) -> "Pattern":
    """The pattern in file `path`; with `run_module` its module level runs as Python.

    Raises:
        InputError: the file is not a pattern, or uses something outside the language.
    """
    from dirql.model.language import PatternError, load_pattern

    try:
        return load_pattern(path, run_module=run_module)
    except PatternError as error:
        raise InputError(str(error)) from error


def compile_scenario(
    pattern: "Pattern", scenario: "Scenario", processors: int, knobs: "Knobs"
) -> "System":
    """The system of one scenario on `processors` processors.

    Raises:
        InputError: the driver does something the kernel model cannot give a meaning to.
    """
    from dirql.model.compiler import compile_system
    from dirql.model.language import PatternError

    try:
        return compile_system(pattern.program, scenario, processors, knobs)
    except PatternError as error:
        raise InputError(str(error)) from error


def engine(choice: EngineChoice, question: str = "") -> "Engine":
    """The engine that `choice` describes; what rests on unknown values is settled.

    It keeps checkpoints under the name of the `question`; without one it keeps none.
    """
    from dirql.explorer.assumptions import Settled

    folders = choice.workspace
    if folders is None or folders.checkpoint is None:
        return Settled(_bare_engine(choice))
    again = replace(choice, workspace=replace(folders, checkpoint=None, resume=False))
    if question:
        own = replace(folders, checkpoint=folders.checkpoint / question)
        choice = replace(choice, workspace=own)
        return Settled(_bare_engine(choice), _bare_engine(again))
    return Settled(_bare_engine(again))


def _bare_engine(choice: EngineChoice) -> "Engine":
    """The engine as it is."""
    # The reference explorer would give up where the native engine goes on.
    spills = choice.workspace is not None and choice.workspace.spill is not None
    if choice.name == "native" or (choice.name == "auto" and spills):
        return _native(choice)
    from dirql.explorer.reference import ReferenceEngine

    if choice.name == "reference":
        return ReferenceEngine()
    from dirql.explorer.handover import Handover

    return Handover(ReferenceEngine(), lambda: _native(choice))


def _native(choice: EngineChoice) -> "Engine":
    """The native engine: the one place where it is made."""
    from dirql.explorer.native import NativeEngine, NoCache, default_cache
    from dirql.explorer.workspace import IN_MEMORY

    cache = default_cache() if choice.cache else NoCache()
    return NativeEngine(cache, choice.workers, choice.workspace or IN_MEMORY)


def storage(choice: EngineChoice) -> "Storage | None":
    """Where finished verdicts are kept, if they are."""
    from dirql.explorer.storage import Storage, default_folder

    folder = default_folder() if choice.cache else None
    return None if folder is None else Storage(folder)


def digest(machine: "Machine") -> str:
    """The stable digest of a machine, as it stands in traces."""
    from dirql.model.digest import digest as of_machine

    return of_machine(machine)


def verify(machine: "Machine", trace: "Trace") -> "Trace":
    """Execute `trace` on `machine` again and write it down anew.

    Raises:
        InputError: it is not a behaviour of the machine, or ends in no violation.
    """
    from dirql.explorer.replay import ReplayError, recorded

    try:
        return recorded(machine, trace)
    except ReplayError as error:
        raise InputError(str(error)) from error
