"""Capturing the operations of queues: ordinary steps on an array and a count.

A queue is memory like any other. Each operation reads the count, touches the entries one by one and
writes the count, so two contexts that use a queue without a common lock are found as a race.
"""

import ast

from ..algebra import arithmetic, equal, less
from ..expr import Constant, Expression, Read
from ..routine import Assert, Load, Store
from .errors import ARGUMENTS
from .graph import Edges
from .kinds import Captured, Kind, QueueOperation, condition
from .names import QUEUE_EXAMPLE
from .structures import Structures


class Queues(Structures):
    """A frame that can use queues."""

    def queue_call(
        self, found: QueueOperation, node: ast.Call, target: str | None
    ) -> Captured | None:
        """Capture `self.work.append(x)` and its like; `None` where there is no result."""
        wanted = 1 if found.operation == "append" else 0
        if len(node.args) != wanted or node.keywords:
            raise self.error(
                ARGUMENTS,
                f"`{found.operation}` of a queue takes "
                + ("the entry to append" if wanted else "no arguments"),
                node,
                QUEUE_EXAMPLE,
            )
        match found.operation:
            case "append":
                self._append(found, node.args[0])
                return None
            case "pop":
                return self._pop(found, target)
            case _:
                count = self._count(found)
                return self._asked(found, count)

    def _asked(self, found: QueueOperation, count: Expression) -> Captured:
        match found.operation:
            case "empty":
                return condition(equal(count, Constant(0)))
            case "full":
                return condition(equal(count, Constant(found.capacity)))
            case _:
                return Captured(Kind.INTEGER, count)

    def _count(self, found: QueueOperation, *, starts_update: bool = False) -> Expression:
        name = self.temporary()
        self.graph.add(Load(name, found.count, starts_update))
        return Read(name)

    def _append(self, found: QueueOperation, given: ast.expr) -> None:
        entry = self.value(given)
        if entry.stored_kind not in (found.location.kind, Kind.UNKNOWN):
            raise self.mixed(
                f"`{found.shown}` holds {found.location.kind.value}, not {entry.kind.value}", given
            )
        count = self._count(found, starts_update=True)
        text = f"{found.shown} has room (append to a queue of {found.capacity})"
        self.graph.add(Assert(less(count, Constant(found.capacity)), text))
        self.graph.add(Store(found.entry(count), entry.value))
        more = arithmetic("+", count, Constant(1))
        self.graph.add(Store(found.count, more, completes_update=True))

    def _pop(self, found: QueueOperation, target: str | None) -> Captured:
        """Take the first entry; the others move up, and the last place is empty again."""
        target = target or self.temporary()
        count = self._count(found, starts_update=True)
        self.graph.add(Assert(less(Constant(0), count), f"{found.shown} has an entry (pop)"))
        self.graph.add(Load(target, found.entry(Constant(0))))
        ends: Edges = []
        for index in range(1, found.capacity):
            more, last = self.graph.branch(less(Constant(index), count))
            self.graph.loose = last
            self._leave(found, index - 1)
            ends += self.graph.loose
            self.graph.loose = more
            moved = self.temporary()
            self.graph.add(Load(moved, found.entry(Constant(index))))
            self.graph.add(Store(found.entry(Constant(index - 1)), Read(moved)))
        self._leave(found, found.capacity - 1)
        self.graph.loose += ends
        fewer = arithmetic("-", count, Constant(1))
        self.graph.add(Store(found.count, fewer, completes_update=True))
        self.learn(target, found.location.kind)
        return Captured(
            found.location.kind, self.local(target).expression, found.location.candidates
        )

    def _leave(self, found: QueueOperation, index: int) -> None:
        """Make a place what it was before anything was in it, so that equal queues are equal."""
        empty = Constant(found.location.field.initial[0])
        self.graph.add(Store(found.entry(Constant(index)), empty))
