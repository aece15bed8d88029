"""Lost interrupts, deadlocks, lifetimes, values: what is wrong, and where nothing is."""

from .known_drivers import SERVICE, Known

SECOND_CAUSE = (
    "    @hardware\n",
    "    @hardware\n    def more(self):\n        self.other = 1\n\n    @hardware\n",
)


QUEUES = SERVICE + "KeInsertQueueDpc(self.dpc, NULL, NULL)\nreturn TRUE\n"
EACH_ONCE = """
if self.nic.cause:
    self.nic.cause = 0
if self.nic.other:
    self.nic.other = 0
return TRUE
"""
SIGNED = (("    x = Int(0, 3)\n", "    x = Int(-0x80000000, 0x7FFFFFFF)\n"),)
LATCHED = (("irql=5", "irql=5, mode=Latched"), SECOND_CAUSE)
WAITS = "KeWaitForSingleObject(self.done, Executive, KernelMode, FALSE, NULL)\n"
SETS = "KeSetEvent(self.done, 0, FALSE)\n"

LOST_INTERRUPTS = (
    Known(
        "an edge lost between two tests, and the driver removed some day",
        {1: "unserviced-cause", 2: "unserviced-cause"},
        service=EACH_ONCE,
        changes=LATCHED,
    ),
    Known(
        "an edge kept by a loop",
        {1: "holds", 2: "holds"},
        service="""
            while self.nic.cause or self.nic.other:
                if self.nic.cause:
                    self.nic.cause = 0
                if self.nic.other:
                    self.nic.other = 0
            return TRUE
        """,
        changes=LATCHED,
    ),
    Known(
        "a lost edge although service routines are called for nothing now and then",
        {1: "unserviced-cause"},
        service=EACH_ONCE,
        changes=LATCHED,
        knobs=(("spurious_calls", "yes"),),
    ),
    Known(
        "a lost edge although a thread could be alerted",
        {1: "unserviced-cause"},
        threads=("KeWaitForSingleObject(self.done, Executive, UserMode, TRUE, NULL)",),
        service=EACH_ONCE,
        changes=LATCHED,
    ),
    Known(
        "a cause that a masking service routine leaves for ever, while a thread sleeps and wakes",
        {1: "unserviced-cause", 2: "unserviced-cause"},
        threads=("while TRUE:\n    KeDelayExecutionThread(KernelMode, FALSE, 1)",),
        service="self.nic.masked = 1\nreturn TRUE\n",
        changes=(
            (
                "        return (self.cause or self.other) and not self.masked\n\n    @hardware",
                "        return self.cause\n\n    @hardware",
            ),
            (
                "        self.nic.masked = 1\n        if self.Interrupt:",
                "        if self.Interrupt:",
            ),
        ),
        properties=("unserviced-cause",),
    ),
)

