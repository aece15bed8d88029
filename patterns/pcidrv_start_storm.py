"""pcidrv, WDM (P4): the card is unmasked at start while the power state still says D3.

The service routine declines every interrupt while DevicePowerState is above D0, and D3 is what the
device starts from. NICAllocateDeviceResources connects the interrupt and unmasks the card; only
after it has returned does its caller store D0. A packet that arrives in between finds a connected,
live service routine that says "not mine". The level line stays asserted and fires again at once.

Source: WinDDK 7600 general/pcidrv/wdm, PCIDRV.C, hw/nic_init.c and hw/isrdpc.c.

The receive work and the DPC play no part and are left out: the service routine here only
acknowledges. In the trace, the packet comes between the unmask and the store of D0. No second
processor and no second thread is needed.
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
        status = self.NICAllocateDeviceResources()
        if not NT_SUCCESS(status):
            return status
        self.DevicePowerState = Power.PowerDeviceD0
        return STATUS_SUCCESS

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
    expect={
        1: Violated("unclaimed-level-interrupt", steps=9, states=58),
        2: Violated("unclaimed-level-interrupt", steps=9, states=110),
    },
)
