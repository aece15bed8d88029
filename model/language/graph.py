"""Building a control-flow graph, one instruction after the other.

Instructions are appended; edges that lead to "whatever comes next" hang loose until it does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ..expr import Constant, Expression
from ..machine import Source
from ..routine import Branch, Instruction, Node, Return

Slot: TypeAlias = Literal["following", "then", "otherwise"]


@dataclass(frozen=True, slots=True)
class Edge:
    """A loose end: the slot of a node whose successor is not known yet."""

    node: int
    slot: Slot


Edges: TypeAlias = list[Edge]


@dataclass(slots=True)
class _Draft:
    instruction: Instruction
    source: Source
    following: int = -1
    then: int = -1
    otherwise: int = -1
    gives_nothing: bool = False


class Graph:
    """A graph under construction. `loose` is what the next instruction follows."""

    def __init__(self, source: Source) -> None:
        """Start empty; `source` is the position of the next instructions until it is changed."""
        self.source = source
        self.loose: Edges = []
        self._drafts: list[_Draft] = []

    @property
    def here(self) -> int:
        """The index that the next instruction will have."""
        return len(self._drafts)

    def add(self, instruction: Instruction) -> None:
        """Append an instruction that the next one follows."""
        index = self._append(instruction)
        self.loose = [] if isinstance(instruction, Return) else [Edge(index, "following")]

    def branch(self, condition: Expression) -> tuple[Edges, Edges]:
        """Append a branch; its two ends are returned, and nothing is loose."""
        index = self._append(Branch(condition, -1, -1))
        self.loose = []
        return [Edge(index, "then")], [Edge(index, "otherwise")]

    def end(self) -> None:
        """Append the end of a routine that gives no result."""
        self.add(Return())
        self._drafts[-1].gives_nothing = True

    def ends_without_result(self) -> Source | None:
        """Where the routine may end and give no result, once it is finished."""
        ends = (self._drafts[index] for index in self._reachable(_possible))
        return next((item.source for item in ends if item.gives_nothing), None)

    def link(self, edges: Edges, target: int) -> None:
        """Make `edges` lead to the instruction at `target`."""
        for edge in edges:
            setattr(self._drafts[edge.node], edge.slot, target)

    def finish(self) -> tuple[Node, ...]:
        """The graph, without what cannot be reached, with a return where it may run out."""
        if self.loose or not self._drafts:
            self.end()
        kept = self._reachable(_ends)
        number = {old: new for new, old in enumerate(kept)}
        return tuple(_node(self._drafts[old], number) for old in kept)

    def _append(self, instruction: Instruction) -> int:
        index = self.here
        self.link(self.loose, index)
        self._drafts.append(_Draft(instruction, self.source))
        return index

    def _reachable(self, ends: Callable[[_Draft], set[int]]) -> list[int]:
        found, pending = {0}, [0]
        while pending:
            following = ends(self._drafts[pending.pop()]) - found - {-1}
            found |= following
            pending.extend(following)
        return sorted(found)


def _ends(draft: _Draft) -> set[int]:
    return {draft.following, draft.then, draft.otherwise}


def _possible(draft: _Draft) -> set[int]:
    """The ends without those that a constant condition rules out, as in `while True`."""
    match draft.instruction:
        case Branch(condition=Constant(value=value)):
            return {draft.then if value else draft.otherwise}
        case _:
            return _ends(draft)


def _node(draft: _Draft, number: dict[int, int]) -> Node:
    instruction = draft.instruction
    if isinstance(instruction, Branch):
        then, otherwise = number[draft.then], number[draft.otherwise]
        return Node(Branch(instruction.condition, then, otherwise), draft.source)
    return Node(instruction, draft.source, number.get(draft.following, -1))
