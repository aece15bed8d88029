"""ReactOS hdaudbus: two instances of one DPC walk the response ring with one read position.

The codecs of an HD Audio controller answer through a ring in memory, the RIRB. The service routine
acknowledges the interrupt and queues HDA_DpcForIsr, which hands each new response to its codec and
moves RirbReadPos on, without a lock.

Bug: a DPC is out of its queue before its routine starts, so an interrupt that comes meanwhile
queues it again. If another processor takes that interrupt, the second instance runs there, beside
the first. Both read the same position and store the same response, and one response too many
makes the request that waits for its own answer read a wrong one.
Source: reactos/reactos: drivers/wdm/audio/hdaudbus/fdo.cpp (HDA_InterruptService, HDA_DpcForIsr);
"Handling Overlapped I/O Operations" in the WDK documentation on DPC routines warns of it.

In the trace look at the two reads of RirbReadPos, one on each processor. One processor is safe: a
DPC is not interrupted by another DPC. Responses are numbered here, and storing one asserts that
it is the next; the ring is long enough not to wrap.
"""

from dirql.model.wdk import *

RESPONSES = 2


class HdaController(Device):
    """The response ring: a write position, and a status bit that asks for service."""

    interrupts_enabled = Bit(0)
    rirb_status = Bit(0)
    rirb_write_pos = Int(0, RESPONSES)

    def line(self):
        return self.rirb_status and self.interrupts_enabled

    @hardware
    def codec_responds(self):
        if self.rirb_write_pos < RESPONSES:
            self.rirb_write_pos += 1
            self.rirb_status = 1


class Hdaudbus(Driver):
    hda = HdaController(Line(irql=6, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()
    DeviceObject = DEVICE_OBJECT()
    RirbReadPos = Int(0, RESPONSES)
    ResponseCount = Int(0, RESPONSES)

    def HDA_FDOStartDevice(self):
        IoInitializeDpcRequest(self.DeviceObject, self.HDA_DpcForIsr)
        status = IoConnectInterrupt(self.Interrupt, self.HDA_InterruptService)
        if not NT_SUCCESS(status):
            return status
        self.hda.interrupts_enabled = 1
        return STATUS_SUCCESS

    def HDA_InterruptService(self, Interrupt, ServiceContext):
        if not self.hda.rirb_status:
            return FALSE
        self.hda.rirb_status = 0
        IoRequestDpc(self.DeviceObject)
        return TRUE

    def HDA_DpcForIsr(self, Dpc, DeviceObject, Irp, Context):
        WritePos = self.hda.rirb_write_pos
        while self.RirbReadPos != WritePos:
            self.StoreResponse(self.RirbReadPos)
            self.RirbReadPos += 1

    def StoreResponse(self, number):
        assert number == self.ResponseCount, "each response is stored once"
        self.ResponseCount += 1


scenario = Scenario(
    start=Hdaudbus.HDA_FDOStartDevice,
    processors=[1, 2, 3],
    expect={
        1: Holds(states=1671),
        2: Violated("assertion-failed", steps=31, states=9723),
        3: Violated("assertion-failed", steps=31, states=29625),
    },
)
