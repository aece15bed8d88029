"""Large blocks of zeroed memory from the operating system, in large pages where it has them."""

import ctypes
import mmap
import sys

PAGE = 1 << 21
"""A large page of most processors. Blocks of this size and more begin at a multiple of it."""


class Block:
    """Zeroed memory that costs nothing until it is touched.

    Attributes:
        address: where it begins.
        size: in bytes.
    """

    def __init__(self, size: int) -> None:
        """Ask for `size` bytes.

        Raises:
            OSError: the operating system has no more.
        """
        self.size = size
        large = size >= PAGE
        self._map = _mapped(max(size, mmap.PAGESIZE) + (PAGE if large else 0))
        if large and hasattr(mmap, "MADV_HUGEPAGE"):
            self._map.madvise(mmap.MADV_HUGEPAGE)
        self._first: ctypes.c_char | None = ctypes.c_char.from_buffer(self._map)
        start = ctypes.addressof(self._first)
        self.address = -(-start // PAGE) * PAGE if large else start

    def free(self) -> None:
        """Give the memory back; nobody may touch it any more."""
        self._first = None
        self._map.close()

    def bytes(self, start: int, size: int) -> bytes:
        """A copy of `size` bytes from `start` on."""
        return ctypes.string_at(self.address + start, size)


if sys.platform == "win32":

    def _mapped(size: int) -> mmap.mmap:
        return mmap.mmap(-1, size)

else:

    def _mapped(size: int) -> mmap.mmap:
        """Private memory: what is shared, as by default, gets no large pages from Linux."""
        return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
