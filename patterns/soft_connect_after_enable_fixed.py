"""A light sensor, fixed: its interrupt is active again before the sensor is switched on.

The twin of soft_connect_after_enable.py: two lines have changed places. From the moment in which
the sensor can pulse its line, the service routine is called for it. Power-down was right already:
off first, inactive after.

Source of the order: "Making an ISR active or inactive" in the Windows driver documentation.
"""

from dirql.model.wdk import *


class LightSensor(Device):
    """A sensor that pulses its line once for a sample, and then holds the sample."""

    on = Bit(0)
    sample = Bit(0)

    def line(self):
        return self.on and self.sample

    def waiting(self):
        return self.on and self.sample

    @hardware
    def sample_taken(self):
        if self.on:
            self.sample = 1

    def read_sample(self):
        self.sample = 0

    def switch_off(self):
        self.on = 0
        self.sample = 0


class SensorDriver(Driver):
    sensor = LightSensor(Line(irql=4, mode=Latched))
    PhysicalDevice = DEVICE_OBJECT()
    InterruptObject = PKINTERRUPT()

    def StartDevice(self):
        parameters = IO_CONNECT_INTERRUPT_PARAMETERS()
        parameters.Version = CONNECT_LINE_BASED
        parameters.LineBased.PhysicalDeviceObject = self.PhysicalDevice
        parameters.LineBased.InterruptObject = self.InterruptObject
        parameters.LineBased.ServiceRoutine = self.SensorIsr
        status = IoConnectInterruptEx(parameters)
        if not NT_SUCCESS(status):
            return status
        self.sensor.on = 1
        return STATUS_SUCCESS

    def SensorIsr(self, Interrupt, ServiceContext):
        if not self.sensor.sample:
            return FALSE
        self.sensor.read_sample()
        return TRUE

    def PowerDown(self):
        self.sensor.switch_off()
        parameters = IO_REPORT_INTERRUPT_ACTIVE_STATE_PARAMETERS()
        parameters.Version = CONNECT_LINE_BASED
        parameters.ConnectionContext.InterruptObject = self.InterruptObject
        IoReportInterruptInactive(parameters)

    def PowerUp(self):
        parameters = IO_REPORT_INTERRUPT_ACTIVE_STATE_PARAMETERS()
        parameters.Version = CONNECT_LINE_BASED
        parameters.ConnectionContext.InterruptObject = self.InterruptObject
        IoReportInterruptActive(parameters)
        self.sensor.on = 1

    def PowerCycle(self):
        self.PowerDown()
        self.PowerUp()

    def RemoveDevice(self):
        if self.InterruptObject:
            self.sensor.switch_off()
            parameters = IO_DISCONNECT_INTERRUPT_PARAMETERS()
            parameters.Version = CONNECT_LINE_BASED
            parameters.ConnectionContext.InterruptObject = self.InterruptObject
            IoDisconnectInterruptEx(parameters)
            self.InterruptObject = NULL


scenarios = [
    Scenario(
        name="cause",
        start=SensorDriver.StartDevice,
        concurrently=[SensorDriver.PowerCycle],
        finally_=SensorDriver.RemoveDevice,
        processors=[1, 2],
        expect={
            1: Holds(states=115),
            2: Holds(states=771),
        },
    ),
    Scenario(
        name="consequence",
        start=SensorDriver.StartDevice,
        concurrently=[SensorDriver.PowerCycle],
        processors=[1, 2],
        properties=["unserviced-cause"],
        expect={1: Holds(states=78), 2: Holds(states=488)},
    ),
]
