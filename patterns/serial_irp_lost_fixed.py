"""ReactOS serial, fixed: finished requests wait in a list, which the DPC empties.

The twin of serial_irp_lost.py. The service routine links the IRP into CompleteList, under the
interrupt lock that it holds anyway, and queues the DPC without an argument. The DPC takes one IRP
after the other under the same lock until the list is empty. That is enough, because a DPC that is
queued already will find both: an insert that returns FALSE then loses nothing.

The two application threads wait for their IRPs, so "no context is stuck" says here that every
request is completed as long as modem lines go on changing.
Source of the driver: reactos/reactos: drivers/serial/serial/misc.c (SerialInterruptService,
SerialCompleteIrp).
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
    Next = Reference("Irp")


class Serial(Driver):
    uart = Uart(Line(irql=4, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()
    CompleteIrpDpc = KDPC()
    first = Irp()
    second = Irp()
    WaitOnMaskIrp = Reference(Irp)
    CompleteList = Reference(Irp)

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
            irp.Next = self.CompleteList
            self.CompleteList = irp
            KeInsertQueueDpc(self.CompleteIrpDpc)
        return TRUE

    def SerialCompleteIrp(self, Dpc, DeferredContext):
        irp = self.NextCompleted()
        while irp:
            KeSetEvent(irp.event)
            irp = self.NextCompleted()

    def NextCompleted(self):
        OldIrql = KeAcquireInterruptSpinLock(self.Interrupt)
        irp = self.CompleteList
        if irp:
            self.CompleteList = irp.Next
        KeReleaseInterruptSpinLock(self.Interrupt, OldIrql)
        return irp

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


scenario = Scenario(
    start=Serial.SerialPnpStartDevice,
    concurrently=[Serial.FirstThread, Serial.SecondThread],
    processors=[1, 2],
    expect={1: Holds(states=4574), 2: Holds(states=18964)},
)
