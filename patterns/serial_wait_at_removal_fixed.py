"""ReactOS serial, fixed: removal completes the request that waits, and none is parked after it.

The twin of serial_wait_at_removal.py. Removal first says that the port is gone and then takes the
IRP out of the slot; a request first parks its IRP and then looks whether the port is gone, and if
so takes it out again. Whichever of them empties the slot completes the IRP, as does the service
routine if it is faster. Both orders are needed: with one of them the other way round an IRP could
be parked behind removal's back.

A complete driver gives the IRP a cancel routine as well, which takes it out of the slot in the same
way. Source of the driver: reactos/reactos: drivers/serial/serial/devctrl.c, misc.c and pnp.c.
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
    Removed = Bit(0, volatile=True)

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
        if self.Removed:
            self.CompleteParkedIrp()
        KeWaitForSingleObject(self.irp.event)
        return STATUS_SUCCESS

    def SurpriseRemoval(self):
        self.uart.pulled_out()
        IoDisconnectInterrupt(self.Interrupt)
        self.Interrupt = NULL
        self.Removed = TRUE
        self.CompleteParkedIrp()

    def CompleteParkedIrp(self):
        irp = InterlockedExchangePointer(self.WaitOnMaskIrp, NULL)
        if irp:
            KeSetEvent(irp.event)


scenario = Scenario(
    start=Serial.SerialPnpStartDevice,
    concurrently=[Serial.SerialWaitOnMask, Serial.SurpriseRemoval],
    processors=[1, 2],
    expect={1: Holds(states=926), 2: Holds(states=1894)},
)
