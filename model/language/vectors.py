"""The vectors of a driver's devices: one for each, made up where the pattern says none."""

import ast
from collections.abc import Iterable, Mapping
from itertools import count

from .declarations import Device, Line
from .errors import DECLARATION
from .source import SourceFile

_VECTORS_OF_A_LEVEL = 16


def given_vectors(declared: Iterable[tuple[str, object]]) -> set[int]:
    """The vectors that the declared devices say themselves."""
    wired = [value.wiring for _, value in declared if isinstance(value, Device)]
    lines = [item for item in wired if isinstance(item, Line)]
    return {item.vector for item in lines if item.vector is not None}


def vector_of(
    name: str,
    wiring: Line,
    taken: Mapping[int, str],
    given: set[int],
    source: SourceFile,
    place: ast.AST | None,
) -> int:
    """The vector of the line of device `name`; `taken` says which device has which already.

    Raises:
        PatternError: another device has it.
    """
    if wiring.vector is None:
        first = wiring.irql * _VECTORS_OF_A_LEVEL + 1
        return next(item for item in count(first) if item not in taken and item not in given)
    if wiring.vector in taken:
        raise source.error(
            DECLARATION,
            f"`{taken[wiring.vector]}` and `{name}` have one vector, {wiring.vector:#x}, and each "
            "a line of its own",
            place,
            "give each device a vector, or leave vector= out; shared=True shares a line with the "
            "device of another driver",
        )
    return wiring.vector
