"""Structures that routines declare as locals: `context = Request()`, on the stack in C."""

import ast
from collections.abc import Iterator, Mapping
from types import FunctionType

from .declarations import Structure
from .source import SourceFile


def structure_made(value: ast.expr, names: Mapping[str, object]) -> type[Structure] | None:
    """The class of structure that an expression makes, if it does."""
    match value:
        case ast.Call(func=ast.Name(id=name)):
            kind = names.get(name)
            if isinstance(kind, type) and issubclass(kind, Structure) and kind is not Structure:
                return kind
            return None
        case _:
            return None


def structure_name(routine: str, local: str) -> str:
    """The name in the program of the structure that `local` of `routine` is."""
    return f"{routine}.{local}"


def declared_in(
    routines: Mapping[str, FunctionType], source: SourceFile, names: Mapping[str, object]
) -> Iterator[tuple[str, type[Structure]]]:
    """The local structures of the routines, each once, by their names in the program."""
    found: set[str] = set()
    for routine, function in routines.items():
        node = source.function(function)
        for item in ast.walk(node) if node is not None else ():
            match item:
                case (
                    ast.Assign(targets=[ast.Name(id=local)], value=value)
                    | ast.AnnAssign(target=ast.Name(id=local), value=ast.expr() as value)
                ):
                    kind = structure_made(value, names)
                    name = structure_name(routine, local)
                    if kind is not None and name not in found:
                        found.add(name)
                        yield name, kind
                case _:
                    pass
