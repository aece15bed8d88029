"""Names given twice: Python silently takes the last, a C compiler refuses."""

import ast
from collections.abc import Iterator, Sequence

from .errors import DECLARATION
from .source import SourceFile


def refuse_names_given_twice(source: SourceFile) -> None:
    """Check the classes of a pattern and what they declare.

    Raises:
        PatternError: a class, or a member of a class, is declared twice.
    """
    classes = [item for item in source.tree.body if isinstance(item, ast.ClassDef)]
    _refuse(classes, source)
    for item in classes:
        _refuse(item.body, source)


def _refuse(body: Sequence[ast.stmt], source: SourceFile) -> None:
    first: dict[str, ast.stmt] = {}
    for node in body:
        for name in _names(node):
            if name in first:
                raise source.error(
                    DECLARATION,
                    f"`{name}` is declared a second time: line {first[name].lineno} has it already",
                    node,
                    "delete one of them, or give it another name",
                )
            first[name] = node


def _names(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Assign(targets=targets):
            yield from (item.id for item in targets if isinstance(item, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name
        case _:
            pass
