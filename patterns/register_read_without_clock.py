"""A bus controller on a shared line: its service routine reads registers whose clock is off.

Removal switches the controller's clock off and disconnects the interrupt afterwards. A controller
without a clock asks for nothing; but the line is shared, and a neighbour does.

Bug: the service routine is called for the neighbour's interrupt and reads the status of a dead
device. A bus error is the lucky outcome. Otherwise it reads all ones, takes every bit for its own,
acknowledges what does not exist and claims; the neighbour is never asked, the line stays up, and
the vector fires for ever. On one processor the removal never goes on to the disconnect.

On two the pattern holds: a level line is in service on one processor at a time, so the removal gets
its turn on the other one, and once the service routine is disconnected the neighbour is asked. The
machine only stands still for as long as that takes.

Source: torvalds/linux: drivers/spi/spi-fsl-dspi.c (a late shared interrupt during remove); Linux
calls every shared handler once more when it is freed (CONFIG_DEBUG_SHIRQ) to find this. On Windows
the same happens to a service routine that reads registers in D3.

The trace ends when the processor has accepted the neighbour's interrupt with the clock off.
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
        self.spi.clock = 0
        parameters = IO_DISCONNECT_INTERRUPT_PARAMETERS()
        parameters.Version = CONNECT_LINE_BASED
        parameters.ConnectionContext.InterruptObject = self.Interrupt
        IoDisconnectInterruptEx(parameters)
        return STATUS_SUCCESS


scenario = Scenario(
    start=SpiDriver.Start,
    concurrently=[SpiDriver.Remove],
    processors=[1, 2],
    expect={
        1: Violated("stuck-context", steps=7, states=186),
        2: Holds(states=458),
    },
)
