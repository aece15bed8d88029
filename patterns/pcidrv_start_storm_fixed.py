"""pcidrv, WDM (P4), repaired: the power state is true before the service routine can read it.

The store of D0 moves before the connect call. Until then nobody else can run in the driver, so the
store needs no lock; from then on the service routine finds D0 whenever it is called, and claims
what the card asserts. A device that is being started is in D0 already, so nothing is claimed
too early.

Source of the faulty order: WinDDK 7600 general/pcidrv/wdm, PCIDRV.C, hw/nic_init.c and
hw/isrdpc.c.
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
    Interrupt = PKINTERRUPT()
    DevicePowerState = Enum(Power.PowerDeviceD3)

    def PciDrvStartDevice(self):
        self.DevicePowerState = Power.PowerDeviceD0
        return self.NICAllocateDeviceResources()

    def NICAllocateDeviceResources(self):
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


scenario = Scenario(
    start=Pcidrv.PciDrvStartDevice,
    processors=[1, 2],
    expect={1: Holds(states=68), 2: Holds(states=120)},
)
