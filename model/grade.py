"""How bad it is when a property is broken: what a free build of Windows does then."""

from enum import Enum


class Grade(Enum):
    """From the gravest to the mildest; only a crash ends a behaviour."""

    CRASH = "crash"
    """Windows stops, is corrupted or hangs, or the author's own claim is false: nothing that
    follows means anything."""
    CONTRACT = "contract"
    """Driver Verifier or the documentation forbids it, and a free build goes on in a known way."""
    ADVICE = "advice"
    """It works as documented, and there is a reason to write it otherwise."""

    @property
    def meaning(self) -> str:
        """What a free build does, in a few words."""
        return _MEANINGS[self]


_MEANINGS = {
    Grade.CRASH: "Windows stops, is corrupted or hangs, or the author's own claim is false",
    Grade.CONTRACT: "forbidden, and a free build of Windows goes on",
    Grade.ADVICE: "allowed, and better written otherwise",
}

SURVIVED = frozenset(
    {
        "connect-overwrites-live-interrupt",
        "dpc-argument-lost",
        "dpc-requested-outside-isr",
        "handled-but-unclaimed",
        "mixed-lock-routines",
        "release-out-of-order",
    }
)
"""The rules on steps that a free build survives. Such a step has the effect that it has there, and
the compiler goes on behind it; the declarations of the properties say the same."""
