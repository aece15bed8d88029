"""ReactOS serial, fixed: each request holds the remove lock; removal waits for it.

The twin of serial_surprise_removal.py. A request acquires the remove lock, as the driver's source
asks for in a comment, and is refused once removal has begun. Removal waits until whoever has it
has given it back, and disconnects the interrupt only then: so the interrupt object outlives every
request that uses it. IoReleaseRemoveLockAndWait belongs to IRP_MN_REMOVE_DEVICE, which follows the
surprise removal; a card that has been pulled out does not interrupt in between.
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
    RemoveLock = IO_REMOVE_LOCK()

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
        status = IoAcquireRemoveLock(self.RemoveLock)
        if not NT_SUCCESS(status):
            return status
        KeSynchronizeExecution(self.Interrupt, self.SerialClearPerfStats)
        IoReleaseRemoveLock(self.RemoveLock)
        return STATUS_SUCCESS

    def SerialClearPerfStats(self, SynchronizeContext):
        self.FrameErrorCount = 0
        return TRUE

    def SurpriseRemoval(self):
        self.uart.pulled_out()
        return STATUS_SUCCESS

    def RemoveDevice(self):
        IoAcquireRemoveLock(self.RemoveLock)
        IoReleaseRemoveLockAndWait(self.RemoveLock)
        IoDisconnectInterrupt(self.Interrupt)
        self.Interrupt = NULL
        return STATUS_SUCCESS

    def PulledOut(self):
        """What the PnP manager asks for, one after the other."""
        self.SurpriseRemoval()
        return self.RemoveDevice()


scenario = Scenario(
    start=Serial.SerialPnpStartDevice,
    concurrently=[Serial.ClearStats, Serial.PulledOut],
    processors=[1, 2],
    expect={1: Holds(states=1164), 2: Holds(states=4318)},
)
