"""A disk driver: a read gives the remove lock back when it returns, not when it is completed.

Whoever uses the device acquires the remove lock, and Remove waits for all of them before it frees
what they share. A read starts a transfer and returns STATUS_PENDING; the transfer ends with an
interrupt, and its DPC completes the read. A read that has not ended when the device is removed is
completed by Remove.

Bug: the dispatch routine releases the lock before it returns. From then on nobody is counted who
uses the device, though a DPC is to come. Remove waits for nobody and frees the memory with the DPC.
With one processor the DPC has run before Remove goes on.

Source: "Using Remove Locks": the lock is held for as long as a reference to the device object is
out, to a DPC as well; IoReleaseRemoveLock, remarks.

In the trace the service routine queues the DPC on one processor while Remove runs on the other.
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
            status = STATUS_PENDING
        else:
            status = STATUS_DEVICE_NOT_READY
        IoReleaseRemoveLock(self.RemoveLock)
        return status

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
    expect={1: Holds(states=663), 2: Violated("free-while-queued", steps=38, states=1730)},
)
