"""What C compilers warn of where a value crosses to Windows is refused here.

Only what is written down is judged: a literal, a constant, a named status. What is computed from
data is converted as C does, without a word (`kernel/c_types.py`).
"""

import ast
from collections.abc import Iterator

from ..kernel.c_types import BOOLEAN, LARGE_INTEGER, LONG, PLARGE_INTEGER, PVOID, CType
from .errors import CONVERSION
from .frame import Frame
from .kinds import Captured, Kind

_STATUS = "STATUS_"


def refuse_lossy(
    frame: Frame,
    node: ast.expr,
    found: Captured,
    kind: CType,
    what: str,
    *,
    answer: bool = False,
) -> None:
    """Refuse `node`, which was captured as `found`, as a value of C type `kind`.

    `what` says in words where it goes: "Wait of KeSetEvent". An `answer` may be a status that fits:
    compilers say nothing, and shipped service routines return STATUS_SUCCESS.

    Raises:
        PatternError: a C compiler would warn of the conversion.
    """
    if kind in (PVOID, LARGE_INTEGER):
        return
    if not kind.pointer and found.kind is Kind.NAME:
        raise frame.error(
            CONVERSION,
            f"{what} is {kind.name}, and `{ast.unparse(node)}` is an address",
            node,
            "pass a number; what C would cast is written out: 1 if p != NULL else 0",
        )
    for leaf in _leaves(node):
        value = known_number(frame, leaf)
        if value is None:
            if kind.pointer and leaf is node and found.stored_kind is Kind.INTEGER:
                raise frame.error(
                    CONVERSION,
                    f"{what} is an address, and `{_written(frame, node)}` is a number",
                    node,
                    f"write LARGE_INTEGER({_written(frame, node)})"
                    if kind is PLARGE_INTEGER
                    else "name the object or the field whose address it is",
                )
            continue
        if kind.pointer:
            if value and kind is not PLARGE_INTEGER:
                raise frame.error(
                    CONVERSION,
                    f"{what} is an address, and `{_written(frame, leaf)}` is a number",
                    leaf,
                    "name the object or the field; NULL, or 0, is the only number that is one",
                )
            continue
        _refuse_number(frame, leaf, value, kind, what, answer=answer)


def _refuse_number(
    frame: Frame, leaf: ast.expr, value: int, kind: CType, what: str, *, answer: bool
) -> None:
    """Refuse a number that is cut off, or a status taken for a truth value."""
    shown = _written(frame, leaf)
    if kind is BOOLEAN and shown.startswith(_STATUS) and not answer:
        truth = "TRUE" if value & BOOLEAN.high else "FALSE"
        raise frame.error(
            CONVERSION,
            f"{what} is BOOLEAN, and {shown} is a status",
            leaf,
            f"as a BOOLEAN it would be {truth}; write TRUE or FALSE",
        )
    fits = kind.holds(value) or (kind.size > LONG.high and _same_size(value, kind))
    if not fits:
        raise frame.error(
            CONVERSION,
            f"{what} is {kind.name}, and {shown} does not fit: it becomes {kind.converted(value)}",
            leaf,
            f"{kind.name} holds {kind.low} to {kind.high}"
            + ("; a flag is asked for with != 0" if kind is BOOLEAN else ""),
        )


def _written(frame: Frame, node: ast.expr) -> str:
    """The expression as the pattern has it: 0x107 rather than 263."""
    if node.end_lineno != node.lineno:
        return ast.unparse(node)
    line = frame.source.line(node.lineno).encode()
    return line[node.col_offset : node.end_col_offset].decode() or ast.unparse(node)


def _same_size(value: int, kind: CType) -> bool:
    """Whether the number fits as one of the other sign: C takes 0xC0000001 for a LONG."""
    return -(kind.size // 2) <= value < kind.size


def _leaves(node: ast.expr) -> Iterator[ast.expr]:
    """The values that a conditional expression can have."""
    match node:
        case ast.IfExp(body=body, orelse=orelse):
            yield from _leaves(body)
            yield from _leaves(orelse)
        case _:
            yield node


def known_number(frame: Frame, node: ast.expr) -> int | None:
    """The number that a literal, a constant of the module or a sum of them stands for."""
    match node:
        case ast.Constant(value=int(literal)):
            return int(literal)
        case ast.Name(id=name) if name not in frame.locals:
            meant = frame.subject.names.get(name)
            return int(meant) if isinstance(meant, int) else None
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            known = known_number(frame, operand)
            return None if known is None else -known
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            one, other = known_number(frame, left), known_number(frame, right)
            return None if one is None or other is None else one | other
        case _:
            return None


def is_flag_as_truth(frame: Frame, left: ast.expr, right: ast.expr) -> bool:
    """Whether one side is TRUE and the other a flag that is never 1: `bits & 4 == TRUE`."""
    for one, other in ((left, right), (right, left)):
        if not (isinstance(one, ast.Name) and one.id == "TRUE" and one.id not in frame.locals):
            continue
        match other:
            case ast.BinOp(left=a, op=ast.BitAnd(), right=b):
                masks = known_number(frame, a), known_number(frame, b)
                if any(mask is not None and not mask & 1 for mask in masks):
                    return True
            case _:
                known = known_number(frame, other)
                if known not in (None, 0, 1):
                    return True
    return False
