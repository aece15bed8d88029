"""PLX9x5x as it is: the wrong channel's status is cleared, and nothing comes of it.

The twin of plx9x5x_wrong_channel.py. The slip is there: in the branch for channel 1 the DPC clears
Dma0Csr. So Dma1Csr goes on saying Done after a read is over, and a Done of channel 0 might be
wiped.

It holds all the same, with every interleaving. Service routine and DPC hold the interrupt lock, and
the branch for channel 0 comes first: whatever of channel 0 is done has been taken a moment before,
so there is nothing to wipe. The stale Done of channel 1 is believed only together with its active
bit, and with that comes a new copy. A reader of the source cannot be sure of this; the checker
tries everything.

Source: Windows-driver-samples general/PLX9x5x/sys/IsrDpc.c. A request is completed exactly once:
the assertions say not twice, and "no context is stuck" says not never.
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
        if self.Chan0IntActive and self.Dma0Done:
            self.Chan0IntActive = FALSE
            self.Dma0Done = 0
            writeInterrupt = TRUE
        if self.Chan1IntActive and self.Dma1Done:
            self.Chan1IntActive = FALSE
            self.Dma0Done = 0
            readInterrupt = TRUE
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
    expect={1: Holds(states=9625), 2: Holds(states=10848)},
)
