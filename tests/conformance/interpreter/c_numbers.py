"""C integers at the border to Windows, as the C standard converts them."""

from dirql.model.domain import Range, Value

from ...oracle import COMPARISONS, Comparison, Comparisons


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


def _alike(left: Value, right: Value) -> tuple[Value, Value]:
    """Both without a sign, where one is negative and the other too large to be signed."""
    if isinstance(left, str) or isinstance(right, str):
        return left, right
    low, high = sorted((int(left), int(right)))
    if -(1 << 31) <= low < 0 and 1 << 31 <= high < 1 << 32:
        return int(left) % (1 << 32), int(right) % (1 << 32)
    return left, right


def _in_c(comparison: Comparison) -> Comparison:
    return lambda left, right: comparison(*_alike(left, right))


IN_C: Comparisons = {name: _in_c(comparison) for name, comparison in COMPARISONS.items()}
"""How 32-bit numbers of a driver compare, whatever locals they came through."""
