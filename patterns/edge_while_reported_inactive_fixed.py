"""A sensor, fixed: the sensor is masked before its interrupt is reported inactive.

The twin of edge_while_reported_inactive.py. The mask is lifted after the interrupt was reported
active; a sample that came in between then makes its edge, to somebody who listens.

Source: IoReportInterruptInactive, IoReportInterruptActive, remarks.
"""

from dirql.model.wdk import *


class Sensor(Device):
    """Raises its line for each sample; reading it lowers the line."""

    enabled = Bit(0)
    sample = Bit(0)
    settings = Bit(0)

    def line(self):
        return self.sample and self.enabled

    def waiting(self):
        return self.line()

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

    def ChangeSettings(self):
        parameters = IO_REPORT_INTERRUPT_ACTIVE_STATE_PARAMETERS()
        parameters.Version = CONNECT_LINE_BASED
        parameters.ConnectionContext.InterruptObject = self.Interrupt
        self.sensor.enabled = 0
        IoReportInterruptInactive(parameters)
        self.sensor.settings = 1
        IoReportInterruptActive(parameters)
        self.sensor.enabled = 1


scenarios = [
    Scenario(
        name="cause",
        start=SensorDriver.PrepareHardware,
        concurrently=[SensorDriver.ChangeSettings],
        processors=[1, 2],
        expect={1: Holds(states=133), 2: Holds(states=563)},
    ),
    Scenario(
        name="dropped",
        start=SensorDriver.PrepareHardware,
        concurrently=[SensorDriver.ChangeSettings],
        processors=[1, 2],
        properties=["unserviced-cause"],
        expect={1: Holds(states=133), 2: Holds(states=563)},
    ),
    Scenario(
        name="kept",
        start=SensorDriver.PrepareHardware,
        concurrently=[SensorDriver.ChangeSettings],
        processors=[1, 2],
        properties=["unserviced-cause"],
        knobs={"edge_while_inactive": "keep"},
        expect={1: Holds(states=133), 2: Holds(states=563)},
    ),
]
