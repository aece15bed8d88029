"""A serial card, fixed: it is disconnected by the version that connected it.

The twin of disconnect_by_other_version.py.

Source: IO_DISCONNECT_INTERRUPT_PARAMETERS, remarks; "Removing an ISR".
"""

from dirql.model.wdk import *


class Uart(Device):
    """Receives characters; reading the buffer acknowledges."""

    enabled = Bit(0)
    received = Bit(0)

    def line(self):
        return self.received and self.enabled

    @hardware
    def character_arrives(self):
        self.received = 1

    def read_buffer(self):
        was_received = self.received
        self.received = 0
        return was_received


class Serial(Driver):
    uart = Uart(Line(irql=4, mode=LevelSensitive))
    Self = DEVICE_OBJECT()
    Interrupt = PKINTERRUPT()
    ConnectedBy = Int(1, 4)

    def StartDevice(self):
        if choose(0, 1):
            return self.Connect(CONNECT_FULLY_SPECIFIED_GROUP)
        return self.Connect(CONNECT_FULLY_SPECIFIED)

    def Connect(self, Version):
        parameters = IO_CONNECT_INTERRUPT_PARAMETERS()
        parameters.Version = Version
        parameters.FullySpecified.PhysicalDeviceObject = self.Self
        parameters.FullySpecified.InterruptObject = self.Interrupt
        parameters.FullySpecified.ServiceRoutine = self.Isr
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        parameters.FullySpecified.ProcessorEnableMask = 1
        status = IoConnectInterruptEx(parameters)
        if NT_SUCCESS(status):
            self.ConnectedBy = Version
            self.uart.enabled = 1
        return status

    def Isr(self, Interrupt, ServiceContext):
        return self.uart.read_buffer()

    def StopDevice(self):
        self.uart.enabled = 0
        parameters = IO_DISCONNECT_INTERRUPT_PARAMETERS()
        parameters.Version = self.ConnectedBy
        parameters.ConnectionContext.InterruptObject = self.Interrupt
        IoDisconnectInterruptEx(parameters)
        self.Interrupt = NULL


scenario = Scenario(
    start=Serial.StartDevice,
    concurrently=[Serial.StopDevice],
    processors=[1, 2],
    expect={
        1: Holds(states=246),
        2: Holds(states=324),
    },
)
