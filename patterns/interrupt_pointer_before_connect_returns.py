"""A DPC uses the interrupt object pointer while the connect call has not yet stored it.

The device sits behind a slow bus, so the service routine cannot ask it anything: it claims every
edge and leaves the rest to the DPC, which takes the interrupt lock through the pointer in the
device extension. The connect call arms the vector before it stores that pointer. A first,
spurious edge in between (the interrupt controller has just been programmed) queues the DPC, and
the DPC synchronises with NULL.

Source: the comments on this window in microsoft/Windows-Driver-Frameworks, src/framework/shared/
inc/private/common/fxinterrupt.hpp, and on HighestDIRQLInterrupt in reactos/reactos, drivers/input/
i8042prt. ReactOS itself stores the pointer first; the window depends on the knobs
out_pointer_before_arm and isr_before_connect_returns. The spurious edge is the knob spurious_calls.
The scenarios "quiet", "stored first" and "both at once" each close the window with one of them.

In the trace: the DPC runs between the two halves of the connect call.
"""

from dirql.model.wdk import *


class Sensor(Device):
    """A sensor that pulses its line; its data can be read over the slow bus only."""

    data_ready = Bit(0)
    enabled = Bit(0)

    def line(self):
        return self.data_ready and self.enabled

    @hardware
    def sample_taken(self):
        self.data_ready = 1


class SensorDriver(Driver):
    sensor = Sensor(Line(irql=4, mode=Latched))
    Interrupt = PKINTERRUPT()
    dpc = KDPC()
    events = Bit(0)

    def StartDevice(self):
        KeInitializeDpc(self.dpc, self.SensorDpc)
        status = IoConnectInterrupt(self.Interrupt, self.SensorIsr)
        if not NT_SUCCESS(status):
            return status
        self.sensor.enabled = 1
        return STATUS_SUCCESS

    def SensorIsr(self, Interrupt, ServiceContext):
        self.events = 1
        KeInsertQueueDpc(self.dpc)
        return TRUE

    def SensorDpc(self, Dpc, DeferredContext):
        KeSynchronizeExecution(self.Interrupt, self.TakeEvents)

    def TakeEvents(self, SynchronizeContext):
        self.events = 0
        return TRUE


scenarios = [
    Scenario(
        name="spurious",
        start=SensorDriver.StartDevice,
        processors=[1, 2],
        knobs={"spurious_calls": "yes"},
        expect={
            1: Violated("synchronize-on-dead-interrupt", steps=11, states=80),
            2: Violated("synchronize-on-dead-interrupt", steps=11, states=183),
        },
    ),
    Scenario(
        name="quiet",
        start=SensorDriver.StartDevice,
        processors=[1, 2],
        knobs={"spurious_calls": "no"},
        expect={1: Holds(states=28), 2: Holds(states=39)},
    ),
    Scenario(
        name="stored first",
        start=SensorDriver.StartDevice,
        processors=[1, 2],
        knobs={"spurious_calls": "yes", "out_pointer_before_arm": "yes"},
        expect={1: Holds(states=245), 2: Holds(states=4016)},
    ),
    Scenario(
        name="both at once",
        start=SensorDriver.StartDevice,
        processors=[1, 2],
        knobs={"spurious_calls": "yes", "isr_before_connect_returns": "no"},
        expect={1: Holds(states=243), 2: Holds(states=4014)},
    ),
]
