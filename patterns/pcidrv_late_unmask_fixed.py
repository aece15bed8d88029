"""pcidrv, WDM (P2), repaired: the DPC unmasks the card only while it is in D0.

The device power state becomes part of what the interrupt lock guards: power-down stores D3 in the
same critical section in which it masks the card, and NICEnableInterrupt, called by the DPC under
the same lock, looks at it first. Either the DPC gets the lock first, and power-down masks after it,
or it comes second and finds D3.

It is enough because after D3 nothing unmasks. A masked card has no interrupts to claim, so no new
DPC is queued, and the flush before the disconnect has the last one behind it.

Source of the faulty order: WinDDK 7600 general/pcidrv/wdm, hw/isrdpc.c and hw/nic_pm.c.
"""

from dirql.model.wdk import *


class E100(Device):
    """The card: a level line, one cause bit, one mask bit."""

    cause = Bit(0)
    masked = Bit(1)

    def line(self):
        return self.cause and not self.masked

    @hardware
    def packet_arrives(self):
        self.cause = 1


class Power(IntEnum):
    PowerDeviceD0 = 1
    PowerDeviceD3 = 4


class Pcidrv(Driver):
    nic = E100(Line(irql=7, mode=LevelSensitive))
    Self = DEVICE_OBJECT()
    Interrupt = PKINTERRUPT()
    DevicePowerState = Enum(Power.PowerDeviceD3)

    def NICAllocateDeviceResources(self):
        self.DevicePowerState = Power.PowerDeviceD0
        IoInitializeDpcRequest(self.Self, self.NICDpcForIsr)
        status = IoConnectInterrupt(self.Interrupt, self.NICInterruptHandler)
        if not NT_SUCCESS(status):
            return status
        self.nic.masked = 0
        return STATUS_SUCCESS

    def NICInterruptHandler(self, Interrupt, ServiceContext):
        if self.nic.masked or not self.nic.cause:
            return FALSE
        self.nic.masked = 1
        self.nic.cause = 0
        IoRequestDpc(self.Self)
        return TRUE

    def NICDpcForIsr(self, Dpc, DeviceObject, Irp, Context):
        KeSynchronizeExecution(self.Interrupt, self.NICEnableInterrupt)

    def NICEnableInterrupt(self, Context):
        if self.DevicePowerState == Power.PowerDeviceD0:
            self.nic.masked = 0
        return TRUE

    def MPSetPowerLowPrivate(self, Context):
        self.DevicePowerState = Power.PowerDeviceD3
        self.nic.masked = 1
        self.nic.cause = 0
        return TRUE

    def MPSetPowerLow(self):
        KeSynchronizeExecution(self.Interrupt, self.MPSetPowerLowPrivate)
        KeFlushQueuedDpcs()
        IoDisconnectInterrupt(self.Interrupt)
        self.Interrupt = NULL


scenario = Scenario(
    start=Pcidrv.NICAllocateDeviceResources,
    concurrently=[Pcidrv.MPSetPowerLow],
    processors=[1, 2, 3],
    expect={1: Holds(states=236), 2: Holds(states=1534), 3: Holds(states=4504)},
)
