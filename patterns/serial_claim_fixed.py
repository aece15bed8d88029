"""ReactOS serial, fixed: the service routine answers the question it was asked.

The twin of serial_claim.py. A service routine says whether its device asked for service, and
nothing else: TRUE once the modem status register showed a change, whatever was done about it.
That is enough, because the answer no longer depends on whether an IRP was waiting.
Source of the driver: reactos/reactos: drivers/serial/serial/misc.c (SerialInterruptService).
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
    uart = Uart(Line(irql=4, mode=LevelSensitive, shared=True))
    Interrupt = PKINTERRUPT()
    CompleteIrpDpc = KDPC()
    irp = Irp()
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
        irp = InterlockedExchangePointer(self.WaitOnMaskIrp, NULL)
        if irp:
            KeInsertQueueDpc(self.CompleteIrpDpc, irp)
        return TRUE

    def SerialCompleteIrp(self, Dpc, DeferredContext, Irp):
        Irp.completed += 1

    def SerialWaitOnMask(self):
        InterlockedCompareExchangePointer(self.WaitOnMaskIrp, self.irp, NULL)
        return STATUS_PENDING


scenario = Scenario(
    start=Serial.SerialPnpStartDevice,
    concurrently=[Serial.SerialWaitOnMask],
    processors=[1, 2],
    expect={1: Holds(states=356), 2: Holds(states=952)},
)
