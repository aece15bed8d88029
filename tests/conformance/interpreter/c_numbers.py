"""C integers at the border to Windows, as the C standard converts them."""

from dirql.model.domain import Range, Value


def boolean(value: Value) -> int:
    """An unsigned char: the low eight bits."""
    return 0 if value == "NULL" else int(value) % 0x100


def status(value: Value) -> int:
    """A signed 32-bit integer."""
    word = 0 if value == "NULL" else int(value) % (1 << 32)
    return word - (1 << 32) if word >> 31 else word


def in_field(number: int, bounds: Range) -> int:
    """A 32-bit number as a field with these bounds reads it: signed if it can be negative."""
    if bounds.low < 0 and bounds.high < 1 << 31 <= number < 1 << 32:
        return number - (1 << 32)
    if bounds.low >= 0 and bounds.high >= 1 << 31 and -(1 << 31) <= number < 0:
        return number + (1 << 32)
    return number
