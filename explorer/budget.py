"""Time and memory of a running search: when to stop, and when to tell whoever is watching."""

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from .engine import Limits, Snapshot
from .processes import CHILDREN
from .verdict import Unknown

_EVERY = 128
"""States between two looks at the clock: far under a tenth of a second."""

_SECONDS_BETWEEN_SNAPSHOTS = 0.1


class Budget:
    """Compares a search with its limits.

    Attributes:
        exhausted: what ran out, in words; empty while nothing has.
    """

    def __init__(self, limits: Limits, watch: Callable[[Snapshot], None] | None) -> None:
        """Start the clock."""
        self.exhausted = ""
        self._limits = limits
        self._watch = watch
        self._started = time.monotonic() if limits.since is None else limits.since
        self._shown = self._started
        self._calls = 0

    @property
    def seconds(self) -> float:
        """How long the search has taken."""
        return time.monotonic() - self._started

    def spent(self, states: int, transitions: int, depth: int, frontier: int) -> bool:
        """Say whether to stop; called for each state, and cheap."""
        self._calls += 1
        if self._calls % _EVERY == 1 and not self.exhausted:
            self.look(states, transitions, depth, frontier)
        return bool(self.exhausted)

    def full(self, states: int) -> bool:
        """Say whether there is no room for one more than `states` states."""
        if self._limits.states is None or states < self._limits.states:
            return False
        self.exhausted = f"the limit of {_states(self._limits.states)} was reached"
        return True

    def look(self, states: int, transitions: int, depth: int, frontier: int) -> None:
        """Compare with the limits now, and show where the search is."""
        now = time.monotonic()
        seconds, limits = now - self._started, self._limits
        if limits.seconds is not None and seconds + limits.spent >= limits.seconds:
            self.exhausted = f"the limit of {limits.seconds:g} seconds was reached"
        if limits.memory is not None and resident_memory() >= limits.memory:
            self.exhausted = f"the limit of {limits.memory} bytes of memory was reached"
        if self._watch is not None and now - self._shown >= _SECONDS_BETWEEN_SNAPSHOTS:
            self._shown = now
            memory = resident_memory()
            self._watch(Snapshot(states, transitions, depth, frontier, seconds, memory))

    def stopped(self, states: int, expanded: int, depth: int) -> Unknown:
        """The verdict on a search that had found and expanded so many states."""
        found = f"{_states(states)} found, {expanded} expanded"
        return Unknown(f"{self.exhausted}: {found}, depth {depth}")


def _states(number: int) -> str:
    return f"{number} state{'' if number == 1 else 's'}"


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    class _Counters(ctypes.Structure):
        """PROCESS_MEMORY_COUNTERS of psapi.h."""

        _fields_ = (
            ("cb", wintypes.DWORD),
            ("PageFaultCount", wintypes.DWORD),
            ("PeakWorkingSetSize", ctypes.c_size_t),
            ("WorkingSetSize", ctypes.c_size_t),
            ("QuotaPeakPagedPoolUsage", ctypes.c_size_t),
            ("QuotaPagedPoolUsage", ctypes.c_size_t),
            ("QuotaPeakNonPagedPoolUsage", ctypes.c_size_t),
            ("QuotaNonPagedPoolUsage", ctypes.c_size_t),
            ("PagefileUsage", ctypes.c_size_t),
            ("PeakPagefileUsage", ctypes.c_size_t),
        )

    def resident_memory() -> int:
        """The resident size of this process, in bytes."""
        counters = _Counters(cb=ctypes.sizeof(_Counters))
        process = wintypes.HANDLE(-1)  # what GetCurrentProcess returns
        library = ctypes.WinDLL("psapi")
        library.GetProcessMemoryInfo(process, ctypes.byref(counters), counters.cb)
        return int(counters.WorkingSetSize)

elif sys.platform == "linux":
    import resource

    def resident_memory() -> int:
        """The resident size of this process and of those that work for it, in bytes."""
        pages = _pages("self")
        for child in list(CHILDREN):
            with suppress(OSError, IndexError):  # it has ended
                pages += _pages(str(child))
        return pages * resource.getpagesize()

    def _pages(process: str) -> int:
        return int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])

else:
    import resource

    def resident_memory() -> int:
        """The largest resident size this process has had, in bytes: all that is told here."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
