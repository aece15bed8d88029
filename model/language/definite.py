"""Which locals certainly have a value: C would read garbage where one has none."""

from collections.abc import Iterator

from ..algebra import variables_of
from ..expr import Expression
from ..routine import (
    AddressOf,
    Assert,
    Assign,
    Branch,
    Call,
    Choose,
    Instruction,
    Load,
    Node,
    Place,
    Return,
    Routine,
    Store,
)

_ENDED = "%end of "


def ended(variable: str) -> str:
    """The local that is assigned where a loop over `variable` has run out.

    From there on the variable has no value: C leaves the bound in it, Python the last value used.
    """
    return f"{_ENDED}{variable}"


def first_unassigned(routine: Routine) -> tuple[str, Node] | None:
    """A local that may be read before it is assigned, with the node that reads it."""
    arriving = _arriving(routine)
    for index, node in enumerate(routine.nodes):
        missing = sorted(
            {
                name
                for expression in _expressions(node.instruction)
                for name in variables_of(expression)
            }
            - arriving[index]
        )
        if missing:
            return missing[0], node
    return None


def _arriving(routine: Routine) -> dict[int, frozenset[str]]:
    """For each node, the locals that have a value whatever way led there."""
    arriving: dict[int, frozenset[str]] = {0: frozenset(routine.parameters)}
    pending = [0]
    while pending:
        index = pending.pop()
        node = routine.nodes[index]
        target = getattr(node.instruction, "target", None) or ""
        lost = {target.removeprefix(_ENDED)} if target.startswith(_ENDED) else frozenset[str]()
        leaving = (arriving[index] | ({target} if target else frozenset[str]())) - lost
        for after in successors(node):
            known = arriving.get(after)
            merged = leaving if known is None else known & leaving
            if merged != known:
                arriving[after] = merged
                pending.append(after)
    return arriving


def successors(node: Node) -> tuple[int, ...]:
    """The nodes that may come next."""
    match node.instruction:
        case Branch(_, then, otherwise):
            return (then, otherwise)
        case Return():
            return ()
        case _:
            return (node.following,)


def _expressions(instruction: Instruction) -> Iterator[Expression]:
    match instruction:
        case Assign(value=value) | Return(value=value):
            yield value
        case Load(place=place):
            yield from _of_place(place)
        case Store(place=place, value=value):
            yield from _of_place(place)
            yield value
        case Choose(values=values):
            yield from values
        case Branch(condition=condition) | Assert(condition=condition):
            yield condition
        case Call(routine=routine, arguments=arguments):
            yield routine
            for item in arguments:
                if isinstance(item, AddressOf):
                    yield from _of_place(item.place)
                else:
                    yield item


def _of_place(place: Place) -> Iterator[Expression]:
    yield place.object
    if place.index is not None:
        yield place.index
