"""Which locals are still needed at each node of a routine.

A local that nobody will read is not part of the state: it is forgotten at the point where it dies.
"""

from typing import assert_never

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


def _place(place: Place) -> frozenset[str]:
    """Locals that name a place."""
    index = variables_of(place.index) if place.index is not None else frozenset[str]()
    return frozenset(variables_of(place.object)) | frozenset(index)


def _reads(expression: Expression) -> frozenset[str]:
    """Locals that an expression reads."""
    return frozenset(variables_of(expression))


def uses(instruction: Instruction) -> frozenset[str]:
    """Locals that the instruction reads."""
    match instruction:
        case Assign(_, value) | Return(value):
            return _reads(value)
        case Load(_, place):
            return _place(place)
        case Store(place, value):
            return _place(place) | _reads(value)
        case Choose(_, values):
            return frozenset[str]().union(*(_reads(value) for value in values))
        case Branch(condition, _, _) | Assert(condition, _):
            return _reads(condition)
        case Call(_, routine, arguments):
            found = set(_reads(routine))
            for argument in arguments:
                found |= (
                    _place(argument.place) if isinstance(argument, AddressOf) else _reads(argument)
                )
            return frozenset(found)
        case _:
            assert_never(instruction)


def target(instruction: Instruction) -> str | None:
    """The local that the instruction writes."""
    match instruction:
        case Assign(name, _) | Load(name, _) | Choose(name, _):
            return name
        case Call(name, _, _):
            return name
        case Store() | Branch() | Assert() | Return():
            return None
        case _:
            assert_never(instruction)


def successors(node: Node) -> tuple[int, ...]:
    """The nodes that can come next in the routine."""
    match node.instruction:
        case Branch(_, then, otherwise):
            return (then, otherwise)
        case Return():
            return ()
        case _:
            return (node.following,)


class Liveness:
    """The locals live before each node of one routine, by the usual backward fixpoint."""

    def __init__(self, routine: Routine) -> None:
        """Analyse `routine`."""
        self._nodes = routine.nodes
        self._before: list[frozenset[str]] = [frozenset() for _ in routine.nodes]
        changed = True
        while changed:
            changed = False
            for index in reversed(range(len(routine.nodes))):
                instruction = routine.nodes[index].instruction
                live = uses(instruction) | (self.after(index) - {target(instruction)})
                if live != self._before[index]:
                    self._before[index] = live
                    changed = True

    def before(self, index: int) -> frozenset[str]:
        """Locals needed from node `index` on."""
        return self._before[index]

    def after(self, index: int) -> frozenset[str]:
        """Locals needed once node `index` is done."""
        following = successors(self._nodes[index])
        return frozenset[str]().union(*(self._before[item] for item in following))

    def during_call(self, index: int, *, keeps_arguments: bool) -> frozenset[str]:
        """Locals needed while the call at node `index` is in progress."""
        instruction = self._nodes[index].instruction
        rest = self.after(index) - {target(instruction)}
        return rest | uses(instruction) if keeps_arguments else rest
