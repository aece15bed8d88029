"""Objects with two names, or with attributes of their own: what Python means is lost here."""

from collections.abc import Iterable

from .declarations import Device, KernelObject, Structure
from .errors import DECLARATION
from .source import SourceFile

_REMEMBERED = ("wiring", "allocated", "type_of_event", "state")
"""What the declared objects themselves remember."""


def refuse_repetition(
    kind: type, declared: Iterable[tuple[str, object]], source: SourceFile
) -> None:
    """Refuse a class that declares one object under two names, or an object that was changed since.

    Raises:
        PatternError: it does.
    """
    seen: dict[int, str] = {}
    for name, value in declared:
        if not isinstance(value, Device | KernelObject | Structure):
            continue
        _refuse_attributes(kind, name, value, source)
        first = seen.setdefault(id(value), name)
        if first != name:
            raise source.error(
                DECLARATION,
                f"`{first}` and `{name}` are one object in Python, and would be two here",
                source.declaration(kind.__name__, name),
                "declare each by a call of its own; a pointer to an object is a Reference field",
            )


def _refuse_attributes(
    kind: type, name: str, value: Device | KernelObject | Structure, source: SourceFile
) -> None:
    """What Python code gives to one object: only its class says what it has and what is in it."""
    given = next((item for item in vars(value) if item not in _REMEMBERED), "")
    if given:
        raise source.error(
            DECLARATION,
            f"`{name}.{given}` is assigned outside a routine, which changes nothing here",
            source.declaration(kind.__name__, name),
            f"declare the first value in the class: {given} = Int(0, 7, initial=1)",
        )
