"""PLX9x5x, mutated: a slip clears the other channel's status before anybody has looked at it.

PLX9x5x is Microsoft's sample for a card with two DMA channels, 0 to write and 1 to read. The
service routine copies the status of each channel that interrupts (Dma0Csr, Dma1Csr) and queues the
DPC if one of the copies says Done. The DPC takes what is active and done, and clears the copies.

The real DPC has a slip: where it has taken a read, of channel 1, it clears Dma0Csr, as the branch
for channel 0 does. This file is that DPC with its two branches in the other order, to show what the
slip depends on.

Bug: a write and a read end together. The DPC takes the read and wipes the Done of the write; the
branch for channel 0 then finds channel 0 active but not done. The device has been acknowledged and
says nothing more: the write is never completed.

Source: Windows-driver-samples general/PLX9x5x/sys/IsrDpc.c; as it is:
plx9x5x_wrong_channel_fixed.py. Transfers are one packet long here. The trace ends where the write
can no longer be completed: both transfers have ended, and the service routine will see both at
once.
"""

from dirql.model.wdk import *


class Plx(Device):
    """The bridge: two channels, each with a transfer under way and an interrupt at its end."""

    writing = Bit(0)
    reading = Bit(0)
    chan0_active = Bit(0)
    chan1_active = Bit(0)
    done0 = Bit(0)
    done1 = Bit(0)

    def line(self):
        return self.chan0_active or self.chan1_active

    @hardware
    def write_done(self):
        if self.writing:
            self.writing = 0
            self.done0 = 1
            self.chan0_active = 1

    @hardware
    def read_done(self):
        if self.reading:
            self.reading = 0
            self.done1 = 1
            self.chan1_active = 1

    def start_write(self):
        self.done0 = 0
        self.writing = 1

    def start_read(self):
        self.done1 = 0
        self.reading = 1


class PlxDriver(Driver):
    Regs = Plx(Line(irql=7, mode=LevelSensitive))
    PhysicalDevice = DEVICE_OBJECT()
    Interrupt = PKINTERRUPT()
    Dpc = KDPC()
    Chan0IntActive = Bit(0)
    Chan1IntActive = Bit(0)
    Dma0Done = Bit(0)
    Dma1Done = Bit(0)
    WritePending = Bit(0, volatile=True)
    ReadPending = Bit(0, volatile=True)
    WriteCompleted = KEVENT(SynchronizationEvent, FALSE)
    ReadCompleted = KEVENT(SynchronizationEvent, FALSE)

    def PLxEvtDeviceD0Entry(self):
        KeInitializeDpc(self.Dpc, self.PLxEvtInterruptDpc)
        parameters = IO_CONNECT_INTERRUPT_PARAMETERS()
        parameters.Version = CONNECT_FULLY_SPECIFIED
        parameters.FullySpecified.PhysicalDeviceObject = self.PhysicalDevice
        parameters.FullySpecified.InterruptObject = self.Interrupt
        parameters.FullySpecified.ServiceRoutine = self.PLxEvtInterruptIsr
        # Only the first processor is interrupted, which is enough for this story.
        parameters.FullySpecified.ProcessorEnableMask = 1
        return IoConnectInterruptEx(parameters)

    def PLxEvtInterruptIsr(self, Interrupt, ServiceContext):
        isRecognized = FALSE
        if self.Regs.chan0_active:
            self.Chan0IntActive = TRUE
            self.Dma0Done = self.Regs.done0
            self.Regs.chan0_active = 0
            isRecognized = TRUE
        if self.Regs.chan1_active:
            self.Chan1IntActive = TRUE
            self.Dma1Done = self.Regs.done1
            self.Regs.chan1_active = 0
            isRecognized = TRUE
        if isRecognized and (self.Dma0Done or self.Dma1Done):
            KeInsertQueueDpc(self.Dpc)
        return isRecognized

    def PLxEvtInterruptDpc(self, Dpc, Context):
        writeInterrupt = FALSE
        readInterrupt = FALSE
        OldIrql = KeAcquireInterruptSpinLock(self.Interrupt)
        if self.Chan1IntActive and self.Dma1Done:
            self.Chan1IntActive = FALSE
            self.Dma0Done = 0
            readInterrupt = TRUE
        if self.Chan0IntActive and self.Dma0Done:
            self.Chan0IntActive = FALSE
            self.Dma0Done = 0
            writeInterrupt = TRUE
        KeReleaseInterruptSpinLock(self.Interrupt, OldIrql)
        if writeInterrupt:
            self.PLxWriteRequestComplete()
        if readInterrupt:
            self.PLxReadRequestComplete()

    def PLxWriteRequestComplete(self):
        assert self.WritePending, "a write is completed once"
        self.WritePending = 0
        KeSetEvent(self.WriteCompleted)

    def PLxReadRequestComplete(self):
        assert self.ReadPending, "a read is completed once"
        self.ReadPending = 0
        KeSetEvent(self.ReadCompleted)

    def Write(self):
        self.WritePending = 1
        self.Regs.start_write()
        KeWaitForSingleObject(self.WriteCompleted)

    def Read(self):
        for _ in range(2):
            self.ReadPending = 1
            self.Regs.start_read()
            KeWaitForSingleObject(self.ReadCompleted)


scenario = Scenario(
    start=PlxDriver.PLxEvtDeviceD0Entry,
    concurrently=[PlxDriver.Write, PlxDriver.Read],
    processors=[1, 2],
    expect={
        1: Violated("stuck-context", steps=9, states=9785),
        2: Violated("stuck-context", steps=9, states=10493),
    },
)
