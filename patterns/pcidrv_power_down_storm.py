"""pcidrv, WDM (P3): the power state says D3 before the card is masked, and the ISR believes it.

The service routine declines every interrupt once DevicePowerState is above D0. Power-down stores
D3 first and masks the card later; in between it even tells the receive unit to abort, which, as a
remark in the driver says, raises an interrupt. That interrupt is the card's own, and nobody claims
it: the level line stays asserted and fires again at once. On one processor the thread that was
about to mask the card never runs again.

Source: WinDDK 7600 general/pcidrv/wdm, POWER.C, hw/nic_pm.c and hw/isrdpc.c.

The receive work and the DPC play no part and are left out: the service routine here only
acknowledges. In the trace, the service routine reads D3 and returns FALSE while the card asserts
its line from acceptance to the end. One processor is enough.
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
        return TRUE

    def MPSetPowerLow(self):
        self.DevicePowerState = Power.PowerDeviceD3
        self.nic.abort_receive_unit()
        KeSynchronizeExecution(self.Interrupt, self.MPSetPowerLowPrivate)
        IoDisconnectInterrupt(self.Interrupt)
        self.Interrupt = NULL


scenario = Scenario(
    start=Pcidrv.NICAllocateDeviceResources,
    concurrently=[Pcidrv.MPSetPowerLow],
    processors=[1, 2],
    expect={
        1: Violated("unclaimed-level-interrupt", steps=11, states=84),
        2: Violated("unclaimed-level-interrupt", steps=11, states=220),
    },
)
