"""ReactOS serial: one side of WaitOnMaskIrp is interlocked, the other is not.

IOCTL_SERIAL_WAIT_ON_MASK stores its IRP into WaitOnMaskIrp by InterlockedCompareExchangePointer.
The service routine reads the same pointer three times with plain loads and clears it with a plain
store, without anything that orders these against the request.

Bug (ReactOS serial, R7): an interlocked operation excludes other interlocked operations only. The
loads alone would be harmless, a pointer that is old or new; but the compiler may move the plain
store, and nothing orders it against a second request. As written, the two sides never store over
each other (one stores only over NULL, the other only NULL), so this is a latent fault: the next
change to either side has nothing to rely on. It needs two processors. Only races are asked here:
two requests at once can also find the DPC still queued for the first, which is another story.
Source: reactos/reactos: drivers/serial/serial/devctrl.c (IOCTL_SERIAL_WAIT_ON_MASK), misc.c
(SerialInterruptService).

In the trace look at the last state: the service routine is about to clear WaitOnMaskIrp, which the
first request has set, and the second request on the other processor is about to look at it.
"""

from dirql.model.wdk import *


class Uart(Device):
    """One cause, a changed modem line; reading the status register clears it."""

    ier = Bit(0)
    modem_changed = Bit(0)

    def line(self):
        return self.ier and self.modem_changed

    @hardware
    def modem_line_changes(self):
        self.modem_changed = 1

    def read_modem_status(self):
        changed = self.modem_changed
        self.modem_changed = 0
        return changed


class Irp(Structure):
    completed = Int(0, 1)


class Serial(Driver):
    uart = Uart(Line(irql=4, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()
    CompleteIrpDpc = KDPC()
    irp = Irp()
    another_irp = Irp()
    WaitOnMaskIrp = Reference(Irp)

    def SerialPnpStartDevice(self):
        KeInitializeDpc(self.CompleteIrpDpc, self.SerialCompleteIrp)
        status = IoConnectInterrupt(self.Interrupt, self.SerialInterruptService)
        if not NT_SUCCESS(status):
            return status
        self.uart.ier = 1
        return STATUS_SUCCESS

    def SerialInterruptService(self, Interrupt, ServiceContext):
        if not self.uart.read_modem_status():
            return FALSE
        if self.WaitOnMaskIrp:
            KeInsertQueueDpc(self.CompleteIrpDpc, self.WaitOnMaskIrp)
            self.WaitOnMaskIrp = NULL
        return TRUE

    def SerialCompleteIrp(self, Dpc, DeferredContext, Irp):
        Irp.completed += 1

    def SerialWaitOnMask(self, Irp):
        InterlockedCompareExchangePointer(self.WaitOnMaskIrp, Irp, NULL)
        return STATUS_PENDING


scenario = Scenario(
    start=Serial.SerialPnpStartDevice,
    concurrently=[
        Call(Serial.SerialWaitOnMask, Serial.irp),
        Call(Serial.SerialWaitOnMask, Serial.another_irp),
    ],
    properties=["data-race", "torn-read-modify-write"],
    processors=[1, 2],
    expect={1: Holds(states=846), 2: Violated("data-race", steps=12, states=4798)},
)
