"""Taking DPCs out of their queues, and waiting for them (rules 7.3)."""

from ..algebra import equal, negation
from ..expr import FALSE, Constant, Expression
from .dpc import awaited, dpc_passed, dpcs, running_on
from .dpc_queues import leaves, queued_on
from .levels import PASSIVE_LEVEL
from .rule import KernelCall, KernelRoutine, Micro, Outcome, Step
from .signature import Parameter
from .world import NONE, World


def ke_remove_queue_dpc(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Take the DPC out of its queue.

    Windows: any IRQL; TRUE: it was queued and will not run; FALSE: it was not queued, which
        includes that it is running; it never waits (7.3.1, 10.53).
    Model: one step. The knob `weak_remove_queue_dpc` lets TRUE be followed by a run (7.3.2).
    """
    dpc = dpc_passed(call, world, "Dpc")
    free = equal(queued_on(world, dpc), NONE)
    outcomes = [
        Outcome((negation(free),), dequeued(world, dpc), result=Constant(1)),
        Outcome((free,), result=Constant(0)),
    ]
    if world.knobs.allows("weak_remove_queue_dpc", "yes"):
        name = f"{call.routine}: TRUE, but it will run"
        outcomes.append(Outcome((negation(free),), result=Constant(1), name=name))
    return (Step(call.routine, "7.3.1", tuple(outcomes)),)


def dequeued(world: World, dpc: str) -> tuple[tuple[str, Expression], ...]:
    """The updates that take the DPC out of its queue; nobody has to wait for it any more."""
    flushing = [str(item[0]) for item in world.facts.all("flushes")]
    return (
        (queued_on(world, dpc).variable, NONE),
        *leaves(world, dpc),
        *((awaited(world, context, dpc).variable, FALSE) for context in flushing),
    )


def ke_flush_queued_dpcs(call: KernelCall, world: World) -> tuple[Micro, ...]:
    """Wait until every DPC queued or running at the call, on all processors, has finished.

    Windows: PASSIVE_LEVEL (7.3.3, R64); no promise about DPCs queued during the call.
    Model: a snapshot, then a wait until each run in it has ended (10.54).
    """
    world.facts.add("flushes", call.context)
    checks = call.at_most(PASSIVE_LEVEL)
    snapshot: list[tuple[str, Expression]] = []
    waits: list[Expression] = []
    for dpc in dpcs(world):
        flag = awaited(world, call.context, dpc)
        snapshot.append((flag.variable, negation(equal(queued_on(world, dpc), NONE))))
        waits.append(negation(flag))
    for processor in world.processors:
        flag = awaited(world, call.context, f"DPC@{processor}")
        snapshot.append((flag.variable, running_on(processor)))
        waits.append(negation(flag))
    return (
        Step(call.routine, "7.3.3", (Outcome(updates=tuple(snapshot)),), checks),
        Step(f"{call.routine} waits", "7.3.3", (Outcome(tuple(waits), result=Constant(0)),)),
    )


ROUTINES = (
    KernelRoutine("KeRemoveQueueDpc", (Parameter("Dpc"),), ke_remove_queue_dpc, "7.3.1"),
    KernelRoutine("KeFlushQueuedDpcs", (), ke_flush_queued_dpcs, "7.3.3"),
)
