"""Loading a pattern file: read its module level, capture its driver, convert its scenarios."""

import ast
import importlib.util
import itertools
import sys
import warnings
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from traceback import walk_tb
from types import TracebackType
from typing import cast

from ..driver import Program
from ..kernel import CONSTANTS, ROUTINES
from ..machine import Source
from ..scenario import Scenario
from .capture import Started, capture_program
from .declarations import Driver
from .errors import (
    EXPECTATION,
    IMPORT_FAILED,
    MODULE_FAILED,
    NO_DRIVER,
    NO_SCENARIO,
    NOT_PYTHON,
    SCENARIO,
    TWO_DRIVERS,
    MisuseError,
    PatternError,
)
from .evaluation import explained
from .kinds import Kind
from .layout import Layout
from .reading import read_module
from .scenarios import MADE, At, Call, Routines, ScenarioDeclaration, convert
from .source import SourceFile, read_source
from .tables import Tables, captured_names
from .twice import refuse_names_given_twice

MODULE = "dirql_pattern"
_COUNTER = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A loaded pattern. `story` is the module's documentation string, `name` the file's stem."""

    path: Path
    name: str
    story: str
    program: Program
    scenarios: tuple[Scenario, ...]


def load_pattern(path: Path, tables: Tables | None = None, *, run_module: bool = False) -> Pattern:
    """Load the pattern at `path`.

    Its module level is read. With `run_module` it runs as Python instead: do that only with files
    you would run. `tables` replaces the kernel's routines and constants.

    Raises:
        PatternError: the file is no pattern, or something in it is wrong; the message says where.
    """
    source = read_source(path)
    try:
        return _load(path, source, kernel_tables() if tables is None else tables, run_module)
    except RecursionError:
        raise PatternError(
            "something in this file is nested too deeply",
            source.path,
            hint="split long expressions into several statements",
            code=NOT_PYTHON,
        ) from None


def kernel_tables() -> Tables:
    """The kernel routines and constants that dirql knows."""
    return Tables.of(ROUTINES, CONSTANTS)


def _load(path: Path, source: SourceFile, tables: Tables, run_module: bool) -> Pattern:  # noqa: FBT001
    refuse_names_given_twice(source)
    MADE.clear()
    if run_module:
        names = _execute(source, tables)
    else:
        names = read_module(source, {"__name__": MODULE, **captured_names(tables)})
    driver = _driver(source, names)
    declared = _declared_scenarios(source, names, driver)
    program, layout = capture_program(
        driver, source, names, tables, tuple(_started(declared)), tuple(_starts(declared))
    )
    routines = _routines(driver, layout, program)
    scenarios = tuple(
        _converted(source, item, name, routines, names.get("expect")) for name, item in declared
    )
    story = ast.get_docstring(source.tree) or ""
    return Pattern(path, path.stem, story, program, scenarios)


def _execute(source: SourceFile, tables: Tables) -> dict[str, object]:
    """Run the module level under a name of its own; its namespace."""
    name = f"{MODULE}_{next(_COUNTER)}"
    specification = importlib.util.spec_from_loader(name, loader=None, origin=source.path)
    if specification is None:
        raise PatternError("the module cannot be made", source.path, code=MODULE_FAILED)
    module = importlib.util.module_from_spec(specification)
    module.__file__ = source.path
    names: dict[str, object] = module.__dict__
    names.update(captured_names(tables))
    sys.modules[name] = module
    try:
        with _guarded(source, names), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(source.text, source.path, "exec"), names)  # noqa: S102  (documented)
    finally:
        del sys.modules[name]
    return names


@contextmanager
def _guarded(source: SourceFile, names: Mapping[str, object]) -> Generator[None]:
    """Turn whatever the pattern's module level raises into a `PatternError` at its line."""
    try:
        yield
    except PatternError:
        raise
    except MisuseError as problem:
        line = _line_in(source, problem.__traceback__)
        raise source.error_at_line(problem.code, problem.message, line, problem.hint) from None
    except ImportError as problem:
        line = _line_in(source, problem.__traceback__)
        hint = "a pattern needs only: from dirql.model.wdk import *"
        message = f"an import failed: {problem}"
        raise source.error_at_line(IMPORT_FAILED, message, line, hint) from None
    except KeyboardInterrupt:
        raise
    except BaseException as problem:  # noqa: BLE001  (a pattern may do anything)
        line = _line_in(source, problem.__traceback__)
        message, hint = explained(problem, names)
        raise source.error_at_line(MODULE_FAILED, message, line, hint) from None


def _line_in(source: SourceFile, trace: TracebackType | None) -> int:
    """The last line of the pattern that was running."""
    lines = [line for frame, line in walk_tb(trace) if frame.f_code.co_filename == source.path]
    return lines[-1] if lines else 0


