"""ReactOS floppy, fixed: who disconnects an interrupt clears the pointer to it.

The twin of floppy_double_disconnect.py. The error path of AddControllers sets InterruptObject to
NULL right after it has disconnected. Cleanup tests the pointer, and now the pointer is NULL exactly
when there is nothing to disconnect.

Source: reactos/reactos pull request 9225, drivers/storage/floppy/floppy/floppy.c.
"""

from dirql.model.wdk import *


class FloppyController(Device):
    """The controller: one interrupt at the end of a reset, if it answers at all."""

    interrupt_enable = Bit(0)
    resetting = Bit(0)
    done = Bit(0)

    def line(self):
        return self.done and self.interrupt_enable

    @hardware
    def reset_done(self):
        if self.resetting:
            self.resetting = 0
            self.done = 1

    def read_result(self):
        done = self.done
        self.done = 0
        return done


class Floppy(Driver):
    controller = FloppyController(Line(irql=6, mode=Latched))
    InterruptObject = PKINTERRUPT()
    Dpc = KDPC()
    SynchEvent = KEVENT(SynchronizationEvent, FALSE)

    def DriverEntry(self):
        if not self.AddControllers():
            self.Cleanup()
            return STATUS_UNSUCCESSFUL
        return STATUS_SUCCESS

    def AddControllers(self):
        KeInitializeDpc(self.Dpc, self.DpcForIsr)
        status = IoConnectInterrupt(self.InterruptObject, self.Isr)
        if not NT_SUCCESS(status):
            return FALSE
        self.controller.interrupt_enable = 1
        if not self.InitController():
            self.controller.interrupt_enable = 0
            IoDisconnectInterrupt(self.InterruptObject)
            self.InterruptObject = NULL
            return FALSE
        return TRUE

    def InitController(self):
        """Reset the controller and wait for its interrupt, but not for ever."""
        self.controller.resetting = 1
        status = KeWaitForSingleObject(self.SynchEvent, Timeout=LARGE_INTEGER(-1))
        return status == STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.controller.read_result():
            return FALSE
        KeInsertQueueDpc(self.Dpc)
        return TRUE

    def DpcForIsr(self, Dpc, DeferredContext):
        KeSetEvent(self.SynchEvent)

    def Cleanup(self):
        if self.InterruptObject:
            IoDisconnectInterrupt(self.InterruptObject)
            self.InterruptObject = NULL


scenario = Scenario(
    start=Floppy.DriverEntry,
    processors=[1, 2],
    expect={
        1: Holds(states=207),
        2: Holds(states=708),
    },
)
