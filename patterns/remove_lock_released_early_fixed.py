"""A disk driver, fixed: whoever completes the read gives its acquisition of the remove lock back.

The twin of remove_lock_released_early.py. The read acquires the lock, and the DPC, or Remove where
no DPC will come, releases it after the last use of the memory. The dispatch routine releases it
only where it has started nothing. So Remove needs no KeFlushQueuedDpcs.

Source: "Using Remove Locks"; IoReleaseRemoveLock, remarks.
"""

from dirql.model.wdk import *


class Disk(Device):
    """Does one transfer at a time; reading the status acknowledges its end."""

    busy = Bit(0)
    done = Bit(0)

    def line(self):
        return self.done

    @hardware
    def transfer_ends(self):
        if self.busy:
            self.busy = 0
            self.done = 1

    def acknowledge(self):
        was_done = self.done
        self.done = 0
        return was_done

    def stop(self):
        self.busy = 0
        self.done = 0


class Transfer(Structure):
    Dpc = KDPC()
    Completed = Bit(0)


class DiskDriver(Driver):
    disk = Disk(Line(irql=5, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()
    RemoveLock = IO_REMOVE_LOCK()
    Pending = Bit(0)
    Stopped = Bit(0)
    transfer = Transfer()

    def Start(self):
        IoInitializeRemoveLock(self.RemoveLock)
        ExAllocatePool2(self.transfer)
        KeInitializeDpc(self.transfer.Dpc, self.TransferEnded)
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        return IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)

    def Read(self):
        status = IoAcquireRemoveLock(self.RemoveLock)
        if not NT_SUCCESS(status):
            return status
        if KeSynchronizeExecution(self.Interrupt, self.StartTransfer):
            return STATUS_PENDING
        IoReleaseRemoveLock(self.RemoveLock)
        return STATUS_DEVICE_NOT_READY

    def StartTransfer(self, SynchronizeContext):
        if self.Stopped:
            return FALSE
        self.Pending = 1
        self.disk.busy = 1
        return TRUE

    def Isr(self, Interrupt, ServiceContext):
        if not self.disk.acknowledge():
            return FALSE
        self.Pending = 0
        KeInsertQueueDpc(self.transfer.Dpc)
        return TRUE

    def TransferEnded(self, Dpc, DeferredContext):
        self.CompleteRead()

    def CompleteRead(self):
        assert not self.transfer.Completed, "the read is completed twice"
        self.transfer.Completed = 1
        IoReleaseRemoveLock(self.RemoveLock)

    def StopTransfer(self, SynchronizeContext):
        """Whether a read is left that no DPC will complete."""
        self.Stopped = 1
        self.disk.stop()
        was_pending = self.Pending
        self.Pending = 0
        return was_pending

    def Remove(self):
        IoAcquireRemoveLock(self.RemoveLock)
        if KeSynchronizeExecution(self.Interrupt, self.StopTransfer):
            self.CompleteRead()
        IoReleaseRemoveLockAndWait(self.RemoveLock)
        IoDisconnectInterrupt(self.Interrupt)
        ExFreePoolWithTag(self.transfer)


scenario = Scenario(
    start=DiskDriver.Start,
    concurrently=[DiskDriver.Read, DiskDriver.Remove],
    processors=[1, 2],
    expect={1: Holds(states=398), 2: Holds(states=899)},
)
