"""A light sensor: it is switched on while its interrupt is still inactive, and the edge is lost.

To save power the driver switches the sensor off when nobody reads it, and reports its interrupt
inactive: the registration stays, the service routine is not called. When a reader comes, it
switches the sensor on and reports the interrupt active again.

Bug: in this order the sensor may pulse its line between the two. The service routine is not called
for it, and the edge is not remembered. The sensor holds its sample until somebody takes it and
pulses no more; the driver waits for a pulse. On a shared level line the same order makes a storm
instead.

Source: "Making an ISR active or inactive" in the Windows driver documentation, which asks for the
opposite order: silence the device before it is reported inactive, let it speak after it is reported
active.

The first scenario stops at the cause, the sensor's pulse while inactive; the second shows what
comes of it. What happens to an edge while an interrupt is inactive is not documented: `--knob
edge_while_inactive=keep` explores that it is remembered, and the second scenario holds.
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
        self.sensor.on = 1
        IoReportInterruptActive(parameters)

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
            1: Violated("device-unmasked-at-disconnect", steps=9, states=54),
            2: Violated("device-unmasked-at-disconnect", steps=9, states=152),
        },
    ),
    Scenario(
        name="consequence",
        start=SensorDriver.StartDevice,
        concurrently=[SensorDriver.PowerCycle],
        processors=[1, 2],
        properties=["unserviced-cause"],
        expect={
            1: Violated("unserviced-cause", steps=10, states=63),
            2: Violated("unserviced-cause", steps=10, states=254),
        },
    ),
]
