"""A machine as loaded machine code: the functions that a search calls."""

from collections.abc import Callable
from ctypes import CFUNCTYPE, addressof, c_int64, c_uint64, c_void_p
from dataclasses import dataclass
from typing import Any

from dirql.model.machine import Machine

from .assembly import module
from .cache import Cache, default_cache
from .codec import Layout, Words
from .core import Core
from .rounds import Rounds
from .steps import expansion
from .sweeps import Sweeps, chunks, mark_bits, steps_of
from .toolchain import Library, compile_text, target

_VOID = CFUNCTYPE(None, c_void_p)
_NUMBER = CFUNCTYPE(c_int64, c_void_p, c_void_p)
_OWNER = CFUNCTYPE(c_int64, c_void_p, c_int64)
_GATHER = CFUNCTYPE(c_int64, c_void_p, c_void_p, c_int64, c_int64)
_STATES = CFUNCTYPE(None, c_void_p, c_void_p, c_int64)
_WORK = CFUNCTYPE(None, c_void_p, c_int64, c_int64, c_int64)
_MISSING = CFUNCTYPE(None, c_void_p, c_void_p)
_SWEEP = CFUNCTYPE(c_int64, c_void_p, c_uint64, c_uint64, c_int64, c_int64, c_int64)


@dataclass(frozen=True, slots=True)
class ProgressCode:
    """Functions for up to `CHUNK` progress conditions: mark goals, find live states unmarked.

    Attributes:
        conditions: how many conditions these are.
        full: a complete mark: the goals of all of them can be reached.
        still: the mark of a quiescent state: the conditions whose goal it is.
        steps: the number that says which steps count.
        begin: marks the states where goals hold.
        missing: finds live states whose marks lack something.
    """

    conditions: int
    full: int
    still: int
    steps: int
    begin: Callable[[int], None]
    missing: Callable[[int, int], None]


class Program:
    """The compiled search of one machine. Calls release the interpreter lock.

    Attributes:
        layout: how states are packed.
        fingerprint: whether states of equal hashes are taken for one.
        room: the most successors that a state can have.
        progress: functions for the progress conditions.
        mark_size: bytes of a mark of a state, 0 without progress conditions.
    """

    def __init__(
        self, machine: Machine, cache: Cache | None = None, *, fingerprint: bool = False
    ) -> None:
        """Compile `machine`, or find it in `cache` (by default the user's).

        With `fingerprint` states of equal hashes are taken for one.

        Raises:
            NotCompilableError: a variable has too many values.
        """
        self.layout, self.fingerprint = Layout(machine), fingerprint
        made = expansion(machine, self.layout)
        self.room = made.room
        core = Core(self.layout.words, made.room, fingerprint=fingerprint)
        sweeps = Sweeps(machine, self.layout, core)
        functions = [*made.functions, *core.functions(), *sweeps.functions()]
        functions += Rounds(core).functions()
        code = (cache or default_cache()).fetch(module(functions), target(), compile_text)
        self._library = Library(code)
        self.explore: Callable[[int], None] = self._function(_VOID, "explore")
        self.inspect: Callable[[int], None] = self._function(_VOID, "inspect")
        self.rebuild: Callable[[int], None] = self._function(_VOID, "rebuild")
        self.scatter: Callable[[int], None] = self._function(_VOID, "scatter")
        self.gather: Callable[[int, int, int, int], int] = self._function(_GATHER, "gather")
        self.work: Callable[[int, int, int, int], None] = self._function(_WORK, "work")
        self.deal: Callable[[int, int, int], None] = self._function(_STATES, "deal")
        self.insert: Callable[[int, int, int], None] = self._function(_STATES, "insert")
        self.find: Callable[[int, int], int] = self._function(_NUMBER, "find")
        self._owner: Callable[[int, int], int] = self._function(_OWNER, "owner")
        self.predecessor: Callable[[int, int], int] = self._function(_NUMBER, "predecessor")
        self.progress = tuple(
            ProgressCode(
                len(items),
                (1 << len(items)) - 1,
                sum(item.quiescent << place for place, item in enumerate(items)),
                steps_of(items),
                self._function(_VOID, f"begin{chunk}"),
                self._function(_MISSING, f"missing{chunk}"),
            )
            for chunk, items in enumerate(chunks(machine))
        )
        self.mark_size = 0
        if machine.progress:
            self.mark_size = mark_bits(machine) // 8
            self.sweep: Callable[[int, int, int, int, int, int], int]
            self.sweep = self._function(_SWEEP, "sweep")

    def owner(self, words: Words, shards: int) -> int:
        """Which of so many shards owns the state `words`."""
        state = (c_uint64 * len(words))(*words)
        return self._owner(addressof(state), shards)

    def _function(self, prototype: Any, name: str) -> Any:  # noqa: ANN401 - ctypes has no types
        return prototype(self._library.address(name))
