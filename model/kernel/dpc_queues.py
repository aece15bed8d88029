"""The DPC queues of the processors, and the order in them (rules 7.1.1, 7.1.4 and 7.1.8).

A queue is not a list. Of two DPCs that can be in one queue together one bit says whether the first
of them, by name, is before the other. It is false wherever they are not, so that it adds states
only where there are two orders to tell apart; a driver with one DPC has no such bit. *Instead of*
positions, which all move up when a DPC leaves.
"""

from ..algebra import conjunction, disjunction, equal, negation
from ..expr import FALSE, TRUE, Constant, Expression, Read
from .world import World

Updates = tuple[tuple[str, Expression], ...]


def queued_on(world: World, dpc: str) -> Read:
    """The processor whose queue holds the DPC, or `none` (7.1.4: at most one)."""
    return world.variable(f"{dpc} queued on", world.processor_domain, ("none",))


def urgent(world: World, dpc: str) -> Expression:
    """Whether the DPC is of high importance: it goes to the head of its queue (7.1.8)."""
    if not world.facts.has("dpc high importance", dpc):
        return FALSE
    return world.flag(f"{dpc} is urgent")


def made_urgent(world: World, dpc: str, *, value: bool) -> Updates:
    """The updates by which the DPC is of high importance from now on, or of the usual one."""
    chosen = urgent(world, dpc)
    return ((chosen.variable, Constant(value=value)),) if isinstance(chosen, Read) else ()


def ever_queued(world: World, dpc: str) -> None:
    """Remember that something queues the DPC."""
    world.facts.add("dpc queued", dpc)


def _others(world: World, dpc: str) -> tuple[str, ...]:
    """The DPCs that can be before or after this one, where the order is kept."""
    queued = [str(item[0]) for item in world.facts.all("dpc queued")]
    if dpc not in queued or world.knobs["dpc_order"] == "unordered":
        return ()
    return tuple(name for name in queued if name != dpc)


def _before(world: World, one: str, other: str) -> Read:
    """Whether `one` is before `other` in a queue that holds both; its name sorts before, too."""
    return world.flag(f"{one} before {other}")


def joins(world: World, dpc: str, processor: Expression, at_head: Expression) -> Updates:
    """What its queuing on `processor`, at the head or at the tail, makes of the order there.

    Windows: high importance goes to the head of the queue, all others to its tail (7.1.8).
    Model: as documented; the knob `dpc_order` gives the order up, for drivers that must not rely on
        it (10.65).
    """
    found: list[tuple[str, Expression]] = []
    for other in _others(world, dpc):
        there = equal(queued_on(world, other), processor)
        if dpc < other:
            found.append((_before(world, dpc, other).variable, conjunction(at_head, there)))
        else:
            behind = conjunction(negation(at_head), there)
            found.append((_before(world, other, dpc).variable, behind))
    return tuple(found)


def leaves(world: World, dpc: str) -> Updates:
    """What its leaving makes of the order: nothing is before it or after it."""
    pairs = (sorted((dpc, other)) for other in _others(world, dpc))
    return tuple((_before(world, one, other).variable, FALSE) for one, other in pairs)


def first_on(world: World, dpc: str, processor: Expression) -> Expression:
    """Whether nothing is before the DPC, given that it is in the queue of `processor`."""
    found: list[Expression] = []
    for other in _others(world, dpc):
        if dpc < other:
            elsewhere = negation(equal(queued_on(world, other), processor))
            found.append(disjunction(elsewhere, _before(world, dpc, other)))
        else:
            found.append(negation(_before(world, other, dpc)))
    return conjunction(*found) if found else TRUE


def not_empty_for(world: World, dpc: str, processor: Expression) -> Expression:
    """Whether the queue of `processor` holds another DPC, where the order is kept."""
    others = _others(world, dpc)
    return disjunction(*(equal(queued_on(world, other), processor) for other in others))