def _driver(source: SourceFile, names: dict[str, object]) -> type[Driver]:
    """The one driver class that no other is derived from."""
    found = [
        item
        for item in dict.fromkeys(
            item for item in names.values() if isinstance(item, type) and issubclass(item, Driver)
        )
        if item is not Driver
    ]
    leaves = [item for item in found if not any(item in other.__mro__[1:] for other in found)]
    if not leaves:
        raise source.error(
            NO_DRIVER,
            "there is no driver in this file",
            None,
            "a pattern has a class derived from Driver: class Pcidrv(Driver): ...",
        )
    if len(leaves) > 1:
        shown = " and ".join(item.__name__ for item in leaves)
        raise source.error(
            TWO_DRIVERS,
            f"there is more than one driver in this file: {shown}",
            source.assignment(leaves[1].__name__),
            "put each driver into a file of its own",
        )
    return leaves[0]


def _declared_scenarios(
    source: SourceFile, names: dict[str, object], driver: type[Driver]
) -> list[tuple[str, ScenarioDeclaration]]:
    """The scenarios with their names, from the module level or else the driver class."""
    single = names.get("scenario", getattr(driver, "scenario", None))
    several = names.get("scenarios", getattr(driver, "scenarios", None))
    hint = "scenario = Scenario(start=Pcidrv.StartDevice, concurrently=[Pcidrv.PowerDown])"
    if single is None and several is None:
        raise source.error(NO_SCENARIO, "there is no scenario in this file", None, hint)
    listed: list[object] = [] if single is None else [single]
    if isinstance(several, list | tuple):
        listed += list(cast("list[object]", several))
    elif several is not None:
        listed.append(None)
    if not listed:
        place = source.assignment("scenarios")
        raise source.error(NO_SCENARIO, "the list of scenarios is empty", place, hint)
    found: list[tuple[str, ScenarioDeclaration]] = []
    for number, item in enumerate(listed, 1):
        if not isinstance(item, ScenarioDeclaration):
            place = source.assignment("scenario" if single is item else "scenarios")
            raise source.error(SCENARIO, "this is not a Scenario", place, hint)
        default = "scenario" if len(listed) == 1 else f"scenario-{number}"
        name = item.name or default
        if any(name == known for known, _ in found):
            place = source.assignment("scenarios")
            message = f"two scenarios are called {name}"
            raise source.error(SCENARIO, message, place, 'Scenario(name="stop", ...)')
        found.append((name, item))
    _nothing_beside(source, names, listed)
    return found


def _made_here(source: SourceFile) -> Iterator[ScenarioDeclaration]:
    """The scenarios that the file itself made, whatever became of them."""
    return (item for file, item in MADE if file == source.path)


def _nothing_beside(source: SourceFile, names: dict[str, object], listed: list[object]) -> None:
    """Refuse a scenario that nobody would check, because it is not in the list."""
    called = {id(value): name for name, value in names.items()}
    for item in _made_here(source):
        if any(item is known for known in listed):
            continue
        name = called.get(id(item), "")
        raise source.error_at_line(
            SCENARIO,
            f"{name or 'this'} is a Scenario, but only `scenario` and those in `scenarios` are "
            "checked" + ("" if name else ", and it is neither, or was replaced"),
            item.line,
            f"scenarios = [Scenario(...), {name or 'Scenario(...)'}]",
        )


def _started(declared: list[tuple[str, ScenarioDeclaration]]) -> Iterator[Started]:
    """The routines that scenarios give arguments to, and what kinds of."""
    for _, item in declared:
        for entry in (item.start, item.finally_, *item.concurrently):
            inner = entry.entry if isinstance(entry, At) else entry
            if isinstance(inner, Call):
                kinds = (Kind.INTEGER if isinstance(x, int) else Kind.NAME for x in inner.arguments)
                yield str(getattr(inner.routine, "__name__", "")), tuple(kinds)


def _starts(declared: list[tuple[str, ScenarioDeclaration]]) -> Iterator[str]:
    """The routines that scenarios start with, and give nothing to."""
    for _, item in declared:
        routine = item.start.entry if isinstance(item.start, At) else item.start
        yield str(getattr(routine, "__name__", ""))


def _routines(driver: type[Driver], layout: Layout, program: Program) -> Routines:
    functions = {
        function: name
        for name, function in layout.driver.routines.items()
        if name not in layout.driver.claims
    }
    parameters = {item.name: item.parameters for item in program.routines}
    domains = {item.name: dict(item.domains) for item in program.routines}
    objects = {id(getattr(driver, name)): inner for name, inner in layout.driver.members.items()}
    return Routines(driver.__name__, functions, parameters, domains, objects)


def _converted(
    source: SourceFile,
    declared: ScenarioDeclaration,
    name: str,
    routines: Routines,
    default: object,
) -> Scenario:
    try:
        found = convert(declared, name, routines, default)
        line = declared.line
        return replace(found, source=Source(source.path, line, text=source.line(line)))
    except MisuseError as problem:
        place = source.assignment("expect") if problem.code == EXPECTATION else None
        line = (
            declared.line
            if declared.expect is not None or place is None
            else getattr(place, "lineno", 0)
        )
        raise source.error_at_line(problem.code, problem.message, line, problem.hint) from None
