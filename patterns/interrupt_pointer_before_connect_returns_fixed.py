"""A DPC that uses the interrupt object its service routine was called with.

The system hands the interrupt object to every call of the service routine. The service routine
passes it on as an argument of the DPC, so the DPC never looks at the field that the connect call
may not have stored yet. The object exists as long as service routines are called for it.

Stopping is not part of this pattern: there the DPC must be flushed before the disconnect.
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
        KeInsertQueueDpc(self.dpc, Interrupt)
        return TRUE

    def SensorDpc(self, Dpc, DeferredContext, SystemArgument1):
        KeSynchronizeExecution(SystemArgument1, self.TakeEvents)

    def TakeEvents(self, SynchronizeContext):
        self.events = 0
        return TRUE


scenarios = [
    Scenario(
        name="spurious",
        start=SensorDriver.StartDevice,
        processors=[1, 2],
        knobs={"spurious_calls": "yes"},
        expect={1: Holds(states=248), 2: Holds(states=3002)},
    ),
    Scenario(
        name="quiet",
        start=SensorDriver.StartDevice,
        processors=[1, 2],
        knobs={"spurious_calls": "no"},
        expect={1: Holds(states=27), 2: Holds(states=37)},
    ),
    Scenario(
        name="stored first",
        start=SensorDriver.StartDevice,
        processors=[1, 2],
        knobs={"spurious_calls": "yes", "out_pointer_before_arm": "yes"},
        expect={1: Holds(states=180), 2: Holds(states=2212)},
    ),
    Scenario(
        name="both at once",
        start=SensorDriver.StartDevice,
        processors=[1, 2],
        knobs={"spurious_calls": "yes", "isr_before_connect_returns": "no"},
        expect={1: Holds(states=178), 2: Holds(states=2210)},
    ),
]
