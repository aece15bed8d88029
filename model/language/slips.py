"""What Python accepts and means otherwise than its author: refused, because nobody would notice.

A check of a driver that says less than was meant holds for the wrong reason. Each refusal here is
of something that a C compiler warns of, or that C and Python read differently.
"""

import ast
from collections.abc import Iterator, Sequence
from enum import EnumMeta
from itertools import pairwise

from .errors import EXPRESSION, STATEMENT, UNKNOWN_NAME
from .frame import Frame


def refuse_slips(frame: Frame) -> None:
    """Refuse what a captured routine probably does not mean.

    Raises:
        PatternError: there is something.
    """
    _refuse_lost(frame)
    _refuse_unreachable(frame)
    _refuse_loop_variables(frame)
    _refuse_constant_operands(frame)


def mentioned_outside(function: ast.FunctionDef, loop: ast.For, name: str) -> bool:
    """Whether a routine mentions the variable of a loop outside it."""
    inside = {id(item) for item in ast.walk(loop)}
    return any(
        isinstance(item, ast.Name) and item.id == name and id(item) not in inside
        for item in ast.walk(function)
    )


def _goes_on(body: Sequence[ast.stmt]) -> bool:
    """Whether what follows `body` may be reached from it."""
    return all(map(_passes, body))


def _passes(node: ast.stmt) -> bool:
    """Whether what follows a statement may be reached from it."""
    match node:
        case ast.Return() | ast.Break() | ast.Continue():
            return False
        case ast.If(body=body, orelse=orelse):
            return _goes_on(body) or _goes_on(orelse)
        case ast.While(test=test):
            endless = isinstance(test, ast.Constant) and bool(test.value)
            endless = endless or (isinstance(test, ast.Name) and test.id == "TRUE")
            return not endless or any(_breaks(node.body))
        case _:
            return True


def _breaks(body: Sequence[ast.stmt]) -> Iterator[ast.Break]:
    """The breaks that end the loop with this body, and not one inside it."""
    for node in body:
        match node:
            case ast.Break():
                yield node
            case ast.If(body=then, orelse=otherwise):
                yield from _breaks(then)
                yield from _breaks(otherwise)
            case _:
                pass


def _blocks(function: ast.FunctionDef) -> Iterator[list[ast.stmt]]:
    for item in ast.walk(function):
        match item:
            case ast.FunctionDef(body=body):
                yield body
            case ast.If(body=body, orelse=orelse) | ast.While(body=body, orelse=orelse):
                yield body
                yield orelse
            case ast.For(body=body):
                yield body
            case _:
                pass


def _refuse_unreachable(frame: Frame) -> None:
    """A statement behind one that never gets there: an assertion there is never looked at."""
    for body in _blocks(frame.subject.node):
        for before, node in pairwise(body):
            if not _passes(before):
                raise frame.error(
                    STATEMENT,
                    "this statement is never reached",
                    node,
                    f"line {before.lineno} goes elsewhere on every way; move it, or leave it out",
                )


def _refuse_loop_variables(frame: Frame) -> None:
    """C and Python agree on the variable of a for loop only inside its rounds."""
    function = frame.subject.node
    for loop in ast.walk(function):
        match loop:
            case ast.For(target=ast.Name(id=name), body=body):
                for item in (part for node in body for part in ast.walk(node)):
                    if isinstance(item, ast.Name) and item.id == name and _stores(item):
                        raise frame.error(
                            STATEMENT,
                            f"`{name}` is assigned inside its own loop",
                            item,
                            "C would skip or repeat rounds, Python would not: write a while loop, "
                            "or use another local",
                        )
            case _:
                pass


def _refuse_constant_operands(frame: Frame) -> None:
    """`x == 1 or 2` and `flags and MASK` are always true or ask too little; `x or 4` is 1 in C."""
    for item in ast.walk(frame.subject.node):
        for operand in item.values if isinstance(item, ast.BoolOp) else ():
            if _number(frame, operand) not in (0, 1):
                raise frame.error(
                    EXPRESSION,
                    f"`{ast.unparse(operand)}` is an operand of `and` or `or`, where it only says "
                    "that it is not 0",
                    operand,
                    "compare it: x == 1 or x == 2; test bits: flags & MASK; to choose a value, "
                    "write x if condition else y",
                )


def _number(frame: Frame, node: ast.expr) -> int:
    """The number that a literal or a constant of the module stands for, 0 for anything else."""
    match node:
        case ast.Constant(value=int(known)):
            return known
        case ast.Name(id=name) if name not in frame.locals:
            meant = frame.subject.names.get(name)
            return meant if isinstance(meant, int) else 0
        case ast.Attribute(value=ast.Name(id=name), attr=member) if name not in frame.locals:
            listed = frame.subject.names.get(name)
            known = getattr(listed, member, 0) if isinstance(listed, EnumMeta) else 0
            return known if isinstance(known, int) else 0
        case _:
            return 0


def _stores(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Store)


def _refuse_lost(frame: Frame) -> None:
    """A local named like a field that is meant instead: the driver's author forgot `self.`.

    It is meant where nobody reads the local, or where the routine never looks at the field; but a
    result that is asked for, or returned, is a local in every driver: `status`. So is the counter
    of a loop, and what is declared as a local.
    """
    subject = frame.subject
    nodes = list(ast.walk(subject.node))
    read = {item.id for item in nodes if isinstance(item, ast.Name) and not _stores(item)}
    looked_at = {item.attr for item in nodes if isinstance(item, ast.Attribute)}
    unread = set(subject.thing.names()) - read
    declared = {ast.unparse(item.target) for item in nodes if isinstance(item, ast.AnnAssign)}
    returned = {ast.unparse(item) for item in _results(subject.node)}
    unseen = set(subject.thing.fields) - looked_at - set(frame.parameters) - returned
    for target, value in _given(subject.node):
        meant = target.id not in unseen or value is None or isinstance(value, ast.Call)
        if target.id not in unread and (meant or target.id in declared):
            continue
        field = f"{frame.self_name}.{target.id}"
        if value is not None and any(ast.unparse(part) == field for part in ast.walk(value)):
            continue  # the field was looked at, for its own sake
        nobody = " that nobody reads" if target.id in unread else ""
        raise frame.error(
            UNKNOWN_NAME,
            f"`{target.id}` is a local here{nobody}; {field} stays as it was",
            target,
            f"a field of the {subject.thing.type} is written {field}"
            + ("" if nobody else "; a local that is meant needs another name"),
        )


def _results(function: ast.FunctionDef) -> Iterator[ast.expr]:
    for item in ast.walk(function):
        if isinstance(item, ast.Return) and item.value is not None:
            yield item.value


def _given(function: ast.FunctionDef) -> Iterator[tuple[ast.Name, ast.expr | None]]:
    """The locals that are given values, with the values."""
    for item in ast.walk(function):
        match item:
            case ast.Assign(targets=targets, value=value):
                yield from ((target, value) for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name() as target, value=ast.expr() as value):
                yield target, value
            case ast.For(target=ast.Name() as target):
                yield target, None
            case _:
                pass
