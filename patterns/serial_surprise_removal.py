"""ReactOS serial: a statistics request meets surprise removal and synchronises with NULL.

IOCTL_SERIAL_CLEAR_STATS runs SerialClearPerfStats in the interrupt's critical section. When the
port is pulled out, IRP_MN_SURPRISE_REMOVAL disconnects the interrupt and sets the pointer to NULL.

Bug (ReactOS serial, R4): handles stay open across a surprise removal, so requests keep coming, and
neither side looks at the other: the request passes a pointer that is NULL already, or one whose
object is freed while the lock inside it is held. The driver initialises a remove lock and says in
a comment that it ought to be taken around each operation.
Source: reactos/reactos: drivers/serial/serial/pnp.c (IRP_MN_SURPRISE_REMOVAL), devctrl.c
(IOCTL_SERIAL_CLEAR_STATS).

In the trace look at what the pointer holds when KeSynchronizeExecution is called.
"""

from dirql.model.wdk import *


class Uart(Device):
    """A port on a removable card; once it is gone it asks for nothing."""

    ier = Bit(0)
    receiver_error = Bit(0)
    gone = Bit(0)

    def line(self):
        return self.ier and self.receiver_error and not self.gone

    @hardware
    def receive_error(self):
        self.receiver_error = 1

    def read_line_status(self):
        error = self.receiver_error
        self.receiver_error = 0
        return error

    def pulled_out(self):
        self.gone = 1


class Serial(Driver):
    uart = Uart(Line(irql=4, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()
    FrameErrorCount = Int(0, 1, saturating=True)

    def SerialPnpStartDevice(self):
        status = IoConnectInterrupt(self.Interrupt, self.SerialInterruptService)
        if not NT_SUCCESS(status):
            return status
        self.uart.ier = 1
        return STATUS_SUCCESS

    def SerialInterruptService(self, Interrupt, ServiceContext):
        if not self.uart.read_line_status():
            return FALSE
        self.FrameErrorCount += 1
        return TRUE

    def ClearStats(self):
        KeSynchronizeExecution(self.Interrupt, self.SerialClearPerfStats)
        return STATUS_SUCCESS

    def SerialClearPerfStats(self, SynchronizeContext):
        self.FrameErrorCount = 0
        return TRUE

    def SurpriseRemoval(self):
        self.uart.pulled_out()
        IoDisconnectInterrupt(self.Interrupt)
        self.Interrupt = NULL
        return STATUS_SUCCESS


scenario = Scenario(
    start=Serial.SerialPnpStartDevice,
    concurrently=[Serial.ClearStats, Serial.SurpriseRemoval],
    processors=[1, 2],
    expect={
        1: Violated("synchronize-on-dead-interrupt", steps=9, states=153),
        2: Violated("synchronize-on-dead-interrupt", steps=9, states=342),
    },
)
