"""A serial card: connected for a processor group, disconnected without one.

On systems with processor groups the driver connects with CONNECT_FULLY_SPECIFIED_GROUP, else with
CONNECT_FULLY_SPECIFIED. The stop path is older than that: it fills in CONNECT_FULLY_SPECIFIED.

Bug: what a disconnect is told must be what the connect call was told; the interrupt object itself
does not say. Windows compares, and stops the machine.

Source: IO_DISCONNECT_INTERRUPT_PARAMETERS, remarks: Version and ConnectionContext are those of the
connect call; bug check 0xCA, PNP_DETECTED_FATAL_ERROR (9).

In the trace compare the two Version members.
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
            self.uart.enabled = 1
        return status

    def Isr(self, Interrupt, ServiceContext):
        return self.uart.read_buffer()

    def StopDevice(self):
        self.uart.enabled = 0
        parameters = IO_DISCONNECT_INTERRUPT_PARAMETERS()
        parameters.Version = CONNECT_FULLY_SPECIFIED
        parameters.ConnectionContext.InterruptObject = self.Interrupt
        IoDisconnectInterruptEx(parameters)
        self.Interrupt = NULL


scenario = Scenario(
    start=Serial.StartDevice,
    concurrently=[Serial.StopDevice],
    processors=[1, 2],
    expect={
        1: Violated("disconnect-of-dead-interrupt", steps=6, states=94),
        2: Violated("disconnect-of-dead-interrupt", steps=6, states=94),
    },
)
