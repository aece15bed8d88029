"""An engine that remembers: finished verdicts, kept under the hash of their machine.

Only what is finished is kept: an engine that was stopped by a limit has not answered, and a limit
of the model may be lifted. A finished answer is the answer for any limits.

What is read back is believed as little as possible. `storage.py` refuses what is damaged. Of a
violation only the first state and the numbers of the steps are kept: the trace is made anew from
the machine at hand, with its source lines, and must lead to its violation when it is replayed. That
every state was explored and nothing found cannot be seen again without exploring; for that the
entry's checksum and its name must do, of which the source of this dirql is a part.
"""

import hashlib
from collections.abc import Callable

import msgspec

from dirql.model.digest import digest
from dirql.model.domain import Value
from dirql.model.machine import Machine

from .engine import NO_LIMITS, Engine, Limits, Snapshot
from .evaluate import Evaluator
from .recording import Recorder
from .replay import replay
from .storage import Kind, Storage
from .trace import Trace, Violation
from .verdict import Holds, Result, Statistics, Violated

MOST_STATES_REPLAYED = 20_000
"""A stuck context is replayed by exploring all that follows; in larger spaces it is not kept."""


class _Path(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A violation: where it begins, the transitions taken, what is wrong in the end."""

    initial: tuple[bool | int | str, ...]
    steps: tuple[int, ...]
    violation: Violation


class _Entry(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A result. `path` is missing where the machine holds."""

    machine: str
    engine: str
    scope: tuple[str, ...]
    path: _Path | None
    states: int
    transitions: int
    depth: int
    complete: bool
    seconds: float
    taken: tuple[int, ...]


class Verdicts:
    """Finished verdicts of the engine that was asked as `asked` (`auto`, `native`...)."""

    def __init__(
        self, storage: Storage, asked: str, source: str, source_now: Callable[[], str]
    ) -> None:
        """Keep them in `storage`.

        `source` is the hash of the dirql that runs, empty if that is not known: then nothing is
        kept. `source_now` gives the hash again after a search, when the files may be others.
        """
        self._storage, self._asked = storage, asked
        self._source, self._source_now = source, source_now

    def holding(self, machine: str) -> Result | None:
        """The result for the machine with this digest, if it is known to hold."""
        entry = self._read(machine)
        return None if entry is None or entry.path is not None else _result(entry, None)

    def recall(self, machine: Machine) -> Result | None:
        """The result for `machine`, if it is known and can be confirmed."""
        name = digest(machine)
        entry = self._read(name)
        if entry is None:
            return None
        try:
            if any(not 0 <= index < len(machine.transitions) for index in entry.taken):
                raise ValueError("there is no such transition")  # noqa: TRY301
            trace = None if entry.path is None else _trace(machine, entry.path)
        except (ValueError, ArithmeticError, LookupError, TypeError):  # whatever is in there
            self._storage.remove(Kind.VERDICT, self._key(name))
            return None
        return _result(entry, trace)

    def keep(self, machine: Machine, result: Result) -> None:
        """Keep `result`, if it is finished and the source that found it is still the same."""
        if not _is_final(machine, result) or not self._source or self._source_now() != self._source:
            return
        name, found = digest(machine), result.statistics
        entry = _Entry(
            machine=name,
            engine=result.engine,
            scope=result.verdict.scope if isinstance(result.verdict, Holds) else (),
            path=_path(result.verdict.trace) if isinstance(result.verdict, Violated) else None,
            states=found.states,
            transitions=found.transitions,
            depth=found.depth,
            complete=found.complete,
            seconds=found.seconds,
            taken=tuple(sorted(found.taken)),
        )
        try:
            data = msgspec.json.encode(entry)
        except OverflowError:  # a number that JSON is not read back with
            return
        self._storage.write(Kind.VERDICT, self._key(name), data)

    def _key(self, machine: str) -> bytes:
        return hashlib.sha256(f"{self._source} {self._asked} {machine}".encode()).digest()

    def _read(self, machine: str) -> _Entry | None:
        if not self._source:
            return None
        key = self._key(machine)
        data = self._storage.read(Kind.VERDICT, key)
        if data is None:
            return None
        try:
            entry = msgspec.json.decode(data, type=_Entry)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            entry = None
        if entry is None or entry.machine != machine or (entry.path is None and not entry.complete):
            self._storage.remove(Kind.VERDICT, key)
            return None
        return entry


class Remembering:
    """An engine in front of which stands what it has found before."""

    def __init__(self, engine: Engine, verdicts: Verdicts) -> None:
        """Ask `engine` what is not in `verdicts`."""
        self._engine, self._verdicts = engine, verdicts
        self.name = engine.name

    def check(
        self,
        machine: Machine,
        limits: Limits = NO_LIMITS,
        watch: Callable[[Snapshot], None] | None = None,
    ) -> Result:
        """What is known of `machine`, or what the engine says."""
        found = self._verdicts.recall(machine)
        if found is None:
            found = self._engine.check(machine, limits, watch)
            self._verdicts.keep(machine, found)
        return found


def _is_final(machine: Machine, result: Result) -> bool:
    if result.limited or result.cached:
        return False
    match result.verdict:
        case Holds():
            return result.statistics.complete
        case Violated(name, _):
            stuck = any(name == item.property for item in machine.progress)
            return not stuck or result.statistics.states <= MOST_STATES_REPLAYED
        case _:
            return False


def _path(trace: Trace) -> _Path:
    initial = tuple(value for _, value in trace.initial)
    return _Path(initial, tuple(step.transition for step in trace.steps), trace.violation)


def _trace(machine: Machine, path: _Path) -> Trace:
    """The trace along `path`, recorded and replayed on `machine`.

    Raises:
        ValueError: it is not a way through this machine, or does not end in its violation.
    """
    first = _first(machine, path.initial)
    if any(not 0 <= index < len(machine.transitions) for index in path.steps):
        raise ValueError("there is no such transition")
    evaluator = Evaluator(machine)
    states = [first]
    for index in path.steps[: len(path.steps) - path.violation.at_step]:
        states.append(evaluator.after(machine.transitions[index])(states[-1]))
    trace = Recorder(machine, evaluator).trace(states, path.steps, path.violation)
    replay(machine, trace)
    return trace


def _first(machine: Machine, values: tuple[Value, ...]) -> tuple[Value, ...]:
    for variable, value in zip(machine.variables, values, strict=True):
        if not any(value == item and type(value) is type(item) for item in variable.initial):
            raise ValueError(f"{variable.name!r} does not start with {value!r}")
    return values


def _result(entry: _Entry, trace: Trace | None) -> Result:
    statistics = Statistics(
        states=entry.states,
        transitions=entry.transitions,
        depth=entry.depth,
        complete=entry.complete,
        seconds=entry.seconds,
        taken=frozenset(entry.taken),
    )
    verdict = Holds(entry.scope) if trace is None else Violated(trace.violation.property, trace)
    return Result(verdict, statistics, entry.engine, cached=True)
