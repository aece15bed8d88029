"""Interrupt request levels: PASSIVE_LEVEL 0, APC_LEVEL 1, DISPATCH_LEVEL 2, devices 3 to 12 (1.1)."""

PASSIVE_LEVEL = 0
APC_LEVEL = 1
DISPATCH_LEVEL = 2
HIGH_LEVEL = 15

_NAMES = {PASSIVE_LEVEL: "PASSIVE_LEVEL", APC_LEVEL: "APC_LEVEL", DISPATCH_LEVEL: "DISPATCH_LEVEL"}


def level_name(level: int) -> str:
    """A level as the WDK writes it; device levels as `DIRQL 7`."""
    return _NAMES.get(level, "HIGH_LEVEL" if level == HIGH_LEVEL else f"DIRQL {level}")
