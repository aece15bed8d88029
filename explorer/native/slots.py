"""What a shard keeps for compiled code: numbers and addresses, found by their place in an array."""

from enum import IntEnum

from .assembly import Function

BATCH = 64
"""States expanded before their successors are looked up."""

SEGMENT_BITS = 20
"""A segment holds 2**SEGMENT_BITS states."""

NUMBER_BITS = 40
"""Bits of a table entry that say which state, plus one; the rest are bits of its hash."""


class Slot(IntEnum):
    """The numbers that a shard keeps: compiled code finds them by their place."""

    SEGMENTS = 0  # address of the list of addresses of segments
    TABLE = 1  # address of the table
    MASK = 2  # entries of the table, a power of two, less one
    COUNT = 3  # states found
    NEXT = 4  # the first state that is not expanded
    END = 5  # expand no state from here on
    CAPACITY = 6  # return before there might be more states than this
    LIMIT = 7  # never keep more states than this
    FULL = 8  # whether a state was turned away
    TRANSITIONS = 9  # steps computed, but those that break a check
    BUFFER = 10  # address of room for the successors of a batch
    HASHES = 11  # address of room for their hashes
    RECORD = 12  # address of the record of findings
    TAKEN = 13  # address of a byte for each transition
    ENDS = 14  # address of room for one address for each state of a batch
    SHARDS = 15  # how many shards there are
    ALL = 16  # address of the list of addresses of the shards
    MARKS = 17  # address of the marks of states, used by questions about progress
    OUTBOX = 18  # address of the list of addresses where successors for each shard go
    SENT = 19  # address of the number of successors sent to each shard
    SELF = 20  # which of the shards this is
    MEETING = 21  # address of the numbers by which workers wait for each other
    WAITING = 22  # whether there was no room to take in what was sent


def shard_of(function: Function, hashed: str, shards: str) -> str:
    """Which of `shards` shards owns a state, by bits that choose no place in a table."""
    high = function.let(f"lshr i64 {hashed}, {NUMBER_BITS}")
    return function.let(f"lshr i64 {function.let(f'mul i64 {high}, {shards}')}, {64 - NUMBER_BITS}")


def number(function: Function, slot: Slot, shard: str = "%shard") -> str:
    """What the shard keeps at `slot`."""
    return function.get(function.place(shard, slot) if slot else shard)


def pointer(function: Function, slot: Slot, shard: str = "%shard") -> str:
    """The address that the shard keeps at `slot`."""
    return function.get(function.place(shard, slot) if slot else shard, "ptr")


def table_parts(function: Function, shard: str = "%shard") -> tuple[str, str, str]:
    """The address and the mask of the shard's table, and where its segments are listed."""
    return (
        pointer(function, Slot.TABLE, shard),
        number(function, Slot.MASK, shard),
        pointer(function, Slot.SEGMENTS, shard),
    )


def store(function: Function, slot: Slot, value: str) -> None:
    """Keep `value` at `slot`."""
    function.put(function.place("%shard", slot), value)


def increase(function: Function, slot: Slot, value: str) -> None:
    """Add `value` to what the shard keeps at `slot`."""
    function.add(function.place("%shard", slot), value)


def prefetch(function: Function, address: str, *, write: bool = True) -> None:
    """Ask memory for what lies at `address`, to be read and perhaps written soon."""
    function.do(f"call void @llvm.prefetch.p0(ptr {address}, i32 {int(write)}, i32 3, i32 1)")
