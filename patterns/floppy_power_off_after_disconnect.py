"""ReactOS floppy: the interrupt is disconnected first, the controller powered off after.

Unload ends the queue thread, disconnects the interrupt and then calls HwPowerOff, which clears the
bit of the digital output register by which the controller may interrupt.

Bug: between the two the controller may still interrupt, and nobody is connected. A command that the
queue thread has given up, because there was no disk to read from, is such a reason: it ends when it
ends. The documentation of IoDisconnectInterrupt asks for the opposite order. On this edge-triggered
line the edge is merely lost; on a shared level line it would be a storm for the neighbours.

Source: reactos/reactos: drivers/storage/floppy/floppy/floppy.c (Unload) and hardware.c
(HwPowerOff); the remarks of IoDisconnectInterrupt.

In the trace look at the wait that times out: the command is still under way when the thread is
unloaded with it. The edge comes while IoDisconnectInterrupt has freed the object and HwPowerOff has
not yet written the register.
"""

from dirql.model.wdk import *


class FloppyController(Device):
    """The controller: one command at a time, and the bit that lets it interrupt."""

    interrupt_enable = Bit(0)
    seeking = Bit(0)
    done = Bit(0)

    def line(self):
        return self.done and self.interrupt_enable

    @hardware
    def seek_ends(self):
        if self.seeking:
            self.seeking = 0
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

    def AddControllers(self):
        KeInitializeDpc(self.Dpc, self.DpcForIsr)
        status = IoConnectInterrupt(self.InterruptObject, self.Isr)
        if not NT_SUCCESS(status):
            return status
        self.controller.interrupt_enable = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.controller.read_result():
            return FALSE
        KeInsertQueueDpc(self.Dpc)
        return TRUE

    def DpcForIsr(self, Dpc, DeferredContext):
        KeSetEvent(self.SynchEvent)

    def QueueThread(self):
        """Its last request; the thread ends before Unload goes on."""
        self.controller.seeking = 1
        KeWaitForSingleObject(self.SynchEvent, Timeout=LARGE_INTEGER(-1))

    def HwPowerOff(self):
        self.controller.interrupt_enable = 0

    def Unload(self):
        self.QueueThread()
        IoDisconnectInterrupt(self.InterruptObject)
        self.HwPowerOff()
        KeFlushQueuedDpcs()


scenario = Scenario(
    start=Floppy.AddControllers,
    concurrently=[Floppy.Unload],
    processors=[1, 2],
    expect={
        1: Violated("device-unmasked-at-disconnect", steps=11, states=81),
        2: Violated("device-unmasked-at-disconnect", steps=11, states=169),
    },
)
