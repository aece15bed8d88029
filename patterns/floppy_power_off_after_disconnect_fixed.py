"""ReactOS floppy, fixed: the controller is powered off before its interrupt is disconnected.

The twin of floppy_power_off_after_disconnect.py: two lines have changed places. Once HwPowerOff has
cleared the bit, the controller cannot assert its line any more, whatever command is still under
way. An edge that came before is still delivered, or forgotten with the last connection; nobody
waits for it.

Source of the faulty order: reactos/reactos: drivers/storage/floppy/floppy/floppy.c (Unload).
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
        self.HwPowerOff()
        IoDisconnectInterrupt(self.InterruptObject)
        KeFlushQueuedDpcs()


scenario = Scenario(
    start=Floppy.AddControllers,
    concurrently=[Floppy.Unload],
    processors=[1, 2],
    expect={
        1: Holds(states=222),
        2: Holds(states=735),
    },
)
