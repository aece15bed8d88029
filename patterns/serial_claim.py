"""ReactOS serial: the service routine answers with an NTSTATUS, and success means "not mine".

SerialInterruptService reads the modem status register, which quiets the UART. If an application
waits for that event (IOCTL_SERIAL_WAIT_ON_MASK), it queues the completion of the pending IRP and
leaves by `return STATUS_SUCCESS`. A service routine returns BOOLEAN, and STATUS_SUCCESS is zero.

Bug (ReactOS serial, R1): the interrupt was served and is reported as somebody else's. On an
unshared vector nobody looks. On a shared level line, as a PCI multi-port card has, every other
service routine is called in vain, and storm detection counts an interrupt that nobody owned.
Source: reactos/reactos: drivers/serial/serial/misc.c (SerialInterruptService).

In the trace look at the read of the modem status register, which lowers the line, and at the queued
DPC: two reasons to answer TRUE. The IRP is taken by an interlocked exchange here; the driver uses
a plain store, which is another story (serial_wait_race.py).
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
            return STATUS_SUCCESS
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
    expect={
        1: Violated("handled-but-unclaimed", steps=12, states=167),
        2: Violated("handled-but-unclaimed", steps=12, states=402),
    },
)
