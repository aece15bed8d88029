"""What values rest on: followed through locals and branches while a path is executed.

A path marks what each local rests on when the path ends, in terms of what was there when it began
(`Given`, `Ruled`) and of what it read (`Seen`). `spans.py` strings these marks together.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from ..algebra import variables_of
from ..expr import Expression
from ..routine import AddressOf, Argument, Routine
from .liveness import successors, target

RESULT = ""
"""Where a kernel routine in progress has its result, as the name of a local."""

EXIT = -1
"""The end of a routine, as a node at which all its branches have come together."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a local of the frame at `depth` rested on when the path began."""

    depth: int
    name: str
    direct: bool = True


@dataclass(frozen=True, slots=True)
class Ruled:
    """The branches that the frame at `depth` was in when the path began.

    Those that ended at one of the nodes `passed` since then do not count.
    """

    depth: int
    passed: frozenset[int]
    direct: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What this path read; not `direct` where only a branch was taken by it."""

    location: str
    index: Expression | None
    direct: bool = True


@dataclass(frozen=True, slots=True)
class Ended:
    """The branches that the frame at `depth` was in and that came together at `node`."""

    depth: int
    node: int
    direct: bool = False


Mark: TypeAlias = Given | Ruled | Seen | Ended
Marks: TypeAlias = frozenset[Mark]

NOTHING: Marks = frozenset()


def indirect(marks: Iterable[Mark]) -> Marks:
    """`marks` of what decided that something was done, rather than what was done."""
    return frozenset(replace(mark, direct=False) for mark in marks)


@dataclass(frozen=True, slots=True)
class Joins:
    """Where the branches of a routine come together.

    Attributes:
        ends: for each node that branches the first node that all ways from it come to, or `EXIT`.
        assigned: for each such end the locals that may be assigned on the way to it.
    """

    ends: Mapping[int, int]
    assigned: Mapping[int, frozenset[str]]


@dataclass(slots=True)
class Flow:
    """What the locals of one routine in progress rest on.

    Attributes:
        depth: the place of its frame on the stack.
        locals: for each local what its value rests on.
        branches: for each node at which branches of this path come together, what they rest on.
        passed: the nodes passed by this path.
        old: whether the frame was there when the path began.
    """

    depth: int
    locals: dict[str, Marks] = field(default_factory=dict[str, Marks])
    branches: dict[int, Marks] = field(default_factory=dict[int, Marks])
    passed: set[int] = field(default_factory=set[int])
    old: bool = False

    @classmethod
    def resumed(cls, depth: int, names: Iterable[str]) -> "Flow":
        """The flow of a frame that was there before, with its locals."""
        return cls(depth, {name: frozenset((Given(depth, name),)) for name in names}, old=True)

    def clone(self) -> "Flow":
        """An independent copy."""
        return Flow(self.depth, dict(self.locals), dict(self.branches), {*self.passed}, self.old)

    def arrive(self, node: int, joins: Joins) -> None:
        """Pass a node: branches that come together there rule nothing behind it.

        What may have been assigned in one of them rests on them, also if it was not.
        """
        marks = indirect(self.branches.pop(node, NOTHING))
        if self.old and node not in self.passed:
            marks |= {Ended(self.depth, node)}
        for name in joins.assigned.get(node, ()):
            self.locals[name] = self.locals.get(name, NOTHING) | marks
        self.passed.add(node)

    def of(self, *expressions: Expression) -> Marks:
        """What values of `expressions` rest on."""
        names = (name for item in expressions for name in variables_of(item))
        return NOTHING.union(*(self.locals.get(name, NOTHING) for name in names))

    def of_arguments(self, arguments: Iterable[Argument]) -> Marks:
        """What arguments that are passed by value rest on."""
        return self.of(*(item for item in arguments if not isinstance(item, AddressOf)))

    def branch(self, condition: Expression, end: int) -> None:
        """Take one way of a branch whose ways come together at `end`."""
        marks = self.of(condition)
        if marks:
            self.branches[end] = self.branches.get(end, NOTHING) | marks

    @property
    def ruled(self) -> Marks:
        """What the branches that this frame is in rest on."""
        inherited: Marks = frozenset((Ruled(self.depth, frozenset(self.passed)),))
        return NOTHING.union(*self.branches.values(), inherited if self.old else NOTHING)


@dataclass(frozen=True, slots=True)
class Touch:
    """The access of a path to shared memory, as far as it matters to updates.

    Attributes:
        location: what it touches.
        index: the element, if it is one of an array.
        rests_on: what the value stored, and that it is stored at all, rest on.
        writes: whether it stores.
        atomic: whether it reads and stores in one step.
        computed: whether the value stored rests on anything.
    """

    location: str
    index: Expression | None
    rests_on: Marks = NOTHING
    writes: bool = False
    atomic: bool = False
    computed: bool = False


def joins(routine: Routine) -> Joins:
    """Where the branches of a routine come together.

    A loop without an end is taken to end at its first node some day.
    """
    following = [[*successors(node)] or [EXIT] for node in routine.nodes]
    _end_endless_loops(following)
    everything = (1 << len(following) + 1) - 1
    after = [everything] * len(following) + [1 << len(following)]  # as bits; the last is `EXIT`
    changed = True
    while changed:
        changed = False
        for number in reversed(range(len(following))):
            common = everything
            for item in following[number]:
                common &= after[item]
            common |= 1 << number
            if common != after[number]:
                after[number], changed = common, True
    # The node after which all the others come has just them behind it.
    nodes = {behind: number for number, behind in enumerate(after)}
    nodes[after[-1]] = EXIT
    ends = {
        number: nodes[after[number] & ~(1 << number)]
        for number, ways in enumerate(following)
        if len(ways) > 1
    }
    assigned: dict[int, frozenset[str]] = {}
    for number, end in ends.items():
        names = _assigned(routine, following, number, end)
        assigned[end] = assigned.get(end, frozenset()) | names
    return Joins(ends, assigned)


def _assigned(
    routine: Routine, following: Sequence[Sequence[int]], start: int, end: int
) -> frozenset[str]:
    """The locals that may be assigned on the ways from a branch to where they come together."""
    known, work = {end, EXIT}, list(following[start])
    names: set[str] = set()
    while work:
        number = work.pop()
        if number not in known:
            known.add(number)
            names |= {target(routine.nodes[number].instruction) or ""}
            work += following[number]
    return frozenset(names - {""})


def _end_endless_loops(following: list[list[int]]) -> None:
    """Give the first node of each loop without an end a way to the end of the routine."""
    before: dict[int, list[int]] = {}
    for number, ways in enumerate(following):
        for item in ways:
            before.setdefault(item, []).append(number)
    ending: set[int] = set()
    work = [EXIT]
    for number in range(len(following)):
        while work:
            item = work.pop()
            if item not in ending:
                ending.add(item)
                work += before.get(item, ())
        if number not in ending:
            following[number].append(EXIT)
            work.append(number)
