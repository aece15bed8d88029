"""Reading what strangers give us as a file: no pipe that never ends, no device, nothing endless."""

import errno
import os
import stat
from pathlib import Path

_OTHERS = {
    stat.S_IFDIR: "it is a folder",
    stat.S_IFIFO: "it is a named pipe",
    stat.S_IFSOCK: "it is a socket",
    stat.S_IFCHR: "it is a device",
    stat.S_IFBLK: "it is a device",
}


def read_regular(path: Path, most: int) -> bytes:
    """The bytes of the file at `path`, which may have `most` of them.

    Raises:
        OSError: it is no ordinary file, too large, or cannot be read; `strerror` says which.
    """
    try:
        # Without waiting for somebody to write, should it turn out to be a pipe.
        number = os.open(
            path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        )
    except ValueError as problem:
        raise OSError(errno.EINVAL, str(problem)) from None
    with os.fdopen(number, "rb") as file:
        kind = stat.S_IFMT(os.fstat(number).st_mode)
        if kind != stat.S_IFREG:
            raise OSError(errno.EINVAL, f"{_OTHERS.get(kind, 'it is something else')}, not a file")
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it has more than {most:,} bytes")
    return content
