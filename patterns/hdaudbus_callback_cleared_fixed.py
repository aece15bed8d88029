"""An audio bus, fixed: a slot changes only under the lock of the interrupt that looks at it.

The twin of hdaudbus_callback_cleared.py. Mark and routine change together, as far as the service
routine can see.

Source: coolstar/sklhdaudbus, commit 922d765.
"""

from dirql.model.wdk import *


class Codec(Device):
    """Reports that a jack was plugged or pulled."""

    enabled = Bit(0)
    event = Bit(0)

    def line(self):
        return self.event and self.enabled

    @hardware
    def jack_moves(self):
        self.event = 1

    def acknowledge(self):
        had_event = self.event and self.enabled
        if had_event:
            self.event = 0
        return had_event


class AudioBus(Driver):
    codec = Codec(Line(irql=7, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()
    SlotUsed = Bit(0)
    SlotRoutine = RoutineReference("JackMoved")
    Events = Int(0, 1, saturating=True)

    def Start(self):
        # Only the first processor is interrupted, as a legacy controller routes its lines.
        status = IoConnectInterrupt(self.Interrupt, self.Isr, ProcessorEnableMask=1)
        if not NT_SUCCESS(status):
            return status
        self.codec.enabled = 1
        return STATUS_SUCCESS

    def Isr(self, Interrupt, ServiceContext):
        if not self.codec.acknowledge():
            return FALSE
        if self.SlotUsed:
            self.SlotRoutine()
        return TRUE

    def JackMoved(self):
        self.Events += 1

    def Register(self, SynchronizeContext):
        self.SlotRoutine = self.JackMoved
        self.SlotUsed = 1
        return TRUE

    def Unregister(self, SynchronizeContext):
        self.SlotRoutine = NULL
        self.SlotUsed = 0
        return TRUE

    def CodecDriver(self):
        KeSynchronizeExecution(self.Interrupt, self.Register)
        done = KeSynchronizeExecution(self.Interrupt, self.Unregister)
        return STATUS_SUCCESS if done else STATUS_UNSUCCESSFUL


scenario = Scenario(
    start=AudioBus.Start,
    concurrently=[AudioBus.CodecDriver],
    processors=[1, 2],
    expect={1: Holds(states=378), 2: Holds(states=699)},
)
