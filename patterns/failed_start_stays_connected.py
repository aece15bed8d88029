"""A sensor: when a later step of the start fails, the interrupt stays connected.

StartDevice connects the interrupt and then reads the calibration from the registry. If that fails
it returns the failure, and the driver is unloaded. Remove undoes what a successful start did.

Bug: a start that failed is not undone by anybody. The interrupt object leads to a service routine
that is no longer in memory; on a shared line the neighbour's next interrupt calls it.

Source: IoConnectInterruptEx; "Design Guidelines for Starting Devices": a start that fails releases
what it has acquired.

The finding is a state: the driver is gone, and its interrupt object is connected.
"""

from dirql.model.wdk import *


class Sensor(Device):
    """Asks for service after each sample."""

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
    sensor = Sensor(Line(irql=5, mode=LevelSensitive))
    Self = DEVICE_OBJECT()
    Interrupt = PKINTERRUPT()
    Started = Bit(0)

    def StartDevice(self):
        parameters = IO_CONNECT_INTERRUPT_PARAMETERS()
        parameters.Version = CONNECT_LINE_BASED
        parameters.LineBased.PhysicalDeviceObject = self.Self
        parameters.LineBased.InterruptObject = self.Interrupt
        parameters.LineBased.ServiceRoutine = self.Isr
        status = IoConnectInterruptEx(parameters)
        if not NT_SUCCESS(status):
            return status
        if not self.ReadCalibration():
            return STATUS_UNSUCCESSFUL
        self.sensor.enabled = 1
        self.Started = 1
        return STATUS_SUCCESS

    def ReadCalibration(self):
        """The registry may hold none."""
        return choose(0, 1)

    def Isr(self, Interrupt, ServiceContext):
        return self.sensor.read_sample()

    def Disconnect(self):
        parameters = IO_DISCONNECT_INTERRUPT_PARAMETERS()
        parameters.Version = CONNECT_LINE_BASED
        parameters.ConnectionContext.InterruptObject = self.Interrupt
        IoDisconnectInterruptEx(parameters)
        self.Interrupt = NULL

    def Remove(self):
        if self.Started:
            self.sensor.enabled = 0
            self.Disconnect()


scenario = Scenario(
    start=SensorDriver.StartDevice,
    finally_=SensorDriver.Remove,
    processors=[1, 2],
    expect={
        1: Violated("interrupt-left-connected", steps=3, states=34),
        2: Violated("interrupt-left-connected", steps=3, states=47),
    },
)
