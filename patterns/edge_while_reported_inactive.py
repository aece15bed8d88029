"""A sensor: its interrupt is reported inactive for a while, and the sensor is not masked.

To change the settings of the sensor undisturbed, the driver reports the interrupt inactive and
active again afterwards. That is cheaper than disconnecting, and keeps the service routine out.

Bug: it does not keep the sensor quiet. While nobody listens, the sensor raises its line; the
scenario "cause" stops there. What becomes of such an edge is not documented: in "dropped" it is
gone, the line stays up, and the sensor is never served again; in "kept" (knob edge_while_inactive)
it is delivered when the interrupt is active again.

Source: IoReportInterruptInactive, remarks: the driver makes sure that the device does not interrupt
meanwhile.

In the trace of "dropped" look at the line between the two reports.
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
        IoReportInterruptInactive(parameters)
        self.sensor.settings = 1
        IoReportInterruptActive(parameters)


scenarios = [
    Scenario(
        name="cause",
        start=SensorDriver.PrepareHardware,
        concurrently=[SensorDriver.ChangeSettings],
        processors=[1, 2],
        expect={
            1: Violated("device-unmasked-at-disconnect", steps=6, states=50),
            2: Violated("device-unmasked-at-disconnect", steps=6, states=83),
        },
    ),
    Scenario(
        name="dropped",
        start=SensorDriver.PrepareHardware,
        concurrently=[SensorDriver.ChangeSettings],
        processors=[1, 2],
        properties=["unserviced-cause"],
        expect={
            1: Violated("unserviced-cause", steps=8, states=85),
            2: Violated("unserviced-cause", steps=8, states=204),
        },
    ),
    Scenario(
        name="kept",
        start=SensorDriver.PrepareHardware,
        concurrently=[SensorDriver.ChangeSettings],
        processors=[1, 2],
        properties=["unserviced-cause"],
        knobs={"edge_while_inactive": "keep"},
        expect={1: Holds(states=99), 2: Holds(states=379)},
    ),
]
