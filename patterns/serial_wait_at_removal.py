"""ReactOS serial: a request that waits for an event outlives the port that would send it.

IOCTL_SERIAL_WAIT_ON_MASK parks its IRP in WaitOnMaskIrp until a modem line changes; then the
service routine takes it out and has a DPC complete it. Nothing else takes it out: it has no cancel
routine.

Bug (ReactOS serial, R6): the card with the port is pulled out. Surprise removal disconnects the
interrupt and leaves the parked IRP where it is. No line of this port will ever change again, so the
application waits for ever, and cannot even be ended, for the I/O manager waits for the IRP.

Source: reactos/reactos: drivers/serial/serial/devctrl.c (IOCTL_SERIAL_WAIT_ON_MASK), misc.c, and
pnp.c (IRP_MN_SURPRISE_REMOVAL).

The trace ends when the card is pulled out: from there on no wait can end, not even one that has not
begun. An interlocked exchange stands for the driver's plain stores to the slot
(serial_wait_race.py).
"""

from dirql.model.wdk import *


class Uart(Device):
    """A port on a removable card: one cause, a changed modem line."""

    ier = Bit(0)
    modem_changed = Bit(0)
    gone = Bit(0)

    def line(self):
        return self.ier and self.modem_changed and not self.gone

    @hardware
    def modem_line_changes(self):
        self.modem_changed = 1

    def read_modem_status(self):
        changed = self.modem_changed
        self.modem_changed = 0
        return changed

    def pulled_out(self):
        self.gone = 1


class Irp(Structure):
    event = KEVENT(NotificationEvent, FALSE)


class Serial(Driver):
    uart = Uart(Line(irql=4, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()
    CompleteIrpDpc = KDPC()
    irp = Irp()
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

    def SerialWaitOnMask(self):
        """Park the IRP; what waits for its completion is the application."""
        InterlockedExchangePointer(self.WaitOnMaskIrp, self.irp)
        KeWaitForSingleObject(self.irp.event)
        return STATUS_SUCCESS

    def SurpriseRemoval(self):
        self.uart.pulled_out()
        IoDisconnectInterrupt(self.Interrupt)
        self.Interrupt = NULL


scenario = Scenario(
    start=Serial.SerialPnpStartDevice,
    concurrently=[Serial.SerialWaitOnMask, Serial.SurpriseRemoval],
    processors=[1, 2],
    expect={
        1: Violated("stuck-context", steps=5, states=642),
        2: Violated("stuck-context", steps=5, states=1190),
    },
)
