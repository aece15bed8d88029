"""A disk controller: its interrupt is disconnected first, its timer is stopped after.

A timer watches over the command that is under way. When it expires, its DPC takes the command away
from the controller; it does that under the interrupt lock, for the service routine might be
finishing that very command.

Bug: the stop path disconnects the interrupt and cancels the timer after that. A timer that expires
in between, or has expired just before, runs its DPC, and KeSynchronizeExecution is given an object
that is gone. Cancelling alone would not do either: it does not touch a DPC that is queued already.

Source: fdc, the floppy disk controller driver of the Windows DDK, stops in this order; pcidrv (WDM,
of the same kit) has the mirror image of it, and arms its watchdog timer before it connects.

In the trace look at the expiry of the timer, which is late by a step or two. On one processor it
takes an expiry after the disconnect; on two the DPC may even have been queued before it.
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
        IoDisconnectInterrupt(self.InterruptObject)
        KeCancelTimer(self.Timer)
        KeFlushQueuedDpcs()


scenario = Scenario(
    start=DiskDriver.StartDevice,
    concurrently=[DiskDriver.StopDevice],
    processors=[1, 2],
    expect={
        1: Violated("synchronize-on-dead-interrupt", steps=27, states=383),
        2: Violated("synchronize-on-dead-interrupt", steps=27, states=1966),
    },
)