DEADLOCKS = (
    Known(
        "a thread raised to DISPATCH_LEVEL polls for what only another thread can do",
        {1: "stuck-context", 2: "holds"},
        threads=(
            """
            KeRaiseIrql(DISPATCH_LEVEL, old)
            while not self.flag:
                pass
            KeLowerIrql(old)
            """,
            "self.flag = 1",
        ),
        service="return FALSE\n",
        changes=(("self.nic.masked = 0", "pass"),),
    ),
    Known(
        "three threads meet only on three processors",
        {2: "stuck-context", 3: "assertion-failed"},
        threads=(
            """
            KeRaiseIrql(DISPATCH_LEVEL, old)
            here = InterlockedIncrement(self.flag)
            assert here != 3
            while self.flag != 3:
                pass
            KeLowerIrql(old)
            """,
        )
        * 3,
        changes=(("self.nic.masked = 0", "pass"),),
    ),
    Known(
        "the service routine takes the lock between the raise and the release of a thread",
        {1: "preemption-deadlock", 2: "preemption-deadlock"},
        threads=("KeAcquireSpinLock(self.lock, old)\nKeReleaseSpinLock(self.lock, old)",),
        service=SERVICE
        + "KeAcquireSpinLockAtDpcLevel(self.lock)\n"
        + "KeReleaseSpinLockFromDpcLevel(self.lock)\nreturn TRUE\n",
    ),
    Known(
        "the interrupt's own lock taken as an ordinary one",
        {1: "preemption-deadlock", 2: "preemption-deadlock"},
        threads=("KeAcquireSpinLock(self.lock, old)\nKeReleaseSpinLock(self.lock, old)",),
        changes=(("self.Service, self)", "self.Service, self, SpinLock=self.lock)"),),
    ),
    Known(
        "the interrupt lock taken by hand and once more",
        {1: "recursive-lock-acquire", 2: "recursive-lock-acquire"},
        threads=(
            """
            old = KeAcquireInterruptSpinLock(self.Interrupt)
            KeSynchronizeExecution(self.Interrupt, self.Nothing, NULL)
            KeReleaseInterruptSpinLock(self.Interrupt, old)
            """,
        ),
    ),
    Known(
        "two locks in two orders",
        {1: "holds", 2: "lock-cycle"},
        threads=(
            """
            KeAcquireSpinLock(self.lock, old)
            KeAcquireSpinLockAtDpcLevel(self.other_lock)
            KeReleaseSpinLockFromDpcLevel(self.other_lock)
            KeReleaseSpinLock(self.lock, old)
            """,
            """
            KeAcquireSpinLock(self.other_lock, old)
            KeAcquireSpinLockAtDpcLevel(self.lock)
            KeReleaseSpinLockFromDpcLevel(self.lock)
            KeReleaseSpinLock(self.other_lock, old)
            """,
        ),
    ),
    Known(
        "a DPC that queues itself never lets one processor go",
        {1: "stuck-context"},
        threads=("KeInsertQueueDpc(self.dpc, NULL, NULL)\nKeFlushQueuedDpcs()",),
        deferred="KeInsertQueueDpc(self.dpc, NULL, NULL)",
    ),
    Known(
        "one signal for two waiters",
        {1: "stuck-context"},
        threads=(WAITS, "KeInsertQueueDpc(self.dpc, NULL, NULL)\n" + WAITS),
        deferred=SETS,
        changes=(("NotificationEvent", "SynchronizationEvent"),),
    ),
    Known(
        "a notification for two waiters",
        {1: "holds", 2: "holds"},
        threads=(WAITS, "KeInsertQueueDpc(self.dpc, NULL, NULL)\n" + WAITS),
        deferred=SETS,
        changes=(("self.nic.masked = 0", "pass"),),
    ),
    Known(
        "an event cleared after it was set",
        {1: "stuck-context"},
        threads=("KeInsertQueueDpc(self.dpc, NULL, NULL)\nKeClearEvent(self.done)\n" + WAITS,),
        deferred=SETS,
    ),
)

LIFETIMES = (
    Known(
        "memory freed after removing a DPC that was running",
        {1: "holds", 2: "use-after-free"},
        threads=(
            """
            KeSynchronizeExecution(self.Interrupt, self.Quiet, NULL)
            KeRemoveQueueDpc(self.dpc)
            ExFreePool(self.record)
            """,
        ),
        service=QUEUES,
        deferred="self.record.value = 1",
    ),
    Known(
        "memory freed after a flush",
        {1: "holds"},
        threads=(
            """
            KeSynchronizeExecution(self.Interrupt, self.Quiet, NULL)
            KeFlushQueuedDpcs()
            ExFreePool(self.record)
            """,
        ),
        service=QUEUES,
        deferred="self.record.value = 1",
    ),
    Known(
        "an event set before the last touch",
        {1: "holds", 2: "use-after-free"},
        threads=("KeInsertQueueDpc(self.dpc, NULL, NULL)\n" + WAITS + "ExFreePool(self.record)",),
        deferred=SETS + "self.record.value = 1",
    ),
    Known(
        "a wait that times out",
        {1: "holds", 2: "use-after-free"},
        threads=(
            """
            KeInsertQueueDpc(self.dpc, NULL, NULL)
            KeWaitForSingleObject(self.done, Executive, KernelMode, FALSE, 5)
            ExFreePool(self.record)
            """,
        ),
        deferred="self.record.value = 1\n" + SETS,
    ),
    Known(
        "a timer cancelled, flushed and armed again by its DPC",
        {2: "use-after-free"},
        threads=(
            """
            KeSetTimer(self.timer, 1, self.dpc)
            KeCancelTimer(self.timer)
            KeFlushQueuedDpcs()
            ExFreePool(self.record)
            """,
        ),
        deferred="self.record.value = 1\nKeSetTimer(self.timer, 1, self.dpc)",
    ),
    Known(
        "two threads free what one pointer holds",
        {1: "double-free", 2: "double-free"},
        threads=("found = self.pointer\nif found:\n    ExFreePool(found)",) * 2,
    ),
    Known(
        "a pointer taken out by one, and still used by the other",
        {1: "use-after-free", 2: "use-after-free"},
        threads=(
            """
            found = InterlockedExchangePointer(self.pointer, NULL)
            if found:
                ExFreePool(found)
            """,
            "found = self.pointer\nif found:\n    found.value = 1",
        ),
    ),
    Known(
        "the service routine still runs when a disconnect that does not wait returns",
        {1: "holds", 2: "isr-after-disconnect"},
        threads=(
            """
            self.nic.masked = 1
            IoDisconnectInterrupt(self.Interrupt)
            self.Interrupt = NULL
            """,
        ),
        knobs=(("disconnect_waits_for_isr", "either"),),
    ),
    Known(
        "connected again",
        {1: "holds"},
        threads=(
            """
            self.nic.masked = 1
            IoDisconnectInterrupt(self.Interrupt)
            self.Interrupt = NULL
            status = IoConnectInterrupt(self.Interrupt, self.Service, self)
            if not NT_SUCCESS(status):
                self.Interrupt = NULL
            """,
        ),
    ),
)

