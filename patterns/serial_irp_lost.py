"""ReactOS serial: a request travels as a DPC argument, and a queued DPC takes no second argument.

IOCTL_SERIAL_WAIT_ON_MASK parks its IRP in WaitOnMaskIrp. The service routine hands it to the
completion DPC as SystemArgument1 and empties the slot at once, so that the next wait can be
parked even though the first IRP is not completed yet.

Bug (ReactOS serial, R3): a DPC object is queued at most once. If the application's second wait and
the next event arrive before the DPC has started, KeInsertQueueDpc returns FALSE, drops the new
argument, and nobody looks. The slot is empty by then: the second IRP is completed by nobody.
It takes two processors: on one, the DPC runs before a thread can park anything.
Source: reactos/reactos: drivers/serial/serial/misc.c (SerialInterruptService, SerialCompleteIrp).

The application hangs: nothing will ever signal its IRP. The second scenario asks for the call that
drops the argument; in its trace look at the two calls of KeInsertQueueDpc with different IRPs. An
interlocked exchange stands for the driver's plain stores to the slot, which are another story
(serial_wait_race.py).
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
    event = KEVENT(NotificationEvent, FALSE)


class Serial(Driver):
    uart = Uart(Line(irql=4, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()
    CompleteIrpDpc = KDPC()
    first = Irp()
    second = Irp()
    WaitOnMaskIrp = Reference(Irp)

    def SerialPnpStartDevice(self):
        KeInitializeDpc(self.CompleteIrpDpc, self.SerialCompleteIrp)
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(
            self.Interrupt, self.SerialInterruptService, ProcessorEnableMask=1
        )
        if not NT_SUCCESS(status):
            return status
        self.uart.ier = 1
        return STATUS_SUCCESS

    def SerialInterruptService(self, Interrupt, ServiceContext):
        if not self.uart.read_modem_status():
            return FALSE
        irp = InterlockedExchangePointer(self.WaitOnMaskIrp, NULL)
        if irp:
            KeInsertQueueDpc(self.CompleteIrpDpc, irp)
        return TRUE

    def SerialCompleteIrp(self, Dpc, DeferredContext, Irp):
        KeSetEvent(Irp.event)

    def SerialWaitOnMask(self, irp):
        """Park the IRP; what waits for its completion is the application."""
        if InterlockedCompareExchangePointer(self.WaitOnMaskIrp, irp, NULL):
            return STATUS_INVALID_PARAMETER
        KeWaitForSingleObject(irp.event)
        return STATUS_SUCCESS

    def FirstThread(self):
        self.SerialWaitOnMask(self.first)

    def SecondThread(self):
        self.SerialWaitOnMask(self.second)


scenarios = [
    Scenario(
        name="the_hang",
        start=Serial.SerialPnpStartDevice,
        concurrently=[Serial.FirstThread, Serial.SecondThread],
        processors=[1, 2],
        expect={1: Holds(states=2094), 2: Violated("stuck-context", steps=12, states=3790)},
    ),
    Scenario(
        name="the_call",
        start=Serial.SerialPnpStartDevice,
        concurrently=[Serial.FirstThread, Serial.SecondThread],
        processors=[2],
        properties=["dpc-argument-lost"],
        expect={2: Violated("dpc-argument-lost", steps=19, states=1046)},
    ),
]
