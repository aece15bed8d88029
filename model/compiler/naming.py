"""The routines that a routine of the driver calls or hands on, by name."""

from ..expr import Constant
from ..routine import AddressOf, Argument, Assign, Call, Routine, Store


def names_in(routine: Routine) -> set[str]:
    """Every name that `routine` calls, passes, keeps in a local or stores."""
    found: set[str] = set()
    for node in routine.nodes:
        values: tuple[Argument, ...] = ()
        match node.instruction:
            case Call(_, called, arguments):
                values = (called, *arguments)
            case Assign(_, value) | Store(_, value):
                values = (value,)
            case _:
                pass
        for item in values:
            if isinstance(item, AddressOf) or not isinstance(item, Constant):
                continue
            if isinstance(item.value, str):
                found.add(item.value)
    return found
