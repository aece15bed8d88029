"""Compiled code for several workers: who owns a state, and how it gets there.

A worker expands some of its own states. Successors that it owns itself it looks up at once, while
they are in its nearest cache; the others go into boxes, one for each owner. Then all wait for each
other, and each takes in what was sent to it. The waiting is done here as well: a level can have a
thousand such rounds, and waking a thread from Python costs as much as a round.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from enum import IntEnum

from .assembly import Function
from .core import Core
from .slots import BATCH, Slot, increase, number, pointer, shard_of, store

CHUNK = 4 * BATCH
"""States from a box that are inserted between two looks at the room there is."""

LINE = 16
"""Numbers between things that different workers write: two lines of a cache."""


class Meeting(IntEnum):
    """Where the numbers lie by which workers wait for each other."""

    ARRIVED = 0  # workers that wait
    TURN = LINE  # changes when all have arrived
    ABANDONED = 2 * LINE  # nobody shall wait any more
    YIELD = 3 * LINE  # address of the function that lets another thread run
    STATUS = 4 * LINE  # of each worker, `LINE` apart


class Status(IntEnum):
    """What a worker tells the others after a round."""

    IDLE = 0
    """All its states are expanded."""
    EAGER = 1
    """It has more to expand."""
    CRAMPED = 2
    """It needs memory before it can go on."""


_PATIENCE = 1 << 10
"""Looks at a number before the thread lets another one run."""


class Rounds:
    """Writes the functions with which workers exchange states."""

    def __init__(self, core: Core) -> None:
        """Exchange states as `core` writes them."""
        self.core = core

    def functions(self) -> Iterator[Function]:
        """All functions."""
        yield self._deal()
        yield self._scatter()
        yield self._gather()
        yield self._meet()
        yield self._take_in()
        yield self._work()

    def _deal(self) -> Function:
        """Put states into the boxes of their owners."""
        function = Function("void @deal(ptr %shard, ptr %states, i64 %count)")
        let = function.let
        outbox, sent = pointer(function, Slot.OUTBOX), pointer(function, Slot.SENT)
        shards = number(function, Slot.SHARDS)
        with function.counted("0", "%count") as place:
            state = function.place("%states", let(f"mul i64 {place}, {self.core.words}"))
            owner = shard_of(function, let(f"call i64 @hash(ptr {state})"), shards)
            box = function.get(function.place(outbox, owner, "ptr"), "ptr")
            tally = function.place(sent, owner)
            full = function.get(tally)
            self.core.copy(
                function, state, function.place(box, let(f"mul i64 {full}, {self.core.words}"))
            )
            function.put(tally, let(f"add i64 {full}, 1"))
        function.do("ret void")
        return function

    def _scatter(self) -> Function:
        """Expand the states from NEXT to END; keep what is new here, send the rest to its owner."""
        function = Function("void @scatter(ptr %shard)")
        outbox, sent = pointer(function, Slot.OUTBOX), pointer(function, Slot.SENT)
        own = number(function, Slot.SELF)
        with self.core.batches(function) as (first, last):
            buffer, count = self.core.expanded(function, first, last)
            increase(function, Slot.TRANSITIONS, count)
            function.do(f"call void @deal(ptr %shard, ptr {buffer}, i64 {count})")
            box, tally = function.place(outbox, own, "ptr"), function.place(sent, own)
            mine = f"ptr {function.get(box, 'ptr')}, i64 {function.get(tally)}"
            function.do(f"call void @insert(ptr %shard, {mine})")
            function.put(tally, "0")
        function.do("ret void")
        return function

    def _gather(self) -> Function:
        """Insert the states from `%done` to `%count` of a box; say how many, if room runs out."""
        function = Function("i64 @gather(ptr %shard, ptr %box, i64 %done, i64 %count)")
        let, place = function.let, function.slot("i64", "%done")
        head, body, after = map(function.label, ("head", "body", "after"))
        function.jump(head)
        function.begin(head)
        start = function.get(place)
        left = let(f"icmp ult i64 {start}, %count")
        found, capacity = number(function, Slot.COUNT), number(function, Slot.CAPACITY)
        fits = let(f"icmp ule i64 {found}, {capacity}")
        function.branch(let(f"and i1 {left}, {fits}"), body, after)
        function.begin(body)
        size = let(f"sub i64 %count, {start}")
        most = min(CHUNK, BATCH * self.core.room)
        piece = let(f"call i64 @llvm.umin.i64(i64 {size}, i64 {most})")
        states = function.place("%box", let(f"mul i64 {start}, {self.core.words}"))
        function.do(f"call void @insert(ptr %shard, ptr {states}, i64 {piece})")
        function.add(place, piece)
        function.jump(head)
        function.begin(after)
        function.do(f"ret i64 {let(f'sub i64 {function.get(place)}, %done')}")
        return function

    @staticmethod
    def _meet() -> Function:
        """Wait until every worker is here; say whether the search was abandoned meanwhile."""
        function = Function("internal i1 @meet(ptr %shard) noinline")
        let, meeting = function.let, pointer(function, Slot.MEETING)
        arrived = function.place(meeting, Meeting.ARRIVED)
        turn = function.place(meeting, Meeting.TURN)
        abandoned = function.place(meeting, Meeting.ABANDONED)
        looks = function.slot("i64", "0")
        last, wait, look, again, rest, after = map(
            function.label, ("last", "wait", "look", "again", "rest", "after")
        )
        before = let(f"load atomic i64, ptr {turn} acquire, align 8")
        others = let(f"atomicrmw add ptr {arrived}, i64 1 acq_rel")
        all_here = let(f"add i64 {others}, 1")
        shards = number(function, Slot.SHARDS)
        function.branch(let(f"icmp eq i64 {all_here}, {shards}"), last, wait)
        function.begin(last)
        function.do(f"store atomic i64 0, ptr {arrived} monotonic, align 8")
        function.do(f"store atomic i64 {let(f'add i64 {before}, 1')}, ptr {turn} release, align 8")
        function.jump(after)
        function.begin(wait)
        now = let(f"load atomic i64, ptr {turn} acquire, align 8")
        function.branch(let(f"icmp eq i64 {now}, {before}"), look, after)
        function.begin(look)
        given_up = let(f"load atomic i64, ptr {abandoned} monotonic, align 8")
        function.branch(let(f"icmp eq i64 {given_up}, 0"), again, after)
        function.begin(again)
        function.add(looks, "1")
        spent = let(f"and i64 {function.get(looks)}, {_PATIENCE - 1}")
        function.branch(let(f"icmp eq i64 {spent}, 0"), rest, wait)
        function.begin(rest)
        let(f"call i32 {function.get(function.place(meeting, Meeting.YIELD), 'ptr')}()")
        function.jump(wait)
        function.begin(after)
        given_up = let(f"load atomic i64, ptr {abandoned} monotonic, align 8")
        function.do(f"ret i1 {let(f'icmp ne i64 {given_up}, 0')}")
        return function

    @contextmanager
    def _senders(self, function: Function) -> Generator[tuple[str, str]]:
        """A loop over the other workers; gives the box of each for this one and what is in it."""
        let = function.let
        own, everyone = number(function, Slot.SELF), pointer(function, Slot.ALL)
        with (
            function.counted("0", number(function, Slot.SHARDS)) as sender,
            function.when(let(f"icmp ne i64 {sender}, {own}")),
        ):
            shard = function.get(function.place(everyone, sender, "ptr"), "ptr")
            outbox = pointer(function, Slot.OUTBOX, shard)
            tally = function.place(pointer(function, Slot.SENT, shard), own)
            box = function.get(function.place(outbox, own, "ptr"), "ptr")
            yield box, function.get(tally)

    def _take_in(self) -> Function:
        """Insert what the others have sent, if there is room for all of it; say whether."""
        function = Function("internal i1 @take_in(ptr %shard) noinline")
        let, wanted = function.let, function.slot("i64", number(function, Slot.COUNT))
        with self._senders(function) as (_, count):
            function.add(wanted, count)
        capacity = number(function, Slot.CAPACITY)
        fits = let(f"icmp ule i64 {function.get(wanted)}, {capacity}")
        with function.when(fits), self._senders(function) as (box, count):
            let(f"call i64 @gather(ptr %shard, ptr {box}, i64 0, i64 {count})")
        function.do(f"ret i1 {fits}")
        return function

    def _work(self) -> Function:
        """Up to `%rounds` rounds of up to `%size` states, to `%goal`, together with the others."""
        function = Function("void @work(ptr %shard, i64 %goal, i64 %size, i64 %rounds)")
        let, own = function.let, number(function, Slot.SELF)
        shards, sent = number(function, Slot.SHARDS), pointer(function, Slot.SENT)
        status = function.place(pointer(function, Slot.MEETING), Meeting.STATUS)
        mine = function.place(status, let(f"mul i64 {own}, {LINE}"))
        done, most = function.slot("i64", "0"), function.slot("i64", "0")
        head, leave = function.label("head"), function.label("leave")
        function.jump(head)
        function.begin(head)
        far = let(f"add i64 {number(function, Slot.NEXT)}, %size")
        store(function, Slot.END, let(f"call i64 @llvm.umin.i64(i64 {far}, i64 %goal)"))
        with function.counted("0", shards) as receiver:
            function.put(function.place(sent, receiver), "0")
        function.do("call void @scatter(ptr %shard)")
        self._wait(function, leave)
        taken = let("call i1 @take_in(ptr %shard)")
        store(function, Slot.WAITING, let(f"zext i1 {let(f'xor i1 {taken}, true')} to i64"))
        found, capacity = number(function, Slot.COUNT), number(function, Slot.CAPACITY)
        room = let(f"and i1 {taken}, {let(f'icmp ule i64 {found}, {capacity}')}")
        left = let(f"icmp ult i64 {number(function, Slot.NEXT)}, %goal")
        willing = let(f"select i1 {left}, i64 {Status.EAGER}, i64 {Status.IDLE}")
        function.put(mine, let(f"select i1 {room}, i64 {willing}, i64 {Status.CRAMPED}"))
        self._wait(function, leave)
        function.put(most, f"{Status.IDLE}")
        with function.counted("0", shards) as worker:
            said = function.get(function.place(status, let(f"mul i64 {worker}, {LINE}")))
            function.put(
                most, let(f"call i64 @llvm.umax.i64(i64 {said}, i64 {function.get(most)})")
            )
        function.add(done, "1")
        on = let(f"icmp eq i64 {function.get(most)}, {Status.EAGER}")
        more = let(f"icmp ult i64 {function.get(done)}, %rounds")
        function.branch(let(f"and i1 {on}, {more}"), head, leave)
        function.begin(leave)
        function.do("ret void")
        return function

    @staticmethod
    def _wait(function: Function, leave: str) -> None:
        on = function.label("on")
        function.branch(function.let("call i1 @meet(ptr %shard)"), leave, on)
        function.begin(on)
