"""What compiled code writes down about wrong states: for each kind of finding, one of them.

A record is an array of 64-bit numbers. The first counts the steps that break a check; behind it
each kind has a pair: the smallest rank found and the number of the first state that has it. The
last number is 1 if the state expanded last is quiescent, else 0.
"""

from enum import IntEnum

NONE = (1 << 63) - 1
"""The rank of a kind that was not found; greater than any rank."""


class Kind(IntEnum):
    """What is wrong, and what its rank says."""

    INVARIANT = 0
    """An invariant that is not quiescent is false; its place in the machine."""
    ANY_INVARIANT = 1
    """As before, or a quiescent one is false in a quiescent state."""
    CHECK = 2
    """A check that is no limit of the model is broken; its place among all checks."""
    BOUND = 3
    """A limit of the model is broken; 0."""
    DATA_RACE = 4
    """There is a data race; 0."""
    TORN_UPDATE = 5
    """There is a torn update; 0."""
    OUTSIDE = 6
    """A step stores a value outside its domain: the machine is wrong; 0."""


REST = 1 + 2 * len(Kind)
"""Where it says whether the state expanded last is quiescent, if the machine asks."""

LENGTH = REST + 1
"""Numbers in a record."""


def place(kind: Kind) -> int:
    """Where the pair of `kind` begins."""
    return 1 + 2 * kind
