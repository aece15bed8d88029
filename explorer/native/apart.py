"""A process that compiles one text and ends: `python -m dirql.explorer.native.apart PARENT`."""

import signal
import sys

from ..processes import end_with_parent
from .toolchain import compile_here


def main() -> None:
    """Text from the standard input, object code to the standard output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    end_with_parent(int(sys.argv[1]))
    code = compile_here(sys.stdin.buffer.read().decode())
    sys.stdout.buffer.write(code)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
