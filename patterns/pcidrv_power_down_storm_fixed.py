"""pcidrv, WDM (P3), repaired: mask the card and say so in one critical section.

The store of D3 moves into the routine that masks the card under the interrupt lock. The service
routine holds that lock, so it sees D0 and an unmasked card, or D3 and a masked one, and never the
pair that made it turn its own interrupt away. The interrupt of the receive unit's abort is now
claimed like any other.

The test in the service routine stays: on a shared line it is called for its neighbours' interrupts
too, and must not touch a card that is off.

Source of the faulty order: WinDDK 7600 general/pcidrv/wdm, POWER.C, hw/nic_pm.c and hw/isrdpc.c.
"""

from dirql.model.wdk import *


class E100(Device):
    """The card: a level line, one cause bit, one mask bit."""

    cause = Bit(0)
    masked = Bit(1)

    def line(self):
        return self.cause and not self.masked

    def abort_receive_unit(self):
        self.cause = 1

    @hardware
    def packet_arrives(self):
        self.cause = 1


class Power(IntEnum):
    PowerDeviceD0 = 1
    PowerDeviceD3 = 4


class Pcidrv(Driver):
    nic = E100(Line(irql=7, mode=LevelSensitive))
    Interrupt = PKINTERRUPT()
    DevicePowerState = Enum(Power.PowerDeviceD3)

    def NICAllocateDeviceResources(self):
        self.DevicePowerState = Power.PowerDeviceD0
        status = IoConnectInterrupt(self.Interrupt, self.NICInterruptHandler)
        if not NT_SUCCESS(status):
            return status
        self.nic.masked = 0
        return STATUS_SUCCESS

    def NICInterruptHandler(self, Interrupt, ServiceContext):
        if self.DevicePowerState > Power.PowerDeviceD0:
            return FALSE
        if self.nic.masked or not self.nic.cause:
            return FALSE
        self.nic.cause = 0
        return TRUE

    def MPSetPowerLowPrivate(self, Context):
        self.nic.masked = 1
        self.nic.cause = 0
        self.DevicePowerState = Power.PowerDeviceD3
        return TRUE

    def MPSetPowerLow(self):
        self.nic.abort_receive_unit()
        KeSynchronizeExecution(self.Interrupt, self.MPSetPowerLowPrivate)
        IoDisconnectInterrupt(self.Interrupt)
        self.Interrupt = NULL


scenario = Scenario(
    start=Pcidrv.NICAllocateDeviceResources,
    concurrently=[Pcidrv.MPSetPowerLow],
    processors=[1, 2],
    expect={1: Holds(states=182), 2: Holds(states=600)},
)
