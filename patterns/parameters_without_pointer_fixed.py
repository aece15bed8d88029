"""A sensor, fixed: the connect call is told where to store the interrupt object.

The twin of parameters_without_pointer.py. The pointer is kept in the device extension, for the
disconnect.

Source: IO_CONNECT_INTERRUPT_PARAMETERS, member LineBased.InterruptObject.
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
        parameters.LineBased.InterruptObject = self.Interrupt
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
    expect={1: Holds(states=55), 2: Holds(states=143)},
)
