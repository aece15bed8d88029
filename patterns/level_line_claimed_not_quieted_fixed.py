"""A touch controller, fixed: the service routine masks the device until the DPC has served it.

The twin of level_line_claimed_not_quieted.py. Masking lowers the line before the service routine
returns, so the interrupt ends and the DPC can run; it reads the position and lifts the mask under
the interrupt lock. That is enough: at every end of interrupt the line is down, and whoever masks
has queued the DPC that unmasks.

Source: torvalds/linux: kernel/irq/manage.c (IRQF_ONESHOT does the same for threaded handlers).
"""

from dirql.model.wdk import *


class Touch(Device):
    """Asserts its line until the position has been read; it can be masked."""

    masked = Bit(1)
    touched = Bit(0)

    def line(self):
        return self.touched and not self.masked

    @hardware
    def finger_moves(self):
        self.touched = 1

    def read_position(self):
        self.touched = 0


class TouchDriver(Driver):
    touch = Touch(Line(irql=6, mode=LevelSensitive))
    PhysicalDevice = DEVICE_OBJECT()
    Interrupt = PKINTERRUPT()
    Dpc = KDPC()

    def Start(self):
        KeInitializeDpc(self.Dpc, self.ReadPosition)
        parameters = IO_CONNECT_INTERRUPT_PARAMETERS()
        parameters.Version = CONNECT_LINE_BASED
        parameters.LineBased.PhysicalDeviceObject = self.PhysicalDevice
        parameters.LineBased.InterruptObject = self.Interrupt
        parameters.LineBased.ServiceRoutine = self.Isr
        status = IoConnectInterruptEx(parameters)
        if not NT_SUCCESS(status):
            return status
        self.touch.masked = 0
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.touch.touched or self.touch.masked:
            return FALSE
        self.touch.masked = 1
        KeInsertQueueDpc(self.Dpc)
        return TRUE

    def ReadPosition(self, Dpc, DeferredContext):
        self.touch.read_position()
        KeSynchronizeExecution(self.Interrupt, self.Unmask)

    def Unmask(self, SynchronizeContext):
        self.touch.masked = 0
        return TRUE


scenario = Scenario(
    start=TouchDriver.Start,
    processors=[1, 2],
    expect={1: Holds(states=96), 2: Holds(states=276)},
)
