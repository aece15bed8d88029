"""A disk controller, fixed: the timer is stopped and its DPC waited for before the disconnect.

The twin of timer_stopped_after_disconnect.py: one line has moved to the end. After KeCancelTimer
the timer cannot queue its DPC any more, and KeFlushQueuedDpcs waits for one that it has queued
already. So the interrupt object is there for as long as anybody synchronises with it. Nothing arms
the timer again; a driver whose DPC does that must say there that it is stopping.

Source of the faulty order: fdc, the floppy disk controller driver of the Windows DDK.
"""

from dirql.model.wdk import *


class DiskController(Device):
    """The controller: one command at a time, an interrupt when it is done."""

    busy = Bit(0)
    done = Bit(0)

    def line(self):
        return self.done

    @hardware
    def command_done(self):
        if self.busy:
            self.busy = 0
            self.done = 1

    def read_result(self):
        done = self.done
        self.done = 0
        return done

    def reset(self):
        self.busy = 0
        self.done = 0


class DiskDriver(Driver):
    controller = DiskController(Line(irql=6, mode=LevelSensitive))
    InterruptObject = PKINTERRUPT()
    Timer = KTIMER()
    TimerDpc = KDPC()
    CommandPending = Bit(0)

    def StartDevice(self):
        KeInitializeTimer(self.Timer)
        KeInitializeDpc(self.TimerDpc, self.CommandTimeout)
        status = IoConnectInterrupt(self.InterruptObject, self.InterruptService)
        if not NT_SUCCESS(status):
            return status
        KeSynchronizeExecution(self.InterruptObject, self.SendCommand)
        KeSetTimer(self.Timer, 1, self.TimerDpc)
        return STATUS_SUCCESS

    def SendCommand(self, SynchronizeContext):
        self.CommandPending = 1
        self.controller.busy = 1
        return TRUE

    def InterruptService(self, Interrupt, ServiceContext):
        if not self.controller.read_result():
            return FALSE
        self.CommandPending = 0
        return TRUE

    def CommandTimeout(self, Dpc, DeferredContext):
        KeSynchronizeExecution(self.InterruptObject, self.AbandonCommand)

    def AbandonCommand(self, SynchronizeContext):
        if self.CommandPending:
            self.controller.reset()
            self.CommandPending = 0
        return TRUE

    def StopDevice(self):
        KeSynchronizeExecution(self.InterruptObject, self.AbandonCommand)
        KeCancelTimer(self.Timer)
        KeFlushQueuedDpcs()
        IoDisconnectInterrupt(self.InterruptObject)


scenario = Scenario(
    start=DiskDriver.StartDevice,
    concurrently=[DiskDriver.StopDevice],
    processors=[1, 2],
    expect={
        1: Holds(states=399),
        2: Holds(states=2280),
    },
)
