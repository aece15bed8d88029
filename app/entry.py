"""Where the console script `dirql` begins, before anything else is imported.

Imports take a moment, and a Ctrl-C in them would be told as a traceback of Python.
"""

import signal


def main() -> None:
    """Run the command line; until it listens itself, Ctrl-C ends the process without a word."""
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from . import cli

    cli.main()
