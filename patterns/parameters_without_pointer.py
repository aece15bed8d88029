"""A sensor: the parameters of the connect call do not say where to store the interrupt object.

The driver fills in the structure for a line-based connect member by member. It does not want to
synchronise with its service routine, so it saw no use for the interrupt object.

Bug: InterruptObject is where the system stores the pointer; the structure was zeroed, so it stores
through NULL. And without the pointer nobody could ever disconnect.

Source: IO_CONNECT_INTERRUPT_PARAMETERS, member LineBased.InterruptObject.

In the trace look at the one step.
"""

from dirql.model.wdk import *


class Sensor(Device):
    """Pulses its line for each sample."""

    enabled = Bit(0)
    sample = Bit(0)

    def line(self):
        return self.sample and self.enabled

    @hardware
    def sample_taken(self):
        self.sample = 1

    def read_sample(self):
        had_sample = self.sample
        self.sample = 0
        return had_sample


class SensorDriver(Driver):
    sensor = Sensor(Line(irql=5, mode=Latched))
    Self = DEVICE_OBJECT()
    Interrupt = PKINTERRUPT()

    def PrepareHardware(self):
        parameters = IO_CONNECT_INTERRUPT_PARAMETERS()
        parameters.Version = CONNECT_LINE_BASED
        parameters.LineBased.PhysicalDeviceObject = self.Self
        parameters.LineBased.ServiceRoutine = self.Isr
        status = IoConnectInterruptEx(parameters)
        if not NT_SUCCESS(status):
            return status
        self.sensor.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        return self.sensor.read_sample()


scenario = Scenario(
    start=SensorDriver.PrepareHardware,
    processors=[1, 2],
    expect={
        1: Violated("null-out-pointer", steps=1, states=2),
        2: Violated("null-out-pointer", steps=1, states=2),
    },
)
