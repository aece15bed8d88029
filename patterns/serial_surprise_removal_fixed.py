"""ReactOS serial, fixed: each request holds the remove lock; removal waits for it.

The twin of serial_surprise_removal.py. A request increments IoCount and only then looks at
Removed; removal sets Removed and waits until the count has fallen to zero. So whoever gets past
the test is counted, whoever is not counted is refused, and the interrupt object outlives every
request that uses it. The three routines are the system's own IO_REMOVE_LOCK, whose use around
each operation the driver's source asks for in a comment. Removed is volatile, as it is there.
Source of the driver: reactos/reactos: drivers/serial/serial/pnp.c (IRP_MN_SURPRISE_REMOVAL),
devctrl.c (IOCTL_SERIAL_CLEAR_STATS).
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
    IoCount = Int(0, 2, 1)
    Removed = Bit(0, volatile=True)
    RemoveEvent = KEVENT(NotificationEvent, FALSE)

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
        status = self.IoAcquireRemoveLock()
        if not NT_SUCCESS(status):
            return status
        KeSynchronizeExecution(self.Interrupt, self.SerialClearPerfStats)
        self.IoReleaseRemoveLock()
        return STATUS_SUCCESS

    def SerialClearPerfStats(self, SynchronizeContext):
        self.FrameErrorCount = 0
        return TRUE

    def SurpriseRemoval(self):
        self.uart.pulled_out()
        self.IoReleaseRemoveLockAndWait()
        IoDisconnectInterrupt(self.Interrupt)
        self.Interrupt = NULL
        return STATUS_SUCCESS

    def IoAcquireRemoveLock(self):
        InterlockedIncrement(self.IoCount)
        if self.Removed:
            self.IoReleaseRemoveLock()
            return STATUS_DELETE_PENDING
        return STATUS_SUCCESS

    def IoReleaseRemoveLock(self):
        if InterlockedDecrement(self.IoCount) == 0:
            KeSetEvent(self.RemoveEvent)

    def IoReleaseRemoveLockAndWait(self):
        self.Removed = TRUE
        self.IoReleaseRemoveLock()
        KeWaitForSingleObject(self.RemoveEvent)


scenario = Scenario(
    start=Serial.SerialPnpStartDevice,
    concurrently=[Serial.ClearStats, Serial.SurpriseRemoval],
    processors=[1, 2],
    expect={1: Holds(states=508), 2: Holds(states=10050)},
)
