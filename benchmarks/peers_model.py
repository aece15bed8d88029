"""An interrupt driver at the granularity of other checkers: a yardstick for engines.

The same model was written for SPIN, Rumur and TLC, and all three count the same states, so the
counts in `SIZES` are an oracle and the times can be compared. It is not made by the kernel rules:
it is smaller and coarser than a pattern.

Each of `processors` processors has a thread, a service routine and a DPC that nest by IRQL and
update one shared number under the interrupt spin lock; one device asserts a level line while it
has requests pending; one more thread masks, frees and connects the interrupt again and again.
"""

from collections.abc import Mapping

from dirql.model.algebra import arithmetic, conjunction, equal, less, less_equal, negation
from dirql.model.domain import PROCESSOR, Boolean, Enumeration, Range
from dirql.model.expr import FALSE, TRUE, Constant, Expression, Read
from dirql.model.machine import Context, ContextKind, Invariant, Machine, Transition, Variable

SIZES = {
    # (processors, most requests, modulus): (states, transitions)
    (2, 2, 2): (21_672, 71_040),
    (3, 4, 3): (1_305_864, 5_473_332),
    (4, 1, 1): (2_977_632, 13_600_272),
    (4, 2, 2): (9_911_328, 47_580_960),
    (4, 4, 4): (35_646_912, 176_683_584),
}

DEPTH_OF_SMALLEST = 62
"""The distance of the farthest state for (2, 2, 2)."""


def interrupt_model(processors: int, requests: int, modulus: int) -> Machine:
    """The correct model: it holds, and its size is in `SIZES`."""
    labels = tuple(f"P{number}" for number in range(processors))
    model = _Model(labels, requests, modulus)
    model.environment()
    for place in labels:
        model.thread(place)
        model.service_routine(place)
        model.deferred_routine(place)
    freed_in_service = conjunction(equal(Read("connected"), Constant("freed")), Read("in service"))
    return Machine(
        name=f"interrupt model {processors}x{requests}x{modulus}",
        variables=tuple(model.variables),
        transitions=tuple(model.transitions),
        contexts=tuple(model.contexts),
        invariants=(
            Invariant("mutual-exclusion", less_equal(Read("critical"), Constant(1))),
            Invariant("service-on-freed-interrupt", negation(freed_in_service)),
        ),
    )


