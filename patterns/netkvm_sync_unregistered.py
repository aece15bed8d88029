"""virtio-win NetKVM: the error path synchronises with an interrupt that was never registered.

ParaNdis_CleanupContext undoes whatever ParaNdis_InitializeContext has done so far; both the halt of
the adapter and a failed start call it. An earlier fix made it reset the device in step with the
service routine, so that none runs while the device is taken away.

Bug: when the start fails before the interrupt is registered, or because it cannot be, the interrupt
handle is still NULL and the clean-up synchronises with it all the same. The fix for a race at halt
broke the failed start.

Source: virtio-win/kvm-guest-drivers-windows: commit 796f64ae, which repairs 5f65ea36.

NdisMRegisterInterruptEx and NdisMSynchronizeWithInterruptEx are NDIS's names for connecting and for
KeSynchronizeExecution. The trace is two steps long: there was no memory, and the clean-up is the
first thing the driver does.
"""

from dirql.model.wdk import *


class VirtioNet(Device):
    """The card: a status bit that is cleared when read, silent until the driver says DRIVER_OK."""

    driver_ok = Bit(0)
    isr_status = Bit(0)

    def line(self):
        return self.isr_status

    @hardware
    def packet_arrives(self):
        if self.driver_ok:
            self.isr_status = 1

    def read_isr_status(self):
        status = self.isr_status
        self.isr_status = 0
        return status

    def reset(self):
        self.driver_ok = 0
        self.isr_status = 0


class NetKvm(Driver):
    net = VirtioNet(Line(irql=7, mode=LevelSensitive))
    InterruptHandle = PKINTERRUPT()
    InterruptDpc = KDPC()

    def ParaNdis6_Initialize(self):
        status = self.ParaNdis_InitializeContext()
        if not NT_SUCCESS(status):
            self.ParaNdis_CleanupContext()
        return status

    def ParaNdis_InitializeContext(self):
        shared_memory_is_there = choose(0, 1)
        if not shared_memory_is_there:
            return STATUS_INSUFFICIENT_RESOURCES
        KeInitializeDpc(self.InterruptDpc, self.MiniportInterruptDPC)
        status = IoConnectInterrupt(self.InterruptHandle, self.MiniportInterrupt)
        if not NT_SUCCESS(status):
            return status
        self.net.driver_ok = 1
        return STATUS_SUCCESS

    def MiniportInterrupt(self, Interrupt, ServiceContext):
        if not self.net.read_isr_status():
            return FALSE
        KeInsertQueueDpc(self.InterruptDpc)
        return TRUE

    def MiniportInterruptDPC(self, Dpc, DeferredContext):
        pass

    def ParaNdis_CleanupContext(self):
        KeSynchronizeExecution(self.InterruptHandle, self.SynchronizedReset)
        if self.InterruptHandle:
            IoDisconnectInterrupt(self.InterruptHandle)
            self.InterruptHandle = NULL

    def SynchronizedReset(self, SynchronizeContext):
        self.net.reset()
        return TRUE

    def ParaNdis6_Halt(self):
        self.ParaNdis_CleanupContext()
        KeFlushQueuedDpcs()


scenario = Scenario(
    start=NetKvm.ParaNdis6_Initialize,
    concurrently=[NetKvm.ParaNdis6_Halt],
    processors=[1, 2],
    expect={
        1: Violated("synchronize-on-dead-interrupt", steps=2, states=6),
        2: Violated("synchronize-on-dead-interrupt", steps=2, states=6),
    },
)
