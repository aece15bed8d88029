"""A bus controller on a shared line, fixed: disconnect first, clock off after.

The twin of register_read_without_clock.py. When IoDisconnectInterrupt has returned, the service
routine is not called any more and none is running, so nobody can read a register after it. The
device is masked first, because a device must not ask for service when nobody serves it.

Source of the driver: torvalds/linux: drivers/spi/spi-fsl-dspi.c.
"""

from dirql.model.wdk import *


class Spi(Device):
    """Without a clock every register reads as ones, and writes go nowhere."""

    clock = Bit(0)
    enabled = Bit(0)
    done = Bit(0)

    def line(self):
        return self.done and self.enabled and self.clock

    @hardware
    def transfer_ends(self):
        if self.clock:
            self.done = 1

    def acknowledge(self):
        """Read the status register and write it back, which clears what was set."""
        if not self.clock:
            return 1
        was_done = self.done
        self.done = 0
        return was_done


class SpiDriver(Driver):
    spi = Spi(Line(irql=6, mode=LevelSensitive, shared=True))
    PhysicalDevice = DEVICE_OBJECT()
    Interrupt = PKINTERRUPT()

    def Start(self):
        self.spi.clock = 1
        parameters = IO_CONNECT_INTERRUPT_PARAMETERS()
        parameters.Version = CONNECT_LINE_BASED
        parameters.LineBased.PhysicalDeviceObject = self.PhysicalDevice
        parameters.LineBased.InterruptObject = self.Interrupt
        parameters.LineBased.ServiceRoutine = self.Isr
        status = IoConnectInterruptEx(parameters)
        if not NT_SUCCESS(status):
            return status
        self.spi.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        return self.spi.acknowledge()

    def Remove(self):
        self.spi.enabled = 0
        parameters = IO_DISCONNECT_INTERRUPT_PARAMETERS()
        parameters.Version = CONNECT_LINE_BASED
        parameters.ConnectionContext.InterruptObject = self.Interrupt
        IoDisconnectInterruptEx(parameters)
        self.spi.clock = 0
        return STATUS_SUCCESS


scenario = Scenario(
    start=SpiDriver.Start,
    concurrently=[SpiDriver.Remove],
    processors=[1, 2],
    expect={1: Holds(states=210), 2: Holds(states=482)},
)
