"""ReactOS serial, fixed: both sides of WaitOnMaskIrp run under the interrupt lock.

The twin of serial_wait_race.py. The request parks its IRP in a routine of KeSynchronizeExecution;
the service routine goes on with plain accesses. That is enough, because every access is now made
by the holder of the interrupt lock, and a lock orders plain accesses as well as excluding them.
Source of the driver: reactos/reactos: drivers/serial/serial/devctrl.c
(IOCTL_SERIAL_WAIT_ON_MASK), misc.c (SerialInterruptService).
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
        KeSynchronizeExecution(self.Interrupt, self.ParkIrp, Irp)
        return STATUS_PENDING

    def ParkIrp(self, Irp):
        if self.WaitOnMaskIrp:
            return FALSE
        self.WaitOnMaskIrp = Irp
        return TRUE


scenario = Scenario(
    start=Serial.SerialPnpStartDevice,
    concurrently=[
        Call(Serial.SerialWaitOnMask, Serial.irp),
        Call(Serial.SerialWaitOnMask, Serial.another_irp),
    ],
    properties=["data-race", "torn-read-modify-write"],
    processors=[1, 2],
    expect={1: Holds(states=1252), 2: Holds(states=7464)},
)