class _Model:
    """The parts of the machine while they are put together."""

    def __init__(self, labels: tuple[str, ...], requests: int, modulus: int) -> None:
        self.requests, self.modulus = requests, modulus
        self.connections = Enumeration("connection", ("masked", "connected", "freed"))
        self.variables = [
            Variable("pending", Range(0, requests), (0,)),
            Variable("connected", self.connections, ("connected",)),
            Variable("lock", Enumeration(PROCESSOR, ("none", *labels)), ("none",)),
            Variable("shared", Range(0, modulus - 1), (0,)),
            Variable("critical", Range(0, 3 * len(labels)), (0,)),
            Variable("in service", Boolean(), (False,)),
        ]
        self.contexts: list[Context] = []
        self.transitions: list[Transition] = []
        for place in labels:
            self.variables += [
                Variable(f"irql {place}", Range(0, 2), (0,), place),
                Variable(f"saved {place}", Range(0, 2), (0,), place),
                Variable(f"queued {place}", Boolean(), (False,), place),
            ]

    def environment(self) -> None:
        """The device, and the thread that takes the interrupt away and brings it back."""
        nowhere = Constant("none")
        for name in ("device", "connector"):
            self.contexts.append(Context(name, ContextKind.HARDWARE, "", nowhere, Constant(0)))
        pending, connected = Read("pending"), Read("connected")
        more = (("pending", arithmetic("+", pending, Constant(1))),)
        asked = (less(pending, Constant(self.requests)),)
        self.transitions.append(Transition("device asks", "device", asked, more))
        rest = negation(Read("in service"))
        for name, old, new, guard in (
            ("mask", "connected", "masked", ()),
            ("free", "masked", "freed", (rest,)),
            ("connect", "freed", "connected", ()),
        ):
            here = equal(connected, Constant(old))
            step = (("connected", Constant(new)),)
            self.transitions.append(Transition(name, "connector", (here, *guard), step))

    def context(self, name: str, kind: ContextKind, place: str, points: int) -> None:
        """A context with a counter of so many points and a private copy of the shared number."""
        labels = tuple(f"{number}" for number in range(points))
        domain = Enumeration(f"points of {name}", labels)
        self.variables.append(Variable(f"at {name}", domain, ("0",), name))
        self.variables.append(Variable(f"copy {name}", Range(0, self.modulus - 1), (0,), name))
        self.contexts.append(
            Context(name, kind, f"at {name}", Constant(place), Read(f"irql {place}"))
        )

    def change(
        self,
        name: str,
        point: int,
        then: int,
        guard: tuple[Expression, ...],
        changes: Mapping[str, Expression],
    ) -> None:
        """A step from one point of context `name` to another."""
        here = equal(Read(f"at {name}"), Constant(f"{point}"))
        updates = (*changes.items(), (f"at {name}", Constant(f"{then}")))
        self.transitions.append(Transition(f"step {point}", name, (here, *guard), updates))

    def critical(self, name: str, place: str, point: int, also: Mapping[str, Expression]) -> None:
        """Lock, read, compute, write, release: five steps; `also` changes with the write."""
        copy, count = Read(f"copy {name}"), Read("critical")
        free = (equal(Read("lock"), Constant("none")),)
        taken = {"lock": Constant(place), "critical": arithmetic("+", count, Constant(1))}
        released = {"lock": Constant("none"), "critical": arithmetic("-", count, Constant(1))}
        following = arithmetic("%", arithmetic("+", copy, Constant(1)), Constant(self.modulus))
        self.change(name, point, point + 1, free, taken)
        self.change(name, point + 1, point + 2, (), {f"copy {name}": Read("shared")})
        self.change(name, point + 2, point + 3, (), {f"copy {name}": following})
        written: dict[str, Expression] = {"shared": copy, f"copy {name}": Constant(0), **also}
        self.change(name, point + 3, point + 4, (), written)
        self.change(name, point + 4, point + 5, (), released)

    def thread(self, place: str) -> None:
        """Raises to DIRQL, updates, lowers."""
        name, irql = f"thread {place}", f"irql {place}"
        self.context(name, ContextKind.THREAD, place, 7)
        passive = (equal(Read(irql), Constant(0)),)
        self.change(name, 0, 1, passive, {irql: Constant(2)})
        self.critical(name, place, 1, {})
        self.change(name, 6, 0, (), {irql: Constant(0)})

    def service_routine(self, place: str) -> None:
        """Enters above what runs, acknowledges one request, queues the DPC."""
        name, irql, saved = f"isr {place}", f"irql {place}", f"saved {place}"
        self.context(name, ContextKind.ISR, place, 7)
        accepted = (
            equal(Read("connected"), Constant("connected")),
            less(Constant(0), Read("pending")),
            negation(Read("in service")),
            less(Read(irql), Constant(2)),
        )
        entry: dict[str, Expression] = {saved: Read(irql), irql: Constant(2), "in service": TRUE}
        self.change(name, 0, 1, accepted, entry)
        fewer = arithmetic("-", Read("pending"), Constant(1))
        self.critical(name, place, 1, {"pending": fewer, f"queued {place}": TRUE})
        leave: dict[str, Expression] = {irql: Read(saved), saved: Constant(0), "in service": FALSE}
        self.change(name, 6, 0, (), leave)

    def deferred_routine(self, place: str) -> None:
        """Runs at DISPATCH_LEVEL, raises for the update."""
        name, irql, queued = f"dpc {place}", f"irql {place}", f"queued {place}"
        self.context(name, ContextKind.DPC, place, 9)
        start = (Read(queued), equal(Read(irql), Constant(0)))
        dispatch = (equal(Read(irql), Constant(1)),)
        self.change(name, 0, 1, start, {queued: FALSE, irql: Constant(1)})
        self.change(name, 1, 2, dispatch, {irql: Constant(2)})
        self.critical(name, place, 2, {})
        self.change(name, 7, 8, (), {irql: Constant(1)})
        self.change(name, 8, 0, dispatch, {irql: Constant(0)})
