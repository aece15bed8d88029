"""Deferred work: DPCs, timers and work items."""

from dirql.model.algebra import conjunction
from dirql.model.expr import FALSE
from dirql.model.system import System

from .property import AtRest, Conditions


def dpc_argument_lost(_system: System) -> Conditions:
    """A DPC that is already queued is queued again with other arguments, which are dropped.

    What it checks:
        When KeInsertQueueDpc finds its DPC queued, that the arguments are those of the queued
        one, or that the caller looks at the result. And that a DPC is given either to
        KeInsertQueueDpc or to a timer: an expiry that finds its DPC queued tells nobody.

    Why it matters:
        The second insert does nothing and says so only by returning FALSE. A request passed in
        SystemArgument1 is then never completed.

    Example:
        def SerialIsr(self, Interrupt, ServiceContext):
            KeInsertQueueDpc(self.complete_dpc, self.wait_irp, NULL)
            self.wait_irp = NULL
            return TRUE

    Fixed:
        def SerialIsr(self, Interrupt, ServiceContext):
            self.completed += 1                        # the DPC takes everything recorded
            KeInsertQueueDpc(self.complete_dpc, NULL, NULL)
            return TRUE

    References:
        7.1.2, 7.1.3, 7.2.2, 7.2.3, 7.4.5, R32, R55, R59; KeInsertQueueDpc,
        KeSetTimer; no bug check: the request hangs.
    """
    return ()


def dpc_requested_outside_isr(_system: System) -> Conditions:
    """IoRequestDpc is called by something other than a service routine.

    What it checks:
        At IoRequestDpc, that the caller is at DIRQL.

    Why it matters:
        The routine is documented for service routines only. It queues elsewhere as well, today;
        and what a thread or a DPC hands over has a routine of its own, which says by its result
        whether it was queued.

    Example:
        def Ioctl(self):
            IoRequestDpc(self.Self, NULL, NULL)        # at PASSIVE_LEVEL

    Fixed:
        def Ioctl(self):
            KeInsertQueueDpc(self.dpc, NULL, NULL)     # allowed at any level

    References:
        7.1.2, 7.2.2, 10.42; IoRequestDpc, KeInsertQueueDpc; 0xC4/0xE5.
    """
    return ()


def work_item_queued_twice(_system: System) -> Conditions:
    """A work item is queued while it is still queued.

    What it checks:
        At IoQueueWorkItem, that the item is not in the queue. Once its routine has started it may
        be queued again.

    Why it matters:
        Unlike a DPC, a work item is linked in a second time and corrupts the system's list.

    Example:
        def NICDpc(self, Dpc, DeferredContext):
            IoQueueWorkItem(self.item, self.Worker)    # the last one may still wait

    Fixed:
        def NICDpc(self, Dpc, DeferredContext):
            if not InterlockedExchange(self.item_queued, 1):
                IoQueueWorkItem(self.item, self.Worker)

    References:
        7.5.2, 7.5.3, R61; IoQueueWorkItem, "System worker threads"; 0xE4 WORKER_INVALID,
        0x96 INVALID_WORK_QUEUE_ITEM.
    """
    return ()


def free_while_queued(_system: System) -> Conditions:
    """Memory that holds a queued DPC, an armed timer or a queued work item is freed.

    What it checks:
        When memory is freed or a work item is released, that no DPC, timer or work item inside it
        is queued or armed. When an object is initialised, that it is neither, and nobody waits
        for it.

    Why it matters:
        The system's queue still points there. It follows the link when the memory belongs to
        somebody else, long after the driver that did it is gone.

    Example:
        def Remove(self):
            IoDisconnectInterrupt(self.Interrupt)
            IoDeleteDevice(self.device)                # its DPC may be queued

    Fixed:
        def Remove(self):
            IoDisconnectInterrupt(self.Interrupt)
            KeFlushQueuedDpcs()
            IoDeleteDevice(self.device)

    References:
        3.4.1, 3.4.10, 6.5.10, 7.1.12, 7.4.3, 7.4.7, 7.5.4, R60, R79; KeInitializeDpc,
        KeCancelTimer, IoFreeWorkItem; 0xC7 TIMER_OR_DPC_INVALID, 0xC4/0x15.
    """
    return ()


def queue_left_pending(system: System) -> Conditions:
    """The driver is gone and one of its DPCs, timers or work items is still queued or armed.

    What it checks:
        When `finally_` has run and nothing is owed any more, that no DPC, timer or work item is
        pending. The same after a start that failed, in a scenario without `finally_`. A queued
        DPC or work item is owed its run, so what is found at rest is what never gets it: an armed
        timer (its expiry may come at any time, but is not owed), or a queue behind a processor
        that never gets below DISPATCH_LEVEL again. And that from every state with something
        pending the driver can come to rest: DPCs, timers and work items that queue each other
        again and again never let it.

    Why it matters:
        The timer expires into a driver that is no longer in memory.

    Example:
        def Remove(self):
            IoDisconnectInterrupt(self.Interrupt)      # the watchdog timer stays armed

    Fixed:
        def Remove(self):
            KeCancelTimer(self.watchdog)
            KeFlushQueuedDpcs()
            IoDisconnectInterrupt(self.Interrupt)

    References:
        3.1.10, 3.4.1, 3.4.10, 7.4.3, 7.4.7, 7.5.5, R60, R79; KeSetTimer, KeCancelTimer;
        0xCE DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS.
    """
    gone, since = system.gone
    return tuple(
        AtRest(
            "queue-left-pending",
            wrong=conjunction(gone, queue.pending),
            settled=FALSE,  # gone from its queue it may be on its way back
            detail=f"the {queue.kind} {queue.name} is still pending after {since}",
            restless=f"the {queue.kind} {queue.name} is pending after {since}, "
            "and the driver never comes to rest",
            bug_check="0xCE DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS",
        )
        for queue in system.queues
    )
