"""Large blocks of zeroed memory, from the operating system or in files.

Memory comes in large pages where the system has them. A block in a file is memory as well, but its
pages can be given back at any time without losing what they hold.
"""

import ctypes
import mmap
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

PAGE = 1 << 21
"""A large page of most processors. Blocks of this size and more begin at a multiple of it."""


class Block:
    """Zeroed memory that costs nothing until it is touched.

    Attributes:
        address: where it begins.
        size: in bytes.
    """

    def __init__(self, size: int, folder: Path | None = None) -> None:
        """Ask for `size` bytes; in `folder`, a file without a name, which ends with the process.

        Raises:
            OSError: the operating system has no more, or the disk is full.
        """
        self.size = size
        self._in_file = folder is not None
        large = size >= PAGE and folder is None
        whole = max(size, mmap.PAGESIZE) + (PAGE if large else 0)
        self._map = _mapped(whole) if folder is None else _mapped_file(whole, folder)
        if large and hasattr(mmap, "MADV_HUGEPAGE"):
            self._map.madvise(mmap.MADV_HUGEPAGE)
        self._first: ctypes.c_char | None = ctypes.c_char.from_buffer(self._map)
        start = ctypes.addressof(self._first)
        self.address = -(-start // PAGE) * PAGE if large else start

    def free(self) -> None:
        """Give the memory back; nobody may touch it any more."""
        self._first = None
        self._map.close()

    def rest(self) -> None:
        """Give back the pages of a block in a file; they are read again when they are touched."""
        if self._in_file and hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)

    def bytes(self, start: int, size: int) -> bytes:
        """A copy of `size` bytes from `start` on."""
        return ctypes.string_at(self.address + start, size)


Allocate: TypeAlias = Callable[[int], Block]
"""Where blocks come from: `Block` itself, or blocks in a folder."""


if sys.platform == "win32":

    def _mapped(size: int) -> mmap.mmap:
        return mmap.mmap(-1, size)

    def _reserve(file: int, size: int) -> None:
        os.truncate(file, size)

else:

    def _mapped(size: int) -> mmap.mmap:
        """Private memory: what is shared, as by default, gets no large pages from Linux."""
        return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)

    def _reserve(file: int, size: int) -> None:
        """Take the space now: touching a page that finds the disk full would kill the process."""
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file, 0, size)
        else:
            os.truncate(file, size)


def _mapped_file(size: int, folder: Path) -> mmap.mmap:
    with tempfile.TemporaryFile(dir=folder, prefix="dirql-") as file:
        _reserve(file.fileno(), size)
        return mmap.mmap(file.fileno(), size)
