"""A serial card: opening the port connects the interrupt while a fast mutex is held.

The interrupt is connected when the first handle is opened, and a fast mutex keeps two opens apart.
That much is right: a test and a connect without a lock would connect twice.

Bug: a fast mutex puts its owner at APC_LEVEL, and connecting an interrupt is for PASSIVE_LEVEL. So
is disconnecting, in the close path, which is not part of this pattern.

Source: IoConnectInterruptEx, requirements, IRQL: PASSIVE_LEVEL; ExAcquireFastMutex, remarks: the
caller runs at APC_LEVEL until the mutex is released.

In the trace look at the IRQL of the connect call.
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
    OpenMutex = FAST_MUTEX()
    SettingsMutex = FAST_MUTEX()
    BaudRate = Int(0, 1)

    def Connect(self):
        parameters = IO_CONNECT_INTERRUPT_PARAMETERS()
        parameters.Version = CONNECT_FULLY_SPECIFIED
        parameters.FullySpecified.PhysicalDeviceObject = self.Self
        parameters.FullySpecified.InterruptObject = self.Interrupt
        parameters.FullySpecified.ServiceRoutine = self.Isr
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        parameters.FullySpecified.ProcessorEnableMask = 1
        status = IoConnectInterruptEx(parameters)
        if NT_SUCCESS(status):
            self.uart.enabled = 1
        return status

    def Open(self):
        status = STATUS_SUCCESS
        ExAcquireFastMutex(self.OpenMutex)
        if not self.Interrupt:
            self.SetDefaults()
            status = self.Connect()
        ExReleaseFastMutex(self.OpenMutex)
        return status

    def SetDefaults(self):
        ExAcquireFastMutex(self.SettingsMutex)
        self.BaudRate = 0
        ExReleaseFastMutex(self.SettingsMutex)

    def SetBaudRate(self):
        if not ExTryToAcquireFastMutex(self.SettingsMutex):
            return STATUS_DEVICE_NOT_READY
        self.BaudRate = 1 - self.BaudRate
        ExReleaseFastMutex(self.SettingsMutex)
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        return self.uart.read_buffer()


scenario = Scenario(
    concurrently=[Serial.Open, Serial.Open, Serial.SetBaudRate],
    processors=[1, 2],
    expect={
        1: Violated("irql-too-high", steps=6, states=72),
        2: Violated("irql-too-high", steps=6, states=72),
    },
)
