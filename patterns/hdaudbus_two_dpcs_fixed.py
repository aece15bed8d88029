"""ReactOS hdaudbus, fixed: the DPC walks the response ring under a spin lock.

The twin of hdaudbus_two_dpcs.py. A second instance of the DPC on another processor now waits until
the first has moved RirbReadPos past everything it has stored. The write position is read under the
lock too: an instance that had read it before waiting would find the read position beyond it and
would walk once round the ring.
Source of the driver: reactos/reactos: drivers/wdm/audio/hdaudbus/fdo.cpp (HDA_InterruptService,
HDA_DpcForIsr).
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
    RirbLock = KSPIN_LOCK()
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
        KeAcquireSpinLockAtDpcLevel(self.RirbLock)
        WritePos = self.hda.rirb_write_pos
        while self.RirbReadPos != WritePos:
            self.StoreResponse(self.RirbReadPos)
            self.RirbReadPos += 1
        KeReleaseSpinLockFromDpcLevel(self.RirbLock)

    def StoreResponse(self, number):
        assert number == self.ResponseCount, "each response is stored once"
        self.ResponseCount += 1


scenario = Scenario(
    start=Hdaudbus.HDA_FDOStartDevice,
    processors=[1, 2, 3],
    expect={1: Holds(states=1895), 2: Holds(states=10265), 3: Holds(states=28797)},
)
