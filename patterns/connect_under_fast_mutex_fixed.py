"""A serial card, fixed: a synchronization event keeps two opens apart, at PASSIVE_LEVEL.

The twin of connect_under_fast_mutex.py. An event that starts signalled and is cleared by each wait
is a lock that leaves the IRQL alone. The fast mutex stays where it does no harm: around the
settings, which nobody touches at a raised level.

Source: IoConnectInterruptEx, requirements; "Introduction to Event Objects".
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
    OpenGate = KEVENT(SynchronizationEvent, TRUE)
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
        KeWaitForSingleObject(self.OpenGate)
        if not self.Interrupt:
            self.SetDefaults()
            status = self.Connect()
        KeSetEvent(self.OpenGate)
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
    expect={1: Holds(states=3414), 2: Holds(states=3414)},
)
