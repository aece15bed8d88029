"""More of what random drivers do: ways to connect, other locks, knobs off their defaults."""

CONNECT = """        status = IoConnectInterrupt(self.Interrupt, self.Service, self)
        if NT_SUCCESS(status):
            self.nic.masked = 0
        return status
"""
"""How `StartDevice` connects."""
CONNECT_EX = (
    "        p = IO_CONNECT_INTERRUPT_PARAMETERS()\n"
    "        p.Version = CONNECT_FULLY_SPECIFIED\n"
    "        p.FullySpecified.PhysicalDeviceObject = self.pdo\n"
    "        p.FullySpecified.InterruptObject = self.Interrupt\n"
    "        p.FullySpecified.ServiceRoutine = self.Service\n"
    "        p.FullySpecified.ServiceContext = self\n"
    "        p.FullySpecified.Vector = self.nic.Vector\n"
    "        p.FullySpecified.Irql = self.nic.Irql\n"
    "        p.FullySpecified.SynchronizeIrql = self.nic.Irql\n"
    "        p.FullySpecified.InterruptMode = {mode}\n"
    "        p.FullySpecified.ShareVector = {shared}\n"
    "        p.FullySpecified.ProcessorEnableMask = 7\n"
    + CONNECT.replace(
        "IoConnectInterrupt(self.Interrupt, self.Service, self)", "IoConnectInterruptEx(p)"
    )
)
"""The same by the form with a structure."""
EARLY = "        self.nic.masked = 0\n"
"""A mistake: the device can interrupt before anybody listens."""
KNOBS = (
    ("connect_may_fail", ("no",)),
    ("isr_before_connect_returns", ("no",)),
    ("out_pointer_before_arm", ("yes", "no")),
    ("chain_order", ("foreign_first",)),
    ("latched_chain", ("call_all_once", "stop_at_true")),
    ("spurious_calls", ("yes",)),
)
"""Knobs with their values off the default."""
LOCK_FIELDS = (
    "    queue_lock = KSPIN_LOCK()\n"
    "    list_lock = KSPIN_LOCK()\n"
    "    mutex = FAST_MUTEX()\n"
    "    removal = IO_REMOVE_LOCK()\n"
)
"""The fields of a driver with other locks."""
LOCKS_ANYWHERE = (
    "ExInterlockedAddUlong(self.x, 1, self.list_lock)\n",
    "a = ExInterlockedAddUlong(self.y, a & 1, self.list_lock)\na = a & 1\n",
    "b = ReadNoFence(self.x)\n",
    "a = ReadAcquire(self.y)\n",
    "WriteNoFence(self.x, b & 1)\n",
    "WriteRelease(self.y, 1)\n",
    "a = KeTestSpinLock(self.queue_lock)\n",
    "b = KeReadStateEvent(self.done)\n",
    "KeStallExecutionProcessor(1)\n",
    (
        "status = IoAcquireRemoveLock(self.removal)\n"
        "if NT_SUCCESS(status):\n    self.x = 1\n    IoReleaseRemoveLock(self.removal)\n"
    ),
    "KeInsertQueueDpc(self.dpc, self.record, NULL)\n",
    "a = KeInsertQueueDpc(self.dpc, self.record, self)\n",
)
"""What any routine of it does."""
LOCKS_PASSIVE: tuple[str, ...] = (
    (
        "KeAcquireInStackQueuedSpinLock(self.queue_lock, handle)\n"
        "{inner}KeReleaseInStackQueuedSpinLock(handle)\n"
    ),
    "ExAcquireFastMutex(self.mutex)\n{inner}ExReleaseFastMutex(self.mutex)\n",
    "if ExTryToAcquireFastMutex(self.mutex):\n    ExReleaseFastMutex(self.mutex)\n",
    "KeDelayExecutionThread(KernelMode, FALSE, LARGE_INTEGER(-1))\n",
    (
        "status = IoAcquireRemoveLock(self.removal)\n"
        "if NT_SUCCESS(status):\n    IoReleaseRemoveLockAndWait(self.removal)\n"
    ),
)
"""What its threads do."""
LOCKS_RAISED: tuple[str, ...] = (
    (
        "KeAcquireInStackQueuedSpinLockAtDpcLevel(self.queue_lock, handle)\n"
        "{inner}KeReleaseInStackQueuedSpinLockFromDpcLevel(handle)\n"
    ),
)
"""What its DPCs do."""
