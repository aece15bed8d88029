"""What queues a DPC: calls of the driver, or a timer that expires (rule 7.4.5)."""

from ..algebra import negation
from ..expr import FALSE, TRUE, Expression, Read
from ..machine import Check
from .rule import KernelCall
from .world import World

CALLS = "KeInsertQueueDpc"
TIMER = "a timer"


def _was(world: World, dpc: str, source: str) -> Read:
    """Whether the DPC was handed to `source` since it was initialised."""
    return world.flag(f"{dpc} was given to {source}")


def _mixed(world: World, dpc: str) -> bool:
    """Whether the driver hands the DPC to both."""
    return all(world.facts.has("dpc source", dpc, source) for source in (CALLS, TIMER))


def one_source(
    call: KernelCall, world: World, dpc: str, source: str
) -> tuple[tuple[Check, ...], tuple[tuple[str, Expression], ...]]:
    """The check that `dpc` was never handed to the other source, and the update that remembers.

    Windows: one KDPC is not given to both KeSetTimer and KeInsertQueueDpc: whichever finds it
        queued is lost, and its caller is not told (7.4.5, R59).
    Model: a violation of the second kind of use, whether or not the DPC is queued at that moment.
        What the driver uses in one way only costs no state.
    """
    world.facts.add("dpc source", dpc, source)
    if not _mixed(world, dpc):
        return (), ()
    other = TIMER if source == CALLS else CALLS
    check = Check(
        "dpc-argument-lost",
        negation(_was(world, dpc, other)),
        f"{call.routine} is given {dpc}, which was given to {other} before: if both queue it "
        "before it has run, one of the two is lost",
    )
    return (check,), ((_was(world, dpc, source).variable, TRUE),)


def forgotten(world: World, dpc: str) -> tuple[tuple[str, Expression], ...]:
    """The updates by which a DPC object is as good as new."""
    if not _mixed(world, dpc):
        return ()
    return tuple((_was(world, dpc, source).variable, FALSE) for source in (CALLS, TIMER))
