"""What `dirql` tells the shell. The first three are verdicts, the rest follow `sysexits.h`."""

HOLDS = 0
VIOLATED = 1
UNKNOWN = 2
USAGE = 64
PATTERN = 65
INTERNAL = 70
OUTPUT = 74
INTERRUPTED = 130
BROKEN_PIPE = 141
