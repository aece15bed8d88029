"""A sensor, fixed: the failing path of the start disconnects the interrupt.

The twin of failed_start_stays_connected.py. Version in the structure is the one of the connect
call.

Source: IoDisconnectInterruptEx; "Design Guidelines for Starting Devices".
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
            self.Disconnect()
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
    expect={1: Holds(states=168), 2: Holds(states=406)},
)
