"""What dirql's processes have in common: they can be stopped, and none outlives its parent.

Nothing but the standard library is imported here, so that a process can begin with it.
"""

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

STOPPERS: list[Callable[[], None]] = []
"""What stops C code that is running in the main thread, called from another one."""

CHILDREN: set[int] = set()
"""Processes that work for this one; what they use of the memory is counted as its own."""

_LOOK = 0.5
"""Seconds between two looks whether the parent is there."""

_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of prctl."""


def end_with_parent(parent: int) -> None:
    """In a child of the process `parent`: end when that has ended, even if it was killed.

    The system sees to it where it can, that is on Linux; elsewhere, and where other code should
    have changed that, a thread looks now and then.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGKILL)
    if not _is_alive(parent):  # it was faster than we
        os._exit(1)
    threading.Thread(target=_watch, args=(parent,), name="parent", daemon=True).start()


def _watch(parent: int) -> None:
    while _is_alive(parent):
        time.sleep(_LOOK)
    os._exit(1)


if sys.platform == "win32":
    _SYNCHRONIZE = 0x100000
    _TIMEOUT = 0x102

    def _is_alive(parent: int) -> bool:
        """Whether the process runs; its number may have gone to another one, which is rare."""
        kernel = ctypes.WinDLL("kernel32")
        process = kernel.OpenProcess(_SYNCHRONIZE, False, parent)  # noqa: FBT003
        if not process:
            return False
        running = kernel.WaitForSingleObject(process, 0) == _TIMEOUT
        kernel.CloseHandle(process)
        return bool(running)

else:

    def _is_alive(parent: int) -> bool:
        """Whether it still is our parent: a process that ended leaves its children to another."""
        return os.getppid() == parent
