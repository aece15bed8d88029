"""A touch controller: the service routine claims the interrupt and leaves the rest to its DPC.

Reading the touch position takes too long for a service routine, so it only queues a DPC and claims.
The DPC reads the position, and only then does the device lower its line.

Bug: a level line that is still up when the processor acknowledges the interrupt fires again at
once. The service routine is called for ever; the DPC, which alone could end it, never runs: it
waits for the very processor. Threaded handlers have the same problem; Linux refuses to register one
without IRQF_ONESHOT, which keeps the line masked until the thread is done, and Windows masks it
for a passive-level service routine.

Source: torvalds/linux: kernel/irq/manage.c (IRQF_ONESHOT); "Using Passive-Level Interrupt Service
Routines".

The trace ends where the processor accepts the interrupt: from there no continuation whatever leads
to the end of the service routines.
"""

from dirql.model.wdk import *


class Touch(Device):
    """Asserts its line until the position has been read; it can be masked."""

    masked = Bit(1)
    touched = Bit(0)

    def line(self):
        return self.touched and not self.masked

    @hardware
    def finger_moves(self):
        self.touched = 1

    def read_position(self):
        self.touched = 0


class TouchDriver(Driver):
    touch = Touch(Line(irql=6, mode=LevelSensitive))
    PhysicalDevice = DEVICE_OBJECT()
    Interrupt = PKINTERRUPT()
    Dpc = KDPC()

    def Start(self):
        KeInitializeDpc(self.Dpc, self.ReadPosition)
        parameters = IO_CONNECT_INTERRUPT_PARAMETERS()
        parameters.Version = CONNECT_LINE_BASED
        parameters.LineBased.PhysicalDeviceObject = self.PhysicalDevice
        parameters.LineBased.InterruptObject = self.Interrupt
        parameters.LineBased.ServiceRoutine = self.Isr
        status = IoConnectInterruptEx(parameters)
        if not NT_SUCCESS(status):
            return status
        self.touch.masked = 0
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.touch.touched or self.touch.masked:
            return FALSE
        KeInsertQueueDpc(self.Dpc)
        return TRUE

    def ReadPosition(self, Dpc, DeferredContext):
        self.touch.read_position()


scenario = Scenario(
    start=TouchDriver.Start,
    processors=[1, 2],
    expect={
        1: Violated("stuck-context", steps=6, states=113),
        2: Violated("stuck-context", steps=6, states=1018),
    },
)