VALUES = (
    Known(
        "a local kept over a loop that touches nothing",
        {1: "assertion-failed"},
        threads=(
            """
            before = self.flag
            for i in range(3):
                before = before
            assert before == self.flag
            """,
            "self.flag = 1",
        ),
    ),
    Known(
        "a local below zero",
        {1: "assertion-failed"},
        threads=("low = self.x - 1\nlow = low & 3\nassert low != 3",),
    ),
    Known(
        "one too many for an interlocked increment",
        {1: "value-out-of-range"},
        threads=("self.x = 3\nInterlockedIncrement(self.x)",),
    ),
    Known(
        "a status exchanged for success where it is compared by its unsigned literal",
        {1: "assertion-failed"},
        threads=(
            """
            self.x = STATUS_CANCELLED
            InterlockedCompareExchange(self.x, STATUS_SUCCESS, 0xC0000120)
            assert self.x != STATUS_SUCCESS
            """,
        ),
        changes=SIGNED,
    ),
    Known(
        "a status that comes through locals is equal to its unsigned literal",
        {1: "assertion-failed"},
        threads=(
            """
            status = 0xC0000120
            wanted = STATUS_CANCELLED
            assert status != wanted
            """,
        ),
    ),
    Known(
        "a stored status is equal to a local with its unsigned literal, and not before it",
        {1: "holds"},
        threads=(
            """
            self.x = STATUS_CANCELLED
            wanted = 0xC0000120
            assert self.x == wanted
            assert self.x <= wanted and wanted <= self.x
            assert not self.x < wanted and not wanted < self.x
            """,
        ),
        changes=SIGNED,
    ),
    Known(
        "a choice inside a register access",
        {1: "assertion-failed"},
        threads=("found = self.nic.pick()\nself.x = found\nassert found != 2",),
        changes=(
            (
                "    @hardware\n",
                "    def pick(self):\n        return choose(0, 2)\n\n    @hardware\n",
            ),
        ),
    ),
    Known(
        "an update split by the service routine of the same processor",
        {1: "torn-read-modify-write"},
        threads=("self.flag |= 1",),
        service=SERVICE + "self.flag |= 2\nreturn TRUE\n",
    ),
    Known(
        "two locks released with each other's levels",
        {1: "assertion-failed"},
        threads=(
            (
                "KeAcquireSpinLock(self.lock, old)\nKeAcquireSpinLock(self.other_lock, older)\n"
                "KeReleaseSpinLock(self.lock, older)\nKeReleaseSpinLock(self.other_lock, old)\n"
                "assert KeGetCurrentIrql() != PASSIVE_LEVEL"
            ),
        ),
        properties=("assertion-failed",),
    ),
    Known(
        "a lock handed over to another one, and its level with it",
        {1: "assertion-failed"},
        threads=(
            (
                "KeAcquireSpinLock(self.lock, old)\n"
                "KeAcquireSpinLockAtDpcLevel(self.other_lock)\n"
                "KeReleaseSpinLockFromDpcLevel(self.lock)\n"
                "KeReleaseSpinLock(self.other_lock, old)\n"
                "self.x = 1\nassert self.x == 2"
            ),
        ),
        properties=("assertion-failed",),
    ),
    Known(
        "a field of the DPC touched by a thread",
        {1: "data-race", 2: "data-race"},
        threads=("KeInsertQueueDpc(self.dpc, NULL, NULL)\nself.x = 2",),
        deferred="self.x = 1",
        changes=(("self.nic.masked = 0", "pass"),),
    ),
)

KNOWN = (*LOST_INTERRUPTS, *DEADLOCKS, *LIFETIMES, *VALUES)
