"""What `dirql check` says beside a verdict, kept with everything that it depends on.

Compiling a pattern takes longer than looking its verdict up. So the digest of the machine that a
question leads to is kept under the hash of all that goes into the compiler: the program as it was
captured, the scenario, the number of processors, knobs, properties, and the source of dirql.

Not the text of the pattern: with --run-module what it declares may depend on other files, the
clock, anything. So the pattern is loaded every time, and what came out is the key.
"""

import hashlib
from dataclasses import dataclass, replace

import msgspec

from dirql.explorer.engine import Engine
from dirql.explorer.remembering import Remembering, Verdicts
from dirql.explorer.storage import Kind, Storage
from dirql.explorer.verdict import Result
from dirql.model.kernel.knobs import Knobs
from dirql.model.language import Pattern
from dirql.model.machine import Machine
from dirql.model.scenario import Scenario

from . import toolbox
from .coverage import Unvisited
from .defaults import Default
from .identity import source_at_start, source_digest
from .not_asked import NotAsked
from .toolbox import EngineChoice


@dataclass(frozen=True, slots=True)
class Asked:
    """A question made concrete: all that decides which machine it is about.

    `properties` are those asked for, `None` for all; those that are `waived` are not among them.
    """

    pattern: Pattern
    scenario: Scenario
    processors: int
    knobs: Knobs
    properties: tuple[str, ...] | None
    waived: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Remark:
    """What an answer says beside the result.

    Attributes:
        scope: what a verdict covers, one phrase each.
        needed_knobs: knob settings, each of which the violation does not happen without.
        unvisited: lines that never ran.
        settled: whether no limit kept `needed_knobs` and `defaults` from being found.
        standstill: what hangs in the end and why.
        way: the transitions that lead there, behind the trace.
        cut: the crashes, not asked for, at which behaviours ended.
        not_asked: properties that ask nothing in this scenario.
        defaults: what becomes of a verdict `holds` with other answers to the questions of knobs.
        machine: the digest of the machine, where the remark is kept.
        unasked: why something of all this is missing; such a remark is not kept.
    """

    scope: tuple[str, ...]
    needed_knobs: tuple[tuple[str, str], ...] = ()
    unvisited: tuple[Unvisited, ...] = ()
    settled: bool = True
    standstill: str = ""
    way: tuple[int, ...] = ()
    not_asked: tuple[NotAsked, ...] = ()
    defaults: tuple[Default, ...] = ()
    machine: str = ""
    cut: tuple[str, ...] = ()
    unasked: str = ""


class Memory:
    """What is known from earlier checks; nothing, where nothing can be kept."""

    def __init__(self, storage: Storage | None, choice: EngineChoice) -> None:
        """Look into `storage` for answers of the engine that `choice` means."""
        self._source = source_at_start() if storage is not None else ""
        self._storage = storage if self._source else None
        self._choice = choice
        self._verdicts = (
            None
            if self._storage is None
            else Verdicts(self._storage, choice.name, self._source, source_digest)
        )

    def key(self, asked: Asked, *, compare_knobs: bool) -> bytes:
        """The name of the remark on `asked`.

        What the author expects changes neither machine nor remark.
        """
        if self._storage is None:
            return b""
        scenario = replace(asked.scenario, expect=())
        decides = (
            self._source,
            self._choice.name,
            compare_knobs,
            asked.pattern.program,
            scenario,
            asked.processors,
            asked.knobs,
            asked.properties,
            asked.waived,
        )
        return hashlib.sha256(repr(decides).encode()).digest()

    def remark(self, key: bytes) -> Remark | None:
        """The remark kept under `key`."""
        if self._storage is None:
            return None
        data = self._storage.read(Kind.ANSWER, key)
        if data is None:
            return None
        try:
            return msgspec.json.decode(data, type=Remark)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self._storage.remove(Kind.ANSWER, key)
            return None

    def holding(self, remark: Remark | None) -> Result | None:
        """The result that `remark` belongs to, if the machine is known to hold."""
        if remark is None or self._verdicts is None:
            return None
        return self._verdicts.holding(remark.machine)

    def engine(self, engine: Engine) -> Engine:
        """`engine`, asked only what is not known."""
        return engine if self._verdicts is None else Remembering(engine, self._verdicts)

    def confirmed(self, remark: Remark | None, machine: Machine) -> Remark | None:
        """`remark`, if it was made about `machine`."""
        if remark is None or remark.machine != toolbox.digest(machine):
            return None
        return remark

    def keep(self, key: bytes, remark: Remark, machine: Machine) -> None:
        """Keep `remark` on `machine`, if the source that made it is still the same."""
        if self._storage is None or not remark.settled or source_digest() != self._source:
            return
        whole = replace(remark, machine=toolbox.digest(machine))
        self._storage.write(Kind.ANSWER, key, msgspec.json.encode(whole))
